"""Which rows a rule about several columns leaves out because of missing values: GX's `ignore_row_if`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from data_checks.columns import BatchColumns, Mask

Skip = Literal["any", "all", "never"]

#: GX's words for rules about lists of columns.
SKIPS: dict[str, Skip] = {"all_values_are_missing": "all", "any_value_is_missing": "any", "never": "never"}


def skipped_rows(columns: BatchColumns, names: Sequence[str], skip: Skip) -> Mask | None:
    """Shape (rows,): True where any, or where all, of the columns are null or NaN; None when no row is left out."""
    if skip == "never":
        return None
    masks = [columns.missing(name) for name in names]
    present = [mask for mask in masks if mask is not None]
    if not present or (skip == "all" and len(present) < len(masks)):
        return None
    combined: Mask = (np.logical_or if skip == "any" else np.logical_and).reduce(present)
    return combined
