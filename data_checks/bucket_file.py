"""Entries of one unit in one file, ordered by bucket, so that each bucket's can be read by themselves.

    int64 number of buckets, int64[number + 1] where each begins and the last one ends, the entries; all little-endian

A night reads every bucket of every unit's file, so the format is one that needs no parsing.
"""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

_NUMBER, _BOUNDS = struct.Struct("<q"), struct.Struct("<qq")


def write_bucket_file(path: Path, entries: npt.NDArray[Any], ends: npt.NDArray[np.int64]) -> Path:
    """Write the entries, which are ordered by bucket; `ends` has one item a bucket, the last one all entries' number.

    Returns the path. The folder is made where it is not there.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as stream:
        stream.write(np.array([len(ends), 0, *ends], "<i8").data)
        stream.write(np.ascontiguousarray(entries).data)
    return path


def read_bucket(path: Path, bucket: int, kind: npt.DTypeLike) -> npt.NDArray[Any]:
    """The entries of one bucket, of type `kind`, as they were written; read-only.

    Raises ValueError when the file has no such bucket, or is damaged so that it ends before the bucket does.
    """
    entry = np.dtype(kind)
    with path.open("rb") as stream:
        (number,) = _NUMBER.unpack(_exactly(stream.read(_NUMBER.size), _NUMBER.size, path))
        if not 0 <= bucket < number:
            message = f"{path.name} has {number:,} buckets, no bucket {bucket}"
            raise ValueError(message)
        size = os.fstat(stream.fileno()).st_size
        head = _NUMBER.size * (number + 2)
        _refuse_beyond(head, size, path)
        stream.seek(_NUMBER.size * (bucket + 1))
        start, stop = _BOUNDS.unpack(_exactly(stream.read(_BOUNDS.size), _BOUNDS.size, path))
        if not 0 <= start <= stop:
            message = f"{path.name} is damaged: bucket {bucket} begins at entry {start:,} and ends at {stop:,}"
            raise ValueError(message)
        _refuse_beyond(head + stop * entry.itemsize, size, path)
        stream.seek(head + start * entry.itemsize)
        wanted = (stop - start) * entry.itemsize
        return np.frombuffer(_exactly(stream.read(wanted), wanted, path), entry)


def _refuse_beyond(needed: int, size: int, path: Path) -> None:
    """Before anything is read: a damaged number may ask for more memory than there is."""
    if needed > size:
        message = f"{path.name} was cut short or is damaged: it must have {needed:,} bytes or more, and has {size:,}"
        raise ValueError(message)


def _exactly(data: bytes, wanted: int, path: Path) -> bytes:
    if len(data) != wanted:
        message = f"{path.name} was cut short: of {wanted:,} bytes {len(data):,} are there"
        raise ValueError(message)
    return data
