"""Values are of a set, or are not: expect_column_values_to_be_in_set, _to_not_be_in_set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from data_checks.columns import Mask
from data_checks.expectations.batch_values import Values
from data_checks.expectations.logical_type import LogicalType, column_type
from data_checks.expectations.misfit import Misfit
from data_checks.expectations.row_rule import RowRule, ValueRule, WordRule
from data_checks.expectations.share import RowShare
from schemas.argument_checks import shown
from schemas.contract import TableContract
from schemas.suite import Expectation

#: Up to so many members a comparison each is quicker than a search.
_FEW = 16


@dataclass(frozen=True)
class NumberSet:
    """Numbers fail that are no member, or with `members_fail` those that are. 0.0 and -0.0 are one number."""

    members: tuple[float, ...]
    members_fail: bool = False

    def outside(self, values: Values) -> Mask:
        """Shape (rows,): True where the value fails."""
        found = self._found(values)
        return found if self.members_fail else ~found

    def _found(self, values: Values) -> Mask:
        members = _possible(self.members, values.dtype)
        if len(members) > _FEW:
            return np.isin(values, members)
        found = np.zeros(len(values), np.bool_)
        for member in members:
            found |= values == member
        return found


@dataclass(frozen=True)
class WordSet:
    """Words fail that are no member, or with `members_fail` those that are."""

    members: tuple[str, ...]
    members_fail: bool = False

    @cached_property
    def _array(self) -> pa.Array:
        return pa.array(self.members, pa.string())

    def __getstate__(self) -> dict[str, Any]:
        return {"members": self.members, "members_fail": self.members_fail}

    def failing(self, words: pa.Array) -> Mask:
        """Shape (words,): True where the word fails."""
        found = np.asarray(pc.is_in(words, value_set=self._array).to_numpy(zero_copy_only=False), np.bool_)
        return found if self.members_fail else ~found


@lru_cache(maxsize=64)
def _possible(members: tuple[float, ...], dtype: np.dtype[Any]) -> Values:
    """The members that such a column can hold, in its dtype."""
    if dtype.kind in "iu":
        low, high = int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)
        members = tuple(member for member in members if low <= member <= high)
    return np.array(members, dtype)


def in_set(expectation: Expectation, contract: TableContract) -> RowShare:
    """Values are members of value_set."""
    count = len(expectation.kwargs["value_set"])
    words = f"are none of the {count:,} expected ones" if count > 1 else "are not the expected one"
    return _judge(expectation, contract, words)


def not_in_set(expectation: Expectation, contract: TableContract) -> RowShare:
    """Values are no members of value_set."""
    count = len(expectation.kwargs["value_set"])
    words = f"are among the {count:,} excluded ones" if count > 1 else "are the excluded one"
    return _judge(expectation, contract, words, members_fail=True)


def _judge(expectation: Expectation, contract: TableContract, words: str, *, members_fail: bool = False) -> RowShare:
    column = expectation.kwargs["column"]
    kind = column_type(column, contract)
    members = tuple(members_of(expectation.kwargs["value_set"], kind))
    rule: RowRule
    if kind.family == "string":
        rule = WordRule(column, WordSet(members, members_fail))
    else:
        rule = ValueRule(column, NumberSet(members, members_fail))
    return RowShare(rule, column, expectation.mostly, words)


def members_of(values: Sequence[Any], kind: LogicalType) -> list[Any]:
    """The members of a value_set in the column's own kind: texts or numbers, sorted, each once; nulls left out.

    Raises Misfit for what can never be in such a column, and for columns of which no sets are judged.
    """
    given = [value for value in values if value is not None]
    if kind.family == "string":
        return sorted({_word(value, kind) for value in given})
    if kind.family in ("bool", "integer", "float"):
        return sorted({_number(value, kind) for value in given})
    message = f"sets of values of type {kind.name} are not supported yet; give limits instead"
    raise Misfit(message)


def _word(value: Any, kind: LogicalType) -> str:
    if isinstance(value, str):
        return value
    raise _never(value, kind)


def _number(value: Any, kind: LogicalType) -> float:
    """The member in the column's own kind of number. Raises Misfit for what can never be in such a column."""
    if isinstance(value, str):
        raise _never(value, kind)
    if kind.family == "float":
        return float(value) + 0.0
    if value != int(value) or (kind.family == "bool" and value not in (0, 1)):
        raise _never(value, kind)
    return int(value)


def _never(value: Any, kind: LogicalType) -> Misfit:
    return Misfit(f"{shown(value)} in value_set can never be a value of a column of type {kind.name}")
