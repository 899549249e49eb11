"""One entry of the job's features, ready to run: source columns, steps, policies and the features that it makes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import pyarrow as pa

from schemas.breach import Breach, Outcome
from schemas.card import CardFeature
from schemas.errors import ModelError
from schemas.job import Step
from transforms.categories import Coded, UnknownPolicy, encode
from transforms.column_values import Codes, KindError, Mask, Text, Values, arrow_of, text_of, values_of
from transforms.steps import one_hot, ordinal, run_custom, run_step

MissingPolicy = Literal["allow", "error", "quarantine"]

_OUTCOMES: Mapping[str, Outcome] = {"error": "fail", "quarantine": "quarantine"}


@dataclass(frozen=True)
class Made:
    """The features of one entry for one batch."""

    #: By feature name: float64 with NaN where missing, or dictionary<int32, string> with null where missing.
    columns: dict[str, pa.Array]
    breaches: tuple[Breach, ...]
    #: Rows with a value that the model was not trained on; None where the entry has no categories.
    unknown: int | None
    #: Rows with a missing value after all steps, without the unknown ones.
    missing: int


@dataclass(frozen=True)
class FeatureEntry:
    """How one or several features of a model are made."""

    name: str
    sources: tuple[str, ...]
    steps: tuple[Step, ...]
    unknown: UnknownPolicy
    missing: MissingPolicy
    #: What the model's card says of the features that come out; several only where the last step is one_hot.
    outputs: tuple[CardFeature, ...]

    @cached_property
    def is_categorical(self) -> bool:
        """Whether the result is a category of the model."""
        return self.outputs[0].type == "categorical"

    @cached_property
    def categories(self) -> pa.Array | None:
        """The known values: of the ordinal or one_hot step, else of the model; None when all is numbers."""
        named = next((step.ordinal or step.one_hot for step in self.steps if step.ordinal or step.one_hot), None)
        known = named or (self.outputs[0].categories if self.is_categorical else None)
        return None if known is None else pa.array(known, pa.string())

    def run(self, rows: pa.RecordBatch) -> Made:
        """The features of conformed rows. Raises ModelError where a custom step gives what the next cannot take."""
        try:
            values, coded = self._walk(rows)
            columns, gaps = self._columns(values, coded)
        except KindError as error:
            message = f"feature '{self.name}': {error}"
            raise ModelError(message, code="feature_kind", feature=self.name) from None
        unknown = coded.unknown if coded is not None else None
        strangers = 0 if unknown is None else int(np.count_nonzero(unknown))
        absent = gaps if unknown is None else gaps & ~unknown
        counted = None if coded is None else strangers
        return Made(columns, tuple(self._breaches(coded, gaps)), counted, int(np.count_nonzero(absent)))

    def _walk(self, rows: pa.RecordBatch) -> tuple[Values, Coded | None]:
        values: Values | None = None
        coded: Coded | None = None
        for step in self.steps:
            if step.custom is not None:
                arrays = [_plain(rows.column(name)) for name in self.sources] if values is None else [arrow_of(values)]
                values = self._read(run_custom(step.custom, arrays))
                continue
            values = self._read(rows.column(self.sources[0])) if values is None else values
            if step.ordinal or step.one_hot:
                coded = self._encode(values)
                values = ordinal(coded.codes)
            else:
                values = run_step(step, values)
        values = self._read(rows.column(self.sources[0])) if values is None else values
        if self.is_categorical:
            coded = self._encode(values)
        return values, coded

    def _read(self, array: pa.Array) -> Values:
        return text_of(array) if self.is_categorical else values_of(array)

    def _encode(self, values: Values) -> Coded:
        if not isinstance(values, Text):
            message = "categories need text"
            raise KindError(message)
        return encode(values, self.categories, self.unknown)

    def _columns(self, values: Values, coded: Coded | None) -> tuple[dict[str, pa.Array], Mask]:
        """The entry's features, and where they are missing."""
        if coded is not None and self.is_categorical:
            return {self.outputs[0].name: categorical_array(coded.codes, self.categories)}, coded.codes < 0
        if coded is not None and self.steps[-1].one_hot:
            known = self.steps[-1].one_hot
            places = {one_hot_name(self.name, category): place for place, category in enumerate(known)}
            made = {item.name: pa.array(one_hot(coded.codes, places[item.name])) for item in self.outputs}
            return made, coded.codes < 0
        if not isinstance(values, np.ndarray):
            message = f"the model wants numbers and the steps give {type(values).__name__.lower()}"
            raise KindError(message)
        return {self.outputs[0].name: pa.array(values)}, np.isnan(values)

    def _breaches(self, coded: Coded | None, gaps: Mask) -> list[Breach]:
        rule, column = f"feature:{self.name}", self.sources[0]
        found: list[Breach] = []
        refused = np.zeros(len(gaps), dtype=np.bool_)
        if coded is not None and coded.unknown is not None and self.unknown in _OUTCOMES:
            refused = coded.unknown
            details = {row: f"'{value}'" for row, value in coded.unknown_values.items()}
            found.append(Breach(rule, column, "unknown_category", _OUTCOMES[self.unknown], refused, details))
        if self.missing in _OUTCOMES:
            absent = gaps & ~refused
            if absent.any():
                found.append(Breach(rule, column, "missing_value", _OUTCOMES[self.missing], absent))
        return found


def one_hot_name(entry: str, category: str) -> str:
    """The feature that one_hot makes of a category: `origin=EWR`."""
    return f"{entry}={category}"


def categorical_array(codes: Codes, categories: pa.Array) -> pa.DictionaryArray:
    """dictionary<int32, string> whose dictionary is `categories`, null where the code is negative."""
    gaps = codes < 0
    indices = pa.array(codes, mask=gaps) if gaps.any() else pa.array(codes)
    return pa.DictionaryArray.from_arrays(indices, categories, safe=False)


def _plain(array: pa.Array) -> pa.Array:
    return array.dictionary_decode() if pa.types.is_dictionary(array.type) else array
