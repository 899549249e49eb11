"""A contract's logical type as the kernels see it: floats, text, or whole numbers of some unit (ticks)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any, Literal, Self

import pyarrow as pa

from data_checks.expectations.misfit import Misfit
from schemas.argument_checks import read_bound, shown
from schemas.contract import TableContract
from schemas.yaml_source import did_you_mean

Family = Literal["bool", "integer", "float", "decimal", "date", "timestamp", "string", "binary"]

_DAY = date(1970, 1, 1).toordinal()
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_DECIMAL = re.compile(r"decimal\(\d+, ?(\d+)\)")
#: What a limit must be for each family of values; text and binary have no order here.
_LIMITS = {
    "bool": "a number",
    "integer": "a number",
    "float": "a number",
    "decimal": "a number",
    "date": "a date such as 2024-01-31",
    "timestamp": "a time such as 2024-01-31T06:00:00",
}


@dataclass(frozen=True)
class LogicalType:
    """A column type of the contract.

    Everything but floats, text and binary is whole ticks: integers and bools themselves, dates as days and timestamps
    as microseconds since 1970, decimals as multiples of their last digit. So comparisons and sums of them are exact.
    """

    name: str
    family: Family
    #: Digits after the point of a decimal.
    scale: int = 0
    zone: str | None = None

    @classmethod
    def of(cls, name: str) -> Self:
        """The type that the contract writes as `name`."""
        if decimal := _DECIMAL.fullmatch(name):
            return cls(name, "decimal", scale=int(decimal[1]))
        if name.startswith("timestamp"):
            return cls(name, "timestamp", zone=name.removeprefix("timestamp").strip("[]") or None)
        if name.startswith("float"):
            return cls(name, "float")
        if name in ("bool", "date", "string", "binary"):
            return cls(name, name)  # type: ignore[arg-type]  # one of the families
        return cls(name, "integer")

    @property
    def in_ticks(self) -> bool:
        """Whether its values are whole ticks."""
        return self.family not in ("float", "string", "binary")

    @property
    def arrow(self) -> pa.DataType:
        """The Arrow type of a plain column of it."""
        if self.family == "decimal":
            precision, scale = (int(digits) for digits in re.findall(r"\d+", self.name))
            return pa.decimal128(precision, scale)
        if self.family == "timestamp":
            return pa.timestamp("us", self.zone)
        return pa.date32() if self.family == "date" else pa.type_for_alias(self.name)

    @property
    def numeric(self) -> bool:
        """Whether its values can be added up."""
        return self.family in ("bool", "integer", "float", "decimal")

    def limit(self, value: Any) -> Fraction:
        """A limit of a suite, exactly, in ticks (floats: in itself). Raises Misfit when it is of another kind."""
        if self.family not in _LIMITS:
            message = f"a column of type {self.name} has no order to compare {shown(value)} with"
            raise Misfit(message)
        bound = read_bound(value)
        if isinstance(bound, datetime):
            if self.family == "timestamp" and (bound.tzinfo is None) == (self.zone is None):
                aware = bound if bound.tzinfo else bound.replace(tzinfo=UTC)
                return Fraction((aware - _EPOCH) // _MICROSECOND)
        elif isinstance(bound, date):
            if self.family == "date":
                return Fraction(bound.toordinal() - _DAY)
        elif self.numeric:
            return Fraction(bound) * int(10**self.scale)
        wanted = _LIMITS[self.family] + (" with its offset from UTC, such as +00:00" if self.zone else "")
        message = f"the limit {shown(value)} does not fit a column of type {self.name}: give {wanted}"
        raise Misfit(message)

    def python(self, value: Any) -> Any:
        """A tick, float or text as Python's own type: a number, bool, date, datetime, Decimal or str."""
        if self.family == "decimal":
            digits = tuple(int(digit) for digit in str(abs(int(value))))
            return Decimal((int(value < 0), digits, -self.scale))  # scaleb would round to 28 digits
        if self.family == "date":
            return date.fromordinal(int(value) + _DAY)
        if self.family == "timestamp":
            return pa.scalar(int(value), self.arrow).as_py()
        return {"float": float, "bool": bool, "string": str}.get(self.family, int)(value)

    def plain(self, value: float) -> Any:
        """A tick or float as a JSON value for people: a number, or text for dates, times and decimals."""
        found = self.python(value)
        if isinstance(found, date):  # datetime is one too
            return found.isoformat()
        return str(found) if isinstance(found, Decimal) else found


def column_type(name: str, contract: TableContract) -> LogicalType:
    """The type of the contract's column. Raises Misfit, with the nearest name, when there is none."""
    column = contract.column(name)
    if column is None:
        message = f"column {shown(name)} is not in the table contract{did_you_mean(name[:100], contract.names())}"
        raise Misfit(message)
    return LogicalType.of(column.type)
