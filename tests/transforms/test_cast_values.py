from __future__ import annotations

import datetime as dt
import math
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.arrow_types import TEXT_CODES
from transforms.cast_values import Cast, cast_values
from transforms.casts import allowed
from transforms.misfits import texts

INTEGERS = [pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64()]
FLOATS = [pa.float16(), pa.float32(), pa.float64()]


def misfits(cast: Cast) -> list[int]:
    return [] if cast.misfits is None else np.flatnonzero(cast.misfits).tolist()


def limits(kind: pa.DataType) -> tuple[int, int]:
    info = np.iinfo(kind.to_pandas_dtype())
    return int(info.min), int(info.max)


# ------------------------------------------------------------------------------------------ laws, against exact numbers


@pytest.mark.parametrize("source", INTEGERS)
@pytest.mark.parametrize("target", [*INTEGERS, pa.float32(), pa.float64()])
def test_integers_keep_their_value_or_are_told(source: pa.DataType, target: pa.DataType) -> None:
    low, high = limits(source)
    exact = 2**24 if target == pa.float32() else 2**53
    allowed_low, allowed_high = (-exact, exact) if pa.types.is_floating(target) else limits(target)
    edges = {low, high, 0, allowed_low, allowed_low - 1, allowed_high, allowed_high + 1, exact, exact + 1, -exact}
    values = [None, *(v for v in sorted(edges) if low <= v <= high), None]
    cast = cast_values(pa.array(values, source), target)
    assert cast.values.type == target
    expected = [i for i, v in enumerate(values) if v is not None and not allowed_low <= v <= allowed_high]
    assert misfits(cast) == expected
    assert cast.values.to_pylist() == [None if i in expected else v for i, v in enumerate(values)]


@pytest.mark.parametrize("target", INTEGERS)
@given(values=st.lists(st.none() | st.floats(width=64) | st.integers(-(2**66), 2**66).map(float), max_size=20))
def test_whole_floats_become_integers_and_others_are_told(target: pa.DataType, values: list[float | None]) -> None:
    low, high = limits(target)

    def fits(value: float) -> bool:
        return math.isfinite(value) and value == int(value) and low <= int(value) <= high

    missing = [v is None or math.isnan(v) for v in values]
    expected = [i for i, v in enumerate(values) if v is not None and not missing[i] and not fits(v)]
    cast = cast_values(pa.array(values, pa.float64()), target)
    assert misfits(cast) == expected
    assert cast.values.to_pylist() == [
        None if missing[i] or i in expected or v is None else int(v) for i, v in enumerate(values)
    ]


@pytest.mark.parametrize("source", FLOATS)
def test_floats_of_any_width_keep_their_value(source: pa.DataType) -> None:
    array = pa.array([1.5, None, float("inf"), -0.0]).cast(source)
    cast = cast_values(array, pa.float64())
    assert (cast.values.to_pylist(), cast.misfits) == ([1.5, None, float("inf"), 0.0], None)
    cast = cast_values(pa.array([2.0, 1.5, float("nan"), None]).cast(source), pa.int8())
    assert (cast.values.to_pylist(), misfits(cast)) == ([2, None, None, None], [1])


@given(values=st.lists(st.none() | st.floats(width=64) | st.floats(width=32), max_size=20))
def test_a_float64_becomes_float32_only_unchanged(values: list[float | None]) -> None:
    cast = cast_values(pa.array(values, pa.float64()), pa.float32())
    narrow = [None if v is None else _narrowed(v) for v in values]
    expected = [i for i, v in enumerate(values) if v is not None and not math.isnan(v) and narrow[i] != v]
    assert misfits(cast) == expected
    for i, value in enumerate(cast.values.to_pylist()):
        assert value is None if i in expected or values[i] is None else _same(value, values[i])


def _narrowed(value: float) -> float:
    with np.errstate(over="ignore"):
        return float(np.float32(value))


def _same(left: Any, right: Any) -> bool:
    return left == right or (math.isnan(left) and math.isnan(right))


