from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from data_checks import reference_file as module
from data_checks.column_profile import ColumnProfile
from data_checks.columns import BatchColumns
from data_checks.histogram import UNIT_EDGES
from data_checks.ranked_values import RankedValues
from data_checks.reference import NumericFacts, ReferenceColumn, ReferenceProfile, contract_digest, kind_of
from data_checks.reference_build import build_column, build_score, column_reference
from data_checks.reference_file import read_reference, write_reference
from data_checks.value_runs import ValueRun
from schemas.contract import Column, TableContract

GOLDEN = Path(__file__).parents[1] / "golden" / "reference_profile.json"


def small() -> ReferenceProfile:
    """A reference with every kind of column, from round numbers."""
    numbers = pa.array([*(float(value) for value in range(20)), None, float("nan")])
    zeros = pa.array([0.0] * 17 + [1.0, 2.0, 3.0, 4.0, float("inf")])
    words = pa.array(["a"] * 12 + ["b"] * 9 + [None]).dictionary_encode()
    columns = (
        build_column("numbers", "numeric", numbers, 4),
        build_column("zeros", "numeric", zeros, 4),
        build_column("words", "categorical", words, 4),
        build_column("flags", "categorical", pa.array([True, False] * 11), 4),
        build_column("when", "temporal", pa.array([None] + [5] * 21, pa.timestamp("us")), 4),
        build_column("nothing", "numeric", pa.nulls(22, pa.float64()), 4),
    )
    scores = (build_score("p", "probability", "late", np.arange(22) / 22, 4),)
    return ReferenceProfile(
        contract_digest="0" * 64, models={"late": "1" * 64}, rows=22, bins=4, columns=columns, scores=scores
    )


def test_the_file_has_its_agreed_shape(tmp_path: Path) -> None:
    write_reference(small(), tmp_path / "profile.json")
    assert (tmp_path / "profile.json").read_text() == GOLDEN.read_text()


def test_what_was_written_is_read_back(tmp_path: Path) -> None:
    write_reference(small(), tmp_path / "profile.json")
    assert read_reference(tmp_path / "profile.json", "0" * 64) == small()


def test_the_order_of_the_rows_does_not_matter(rng: np.random.Generator) -> None:
    numbers, words = rng.lognormal(size=5_000), rng.choice(["a", "b", "c"], 5_000)
    order = rng.permutation(5_000)
    for kind, values in (("numeric", numbers), ("categorical", words)):
        plain = build_column("x", kind, pa.array(values))  # type: ignore[arg-type]  # a Literal in a loop is a str
        chunks = [pa.array(part) for part in np.array_split(values[order], 3)]
        assert build_column("x", kind, pa.chunked_array(chunks)) == plain  # type: ignore[arg-type]  # as above


def test_numeric_facts_are_those_of_numpy(rng: np.random.Generator) -> None:
    values = rng.normal(1e6, 1, 4_000)
    facts = build_column("x", "numeric", pa.array(values)).numeric
    assert facts is not None
    assert (facts.minimum, facts.maximum) == (values.min(), values.max())
    assert facts.mean == pytest.approx(values.mean(), rel=1e-15)
    assert facts.sd == pytest.approx(values.std(ddof=1), rel=1e-12)
    assert facts.counts == (400,) * 10
    assert facts.counts == tuple(np.histogram(values, [-np.inf, *facts.edges, np.inf])[0].tolist())


def test_the_fine_grid_holds_the_bins_and_its_counts_and_tails_are_numpys(rng: np.random.Generator) -> None:
    values = rng.lognormal(size=30_000)
    facts = build_column("x", "numeric", pa.array(values)).numeric
    assert facts is not None
    assert facts.grid_counts == tuple(np.histogram(values, [-np.inf, *facts.grid_edges, np.inf])[0].tolist())
    assert set(facts.edges) <= set(facts.grid_edges)
    assert 1_000 <= len(facts.grid_counts) <= 1_010
    assert facts.low_mean == pytest.approx(values[values < facts.grid_edges[0]].mean(), rel=1e-14)
    assert facts.high_mean == pytest.approx(values[values >= facts.grid_edges[-1]].mean(), rel=1e-14)
    assert facts.grid is facts.grid
    assert not facts.unit


def test_a_probability_has_the_twenty_equal_bins_in_its_grid_and_a_number_has_not(rng: np.random.Generator) -> None:
    scores = rng.beta(2, 5, 5_000)
    probability, number = (build_score("p", kind, "m", scores).numeric for kind in ("probability", "number"))
    assert probability is not None
    assert number is not None
    assert probability.unit
    assert not number.unit
    assert probability.onto(UNIT_EDGES) == tuple(np.histogram(scores, 20, (0, 1))[0].tolist())
    assert probability.edges == number.edges
    assert probability.counts == number.counts
    with pytest.raises(ValueError, match="onto edges of the same grid only"):
        number.onto(UNIT_EDGES)


