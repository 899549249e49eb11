from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_checks.grid import Grid
from data_checks.histogram import UNIT_EDGES, Histogram, bin_counts
from data_checks.quantile_cuts import quantile_cuts

VALUES = st.lists(st.one_of(st.integers(-5, 5).map(float), st.floats(-10, 10)), min_size=1, max_size=60)


def numpy_counts(values: np.ndarray, edges: tuple[float, ...]) -> list[int]:
    """numpy.histogram with open ends; its last bin is closed, and the last edge here is infinite."""
    counts, _ = np.histogram(values, bins=np.array([-np.inf, *edges, np.inf]))
    return [int(count) for count in counts]


def test_a_value_on_an_edge_belongs_to_the_bin_above_as_in_numpy() -> None:
    values = np.array([0.0, 1.0, 1.0, 1.5, 2.0, 3.0])
    assert bin_counts(values, (1.0, 2.0)).tolist() == [1, 3, 2] == numpy_counts(values, (1.0, 2.0))


def test_no_value_is_outside_not_even_an_infinite_one() -> None:
    assert bin_counts(np.array([-np.inf, -1e300, 0.5, 1e300, np.inf]), (0.0, 1.0)).tolist() == [2, 1, 2]


@given(VALUES, st.lists(st.integers(-5, 5).map(float), unique=True, min_size=1, max_size=8))
def test_counts_are_those_of_numpy(values: list[float], edges: list[float]) -> None:
    ordered = tuple(sorted(edges))
    assert bin_counts(np.array(values), ordered).tolist() == numpy_counts(np.array(values), ordered)


def test_many_edges_are_searched_and_give_the_same_counts(rng: np.random.Generator) -> None:
    values, edges = rng.integers(0, 200, 5_000).astype(float), tuple(map(float, range(0, 200, 2)))
    assert bin_counts(values, edges).tolist() == numpy_counts(values, edges)


def test_one_bin_without_edges_holds_everything() -> None:
    assert bin_counts(np.array([1.0, 2.0]), ()).tolist() == [2]


@given(VALUES, VALUES)
def test_merging_is_counting_all_at_once_in_any_order(one: list[float], other: list[float]) -> None:
    def counted(*batches: list[float]) -> Histogram:
        histogram = Histogram(Grid((-1.0, 0.0, 3.0)))
        for batch in batches:
            histogram.add(np.sort(np.array(batch)))
        return histogram

    forward, backward, right = counted(one), counted(other), counted(other)
    forward.merge(right)
    backward.merge(counted(one))
    assert forward == backward == counted(one + other)
    assert right == counted(other)


def test_other_edges_cannot_be_merged() -> None:
    with pytest.raises(ValueError, match="different edges"):
        Histogram(Grid((1.0,))).merge(Histogram(Grid((2.0,))))


@pytest.mark.parametrize("edges", [(1.0, 1.0), (2.0, 1.0), (1.0, float("nan"))])
def test_edges_must_ascend(edges: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="must ascend"):
        Histogram(Grid(edges))


def test_json_restores_the_histogram() -> None:
    histogram = Histogram(Grid(UNIT_EDGES))
    histogram.add(np.array([0.0, 0.05, 0.949, 1.0]))
    again = Histogram.from_json(json.loads(json.dumps(histogram.to_json(), allow_nan=False)), Grid(UNIT_EDGES))
    assert again == histogram
    assert (again.counts[0], again.counts[1], again.counts[18], again.counts[19]) == (1, 1, 1, 1)


# ------------------------------------------------------------------------------------------------------ choosing edges


def test_continuous_values_get_deciles(rng: np.random.Generator) -> None:
    values = np.sort(rng.normal(size=10_000))
    cuts = quantile_cuts(values, 10)
    assert cuts.atoms == ()
    assert bin_counts(values, cuts.edges).tolist() == [1_000] * 10
    assert cuts.edges == pytest.approx(np.quantile(values, np.arange(1, 10) / 10), abs=2e-3)


def test_a_zero_inflated_column_has_zero_as_a_bin_of_its_own(rng: np.random.Generator) -> None:
    values = np.sort(np.concatenate([np.zeros(9_000), rng.exponential(size=1_000)]))
    cuts = quantile_cuts(values, 10)
    assert cuts.atoms == (0.0,)
    counts = bin_counts(values, cuts.edges)
    assert counts[cuts.edges.index(0.0) + 1] == 9_000
    assert counts.sum() == 10_000


def test_an_atom_amid_other_values_splits_them(rng: np.random.Generator) -> None:
    values = np.sort(np.concatenate([rng.uniform(-1, 0, 400), np.zeros(200), rng.uniform(1e-9, 1, 400)]))
    cuts = quantile_cuts(values, 10)
    assert bin_counts(values, cuts.edges).tolist() == [100] * 4 + [200] + [100] * 4


def test_a_constant_is_one_atom_with_room_on_both_sides() -> None:
    cuts = quantile_cuts(np.full(50, 7.0), 10)
    assert cuts == quantile_cuts(np.full(3, 7.0), 10)
    assert bin_counts(np.array([6.999, 7.0, np.nextafter(7.0, 8.0)]), cuts.edges).tolist() == [1, 1, 1]


def test_the_largest_float_may_be_an_atom() -> None:
    top = float(np.finfo(np.float64).max)
    cuts = quantile_cuts(np.array([0.0, top, top]), 2)
    assert all(np.isfinite(cuts.edges))
    assert bin_counts(np.array([top, 0.0]), cuts.edges).tolist() == [1, 1]


def test_minus_zero_and_zero_are_one_value() -> None:
    cuts = quantile_cuts(np.array([-0.0, 0.0, -0.0, 0.0]), 10)
    assert str(cuts.atoms) == "(0.0,)"
    assert str(cuts.edges).startswith("(0.0,")


@given(VALUES, st.integers(2, 20))
def test_edges_ascend_and_every_inner_bin_holds_a_reference_value(values: list[float], bins: int) -> None:
    ascending = np.sort(np.array(values) + 0.0)
    cuts = quantile_cuts(ascending, bins)
    assert list(cuts.edges) == sorted(set(cuts.edges))
    assert len(cuts.edges) <= 2 * bins
    counts = bin_counts(ascending, cuts.edges)
    for atom in cuts.atoms:
        assert counts[cuts.edges.index(atom) + 1] == np.count_nonzero(ascending == atom) > len(values) / bins
    ordinary = [count for place, count in enumerate(counts) if place == 0 or cuts.edges[place - 1] not in cuts.atoms]
    assert max(ordinary, default=0) <= 2.5 * len(values) / bins + 1


@given(VALUES, st.integers(2, 20))
def test_every_value_above_its_share_is_an_atom(values: list[float], bins: int) -> None:
    ascending = np.sort(np.array(values) + 0.0)
    distinct, counts = np.unique(ascending, return_counts=True)
    expected = distinct[counts * bins > len(values)]
    assert list(quantile_cuts(ascending, bins).atoms) == expected.tolist()


def test_nothing_has_no_edges() -> None:
    assert quantile_cuts(np.zeros(0), 10).edges == ()
