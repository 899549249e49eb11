"""Every mistake in a suite's JSON, in words that name the expectation and say what to do."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, get_args

from schemas.argument_checks import shown
from schemas.expectation_types import CONDITIONS, NOT_YET, SUPPORTED, effective
from schemas.job import Policy
from schemas.yaml_source import did_you_mean

SEVERITIES = ("critical", "warning", "info")

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
        yield from (f"{_where(number, item)}: {text}" for text in _of_one(item))
        rule = own_id(item)
        if rule in taken:
            text = f"the id {shown(rule)} is also that of expectation {taken[rule]}; give it one of its own"
            yield f"{_where(number, item)}: {text}"
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
    if raw.get("suite_parameters"):
        yield "suite_parameters are not supported yet; write the values into the expectations"
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


def _where(number: int, item: Mapping[str, Any]) -> str:
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
    yield from _of_meta(item.get("meta"))
    kind, kwargs = item.get("type"), item.get("kwargs")
    if not isinstance(kind, str):
        yield f"type: {shown(kind)} is not the name of an expectation"
    elif kind in NOT_YET:
        yield "not supported yet: this version does not judge it; take it out of the suite"
    elif kind not in SUPPORTED:
        yield f"unknown type{_similar(kind)}"
    elif kwargs is not None and not isinstance(kwargs, dict):
        yield f"kwargs: {shown(kwargs)} is not an object"
    else:
        yield from _of_arguments(kind, effective(kwargs or {}))


def _of_meta(meta: Any) -> Iterator[str]:
    if meta is None:
        return
    if not isinstance(meta, dict):
        yield f"meta: {shown(meta)} is not an object"
        return
    rule, policy = meta.get("id"), meta.get("on_fail")
    if rule is not None and not (isinstance(rule, str) and _SLUG.fullmatch(rule)):
        yield f"meta.id: {shown(rule)} is not an id: letters, digits, '_', '-' and '.', at most 100"
    if policy is not None and policy not in get_args(Policy):
        yield f"meta.on_fail: {shown(policy)} is none of {', '.join(get_args(Policy))}"


@lru_cache(maxsize=64)
def _similar(kind: str) -> str:
    words = did_you_mean(kind[:100], [*SUPPORTED, *NOT_YET])
    return words if words.startswith("; did") else "; Great Expectations 1.24 has none of that name"


def _of_arguments(kind: str, kwargs: Mapping[str, Any]) -> Iterator[str]:
    expected = SUPPORTED[kind]
    mistakes = [text for key, value in kwargs.items() if (text := _of_argument(kind, key, value))]
    mistakes += [f"the argument {key} is missing" for key in expected.required if key not in kwargs]
    if not mistakes:
        mistakes = [text for check in expected.together if (text := check(kwargs))]
    if any(key in kwargs for key in CONDITIONS):
        mistakes.append("row_condition is not supported yet, and never evaluated as code; take it out")
    yield from mistakes


def _of_argument(kind: str, key: str, value: Any) -> str | None:
    known = SUPPORTED[kind].arguments
    if key in CONDITIONS:
        return None
    if isinstance(value, dict) and "$PARAMETER" in value:
        return f"{key}: suite parameters ($PARAMETER) are not supported yet; write the value"
    if key not in known:
        return f"unknown argument {shown(key)}{did_you_mean(key[:100], known)}"
    text = known[key](value)
    return f"{key}: {text}" if text else None
