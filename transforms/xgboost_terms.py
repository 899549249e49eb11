"""What each feature adds to the margins of an XGBoost model: exact TreeSHAP, or the linear terms."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from transforms.score_terms import ScoreTerms, Unit
from transforms.xgboost_model import XgboostModel, describe

#: Objectives of a regression that predict the margin itself; between the two, all others have a link function.
_IDENTITY = frozenset(
    {
        "reg:squarederror",
        "reg:squaredlogerror",
        "reg:absoluteerror",
        "reg:pseudohubererror",
        "reg:quantileerror",
        "binary:logitraw",
        "rank:pairwise",
        "rank:ndcg",
        "rank:map",
    }
)


def booster_terms(adapter: XgboostModel, features: pa.RecordBatch) -> ScoreTerms:
    """The terms of each row's raw margins, which add up to them within the rounding of float32.

    Trees (gbtree and dart): the Shapley values of a tree's expected margin given the known features, where a split on
    another feature goes both ways, weighted by the training rows' cover (Lundberg et al., "Consistent Individualized
    Feature Attribution for Tree Ensembles", 2018, algorithm 2). The base is the training rows' expected margin.
    gblinear: weight times value, 0 where missing; the base is the bias. Each row is computed alone, so the batch does
    not matter. Raises what xgboost raises, such as for trees with a vector in each leaf.
    """
    names = [item.name for item in adapter.features] if adapter.booster.feature_names else None
    types = ["c" if item.type == "categorical" else "q" for item in adapter.features]
    # A matrix of its own for each call, since xgboost answers from a cache for one that it has predicted. Its class is
    # of the booster's own copy of the library, which another import need not give.
    make: Any = adapter._matrix  # noqa: SLF001
    matrix = make(adapter.inputs(features), feature_names=names, feature_types=types, nthread=1)
    found = adapter.booster.predict(matrix, pred_contribs=True, strict_shape=True).astype(np.float64)
    facts = describe(adapter.booster)
    unit: Unit = "value" if facts.task == "regression" and facts.objective in _IDENTITY else "margin"
    # The last column is the bias.
    return ScoreTerms(found[..., :-1], found[..., -1], unit, is_centered=facts.kind != "gblinear")
