"""Going on where an interrupted run of the partition ended: its finished units are used in place of scoring them again.

The earlier run's folder stays as it is until the resuming run has ended; the files that both have are hard links.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipelines.console import count
from pipelines.finished_units import finished_units, still_the_same, take_over
from pipelines.input_digest import unit_digest
from pipelines.inside_folder import opened_file
from pipelines.run_folder import RESULT, RESUMABLE, Closed, RunFolder, runs_of
from pipelines.run_identity import IDENTITY, changed_names
from schemas.plan import Plan

_MAX_JSON_BYTES = 16 * 1024 * 1024


@dataclass
class EarlierRuns:
    """The partition's interrupted runs, for a run that is about to begin."""

    #: With finished units, newest first; nobody else may clean them up before this run has ended.
    runs: list[RunFolder] = field(default_factory=list)
    #: Why there is none of them.
    why: str = ""
    #: The one whose units are used, and their numbers.
    source: RunFolder | None = None
    taken: Collection[int] = ()
    #: Whether it was decided which one is used, and it was taken over: a run that ends sooner leaves them to the next.
    decided: bool = False

    @classmethod
    def of(cls, partition_runs: Path) -> EarlierRuns:
        """Those in the folder of all runs of the partition."""
        every = list(reversed(runs_of(partition_runs)))
        interrupted = [run for run in every if _was_interrupted(run)]
        found = [run for run in interrupted if next(finished_units(run.path), None)]
        if found:
            return cls(found)
        if not every:
            return cls(why=f"{partition_runs.name} has no earlier run")
        if every[0] in interrupted:
            return cls(why=f"run {every[0].run_id} ended before a unit was finished")
        return cls(why=f"the latest run of {partition_runs.name} was not interrupted")

    def take_over(self, folder: RunFolder, plan: Plan, identity: dict[str, Any]) -> str:
        """Link the finished units of the newest run that is like this one into the new run's folder. What to say."""
        why = self.why
        for run in self.runs:
            try:
                changed = changed_names(_read_json(run, IDENTITY), identity)
            except (OSError, ValueError, KeyError, AttributeError):
                changed = ["identity.json"]
            if not changed:
                self.source = run
                wanted = {unit.number: unit_digest(unit) for unit in plan.units}
                self.taken = take_over(run.path, folder.path, wanted)
                self.decided = True
                return f"{self._of_units(len(self.taken), plan)} of run {run.run_id} are reused"
            why = why or f"run {run.run_id} is not resumed, since this changed: {', '.join(changed)}"
        self.decided = True
        return f"nothing is reused: {why}; every unit is scored"

    def after_the_pass(self, folder: RunFolder, plan: Plan) -> str | None:
        """What to say if fewer units were reused than were taken over."""
        if self.source is None:
            return None
        reused = still_the_same(self.source.path, folder.path, self.taken)
        if reused == len(self.taken):
            return None
        again = count(len(self.taken) - reused, "unit")
        return f"{self._of_units(reused, plan)} were reused; {again} did not verify, so scored again"

    def _of_units(self, number: int, plan: Plan) -> str:
        return f"{number:,} of {count(len(plan.units), 'unit')}"


def closed_line(closed: Closed) -> str:
    """What to say of an earlier run that was cleaned up."""
    text = f"cleaned up run {closed.run_id}"
    if closed.cut_short:
        text += ", which was cut short; nothing of it was published"
    if closed.finished:
        text += f"; {count(closed.finished, 'finished unit')} went with it, which --resume would have used"
    return text


def _was_interrupted(run: RunFolder) -> bool:
    try:
        result = _read_json(run, RESULT)
    except FileNotFoundError:
        return True
    except (OSError, ValueError):
        return False
    return isinstance(result, dict) and result.get("exit_code") in RESUMABLE


def _read_json(run: RunFolder, name: str) -> Any:
    """A JSON file of the run, which anybody may have written. Raises OSError or ValueError."""
    with opened_file(run.path, name) as stream:
        data = stream.read(_MAX_JSON_BYTES + 1)
    if len(data) > _MAX_JSON_BYTES:
        message = f"{name} has more than {_MAX_JSON_BYTES:,} bytes"
        raise ValueError(message)
    try:
        return json.loads(data)
    except RecursionError as error:
        message = f"{name} is nested too deeply"
        raise ValueError(message) from error