@given(
    values=st.lists(st.none() | st.decimals(-(10**20), 10**20, places=4, allow_nan=False), max_size=10),
    precision=st.integers(1, 38),
    data=st.data(),
)
def test_a_decimal_keeps_every_digit_or_is_told(
    values: list[Decimal | None], precision: int, data: st.DataObject
) -> None:
    scale = data.draw(st.integers(0, precision))
    cast = cast_values(pa.array(values, pa.decimal128(38, 4)), pa.decimal128(precision, scale))

    def fits(value: Decimal) -> bool:
        scaled = Fraction(value) * 10**scale
        return scaled.denominator == 1 and abs(scaled) < 10**precision

    expected = [i for i, v in enumerate(values) if v is not None and not fits(v)]
    assert misfits(cast) == expected
    assert cast.values.to_pylist() == [None if i in expected else v for i, v in enumerate(values)]


@pytest.mark.parametrize("source", INTEGERS)
def test_an_integer_becomes_a_decimal_when_it_has_the_digits(source: pa.DataType) -> None:
    low, high = limits(source)
    values = sorted({v for v in (0, 1, 99, 100, -99, -100, low, high) if low <= v <= high})
    cast = cast_values(pa.array(values, source), pa.decimal128(4, 2))
    expected = [i for i, v in enumerate(values) if abs(v) >= 100]
    assert misfits(cast) == expected
    assert cast.values.to_pylist() == [None if i in expected else Decimal(v) for i, v in enumerate(values)]


# ------------------------------------------------------------------------------------------------------- text and bytes


@pytest.mark.parametrize("target", [pa.string(), TEXT_CODES])
@pytest.mark.parametrize(
    "source",
    [
        *(pa.string(), pa.large_string(), pa.string_view(), pa.binary(), pa.large_binary(), pa.binary_view()),
        *(pa.dictionary(pa.int8(), pa.large_string()), pa.dictionary(pa.int32(), pa.binary())),
    ],
)
def test_text_of_any_kind_is_the_same_text(source: pa.DataType, target: pa.DataType) -> None:
    words = ["", None, "Zürich", "x", "", "x"]
    values = pa.array(words)
    if pa.types.is_dictionary(source):
        plain = values.cast(source.value_type)
        array = plain.dictionary_encode().cast(source)
    else:
        array = values.cast(source)
    cast = cast_values(array, target)
    assert (cast.values.type, cast.misfits) == (target, None)
    assert cast.values.to_pylist() == words


@pytest.mark.parametrize("target", [pa.string(), TEXT_CODES])
@pytest.mark.parametrize("source", [pa.binary(), pa.dictionary(pa.int32(), pa.binary())])
def test_bytes_that_are_not_utf8_are_told(target: pa.DataType, source: pa.DataType) -> None:
    array = pa.array([b"ok", b"\xff\xfe", None, b"ok", b"\xff\xfe"])
    cast = cast_values(array.cast(source) if source == pa.binary() else array.dictionary_encode(), target)
    assert misfits(cast) == [1, 4]
    assert cast.values.to_pylist() == ["ok", None, None, "ok", None]


def test_a_null_among_the_dictionarys_values_becomes_an_ordinary_null() -> None:
    array = pa.DictionaryArray.from_arrays(pa.array([0, 1, 0], pa.int32()), pa.array(["a", None]))
    cast = cast_values(array, TEXT_CODES)
    assert cast.values.null_count == 1
    assert cast.values.to_pylist() == ["a", None, "a"]


def test_fixed_size_bytes_are_bytes_but_no_text() -> None:
    array = pa.array([b"ab", None], pa.binary(2))
    assert cast_values(array, pa.binary()).values.to_pylist() == [b"ab", None]
    assert not allowed(array.type, pa.string())


def test_an_extension_type_is_what_it_stores() -> None:
    array = pa.array(["{}"], pa.string()).cast(pa.json_())
    assert allowed(array.type, pa.string())
    assert cast_values(array, TEXT_CODES).values.to_pylist() == ["{}"]


# ------------------------------------------------------------------------------------------------------ dates and times


