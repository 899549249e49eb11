"""Loading a job folder: every file of it read, checked and compiled before any data is touched."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data_checks.checks import Checks
from data_checks.reference import ReferenceProfile, contract_digest
from data_checks.reference_file import read_reference
from pipelines.code_digest import code_version
from pipelines.drift_columns import check_drift_columns
from pipelines.files import digest, file_sha256
from pipelines.known_references import remember
from pipelines.local_processes import model_threads
from pipelines.running_code import RunningCode
from pipelines.tools import ScoringSpec
from schemas.card import ModelCard, read_card
from schemas.contract import TableContract, read_contract
from schemas.errors import ConfigError
from schemas.job import Job, read_job, unknown_column
from schemas.suite import Suite, read_suite
from transforms.chain import compile_chains
from transforms.output_columns import output_fields


@dataclass(frozen=True)
class LoadedJob:
    """A job whose every file was read and fits the others."""

    path: Path
    job: Job
    contract: TableContract
    suite: Suite | None
    spec: ScoringSpec
    #: The reference profile, or the reason why there is none.
    reference: ReferenceProfile | str
    #: What decides the results, each by its digest; and the code's version.
    digests: dict[str, str]

    @property
    def base(self) -> Path:
        """The folder that the job's paths are relative to."""
        return self.path.parent

    @property
    def table(self) -> Path:
        """Folder of the scored table."""
        return self.base / self.job.output.path

    @property
    def runs(self) -> Path:
        """Folder of the runs of all partitions."""
        return self.base / self.job.output.runs

    @property
    def models(self) -> dict[str, str]:
        """sha256 of each model's artefact."""
        return {e.name: c.artefact.sha256 for e, c in zip(self.job.models, self.spec.cards, strict=True)}


def job_path(path: Path) -> Path:
    """The job.yaml: `path` itself, or the one in the folder `path`. Raises ConfigError when there is none."""
    found = path / "job.yaml" if path.is_dir() else path
    if not found.is_file():
        message = f"{found}: no such file; give a job.yaml or the folder it is in"
        raise ConfigError(message, code="no_such_file", file=str(found))
    return found.absolute()


def load_job(path: Path, override: Callable[[Job], Job] = lambda job: job) -> LoadedJob:
    """The job at `path`, a job.yaml or its folder, as `override` changes it.

    Raises ConfigError or ModelError; reads no data and no model.
    """
    path = job_path(path)
    base = path.parent
    job = override(read_job(path))
    contract = read_contract(base / job.input.contract)
    cards = tuple(read_card(base / entry.card) for entry in job.models)
    suite = read_suite(base / job.checks.suite, job.checks.parameters) if job.checks.suite else None
    _check_columns(job, contract, cards)
    _check_folders(job, base)
    reference = _reference(job, contract, base)
    checks = Checks.compile(suite, contract, job.checks, examples=job.report.examples)
    chains = compile_chains(job.features, contract, cards)
    known = reference if isinstance(reference, ReferenceProfile) else None
    threads = model_threads(job.runners.local)
    kept = remember(known) if known is not None else None
    code = RunningCode.here(_custom_packages(job))
    digests = _digests(job, contract, cards, known, base) | {"code": code.own}
    whole = digest({**digests, "base": str(base)})
    spec = ScoringSpec(job, contract, checks, chains, cards, kept, str(base), threads, code, whole)
    return LoadedJob(path, job, contract, suite, spec, reference, digests)


def _custom_packages(job: Job) -> list[str]:
    """Top-level packages of the job's own steps."""
    steps = (step.custom for feature in job.features.values() for step in feature.steps)
    return sorted({step.partition(":")[0].partition(".")[0] for step in steps if step})


def _reference(job: Job, contract: TableContract, base: Path) -> ReferenceProfile | str:
    if job.drift.reference is None:
        return "job.yaml names no drift.reference"
    return read_reference(base / job.drift.reference, contract_digest(contract, job.drift.times))


def _check_columns(job: Job, contract: TableContract, cards: tuple[ModelCard, ...]) -> None:
    """Raise ConfigError for output and critical columns that do not exist or would meet."""
    outputs, critical = "output.columns", "drift.critical"
    for name in job.output.columns:
        if contract.column(name) is None:
            raise unknown_column(outputs, name, contract.names())
    scored = [f.name for entry, card in zip(job.models, cards, strict=True) for f in output_fields(entry, card)]
    taken = {*job.output.columns, *contract.names("key", "partition")}
    twice = sorted({name for name in scored if name in taken or scored.count(name) > 1})
    if twice:
        message = f"output column '{twice[0]}' of a model is an input column's, too, or another model's; rename it"
        raise ConfigError(message, code="output_name_taken", column=twice[0])
    partition = sorted(set(contract.names("partition")) & set(job.output.columns))
    if partition:
        message = f"output.columns: '{partition[0]}' is in the partition folder's name already; leave it out"
        raise ConfigError(message, code="partition_in_output", column=partition[0])
    for name in job.drift.critical:
        column = contract.column(name)
        if name not in scored and column is not None and column.role != "feature":
            message = f"{critical}: '{name}' is a {column.role} column, and only features and scores are compared"
            raise ConfigError(message, code="not_a_feature", column=name)
        if name not in scored and column is None:
            raise unknown_column(critical, name, (*contract.names("feature"), *scored))
    check_drift_columns(job.drift, contract)


def _check_folders(job: Job, base: Path) -> None:
    """Raise ConfigError where the table, the runs and the input would lie in one another."""
    places = {
        "output.path": (base / job.output.path).resolve(),
        "output.runs": (base / job.output.runs).resolve(),
        "input.path": (base / job.input.path.partition("{date}")[0]).resolve(),
    }
    names = list(places)
    for first in names:
        for second in names:
            if first != second and places[second].is_relative_to(places[first]) and (first, second) not in _MAY_NEST:
                message = f"{second} lies in {first}: readers of the one would find the files of the other"
                raise ConfigError(message, code="folders_nest")


#: The part of input.path before the date may be the whole job folder.
_MAY_NEST = {("input.path", "output.path"), ("input.path", "output.runs")}


def _digests(
    job: Job, contract: TableContract, cards: tuple[ModelCard, ...], reference: ReferenceProfile | None, base: Path
) -> dict[str, str]:
    found = {
        "config": digest(resolved_config(job)),
        "contract": digest(contract.model_dump(mode="json")),
        "suite": file_sha256(base / job.checks.suite) if job.checks.suite else "",
        "reference": reference.digest if reference else "",
        "version": code_version(),
    }
    cards_by_name = zip(job.models, cards, strict=True)
    for entry, card in cards_by_name:
        found |= {
            f"model {entry.name}": card.artefact.sha256,
            f"card {entry.name}": digest(card.model_dump(mode="json")),
        }
    return found


def resolved_config(job: Job) -> dict[str, Any]:
    """The job with every default written out, as job.yaml would say it."""
    return job.model_dump(mode="json", by_alias=True, exclude_none=False)
