"""Whether a side gave every key the bare loop's score: `python -m whole_job.equality EXACT KEY ROWS FOLDER COLUMN`.

EXACT is an array of the bare loop's scores; where it does not exist, FOLDER's become it. Keys are 0 to ROWS - 1, so
that a score's place is its key and nothing needs sorting: 8 bytes a row.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq

_BATCH = 1 << 20


def _batches(folder: Path, key: str, score: str) -> Iterator[tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]]:
    for path in sorted(folder.rglob("*.parquet")):
        if not path.name.startswith((".", "_")):
            for batch in pq.ParquetFile(path).iter_batches(_BATCH, columns=[key, score]):
                yield batch.column(key).to_numpy(), batch.column(score).to_numpy(zero_copy_only=False)


def compare(exact: Path, key: str, rows: int, folder: Path, score: str) -> dict[str, Any]:
    """How many keys are missing or too many, how many scores differ, and by how much at most.

    Scores are compared as float32, which is what the model gives: bit for bit but for the sign of zero.
    """
    scores = np.full(rows, np.nan, np.float32)
    found = strange = 0
    for keys, values in _batches(folder, key, score):
        known = (keys >= 0) & (keys < rows)
        strange += int(np.count_nonzero(~known))
        scores[keys[known]] = values[known]
        found += len(keys)
    missing = int(np.count_nonzero(np.isnan(scores)))
    result: dict[str, Any] = {"missing": missing, "too_many": found - (rows - missing), "strange": strange}
    if not exact.exists():
        exact.parent.mkdir(exist_ok=True)
        unfinished = exact.with_suffix(".unfinished.npy")
        np.save(unfinished, scores)
        unfinished.rename(exact)
    bare = np.load(exact, mmap_mode="r")
    different, largest = 0, 0.0
    for start in range(0, rows, _BATCH):
        one, other = bare[start : start + _BATCH], scores[start : start + _BATCH]
        unlike = one != other
        different += int(np.count_nonzero(unlike))
        apart = np.abs(one[unlike].astype(np.float64) - other[unlike])
        largest = max(largest, float(np.nanmax(apart, initial=0.0)))
    return result | {"different": different, "largest": largest}


def main() -> None:
    """Compare and print the result as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("exact", type=Path)
    parser.add_argument("key")
    parser.add_argument("rows", type=int)
    parser.add_argument("folder", type=Path)
    parser.add_argument("column")
    options = parser.parse_args()
    print(json.dumps(compare(options.exact, options.key, options.rows, options.folder, options.column)))


if __name__ == "__main__":
    main()
