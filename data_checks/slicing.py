"""Which slices there are, and which slice and bins a row falls in: frozen by the reference, the same every night."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from data_checks.bin_codes import BinCodes, NumberBins
from data_checks.categories import BatchCategories
from data_checks.columns import BatchColumns
from data_checks.drift_rules import NAMED_FROM
from data_checks.grid import Floats
from data_checks.reference import CategoryFacts, ReferenceColumn, ReferenceProfile
from data_checks.slices import MISSING, OTHER, SliceProfile

Codes = npt.NDArray[np.int32]


def slice_values(facts: CategoryFacts, most: int) -> tuple[str, ...]:
    """The values with a slice of their own, the most frequent in training first; then those of `SliceProfile`.

    Values that training has fewer than five times are not named: a rare one may be somebody's data.
    """
    named = [name for name, count in facts.categories if count >= NAMED_FROM and name not in (OTHER, MISSING)]
    return (*named[:most], OTHER, MISSING)


@dataclass
class Slicing:
    """All slice columns, and the bins of everything that is counted in them."""

    #: Slice column to its values.
    values: dict[str, tuple[str, ...]]
    columns: tuple[BinCodes, ...]
    scores: tuple[BinCodes, ...]
    _known: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_known": {}}

    @classmethod
    def of(
        cls,
        values: Mapping[str, tuple[str, ...]],
        columns: Sequence[ReferenceColumn],
        scores: Sequence[ReferenceColumn],
        other_share: float,
    ) -> Self:
        """The slicing on the reference's bins."""
        return cls(dict(values), _bins_of(columns, other_share), _bins_of(scores, other_share))

    def empty(self) -> dict[str, SliceProfile]:
        """Slice column to the profile of no rows."""
        sizes = [{item.column: len(item.bins.labels) for item in group} for group in (self.columns, self.scores)]
        return {name: SliceProfile.empty(name, values, *sizes) for name, values in self.values.items()}

    def labels(self) -> dict[str, tuple[str, ...]]:
        """Column or score to the texts of its bins."""
        return {item.column: item.bins.labels for item in (*self.columns, *self.scores)}

    def add(self, profiles: Mapping[str, SliceProfile], columns: BatchColumns, scores: Mapping[str, Floats]) -> None:
        """Count a batch of rows that were scored, with the scores of the same rows."""
        if not profiles:
            return
        bins = {item.column: item.codes(columns) for item in self.columns}
        places = {item.column: _score_bins(item, scores[item.column]) for item in self.scores}
        for name, profile in profiles.items():
            slices = self.slices_of(columns, name)
            profile.add_rows(slices, bins)
            for score, codes in places.items():
                profile.add_scores(slices, score, scores[score], codes)

    def slices_of(self, columns: BatchColumns, name: str) -> Codes:
        """Shape (rows,): each row's place among the slice column's values."""
        values = self.values[name]
        if name not in self._known:
            self._known[name] = pa.array(values[:-2], pa.string())
        rows, dictionary = columns.codes(name)
        counted = BatchCategories.count(np.zeros(0, np.int32), dictionary)
        places = counted.places(self._known[name])
        table = np.append(np.where(places < 0, len(values) - 2, places), len(values) - 1).astype(np.int32)
        return table[rows]


def misfit(reference: ReferenceProfile) -> str:
    """Why the reference's slices do not fit the bins of its own columns; empty where they do."""
    known = Slicing.of({}, reference.columns, reference.scores, reference.other_share).labels()
    for profile in reference.slice_profiles.values():
        for name in (*profile.columns, *profile.scores):
            found, wanted = profile.counts(name).shape[1] - 1, len(known.get(name, ()))
            if found != wanted:
                return f"slices of '{profile.slice_column}': {found:,} bins of '{name}' where it has {wanted:,}"
    return ""


def _bins_of(columns: Sequence[ReferenceColumn], other_share: float) -> tuple[BinCodes, ...]:
    found = [BinCodes.of(column, other_share) for column in columns]
    return tuple(item for item in found if item is not None)


def _score_bins(item: BinCodes, values: Floats) -> npt.NDArray[np.int16]:
    """Infinite scores do not come so far: rows with them are set aside."""
    if not isinstance(item.bins, NumberBins):
        message = f"the score '{item.column}' has bins of categories"
        raise TypeError(message)
    return item.bins.codes(values)
