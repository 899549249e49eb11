"""The suite compiled for one table: judges batches, folding them into a state, and names the rows to set aside."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self, cast, get_args

from data_checks.check_state import CheckState
from data_checks.columns import BatchColumns
from data_checks.compile_expectation import compile_expectation
from data_checks.exact_sum import ExactSum
from data_checks.expectations.batch_values import BatchValues
from data_checks.expectations.finding import Judge, Needs
from data_checks.expectations.misfit import Misfit
from data_checks.expectations.row_rule import RowRule
from data_checks.expectations.share import RowShare
from data_checks.expectations.unique import Unique
from data_checks.moments import Moments
from data_checks.tally import Tally
from data_checks.value_range import ValueRange
from schemas.breach import Breach, Outcome
from schemas.contract import TableContract
from schemas.errors import ConfigError
from schemas.job import Checks as CheckSettings
from schemas.job import Policy
from schemas.suite import Expectation, Suite
from schemas.yaml_source import did_you_mean

__all__ = ["CheckState", "Checks", "CompiledExpectation"]


@dataclass(frozen=True)
class CompiledExpectation:
    """An expectation with the policy that holds for it, and its judge."""

    expectation: Expectation
    judge: Judge


@dataclass(frozen=True)
class Checks:
    """Small, and it pickles. Equal rules and columns of several expectations are counted once."""

    expectations: tuple[CompiledExpectation, ...] = ()
    #: Row rules by the id of the first expectation that has them.
    rules: Mapping[str, RowRule] = field(default_factory=dict)
    needs: Needs = field(default_factory=Needs)
    #: Rule id to column, for uniqueness: one for each column.
    unique: Mapping[str, str] = field(default_factory=dict)
    allow_vacuous: bool = False
    #: Digest of the above: states of equal checks merge.
    layout: str = ""

    @classmethod
    def compile(cls, suite: Suite | None, contract: TableContract, settings: CheckSettings) -> Self:
        """The checks of a suite, or of none. Raises one ConfigError that names all that does not fit the table."""
        expectations = suite.expectations if suite is not None else ()
        mistakes = list(_unknown_rules(expectations, settings))
        compiled: list[CompiledExpectation] = []
        for item in expectations:
            expectation = replace(item, on_fail=settings.on_fail.get(item.rule, item.on_fail), source={})
            try:
                compiled.append(_compile(expectation, contract))
            except Misfit as misfit:
                mistakes.append(f"{expectation.rule} ({expectation.type}): {misfit}")
        if mistakes:
            noun = "mistake" if len(mistakes) == 1 else "mistakes"
            message = f"the checks do not fit the table: {len(mistakes)} {noun}\n" + "\n".join(
                f"  {line}" for line in mistakes
            )
            raise ConfigError(message, code="invalid_checks", mistakes=mistakes)
        return cls._of(compiled, allow_vacuous=settings.allow_vacuous)

    @classmethod
    def _of(cls, compiled: list[CompiledExpectation], *, allow_vacuous: bool) -> Self:
        """Give equal row rules, and unique columns, the id of the first expectation that has them."""
        keys: dict[RowRule, str] = {}
        unique: dict[str, str] = {}
        found: list[CompiledExpectation] = []
        for item in compiled:
            judge, rule = item.judge, item.expectation.rule
            if isinstance(judge, RowShare):
                judge = replace(judge, key=keys.setdefault(judge.rule, rule))
            elif isinstance(judge, Unique):
                judge = replace(judge, key=unique.setdefault(judge.column, rule))
            found.append(replace(item, judge=judge))
        return cls(
            tuple(found),
            {key: rule for rule, key in keys.items()},
            _all_needs([item.judge.needs for item in found]),
            {rule: column for column, rule in unique.items()},
            allow_vacuous,
            _digest([item.expectation for item in found]),
        )

    @property
    def unique_rules(self) -> tuple[str, ...]:
        """Ids of the rules for which key hashes are wanted; empty for a suite without uniqueness."""
        return tuple(self.unique)

    def unique_columns(self, rule: str) -> tuple[str, ...]:
        """The columns that are the key of that rule. Raises KeyError for another rule."""
        return (self.unique[rule],)

    @property
    def policies(self) -> dict[str, Policy]:
        """Rule id to what holds for it when it is not met, in the suite's order."""
        return {item.expectation.rule: item.expectation.on_fail for item in self.expectations}

    @property
    def dropping_rules(self) -> frozenset[str]:
        """Ids of the rules whose rows are dropped."""
        return frozenset(rule for rule, policy in self.policies.items() if policy == "drop")

    def new_state(self) -> CheckState:
        """The state of no rows."""
        return CheckState(
            self.layout,
            tallies={key: Tally() for key in self.rules},
            missing=dict.fromkeys(self.needs.missing, 0),
            ranges={column: ValueRange() for column in self.needs.ranges},
            sums={column: ExactSum() for column in self.needs.sums},
            moments={column: Moments() for column in self.needs.moments},
        )

    def judge(self, columns: BatchColumns, state: CheckState) -> list[Breach]:
        """Fold a batch of conformed rows into the state.

        Returns the rows that break a rule whose policy is quarantine or drop, one Breach a rule that any row breaks.
        Other policies are decided over the whole night.
        """
        values = BatchValues(columns)
        state.rows += values.num_rows
        for column in state.missing:
            state.missing[column] += values.missing_count(column)
        unexpected = {}
        for key, rule in self.rules.items():
            unexpected[key] = rule.unexpected(values)
            state.tallies[key].add(rule.evaluated(values), unexpected[key])
        for column, span in state.ranges.items():
            span.add(values.present(column))
        for column, total in state.sums.items():
            total.add(values.present(column))
        for column, moments in state.moments.items():
            moments.add(columns.present_numbers(column))
        return [
            _breach(item.expectation, item.judge, values)
            for item in self.expectations
            if isinstance(item.judge, RowShare)
            and item.expectation.on_fail in ("quarantine", "drop")
            and unexpected[item.judge.key]
        ]