def test_more_bins_than_the_fine_grid_has_quantiles_are_in_it_all_the_same(rng: np.random.Generator) -> None:
    facts = build_column("x", "numeric", pa.array(rng.normal(size=20_000)), bins=50).numeric
    assert facts is not None
    assert (len(facts.counts), sum(facts.counts)) == (50, 20_000)


def test_a_nan_score_is_missing_and_an_infinite_one_is_in_an_outer_bin() -> None:
    score = build_score("m", "number", "m", np.array([np.nan, 1.0, 2.0, np.inf]), 2)
    assert (score.rows, score.nans, score.missing) == (4, 1, 1)
    assert score.numeric is not None
    assert (score.numeric.infinite, score.numeric.grid_counts[-1], score.numeric.high_mean) == (1, 1, None)


def test_infinite_values_alone_have_one_bin_and_no_facts() -> None:
    facts = build_column("x", "numeric", pa.array([np.inf, -np.inf, np.nan])).numeric
    assert facts == NumericFacts(infinite=2, grid_counts=(2,))


def test_files_of_sorted_values_give_the_reference_that_memory_gives(rng: np.random.Generator, tmp_path: Path) -> None:
    """As `nightscore profile` makes it: a run of values for each unit, a profile that was merged."""
    values = np.where(rng.random(9_000) < 0.3, 0.0, rng.normal(size=9_000))
    paths, profile = [], ColumnProfile.empty("x", "numeric", None)
    for unit, part in enumerate(np.array_split(values, [10, 4_000, 8_999])):
        run, one = ValueRun("float"), ColumnProfile.empty("x", "numeric", None)
        columns = BatchColumns(pa.record_batch({"x": part}))
        one.add_conformed(columns)
        one.add_scored(columns)
        run.add(part)
        profile.merge(one)
        paths.append(run.write(tmp_path, unit, "a"))
    files = RankedValues.of_files([path for path in paths if path is not None])
    found, expected = column_reference(profile, files), build_column("x", "numeric", pa.array(values))
    assert found.numeric is not None
    assert expected.numeric is not None
    moments = ("mean", "sd")  # rounded within each batch, and the batches differ
    assert found.numeric.model_dump(exclude={*moments}) == expected.numeric.model_dump(exclude={*moments})
    assert found.numeric.mean == pytest.approx(expected.numeric.mean, rel=1e-12)
    assert found.numeric.sd == pytest.approx(expected.numeric.sd, rel=1e-12)


def test_missing_is_null_or_nan_and_infinite_values_are_in_the_outer_bins() -> None:
    column = build_column("x", "numeric", pa.array([None, float("nan"), float("-inf"), 1.0, 2.0, float("inf")]), 2)
    assert (column.rows, column.nulls, column.nans, column.missing) == (6, 1, 1, 2)
    assert column.numeric is not None
    assert (column.numeric.infinite, column.numeric.minimum, column.numeric.maximum) == (2, 1.0, 2.0)
    assert (sum(column.numeric.counts), column.numeric.counts[0], column.numeric.counts[-1]) == (4, 2, 2)


def test_past_the_cap_the_rarest_categories_are_counted_together() -> None:
    names = [f"name-{number:04d}" for number in range(1_200) for _ in range(2 if number < 300 else 1)]
    facts = build_column("c", "categorical", pa.array(names)).categorical
    assert facts is not None
    assert (facts.distinct, len(facts.categories), facts.unlisted, facts.complete) == (1_200, 1_000, 200, False)
    assert facts.categories[0] == ("name-0000", 2)
    assert facts.present == 1_500


def test_a_dictionary_with_unused_or_repeated_words_is_counted_by_what_occurs() -> None:
    words = pa.DictionaryArray.from_arrays(pa.array([0, 2, 0], pa.int32()), pa.array(["a", "unused", "a"]))
    facts = build_column("c", "categorical", words).categorical
    assert facts is not None
    assert facts.categories == (("a", 3),)


def test_a_column_without_rows_has_a_reference() -> None:
    assert build_column("x", "numeric", pa.array([], pa.float64())).numeric == NumericFacts()
    empty = pa.chunked_array([], pa.dictionary(pa.int32(), pa.string()))
    assert build_column("c", "categorical", empty).rows == 0


@pytest.mark.parametrize(
    ("logical", "kind"),
    [
        ("bool", "categorical"),
        ("date", "temporal"),
        ("timestamp", "temporal"),
        ("decimal(5,2)", "numeric"),
        ("binary", "opaque"),
    ],
)
def test_every_logical_type_has_a_kind(logical: str, kind: str) -> None:
    assert kind_of(logical) == kind


def test_the_contract_digest_depends_on_the_names_and_types_of_the_features_alone() -> None:
    def digest(*columns: Column) -> str:
        return contract_digest(TableContract(columns=columns))

    x, c = Column(name="x", type="int32"), Column(name="c", type="string")
    assert digest(x, c) == digest(c, x) == digest(x, c, Column(name="id", type="int64", role="key"))
    assert digest(x, c) == digest(Column(name="x", type="int32", nullable=False, description="about x"), c)
    assert digest(x, c) != digest(Column(name="x", type="int64"), c)


