"""What moved each score: the features' mean contributions tonight against those in training."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from data_checks.impact import ImpactSums, ScoreImpact
from data_checks.moments import Moments
from schemas.verdicts import FeatureImpact, ImpactVerdict

#: (model, feature) to the input columns that the feature is made of.
Sources = Mapping[tuple[str, str], tuple[str, ...]]


def impact_verdicts(reference: ImpactSums | None, current: ImpactSums, sources: Sources) -> tuple[ImpactVerdict, ...]:
    """One verdict a score that either side knows, by the score's name.

    The features are in order of |shift|, then of importance, then of the card; those that did and do nothing are last.
    The shift of the score is the sum of the features' shifts. Where the two samples cannot be compared, there are no
    features and a reason.
    """
    then = reference or ImpactSums()
    known = {*then.scores, *then.refused, *current.scores, *current.refused}
    return tuple(_verdict(score, reference, current, sources) for score in sorted(known))


def column_impact(verdicts: Iterable[ImpactVerdict], score: str, column: str) -> float | None:
    """How much the features made of an input column moved a score, in the verdict's unit; None where that is unknown.

    A feature that is made of several columns counts for each of them in full. 0 where no feature of the score's model
    is made of the column.
    """
    verdict = next((item for item in verdicts if item.score == score), None)
    if verdict is None or verdict.reason:
        return None
    return math.fsum(item.shift for item in verdict.features if column in item.columns)


def _verdict(score: str, reference: ImpactSums | None, current: ImpactSums, sources: Sources) -> ImpactVerdict:
    then = reference.scores.get(score) if reference is not None else None
    now = current.scores.get(score)
    some = now or then
    refused = _refused(score, reference, current)
    model = some.explained.model if some is not None else refused[0]
    rows = (then.rows if then is not None else 0, now.rows if now is not None else 0)
    reason = refused[1] or _shortage(then, now) or _difference(then, now)
    if reason or then is None or now is None:
        unit = some.explained.unit if some is not None else ""
        return ImpactVerdict(score, model, unit, *rows, reason=reason)
    ranked = _ranked(then, now, sources)
    total = math.fsum(item.shift for item in ranked)
    return ImpactVerdict(score, model, now.explained.unit, *rows, total, ranked)


def _refused(score: str, reference: ImpactSums | None, current: ImpactSums) -> tuple[str, str]:
    """(model, reason) where a side could not tell the contributions, tonight's first; else two empty texts."""
    if score in current.refused:
        return current.refused[score]
    if reference is not None and score in reference.refused:
        model, reason = reference.refused[score]
        return model, f"in training: {reason}"
    return "", ""


def _shortage(then: ScoreImpact | None, now: ScoreImpact | None) -> str:
    """Which side has too few rows; empty where none has."""
    if then is None or not then.rows:
        return "the reference has no contributions to this score"
    if now is None or not now.rows:
        return "no scored row of tonight is in the sample"
    return "the reference's sample is 1 row, which has no spread" if then.rows == 1 else ""


def _difference(then: ScoreImpact | None, now: ScoreImpact | None) -> str:
    """Why contributions of the two do not compare; empty where they do."""
    if then is None or now is None or then.explained == now.explained:
        return ""
    if then.explained.features != now.explained.features:
        return "the reference is of a model with other features"
    if then.explained.unit != now.explained.unit:
        return f"the reference's contributions are in {then.explained.unit}, tonight's in {now.explained.unit}"
    return "the reference is of another model"


def _ranked(then: ScoreImpact, now: ScoreImpact, sources: Sources) -> tuple[FeatureImpact, ...]:
    pairs = zip(now.explained.features, then.moments, now.moments, strict=True)
    items = [
        FeatureImpact(feature, sources.get((now.explained.model, feature), ()), _mean(new) - _mean(old), _spread(old))
        for feature, old, new in pairs
    ]
    return tuple(sorted(items, key=lambda item: (-abs(item.shift), -item.importance)))


def _mean(moments: Moments) -> float:
    return moments.mean or 0.0


def _spread(moments: Moments) -> float:
    return moments.stdev or 0.0
