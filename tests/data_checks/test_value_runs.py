from __future__ import annotations

import datetime as dt
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from data_checks.columns import BatchColumns
from data_checks.expectations.batch_values import BatchValues
from data_checks.value_runs import NumberKind, ValueRun, ValueRuns, keys_of, values_of

TINY = 5e-324
LEAP = dt.datetime(2024, 2, 29, 1, 2, 3, 4, tzinfo=dt.UTC)
OLD = dt.datetime(1900, 1, 1, tzinfo=dt.UTC)
ORDERED: dict[NumberKind, Any] = {
    "float": np.array([-np.inf, -1.7e308, -1.0, -2.3e-308, -TINY, 0.0, TINY, 2.3e-308, 1.0, 1.7e308, np.inf]),
    "signed": np.array([-(2**63), -(2**53) - 1, -(2**53), -1, 0, 1, 2**53, 2**53 + 1, 2**63 - 1]),
    "unsigned": np.array([0, 1, 2**53 + 1, 2**63 - 1, 2**63, 2**63 + 1, 2**64 - 1], np.uint64),
}


def opened(folder: Path, kind: NumberKind, *parts: Any, positions: bool = False) -> ValueRuns:
    paths, row = [], 0
    for unit, part in enumerate(parts):
        run = ValueRun(kind, positions=positions)
        run.add(part, np.arange(row, row + len(part)))
        row += len(part)
        paths.append(run.write(folder, unit, "a"))
    return ValueRuns([path for path in paths if path is not None], kind)


def everything(values: Any) -> Any:
    return np.ones(len(values), np.bool_)


@pytest.mark.parametrize("kind", ORDERED)
def test_keys_go_up_with_the_values_and_give_them_back_exactly(kind: NumberKind) -> None:
    values = ORDERED[kind]
    keys = keys_of(values, kind)
    assert keys.dtype == np.uint64
    assert (keys[1:] > keys[:-1]).all()
    assert values_of(keys, kind).dtype == values.dtype
    assert values_of(keys, kind).tobytes() == values.tobytes()


def test_keys_of_random_bits_sort_as_the_floats_do(rng: np.random.Generator) -> None:
    floats = rng.integers(0, 2**64, 20_000, np.uint64).view(np.float64)
    floats = floats[~np.isnan(floats)]
    keys = keys_of(floats, "float")
    assert values_of(np.sort(keys), "float").tobytes() == np.sort(floats + 0.0).tobytes()


def test_the_two_zeros_are_one_value() -> None:
    assert len(set(keys_of(np.array([0.0, -0.0]), "float").tolist())) == 1
    assert not np.signbit(values_of(keys_of(np.array([-0.0]), "float"), "float"))[0]


@pytest.mark.parametrize("width", [np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint16, np.uint32, np.float32])
def test_narrow_values_have_the_keys_of_wide_ones(width: type) -> None:
    values = np.array([1, 0, 100], width)
    kind: NumberKind = {"i": "signed", "u": "unsigned", "f": "float"}[values.dtype.kind]  # type: ignore[assignment]
    wide = values.astype({"signed": np.int64, "unsigned": np.uint64, "float": np.float64}[kind])
    assert keys_of(values, kind).tolist() == keys_of(wide, kind).tolist()


@pytest.mark.parametrize(
    "column",
    [
        pa.array([dt.date(2024, 2, 29), None, dt.date(1969, 12, 31)]),
        pa.array([LEAP, None, OLD], pa.timestamp("us")),
        pa.array([LEAP, None, OLD], pa.timestamp("us", "UTC")),
        pa.array([12, None, -7], pa.int8()).cast(pa.decimal128(12, 2)),
        pa.array([1.5, None, float("nan"), -0.5]),
    ],
)
def test_a_columns_present_values_are_kept_without_the_missing_ones(tmp_path: Path, column: pa.Array) -> None:
    batch = pa.record_batch({"x": column})
    present = BatchValues(BatchColumns(batch)).present("x")
    kind: NumberKind = "float" if present.dtype.kind == "f" else "signed"
    runs = opened(tmp_path, kind, present)
    assert [runs.at_rank(rank)[0] for rank in range(2)] == sorted(present.tolist())
    assert len(runs) == 2


def test_values_of_another_kind_are_refused_before_they_are_rounded_or_turn_negative() -> None:
    with pytest.raises(TypeError, match="int64 values cannot be kept as float numbers"):
        ValueRun("float").add(np.array([2**53 + 1]))
    with pytest.raises(TypeError, match="uint64 values cannot be kept as signed numbers"):
        ValueRun("signed").add(np.array([2**63], np.uint64))
    with pytest.raises(TypeError, match="float64 values cannot be kept as unsigned numbers"):
        ValueRun("unsigned").add(np.array([0.5]))
    wide = pa.array([1], pa.int8()).cast(pa.decimal128(38, 4))
    with pytest.raises(TypeError, match="more than 64 bits cannot be kept in order"):
        ValueRun("signed").add(BatchValues(BatchColumns(pa.record_batch({"x": wide}))).present("x"))


def test_runs_that_do_not_belong_together_are_refused() -> None:
    with pytest.raises(ValueError, match="runs of float and signed numbers cannot be merged"):
        ValueRun("float").merge(ValueRun("signed"))
    with pytest.raises(ValueError, match="a run with positions and one without cannot be merged"):
        ValueRun("float", positions=True).merge(ValueRun("float"))


