"""What the checks have counted so far: one mergeable value for a batch, a row group, a unit and the whole night."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from data_checks.exact_sum import ExactSum
from data_checks.first_rows import FirstRows
from data_checks.moments import Moments
from data_checks.ordered_segments import OrderedSegments
from data_checks.tally import Tally
from data_checks.value_counts import ValueCounts
from data_checks.value_range import ValueRange

FORMAT = "nightscore.checks"
VERSION = 2


@dataclass
class DomainState:
    """Counts over the rows of one domain: all rows, or those that a row_condition selects."""

    #: Rows judged.
    rows: int = 0
    #: Null or NaN values by column.
    missing: dict[str, int] = field(default_factory=dict)
    #: By row rule, and by rule about keys (evaluated rows only).
    tallies: dict[str, Tally] = field(default_factory=dict)
    #: By row rule: the first rows that break it.
    examples: dict[str, FirstRows] = field(default_factory=dict)
    #: By column, each only where an expectation needs it.
    ranges: dict[str, ValueRange] = field(default_factory=dict)
    sums: dict[str, ExactSum] = field(default_factory=dict)
    moments: dict[str, Moments] = field(default_factory=dict)
    counts: dict[str, ValueCounts] = field(default_factory=dict)
    #: By column and direction.
    segments: dict[str, OrderedSegments] = field(default_factory=dict)

    def merge(self, other: DomainState) -> None:
        """Add `other`, which stays as it is."""
        self.rows += other.rows
        for column, count in other.missing.items():
            self.missing[column] += count
        for name in _MEASURES:
            mine = getattr(self, name)
            for key, measure in getattr(other, name).items():
                mine[key].merge(measure)

    def to_json(self) -> dict[str, Any]:
        """JSON-compatible."""
        measures = {name: _each_to_json(getattr(self, name)) for name in _MEASURES}
        return {"rows": self.rows, "missing": dict(self.missing), **measures}

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Self:
        """What `to_json` wrote."""
        measures = {
            name: {key: kind.from_json(item) for key, item in raw[name].items()} for name, kind in _MEASURES.items()
        }
        return cls(int(raw["rows"]), {column: int(count) for column, count in raw["missing"].items()}, **measures)


_MEASURES: Mapping[str, Any] = {
    "tallies": Tally,
    "examples": FirstRows,
    "ranges": ValueRange,
    "sums": ExactSum,
    "moments": Moments,
    "counts": ValueCounts,
    "segments": OrderedSegments,
}


@dataclass
class CheckState:
    """Counts by domain, rule and column.

    `merge` is exactly commutative and associative and `Checks.new_state()` its identity, so the same batches give the
    same bits on any number of workers. The size is bounded by the number of rules and columns.
    """

    #: Digest of the checks that it counts for.
    layout: str
    #: In the order of `Checks.domains`; the first is that of all rows.
    domains: list[DomainState]

    @property
    def rows(self) -> int:
        """Rows judged."""
        return self.domains[0].rows

    def merge(self, other: CheckState) -> None:
        """Add `other`, which stays as it is. Raises ValueError when it counts for other checks."""
        if self.layout != other.layout:
            message = f"check states of other checks cannot be merged: {self.layout} and {other.layout}"
            raise ValueError(message)
        for mine, theirs in zip(self.domains, other.domains, strict=True):
            mine.merge(theirs)

    def to_json(self) -> dict[str, Any]:
        """JSON-compatible, strict and versioned."""
        domains = [domain.to_json() for domain in self.domains]
        return {"format": FORMAT, "version": VERSION, "layout": self.layout, "domains": domains}

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Self:
        """The state that `to_json` wrote. Raises ValueError when it is something else."""
        if (raw.get("format"), raw.get("version")) != (FORMAT, VERSION):
            found = f"format {raw.get('format')!r}, version {raw.get('version')!r}"
            message = f"not a check state of version {VERSION}: {found}"
            raise ValueError(message)
        return cls(raw["layout"], [DomainState.from_json(item) for item in raw["domains"]])


def _each_to_json(measures: Mapping[str, Any]) -> dict[str, Any]:
    return {name: measure.to_json() for name, measure in measures.items()}
