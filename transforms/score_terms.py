"""What each feature adds to each output of a model, by the row: in the model's own sums, or in probability."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Unit = Literal["probability", "margin", "value"]

#: Below this distance of two margins the slope between them is taken in their middle. Its error there is less than
#: d**2 / 192, and the quotient's about 1e-16 / d: both are below 1e-10 of a slope of at most 1/4.
_NEAR = 1e-5


@dataclass(frozen=True)
class ScoreTerms:
    """`base + values.sum(axis=-1)` is each row's output, in `unit`."""

    #: Shape (rows, outputs, features), in the card's order of features. An output is a class, or the only number.
    values: Floats
    #: Shape (rows, outputs); the same for every row.
    base: Floats
    #: margin: what the model adds up before its link function; value: what it predicts, where there is no link.
    unit: Unit
    #: Whether the base is what the model expects of a row, not just an intercept, which may be far from any row.
    is_centered: bool

    def around(self, others: ScoreTerms) -> ScoreTerms:
        """The terms less the mean term of other rows of the model, at least one; the means go into the base."""
        center = others.values.mean(axis=0)
        return replace(self, values=self.values - center, base=self.base + center.sum(axis=-1), is_centered=True)


def probability_terms(terms: ScoreTerms) -> ScoreTerms:
    """Terms of log odds m = m0 + sum of v_j as terms of the probability p = 1 / (1 + exp(-m)).

    Each row's terms are multiplied by the slope of the secant between its margin and the base,

        w_j = v_j (p - p0) / (m - m0),    and v_j p0 (1 - p0) in the limit m = m0,

    so p0 + sum of w_j = p, signs and proportions within the row stay, and no term is more than 1/4 of what it was.
    Where the base is the same for all rows, the changes of the features' means add up to the change of the mean
    probability. The base must be near the rows: far off, where p0 is 0 or 1, the slope says nothing of the margin at
    the row, and a change goes to whichever feature carries the distance.
    """
    margin = terms.base + terms.values.sum(axis=-1)
    slope = _secant_slope(margin, terms.base)
    values = terms.values * slope[..., np.newaxis]
    return replace(terms, values=values, base=logistic(terms.base), unit="probability")


def _secant_slope(margin: Floats, base: Floats) -> Floats:
    """(logistic(margin) - logistic(base)) / (margin - base), with all its digits where they are close."""
    distance = margin - base
    near = np.abs(distance) < _NEAR
    middle = logistic(base + distance / 2)
    quotient = (logistic(margin) - logistic(base)) / np.where(near, 1.0, distance)
    slope: Floats = np.where(near, middle * (1 - middle), quotient)
    return slope


def logistic(margin: Floats) -> Floats:
    """1 / (1 + exp(-margin))."""
    with np.errstate(over="ignore"):  # exp(800) is infinite, and its inverse the right 0
        probability: Floats = 1 / (1 + np.exp(-margin))
    return probability
