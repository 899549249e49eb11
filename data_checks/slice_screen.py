"""The status of many columns in all slices at once, by the rules of `drift_rules`; none where rounding could decide."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from data_checks.drift_rules import (
    FEW_ROWS_STRICTER,
    MISSING_DRIFT,
    MISSING_RATIO,
    MISSING_WARN,
    MISSING_Z,
    severity,
)
from data_checks.rate_change import chances_of_rate_change
from data_checks.slice_distances import Flags, Floats, ManyDistances, Pair, SideBySide
from schemas.drift_settings import Drift
from schemas.verdicts import DriftStatus

Severities = npt.NDArray[np.int8]

#: In place of a severity: the pair is to be judged by itself.
UNSURE = -1
#: Numbers so near to each other, relative and absolute, may be in the other order with other rounding; the sums here
#: are right to 1e-14.
NEAR = 1e-9
_NEAR_ZERO = 1e-12
#: The same of p-values, relative: those of 1e12 values change by a thousandth where chi-square changes by its rounding.
_NEAR_CHANCE = 0.01
#: Larger counts are left to whole numbers.
_LARGEST = 1 << 40
#: Cells at a time, so that they stay in the processor's cache.
_CELLS = 1 << 16

_OK, _NONE, _FEW, _WARN, _DRIFT = (
    severity(status)
    for status in (
        DriftStatus.OK,
        DriftStatus.NOT_COMPUTED,
        DriftStatus.INSUFFICIENT_DATA,
        DriftStatus.WARN,
        DriftStatus.DRIFT,
    )
)


@dataclass(frozen=True)
class Screen:
    """What is certain of each column in each slice; both of shape (slices, columns)."""

    #: `severity` of the worse status of its values and its missing rate; UNSURE where rounding could decide.
    severities: Severities
    #: PSI to rounding, within NEAR; 0 where a side has no value.
    psi: Floats


def screen(pairs: Sequence[Pair], settings: Drift) -> Screen:
    """Of each column's counts.

    The rules are `judge_values`, and `judge_missing` where chance brings it about less often than the significance.
    """
    slices = len(pairs[0][0]) if pairs else 0
    found = [_screen(SideBySide.of(block), settings) for block in _blocks(pairs)]
    found.append((np.zeros((slices, 0), np.int8), np.zeros((slices, 0))))
    severities, psi = (np.concatenate(parts, axis=1) for parts in zip(*found, strict=True))
    return Screen(severities, psi)


def _blocks(pairs: Sequence[Pair]) -> Iterator[list[Pair]]:
    block: list[Pair] = []
    cells = 0
    for pair in pairs:
        if block and cells + pair[0].size > _CELLS:
            yield block
            block, cells = [], 0
        block.append(pair)
        cells += pair[0].size
    if block:
        yield block


def _screen(columns: SideBySide, settings: Drift) -> tuple[Severities, Floats]:
    (n, m), (a, b) = columns.present, columns.missing
    both, distances = (n > 0) & (m > 0), ManyDistances.of(columns)
    by_values, near_values = _judge_values(distances, settings)
    by_missing, near_missing = _judge_rates((a, a + n), (b, b + m), settings.significance)
    worse = np.maximum(np.where(both, by_values, _NONE), by_missing)
    unsure = (both & near_values) | near_missing | (np.maximum(n + a, m + b) > _LARGEST)
    return np.where(unsure, UNSURE, worse).astype(np.int8), np.where(both, distances.psi, 0.0)


def _judge_values(found: ManyDistances, settings: Drift) -> tuple[npt.NDArray[np.int_], Flags]:
    """`judge_values`, and where one of its comparisons is a near one."""
    warn, drift, js = settings.psi_warn, settings.psi_drift, settings.js_distance_warn**2
    least = min(warn, drift)
    significance = settings.significance * np.where(found.noise >= drift, FEW_ROWS_STRICTER, 1.0)
    chance = (found.p_value >= significance) | (found.psi <= found.noise)
    few = (found.psi >= least) | (found.noise >= least)
    rules = [chance & few, chance, found.psi >= drift, (found.psi >= warn) | (found.js_squared >= js)]
    near = _near(found.psi, warn) | _near(found.psi, drift) | _near(found.noise, least) | _near(found.js_squared, js)
    near |= _near_chance(found.p_value, significance) | _near(found.noise, drift)
    near |= _near(found.psi, found.noise) & (found.p_value < significance)  # of constants both are 0
    return np.select(rules, [_FEW, _OK, _DRIFT, _WARN], _OK), near


def _judge_rates(
    reference: tuple[Floats, Floats], current: tuple[Floats, Floats], significance: float
) -> tuple[npt.NDArray[np.int_], Flags]:
    """`judge_missing` where it is no chance, and where one of its comparisons is a near one."""
    (a, n), (b, m) = ((missing, np.maximum(rows, 1.0)) for missing, rows in (reference, current))
    some = (reference[1] > 0) & (current[1] > 0)
    before, now, z = a / n, b / m, _z((a, n), (b, m))
    delta, size = now - before, np.abs(now - before)
    doubled = now >= MISSING_RATIO * before
    flagged = some & (z > MISSING_Z) & ((size >= MISSING_DRIFT) | ((delta >= MISSING_WARN) & doubled))
    near = _near(size, MISSING_DRIFT) | _near(delta, MISSING_WARN) | _near(z, MISSING_Z)
    near |= _near(now, MISSING_RATIO * before) & (delta > MISSING_WARN / 2)  # without missing values both are 0
    chance = np.ones_like(z)
    chance[flagged] = chances_of_rate_change((a[flagged], n[flagged]), (b[flagged], m[flagged]))
    judged = np.where(size >= MISSING_DRIFT, _DRIFT, _WARN)
    severities = np.where(flagged & (chance < significance), judged, _OK)
    return severities, some & (near | _near_chance(chance, significance))


def _z(reference: tuple[Floats, Floats], current: tuple[Floats, Floats]) -> Floats:
    """The size of `rate_z`."""
    (a, n), (b, m) = reference, current
    pooled = (a + b) / (n + m)
    error = np.sqrt(pooled * (1 - pooled) * (1 / n + 1 / m))
    return np.abs(np.divide(b / m - a / n, error, out=np.zeros_like(error), where=error > 0))


def _near(numbers: Floats, other: Floats | float) -> Flags:
    limit = NEAR * np.minimum(np.abs(numbers), np.abs(other)) + _NEAR_ZERO
    return np.asarray(np.abs(numbers - other) <= limit)


def _near_chance(chance: Floats, significance: Floats | float) -> Flags:
    return np.asarray(np.abs(chance - significance) <= _NEAR_CHANCE * significance)
