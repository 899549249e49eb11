"""Which input column each column comes from that scikit-learn's transformers make."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Places = npt.NDArray[np.intp]


class UntraceableError(Exception):
    """A transformer makes columns of several inputs, or in a way that is not known here."""


def trace(steps: Sequence[Any], sources: Places) -> Places:
    """Shape (columns out,): for each column that comes out of the fitted steps, the entry of `sources` of its input.

    `sources` are of the columns that go in. Raises UntraceableError naming the step that mixes columns (PCA), or
    could (a FunctionTransformer, anything that is not scikit-learn's own).
    """
    for step in steps:
        sources = _after(step, sources)
    return sources


def _after(step: Any, sources: Places) -> Places:
    if step is None or isinstance(step, str):
        if step in (None, "passthrough"):
            return sources
        message = f"a step '{step}'"
        raise UntraceableError(message)
    kind = type(step).__name__
    ours = type(step).__module__.startswith("sklearn.")
    if ours and (kind in _ONE_TO_ONE or (kind == "FunctionTransformer" and step.func is None)):
        return sources
    if ours and kind in _KNOWN:
        return _KNOWN[kind](step, sources)
    if ours and hasattr(step, "get_support"):
        kept: Places = sources[step.get_support(indices=True)]
        return kept
    message = f"{kind}, whose columns cannot be traced to one feature each"
    raise UntraceableError(message)


def _pipeline(step: Any, sources: Places) -> Places:
    return trace([item for _, item in step.steps], sources)


def _column_transformer(step: Any, sources: Places) -> Places:
    made: list[Places] = []
    for name, transformer, columns in step.transformers_:
        chosen = sources[_chosen(columns, step)]
        is_dropped = isinstance(transformer, str) and transformer == "drop"
        part = chosen[:0] if is_dropped or not len(chosen) else _after(transformer, chosen)
        place = step.output_indices_[name]
        start = sum(map(len, made))
        if len(part) and (place.start, place.stop) != (start, start + len(part)):
            message = f"'{name}' of a ColumnTransformer, whose columns are {place.start} to {place.stop}"
            raise UntraceableError(message)
        made.append(part)
    return np.concatenate(made) if made else sources[:0]


def _chosen(columns: Any, step: Any) -> Places:
    """Places of the columns that a ColumnTransformer gives to one of its parts, in its order."""
    everything = np.arange(step.n_features_in_)
    if isinstance(columns, slice):
        if isinstance(columns.start, str) or isinstance(columns.stop, str):
            message = "a ColumnTransformer with a slice of names"
            raise UntraceableError(message)
        return np.asarray(everything[columns])
    items = [columns] if isinstance(columns, str | int) else list(columns)
    if items and all(isinstance(item, str) for item in items):
        return _places(items, step)
    wanted = np.asarray(items, dtype=None if items else np.intp)
    return np.asarray(everything[wanted])


def _one_hot(step: Any, sources: Places) -> Places:
    """Asks a copy for its columns' names, with the name of the feature alone as each of them."""
    shown = copy.copy(step)
    shown.feature_name_combiner = _feature_alone
    return sources[_places(shown.get_feature_names_out(), step)]


def _feature_alone(feature: Any, _category: Any) -> str:
    return str(feature)


def _imputer(step: Any, sources: Places) -> Places:
    """Columns that were empty in training are left out; columns that tell what was missing are put at the end."""
    told = sources[step.indicator_.features_] if step.add_indicator else sources[:0]
    names = step.get_feature_names_out()
    return np.concatenate([sources[_places(names[: len(names) - len(told)], step)], told])


def _splines(step: Any, sources: Places) -> Places:
    return np.repeat(sources, step.n_features_out_ // step.n_features_in_)


def _bins(step: Any, sources: Places) -> Places:
    return sources if step.encode == "ordinal" else np.repeat(sources, step.n_bins_)


def _places(names: Sequence[Any], step: Any) -> Places:
    """Places of names among the columns that went into a fitted step; x0, x1, ... where those had none."""
    known = getattr(step, "feature_names_in_", [f"x{place}" for place in range(step.n_features_in_)])
    places = {name: place for place, name in enumerate(known)}
    if len(places) != len(known):
        message = f"{type(step).__name__}, which was fitted on two columns of the same name"
        raise UntraceableError(message)
    return np.array([places[name] for name in names], np.intp)


_ONE_TO_ONE = frozenset(
    {
        "Binarizer",
        "MaxAbsScaler",
        "MinMaxScaler",
        "OrdinalEncoder",
        "PowerTransformer",
        "QuantileTransformer",
        "RobustScaler",
        "StandardScaler",
    }
)
_KNOWN: Mapping[str, Callable[[Any, Places], Places]] = {
    "ColumnTransformer": _column_transformer,
    "KBinsDiscretizer": _bins,
    "OneHotEncoder": _one_hot,
    "Pipeline": _pipeline,
    "SimpleImputer": _imputer,
    "SplineTransformer": _splines,
}
