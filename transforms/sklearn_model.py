"""scikit-learn models (joblib): the DataFrame that they want, and their scores.

A pipeline that prepares its own input gets the raw columns, always in this form, whatever is in the batch:

* numeric and boolean columns are float64, NaN where missing (booleans 0 and 1);
* text is of dtype object, `str` values, missing as the model was fitted: None where one of its encoders knows the
  category None (frames of pandas 2) and no NaN, else NaN;
* text is of dtype category, over the card's categories, where a histogram gradient boosting model was fitted on such.

Scores must not depend on how many workers there are. So BLAS runs on one thread, since it adds in another order on
two, and so do joblib's loops (a forest adds its trees up as they finish). OpenMP shares out whole rows: it may use all.
"""

from __future__ import annotations

import io
import threading
import warnings
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pyarrow as pa

from schemas.card import CardFeature, ModelCard
from schemas.errors import ModelError
from transforms.adapter import Scores, first_line
from transforms.column_values import Mask
from transforms.lean_xgboost import forget_lean_xgboost
from transforms.library_versions import Mismatch

if TYPE_CHECKING:
    import pandas as pd

TextForm = Literal["object with NaN", "object with None", "category"]

#: Python's list of warning filters belongs to the process, and is put back as it was found.
_filters_in_use = threading.Lock()


class SklearnModel:
    """A fitted estimator, as an Adapter."""

    def __init__(self, estimator: Any, card: ModelCard, threads: int) -> None:
        from threadpoolctl import ThreadpoolController  # noqa: PLC0415  # after the libraries that it controls

        check_estimator(estimator, card)
        self.estimator = estimator
        self.features = card.features
        self.task = card.task
        self.width = len(card.classes) if card.classes else 1
        self.text_form = text_form(estimator)
        self.named = hasattr(estimator, "feature_names_in_")
        for part in fitted_parts(estimator):
            if hasattr(part, "n_jobs"):
                part.n_jobs = 1
        self._pools = ThreadpoolController()
        self._pools.limit(limits=1, user_api="blas")
        self._threads = threads

    def set_threads(self, threads: int) -> None:
        """How many OpenMP threads a prediction uses."""
        self._threads = threads

    def inputs(self, features: pa.RecordBatch) -> pd.DataFrame:
        """`feature_frame` of the model's features, chosen by name."""
        return feature_frame(features, self.features, self.text_form)

    def infinite_rows(self, inputs: pd.DataFrame) -> Mask | None:
        """Rows with an infinite number."""
        found: Mask = np.zeros(len(inputs), dtype=np.bool_)
        for item in self.features:
            if item.type != "categorical":
                found |= np.isinf(inputs[item.name].to_numpy())
        return found if found.any() else None

    def raw_scores(self, inputs: pd.DataFrame) -> Scores:
        """predict_proba, shape (rows, classes), or predict, shape (rows,)."""
        table = inputs if self.named else inputs.to_numpy()
        ask = self.estimator.predict if self.task == "regression" else self.estimator.predict_proba
        with (
            _filters_in_use,
            warnings.catch_warnings(),
            np.errstate(all="ignore"),
            # The limit belongs to the calling thread, which need not be the one that loaded the model.
            self._pools.limit(limits=self._threads, user_api="openmp"),
        ):
            # Encoders warn at every batch of what the chain has counted already, and a warning is no reason to refuse
            # a row, even where a process makes errors of them.
            warnings.simplefilter("ignore")
            return np.asarray(ask(table))


def feature_frame(
    features: pa.RecordBatch, wanted: Sequence[CardFeature], form: TextForm = "object with NaN"
) -> pd.DataFrame:
    """The features as the module's docstring says. Train on this, and training and scoring see the same."""
    import pandas as pd  # noqa: PLC0415  # only scikit-learn models need pandas, which takes half a second to import

    columns: dict[str, Any] = {}
    for item in wanted:
        array = features.column(item.name)
        if item.categories is None:
            columns[item.name] = array.to_numpy(zero_copy_only=False)
            continue
        codes = array.indices.fill_null(-1).to_numpy(zero_copy_only=False)
        if form == "category":
            columns[item.name] = pd.Categorical.from_codes(codes, dtype=pd.CategoricalDtype(list(item.categories)))
        else:
            missing = None if form == "object with None" else np.nan
            words = np.array([*item.categories, missing], dtype=object)[codes]
            columns[item.name] = pd.Series(words, dtype=object)  # pandas would make its own `str` of a bare array
    return pd.DataFrame(columns, copy=False)


