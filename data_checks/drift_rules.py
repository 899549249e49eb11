"""The rules that turn numbers into a status: significant and material, or not enough data to tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from data_checks.distances import (
    chance_of_exceeding,
    chance_of_unseen,
    js_distance_base2,
    psi,
    psi_noise,
    rate_z,
    rows_to_tell,
)
from data_checks.distribution_tests import chi_square
from data_checks.drift_bins import number, percent
from schemas.drift_settings import Drift
from schemas.verdicts import Bin, DriftStatus

#: A missing rate is flagged from this difference on, or from the smaller one where the rate at least doubles, if z > 3.
MISSING_DRIFT = 0.05
MISSING_WARN = 0.01
MISSING_RATIO = 2.0
MISSING_Z = 3.0
#: Share of values of unseen categories, or outside the range of training.
OUTSIDE_WARN = 0.01
OUTSIDE_DRIFT = 0.05
#: ... that chance alone brings about less often than this.
OUTSIDE_CHANCE = 0.001
#: ... is to be rarer than `significance` by this factor where there are so few values that PSI is mostly noise.
FEW_ROWS_STRICTER = 0.1
#: Values on each side from which on Welch's test is trusted: of fewer skewed ones it raises false alarms.
MEAN_ROWS = 100
#: New categories are named in reports from this count on: a rarer one may be somebody's data.
NAMED_FROM = 5

_SEVERITY = (
    DriftStatus.OK,
    DriftStatus.NOT_COMPUTED,
    DriftStatus.INSUFFICIENT_DATA,
    DriftStatus.WARN,
    DriftStatus.DRIFT,
)


@dataclass(frozen=True)
class Finding:
    """What one rule says of a column; the reason is empty where there is nothing to say."""

    status: DriftStatus
    reason: str = ""


@dataclass(frozen=True)
class Distances:
    """The numbers of the value comparison."""

    psi: float
    #: The 95 % quantile of PSI by chance.
    noise: float
    #: Of chi-square on the same bins, which holds for few values, too; None where there are too few even for that.
    p_value: float | None
    js: float

    @classmethod
    def between(cls, before: Sequence[int], now: Sequence[int]) -> Self:
        """Of two sides' counts on the same bins. Raises ValueError where a side has no value."""
        noise, p_value = psi_noise(before, now), chi_square(before, now).p_value
        return cls(psi(before, now), noise, p_value, js_distance_base2(before, now))


def worst(statuses: Sequence[DriftStatus]) -> DriftStatus:
    """The status that a person should hear of first."""
    return max(statuses, key=_SEVERITY.index, default=DriftStatus.OK)


def severity(status: DriftStatus) -> int:
    """Higher is worse."""
    return _SEVERITY.index(status)


def judge_values(found: Distances, bins: Sequence[Bin], settings: Drift, moved: str) -> Finding:
    """Drift and warn need a distance that is material, and rarer by chance at these sizes than `significance`.

    Where chance alone reaches `psi_drift` in one night of twenty, chi-square is rough, and must be surer by
    FEW_ROWS_STRICTER. A material PSI that is no more than chance, and sizes at which chance alone reaches the threshold
    in one night of twenty, are insufficient data.
    """
    least = min(settings.psi_warn, settings.psi_drift)
    significance = settings.significance * (FEW_ROWS_STRICTER if found.noise >= settings.psi_drift else 1)
    if found.p_value is None or found.p_value >= significance or found.psi <= found.noise:
        if found.psi >= least or found.noise >= least:
            return Finding(DriftStatus.INSUFFICIENT_DATA, _too_few(found, bins, least))
        return Finding(DriftStatus.OK)
    if found.psi >= settings.psi_drift:
        figures = f"PSI {found.psi:.2f}, drift from {settings.psi_drift:.3g}"
        return Finding(DriftStatus.DRIFT, f"values moved: {moved} ({figures})")
    if found.psi >= settings.psi_warn:
        figures = f"PSI {found.psi:.2f}, warning from {settings.psi_warn:.3g}"
        return Finding(DriftStatus.WARN, f"values moved: {moved} ({figures})")
    if found.js >= settings.js_distance_warn:
        figures = f"JS distance {found.js:.2f}, warning from {settings.js_distance_warn:g}"
        return Finding(DriftStatus.WARN, f"values moved: {moved} ({figures})")
    return Finding(DriftStatus.OK)


