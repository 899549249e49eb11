"""What one argument of an expectation must look like: each check returns the mistake in words, or None."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

#: A limit: a number, or a date or time written as ISO 8601.
Bound = int | float | date | datetime

Check = Callable[[Any], str | None]

#: Longer patterns are refused: nobody could have read them.
MAX_PATTERN = 10_000
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:\d{2})?")


def shown(value: Any) -> str:
    """The value for a message: quoted, escaped, at most 60 characters."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."  # noqa: PLR2004  # as the docstring says


def read_bound(value: Any) -> Bound:
    """The limit that a suite's JSON value stands for. Raises ValueError when it is none."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and _DATE.fullmatch(value):
        return date.fromisoformat(value)
    if isinstance(value, str) and _TIME.fullmatch(value):
        return datetime.fromisoformat(value)
    message = f"{shown(value)} is neither a number nor an ISO date or time"
    raise ValueError(message)


def bound(value: Any) -> str | None:
    """A number, or text such as 2024-01-31 or 2024-01-31T06:00:00."""
    try:
        read_bound(value)
    except ValueError as error:
        text = str(error)
        return text if text.startswith(shown(value)) else f"{shown(value)} is not a date or time that exists: {text}"
    return None


def number(value: Any) -> str | None:
    """A number."""
    fits = isinstance(value, int | float) and not isinstance(value, bool)
    return None if fits else f"{shown(value)} is not a number"


def count(value: Any) -> str | None:
    """A whole number from 0, which JSON may have written as 3.0."""
    fits = number(value) is None and value >= 0 and value == int(value)
    return None if fits else f"{shown(value)} is not a whole number from 0"


def index(value: Any) -> str | None:
    """A position, counted from 0."""
    return count(value)


def share(value: Any) -> str | None:
    """A number from 0 to 1."""
    fits = number(value) is None and 0 <= value <= 1
    return None if fits else f"{shown(value)} is not a share from 0 to 1"


def flag(value: Any) -> str | None:
    """True or false."""
    return None if isinstance(value, bool) else f"{shown(value)} is not true or false"


def text(value: Any) -> str | None:
    """Text that is not empty."""
    return None if isinstance(value, str) and value else f"{shown(value)} is not a text"


def texts(value: Any) -> str | None:
    """A list of different texts, at least one."""
    if not isinstance(value, list) or not value:
        return f"{shown(value)} is not a list of texts"
    seen: set[str] = set()
    for item in value:
        if text(item) or item in seen:
            return f"{shown(item)} in the list is not a text" if text(item) else f"{shown(item)} is listed twice"
        seen.add(item)
    return None


def scalars(value: Any) -> str | None:
    """A list of texts, numbers or booleans, at least one. Null may be in it and has no effect."""
    if not isinstance(value, list) or not [item for item in value if item is not None]:
        return f"{shown(value)} is not a list of values"
    wrong = next((item for item in value if isinstance(item, dict | list)), None)
    return f"{shown(wrong)} in the list is not a plain value" if wrong is not None else None


def regex(value: Any) -> str | None:
    """A pattern of RE2, whose time is linear in the text whatever the pattern."""
    if text(value):
        return f"{shown(value)} is not a pattern"
    if len(value) > MAX_PATTERN:
        return f"the pattern has {len(value):,} characters; at most {MAX_PATTERN:,} are allowed"
    try:
        pc.match_substring_regex(pa.array([""]), value)  # an empty array would not even compile the pattern
    except pa.ArrowInvalid as error:
        reason = " ".join(str(error).removeprefix("Invalid regular expression: ").split())
        hint = "; RE2, which judges patterns here, has no lookaround" if re.search(r"\(\?<?[=!]", value) else ""
        return f"the pattern {shown(value)} is not valid: {reason[:120]}{hint}"
    return None


def one_of(*words: str) -> Check:
    """One of these words."""

    def check(value: Any) -> str | None:
        return None if value in words else f"{shown(value)} is none of {', '.join(words)}"

    return check


# ------------------------------------------------------------------------------- checks of arguments against each other


def bounded(kwargs: Mapping[str, Any]) -> str | None:
    """At least one limit is given; without one, no data could break the expectation."""
    given = "min_value" in kwargs or "max_value" in kwargs
    return None if given else "give min_value, max_value or both: without a limit nothing can break it"


def ordered(kwargs: Mapping[str, Any]) -> str | None:
    """The limits are of one kind, and the lower is not above the upper."""
    if "min_value" not in kwargs or "max_value" not in kwargs:
        return None
    low, high = read_bound(kwargs["min_value"]), read_bound(kwargs["max_value"])
    words = f"min_value {shown(kwargs['min_value'])} and max_value {shown(kwargs['max_value'])}"
    if _kind(low) != _kind(high):
        return f"{words} cannot be compared: give two numbers, two dates, or two times, both with or both without zone"
    return f"{words}: the lower limit is above the upper" if low > high else None  # type: ignore[operator]  # of one kind


def _kind(value: Bound) -> str:
    if isinstance(value, datetime):
        return "time with zone" if value.tzinfo else "time"
    return "date" if isinstance(value, date) else "number"
