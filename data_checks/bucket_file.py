"""Entries of one unit in one file, ordered by bucket, so that each bucket's can be read by themselves.

    int64 number of buckets, int64[number + 1] where each begins and the last one ends, the entries; all little-endian

A night reads every bucket of every unit's file, so the format is one that needs no parsing.
"""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import Any, BinaryIO

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
        (number,) = _NUMBER.unpack(_read(stream, 0, _NUMBER.size, path))
        if not 0 <= bucket < number:
            message = f"{path.name} has {number:,} buckets, no bucket {bucket}"
            raise ValueError(message)
        start, stop = _BOUNDS.unpack(_read(stream, _NUMBER.size * (bucket + 1), _BOUNDS.size, path))
        if not 0 <= start <= stop:
            message = f"{path.name} is damaged: bucket {bucket} begins at entry {start:,} and ends at {stop:,}"
            raise ValueError(message)
        begins = _NUMBER.size * (number + 2) + start * entry.itemsize
        return np.frombuffer(_read(stream, begins, (stop - start) * entry.itemsize, path), entry)


def _read(stream: BinaryIO, begins: int, wanted: int, path: Path) -> bytes:
    """So many bytes from there on. The size is asked first: a damaged number may want more memory than there is."""
    size, needed = os.fstat(stream.fileno()).st_size, begins + wanted
    if needed <= size:
        stream.seek(begins)
        if len(data := stream.read(wanted)) == wanted:
            return data
    message = f"{path.name} was cut short or is damaged: it must have {needed:,} bytes or more, and has {size:,}"
    raise ValueError(message)
