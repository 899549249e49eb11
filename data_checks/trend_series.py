"""The series of a range of nights, from each night's drift verdict."""

from __future__ import annotations

from collections.abc import Sequence

from data_checks.history import column_measures, decision_measures
from data_checks.trend_facts import ColumnSeries, DecisionSeries
from schemas.verdicts import ColumnDrift, DecisionDrift, DriftVerdict

#: What the report draws; the history file has every measure.
DRAWN = ("psi", "psi_noise_95", "missing_rate", "unseen_share", "out_of_range_share", "mean")


def column_series(verdicts: Sequence[DriftVerdict | None]) -> tuple[ColumnSeries, ...]:
    """Every column that any night has, in the order of its first appearance; None is a night without a verdict.

    Role, kind and criticality are those of the last night that has the column.
    """
    nights = [{} if night is None else {(item.role, item.column): item for item in night.columns} for night in verdicts]
    names = dict.fromkeys(key for night in nights for key in night)
    return tuple(_column([night.get(name) for night in nights]) for name in names)


def decision_series(verdicts: Sequence[DriftVerdict | None]) -> tuple[DecisionSeries, ...]:
    """What each model decided, night by night; None is a night without a verdict."""
    nights = [{} if night is None else {item.model: item for item in night.decisions} for night in verdicts]
    names = dict.fromkeys(key for night in nights for key in night)
    return tuple(_decision([night.get(name) for night in nights]) for name in names)


def _column(nights: list[ColumnDrift | None]) -> ColumnSeries:
    measured = [{} if night is None else column_measures(night) for night in nights]
    last = next(night for night in reversed(nights) if night is not None)
    series = {name: tuple(found.get(name) for found in measured) for name in DRAWN}
    return ColumnSeries(
        column=last.column,
        role=last.role,
        kind=last.kind,
        statuses=tuple(None if night is None else night.status for night in nights),
        measures={name: values for name, values in series.items() if any(value is not None for value in values)},
        critical=last.critical,
    )


def _decision(nights: list[DecisionDrift | None]) -> DecisionSeries:
    measured = [{} if night is None else decision_measures(night) for night in nights]
    last = next(night for night in reversed(nights) if night is not None)
    names = dict.fromkeys(name for found in measured for name in found)
    series = {name: tuple(found.get(name) for found in measured) for name in names}
    return DecisionSeries(last.model, last.threshold, series)
