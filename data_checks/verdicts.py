"""The verdict on every expectation over the whole night."""

from __future__ import annotations

from data_checks.check_state import CheckState
from data_checks.checks import Checks, CompiledExpectation
from data_checks.expectations.finding import Finding, TableFacts
from data_checks.quality_json import quality_json
from schemas.verdicts import ExpectationVerdict, Status

__all__ = ["TableFacts", "judge_suite", "quality_json"]


def judge_suite(checks: Checks, state: CheckState, facts: TableFacts) -> list[ExpectationVerdict]:
    """One verdict for each expectation, in the suite's order.

    Raises ValueError for a state of other checks, or of other rows than the facts are about.
    """
    if state.layout != checks.layout:
        message = f"the state counts for other checks: {state.layout}, not {checks.layout}"
        raise ValueError(message)
    if state.rows != facts.rows:
        message = f"{state.rows:,} rows were judged, but {facts.rows:,} conformed"
        raise ValueError(message)
    return [_verdict(item, item.judge.find(state, facts), checks) for item in checks.expectations]


def _verdict(item: CompiledExpectation, finding: Finding, checks: Checks) -> ExpectationVerdict:
    expectation = item.expectation
    status = {None: Status.NO_DATA, True: Status.PASSED, False: Status.FAILED}[finding.met]
    share = None
    if finding.evaluated and finding.unexpected is not None:
        share = finding.unexpected / finding.evaluated
    return ExpectationVerdict(
        rule=expectation.rule,
        type=expectation.type,
        column=expectation.column,
        kwargs=dict(expectation.kwargs),
        severity=expectation.severity,
        on_fail=expectation.on_fail,
        status=status,
        success=checks.allow_vacuous if finding.met is None else finding.met,
        evaluated=finding.evaluated,
        unexpected=finding.unexpected,
        unexpected_share=share,
        missing=finding.missing,
        observed=finding.observed,
        message=finding.message,
    )
