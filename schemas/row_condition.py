"""A row_condition: which rows an expectation is about. Read into a small tree; nothing in it is ever run as code."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, NoReturn, cast

from schemas.argument_checks import shown
from schemas.yaml_source import did_you_mean

Value = bool | int | float | str
Operator = Literal["==", "!=", "<", "<=", ">", ">="]

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


def parse_row_condition(raw: Any, parser: str | None) -> RowCondition:
    """The condition that a suite's `row_condition` and `condition_parser` stand for.

    `raw` is Great Expectations 1.24's JSON object of the type comparison, nullity, and, or; or a text such as
    `col("x") > 5 and (y in ["a", "b"] or z.isNull())`, in the same small language for every parser. Raises ValueError,
    with `row_condition` and the place in front, for anything else: also for what pandas or Spark would run as code.
    """
    if parser not in _PARSERS:
        why = "is SQL that Spark would run" if parser == "spark" else "is none that is known here"
        _refuse("", f"condition_parser {shown(parser)} {why}", "write 'pandas' or 'great_expectations'")
    if not isinstance(raw, str):
        return _Objects().condition(raw, "", 1)
    if len(raw) > MAX_TEXT:
        _refuse("", f"the text has {len(raw):,} characters", f"at most {MAX_TEXT:,} are allowed")
    return _Text(raw).whole()


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
        return f"{name} {_OPERATORS[condition.operator]} {_value_words(condition.value)}"
    first = [_value_words(value) for value in condition.values[:_SHOWN_MEMBERS]]
    more = len(condition.values) - len(first)
    listed = ", ".join(first) + (f" and {more:,} more" if more else "")
    return f"{name} is {'none' if condition.negated else 'one'} of {listed or 'no values'}"


def _value_words(value: Value) -> str:
    return str(value).lower() if isinstance(value, bool) else shown(value)


_OPERATORS: Mapping[Operator, str] = {
    "==": "is",
    "!=": "is not",
    "<": "is below",
    "<=": "is at most",
    ">": "is above",
    ">=": "is at least",
}
#: Great Expectations hands a text without a parser to pandas.
_PARSERS = (None, "great_expectations", "great_expectations__experimental__", "pandas")


def _refuse(where: str, what: str, todo: str) -> NoReturn:
    message = f"row_condition{where}: {what}; {todo}"
    raise ValueError(message)


# ------------------------------------------------------------------------------------- what both ways of writing share


class _Parts:
    """Makes the tree's nodes, and refuses what is beyond the limits."""

    def __init__(self) -> None:
        self._comparisons = 0
        self._members = 0

    def column(self, name: Any, where: str) -> str:
        """A column's name, which begins a comparison."""
        self._comparisons += 1
        if self._comparisons > MAX_COMPARISONS:
            _refuse(where, f"more than {MAX_COMPARISONS} comparisons", "write fewer, or use a list")
        if not isinstance(name, str) or not 0 < len(name) <= MAX_NAME:
            _refuse(where, f"{_brief(name)} is not a column's name", f"give 1 to {MAX_NAME} characters")
        return _writable(name, where)

    def deeper(self, depth: int, where: str) -> int:
        """The next level."""
        if depth >= MAX_DEPTH:
            _refuse(where, f"nested more than {MAX_DEPTH} levels deep", "write it flatter")
        return depth + 1

    def value(self, value: Any, where: str) -> Value:
        """A text, a number or a boolean."""
        if isinstance(value, str):
            if len(value) > MAX_TEXT:
                _refuse(where, f"a value of {len(value):,} characters", f"at most {MAX_TEXT:,} are allowed")
            return _writable(value, where)
        if not isinstance(value, bool | int | float):
            _refuse(where, f"{_brief(value)} is not a plain value", "give a text, a number, true or false")
        if not _finite(value):
            _refuse(where, "a number that is not finite or beyond what a float holds", "give another limit")
        return value

    def members(self, values: list[Any], where: str) -> tuple[Value, ...]:
        """The values of a list, all texts, all numbers or all booleans."""
        self._members += len(values)
        if self._members > MAX_MEMBERS:
            _refuse(where, f"more than {MAX_MEMBERS:,} members", "write fewer")
        found = tuple(self.value(value, where) for value in values)
        kinds = {bool if isinstance(value, bool) else str if isinstance(value, str) else float for value in found}
        if len(kinds) > 1:
            _refuse(where, "a list of values of different kinds", "give only texts, only numbers or only booleans")
        return found

    def group(self, kind: type[And | Or], parts: list[RowCondition]) -> RowCondition:
        """The parts in one group, those of groups of the same kind spread out."""
        flat = [inner for part in parts for inner in (part.parts if isinstance(part, kind) else (part,))]
        return flat[0] if len(flat) == 1 else kind(tuple(flat))


