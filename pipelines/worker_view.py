"""What workers are given to work with: the specification, the plan and the run's folder, under their own paths."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from pipelines.tools import ScoringSpec
from schemas.errors import ConfigError
from schemas.plan import InputFile, Plan, Span, Unit


@dataclass(frozen=True)
class WorkerView:
    """A pass as its workers see it."""

    spec: ScoringSpec
    plan: Plan
    run_folder: str

    def moved_to(self, job_folder: str) -> WorkerView:
        """The same pass where workers have the job's folder under another path.

        Raises ConfigError where something that workers read or write lies outside the job's folder: they could not
        reach it by that path.
        """
        move = _Move(Path(self.spec.base), PurePosixPath(job_folder))
        files = {file.number: replace(file, path=move.path(file.path, "input.path")) for file in self.plan.files}
        plan = replace(
            self.plan,
            files=tuple(files[file.number] for file in self.plan.files),
            units=tuple(_with_files(unit, files) for unit in self.plan.units),
        )
        run_folder = move.path(self.run_folder, "output.runs")
        for key, path in self._read_by_workers():
            move.path(os.path.join(self.spec.base, path), key)  # noqa: PTH118  # an absolute path stays one
        return WorkerView(replace(self.spec, base=job_folder), plan, run_folder)

    def _read_by_workers(self) -> Iterator[tuple[str, str]]:
        """(key of job.yaml, path relative to the job's folder) of what they open besides the input."""
        for entry in self.spec.job.models:
            yield f"models: {entry.name}: path", entry.path
            yield f"models: {entry.name}: card", entry.card
        if self.spec.job.drift.reference is not None:
            yield "drift.reference", self.spec.job.drift.reference


@dataclass(frozen=True)
class _Move:
    old: Path
    new: PurePosixPath

    def path(self, path: str, key: str) -> str:
        try:
            return str(self.new / Path(os.path.normpath(path)).relative_to(os.path.normpath(self.old)).as_posix())
        except ValueError:
            message = (
                f"{key} lies outside the job's folder ({path}), so workers that have that folder as {self.new} cannot "
                "reach it. Move it below the folder of job.yaml, or drop runners' job_folder."
            )
            raise ConfigError(message, code="outside_job_folder", key=key) from None


def _with_files(unit: Unit, files: dict[int, InputFile]) -> Unit:
    return replace(unit, spans=tuple(Span(files[s.file.number], s.row_group, s.first_row) for s in unit.spans))
