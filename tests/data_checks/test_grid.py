from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_checks.grid import Grid, between

VALUES = st.lists(st.one_of(st.integers(-5, 5).map(float), st.floats(allow_nan=False)), max_size=60)
EDGES = st.lists(st.one_of(st.integers(-5, 5).map(float), st.floats(-1e3, 1e3)), max_size=12).map(
    lambda edges: tuple(sorted({edge + 0.0 for edge in edges}))
)


def numpy_counts(values: np.ndarray, edges: tuple[float, ...]) -> list[int]:
    """numpy.histogram with open ends; its last bin is closed, and the last edge here is infinite."""
    counts, _ = np.histogram(values, bins=np.array([-np.inf, *edges, np.inf]))
    return [int(count) for count in counts]


@given(VALUES, EDGES)
def test_counts_are_those_of_numpy(values: list[float], edges: tuple[float, ...]) -> None:
    assert Grid(edges).counts(np.sort(np.array(values))).tolist() == numpy_counts(np.array(values), edges)


def test_a_value_on_an_edge_belongs_to_the_bin_above_as_in_numpy() -> None:
    values = np.array([0.0, 1.0, 1.0, 1.5, 2.0, 3.0])
    assert Grid((1.0, 2.0)).counts(values).tolist() == [1, 3, 2] == numpy_counts(values, (1.0, 2.0))


def test_no_value_is_outside_not_even_an_infinite_one() -> None:
    values = np.array([-np.inf, -1e300, 0.5, 1e300, np.inf])
    assert Grid((0.0, 1.0)).counts(values).tolist() == [2, 1, 2]


def test_minus_zero_is_on_the_edge_zero() -> None:
    assert Grid((0.0,)).counts(np.array([-1.0, -0.0, 0.0])).tolist() == [1, 2]
    assert Grid((-0.0,)) == Grid((0.0,))


def test_many_edges_give_the_same_counts(rng: np.random.Generator) -> None:
    values, edges = np.sort(rng.integers(0, 200, 5_000).astype(float)), tuple(map(float, range(0, 200, 2)))
    assert Grid(edges).counts(values).tolist() == numpy_counts(values, edges)


def test_one_bin_without_edges_holds_everything() -> None:
    grid = Grid(())
    assert len(grid) == 1
    assert grid.counts(np.array([1.0, 2.0])).tolist() == [2]
    assert grid.onto(np.array([2]), ()).tolist() == [2]


def test_counts_are_int64_whatever_came_in() -> None:
    grid = Grid((1.0, 2.0))
    assert grid.counts(np.zeros(0)).dtype == grid.onto(np.array([1, 2, 3], np.int32), (2.0,)).dtype == np.int64


@given(VALUES, EDGES, st.sets(st.integers(0, 11)))
def test_counts_on_some_of_the_edges_are_those_counted_on_them_alone(
    values: list[float], edges: tuple[float, ...], kept: set[int]
) -> None:
    some = tuple(edge for place, edge in enumerate(edges) if place in kept)
    grid, ascending = Grid(edges), np.sort(np.array(values))
    assert grid.onto(grid.counts(ascending), some).tolist() == Grid(some).counts(ascending).tolist()


@pytest.mark.parametrize("edge", [0.5, 1.5, 2.5, np.nextafter(1.0, 2.0)])
def test_an_edge_that_is_not_in_the_grid_is_refused(edge: float) -> None:
    with pytest.raises(ValueError, match="onto edges of the same grid only"):
        Grid((1.0, 2.0)).onto(np.array([1, 2, 3]), (edge,))


@pytest.mark.parametrize("edges", [(1.0, 1.0), (2.0, 1.0), (1.0, float("nan")), (0.0, -0.0)])
def test_edges_must_ascend(edges: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="the edges must ascend"):
        Grid(edges)


def test_grids_of_the_same_edges_are_equal_and_travel() -> None:
    grid = Grid((1.0, 2.0))
    again = pickle.loads(pickle.dumps(grid))  # noqa: S301  # our own bytes
    assert again == grid == Grid((1.0, 2.0)) != Grid((1.0,))
    assert hash(again) == hash(grid)
    assert grid != (1.0, 2.0)
    assert len(grid) == 3


@given(st.lists(st.integers(0, 9), min_size=1, max_size=12))
def test_counts_between_edges_are_the_differences_of_how_many_lie_below(counts: list[int]) -> None:
    assert between(np.cumsum(counts)[:-1], sum(counts)).tolist() == counts
