"""Every mistake in a suite's JSON, in words that name the expectation and say what to do."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Any, Literal, cast, get_args

from schemas.argument_checks import flag, one_of, shown
from schemas.condition_reading import parse_row_condition
from schemas.expectation_types import CONDITIONS, REFUSED, SUPPORTED, ExpectationType, effective
from schemas.job import Policy
from schemas.yaml_source import did_you_mean

SEVERITIES = ("critical", "warning", "info")
#: Stands where a suite parameter could not be filled in: that was named already, and says nothing about the rest.
UNFILLED = object()

#: An id that a person wrote: short, and without the colon that ids made here have.
_SLUG = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_SUITE_KEYS = frozenset({"name", "id", "expectations", "suite_parameters", "meta", "notes"})
_EXPECTATION_KEYS = frozenset(
    {
        *("type", "kwargs", "meta", "notes", "id", "description", "severity"),
        *("rendered_content", "expectation_context"),
    }
)
_PARSERS = one_of("great_expectations", "great_expectations__experimental__", "pandas", "spark")
_OLD_KEYS = {"expectation_suite_name": "name", "expectation_type": "type", "ge_cloud_id": "id"}


def suite_mistakes(raw: Mapping[str, Any]) -> Iterator[str]:
    """The mistakes of the suite itself, then those of each expectation in order; none for a suite that can be read."""
    yield from (f"suite: {text}" for text in _of_the_suite(raw))
    items = raw.get("expectations")
    taken: dict[str, int] = {}
    for number, item in enumerate(items if isinstance(items, list) else [], start=1):
        if not isinstance(item, dict):
            yield f"expectation {number}: {shown(item)} is not an object"
            continue
        yield from (f"{where(number, item)}: {text}" for text in _of_one(item))
        rule = own_id(item)
        if rule in taken:
            text = f"the id {shown(rule)} is also that of expectation {taken[rule]}; give it one of its own"
            yield f"{where(number, item)}: {text}"
        elif rule is not None:
            taken[rule] = number


def own_id(item: Mapping[str, Any]) -> str | None:
    """The id that a person gave the expectation: `meta.id`, or an `id` that is a short word; else None."""
    meta = item.get("meta")
    for value in (meta.get("id") if isinstance(meta, dict) else None, item.get("id")):
        if isinstance(value, str) and _SLUG.fullmatch(value) and not _UUID.fullmatch(value):
            return value
    return None


def _of_the_suite(raw: Mapping[str, Any]) -> Iterator[str]:
    yield from _unknown_keys(raw, _SUITE_KEYS)
    if not isinstance(raw.get("name"), str) or not raw["name"]:
        yield f"name: {shown(raw.get('name'))} is not a text; Great Expectations gives every suite a name"
    if raw.get("suite_parameters") is not None and not isinstance(raw["suite_parameters"], dict):
        yield f"suite_parameters: {shown(raw['suite_parameters'])} is not an object"
    if not isinstance(raw.get("expectations"), list):
        yield f"expectations: {shown(raw.get('expectations'))} is not a list"
    if raw.get("meta") is not None and not isinstance(raw["meta"], dict):
        yield f"meta: {shown(raw['meta'])} is not an object"


def _unknown_keys(raw: Mapping[str, Any], known: frozenset[str]) -> Iterator[str]:
    for key in raw:
        if key in _OLD_KEYS:
            yield f"key {shown(key)} is of Great Expectations 0.x; since 1.0 it is '{_OLD_KEYS[key]}'"
        elif key not in known:
            yield f"unknown key {shown(key)}{did_you_mean(key[:100], known)}"


def where(number: int, item: Mapping[str, Any]) -> str:
    """The words that name one expectation in a message."""
    kind, kwargs = item.get("type"), item.get("kwargs")
    column = kwargs.get("column") if isinstance(kwargs, dict) else None
    words = [shown(kind)[1:-1]] if isinstance(kind, str) else []
    words += [f"column {shown(column)}"] if isinstance(column, str) else []
    return f"expectation {number}" + (f" ({', '.join(words)})" if words else "")


def _of_one(item: Mapping[str, Any]) -> Iterator[str]:
    yield from _unknown_keys(item, _EXPECTATION_KEYS)
    if item.get("id") is not None and not isinstance(item["id"], str):
        yield f"id: {shown(item['id'])} is not a text"
    severity = item.get("severity")
    if severity is not None and severity not in SEVERITIES:
        yield f"severity: {shown(severity)} is none of {', '.join(SEVERITIES)}"
    if item.get("meta") is not None:
        yield from _of_meta(item["meta"])
    kind, kwargs = item.get("type"), item.get("kwargs")
    if not isinstance(kind, str):
        yield "type: it is missing" if kind is None else f"type: {shown(kind)} is not the name of an expectation"
    elif kind in REFUSED:
        yield f"it cannot be judged here: {REFUSED[kind]}"
    elif kind not in SUPPORTED:
        yield f"unknown type{_similar(kind)}"
    elif kwargs is not None and not isinstance(kwargs, dict):
        yield f"kwargs: {shown(kwargs)} is not an object"
    else:
        yield from _of_policies(SUPPORTED[kind], item.get("meta"))
        yield from _of_arguments(kind, effective(kwargs or {}))


def _of_meta(meta: Any) -> Iterator[str]:
    if not isinstance(meta, dict):
        yield f"meta: {shown(meta)} is not an object"
        return
    rule, policy = meta.get("id"), meta.get("on_fail")
    if rule is not None and not (isinstance(rule, str) and _SLUG.fullmatch(rule)):
        yield f"meta.id: {shown(rule)} is not an id: letters, digits, '_', '-' and '.', at most 100"
    if policy is not None and policy not in get_args(Policy):
        yield f"meta.on_fail: {shown(policy)} is none of {', '.join(get_args(Policy))}"
    vacuous = meta.get("allow_vacuous")
    if vacuous is not None and (mistake := flag(vacuous)):
        yield f"meta.allow_vacuous: {mistake}"


def _of_policies(kind: ExpectationType, meta: Any) -> Iterator[str]:
    """What meta asks of this type of expectation beyond its nature."""
    if not meta or not isinstance(meta, dict):
        return
    if meta.get("on_fail") in ("quarantine", "drop") and not kind.rows:
        yield (
            f"meta.on_fail: {meta['on_fail']} sets single rows aside, and no row by itself breaks this expectation; "
            "use fail or warn"
        )
    for key in ("warn_if", "error_if"):
        if meta.get(key) is None:
            continue
        if not kind.counts:
            yield f"meta.{key}: this expectation counts no unexpected rows; take it out"
            continue
        try:
            read_count_condition(meta[key])
        except ValueError as error:
            yield f"meta.{key}: {error}"


@lru_cache(maxsize=64)
def _similar(kind: str) -> str:
    words = set(kind[:100].split("_"))
    # Comparing letters costs a hundred times as much as comparing words.
    near = [name for name in (*SUPPORTED, *REFUSED) if 2 * len(words.intersection(name.split("_"))) >= len(words)]
    hint = did_you_mean(kind[:100], near)
    return hint if hint.startswith("; did") else "; Great Expectations 1.24 has none of that name"


def _of_arguments(kind: str, kwargs: Mapping[str, Any]) -> Iterator[str]:
    expected = SUPPORTED[kind]
    mistakes = [text for key, value in kwargs.items() if (text := _of_argument(expected, key, value))]
    mistakes += [f"the argument {key} is missing" for key in expected.required if key not in kwargs]
    if not mistakes and not any(value is UNFILLED for value in kwargs.values()):
        mistakes = [text for check in expected.together if (text := check(kwargs))]
    yield from mistakes
    if expected.conditions and any(key in kwargs for key in CONDITIONS):
        yield from _of_condition(kwargs)


def _of_argument(expected: ExpectationType, key: str, value: Any) -> str | None:
    known = expected.arguments
    if value is UNFILLED or (key in CONDITIONS and expected.conditions):
        return None
    if key in CONDITIONS:
        return f"{key}: this expectation is about the files' columns, not about rows; take it out"
    if key not in known:
        return f"unknown argument {shown(key)}{did_you_mean(key[:100], known)}"
    text = known[key](value)
    return f"{key}: {text}" if text else None


def _of_condition(kwargs: Mapping[str, Any]) -> Iterator[str]:
    raw, parser = (kwargs.get(key) for key in CONDITIONS)
    if raw is UNFILLED or parser is UNFILLED:
        return
    if parser is not None and (mistake := _PARSERS(parser)):
        yield f"condition_parser: {mistake}"
    elif raw is not None:
        try:
            parse_row_condition(raw, parser)
        except ValueError as error:
            yield str(error)  # which says where in the row_condition


# ------------------------------------------------------------------------------------------- conditions on row counts


@dataclass(frozen=True)
class CountCondition:
    """A comparison of the rows that break an expectation with a number, or with a percentage of the evaluated rows."""

    operator: Literal[">", ">=", "<", "<=", "==", "!="]
    value: int | Decimal
    percent: bool = False

    def holds(self, unexpected: int, evaluated: int) -> bool:
        """Whether the comparison is true; exactly, without rounding. Where nothing was evaluated, that is 0 percent."""
        found = Fraction(100 * unexpected, max(evaluated, 1)) if self.percent else Fraction(unexpected)
        return bool(_COMPARE[self.operator](found, Fraction(self.value)))

    def __str__(self) -> str:
        return f"{self.operator} {self.value}{'%' if self.percent else ''}"


_COMPARE: Mapping[str, Callable[[Any, Any], Any]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
}
_COUNT = re.compile(r"(>=?|<=?|==?|!=) ?(?:([0-9]{1,15})|([0-9]{1,3}(?:\.[0-9]{1,9})?) ?%)")


def read_count_condition(value: Any) -> CountCondition:
    """The condition in a text such as `> 10` or `>= 1%`; `=` is `==`. Raises ValueError when it is none."""
    found = _COUNT.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        message = f"{shown(value)} is not a comparison with a count or a percentage, such as '> 10' or '>= 1%'"
        raise ValueError(message)
    sign, count, percentage = found.groups()
    compare = cast("Any", "==" if sign == "=" else sign)
    if percentage is None:
        return CountCondition(compare, int(count))
    if Decimal(percentage) > 100:  # noqa: PLR2004  # percent
        message = f"{shown(value)}: {percentage} percent is more than all rows"
        raise ValueError(message)
    return CountCondition(compare, Decimal(percentage), percent=True)
