"""Text is JSON that a JSON Schema allows: expect_column_values_to_match_json_schema."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from data_checks.columns import Mask
from data_checks.expectations.json_text import parsed
from data_checks.expectations.misfit import Misfit
from data_checks.expectations.row_rule import WordRule
from data_checks.expectations.share import RowShare
from data_checks.expectations.text_column import text_column
from data_checks.expectations.text_format import REMEMBERED, failing_words
from schemas.argument_checks import regex, shown
from schemas.contract import TableContract
from schemas.suite import Expectation

#: Deeper JSON matches no schema, and a deeper schema is refused: each level costs up to 8 frames of Python's stack, and
#: how many are left is not the same in every runner, so the verdict would not be either.
MAX_NESTING = 64
#: Keywords that hold schemas by name, and those that hold data.
_BY_NAME = frozenset({"properties", "patternProperties", "$defs", "definitions", "dependentSchemas", "dependencies"})
_DATA = frozenset({"const", "enum", "default", "examples"})
_REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef")


@dataclass(frozen=True)
class Schema:
    """Words fail that are no JSON, or JSON that the schema does not allow. GX raises where one word is no JSON."""

    #: As JSON with sorted keys, so that equal schemas are equal.
    schema: str

    def failing(self, words: pa.Array) -> Mask:
        """Shape (words,): True where the word fails."""
        return failing_words(words, self.schema, _allows, _remembered)


def _allows(schema: str, word: str) -> bool:
    try:
        return bool(_validator(schema).is_valid(parsed(word, MAX_NESTING)))
    except (ValueError, ArithmeticError, RecursionError):  # arithmetic: multipleOf beside an integer beyond float64
        return False


_remembered = lru_cache(REMEMBERED)(_allows)


@lru_cache(32)
def _validator(schema: str) -> Any:
    """A validator of the draft that the schema names. It fetches nothing, and its patterns are RE2's.

    Raises Misfit when the schema is not sound.
    """
    # Here, since its import costs 0.15 s, which only suites with a schema are to pay.
    from jsonschema import SchemaError, validators  # type: ignore[import-untyped]  # noqa: PLC0415  # it ships no types
    from referencing import Registry  # noqa: PLC0415

    raw = json.loads(schema)
    draft = validators.validator_for(raw, default=None)
    if draft is None and "$schema" in raw:
        message = f"json_schema is of an unknown draft: its $schema is {shown(raw['$schema'])}"
        raise Misfit(message)
    draft = draft or validators.Draft202012Validator  # as GX
    try:
        draft.check_schema(raw)
    except SchemaError as error:
        where = "/".join(str(part) for part in error.absolute_path)
        message = f"json_schema is not valid{f' at {where}' if where else ''}: {error.message[:200]}"
        raise Misfit(message) from error
    raw.pop("$schema", None)  # a $ref to the root would go on with the plain draft, whose patterns are Python's
    return validators.extend(draft, _KEYWORDS)(raw, registry=Registry())


# --------------------------------------------------------------------------------------- keywords with patterns, in RE2


def _pattern(validator: Any, pattern: str, instance: Any, _: Any) -> Iterator[Any]:
    if validator.is_type(instance, "string") and not _found(pattern, instance):
        yield _error("pattern")


def _pattern_properties(validator: Any, patterns: Mapping[str, Any], instance: Any, _: Any) -> Iterator[Any]:
    if validator.is_type(instance, "object"):
        for pattern, schema in patterns.items():
            for name, value in instance.items():
                if _found(pattern, name):
                    yield from validator.descend(value, schema, path=name, schema_path=pattern)


def _additional_properties(validator: Any, allowed: Any, instance: Any, schema: Mapping[str, Any]) -> Iterator[Any]:
    if validator.is_type(instance, "object"):
        patterns = schema.get("patternProperties", {})
        for name, value in instance.items():
            if name in schema.get("properties", {}) or any(_found(pattern, name) for pattern in patterns):
                continue
            if allowed is False:
                yield _error("additionalProperties")
            elif allowed is not True:  # draft 4 knows no schemas True and False
                yield from validator.descend(value, allowed, path=name)


_KEYWORDS = {
    "pattern": _pattern,
    "patternProperties": _pattern_properties,
    "additionalProperties": _additional_properties,
}


def _found(pattern: str, text: str) -> bool:
    """Whether the pattern occurs in the text. Halves of a character, which JSON may escape, count as U+FFFD."""
    whole = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return bool(pc.match_substring_regex(pa.scalar(whole), pattern).as_py())


def _error(message: str) -> Any:
    from jsonschema import ValidationError  # noqa: PLC0415  # as in _validator

    return ValidationError(message)


# ------------------------------------------------------------------------------------------------------------- the plan


def json_schema(expectation: Expectation, contract: TableContract) -> RowShare:
    """Texts are JSON that json_schema allows.

    Raises Misfit for a schema that is not valid, that needs another document, or whose patterns are not RE2's.
    """
    column = text_column(expectation, contract)
    raw = expectation.kwargs["json_schema"]
    parts = list(_parts(raw))
    for part in parts:
        if fault := _fault(part, is_root=part is raw):
            message = f"json_schema: {fault}"
            raise Misfit(message)
    if any("unevaluatedProperties" in part for part in parts) and any("patternProperties" in part for part in parts):
        message = "json_schema: unevaluatedProperties beside patternProperties is not supported"
        raise Misfit(message)
    schema = json.dumps(raw, sort_keys=True)
    _check_references(_validator(schema))
    return RowShare(WordRule(column, Schema(schema)), column, expectation.mostly, "do not match the JSON schema")


def _parts(schema: Any, depth: int = 0) -> Iterator[dict[str, Any]]:
    """The schema and all schemas in it. Raises Misfit when they are nested too deep."""
    if depth > MAX_NESTING:
        message = f"json_schema is nested deeper than {MAX_NESTING} levels"
        raise Misfit(message)
    if isinstance(schema, list):
        for item in schema:
            yield from _parts(item, depth + 1)
    elif isinstance(schema, dict):
        yield schema
        for key, value in schema.items():
            if key in _BY_NAME and isinstance(value, dict):
                for item in value.values():
                    yield from _parts(item, depth + 1)
            elif key not in _DATA:
                yield from _parts(value, depth + 1)


def _fault(part: dict[str, Any], *, is_root: bool) -> str | None:
    """What in this schema, not in those inside it, cannot be had here, or None."""
    for key in _REFERENCES:
        if key in part and not str(part[key]).startswith("#"):
            return f"{key} {shown(part[key])} is another document, and none is fetched; put it under $defs"
    for key in ("$id", "id", "$schema"):
        if not is_root and isinstance(part.get(key), str):
            return f"a schema with its own {key} inside another is not supported"
    patterns = [part["pattern"]] if "pattern" in part else []
    named = part.get("patternProperties")
    faults = [
        fault for pattern in [*patterns, *(named if isinstance(named, dict) else ())] if (fault := regex(pattern))
    ]
    return faults[0] if faults else None


def _check_references(validator: Any) -> None:
    """Raises Misfit where a $ref points to nothing, or to something that is no schema."""
    from referencing.exceptions import Unresolvable  # noqa: PLC0415  # as in _validator

    parts = list(_parts(validator.schema))
    known = {id(part) for part in parts}
    for reference in {part[key] for part in parts for key in _REFERENCES if key in part}:
        try:
            target = validator._resolver.lookup(reference).contents  # noqa: SLF001  # the very one that will judge
        except (Unresolvable, ValueError, TypeError):
            target = None
        if not isinstance(target, bool) and id(target) not in known:
            message = f"json_schema: $ref {shown(reference)} points to no schema in it"
            raise Misfit(message)
