"""Profiling one unit of training data: read, prepare, predict, count; the values of each number go to sorted files."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa

from data_checks.columns import BatchColumns
from data_checks.profile import Profile, ProfileColumn
from data_checks.quarantine import kept_mask
from data_checks.reference import ReferenceProfile
from data_checks.reference_build import TRAINING_CATEGORIES
from data_checks.slices import SliceProfile
from data_checks.slicing import Slicing
from data_checks.value_runs import ValueRun
from pipelines.fold_scored import ScoredRows, fold_scored
from pipelines.tools import ScoringSpec, Tools
from schemas.contract import TableContract
from schemas.errors import RowError
from schemas.plan import Span, Unit
from transforms.conform import Conformer
from transforms.predict import predict
from transforms.read_span import open_span

FORMAT = "nightscore.training"
VERSION = 1


@dataclass
class Training:
    """What profiling gave: the same mergeable value for a unit and for all of the training data."""

    #: On no bins: which those are follows from it.
    profile: Profile
    #: Column or score to its files of sorted values, relative to the work folder.
    files: dict[str, list[str]] = field(default_factory=dict)

    @classmethod
    def empty(cls, spec: ScoringSpec) -> Training:
        """Of no rows."""
        extra = [name for name in spec.job.drift.slices if name not in {column.name for column in spec.profiled}]
        columns = [*spec.profiled, *(ProfileColumn(name, "categorical") for name in extra)]
        decisions = spec.empty_decisions()
        return cls(Profile.empty(None, columns, spec.scores, decisions=decisions, category_cap=TRAINING_CATEGORIES))

    def merge(self, other: Training) -> None:
        """Add `other`, which stays as it is."""
        self.profile.merge(other.profile)
        for name, paths in other.files.items():
            self.files[name] = sorted([*self.files.get(name, []), *paths])

    def to_json(self) -> bytes:
        """Strict JSON; equal values give equal bytes."""
        files = dict(sorted(self.files.items()))
        value = {"format": FORMAT, "version": VERSION, "profile": self.profile.to_json(), "files": files}
        return json.dumps(value, allow_nan=False, separators=(",", ":")).encode()

    @classmethod
    def from_json(cls, data: bytes) -> Training:
        """What `to_json` wrote. Raises ValueError when it is something else."""
        raw = json.loads(data)
        if (raw.get("format"), raw.get("version")) != (FORMAT, VERSION):
            message = f"not a {FORMAT} of version {VERSION}"
            raise ValueError(message)
        return cls(Profile.from_json(raw["profile"], None), raw["files"])


def profile_unit(unit: Unit, tools: Tools, work: Path, total_rows: int) -> Training:
    """The profile of the unit's rows that fit the contract; their values are left in files of the folder `work`.

    `total_rows` are those of all training data. Raises RowError for a row that the contract says must not be, and
    InputError and ModelError as the reader and the model do.
    """
    training = Training.empty(tools.spec)
    numeric = [column.name for column in tools.spec.profiled if column.kind == "numeric"]
    runs = {name: ValueRun("float") for name in (*numeric, *(score.name for score in tools.spec.scores))}
    for rows in scored_rows(unit, tools):
        training.profile.add_conformed(rows.columns)
        fold_scored(tools, training.profile, rows, None, total_rows)
        for name in numeric:
            runs[name].add(rows.columns.present_numbers(name))
        for name, values in _numbers(rows, [score.name for score in tools.spec.scores]).items():
            runs[name].add(values[~np.isnan(values)])
    for number, (name, run) in enumerate(runs.items()):
        path = run.write(work / "values" / f"{number:04d}", unit.number, uuid.uuid4().hex)
        if path is not None:
            training.files[name] = [path.relative_to(work).as_posix()]
    return training


def slice_unit(unit: Unit, tools: Tools, slicing: Slicing) -> dict[str, SliceProfile]:
    """The unit's rows counted within slices, by slice column."""
    slices = slicing.empty()
    for rows in scored_rows(unit, tools):
        slicing.add(slices, rows.columns, _numbers(rows, [item.column for item in slicing.scores]))
    return slices


def scored_rows(unit: Unit, tools: Tools) -> Iterator[ScoredRows]:
    """The batches of the unit with what the models say of them, without rows that break the contract."""
    contract = training_contract(tools.spec)
    for span in unit.spans:
        row = span.first_row_in_file
        for batch in conformed(span, contract):
            prepared = [chain.apply(batch).features for chain in tools.spec.chains]
            scores = [predict(model, item).scores for model, item in zip(tools.models, prepared, strict=True)]
            columns = tools.spec.times.apply(BatchColumns(batch))
            numbers = np.arange(row, row + batch.num_rows)
            yield ScoredRows(columns, span.file.number, numbers, prepared, scores)
            row += batch.num_rows


def training_contract(spec: ScoringSpec) -> TableContract:
    """The part of the contract that training data must fit: it may have no keys and other columns of its own."""
    needed = {column.name for column in spec.profiled} | set(spec.job.drift.slices)
    needed |= {name for chain in spec.chains for entry in chain.entries for name in entry.sources}
    needed |= {view.since for view in spec.job.drift.times.values() if view.since is not None}
    columns = tuple(column for column in spec.contract if column.name in needed)
    return spec.contract.model_copy(update={"extra_columns": "ignore", "columns": columns})


def conformed(span: Span, contract: TableContract) -> Iterator[pa.RecordBatch]:
    """The rows of the span in the contract, without those that break it. Raises RowError where its policy is fail."""
    row = span.first_row_in_file
    with open_span(span) as source:
        conformer = Conformer.for_file(contract, source.schema, span.file.partition, span.file.name)
        for raw in source.batches(conformer):
            batch, breaches = conformer.apply(raw, row)
            for breach in breaches:
                if breach.outcome == "fail" and breach.mask.any():
                    first = row + int(np.argmax(breach.mask))
                    message = f"{span.file.name}: row {first}: column '{breach.column}': {breach.reason}"
                    raise RowError(message, code=breach.reason, file=span.file.name, row=first)
            row += batch.num_rows
            mask = kept_mask(breaches, batch.num_rows)
            yield batch if mask is None else batch.filter(pa.array(mask))


def _numbers(rows: ScoredRows, names: list[str]) -> Mapping[str, np.ndarray[tuple[int], np.dtype[np.float64]]]:
    """Score column to its values, NaN where there is none."""
    found = {}
    for batch in rows.scores:
        for name in batch.schema.names:
            if name in names:
                found[name] = np.asarray(batch.column(name).to_numpy(zero_copy_only=False), np.float64)
    return found


def slicing_of(reference: ReferenceProfile, values: Mapping[str, tuple[str, ...]]) -> Slicing:
    """The slicing of training data by those values, on the bins of the reference that is being made."""
    return Slicing.of(values, reference.columns, reference.scores, reference.other_share)
