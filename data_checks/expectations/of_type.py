"""The column is of a type: expect_column_values_to_be_of_type, _to_be_in_type_list, expect_column_type_to_be.

The type is the contract's, which every file is converted to or refused, so the answer is known before a row is read.
The names are those that GX accepts with pandas; a null does not turn whole numbers into floats here, as it does there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from data_checks.check_state import DomainState
from data_checks.expectations.finding import Finding, Needs, TableFacts
from data_checks.expectations.logical_type import LogicalType, column_type
from data_checks.expectations.misfit import Misfit
from schemas.argument_checks import shown
from schemas.contract import PLAIN_TYPES, TableContract
from schemas.suite import Expectation
from schemas.yaml_source import did_you_mean

#: Names beside the contract's own: what GX takes for such a column with pandas.
_ALIASES: Mapping[str, tuple[str, ...]] = {
    "bool": ("bool_",),
    "int16": ("short",),
    "int32": ("i4",),
    "int64": ("int", "int_", "long", "i8"),
    "float32": ("f4",),
    "float64": ("float", "double", "f8"),
    "string": ("str",),
    "date": ("object", "O", "object_"),
    "timestamp": ("datetime64", "datetime64[us]", "datetime64[ns]"),
    "timestamp with zone": ("Timestamp",),
    "decimal": ("Decimal", "object", "O", "object_"),
    "binary": ("bytes", "object", "O", "object_"),
}


@dataclass(frozen=True)
class OfType:
    """The contract's type is one of those."""

    column: str
    names: tuple[str, ...]

    @property
    def needs(self) -> Needs:
        """Missing values: dates and decimals are objects to Great Expectations, which it judges value by value."""
        return Needs(missing=(self.column,))

    def find(self, state: DomainState, facts: TableFacts) -> Finding:
        """The contract's type."""
        kind = column_type(self.column, facts.contract)
        message = f"{self.column}: type is {kind.name}; expected {' or '.join(self.names)}"
        present = state.rows - state.missing[self.column]
        met = bool(_names_of(kind) & set(self.names))
        unexpected = 0 if met else present
        metrics = {f"column_values.{root}.unexpected_count": unexpected for root in ("of_type", "in_type_list")}
        metrics["column_values.nonnull.unexpected_count"] = state.missing[self.column]
        return Finding(message, observed=kind.name, metrics=metrics, decided=met)


def of_type(expectation: Expectation, contract: TableContract) -> OfType:
    """The column is of type `type_`."""
    return _judge(expectation, contract, [expectation.kwargs["type_"]])


def type_to_be(expectation: Expectation, contract: TableContract) -> OfType:
    """The column as a whole is of type `type_`."""
    return _judge(expectation, contract, [expectation.kwargs["type_"]])


def in_type_list(expectation: Expectation, contract: TableContract) -> OfType:
    """The column is of one of the types in type_list; names of other systems, such as SQL's, may be among them."""
    return _judge(expectation, contract, expectation.kwargs["type_list"])


def _judge(expectation: Expectation, contract: TableContract, names: Sequence[str]) -> OfType:
    column = expectation.kwargs["column"]
    kind = column_type(column, contract)
    known = _known_names(kind)
    if not known & set(names):
        message = f"{shown(names[0])} is not the name of a type{did_you_mean(names[0][:100], known)}"
        raise Misfit(message)
    return OfType(column, tuple(names))


def _names_of(kind: LogicalType) -> set[str]:
    """Every name that a column of that type goes by."""
    family = "timestamp with zone" if kind.zone else kind.family
    return {kind.name, *_ALIASES.get(kind.name, ()), *_ALIASES.get(family, ())}


def _known_names(kind: LogicalType) -> set[str]:
    return {*PLAIN_TYPES, "timestamp", *(name for names in _ALIASES.values() for name in names)} | _names_of(kind)
