from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from data_checks.histogram import bin_counts
from data_checks.quantile_cuts import quantile_cuts
from data_checks.transport import BinnedValues, Transport, wasserstein, wasserstein_over_reference_sd

VALUES = json.loads((Path(__file__).parents[1] / "golden" / "drift.json").read_text())["values"]
LAWS = ["normal", "lognormal", "integers", "zeros", "cauchy", "constant", "tiny", "far"]

Edges = tuple[float, ...]


def binned(values: np.ndarray, edges: Edges, *, means: bool = True) -> BinnedValues:
    counts = bin_counts(values, edges).tolist()
    places = np.searchsorted(np.array(edges), values, side="right")
    centres = [math.fsum(values[places == place]) / count if count else None for place, count in enumerate(counts)]
    return BinnedValues(counts, float(values.min()), float(values.max()), centres if means else None)


def measure(
    trained: np.ndarray, tonight: np.ndarray, edges: Edges, *, means: bool = True
) -> tuple[float, float, float]:
    found = wasserstein(edges, binned(trained, edges, means=means), binned(tonight, edges, means=means))
    assert found.value is not None
    assert found.at_least is not None
    assert found.at_most is not None
    assert found.reason == ""
    assert 0.0 <= found.at_least <= found.value <= found.at_most < math.inf
    return found.value, found.at_least, found.at_most


def draw(rng: np.random.Generator, law: str, size: int, shift: float) -> np.ndarray:
    normal = rng.normal(shift, 1, size)
    made = {
        "normal": normal,
        "lognormal": np.exp(normal),
        "integers": np.floor(3 * normal),
        "zeros": np.where(rng.random(size) < 0.6, 0.0, normal),
        "cauchy": rng.standard_cauchy(size) + shift,
        "constant": np.full(size, shift),
        "tiny": 1e-6 * normal,
        "far": 1e9 + normal,
    }
    return np.asarray(made[law]) + 0.0


def pairs(rng: np.random.Generator, count: int) -> list[tuple[np.ndarray, np.ndarray, Edges]]:
    made = []
    for number in range(count):
        law, shift = LAWS[number % len(LAWS)], float(rng.choice([0.0, 0.1, 1.0, 5.0]))
        trained, tonight = (draw(rng, law, int(rng.integers(1, 300)), by) for by in (0.0, shift))
        made.append((trained, tonight, quantile_cuts(np.sort(trained), int(rng.integers(2, 40))).edges))
    return made


@pytest.mark.parametrize("means", [True, False])
def test_the_bounds_hold_for_scipys_distance_of_a_thousand_random_pairs(
    rng: np.random.Generator, *, means: bool
) -> None:
    for trained, tonight, edges in pairs(rng, 1_000):
        exact = stats.wasserstein_distance(trained, tonight)
        _, low, high = measure(trained, tonight, edges, means=means)
        slack = 1e-12 * max(np.abs(trained).max(), np.abs(tonight).max())  # what the means themselves are rounded by
        assert low - slack <= exact <= high + slack


def test_the_value_is_never_below_the_mean_shift(rng: np.random.Generator) -> None:
    for trained, tonight, edges in pairs(rng, 200):
        value, _, _ = measure(trained, tonight, edges)
        slack = 1e-12 * max(np.abs(trained).max(), np.abs(tonight).max())
        assert value >= abs(tonight.mean() - trained.mean()) - slack


def test_means_bring_the_bounds_closer_together_than_the_bins_are_wide(rng: np.random.Generator) -> None:
    for trained, tonight, edges in pairs(rng, 200):
        low, high = min(trained.min(), tonight.min()), max(trained.max(), tonight.max())
        widest = float(np.diff([low, *np.clip(edges, low, high), high]).max())
        _, at_least, at_most = measure(trained, tonight, edges)
        _, loose_least, loose_most = measure(trained, tonight, edges, means=False)
        slack = 1e-12 * max(abs(low), abs(high))
        assert at_most - at_least <= widest + slack
        assert loose_least - slack <= at_least
        assert at_most <= loose_most + slack


def test_bins_of_one_value_each_give_scipys_distance(rng: np.random.Generator) -> None:
    edges = tuple(float(edge) for edge in range(1, 16))
    for _ in range(200):
        trained, tonight = rng.integers(0, 12, 80).astype(float), rng.integers(1, 16, 50).astype(float)
        value, _, _ = measure(trained, tonight, tuple(np.unique([*edges, *(np.nextafter(edges, 99))]).tolist()))
        assert value == pytest.approx(stats.wasserstein_distance(trained, tonight), rel=1e-12)


