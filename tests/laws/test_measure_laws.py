"""What every measure must obey, so that a night's numbers do not depend on who counted which part of it, or when.

A measure folds batches (`add`), folds other measures (`merge`), and travels as strict JSON. A new one joins the suite
with one line in MEASURES.
"""

from __future__ import annotations

import importlib
import inspect
import json
import pickle
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, Self

import numpy as np
import pyarrow as pa
import pytest

import data_checks
from data_checks.calibration import Calibration
from data_checks.categories import CategoryTable
from data_checks.check_state import CheckState
from data_checks.checks import Checks
from data_checks.columns import BatchColumns
from data_checks.decisions import DecisionProfile
from data_checks.exact_sum import ExactSum
from data_checks.expectations.batch_values import BatchValues
from data_checks.first_rows import FirstRows
from data_checks.impact import Explained, ImpactSums
from data_checks.moments import Moments
from data_checks.profile import Profile, profile_columns
from data_checks.reference import ReferenceProfile
from data_checks.reference_build import build_column, build_score
from data_checks.score_profile import ScoreColumn
from data_checks.slices import MISSING, OTHER, SliceProfile
from data_checks.tally import Tally
from data_checks.value_range import ValueRange
from schemas.contract import Column, TableContract
from schemas.job import Checks as CheckSettings
from schemas.suite import Expectation, Suite

CONTRACT = TableContract(
    columns=(
        Column(name="whole", type="int64"),
        Column(name="float", type="float64"),
        Column(name="text", type="string"),
        Column(name="wide", type="decimal(38,4)"),
    )
)


class Mergeable(Protocol):
    def merge(self, other: Any, /) -> None: ...
    def to_json(self) -> dict[str, Any]: ...
    @classmethod
    def from_json(cls, raw: Any, /) -> Self: ...


@dataclass(frozen=True)
class Measure:
    """How to make an empty one and how to fold a batch into it."""

    name: str
    empty: Callable[[], Mergeable]
    add: Callable[[Any, BatchColumns], object]
    #: Whether cutting the batches elsewhere gives the same bits, too; sums of floats round within a batch.
    any_cut: bool = True
    #: Where `from_json` needs more than the JSON.
    read: Callable[[Any], Mergeable] | None = None

    def of(self, *batches: BatchColumns) -> Mergeable:
        measure = self.empty()
        for batch in batches:
            self.add(measure, batch)
        return measure


def rule(kind: str, column: str, **kwargs: Any) -> Expectation:
    return Expectation(f"expect_column_{kind}", {"column": column, **kwargs}, "critical", f"{kind}:{column}", "warn")


def checks() -> Checks:
    rules = (
        rule("values_to_be_between", "whole", max_value=50),
        rule("values_to_match_regex", "text", regex="^a"),
        rule("values_to_be_unique", "whole"),
        rule("mean_to_be_between", "float", min_value=0),
        rule("max_to_be_between", "wide", min_value=0),
        rule("sum_to_be_between", "wide", min_value=0),
    )
    return Checks.compile(Suite("laws", rules), CONTRACT, CheckSettings())


def count_words(table: CategoryTable, batch: BatchColumns) -> None:
    words = batch.array("text").dictionary_decode().drop_null().value_counts()
    table.add(words.field("values").to_pylist(), words.field("counts").to_pylist())


def add_examples(first: FirstRows, batch: BatchColumns) -> None:
    """Random numbers stand in for the rows' places in the night: they ascend and do not repeat."""
    places = BatchValues(batch).values("whole")
    order = np.argsort(places)
    rows = batch.batch.take(pa.array(order))
    first.add(rows, ["text", "float"], places[order], places[order] % 3 == 0)


def add_outcomes(calibration: Calibration, batch: BatchColumns) -> None:
    """Random numbers made probabilities, some missing, and outcomes."""
    numbers = BatchValues(batch).values("whole")
    probabilities = np.where(numbers % 7 == 0, np.nan, (numbers % 51) / 50)
    calibration.add(probabilities, numbers % 3 == 0)


def add_slices(profile: SliceProfile, batch: BatchColumns) -> None:
    words, floats = batch.array("text").dictionary_decode(), batch.array("float").to_numpy(zero_copy_only=False)
    place = {value: number for number, value in enumerate(profile.values)}
    named = [place.get(MISSING if word is None else word, place[OTHER]) for word in words.to_pylist()]
    slices, bins = np.array(named, np.int64), np.where(np.isfinite(floats), floats > 1, -1)
    profile.add_rows(
        slices, {"whole": -batch.array("whole").is_null().to_numpy(zero_copy_only=False).astype(np.int8), "float": bins}
    )
    profile.add_scores(slices, "score", floats, bins)


def add_contributions(sums: ImpactSums, batch: BatchColumns) -> None:
    whole = BatchValues(batch).present("whole") / 2**60
    explained = Explained("p", "model", "sha", "margin", ("up", "down"))
    sums.add(explained, np.column_stack([whole, -whole]))
    sums.refuse("q", "other", f"reason {batch.num_rows % 3}")


