"""64-bit hashes of keys, the same on any machine, and a checksum over them that the rows' order does not change."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.types as pt

from data_checks.expectations.batch_values import ticks
from data_checks.mixing import Words, chain, mix
from data_checks.text_hash import hash_text

Hashes = Words

#: Of a null: no other value's hash but by chance.
_NULL = np.uint64(0x9AE16A3B2F90404F)
_MASK = (1 << 64) - 1


def hash_rows(batch: pa.RecordBatch, columns: Sequence[str]) -> Hashes:
    """Shape (rows,): a hash of the named columns' values; which column holds which value matters.

    Integers, dates and times hash by value whatever their width; the hash of one such column is a bijection, so it has
    no collisions among present values. -0.0 is 0.0, and NaN is null, which is one value. Text hashes alike as
    plain text and in a dictionary. Decimals hash by their digits at the column's scale. Raises TypeError for nested
    columns and ValueError for no columns.
    """
    if not columns:
        message = "a key needs at least one column"
        raise ValueError(message)
    hashes = [hash_array(batch.column(name)) for name in columns]
    total = hashes[0]
    for other in hashes[1:]:
        total = mix(chain(total, other))
    return total


def hash_array(array: pa.Array) -> Hashes:
    """Shape (rows,): a hash of each value."""
    if pt.is_dictionary(array.type):
        table = np.append(hash_array(array.dictionary), _NULL)
        codes = array.indices.cast(pa.int64()).fill_null(len(table) - 1).to_numpy(zero_copy_only=False)
        taken: Hashes = table[codes]
        return taken
    hashes = _hash_values(array)
    if array.null_count:
        hashes[array.is_null().to_numpy(zero_copy_only=False)] = _NULL
    return hashes


def checksum(hashes: Hashes) -> int:
    """Sum modulo 2**64: independent of order, additive over any split."""
    return int(np.sum(hashes, dtype=np.uint64)) & _MASK


def _hash_values(array: pa.Array) -> Hashes:
    """Of each value; anything where null."""
    kind = array.type
    if pt.is_floating(kind):
        values = array.cast(pa.float64()).to_numpy(zero_copy_only=False) + 0.0
        return np.where(np.isnan(values), _NULL, mix(values.view(np.uint64)))
    if pt.is_decimal128(kind):
        return _hash_decimals(array)
    if pt.is_string(kind) or pt.is_binary(kind) or pt.is_large_string(kind) or pt.is_large_binary(kind):
        return hash_text(array)
    whole = ticks(array)
    return mix(whole.astype(np.uint64 if whole.dtype.kind == "u" else np.int64).view(np.uint64))


def _hash_decimals(array: pa.Array) -> Hashes:
    buffer = array.buffers()[1]
    if buffer is None:
        return np.zeros(len(array), np.uint64)
    halves = np.frombuffer(buffer, "<u8", 2 * len(array), array.offset * 16)
    return mix(chain(mix(halves[1::2]), halves[0::2]))
