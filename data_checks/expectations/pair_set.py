"""Two columns hold one of a set of pairs: expect_column_pair_values_to_be_in_set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from data_checks.columns import Mask
from data_checks.expectations.batch_values import BatchValues, Values
from data_checks.expectations.logical_type import LogicalType, column_type
from data_checks.expectations.misfit import Misfit
from data_checks.expectations.record import RecordRule, joined, pair_skip
from data_checks.expectations.share import RowShare
from schemas.argument_checks import shown
from schemas.contract import TableContract
from schemas.suite import Expectation

#: Text, a float, or ticks.
Member = str | float
Places = npt.NDArray[np.int64]


@dataclass(frozen=True)
class PairSet:
    """Rows fail whose two values are no pair of the set; None stands for a missing value."""

    pairs: tuple[tuple[Member | None, Member | None], ...]

    @cached_property
    def _sides(self) -> tuple[_Side, _Side]:
        return _Side({a for a, _ in self.pairs}), _Side({b for _, b in self.pairs})

    @cached_property
    def _keys(self) -> Places:
        a, b = self._sides
        return np.array([a.place[x] * b.width + b.place[y] for x, y in self.pairs], np.int64)

    def __getstate__(self) -> dict[str, Any]:
        return {"pairs": self.pairs}

    def failing(self, values: BatchValues, columns: Sequence[str]) -> Mask:
        """Shape (rows,): True where the row fails."""
        a, b = self._sides
        keys = a.places(values, columns[0]) * b.width + b.places(values, columns[1])
        return np.isin(keys, self._keys, invert=True)


class _Side:
    """One column's members, each with its place: first those that are there in order, then missing, then foreign."""

    def __init__(self, members: set[Member | None]) -> None:
        #: All text or all numbers: they are of one column.
        self.present: list[Any] = sorted(member for member in members if member is not None)
        self.missing, self.foreign = len(self.present), len(self.present) + 1
        self.width = len(self.present) + 2
        self.place: dict[Member | None, int] = {member: place for place, member in enumerate(self.present)}
        self.place[None] = self.missing

    def places(self, values: BatchValues, column: str) -> Places:
        """Shape (rows,): the place of each value."""
        if values.columns.is_text(column):
            return self._word_places(values, column)
        places = self._number_places(values.values(column))
        missing = values.missing(column)
        if missing is not None:
            places[missing] = self.missing
        return places

    def _word_places(self, values: BatchValues, column: str) -> Places:
        words = values.words(column)
        found = pc.index_in(words.distinct, value_set=pa.array(self.present, pa.string()))
        places = found.fill_null(self.foreign).to_numpy(zero_copy_only=False).astype(np.int64)
        return np.append(places, self.missing)[words.codes]  # the last entry is for code -1, null

    def _number_places(self, values: Values) -> Places:
        places = np.full(len(values), self.foreign, np.int64)
        kept = [member for member in self.present if _fits(member, values.dtype)]
        if kept:
            members = np.array(kept, values.dtype)
            nearest = np.minimum(np.searchsorted(members, values), len(members) - 1)
            found = np.asarray(members[nearest] == values, np.bool_)
            places[found] = nearest[found] + self.place[kept[0]]  # those that do not fit are at the ends
        return places


def _fits(member: int, dtype: np.dtype[Any]) -> bool:
    return dtype.kind not in "iu" or int(np.iinfo(dtype).min) <= member <= int(np.iinfo(dtype).max)


def pair_in_set(expectation: Expectation, contract: TableContract) -> RowShare:
    """column_A and column_B are a pair of value_pairs_set, in which null stands for a missing value.

    Raises Misfit for a pair that no row could have.
    """
    columns = (expectation.kwargs["column_A"], expectation.kwargs["column_B"])
    kinds = [column_type(name, contract) for name in columns]
    pairs: set[tuple[Member | None, ...]] = set()
    for pair in expectation.kwargs["value_pairs_set"]:
        pairs.add(tuple(_member(value, kind) for value, kind in zip(pair, kinds, strict=True)))
    test = PairSet(tuple(sorted(pairs, key=repr)))  # type: ignore[arg-type]  # strict: each has two
    words = f"have {joined(columns)} outside the {len(pairs):,} expected pairs"
    rule = RecordRule(columns, test, pair_skip(expectation))
    return RowShare(rule, columns[0], expectation.mostly, words, what="rows")


def _member(value: Any, kind: LogicalType) -> Member | None:
    """A JSON value in the terms of the column. Raises Misfit for what can never be in such a column."""
    if value is None:
        return None
    if kind.family not in ("bool", "integer", "float", "decimal", "string"):
        message = f"sets of values of type {kind.name} are not supported yet"
        raise Misfit(message)
    if isinstance(value, str) == (kind.family == "string"):
        member = value if isinstance(value, str) else _number(value, kind)
        if member is not None:
            return member
    message = f"{shown(value)} in value_pairs_set can never be a value of a column of type {kind.name}"
    raise Misfit(message)


def _number(value: Any, kind: LogicalType) -> float | None:
    """The number in ticks, or as a float; None where the column cannot hold it."""
    try:
        if kind.family == "float":
            return float(value) + 0.0
        ticks = kind.limit(int(value) if isinstance(value, bool) else value)
    except (OverflowError, ValueError):  # beyond float64; infinite
        return None
    if ticks.denominator != 1 or (kind.family == "bool" and ticks not in (0, 1)):
        return None
    return int(ticks)
