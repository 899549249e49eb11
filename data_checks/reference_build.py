"""Making the reference profile, one whole column at a time: exact quantiles, the same for any order of the rows."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from data_checks.categories import CATEGORY_CAP
from data_checks.columns import to_float64
from data_checks.histogram import UNIT_EDGES, bin_counts, quantile_cuts
from data_checks.moments import Moments
from data_checks.reference import DEFAULT_BINS, CategoryFacts, Kind, NumericFacts, ReferenceColumn, ScoreKind

Floats = npt.NDArray[np.float64]

_BATCH = 1 << 16


def build_column(
    name: str, kind: Kind, values: pa.Array | pa.ChunkedArray, bins: int = DEFAULT_BINS
) -> ReferenceColumn:
    """The reference of a feature column from all its conformed values."""
    array = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    if isinstance(array, pa.ChunkedArray):  # what combine_chunks gives for a dictionary column without chunks
        array = pa.concat_arrays(array.chunks) if array.num_chunks else pa.array([], array.type)
    rows, nulls = len(array), array.null_count
    if kind == "categorical":
        return ReferenceColumn(name=name, kind=kind, rows=rows, nulls=nulls, categorical=_category_facts(array))
    if kind in ("temporal", "opaque"):
        return ReferenceColumn(name=name, kind=kind, rows=rows, nulls=nulls)
    numbers = to_float64(array, name)
    present = numbers[~np.isnan(numbers)]
    nans = rows - nulls - len(present)
    return ReferenceColumn(
        name=name, kind=kind, rows=rows, nulls=nulls, nans=nans, numeric=numeric_facts(present, bins)
    )


def build_score(name: str, kind: ScoreKind, model: str, values: Floats, bins: int = DEFAULT_BINS) -> ReferenceColumn:
    """The reference of a model's score column; NaN counts as missing."""
    present = values[~np.isnan(values)]
    facts = numeric_facts(present, bins)
    if kind == "probability":
        facts = facts.model_copy(update={"unit_counts": tuple(bin_counts(present, UNIT_EDGES).tolist())})
    nans = len(values) - len(present)
    return ReferenceColumn(name=name, kind="numeric", rows=len(values), nans=nans, numeric=facts, model=model)


def numeric_facts(present: Floats, bins: int) -> NumericFacts:
    """Range, moments and frozen bins of the values, which hold no NaN and may be in any order."""
    ascending = np.sort(present)
    finite = ascending[np.isfinite(ascending)]
    infinite = len(ascending) - len(finite)
    if not len(finite):
        return NumericFacts(infinite=infinite, counts=(len(ascending),))
    moments = Moments()
    for start in range(0, len(finite), _BATCH):
        moments.add(finite[start : start + _BATCH])
    cuts = quantile_cuts(finite, bins)
    return NumericFacts(
        infinite=infinite,
        minimum=float(finite[0]),
        maximum=float(finite[-1]),
        mean=moments.mean,
        sd=moments.stdev,
        edges=cuts.edges,
        atoms=cuts.atoms,
        counts=tuple(bin_counts(ascending, cuts.edges).tolist()),
    )


def _category_facts(array: pa.Array) -> CategoryFacts:
    if pa.types.is_dictionary(array.type):
        array = array.cast(array.type.value_type)
    names = array if pa.types.is_string(array.type) else pc.cast(array, pa.string())
    counted = pc.value_counts(names.drop_null())
    pairs = zip(counted.field("values").to_pylist(), counted.field("counts").to_pylist(), strict=True)
    ordered = sorted(pairs, key=lambda pair: (-pair[1], pair[0]))
    unlisted = sum(count for _, count in ordered[CATEGORY_CAP:])
    return CategoryFacts(categories=tuple(ordered[:CATEGORY_CAP]), distinct=len(ordered), unlisted=unlisted)