def _brief(value: Any) -> str:
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
        _refuse(where, "a text holds half of a surrogate pair, such as \\ud800", "write the whole character")
    return text


def _finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number that is too large
        return False


# ------------------------------------------------------------------------------------- Great Expectations' JSON objects

_KEYS: Mapping[str, tuple[str, ...]] = {
    "comparison": ("column", "operator", "parameter"),
    "nullity": ("column", "is_null"),
    "and": ("conditions",),
    "or": ("conditions",),
}


class _Objects(_Parts):
    def condition(self, raw: Any, where: str, depth: int) -> RowCondition:
        kind = self._kind(raw, where)
        if kind in ("and", "or"):
            return self._group(raw["conditions"], Or if kind == "or" else And, where, depth)
        column = self._column(raw["column"], f"{where}.column")
        if kind == "nullity":
            if not isinstance(raw["is_null"], bool):
                _refuse(f"{where}.is_null", f"{_brief(raw['is_null'])} is not true or false", "write true or false")
            return Nullity(column, raw["is_null"])
        return self._comparison(column, raw["operator"], raw["parameter"], where)

    def _kind(self, raw: Any, where: str) -> str:
        if not isinstance(raw, dict):
            _refuse(where, f"{_brief(raw)} is not a condition", "give a text, or an object as Column('x') > 5 makes")
        kind = raw.get("type")
        if kind == "pass_through":
            todo = "write it with Great Expectations' Column, or as a text"
            _refuse(where, "a pass_through condition is run as code by pandas, and refused here", todo)
        if not isinstance(kind, str) or kind not in _KEYS:
            _refuse(f"{where}.type", f"{_brief(kind)} is not known", f"known: {', '.join(_KEYS)}")
        for key in raw:
            if key != "type" and key not in _KEYS[kind]:
                hint = did_you_mean(str(key)[:100], _KEYS[kind]).removeprefix("; ")
                _refuse(where, f"unknown key {_brief(key)}", hint)
        for key in _KEYS[kind]:
            if key not in raw:
                _refuse(where, f"{key} is missing", f"a condition of type {kind} has {', '.join(_KEYS[kind])}")
        return kind

    def _group(self, conditions: Any, kind: type[And | Or], where: str, depth: int) -> RowCondition:
        where = f"{where}.conditions"
        if not isinstance(conditions, list) or not conditions:
            _refuse(where, "not a list of conditions", "give at least one")
        deeper = self.deeper(depth, where)
        parts = [self.condition(item, f"{where}[{place}]", deeper) for place, item in enumerate(conditions)]
        return self.group(kind, parts)

    def _column(self, raw: Any, where: str) -> str:
        if not isinstance(raw, dict) or raw.keys() != {"name"}:
            _refuse(where, "not an object with a name alone", 'write {"name": "x"}')
        return self.column(raw["name"], f"{where}.name")

    def _comparison(self, column: str, operator: Any, parameter: Any, where: str) -> RowCondition:
        place = f"{where}.parameter"
        if operator in ("IN", "NOT_IN"):
            if not isinstance(parameter, list):
                _refuse(place, f"{_brief(parameter)} is not a list", f"{operator} takes a list of values")
            return Membership(column, self.members(parameter, place), operator == "NOT_IN")
        if not isinstance(operator, str) or operator not in _OPERATORS:
            known = ", ".join([*_OPERATORS, "IN", "NOT_IN"])
            _refuse(f"{where}.operator", f"{_brief(operator)} is not known", f"known: {known}")
        if isinstance(parameter, dict):
            what = "a suite parameter" if "$PARAMETER" in parameter else "another column"
            _refuse(place, f"{what} is not supported as the value", "write the value")
        return Comparison(column, cast("Operator", operator), self.value(parameter, place))


