"""What earlier nights left: their profiles and drift verdicts, as they were published."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path

from data_checks.drift_json import drift_from_json
from data_checks.profile import Profile
from pipelines.loading import LoadedJob
from pipelines.publishing import published_manifest
from pipelines.stages.plan import input_place
from schemas.verdicts import DriftVerdict

#: Days that are looked back for earlier nights, if nobody needs more.
LOOK_BACK = 60
#: What reading JSON of any shape may raise, and computing with what it holds.
UNREADABLE = (OSError, ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError)


@dataclass(frozen=True)
class EarlierRun:
    """The run of a date, published or not. What it left is read when it is asked for."""

    loaded: LoadedJob
    run_date: str
    folder: Path
    #: Name to sha256 of each model that scored the night; empty where nothing was published.
    models: Mapping[str, str] = field(default_factory=dict)

    @property
    def run_id(self) -> str:
        """The run's id."""
        return self.folder.name

    @cached_property
    def drift(self) -> DriftVerdict | str:
        """The verdict on that night, or why there is none to be read."""
        try:
            return drift_from_json(json.loads((self.folder / "drift.json").read_bytes()))
        except FileNotFoundError:
            return "the run left no drift.json"
        except UNREADABLE as error:
            return f"its drift.json cannot be read: {first_line(error)}"

    @cached_property
    def profile(self) -> Profile | str:
        """The night's profile on the bins of today's reference, or why there is none."""
        reference = self.loaded.reference
        if isinstance(reference, str):
            return reference
        try:
            return Profile.from_json(json.loads((self.folder / "profile.json").read_bytes()), reference)
        except FileNotFoundError:
            return "the run left no profile.json"
        except UNREADABLE as error:
            return f"its profile.json cannot be used: {first_line(error)}"


def published_run(loaded: LoadedJob, run_date: str) -> EarlierRun | None:
    """The run whose partition is out for that date, or None. Its folder may be gone: then it has left nothing."""
    partition = input_place(loaded.job.input, loaded.base, run_date).partition
    try:
        manifest = published_manifest(loaded.table / partition) or {}
        run_id = Path(manifest["run_id"]).name
        models = {str(model["name"]): str(model["sha256"]) for model in manifest["models"]}
    except UNREADABLE:
        return None
    return EarlierRun(loaded, run_date, loaded.runs / partition / run_id, models)


def published_before(loaded: LoadedJob, run_date: str, days: int = LOOK_BACK) -> Iterator[EarlierRun]:
    """The published runs of the earlier dates, the latest first, as many days back."""
    day = date.fromisoformat(run_date)
    for back in range(1, days + 1):
        found = published_run(loaded, (day - timedelta(days=back)).isoformat())
        if found is not None:
            yield found


def first_line(error: Exception) -> str:
    """The error's kind and the first line of its text, 200 characters at most."""
    lines = str(error).splitlines() or [""]
    return f"{type(error).__name__}: {lines[0]}"[:200]