def test_a_shift_is_measured_exactly_on_any_bins(rng: np.random.Generator) -> None:
    trained = rng.normal(0, 1, 2_000)
    for bins in (2, 3, 10, 50):
        value, _, at_most = measure(trained, trained + 0.3, quantile_cuts(np.sort(trained), bins).edges)
        assert value == pytest.approx(0.3, rel=1e-12)
        assert at_most >= value


@pytest.mark.parametrize("edges", [(5.5,), (2.0, 4.0, 8.0), (0.0, 100.0), ()])
def test_the_distance_and_its_ratio_to_the_sd_are_the_golden_ones(edges: Edges) -> None:
    trained, tonight, expected = np.array(VALUES["reference"]), np.array(VALUES["current"]), VALUES["expected"]
    distance = wasserstein(edges, binned(trained, edges), binned(tonight, edges))
    assert distance.value == pytest.approx(expected["wasserstein"], rel=1e-12)
    ratio = wasserstein_over_reference_sd(distance, expected["reference_sd"])
    assert ratio.value == pytest.approx(expected["wasserstein_over_reference_sd"], rel=1e-12)


def test_ten_deciles_come_near_the_distance_of_two_normal_samples() -> None:
    draws = np.random.default_rng(42)
    trained, tonight = draws.normal(0, 1, 20_000), draws.normal(0.3, 1.1, 15_000)
    edges = quantile_cuts(np.sort(trained), 10).edges
    exact = stats.wasserstein_distance(trained, tonight)
    assert exact == pytest.approx(0.30721, abs=1e-5)
    value, at_least, at_most = measure(trained, tonight, edges)
    assert at_least == value == pytest.approx(exact, rel=0.01)
    assert at_least <= exact <= at_most
    ratio = wasserstein_over_reference_sd(Transport(exact, exact, exact), float(trained.std()))
    assert ratio.value == pytest.approx(0.30577, abs=1e-5)


def test_means_of_the_open_bins_alone_bound_what_lies_far_out() -> None:
    """The inner means are not known; those of the tails are, and there a bin may be as wide as it likes."""
    trained, tonight = np.arange(10.0), np.append(np.arange(10.0), 1e6)
    edges = (3.0, 6.0)
    sides = [binned(values, edges) for values in (trained, tonight)]
    means = [(side.means or [])[0] for side in sides], [(side.means or [])[-1] for side in sides]
    some = [
        BinnedValues(side.counts, side.minimum, side.maximum, [low, None, high])
        for side, low, high in zip(sides, *means, strict=True)
    ]
    exact = stats.wasserstein_distance(trained, tonight)
    found, loose = wasserstein(edges, *some), wasserstein(edges, *(replace(side, means=None) for side in sides))
    assert found.at_least is not None
    assert found.at_most is not None
    assert found.at_least <= exact <= found.at_most
    assert found.value == pytest.approx(exact, rel=1e-6)
    assert (loose.at_least or 0.0) < 0.01 * found.at_least


@pytest.mark.parametrize("known", ["none", "tails", "all"])
def test_the_bounds_hold_whichever_means_are_known(rng: np.random.Generator, known: str) -> None:
    for trained, tonight, edges in pairs(rng, 300):
        sides = []
        for values in (trained, tonight):
            side = binned(values, edges)
            kept = {"none": set(), "tails": {0, len(edges)}, "all": set(range(len(edges) + 1))}[known]
            means = [mean if place in kept else None for place, mean in enumerate(side.means or [])]
            sides.append(replace(side, means=means))
        found, exact = wasserstein(edges, *sides), stats.wasserstein_distance(trained, tonight)
        slack = 1e-12 * max(np.abs(trained).max(), np.abs(tonight).max())
        assert (found.at_least or 0.0) - slack <= exact <= (found.at_most or 0.0) + slack


def test_evenly_spread_values_are_measured_well_without_means(rng: np.random.Generator) -> None:
    trained, tonight = rng.random(20_000), 1.2 * rng.random(20_000)
    value, _, _ = measure(trained, tonight, tuple(place / 20 for place in range(1, 20)), means=False)
    assert value == pytest.approx(stats.wasserstein_distance(trained, tonight), rel=0.02)


def test_a_feature_of_scale_1e_6_shifted_by_three_sd_is_at_three(rng: np.random.Generator) -> None:
    trained = rng.normal(0, 1e-6, 5_000)
    sd = float(trained.std())
    edges = quantile_cuts(np.sort(trained), 10).edges
    distance = wasserstein(edges, binned(trained, edges), binned(trained + 3 * sd, edges))
    assert wasserstein_over_reference_sd(distance, sd).value == pytest.approx(3.0, rel=1e-9)


