"""Whether the columns that job.yaml names for drift are of a kind that it can do that with."""

from __future__ import annotations

from data_checks.reference import kind_of
from schemas.contract import TableContract
from schemas.drift_settings import Drift
from schemas.errors import ConfigError
from schemas.job import unknown_column


def check_drift_columns(drift: Drift, contract: TableContract) -> None:
    """Raise ConfigError where drift.slices or drift.times name a column that does not exist or has no such type."""
    for name in drift.slices:
        _must_be(name, "categorical", f"drift.slices: '{name}'", contract, "text and boolean columns have slices")
        column = contract.column(name)
        if column is not None and column.sensitive:
            message = f"drift.slices: '{name}' is sensitive in the contract, and slices show its values"
            raise ConfigError(message, code="sensitive_slices", column=name)
    for name, view in drift.times.items():
        dates = "only dates and timestamps have parts and ages"
        column = contract.column(name)
        if column is not None and column.role != "feature":
            message = f"drift.times: '{name}' is a {column.role} column, and only features are compared"
            raise ConfigError(message, code="not_a_feature", column=name)
        _must_be(name, "temporal", f"drift.times: '{name}'", contract, dates)
        if view.since is not None:
            _must_be(view.since, "temporal", f"drift.times.{name}.since: '{view.since}'", contract, dates)
        elif view.part == "hour" and _type_of(name, contract) == "date":
            message = f"drift.times: '{name}' is a date, which has no hour: compare its weekday or month"
            raise ConfigError(message, code="wrong_column_type", column=name)


def _must_be(name: str, kind: str, where: str, contract: TableContract, rule: str) -> None:
    column = contract.column(name)
    if column is None:
        raise unknown_column(where.partition(":")[0], name, contract.names())
    if kind_of(column.type) != kind:
        message = f"{where} is of type {column.type}: {rule}"
        raise ConfigError(message, code="wrong_column_type", column=name)


def _type_of(name: str, contract: TableContract) -> str:
    column = contract.column(name)
    return column.type if column is not None else ""
