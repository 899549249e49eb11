"""Where a batch's categories stand among those that a reference knows, found once however often it is asked."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from data_checks.categories import BatchCategories
from data_checks.columns import BatchColumns

Places = npt.NDArray[np.int64]


class KnownPlaces:
    """Of one column. Keeps the last batch's answer and its dictionary's places: the next has most often the same."""

    def __init__(self, column: str, known: tuple[str, ...]) -> None:
        self._column = column
        self._known = pa.array(known, pa.string())
        self._batch: BatchColumns | None = None
        self._dictionary: pa.Array | None = None
        self._places: Places = np.zeros(0, np.int64)
        self._counted: BatchCategories | None = None

    def of(self, columns: BatchColumns) -> tuple[BatchCategories, Places]:
        """(the batch's categories with their counts, the place of each among the known, -1 where it is not there)."""
        if self._counted is None or self._batch is not columns:
            codes, dictionary = columns.codes(self._column)
            self._counted, self._batch = BatchCategories.count(codes, dictionary), columns
            if self._dictionary is None or not dictionary.equals(self._dictionary):
                self._places, self._dictionary = self._counted.places(self._known), dictionary
        return self._counted, self._places
