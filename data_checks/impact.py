"""Sums of the features' contributions to the scores: what impact is judged from, over a sample of the scored rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from data_checks.mixing import Words, mix
from data_checks.moments import Moments
from data_checks.stored_numbers import stored_count

Floats = npt.NDArray[np.float64]

#: Mixed into the keys' hashes, so that which rows are sampled has nothing to do with the buckets that they fall into.
_SALT = np.uint64(0x6A09E667F3BCC908)
_HASHES = 1 << 64


def sample_mask(hashes: Words, wanted: int, total: int) -> npt.NDArray[np.bool_]:
    """Shape (rows,): about `wanted` of `total` rows, chosen by the hash of their key alone; all of up to `wanted`.

    The same rows in whatever batches, order or files they come; rows of one key are all in it, or none. The number is
    binomial: 5,000 wanted give 5,000 ± 140 for 19 nights in 20. Raises ValueError when `wanted` or `total` is negative.
    """
    if wanted < 0 or total < 0:
        message = f"a sample of {wanted} out of {total} rows"
        raise ValueError(message)
    if wanted >= total:
        return np.ones(len(hashes), np.bool_)
    chosen: npt.NDArray[np.bool_] = mix(hashes ^ _SALT) < np.uint64(wanted * _HASHES // total)
    return chosen


@dataclass(frozen=True)
class Explained:
    """A score and what it was explained by. Contributions add up only where all of it is the same."""

    score: str
    model: str
    #: sha256 of the model's file: contributions of another model are not compared.
    artefact: str
    #: probability | margin | value
    unit: str
    #: In the card's order.
    features: tuple[str, ...]


@dataclass
class ScoreImpact:
    """Moments of each feature's contributions to one score."""

    explained: Explained
    rows: int = 0
    #: By feature, in the order of `explained.features`; none before the first row.
    moments: list[Moments] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.moments = self.moments or [Moments() for _ in self.explained.features]
        if len(self.moments) != len(self.explained.features):
            message = f"{len(self.moments)} sums for {len(self.explained.features)} features"
            raise ValueError(message)

    def add(self, values: Floats) -> None:
        """Count a batch of contributions, shape (rows, features). Raises ValueError on another shape, NaN, infinity."""
        wanted = len(self.explained.features)
        if values.ndim != 2 or values.shape[1] != wanted:  # noqa: PLR2004  # rows and features
            message = f"score '{self.explained.score}': contributions of shape {values.shape} for {wanted} features"
            raise ValueError(message)
        if not np.isfinite(values).all():
            message = f"score '{self.explained.score}': a contribution is not finite"
            raise ValueError(message)
        self.rows += len(values)
        for moments, column in zip(self.moments, values.T, strict=True):
            moments.add(column)

    def merge(self, other: ScoreImpact) -> None:
        """Add `other`, which stays as it is. Raises ValueError when it is of another score, model or unit."""
        if self.explained != other.explained:
            message = f"contributions to '{self.explained.score}' of other models, units or features cannot be merged"
            raise ValueError(message)
        self.rows += other.rows
        for mine, theirs in zip(self.moments, other.moments, strict=True):
            mine.merge(theirs)

    def to_json(self) -> dict[str, Any]:
        """JSON-compatible."""
        return asdict(self.explained) | {
            "features": list(self.explained.features),
            "rows": self.rows,
            "moments": [moments.to_json() for moments in self.moments],
        }

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Self:
        """What `to_json` wrote. Raises ValueError or KeyError on anything else."""
        explained = Explained(raw["score"], raw["model"], raw["artefact"], raw["unit"], tuple(raw["features"]))
        words = (explained.score, explained.model, explained.artefact, explained.unit, *explained.features)
        if not all(isinstance(word, str) for word in words):
            message = "contributions: a score, model, unit or feature is no text"
            raise ValueError(message)
        return cls(explained, stored_count(raw["rows"]), [Moments.from_json(item) for item in raw["moments"]])


@dataclass
class ImpactSums:
    """The contributions of a night, or of the training rows, to all scores of all models.

    `ImpactSums()` is the identity of `merge`, which is exactly commutative and associative. `add` rounds within a batch
    as Moments does. Its size is bounded by the numbers of scores and features.
    """

    scores: dict[str, ScoreImpact] = field(default_factory=dict)
    #: Score without contributions to (model, why it has none); the first in order, where batches gave several reasons.
    refused: dict[str, tuple[str, str]] = field(default_factory=dict)

    def add(self, explained: Explained, values: Floats) -> None:
        """Count a batch of contributions, shape (rows, features). Raises ValueError as ScoreImpact does."""
        part = ScoreImpact(explained)
        part.add(values)
        self._merge_scores([part])

    def refuse(self, score: str, model: str, reason: str) -> None:
        """Note why a score's contributions are not known: a night without those of some rows has none at all."""
        self.refused[score] = min((model, reason), self.refused.get(score, (model, reason)))

    def merge(self, other: ImpactSums) -> None:
        """Add `other`, which stays as it is. Raises ValueError when it explains a score of ours by another model."""
        self._merge_scores(other.scores.values())
        for score, (model, reason) in other.refused.items():
            self.refuse(score, model, reason)

    def _merge_scores(self, parts: Iterable[ScoreImpact]) -> None:
        for part in parts:
            mine = self.scores.get(part.explained.score) or ScoreImpact(part.explained)
            mine.merge(part)
            self.scores[part.explained.score] = mine

    def to_json(self) -> dict[str, Any]:
        """JSON-compatible; the same for equal sums."""
        return {
            "scores": [item.to_json() for _, item in sorted(self.scores.items())],
            "refused": {score: list(why) for score, why in sorted(self.refused.items())},
        }

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Self:
        """What `to_json` wrote. Raises ValueError or KeyError on anything else."""
        parts = [ScoreImpact.from_json(item) for item in raw["scores"]]
        refused = {score: (str(model), str(reason)) for score, (model, reason) in raw["refused"].items()}
        return cls({part.explained.score: part for part in parts}, refused)
