"""What is found of keys across all files: which occur more than once, and how many differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from data_checks.distinct_hashes import count_distinct
from data_checks.expectations.finding import FileRule
from pipelines.repeated_keys import repeated_rows
from schemas.contract import TableContract
from schemas.plan import Plan

#: Positions of duplicate rows that are kept for examples.
MAX_POSITIONS = 200


@dataclass(frozen=True)
class Duplicates:
    """What was found of one rule about keys."""

    #: Rows whose key occurs more than once.
    rows: int = 0
    #: The first ones, as positions in the night's input.
    positions: tuple[int, ...] = ()
    #: Different keys, where those were asked for.
    distinct: int = 0

    def merge(self, other: Duplicates) -> Duplicates:
        """The sum of both; no key is in two buckets."""
        positions = tuple(sorted(self.positions + other.positions)[:MAX_POSITIONS])
        return Duplicates(self.rows + other.rows, positions, self.distinct + other.distinct)

    def to_json(self) -> dict[str, Any]:
        """JSON-compatible."""
        return {"rows": self.rows, "positions": list(self.positions), "distinct": self.distinct}

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Duplicates:
        """What `to_json` wrote."""
        return cls(int(raw["rows"]), tuple(raw["positions"]), int(raw["distinct"]))


def look_into_bucket(
    files: Sequence[Path], bucket: int, rule: FileRule, contract: TableContract, plan: Plan
) -> Duplicates:
    """What one bucket of key hashes holds, in the files of all units."""
    if rule.kind == "distinct":
        return Duplicates(distinct=count_distinct(files, bucket))
    rows = repeated_rows(files, bucket, rule.columns, contract, plan)
    return Duplicates(len(rows), tuple(int(row) for row in np.sort(rows)[:MAX_POSITIONS]))
