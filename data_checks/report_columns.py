"""The columns of the drift table: in order of urgency, with a picture of the first ones and the numbers of all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from data_checks.drift_rules import severity
from data_checks.report_charts import chart_width, column_chart, score_chart, shown_bins
from data_checks.report_named import in_words, named_only
from schemas.verdicts import Bin, ColumnDrift, DriftVerdict, Trend

#: Pictures are drawn for so many columns and in so many bytes, whichever is less: 20 ms and 2 to 10 KB each.
PICTURED = 60
PICTURE_BYTES = 350_000
#: Large pictures of scores; a model may have a hundred classes.
PICTURED_SCORES = 8
#: Bins listed in a column's numbers.
LISTED_BINS = 20


@dataclass(frozen=True)
class Picture:
    """A small chart, and what its ends are."""

    svg: Markup
    width: int
    first: str
    last: str


@dataclass(frozen=True)
class ColumnRow:
    """One column as the table shows it."""

    column: ColumnDrift
    #: Of the row within the page.
    anchor: str
    #: Higher is worse.
    severity: int
    picture: Picture | None
    #: Published nights in a row that it has stood out.
    nights: int
    #: The first bins, labels in words.
    bins: tuple[Bin, ...]
    #: Bins that are not listed.
    more_bins: int
    #: Full name to value.
    measures: Mapping[str, Any]


def column_rows(drift: DriftVerdict, trend: Trend) -> list[ColumnRow]:
    """The worst status first, scores and critical columns before others, then by PSI."""
    rows, drawn = [], 0
    for place, column in enumerate(sorted(map(named_only, drift.columns), key=_urgency)):
        bins = in_words(column.bins)
        wanted = bins and place < PICTURED and drawn < PICTURE_BYTES
        picture = _picture(column.column, bins) if wanted else None
        drawn += len(picture.svg) if picture else 0
        nights = trend.nights_in_a_row.get(column.column, 0)
        listed, more = bins[:LISTED_BINS], max(0, len(bins) - LISTED_BINS)
        anchor = f"column-{place + 1}"
        numbers = _measures(column)
        rows.append(ColumnRow(column, anchor, severity(column.status), picture, nights, listed, more, numbers))
    return rows


def score_figures(rows: Sequence[ColumnRow]) -> list[dict[str, Any]]:
    """The scores' large pictures, in the rows' order."""
    scores = [row.column for row in rows if row.column.role == "score" and row.column.bins]
    return [_score_figure(column) for column in scores[:PICTURED_SCORES]]


def _urgency(column: ColumnDrift) -> tuple[int, bool, bool, float]:
    return -severity(column.status), column.role != "score", not column.critical, -(column.psi or 0.0)


def _picture(name: str, bins: Sequence[Bin]) -> Picture:
    svg = column_chart(bins, f"{name}: shares in training and tonight")
    shown = shown_bins(bins)
    return Picture(Markup(svg), chart_width(len(shown)), shown[0].label, shown[-1].label)  # noqa: S704  # made of numbers; its texts are escaped, which is tested


def _score_figure(column: ColumnDrift) -> dict[str, Any]:
    bins, unit = (column.unit_bins, True) if column.unit_bins else (in_words(column.bins), False)
    chart = score_chart(bins, f"{column.column}: distribution in training and tonight", unit=unit)
    return {"column": column, "unit": unit, "ends": (bins[0].label, bins[-1].label), "chart": Markup(chart)}  # noqa: S704  # as above


#: Fields of a column that are measures, in the order in which they are listed.
_FIELDS = (
    *("psi", "psi_noise_95", "js_distance_base2", "missing_rate_reference", "missing_rate_current", "missing_rate_z"),
    *("unseen_share", "out_of_range_share", "mean_reference", "mean_current"),
)


def _measures(column: ColumnDrift) -> dict[str, Any]:
    """Every number of the column that there is; of those that there could be, why not."""
    found = {name: getattr(column, name) for name in _FIELDS if getattr(column, name) is not None}
    for name, value in column.measures.items():
        if name.endswith("_reason") and name.removesuffix("_reason") in column.measures:
            continue
        reason = column.measures.get(f"{name}_reason")
        found[name] = f"none: {reason}" if value is None and reason else value
    return found
