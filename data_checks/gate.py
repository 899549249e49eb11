"""Publish or hold: from the verdicts, the drift and the ledger, with a sentence for every reason."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from data_checks.expectations.words import count_words, percent_words
from schemas.errors import ExitCode
from schemas.job import Job, Limit
from schemas.verdicts import DriftStatus, DriftVerdict, ExpectationVerdict, GateDecision, Status

#: Unmet expectations that are told one by one; the report has them all.
LISTED = 20


@dataclass(frozen=True)
class Totals:
    """Rows of the night, by the ledger."""

    rows: int
    quarantined: int
    dropped: int
    #: Rows of row groups that could not be read.
    rejected: int
    #: Files that could not be opened, so that nobody knows how many rows they hold.
    unreadable: int = 0
    #: The rule that set most rows aside, in words.
    most: str = ""


def decide(
    verdicts: Sequence[ExpectationVerdict], drift: DriftVerdict | None, totals: Totals, job: Job
) -> GateDecision:
    """Whether the night may be published.

    Rejected rows beyond the limit are exit code 3; unmet expectations whose policy is fail, and more rows set aside
    than allowed, 4; drift, where it gates, 6. The first of them, in this order, decides the code; all are reasons. An
    unmet expectation with policy quarantine or drop does not hold by itself: its rows count towards the limit. With
    drift.gate `fail` a drifted night cannot be released either.
    """
    held = [
        *((ExitCode.INPUT_SCHEMA, text) for text in _rejected(totals, job.max_rejected)),
        # First: values that do not fit their type count as missing, and unmet expectations may be of that.
        *((ExitCode.QUALITY_GATE, text) for text in _set_aside(totals, job.checks.max_quarantined)),
        *((ExitCode.QUALITY_GATE, text) for text in _unmet(verdicts, "fail")),
    ]
    if totals.rows and totals.rows == totals.quarantined + totals.dropped + totals.rejected:
        nothing = f"none of {count_words(totals.rows, 'rows')} was scored: publishing would empty the partition"
        held.append((ExitCode.QUALITY_GATE, nothing))
    warnings = [*_unmet(verdicts, "warn"), *_without_data(verdicts)]
    releasable = True
    if text := _drift_reason(drift, job):
        if job.drift.gate != "warn" and (drift is None or drift.status is not DriftStatus.WARN or _blind(drift)):
            held.append((ExitCode.DRIFT_GATE, text))
            releasable = job.drift.gate == "hold"
        else:
            warnings.append(text)
    code = held[0][0] if held else ExitCode.PUBLISHED
    return GateDecision(not held, code, tuple(text for _, text in held), tuple(warnings), releasable)


def _blind(drift: DriftVerdict) -> bool:
    """Whether a critical column could not be compared: a gate must not let through what it did not see."""
    return any(column.critical and column.status is DriftStatus.NOT_COMPUTED for column in drift.columns)


def _unmet(verdicts: Sequence[ExpectationVerdict], policy: str) -> Iterator[str]:
    unmet = [verdict for verdict in verdicts if not verdict.success and verdict.on_fail == policy]
    for verdict in unmet[:LISTED]:
        yield f"{verdict.message} (rule {verdict.rule}, {verdict.severity})"
    if len(unmet) > LISTED:
        yield f"and {count_words(len(unmet) - LISTED, 'more expectations')} with policy {policy} not met"


def _without_data(verdicts: Sequence[ExpectationVerdict]) -> Iterator[str]:
    """Rules that should have set rows aside and had none to look at."""
    for verdict in verdicts:
        if verdict.status is Status.NO_DATA and not verdict.success and verdict.on_fail in ("quarantine", "drop"):
            yield f"{verdict.message} (rule {verdict.rule}, which sets rows aside)"


def _rejected(totals: Totals, limit: Limit) -> Iterator[str]:
    if not limit.allows(totals.rejected, totals.rows):
        yield f"{_part(totals.rejected, totals.rows)} could not be read; {_allowed(limit, totals.rows)} (max_rejected)"
    if totals.unreadable and limit.share < 1:
        files = count_words(totals.unreadable, "files")
        yield (
            f"{files} could not be opened, and nobody knows how many rows that is; mend or remove what is broken, or "
            "allow it with max_rejected: {share: 100%}"
        )


def _set_aside(totals: Totals, limit: Limit) -> Iterator[str]:
    aside = totals.quarantined + totals.dropped
    if not limit.allows(aside, totals.rows):
        parts = f"{totals.quarantined:,} quarantined, {totals.dropped:,} dropped"
        found = f"{_part(aside, totals.rows)} were set aside ({parts})"
        most = f"; the most by one rule: {totals.most}" if totals.most else ""
        yield f"{found}; {_allowed(limit, totals.rows)} (checks.max_quarantined){most}"


def _part(rows: int, total: int) -> str:
    """`12 of 1,200 rows (1 %)`."""
    return f"{rows:,} of {count_words(total, 'rows')}" + (f" ({percent_words(rows / total)})" if total else "")


def _allowed(limit: Limit, total: int) -> str:
    """Whichever of the two limits allows more."""
    by_share = limit.rows_by_share(total)
    if by_share > limit.rows:
        return f"at most {percent_words(limit.share)}, which is {count_words(by_share, 'rows')}, may be"
    return f"at most {count_words(limit.rows, 'rows')} may be"


def _drift_reason(drift: DriftVerdict | None, job: Job) -> str | None:
    """What is to be said of the drift, or None. A gate that could not be computed has let nothing through."""
    if drift is None or drift.status is DriftStatus.NOT_COMPUTED:
        reason = f": {drift.reason}" if drift is not None and drift.reason else ""
        return f"drift was not computed{reason}" if job.drift.gate != "warn" or job.drift.reference else None
    if drift.status in (DriftStatus.DRIFT, DriftStatus.WARN):
        return f"drift: {drift.reason or drift.status.value}"
    return None
