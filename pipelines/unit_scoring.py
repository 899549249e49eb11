"""Scoring one unit: for each of its row groups read, check, prepare, predict; then write one part.

A row group is a transaction. Its outcome is merged into the unit's only when all of it was read, so nothing of a
row group that turns out to be damaged half-way is left in a part, in the profile, in the verdicts or in quarantine.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from data_checks.columns import BatchColumns
from data_checks.file_measures import FileMeasures
from data_checks.key_hash import checksum, hash_rows
from data_checks.quarantine import Place, Rows, kept_mask, set_aside
from data_checks.uniqueness import bucket_bits
from pipelines.fold_scored import ScoredRows, fold_scored
from pipelines.outcome import Outcome, Rejected
from pipelines.stages.batch_buffer import BatchBuffer
from pipelines.stages.repeated import RepeatedRows
from pipelines.stages.write import PartWriter
from pipelines.tools import Tools
from schemas.breach import Breach
from schemas.errors import InputError, RowError
from schemas.plan import Span, Unit
from transforms.conform import Conformer
from transforms.predict import predict
from transforms.read_span import open_span


@dataclass
class UnitFiles:
    """The unit's open outputs."""

    scored: PartWriter
    quarantined: PartWriter
    measures: FileMeasures
    repeated: RepeatedRows
    #: Rows of the whole plan.
    total_rows: int


def score_unit(
    unit: Unit, tools: Tools, run_folder: Path, total_rows: int, repeated: Sequence[tuple[str, str]] = ()
) -> Outcome:
    """The outcome of the unit; its files are staged in `run_folder`. `total_rows` are those of the whole plan.

    `repeated` are (rule, path) of the files of rows to set aside because their key occurs more than once.

    With `on_bad_file: isolate` a row group that cannot be read is rejected and counted, else InputError is raised.
    RowError and ModelError are raised always: they are not about one file.
    """
    spec = tools.spec
    outcome = spec.empty_outcome()
    outcome.model_notes.update(note for model in tools.models for note in model.notes)
    with ExitStack() as stack:
        files = UnitFiles(
            stack.enter_context(PartWriter(run_folder, f"part-{unit.number:05d}", spec.output_schema)),
            stack.enter_context(PartWriter(run_folder, f"quarantine-{unit.number:05d}", spec.quarantine_schema)),
            FileMeasures.of(spec.checks.files, bucket_bits(total_rows)),
            RepeatedRows.of_unit(unit, spec.checks, repeated, run_folder),
            total_rows,
        )
        for span in unit.spans:
            try:
                outcome.merge(score_span(span, tools, files, run_folder))
            except RowError:
                raise
            except InputError as error:
                if spec.job.on_bad_file == "fail":
                    raise
                outcome.merge(rejected_span(span, tools, error))
        _finish(unit, files, run_folder, outcome)
    return outcome


def _finish(unit: Unit, files: UnitFiles, run_folder: Path, outcome: Outcome) -> None:
    part, quarantined = files.scored.finish(), files.quarantined.finish()
    if part is not None:
        outcome.parts[unit.number] = part
    if quarantined is not None:
        outcome.quarantine[unit.number] = quarantined
    for rule, path in files.measures.write(run_folder / "keys", unit.number, uuid.uuid4().hex).items():
        outcome.files[rule] = [path.relative_to(run_folder).as_posix()]


def rejected_span(span: Span, tools: Tools, error: InputError) -> Outcome:
    """The outcome of a row group that could not be read: every row of it rejected."""
    outcome = tools.spec.empty_outcome()
    account = outcome.ledger.account(span.file.name)
    account.rows_in, account.rejected = span.rows, span.rows
    outcome.rejected.append(Rejected(span.file.name, span.row_group, span.rows, error.code, error.message))
    return outcome


def score_span(span: Span, tools: Tools, files: UnitFiles, run_folder: Path) -> Outcome:
    """The outcome of one row group; its rows reach the unit's files only when the last one was read."""
    scoring = SpanScoring(span, tools, files, run_folder)
    with closing(scoring.scored), closing(scoring.quarantined):
        for rows, breaches in scoring.read():
            scoring.score(rows, breaches)
        for batch in scoring.scored.drain():
            files.scored.append(batch)
        for batch in scoring.quarantined.drain():
            files.quarantined.append(batch)
        files.measures.merge(scoring.measures)
    return scoring.outcome


