"""Tonight beside earlier published nights, as the page shows it: only columns that stand out against one of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from data_checks.report_columns import ColumnRow
from schemas.verdicts import DriftStatus, EarlierNight, Trend

#: Columns listed.
LISTED = 40


@dataclass(frozen=True)
class Against:
    """A column against one earlier night; `status` is None where it was not compared."""

    status: DriftStatus | None = None
    psi: float | None = None
    mean: float | None = None
    missing_rate: float | None = None


@dataclass(frozen=True)
class EarlierRow:
    """A column beside each of the earlier nights, in their order."""

    column: str
    #: Tonight's; None where the column is not in tonight's verdict.
    tonight: ColumnRow | None
    against: tuple[Against, ...]


@dataclass(frozen=True)
class EarlierTable:
    """The nights that tonight was compared with, the columns that stand out, and how many do not."""

    nights: tuple[EarlierNight, ...]
    rows: tuple[EarlierRow, ...]
    more: int
    quiet: int
    #: Nights without a comparison, with the reason.
    without: tuple[EarlierNight, ...]


def earlier_table(trend: Trend, columns: Sequence[ColumnRow]) -> EarlierTable:
    """Columns by their largest PSI against any of the nights."""
    nights = tuple(night for night in trend.earlier if not night.reason)
    tonight = {row.column.column: row for row in columns}
    names = dict.fromkeys(name for night in nights for name in night.columns)
    rows = [
        EarlierRow(name, tonight.get(name), tuple(_against(night.columns.get(name)) for night in nights))
        for name in names
    ]
    loud = sorted(filter(_stands_out, rows), key=lambda row: -_largest(row))
    without = tuple(night for night in trend.earlier if night.reason)
    return EarlierTable(nights, tuple(loud[:LISTED]), max(0, len(loud) - LISTED), len(rows) - len(loud), without)


def _against(found: Mapping[str, Any] | None) -> Against:
    """Of what `EarlierNight.columns` holds: status, psi, mean, missing_rate."""
    if found is None:
        return Against()
    status = DriftStatus(found["status"])
    return Against(status, found.get("psi"), found.get("mean"), found.get("missing_rate"))


def _stands_out(row: EarlierRow) -> bool:
    return any(item.status in (DriftStatus.DRIFT, DriftStatus.WARN) for item in row.against)


def _largest(row: EarlierRow) -> float:
    return max((item.psi or 0.0 for item in row.against), default=0.0)
