"""Whether the bare loop and nightscore gave the same score to the same key: `python same_scores.py BARE SCORED`."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from synthetic_rows import KEY


def by_key(folder: Path, score: str) -> tuple[np.ndarray, np.ndarray]:
    """(keys, scores), ascending by key."""
    table = pq.read_table(sorted(folder.glob("*.parquet")), columns=[KEY, score], partitioning=None)
    keys, scores = table[KEY].to_numpy(), table[score].to_numpy()
    order = np.argsort(keys, kind="stable")
    return keys[order], scores[order]


def main() -> None:
    """Compare, and exit with an error where a bit differs."""
    bare_keys, bare = by_key(Path(sys.argv[1]), "score")
    keys, scores = by_key(Path(sys.argv[2]), "p_churn")
    if not np.array_equal(bare_keys, keys):
        sys.exit(f"{len(bare_keys):,} keys of the bare loop and {len(keys):,} of nightscore are not the same")
    different = int(np.count_nonzero(bare != scores))
    if different:
        sys.exit(f"{different:,} of {len(keys):,} scores differ, by {np.abs(bare - scores).max()} at most")
    print(f"{len(keys):,} scores are the same, bit for bit")


if __name__ == "__main__":
    main()
