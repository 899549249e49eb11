"""The slices that stand out, as the page shows them, and how many do not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from data_checks.drift_rules import NAMED_FROM, severity
from schemas.verdicts import DriftStatus, SliceDrift

#: Slices listed of one slice column, columns of one slice, and scores whose means are shown.
LISTED_SLICES = 20
LISTED_COLUMNS = 5
LISTED_SCORES = 3

_WORDS = {"__other__": "all other values", "__missing__": "no value"}
_QUIET = {
    DriftStatus.OK: "as in training",
    DriftStatus.INSUFFICIENT_DATA: "with too few rows to tell",
    DriftStatus.NOT_COMPUTED: "not compared",
}


@dataclass(frozen=True)
class ScoreMeans:
    """A score's mean within a slice."""

    score: str
    reference: float | None
    current: float | None


@dataclass(frozen=True)
class SliceRow:
    """One slice that stands out; `name` is its value in words."""

    slice: SliceDrift
    name: str
    severity: int
    more_columns: int
    means: tuple[ScoreMeans, ...]


@dataclass(frozen=True)
class SliceTable:
    """The slices of one column."""

    column: str
    rows: tuple[SliceRow, ...]
    #: Slices that stand out and are not listed.
    more: int
    #: `48 slices as in training`, and so on.
    quiet: tuple[str, ...]


def slice_tables(slices: Sequence[SliceDrift]) -> list[SliceTable]:
    """One for each slice column, in the verdict's order; the worst slices first, then the largest."""
    columns = dict.fromkeys(item.slice_column for item in slices)
    return [_table(column, [item for item in slices if item.slice_column == column]) for column in columns]


def _table(column: str, slices: Sequence[SliceDrift]) -> SliceTable:
    flagged = [item for item in slices if item.status in (DriftStatus.DRIFT, DriftStatus.WARN)]
    ordered = sorted(flagged, key=lambda item: (-severity(item.status), -item.current_rows, item.value))
    counts = Counter(item.status for item in slices)
    quiet = tuple(f"{counts[status]:,} {words}" for status, words in _QUIET.items() if counts[status])
    rows = tuple(map(_row, ordered[:LISTED_SLICES]))
    return SliceTable(column, rows, len(ordered) - len(rows), quiet)


def _row(item: SliceDrift) -> SliceRow:
    # A value that hardly any row has may be somebody's data.
    rare = max(item.reference_rows, item.current_rows) < NAMED_FROM and item.value not in _WORDS
    name = "a rare value" if rare else _WORDS.get(item.value, item.value)
    scores = sorted({*item.score_means_reference, *item.score_means_current})[:LISTED_SCORES]
    means = tuple(
        ScoreMeans(score, item.score_means_reference.get(score), item.score_means_current.get(score))
        for score in scores
    )
    return SliceRow(item, name, severity(item.status), max(0, len(item.columns) - LISTED_COLUMNS), means)
