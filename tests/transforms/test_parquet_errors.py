from __future__ import annotations

import errno

import pyarrow as pa
import pytest

from schemas.errors import InputError, StorageError
from transforms.parquet_errors import Fault, fault_of, input_error, named_errors


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        (FileNotFoundError(errno.ENOENT, "gone"), Fault.CHANGED_SINCE_PLANNING),
        (PermissionError(errno.EACCES, "no"), Fault.PERMISSION_DENIED),
        (MemoryError(), Fault.TOO_LARGE),
        (pa.ArrowMemoryError("malloc of size 1 failed"), Fault.TOO_LARGE),
        (pa.ArrowCapacityError("capacity overflows"), Fault.TOO_LARGE),
        (pa.ArrowNotImplementedError("some encoding"), Fault.UNSUPPORTED),
        (OSError("Not yet implemented: that"), Fault.UNSUPPORTED),
        (OSError("Cannot decrypt ColumnMetadata"), Fault.ENCRYPTED),
        (pa.ArrowInvalid("Invalid UTF8 payload"), Fault.INVALID_UTF8),
        (pa.ArrowInvalid("Decimal value 1 does not fit in precision"), Fault.INVALID_DECIMAL),
        (OSError("Unexpected end of stream"), Fault.CORRUPT_PAGE),
        (pa.ArrowIndexError("index out of bounds"), Fault.CORRUPT_PAGE),
        (OverflowError("too far"), Fault.CORRUPT_PAGE),
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"), Fault.CORRUPT_PAGE),
    ],
)
def test_whatever_pyarrow_raises_has_a_name(error: Exception, fault: Fault) -> None:
    assert fault_of(error, Fault.CORRUPT_PAGE) is fault
    with (
        pytest.raises(InputError, match=r"^a\.parquet: row group 3: ") as caught,
        named_errors(Fault.CORRUPT_PAGE, "a.parquet", 3),
    ):
        raise error
    assert caught.value.code == fault.value
    assert caught.value.facts == {"file": "a.parquet", "row_group": 3, "column": None}


@pytest.mark.parametrize("number", [errno.EIO, errno.ESTALE, errno.ETIMEDOUT])
def test_a_failure_of_the_storage_is_no_fact_of_the_file(number: int) -> None:
    with (
        pytest.raises(StorageError, match=r"^a\.parquet: row group 3: .*The storage failed; run again") as caught,
        named_errors(Fault.CORRUPT_PAGE, "a.parquet", 3),
    ):
        raise OSError(number, "disk")
    assert (caught.value.code, caught.value.exit_code, caught.value.action) == ("io_error", 1, "retry")


def test_an_error_says_what_and_what_to_do() -> None:
    error = input_error(Fault.DUPLICATE_COLUMN, "the column 'x' is there twice", "a.parquet")
    assert str(error) == "a.parquet: the column 'x' is there twice. Write the file again with one name for each column."


def test_a_named_error_keeps_its_name() -> None:
    first = input_error(Fault.ENCRYPTED, "is encrypted", "a.parquet")
    with pytest.raises(InputError) as caught, named_errors(Fault.CORRUPT_PAGE, "a.parquet"):
        raise first
    assert caught.value is first


def test_no_value_of_a_row_is_told() -> None:
    with (
        pytest.raises(InputError, match="column 'd': a decimal has more digits") as caught,
        named_errors(Fault.CORRUPT_PAGE, "a.parquet", 0, "d"),
    ):
        raise pa.ArrowInvalid("Decimal value 4711 does not fit in precision of decimal128(3, 1)")
    assert "4711" not in str(caught.value)


def test_a_mistake_of_ours_is_not_blamed_on_the_file() -> None:
    with pytest.raises(AttributeError), named_errors(Fault.CORRUPT_PAGE, "a.parquet"):
        raise AttributeError("no such thing")
