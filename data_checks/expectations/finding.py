"""What an expectation finds in the merged counts, before policies decide what follows from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from data_checks.check_state import CheckState
from schemas.contract import TableContract


@dataclass(frozen=True)
class TableFacts:
    """What the verdicts need beside the counts of the pass."""

    #: Rows that were conformed, as another part of the pass counted them.
    rows: int
    #: Each different list of columns among the night's files: the file's columns, then those of its folders' names.
    file_columns: Sequence[tuple[str, ...]]
    contract: TableContract
    #: Rows whose key occurs more than once, by the id in `Checks.unique_rules`; a rule that is not here has none.
    duplicates: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Finding:
    """Of one expectation. Counts are values or rows; `observed` is JSON-compatible."""

    #: None: there was nothing to judge.
    met: bool | None
    message: str
    evaluated: int | None = None
    unexpected: int | None = None
    missing: int | None = None
    observed: Any = None


@dataclass(frozen=True)
class Needs:
    """Columns whose missing values, range, exact sum or moments are to be counted."""

    missing: tuple[str, ...] = ()
    ranges: tuple[str, ...] = ()
    sums: tuple[str, ...] = ()
    moments: tuple[str, ...] = ()


class Judge(Protocol):
    """One expectation, compiled for one table."""

    @property
    def needs(self) -> Needs:
        """What is to be counted for it beside its row rule."""

    def find(self, state: CheckState, facts: TableFacts) -> Finding:
        """The finding over the whole night."""


def share_met(evaluated: int, unexpected: int, mostly: float) -> bool:
    """Whether enough of the evaluated values meet it, in the very arithmetic of Great Expectations."""
    return (float(evaluated) - float(unexpected)) / float(evaluated) >= mostly


def nothing_to_judge(subject: str, rows: int) -> str:
    """The message for an expectation that no value was evaluated for."""
    if not rows:
        return f"{subject}: evaluated 0 of 0 rows, since there are none"
    return f"{subject}: evaluated 0 of {rows:,} values, since all are null"
