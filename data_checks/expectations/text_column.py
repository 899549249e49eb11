"""The column of an expectation about text."""

from __future__ import annotations

from data_checks.expectations.logical_type import column_type
from data_checks.expectations.misfit import Misfit
from schemas.contract import TableContract
from schemas.suite import Expectation


def text_column(expectation: Expectation, contract: TableContract) -> str:
    """Its name. Raises Misfit where the column holds no text: GX would judge how pandas prints its numbers."""
    column: str = expectation.kwargs["column"]
    kind = column_type(column, contract)
    if kind.family != "string":
        message = f"only text is judged so, and the column is of type {kind.name}"
        raise Misfit(message)
    return column