def judge_measures(measures: Mapping[str, Any], settings: Drift, values: int, *, told: bool) -> Finding:
    """A warning by the shift of the mean or by the KS statistic, where they are material and no chance.

    `values` are those of the smaller side. KS says the same as PSI in another way, so it is silent where PSI has `told`
    already.
    """
    shift = _mean_shift(measures, settings) if values >= MEAN_ROWS else ""
    if shift:
        return Finding(DriftStatus.WARN, shift)
    ks, ks_p = measures.get("ks_on_grid"), measures.get("ks_p_value")
    if told or ks is None or ks_p is None or ks_p >= settings.significance:
        return Finding(DriftStatus.OK)
    if ks >= settings.ks_warn:
        return Finding(
            DriftStatus.WARN, f"values moved: the KS statistic is {ks:.2f}, warning from {settings.ks_warn:g}"
        )
    return Finding(DriftStatus.OK)


def _mean_shift(measures: Mapping[str, Any], settings: Drift) -> str:
    shift, p_value = measures.get("mean_shift_over_reference_sd"), measures.get("mean_shift_p_value")
    if shift is None or p_value is None or abs(shift) < settings.mean_shift_warn or p_value >= settings.significance:
        return ""
    way = "rose" if shift > 0 else "fell"
    figures = f"{abs(shift):.2f} standard deviations of training, warning from {settings.mean_shift_warn:g}"
    return f"the mean {way} by {figures}"


def _too_few(found: Distances, bins: Sequence[Bin], threshold: float) -> str:
    before, now = [item.reference for item in bins], [item.current for item in bins]
    needed = rows_to_tell(before, now, threshold)
    cure = f"it takes about {needed:,}" if needed else f"training would need more than {sum(before):,} too"
    found_few = f"{sum(now):,} values in {len(bins)} bins are too few: chance alone reaches a PSI of {found.noise:.2f}"
    return f"{found_few}; to see one of {threshold:.3g}, {cure}"


def judge_missing(reference: tuple[int, int], current: tuple[int, int]) -> Finding:
    """Of missing rates given as (missing, rows)."""
    before, now = reference[0] / reference[1], current[0] / current[1]
    delta = now - before
    material = abs(delta) >= MISSING_DRIFT or (delta >= MISSING_WARN and now >= MISSING_RATIO * before)
    if not material or abs(rate_z(reference, current)) <= MISSING_Z:
        return Finding(DriftStatus.OK)
    status = DriftStatus.DRIFT if abs(delta) >= MISSING_DRIFT else DriftStatus.WARN
    return Finding(status, f"missing: {percent(now)} tonight, {percent(before)} in training")


def judge_unseen(unseen: int, present: int, singletons: int, reference_present: int, named: str) -> Finding:
    """Of `unseen` of `present` values whose category training does not have; `named` says which."""
    status = _outside_status(unseen, present, chance_of_unseen(unseen, singletons, reference_present, present))
    reason = f"categories unknown to training: {percent(unseen / present)} tonight ({unseen:,} values{named})"
    return Finding(status, reason if status is not DriftStatus.OK else "")


def judge_out_of_range(
    outside: int, present: int, reference_present: int, limits: tuple[float, float] | None
) -> Finding:
    """Of `outside` of `present` values beyond the limits of the reference, which are told where they are given."""
    status = _outside_status(outside, present, chance_of_exceeding(outside, reference_present, present))
    span = "" if limits is None else f"{number(limits[0])} to {number(limits[1])}, "
    reason = f"out of range: {percent(outside / present)} tonight outside {span}the range in training"
    return Finding(status, reason if status is not DriftStatus.OK else "")


def _outside_status(outside: int, present: int, chance: float) -> DriftStatus:
    share = outside / present
    if chance >= OUTSIDE_CHANCE or share < OUTSIDE_WARN:
        return DriftStatus.OK
    return DriftStatus.DRIFT if share >= OUTSIDE_DRIFT else DriftStatus.WARN
