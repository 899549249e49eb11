"""Keys that occur more than once, exactly, across all files: hashes on disk, confirmed by the values.

Each unit leaves its (hash, row position) pairs in a file, by the hash's highest bits and then in the rows' order.
Equal keys have equal hashes and so meet in one bucket, which is small enough to be sorted in memory. Only rows whose
hash occurs twice are read again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from data_checks.bucket_file import read_bucket, write_bucket_file
from data_checks.columns import BatchColumns
from data_checks.key_hash import Hashes, hash_rows
from data_checks.skipped_rows import Skip, skipped_rows

Positions = npt.NDArray[np.int64]
ValuesOf = Callable[[Positions], pa.Table]

#: Rows of one bucket that are sorted at once, about: 16 bytes each, and as much again while sorting.
ROWS_PER_BUCKET = 2_500_000
#: 16 buckets: enough for 40 million rows of that size, and few enough files.
BUCKET_BITS = 4
_MOST_BITS = 12
#: What a bucket file of keys holds.
ENTRY = np.dtype([("hash", "<u8"), ("position", "<i8")])


def bucket_bits(rows: int) -> int:
    """How many of the hash's bits choose the bucket, so that `rows` keys make buckets of at most 2.5 million."""
    return min(max((rows - 1) // ROWS_PER_BUCKET, 0).bit_length(), _MOST_BITS)


def bucket_cuts(bits: int) -> Hashes:
    """The first hash of each of the 2**bits buckets but the first."""
    return np.arange(1, 1 << bits, dtype=np.uint64) << np.uint64((64 - bits) % 64)


class KeyHashes:
    """The keys of the rows seen so far, as hashes with each row's position in the night's input.

    Rows in which a column of the key is null or NaN are left out; with `skip` "all" only those in which all are, with
    "never" none, and then nulls are equal to each other. Everything that one run merges or compares must be
    of the same `bits`.
    """

    def __init__(self, bits: int = BUCKET_BITS) -> None:
        self.bits = bits
        self._hashes: list[Hashes] = []
        self._positions: list[Positions] = []

    def add(self, batch: pa.RecordBatch, columns: Sequence[str], positions: Positions, skip: Skip = "any") -> None:
        """Add a batch's keys. Raises ValueError unless there is one position a row."""
        if len(positions) != batch.num_rows:
            message = f"{len(positions)} positions for {batch.num_rows} rows"
            raise ValueError(message)
        hashes = hash_rows(batch, columns)
        skipped = skipped_rows(BatchColumns(batch), columns, skip)
        if skipped is not None:
            hashes, positions = hashes[~skipped], positions[~skipped]
        self._hashes.append(hashes)
        self._positions.append(positions)

    def merge(self, other: KeyHashes) -> None:
        """Add `other`, which stays as it is. Raises ValueError when it has other buckets."""
        if self.bits != other.bits:
            message = f"key hashes with {self.bits} and {other.bits} bits of bucket cannot be merged"
            raise ValueError(message)
        self._hashes += other._hashes
        self._positions += other._positions

    def write(self, folder: Path, unit: int, name: str) -> Path | None:
        """Write a bucket file, in the rows' order within a bucket. None without keys.

        The same keys give the same bytes, in whatever order they were added. `name` tells this attempt from another.
        """
        if not any(len(hashes) for hashes in self._hashes):
            return None
        hashes, positions = _in_place_order(np.concatenate(self._hashes), np.concatenate(self._positions))
        buckets = (
            (hashes >> np.uint64(64 - self.bits)).astype(np.uint16) if self.bits else np.zeros(len(hashes), np.uint16)
        )
        order = np.argsort(buckets, kind="stable")  # of 16 bits: a radix sort
        entries = np.empty(len(order), ENTRY)
        entries["hash"], entries["position"] = hashes[order], positions[order]
        ends = np.cumsum(np.bincount(buckets, minlength=1 << self.bits))
        return write_bucket_file(folder / f"unit-{unit:06d}-{name}.keys", entries, ends)


def _in_place_order(hashes: Hashes, positions: Positions) -> tuple[Hashes, Positions]:
    """By position, which no two rows share; mostly they are in order already."""
    if bool((positions[1:] > positions[:-1]).all()):
        return hashes, positions
    order = np.argsort(positions)
    return hashes[order], positions[order]


def find_duplicates(paths: Sequence[Path], bucket: int, values_of: ValuesOf | None = None) -> Positions:
    """Ascending positions of every row whose key occurs at least twice in that bucket of the files.

    `values_of` gives the key's columns at ascending positions, one row each; rows with equal hashes count as duplicates
    only if these are equal. None: equal hashes are equal keys, as they are for one column of whole numbers.
    Raises ValueError when `values_of` gives another number of rows.
    """
    positions = _same_hash(paths, bucket)
    if values_of is None or not len(positions):
        return positions
    values = values_of(positions)
    if values.num_rows != len(positions):
        message = f"asked for the keys of {len(positions)} rows, got {values.num_rows}"
        raise ValueError(message)
    return positions[_repeated(values)]


def _same_hash(paths: Sequence[Path], bucket: int) -> Positions:
    """Ascending positions of the rows whose hash occurs at least twice."""
    hashes = _field(paths, bucket, "hash", np.uint64)
    hashes.sort()
    if not bool((hashes[1:] == hashes[:-1]).any()):  # the usual case, in six tenths of the memory
        return np.zeros(0, np.int64)
    hashes, positions = _field(paths, bucket, "hash", np.uint64), _field(paths, bucket, "position", np.int64)
    order = np.argsort(hashes)
    hashes = hashes[order]
    same = hashes[1:] == hashes[:-1]
    repeated = np.zeros(len(hashes), np.bool_)
    repeated[1:] |= same
    repeated[:-1] |= same
    return np.sort(positions[order[repeated]])


def _field(paths: Sequence[Path], bucket: int, name: str, kind: type[np.generic]) -> npt.NDArray[Any]:
    """One field of the bucket's entries, of that type; no more than one file's are in memory whole."""
    fields = [read_bucket(path, bucket, ENTRY)[name].copy() for path in paths]
    return np.concatenate([np.zeros(0, kind), *fields])


def _repeated(values: pa.Table) -> npt.NDArray[np.bool_]:
    """Shape (rows,): True where another row has the same values."""
    groups = np.zeros(values.num_rows, np.int64)
    for column in values.columns:
        codes = _codes(column)
        _, groups = np.unique(groups * (int(codes.max(initial=0)) + 1) + codes, return_inverse=True)
    return np.asarray(np.bincount(groups)[groups] > 1)


def _codes(column: pa.ChunkedArray) -> npt.NDArray[np.int64]:
    """A number for each value, the same for the same value."""
    if pt.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pt.is_floating(column.type):
        column = pc.add(column, pa.scalar(0.0, column.type))  # Arrow tells -0.0 from 0.0
        column = pc.if_else(pc.is_nan(column), pa.scalar(None, column.type), column)
    encoded = column.combine_chunks().dictionary_encode()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.combine_chunks()
    codes: npt.NDArray[np.int64] = encoded.indices.cast(pa.int64()).fill_null(-1).to_numpy(zero_copy_only=False)
    return codes + 1