def test_identical_data_are_at_no_distance_at_all(rng: np.random.Generator) -> None:
    values = rng.lognormal(0, 2, 3_000)
    edges = quantile_cuts(np.sort(values), 10).edges
    for means in (True, False):
        assert measure(values, values, edges, means=means)[:2] == (0.0, 0.0)
        assert measure(values, np.tile(values, 3), edges, means=False)[0] == 0.0


def test_a_value_far_out_in_a_tail_counts_with_its_whole_way() -> None:
    trained, tonight = np.arange(10.0), np.append(np.arange(10.0), 1e6)
    value, _, _ = measure(trained, tonight, (3.0, 6.0))
    assert value == pytest.approx(stats.wasserstein_distance(trained, tonight), rel=1e-6)


def test_the_same_constant_is_at_distance_zero_and_another_one_is_judged_directly() -> None:
    edges = quantile_cuts(np.full(10, 7.0), 10).edges
    same, other = binned(np.full(10, 7.0), edges), binned(np.full(4, 9.5), edges)
    assert wasserstein(edges, same, same) == Transport(0.0, 0.0, 0.0)
    assert wasserstein_over_reference_sd(wasserstein(edges, same, same), 0.0) == Transport(0.0, 0.0, 0.0)
    assert wasserstein(edges, same, other).value == pytest.approx(2.5, rel=1e-12)
    reason = "the reference is constant (sd 0): judge the difference itself, 2.5"
    assert wasserstein_over_reference_sd(wasserstein(edges, same, other), 0.0) == Transport(None, None, None, reason)


def test_a_constant_within_one_wide_bin_is_not_taken_for_the_values_around_it() -> None:
    # The means are the same; only the upper bound knows that something may have moved.
    same, around = binned(np.full(4, 7.0), ()), binned(np.array([6.0, 8.0]), ())
    distance = wasserstein((), same, around)
    assert (distance.value, distance.at_most) == (0.0, 2.0)
    reason = "the reference is constant (sd 0): judge the difference itself, 2"
    assert wasserstein_over_reference_sd(distance, 0.0) == Transport(None, None, None, reason)


def test_a_side_without_values_has_no_distance() -> None:
    some, none = BinnedValues([1, 2], 0.0, 4.0), BinnedValues([0, 0], None, None)
    assert wasserstein([2.0], some, none) == Transport(None, None, None, "no values on the current side")
    assert wasserstein([2.0], none, some).reason == "no values on the reference side"
    assert wasserstein_over_reference_sd(wasserstein([2.0], some, none), 1.0) == wasserstein([2.0], some, none)


def test_what_is_infinitely_far_has_no_distance() -> None:
    some = BinnedValues([1, 2], 0.0, 4.0, [0.0, 3.5])
    endless = BinnedValues([1, 2], -math.inf, 4.0, [-math.inf, 3.5])
    assert wasserstein([2.0], some, endless).value is None
    assert wasserstein([2.0], some, endless).reason == "infinite values: they are infinitely far from all others"
    wide = BinnedValues([1, 2], -1.7e308, 1.7e308, [-1.7e308, 1.7e308])
    assert wasserstein([2.0], some, wide) == Transport(None, None, None, "values too far apart for a finite number")
    tiny = wasserstein_over_reference_sd(Transport(1e300, 1e300, 1e300), 1e-300)
    assert tiny == Transport(None, None, None, "1e+300 over an sd of 1e-300 is no finite number")


@pytest.mark.parametrize(
    ("edges", "side", "words"),
    [
        ([2.0, 2.0], BinnedValues([1, 0, 2], 0.0, 4.0), "the edges must ascend"),
        ([2.0, 3.0], BinnedValues([1, 2], 0.0, 4.0), "2 counts for 2 edges: one count more than edges"),
        ([2.0], BinnedValues([1, 2], 3.0, 4.0), "minimum 3.0 and maximum 4.0 are not in the first and last bin"),
        ([2.0], BinnedValues([1, 2], 0.0, 1.0), "minimum 0.0 and maximum 1.0 are not in the first and last bin"),
        ([2.0], BinnedValues([1, 2], None, 4.0), "minimum None and maximum 4.0 are not in the first and last bin"),
        ([2.0], BinnedValues([1, 2], 0.0, 4.0, [3.0, 3.5]), "the mean 3.0 is not in its bin, from 0.0 to 2.0"),
        ([2.0], BinnedValues([0, 3], 2.0, 4.0, [1.0, 3.0]), "the means given do not fit the counts"),
        ([2.0], BinnedValues([1, 2], 0.0, 4.0, [1.0]), "the means given do not fit the counts"),
        ([2.0], BinnedValues([1, -2], 0.0, 4.0), "a count is negative: -2"),
    ],
)
def test_a_side_that_does_not_fit_its_edges_is_refused(edges: list[float], side: BinnedValues, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        wasserstein(edges, side, side)
