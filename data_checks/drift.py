"""The night's profile against the reference: a status per column and score, and one for the run."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from data_checks import drift_rules as rules
from data_checks.column_drift import ColumnComparison
from data_checks.decision_drift import compare_decisions
from data_checks.distances import NOISE_LEVEL, PSI_FLOOR
from data_checks.drift_bins import OPEN_VOCABULARY, numbered_labels, percent
from data_checks.history_thresholds import SETTING
from data_checks.impact_verdict import Sources, impact_verdicts
from data_checks.profile import Profile
from data_checks.reference import FINE_BINS, ReferenceProfile
from data_checks.slice_drift import compare_slices
from data_checks.slicing import Slicing
from schemas.drift_settings import Drift
from schemas.verdicts import ColumnDrift, DecisionDrift, DriftStatus, DriftVerdict, SliceDrift


@dataclass(frozen=True)
class Tonight:
    """What a comparison must know of the job beside its settings."""

    #: Name to sha256 of each model: the scores of a model that is not the reference's are not compared.
    models: Mapping[str, str] = field(default_factory=dict)
    #: (model, feature) to the input columns that the feature is made of.
    sources: Sources = field(default_factory=dict)
    #: Columns whose values are not to be shown.
    sensitive: frozenset[str] = frozenset()
    #: Column to the PSI from which on it counts as drifted, from its own history; in place of the job's thresholds.
    usual_psi: Mapping[str, float] = field(default_factory=dict)


def compare(
    reference: ReferenceProfile | str, profile: Profile, settings: Drift, tonight: Tonight | None = None
) -> DriftVerdict:
    """The verdict on a night. `reference` is the reason why there is none, as `read_reference` gives it."""
    if isinstance(reference, str):
        return DriftVerdict(DriftStatus.NOT_COMPUTED, reason=reference, settings=_settings(settings, None))
    used = _settings(settings, reference)
    if profile.reference != reference.digest:
        reason = "the night was counted on the bins of another reference profile: run it again"
        return DriftVerdict(DriftStatus.NOT_COMPUTED, reason=reason, settings=used)
    if not profile.rows_conformed:
        return DriftVerdict(DriftStatus.NOT_COMPUTED, reason="no rows tonight", settings=used)
    tonight = tonight or Tonight()
    columns = _columns(reference, profile, settings, tonight)
    slices = _slices(reference, profile, settings, tonight)
    decisions = _decisions(reference, profile, settings, tonight)
    impacts = impact_verdicts(reference.impact_sums, profile.impact, tonight.sources)
    status, reason = with_decisions(run_status(columns, settings), decisions)
    used[SETTING] = dict(sorted(tonight.usual_psi.items()))
    return DriftVerdict(status, tuple(columns), reason, used, slices, decisions, impacts)


def _columns(reference: ReferenceProfile, profile: Profile, settings: Drift, tonight: Tonight) -> list[ColumnDrift]:
    def comparison(name: str) -> ColumnComparison:
        usual = tonight.usual_psi.get(name)
        used = settings if usual is None else _by_history(settings, usual)
        return ColumnComparison(reference, used, hidden=name in tonight.sensitive)

    columns = [comparison(name).feature(column) for name, column in profile.columns.items()]
    columns += [comparison(name).score(score, tonight.models) for name, score in profile.scores.items()]
    return [replace(column, critical=column.column in settings.critical) for column in columns]


def _by_history(settings: Drift, usual: float) -> Drift:
    """One threshold for PSI, and none for other measures, which would call what is usual here a drift."""
    others = dict.fromkeys(("js_distance_warn", "ks_warn", "mean_shift_warn"), math.inf)
    return settings.model_copy(update={"psi_warn": usual, "psi_drift": usual, **others})


def _slices(reference: ReferenceProfile, profile: Profile, settings: Drift, tonight: Tonight) -> tuple[SliceDrift, ...]:
    """Of all slice columns that both sides were counted by; those that the reference lacks are in the settings.

    Scores of a model that is not the reference's are left out.
    """
    found: list[SliceDrift] = []
    scores = [score for score in reference.scores if _same_model(reference, str(score.model), tonight)]
    values = {name: current.values for name, current in profile.slices.items()}
    known = Slicing.of(values, reference.columns, scores, reference.other_share).labels() if values else {}
    labels = {
        column: _hidden(reference, column, words) if column in tonight.sensitive else words
        for column, words in known.items()
    }
    for name, current in profile.slices.items():
        before = reference.slice_profiles[name]
        shared = {*current.columns, *current.scores} & {*before.columns, *before.scores}
        compared = {column: words for column, words in labels.items() if column in shared}
        found += compare_slices(before, current, settings, compared)
    return tuple(found)


def _hidden(reference: ReferenceProfile, name: str, labels: tuple[str, ...]) -> tuple[str, ...]:
    """Texts in place of the labels of a column whose values are not to be shown, as the column itself has them."""
    column = reference.column(name)
    return numbered_labels(labels, "bin" if column is not None and column.kind == "numeric" else "category")


def _decisions(
    reference: ReferenceProfile, profile: Profile, settings: Drift, tonight: Tonight
) -> tuple[DecisionDrift, ...]:
    found: list[DecisionDrift] = []
    for model, current in profile.decisions.items():
        same = _same_model(reference, model, tonight)
        found.append(compare_decisions(reference.decision_profiles.get(model) if same else None, current, settings))
    return tuple(found)


def _same_model(reference: ReferenceProfile, model: str, tonight: Tonight) -> bool:
    return tonight.models.get(model, reference.models.get(model)) == reference.models.get(model)


def with_decisions(found: tuple[DriftStatus, str], decisions: Sequence[DecisionDrift]) -> tuple[DriftStatus, str]:
    """The run's status, at least a warning where a model decides otherwise than in training."""
    status, reason = found
    moved = [item.reason for item in decisions if item.status in (DriftStatus.WARN, DriftStatus.DRIFT)]
    if not moved or status is DriftStatus.NOT_COMPUTED:
        return found
    status = DriftStatus.DRIFT if status is DriftStatus.DRIFT else DriftStatus.WARN
    return status, "; ".join([reason, *moved])


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
        warnings = f", {len(warned)} gave a warning" if warned else ""
        return DriftStatus.WARN, f"{counted}{warnings}: {_listed(drifted or warned)}"
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
        "ks_warn": settings.ks_warn,
        "mean_shift_warn": settings.mean_shift_warn,
        "significance": settings.significance,
        "max_drifted_share": settings.max_drifted_share,
        "critical": list(settings.critical),
        "psi_floor": PSI_FLOOR,
        "noise_level": NOISE_LEVEL,
        "few_rows_stricter": rules.FEW_ROWS_STRICTER,
        "mean_rows": rules.MEAN_ROWS,
        "missing_drift": rules.MISSING_DRIFT,
        "missing_warn": rules.MISSING_WARN,
        "missing_ratio": rules.MISSING_RATIO,
        "missing_z": rules.MISSING_Z,
        "outside_warn": rules.OUTSIDE_WARN,
        "outside_drift": rules.OUTSIDE_DRIFT,
        "outside_chance": rules.OUTSIDE_CHANCE,
        "open_vocabulary": OPEN_VOCABULARY,
        "bins": None if reference is None else reference.bins,
        "fine_bins": FINE_BINS,
        "slices_without_reference": [
            name for name in settings.slices if reference is None or name not in reference.slice_profiles
        ],
        "other_share": None if reference is None else reference.other_share,
        "reference_digest": None if reference is None else reference.digest,
        "reference_rows": None if reference is None else reference.rows,
    }
