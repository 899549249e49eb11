from __future__ import annotations

import pyarrow as pa
import pytest

from schemas.contract import PLAIN_TYPES, Column
from transforms.arrow_types import arrow_type, logical_type, value_type


@pytest.mark.parametrize("word", [*PLAIN_TYPES, "timestamp", "timestamp[Europe/Berlin]", "decimal(10,2)"])
def test_every_logical_type_has_an_arrow_type_that_leads_back_to_it(word: str) -> None:
    assert logical_type(value_type(word)) == word


def test_timestamps_are_microseconds_and_keep_their_zone() -> None:
    assert value_type("timestamp") == pa.timestamp("us")
    assert value_type("timestamp[UTC]") == pa.timestamp("us", tz="UTC")


def test_a_decimal_keeps_precision_and_scale() -> None:
    assert value_type("decimal(10, 2)") == pa.decimal128(10, 2)


@pytest.mark.parametrize("role", ["key", "passthrough", "partition"])
def test_text_is_plain_where_it_names_things(role: str) -> None:
    assert arrow_type(Column.model_validate({"name": "s", "type": "string", "role": role})) == pa.string()


def test_text_is_codes_where_it_feeds_a_model() -> None:
    assert arrow_type(Column(name="s", type="string")) == pa.dictionary(pa.int32(), pa.string())


@pytest.mark.parametrize(
    ("kind", "word"),
    [
        (pa.large_string(), "string"),
        (pa.dictionary(pa.int8(), pa.large_string()), "string"),
        (pa.float16(), "float32"),
        (pa.date64(), "date"),
        (pa.timestamp("ns", "UTC"), "timestamp[UTC]"),
        (pa.list_(pa.int8()), None),
        (pa.decimal256(60, 2), None),
    ],
)
def test_a_files_type_has_the_nearest_logical_type(kind: pa.DataType, word: str | None) -> None:
    assert logical_type(kind) == word
