"""Every number of every night in one long table, for SQL and spreadsheets: a row a date, column and measure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import astuple, dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from data_checks.history_thresholds import SETTING
from schemas.verdicts import ColumnDrift, DecisionDrift, DriftVerdict

#: Role of the rows about what a model decided; their column is the model's name.
DECISION = "decision"

SCHEMA = pa.schema(
    [
        pa.field("run_date", pa.date32(), nullable=False),
        pa.field("run_id", pa.string(), nullable=False),
        pa.field("column", pa.string(), nullable=False),
        pa.field("role", pa.string(), nullable=False),
        pa.field("kind", pa.string(), nullable=False),
        pa.field("measure", pa.string(), nullable=False),
        pa.field("value", pa.float64()),
        pa.field("status", pa.string(), nullable=False),
        pa.field("warn", pa.float64()),
        pa.field("drift", pa.float64()),
        pa.field("reference_rows", pa.int64(), nullable=False),
        pa.field("current_rows", pa.int64(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),
    ]
)

#: Measure to the settings that hold its thresholds.
_THRESHOLDS: Mapping[str, tuple[str, str | None]] = {
    "psi": ("psi_warn", "psi_drift"),
    "js_distance_base2": ("js_distance_warn", None),
    "ks_on_grid": ("ks_warn", None),
    "mean_shift_over_reference_sd": ("mean_shift_warn", None),
    "unseen_share": ("outside_warn", "outside_drift"),
    "out_of_range_share": ("outside_warn", "outside_drift"),
}
#: A column with a threshold from history is judged by that alone in place of these.
_REPLACED = frozenset({"psi", "js_distance_base2", "ks_on_grid", "mean_shift_over_reference_sd"})


@dataclass(frozen=True)
class HistoryRow:
    """One number of one night. `warn` and `drift` are what it was held against, None where it decides nothing."""

    run_date: date
    run_id: str
    column: str
    #: feature | score | decision
    role: str
    kind: str
    #: Its full name.
    measure: str
    #: None where there is none.
    value: float | None
    #: Of the column that night, by all its measures.
    status: str
    warn: float | None
    drift: float | None
    reference_rows: int
    current_rows: int
    #: Why there is no value, where that is known; otherwise why the column has its status.
    reason: str


def history_rows(run_date: date, run_id: str, drift: DriftVerdict) -> list[HistoryRow]:
    """The rows of one night, sorted; none where nothing could be compared."""
    rows = [row for column in drift.columns for row in _column_rows(run_date, run_id, column, drift.settings)]
    rows += [row for decision in drift.decisions for row in _decision_rows(run_date, run_id, decision)]
    return sorted(rows, key=_place)


def history_table(rows: Iterable[HistoryRow]) -> pa.Table:
    """The rows as a table of `SCHEMA`, by date, column, role, measure and run: in one order, however they are given."""
    ordered = [astuple(row) for row in sorted(rows, key=_place)]
    columns = list(zip(*ordered, strict=True)) if ordered else [()] * len(SCHEMA)
    return pa.table([pa.array(values, kind) for values, kind in zip(columns, SCHEMA.types, strict=True)], SCHEMA)


def write_history(table: pa.Table, path: Path) -> None:
    """Write the table as Parquet; the same table gives the same bytes."""
    with pq.ParquetWriter(
        path, table.schema, compression="zstd", write_page_checksum=True, store_schema=False
    ) as writer:
        writer.write_table(table)


def column_measures(column: ColumnDrift) -> dict[str, float | None]:
    """Full name to value of every number of a column; first the seven that every column has, None where it has none."""
    first = {
        "psi": column.psi,
        "psi_noise_95": column.psi_noise_95,
        "js_distance_base2": column.js_distance_base2,
        "missing_rate": column.missing_rate_current,
        "unseen_share": column.unseen_share,
        "out_of_range_share": column.out_of_range_share,
        "mean": column.mean_current,
    }
    more = {name: value for name, value in column.measures.items() if _is_number(name, value, column.measures)}
    return {name: _finite(value) for name, value in {**more, **first}.items()}


def decision_measures(decision: DecisionDrift) -> dict[str, float | None]:
    """Full name to value of what a model decided."""
    shares = {f"decision_share:{share.label}": _finite(share.current) for share in decision.classes}
    return {
        **shares,
        "expected_accuracy": _finite(decision.expected_accuracy_current),
        "total_variation": _finite(decision.total_variation),
    }


def _place(row: HistoryRow) -> tuple[date, str, str, str, str]:
    return row.run_date, row.column, row.role, row.measure, row.run_id


def _column_rows(run_date: date, run_id: str, column: ColumnDrift, settings: Mapping[str, Any]) -> Iterator[HistoryRow]:
    why = "; ".join(column.reasons)
    for measure, value in column_measures(column).items():
        warn, drift = _thresholds(measure, column, settings)
        reason = str(column.measures.get(f"{measure}_reason") or why) if value is None else why
        yield HistoryRow(
            *(run_date, run_id, column.column, column.role, column.kind, measure, value, str(column.status)),
            *(warn, drift, column.reference_rows, column.current_rows, reason),
        )


def _decision_rows(run_date: date, run_id: str, decision: DecisionDrift) -> Iterator[HistoryRow]:
    kind = "binary" if decision.threshold is not None else "multiclass"
    for measure, value in decision_measures(decision).items():
        yield HistoryRow(
            *(run_date, run_id, decision.model, DECISION, kind, measure, value, str(decision.status)),
            *(None, None, decision.reference_rows, decision.current_rows, decision.reason),
        )


def _thresholds(measure: str, column: ColumnDrift, settings: Mapping[str, Any]) -> tuple[float | None, float | None]:
    if measure == "missing_rate":
        return _missing_thresholds(column.missing_rate_reference, settings)
    usual = settings.get(SETTING)
    own = _setting(usual, column.column) if isinstance(usual, Mapping) else None
    if own is not None and measure in _REPLACED:
        return None, own if measure == "psi" else None
    warn, drift = _THRESHOLDS.get(measure, (None, None))
    return _setting(settings, warn), _setting(settings, drift)


def _missing_thresholds(reference: float | None, settings: Mapping[str, Any]) -> tuple[float | None, float | None]:
    """The rates from which on a rise counts: it needs a difference, or a smaller one with at least the doubled rate."""
    least, most, ratio = (_setting(settings, name) for name in ("missing_warn", "missing_drift", "missing_ratio"))
    if reference is None or least is None or most is None or ratio is None:
        return None, None
    return min(max(reference + least, ratio * reference), reference + most), reference + most


def _setting(settings: Mapping[str, Any], name: str | None) -> float | None:
    value = settings.get(name) if name is not None else None
    return float(value) if isinstance(value, int | float) else None


def _is_number(name: str, value: Any, measures: Mapping[str, Any]) -> bool:
    if isinstance(value, bool):
        return False
    return isinstance(value, int | float) or (value is None and f"{name}_reason" in measures)


def _finite(value: float | None) -> float | None:
    return float(value) if value is not None and math.isfinite(value) else None
