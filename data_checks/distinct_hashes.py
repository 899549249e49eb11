"""How many different keys there are, across all files: the different hashes of each unit in a file, by bucket.

For one column of whole numbers that is exact; for others but for collisions of 64 bits (one pair in 5 * 10**9 keys).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from data_checks.bucket_file import read_bucket, write_bucket_file
from data_checks.columns import BatchColumns
from data_checks.key_hash import Hashes, hash_rows
from data_checks.skipped_rows import Skip, skipped_rows
from data_checks.uniqueness import bucket_cuts

#: Hashes that are kept before the repeated ones among them are thrown out.
_PENDING = 1_000_000
#: What a bucket file of different keys holds.
HASH = np.dtype("<u8")


class DistinctHashes:
    """The different keys of the rows seen so far. What one run merges or compares must be of the same `bits`."""

    def __init__(self, bits: int) -> None:
        self.bits = bits
        self._hashes: list[Hashes] = []
        self._pending = 0

    def add(self, batch: pa.RecordBatch, columns: Sequence[str], skip: Skip = "any") -> None:
        """Add a batch's keys, but for those that `skip` leaves out because of missing values."""
        hashes = hash_rows(batch, columns)
        skipped = skipped_rows(BatchColumns(batch), columns, skip)
        self._keep(np.unique(hashes if skipped is None else hashes[~skipped]))

    def merge(self, other: DistinctHashes) -> None:
        """Add `other`, which stays as it is. Raises ValueError when it has other buckets."""
        if self.bits != other.bits:
            message = f"distinct hashes with {self.bits} and {other.bits} bits of bucket cannot be merged"
            raise ValueError(message)
        for hashes in other._hashes:
            self._keep(hashes)

    def _keep(self, hashes: Hashes) -> None:
        self._hashes.append(hashes)
        self._pending += len(hashes)
        if self._pending > _PENDING:
            self._hashes = [np.unique(np.concatenate(self._hashes))]
            self._pending = 0

    def write(self, folder: Path, unit: int, name: str) -> Path | None:
        """Write a bucket file of ascending hashes. None without keys. `name` tells attempts apart."""
        hashes = np.unique(np.concatenate([np.zeros(0, np.uint64), *self._hashes]))
        if not len(hashes):
            return None
        ends = np.append(np.searchsorted(hashes, bucket_cuts(self.bits)), len(hashes))
        return write_bucket_file(folder / f"unit-{unit:06d}-{name}.keys", hashes.astype(HASH, copy=False), ends)


def count_distinct(paths: Sequence[Path], bucket: int) -> int:
    """How many different hashes that bucket of the files holds."""
    hashes = [read_bucket(path, bucket, HASH) for path in paths]
    return len(np.unique(np.concatenate([np.zeros(0, np.uint64), *hashes])))
