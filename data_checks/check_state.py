"""What the checks have counted so far: one mergeable value for a batch, a row group, a unit and the whole night."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, Self

from data_checks.exact_sum import ExactSum
from data_checks.moments import Moments
from data_checks.tally import Tally
from data_checks.value_range import ValueRange

FORMAT = "nightscore.checks"
VERSION = 1


class _Measure(Protocol):
    def to_json(self) -> dict[str, Any]: ...


@dataclass
class CheckState:
    """Counts by rule and by column.

    `merge` is exactly commutative and associative and `Checks.new_state()` its identity, so the same batches give the
    same bits on any number of workers. The size is bounded by the number of rules and columns.
    """

    #: Digest of the checks that it counts for.
    layout: str
    #: Rows judged.
    rows: int = 0
    #: By row rule.
    tallies: dict[str, Tally] = field(default_factory=dict)
    #: Null or NaN values by column.
    missing: dict[str, int] = field(default_factory=dict)
    #: By column, each only where an expectation needs it.
    ranges: dict[str, ValueRange] = field(default_factory=dict)
    sums: dict[str, ExactSum] = field(default_factory=dict)
    moments: dict[str, Moments] = field(default_factory=dict)

    def merge(self, other: CheckState) -> None:
        """Add `other`, which stays as it is. Raises ValueError when it counts for other checks."""
        if self.layout != other.layout:
            message = f"check states of other checks cannot be merged: {self.layout} and {other.layout}"
            raise ValueError(message)
        self.rows += other.rows
        for column, count in other.missing.items():
            self.missing[column] += count
        for rule, tally in other.tallies.items():
            self.tallies[rule].merge(tally)
        for column, span in other.ranges.items():
            self.ranges[column].merge(span)
        for column, total in other.sums.items():
            self.sums[column].merge(total)
        for column, moments in other.moments.items():
            self.moments[column].merge(moments)

    def to_json(self) -> dict[str, Any]:
        """JSON-compatible, strict and versioned."""
        return {
            "format": FORMAT,
            "version": VERSION,
            "layout": self.layout,
            "rows": self.rows,
            "missing": dict(self.missing),
            "tallies": _each_to_json(self.tallies),
            "ranges": _each_to_json(self.ranges),
            "sums": _each_to_json(self.sums),
            "moments": _each_to_json(self.moments),
        }

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Self:
        """The state that `to_json` wrote. Raises ValueError when it is something else."""
        if (raw.get("format"), raw.get("version")) != (FORMAT, VERSION):
            found = f"format {raw.get('format')!r}, version {raw.get('version')!r}"
            message = f"not a check state of version {VERSION}: {found}"
            raise ValueError(message)
        return cls(
            raw["layout"],
            int(raw["rows"]),
            {rule: Tally.from_json(item) for rule, item in raw["tallies"].items()},
            {column: int(count) for column, count in raw["missing"].items()},
            {column: ValueRange.from_json(item) for column, item in raw["ranges"].items()},
            {column: ExactSum.from_json(item) for column, item in raw["sums"].items()},
            {column: Moments.from_json(item) for column, item in raw["moments"].items()},
        )


def _each_to_json(measures: Mapping[str, _Measure]) -> dict[str, Any]:
    return {name: measure.to_json() for name, measure in measures.items()}
