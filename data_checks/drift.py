"""The night's profile against the reference: a status per column and score, and one for the run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from data_checks import drift_rules as rules
from data_checks.column_drift import ColumnComparison
from data_checks.distances import NOISE_LEVEL, PSI_FLOOR
from data_checks.drift_bins import OPEN_VOCABULARY, percent
from data_checks.profile import Profile
from data_checks.reference import ReferenceProfile
from schemas.job import Drift
from schemas.verdicts import ColumnDrift, DriftStatus, DriftVerdict


def compare(
    reference: ReferenceProfile | str,
    profile: Profile,
    settings: Drift,
    models: Mapping[str, str] | None = None,
) -> DriftVerdict:
    """The verdict on a night. `reference` is the reason why there is none, as `read_reference` gives it.

    `models` has the sha256 of each model tonight: the scores of a model that is not the reference's are not compared.
    """
    if isinstance(reference, str):
        return DriftVerdict(DriftStatus.NOT_COMPUTED, reason=reference, settings=_settings(settings, None))
    used = _settings(settings, reference)
    if profile.reference != reference.digest:
        reason = "the night was counted on the bins of another reference profile: run it again"
        return DriftVerdict(DriftStatus.NOT_COMPUTED, reason=reason, settings=used)
    if not profile.rows_conformed:
        return DriftVerdict(DriftStatus.NOT_COMPUTED, reason="no rows tonight", settings=used)
    comparison = ColumnComparison(reference, settings)
    columns = [comparison.feature(column) for column in profile.columns.values()]
    columns += [comparison.score(score, models or {}) for score in profile.scores.values()]
    columns = [replace(column, critical=column.column in settings.critical) for column in columns]
    status, reason = run_status(columns, settings)
    return DriftVerdict(status, tuple(columns), reason, used)


def run_status(columns: list[ColumnDrift], settings: Drift) -> tuple[DriftStatus, str]:
    """(status, sentence): by a critical column in drift or by the share of drifted columns among those compared."""
    named = {status: [column.column for column in columns if column.status is status] for status in DriftStatus}
    drifted, warned = named[DriftStatus.DRIFT], named[DriftStatus.WARN]
    compared = [column.column for column in columns if column.status is not DriftStatus.NOT_COMPUTED]
    critical = [name for name in drifted if name in settings.critical]
    blind = [name for name in settings.critical if name not in compared]
    counted = f"{len(drifted)} of {len(compared)} compared columns drifted"
    if critical:
        return DriftStatus.DRIFT, f"the critical {_listed(critical)} drifted; {counted}"
    if drifted and len(drifted) >= settings.max_drifted_share * len(compared):
        limit = percent(settings.max_drifted_share)
        return DriftStatus.DRIFT, f"{counted}, and from {limit} on the night counts as drifted: {_listed(drifted)}"
    if compared and blind:
        return DriftStatus.WARN, f"the critical {_listed(blind)} could not be compared; {counted}"
    if drifted or warned:
        return DriftStatus.WARN, f"{counted}, {len(warned)} gave a warning: {_listed(drifted or warned)}"
    return _quiet_status(len(compared), len(named[DriftStatus.OK]))


def _quiet_status(compared: int, fine: int) -> tuple[DriftStatus, str]:
    """Of a night in which no column stands out."""
    if not compared:
        return DriftStatus.NOT_COMPUTED, "no column could be compared"
    if not fine:
        return DriftStatus.INSUFFICIENT_DATA, f"too few rows to tell in all {compared} compared columns"
    unsure = f", {compared - fine} have too few rows to tell" if compared > fine else ""
    return DriftStatus.OK, f"{fine} of {compared} compared columns are as in training{unsure}"


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""  # noqa: PLR2004
    return ", ".join(names[:5]) + more


def _settings(settings: Drift, reference: ReferenceProfile | None) -> dict[str, Any]:
    """Everything that the numbers and statuses rest on."""
    return {
        "psi_warn": settings.psi_warn,
        "psi_drift": settings.psi_drift,
        "js_distance_warn": settings.js_distance_warn,
        "max_drifted_share": settings.max_drifted_share,
        "critical": list(settings.critical),
        "psi_floor": PSI_FLOOR,
        "noise_level": NOISE_LEVEL,
        "missing_drift": rules.MISSING_DRIFT,
        "missing_warn": rules.MISSING_WARN,
        "missing_ratio": rules.MISSING_RATIO,
        "missing_z": rules.MISSING_Z,
        "outside_warn": rules.OUTSIDE_WARN,
        "outside_drift": rules.OUTSIDE_DRIFT,
        "outside_chance": rules.OUTSIDE_CHANCE,
        "open_vocabulary": OPEN_VOCABULARY,
        "bins": None if reference is None else reference.bins,
        "other_share": None if reference is None else reference.other_share,
        "reference_digest": None if reference is None else reference.digest,
        "reference_rows": None if reference is None else reference.rows,
    }
