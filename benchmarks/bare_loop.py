"""The least that scoring a night can cost: read, predict, write. No checks, no drift, no accounts, nothing published.

    python benchmarks/bare_loop.py JOB_FOLDER --date 2024-01-01 --threads 2 --out OUT_FOLDER

Every batch of pyarrow's becomes a float32 matrix with the codes of the categories, `inplace_predict` scores it, and
key and score go to one zstd Parquet file for each input file. Categories are mapped dictionary by dictionary, never
row by row. It believes its input: no contract, no checksums. With --processes 2 each process scores half of the
files: what two workers that do nothing else can gain on this machine.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from synthetic_rows import FEATURES, KEY, TEXTS

BATCH_ROWS = 32_768


def import_xgboost() -> Any:
    """The module xgboost without scikit-learn, as nightscore imports it too: the cheaper way."""
    sys.modules["sklearn"] = None  # type: ignore[assignment]  # None is how Python marks what must not be found
    import xgboost  # noqa: PLC0415  # only from here on is scikit-learn out of sight

    del sys.modules["sklearn"]
    return xgboost


def matrix(batch: pa.RecordBatch) -> npt.NDArray[np.float32]:
    """Shape (rows, features), each feature contiguous; NaN where missing."""
    made = np.empty((len(FEATURES), batch.num_rows), np.float32)
    for place, name in enumerate(FEATURES):
        column = batch.column(name)
        if name in TEXTS:
            known = pc.index_in(column.dictionary, pa.array(TEXTS[name]))
            codes = np.append(known.to_numpy(zero_copy_only=False).astype(np.float32), np.float32(np.nan))
            column = column.indices.fill_null(len(codes) - 1)
            made[place] = codes[column.to_numpy()]
        else:
            made[place] = column.to_numpy(zero_copy_only=False)
    return made.T


def batches(path: Path) -> Iterator[pa.RecordBatch]:
    """The file's batches, cut as nightscore cuts them."""
    file = pq.ParquetFile(path, read_dictionary=list(TEXTS), pre_buffer=False)
    for group in range(file.num_row_groups):
        yield from file.iter_batches(BATCH_ROWS, [group], [KEY, *FEATURES], use_threads=False)


def score_night(files: list[Path], model: Path, out: Path, threads: int) -> int:
    """Score the files; returns how many rows."""
    booster = import_xgboost().Booster({"nthread": threads}, model_file=str(model))
    booster.set_param({"nthread": threads})
    schema = pa.schema([pa.field(KEY, pa.int64()), pa.field("score", pa.float32())])
    rows = 0
    for path in files:
        with pq.ParquetWriter(out / path.name, schema, compression="zstd", use_dictionary=False) as writer:
            for batch in batches(path):
                scores = booster.inplace_predict(matrix(batch))
                writer.write_batch(pa.RecordBatch.from_arrays([batch.column(KEY), pa.array(scores)], schema=schema))
                rows += batch.num_rows
    return rows


def main() -> None:
    """Read the command line and score the night."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("job", type=Path, help="a folder that generate.py made")
    parser.add_argument("--date", required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--out", type=Path, required=True, help="an empty folder for the scores")
    options = parser.parse_args()
    files = sorted(options.job.glob(f"input/*={options.date}/*.parquet"))
    model = options.job / "model" / "churn.ubj"
    shares = [
        (files[first :: options.processes], model, options.out, options.threads) for first in range(options.processes)
    ]
    if len(shares) == 1:
        rows = [score_night(*shares[0])]
    else:
        with multiprocessing.get_context("spawn").Pool(len(shares)) as pool:
            rows = pool.starmap(score_night, shares, chunksize=1)
    print(json.dumps({"rows": sum(rows)}))


if __name__ == "__main__":
    main()
