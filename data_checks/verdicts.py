"""The verdict on every expectation over the whole night: Great Expectations' own, and what this job makes of it."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from data_checks.check_state import CheckState
from data_checks.checks import Checks, CompiledExpectation
from data_checks.deferred_import import defer_for_great_expectations
from data_checks.expectations.finding import Finding, TableFacts
from data_checks.expectations.share import RowShare
from data_checks.quality_json import quality_json
from data_checks.strict_value import strict
from schemas.job import Policy
from schemas.suite import Expectation
from schemas.verdicts import ExpectationVerdict, Status

if TYPE_CHECKING:
    from data_checks.gx_engine import GxJudge

#: Expectations whose observed value is that of a single row.
SINGLE_VALUES = frozenset(f"expect_column_{name}_to_be_between" for name in ("min", "max", "median", "quantile_values"))

__all__ = ["TableFacts", "judge_suite", "quality_json"]


def judge_suite(
    checks: Checks, state: CheckState, facts: TableFacts, result_format: str = "SUMMARY"
) -> list[ExpectationVerdict]:
    """One verdict for each expectation, in the suite's order, with Great Expectations' result in that format.

    Raises ValueError for a state of other checks, or of other rows than the facts are about.
    """
    if state.layout != checks.layout:
        message = f"the state counts for other checks: {state.layout}, not {checks.layout}"
        raise ValueError(message)
    if state.rows != facts.rows:
        message = f"{state.rows:,} rows were judged, but {facts.rows:,} conformed"
        raise ValueError(message)
    if not checks.expectations:
        return []
    # Its import costs seconds of CPU, so only where a verdict is due: not for workers, nor for `check`.
    defer_for_great_expectations()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it imports deprecated modules, which is not this job's concern
        from data_checks.gx_engine import GxJudge  # noqa: PLC0415

    judge = GxJudge(facts.contract, state.domains[0], result_format)
    return [_verdict(item, state, facts, checks, judge) for item in checks.expectations]


def _verdict(
    item: CompiledExpectation, state: CheckState, facts: TableFacts, checks: Checks, judge: GxJudge
) -> ExpectationVerdict:
    domain, expectation = state.domains[item.domain], item.expectation
    finding = item.judge.find(domain, facts)
    arguments, by_rows = expectation.kwargs, isinstance(item.judge, RowShare)
    gx = judge.result(expectation.type, arguments, finding, domain, values=item.examples, rows_judged=by_rows)
    if item.sensitive and expectation.type in SINGLE_VALUES:
        finding, gx = _without_the_value(finding, gx)
    status, success, on_fail, message = _decide(expectation, finding, gx, checks)
    return ExpectationVerdict(
        rule=expectation.rule,
        type=expectation.type,
        column=expectation.column,
        kwargs=dict(expectation.kwargs),
        severity=expectation.severity,
        on_fail=on_fail,
        status=status,
        success=success,
        evaluated=finding.evaluated,
        unexpected=finding.unexpected,
        unexpected_share=_share(finding),
        missing=finding.missing,
        observed=strict(finding.observed),
        message=message,
        gx=gx,
    )


def _decide(
    expectation: Expectation, finding: Finding, gx: Mapping[str, Any], checks: Checks
) -> tuple[Status, bool, Policy, str]:
    """(status, whether it counts as met, what follows if not, message)."""
    met, on_fail = bool(gx["success"]), expectation.on_fail
    if finding.decided is not None and not checks.strict_gx:
        return Status.PASSED if finding.decided else Status.FAILED, finding.decided, on_fail, finding.message
    if finding.no_data and not checks.strict_gx:
        vacuous = checks.allow_vacuous if expectation.allow_vacuous is None else expectation.allow_vacuous
        only_warns = expectation.warn_if is not None and expectation.error_if is None
        return Status.NO_DATA, vacuous, "warn" if only_warns else on_fail, finding.message
    if error := _error(gx):
        return Status.ERROR, False, on_fail, f"{finding.message}; Great Expectations raised: {error}"
    if checks.strict_gx:
        return Status.PASSED if met else Status.FAILED, met, on_fail, finding.message
    message = finding.message
    if expectation.error_if or expectation.warn_if:
        met, on_fail, message = _by_count(expectation, finding)
    return Status.PASSED if met else Status.FAILED, met, on_fail, message


def _without_the_value(finding: Finding, gx: dict[str, Any]) -> tuple[Finding, dict[str, Any]]:
    """The same, without the value of a single row of a sensitive column."""
    result = {key: value for key, value in gx["result"].items() if key not in ("observed_value", "details")}
    column = finding.message.partition(": ")[0]
    expected = finding.message.rpartition("; ")[2] if "; expected" in finding.message else "the limits decide"
    message = f"{column}: the value is not shown, since the column is sensitive; {expected}"
    return replace(finding, observed=None, message=message), gx | {"result": result}


def _by_count(expectation: Expectation, finding: Finding) -> tuple[bool, Policy, str]:
    """As dbt does: error_if decides whether it fails, warn_if whether it at least warns, in place of `mostly`."""
    counts = finding.unexpected or 0, finding.evaluated or 0
    message = finding.message.rpartition("; ")[0]
    for condition, name in ((expectation.error_if, "error_if"), (expectation.warn_if, "warn_if")):
        if condition is not None and condition.holds(*counts):
            policy: Policy = expectation.on_fail if name == "error_if" else "warn"
            return False, policy, f"{message}; {name}: {condition}"
    return True, expectation.on_fail, message


def _error(gx: Mapping[str, Any]) -> str | None:
    """The first exception's message; GX has one form for expectations and another for their metrics."""
    info = gx["exception_info"]
    found = [info] if "raised_exception" in info else list(info.values())
    raised = [item for item in found if item.get("raised_exception")]
    return str(raised[0].get("exception_message")) if raised else None


def _share(finding: Finding) -> float | None:
    if not finding.evaluated or finding.unexpected is None:
        return None
    return finding.unexpected / finding.evaluated
