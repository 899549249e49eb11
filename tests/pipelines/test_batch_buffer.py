"""Rows wait in memory up to a limit and on disk beyond it, and come back as they went in."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from pipelines.stages.batch_buffer import BatchBuffer


def batches_of(rng: np.random.Generator, count: int) -> list[pa.RecordBatch]:
    """Batches with nulls, NaN and text of changing length."""
    made = []
    for size in rng.integers(1, 400, count):
        words = [None if word % 9 == 0 else "ä" * int(word) for word in rng.integers(0, 30, size)]
        numbers = rng.normal(size=size)
        numbers[:1] = np.nan
        made.append(pa.record_batch({"x": pa.array(numbers, mask=rng.random(size) < 0.2), "s": pa.array(words)}))
    return made


@pytest.mark.parametrize("limit", [0, 1, 5_000, 10**9], ids=["all spill", "one byte", "some spill", "none spills"])
def test_what_comes_out_is_what_went_in(tmp_path: Path, rng: np.random.Generator, limit: int) -> None:
    batches = batches_of(rng, 25)
    buffer = BatchBuffer(tmp_path / "staged", memory_bytes=limit)
    for batch in batches:
        buffer.append(batch)
    assert bool(list(tmp_path.rglob("spill-*"))) == (limit < 10**9)
    out = list(buffer.drain())
    assert pa.Table.from_batches(out).to_pydict().keys() == {"x", "s"}
    assert [b.serialize() for b in out] == [b.serialize() for b in batches]
    assert not list(tmp_path.rglob("spill-*"))


def test_batches_cut_from_a_large_one_are_held_by_their_own_size(tmp_path: Path) -> None:
    whole = pa.record_batch({"x": pa.array(np.arange(100_000))})
    buffer = BatchBuffer(tmp_path / "staged", memory_bytes=10_000)
    buffer.append(whole.slice(500, 10))
    assert not (tmp_path / "staged").exists()
    assert next(buffer.drain())["x"].to_pylist() == list(range(500, 510))


def test_a_filled_buffer_can_be_used_again_after_it_was_drained(tmp_path: Path) -> None:
    buffer = BatchBuffer(tmp_path / "staged", memory_bytes=0)
    for turn in range(3):
        buffer.append(pa.record_batch({"turn": [turn]}))
        assert [b["turn"].to_pylist() for b in buffer.drain()] == [[turn]]
    assert list(buffer.drain()) == []


def test_closing_forgets_the_rows_and_their_file(tmp_path: Path) -> None:
    buffer = BatchBuffer(tmp_path / "staged", memory_bytes=0)
    buffer.append(pa.record_batch({"x": [1, 2]}))
    buffer.close()
    assert list(tmp_path.rglob("*.arrow")) == []
    assert list(buffer.drain()) == []


def test_batches_without_rows_make_no_file(tmp_path: Path) -> None:
    buffer = BatchBuffer(tmp_path / "staged", memory_bytes=0)
    buffer.append(pa.record_batch({"x": pa.array([], pa.int64())}))
    assert list(buffer.drain()) == []
    assert not (tmp_path / "staged").exists()
