"""The nights of a range as their runs left them, and all of them together as if they were one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from data_checks.drift import compare
from data_checks.impact import ImpactSums
from data_checks.profile import Profile
from pipelines.earlier_nights import EarlierRun, published_run
from pipelines.judging import tonight
from pipelines.loading import LoadedJob
from pipelines.publishing import published_manifest
from pipelines.run_folder import RESULT, latest_run
from pipelines.stages.plan import input_place
from schemas.verdicts import DriftStatus, DriftVerdict

_KNOWN = ("held", "failed", "no_data")
_NO_REFERENCE = "there was no reference profile to compare it with then"


@dataclass(frozen=True)
class StoredNight:
    """One date, and what is known of it."""

    date: str
    run: EarlierRun | None
    outcome: str
    reason: str = ""
    #: Of the partition that is out, by its manifest; None where there is none.
    published_rows: int | None = None

    @property
    def rows(self) -> int | None:
        """Rows scored; None where nobody knows."""
        profile = self.run.profile if self.run is not None else None
        return profile.rows_scored if isinstance(profile, Profile) else self.published_rows

    @property
    def uncompared(self) -> str:
        """Why the night is not, or not wholly, in what is compared; empty where it is."""
        if self.run is None:
            return ""
        found = self.run.drift
        if isinstance(found, str):
            return found
        if self.verdict is None:
            known = found.settings.get("reference_digest") is not None
            return "it was compared with another reference profile" if known else _NO_REFERENCE
        if found.status is DriftStatus.NOT_COMPUTED:
            return found.reason
        return self.run.profile if isinstance(self.run.profile, str) else ""

    @property
    def verdict(self) -> DriftVerdict | None:
        """The night's own verdict, where it was reached on today's reference."""
        if self.run is None or isinstance(self.run.drift, str):
            return None
        reference = self.run.loaded.reference
        digest = None if isinstance(reference, str) else reference.digest
        return self.run.drift if self.run.drift.settings.get("reference_digest") == digest else None

    @property
    def profile(self) -> Profile | None:
        """The night's profile, if its partition is out and it was counted on today's reference."""
        if self.run is None or self.outcome != "published" or isinstance(self.run.profile, str):
            return None
        return self.run.profile


def stored_night(loaded: LoadedJob, run_date: str) -> StoredNight:
    """The night of that date: its published run, else the latest one."""
    run = published_run(loaded, run_date)
    partition = input_place(loaded.job.input, loaded.base, run_date).partition
    if run is not None:
        rows = (published_manifest(loaded.table / partition) or {}).get("rows")
        return StoredNight(run_date, run, "published", published_rows=rows if isinstance(rows, int) else None)
    latest = latest_run(loaded.runs / partition)
    if latest is None:
        return StoredNight(run_date, None, "missing", "no run")
    result = latest.read(RESULT)
    if result["status"] == "published":
        return StoredNight(run_date, None, "missing", f"run {latest.run_id} was published, and its partition is gone")
    outcome = result["status"] if result["status"] in _KNOWN else "failed"
    reasons = [*result.get("reasons", ()), result["message"]]
    return StoredNight(run_date, EarlierRun(loaded, run_date, latest.path), outcome, str(reasons[0]))


def together(loaded: LoadedJob, nights: Sequence[StoredNight]) -> DriftVerdict:
    """All published nights as if they were one."""
    merged = loaded.spec.empty_outcome().profile
    for night in nights:
        if night.run is not None and night.profile is not None:
            merged.merge(_as_today(loaded, night.profile, night.run.models))
    return compare(loaded.reference, merged, loaded.job.drift, tonight(loaded))


def _as_today(loaded: LoadedJob, night: Profile, models: Mapping[str, str]) -> Profile:
    """A copy of the night's profile with the parts that today's job has, empty where the night's cannot be added to.

    That night may have had other slices or another threshold, and what another model did with it is not of this one.
    """
    copy = loaded.spec.empty_outcome().profile
    copy.rows_conformed, copy.rows_scored = night.rows_conformed, night.rows_scored
    same = {name for name, digest in models.items() if loaded.models.get(name) == digest}
    found: dict[str, dict[str, Any]] = {
        "columns": night.columns,
        "scores": {name: part for name, part in night.scores.items() if part.column.model in same},
        "decisions": {name: part for name, part in night.decisions.items() if name in same},
        "slices": night.slices,
    }
    for group, parts in found.items():
        for name, part in getattr(copy, group).items():
            with suppress(ValueError):  # what cannot merge is refused as a whole: the part stays empty
                if name in parts:
                    part.merge(parts[name])
    scores = {name: part for name, part in night.impact.scores.items() if part.explained.model in same}
    copy.impact = ImpactSums(scores, {name: why for name, why in night.impact.refused.items() if why[0] in same})
    return copy
