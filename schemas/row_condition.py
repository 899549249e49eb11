"""A row_condition, read: a small tree of comparisons that says which rows an expectation is about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from schemas.argument_checks import shown

Value = bool | int | float | str
Operator = Literal["==", "!=", "<", "<=", ">", ">="]

_SHOWN_MEMBERS = 5
_SHOWN_WORDS = 500


@dataclass(frozen=True)
class Comparison:
    """A column against one value; dates and times are text. On null only != is true."""

    column: str
    operator: Operator
    value: Value


@dataclass(frozen=True)
class Membership:
    """A column's value is in a list, or with `negated` is not, as null never is."""

    column: str
    values: tuple[Value, ...]
    negated: bool = False


@dataclass(frozen=True)
class Nullity:
    """A column is null or NaN, or neither."""

    column: str
    is_null: bool


@dataclass(frozen=True)
class And:
    """All of the parts hold; at least two."""

    parts: tuple[RowCondition, ...]


@dataclass(frozen=True)
class Or:
    """One of the parts holds; at least two."""

    parts: tuple[RowCondition, ...]


RowCondition = Comparison | Membership | Nullity | And | Or


def columns_of(condition: RowCondition) -> tuple[str, ...]:
    """The columns that the condition is about, each once, in their order."""
    if not isinstance(condition, And | Or):
        return (condition.column,)
    return tuple(dict.fromkeys(name for part in condition.parts for name in columns_of(part)))


def condition_words(condition: RowCondition) -> str:
    """The condition for a message, at most 500 characters: `x is above 5 and (y is 'a' or z is null)`."""
    words = _words(condition)
    return words if len(words) <= _SHOWN_WORDS else f"{words[: _SHOWN_WORDS - 3]}..."


def _words(condition: RowCondition) -> str:
    if isinstance(condition, And | Or):
        parts = [f"({_words(part)})" if isinstance(part, And | Or) else _words(part) for part in condition.parts]
        return (" and " if isinstance(condition, And) else " or ").join(parts)
    name = condition.column if condition.column.isidentifier() else shown(condition.column)
    if isinstance(condition, Nullity):
        return f"{name} is {'' if condition.is_null else 'not '}null"
    if isinstance(condition, Comparison):
        return f"{name} {OPERATORS[condition.operator]} {_value_words(condition.value)}"
    first = [_value_words(value) for value in condition.values[:_SHOWN_MEMBERS]]
    more = len(condition.values) - len(first)
    listed = ", ".join(first) + (f" and {more:,} more" if more else "")
    return f"{name} is {'none' if condition.negated else 'one'} of {listed or 'no values'}"


def _value_words(value: Value) -> str:
    return str(value).lower() if isinstance(value, bool) else shown(value)


#: Of comparisons, and how a message says each.
OPERATORS: Mapping[Operator, str] = {
    "==": "is",
    "!=": "is not",
    "<": "is below",
    "<=": "is at most",
    ">": "is above",
    ">=": "is at least",
}
