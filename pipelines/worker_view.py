"""What workers are given to work with: the specification, the plan and the run's folder, under their own paths."""

from __future__ import annotations

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

        Raises ConfigError where the input or the run's folder lies outside the job's folder: workers could not reach
        it by that path.
        """
        move = _Move(Path(self.spec.base), PurePosixPath(job_folder))
        files = {file.number: replace(file, path=move.path(file.path, "input.path")) for file in self.plan.files}
        plan = replace(
            self.plan,
            files=tuple(files[file.number] for file in self.plan.files),
            units=tuple(_with_files(unit, files) for unit in self.plan.units),
        )
        run_folder = move.path(self.run_folder, "output.runs")
        return WorkerView(replace(self.spec, base=job_folder), plan, run_folder)


@dataclass(frozen=True)
class _Move:
    old: Path
    new: PurePosixPath

    def path(self, path: str, key: str) -> str:
        try:
            return str(self.new / Path(path).relative_to(self.old).as_posix())
        except ValueError:
            message = (
                f"{key} lies outside the job's folder ({path}), so workers that have that folder as {self.new} cannot "
                "reach it. Move it below the folder of job.yaml, or drop runners' job_folder."
            )
            raise ConfigError(message, code="outside_job_folder", key=key) from None


def _with_files(unit: Unit, files: dict[int, InputFile]) -> Unit:
    return replace(unit, spans=tuple(Span(files[s.file.number], s.row_group, s.first_row) for s in unit.spans))
