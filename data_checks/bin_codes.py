"""Each row's bin of a column, for counts that are kept for many slices at once: the bins that PSI rests on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from data_checks.categories import BatchCategories
from data_checks.columns import BatchColumns
from data_checks.drift_bins import OTHER, UNSEEN, named_categories, numeric_labels, unseen_apart
from data_checks.grid import Floats
from data_checks.reference import ReferenceColumn

Codes = npt.NDArray[np.int16]


@dataclass
class NumberBins:
    """Of numbers: the frozen edges."""

    edges: tuple[float, ...]
    labels: tuple[str, ...]

    def codes(self, values: Floats) -> Codes:
        """Shape (rows,): the number of edges <= x; -1 for NaN.

        A comparison for each edge is faster than a binary search for each value: there are about ten.
        """
        places = np.zeros(values.shape, np.int16)
        for edge in self.edges:
            places += values >= edge
        absent = np.isnan(values)
        if absent.any():
            places[absent] = -1
        return places


@dataclass
class CategoryBins:
    """Of categories: those compared one by one, then all rare ones together, then those unknown to training."""

    names: tuple[str, ...]
    #: Those that the reference lists and that are rare; others are unseen, or rare too where that cannot be told.
    rare: tuple[str, ...]
    apart: bool
    labels: tuple[str, ...]
    _known: Any = field(default=None, repr=False, compare=False)

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_known": None}

    def codes(self, columns: BatchColumns, name: str) -> Codes:
        """Shape (rows,): the place in `labels`; -1 for null."""
        if self._known is None:
            self._known = pa.array((*self.names, *self.rare), pa.string())
        rows, dictionary = columns.codes(name)
        places = BatchCategories.count(np.zeros(0, np.int32), dictionary).places(self._known)
        other = len(self.names)
        unknown = other + 1 if self.apart else other
        table = np.where(places < 0, unknown, np.minimum(places, other)).astype(np.int16)
        return np.append(table, np.int16(-1))[rows]


@dataclass(frozen=True)
class BinCodes:
    """How one column's rows are shared out over bins."""

    column: str
    bins: NumberBins | CategoryBins

    @classmethod
    def of(cls, reference: ReferenceColumn, other_share: float) -> Self | None:
        """Of a column of the reference; None where its values are not compared."""
        if reference.numeric is not None and reference.numeric.minimum is not None:
            facts = reference.numeric
            return cls(reference.name, NumberBins(facts.edges, tuple(numeric_labels(facts))))
        if reference.categorical is not None and reference.categorical.categories:
            known = reference.categorical
            named = named_categories(known, 0.0 if reference.part else other_share)
            bins = CategoryBins(named, known.names[len(named) :], unseen_apart(known), (*named, OTHER, UNSEEN))
            return cls(reference.name, bins)
        return None

    def codes(self, columns: BatchColumns) -> Codes:
        """Shape (rows,): each row's bin, -1 where it is missing."""
        if isinstance(self.bins, NumberBins):
            return self.bins.codes(columns.numbers(self.column))
        return self.bins.codes(columns, self.column)