def _breach(expectation: Expectation, judge: RowShare, values: BatchValues) -> Breach:
    outcome = cast("Outcome", expectation.on_fail)
    return Breach(expectation.rule, judge.column, judge.reason, outcome, judge.rule.broken(values))


def _unknown_rules(expectations: tuple[Expectation, ...], settings: CheckSettings) -> Iterator[str]:
    known = [expectation.rule for expectation in expectations]
    for rule in settings.on_fail:
        if rule not in known:
            hint = did_you_mean(rule, known) if known else "; the job has no suite"
            yield f"job.yaml: checks.on_fail: no rule has the id '{rule}'{hint}"


def _compile(expectation: Expectation, contract: TableContract) -> CompiledExpectation:
    judge = compile_expectation(expectation, contract)
    if expectation.on_fail in get_args(Outcome) and expectation.on_fail != "fail" and not isinstance(judge, RowShare):
        raise Misfit(_why_no_rows(expectation, judge))
    return CompiledExpectation(expectation, judge)


def _why_no_rows(expectation: Expectation, judge: Judge) -> str:
    if isinstance(judge, Unique):
        reason = "which rows repeat a value is known only after all of them were read, so they cannot be set aside yet"
    else:
        reason = "it is about the table or a whole column, not about single rows, so there is no row to set aside"
    return f"on_fail {expectation.on_fail} is not possible: {reason}; use fail or warn"


def _all_needs(needs: list[Needs]) -> Needs:
    """Every column once, in the order of the suite."""

    def once(name: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(column for item in needs for column in getattr(item, name)))

    return Needs(once("missing"), once("ranges"), once("sums"), once("moments"))


def _digest(expectations: list[Expectation]) -> str:
    told: list[Any] = [[item.rule, item.type, dict(item.kwargs)] for item in expectations]
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]
