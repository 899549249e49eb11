"""The card's probe rows, scored again: the proof that this file in this environment is that model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa

from schemas.card import CardFeature, ModelCard, Scalar
from schemas.errors import ModelError
from transforms.adapter import Adapter, Scores, first_line
from transforms.feature_entry import categorical_array


def probe_features(rows: Sequence[Mapping[str, Scalar]], features: Sequence[CardFeature]) -> pa.RecordBatch:
    """The rows as a chain would make them. Raises ModelError naming row and feature that do not fit."""
    arrays = [_column([_value(row, number, item) for number, row in enumerate(rows)], item) for item in features]
    return pa.RecordBatch.from_arrays(arrays, names=[item.name for item in features])


def _value(row: Mapping[str, Scalar], number: int, feature: CardFeature) -> float:
    """The number or code of a probe row's value; -1 or NaN where missing."""
    if feature.name not in row:
        message = f"probe row {number} of the model card has no value for feature '{feature.name}'"
        raise ModelError(message, code="probe_incomplete", row=number)
    value = row[feature.name]
    if feature.categories is None and not isinstance(value, str):
        return np.nan if value is None else float(value)
    if feature.categories is not None and (value is None or value in feature.categories):
        return -1 if value is None else feature.categories.index(str(value))
    message = f"probe row {number} of the model card: '{value}' is no value of {feature.type} feature '{feature.name}'"
    raise ModelError(message, code="probe_value", row=number)


def _column(values: Sequence[float], feature: CardFeature) -> pa.Array:
    if feature.categories is None:
        return pa.array(np.array(values, np.float64))
    return categorical_array(np.array(values, np.int32), pa.array(feature.categories, pa.string()))


def probe_scores(adapter: Adapter, features: pa.RecordBatch, task: str) -> Scores:
    """What a card holds of the model's scores: shape (rows, 1), for multiclass (rows, classes). Raises ModelError."""
    try:
        scores = np.asarray(adapter.raw_scores(adapter.inputs(features)))
    except Exception as error:
        message = f"the model fails on the probe rows of its card: {first_line(error)}"
        raise ModelError(message, code="probe_failed") from error
    if scores.size != features.num_rows * adapter.width:
        message = f"the model gave {scores.size} scores for {features.num_rows} probe rows of {adapter.width} outputs"
        raise ModelError(message, code="probe_failed")
    scores = scores.reshape(features.num_rows, adapter.width)
    return scores if task == "multiclass" else scores[:, -1:]


def verify_probe(adapter: Adapter, card: ModelCard) -> float:
    """The largest absolute difference to the card's scores. Raises ModelError where the card does not tolerate it."""
    scores = probe_scores(adapter, probe_features(card.probe.rows, card.features), card.task).astype(np.float64)
    wanted = np.array(card.probe.scores, np.float64)
    if wanted.shape != scores.shape:
        message = f"model card '{card.name}': probe scores of shape {wanted.shape}, the model gives {scores.shape}"
        raise ModelError(message, code="probe_shape")
    by_row = np.abs(scores - wanted).max(axis=1)
    worst = int(np.argmax(np.where(np.isnan(by_row), np.inf, by_row)))
    if not by_row[worst] <= card.probe.tolerance:
        message = (
            f"model '{card.name}' does not give its card's scores here: probe row {worst} differs by "
            f"{by_row[worst]:.3g}, the most of {len(by_row)} rows (allowed: {card.probe.tolerance:g}); "
            "file, card and libraries do not belong together"
        )
        raise ModelError(
            message, code="probe_differs", row=worst, difference=float(np.nan_to_num(by_row[worst], nan=-1))
        )
    return float(by_row[worst])
