"""What probabilities were worth, once it is known what happened: one mergeable value of bounded size."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from data_checks.float_sums import FloatSums
from data_checks.histogram import UNIT_BINS

Counts = npt.NDArray[np.int64]

#: Equal bins of [0, 1] for the area under the ROC curve; each of the UNIT_BINS bins of the reliability table is a whole
#: number of them.
FINE_BINS = 1000
_FINE_EDGES = np.arange(1, FINE_BINS) / FINE_BINS
#: Places in `sums` after the bins' probabilities.
_BRIER, _EXPECTED, _SUMS = UNIT_BINS, UNIT_BINS + 1, UNIT_BINS + 2

FORMAT = "nightscore.calibration"
VERSION = 1


@dataclass
class Calibration:
    """Probabilities of one model's second class beside what happened, over the rows whose outcome is known.

    A probability on the edge of two bins belongs to the upper one, and 1 to the last. `merge` is exactly commutative
    and associative, and the empty state of the same threshold its identity.
    """

    #: Probability from which on the second class is decided for.
    threshold: float
    #: Rows without a probability.
    missing: int = 0
    #: Shape (FINE_BINS,): rows whose outcome was the second class, and the others.
    positives: Counts = field(default_factory=lambda: np.zeros(FINE_BINS, np.int64))
    negatives: Counts = field(default_factory=lambda: np.zeros(FINE_BINS, np.int64))
    #: Rows that were decided for the second class: rightly, and wrongly.
    true_positives: int = 0
    false_positives: int = 0
    #: Probabilities by bin of the reliability table; squared errors; probabilities of what was decided for.
    sums: FloatSums = field(default_factory=lambda: FloatSums(_SUMS))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Calibration) and self.to_json() == other.to_json()

    __hash__ = None  # type: ignore[assignment]  # it changes

    def add(self, probabilities: npt.NDArray[np.floating[Any]], outcomes: npt.NDArray[np.bool_]) -> None:
        """Count a batch. The decision is taken in the probabilities' own type, as it was when they were scored.

        NaN is a row without a probability. Raises ValueError unless there is one bool for each probability, and all
        of those are within [0, 1].
        """
        known = self._known(probabilities, outcomes)
        self.missing += int(known.size - np.count_nonzero(known))
        decided = probabilities[known] >= probabilities.dtype.type(self.threshold)
        exact, happened = probabilities[known].astype(np.float64), outcomes[known]
        fine = np.searchsorted(_FINE_EDGES, exact, side="right")
        self.positives = self.positives + np.bincount(fine[happened], minlength=FINE_BINS)
        self.negatives = self.negatives + np.bincount(fine[~happened], minlength=FINE_BINS)
        self.true_positives += int(np.count_nonzero(decided & happened))
        self.false_positives += int(np.count_nonzero(decided & ~happened))
        by_bin = np.bincount(fine // (FINE_BINS // UNIT_BINS), weights=exact, minlength=UNIT_BINS)
        brier = float(np.sum((exact - happened) ** 2))
        self.sums.add([*by_bin.tolist(), brier, float(np.sum(np.where(decided, exact, 1 - exact)))])

    @staticmethod
    def _known(probabilities: npt.NDArray[np.floating[Any]], outcomes: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
        if outcomes.dtype != np.bool_ or outcomes.shape != probabilities.shape or probabilities.ndim != 1:
            message = (
                f"{probabilities.size} probabilities and {outcomes.size} outcomes of type {outcomes.dtype}: "
                "there must be one bool for each"
            )
            raise ValueError(message)
        known: npt.NDArray[np.bool_] = ~np.isnan(probabilities)
        outside = known & ~((probabilities >= 0) & (probabilities <= 1))
        if outside.any():
            message = f"{float(probabilities[outside][0])!r} is not a probability: it must be within 0 and 1"
            raise ValueError(message)
        return known

    def merge(self, other: Calibration) -> None:
        """Add `other`, which stays as it is. Raises ValueError when it is of another threshold."""
        if self.threshold != other.threshold:
            message = f"outcomes at the thresholds {self.threshold!r} and {other.threshold!r} cannot be merged"
            raise ValueError(message)
        self.missing += other.missing
        self.positives = self.positives + other.positives
        self.negatives = self.negatives + other.negatives
        self.true_positives += other.true_positives
        self.false_positives += other.false_positives
        self.sums.merge(other.sums)

    @property
    def rows(self) -> int:
        """Rows with a probability and an outcome."""
        return int(self.positives.sum() + self.negatives.sum())

    @property
    def bin_rows(self) -> Counts:
        """Shape (UNIT_BINS,)."""
        return _coarse(self.positives + self.negatives)

    @property
    def bin_positives(self) -> Counts:
        """Shape (UNIT_BINS,)."""
        return _coarse(self.positives)

    @property
    def bin_probabilities(self) -> list[float]:
        """Sum of the probabilities in each of the UNIT_BINS bins."""
        return self.sums.values[:UNIT_BINS]

    @property
    def squared_errors(self) -> float:
        """Sum of (probability - outcome)**2, with the outcome 1 or 0."""
        return self.sums.values[_BRIER]

    @property
    def expected_correct(self) -> float:
        """Sum of the probabilities of what was decided for: rows to be right if the probabilities are."""
        return self.sums.values[_EXPECTED]

    def to_json(self) -> dict[str, Any]:
        """JSON-compatible; of the fine bins only those with rows, as [bin, positives, negatives]."""
        filled = np.flatnonzero(self.positives + self.negatives)
        fine = np.stack([filled, self.positives[filled], self.negatives[filled]], axis=1)
        return {
            "format": FORMAT,
            "version": VERSION,
            "threshold": self.threshold,
            "missing": self.missing,
            "fine": fine.tolist(),
            "true_positives": self.true_positives,
            "false_positives": self.false_positives,
            "sums": self.sums.to_json(),
        }

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Self:
        """The state that `to_json` wrote. Raises ValueError when it is something else."""
        if (raw.get("format"), raw.get("version")) != (FORMAT, VERSION):
            found = f"format {raw.get('format')!r}, version {raw.get('version')!r}"
            message = f"not a calibration of version {VERSION}: {found}"
            raise ValueError(message)
        state = cls(float(raw["threshold"]), int(raw["missing"]), sums=FloatSums.from_json(raw["sums"]))
        places, *counts = np.array(raw["fine"], np.int64).reshape(-1, 3).T
        state.positives[places], state.negatives[places] = counts
        state.true_positives, state.false_positives = int(raw["true_positives"]), int(raw["false_positives"])
        return state


def _coarse(fine: Counts) -> Counts:
    coarse: Counts = fine.reshape(UNIT_BINS, -1).sum(axis=1)
    return coarse
