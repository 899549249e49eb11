"""The expectation suite: the JSON that Great Expectations 1.x reads and writes, read here without it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, cast

from schemas.condition_reading import parse_row_condition
from schemas.errors import ConfigError
from schemas.expectation_types import effective
from schemas.job import Policy
from schemas.row_condition import RowCondition
from schemas.strict_json import read_strict_json
from schemas.suite_mistakes import CountCondition, own_id, read_count_condition, suite_mistakes
from schemas.suite_parameters import fill_parameters

__all__ = ["CountCondition", "Expectation", "RowCondition", "Suite", "read_suite"]

#: Larger suites are refused before parsing.
MAX_BYTES = 5_000_000
#: Mistakes that one error names; the rest are likely of the same kind, and each hint costs milliseconds.
MAX_MISTAKES = 50
#: Columns that an id made here names.
MAX_NAMES = 5

Severity = Literal["critical", "warning", "info"]

#: What an unmet expectation does unless its meta.on_fail or job.yaml says otherwise.
ON_FAIL: Mapping[Severity, Policy] = {"critical": "fail", "warning": "warn", "info": "warn"}
_COLUMN_ARGUMENTS = ("column", "column_A", "column_B")


@dataclass(frozen=True)
class Expectation:
    """One expectation of a suite, its arguments sound by themselves but not yet held against the table.

    `warn_if` and `error_if` are dbt's. Where either is given, they decide for the gate in place of `mostly`: broken is
    what `error_if` holds for, so nothing where only `warn_if` is given; where that holds, the report warns. Great
    Expectations' own verdict stays that of `mostly`.
    """

    type: str
    #: Arguments as they stand in the file, suite parameters filled in, without nulls and those that have no effect.
    kwargs: Mapping[str, Any]
    severity: Severity
    #: Stable id: `meta.id`, else `id` if it is a short word, else type and columns. Unique in the suite.
    rule: str
    on_fail: Policy
    #: The JSON object as it was read.
    source: Mapping[str, Any] = field(default_factory=dict, compare=False)
    #: Which rows it is about: the row_condition among the arguments, parsed; None for all.
    condition: RowCondition | None = None
    #: Whether it is met where no row was evaluated; None: as the job says.
    allow_vacuous: bool | None = None
    warn_if: CountCondition | None = None
    error_if: CountCondition | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns it is about, beside those of its condition; none for an expectation about the table."""
        return _columns(self.type, self.kwargs)

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
    #: The suite's own, and over them those that were given.
    parameters: Mapping[str, Any] = field(default_factory=dict)


def read_suite(path: Path, parameters: Mapping[str, Any] = MappingProxyType({})) -> Suite:
    """The suite in a JSON file, with `parameters` over its own suite_parameters.

    Raises one ConfigError that names every mistake (the first 50).
    """
    raw = read_strict_json(path, MAX_BYTES)
    if not isinstance(raw, dict):
        message = f"{path}: expected an object with the keys name and expectations, found {type(raw).__name__}"
        raise ConfigError(message, code="invalid_suite", file=str(path))
    filled, unfilled = fill_parameters(raw, parameters)
    mistakes = list(islice(chain(unfilled, suite_mistakes(filled)), MAX_MISTAKES + 1))
    if mistakes:
        count = f"{len(mistakes)} mistake{'s' if len(mistakes) > 1 else ''}"
        if len(mistakes) > MAX_MISTAKES:
            count, mistakes = f"more than {MAX_MISTAKES} mistakes", mistakes[:MAX_MISTAKES]
        message = f"{path}: {count}\n" + "\n".join(f"  {line}" for line in mistakes)
        raise ConfigError(message, code="invalid_suite", file=str(path), mistakes=mistakes)
    items = [item | {"kwargs": effective(item.get("kwargs") or {})} for item in filled["expectations"]]
    if not items:
        message = f"{path}: the suite has no expectation, so it would let everything through; leave checks.suite out"
        raise ConfigError(message, code="empty_suite", file=str(path))
    every = zip(items, _rule_ids(items), raw["expectations"], strict=True)
    found = tuple(_expectation(item, rule, source) for item, rule, source in every)
    return Suite(raw["name"], found, raw.get("id"), raw.get("meta") or {}, filled.get("suite_parameters") or {})


def _expectation(item: Mapping[str, Any], rule: str, source: Mapping[str, Any]) -> Expectation:
    severity = cast("Severity", item.get("severity") or "critical")
    meta, kwargs = item.get("meta") or {}, item["kwargs"]
    condition = kwargs.get("row_condition")
    return Expectation(
        type=item["type"],
        kwargs=kwargs,
        severity=severity,
        rule=rule,
        on_fail=meta.get("on_fail") or ON_FAIL[severity],
        source=source,
        condition=None if condition is None else parse_row_condition(condition, kwargs.get("condition_parser")),
        allow_vacuous=meta.get("allow_vacuous"),
        warn_if=_count_condition(meta.get("warn_if")),
        error_if=_count_condition(meta.get("error_if")),
    )


def _count_condition(value: Any) -> CountCondition | None:
    return None if value is None else read_count_condition(value)


def _columns(kind: str, kwargs: Mapping[str, Any]) -> tuple[str, ...]:
    names = tuple(kwargs[key] for key in _COLUMN_ARGUMENTS if key in kwargs)
    # What the table's columns are to be is no column that it is about.
    return names if kind.startswith("expect_table_") else (*names, *kwargs.get("column_list", ()))


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
    names = _columns(item["type"], item["kwargs"])
    more = f",+{len(names) - MAX_NAMES}" if len(names) > MAX_NAMES else ""
    kind = str(item["type"]).removeprefix("expect_")
    return f"{kind}:{','.join(names[:MAX_NAMES])}{more}" if names else kind