class SpanScoring:
    """The transaction of one row group."""

    def __init__(self, span: Span, tools: Tools, files: UnitFiles, run_folder: Path) -> None:
        self.span = span
        self.tools = tools
        self.spec = tools.spec
        self.outcome = self.spec.empty_outcome()
        self.scored = BatchBuffer(run_folder / "staged")
        self.quarantined = BatchBuffer(run_folder / "staged")
        self.repeated = files.repeated
        self.total_rows = files.total_rows
        self.measures = FileMeasures.of(self.spec.checks.files, files.measures.bits)
        self.account = self.outcome.ledger.account(span.file.name)
        self.account.rows_in = span.rows

    def read(self) -> Iterator[tuple[Rows, list[Breach]]]:
        """Conformed batches with the breaches of the contract."""
        place = Place(self.span.file.name, self.span.row_group)
        next_row = self.span.first_row_in_file
        with open_span(self.span) as source:
            conformer = Conformer.for_file(
                self.spec.contract, source.schema, self.span.file.partition, self.span.file.name
            )
            self.outcome.ignored_columns.update(conformer.ignored)
            for raw in source.batches(conformer):
                batch, breaches = conformer.apply(raw, next_row)
                yield Rows(batch, np.arange(next_row, next_row + batch.num_rows), place), breaches
                next_row += batch.num_rows

    def score(self, rows: Rows, breaches: list[Breach]) -> None:
        """One batch: check, prepare, predict; what is left goes to `scored`."""
        view = BatchColumns(rows.batch)
        self.account.key_checksum_in += self._key_checksum(rows)
        breaches += self._check(rows, view)
        kept, _ = self._keep(rows, breaches, ())
        kept, features = self._prepare(kept)
        kept, features, scores = self._predict(kept, features)
        self._fold_scored(view, kept, features, scores)
        self._write(kept, scores)

    def _check(self, rows: Rows, view: BatchColumns) -> list[Breach]:
        """Fold the batch into the verdicts and the profile; the breaches of rules that set rows aside."""
        positions = rows.numbers - self.span.first_row_in_file + self.span.first_row
        breaches = self.spec.checks.judge(view, self.outcome.checks, positions, self.measures)
        self.outcome.profile.add_conformed(self.spec.times.apply(view))
        return breaches + self.repeated.breaches(positions)

    def _prepare(self, rows: Rows) -> tuple[Rows, list[pa.RecordBatch]]:
        """The features of each model, for the rows that have them."""
        prepared = [chain.apply(rows.batch) for chain in self.spec.chains]
        for entry, item in zip(self.spec.job.models, prepared, strict=True):
            self.outcome.unknown.update({f"{entry.name}.{name}": count for name, count in item.unknown.items()})
            self.outcome.missing.update({f"{entry.name}.{name}": count for name, count in item.missing.items()})
        return self._keep(rows, [b for item in prepared for b in item.breaches], [item.features for item in prepared])

    def _predict(
        self, rows: Rows, features: Sequence[pa.RecordBatch]
    ) -> tuple[Rows, list[pa.RecordBatch], list[pa.RecordBatch]]:
        """The features and the output columns of each model, for the rows that every model could score."""
        predicted = [predict(model, batch) for model, batch in zip(self.tools.models, features, strict=True)]
        breaches, scores = [b for item in predicted for b in item.breaches], [item.scores for item in predicted]
        kept, beside = self._keep(rows, breaches, [*features, *scores])
        return kept, beside[: len(features)], beside[len(features) :]

    def _keep(
        self, rows: Rows, breaches: Sequence[Breach], beside: Sequence[pa.RecordBatch]
    ) -> tuple[Rows, list[pa.RecordBatch]]:
        """Set the broken rows aside; the others, with the same rows of the batches beside them."""
        mask = kept_mask(breaches, len(rows.numbers))
        if mask is None:
            return rows, list(beside)
        aside = set_aside(rows, breaches)
        self.outcome.reasons.update(aside.reasons)
        self.account.quarantined += len(aside.quarantined.numbers)
        self.account.dropped += len(aside.dropped.numbers)
        self.account.key_checksum_out += self._key_checksum(aside.quarantined) + self._key_checksum(aside.dropped)
        if aside.records is not None:
            self.quarantined.append(aside.records)
        return rows.take(mask), [batch.filter(pa.array(mask)) for batch in beside]

    def _fold_scored(
        self, view: BatchColumns, kept: Rows, features: Sequence[pa.RecordBatch], scores: Sequence[pa.RecordBatch]
    ) -> None:
        """Fold the rows that are left of the batch into the profile."""
        columns = view if len(kept.numbers) == view.num_rows else BatchColumns(kept.batch)
        place = self.span.file.number, kept.numbers
        rows = ScoredRows(self.spec.times.apply(columns), *place, features, scores, self.spec.keys)
        fold_scored(self.tools, self.outcome.profile, rows, self.spec.slicing, self.total_rows)

    def _write(self, rows: Rows, scores: Sequence[pa.RecordBatch]) -> None:
        columns = [rows.batch.column(name) for name in self.spec.passed_columns]
        columns += [column for batch in scores for column in batch.columns]
        schema = self.spec.output_schema
        arrays = [c.cast(f.type) if c.type != f.type else c for c, f in zip(columns, schema, strict=True)]
        batch = pa.RecordBatch.from_arrays(arrays, schema=schema)
        self.account.scored += batch.num_rows
        self.account.key_checksum_out += self._key_checksum(Rows(batch, rows.numbers, rows.place))
        self.scored.append(batch)

    def _key_checksum(self, rows: Rows) -> int:
        """Order-free checksum of the rows' keys; of their positions where the contract names no key."""
        if not self.spec.keys:
            return checksum(_position_hashes(rows.numbers))
        return checksum(hash_rows(rows.batch, self.spec.keys))


def _position_hashes(numbers: npt.NDArray[np.int64]) -> npt.NDArray[np.uint64]:
    batch = pa.RecordBatch.from_arrays([pa.array(numbers)], names=["row"])
    return hash_rows(batch, ["row"])