# ------------------------------------------------------------------------------------------- conditions written as text

#: Every alternative reads on without ever going back, so the time is linear in the text.
_TOKEN = re.compile(
    r"""(?P<space>\s+)
    |(?P<name>[^\W\d]\w*)
    |(?P<number>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)
    |(?P<text>"[^"\\]*"|'[^'\\]*')
    |(?P<quoted>`[^`]+`)
    |(?P<operator>[=!<>]=|[<>])
    |(?P<mark>.)""",
    re.VERBOSE | re.DOTALL,
)
_RESERVED = ("and", "or", "not", "in")
_NULL_TESTS = {"isnull": True, "isna": True, "notnull": False, "notna": False}
_BOOLEANS = {"true": True, "True": True, "false": False, "False": False}
_NO_VALUES = ("None", "null", "nan", "NaN", "NA", "NaT")
_ARITHMETIC = ("is arithmetic", "compare a column with a value")
_NEGATION = ("negates a whole condition", "write the opposite comparisons")
_AFTER = "'and', 'or' or the end"
_TWICE = ("is a second comparison in a row", "join two comparisons with and")
_UNENDED = ("begins a text or name that has no end or holds a backslash", "end it, and write backslashes in an object")
#: Why a token that is no part of the language is refused, and what to write instead.
_REASONS: Mapping[str, tuple[str, str]] = {
    **dict.fromkeys("+-*/%^", _ARITHMETIC),
    **dict.fromkeys(("~", "!", "not"), _NEGATION),
    **dict.fromkeys("\"'`\\", _UNENDED),
    "@": ("names a variable of a program", "write the value"),
    ".": ("reads an attribute", "only .isNull() and .notNull() may follow a column"),
    "(": ("begins a call or a group where none can stand", "write a column, an operator and a value"),
    "=": ("assigns", "write == to compare"),
    "&": ("stands twice or in the wrong place", "write and"),
    "|": ("stands twice or in the wrong place", "write or"),
}


class _Token(NamedTuple):
    kind: str
    text: str
    #: Counted from 1, for messages.
    place: int


