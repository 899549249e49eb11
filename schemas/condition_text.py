"""Row conditions written as text, in a small language of their own: no call, no attribute, nothing that runs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple, NoReturn, cast

from schemas.argument_checks import shown
from schemas.condition_parts import Parts, refuse
from schemas.row_condition import And, Comparison, Membership, Nullity, Operator, Or, RowCondition, Value

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


class ConditionText(Parts):
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
            refuse(self._where, f"the text ends where {wanted} was expected", "write the rest")
        known = _REASONS.get(token.text) if token.kind in ("name", "mark") else None
        if token.kind == "operator" and wanted == _AFTER:
            known = _TWICE
        what, todo = known or (f"stands where {wanted} was expected", "write column, operator, value")
        refuse(self._where, f"{shown(token.text)} {what}", f"{todo}; nothing here is run as code")

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
            refuse(where, f"the call of {shown(token.text)} is refused: nothing here is run as code", todo)
        if token.text.startswith("__"):
            refuse(where, f"the name {shown(token.text)} is refused", "put it in backquotes if it is a column")

    def _null_test(self, column: str) -> Nullity:
        token = self._now
        test = _NULL_TESTS.get(token.text.lower()) if token.kind == "name" else None
        if test is None:
            todo = "only .isNull() and .notNull() may follow a column; put a name with a point in backquotes"
            refuse(self._where, f"the attribute {shown(token.text)} is refused: nothing here is run as code", todo)
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
            refuse(where, f"{token.text} equals nothing", "write .isNull() or .notNull() after the column")
        if token.kind in ("name", "quoted") and token.text not in _RESERVED:
            self._next += 1
            self._refuse_code(token, where)
            refuse(
                where, f"{shown(token.text)} would be another column", "put texts in quotes; columns are not compared"
            )
        if token.text == "[":
            refuse(where, "a list stands where one value was expected", "write in or not in before it")
        self._wrong("a value")
