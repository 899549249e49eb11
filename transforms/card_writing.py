"""Making a model card out of an artefact and its training rows."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from schemas.card import Artefact, CardFeature, ModelCard, Probe, Scalar
from schemas.errors import ModelError
from transforms.artefact import read_bytes
from transforms.column_values import KindError, Mask, numbers_of, text_of
from transforms.model_facts import ModelFacts
from transforms.models import parse_model
from transforms.probe import probe_features, probe_scores

PROBE_ROWS = 20
#: How many of them have a missing value, where there are such rows.
_PROBE_ROWS_WITH_GAPS = 8
#: Relative to the largest score, at least 1. exp() may differ in the last digit from one processor to the next, BLAS
#: sums in the last few; a wrong model is off by more than this.
_TOLERANCE = {"xgboost": 1e-6, "sklearn": 1e-9}


@dataclass(frozen=True)
class About:
    """What only the owner of the model can say."""

    name: str
    metrics: Mapping[str, float] = field(default_factory=dict)
    #: Free facts: data, period, seed.
    training: Mapping[str, Any] = field(default_factory=dict)


def card_for(artefact: Path, facts: ModelFacts, rows: pa.Table, about: About) -> ModelCard:
    """The card of a model file, with probe rows out of `rows` and the scores that the model gives them here.

    `rows` are training rows with the model's features as columns, either as they were read or as a chain made them. The
    file's pickle is loaded where it is one, so call this only for a file that you trust. Raises ModelError.
    """
    data = read_bytes(artefact)
    probe_rows = pick_probe_rows(rows, facts.features)
    card = _card(data, facts, about, Probe(rows=probe_rows, scores=((0.0,),) * len(probe_rows)))
    adapter, _, _ = parse_model(data, card, threads=1)
    scores = probe_scores(adapter, probe_features(probe_rows, facts.features), facts.task)
    if not np.isfinite(scores).all():
        message = f"model '{about.name}' gives scores that are not finite for its own training rows"
        raise ModelError(message, code="probe_not_finite")
    tolerance = _TOLERANCE[facts.kind] * max(1.0, float(np.abs(scores).max()))
    wanted = tuple(tuple(float(number) for number in row) for row in scores)
    return _card(data, facts, about, Probe(rows=probe_rows, scores=wanted, tolerance=tolerance))


def _card(data: bytes, facts: ModelFacts, about: About, probe: Probe) -> ModelCard:
    return ModelCard(
        name=about.name,
        kind=facts.kind,
        task=facts.task,
        artefact=Artefact(format=facts.format, sha256=hashlib.sha256(data).hexdigest(), bytes=len(data)),
        libraries=facts.libraries,
        features=facts.features,
        classes=facts.classes,
        metrics=dict(about.metrics),
        probe=probe,
        training=dict(about.training),
    )


def pick_probe_rows(rows: pa.Table, features: Sequence[CardFeature]) -> tuple[dict[str, Scalar], ...]:
    """About PROBE_ROWS rows, evenly spread over the table, some of them with missing values; always the same ones.

    Rows with an infinite number are never picked. Raises ModelError where no row is left, or a column does not fit.
    """
    try:
        gaps, infinite = _gaps_and_infinities(rows, features)
        places = _spread(np.flatnonzero(gaps & ~infinite), _PROBE_ROWS_WITH_GAPS)
        places += _spread(np.flatnonzero(~gaps & ~infinite), PROBE_ROWS - len(places))
        if not places:
            message = "no training row to probe the model with: the table is empty, or every row has an infinite number"
            raise ModelError(message, code="probe_no_rows")
        picked = rows.select([item.name for item in features]).take(pa.array(sorted(places)))
        columns = {item.name: _scalars(picked.column(item.name).combine_chunks(), item) for item in features}
    except KindError as error:
        message = f"the training rows do not fit the features: {error}"
        raise ModelError(message, code="feature_kind") from None
    return tuple({name: column[row] for name, column in columns.items()} for row in range(picked.num_rows))


def _spread(places: npt.NDArray[np.intp], count: int) -> list[int]:
    """At most `count` of the places, the first and the last among them."""
    if len(places) <= count:
        return [int(place) for place in places]
    return [int(places[i]) for i in np.linspace(0, len(places) - 1, count).astype(int)]


def _gaps_and_infinities(rows: pa.Table, features: Sequence[CardFeature]) -> tuple[Mask, Mask]:
    """Where any feature is missing, and where any is infinite."""
    gaps, infinite = np.zeros(rows.num_rows, np.bool_), np.zeros(rows.num_rows, np.bool_)
    for item in features:
        array = rows.column(item.name).combine_chunks()
        if item.categories is not None:
            gaps |= text_of(array).codes < 0
        else:
            numbers = numbers_of(array)
            gaps |= np.isnan(numbers)
            infinite |= np.isinf(numbers)
    return gaps, infinite


def _scalars(array: pa.Array, feature: CardFeature) -> list[Scalar]:
    """The values as a card holds them: numbers, booleans or text, None where missing."""
    if feature.categories is None:
        numbers = [None if np.isnan(number) else number for number in numbers_of(array).tolist()]
        return [None if n is None else bool(n) for n in numbers] if feature.type == "boolean" else list(numbers)
    text = text_of(array)
    values = text.values.to_pylist()
    strangers = sorted({values[code] for code in text.codes if code >= 0} - set(feature.categories))
    if strangers:
        message = f"training rows have '{strangers[0]}' in '{feature.name}', which is not among the model's categories"
        raise ModelError(message, code="training_category", feature=feature.name)
    return [None if code < 0 else values[code] for code in text.codes]