def add_scored_rows(profile: Profile, batch: BatchColumns) -> None:
    profile.add_conformed(batch)
    profile.add_scored(batch)
    profile.add_scores("p", np.where(batch.numbers("float") > 0, 0.25, np.nan))


def reference() -> ReferenceProfile:
    rng = np.random.default_rng(1)
    words = pa.array(rng.choice(["a", "b", "c"], 2_000))
    numbers = {"whole": rng.normal(0, 2.0**62, 2_000), "float": rng.normal(0, 1e9, 2_000), "wide": rng.random(2_000)}
    columns = [build_column(name, "numeric", pa.array(values)) for name, values in numbers.items()]
    score = build_score("p", "probability", "m", rng.random(2_000))
    return ReferenceProfile(
        contract_digest="c", rows=2_000, columns=(*columns, build_column("text", "categorical", words)), scores=(score,)
    )


CHECKS = checks()
REFERENCE = reference()
SLICES = "text", ("a", "ab", OTHER, MISSING), {"whole": 1, "float": 2}, {"score": 2}
MEASURES = [
    Measure("Tally", Tally, lambda tally, batch: tally.add(batch.num_rows, batch.missing_count("whole"))),
    Measure("ValueRange of floats", ValueRange, lambda span, batch: span.add(batch.present_numbers("float"))),
    Measure("ValueRange of ticks", ValueRange, lambda span, batch: span.add(BatchValues(batch).present("wide"))),
    Measure("ExactSum", ExactSum, lambda total, batch: total.add(BatchValues(batch).present("whole"))),
    Measure("ExactSum of objects", ExactSum, lambda total, batch: total.add(BatchValues(batch).present("wide"))),
    Measure("Moments", Moments, lambda moments, batch: moments.add(batch.present_numbers("float")), any_cut=False),
    Measure("Calibration", lambda: Calibration(0.35), add_outcomes, any_cut=False),
    Measure("CategoryTable", CategoryTable, count_words),
    Measure("CategoryTable past its cap", lambda: CategoryTable(cap=2), count_words),
    Measure("SliceProfile", lambda: SliceProfile.empty(*SLICES), add_slices, any_cut=False),
    Measure(
        "DecisionProfile",
        lambda: DecisionProfile.empty("model", ("no", "yes"), 0.1),
        lambda decisions, batch: decisions.add_binary(batch.array("float").to_numpy(zero_copy_only=False)),
        any_cut=False,
    ),
    Measure("FirstRows", lambda: FirstRows(3), add_examples, any_cut=True),
    Measure("CheckState", CHECKS.new_state, lambda state, batch: CHECKS.judge(batch, state), any_cut=False),
    Measure("ImpactSums", ImpactSums, add_contributions, any_cut=False),
    Measure(
        "Profile",
        lambda: Profile.empty(None, profile_columns(CONTRACT)),
        lambda profile, batch: (profile.add_conformed(batch), profile.add_scored(batch)),
        any_cut=False,
        read=lambda raw: Profile.from_json(raw, None),
    ),
    Measure(
        "Profile on a reference",
        lambda: Profile.empty(REFERENCE, profile_columns(CONTRACT), [ScoreColumn("p", "probability", "m")]),
        add_scored_rows,
        any_cut=False,
        read=lambda raw: Profile.from_json(raw, REFERENCE),
    ),
]


def random_batches(rng: np.random.Generator, count: int = 5) -> list[BatchColumns]:
    """Batches of 0 to 60 rows with nulls, NaN, infinities, both zeros and numbers beyond 2**53."""
    return [cut(random_rows(rng, int(rng.integers(0, 60)))) for _ in range(count)]


def random_rows(rng: np.random.Generator, rows: int) -> pa.RecordBatch:
    def null() -> np.ndarray[Any, np.dtype[np.bool_]]:
        return rng.random(rows) < 0.2

    floats = rng.choice([0.1, -0.0, 0.0, 1e300, -1e-300, np.nan, np.inf, 1e9 + 0.1], rows)
    ticks = pa.array(rng.integers(-(10**18), 10**18, rows), mask=null()).cast(pa.decimal128(19, 0))
    words = rng.choice(["a", "ab", "b", "日本"], rows)
    return pa.record_batch(
        {
            "whole": pa.array(rng.integers(-(2**63), 2**63 - 1, rows), mask=null()),
            "float": pa.array(floats, mask=null()),
            "text": pa.array(words.tolist(), pa.string(), mask=null()).dictionary_encode(),
            "wide": ticks.cast(pa.decimal128(38, 4)),
        }
    )


def cut(batch: pa.RecordBatch, start: int = 0, length: int | None = None) -> BatchColumns:
    return BatchColumns(batch.slice(start, length))


def bits(measure: Mergeable) -> str:
    return json.dumps(measure.to_json(), sort_keys=True, allow_nan=False)


