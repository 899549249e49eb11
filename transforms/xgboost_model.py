"""XGBoost models (UBJ or JSON): the matrix that they want, and their scores."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from schemas.card import CardFeature, ModelCard
from schemas.errors import ModelError
from transforms.adapter import Scores, first_line
from transforms.column_values import Mask
from transforms.lean_xgboost import import_xgboost

Matrix = npt.NDArray[np.float32]
Task = Literal["binary", "multiclass", "regression"]

#: Objectives whose prediction is the probability of the second class.
_PROBABILITY = ("binary:logistic", "reg:logistic")
_STAMP = re.compile(r"^(\w+: )\[[\d:]+\] \S+:\d+: ")


class XgboostModel:
    """A booster, as an Adapter."""

    def __init__(self, booster: Any, card: ModelCard, threads: int) -> None:
        self.booster = booster
        self._matrix = import_xgboost().DMatrix
        self.features = card.features
        check_booster(booster, card)
        described = describe(booster)
        # The probabilities of all classes of a model that would only say the most probable one.
        if described.objective == "multi:softmax":
            booster.set_param({"objective": "multi:softprob"})
        #: In-place prediction of a DART booster differs from Booster.predict in the last digit, linear ones have none.
        self.in_place = described.kind == "gbtree"
        self.width = len(card.classes or ()) if card.task == "multiclass" else 1
        # A model that was trained on a GPU is scored on the CPU, like all others.
        booster.set_param({"device": "cpu"})
        self.set_threads(threads)

    def set_threads(self, threads: int) -> None:
        """How many threads a prediction uses; each row is computed by one, so the scores are the same."""
        self.booster.set_param({"nthread": threads})

    def inputs(self, features: pa.RecordBatch) -> Matrix:
        """`feature_matrix` of the model's features, chosen by name."""
        return feature_matrix(features, [item.name for item in self.features])

    def infinite_rows(self, inputs: Matrix) -> Mask | None:
        """Rows with an infinite number, or one beyond float32: `Booster.predict` refuses such rows too."""
        infinite = np.isinf(inputs)
        return np.asarray(infinite.any(axis=1)) if infinite.any() else None

    def raw_scores(self, inputs: Matrix) -> Scores:
        """float32, shape (rows,) or (rows, classes), bit for bit what Booster.predict gives."""
        scores: Scores
        if self.in_place:
            scores = self.booster.inplace_predict(inputs)
            return scores
        types = ["c" if item.type == "categorical" else "q" for item in self.features]
        names = [item.name for item in self.features] if self.booster.feature_names else None
        scores = self.booster.predict(self._matrix(inputs, feature_names=names, feature_types=types))
        return scores


def feature_matrix(features: pa.RecordBatch, names: Sequence[str]) -> Matrix:
    """Shape (rows, features), float32: numbers, codes of categories; NaN where missing.

    Codes are exact in float32 below 2**24. Numbers are rounded as xgboost itself rounds a float64. Each feature is
    contiguous, as it comes from Arrow: written row by row the matrix takes five times as long, and predicts no faster.
    """
    matrix = np.empty((len(names), features.num_rows), np.float32)
    with np.errstate(over="ignore"):  # beyond float32 becomes infinite, and is refused as such
        for place, name in enumerate(names):
            column = features.column(name)
            if pa.types.is_dictionary(column.type):
                column = column.indices
            matrix[place] = column.to_numpy(zero_copy_only=False)  # null codes come as NaN
    return matrix.T


def parse_booster(data: bytes) -> Any:
    """The booster in the bytes of a UBJ or JSON file. Raises ModelError."""
    xgboost = import_xgboost()
    booster = xgboost.Booster()
    try:
        booster.load_model(bytearray(data))
    except xgboost.core.XGBoostError as error:
        reason = _STAMP.sub(r"\1", first_line(error))
        message = f"xgboost cannot read the model file: {reason}"
        raise ModelError(message, code="artefact_unreadable") from None
    return booster


