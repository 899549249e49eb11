from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_checks import ranked_values
from data_checks.ranked_values import RankedValues
from data_checks.value_runs import ValueRun, keys_of

SPECIAL = [0.0, -0.0, 1.0, -1.0, 5e-324, -5e-324, float(np.finfo(np.float64).max), np.inf, -np.inf]
NUMBERS = st.one_of(st.sampled_from(SPECIAL), st.integers(-4, 4).map(float), st.floats(allow_nan=False))
#: Values, and the run that each is in.
PAIRS = st.lists(st.tuples(NUMBERS, st.integers(0, 4)), max_size=60)
QUERIES = st.lists(NUMBERS, min_size=1, max_size=20)


def shared_out(pairs: list[tuple[float, int]]) -> tuple[RankedValues, np.ndarray]:
    """The values over five runs, some of them empty; and all in order."""
    parts = [np.array([value for value, at in pairs if at == run], np.float64) for run in range(5)]
    runs = [np.sort(keys_of(part, "float")) for part in parts]
    return RankedValues(runs), np.sort(np.array([value for value, _ in pairs], np.float64))


@given(PAIRS, QUERIES)
def test_how_many_are_below_is_numpys_search_in_all_values(pairs: list[tuple[float, int]], asked: list[float]) -> None:
    values, ordered = shared_out(pairs)
    queries = np.array(asked)
    assert len(values) == len(ordered)
    assert values.below(queries).tolist() == np.searchsorted(ordered, queries, "left").tolist()
    assert values.up_to(queries).tolist() == np.searchsorted(ordered, queries, "right").tolist()


@given(PAIRS)
def test_the_value_at_each_rank_is_numpys_sorted_array(pairs: list[tuple[float, int]]) -> None:
    values, ordered = shared_out(pairs)
    assert values.at_ranks(np.arange(len(ordered))).tolist() == ordered.tolist()
    backwards = np.arange(len(ordered))[::-1]
    assert values.at_ranks(backwards).tolist() == ordered[backwards].tolist()


@given(PAIRS)
def test_the_finite_ranks_are_those_of_finite_values(pairs: list[tuple[float, int]]) -> None:
    values, ordered = shared_out(pairs)
    first, stop = values.finite_ranks()
    assert ordered[first:stop].tolist() == ordered[np.isfinite(ordered)].tolist()


@given(PAIRS, NUMBERS, NUMBERS)
def test_the_values_between_two_are_those_of_numpy(pairs: list[tuple[float, int]], one: float, other: float) -> None:
    values, ordered = shared_out(pairs)
    start, stop = sorted((one, other))
    inside = ordered[(ordered >= start) & (ordered < stop)]
    assert np.sort(values.between(start, stop)).tolist() == inside.tolist()


@given(PAIRS, QUERIES, st.permutations(range(5)))
def test_no_answer_depends_on_how_the_values_are_shared_out(
    pairs: list[tuple[float, int]], asked: list[float], order: list[int]
) -> None:
    queries = np.array(asked)
    one, _ = shared_out(pairs)
    other, _ = shared_out([(value, order[at]) for value, at in pairs])
    whole = RankedValues.of_values(np.array([value for value, _ in pairs], np.float64))
    ranks = np.arange(len(pairs))
    for values in (one, other):
        assert values.below(queries).tolist() == whole.below(queries).tolist()
        assert values.at_ranks(ranks).tobytes() == whole.at_ranks(ranks).tobytes()
        assert values.finite_ranks() == whole.finite_ranks()


def test_minus_zero_is_zero_on_both_sides_of_a_question() -> None:
    values = RankedValues.of_values(np.array([-0.0, 0.0, -1.0]))
    assert values.below(np.array([-0.0, 0.0])).tolist() == [1, 1]
    assert values.up_to(np.array([-0.0, 0.0])).tolist() == [3, 3]
    assert str(values.at_ranks(np.array([1]))[0]) == "0.0"


