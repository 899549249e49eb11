from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from data_checks.columns import BatchColumns
from data_checks.expectations.batch_values import BatchValues
from data_checks.expectations.logical_type import LogicalType
from data_checks.ordered_segments import OrderedSegments
from schemas.contract import Column
from transforms.arrow_types import arrow_type

Rng = np.random.Generator
TYPES = ("int8", "int64", "float32", "float64", "date", "timestamp", "timestamp[UTC]", "decimal(12,2)", "decimal(38,4)")
CASES = 30  # of each type
LIMIT = 4


@dataclass(frozen=True)
class Table:
    """A night: some rows are rejected, so that nobody sees them, and a condition may leave out others."""

    column: pa.Array
    rejected: np.ndarray[Any, np.dtype[np.bool_]]
    selected: np.ndarray[Any, np.dtype[np.bool_]] | None


def random_table(rng: Rng, kind: str) -> Table:
    rows = int(rng.choice([0, 1, 2, 20, 80]))
    steps = rng.choice([0, 1, 1, 2, -1], rows) * rng.choice([1, -1])
    whole = np.clip(np.cumsum(steps), -100, 100)
    values = pa.array(whole).cast(pa.int32() if kind == "date" else pa.int64())
    if kind.startswith("float"):
        odd = rng.choice([np.nan, np.inf, -np.inf, -0.0], rows)
        values = pa.array(np.where(rng.random(rows) < 0.3, odd, whole / 10))
    if kind.startswith("decimal"):
        values = values.cast(pa.decimal128(19, 0))
    gone = rng.random(rows) < rng.choice([0.0, 0.2, 0.6, 1.0], p=[0.3, 0.4, 0.2, 0.1])
    if kind.startswith("int"):
        gone[:] = False  # pandas makes floats of whole numbers with nulls: those have their own test
    masked = pa.array([None if absent else value for absent, value in zip(gone, values.to_pylist(), strict=True)])
    column = (masked if len(masked) else values).cast(values.type).cast(arrow_type(Column(name="x", type=kind)))
    rejected = np.repeat(rng.random(rows // 8 + 1) < rng.choice([0.0, 0.3]), 8)[:rows]
    return Table(column, rejected, rng.random(rows) < 0.6 if rng.random() < 0.5 else None)


def pieces(rng: Rng, table: Table) -> list[tuple[int, int]]:
    """Row ranges without a rejected row, in any order."""
    edges = np.flatnonzero(np.diff(table.rejected.astype(np.int8))) + 1
    cuts = sorted({0, len(table.column), *edges.tolist(), *rng.integers(0, len(table.column) + 1, 6).tolist()})
    found = [(a, b) for a, b in pairwise(cuts) if not table.rejected[a]]
    return [found[place] for place in rng.permutation(len(found))]


def add_piece(segments: OrderedSegments, table: Table, start: int, stop: int) -> None:
    column, positions = table.column.slice(start, stop - start), np.arange(start, stop)
    if table.selected is not None:
        chosen = table.selected[start:stop]
        column, positions = column.filter(pa.array(chosen)), positions[chosen]
    values = BatchValues(BatchColumns(pa.record_batch({"x": column})), positions)
    missing = values.missing("x")
    segments.add(values.present("x"), start, stop, positions if missing is None else positions[~missing])


def in_parts(rng: Rng, table: Table, empty: OrderedSegments) -> OrderedSegments:
    """Cut anywhere, added in any order to several states that travel as JSON, and merged two by two in any order."""
    states = [OrderedSegments.from_json(empty.to_json()) for _ in range(3)]
    for start, stop in pieces(rng, table):
        add_piece(states[rng.integers(0, 3)], table, start, stop)
    states = [travelled(state) for state in states]
    while len(states) > 1:
        left, right = (states.pop(int(rng.integers(0, len(states)))) for _ in range(2))
        left.merge(right)
        states.append(left)
    return states[0]


def travelled(segments: OrderedSegments) -> OrderedSegments:
    again = OrderedSegments.from_json(json.loads(json.dumps(segments.to_json(), allow_nan=False)))
    assert again == segments
    return again


def by_great_expectations(table: Table, empty: OrderedSegments) -> dict[str, Any]:
    """GX's own result on the whole table at once."""
    from great_expectations.core.batch import Batch
    from great_expectations.execution_engine import PandasExecutionEngine
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration
    from great_expectations.expectations.row_conditions import Column as ConditionColumn
    from great_expectations.validator.metrics_calculator import MetricsCalculator
    from great_expectations.validator.validator import Validator

    logging.getLogger("great_expectations").setLevel(logging.CRITICAL + 1)
    selected = np.ones(len(table.column), np.bool_) if table.selected is None else table.selected
    frame = pa.table({"x": table.column, "selected": selected.astype(np.int8)}).to_pandas()[~table.rejected]
    engine = PandasExecutionEngine(batch_data_dict={"night": frame})
    validator = Validator(execution_engine=engine, batches=[Batch(data=engine.batch_manager.active_batch_data)])
    validator._metrics_calculator = MetricsCalculator(engine, show_progress_bars=False)
    kwargs: dict[str, Any] = {"column": "x", "strictly": empty.strictly}
    if table.selected is not None:
        kwargs["row_condition"] = ConditionColumn("selected") == 1
    kind = f"expect_column_values_to_be_{'decreasing' if empty.decreasing else 'increasing'}"
    runtime = {"result_format": {"result_format": "COMPLETE"}}
    (result,) = validator.graph_validate([ExpectationConfiguration(type=kind, kwargs=kwargs)], runtime)
    assert not result.exception_info["raised_exception"], result.exception_info
    found: dict[str, Any] = result.result
    return found


@pytest.mark.parametrize("kind", TYPES)
def test_any_split_and_merge_order_finds_what_great_expectations_finds_in_the_whole_table(kind: str) -> None:
    broken = 0
    for seed in range(CASES):
        rng = np.random.default_rng(seed)
        table = random_table(rng, kind)
        empty = OrderedSegments(bool(seed & 1), bool(seed & 2), LIMIT)
        found, theirs = in_parts(rng, table, empty), by_great_expectations(table, empty)
        places = theirs.get("unexpected_index_list") or []
        logical = LogicalType.of(kind)
        assert found.result() == theirs["unexpected_count"], f"seed {seed}"
        assert [place for place, _ in found.examples()] == places[:LIMIT], f"seed {seed}"
        for place, value in found.examples():
            assert logical.python(value) == table.column[place].as_py()
        broken += found.result()
    assert broken > CASES


@pytest.mark.parametrize("kind", ["int8", "int32", "int64", "uint8", "uint64", "wide"])
def test_whole_numbers_are_compared_exactly_as_by_pandas_on_python_integers(kind: str) -> None:
    """pandas subtracts in the column's own width, where 1 - 2 of unsigned numbers, and extremes, wrap around."""
    edges = [-(10**30), 10**30, 10**30 + 1] if kind == "wide" else []
    if kind != "wide":
        limits = np.iinfo(kind)
        edges = [int(limits.min), int(limits.min) + 1, int(limits.max), int(limits.max) - 1]
    for seed in range(CASES):
        rng = np.random.default_rng(seed)
        pool = [*edges, 2, 3, 4, *([2**53, 2**53 + 1] if kind.endswith("64") else [])]
        plain = [pool[place] for place in rng.integers(0, len(pool), 30)]
        values = np.array(plain, object if kind == "wide" else kind)
        cuts = sorted({0, 30, *rng.integers(0, 31, 4).tolist()})
        for strictly, decreasing in ((False, False), (True, False), (False, True), (True, True)):
            steps = pd.Series(plain, dtype=object).diff() * (-1 if decreasing else 1)
            expected = (steps <= 0) if strictly else (steps < 0)
            found = OrderedSegments(strictly, decreasing, 100)
            for a, b in rng.permutation(list(pairwise(cuts))).tolist():
                found.add(values[a:b], a, b)
            places = np.flatnonzero(expected).tolist()
            assert (found.result(), found.examples()) == (len(places), [(p, plain[p]) for p in places])


def of(*values: float, limit: int = 0, strictly: bool = False) -> OrderedSegments:
    segments = OrderedSegments(strictly, decreasing=False, limit=limit)
    segments.add(np.array(values), 0, len(values))
    return segments


def test_the_first_value_breaks_nothing_nor_does_no_value() -> None:
    assert (of(7).result(), of(7, strictly=True).result(), of().result()) == (0, 0, 0)
    assert of().segments == []


def test_both_zeros_are_equal() -> None:
    assert of(0.0, -0.0).result() == of(-0.0, 0.0).result() == 0
    assert of(0.0, -0.0, strictly=True).result() == 1
    assert "-0.0" not in json.dumps(of(-0.0, 1, -0.0, limit=3).to_json())


def test_an_infinite_value_after_an_equal_one_breaks_no_order_as_great_expectations_subtracts_them() -> None:
    inf = float("inf")
    assert of(-inf, -inf, 1, inf, inf, strictly=True).result() == 0
    halves = of(inf, strictly=True)
    halves.add(np.array([inf]), 1, 2)
    assert halves.result() == 0
    assert of(inf, -inf).result() == 1


def test_whole_numbers_of_which_some_are_null_stay_exact_where_pandas_makes_floats_of_them() -> None:
    column = pa.array([2**53 + 1, None, 2**53])
    values = BatchValues(BatchColumns(pa.record_batch({"x": column}))).present("x")
    segments = OrderedSegments(strictly=False, decreasing=False)
    segments.add(values, 0, 3)
    assert segments.result() == 1
    assert not (column.to_pandas().dropna().diff() < 0).any()


def test_a_batch_of_missing_values_alone_joins_its_neighbours() -> None:
    segments = OrderedSegments(strictly=False, decreasing=False, limit=5)
    segments.add(np.array([1, 2]), 6, 8)
    segments.add(np.array([9, 5]), 0, 2)
    assert len(segments.segments) == 2
    segments.add(np.array([], np.int64), 2, 6)
    assert len(segments.segments) == 1
    assert (segments.result(), segments.examples()) == (2, [(1, 5), (6, 1)])


def test_rows_that_nobody_saw_are_bridged_at_the_end() -> None:
    segments = of(1, 5, limit=1)
    segments.add(np.array([3.0, 4.0]), 100, 102)
    assert len(segments.segments) == 2
    assert (segments.result(), segments.examples()) == (1, [(100, 3.0)])


def test_examples_are_none_unless_asked_for() -> None:
    segments = of(3, 2, 1)
    assert (segments.result(), segments.examples()) == (2, [])
    assert segments.segments[0].first_position is None


def test_values_and_rows_that_do_not_fit_are_refused() -> None:
    segments = OrderedSegments(strictly=False, decreasing=False, limit=2)
    with pytest.raises(ValueError, match="3 values with no positions for 2 rows"):
        segments.add(np.arange(3), 0, 2)
    with pytest.raises(ValueError, match="3 values with 1 positions for 4 rows"):
        segments.add(np.arange(3), 0, 4, np.array([0]))
    with pytest.raises(ValueError, match="examples need the positions of the 3 values among 4 rows"):
        segments.add(np.arange(3), 0, 4)
    with pytest.raises(ValueError, match="positions 3 to 5 are not among the rows 0 to 4"):
        segments.add(np.arange(2), 0, 5, np.array([3, 5]))
    with pytest.raises(ValueError, match="present values only, found NaN"):
        segments.add(np.array([np.nan]), 0, 1)


def test_rows_that_are_added_twice_are_refused_and_nothing_changes() -> None:
    segments, again = of(1, 2, 3), of(1, 2)
    before = segments.to_json()
    with pytest.raises(ValueError, match="rows 0 to 1 are there twice"):
        segments.merge(again)
    with pytest.raises(ValueError, match="rows 2 to 2 are there twice"):
        segments.add(np.array([3.0, 4.0]), 2, 4)
    assert segments.to_json() == before


@pytest.mark.parametrize("other", [(True, False, 0), (False, True, 0), (False, False, 1)])
def test_segments_of_another_order_or_number_of_examples_do_not_merge(other: tuple[bool, bool, int]) -> None:
    with pytest.raises(ValueError, match=r"segments of different orders cannot be merged: .*\(False, False, 0\)"):
        OrderedSegments(strictly=False, decreasing=False).merge(OrderedSegments(*other))
