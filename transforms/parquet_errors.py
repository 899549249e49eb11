"""Whatever pyarrow raises on a file, as an InputError with the file, the row group and a stable code."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa

from schemas.errors import InputError

#: What pyarrow raises on a broken file (seen on the corpora of Arrow, fastparquet and hyparquet): most of its own
#: errors, and Python's from names that are not UTF-8 and from numbers out of range.
RAISED = (OSError, pa.ArrowException, MemoryError, ValueError, OverflowError)

_DAMAGED = "The file is damaged: write it again, or let `on_bad_file: isolate` reject what cannot be read."

#: The stable code of an error to what can be done about it.
ADVICE = {
    "not_parquet": "Only Parquet files belong in the input folder; a name that begins with _ or . is passed over.",
    "unreadable_footer": _DAMAGED,
    "no_columns": _DAMAGED,
    "corrupt_page": _DAMAGED,
    "row_count_mismatch": _DAMAGED,
    "invalid_utf8": "Write the column as UTF-8 text, or declare it as binary in the schema.",
    "invalid_decimal": _DAMAGED,
    "duplicate_column": "Write the file again with one name for each column.",
    "duplicate_dictionary_value": "Write the file again with a writer that lists each dictionary value once.",
    "out_of_range_timestamp": "Times must lie in the years 1 to 9999; mend the writer, or write null for no date.",
    "encrypted": "Encrypted files cannot be read: write the file without encryption.",
    "unsupported": "Write the file again with common encodings and compression.",
    "too_large": "Write smaller row groups, or raise the limit.",
    "permission_denied": "Let the user that runs the job read it.",
    "io_error": "The storage failed; run again once it works.",
    "changed_since_planning": "Run again when nothing writes to the input folder any more.",
}


def input_error(code: str, what: str, file: str, row_group: int | None = None, column: str | None = None) -> InputError:
    """The error `<file>: row group <n>: <what>. <advice>` with the facts as attributes."""
    where = file if row_group is None else f"{file}: row group {row_group}"
    message = f"{where}: {what}. {ADVICE[code]}"
    return InputError(message, code=code, file=file, row_group=row_group, column=column)


@contextmanager
def named_errors(code: str, file: str, row_group: int | None = None) -> Iterator[None]:
    """Turn any error of pyarrow or the operating system into an InputError; `code` where the error tells no better."""
    try:
        yield
    except InputError:
        raise
    except RAISED as error:
        reason = " ".join(str(error).split())[:300].rstrip(".") or "no reason given"
        found = code_of(error, code)
        raise input_error(found, f"{_WHAT.get(found, 'cannot be read')} ({reason})", file, row_group) from error


_WHAT = {
    "changed_since_planning": "the file is gone",
    "permission_denied": "may not be read",
    "too_large": "needs more memory than there is",
    "encrypted": "is encrypted",
    "invalid_utf8": "a text is not UTF-8",
    "invalid_decimal": "a decimal has more digits than its type",
    "unreadable_footer": "the footer cannot be read",
}


def code_of(error: BaseException, default: str) -> str:
    """The stable code of an error of pyarrow or the operating system."""
    text = str(error)
    if isinstance(error, FileNotFoundError):
        return "changed_since_planning"
    if isinstance(error, PermissionError):
        return "permission_denied"
    if isinstance(error, MemoryError | pa.ArrowCapacityError):
        return "too_large"
    if isinstance(error, OSError) and error.errno:
        return "io_error"
    if "decrypt" in text.lower():
        return "encrypted"
    if "UTF8" in text:
        return "invalid_utf8"
    if "Decimal value" in text:
        return "invalid_decimal"
    if isinstance(error, pa.ArrowNotImplementedError) or text.startswith("Not yet implemented"):
        return "unsupported"
    return default