def test_no_values_have_no_ranks() -> None:
    for values in (RankedValues([]), RankedValues.of_values(np.zeros(0)), RankedValues.of_files([])):
        assert (len(values), values.finite_ranks()) == (0, (0, 0))
        assert values.at_ranks(np.zeros(0, np.int64)).tolist() == []
        assert values.below(np.array([1.0])).tolist() == [0]
        assert values.between(-np.inf, np.inf).tolist() == []


def test_infinite_values_alone_have_no_finite_rank() -> None:
    assert RankedValues.of_values(np.array([np.inf, -np.inf, -np.inf])).finite_ranks() == (2, 2)


@pytest.mark.parametrize("ranks", [[-1], [3], [0, 7]])
def test_a_rank_beyond_the_ends_is_named(ranks: list[int]) -> None:
    for runs in ([np.array([1.0, 2.0, 3.0])], [np.array([1.0]), np.array([2.0, 3.0])]):
        values = RankedValues([keys_of(run, "float") for run in runs])
        with pytest.raises(IndexError, match=f"ranks {min(ranks)} to {max(ranks)} of 3 values"):
            values.at_ranks(np.array(ranks))


def written(folder: Path, parts: list[np.ndarray]) -> list[Path]:
    paths = []
    for unit, part in enumerate(parts):
        run = ValueRun("float")
        run.add(part)
        path = run.write(folder, unit, "a")
        if path is not None:
            paths.append(path)
    return paths


def test_files_give_the_answers_of_memory(tmp_path: Path, rng: np.random.Generator) -> None:
    values = np.concatenate([np.round(rng.normal(size=5_000), 2), [np.inf, -np.inf, -0.0]])
    files = RankedValues.of_files(written(tmp_path, np.array_split(values, 9)))
    ordered, queries = np.sort(values), rng.normal(size=500)
    assert files.at_ranks(np.arange(len(values))).tolist() == ordered.tolist()
    assert files.below(queries).tolist() == np.searchsorted(ordered, queries).tolist()
    assert files.finite_ranks() == (1, len(values) - 1)


def test_a_unit_without_values_has_no_file(tmp_path: Path) -> None:
    files = RankedValues.of_files(written(tmp_path, [np.zeros(0), np.array([2.0, 1.0]), np.zeros(0)]))
    assert files.at_ranks(np.array([0, 1])).tolist() == [1.0, 2.0]


def test_more_files_than_may_be_mapped_give_the_same_answers(tmp_path: Path, rng: np.random.Generator) -> None:
    values = np.round(rng.normal(size=3_000), 1)
    paths = written(tmp_path, np.array_split(values, 300))
    assert len(paths) == 300 > ranked_values._MAPPED
    many, few = RankedValues.of_files(paths), RankedValues.of_files(written(tmp_path / "few", [values]))
    ranks, queries = np.arange(3_000), np.unique(values)
    assert many.at_ranks(ranks).tolist() == few.at_ranks(ranks).tolist() == np.sort(values).tolist()
    assert many.up_to(queries).tolist() == few.up_to(queries).tolist()


def test_files_up_to_the_limit_are_mapped_and_not_read(tmp_path: Path, rng: np.random.Generator) -> None:
    """A search touches some pages of each file; its values are not held in memory."""
    paths = written(tmp_path, [rng.normal(size=200_000) for _ in range(10)])
    tracemalloc.start()
    files = RankedValues.of_files(paths)
    files.at_ranks(np.arange(0, 2_000_000, 2_000))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1_000_000  # of 16 MB


def test_a_thousand_ranks_of_many_values_are_numpys_quantiles(rng: np.random.Generator) -> None:
    values = rng.lognormal(size=200_003)
    runs = RankedValues([np.sort(keys_of(part, "float")) for part in np.array_split(values, 7)])
    ranks = np.linspace(0, len(values) - 1, 1_001).astype(np.int64)
    expected = np.quantile(values, ranks / (len(values) - 1), method="nearest")
    assert runs.at_ranks(ranks).tolist() == expected.tolist()
