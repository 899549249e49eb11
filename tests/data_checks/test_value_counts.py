from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from data_checks import value_counts
from data_checks.columns import BatchColumns
from data_checks.expectations.batch_values import BatchValues
from data_checks.value_counts import ValueCounts

Rng = np.random.Generator
NONE: frozenset[Any] = frozenset()
KINDS = {
    "int8": pa.int8(),
    "int64": pa.int64(),
    "uint64": pa.uint64(),
    "bool": pa.bool_(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us", "UTC"),
    "float32": pa.float32(),
    "float64": pa.float64(),
    "decimal": pa.decimal128(12, 0),
    "wide": pa.decimal128(38, 0),
    "text": pa.string(),
    "dictionary": pa.dictionary(pa.int32(), pa.string()),
}
CASES = 20  # of each kind


def random_column(rng: Rng, kind: str, rows: int) -> pa.Array:
    """Some of 1 to 40 different values, with nulls; floats with NaN, both zeros and infinities."""
    edges = {
        "int8": [-128, 127],
        "int64": [-(2**63), 2**63 - 1, 2**53, 2**53 + 1],
        "uint64": [0, 2**64 - 1, 2**63, 2**53 + 1],
        "wide": [-(10**37), 10**37, 10**37 + 1],
        "float64": [-0.0, 0.0, float("inf"), float("-inf"), float("nan"), 0.1],
        "float32": [-0.0, 0.0, float("inf"), float("nan")],
    }
    small = rng.integers(0, 100, int(rng.integers(1, 40))).tolist()
    words = [f"{'é日😀x'[value % 4]}{value}" for value in small]
    pool = words if kind in ("text", "dictionary") else [value > 50 for value in small] if kind == "bool" else small
    pool = pool + edges.get(kind, []) * int(rng.integers(0, 2))
    values = [pool[place] for place in rng.integers(0, len(pool), rows)]
    gone = rng.random(rows) < rng.choice([0.0, 0.3, 1.0], p=[0.4, 0.5, 0.1])
    plain = [None if absent else value for absent, value in zip(gone, values, strict=True)]
    if kind in ("date", "timestamp"):
        return pa.array(plain, pa.int32() if kind == "date" else pa.int64()).cast(KINDS[kind])
    return pa.array(plain, pa.string()).dictionary_encode() if kind == "dictionary" else pa.array(plain, KINDS[kind])


def add(counts: ValueCounts, column: pa.Array) -> None:
    values = BatchValues(BatchColumns(pa.record_batch({"x": column})))
    if values.columns.is_text("x"):
        counts.add_words(values.words("x"))
    else:
        counts.add_values(values.present("x"))


def of(column: pa.Array, cap: int = 1000, pinned: frozenset[Any] = NONE) -> ValueCounts:
    counts = ValueCounts(cap, pinned)
    add(counts, column)
    return counts


def in_parts(rng: Rng, column: pa.Array, empty: ValueCounts) -> ValueCounts:
    """Cut anywhere, counted in several states that travel as JSON, and merged two by two in any order."""
    raw = empty.to_json()
    cuts = [0, *sorted(rng.integers(0, len(column) + 1, 5).tolist()), len(column)]
    states = [ValueCounts.from_json(raw) for _ in range(3)]
    for start, stop in pairwise(cuts):
        add(states[rng.integers(0, 3)], column.slice(start, stop - start))
    states = [ValueCounts.from_json(json.loads(json.dumps(state.to_json(), allow_nan=False))) for state in states]
    while len(states) > 1:
        left, right = (states.pop(int(rng.integers(0, len(states)))) for _ in range(2))
        left.merge(right)
        states.append(left)
    return states[0]


def by_pandas(column: pa.Array) -> dict[Any, int]:
    """How often each present value occurs, in ticks, by pandas on the whole column."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_floating(column.type):
        return {float(k): int(v) for k, v in pd.Series(column.to_numpy(zero_copy_only=False)).value_counts().items()}
    ticks = {"date32[day]": pa.int32(), "timestamp[us, tz=UTC]": pa.int64(), "bool": pa.int8()}.get(str(column.type))
    plain = (column.cast(ticks) if ticks is not None else column).drop_null().to_pylist()
    whole = [int(value) if not isinstance(value, str) else value for value in plain]
    return {value: int(count) for value, count in pd.Series(whole, dtype=object).value_counts().items()}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(CASES))
def test_any_split_and_merge_order_counts_what_pandas_counts_in_the_whole_column(kind: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    column = random_column(rng, kind, int(rng.choice([0, 1, 30, 300])))
    expected = by_pandas(column)
    strangers = {"never"} if kind in ("text", "dictionary") else {-7, 300, 2**70}
    known = [value for value in expected if rng.random() < 0.2]
    pinned, cap = frozenset([*known, *strangers]), int(rng.choice([0, 1, 10, 1000]))
    found = in_parts(rng, column, ValueCounts(cap, pinned))
    fits = len(expected.keys() - pinned) <= cap
    assert found.counts == (expected if fits else {value: expected[value] for value in known})
    assert found.distinct == (len(expected) if fits else None)
    assert (found.total, found.overflow) == (sum(expected.values()), not fits)
    assert found.to_json() == of(column, cap, pinned).to_json()


def test_both_zeros_are_one_value_and_so_is_a_pinned_negative_one() -> None:
    zeros = pa.array([-0.0, 0.0, -0.0])
    for pinned in (NONE, frozenset([-0.0]), frozenset([0.0])):
        raw = json.dumps(of(zeros, pinned=pinned).to_json())
        assert "-0.0" not in raw
        assert '"counts": [[0.0, 3]]' in raw


def test_nulls_and_nan_are_not_counted() -> None:
    assert of(pa.array([1.5, None, float("nan")])).counts == {1.5: 1}
    assert of(pa.array(["a", None, "a"])).counts == {"a": 2}
    assert of(pa.array([None, None], pa.int64())).total == 0


def test_nan_among_present_values_is_refused() -> None:
    with pytest.raises(ValueError, match="present values only, found NaN"):
        ValueCounts(10).add_values(np.array([1.0, np.nan]))


def test_whole_numbers_beyond_2_to_the_53_stay_apart_also_through_json() -> None:
    near = [2**53, 2**53 + 1, -(2**63), 2**63 - 1]
    counts = of(pa.array(near))
    again = ValueCounts.from_json(json.loads(json.dumps(counts.to_json())))
    assert counts.counts == again.counts == dict.fromkeys(near, 1)


def test_a_narrow_range_at_either_end_of_64_bits_does_not_wrap() -> None:
    low, high = [-(2**63), -(2**63) + 1], [2**64 - 1, 2**64 - 2]
    assert of(pa.array(low)).counts == dict.fromkeys(low, 1)
    assert of(pa.array(high, pa.uint64())).counts == dict.fromkeys(high, 1)


def test_words_of_the_dictionary_that_no_row_has_are_not_seen() -> None:
    codes = pa.array([2, None, 2], pa.int32())
    column = pa.DictionaryArray.from_arrays(codes, pa.array(["a", "b", "c"]))
    counts = of(column, cap=1, pinned=frozenset(["a"]))
    assert (counts.counts, counts.distinct) == ({"c": 2}, 1)


def test_a_word_that_is_in_the_dictionary_twice_is_one_value() -> None:
    column = pa.DictionaryArray.from_arrays(pa.array([0, 1, 1], pa.int32()), pa.array(["a", "a"]))
    counts = of(column, cap=1)
    assert (counts.counts, counts.distinct) == ({"a": 3}, 1)


def test_past_the_cap_only_pinned_values_are_still_counted_and_the_total_stays_exact() -> None:
    counts = of(pa.array([1, 2, 3, 3]), cap=1, pinned=frozenset([3, 4]))
    assert (counts.counts, counts.distinct, counts.total) == ({3: 2}, None, 4)
    add(counts, pa.array([4, 3, 1]))
    assert (counts.counts, counts.distinct, counts.total) == ({3: 3, 4: 1}, None, 7)


def test_pinned_text_is_still_found_past_the_cap() -> None:
    counts = of(pa.array(["a", "b", "c"]), cap=1, pinned=frozenset(["c"]))
    add(counts, pa.array(["c", "z", None, "c"]))
    assert (counts.counts, counts.distinct, counts.total) == ({"c": 3}, None, 6)


def test_a_batch_that_alone_has_too_many_different_words_still_counts_the_pinned_ones() -> None:
    column = pa.DictionaryArray.from_arrays(pa.array([0, 1, 2, 2, 3], pa.int32()), pa.array(["a", "a", "b", "c"]))
    assert of(column, cap=3).counts == {"a": 2, "b": 2, "c": 1}
    assert of(column, cap=1, pinned=frozenset(["b"])).counts == {"b": 2}
    assert of(column, cap=1, pinned=frozenset(["a"])).counts == {"a": 2}


def test_the_union_decides_whether_there_are_too_many_not_any_part() -> None:
    left, right = of(pa.array([1, 2]), cap=3), of(pa.array([3, 4]), cap=3)
    assert (left.distinct, right.distinct) == (2, 2)
    left.merge(right)
    assert (left.counts, left.overflow, left.total) == ({}, True, 4)


def test_text_is_bounded_in_bytes_and_pinned_text_does_not_add_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(value_counts, "MAX_TEXT_BYTES", 6)
    assert of(pa.array(["abc", "def"])).distinct == 2
    assert of(pa.array(["日本", "a"])).distinct is None
    assert of(pa.array(["日本", "a"]), pinned=frozenset(["日本"])).distinct == 2


def test_four_megabytes_of_text_are_kept_and_not_a_byte_more() -> None:
    half = "x" * (value_counts.MAX_TEXT_BYTES // 2 - 1)
    assert of(pa.array([half + "a", half + "b"])).distinct == 2
    assert of(pa.array([half + "a", half + "b", "c"])).distinct is None


def test_text_that_looks_like_a_number_stays_text_in_json() -> None:
    counts = of(pa.array(["inf", "1", "nan"]))
    assert ValueCounts.from_json(json.loads(json.dumps(counts.to_json()))) == counts


def test_infinite_values_are_text_in_json_and_floats_again_after_it() -> None:
    counts = of(pa.array([float("inf"), float("-inf"), 1.0]))
    raw = json.dumps(counts.to_json(), allow_nan=False)
    assert '[["-inf", 1], [1.0, 1], ["inf", 1]]' in raw
    assert ValueCounts.from_json(json.loads(raw)) == counts


@pytest.mark.parametrize("other", [ValueCounts(9), ValueCounts(10, frozenset([1]))], ids=["cap", "pinned"])
def test_counts_with_another_cap_or_other_pinned_values_do_not_merge(other: ValueCounts) -> None:
    with pytest.raises(ValueError, match=r"caps 10 and (9|10), or of other pinned values, cannot be merged"):
        ValueCounts(10).merge(other)
