"""What one model decided, and how sure it was: one mergeable value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from data_checks.moments import Moments
from data_checks.stored_numbers import stored_count, stored_number

#: The model's own type: decisions are made in it.
Scores = npt.NDArray[np.floating[Any]]


@dataclass
class DecisionProfile:
    """Rows per class that was decided for, and the moments of the probability that each decision is right.

    The mean of those is the accuracy to expect without labels, if the probabilities are calibrated (confidence-based
    performance estimation, CBPE: Kivimaki et al. 2025, arXiv 2505.05295; NannyML). `merge` is exactly commutative and
    associative; the same batches give the same bits in any order.
    """

    model: str
    #: Texts of the classes in the card's order.
    labels: tuple[str, ...]
    #: Binary models: probability from which on the second class is decided for.
    threshold: float | None
    #: Rows decided per class.
    counts: list[int]
    #: Rows without a finite score: nothing was decided.
    missing: int = 0
    #: Of the probability, 0 to 1, that the decision is right.
    expected: Moments = field(default_factory=Moments)

    def __post_init__(self) -> None:
        wrong = len(set(self.labels)) != len(self.labels) or len(self.counts) != len(self.labels)
        if wrong or (self.threshold is not None and len(self.labels) != 2):  # noqa: PLR2004
            message = f"model '{self.model}': the classes must differ, have a count each, and be two with a threshold"
            raise ValueError(message)

    @classmethod
    def empty(cls, model: str, labels: Sequence[str], threshold: float | None = None) -> Self:
        """The profile of no rows; a threshold means a binary model. Raises ValueError on classes that do not fit."""
        return cls(model, tuple(labels), threshold, [0] * len(labels))

    @property
    def rows(self) -> int:
        """Rows decided."""
        return sum(self.counts)

    @property
    def expected_accuracy(self) -> float | None:
        """Mean probability that a decision is right; None where there is none."""
        return self.expected.mean

    def add_binary(self, scores: Scores) -> None:
        """Count a batch of probabilities of the second class, shape (rows,), in the type that the model gave them in.

        Decided as the published label is: the threshold is rounded to the scores' own type, so that 0.35 means the
        float32 nearest to it. Scores that were widened to float64 are decided otherwise where they are on it. Raises
        ValueError without a threshold, or where the scores are no floats.
        """
        if self.threshold is None or scores.dtype.kind != "f":
            message = f"model '{self.model}': {scores.dtype} scores and a threshold of {self.threshold} decide nothing"
            raise ValueError(message)
        present = scores[np.isfinite(scores)]
        positive = present >= present.dtype.type(self.threshold)
        wide = present.astype(np.float64)
        self._add(positive, np.where(positive, wide, 1.0 - wide), len(scores))

    def add_multiclass(self, probabilities: Scores) -> None:
        """Count a batch of probabilities, shape (rows, classes): the most probable class, the first of equals.

        A row with a probability that is not finite is missing. Raises ValueError on another number of classes.
        """
        if probabilities.ndim != 2 or probabilities.shape[1] != len(self.labels):  # noqa: PLR2004
            message = f"model '{self.model}': scores of shape {probabilities.shape} for {len(self.labels)} classes"
            raise ValueError(message)
        present = probabilities[np.isfinite(probabilities).all(axis=1)]
        self._add(np.argmax(present, axis=1), np.max(present, axis=1), len(probabilities))

    def _add(self, places: npt.NDArray[Any], right: npt.NDArray[Any], rows: int) -> None:
        found = np.bincount(places, minlength=len(self.labels)).tolist()
        self.counts = [a + b for a, b in zip(self.counts, found, strict=True)]
        self.missing += rows - len(places)
        self.expected.add(right)

    def merge(self, other: DecisionProfile) -> None:
        """Add `other`, which stays as it is. Raises ValueError when it is of another model, classes or threshold."""
        mine, theirs = ((one.model, one.labels, one.threshold) for one in (self, other))
        if mine != theirs:
            message = f"decisions of other models or thresholds cannot be merged: {mine} and {theirs}"
            raise ValueError(message)
        self.counts = [a + b for a, b in zip(self.counts, other.counts, strict=True)]
        self.missing += other.missing
        self.expected.merge(other.expected)

    def to_json(self) -> dict[str, Any]:
        """JSON-compatible."""
        return {
            "model": self.model,
            "labels": list(self.labels),
            "threshold": self.threshold,
            "counts": list(self.counts),
            "missing": self.missing,
            "expected": self.expected.to_json(),
        }

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Self:
        """The profile that `to_json` wrote. Raises ValueError or KeyError on parts that do not fit each other."""
        threshold = stored_number(raw["threshold"])
        counts, expected = list(map(stored_count, raw["counts"])), Moments.from_json(raw["expected"])
        labels, missing = tuple(map(str, raw["labels"])), stored_count(raw["missing"])
        return cls(str(raw["model"]), labels, threshold, counts, missing, expected)
