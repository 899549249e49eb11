"""A first suite from training data: conservative, with the evidence for each expectation beside it.

A suggestion is a question to the owner of the data, not a verdict on it. So the limits leave room: what the training
data did by chance the nights may do too, and a suite that cries wolf is switched off. Only what would make the scores
worthless (no rows, repeated keys, a complete feature gone missing) is critical.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from data_checks.expectations.logical_type import LogicalType
from data_checks.expectations.words import percent_words
from schemas.contract import Column, TableContract

#: A feature may be missing twice as often as in training and twenty points more, since values go missing in bursts; and
#: three rows more than the training data could tell of, as what happened in none of n rows may have a rate of 3/n.
MISSING_FACTOR, MISSING_ROOM, MISSING_UNSEEN = 2.0, 0.2, 3
#: Missing in training at most so often: when it goes missing later, the scores are guesses.
COMPLETE = 0.01
#: Where so many may be missing, nothing is expected of a column's presence.
MOSTLY_MISSING = 0.9
#: Of a column that is missing more often, values are expected on no single night: one without any would count as unmet.
SPARSE = 0.5
#: Fewer values than this say nothing of what others will be.
MIN_VALUES = 30
#: Room below the least and above the greatest value, in widths of the range between them.
RANGE_ROOM = 0.5
#: Share of values that limits and sets of values are expected of.
MOSTLY = 0.98
#: A text column is a category when it has at most so many values, each of so many rows on average.
MAX_CATEGORIES, ROWS_PER_CATEGORY = 100, 20


def suggest_suite(table: pa.Table, contract: TableContract, name: str = "suggested") -> dict[str, Any]:
    """A suite in the JSON of Great Expectations 1.x, for columns of the contract that the training `table` has.

    Each expectation's `meta.evidence` holds what it rests on, and `notes` says so in words. The table's types may be
    wider than the contract's. The same table gives the same suite.
    """
    expectations = [_rows(table)]
    for column in contract:
        if column.name in table.column_names and column.role != "partition":
            expectations += _of_column(Evidence.of(column, table.column(column.name)), contract)
    return {
        "name": name,
        "expectations": expectations,
        "meta": {"suggested_from": {"rows": table.num_rows, "columns": table.num_columns}},
        "notes": "Suggested from training data. Read it, and make it yours: you know the data, this only counted it.",
    }


@dataclass(frozen=True)
class Evidence:
    """What the training data say of one column."""

    column: Column
    kind: LogicalType
    rows: int
    #: Null or NaN.
    missing: int
    #: Values that are there, as plain Arrow.
    present: pa.Array

    @classmethod
    def of(cls, column: Column, values: pa.ChunkedArray) -> Evidence:
        """Of a column of the training table."""
        if pt.is_dictionary(values.type):
            values = values.cast(values.type.value_type)
        present = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
        present = present.filter(pc.invert(pc.is_null(present, nan_is_null=True)))
        if isinstance(present, pa.ChunkedArray):
            present = pa.concat_arrays(present.chunks) if present.num_chunks else pa.array([], present.type)
        return cls(column, LogicalType.of(column.type), len(values), len(values) - len(present), present)


def _expectation(
    kind: str, kwargs: dict[str, Any], severity: str, evidence: dict[str, Any], notes: str
) -> dict[str, Any]:
    return {"type": kind, "kwargs": kwargs, "severity": severity, "meta": {"evidence": evidence}, "notes": notes}


def _rows(table: pa.Table) -> dict[str, Any]:
    notes = "A night without a row is no night. Write what a night of yours has at least, and at most."
    evidence = {"training_rows": table.num_rows}
    return _expectation("expect_table_row_count_to_be_between", {"min_value": 1}, "critical", evidence, notes)


def _of_column(found: Evidence, contract: TableContract) -> Iterator[dict[str, Any]]:
    if found.rows and found.column.nullable:
        yield from _presence(found)
    if len(found.present) < MIN_VALUES or found.missing > SPARSE * found.rows:
        return
    if found.column.role == "key":
        yield from _uniqueness(found, contract)
    elif found.column.role == "feature" and found.kind.family in ("integer", "float", "decimal"):
        yield from _range(found)
    if found.kind.family == "string":
        yield from _words(found)


def _presence(found: Evidence) -> Iterator[dict[str, Any]]:
    """Nothing for columns that may not be null: the table contract sees to them."""
    rate = found.missing / found.rows
    allowed = MISSING_FACTOR * rate + MISSING_ROOM + MISSING_UNSEEN / found.rows
    if allowed > MOSTLY_MISSING:
        return
    mostly = math.floor(round(100 * (1 - allowed), 6)) / 100
    severity = "critical" if rate <= COMPLETE and found.column.role == "feature" else "warning"
    evidence = {"missing": found.missing, "rows": found.rows}
    notes = (
        f"Missing in {percent_words(rate)} of the training rows. Up to {percent_words(1 - mostly)} may be, twice as "
        "many and 20 points more: values go missing in bursts. Write less where you know that they do not."
    )
    kwargs = {"column": found.column.name, "mostly": mostly}
    yield _expectation("expect_column_values_to_not_be_null", kwargs, severity, evidence, notes)


def _uniqueness(found: Evidence, contract: TableContract) -> Iterator[dict[str, Any]]:
    """Only where the key is one column and did not repeat."""
    distinct = pc.count_distinct(found.present).as_py()
    if len(contract.names("key")) == 1 and distinct == len(found.present):
        evidence = {"rows": found.rows, "distinct": distinct}
        notes = (
            "The key names the row, and did not repeat in training. A row that comes twice is scored and counted twice."
        )
        kwargs = {"column": found.column.name}
        yield _expectation("expect_column_values_to_be_unique", kwargs, "critical", evidence, notes)


def _range(found: Evidence) -> Iterator[dict[str, Any]]:
    values = pc.cast(found.present, pa.float64(), safe=False)
    values = values.filter(pc.is_finite(values))
    if not len(values):
        return
    low, high = (float(value.as_py()) for value in pc.min_max(values).values())
    room = RANGE_ROOM * (high - low) or max(abs(high) * RANGE_ROOM, 1.0)
    step = 10.0 ** math.floor(math.log10(room))
    below, above = math.floor((low - room) / step) * step, math.ceil((high + room) / step) * step
    below, above = max(below, 0.0) if low >= 0 else below, min(above, 0.0) if high <= 0 else above
    limits = {"min_value": _tidy(below), "max_value": _tidy(above)}
    evidence = {"minimum": low, "maximum": high, "values": len(values)}
    notes = f"{low:.6g} to {high:.6g} in training; half that width was added at both ends, but no sign changed."
    kwargs = {"column": found.column.name, **limits, "mostly": MOSTLY}
    yield _expectation("expect_column_values_to_be_between", kwargs, "warning", evidence, notes)


def _tidy(value: float) -> float:
    """Without the noise of binary fractions: 0.30000000000000004 is 0.3."""
    return float(f"{value:.12g}")


def _words(found: Evidence) -> Iterator[dict[str, Any]]:
    """A set for categories, lengths for other text."""
    counts = found.present.value_counts()
    distinct = len(counts)
    kwargs: dict[str, Any] = {"column": found.column.name}
    listed = found.column.role == "feature" and not found.column.sensitive
    if listed and distinct <= min(MAX_CATEGORIES, len(found.present) // ROWS_PER_CATEGORY):
        kwargs |= {"value_set": sorted(counts.field("values").to_pylist()), "mostly": MOSTLY}
        rarest = pc.min(counts.field("counts")).as_py()
        evidence = {"distinct": distinct, "values": len(found.present), "rarest": rarest}
        notes = f"The {distinct} values of the training data; the rarest of them occurs {rarest} times."
        yield _expectation("expect_column_values_to_be_in_set", kwargs, "warning", evidence, notes)
        return
    lengths = pc.min_max(pc.utf8_length(counts.field("values")))
    low, high = lengths["min"].as_py(), lengths["max"].as_py()
    room = 0 if low == high else max(1, round(RANGE_ROOM * (high - low)))
    kwargs |= {"min_value": max(low - room, min(low, 1)), "max_value": high + room, "mostly": MOSTLY}
    evidence = {"shortest": low, "longest": high, "values": len(found.present)}
    notes = f"{low} to {high} characters in training."
    yield _expectation("expect_column_value_lengths_to_be_between", kwargs, "warning", evidence, notes)
