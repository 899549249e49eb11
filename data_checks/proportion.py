"""How sure a share is, given how many rows it is of."""

from __future__ import annotations

import math

#: Standard deviations of the normal distribution that hold 95 % of it.
Z_95 = 1.959963984540054


def wilson_interval(count: int, rows: int) -> tuple[float, float]:
    """The 95 % interval of a share of which `count` of `rows` were seen; both ends are within [0, 1].

    Wilson's score interval without continuity correction (Wilson 1927): it holds for few rows and for shares near 0 or
    1, where p +- 1.96 standard errors does not. Raises ValueError unless 0 <= count <= rows and there is a row.

    >>> [round(end, 4) for end in wilson_interval(0, 10)]
    [0.0, 0.2775]
    """
    if not 0 <= count <= rows or not rows:
        message = f"no share: {count} of {rows} rows"
        raise ValueError(message)
    share, square = count / rows, Z_95**2
    middle = (share + square / (2 * rows)) / (1 + square / rows)
    half = Z_95 / (1 + square / rows) * math.sqrt(share * (1 - share) / rows + square / (4 * rows**2))
    # At 0 and at all rows the end is exactly 0 and 1, which rounding would miss by 1e-17.
    return (max(0.0, middle - half) if count else 0.0), (min(1.0, middle + half) if count < rows else 1.0)
