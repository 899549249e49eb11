"""The columns that a model adds to the scored table."""

from __future__ import annotations

import pyarrow as pa

from schemas.card import ModelCard
from schemas.errors import ConfigError
from schemas.job import ModelEntry

#: xgboost computes in float32; whatever a scikit-learn model gives fits into float64 unchanged.
_SCORE_TYPES = {"xgboost": pa.float32(), "sklearn": pa.float64()}
_KEYS = {"binary": ("probability", "label"), "multiclass": ("probabilities", "label"), "regression": ("value",)}


def output_fields(entry: ModelEntry, card: ModelCard) -> list[pa.Field]:
    """The columns in order: probability or value, one per class, label. Raises ConfigError where the task differs."""
    _check(entry, card)
    out, number = entry.output, _SCORE_TYPES[card.kind]
    fields = [pa.field(name, number) for name in (out.probability, out.value) if name]
    if out.probabilities:
        fields += [pa.field(out.probabilities.replace("{class}", str(item)), number) for item in card.classes or ()]
    if out.label:
        fields.append(pa.field(out.label, label_type(card)))
    return fields


def label_type(card: ModelCard) -> pa.DataType:
    """The type of the card's classes: bool, int64 or string. Raises ConfigError where they are mixed."""
    kinds = {type(item) for item in card.classes or ()}
    types = {bool: pa.bool_(), int: pa.int64(), str: pa.string()}
    if len(kinds) != 1:
        message = f"model card '{card.name}': classes of several types: {', '.join(map(repr, card.classes or ()))}"
        raise ConfigError(message, code="mixed_classes", model=card.name)
    return types[kinds.pop()]


def _check(entry: ModelEntry, card: ModelCard) -> None:
    allowed = _KEYS[card.task]
    given = [key for key in ("probability", "value", "probabilities", "label") if getattr(entry.output, key)]
    wrong = [key for key in given if key not in allowed]
    if wrong:
        message = (
            f"model '{entry.name}': output.{wrong[0]} does not go with a {card.task} model; use {' or '.join(allowed)}"
        )
        raise ConfigError(message, code="output_of_another_task", model=entry.name)
    if not given:
        message = f"model '{entry.name}': output names no column; set {' or '.join(allowed)}"
        raise ConfigError(message, code="no_output_column", model=entry.name)
    names = [str(item) for item in card.classes or ()]
    if len(set(names)) != len(names):
        message = f"model card '{card.name}': two classes have the same text: {', '.join(names)}"
        raise ConfigError(message, code="classes_alike", model=card.name)
