"""Which columns the files have: a set, an ordered list, a number of columns, or one column.

Judged on every different list of columns among the night's files; one that fails decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from data_checks.check_state import DomainState
from data_checks.expectations.finding import Finding, Needs, TableFacts
from data_checks.expectations.interval import Interval
from data_checks.expectations.logical_type import LogicalType
from data_checks.expectations.words import count_words, number_words, range_words
from schemas.argument_checks import shown
from schemas.contract import TableContract
from schemas.suite import Expectation

_LISTED = 10


class ColumnsTest(Protocol):
    """A test of one list of columns."""

    def fault(self, names: Sequence[str]) -> str | None:
        """What is wrong with the list, or None."""

    def observed(self, names: Sequence[str]) -> Any:
        """What GX calls the observed value; None where it has none."""


@dataclass(frozen=True)
class ColumnSet:
    """The names are those, in any order; without `exact` there may be more."""

    names: tuple[str, ...]
    exact: bool = True

    def fault(self, names: Sequence[str]) -> str | None:
        """Names that are missing, and names too many."""
        missing, extra = sorted(set(self.names) - set(names)), sorted(set(names) - set(self.names))
        parts = [f"missing: {_listed(missing)}"] if missing else []
        parts += [f"not expected: {_listed(extra)}"] if extra and self.exact else []
        return "; ".join(parts) or None

    def observed(self, names: Sequence[str]) -> list[str]:
        """The names, sorted."""
        return sorted(names)


@dataclass(frozen=True)
class ColumnList:
    """The names are those, in that order."""

    names: tuple[str, ...]

    def fault(self, names: Sequence[str]) -> str | None:
        """The first place where the lists differ."""
        for place in range(max(len(names), len(self.names))):
            found, wanted = (list_[place] if place < len(list_) else None for list_ in (names, self.names))
            if found != wanted:
                words = [shown(name) if name is not None else "no column" for name in (wanted, found)]
                return f"column {place + 1} should be {words[0]} and is {words[1]}"
        return None

    def observed(self, names: Sequence[str]) -> list[str]:
        """The names in order."""
        return list(names)


@dataclass(frozen=True)
class ColumnCount:
    """So many columns."""

    interval: Interval
    words: str

    def fault(self, names: Sequence[str]) -> str | None:
        """The count, where it is outside."""
        wrong = not self.interval.holds(len(names))
        return f"{count_words(len(names), 'columns')}, expected {self.words}" if wrong else None

    def observed(self, names: Sequence[str]) -> int:
        """The count."""
        return len(names)


@dataclass(frozen=True)
class ColumnThere:
    """A column of that name, at that place (from 0) where one is given."""

    name: str
    place: int | None = None

    def fault(self, names: Sequence[str]) -> str | None:
        """That it is not there, or elsewhere."""
        if self.name not in names:
            return f"there is no column {shown(self.name)}"
        if self.place is not None and names[self.place : self.place + 1] != (self.name,):
            return f"column {shown(self.name)} is at place {names.index(self.name)}, expected at {self.place}"
        return None

    def observed(self, names: Sequence[str]) -> None:  # noqa: ARG002  # a ColumnsTest's
        """Nothing: GX says only whether."""
        return


@dataclass(frozen=True)
class TableColumns:
    """Every list of columns among the files passes the test."""

    test: ColumnsTest

    @property
    def needs(self) -> Needs:
        """Nothing: the plan knows the files' columns."""
        return Needs()

    def find(self, state: DomainState, facts: TableFacts) -> Finding:  # noqa: ARG002  # a Judge's; files need no counts
        """The first list that fails, else the first."""
        if not facts.file_columns:
            return self._finding("columns: there is no file to look at", ())
        for names in facts.file_columns:
            if fault := self.test.fault(names):
                where = " in some files, since they differ" if len(facts.file_columns) > 1 else ""
                finding = self._finding(f"columns: {fault}{where}", names)
                # GX passes over a column_index of 0, so it is told that the column is not there.
                there = isinstance(self.test, ColumnThere)
                return replace(finding, metrics={"table.columns": []}) if there else finding
        return self._finding("columns: as expected in every file", facts.file_columns[0])

    def _finding(self, message: str, names: Sequence[str]) -> Finding:
        metrics = {"table.columns": list(names), "table.column_count": len(names)}
        evaluated = None if names else 0
        return Finding(message, evaluated, observed=self.test.observed(names) if names else None, metrics=metrics)


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _LISTED:,} more" if len(names) > _LISTED else ""
    return ", ".join(shown(name) for name in names[:_LISTED]) + more


def match_set(expectation: Expectation, contract: TableContract) -> TableColumns:  # noqa: ARG001  # as all builders
    """The columns are those of column_set."""
    kwargs = expectation.kwargs
    return TableColumns(ColumnSet(tuple(kwargs["column_set"]), kwargs.get("exact_match", True)))


def match_list(expectation: Expectation, contract: TableContract) -> TableColumns:  # noqa: ARG001  # as all builders
    """The columns are those of column_list, in that order."""
    return TableColumns(ColumnList(tuple(expectation.kwargs["column_list"])))


def count_between(expectation: Expectation, contract: TableContract) -> TableColumns:  # noqa: ARG001  # as all builders
    """min_value to max_value columns."""
    interval = Interval.of(expectation.kwargs, LogicalType.of("int64"))
    return TableColumns(ColumnCount(interval, range_words(expectation.kwargs)))


def count_equal(expectation: Expectation, contract: TableContract) -> TableColumns:  # noqa: ARG001  # as all builders
    """Exactly `value` columns."""
    value = expectation.kwargs["value"]
    return TableColumns(ColumnCount(Interval.at(value), number_words(value)))


def exists(expectation: Expectation, contract: TableContract) -> TableColumns:  # noqa: ARG001  # as all builders
    """The column is in every file; it need not be in the table contract."""
    place = expectation.kwargs.get("column_index")
    return TableColumns(ColumnThere(expectation.kwargs["column"], None if place is None else int(place)))
