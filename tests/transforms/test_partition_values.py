from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pyarrow as pa
import pytest

from transforms.partition_values import HIVE_NULL, partition_value

BERLIN = pa.timestamp("us", "Europe/Berlin")


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("007", pa.string(), "007"),
        ("", pa.string(), ""),
        ("07", pa.int8(), 7),
        ("-12", pa.int64(), -12),
        ("9223372036854775807", pa.int64(), 9223372036854775807),
        ("1.5", pa.float64(), 1.5),
        ("1e3", pa.float64(), 1000.0),
        ("1.50", pa.decimal128(5, 2), Decimal("1.50")),
        ("true", pa.bool_(), True),
        ("2024-02-29", pa.date32(), dt.date(2024, 2, 29)),
        ("2024-02-29 12:30:00.5", pa.timestamp("us"), dt.datetime(2024, 2, 29, 12, 30, 0, 500_000)),  # noqa: DTZ001
    ],
)
def test_a_folders_value_has_the_contracts_type(text: str, kind: pa.DataType, value: object) -> None:
    scalar = partition_value(text, kind)
    assert scalar.type == kind
    assert scalar.as_py() == value


def test_a_zoned_time_is_the_instant_that_its_offset_says() -> None:
    scalar = partition_value("2024-01-01T00:00:00+02:00", BERLIN)
    assert scalar.as_py() == dt.datetime(2023, 12, 31, 22, tzinfo=dt.UTC)


@pytest.mark.parametrize("kind", [pa.string(), pa.int64(), pa.date32()])
def test_hives_word_for_no_value_is_null(kind: pa.DataType) -> None:
    assert not partition_value(HIVE_NULL, kind).is_valid


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("1.0", pa.int64()),
        ("1_000", pa.int64()),
        (" 1", pa.int64()),
        ("+1", pa.int64()),
        ("\u0661", pa.int64()),
        ("", pa.int64()),
        ("128", pa.int8()),
        ("-1", pa.uint8()),
        ("nan", pa.float64()),
        ("1.239", pa.decimal128(5, 2)),
        ("True", pa.bool_()),
        ("2024-2-9", pa.date32()),
        ("20240209", pa.date32()),
        ("2023-02-29", pa.date32()),
        ("2024-01-01 00:00:00Z", pa.timestamp("us")),
        ("2024-01-01 00:00:00", BERLIN),
    ],
)
def test_a_text_that_is_not_wholly_of_the_type_is_refused(text: str, kind: pa.DataType) -> None:
    with pytest.raises(ValueError, match=f"'{text.replace('+', '[+]')}' is no "):
        partition_value(text, kind)


def test_no_folders_name_holds_binary_data() -> None:
    with pytest.raises(ValueError, match="no folder's name is a binary"):
        partition_value("x", pa.binary())