class _Text(_Parts):
    """Recursive descent: any <- all (or all)*; all <- one (and one)*; one <- `(` any `)` or a test of one column."""

    def __init__(self, text: str) -> None:
        super().__init__()
        found = (_Token(str(match.lastgroup), match[0], match.start() + 1) for match in _TOKEN.finditer(text))
        self._tokens = [token for token in found if token.kind != "space"]
        self._tokens.append(_Token("end", "", len(text) + 1))
        self._next = 0

    def whole(self) -> RowCondition:
        """The condition that the whole text is."""
        found = self._any(0)
        if self._now.kind != "end":
            self._wrong(_AFTER)
        return found

    @property
    def _now(self) -> _Token:
        return self._tokens[self._next]

    @property
    def _where(self) -> str:
        return f", character {self._now.place}"

    def _take(self, *texts: str) -> bool:
        """Whether the next token is one of these; it is then read. A quoted token never is."""
        taken = self._now.kind in ("name", "mark") and self._now.text in texts
        self._next += taken
        return taken

    def _expect(self, text: str) -> None:
        if not self._take(text):
            self._wrong(f"'{text}'")

    def _wrong(self, wanted: str) -> NoReturn:
        token = self._now
        if token.kind == "end":
            _refuse(self._where, f"the text ends where {wanted} was expected", "write the rest")
        known = _REASONS.get(token.text) if token.kind in ("name", "mark") else None
        if token.kind == "operator" and wanted == _AFTER:
            known = _TWICE
        what, todo = known or (f"stands where {wanted} was expected", "write column, operator, value")
        _refuse(self._where, f"{shown(token.text)} {what}", f"{todo}; nothing here is run as code")

    def _any(self, depth: int) -> RowCondition:
        parts = [self._all(depth)]
        while self._take("or", "|"):
            parts.append(self._all(depth))
        return self.group(Or, parts)

    def _all(self, depth: int) -> RowCondition:
        parts = [self._one(depth)]
        while self._take("and", "&"):  # as tight as pandas reads them: & is no tighter than a comparison there
            parts.append(self._one(depth))
        return self.group(And, parts)

    def _one(self, depth: int) -> RowCondition:
        where = self._where
        if self._take("("):
            found = self._any(self.deeper(depth, where))
            self._expect(")")
            return found
        column = self._column_name()
        if self._take("."):
            return self._null_test(column)
        if self._now.kind == "operator":
            operator = cast("Operator", self._now.text)
            self._next += 1
            return Comparison(column, operator, self._value())
        negated = self._take("not")
        if not self._take("in"):
            self._wrong("'in'" if negated else "an operator such as == or in")
        return self._membership(column, negated=negated)

    def _column_name(self) -> str:
        token, where = self._now, self._where
        if token.kind not in ("name", "quoted") or token.text in _RESERVED:
            self._wrong("a column")
        self._next += 1
        if token.kind == "quoted":
            return self.column(token.text[1:-1], where)
        if token.text == "col" and self._take("("):
            name = self._now
            if name.kind != "text":
                self._wrong("a column's name in quotes")
            self._next += 1
            self._expect(")")
            return self.column(name.text[1:-1], where)
        self._refuse_code(token, where)
        return self.column(token.text, where)

    def _refuse_code(self, token: _Token, where: str) -> None:
        """A call, or a name with two underscores in front, which reaches into Python where text is run."""
        if self._now.text == "(":
            todo = "write dates as text" if token.text == "date" else "write a column, an operator and a value"
            _refuse(where, f"the call of {shown(token.text)} is refused: nothing here is run as code", todo)
        if token.text.startswith("__"):
            _refuse(where, f"the name {shown(token.text)} is refused", "put it in backquotes if it is a column")

    def _null_test(self, column: str) -> Nullity:
        token = self._now
        test = _NULL_TESTS.get(token.text.lower()) if token.kind == "name" else None
        if test is None:
            todo = "only .isNull() and .notNull() may follow a column; put a name with a point in backquotes"
            _refuse(self._where, f"the attribute {shown(token.text)} is refused: nothing here is run as code", todo)
        self._next += 1
        self._expect("(")
        self._expect(")")
        return Nullity(column, test)

    def _membership(self, column: str, *, negated: bool) -> Membership:
        where = self._where
        self._expect("[")
        values: list[Value] = []
        while not self._take("]"):
            if values:
                self._expect(",")
            values.append(self._value())
        return Membership(column, self.members(values, where), negated)

    def _value(self) -> Value:
        token, where = self._now, self._where
        signed = self._take("-", "+")
        number = self._now
        if number.kind == "number":
            self._next += 1
            size = int(number.text) if number.text.isdigit() else float(number.text)
            return self.value(-size if token.text == "-" else size, where)
        if signed:
            self._wrong("a number")
        if token.kind == "text":
            self._next += 1
            return self.value(token.text[1:-1], where)
        if token.kind == "name" and token.text in _BOOLEANS:
            self._next += 1
            return _BOOLEANS[token.text]
        return self._refuse_value(token, where)

    def _refuse_value(self, token: _Token, where: str) -> NoReturn:
        if token.kind == "name" and token.text in _NO_VALUES:
            _refuse(where, f"{token.text} equals nothing", "write .isNull() or .notNull() after the column")
        if token.kind in ("name", "quoted") and token.text not in _RESERVED:
            self._next += 1
            self._refuse_code(token, where)
            _refuse(
                where, f"{shown(token.text)} would be another column", "put texts in quotes; columns are not compared"
            )
        if token.text == "[":
            _refuse(where, "a list stands where one value was expected", "write in or not in before it")
        self._wrong("a value")
