"""The drift numbers beside SciPy's and NumPy's, on random counts and random data."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special, stats
from scipy.spatial.distance import jensenshannon

from data_checks.columns import BatchColumns
from data_checks.distances import (
    PSI_FLOOR,
    chance_of_exceeding,
    chance_of_unseen,
    js_distance_base2,
    psi,
    psi_noise,
    rate_z,
)
from data_checks.drift import compare
from data_checks.profile import Profile, ProfileColumn
from data_checks.reference import ReferenceProfile
from data_checks.reference_build import build_column
from schemas.drift_settings import Drift

COUNTS = st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 10_000)), min_size=1, max_size=30).filter(
    lambda pairs: any(one for one, _ in pairs) and any(other for _, other in pairs)
)


def sides(pairs: list[tuple[int, int]]) -> tuple[list[int], list[int]]:
    return [one for one, _ in pairs], [other for _, other in pairs]


@given(COUNTS)
def test_js_distance_is_scipys(pairs: list[tuple[int, int]]) -> None:
    reference, current = sides(pairs)
    # Compared as divergences: where both sides are the same, SciPy gives the root of a rounding error, or NaN, for 0.
    expected = float(np.nan_to_num(jensenshannon(reference, current, base=2)))
    assert js_distance_base2(reference, current) ** 2 == pytest.approx(expected**2, rel=1e-12, abs=1e-15)


@given(COUNTS)
def test_psi_is_the_sum_of_both_relative_entropies_of_the_floored_shares(pairs: list[tuple[int, int]]) -> None:
    reference, current = sides(pairs)
    p = np.maximum(np.array(reference) / sum(reference), PSI_FLOOR)
    q = np.maximum(np.array(current) / sum(current), PSI_FLOOR)
    expected = float(np.sum(special.rel_entr(p, q) + special.rel_entr(q, p)))
    assert psi(reference, current) == pytest.approx(expected, rel=1e-12, abs=1e-14)


@given(COUNTS)
def test_the_noise_is_the_quantile_of_chi_square(pairs: list[tuple[int, int]]) -> None:
    reference, current = sides(pairs)
    bins = sum(1 for pair in pairs if any(pair))
    expected = stats.chi2.ppf(0.95, bins - 1) * (1 / sum(reference) + 1 / sum(current)) if bins > 1 else 0.0
    assert psi_noise(reference, current) == pytest.approx(expected, rel=1e-12)


@given(COUNTS)
def test_both_distances_are_symmetric_and_zero_for_equal_shares(pairs: list[tuple[int, int]]) -> None:
    reference, current = sides(pairs)
    assert psi(reference, current) == pytest.approx(psi(current, reference), rel=1e-12, abs=1e-15)
    assert js_distance_base2(reference, current) == pytest.approx(js_distance_base2(current, reference), abs=2e-8)
    assert psi(reference, [3 * count for count in reference]) == pytest.approx(0.0, abs=1e-12)


@given(st.integers(0, 500), st.integers(500, 900), st.integers(0, 500), st.integers(500, 900))
def test_the_z_of_two_rates_squared_is_the_chi_square_of_their_table(a: int, n: int, b: int, m: int) -> None:
    z = rate_z((a, n), (b, m))
    if 0 < a + b < n + m:
        table = [[a, n - a], [b, m - b]]
        assert z**2 == pytest.approx(stats.chi2_contingency(table, correction=False).statistic, rel=1e-9, abs=1e-12)
    else:
        assert z == 0.0


def test_the_chance_of_unseen_is_poissons() -> None:
    assert chance_of_unseen(5, 9, 999, 300) == pytest.approx(stats.poisson.sf(4, 3.0), rel=1e-12)
    assert chance_of_unseen(0, 0, 100, 100) == 1.0


def test_the_chance_of_exceeding_bounds_a_simulation(rng: np.random.Generator) -> None:
    trained, tonight = rng.random((20_000, 50)), rng.random((20_000, 30))
    outside = (tonight < trained.min(axis=1, keepdims=True)) | (tonight > trained.max(axis=1, keepdims=True))
    counts = outside.sum(axis=1)
    for count in (1, 2, 4, 8):
        assert (counts >= count).mean() <= chance_of_exceeding(count, 50, 30) + 0.01


@pytest.mark.parametrize("law", ["normal", "lognormal", "integers", "zeros"])
def test_the_whole_path_gives_numpys_histograms_and_scipys_distance(rng: np.random.Generator, law: str) -> None:
    def draw(size: int, shift: float) -> np.ndarray:
        normal = rng.normal(shift, 1, size)
        others = {
            "normal": normal,
            "lognormal": np.exp(normal),
            "integers": np.floor(20 + 4 * normal),
            "zeros": np.where(rng.random(size) < 0.8 - 0.2 * shift, 0.0, normal),
        }
        return np.asarray(others[law])

    trained, tonight = draw(5_000, 0.0), draw(3_000, 0.5)
    reference = ReferenceProfile(
        contract_digest="c", rows=5_000, columns=(build_column("x", "numeric", pa.array(trained)),)
    )
    facts = reference.columns[0].numeric
    assert facts is not None
    profile = Profile.empty(reference, [ProfileColumn("x", "numeric")])
    for part in np.array_split(tonight, 7):
        columns = BatchColumns(pa.record_batch({"x": pa.array(part)}))
        profile.add_conformed(columns)
        profile.add_scored(columns)
    edges = np.array([-np.inf, *facts.edges, np.inf])
    before, now = np.histogram(trained, edges)[0], np.histogram(tonight, edges)[0]
    column = compare(reference, profile, Drift()).columns[0]
    kept = (before > 0) | (now > 0)
    assert [(item.reference, item.current) for item in column.bins] == list(zip(before[kept], now[kept], strict=True))
    assert column.js_distance_base2 == pytest.approx(jensenshannon(before, now, base=2), abs=1e-12)
    assert column.psi == pytest.approx(psi(before.tolist(), now.tolist()), abs=1e-12)
    assert column.mean_reference == pytest.approx(trained.mean(), rel=1e-12, abs=1e-14)
    assert column.mean_current == pytest.approx(tonight.mean(), rel=1e-12, abs=1e-14)
