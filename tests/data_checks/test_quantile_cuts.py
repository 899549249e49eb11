from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_checks.histogram import bin_counts
from data_checks.quantile_cuts import Cuts, cuts_of, quantile_cuts
from data_checks.ranked_values import RankedValues
from data_checks.value_runs import keys_of

VALUES = st.lists(st.one_of(st.integers(-5, 5).map(float), st.floats(-10, 10)), min_size=1, max_size=60)


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


def test_infinite_values_move_no_edge(rng: np.random.Generator) -> None:
    values = np.sort(rng.normal(size=500))
    with_infinite = np.concatenate([np.full(300, -np.inf), values, np.full(700, np.inf)])
    assert quantile_cuts(with_infinite, 10) == quantile_cuts(values, 10)
    assert quantile_cuts(np.array([-np.inf, np.inf]), 10) == Cuts((), ())


@given(st.lists(st.tuples(st.floats(allow_nan=False), st.integers(0, 3)), max_size=60), st.integers(2, 20))
def test_the_edges_do_not_depend_on_how_the_values_are_shared_out(pairs: list[tuple[float, int]], bins: int) -> None:
    runs = [np.sort(keys_of(np.array([value for value, at in pairs if at == run]), "float")) for run in range(4)]
    whole = RankedValues.of_values(np.array([value for value, _ in pairs]))
    assert cuts_of(RankedValues(runs), bins) == cuts_of(whole, bins)


def test_one_value_is_an_atom_with_the_next_float_as_its_end() -> None:
    assert quantile_cuts(np.array([3.0]), 10) == Cuts((3.0, float(np.nextafter(3.0, 4.0))), (3.0,))


def test_past_an_atom_at_zero_comes_the_smallest_normal_float() -> None:
    assert quantile_cuts(np.zeros(9), 10) == Cuts((0.0, float(np.finfo(np.float64).tiny)), (0.0,))


def test_neighbouring_floats_are_two_atoms_with_one_edge_between_them() -> None:
    one, two = 1.0, float(np.nextafter(1.0, 2.0))
    cuts = quantile_cuts(np.array([one, one, two, two]), 4)
    assert cuts.atoms == (one, two)
    assert bin_counts(np.array([one, one, two, two]), cuts.edges).tolist() == [0, 2, 2, 0]


def test_ten_and_a_thousand_bins_agree_on_every_atom_of_the_ten(rng: np.random.Generator) -> None:
    values = np.sort(np.where(rng.random(20_000) < 0.4, rng.integers(0, 4, 20_000), rng.normal(size=20_000)))
    coarse, fine = quantile_cuts(values, 10), quantile_cuts(values, 1_000)
    assert set(coarse.atoms) <= set(fine.atoms)


@pytest.mark.parametrize("size", [999, 1_000, 10_000, 123_457])
def test_a_bin_of_the_fine_grid_holds_at_most_two_thousandths(rng: np.random.Generator, size: int) -> None:
    values = np.sort(rng.lognormal(size=size))
    counts = bin_counts(values, quantile_cuts(values, 1_000).edges)
    assert counts.max() <= max(1, 2 * size / 1_000)
