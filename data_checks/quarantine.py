"""Setting rows aside: which rows stay, which go to quarantine with their reasons, which are dropped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from schemas.breach import Breach
from schemas.errors import RowError

#: Columns of a quarantine file before the row's own: where the row came from, and the first rule that it broke.
LOCATION_FIELDS = (
    pa.field("quarantine_file", pa.string(), nullable=False),
    pa.field("quarantine_row_group", pa.int32(), nullable=False),
    pa.field("quarantine_row", pa.int64(), nullable=False),
    pa.field("quarantine_rule", pa.string(), nullable=False),
    pa.field("quarantine_column", pa.string()),
    pa.field("quarantine_reason", pa.string(), nullable=False),
    pa.field("quarantine_detail", pa.string()),
    pa.field("quarantine_other_rules", pa.list_(pa.string()), nullable=False),
)


@dataclass(frozen=True)
class Place:
    """Where a batch's rows are: names for the quarantine and for errors."""

    file: str
    row_group: int


@dataclass(frozen=True)
class Rows:
    """Conformed rows with the number of each in its file. Later stages only ever take rows away."""

    batch: pa.RecordBatch
    #: Shape (rows,): row number in the file, from 0.
    numbers: npt.NDArray[np.int64]
    place: Place

    def take(self, mask: npt.NDArray[np.bool_]) -> Rows:
        """The rows where `mask` is True."""
        return Rows(self.batch.filter(pa.array(mask)), self.numbers[mask], self.place)


@dataclass
class Aside:
    """What was set aside of a batch."""

    quarantined: Rows
    #: One quarantine record a row, in `quarantine_schema`; None when no row was quarantined.
    records: pa.RecordBatch | None
    dropped: Rows
    #: Rows by (rule, column, reason) of the first rule that each broke.
    reasons: Counter[tuple[str, str, str]] = field(default_factory=Counter)


def quarantine_schema(contract_schema: pa.Schema) -> pa.Schema:
    """Location and reason, then every column of the contract with strings as plain text."""
    plain = [pa.field(f.name, pa.string() if pa.types.is_dictionary(f.type) else f.type) for f in contract_schema]
    return pa.schema([*LOCATION_FIELDS, *plain])


def kept_mask(breaches: Sequence[Breach], rows: int) -> npt.NDArray[np.bool_] | None:
    """Shape (rows,): True for rows that no breach touches; None when that is all of them."""
    bad = np.zeros(rows, dtype=np.bool_)
    for breach in breaches:
        bad |= breach.mask
    return ~bad if bad.any() else None


def set_aside(rows: Rows, breaches: Sequence[Breach]) -> Aside:
    """The rows that `breaches` touch. A row of a quarantining rule is quarantined even if another rule drops it.

    Raises RowError for the first row, by its number, of a breach whose outcome is `fail`.
    """
    _raise_first_failure(rows, [breach for breach in breaches if breach.outcome == "fail"])
    count = len(rows.numbers)
    quarantine, drop = (_union(breaches, outcome, count) for outcome in ("quarantine", "drop"))
    drop &= ~quarantine
    first = _first_breach(breaches, count)
    reasons = Counter(_key(breaches[int(index)]) for index in first[quarantine | drop])
    records = _records(rows, breaches, quarantine) if quarantine.any() else None
    return Aside(rows.take(quarantine), records, rows.take(drop), reasons)


def _key(breach: Breach) -> tuple[str, str, str]:
    return breach.rule, breach.column or "", breach.reason


def _union(breaches: Sequence[Breach], outcome: str, count: int) -> npt.NDArray[np.bool_]:
    mask = np.zeros(count, dtype=np.bool_)
    for breach in breaches:
        if breach.outcome == outcome:
            mask |= breach.mask
    return mask


def _first_breach(breaches: Sequence[Breach], count: int) -> npt.NDArray[np.int64]:
    """Index of the first breach of each row, quarantining rules before dropping ones; -1 for none."""
    first = np.full(count, -1, dtype=np.int64)
    order = sorted(range(len(breaches)), key=lambda index: breaches[index].outcome == "drop")
    for index in reversed(order):
        first[breaches[index].mask] = index
    return first


def _raise_first_failure(rows: Rows, failures: Sequence[Breach]) -> None:
    found = [(int(np.argmax(breach.mask)), breach) for breach in failures if breach.mask.any()]
    if not found:
        return
    row, breach = min(found, key=lambda item: item[0])
    number = int(rows.numbers[row])
    count = int(np.count_nonzero(breach.mask))
    detail = f" ({breach.details[row]})" if row in breach.details else ""
    column = f"column '{breach.column}': " if breach.column else ""
    more = f", and {count - 1:,} more rows of this batch" if count > 1 else ""
    message = (
        f"{rows.place.file}: row {number}: {column}{breach.reason}{detail} by rule {breach.rule}{more}. "
        "Mend the data, or let this rule quarantine its rows."
    )
    facts = {"file": rows.place.file, "row": number, "row_group": rows.place.row_group, "column": breach.column}
    raise RowError(message, code=breach.reason, rule=breach.rule, **facts)


def _records(rows: Rows, breaches: Sequence[Breach], mask: npt.NDArray[np.bool_]) -> pa.RecordBatch:
    chosen = rows.take(mask)
    located = [_location(rows, breaches, int(row)) for row in np.flatnonzero(mask)]
    arrays = [pa.array([item[f.name] for item in located], f.type) for f in LOCATION_FIELDS]
    schema = quarantine_schema(chosen.batch.schema)
    values = [
        column.cast(f.type) if column.type != f.type else column
        for column, f in zip(chosen.batch.columns, list(schema)[len(LOCATION_FIELDS) :], strict=True)
    ]
    return pa.RecordBatch.from_arrays([*arrays, *values], schema=schema)


def _location(rows: Rows, breaches: Sequence[Breach], row: int) -> dict[str, object]:
    broken = [breach for breach in breaches if breach.mask[row]]
    first = next(breach for breach in broken if breach.outcome == "quarantine")
    return {
        "quarantine_file": rows.place.file,
        "quarantine_row_group": rows.place.row_group,
        "quarantine_row": int(rows.numbers[row]),
        "quarantine_rule": first.rule,
        "quarantine_column": first.column,
        "quarantine_reason": first.reason,
        "quarantine_detail": first.details.get(row),
        "quarantine_other_rules": [breach.rule for breach in broken if breach is not first],
    }
