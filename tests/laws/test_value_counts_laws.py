"""The laws of test_measure_laws.py for counts of values of each kind, with a cap that is passed and one that is not."""

from __future__ import annotations

import itertools
import json
import pickle
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from data_checks.columns import BatchColumns
from data_checks.expectations.batch_values import BatchValues
from data_checks.value_counts import ValueCounts

PINNED: dict[str, frozenset[Any]] = {
    "whole": frozenset([3, 2**62]),
    "float": frozenset([0.5, float("inf")]),
    "text": frozenset(["a", "zz"]),
    "wide": frozenset([10**20, -1]),
}
CAPS = (0, 4, 1000)
Case = tuple[str, int]
every_case = pytest.mark.parametrize(
    "case", list(itertools.product(PINNED, CAPS)), ids=lambda case: f"{case[0]}-{case[1]}"
)
some_seeds = pytest.mark.parametrize("seed", range(5))


def random_rows(rng: np.random.Generator, rows: int) -> pa.RecordBatch:
    def null() -> np.ndarray[Any, np.dtype[np.bool_]]:
        return rng.random(rows) < 0.2

    whole = rng.choice([2**62, 2**62 + 1, -5, 3, 4, 2**53 + 1], rows)
    wide = pa.array(rng.choice([10**18, -1, 7], rows), mask=null()).cast(pa.decimal128(19, 0))
    words = rng.choice(["a", "ab", "b", "日本", "", "e\u0301"], rows)
    return pa.record_batch(
        {
            "whole": pa.array(whole, mask=null()),
            "float": pa.array(rng.choice([0.5, -0.0, 0.0, np.nan, np.inf, -np.inf, 1e300], rows), mask=null()),
            "text": pa.array(words.tolist(), pa.string(), mask=null()).dictionary_encode(),
            "wide": wide.cast(pa.decimal128(38, 2)),
        }
    )


def random_batches(rng: np.random.Generator, count: int = 5) -> list[pa.RecordBatch]:
    return [random_rows(rng, int(rng.integers(0, 12))) for _ in range(count)]


def empty(case: Case) -> ValueCounts:
    return ValueCounts(case[1], PINNED[case[0]])


def add(counts: ValueCounts, case: Case, batch: pa.RecordBatch) -> None:
    values = BatchValues(BatchColumns(batch))
    if values.columns.is_text(case[0]):
        counts.add_words(values.words(case[0]))
    else:
        counts.add_values(values.present(case[0]))


def of(case: Case, *batches: pa.RecordBatch) -> ValueCounts:
    counts = empty(case)
    for batch in batches:
        add(counts, case, batch)
    return counts


def merged(case: Case, *parts: ValueCounts) -> ValueCounts:
    whole = empty(case)
    for part in parts:
        whole.merge(part)
    return whole


def bits(counts: ValueCounts) -> str:
    return json.dumps(counts.to_json(), sort_keys=True, allow_nan=False)


@every_case
def test_empty_counts_change_nothing_on_either_side(case: Case, rng: np.random.Generator) -> None:
    found = of(case, *random_batches(rng))
    assert bits(merged(case, found, empty(case))) == bits(merged(case, empty(case), found)) == bits(found)
    assert bits(of(case, random_rows(rng, 0))) == bits(empty(case))


@every_case
@some_seeds
def test_order_and_grouping_of_merges_do_not_show(case: Case, seed: int) -> None:
    rng = np.random.default_rng(seed)
    batches = random_batches(rng)
    whole, parts = bits(of(case, *batches)), [of(case, batch) for batch in batches]
    assert bits(of(case, *(batches[place] for place in rng.permutation(5)))) == whole
    assert bits(merged(case, *(parts[place] for place in rng.permutation(5)))) == whole
    left = merged(case, merged(case, *parts[:2]), merged(case, *parts[2:]))
    right = merged(case, parts[0], merged(case, parts[1], merged(case, *parts[2:])))
    assert bits(left) == bits(right) == whole


@every_case
@some_seeds
def test_where_the_batches_are_cut_does_not_show(case: Case, seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = random_rows(rng, 60)
    place = int(rng.integers(0, 61))
    assert bits(of(case, rows.slice(0, place), rows.slice(place))) == bits(of(case, rows))


@every_case
def test_merging_leaves_the_right_side_as_it_was_and_shares_nothing_with_it(
    case: Case, rng: np.random.Generator
) -> None:
    left, right = empty(case), of(case, *random_batches(rng))
    before = bits(right)
    left.merge(right)
    assert bits(right) == bits(left) == before
    add(right, case, random_rows(rng, 50))
    assert bits(left) == before


@every_case
def test_they_survive_pickle_and_strict_json_and_can_go_on_from_there(case: Case, rng: np.random.Generator) -> None:
    first, second = random_batches(rng), random_batches(rng)
    whole = bits(of(case, *first, *second))
    for copy in (
        pickle.loads(pickle.dumps(of(case, *first))),  # noqa: S301
        ValueCounts.from_json(json.loads(bits(of(case, *first)))),
    ):
        assert copy == of(case, *first)
        copy.merge(of(case, *second))
        assert bits(copy) == whole


@every_case
def test_their_size_does_not_grow_with_the_rows(case: Case, rng: np.random.Generator) -> None:
    rows = random_rows(rng, 1000)
    assert len(bits(of(case, *[rows] * 50))) < len(bits(of(case, rows))) + 100


def test_their_size_does_not_grow_with_the_different_values_either() -> None:
    few, many = ValueCounts(100), ValueCounts(100)
    few.add_values(np.arange(101) * 10**9)
    many.add_values(np.arange(100_000) * 10**9)
    assert many.counts == few.counts == {}
    assert len(bits(many)) < len(bits(few)) + 10
