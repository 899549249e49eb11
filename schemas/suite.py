"""The expectation suite: the JSON that Great Expectations 1.x reads and writes, read here without it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Literal, cast

from schemas.errors import ConfigError
from schemas.expectation_types import effective
from schemas.job import Policy
from schemas.strict_json import read_strict_json
from schemas.suite_mistakes import own_id, suite_mistakes

#: Larger suites are refused before parsing.
MAX_BYTES = 5_000_000
#: Mistakes that one error names; the rest are likely of the same kind, and each hint costs milliseconds.
MAX_MISTAKES = 50

Severity = Literal["critical", "warning", "info"]

#: What an unmet expectation does unless its meta.on_fail or job.yaml says otherwise.
ON_FAIL: Mapping[Severity, Policy] = {"critical": "fail", "warning": "warn", "info": "warn"}
_COLUMN_ARGUMENTS = ("column", "column_A", "column_B")


@dataclass(frozen=True)
class Expectation:
    """One expectation of a suite, its arguments sound by themselves but not yet held against the table."""

    type: str
    #: Arguments as they stand in the file, without nulls and without those that have no effect.
    kwargs: Mapping[str, Any]
    severity: Severity
    #: Stable id: `meta.id`, else `id` if it is a short word, else type and columns. Unique in the suite.
    rule: str
    on_fail: Policy
    #: The JSON object as it was read.
    source: Mapping[str, Any] = field(default_factory=dict, compare=False)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns it is about; none for an expectation about the table."""
        return tuple(self.kwargs[key] for key in _COLUMN_ARGUMENTS if key in self.kwargs)

    @property
    def column(self) -> str | None:
        """The first of them, or None."""
        return self.columns[0] if self.columns else None

    @property
    def mostly(self) -> float:
        """Share of the evaluated values that must meet it."""
        return float(self.kwargs.get("mostly", 1.0))


@dataclass(frozen=True)
class Suite:
    """A suite whose every expectation this version can judge."""

    name: str
    expectations: tuple[Expectation, ...] = ()
    id: str | None = None
    meta: Mapping[str, Any] = field(default_factory=dict)


def read_suite(path: Path) -> Suite:
    """The suite in a JSON file. Raises one ConfigError that names every mistake (the first 50)."""
    raw = read_strict_json(path, MAX_BYTES)
    if not isinstance(raw, dict):
        message = f"{path}: expected an object with the keys name and expectations, found {type(raw).__name__}"
        raise ConfigError(message, code="invalid_suite", file=str(path))
    mistakes = list(islice(suite_mistakes(raw), MAX_MISTAKES + 1))
    if mistakes:
        count = f"{len(mistakes)} mistake{'s' if len(mistakes) > 1 else ''}"
        if len(mistakes) > MAX_MISTAKES:
            count, mistakes = f"more than {MAX_MISTAKES} mistakes", mistakes[:MAX_MISTAKES]
        message = f"{path}: {count}\n" + "\n".join(f"  {line}" for line in mistakes)
        raise ConfigError(message, code="invalid_suite", file=str(path), mistakes=mistakes)
    items = raw["expectations"]
    if not items:
        message = f"{path}: the suite has no expectation, so it would let everything through; leave checks.suite out"
        raise ConfigError(message, code="empty_suite", file=str(path))
    found = tuple(_expectation(item, rule) for item, rule in zip(items, _rule_ids(items), strict=True))
    return Suite(raw["name"], found, raw.get("id"), raw.get("meta") or {})


def _expectation(item: Mapping[str, Any], rule: str) -> Expectation:
    severity = cast("Severity", item.get("severity") or "critical")
    on_fail = (item.get("meta") or {}).get("on_fail") or ON_FAIL[severity]
    return Expectation(item["type"], effective(item.get("kwargs") or {}), severity, rule, on_fail, item)


def _rule_ids(items: list[dict[str, Any]]) -> list[str]:
    """An id for each: its own, else type and column. An expectation that is added below changes no id above it."""
    own = [own_id(item) for item in items]
    taken = {rule for rule in own if rule is not None}
    repeats: Counter[str] = Counter()
    found: list[str] = []
    for item, rule in zip(items, own, strict=True):
        name = rule
        while name is None or (rule is None and name in taken):
            made = _made_id(item)
            repeats[made] += 1
            name = made if repeats[made] == 1 else f"{made}#{repeats[made]}"
        taken.add(name)
        found.append(name)
    return found


def _made_id(item: Mapping[str, Any]) -> str:
    kwargs = item.get("kwargs") or {}
    columns = ",".join(kwargs[key] for key in _COLUMN_ARGUMENTS if key in kwargs)
    kind = str(item["type"]).removeprefix("expect_")
    return f"{kind}:{columns}" if columns else kind
