"""Whatever pyarrow raises on a file, as an InputError with the file, the row group and a stable code.

But for the storage's own failures: they are StorageErrors.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum

import pyarrow as pa

from schemas.errors import InputError, StorageError

#: What pyarrow raises on a broken file (seen on the corpora of Arrow, fastparquet and hyparquet): most of its own
#: errors, and Python's from names that are not UTF-8 and from numbers out of range.
RAISED = (OSError, pa.ArrowException, MemoryError, ValueError, OverflowError)


class Fault(StrEnum):
    """The stable codes of what may be wrong with an input file."""

    NOT_PARQUET = "not_parquet"
    UNREADABLE_FOOTER = "unreadable_footer"
    NO_COLUMNS = "no_columns"
    CORRUPT_PAGE = "corrupt_page"
    ROW_COUNT_MISMATCH = "row_count_mismatch"
    INVALID_UTF8 = "invalid_utf8"
    INVALID_DECIMAL = "invalid_decimal"
    DUPLICATE_COLUMN = "duplicate_column"
    DUPLICATE_DICTIONARY_VALUE = "duplicate_dictionary_value"
    OUT_OF_RANGE_TIMESTAMP = "out_of_range_timestamp"
    ENCRYPTED = "encrypted"
    UNSUPPORTED = "unsupported"
    TOO_LARGE = "too_large"
    PERMISSION_DENIED = "permission_denied"
    IO_ERROR = "io_error"
    CHANGED_SINCE_PLANNING = "changed_since_planning"


_DAMAGED = "The file is damaged: write it again, or let `on_bad_file: isolate` reject what cannot be read."

#: What can be done about it.
_ADVICE = {
    Fault.NOT_PARQUET: "Only Parquet files belong in the input folder; a name that begins with _ or . is passed over.",
    Fault.INVALID_UTF8: "Write the column as UTF-8 text, or declare it as binary in the schema.",
    Fault.DUPLICATE_COLUMN: "Write the file again with one name for each column.",
    Fault.DUPLICATE_DICTIONARY_VALUE: "Write the file again with a writer that lists each dictionary value once.",
    Fault.OUT_OF_RANGE_TIMESTAMP: "Times must lie in the years 1 to 9999; mend the writer, or write null for no date.",
    Fault.ENCRYPTED: "Encrypted files cannot be read: write the file without encryption.",
    Fault.UNSUPPORTED: "Write the file again with common encodings and compression.",
    Fault.TOO_LARGE: "Write smaller row groups, or raise the limit.",
    Fault.PERMISSION_DENIED: "Let the user that runs the job read it.",
    Fault.IO_ERROR: "The storage failed; run again once it works.",
    Fault.CHANGED_SINCE_PLANNING: "Run again when nothing writes to the input folder any more.",
}

#: How an error of pyarrow is introduced.
_WHAT = {
    Fault.CHANGED_SINCE_PLANNING: "the file is gone",
    Fault.PERMISSION_DENIED: "may not be read",
    Fault.TOO_LARGE: "needs more memory than there is",
    Fault.ENCRYPTED: "is encrypted",
    Fault.INVALID_UTF8: "a text is not UTF-8",
    Fault.INVALID_DECIMAL: "a decimal has more digits than its type",
    Fault.UNREADABLE_FOOTER: "the footer cannot be read",
}


def input_error(
    fault: Fault, what: str, file: str, row_group: int | None = None, column: str | None = None
) -> InputError:
    """The error `<file>: row group <n>: <what>. <advice>` with the facts as attributes."""
    return InputError(
        _message(fault, what, file, row_group), code=fault.value, file=file, row_group=row_group, column=column
    )


def _message(fault: Fault, what: str, file: str, row_group: int | None) -> str:
    where = file if row_group is None else f"{file}: row group {row_group}"
    return f"{where}: {what}. {_ADVICE.get(fault, _DAMAGED)}"


@contextmanager
def named_errors(default: Fault, file: str, row_group: int | None = None, column: str | None = None) -> Iterator[None]:
    """Turn an error of pyarrow or the operating system into an InputError; `default` where it tells no better.

    A failure of the storage becomes a StorageError: another try may well succeed.
    """
    try:
        yield
    except (InputError, StorageError):
        raise
    except RAISED as error:
        fault = fault_of(error, default)
        what = _WHAT.get(fault, "cannot be read")
        if fault is not Fault.INVALID_DECIMAL:  # its text has the value, and values do not belong into logs
            what += f" ({' '.join(str(error).split())[:300].rstrip('.') or type(error).__name__})"
        what = what if column is None else f"column '{column}': {what}"
        if fault is Fault.IO_ERROR:
            raise StorageError(_message(fault, what, file, row_group), code=fault.value, file=file) from error
        raise input_error(fault, what, file, row_group, column) from error


def fault_of(error: BaseException, default: Fault) -> Fault:
    """What an error of pyarrow or the operating system means."""
    for kind, fault in _BY_TYPE:
        if isinstance(error, kind):
            return fault
    if isinstance(error, OSError) and error.errno:
        return Fault.IO_ERROR  # the system's own; pyarrow's OSError about the file's content has no number
    for words, fault in _BY_TEXT:
        if words in str(error):
            return fault
    return default


_BY_TYPE = (
    (FileNotFoundError, Fault.CHANGED_SINCE_PLANNING),
    (PermissionError, Fault.PERMISSION_DENIED),
    ((MemoryError, pa.ArrowCapacityError), Fault.TOO_LARGE),
    (pa.ArrowNotImplementedError, Fault.UNSUPPORTED),
)
_BY_TEXT = (
    ("decrypt", Fault.ENCRYPTED),
    ("UTF8", Fault.INVALID_UTF8),
    ("Decimal value", Fault.INVALID_DECIMAL),
    ("Not yet implemented", Fault.UNSUPPORTED),
)