def test_a_date64_with_a_time_of_day_is_told() -> None:
    millis = pa.array([0, 86_400_000, 86_400_001, None], pa.int64())
    cast = cast_values(millis.view(pa.date64()), pa.date32())
    assert misfits(cast) == [2]
    assert cast.values.to_pylist() == [dt.date(1970, 1, 1), dt.date(1970, 1, 2), None, None]


@pytest.mark.parametrize("zone", [None, "Europe/Berlin"])
def test_times_are_exact_microseconds_or_told(zone: str | None) -> None:
    target = pa.timestamp("us", zone and "UTC")
    nanos = pa.array([1_000, 1_001, None, -1, -1_000]).cast(pa.timestamp("ns", zone))
    cast = cast_values(nanos, target)
    assert misfits(cast) == [1, 3]
    assert cast.values.cast(pa.int64()).to_pylist() == [1, None, None, None, -1]
    seconds = pa.array([1, 2**62, None]).cast(pa.timestamp("s", zone))
    cast = cast_values(seconds, target)
    assert misfits(cast) == [1]
    assert cast.values.cast(pa.int64()).to_pylist() == [1_000_000, None, None]


# ------------------------------------------------------------------------------------------------------------- the rest


@pytest.mark.parametrize("target", [*INTEGERS, pa.string(), TEXT_CODES, pa.decimal128(3, 1), pa.timestamp("us", "UTC")])
def test_a_column_of_nothing_but_null_is_null_in_any_type(target: pa.DataType) -> None:
    cast = cast_values(pa.nulls(3), target)
    assert (cast.values.type, cast.misfits, cast.values.null_count) == (target, None, 3)


@pytest.mark.parametrize("target", [pa.int64(), pa.float64(), pa.string(), TEXT_CODES, pa.date32(), pa.bool_()])
def test_the_right_type_costs_nothing(target: pa.DataType) -> None:
    array = pa.nulls(2, target)
    assert cast_values(array, target).values is array


REFUSED = [
    (pa.int64(), pa.string()),
    (pa.string(), pa.int64()),
    (pa.string(), pa.float64()),
    (pa.string(), pa.date32()),
    (pa.string(), pa.binary()),
    (pa.float64(), pa.string()),
    (pa.bool_(), pa.int8()),
    (pa.int8(), pa.bool_()),
    (pa.float64(), pa.decimal128(10, 2)),
    (pa.decimal128(10, 2), pa.float64()),
    (pa.date32(), pa.timestamp("us")),
    (pa.timestamp("us"), pa.date32()),
    (pa.timestamp("us"), pa.timestamp("us", "UTC")),
    (pa.timestamp("us", "UTC"), pa.timestamp("us")),
    (pa.int64(), pa.timestamp("us")),
    (pa.time64("us"), pa.timestamp("us")),
    (pa.duration("us"), pa.int64()),
    (pa.list_(pa.int64()), pa.int64()),
    (pa.struct([("a", pa.int64())]), pa.int64()),
    (pa.dictionary(pa.int32(), pa.int64()), pa.string()),
]


@pytest.mark.parametrize(("source", "target"), REFUSED)
def test_no_other_cast_is_allowed(source: pa.DataType, target: pa.DataType) -> None:
    assert not allowed(source, target)


@pytest.mark.parametrize(
    ("array", "text"),
    [
        (pa.array([2.5]), "2.5"),
        (pa.array([2.5], pa.float16()), "2.5"),
        (pa.array([b"\xff"]), r"b'\xff'"),
        (pa.array([b"\xff"]).dictionary_encode(), r"b'\xff'"),
        (pa.array(["x" * 200]), "x" * 97 + "..."),
        (pa.array([1001]).cast(pa.timestamp("ns")), "1970-01-01 00:00:00.000001001"),
        (pa.array([1001]).cast(pa.timestamp("ns", "Europe/Berlin")), "1970-01-01 00:00:00.000001001Z"),
        (pa.array([86_400_001]).view(pa.date64()), "1970-01-02 00:00:00.001"),
        (pa.array([Decimal("1.20")]), "1.20"),
    ],
)
def test_the_text_of_a_value_is_what_its_owner_would_write(array: pa.Array, text: str) -> None:
    assert texts(array, np.array([True])) == {0: text}
