"""64-bit hashes of text and binary columns, eight bytes at a time over the Arrow buffers."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.types as pt

from data_checks.mixing import Words, chain, mix

#: Longer values are hashed one by one: rounds over all rows would cost as much as the longest of them.
_LONGEST = 128
_WORD = 8
#: Keeps the first 0 to 8 bytes of a little-endian word.
_MASKS = np.array([(1 << (8 * kept)) - 1 for kept in range(_WORD + 1)], np.uint64)

_Offsets = npt.NDArray[np.int64]


def hash_text(array: pa.Array) -> Words:
    """Shape (rows,): of each value's bytes and their number; anything where null.

    The same on any machine. Different values of at most eight bytes and one length have different hashes.
    """
    starts, data = _bytes_of(array)
    starts, lengths = starts[:-1], np.diff(starts)
    hashes = mix(lengths.astype(np.uint64))
    windows = np.ndarray((max(len(data) - _WORD + 1, 0),), "<u8", data, 0, (1,))  # every eight bytes, unaligned
    short = np.minimum(lengths, _LONGEST)
    for place in range(0, int(short.max(initial=0)), _WORD):
        left = lengths - place
        rows = slice(None) if left.min() > 0 else np.flatnonzero(left > 0)
        words = windows[starts[rows] + place].astype(np.uint64) & _MASKS[np.minimum(left[rows], _WORD)]
        hashes[rows] = chain(hashes[rows], words)
    hashes = mix(hashes)
    for row in np.flatnonzero(lengths > _LONGEST):
        value = data[starts[row] : starts[row] + lengths[row]].tobytes()
        hashes[row] = int.from_bytes(hashlib.blake2b(value, digest_size=_WORD).digest(), "little")
    return hashes


def _bytes_of(array: pa.Array) -> tuple[_Offsets, npt.NDArray[np.uint8]]:
    """(where each value starts and the last one ends, all bytes and eight zeros more)."""
    large = pt.is_large_string(array.type) or pt.is_large_binary(array.type)
    width: type[np.signedinteger[Any]] = np.int64 if large else np.int32
    _, offsets_buffer, data_buffer = array.buffers()
    if offsets_buffer is None or not len(array):
        return np.zeros(len(array) + 1, np.int64), np.zeros(_WORD, np.uint8)
    size = np.dtype(width).itemsize
    offsets = np.frombuffer(offsets_buffer, width, len(array) + 1, array.offset * size).astype(np.int64)
    first, last = int(offsets[0]), int(offsets[-1])
    data = np.zeros(last - first + _WORD, np.uint8)
    if data_buffer is not None and last > first:
        data[:-_WORD] = np.frombuffer(data_buffer, np.uint8, last - first, first)
    return offsets - first, data
