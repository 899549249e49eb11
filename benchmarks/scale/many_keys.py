"""Unique keys: files of hashes, and looking for repeats in them bucket by bucket."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from scale.dimension import Case, Dimension, Found
from scale.stage_costs import StageCosts
from scale.tables import Table, megabytes

_UNIT_ROWS, _BATCH_ROWS = 500_000, 32_768
#: (rows, bits of the hash that choose a bucket; None: as many as a run takes, every so manieth key is a repeat).
SHAPES = ((1_000_000, None, 0), (10_000_000, None, 0), (10_000_000, None, 100), (10_000_000, 0, 0), (10_000_000, 9, 0))


def prepare(folder: Path, case: Case) -> None:
    """Nothing: the files are made and removed again by the case itself."""


def run(folder: Path, case: Case) -> dict[str, Any]:
    """Write the units' files of a key of whole numbers, then look into every bucket."""
    from data_checks.uniqueness import bucket_bits, find_duplicates  # noqa: PLC0415  # only in the process that measures

    rows, costs = case["rows"], StageCosts()
    bits = bucket_bits(rows) if case["bits"] is None else case["bits"]
    scratch = Path(tempfile.mkdtemp(dir=folder))
    try:
        paths = [
            _write_unit(scratch, first, min(_UNIT_ROWS, rows - first), bits, case, costs)
            for first in range(0, rows, _UNIT_ROWS)
        ]
        repeated = 0
        for bucket in range(1 << bits):
            with costs.stage("find"):
                repeated += len(find_duplicates(paths, bucket))
        files = list(scratch.iterdir())
        sizes = {"files": len(files), "bytes": sum(path.stat().st_size for path in files)}
    finally:
        shutil.rmtree(scratch)
    return {"stages": costs.to_json(), "buckets": 1 << bits, "repeated": repeated, **sizes}


def _write_unit(folder: Path, first: int, count: int, bits: int, case: Case, costs: StageCosts) -> Path:
    import pyarrow as pa  # noqa: PLC0415

    from data_checks.uniqueness import KeyHashes  # noqa: PLC0415

    keys = KeyHashes(bits)
    values = np.arange(first, first + count, dtype=np.int64)
    if case["every"]:
        values[:: case["every"]] = 7
    batch = pa.record_batch({"key": pa.array(values)})
    with costs.stage("write"):
        for start in range(0, count, _BATCH_ROWS):
            part = batch.slice(start, _BATCH_ROWS)
            keys.add(part, ["key"], np.arange(first + start, first + start + part.num_rows))
        written = keys.write(folder, first // _UNIT_ROWS, "attempt")
    assert written is not None, f"no keys in unit {first // _UNIT_ROWS}"
    return written


def tables(found: Sequence[Found]) -> Sequence[Table]:
    """One line a case."""
    rows = []
    for item in found:
        millions, stages = item.case["rows"] / 1e6, item.values["stages"]
        write, find = stages["write"], stages["find"]
        sizes = item.case["rows"], item.values["buckets"], item.values["files"], megabytes(item.values["bytes"])
        cost = write["cpu"] / millions, find["cpu"] / millions, write["rise_mb"], find["rise_mb"]
        rows.append([*sizes, *cost, item.values["repeated"]])
    columns = ["rows", "buckets", "files", "MB", "writing, CPU s a million rows", "looking, CPU s a million rows"]
    columns += ["writing a unit, MB of memory", "looking into a bucket, MB of memory", "rows of repeated keys"]
    return (Table(f"unique keys, units of {_UNIT_ROWS:,} rows", columns, rows),)


KEYS = Dimension(
    "keys",
    "unique keys of up to 10,000,000 rows",
    [{"rows": rows, "bits": bits, "every": every} for rows, bits, every in SHAPES],
    prepare,
    run,
    tables,
)
