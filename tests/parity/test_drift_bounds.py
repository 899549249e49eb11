"""Bounds on the fine grid beside SciPy's exact numbers, on a thousand random pairs of data sets. `-s` tells the widths.

KS: with a grid of a thousand bins the two bounds are 0.001 apart for values that do not repeat. Where a value repeats
they are as far apart as its share on both sides, since the grid's bounds do not know that its bin holds one value only.

Wasserstein: relative to the distance itself the bounds are wide only where that is nearly nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest
from scipy import special, stats
from scipy.spatial.distance import jensenshannon

from data_checks.columns import BatchColumns
from data_checks.distances import PSI_FLOOR
from data_checks.drift import compare
from data_checks.profile import Profile, ProfileColumn
from data_checks.reference import NumericFacts, ReferenceProfile
from data_checks.reference_build import build_column
from schemas.drift_settings import Drift
from schemas.verdicts import ColumnDrift

Floats = npt.NDArray[np.float64]

PAIRS = 1_000
LAWS = ("normal", "lognormal", "exponential", "uniform", "integers", "zeros", "constant", "mixture")
CONTINUOUS = ("normal", "lognormal", "exponential", "uniform")
WASSERSTEIN = "wasserstein_over_reference_sd"
#: Rounding of the means in the open bins, relative to the largest value, and of SciPy's own sum.
ROUNDING = 1e-9


@dataclass(frozen=True)
class Pair:
    law: str
    trained: Floats
    tonight: Floats
    facts: NumericFacts
    column: ColumnDrift
    #: Whether a side has values of 1,000 or 1e9 units.
    outliers: bool

    @property
    def measures(self) -> dict[str, Any]:
        return self.column.measures

    def on(self, edges: tuple[float, ...]) -> tuple[Floats, Floats]:
        """Shares of both sides by numpy.histogram."""
        cuts = np.array([-np.inf, *edges, np.inf])
        before, now = (np.histogram(side, cuts)[0] for side in (self.trained, self.tonight))
        return before / len(self.trained), now / len(self.tonight)


def draw(rng: np.random.Generator, law: str, size: int) -> Floats:
    normal = rng.normal(size=size)
    made = {
        "normal": normal,
        "lognormal": np.exp(normal),
        "exponential": rng.exponential(size=size),
        "uniform": rng.random(size),
        "integers": rng.poisson(4.0, size),
        "zeros": np.where(rng.random(size) < 0.8, 0.0, np.exp(normal)),
        "constant": np.full(size, 7.0),
        "mixture": np.where(rng.random(size) < 0.3, np.round(normal), 4 + normal),
    }
    return np.asarray(made[law], np.float64)


def sizes(rng: np.random.Generator) -> tuple[int, int]:
    before, now = np.exp(rng.uniform(np.log(20), np.log(20_000), 2)).astype(int)
    return int(before), int(now)


def data_sets(rng: np.random.Generator, law: str) -> tuple[Floats, Floats, bool]:
    """Training and a night: shifted and scaled or not, with outliers on either side or none, in any unit."""
    before, now = sizes(rng)
    unit = float(rng.choice([1e-6, 1.0, 1e6]))
    shift, scale = float(rng.choice([0.0, 0.0, 0.02, 0.3, 3.0])), float(rng.choice([1.0, 1.0, 1.1, 2.0]))
    trained, tonight = draw(rng, law, before), scale * draw(rng, law, now) + shift
    far = rng.random(2) < 0.2
    for side in (side for side, has in zip((trained, tonight), far, strict=True) if has):
        side[: int(rng.integers(1, 4))] = rng.choice([-1e9, 1e3, 1e9])
    return unit * trained, unit * tonight, bool(far.any())


def compared(law: str, trained: Floats, tonight: Floats, outliers: bool) -> Pair:  # noqa: FBT001
    """Through the reference, a profile of merged parts, and the comparison that a run makes."""
    reference = ReferenceProfile(
        contract_digest="c", rows=len(trained), columns=(build_column("x", "numeric", pa.array(trained)),)
    )
    profile = Profile.empty(reference, [ProfileColumn("x", "numeric")])
    for part in np.array_split(tonight, 3):
        one, columns = Profile.empty(reference, [ProfileColumn("x", "numeric")]), BatchColumns(_batch(part))
        one.add_conformed(columns)
        one.add_scored(columns)
        profile.merge(one)
    facts = reference.columns[0].numeric
    assert facts is not None
    return Pair(law, trained, tonight, facts, compare(reference, profile, Drift()).columns[0], outliers)


def _batch(values: Floats) -> pa.RecordBatch:
    return pa.record_batch({"x": pa.array(values)})


@pytest.fixture(scope="module")
def pairs() -> list[Pair]:
    rng = np.random.default_rng(20130701)
    return [compared(law, *data_sets(rng, law)) for law in (LAWS[number % len(LAWS)] for number in range(PAIRS))]


def tell(name: str, widths: list[tuple[Pair, float]]) -> None:
    """Median and 95 % quantile of the widths: of all, by law, and of training with and without a full grid."""
    plain = [found for found in widths if not found[0].outliers]
    groups = {"all": widths, "without outliers": plain}
    groups |= {law: [found for found in plain if found[0].law == law] for law in LAWS}
    groups["1,000 and more in training"] = [found for found in plain if len(found[0].trained) >= 1_000]
    groups["fewer than 1,000 in training"] = [found for found in plain if len(found[0].trained) < 1_000]
    for label, group in groups.items():
        median, most = np.quantile([width for _, width in group], [0.5, 0.95])
        print(f"{name}, {label}: {len(group)} pairs, median {median:.2g}, 95 % {most:.2g}")  # noqa: T201


def test_scipys_ks_statistic_lies_between_the_bounds(pairs: list[Pair]) -> None:
    for pair in pairs:
        exact = stats.ks_2samp(pair.trained, pair.tonight, method="asymp").statistic
        assert pair.measures["ks_on_grid"] - 1e-12 <= exact <= pair.measures["ks_at_most"] + 1e-12, pair.law


def test_the_ks_bounds_are_no_farther_apart_than_a_bin_that_both_sides_share(pairs: list[Pair]) -> None:
    widths = []
    for pair in pairs:
        before, now = pair.on(pair.facts.grid_edges)
        width = pair.measures["ks_at_most"] - pair.measures["ks_on_grid"]
        assert -1e-15 <= width <= np.minimum(before, now).max() + 1e-12, pair.law
        widths.append((pair, width))
        if pair.law in CONTINUOUS:
            # No bin has more of the training than two thousandths; of fewer than 1,000 values each has its own.
            assert width <= max(2 / 1_000, 1 / len(pair.trained)) + 1e-12, pair.law
    tell("KS", widths)


def test_scipys_wasserstein_distance_lies_between_the_bounds(pairs: list[Pair]) -> None:
    judged = 0
    for pair in pairs:
        sd = float(pair.trained.std())
        value, least, most = (
            pair.measures[f"wasserstein_over_reference_sd{end}"] for end in ("", "_at_least", "_at_most")
        )
        if value is None:
            assert sd == pytest.approx(0.0, abs=1e-12 * abs(pair.trained[0])), pair.law
            assert "the reference is constant" in pair.measures[f"{WASSERSTEIN}_reason"]
            continue
        exact = stats.wasserstein_distance(pair.trained, pair.tonight) / sd if sd else 0.0
        assert least <= value <= most
        assert least * (1 - ROUNDING) <= exact <= most * (1 + ROUNDING) + 1e-12, (pair.law, exact, least, most)
        judged += 1
    assert judged > 0.85 * PAIRS


def test_how_wide_the_wasserstein_bounds_are(pairs: list[Pair]) -> None:
    """In standard deviations of the training; and no wider than the bins in which the two may cross can make them."""
    widths = []
    for pair in pairs:
        least, most = (pair.measures[f"{WASSERSTEIN}_at_{end}"] for end in ("least", "most"))
        if most is None:
            continue
        before, now = pair.on(pair.facts.grid_edges)
        ends = [f(f(pair.trained), f(pair.tonight)) for f in (min, max)]
        edges = np.clip(pair.facts.grid_edges, *ends)
        spans = np.diff(np.array([ends[0], *edges, ends[1]]))
        bound = float(np.sum(spans * np.minimum(1.0, before + now)))
        sd = float(pair.trained.std())
        if sd:
            assert most - least <= bound / sd * (1 + ROUNDING) + 1e-12, pair.law
        widths.append((pair, most - least))
    tell("Wasserstein", widths)


def test_the_distances_on_the_bins_are_numpys_and_scipys(pairs: list[Pair]) -> None:
    for pair in pairs:
        p, q = pair.on(pair.facts.edges)
        floored = np.maximum(p, PSI_FLOOR), np.maximum(q, PSI_FLOOR)
        seen = (p > 0) | (q > 0)
        floored = floored[0][seen], floored[1][seen]
        psi = float(np.sum(special.rel_entr(*floored) + special.rel_entr(*floored[::-1])))
        assert pair.column.psi == pytest.approx(psi, rel=1e-12, abs=1e-12)
        # As divergences: SciPy's root of a rounding error is 1e-8.
        js = float(np.nan_to_num(jensenshannon(p, q, base=2))) ** 2
        assert (pair.column.js_distance_base2 or 0.0) ** 2 == pytest.approx(js, rel=1e-12, abs=1e-12)
        assert pair.measures["total_variation"] == pytest.approx(np.abs(p - q).sum() / 2, abs=1e-12)
        hellinger = float(np.linalg.norm(np.sqrt(p) - np.sqrt(q)) / np.sqrt(2))
        assert pair.measures["hellinger"] == pytest.approx(hellinger, abs=1e-12)


def test_the_mean_shift_and_its_p_value_are_numpys_and_scipys(pairs: list[Pair]) -> None:
    for pair in pairs:
        sd = float(pair.trained.std())
        if not (np.ptp(pair.trained) and np.ptp(pair.tonight)):  # SciPy warns of constants: see test_mean_shift
            continue
        shift = (pair.tonight.mean() - pair.trained.mean()) / sd
        slack = 1e-12 * max(np.abs(pair.trained).max(), np.abs(pair.tonight).max()) / sd
        assert pair.measures["mean_shift_over_reference_sd"] == pytest.approx(shift, rel=1e-9, abs=slack)
        expected = stats.ttest_ind(pair.trained, pair.tonight, equal_var=False).pvalue
        assert pair.measures["mean_shift_p_value"] == pytest.approx(expected, rel=1e-6, abs=1e-300)
