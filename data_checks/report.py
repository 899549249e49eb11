"""A run's report: one HTML file that needs nothing else, for people who decide what to do with the night."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from data_checks.drift_rules import severity
from data_checks.report_charts import chart_width, column_chart, score_chart, shown_bins
from data_checks.report_environment import environment
from data_checks.report_facts import ReportFacts
from data_checks.report_words import headline, tiles
from schemas.ledger import Ledger
from schemas.verdicts import ColumnDrift, ExpectationVerdict

#: Files listed one by one in the ledger.
LISTED_FILES = 20

_SEVERITIES = ("critical", "error", "warning", "info")


def render_report(facts: ReportFacts) -> str:
    """The HTML page. Names from the data are text whatever they hold; the same facts give the same page."""
    columns = facts.drift.columns if facts.drift is not None else ()
    page = environment().get_template("report.html.j2")
    return page.render(
        facts=facts,
        headline=headline(facts),
        tiles=tiles(facts),
        expectations=_by_urgency(facts.expectations),
        drifted=[_with_chart(column) for column in _by_severity(columns)],
        scores=[_with_score_chart(column) for column in columns if column.role == "score" and column.bins],
        files=_listed_files(facts.ledger),
        total=facts.ledger.total(),
    )


def _by_urgency(verdicts: Sequence[ExpectationVerdict]) -> list[ExpectationVerdict]:
    """Unmet ones first, the severest first, then those with unexpected values."""

    def urgency(verdict: ExpectationVerdict) -> tuple[bool, int, bool, int]:
        rank = _SEVERITIES.index(verdict.severity) if verdict.severity in _SEVERITIES else len(_SEVERITIES)
        return verdict.success, 0 if verdict.success else rank, not verdict.unexpected, -(verdict.unexpected or 0)

    return sorted(verdicts, key=urgency)


def _by_severity(columns: Sequence[ColumnDrift]) -> list[ColumnDrift]:
    """The worst status first, scores and critical columns before others, then by PSI."""

    def rank(column: ColumnDrift) -> tuple[int, bool, bool, float]:
        return -severity(column.status), column.role != "score", not column.critical, -(column.psi or 0.0)

    return sorted(columns, key=rank)


def _with_chart(column: ColumnDrift) -> dict[str, Any]:
    if not column.bins:
        return {"column": column, "chart": None}
    chart = column_chart(column.bins, f"{column.column}: shares in training and tonight")
    shown = shown_bins(column.bins)
    return {
        "column": column,
        "chart": Markup(chart),  # noqa: S704  # made of numbers; its texts are escaped, which is tested
        "width": chart_width(len(shown)),
        "ends": (shown[0].label, shown[-1].label),
    }


def _with_score_chart(column: ColumnDrift) -> dict[str, Any]:
    bins, unit = (column.unit_bins, True) if column.unit_bins else (column.bins, False)
    chart = score_chart(bins, f"{column.column}: distribution in training and tonight", unit=unit)
    return {"column": column, "unit": unit, "ends": (bins[0].label, bins[-1].label), "chart": Markup(chart)}  # noqa: S704  # as above


def _listed_files(ledger: Ledger) -> list[dict[str, Any]]:
    """Files with something set aside first, so that they are listed however many files there are."""
    accounts = sorted(ledger.accounts.items(), key=lambda item: (item[1].rows_in == item[1].scored, item[0]))
    return [
        {"name": name, "account": account, "imbalance": account.imbalance()}
        for name, account in accounts[:LISTED_FILES]
    ]
