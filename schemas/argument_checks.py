"""What one argument of an expectation must look like: each check returns the mistake in words, or None."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime
from itertools import pairwise
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

#: A limit: a number, or a date or time written as ISO 8601.
Bound = int | float | date | datetime

Check = Callable[[Any], str | None]

#: Longer patterns are refused: nobody could have read them.
MAX_PATTERN = 10_000
MAX_FORMAT = 1_000
#: How far the weights of a partition may be from 1 together: numpy.allclose's, which GX asks.
WEIGHTS_TOLERANCE = 1e-8 + 1e-5
#: On no date where a format without a year or a day could not say it.
_SOME_TIME = datetime(2023, 10, 17, 13, 45, 59, 123456, tzinfo=UTC)
_REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef")
_PARTITIONS = ({"values", "weights"}, {"bins", "weights"}, {"bins", "weights", "tail_weights"})
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


def columns(value: Any) -> str | None:
    """A list of different names, at least two, as Great Expectations wants them."""
    mistake = texts(value)
    if mistake is None and len(value) < 2:  # noqa: PLR2004  # as the docstring says
        return f"{shown(value)} names one column; give at least two"
    return mistake


def value_pairs(value: Any) -> str | None:
    """A list of pairs, at least one. Null in a pair stands for a missing value."""
    if not isinstance(value, list) or not value:
        return f"{shown(value)} is not a list of pairs"
    for pair in value:
        if not isinstance(pair, list) or len(pair) != 2 or any(isinstance(item, dict | list) for item in pair):  # noqa: PLR2004  # a pair
            return f"{shown(pair)} in the list is not a pair of plain values"
    return None


def regexes(value: Any) -> str | None:
    """A list of patterns, at least one."""
    if not isinstance(value, list) or not value:
        return f"{shown(value)} is not a list of patterns"
    return _first(regex, value)


def strftime_format(value: Any) -> str | None:
    """A format that Python's strptime reads; with any other, Great Expectations calls every row wrong."""
    if text(value):
        return f"{shown(value)} is not a format"
    if len(value) > MAX_FORMAT:
        return f"the format has {len(value):,} characters; at most {MAX_FORMAT:,} are allowed"
    try:
        datetime.strptime(_SOME_TIME.strftime(value), value)  # noqa: DTZ007  # only whether it can be read
    except (ValueError, re.error) as error:
        return f"no time can be read by the format {shown(value)}: {' '.join(str(error).split())[:120]}"
    return None


def json_schema(value: Any) -> str | None:
    """An object that refers to no other document: nothing is fetched while rows are judged."""
    if not isinstance(value, dict):
        return f"{shown(value)} is not an object"
    level: list[Any] = [value]
    while level:
        node = level.pop()
        for key in _REFERENCES if isinstance(node, dict) else ():
            if isinstance(node.get(key), str) and not node[key].startswith("#"):
                return f"{key} {shown(node[key])} is another document, and none is fetched; write it under $defs"
        level += node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    return None


def quantile_ranges(value: Any) -> str | None:
    """An object of `quantiles` and `value_ranges`, which are as many; null in a range is no limit."""
    if not isinstance(value, dict) or set(value) != {"quantiles", "value_ranges"}:
        return f"{shown(value)} is not an object with the keys quantiles and value_ranges"
    wanted, ranges = value["quantiles"], value["value_ranges"]
    if not isinstance(wanted, list) or not isinstance(ranges, list) or not wanted:
        return "quantiles and value_ranges are lists, with at least one item each"
    if len(wanted) != len(ranges):
        return f"{len(wanted)} quantiles, but {len(ranges)} value_ranges"
    return _first(share, wanted) or _first(_limits, ranges)


def _limits(value: Any) -> str | None:
    if not isinstance(value, list) or len(value) != 2:  # noqa: PLR2004  # a pair
        return f"{shown(value)} is not a pair of limits"
    given = [limit for limit in value if limit is not None]
    mistake = _first(number, given)
    return mistake or (None if given == sorted(given) else f"{shown(value)}: the lower limit is above the upper")


def interpolation(value: Any) -> str | None:
    """False, or how pandas is to find a quantile between two values."""
    mistake = one_of("linear", "lower", "higher", "midpoint", "nearest")(value)
    return None if value is False or mistake is None else f"{mistake}, nor false"


def not_negative(value: Any) -> str | None:
    """A number from 0."""
    return None if number(value) is None and value >= 0 else f"{shown(value)} is not a number from 0"


def no_effect(value: Any) -> str:
    """Nothing: Great Expectations accepts it and looks at it nowhere."""
    return f"{shown(value)} has no effect, in Great Expectations neither; take it out"


def partition(value: Any) -> str | None:
    """An object of values and their weights, or of increasing bins, their weights and maybe the two tails' weights.

    Weights add up to 1, as nearly as Great Expectations asks for.
    """
    keys = set(value) if isinstance(value, dict) else set()
    if keys not in _PARTITIONS:
        return f"{shown(value)} is not an object of values and weights, or of bins, weights and maybe tail_weights"
    if wrong := [key for key in sorted(keys) if not isinstance(value[key], list) or not value[key]]:
        return f"{wrong[0]} is not a list with at least one item"
    weights, tails = value["weights"], value.get("tail_weights", [0, 0])
    if mistake := _first(not_negative, [*weights, *tails]):
        return f"weights: {mistake}"
    if len(tails) != 2:  # noqa: PLR2004  # the two ends
        return f"{len(tails)} tail_weights; there are two tails"
    if abs(sum(weights) + sum(tails) - 1) > WEIGHTS_TOLERANCE:
        return f"the weights add up to {sum(weights) + sum(tails):.6g}, not to 1"
    return _values(value["values"], len(weights)) if "values" in keys else _bins(value["bins"], len(weights))


def _values(values: list[Any], weights: int) -> str | None:
    if len(values) != weights:
        return f"{len(values)} values, but {weights} weights"
    if mistake := scalars(values) or ("null is no value of a partition" if None in values else None):
        return mistake
    twice = [value for value, count in Counter(values).items() if count > 1]
    return f"{shown(twice[0])} is listed twice" if twice else None


def _bins(edges: list[Any], weights: int) -> str | None:
    if mistake := _first(number, edges):
        return f"bins: {mistake}"
    if len(edges) != weights + 1:
        return f"{len(edges)} edges in bins, but {weights} weights; give one edge more than weights"
    wrong = [high for low, high in pairwise(edges) if low >= high]
    return f"bins: {shown(wrong[0])} is not above the edge before it" if wrong else None


def _first(check: Check, values: Iterable[Any]) -> str | None:
    return next((mistake for value in values if (mistake := check(value))), None)


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


def partition_fits(kwargs: Mapping[str, Any]) -> str | None:
    """The other arguments have a meaning for that kind of partition; Great Expectations raises for them otherwise."""
    given, bucketize = kwargs.get("partition_object"), kwargs.get("bucketize_data", True)
    bins = bucketize if given is None else "bins" in given
    if not bins and kwargs.get("internal_weight_holdout"):
        return "internal_weight_holdout is for bins, and this partition has values"
    if bins and not bucketize:
        return "bucketize_data false is for values, and this partition has bins"
    # Without a partition Great Expectations makes one of bins and tail weights from the data.
    if kwargs.get("tail_weight_holdout") and bins and (given is None or "tail_weights" in given):
        return "tail_weight_holdout and tail_weights exclude each other, and a partition from the data has tail_weights"
    return None
