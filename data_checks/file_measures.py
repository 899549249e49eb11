"""What a unit leaves in files because it grows with the rows: hashes of keys, and sorted values."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from data_checks.distinct_hashes import DistinctHashes
from data_checks.expectations.batch_values import BatchValues
from data_checks.expectations.finding import FileKind, FileRule
from data_checks.uniqueness import KeyHashes
from data_checks.value_runs import ValueRun


@dataclass
class FileMeasures:
    """By the rule's id. What one run merges or compares must have the same number of `bits`."""

    bits: int
    keys: dict[str, KeyHashes] = field(default_factory=dict)
    distinct: dict[str, DistinctHashes] = field(default_factory=dict)
    runs: dict[str, ValueRun] = field(default_factory=dict)

    @classmethod
    def of(cls, rules: Mapping[str, FileRule], bits: int) -> Self:
        """Those of no rows."""
        kinds: dict[FileKind, list[str]] = {"keys": [], "distinct": [], "runs": []}
        for key, rule in rules.items():
            kinds[rule.kind].append(key)
        return cls(
            bits,
            {key: KeyHashes(bits) for key in kinds["keys"]},
            {key: DistinctHashes(bits) for key in kinds["distinct"]},
            {key: ValueRun(rules[key].number_kind, positions=rules[key].places) for key in kinds["runs"]},
        )

    def add(self, key: str, rule: FileRule, values: BatchValues) -> None:
        """Add a batch's rows for one rule."""
        if rule.kind == "runs":
            (column,) = rule.columns
            missing = values.missing(column)
            places = values.positions if missing is None else values.positions[~missing]
            self.runs[key].add(values.present(column), places)
            return
        batch = values.columns.batch
        if rule.kind == "keys":
            self.keys[key].add(batch, rule.columns, values.positions, rule.skip)
        else:
            self.distinct[key].add(batch, rule.columns, rule.skip)

    def merge(self, other: FileMeasures) -> None:
        """Add `other`, which stays as it is."""
        for kind in ("keys", "distinct", "runs"):
            mine = getattr(self, kind)
            for key, measure in getattr(other, kind).items():
                mine[key].merge(measure)

    def write(self, folder: Path, unit: int, attempt: str) -> dict[str, Path]:
        """Write them; one path a rule that has anything. `attempt` tells these files from those of another try."""
        written: dict[str, Path] = {}
        for measures in (self.keys, self.distinct, self.runs):
            for key, measure in measures.items():
                path = measure.write(folder / rule_folder(key), unit, attempt)
                if path is not None:
                    written[key] = path
        return written


def rule_folder(rule: str) -> str:
    """A folder name for a rule's id, which may hold any character and be long: no two ids share one."""
    return hashlib.sha256(rule.encode()).hexdigest()[:32]
