"""Whether a column's values go up, or down, in the order of the rows, however the batches arrive."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from data_checks.columns import Mask
from data_checks.expectations.batch_values import Values

Positions = npt.NDArray[np.int64]

_NO_POSITIONS: Positions = np.zeros(0, np.int64)


@dataclass(frozen=True)
class Segment:
    """The rows from `start` to before `stop`, all of them seen. Positions are places in the night's input."""

    start: int
    stop: int
    #: The first and the last present value; None where all are missing.
    first: Any = None
    last: Any = None
    #: Where the first stands; None where examples are not wanted.
    first_position: int | None = None
    present: int = 0
    #: How many break the order inside.
    broken: int = 0
    #: (position, value) of the first of those.
    examples: tuple[tuple[int, Any], ...] = ()


@dataclass
class OrderedSegments:
    """Segments of rows, sorted; those that touch are one. `merge` is exactly commutative and associative.

    A value breaks the order where it is lower (with `decreasing`: higher; with `strictly`: or equal) than the present
    value before it. As in Great Expectations, which subtracts, an infinite value after an equal one never does.
    The size is bounded by the number of gaps between the rows that were seen.
    """

    strictly: bool
    decreasing: bool
    #: How many values that break the order are kept as examples; 0 keeps none, but the ends of the segments.
    limit: int = 0
    segments: list[Segment] = field(default_factory=list)

    def add(self, values: Values, start: int, stop: int, positions: Positions | None = None) -> None:
        """Add the present values, in their order, of the rows from `start` to before `stop`.

        Rows of that range without a value here are missing ones, or a row condition leaves them out. `positions` are
        the values' places, ascending; needed for examples only, and not if every row of the range has a value.
        Raises ValueError when values and rows do not fit, for rows that were added before, and for NaN.
        """
        if stop <= start and not len(values):
            return
        self._check(values, start, stop, positions)
        if not len(values):
            self._insert([Segment(start, stop)])
            return
        if not self.limit:
            positions = _NO_POSITIONS
        elif positions is None:
            positions = np.arange(start, stop)
        self._insert([self._segment(values, start, stop, positions)])

    def merge(self, other: OrderedSegments) -> None:
        """Add `other`, which stays as it is.

        Raises ValueError when it looks for another order, keeps more or fewer examples, or has seen the same rows.
        """
        mine, theirs = ((o.strictly, o.decreasing, o.limit) for o in (self, other))
        if mine != theirs:
            message = f"segments of different orders cannot be merged: (strictly, decreasing, limit) {mine}, {theirs}"
            raise ValueError(message)
        self._insert(other.segments)

    def result(self) -> int:
        """How many present values break the order; over gaps, such as rejected row groups, too."""
        return self._whole().broken

    def examples(self) -> list[tuple[int, Any]]:
        """(position, value) of the first `limit` values that break the order, over gaps too."""
        return list(self._whole().examples)

    def _whole(self) -> Segment:
        whole = Segment(0, 0)
        for segment in self.segments:
            whole = self._joined(whole, segment)
        return whole

    def _check(self, values: Values, start: int, stop: int, positions: Positions | None) -> None:
        rows = stop - start
        if len(values) > rows or (positions is not None and len(positions) != len(values)):
            places = "no" if positions is None else len(positions)
            message = f"{len(values)} values with {places} positions for {rows} rows"
            raise ValueError(message)
        if self.limit and positions is None and 0 < len(values) < rows:
            message = f"examples need the positions of the {len(values)} values among {rows} rows"
            raise ValueError(message)
        if positions is not None and len(positions) and not start <= int(positions[0]) <= int(positions[-1]) < stop:
            message = f"positions {positions[0]} to {positions[-1]} are not among the rows {start} to {stop - 1}"
            raise ValueError(message)
        if values.dtype.kind == "f" and np.isnan(values).any():
            message = "ordered segments take present values only, found NaN"
            raise ValueError(message)

    def _segment(self, values: Values, start: int, stop: int, positions: Positions) -> Segment:
        broken = self._breaks(values[:-1], values[1:])
        shown = np.flatnonzero(broken)[: self.limit] + 1
        return Segment(
            start,
            stop,
            _plain(values[0]),
            _plain(values[-1]),
            int(positions[0]) if self.limit else None,
            len(values),
            int(np.count_nonzero(broken)),
            tuple((int(positions[place]), _plain(values[place])) for place in shown) if self.limit else (),
        )

    def _insert(self, more: list[Segment]) -> None:
        kept: list[Segment] = []
        for segment in sorted([*self.segments, *more], key=lambda item: item.start):
            if kept and segment.start < kept[-1].stop:
                message = f"rows {segment.start} to {min(segment.stop, kept[-1].stop) - 1} are there twice"
                raise ValueError(message)
            if kept and kept[-1].stop == segment.start:
                kept[-1] = self._joined(kept[-1], segment)
            else:
                kept.append(segment)
        self.segments = kept

    def _joined(self, a: Segment, b: Segment) -> Segment:
        """Both as one; the rows between them, if any, count as left out."""
        if not a.present:
            return replace(b, start=a.start)
        if not b.present:
            return replace(a, stop=b.stop)
        breaks = bool(self._breaks(_one(a.last), _one(b.first))[0])
        between = ((b.first_position, b.first),) if breaks and b.first_position is not None else ()
        return replace(
            a,
            stop=b.stop,
            last=b.last,
            present=a.present + b.present,
            broken=a.broken + b.broken + breaks,
            examples=(*a.examples, *between, *b.examples)[: self.limit],
        )

    def _breaks(self, before: Values, after: Values) -> Mask:
        """Shape (values,): True where `after` breaks the order after `before`."""
        if self.decreasing:
            before, after = after, before
        if not self.strictly:
            return np.asarray(after < before)
        broken = np.asarray(after <= before)
        if after.dtype.kind == "f":
            broken &= ~(np.isinf(after) & (after == before))
        return broken

    def to_json(self) -> dict[str, Any]:
        """JSON-compatible and strict: whole numbers exactly, infinite floats as text."""
        return {
            "strictly": self.strictly,
            "decreasing": self.decreasing,
            "limit": self.limit,
            "segments": [_segment_to_json(segment) for segment in self.segments],
        }

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Self:
        """What `to_json` wrote."""
        segments = [_segment_from_json(item) for item in raw["segments"]]
        return cls(bool(raw["strictly"]), bool(raw["decreasing"]), int(raw["limit"]), segments)


def _segment_to_json(segment: Segment) -> dict[str, Any]:
    return vars(segment) | {
        "first": _to_json(segment.first),
        "last": _to_json(segment.last),
        "examples": [[position, _to_json(value)] for position, value in segment.examples],
    }


def _segment_from_json(raw: Mapping[str, Any]) -> Segment:
    examples = tuple((int(position), _from_json(value)) for position, value in raw["examples"])
    ends = {"first": _from_json(raw["first"]), "last": _from_json(raw["last"])}
    return Segment(**{**raw, **ends, "examples": examples})


def _one(value: Any) -> Values:
    """Shape (1,): a float as such, and a whole number of any size exactly."""
    return np.array([value], np.float64 if isinstance(value, float) else object)


def _plain(value: Any) -> Any:
    """The scalar as Python's own, with one zero."""
    plain: Any = value.item() if isinstance(value, np.generic) else value
    return plain + 0.0 if isinstance(plain, float) else plain


def _to_json(value: Any) -> Any:
    return str(value) if isinstance(value, float) and math.isinf(value) else value


def _from_json(value: Any) -> Any:
    return float(value) if isinstance(value, str) else value
