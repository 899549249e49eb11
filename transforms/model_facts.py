"""What a model's file and its training rows say about the model, for the card that nobody has written yet."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from schemas.card import CardFeature
from schemas.errors import ModelError
from transforms.artefact import Format, read_bytes, sniff_format
from transforms.column_values import KindError, text_of
from transforms.library_versions import installed_version
from transforms.sklearn_model import class_labels, fitted_parts, text_form, unpickle
from transforms.xgboost_model import Task, describe, parse_booster, stored_categories

#: Import names whose distribution is called otherwise.
_DISTRIBUTIONS = {"sklearn": "scikit-learn"}


@dataclass(frozen=True)
class ModelFacts:
    """The part of a model card that can be found out; `dataclasses.replace` what you know better, as the classes."""

    kind: Literal["xgboost", "sklearn"]
    format: Format
    task: Task
    #: xgboost does not know its labels: 0, 1, ... then.
    classes: tuple[bool | int | str, ...] | None
    #: In the model's order.
    features: tuple[CardFeature, ...]
    libraries: dict[str, str]
    #: What the owner should know, such as trees beyond the best iteration.
    notes: tuple[str, ...] = ()


def inspect_model(path: Path, training: pa.Table, *, allow_pickle: bool = False) -> ModelFacts:
    """The facts of a model file and the table of its features' training rows (other columns are ignored).

    A joblib file is loaded, and so can run code, only with `allow_pickle`. Raises ModelError where the file is no
    model, or the table lacks one of its features.
    """
    data = read_bytes(path)
    form = sniff_format(data)
    if form != "joblib":
        return _booster_facts(parse_booster(data), form, training)
    if not allow_pickle:
        message = f"{path} is a pickle, which can run any code when it is loaded: allow it only if you trust the file"
        raise ModelError(message, code="pickle_not_allowed", file=str(path))
    estimator, mismatches, notes = unpickle(data)
    return _estimator_facts(estimator, training, [*map(str, mismatches), *notes])


def _booster_facts(booster: Any, form: Format, training: pa.Table) -> ModelFacts:
    described = describe(booster)
    count = booster.num_features()
    names = _names_or_columns(booster.feature_names, count, training)
    kinds = booster.feature_types or [None] * count
    stored = stored_categories(booster)
    features = []
    for name, kind in zip(names, kinds, strict=True):
        if kind == "c":
            features.append(
                CardFeature(name=name, type="categorical", categories=stored.get(name) or _distinct(training, name))
            )
        else:
            is_bool = pt.is_boolean(training.schema.field(name).type)
            features.append(CardFeature(name=name, type="boolean" if is_bool else "numeric"))
    task: Task = described.task
    classes = {"binary": (0, 1), "multiclass": tuple(range(described.classes)), "regression": None}[task]
    notes = [
        f"the model does not store the categories of '{name}': taken are the sorted values of the training rows, which "
        "is right only if it was trained so; compare the probe scores with yours"
        for name, kind in zip(names, kinds, strict=True)
        if kind == "c" and name not in stored
    ]
    libraries = {"xgboost": _version("xgboost")}
    return ModelFacts("xgboost", form, task, classes, tuple(features), libraries, (*notes, *_early_stop(booster)))


def _early_stop(booster: Any) -> list[str]:
    best = booster.attr("best_iteration")
    rounds = booster.num_boosted_rounds()
    if best is None or int(best) + 1 >= rounds:
        return []
    note = (
        f"training stopped early, at round {int(best) + 1} of {rounds}: scores use all {rounds}, as Booster.predict "
        f"does; XGBClassifier uses the first {int(best) + 1}. Save `booster[:{int(best) + 1}]` to have those"
    )
    return [note]


def _estimator_facts(estimator: Any, training: pa.Table, notes: Sequence[str]) -> ModelFacts:
    fitted = getattr(estimator, "feature_names_in_", None)
    count = int(getattr(estimator, "n_features_in_", training.num_columns))
    names = _names_or_columns(None if fitted is None else list(map(str, fitted)), count, training)
    classes = class_labels(estimator)
    task: Task = "regression" if classes is None else "binary" if len(classes) == 2 else "multiclass"  # noqa: PLR2004
    packages = {type(part).__module__.partition(".")[0] for part in fitted_parts(estimator)} | {"sklearn"}
    libraries = {
        name: _version(name) for name in sorted(_DISTRIBUTIONS.get(item, item) for item in packages) if _known(name)
    }
    form = text_form(estimator)
    notes = [*notes, *([f"text columns are given to the model as {form}"] if form != "object with NaN" else [])]
    features = tuple(_feature_of(name, training) for name in names)
    return ModelFacts("sklearn", "joblib", task, classes, features, libraries, tuple(notes))


def _names_or_columns(names: Sequence[str] | None, count: int, training: pa.Table) -> list[str]:
    """The model's feature names; the table's columns where the model was trained without names."""
    if names is None and training.num_columns == count:
        return list(training.column_names)
    if names is None:
        message = (
            f"the model stores no feature names and has {count} features, and the training table has "
            f"{training.num_columns} columns: give a table with just the features, in the model's order"
        )
        raise ModelError(message, code="features_unnamed")
    lacking = [name for name in names if name not in training.column_names]
    if lacking:
        message = f"the training table lacks {len(lacking)} features of the model: {', '.join(lacking[:10])}"
        raise ModelError(message, code="training_lacks_features", features=lacking)
    return list(names)


def _feature_of(name: str, training: pa.Table) -> CardFeature:
    kind = training.schema.field(name).type
    if pt.is_boolean(kind):
        return CardFeature(name=name, type="boolean")
    if pt.is_integer(kind) or pt.is_floating(kind) or pt.is_decimal(kind):
        return CardFeature(name=name, type="numeric")
    return CardFeature(name=name, type="categorical", categories=_distinct(training, name))


def _distinct(training: pa.Table, name: str) -> tuple[str, ...]:
    """The values of a column as text, sorted (numbers by value). Raises ModelError where they cannot be categories."""
    values = pc.unique(training.column(name).combine_chunks())
    values = values.dictionary_decode() if pt.is_dictionary(values.type) else values
    try:
        text = text_of(values.drop_null().sort())
    except KindError as error:
        message = f"column '{name}' of the training table cannot be a feature: {error}"
        raise ModelError(message, code="feature_kind", feature=name) from None
    return tuple(text.values.take(pa.array(text.codes)).to_pylist())


def _known(name: str) -> bool:
    return installed_version(name) is not None


def _version(library: str) -> str:
    found = installed_version(library)
    if found is None:
        message = f"{library} is not installed in {sys.prefix}"
        raise ModelError(message, code="library_missing")
    return found
