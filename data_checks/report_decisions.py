"""What the models decided, as the page shows it: each class's share tonight with its interval, and in training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from schemas.verdicts import ClassShare, DecisionDrift

#: Classes listed for a model, those that moved most.
LISTED_CLASSES = 12
#: Of the interval's picture, in its own units.
SCALE = 200.0


@dataclass(frozen=True)
class ClassRow:
    """One class, with places on a scale from no row to all rows."""

    share: ClassShare
    low: float
    high: float
    now: float
    before: float | None


@dataclass(frozen=True)
class ModelDecisions:
    """One model's decisions."""

    verdict: DecisionDrift
    #: The verdict's, without the model's name in front: that stands above it.
    reason: str
    rows: tuple[ClassRow, ...]
    more: int


def model_decisions(decisions: Sequence[DecisionDrift]) -> list[ModelDecisions]:
    """In the verdict's order; of many classes those whose share moved most."""
    return [_decisions(verdict) for verdict in decisions]


def _decisions(verdict: DecisionDrift) -> ModelDecisions:
    classes = list(verdict.classes)
    if len(classes) > LISTED_CLASSES:
        classes = sorted(classes, key=lambda item: -abs(item.current - (item.reference or 0.0)))[:LISTED_CLASSES]
    reason = verdict.reason.removeprefix(f"{verdict.model}: ")
    return ModelDecisions(verdict, reason, tuple(map(_row, classes)), len(verdict.classes) - len(classes))


def _row(share: ClassShare) -> ClassRow:
    low, high, now = (round(SCALE * end, 1) for end in (share.current_low, share.current_high, share.current))
    return ClassRow(share, low, high, now, None if share.reference is None else round(SCALE * share.reference, 1))
