"""How much each feature of a model contributed to each of its scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from weakref import WeakKeyDictionary

import numpy as np
import pyarrow as pa

from schemas.errors import ModelError
from transforms.adapter import Adapter
from transforms.linear_terms import linear_terms
from transforms.models import LoadedModel
from transforms.probe import probe_features
from transforms.score_terms import Floats, ScoreTerms, Unit, probability_terms
from transforms.sklearn_model import SklearnModel
from transforms.xgboost_model import XgboostModel
from transforms.xgboost_terms import booster_terms

#: Contributions of one row, over all scores: 1,000 rows of so many are 80 MB.
MAX_TERMS = 10_000
#: A larger contribution than this is refused, so that no sum, spread or difference of any number of them overflows.
MAX_SIZE = 1e100

#: Of linear models, the terms of their card's probe rows: a Pipeline of scikit-learn takes as long for 20 rows as for
#: 500. Two threads that compute them at once compute the same.
_probe_terms: WeakKeyDictionary[LoadedModel, ScoreTerms | str] = WeakKeyDictionary()


@dataclass(frozen=True)
class ScoreContributions:
    """Of one score column: `base + values.sum(axis=1)` is the score, in the unit of Contributions."""

    #: Shape (rows, features), in the order of `Contributions.features`; finite.
    values: Floats
    #: Shape (rows,); the same for every row.
    base: Floats


@dataclass(frozen=True)
class Contributions:
    """Of one model, for a batch of rows."""

    unit: Unit
    #: The card's features in its order.
    features: tuple[str, ...]
    #: By score column of the model's entry: its probability, its value, or each class's probability.
    scores: Mapping[str, ScoreContributions]


def contributions(model: LoadedModel, features: pa.RecordBatch) -> Contributions | str:
    """The contributions to the scores of a chain's features, all of which were scored; or why there are none.

    Exact for XGBoost (TreeSHAP) and for linear scikit-learn models whose columns come of one feature each; a str is
    the reason for all others, the same for every batch unless its values are to blame. The units:

    * binary: probability, by the secant of `score_terms.probability_terms`;
    * regression: value, or margin where a link function follows (reg:gamma, count:poisson, PoissonRegressor);
    * multiclass: margin, for each class's column.

    The base is what the model expects: of its training rows for trees, of its card's probe rows for linear models. A
    feature that the model ignores contributes exactly 0. For some 1,000s of rows: TreeSHAP takes many times as long as
    scoring does.
    """
    if not features.num_rows:  # scikit-learn refuses none
        return _without_rows(contributions(model, probe_features(model.card.probe.rows, model.card.features)))
    names = [field.name for field in model.fields if field.name != model.entry.output.label]
    wanted = tuple(item.name for item in model.card.features)
    outputs = len(model.card.classes or ()) if model.card.task == "multiclass" else 1
    if outputs * len(wanted) > MAX_TERMS:
        return f"{outputs} outputs of {len(wanted)} features are more than {MAX_TERMS:,} contributions a row"
    terms = _sound_terms(model, features, (outputs, len(wanted)))
    if isinstance(terms, str):
        return terms
    if model.card.task == "binary":
        terms = probability_terms(terms)
    scores = {name: ScoreContributions(terms.values[:, i], terms.base[:, i]) for i, name in enumerate(names)}
    return Contributions(terms.unit, wanted, scores)


def _without_rows(found: Contributions | str) -> Contributions | str:
    if isinstance(found, str):
        return found
    scores = {name: ScoreContributions(item.values[:0], item.base[:0]) for name, item in found.scores.items()}
    return replace(found, scores=scores)


def _sound_terms(model: LoadedModel, features: pa.RecordBatch, shape: tuple[int, int]) -> ScoreTerms | str:
    """Finite terms of that shape (outputs, features), or why there are none."""
    try:
        terms = _centered_terms(model, features)
    except (ModelError, MemoryError):
        raise
    except Exception as error:  # noqa: BLE001  # a model may raise anything, and its message may name times and paths
        return f"the model fails to tell its contributions: {type(error).__name__}"
    if isinstance(terms, str):
        return terms
    if terms.values.shape != (features.num_rows, *shape):
        return f"contributions of shape {terms.values.shape[1:]} for {shape[0]} outputs of {shape[1]} features"
    return _refusal(terms, [item.name for item in model.card.features]) or terms


def _centered_terms(model: LoadedModel, features: pa.RecordBatch) -> ScoreTerms | str:
    """The terms around what the model expects.

    The secant of a probability needs a base near the rows, and an intercept may be thousands away (the year, unscaled).
    """
    terms = _terms(model.adapter, features)
    if isinstance(terms, str) or terms.is_centered:
        return terms
    if model not in _probe_terms:
        _probe_terms[model] = _terms(model.adapter, probe_features(model.card.probe.rows, model.card.features))
    probe = _probe_terms[model]
    return probe if isinstance(probe, str) else terms.around(probe)


def _terms(adapter: Adapter, features: pa.RecordBatch) -> ScoreTerms | str:
    if isinstance(adapter, XgboostModel):
        return booster_terms(adapter, features)
    if isinstance(adapter, SklearnModel):
        return linear_terms(adapter, features)
    return f"no exact contributions for {type(adapter).__name__}"


def _refusal(terms: ScoreTerms, features: Sequence[str]) -> str | None:
    """Names the first feature with a contribution that is NaN, infinite or too large; None where there is none."""
    small = np.abs(terms.values) < MAX_SIZE
    if small.all() and (np.abs(terms.base) < MAX_SIZE).all():
        return None
    wrong = np.flatnonzero(~small.all(axis=(0, 1)))
    owner = f"a contribution of feature '{features[wrong[0]]}'" if len(wrong) else "the base of the contributions"
    return f"{owner} is no number below {MAX_SIZE:g}"
