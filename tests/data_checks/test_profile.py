from __future__ import annotations

import json
import math
import pickle
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from data_checks.categories import CATEGORY_CAP, CategoryTable, KnownCounts
from data_checks.columns import BatchColumns
from data_checks.histogram import UNIT_EDGES, bin_counts
from data_checks.profile import Profile, ProfileColumn, profile_columns
from data_checks.reference import ReferenceProfile
from data_checks.reference_build import build_column, build_score
from data_checks.score_profile import ScoreColumn
from schemas.contract import Column, TableContract

GOLDEN = Path(__file__).parents[1] / "golden" / "profile.json"
COLUMNS = (
    ProfileColumn("x", "numeric"),
    ProfileColumn("c", "categorical"),
    ProfileColumn("b", "categorical"),
    ProfileColumn("when", "temporal"),
    ProfileColumn("raw", "opaque"),
)
SCORES = (ScoreColumn("p", "probability", "late"), ScoreColumn("minutes", "number", "delay"))
REFERENCE_X = np.arange(1_000.0)


def reference() -> ReferenceProfile:
    values = {
        "x": pa.array(REFERENCE_X),
        "c": pa.array(["a"] * 600 + ["b"] * 399 + [None]),
        "b": pa.array([True, False] * 500),
        "when": pa.array([0] * 1_000, pa.timestamp("us")),
        "raw": pa.array([b"x"] * 1_000),
    }
    scores = np.linspace(0, 1, 1_000)
    return ReferenceProfile(
        contract_digest="c",
        rows=1_000,
        columns=tuple(build_column(column.name, column.kind, values[column.name]) for column in COLUMNS),
        scores=(
            build_score("p", "probability", "late", scores),
            build_score("minutes", "number", "delay", 60 * scores),
        ),
    )


def batch(rng: np.random.Generator, rows: int = 200) -> pa.RecordBatch:
    x = rng.normal(500, 300, rows).astype(object)
    x[rng.random(rows) < 0.1] = None
    x[rng.random(rows) < 0.1] = np.nan
    categories = rng.choice(np.array(["a", "b", "new", None], dtype=object), rows)
    return pa.record_batch(
        {
            "x": pa.array(x.tolist(), pa.float64()),
            "c": pa.array(categories.tolist()).dictionary_encode(),
            "b": pa.array(rng.random(rows) < 0.3),
            "when": pa.array(rng.integers(0, 10**15, rows), pa.timestamp("us")),
            "raw": pa.array([None] + [b"y"] * (rows - 1)),
        }
    )


def counted(profile: Profile, *batches: pa.RecordBatch) -> Profile:
    for rows in batches:
        columns = BatchColumns(rows)
        profile.add_conformed(columns)
        profile.add_scored(columns)
        scores = np.clip(columns.numbers("x") / 1_000, 0, 1)
        profile.add_scores("p", np.nan_to_num(scores))
        profile.add_scores("minutes", scores)
    return profile


def empty(*, with_reference: bool = True) -> Profile:
    return Profile.empty(reference() if with_reference else None, COLUMNS, SCORES)


def test_presence_range_and_outside_are_counted_over_every_conformed_row() -> None:
    rows = pa.record_batch(
        {
            "x": pa.array([None, float("nan"), -5.0, 0.0, 999.0, 1_500.0, float("inf"), 7.0]),
            "c": pa.array(["a", "new", None, "b", "new", "a", "other", "a"]),
            "b": pa.array([True, False, None, True, True, True, True, True]),
            "when": pa.array([1, 2, 3, None, 5, 6, 7, 8], pa.timestamp("us")),
            "raw": pa.array([b"x"] * 7 + [None]),
        }
    )
    profile = empty()
    profile.add_conformed(BatchColumns(rows))
    x, c = profile.columns["x"].presence, profile.columns["c"]
    assert (x.rows, x.nulls, x.nans, x.infinite, x.minimum, x.maximum, x.outside) == (8, 1, 1, 1, -5.0, 1_500.0, 3)
    assert (c.presence.nulls, c.presence.outside) == (1, 3)
    assert c.unseen is not None
    assert c.unseen.counts == {"new": 2, "other": 1}
    assert (profile.columns["when"].presence.minimum, profile.columns["when"].presence.nulls) == (1.0, 1)
    assert profile.columns["raw"].presence.nulls == 1
    assert profile.rows_scored == 0


def test_bins_categories_and_moments_are_counted_over_the_scored_rows(rng: np.random.Generator) -> None:
    rows = batch(rng)
    profile = counted(empty(), rows)
    x, c, b = (profile.columns[name] for name in "xcb")
    present = np.array([value for value in rows["x"].to_pylist() if value is not None and not math.isnan(value)])
    assert x.histogram is not None
    assert x.histogram.counts.tolist() == bin_counts(present, x.histogram.grid.edges).tolist()
    assert x.moments is not None
    assert x.moments.mean == pytest.approx(present.mean(), rel=1e-14)
    words = rows["c"].to_pylist()
    assert c.known == KnownCounts(("a", "b"), np.array([words.count("a"), words.count("b")]), words.count("new"))
    assert c.scored_missing == words.count(None)
    assert b.known is not None
    assert sum(b.known.counts) == 200


