from __future__ import annotations

import pyarrow as pa
import pytest

from transforms.recut import recut


def batches(*sizes: int) -> list[pa.RecordBatch]:
    starts = [sum(sizes[:i]) for i in range(len(sizes))]
    return [
        pa.record_batch(
            {
                "n": pa.array(range(start, start + size), pa.int64()),
                "s": pa.array([f"v{(start + i) % 7}" for i in range(size)], pa.string()).dictionary_encode(),
            }
        )
        for start, size in zip(starts, sizes, strict=True)
    ]


@pytest.mark.parametrize("sizes", [(4, 4, 3), (1,) * 11, (11,), (3, 8), (0, 5, 0, 6), (9, 2)])
def test_cuts_are_at_fixed_rows_whatever_the_source_did(sizes: tuple[int, ...]) -> None:
    found = list(recut(batches(*sizes), 4))
    assert [batch.num_rows for batch in found] == [4, 4, 3]
    table = pa.Table.from_batches([batch.set_column(1, "s", batch["s"].cast(pa.string())) for batch in found])
    assert table["n"].to_pylist() == list(range(11))
    assert table["s"].to_pylist() == [f"v{i % 7}" for i in range(11)]


def test_batches_of_the_right_size_are_handed_on_as_they_are() -> None:
    source = batches(4, 4, 2)
    assert all(a is b for a, b in zip(recut(source, 4), source, strict=True))


def test_no_rows_are_no_batches() -> None:
    assert list(recut(batches(0, 0), 4)) == []
