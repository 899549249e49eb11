"""A row group that is damaged half-way through a file: rejected whole and counted, or the night is not published."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

DATE = "2024-03-01"
GROUP_ROWS = 40_000
BAD = range(2 * GROUP_ROWS, 3 * GROUP_ROWS)


def damaged_file(job: Any, make_rows: Callable[..., pa.Table]) -> Path:
    """Four row groups of two batches each; one bit in the last data page of the third one's x is flipped.

    So its first batch can be read, and has rows that would be quarantined.
    """
    rows = make_rows(4 * GROUP_ROWS)
    n = rows["n"].to_numpy().copy()
    n[[5, BAD.start + 5]] = 999
    rows = rows.set_column(rows.column_names.index("n"), "n", pa.array(n))
    options = {"row_group_size": GROUP_ROWS, "compression": "none", "data_page_size": 50_000, "use_dictionary": False}
    path: Path = job.write(DATE, "a.parquet", rows, **options)
    chunk = pq.ParquetFile(path).metadata.row_group(2).column(1)
    data = bytearray(path.read_bytes())
    data[chunk.data_page_offset + chunk.total_compressed_size - 100] ^= 1
    path.write_bytes(data)
    return path


def test_by_default_nothing_is_published_and_the_row_group_is_named(
    small_job: Any, make_rows: Callable[..., pa.Table]
) -> None:
    damaged_file(small_job, make_rows)
    result = small_job.run(DATE)
    assert (result["status"], result["exit_code"], result["code"]) == ("failed", 3, "corrupt_page")
    assert result["message"].startswith("a.parquet: row group 2: ")
    assert not small_job.partition(DATE).exists()


@pytest.mark.parametrize("rows_per_unit", [1_000, 1_000_000])
def test_isolated_it_leaves_no_trace_but_its_count(
    small_job: Any, make_rows: Callable[..., pa.Table], rows_per_unit: int
) -> None:
    damaged_file(small_job, make_rows)
    more = f"rows_per_unit: {rows_per_unit}\non_bad_file: isolate\nmax_rejected: {{share: 30%}}"
    small_job.edit("job.yaml", "rows_per_unit: 1000", more)
    result = small_job.run(DATE)
    folder = small_job.run_folder(result)
    kept = 3 * GROUP_ROWS
    assert result["rows"] == {
        "rows_in": 4 * GROUP_ROWS,
        "scored": kept - 1,
        "quarantined": 1,
        "dropped": 0,
        "rejected": GROUP_ROWS,
    }
    assert not np.isin(small_job.scored(DATE)["id"].to_numpy(), np.array(BAD)).any()
    outcome = json.loads((folder / "outcome.json").read_bytes())
    assert [(r["file"], r["row_group"], r["rows"], r["code"]) for r in outcome["rejected"]] == [
        ("a.parquet", 2, GROUP_ROWS, "corrupt_page")
    ]
    assert outcome["checks"]["domains"][0]["rows"] == outcome["profile"]["rows_conformed"] == kept
    assert outcome["profile"]["rows_scored"] == kept - 1
    quarantine = [row for path in (folder / "quarantine").iterdir() for row in pq.read_table(path).to_pylist()]
    assert [row["id"] for row in quarantine] == [5]


def test_too_many_rejected_rows_hold_the_night(small_job: Any, make_rows: Callable[..., pa.Table]) -> None:
    damaged_file(small_job, make_rows)
    small_job.edit("job.yaml", "rows_per_unit: 1000", "rows_per_unit: 1000\non_bad_file: isolate")
    result = small_job.run(DATE)
    assert (result["status"], result["exit_code"]) == ("held", 3)
    assert "40,000 of 160,000" in result["reasons"][0]


def test_keys_of_a_rejected_row_group_make_no_other_row_a_duplicate(
    small_job: Any, make_rows: Callable[..., pa.Table]
) -> None:
    damaged_file(small_job, make_rows)
    small_job.write(DATE, "b.parquet", make_rows(100, first_id=BAD.start))
    small_job.edit("job.yaml", "rows_per_unit: 1000", "on_bad_file: isolate\nmax_rejected: {share: 30%}")
    assert small_job.run(DATE)["status"] == "published"
    small_job.write(DATE, "c.parquet", make_rows(100, first_id=50))
    held = small_job.run(DATE)
    assert "id: 200 of 120,200 values occur more than once" in held["reasons"][0]
