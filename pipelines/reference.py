"""`nightscore profile`: the reference profile of the training data, made once and compared with every night."""

from __future__ import annotations

import glob
import json
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from data_checks.reference import ReferenceProfile
from data_checks.reference_file import write_reference
from pipelines.beam_options import local_pipeline
from pipelines.console import Console, count
from pipelines.files import write_bytes
from pipelines.loading import LoadedJob, load_job
from pipelines.local_processes import processes_for
from pipelines.outcome import Failure
from pipelines.pass_running import error_of, run_pipeline
from pipelines.stages.plan import share_out
from pipelines.training_pass import REFERENCE_FILE, SLICES_FILE, ProfileTraining, TrainingPlan
from pipelines.unit_profiling import conformed
from schemas.contract import TableContract
from schemas.errors import ConfigError
from schemas.job import Job
from schemas.plan import InputFile, Span, Unit
from schemas.runners import LocalRunner
from transforms.parquet_footer import read_footer


def make_reference(job: Path, workers: int = 1) -> Path:
    """Write the reference profile that job.yaml names, in one step: whatever happens before, the old one stays.

    Raises ConfigError where the job names none or no training data, or that has no rows; InputError for a file that
    cannot be read and RowError for a row that the contract says must not be.
    """
    loaded = load_job(job, lambda read: _with_workers(read, workers))
    target, files = _target(loaded), training_files(loaded)
    target.parent.mkdir(parents=True, exist_ok=True)
    units = training_units(files, loaded.job.rows_per_unit)
    work = tempfile.mkdtemp(prefix=".profile-", dir=target.parent)
    try:
        plan = TrainingPlan(units, sum(unit.rows for unit in units), work)
        reference = _run(loaded, plan)
        _refuse_empty(reference, files)
        fresh = Path(work) / target.name
        write_reference(reference, fresh)
        write_bytes(target, fresh.read_bytes())
    finally:
        shutil.rmtree(work, ignore_errors=True)
    columns = count(len(reference.columns), "column")
    text = f"{count(reference.rows, 'row')} of {count(len(files), 'file')}, {columns}"
    Console().line("profile", f"{loaded.job.drift.reference}: {text}, digest {reference.digest[:12]}")
    return target


def _with_workers(job: Job, workers: int) -> Job:
    mode: Any = "multi_processing" if workers > 1 else "in_memory"
    local = LocalRunner(mode=mode, workers=workers, threads=job.runners.local.threads)
    return job.model_copy(update={"runners": job.runners.model_copy(update={"local": local})})


def _run(loaded: LoadedJob, plan: TrainingPlan) -> ReferenceProfile:
    """The reference profile. Raises the first unit's error of ours."""
    processes = processes_for(loaded.job.runners.local, len(plan.units), plan.rows)
    pipeline = local_pipeline(processes)
    pipeline | "nightscore profile" >> ProfileTraining(replace(loaded.spec, threads=processes.threads), plan)
    run_pipeline(pipeline)
    raw = json.loads((Path(plan.work) / REFERENCE_FILE).read_bytes())
    if "failures" in raw:
        raise error_of(Failure(**raw["failures"][min(raw["failures"], key=int)]))
    slices = Path(plan.work) / SLICES_FILE
    payload = raw["reference"] | {"slices": json.loads(slices.read_bytes()) if slices.exists() else []}
    return ReferenceProfile.model_validate_json(json.dumps(payload))


def _refuse_empty(reference: ReferenceProfile, files: Sequence[Path]) -> None:
    """Raise ConfigError for training data without rows: every night would look as strange as any other beside it."""
    if not reference.rows:
        message = f"the training data has no row that fits the contract, in {count(len(files), 'file')}: {files[0]}"
        raise ConfigError(message + (", ..." if len(files) > 1 else ""), code="no_training_rows")


def _target(loaded: LoadedJob) -> Path:
    if loaded.job.drift.reference is None:
        message = "job.yaml: drift.reference must name the file to make, such as reference/profile.json"
        raise ConfigError(message, code="no_reference_path")
    return loaded.base / loaded.job.drift.reference


def training_files(loaded: LoadedJob) -> list[Path]:
    """The training files of drift.training, a folder or a glob, sorted. Raises ConfigError where there are none."""
    wanted = loaded.job.drift.training
    if wanted is None:
        message = "job.yaml: drift.training must name the training data: a folder or a glob of Parquet files"
        raise ConfigError(message, code="no_training_path")
    return parquet_files([loaded.base / wanted])


def parquet_files(places: Sequence[Path]) -> list[Path]:
    """The Parquet files in folders, globs and files, sorted and each once. Raises ConfigError where there are none."""
    found: set[Path] = set()
    for place in places:
        if place.is_dir():
            found.update(place.rglob("*.parquet"))
        else:
            found.update(Path(name) for name in glob.glob(str(place), recursive=True))  # noqa: PTH207  # a whole pattern
    files = sorted(path for path in found if path.is_file())
    if not files:
        message = f"no Parquet file in {', '.join(map(str, places))}"
        raise ConfigError(message, code="no_training_files")
    return files


def training_units(files: Sequence[Path], rows_per_unit: int) -> tuple[Unit, ...]:
    """Every row group of the files, in units. Raises InputError for a file whose footer cannot be read."""
    found: list[InputFile] = []
    for number, path in enumerate(files):
        footer = read_footer(path)
        facts = footer.bytes, footer.mtime_ns, footer.digest, footer.row_group_rows
        found.append(InputFile(number, str(path), str(path), *facts))
    return tuple(share_out(found, rows_per_unit))


def training_spans(files: Sequence[Path]) -> list[Span]:
    """Every row group of the files."""
    return [span for unit in training_units(files, 1) for span in unit.spans]


def column_values(spans: Sequence[Span], contract: TableContract, name: str) -> pa.ChunkedArray:
    """All conformed values of one column."""
    narrow = contract.model_copy(
        update={"extra_columns": "ignore", "columns": tuple(c for c in contract if c.name == name)}
    )
    chunks = [batch.column(0) for span in spans for batch in conformed(span, narrow)]
    return pa.chunked_array(chunks) if chunks else pa.chunked_array([pa.array([], pa.null())])