@pytest.mark.parametrize(("positions", "number"), [(None, 0), (np.arange(2), 2)])
def test_there_is_one_position_a_value(positions: Any, number: int) -> None:
    with pytest.raises(ValueError, match=f"{number} positions for 3 values"):
        ValueRun("float", positions=True).add(np.zeros(3), positions)


def test_a_file_holds_its_entries_by_key_and_then_by_position(tmp_path: Path) -> None:
    run = ValueRun("signed", positions=True)
    run.add(np.array([5, -1, 5]), np.array([9, 8, 3]))
    run.add(np.array([5, -1]), np.array([4, 1]))
    path = run.write(tmp_path, 7, "try")
    assert path is not None
    assert path.name == "unit-000007-try.npy"
    assert np.load(path)["position"].tolist() == [1, 8, 3, 4, 9]
    assert values_of(np.load(path)["key"].copy(), "signed").tolist() == [-1, -1, 5, 5, 5]


def test_nothing_makes_no_file_and_no_file_has_no_values(tmp_path: Path) -> None:
    run = ValueRun("float")
    run.add(np.zeros(0))
    assert run.write(tmp_path / "new", 0, "a") is None
    assert not (tmp_path / "new").exists()
    none = ValueRuns([], "float")
    assert len(none) == none.count_true(everything) == none.count_true(everything, 0.0) == 0
    with pytest.raises(IndexError, match="rank 0 of 0 values"):
        none.at_rank(0)


def test_a_rank_beyond_the_values_is_refused(tmp_path: Path) -> None:
    runs = opened(tmp_path, "float", np.array([1.0, 2.0]))
    for rank in (-1, 2):
        with pytest.raises(IndexError, match=f"rank {rank} of 2 values"):
            runs.at_rank(rank)


@pytest.mark.parametrize("length", [1, 4095, 4096, 4097, 8192, 12_289])
@pytest.mark.parametrize("positions", [False, True])
def test_every_rank_is_found_at_the_seams_of_the_stretches_that_are_read(
    tmp_path: Path, rng: np.random.Generator, length: int, *, positions: bool
) -> None:
    values = rng.integers(-50, 50, length) * 3
    runs = opened(tmp_path, "signed", values, positions=positions)
    ordered = np.sort(values)
    seams = {0, 1, 4094, 4095, 4096, 4097, 8191, 8192, length - 1}
    for rank in (rank for rank in seams if rank < length):
        assert runs.at_rank(rank)[0] == ordered[rank]
    for edge in range(-152, 152):
        assert runs.count_true(lambda found, edge=edge: found < edge) == int((values < edge).sum())


@pytest.mark.parametrize("kind", ORDERED)
def test_a_count_is_that_of_the_test_put_to_every_value(
    tmp_path: Path, rng: np.random.Generator, kind: NumberKind
) -> None:
    values = rng.choice(ORDERED[kind], 300)
    runs = opened(tmp_path, kind, *np.split(values, [10, 11, 200]))
    for edge in ORDERED[kind]:
        for test in (lambda v, e=edge: v < e, lambda v, e=edge: v <= e, lambda v, e=edge: v >= e, everything):
            assert runs.count_true(test) == int(test(values).sum())
        apart = lambda v, e=edge: v != e  # noqa: E731
        assert runs.count_true(apart, edge) == int(apart(values).sum())


def test_values_that_pass_come_with_their_positions_in_pieces(tmp_path: Path, rng: np.random.Generator) -> None:
    values = rng.normal(size=200_000)
    runs = opened(tmp_path, "float", values[:150_000], values[150_000:], positions=True)
    pieces = list(runs.true_values(lambda found: np.abs(found) > 0.1, 0.0))
    assert max(len(found) for found, _ in pieces) == 65_536
    places = np.concatenate([at for _, at in pieces])
    assert sorted(places.tolist()) == np.flatnonzero(np.abs(values) > 0.1).tolist()
    assert (np.concatenate([found for found, _ in pieces]) == values[places]).all()


def test_values_without_positions_cannot_be_named(tmp_path: Path) -> None:
    runs = opened(tmp_path, "float", np.zeros(3))
    with pytest.raises(ValueError, match="were kept without their rows' positions"):
        list(runs.true_values(everything))


def test_a_search_holds_little_of_what_it_searches(tmp_path: Path, rng: np.random.Generator) -> None:
    parts = np.split(rng.normal(size=2_000_000), 8)
    for positions in (False, True):
        tracemalloc.start()
        paths = []
        for unit, part in enumerate(parts):
            run = ValueRun("float", positions=positions)
            run.add(part, np.arange(len(part)))
            paths.append(run.write(tmp_path / str(positions), unit, "a"))
            del run
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        runs = ValueRuns([path for path in paths if path], "float")
        runs.at_rank(1_000_000)
        runs.count_true(lambda found: np.abs(found) > 1, 0.0)
        peak = tracemalloc.get_traced_memory()[1] - before
        tracemalloc.stop()
        assert peak < 1_000_000  # bytes; the values are 16 million


def test_open_runs_take_no_file_descriptors(tmp_path: Path) -> None:
    """A mapping of each file took one of the process's descriptors, so a night of 1,000 units could not be judged."""
    resource = pytest.importorskip("resource")
    run = ValueRun("float")
    run.add(np.array([1.0, 2.0]))
    written = run.write(tmp_path, 0, "a")
    assert written is not None
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(200, hard), hard))
        runs = ValueRuns([written] * 1000, "float")
        assert runs.at_rank(1000)[0] == 2.0
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
