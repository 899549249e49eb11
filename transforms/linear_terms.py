"""What each feature adds to the sum of a linear scikit-learn model, alone or at the end of a Pipeline."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pyarrow as pa

from transforms.score_terms import Floats, ScoreTerms, Unit
from transforms.sklearn_model import SklearnModel
from transforms.traced_columns import UntraceableError, trace

#: Models whose prediction is the sum itself.
_IDENTITY = frozenset(
    {
        "ARDRegression",
        "BayesianRidge",
        "ElasticNet",
        "ElasticNetCV",
        "HuberRegressor",
        "Lars",
        "LarsCV",
        "Lasso",
        "LassoCV",
        "LassoLars",
        "LassoLarsCV",
        "LassoLarsIC",
        "LinearRegression",
        "LinearSVR",
        "OrthogonalMatchingPursuit",
        "OrthogonalMatchingPursuitCV",
        "QuantileRegressor",
        "Ridge",
        "RidgeCV",
        "SGDRegressor",
        "TheilSenRegressor",
    }
)
#: Models with a link: log odds of a class, or the logarithm of the mean.
_LINKED = frozenset(
    {"GammaRegressor", "LogisticRegression", "LogisticRegressionCV", "PoissonRegressor", "TweedieRegressor"}
)


def linear_terms(adapter: SklearnModel, features: pa.RecordBatch) -> ScoreTerms | str:
    """Terms coefficient * z of each feature, the sum over the columns z that the Pipeline makes of it; or why not.

    The base is the intercept, so a single term means nothing until it is centred: only differences between two sets
    of rows do. A str is the reason why this kind of model has no exact terms. Raises whatever its transformers raise.
    """
    steps = [step for _, step in getattr(adapter.estimator, "steps", [("", adapter.estimator)])]
    kind = type(steps[-1]).__name__
    if kind not in _IDENTITY | _LINKED or not type(steps[-1]).__module__.startswith("sklearn."):
        return f"no exact contributions for {kind}"
    try:
        sources = trace(steps[:-1], np.arange(len(adapter.features)))
    except UntraceableError as error:
        return f"no exact contributions for a Pipeline with {error}"
    coefficients = _dense(steps[-1].coef_)
    if coefficients.shape[1] != len(sources):
        return f"no exact contributions for {kind}: {coefficients.shape[1]} coefficients for {len(sources)} columns"
    unit: Unit = "value" if kind in _IDENTITY else "margin"
    values = _evaluate(adapter, steps[:-1], _weights(coefficients, sources, len(adapter.features)), features)
    outputs = len(coefficients)
    base = np.zeros((features.num_rows, outputs)) + np.asarray(steps[-1].intercept_, np.float64)
    return ScoreTerms(values.reshape(features.num_rows, outputs, -1), base, unit, is_centered=False)


def _dense(coefficients: Any) -> Floats:
    """Shape (outputs, columns); `sparsify()` makes them sparse."""
    plain = coefficients.toarray() if hasattr(coefficients, "toarray") else coefficients
    return np.atleast_2d(np.asarray(plain, np.float64))


def _weights(coefficients: Floats, sources: Any, features: int) -> Any:
    """Sparse, shape (columns, outputs * features): what turns the columns of a row into its terms."""
    from scipy import sparse  # noqa: PLC0415  # a scikit-learn model has loaded it, an XGBoost job does without

    outputs, columns = coefficients.shape
    rows = np.tile(np.arange(columns), outputs)
    places = (np.arange(outputs)[:, np.newaxis] * features + sources).ravel()
    return sparse.csr_array((coefficients.ravel(), (rows, places)), shape=(columns, outputs * features))


class _Terms:
    """Stands in for the estimator and says the terms, so that the adapter asks it as it asks for scores."""

    def __init__(self, steps: list[Any], weights: Any) -> None:
        self.steps = steps
        self.weights = weights

    def predict(self, table: Any) -> Floats:
        """Shape (rows, outputs * features)."""
        for step in self.steps:
            if step is not None and step != "passthrough":
                table = step.transform(table)
        columns = table if hasattr(table, "toarray") else np.asarray(table, np.float64)
        # The product with a sparse matrix adds each row alone and in one order, which BLAS does not.
        terms = columns @ self.weights
        return np.asarray(terms.toarray() if hasattr(terms, "toarray") else terms, np.float64)

    predict_proba = predict


def _evaluate(adapter: SklearnModel, steps: list[Any], weights: Any, features: pa.RecordBatch) -> Floats:
    """The terms, computed within the limits (threads, warnings) that the adapter computes scores in."""
    asked = copy.copy(adapter)
    asked.estimator = _Terms(steps, weights)
    return np.asarray(asked.raw_scores(adapter.inputs(features)), np.float64)