class BoosterFacts:
    """What a booster says of itself."""

    def __init__(self, kind: str, objective: str, classes: int, targets: int) -> None:
        self.kind = kind
        self.objective = objective
        #: 0 unless multiclass.
        self.classes = classes
        self.targets = targets

    @property
    def task(self) -> Task:
        """binary, multiclass or regression."""
        if self.objective.startswith("multi:"):
            return "multiclass"
        return "binary" if self.objective == "binary:logistic" else "regression"


def describe(booster: Any) -> BoosterFacts:
    """The booster's kind, objective and numbers of outputs."""
    learner = json.loads(booster.save_config())["learner"]
    model = learner["learner_model_param"]
    return BoosterFacts(
        learner["learner_train_param"]["booster"],
        learner["objective"]["name"],
        int(model["num_class"]),
        int(model["num_target"]),
    )


def stored_categories(booster: Any) -> dict[str, tuple[str, ...]]:
    """The categories that the model stores, in the order of its codes: xgboost 3.1 and later, trained on frames.

    Raises ModelError where they cannot be read: xgboost 3.2 cuts text that is not ASCII (dmlc/xgboost#12360).
    """
    names = booster.feature_names
    if names is None or "c" not in (booster.feature_types or ()):
        return {}
    arrays = booster.get_categories(export_to_arrow=True).to_arrow()
    try:
        return {name: tuple(map(str, array.to_pylist())) for name, array in arrays if array is not None}
    except UnicodeDecodeError:
        message = (
            "the model's categories are damaged. xgboost 3.2 cannot store those of a pandas frame if one of them has "
            "other letters than ASCII: train it on an Arrow table (pa.Table, with dictionary columns)"
        )
        raise ModelError(message, code="damaged_categories") from None


def check_booster(booster: Any, card: ModelCard) -> None:
    """Raises ModelError where the model and its card disagree on features, categories, task or classes."""
    for mistake in (
        *_feature_mistakes(booster, card.features),
        *_category_mistakes(booster, card.features),
        *_task_mistakes(describe(booster), card),
    ):
        message = f"model card '{card.name}' is not of this model: {mistake}"
        raise ModelError(message, code="card_of_another_model", model=card.name)


def _feature_mistakes(booster: Any, features: Sequence[CardFeature]) -> list[str]:
    count, names = booster.num_features(), booster.feature_names
    if count != len(features):
        return [f"the card has {len(features)} features, the model {count}"]
    card_names = [item.name for item in features]
    if names is not None and names != card_names:
        place = next(i for i, pair in enumerate(zip(names, card_names, strict=True)) if pair[0] != pair[1])
        return [f"feature {place} is '{card_names[place]}' in the card and '{names[place]}' in the model"]
    types = booster.feature_types or [None] * count
    return [
        f"feature '{item.name}' is {item.type} in the card, and the model's feature type is '{kind}'"
        for item, kind in zip(features, types, strict=True)
        if kind is not None and (kind == "c") != (item.type == "categorical")
    ]


def _category_mistakes(booster: Any, features: Sequence[CardFeature]) -> list[str]:
    stored = stored_categories(booster)
    return [
        f"the categories of feature '{item.name}' differ, or their order does: they are the model's codes"
        for item in features
        if item.name in stored and stored[item.name] != item.categories
    ]


def _task_mistakes(facts: BoosterFacts, card: ModelCard) -> list[str]:
    classes = len(card.classes or ())
    if facts.targets != 1:
        return [f"the model has {facts.targets} targets; one is supported"]
    if card.task == "binary" and facts.objective not in _PROBABILITY:
        return [f"objective {facts.objective} gives no probability; a binary model needs binary:logistic"]
    if (card.task == "multiclass") != (facts.task == "multiclass"):
        return [f"the card says {card.task}, the model's objective is {facts.objective}"]
    if card.task == "regression" and facts.objective == "binary:logistic":
        return ["the card says regression, the model's objective is binary:logistic"]
    return [f"the card has {classes} classes, the model {facts.classes}"] * (facts.classes not in (0, classes))
