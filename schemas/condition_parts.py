"""What both ways of writing a row_condition share: the limits, and a refusal that names the place."""

from __future__ import annotations

import math
from typing import Any, NoReturn

from schemas.argument_checks import shown
from schemas.row_condition import And, Or, RowCondition, Value

#: Characters of a condition written as text, and of one value.
MAX_TEXT = 1_000
#: Characters of a column's name, as in the table contract.
MAX_NAME = 500
#: Groups or parentheses in one another.
MAX_DEPTH = 20
#: Comparisons, memberships and null tests of one condition: as many as Great Expectations allows.
MAX_COMPARISONS = 100
#: Members of all its lists together.
MAX_MEMBERS = 1_000


def refuse(where: str, what: str, todo: str) -> NoReturn:
    """Raise ValueError with the place, what is wrong there, and what to do."""
    message = f"row_condition{where}: {what}; {todo}"
    raise ValueError(message)


class Parts:
    """Makes the tree's nodes, and refuses what is beyond the limits."""

    def __init__(self) -> None:
        self._comparisons = 0
        self._members = 0

    def column(self, name: Any, where: str) -> str:
        """A column's name, which begins a comparison."""
        self._comparisons += 1
        if self._comparisons > MAX_COMPARISONS:
            refuse(where, f"more than {MAX_COMPARISONS} comparisons", "write fewer, or use a list")
        if not isinstance(name, str) or not 0 < len(name) <= MAX_NAME:
            refuse(where, f"{brief(name)} is not a column's name", f"give 1 to {MAX_NAME} characters")
        return _writable(name, where)

    def deeper(self, depth: int, where: str) -> int:
        """The next level."""
        if depth >= MAX_DEPTH:
            refuse(where, f"nested more than {MAX_DEPTH} levels deep", "write it flatter")
        return depth + 1

    def value(self, value: Any, where: str) -> Value:
        """A text, a number or a boolean."""
        if isinstance(value, str):
            if len(value) > MAX_TEXT:
                refuse(where, f"a value of {len(value):,} characters", f"at most {MAX_TEXT:,} are allowed")
            return _writable(value, where)
        if not isinstance(value, bool | int | float):
            refuse(where, f"{brief(value)} is not a plain value", "give a text, a number, true or false")
        if not _finite(value):
            refuse(where, "a number that is not finite or beyond what a float holds", "give another limit")
        return value

    def members(self, values: list[Any], where: str) -> tuple[Value, ...]:
        """The values of a list, all texts, all numbers or all booleans."""
        self._members += len(values)
        if self._members > MAX_MEMBERS:
            refuse(where, f"more than {MAX_MEMBERS:,} members", "write fewer")
        found = tuple(self.value(value, where) for value in values)
        kinds = {bool if isinstance(value, bool) else str if isinstance(value, str) else float for value in found}
        if len(kinds) > 1:
            refuse(where, "a list of values of different kinds", "give only texts, only numbers or only booleans")
        return found

    def group(self, kind: type[And | Or], parts: list[RowCondition]) -> RowCondition:
        """The parts in one group, those of groups of the same kind spread out."""
        flat = [inner for part in parts for inner in (part.parts if isinstance(part, kind) else (part,))]
        return flat[0] if len(flat) == 1 else kind(tuple(flat))


def brief(value: Any) -> str:
    """The value for a message, without the time that a large one's text would take."""
    if isinstance(value, str):
        return shown(value[:100])
    return (
        shown(value) if value is None or isinstance(value, bool | float) else f"a value of type {type(value).__name__}"
    )


def _writable(text: str, where: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        refuse(where, "a text holds half of a surrogate pair, such as \\ud800", "write the whole character")
    return text


def _finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number that is too large
        return False
