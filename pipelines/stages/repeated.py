"""Rows of repeated keys, found before the pass, so that the pass can set every one of them aside.

Only the columns of the keys are read here. A row group whose key columns cannot be read is left out: the pass will
reject it, or end with its error.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from data_checks.checks import Checks
from data_checks.columns import BatchColumns
from data_checks.domain import Domain
from data_checks.expectations.batch_values import BatchValues
from data_checks.expectations.finding import FileRule
from data_checks.file_measures import FileMeasures, rule_folder
from pipelines.repeated_keys import narrowed, repeated_rows
from pipelines.running_code import RunningCode
from schemas.breach import Breach, Outcome
from schemas.contract import TableContract
from schemas.errors import InputError
from schemas.plan import Plan, Span, Unit
from transforms.conform import Conformer
from transforms.read_span import open_span

Positions = npt.NDArray[np.int64]
_FOLDER = "keys/before"


@dataclass(frozen=True)
class KeyReader:
    """Reads the keys of the rules whose rows of repeated keys are set aside."""

    checks: Checks
    contract: TableContract
    #: The driver's.
    code: RunningCode
    bits: int

    @property
    def rules(self) -> dict[str, FileRule]:
        """By id in `Checks.files`."""
        files = self.checks.files
        return {key: files[key] for key in self.checks.setting_aside}

    def write(self, unit: Unit, run_folder: Path) -> Iterator[tuple[str, str]]:
        """(rule, path) of each file of key hashes of the unit, relative to the run's folder."""
        measures = FileMeasures.of(self.rules, self.bits)
        for span in unit.spans:
            of_span = FileMeasures.of(self.rules, self.bits)
            try:
                self._read(span, of_span)
            except InputError:
                continue
            measures.merge(of_span)
        for rule, path in measures.write(run_folder / _FOLDER, unit.number, uuid.uuid4().hex).items():
            yield rule, path.relative_to(run_folder).as_posix()

    def _read(self, span: Span, measures: FileMeasures) -> None:
        names = {name for rule in self.rules.values() for name in rule.columns}
        names |= {name for domain in self._domains() if domain.condition for name in domain.condition.columns}
        place = 0
        with open_span(span) as source:
            conformer = Conformer.for_file(
                narrowed(self.contract, names), source.schema, span.file.partition, span.file.name
            )
            for raw in source.batches(conformer):
                batch, _ = conformer.apply(raw, span.first_row_in_file + place)
                positions = np.arange(span.first_row + place, span.first_row + place + batch.num_rows)
                self._add(BatchValues(BatchColumns(batch), positions), measures)
                place += raw.num_rows

    def _domains(self) -> list[Domain]:
        return [domain for domain in self.checks.domains if any(key in domain.files for key in self.rules)]

    def _add(self, values: BatchValues, measures: FileMeasures) -> None:
        for domain in self._domains():
            rows = domain.select(values).values
            for key, rule in domain.files.items():
                if key in self.rules:
                    measures.add(key, rule, rows)

    def repeated(self, rule: str, bucket: int, paths: Sequence[str], plan: Plan, run_folder: Path) -> str | None:
        """Write the ascending positions of one bucket's rows of repeated keys; the file, or None without any."""
        files = [run_folder / path for path in sorted(paths)]
        rows = repeated_rows(files, bucket, self.rules[rule].columns, self.contract, plan)
        if not len(rows):
            return None
        target = run_folder / _FOLDER / rule_folder(rule) / f"repeated-{uuid.uuid4().hex}.npy"
        np.save(target, np.sort(rows), allow_pickle=False)
        return target.relative_to(run_folder).as_posix()


@dataclass(frozen=True)
class RepeatedRows:
    """Positions of rows to set aside, by the id in `Checks.files`."""

    checks: Checks
    positions: Mapping[str, Positions] = field(default_factory=dict)

    @classmethod
    def of_unit(cls, unit: Unit, checks: Checks, files: Sequence[tuple[str, str]], run_folder: Path) -> RepeatedRows:
        """Those among the unit's rows, from (rule, path) of all files; only the unit's part of each file is read."""
        found: dict[str, list[Positions]] = {}
        for rule, path in files:
            whole = np.load(run_folder / path, mmap_mode="r", allow_pickle=False)
            for span in unit.spans:
                start, stop = np.searchsorted(whole, [span.first_row, span.first_row + span.rows])
                found.setdefault(rule, []).append(np.array(whole[start:stop]))
        return cls(checks, {rule: np.unique(np.concatenate(parts)) for rule, parts in found.items()})

    def breaches(self, positions: Positions) -> list[Breach]:
        """One Breach a rule for the rows at these positions, for rules that any of them breaks."""
        found = []
        for key, items in self.checks.setting_aside.items():
            mask = np.isin(positions, self.positions.get(key, np.zeros(0, np.int64)))
            if mask.any():
                found += [self._breach(item.expectation.rule, key, item.expectation.on_fail, mask) for item in items]
        return found

    def _breach(self, rule: str, key: str, outcome: str, mask: npt.NDArray[np.bool_]) -> Breach:
        column = self.checks.files[key].columns[0]
        chosen: Outcome = "drop" if outcome == "drop" else "quarantine"
        return Breach(rule, column, "repeated_key", chosen, mask)
