from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from data_checks.gate import LISTED, Totals, decide
from schemas.errors import ExitCode
from schemas.job import Job
from schemas.verdicts import DriftStatus, DriftVerdict, ExpectationVerdict, GateDecision, Status

GOOD = Totals(rows=1000, quarantined=0, dropped=0, rejected=0)
CALM = DriftVerdict(DriftStatus.OK)


def job(**keys: Any) -> Job:
    model = {"name": "m", "path": "m.ubj", "card": "m.json", "output": {"probability": "p"}}
    return Job.model_validate({"name": "night", "input": {"path": "in/{date}/"}, "models": [model], **keys})


def verdict(on_fail: str = "fail", status: Status = Status.FAILED, rule: str = "r", **keys: Any) -> ExpectationVerdict:
    message = "temp: 148 of 148 values are null; at most 10 % may be"
    success = keys.pop("success", status is Status.PASSED)
    return ExpectationVerdict(
        rule, "expect", "temp", {}, "critical", on_fail, status, success=success, message=message, **keys
    )


def decided(
    *verdicts: ExpectationVerdict, drift: DriftVerdict | None = CALM, totals: Totals = GOOD, **keys: Any
) -> GateDecision:
    return decide(verdicts, drift, totals, job(**keys))


def test_a_good_night_is_published_without_a_word() -> None:
    assert decided(verdict(status=Status.PASSED)) == GateDecision(publish=True, exit_code=ExitCode.PUBLISHED)


def test_an_unmet_expectation_that_fails_holds_the_night_and_says_which_column_and_how_many() -> None:
    found = decided(verdict(rule="temp_present"))
    assert (found.publish, found.exit_code) == (False, ExitCode.QUALITY_GATE)
    assert found.reasons == ("temp: 148 of 148 values are null; at most 10 % may be (rule temp_present, critical)",)


@pytest.mark.parametrize("status", [Status.NO_DATA, Status.ERROR])
def test_what_could_not_be_evaluated_holds_as_well_unless_it_counts_as_met(status: Status) -> None:
    assert not decided(verdict(status=status)).publish
    assert decided(verdict(status=status, success=True)).publish


def test_a_policy_of_warn_warns() -> None:
    found = decided(verdict("warn"))
    assert (found.publish, len(found.warnings), found.reasons) == (True, 1, ())


@pytest.mark.parametrize("policy", ["quarantine", "drop"])
def test_a_rule_that_sets_rows_aside_does_not_hold_by_itself(policy: str) -> None:
    assert decided(verdict(policy)).publish
    blind = decided(verdict(policy, Status.NO_DATA))
    assert blind.publish
    assert "(rule r, which sets rows aside)" in blind.warnings[0]


@pytest.mark.parametrize(
    ("rows", "aside", "publish", "words"),
    [
        (121, 5, True, ""),
        (121, 6, False, "6 of 121 rows (5 %) were set aside (4 quarantined, 2 dropped); at most 5 rows may be"),
        (10_000, 100, True, ""),
        (
            10_000,
            101,
            False,
            "101 of 10,000 rows (1 %) were set aside (99 quarantined, 2 dropped); at most 1 %, which is 100 rows",
        ),
    ],
)
def test_rows_set_aside_hold_the_night_beyond_the_larger_of_two_limits(
    rows: int,
    aside: int,
    publish: bool,  # noqa: FBT001
    words: str,
) -> None:
    found = decided(totals=Totals(rows, aside - 2, 2, 0))
    assert (found.publish, found.exit_code) == (publish, ExitCode.PUBLISHED if publish else ExitCode.QUALITY_GATE)
    assert words in "".join(found.reasons)


def test_rows_that_could_not_be_read_are_a_fault_of_the_input_and_decide_the_exit_code() -> None:
    found = decided(verdict(), totals=Totals(1000, 50, 0, 400))
    assert (found.exit_code, len(found.reasons)) == (ExitCode.INPUT_SCHEMA, 3)
    assert found.reasons[0] == (
        "400 of 1,000 rows (40 %) could not be read; at most 1 %, which is 10 rows, may be (max_rejected)"
    )


def test_a_file_of_unknown_size_holds_unless_all_may_be_rejected() -> None:
    unknown = Totals(1000, 0, 0, 0, unreadable=1)
    found = decided(totals=unknown)
    assert found.exit_code is ExitCode.INPUT_SCHEMA
    assert found.reasons[0].startswith("1 file could not be opened, and nobody knows how many rows that is")
    assert decided(totals=unknown, max_rejected={"share": "100%"}).publish


@pytest.mark.parametrize(
    ("gate", "status", "publish", "told"),
    [
        ("warn", DriftStatus.DRIFT, True, 1),
        ("warn", DriftStatus.WARN, True, 1),
        ("warn", DriftStatus.NOT_COMPUTED, True, 0),
        ("hold", DriftStatus.DRIFT, False, 0),
        ("hold", DriftStatus.WARN, True, 1),
        ("hold", DriftStatus.NOT_COMPUTED, False, 0),
        ("hold", DriftStatus.INSUFFICIENT_DATA, True, 0),
        ("hold", DriftStatus.OK, True, 0),
    ],
)
def test_drift_holds_only_where_it_gates_and_then_also_when_it_could_not_be_computed(
    gate: str,
    status: DriftStatus,
    publish: bool,  # noqa: FBT001
    told: int,
) -> None:
    drift = DriftVerdict(status, reason="the critical carrier drifted")
    found = decide([], drift, GOOD, job(drift={"gate": gate}))
    assert (found.publish, len(found.warnings)) == (publish, told)
    assert found.exit_code is (ExitCode.PUBLISHED if publish else ExitCode.DRIFT_GATE)
    assert all("the critical carrier drifted" in text for text in (*found.reasons, *found.warnings))


@pytest.mark.parametrize("status", list(DriftStatus))
def test_a_gate_that_fails_decides_as_one_that_holds_but_lets_nobody_release(status: DriftStatus) -> None:
    drift = DriftVerdict(status, reason="the critical carrier drifted")
    fails, holds = (decide([], drift, GOOD, job(drift={"gate": gate})) for gate in ("fail", "hold"))
    assert replace(fails, releasable=True) == holds
    assert (fails.releasable, holds.releasable) == (fails.publish, True)


def test_a_night_that_is_held_for_other_reasons_can_be_released_whatever_the_drift_gate() -> None:
    found = decide([verdict()], CALM, GOOD, job(drift={"gate": "fail"}))
    assert (found.publish, found.exit_code, found.releasable) == (False, ExitCode.QUALITY_GATE, True)


def test_a_missing_drift_verdict_holds_where_drift_gates() -> None:
    assert decide([], None, GOOD, job(drift={"gate": "hold"})).reasons == ("drift was not computed",)
    assert decide([], None, GOOD, job()).publish


def test_many_unmet_expectations_are_counted_rather_than_all_told() -> None:
    found = decided(*[verdict(rule=f"r{number}") for number in range(LISTED + 3)])
    assert (len(found.reasons), found.reasons[-1]) == (LISTED + 1, "and 3 more expectations with policy fail not met")
