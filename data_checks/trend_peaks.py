"""Which nights of a series stand out, and since when a column has been out of order."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from schemas.verdicts import DriftStatus

#: Modified z-score from which a night stands out: 0.6745 (x - median) / MAD (Iglewicz and Hoaglin 1993).
PEAK_Z = 3.5
_NORMAL = 0.6745
#: Of the nights that stand out those are peaks that are at least so high above the median, as a share of the highest.
_OF_THE_HIGHEST = 0.75
#: With fewer nights there is no saying what an ordinary one is.
_LEAST_NIGHTS = 5
#: What is true of more nights than this share is no peak.
_MOST_NIGHTS = 0.2
#: Share of the nights since a date that must be in drift or warn for it to count as lasting since then; and how many.
_LASTING = 0.9
_LASTING_NIGHTS = 3

OUT_OF_ORDER = (DriftStatus.WARN, DriftStatus.DRIFT)


def peaks(values: Sequence[float | None], least: float) -> tuple[int, ...]:
    """Places of the nights that stand out upwards, ascending: far from the median, and at least `least` above it.

    None is a night without a number. Nothing stands out where most nights do, or there are fewer than five.
    """
    known = [value for value in values if value is not None]
    if len(known) < _LEAST_NIGHTS:
        return ()
    middle = median(known)
    spread = median(abs(value - middle) for value in known)
    above = {place: value - middle for place, value in enumerate(values) if value is not None}
    high = {place: rise for place, rise in above.items() if rise >= least and _NORMAL * rise > PEAK_Z * spread}
    highest = max(high.values(), default=0.0)
    found = tuple(place for place, rise in high.items() if rise >= _OF_THE_HIGHEST * highest)
    return found if len(found) <= _MOST_NIGHTS * len(known) else ()


def ordinary(values: Sequence[float | None]) -> float | None:
    """The median of the nights that have a number: what an ordinary night is like."""
    known = [value for value in values if value is not None]
    return median(known) if known else None


def lasting_since(statuses: Sequence[DriftStatus | None]) -> int | None:
    """Place of the night from which on nearly all nights up to the last one are in drift or warn; None where none is.

    At least three nights, and at least 90 % of those that have a status.
    """
    known = [(place, status in OUT_OF_ORDER) for place, status in enumerate(statuses) if status is not None]
    since, out = None, 0
    for number, (place, is_out) in enumerate(reversed(known), start=1):
        out += is_out
        if is_out and number >= _LASTING_NIGHTS and out >= _LASTING * number:
            since = place
    return since