def unpickle(data: bytes) -> tuple[Any, list[Mismatch], list[str]]:
    """(estimator, library versions that its parts were pickled with and that differ, other warnings).

    Runs whatever code the bytes hold: only for bytes whose hash was checked. Raises ModelError.
    """
    forget_lean_xgboost()
    import joblib  # noqa: PLC0415  # these two pull in all of scikit-learn, which an XGBoost job does without
    from sklearn.exceptions import InconsistentVersionWarning  # noqa: PLC0415

    with _filters_in_use, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            estimator = joblib.load(io.BytesIO(data))
        except Exception as error:  # a pickle may raise anything
            message = f"the model file cannot be unpickled: {first_line(error)}"
            raise ModelError(message, code="artefact_unreadable") from error
    mismatches: dict[str, Mismatch] = {}
    others: list[str] = []
    for item in caught:
        warning = item.message
        if isinstance(warning, InconsistentVersionWarning):
            here, there = warning.current_sklearn_version, warning.original_sklearn_version
            mismatches[there] = Mismatch("scikit-learn", there, here)
        else:
            others.append(f"while loading: {type(warning).__name__}: {warning}".splitlines()[0])
    return estimator, [mismatches[key] for key in sorted(mismatches)], list(dict.fromkeys(others))


def fitted_parts(estimator: Any) -> Iterator[Any]:
    """The estimator and every estimator inside it, however it is nested; each once."""
    waiting, seen = [estimator], set()
    while waiting:
        item = waiting.pop()
        if id(item) in seen or isinstance(item, type):
            continue
        seen.add(id(item))
        if isinstance(item, dict):
            waiting.extend(item.values())
        elif isinstance(item, list | tuple):
            waiting.extend(item)
        elif hasattr(item, "get_params"):
            yield item
            waiting.extend(vars(item).values())


def text_form(estimator: Any) -> TextForm:
    """How the text columns looked that the estimator was fitted on."""
    known: list[Any] = []
    for part in fitted_parts(estimator):
        if getattr(part, "categorical_features", None) == "from_dtype" and np.any(
            getattr(part, "is_categorical_", False)
        ):
            return "category"
        known += [value for array in getattr(part, "categories_", ()) for value in array if not isinstance(value, str)]
        known += [None] * ("missing_values" in vars(part) and part.missing_values is None)
    has_nan = any(isinstance(value, float) and np.isnan(value) for value in known)
    return "object with None" if not has_nan and any(value is None for value in known) else "object with NaN"


def class_labels(estimator: Any) -> tuple[bool | int | str, ...] | None:
    """The classes in the order of predict_proba's columns, as plain Python values; None for a regressor."""
    classes = getattr(estimator, "classes_", None)
    if classes is None:
        return None
    return tuple(int(item) if isinstance(item, float) and item.is_integer() else item for item in classes.tolist())


def check_estimator(estimator: Any, card: ModelCard) -> None:
    """Raises ModelError where the model and its card disagree on features or classes."""
    for mistake in _mistakes(estimator, card):
        message = f"model card '{card.name}' is not of this model: {mistake}"
        raise ModelError(message, code="card_of_another_model", model=card.name)


def _mistakes(estimator: Any, card: ModelCard) -> Iterator[str]:
    method = "predict" if card.task == "regression" else "predict_proba"
    if not hasattr(estimator, method):
        yield f"a {card.task} model needs {method}, and {type(estimator).__name__} has none"
    names = [item.name for item in card.features]
    fitted = list(getattr(estimator, "feature_names_in_", names))
    if fitted != names:
        yield f"the card's features are {', '.join(names)}; the model was fitted on {', '.join(map(str, fitted))}"
    count = getattr(estimator, "n_features_in_", len(names))
    if count != len(names):
        yield f"the card has {len(names)} features, the model {count}"
    if class_labels(estimator) != card.classes:
        yield f"the card's classes are {card.classes}, the model's {class_labels(estimator)}"
