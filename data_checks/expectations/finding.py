"""What is found of an expectation in the merged counts, and what has to be counted for it.

Whether that meets the expectation is for Great Expectations' own code to say (gx_verdict.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from data_checks.check_state import DomainState
from data_checks.first_rows import FirstRows
from data_checks.skipped_rows import Skip
from data_checks.value_runs import NumberKind, ValueRuns
from schemas.contract import TableContract


@dataclass(frozen=True)
class Repeats:
    """Rows whose key occurs more than once."""

    rows: int = 0
    #: The first of them; none where examples are not allowed.
    examples: FirstRows = field(default_factory=lambda: FirstRows(0))


@dataclass(frozen=True)
class TableFacts:
    """What the verdicts need beside the counts of the pass."""

    #: Rows that were conformed, as another part of the pass counted them.
    rows: int
    #: Each different list of columns among the night's files: the file's columns, then those of its folders' names.
    file_columns: Sequence[tuple[str, ...]]
    contract: TableContract
    #: By the id in `Checks.files`; a rule about keys that is not here has no repeats.
    repeats: Mapping[str, Repeats] = field(default_factory=dict)
    #: Different keys, by the id in `Checks.files`.
    distinct: Mapping[str, int] = field(default_factory=dict)
    #: A column's values in order, by the id in `Checks.files`; one that is not here has no values.
    runs: Mapping[str, ValueRuns] = field(default_factory=dict)


@dataclass(frozen=True)
class Finding:
    """Of one expectation. Counts are values or rows."""

    #: One sentence for people: what was found and what is expected.
    message: str
    evaluated: int | None = None
    unexpected: int | None = None
    missing: int | None = None
    #: JSON-compatible, for people.
    observed: Any = None
    #: Great Expectations' names of metrics to their values, as its code wants them.
    metrics: Mapping[str, Any] = field(default_factory=dict)
    examples: FirstRows | None = None
    #: Whether it is met, where the table contract knows and pandas' opinion does not matter; None elsewhere.
    decided: bool | None = None

    @property
    def no_data(self) -> bool:
        """Whether there was nothing to judge."""
        return self.evaluated == 0


@dataclass(frozen=True)
class Order:
    """A direction in which a column's values are to go."""

    column: str
    decreasing: bool
    strictly: bool

    @property
    def key(self) -> str:
        """Under which its segments are counted."""
        return (
            f"{self.column}:{'decreasing' if self.decreasing else 'increasing'}{':strictly' if self.strictly else ''}"
        )


FileKind = Literal["keys", "distinct", "runs"]


@dataclass(frozen=True)
class FileRule:
    """What is written to files during the pass, since it grows with the rows: hashes of keys, or sorted values."""

    kind: FileKind
    columns: tuple[str, ...]
    #: When a key is left out: where any or where all of its columns are missing, or never.
    skip: Skip = "any"
    #: Of sorted values.
    number_kind: NumberKind = "float"
    #: Whether the rows' places are kept beside sorted values: for examples of outliers.
    places: bool = False


@dataclass(frozen=True)
class Needs:
    """What is to be counted for an expectation beside its row rule, by column."""

    missing: tuple[str, ...] = ()
    ranges: tuple[str, ...] = ()
    sums: tuple[str, ...] = ()
    moments: tuple[str, ...] = ()
    #: Columns whose values are counted, with the values that are counted even where there are too many different ones.
    counts: tuple[tuple[str, frozenset[Any]], ...] = ()
    orders: tuple[Order, ...] = ()
    files: tuple[FileRule, ...] = ()


class Judge(Protocol):
    """One expectation, compiled for one table."""

    @property
    def needs(self) -> Needs:
        """What is to be counted for it beside its row rule."""

    def find(self, state: DomainState, facts: TableFacts) -> Finding:
        """The finding over the whole night."""


def nothing_to_judge(subject: str, rows: int) -> str:
    """The message for an expectation that no value was evaluated for."""
    if not rows:
        return f"{subject}: evaluated 0 of 0 rows, since there are none"
    return f"{subject}: evaluated 0 of {rows:,} values, since all are null"
