"""The words and signs of the report: every status has a word and a shape, not a colour alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from data_checks.drift_bins import number, percent
from data_checks.report_facts import ReportFacts
from schemas.verdicts import DriftStatus, ExpectationVerdict, Status


@dataclass(frozen=True)
class Badge:
    """A sign, a word, and the name of a tone: good, caution, bad, quiet."""

    sign: str
    word: str
    tone: str


@dataclass(frozen=True)
class Tile:
    """One key figure."""

    label: str
    figure: str
    note: str
    tone: str


_DRIFT = {
    DriftStatus.OK: Badge("✓", "as in training", "good"),
    DriftStatus.WARN: Badge("▲", "warning", "caution"),
    DriftStatus.DRIFT: Badge("◆", "drift", "bad"),
    DriftStatus.INSUFFICIENT_DATA: Badge("○", "too few rows", "quiet"),
    DriftStatus.NOT_COMPUTED: Badge("–", "not computed", "quiet"),
}

_EXPECTATION = {
    Status.PASSED: Badge("✓", "passed", "good"),
    Status.FAILED: Badge("✕", "failed", "bad"),
    Status.NO_DATA: Badge("○", "no data", "bad"),
    Status.ERROR: Badge("!", "error", "bad"),
}


def badge(status: DriftStatus) -> Badge:
    """Of a drift status."""
    return _DRIFT[status]


def likeness(status: DriftStatus) -> Badge:
    """Of a comparison with an earlier night."""
    return Badge("✓", "as then", "good") if status is DriftStatus.OK else badge(status)


def badge_of_expectation(verdict: ExpectationVerdict) -> Badge:
    """Of an expectation's verdict; one that is unmet but only warns is a caution."""
    found = _EXPECTATION[verdict.status]
    if verdict.success and found.tone == "bad":
        return Badge(found.sign, f"{found.word}, allowed", "quiet")
    if not verdict.success and verdict.on_fail == "warn":
        return Badge("▲", f"{found.word}, warns", "caution")
    return found


def tiles(facts: ReportFacts) -> list[Tile]:
    """The key figures, in the order of the flow."""
    total, files = facts.ledger.total(), len(facts.ledger.accounts)
    rows_in = total.rows_in or 0
    scored = percent(total.scored / rows_in) if rows_in else "no rows"
    found = [
        Tile("Rows in", f"{rows_in:,}", f"{files:,} {'file' if files == 1 else 'files'}", "quiet"),
        Tile("Scored", f"{total.scored:,}", f"{scored} of the rows in" if rows_in else scored, "quiet"),
        Tile(
            "Set aside",
            f"{total.quarantined + total.dropped:,}",
            f"{total.quarantined:,} quarantined, {total.dropped:,} dropped",
            "quiet",
        ),
    ]
    if total.rejected:
        found.append(Tile("Rejected", f"{total.rejected:,}", "rows that could not be read", "bad"))
    return [*found, _checks_tile(facts), _drift_tile(facts)]


def _checks_tile(facts: ReportFacts) -> Tile:
    unmet = [verdict for verdict in facts.expectations if not verdict.success]
    if not facts.expectations:
        return Tile("Expectations", "–", "none were judged", "quiet")
    tone = "good" if not unmet else "caution" if all(verdict.on_fail == "warn" for verdict in unmet) else "bad"
    return Tile(
        "Expectations",
        f"{len(facts.expectations) - len(unmet)} of {len(facts.expectations)}",
        "met" if not unmet else f"met, {len(unmet)} not",
        tone,
    )


def _drift_tile(facts: ReportFacts) -> Tile:
    if facts.drift is None or facts.drift.status is DriftStatus.NOT_COMPUTED:
        return Tile("Drift", "–", "not computed", "caution")
    drifted = sum(column.status is DriftStatus.DRIFT for column in facts.drift.columns)
    warned = sum(column.status is DriftStatus.WARN for column in facts.drift.columns)
    compared = sum(column.status is not DriftStatus.NOT_COMPUTED for column in facts.drift.columns)
    note = f"of {compared} columns drifted" + (f", {warned} with a warning" if warned else "")
    return Tile("Drift", f"{drifted}", note, badge(facts.drift.status).tone)


def what_was_allowed(verdict: ExpectationVerdict) -> str:
    """The limit of an expectation in short: `up to 1 % of values`, or its own arguments."""
    kwargs = {
        key: value
        for key, value in verdict.kwargs.items()
        if key not in ("column", "column_A", "column_B", "column_list") and value is not None
    }
    mostly = kwargs.pop("mostly", None)
    parts = [_range(kwargs)] if {"min_value", "max_value"} & set(kwargs) else []
    if verdict.evaluated is not None and verdict.unexpected is not None:
        exceptions = 1 - float(mostly) if mostly is not None else 0.0
        parts.append(f"exceptions up to {number(100 * exceptions)} %" if exceptions else "no exceptions")
    return ", ".join(parts)


def _range(kwargs: Mapping[str, Any]) -> str:
    low, high = (_short(kwargs.get(key)) for key in ("min_value", "max_value"))
    if low and high:
        return low if low == high else f"{low} to {high}"
    return f"at least {low}" if low else f"at most {high}"


def _short(value: Any) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return number(float(value))
    return "" if value is None else str(value)
