"""The suite compiled for one table: judges batches, folding them into a state, and names the rows to set aside."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Self, cast

from data_checks.check_state import CheckState
from data_checks.columns import BatchColumns
from data_checks.compile_expectation import compile_expectation
from data_checks.domain import Domain, DomainRows
from data_checks.expectations.batch_values import BatchValues, Positions
from data_checks.expectations.finding import FileRule, Judge, Needs
from data_checks.expectations.misfit import Misfit
from data_checks.expectations.outliers import Outliers
from data_checks.expectations.row_rule import RowRule
from data_checks.expectations.share import RowShare
from data_checks.expectations.unique import Unique
from data_checks.file_measures import FileMeasures
from data_checks.row_filter import RowFilter, compile_filter
from schemas.breach import Breach, Outcome
from schemas.contract import TableContract
from schemas.errors import ConfigError
from schemas.expectation_types import SUPPORTED
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
    #: Which of `Checks.domains` it is about.
    domain: int = 0
    #: Whether its result may hold values of the data.
    examples: bool = False
    #: Whether it is about a column that the contract calls sensitive.
    sensitive: bool = False


@dataclass(frozen=True)
class _RowExpectation:
    """One that is judged row by row."""

    expectation: Expectation
    judge: RowShare


@dataclass(frozen=True)
class Checks:
    """Small, and it pickles. Equal rules and columns of several expectations are counted once."""

    expectations: tuple[CompiledExpectation, ...] = ()
    #: The first is that of all rows.
    domains: tuple[Domain, ...] = (Domain(),)
    allow_vacuous: bool = False
    #: Great Expectations' verdict to the letter, also where nothing was evaluated.
    strict_gx: bool = False
    #: Digest of the above: states of equal checks merge.
    layout: str = ""

    @classmethod
    def compile(
        cls, suite: Suite | None, contract: TableContract, settings: CheckSettings, *, examples: bool = False
    ) -> Self:
        """The checks of a suite, or of none. Raises one ConfigError that names all that does not fit the table.

        Values of the data are kept only with `examples`, and never of sensitive columns.
        """
        expectations = suite.expectations if suite is not None else ()
        mistakes = list(_unknown_rules(expectations, settings))
        most = (200 if settings.result_format == "COMPLETE" else 20) if examples else 0
        compiler = _Compiler(contract, most)
        for item in expectations:
            expectation = replace(item, on_fail=settings.on_fail.get(item.rule, item.on_fail), source={})
            try:
                compiler.add(expectation)
            except Misfit as misfit:
                mistakes.append(f"{expectation.rule} ({expectation.type}): {misfit}")
        if mistakes:
            noun = "mistake" if len(mistakes) == 1 else "mistakes"
            message = f"the checks do not fit the table: {len(mistakes)} {noun}\n" + "\n".join(
                f"  {line}" for line in mistakes
            )
            raise ConfigError(message, code="invalid_checks", mistakes=mistakes)
        layout = _digest([item.expectation for item in compiler.compiled], most)
        domains = tuple(compiler.domains())
        return cls(tuple(compiler.compiled), domains, settings.allow_vacuous, settings.strict_gx, layout)

    @property
    def files(self) -> dict[str, FileRule]:
        """What is written to files during the pass, by id; empty for most suites."""
        return {key: rule for domain in self.domains for key, rule in domain.files.items()}

    @property
    def setting_aside(self) -> dict[str, list[CompiledExpectation]]:
        """By the id in `files`: the expectations whose rows of repeated keys are quarantined or dropped."""
        found: dict[str, list[CompiledExpectation]] = {}
        for item in self.expectations:
            if isinstance(item.judge, Unique) and item.expectation.on_fail in ("quarantine", "drop"):
                found.setdefault(item.judge.key, []).append(item)
        return found

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
        return CheckState(self.layout, [domain.new_state() for domain in self.domains])

    def judge(
        self,
        columns: BatchColumns,
        state: CheckState,
        positions: Positions | None = None,
        files: FileMeasures | None = None,
    ) -> list[Breach]:
        """Fold a batch of conformed rows into the state, and into `files` what is kept in files.

        `positions` are the rows' places in the night's input; without them the batch is the night's first.
        Returns the rows that break a rule whose policy is quarantine or drop, one Breach a rule that any row breaks.
        Other policies are decided over the whole night.
        """
        whole = BatchValues(columns, positions)
        if not whole.num_rows:
            return []
        span = range(int(whole.positions[0]), int(whole.positions[-1]) + 1)
        found: dict[int, Breach] = {}
        for number, (domain, counts) in enumerate(zip(self.domains, state.domains, strict=True)):
            rows = domain.select(whole)  # a copy where there is a condition: one is held at a time
            unexpected = domain.fold(rows, counts, files, span)
            for place, item in self._setting_rows_aside(number):
                if unexpected[item.judge.key]:
                    found[place] = _breach(item.expectation, item.judge, rows)
        return [found[place] for place in sorted(found)]

    def _setting_rows_aside(self, domain: int) -> Iterator[tuple[int, _RowExpectation]]:
        """The expectations of the domain whose rows a batch can name, with their places in the suite."""
        for place, item in enumerate(self.expectations):
            aside = item.domain == domain and item.expectation.on_fail in ("quarantine", "drop")
            if aside and isinstance(item.judge, RowShare):
                yield place, _RowExpectation(item.expectation, item.judge)


@dataclass
class _Parts:
    """What one domain is made of, while it is collected."""

    condition: RowFilter | None
    rules: dict[RowRule, str] = field(default_factory=dict)
    files: dict[FileRule, str] = field(default_factory=dict)
    needs: list[Needs] = field(default_factory=list)
    #: Rules of which examples are kept.
    shown: set[str] = field(default_factory=set)


class _Compiler:
    """Gives equal row rules, and equal file rules, of one domain the id of the first expectation that has them."""

    def __init__(self, contract: TableContract, examples: int) -> None:
        self.contract = contract
        self.examples = examples
        self.compiled: list[CompiledExpectation] = []
        self._parts = [_Parts(None)]

    def add(self, expectation: Expectation) -> None:
        """Compile one more. Raises Misfit when it does not fit the table."""
        if expectation.on_fail in ("quarantine", "drop") and not SUPPORTED[expectation.type].rows:
            message = (
                f"on_fail {expectation.on_fail} is not possible: it is about the table or a whole column, not about "
                "single rows, so there is no row to set aside; use fail or warn"
            )
            raise Misfit(message)
        judge = compile_expectation(expectation, self.contract)
        domain = self._domain(expectation)
        parts, rule = self._parts[domain], expectation.rule
        if isinstance(judge, RowShare):
            judge = replace(judge, key=parts.rules.setdefault(judge.rule, rule))
        if isinstance(judge, Outliers) and self._may_show(expectation):
            judge = judge.with_examples(self.examples)
        for needed in judge.needs.files:
            judge = replace(judge, key=parts.files.setdefault(needed, rule))  # type: ignore[type-var]  # judges with files are dataclasses with a key
        parts.needs.append(judge.needs)
        if self._may_show(expectation):
            parts.shown |= {order.key for order in judge.needs.orders}
            parts.shown |= {judge.key} if isinstance(judge, RowShare | Unique) else set()
        sensitive = self._is_sensitive(expectation)
        self.compiled.append(
            CompiledExpectation(expectation, judge, domain, self._may_show(expectation), sensitive=sensitive)
        )

    def domains(self) -> Iterator[Domain]:
        """The domains, that of all rows first."""
        for parts in self._parts:
            yield Domain(
                parts.condition,
                {key: rule for rule, key in parts.rules.items()},
                _all_needs(parts.needs),
                {key: rule for rule, key in parts.files.items()},
                self.examples,
                frozenset(parts.shown),
            )

    def _may_show(self, expectation: Expectation) -> bool:
        return self.examples > 0 and not self._is_sensitive(expectation)

    def _is_sensitive(self, expectation: Expectation) -> bool:
        columns = [self.contract.column(name) for name in expectation.columns]
        return any(column is not None and column.sensitive for column in columns)

    def _domain(self, expectation: Expectation) -> int:
        if expectation.condition is None:
            return 0
        condition = compile_filter(expectation.condition, self.contract)
        for number, parts in enumerate(self._parts):
            if parts.condition == condition:
                return number
        self._parts.append(_Parts(condition))
        return len(self._parts) - 1


def _breach(expectation: Expectation, judge: RowShare, rows: DomainRows) -> Breach:
    outcome = cast("Outcome", expectation.on_fail)
    mask = rows.whole(judge.rule.broken(rows.values))
    return Breach(expectation.rule, judge.column, judge.reason, outcome, mask)


def _unknown_rules(expectations: tuple[Expectation, ...], settings: CheckSettings) -> Iterator[str]:
    known = [expectation.rule for expectation in expectations]
    for rule in settings.on_fail:
        if rule not in known:
            hint = did_you_mean(rule, known) if known else "; the job has no suite"
            yield f"job.yaml: checks.on_fail: no rule has the id '{rule}'{hint}"


def _all_needs(needs: list[Needs]) -> Needs:
    """Every column once, in the order of the suite."""

    def once(name: str) -> tuple[Any, ...]:
        return tuple(dict.fromkeys(item for need in needs for item in getattr(need, name)))

    return Needs(
        missing=once("missing"),
        ranges=once("ranges"),
        sums=once("sums"),
        moments=once("moments"),
        counts=_joined(item for need in needs for item in need.counts),
        orders=once("orders"),
    )


def _joined(counts: Iterable[tuple[str, frozenset[Any]]]) -> tuple[tuple[str, frozenset[Any]], ...]:
    """Each column once, with the values that any expectation names."""
    named: dict[str, frozenset[Any]] = {}
    for column, values in counts:
        named[column] = named.get(column, frozenset()) | values
    return tuple(named.items())


def _digest(expectations: list[Expectation], examples: int) -> str:
    told: list[Any] = [[item.rule, item.type, dict(item.kwargs)] for item in expectations]
    return hashlib.sha256(json.dumps([told, examples], sort_keys=True, default=str).encode()).hexdigest()[:16]
