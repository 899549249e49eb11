"""The verdict on every expectation over the whole night: Great Expectations' own, and what this job makes of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from data_checks.check_state import CheckState
from data_checks.checks import Checks, CompiledExpectation
from data_checks.deferred_import import defer_import
from data_checks.expectations.finding import Finding, TableFacts
from data_checks.quality_json import quality_json
from schemas.job import Policy
from schemas.suite import Expectation
from schemas.verdicts import ExpectationVerdict, Status

if TYPE_CHECKING:
    from data_checks.gx_engine import GxJudge

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
    # Its import costs seconds of CPU, so only where a verdict is due: not for workers, nor for `check`. One more second
    # of it is for what only divergences need.
    defer_import("scipy.stats")
    from data_checks.gx_engine import GxJudge  # noqa: PLC0415

    judge = GxJudge(facts.contract, state.domains[0], result_format)
    return [_verdict(item, state, facts, checks, judge) for item in checks.expectations]


def _verdict(
    item: CompiledExpectation, state: CheckState, facts: TableFacts, checks: Checks, judge: GxJudge
) -> ExpectationVerdict:
    domain, expectation = state.domains[item.domain], item.expectation
    finding = item.judge.find(domain, facts)
    gx = judge.result(expectation.type, expectation.kwargs, finding, domain, values=item.examples)
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
        observed=finding.observed,
        message=message,
        gx=gx,
    )


def _decide(
    expectation: Expectation, finding: Finding, gx: Mapping[str, Any], checks: Checks
) -> tuple[Status, bool, Policy, str]:
    """(status, whether it counts as met, what follows if not, message)."""
    met, on_fail = bool(gx["success"]), expectation.on_fail
    if error := _error(gx):
        return Status.ERROR, False, on_fail, f"{finding.message}; Great Expectations raised: {error}"
    if checks.strict_gx:
        return Status.PASSED if met else Status.FAILED, met, on_fail, finding.message
    if finding.no_data:
        vacuous = checks.allow_vacuous if expectation.allow_vacuous is None else expectation.allow_vacuous
        return Status.NO_DATA, vacuous, on_fail, finding.message
    message = finding.message
    if expectation.error_if or expectation.warn_if:
        met, on_fail, message = _by_count(expectation, finding)
    return Status.PASSED if met else Status.FAILED, met, on_fail, message


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