def merged(measure: Measure, *parts: Mergeable) -> Mergeable:
    whole = measure.empty()
    for part in parts:
        whole.merge(part)
    return whole


every_measure = pytest.mark.parametrize("measure", MEASURES, ids=lambda measure: measure.name)
some_seeds = pytest.mark.parametrize("seed", range(4))


@every_measure
def test_the_empty_measure_changes_nothing_on_either_side(measure: Measure, rng: np.random.Generator) -> None:
    found = measure.of(*random_batches(rng))
    assert bits(merged(measure, found, measure.empty())) == bits(merged(measure, measure.empty(), found)) == bits(found)
    assert bits(merged(measure, measure.empty(), measure.empty())) == bits(measure.empty())


@every_measure
@some_seeds
def test_order_and_grouping_of_merges_do_not_show_in_a_single_bit(measure: Measure, seed: int) -> None:
    rng = np.random.default_rng(seed)
    batches = random_batches(rng)
    whole = bits(measure.of(*batches))
    parts = [measure.of(batch) for batch in batches]
    assert bits(merged(measure, *parts)) == whole
    assert bits(merged(measure, *(parts[place] for place in rng.permutation(len(parts))))) == whole
    left = merged(measure, merged(measure, *parts[:2]), merged(measure, *parts[2:]))
    right = merged(measure, parts[0], merged(measure, parts[1], merged(measure, *parts[2:])))
    assert bits(left) == bits(right) == whole


@pytest.mark.parametrize("measure", [m for m in MEASURES if m.any_cut], ids=lambda measure: measure.name)
@some_seeds
def test_where_the_batches_are_cut_does_not_show(measure: Measure, seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = random_rows(rng, 120)
    place = int(rng.integers(0, 121))
    assert bits(measure.of(cut(rows, 0, place), cut(rows, place))) == bits(measure.of(cut(rows)))


@every_measure
def test_merging_leaves_the_right_side_as_it_was_and_shares_nothing_with_it(
    measure: Measure, rng: np.random.Generator
) -> None:
    left, right = (measure.of(*random_batches(rng)) for _ in range(2))
    before = bits(right)
    left.merge(right)
    assert bits(right) == before
    taken = bits(left)
    measure.add(right, random_batches(rng, 1)[0])
    measure.add(right, cut(random_rows(rng, 50)))
    assert bits(left) == taken


@every_measure
def test_it_survives_pickle_and_strict_json_and_can_go_on_from_there(
    measure: Measure, rng: np.random.Generator
) -> None:
    first, second = random_batches(rng), random_batches(rng)
    whole = bits(measure.of(*first, *second))
    for copy in (
        pickle.loads(pickle.dumps(measure.of(*first))),  # noqa: S301
        (measure.read or type(measure.empty()).from_json)(json.loads(bits(measure.of(*first)))),
    ):
        assert bits(copy) == bits(measure.of(*first))
        copy.merge(measure.of(*second))
        assert bits(copy) == whole


@every_measure
def test_its_size_does_not_grow_with_the_rows(measure: Measure, rng: np.random.Generator) -> None:
    rows = cut(random_rows(rng, 1000))
    one, many = measure.of(rows), measure.of(*[rows] * 50)
    assert len(bits(many)) < 1.1 * len(bits(one)) + 400  # each count has up to two digits more


def test_every_measure_that_merges_is_held_to_the_laws() -> None:
    """A new measure that nobody put to the laws is found by import; those with files or own suites are named."""
    elsewhere = {
        "KeyHashes": "tests/data_checks/test_uniqueness.py",
        "DistinctHashes": "tests/data_checks/test_distinct_hashes.py",
        "ValueRun": "tests/data_checks/test_value_runs.py",
        "FileMeasures": "tests/pipelines/test_suites_in_runs.py, in whole runs",
        "ValueCounts": "tests/laws/test_value_counts_laws.py",
        "OrderedSegments": "tests/laws/test_ordered_segments_laws.py",
        "DomainState": "as part of CheckState",
        "ScoreImpact": "as part of ImpactSums",
        "FloatSums": "as part of Calibration",
        **dict.fromkeys(
            ("Presence", "Histogram", "KnownCounts", "ColumnProfile", "ScoreProfile"), "as part of Profile"
        ),
    }
    found = set()
    for module in pkgutil.walk_packages(data_checks.__path__, "data_checks."):
        if "gx_" not in module.name:
            members = inspect.getmembers(importlib.import_module(module.name), inspect.isclass)
            found |= {name for name, kind in members if "merge" in vars(kind) and kind.__module__ == module.name}
    tested = {type(measure.empty()).__name__ for measure in MEASURES}
    assert found - set(elsewhere) <= tested
    assert set(elsewhere) <= found


def test_states_that_count_for_different_checks_do_not_merge() -> None:
    other = Checks.compile(None, CONTRACT, CheckSettings()).new_state()
    state: CheckState = CHECKS.new_state()
    with pytest.raises(ValueError, match="other checks cannot be merged"):
        state.merge(other)
