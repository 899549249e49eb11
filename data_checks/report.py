"""A run's report: one HTML file that needs nothing else, for people who decide what to do with the night."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from data_checks.report_banner import headline
from data_checks.report_columns import column_rows, score_figures
from data_checks.report_decisions import model_decisions
from data_checks.report_earlier import earlier_table
from data_checks.report_environment import environment
from data_checks.report_facts import ReportFacts
from data_checks.report_impact import score_impacts
from data_checks.report_sentences import drift_sentences, stands_out
from data_checks.report_slices import slice_tables
from data_checks.report_words import tiles
from schemas.ledger import Ledger
from schemas.verdicts import DriftStatus, DriftVerdict, ExpectationVerdict

#: Files listed one by one in the ledger.
LISTED_FILES = 20
#: Met expectations that are seen at once beside unmet ones, which always are.
SEEN_EXPECTATIONS = 8

_SEVERITIES = ("critical", "error", "warning", "info")


def render_report(facts: ReportFacts) -> str:
    """The HTML page. Names from the data are text whatever they hold; the same facts give the same page."""
    page = environment().get_template("report.html.j2")
    return page.render(
        facts=facts,
        headline=headline(facts),
        tiles=tiles(facts),
        expectations=_by_urgency(facts.expectations),
        shown_expectations=_seen(facts.expectations),
        expectations_first=any(not verdict.success for verdict in facts.expectations),
        files=_listed_files(facts.ledger),
        total=facts.ledger.total(),
        **_drift(facts),
    )


def _drift(facts: ReportFacts) -> dict[str, Any]:
    """What the sections on drift show."""
    drift = facts.drift or DriftVerdict(DriftStatus.NOT_COMPUTED)
    rows, moved = column_rows(drift, facts.trend), drift_sentences(drift, facts.trend)
    return {
        "moved": moved,
        "more_moved": sum(map(stands_out, drift.columns)) - len(moved),
        "columns": rows,
        "pictured": sum(row.picture is not None for row in rows),
        "drawable": sum(bool(row.bins) for row in rows),
        "scores": score_figures(rows),
        "decisions": model_decisions(drift.decisions),
        "impacts": score_impacts(drift.impacts, rows),
        "slices": slice_tables(drift.slices),
        "earlier": earlier_table(facts.trend, rows),
    }


def _by_urgency(verdicts: Sequence[ExpectationVerdict]) -> list[ExpectationVerdict]:
    """Unmet ones first, the severest first, then those with unexpected values."""

    def urgency(verdict: ExpectationVerdict) -> tuple[bool, int, bool, int]:
        rank = _SEVERITIES.index(verdict.severity) if verdict.severity in _SEVERITIES else len(_SEVERITIES)
        return verdict.success, 0 if verdict.success else rank, not verdict.unexpected, -(verdict.unexpected or 0)

    return sorted(verdicts, key=urgency)


def _seen(verdicts: Sequence[ExpectationVerdict]) -> int:
    """How many are seen at once: the unmet ones, and with them the met ones where those are few."""
    unmet = sum(not verdict.success for verdict in verdicts)
    return len(verdicts) if unmet and len(verdicts) - unmet <= SEEN_EXPECTATIONS else unmet


def _listed_files(ledger: Ledger) -> list[dict[str, Any]]:
    """Files with something set aside first, so that they are listed however many files there are."""
    accounts = sorted(ledger.accounts.items(), key=lambda item: (item[1].rows_in == item[1].scored, item[0]))
    return [
        {"name": name, "account": account, "imbalance": account.imbalance()}
        for name, account in accounts[:LISTED_FILES]
    ]
