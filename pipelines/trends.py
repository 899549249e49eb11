"""Tonight beside the earlier published nights: since when a column drifts, and how it differs from the last ones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import islice
from typing import Any

from data_checks.column_drift import ColumnComparison
from data_checks.column_summary import ColumnSummary
from data_checks.history_thresholds import thresholds_from_history
from data_checks.profile import Profile
from data_checks.reference import ReferenceProfile
from pipelines.earlier_nights import (
    LOOK_BACK,
    UNREADABLE,
    EarlierRun,
    first_line,
    published_before,
    published_run,
)
from pipelines.loading import LoadedJob
from schemas.verdicts import ColumnDrift, DriftStatus, DriftVerdict, EarlierNight, Trend

#: A row of nights is counted so far at most.
LONGEST = 30
#: Days in which one night is looked for, where the job wants thresholds of so many nights: a weekly job has them, too.
_DAYS_A_NIGHT = 7
_FLAGGED = (DriftStatus.WARN, DriftStatus.DRIFT)
_WEEK = timedelta(days=7)


def trend_of(loaded: LoadedJob, run_date: str, profile: Profile, drift: DriftVerdict) -> Trend:
    """What the published nights before `run_date` say of it."""
    flagged = {column.column for column in drift.columns if column.status in _FLAGGED}
    rows = nights_in_a_row(flagged, published_before(loaded, run_date))
    reference = loaded.reference
    if isinstance(reference, str):
        return Trend(rows)
    against = Against(reference, loaded, profile)
    return Trend(rows, tuple(against.nights(run_date)))


def nights_in_a_row(flagged: set[str], earlier: Iterable[EarlierRun]) -> dict[str, int]:
    """Column to the published nights in a row that it has stood out in, tonight included; `earlier` the latest first.

    A night whose verdict cannot be read, or that did not compare the column, ends the row.
    """
    rows, going = dict.fromkeys(sorted(flagged), 1), set(flagged)
    for run in islice(earlier, LONGEST - 1):
        if not going:
            break
        found = run.drift
        columns = () if isinstance(found, str) else found.columns
        going &= {column.column for column in columns if column.status in _FLAGGED}
        for name in going:
            rows[name] += 1
    return rows


def usual_psi(loaded: LoadedJob, run_date: str) -> dict[str, float]:
    """Column to the PSI from which on it counts as drifted, by its earlier nights; empty unless the job wants that.

    Never below psi_warn: of a column that hardly ever moves, a PSI that is no matter would be unusual.
    """
    settings = loaded.job.drift.history
    if settings is None or isinstance(loaded.reference, str):
        return {}
    values: dict[str, list[float | None]] = {}
    earlier = published_before(loaded, run_date, max(LOOK_BACK, settings.runs * _DAYS_A_NIGHT))
    for run in islice(earlier, settings.runs):
        found = run.drift
        if isinstance(found, str) or found.settings.get("reference_digest") != loaded.reference.digest:
            continue
        for column in found.columns:
            values.setdefault(column.column, []).insert(0, column.psi)
    found_thresholds = thresholds_from_history(values, settings)
    least = loaded.job.drift.psi_warn
    return {name: max(found.value, least) for name, found in found_thresholds.items() if found.value is not None}


@dataclass(frozen=True)
class Against:
    """Tonight's profile, to be held against others on the same bins."""

    reference: ReferenceProfile
    loaded: LoadedJob
    profile: Profile

    def nights(self, run_date: str) -> Iterator[EarlierNight]:
        """The last published night, and the same weekday of the week before if that is another one."""
        last = next(published_before(self.loaded, run_date), None)
        if last is not None:
            yield self.night("the night before", last)
        weekday = (date.fromisoformat(run_date) - _WEEK).isoformat()
        same = published_run(self.loaded, weekday)
        if same is not None and (last is None or last.run_date != weekday):
            yield self.night("the same weekday", same)

    def night(self, label: str, run: EarlierRun) -> EarlierNight:
        """Every column tonight against the same column that night; by the job's fixed thresholds."""
        before = run.profile
        if isinstance(before, str):
            return EarlierNight(label, run.run_date, run.run_id, reason=before)
        try:
            return EarlierNight(label, run.run_date, run.run_id, dict(self._columns(before)))
        except UNREADABLE as error:  # a damaged file of an earlier night is no reason to lose tonight's
            reason = f"its profile.json cannot be used: {first_line(error)}"
            return EarlierNight(label, run.run_date, run.run_id, reason=reason)

    def _columns(self, before: Profile) -> Iterator[tuple[str, dict[str, Any]]]:
        comparison = ColumnComparison(self.reference, self.loaded.job.drift)
        for name, now in self.profile.columns.items():
            frozen, then = self.reference.column(name), before.columns.get(name)
            if frozen is not None and then is not None and frozen.kind == now.kind == then.kind:
                sides = ColumnSummary.of_column(then), ColumnSummary.of_column(now)
                yield name, _numbers(comparison.between(name, frozen, *sides))
        for name, score in self.profile.scores.items():
            frozen, earlier = self.reference.score(name), before.scores.get(name)
            if frozen is not None and earlier is not None and earlier.column == score.column:
                sides = ColumnSummary.of_score(earlier), ColumnSummary.of_score(score)
                yield name, _numbers(comparison.between(name, frozen, *sides))


def _numbers(found: ColumnDrift) -> dict[str, Any]:
    return {
        "status": found.status.value,
        "psi": found.psi,
        "mean": found.mean_reference,
        "missing_rate": found.missing_rate_reference,
    }