def test_scores_are_counted_on_the_grid_which_holds_deciles_of_the_reference_and_twenty_equal_bins(
    rng: np.random.Generator,
) -> None:
    profile = empty()
    values = rng.random(500)
    profile.add_scores("p", values)
    p, facts = profile.scores["p"], reference().scores[0].numeric
    assert p.histogram is not None
    assert facts is not None
    grid, counts = p.histogram.grid, p.histogram.counts
    assert grid.onto(counts, UNIT_EDGES).tolist() == np.histogram(values, bins=20, range=(0, 1))[0].tolist()
    assert grid.onto(counts, facts.edges).tolist() == bin_counts(values, facts.edges).tolist()
    assert (p.rows, int(counts.sum()), p.minimum, p.maximum) == (500, 500, values.min(), values.max())


def test_scores_in_any_order_are_counted_alike(rng: np.random.Generator) -> None:
    values = rng.random(500)
    profile, other = empty(), empty()
    profile.add_scores("p", values)
    other.add_scores("p", np.sort(values))
    assert profile.scores["p"].histogram == other.scores["p"].histogram


def test_a_score_of_nan_is_missing() -> None:
    profile = empty()
    profile.add_scores("minutes", np.array([1.0, np.nan]))
    assert (profile.scores["minutes"].rows, profile.scores["minutes"].missing) == (2, 1)


def test_without_a_reference_there_are_moments_and_categories_but_no_bins(rng: np.random.Generator) -> None:
    profile = counted(empty(with_reference=False), batch(rng))
    x, c = profile.columns["x"], profile.columns["c"]
    assert (profile.reference, x.histogram, c.known, c.unseen, x.presence.outside) == (None, None, None, None, 0)
    assert x.moments is not None
    assert x.moments.count > 0
    assert c.table is not None
    assert set(c.table.counts) == {"a", "b", "new"}
    assert profile.scores["p"].histogram is None
    assert profile.scores["p"].moments.count == 200


@pytest.mark.parametrize("with_reference", [True, False])
def test_any_order_and_tree_of_merging_gives_the_same_state(rng: np.random.Generator, with_reference: bool) -> None:  # noqa: FBT001
    parts = [counted(empty(with_reference=with_reference), batch(rng, rows)) for rows in (1, 50, 200, 7)]
    forward, backward = empty(with_reference=with_reference), empty(with_reference=with_reference)
    for part in parts:
        forward.merge(part)
    for part in reversed(parts):
        backward.merge(part)
    left, right = parts[0], parts[2]
    left.merge(parts[1])
    right.merge(parts[3])
    left.merge(right)
    assert forward == backward == left
    assert json.dumps(forward.to_json()) == json.dumps(backward.to_json())


def test_batches_one_after_another_are_the_same_as_profiles_merged(rng: np.random.Generator) -> None:
    batches = [batch(rng, rows) for rows in (100, 30)]
    merged = counted(empty(), batches[0])
    merged.merge(counted(empty(), batches[1]))
    assert merged == counted(empty(), *batches)


def test_empty_is_the_identity_and_merge_leaves_the_other_alone(rng: np.random.Generator) -> None:
    profile, copy = counted(empty(), batch(rng)), pickle.loads(pickle.dumps(empty()))  # noqa: S301  # our own bytes
    before = json.dumps(profile.to_json())
    copy.merge(profile)
    assert copy == profile
    profile.merge(empty())
    assert json.dumps(profile.to_json()) == before


@pytest.mark.parametrize("with_reference", [True, False])
def test_json_and_pickle_restore_a_profile_that_can_go_on(rng: np.random.Generator, with_reference: bool) -> None:  # noqa: FBT001
    profile = counted(empty(with_reference=with_reference), batch(rng))
    text = json.dumps(profile.to_json(), allow_nan=False)
    again = Profile.from_json(json.loads(text), reference() if with_reference else None)
    pickled = pickle.loads(pickle.dumps(profile))  # noqa: S301  # our own bytes
    assert profile == again == pickled
    more = batch(rng)
    assert counted(again, more) == counted(pickled, more) == counted(profile, more)


def test_the_json_has_its_agreed_shape() -> None:
    rows = pa.record_batch(
        {
            "x": pa.array([1.0, None, float("nan"), 2_000.0]),
            "c": pa.array(["a", "new", None, "b"]),
            "b": pa.array([True, False, None, True]),
            "when": pa.array([1, 2, 3, None], pa.timestamp("us")),
            "raw": pa.array([b"x", b"y", b"z", None]),
        }
    )
    found, agreed = counted(empty(), rows).to_json(), json.loads(GOLDEN.read_text())
    assert {key: found[key] for key in agreed} == agreed


