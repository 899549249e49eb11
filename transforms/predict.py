"""One score for each row, or a reason why not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from schemas.breach import Breach
from schemas.errors import ModelError
from transforms.adapter import Scores
from transforms.bisection import Bisection
from transforms.column_values import Mask
from transforms.models import LoadedModel
from transforms.output_columns import label_type


@dataclass(frozen=True)
class Predicted:
    """A model's output columns for a batch."""

    #: As many rows as there were features; null in every column where a breach has the row.
    scores: pa.RecordBatch
    #: infinite_value, model_error and non_finite_score; a row is in one of them at most.
    breaches: tuple[Breach, ...]


def predict(model: LoadedModel, features: pa.RecordBatch) -> Predicted:
    """The output columns of the model's entry for a chain's features.

    The model is called once, with the batch as it is. Only where rows are set aside (an infinite feature) or refused
    (the model raises) it is called with parts of it. Raises ModelError where the model gives more or fewer scores than
    rows, or fails on every row.
    """
    attempt = _Attempt(model, features.num_rows)
    if features.num_rows:
        inputs = model.adapter.inputs(features)
        infinite = model.adapter.infinite_rows(inputs)
        if infinite is None:
            attempt.score(features, inputs, np.arange(features.num_rows))
        else:
            attempt.set_aside("infinite_value", infinite, _infinite_details(model, features, infinite))
            attempt.score_part(features, np.flatnonzero(~infinite))
    attempt.refuse_non_finite()
    return Predicted(_output(model, attempt.scores, attempt.broken), tuple(attempt.breaches))


class _Attempt:
    """The scores of a batch on their way."""

    def __init__(self, model: LoadedModel, rows: int) -> None:
        self.model = model
        width = model.adapter.width
        self.scores: Scores = np.full((rows, width), np.nan, model.score_type)
        self.broken: Mask = np.zeros(rows, dtype=np.bool_)
        self.breaches: list[Breach] = []

    def score_part(self, features: pa.RecordBatch, rows: np.ndarray[Any, np.dtype[np.intp]]) -> None:
        """Score only those rows of the batch."""
        if len(rows):
            part = features.take(pa.array(rows))
            self.score(part, self.model.adapter.inputs(part), rows)

    def score(self, features: pa.RecordBatch, inputs: Any, rows: np.ndarray[Any, np.dtype[np.intp]]) -> None:
        """Score the features, which are those `rows` of the batch; bisect where the model raises."""
        try:
            self.scores[rows] = score_all(self.model, inputs, len(rows))
        except (ModelError, MemoryError):
            raise
        except Exception as error:  # noqa: BLE001  # a model may raise anything
            search = Bisection(lambda start, stop: self._score_range(features, start, stop), len(rows))
            search.run(error)
            for start, piece in search.pieces:
                self.scores[rows[start : start + len(piece)]] = piece
            refused = {int(rows[row]): text for row, text in sorted(search.errors.items())}
            self.set_aside("model_error", _mask(list(refused), len(self.broken)), refused)

    def _score_range(self, features: pa.RecordBatch, start: int, stop: int) -> Scores:
        part = features.slice(start, stop - start)
        return score_all(self.model, self.model.adapter.inputs(part), stop - start)

    def refuse_non_finite(self) -> None:
        """Set aside the rows whose scores are NaN or infinite."""
        wrong = ~np.isfinite(self.scores).all(axis=1) & ~self.broken
        if wrong.any():
            details = {row: ", ".join(map(str, self.scores[row].tolist())) for row in np.flatnonzero(wrong).tolist()}
            self.set_aside("non_finite_score", wrong, details)

    def set_aside(self, reason: str, mask: Mask, details: dict[int, str]) -> None:
        """Keep a reason for the rows of the mask, of which there may be none."""
        if mask.any():
            entry = self.model.entry
            self.breaches.append(Breach(f"model:{entry.name}", None, reason, entry.on_row_error, mask, details))
            self.broken = self.broken | mask


def score_all(model: LoadedModel, inputs: Any, rows: int) -> Scores:
    """Shape (rows, width). Raises ModelError unless the model gave exactly so many finite or other numbers."""
    scores = np.asarray(model.adapter.raw_scores(inputs))
    width = model.adapter.width
    allowed = [(rows, width), (rows,)] if width == 1 else [(rows, width)]
    if scores.shape not in allowed:
        given = f"{len(scores)} scores" if scores.ndim == 1 else f"scores of shape {scores.shape}"
        wanted = f"{rows} rows" if width == 1 else f"{rows} rows of {width} classes"
        message = f"model '{model.entry.name}' gave {given} for {wanted}"
        raise ModelError(message, code="scores_and_rows_differ", model=model.entry.name, rows=rows)
    return scores.reshape(rows, width)


def _output(model: LoadedModel, scores: Scores, broken: Mask) -> pa.RecordBatch:
    """The entry's columns in the order of `output_fields`."""
    out, card = model.entry.output, model.card
    nulls = broken if broken.any() else None
    columns: list[pa.Array] = []
    if out.probability or out.value:
        columns.append(pa.array(scores[:, -1], mask=nulls))
    if out.probabilities:
        columns += [pa.array(np.ascontiguousarray(column), mask=nulls) for column in scores.T]
    if out.label:
        places = pa.array(_class_places(model, scores), mask=nulls)
        columns.append(pa.array(card.classes, label_type(card)).take(places))
    return pa.RecordBatch.from_arrays(columns, schema=pa.schema(model.fields))


def _class_places(model: LoadedModel, scores: Scores) -> np.ndarray[Any, np.dtype[np.int64]]:
    """The place of each row's label in the card's classes.

    binary: 1 where probability >= threshold, with the threshold rounded to the probability's own type, so that 0.35
    means the float32 nearest to it. multiclass: the most probable, the first of equals.
    """
    if model.card.task == "binary":
        return np.asarray(scores[:, -1] >= scores.dtype.type(model.entry.output.threshold), dtype=np.int64)
    return np.asarray(np.argmax(scores, axis=1), dtype=np.int64)


def _infinite_details(model: LoadedModel, features: pa.RecordBatch, infinite: Mask) -> dict[int, str]:
    """Row to the first feature that is infinite to the model, with its value."""
    details: dict[int, str] = {}
    largest = float(np.finfo(model.score_type).max)
    for name, column in zip(features.schema.names, features.columns, strict=True):
        if pa.types.is_floating(column.type):
            values = column.to_numpy(zero_copy_only=False)
            for row in np.flatnonzero(infinite & (np.abs(values) > largest)).tolist():
                details.setdefault(row, f"{name} is {values[row]}")
    return details


def _mask(rows: list[int], count: int) -> Mask:
    mask = np.zeros(count, dtype=np.bool_)
    mask[rows] = True
    return mask