# --------------------------------------------------------------------------- what cannot serve, and why: never silence


def reason(path: Path, contract: str | None = None) -> str:
    found = read_reference(path, contract)
    assert isinstance(found, str)
    assert found.startswith("the reference profile profile.json ")
    return found


@pytest.fixture
def written(tmp_path: Path) -> Path:
    path = tmp_path / "profile.json"
    write_reference(small(), path)
    return path


def test_a_missing_file_says_how_to_make_one(tmp_path: Path) -> None:
    assert "does not exist: make it with `nightscore profile`" in reason(tmp_path / "profile.json")


def test_a_folder_is_not_a_profile(tmp_path: Path) -> None:
    (tmp_path / "profile.json").mkdir()
    assert "cannot be read" in reason(tmp_path / "profile.json")


@pytest.mark.parametrize("share", [0.0, 0.3, 0.99])
def test_a_file_cut_off_anywhere_is_damaged(written: Path, share: float) -> None:
    content = written.read_bytes()
    written.write_bytes(content[: int(share * len(content))])
    assert "is not JSON, so it is damaged or cut off" in reason(written)


@pytest.mark.parametrize("content", [b"\x00\xff", b"[" * 100_000, b'{"format": '])
def test_bytes_that_are_not_json_are_damaged(written: Path, content: bytes) -> None:
    written.write_bytes(content)
    assert "is not JSON" in reason(written)


@pytest.mark.parametrize("content", ["[]", "3", "null", '{"format": "whylogs"}'])
def test_other_json_is_something_else(written: Path, content: str) -> None:
    written.write_text(content)
    assert "is something else: its `format` is not nightscore.reference" in reason(written)


def changed(path: Path, change: object) -> None:
    payload = json.loads(path.read_text())
    change(payload)  # type: ignore[operator]  # a lambda of the test
    path.write_text(json.dumps(payload))


def test_another_version_is_named(written: Path) -> None:
    changed(written, lambda payload: payload.update(version=1))
    assert "has version 1, and this nightscore reads version 2: make it anew with" in reason(written)


def test_a_changed_count_does_not_match_the_digest(written: Path) -> None:
    changed(written, lambda payload: payload["columns"][0].update(rows=23, nulls=2))
    assert "does not match its digest, so it was changed after it was made" in reason(written)


def test_a_missing_digest_does_not_match_either(written: Path) -> None:
    changed(written, lambda payload: payload.pop("digest"))
    assert "does not match its digest" in reason(written)


def test_counts_that_do_not_add_up_are_named(written: Path) -> None:
    changed(written, lambda payload: payload["columns"][0]["numeric"]["grid_counts"].__setitem__(1, 5))
    assert "is damaged: columns.0: Value error, column 'numbers': 24 values counted, 20 present" in reason(written)


def test_an_unknown_key_is_named(written: Path) -> None:
    changed(written, lambda payload: payload["columns"][0].update(colour="red"))
    assert "is damaged: columns.0.colour: Extra inputs are not permitted" in reason(written)


def test_nan_is_no_number_here(written: Path) -> None:
    written.write_text(written.read_text().replace('"mean":9.5', '"mean":NaN'))
    assert "is damaged, it holds a number that is not finite" in reason(written)


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"grid_edges": (2.0, 1.0), "grid_counts": (0, 0, 0)}, "the edges must ascend"),
        ({"grid_edges": (1.0, 2.0), "grid_counts": (0, 0, 0), "edges": (2.0, 1.0)}, "the edges must ascend"),
        ({"grid_edges": (1.0,), "grid_counts": (0, 0, 0)}, "3 counts for 1 edges: one count more than edges"),
        ({"grid_edges": (1.0,), "grid_counts": (-1, 1)}, "one count more than edges, none negative"),
        ({"grid_edges": (1.0,), "grid_counts": (1, 1), "edges": (1.5,)}, "must be among those of the fine grid"),
        ({"grid_edges": (0.5,), "grid_counts": (1, 1), "unit": True}, "must be among those of the fine grid"),
    ],
)
def test_edges_and_counts_that_do_not_fit_are_refused(facts: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        NumericFacts(**facts)  # type: ignore[arg-type]  # what a damaged file holds


def test_a_column_with_the_facts_of_another_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="column 'x' of kind categorical has the facts of another kind"):
        ReferenceColumn(name="x", kind="categorical", rows=0, numeric=NumericFacts())


def test_a_profile_of_another_contract_is_stale(written: Path) -> None:
    assert "is of another table contract" in reason(written, "2" * 64)


def test_a_file_over_the_size_limit_is_not_parsed(written: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_BYTES", 1_000)
    assert "has over 1,000 bytes" in reason(written)
