"""What of a column may stand in a page: categories are named only where enough rows have them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from data_checks.drift_bins import OTHER, UNSEEN
from data_checks.drift_rules import NAMED_FROM
from data_checks.report_phrases import clip
from schemas.verdicts import Bin, ColumnDrift

RARE = "rare categories"
UNKNOWN = "categories unknown to training"


def named_only(column: ColumnDrift) -> ColumnDrift:
    """The column with every category that neither side has `NAMED_FROM` times folded into the rare ones.

    Such a category may be somebody's data. Its name leaves the bins, the reasons and the measures; counts stay whole.
    """
    if column.kind != "categorical":
        return column
    hidden = [bin_.label for bin_ in column.bins if _is_hidden(bin_)]
    if not hidden:
        return column
    measures = {name: "a rare category" if found in hidden else found for name, found in column.measures.items()}
    reasons = tuple(_without(reason, hidden) for reason in column.reasons)
    return replace(column, bins=_folded(column.bins), measures=measures, reasons=reasons)


def in_words(bins: Sequence[Bin]) -> tuple[Bin, ...]:
    """The bins with labels for people: the two that stand for many categories in words, long ones cut."""
    words = {OTHER: RARE, UNSEEN: UNKNOWN}
    labels = [words.get(bin_.label) or clip(bin_.label) for bin_ in bins]
    return tuple(
        bin_ if bin_.label == label else replace(bin_, label=label) for bin_, label in zip(bins, labels, strict=True)
    )


def _is_hidden(bin_: Bin) -> bool:
    return bin_.label not in (OTHER, UNSEEN) and max(bin_.reference, bin_.current) < NAMED_FROM


def _folded(bins: Sequence[Bin]) -> tuple[Bin, ...]:
    rare = [bin_ for bin_ in bins if bin_.label == OTHER or _is_hidden(bin_)]
    together = Bin(OTHER, sum(bin_.reference for bin_ in rare), sum(bin_.current for bin_ in rare))
    kept = [bin_ for bin_ in bins if bin_.label != OTHER and not _is_hidden(bin_)]
    unseen = [bin_ for bin_ in kept if bin_.label == UNSEEN]
    return (*(bin_ for bin_ in kept if bin_.label != UNSEEN), together, *unseen)


def _without(reason: str, hidden: Sequence[str]) -> str:
    for label in hidden:
        reason = reason.replace(f"'{label}'", "a rare category")
    return reason
