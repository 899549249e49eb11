"""The cached views of a batch, against what pandas says of the same values."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest

from data_checks.columns import BatchColumns

COLUMNS = {
    "floats": pa.array([1.5, None, float("nan"), -0.0, 7.0]),
    "ints": pa.array([1, 2, None, 4, 5]),
    "flags": pa.array([True, None, False, True, True]),
    "dates": pa.array([dt.date(1970, 1, 2), None, dt.date(2024, 2, 29), None, dt.date(1969, 12, 31)]),
    "decimals": pa.array([Decimal("1.25"), None, Decimal("0.00"), Decimal("9.99"), None]),
    "texts": pa.array(["a", None, "b", "a", ""]),
    "codes": pa.array(["a", None, "b", "a", ""]).dictionary_encode(),
    "whole": pa.array([1, 2, 3, 4, 5]),
    "nothing": pa.nulls(5),
}


@pytest.fixture
def batch() -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays(list(COLUMNS.values()), names=list(COLUMNS))


@pytest.mark.parametrize("start", [0, 1, 3])
@pytest.mark.parametrize("name", [name for name in COLUMNS if name != "whole"])
def test_missing_is_what_pandas_calls_missing_in_any_slice(batch: pa.RecordBatch, name: str, start: int) -> None:
    view = BatchColumns(batch.slice(start))
    wanted = batch.slice(start).column(name).to_pandas().isna().to_numpy()
    found = view.missing(name)
    assert (np.zeros(len(wanted), bool) if found is None else found).tolist() == wanted.tolist()
    assert view.missing_count(name) == wanted.sum()


def test_a_column_without_missing_values_has_no_mask(batch: pa.RecordBatch) -> None:
    assert BatchColumns(batch).missing("whole") is None


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("ints", [1.0, 2.0, np.nan, 4.0, 5.0]),
        ("flags", [1.0, np.nan, 0.0, 1.0, 1.0]),
        ("dates", [1.0, np.nan, 19782.0, np.nan, -1.0]),
        ("decimals", [1.25, np.nan, 0.0, 9.99, np.nan]),
    ],
)
def test_numbers_are_floats_with_nan_where_missing(batch: pa.RecordBatch, name: str, wanted: list[float]) -> None:
    view = BatchColumns(batch)
    np.testing.assert_array_equal(view.numbers(name), wanted)
    np.testing.assert_array_equal(view.present_numbers(name), [value for value in wanted if value == value])  # noqa: PLR0124


def test_text_has_no_numbers(batch: pa.RecordBatch) -> None:
    with pytest.raises(TypeError, match="column 'texts' of type string holds no numbers"):
        BatchColumns(batch).numbers("texts")


@pytest.mark.parametrize("name", ["texts", "codes"])
def test_codes_point_into_the_distinct_values(batch: pa.RecordBatch, name: str) -> None:
    codes, values = BatchColumns(batch).codes(name)
    assert [None if code < 0 else values[int(code)].as_py() for code in codes] == ["a", None, "b", "a", ""]


def test_a_view_is_made_once(batch: pa.RecordBatch) -> None:
    view = BatchColumns(batch)
    assert view.numbers("ints") is view.numbers("ints")
    assert view.codes("texts")[0] is view.codes("texts")[0]
