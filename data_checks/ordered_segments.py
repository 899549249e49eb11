"""Whether a column's values go up, or down, in the order of the rows, however the batches arrive."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from data_checks.expectations.batch_values import Values

Positions = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Segment:
    """Rows from `start` to before `stop`: the first and last present value, and how many break the order inside."""

    start: int
    stop: int
    first: Any = None
    last: Any = None
    broken: int = 0
    present: int = 0


@dataclass
class OrderedSegments:
    """Segments of rows, sorted; neighbours are joined. `merge` is exactly commutative and associative.

    A value breaks the order where it is lower (with `decreasing`: higher; with `strictly`: or equal) than the present
    value before it. The size is bounded by the number of gaps between the rows that were seen.
    """

    strictly: bool
    decreasing: bool
    segments: list[Segment] = field(default_factory=list)

    def add(self, values: Values, start: int, stop: int) -> None:
        """Add the present values of the rows from `start` to before `stop`, in their order."""
        if stop <= start:
            return
        broken = int(np.count_nonzero(self._breaks(values[:-1], values[1:])))
        first, last = (_plain(values[0]), _plain(values[-1])) if len(values) else (None, None)
        self._insert([Segment(start, stop, first, last, broken, len(values))])

    def merge(self, other: OrderedSegments) -> None:
        """Add `other`, which stays as it is. Raises ValueError when it looks for another order."""
        if (self.strictly, self.decreasing) != (other.strictly, other.decreasing):
            message = "segments of different orders cannot be merged"
            raise ValueError(message)
        self._insert(other.segments)

    def result(self) -> int:
        """How many present values break the order; over gaps, such as rejected row groups, too."""
        total = Segment(0, 0)
        for segment in self.segments:
            total = self._joined(total, segment)
        return total.broken

    def _insert(self, more: list[Segment]) -> None:
        kept: list[Segment] = []
        for segment in sorted([*self.segments, *more], key=lambda item: item.start):
            if kept and kept[-1].stop == segment.start:
                kept[-1] = self._joined(kept[-1], segment)
            else:
                kept.append(segment)
        self.segments = kept

    def _joined(self, a: Segment, b: Segment) -> Segment:
        if not a.present:
            return Segment(a.start, b.stop, b.first, b.last, b.broken, b.present)
        if not b.present:
            return Segment(a.start, b.stop, a.first, a.last, a.broken, a.present)
        broken = a.broken + b.broken + int(bool(self._breaks(a.last, b.first)))
        return Segment(a.start, b.stop, a.first, b.last, broken, a.present + b.present)

    def _breaks(self, before: Any, after: Any) -> Any:
        """Whether `after` breaks the order after `before`; elementwise for arrays."""
        if self.decreasing:
            before, after = after, before
        return after <= before if self.strictly else after < before

    def to_json(self) -> dict[str, Any]:
        """JSON-compatible and strict: infinite values as text."""
        rows = [[s.start, s.stop, _to_json(s.first), _to_json(s.last), s.broken, s.present] for s in self.segments]
        return {"strictly": self.strictly, "decreasing": self.decreasing, "segments": rows}

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Self:
        """What `to_json` wrote."""
        rows = [Segment(a, b, _from_json(c), _from_json(d), e, f) for a, b, c, d, e, f in raw["segments"]]
        return cls(bool(raw["strictly"]), bool(raw["decreasing"]), rows)


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def _to_json(value: Any) -> Any:
    return str(value) if isinstance(value, float) and math.isinf(value) else value


def _from_json(value: Any) -> Any:
    return float(value) if isinstance(value, str) else value
