"""The straight line through a side's nights: fixed cost and cost of a million rows, and how memory grows."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from whole_job.results import Results, Run

#: So many rows are one unit of work and one output part of nightscore, by its default.
UNIT_ROWS = 500_000
_MILLION = 1e6

Pick = Callable[[Sequence[float]], float]
PICKS: tuple[tuple[str, Pick], ...] = (("best", min), ("median", statistics.median))


@dataclass(frozen=True)
class Line:
    """Seconds at no rows, and for every further million."""

    fixed: float
    per_million: float


def cost(runs: Sequence[Run], name: str, pick: Pick) -> float:
    """A field of the cost, over the runs of one night."""
    return pick([run[name] for run in runs])


def line(results: Results, side: str, name: str, pick: Pick, sizes: tuple[int, int] | None = None) -> Line | None:
    """The line through two nights, by default the smallest and the largest; None where there are no two."""
    known = results.sizes(side)
    if len(known) < 2 and sizes is None:  # noqa: PLR2004  # a line needs two points
        return None
    low, high = sizes or (known[0], known[-1])
    at_low, at_high = (cost(results.good(side, rows), name, pick) for rows in (low, high))
    slope = (at_high - at_low) / (high - low) * _MILLION
    return Line(at_low - slope * low / _MILLION, slope)


@dataclass(frozen=True)
class Growth:
    """From one night to the next larger one."""

    low: int
    high: int
    #: CPU seconds a million rows, by the line through both.
    per_million: float
    #: Rows a second of both, larger by smaller.
    speed: float
    #: Largest sum of PSS, larger by smaller.
    memory: float
    #: CPU seconds of the driver for each further unit of work.
    driver_per_unit: float


def growth(results: Results, side: str, pick: Pick = min) -> list[Growth]:
    """Every step of a side's nights."""
    sizes, found = results.sizes(side), []
    for low, high in itertools.pairwise(sizes):
        small, large = results.good(side, low), results.good(side, high)
        walls = [cost(runs, "wall", pick) for runs in (small, large)]
        peaks = [cost(runs, "peak_mb", max) for runs in (small, large)]
        drivers = [cost(runs, "driver_cpu", pick) for runs in (small, large)]
        through = line(results, side, "cpu", pick, (low, high))
        assert through is not None
        units = (high - low) / UNIT_ROWS
        speed = (high / walls[1]) / (low / walls[0])
        found.append(
            Growth(low, high, through.per_million, speed, peaks[1] / peaks[0], (drivers[1] - drivers[0]) / units)
        )
    return found
