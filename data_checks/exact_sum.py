"""The exact sum of whole numbers."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

#: Values of this width cannot overflow a 64-bit sum of a batch: 2**31 batches' rows would be needed.
_SAFE_BYTES = 4
_LOW_HALF = 0xFFFFFFFF


@dataclass
class ExactSum:
    """Count and sum as Python integers. `merge` is exactly commutative and associative, the empty sum its identity."""

    count: int = 0
    total: int = 0

    def add(self, values: npt.NDArray[Any]) -> None:
        """Add a batch of present values: integers of any width, or Python integers. Fewer than 2**31 at a time."""
        self.count += len(values)
        self.total += _exact(values)

    def merge(self, other: ExactSum) -> None:
        """Add `other`, which stays as it is."""
        self.count += other.count
        self.total += other.total

    def to_json(self) -> dict[str, Any]:
        """JSON-compatible; the total as text, since it may be beyond what other readers hold."""
        return asdict(self) | {"total": str(self.total)}

    @classmethod
    def from_json(cls, raw: dict[str, Any]) -> Self:
        """The sum that `to_json` wrote."""
        return cls(int(raw["count"]), int(raw["total"]))


def _exact(values: npt.NDArray[Any]) -> int:
    if values.dtype == object:
        return int(sum(values.tolist()))
    if values.dtype.itemsize <= _SAFE_BYTES:
        return int(values.sum(dtype=np.uint64 if values.dtype.kind == "u" else np.int64))
    low = int((values & values.dtype.type(_LOW_HALF)).sum(dtype=np.uint64))
    return (int((values >> values.dtype.type(32)).sum()) << 32) + low
