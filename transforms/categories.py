"""Text against a fixed list of categories: codes, and what becomes of a value that is not in the list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms.column_values import MISSING, Codes, Mask, Text

UnknownPolicy = Literal["error", "quarantine", "missing", "other"]

#: The names that a category for all unknown values may have, the first found counts.
OTHER_NAMES = ("other", "__other__")
_UNKNOWN = -2


@dataclass(frozen=True)
class Coded:
    """Places in the list of categories."""

    #: Shape (rows,), int32; -1 where missing, and where unknown unless the policy is `other`.
    codes: Codes
    #: Shape (rows,), True where the value is not in the list; None when all are.
    unknown: Mask | None
    #: Row number to the unknown value.
    unknown_values: Mapping[int, str]


def encode(text: Text, categories: pa.Array, policy: UnknownPolicy) -> Coded:
    """The codes of the text in the order of `categories`.

    The distinct values are looked up once, never the rows. So the code of a row depends on its value and the list
    alone, whatever else is in the batch.
    """
    found = pc.index_in(text.values, value_set=categories)
    # A last entry for code -1, which indexes the last.
    codes = np.append(found.fill_null(_UNKNOWN).to_numpy(), MISSING).astype(np.int32)[text.codes]
    unknown = codes == _UNKNOWN
    if not found.null_count or not unknown.any():
        return Coded(codes, None, {})
    rows = np.flatnonzero(unknown)
    values = text.values.take(pa.array(text.codes[rows])).to_pylist()
    codes[unknown] = other_code(categories.to_pylist()) if policy == "other" else MISSING
    return Coded(codes, unknown, dict(zip(rows.tolist(), values, strict=True)))


def other_code(categories: Sequence[str]) -> int:
    """The place of the category for unknown values. Raises ValueError when there is none."""
    for name in OTHER_NAMES:
        if name in categories:
            return list(categories).index(name)
    message = f"no category named {' or '.join(OTHER_NAMES)}"
    raise ValueError(message)