def test_something_else_is_not_taken_for_a_profile() -> None:
    with pytest.raises(ValueError, match="not a profile of version 2: format 'x', version None"):
        Profile.from_json({"format": "x"}, None)


@pytest.mark.parametrize("with_reference", [True, False])
def test_the_json_of_a_profile_on_other_bins_is_refused(with_reference: bool) -> None:  # noqa: FBT001
    raw = empty(with_reference=with_reference).to_json()
    other = ReferenceProfile(contract_digest="d", rows=0)
    for wrong in (other, None if with_reference else reference()):
        with pytest.raises(ValueError, match="counted on the bins of another reference"):
            Profile.from_json(raw, wrong)


@pytest.mark.parametrize("part", ["columns", "scores"])
def test_a_histogram_whose_edges_the_reference_lacks_is_refused(part: str) -> None:
    other = ReferenceProfile(contract_digest="d", rows=0)
    raw = empty().to_json() | {"reference": other.digest}
    raw = {**raw, "columns": [], "scores": [], part: raw[part]}
    with pytest.raises(ValueError, match="histogram needs the edges of a reference"):
        Profile.from_json(raw, other)


def test_profiles_on_different_references_cannot_be_merged() -> None:
    with pytest.raises(ValueError, match="on another reference cannot be merged"):
        empty().merge(empty(with_reference=False))


def test_the_pickled_size_does_not_grow_with_the_rows(rng: np.random.Generator) -> None:
    small = counted(empty(), batch(rng, 100))
    large = counted(empty(), *(batch(rng, 1_000) for _ in range(10)))
    assert len(pickle.dumps(large)) < 1.1 * len(pickle.dumps(small))


def test_minus_zero_and_zero_give_the_same_range_in_any_order() -> None:
    def of(*values: float) -> str:
        profile = Profile.empty(None, [ProfileColumn("x", "numeric")])
        for value in values:
            profile.add_conformed(BatchColumns(pa.record_batch({"x": pa.array([value])})))
        return json.dumps(profile.to_json())

    assert of(-0.0, 0.0) == of(0.0, -0.0)


def test_the_kinds_come_from_the_contract() -> None:
    types = {
        "a": "int32",
        "b": "bool",
        "c": "string",
        "d": "date",
        "e": "timestamp[UTC]",
        "f": "binary",
        "g": "decimal(5,2)",
    }
    columns = tuple(Column(name=name, type=logical) for name, logical in types.items())
    contract = TableContract(columns=(*columns, Column(name="id", type="int64", role="key")))
    kinds = {column.name: column.kind for column in profile_columns(contract)}
    numbers, words, times = ("numeric", "categorical", "temporal")
    assert kinds == {"a": numbers, "b": words, "c": words, "d": times, "e": times, "f": "opaque", "g": numbers}


# ---------------------------------------------------------------------------------------------------------- categories


def test_a_table_past_its_cap_is_dropped_whatever_the_order() -> None:
    def table(*names: str) -> CategoryTable:
        found = CategoryTable(cap=3)
        found.add(names, [1] * len(names))
        return found

    one, other = table("a", "b"), table("c", "d")
    one.merge(other)
    assert (one.overflow, one.counts, one.total) == (True, {}, 4)
    late = table("a")
    late.merge(one)
    assert (late.overflow, late.counts, late.total) == (True, {}, 5)
    kept = table("a", "b", "c")
    kept.merge(table("a"))
    assert (kept.overflow, kept.counts["a"], kept.total) == (False, 2, 4)


def test_a_column_of_ten_thousand_names_overflows_but_keeps_its_total() -> None:
    profile = Profile.empty(None, [ProfileColumn("c", "categorical")])
    rows = BatchColumns(pa.record_batch({"c": pa.array([f"name-{number}" for number in range(10_000)])}))
    profile.add_scored(rows)
    table = profile.columns["c"].table
    assert table is not None
    assert (table.overflow, table.counts, table.total, table.cap) == (True, {}, 10_000, CATEGORY_CAP)


def test_categories_of_the_reference_are_counted_past_any_cap_and_only_new_ones_are_capped() -> None:
    known = pa.array(["a", "b"] * 10)
    ref = ReferenceProfile(contract_digest="c", rows=20, columns=(build_column("c", "categorical", known),))
    profile = Profile.empty(ref, [ProfileColumn("c", "categorical")])
    rows = BatchColumns(pa.record_batch({"c": pa.array(["a", *(f"new-{number}" for number in range(2_000))])}))
    profile.add_conformed(rows)
    profile.add_scored(rows)
    column = profile.columns["c"]
    assert column.known == KnownCounts(("a", "b"), np.array([1, 0]), 2_000)
    assert column.unseen is not None
    assert (column.unseen.overflow, column.unseen.total, column.presence.outside) == (True, 2_000, 2_000)
