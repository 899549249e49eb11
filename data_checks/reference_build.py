"""The reference's facts of a column, from its profile over the training data and its values in order."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from data_checks.categories import CATEGORY_CAP, CategoryTable
from data_checks.column_profile import ColumnProfile
from data_checks.columns import BatchColumns
from data_checks.grid import Floats, Grid, between
from data_checks.histogram import UNIT_EDGES
from data_checks.moments import Moments
from data_checks.quantile_cuts import cuts_of
from data_checks.ranked_values import RankedValues
from data_checks.reference import (
    DEFAULT_BINS,
    FINE_BINS,
    CategoryFacts,
    Kind,
    NumericFacts,
    ReferenceColumn,
    ScoreKind,
    TimePart,
)
from data_checks.score_profile import ScoreColumn, ScoreProfile

#: Distinct categories of training data that are counted; past it none is listed.
TRAINING_CATEGORIES = 100_000
_BATCH = 1 << 16


def column_reference(
    column: ColumnProfile, values: RankedValues, bins: int = DEFAULT_BINS, part: TimePart | None = None
) -> ReferenceColumn:
    """The reference of a feature column: its profile without bins, and if numeric its values."""
    seen = column.presence
    numeric = categorical = None
    if column.moments is not None:
        numeric = numeric_facts(values, column.moments, bins)
    if column.table is not None:
        categorical = category_facts(column.table)
    return ReferenceColumn(
        name=column.name,
        kind=column.kind,
        rows=seen.rows,
        nulls=seen.nulls,
        nans=seen.nans,
        numeric=numeric,
        categorical=categorical,
        part=part,
    )


def score_reference(score: ScoreProfile, values: RankedValues, bins: int = DEFAULT_BINS) -> ReferenceColumn:
    """The reference of a model's score column; NaN counts as missing."""
    column = score.column
    facts = numeric_facts(values, score.moments, bins, unit=column.kind == "probability")
    return ReferenceColumn(
        name=column.name, kind="numeric", rows=score.rows, nans=score.missing, numeric=facts, model=column.model
    )


def numeric_facts(values: RankedValues, moments: Moments, bins: int, *, unit: bool = False) -> NumericFacts:
    """Range, moments and frozen bins of the values, which hold no NaN; `moments` are of the same values."""
    first, stop = values.finite_ranks()
    infinite = len(values) - (stop - first)
    if first == stop:
        return NumericFacts(infinite=infinite, grid_counts=(len(values),))
    cuts, fine = cuts_of(values, bins), cuts_of(values, max(FINE_BINS, bins))
    grid = Grid(tuple(sorted({*cuts.edges, *fine.edges, *(UNIT_EDGES if unit else ())})))
    ends = values.at_ranks(np.array([first, stop - 1])).tolist()
    return NumericFacts(
        infinite=infinite,
        minimum=ends[0],
        maximum=ends[1],
        mean=moments.mean,
        sd=moments.stdev,
        edges=cuts.edges,
        atoms=cuts.atoms,
        grid_edges=grid.edges,
        grid_counts=tuple(between(values.below(np.array(grid.edges)), len(values)).tolist()),
        low_mean=_mean(values.between(ends[0], grid.edges[0])) if grid.edges else None,
        high_mean=_mean(values.between(grid.edges[-1], np.inf)) if grid.edges else None,
        unit=unit,
    )


def _mean(values: Floats) -> float | None:
    """Of values in any order: sorted first, so that it depends on the values alone."""
    moments = Moments()
    ordered = np.sort(values)
    for start in range(0, len(ordered), _BATCH):
        moments.add(ordered[start : start + _BATCH])
    return moments.mean


def category_facts(table: CategoryTable) -> CategoryFacts:
    """The most frequent categories, and how many values the others have together."""
    if table.overflow:
        return CategoryFacts(distinct=table.cap + 1, unlisted=table.total)
    ordered = sorted(table.counts.items(), key=lambda pair: (-pair[1], pair[0]))
    unlisted = sum(count for _, count in ordered[CATEGORY_CAP:])
    return CategoryFacts(categories=tuple(ordered[:CATEGORY_CAP]), distinct=len(ordered), unlisted=unlisted)


def build_column(
    name: str, kind: Kind, values: pa.Array | pa.ChunkedArray, bins: int = DEFAULT_BINS
) -> ReferenceColumn:
    """The reference of a feature column whose conformed values are all in memory."""
    chunks = values.chunks if isinstance(values, pa.ChunkedArray) else [values]
    profile = ColumnProfile.empty(name, kind, None, TRAINING_CATEGORIES)
    present = [np.zeros(0)]
    for chunk in chunks:
        columns = BatchColumns(pa.record_batch({name: chunk}))
        profile.add_conformed(columns)
        profile.add_scored(columns)
        if kind == "numeric":
            present.append(columns.present_numbers(name))
    return column_reference(profile, RankedValues.of_values(np.concatenate(present)), bins)


def build_score(name: str, kind: ScoreKind, model: str, values: Floats, bins: int = DEFAULT_BINS) -> ReferenceColumn:
    """The reference of a model's scores that are all in memory."""
    profile = ScoreProfile.empty(ScoreColumn(name, kind, model), None)
    profile.add(values)
    return score_reference(profile, RankedValues.of_values(values[~np.isnan(values)]), bins)
