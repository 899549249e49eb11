"""Reference and current counts side by side, bin by bin, with labels, and the sentence about what moved most."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate, pairwise

from data_checks.column_summary import Categories
from data_checks.histogram import UNIT_BINS
from data_checks.reference import CategoryFacts, NumericFacts
from schemas.verdicts import Bin

#: Reference categories below `other_share`, together; and what the reference does not have.
OTHER = "__other__"
UNSEEN = "__unseen__"
#: Share of values in categories that training saw once from which on a column counts as an open vocabulary: about so
#: many values of any night are new (Good-Turing). Below it, PSI's unseen bin alone stays under 0.05.
OPEN_VOCABULARY = 0.01


def number(value: float, digits: int = 6) -> str:
    """So many digits at most; thousands separated where it is whole and large."""
    if value == int(value) and 10_000 <= abs(value) < 1e9:  # noqa: PLR2004
        return f"{value:,.0f}"
    return f"{value:.{digits}g}"


def _digits(edges: Sequence[float]) -> int:
    """The fewest digits, from four on, that keep the edges apart: 0.2171 reads better than 0.217121."""
    return next((digits for digits in range(4, 17) if len({f"{edge:.{digits}g}" for edge in edges}) == len(edges)), 17)


def percent(share: float) -> str:
    """`0.3 %`, `12 %`; `<0.1 %` rather than a zero that is none."""
    value = 100 * share
    if 0 < value < 0.1:  # noqa: PLR2004
        return "<0.1 %"
    return f"{value:.0f} %" if value >= 9.95 or value == 0 else f"{value:.1f} %"  # noqa: PLR2004


def numeric_bins(facts: NumericFacts, before: Sequence[int], now: Sequence[int]) -> tuple[Bin, ...]:
    """The frozen bins in ascending order with both sides' counts; bins that are empty on both are left out."""
    counts = zip(numeric_labels(facts), before, now, strict=True)
    return tuple(Bin(label, one, other) for label, one, other in counts if one or other)


def numeric_labels(facts: NumericFacts) -> list[str]:
    """A text for each of the frozen bins, such as `1 to 2.5` or `= 0`."""
    sides = _sides(facts)
    digits = _digits(sorted({value for value, _ in sides}))
    labels = [_label(low, high, digits) for low, high in pairwise(sides)]
    for atom in facts.atoms:
        labels[facts.edges.index(atom) + 1] = f"= {number(atom, digits)}"
    return labels


def unit_bins(before: Sequence[int], now: Sequence[int]) -> tuple[Bin, ...]:
    """The 20 equal bins of [0, 1]."""
    labels = [f"{place / UNIT_BINS:.2f} to {(place + 1) / UNIT_BINS:.2f}" for place in range(UNIT_BINS)]
    return tuple(Bin(*item) for item in zip(labels, before, now, strict=True))


def category_bins(facts: CategoryFacts, before: Categories, now: Categories, other_share: float) -> tuple[Bin, ...]:
    """The reference's categories by falling count, the rare ones together, and the unseen ones together.

    Unseen ones are counted as rare where they cannot be told apart from the reference's unlisted ones, and where the
    reference is of an open vocabulary: then each night brings new words, and that is no drift.
    """
    apart = unseen_apart(facts)
    named: list[Bin] = []
    rare, rare_now = (0, 0) if apart else (before.others, now.others)
    common = len(named_categories(facts, other_share))
    for place, (name, one, other) in enumerate(zip(facts.names, before.counts, now.counts, strict=True)):
        if place < common:
            named.append(Bin(name, one, other))
        else:
            rare, rare_now = rare + one, rare_now + other
    unseen = (before.others, now.others) if apart else (0, 0)
    ends = Bin(OTHER, rare, rare_now), Bin(UNSEEN, *unseen)
    return (*named, *(end for end in ends if end.reference or end.current))


def numbered(bins: Sequence[Bin], word: str = "category") -> tuple[Bin, ...]:
    """The bins without their names, for columns whose values are not to be shown."""
    texts = numbered_labels([item.label for item in bins], word)
    return tuple(replace(item, label=text) for item, text in zip(bins, texts, strict=True))


def numbered_labels(labels: Sequence[str], word: str) -> tuple[str, ...]:
    """`category 1`, `category 2`, ...: even an edge between two bins is the value of a row."""
    kept = (OTHER, UNSEEN)
    return tuple(label if label in kept else f"{word} {place}" for place, label in enumerate(labels, 1))


def in_order(bins: Sequence[Bin]) -> tuple[Bin, ...]:
    """The bins of a time's parts in the order of time; what training does not have last."""
    return tuple(sorted(bins, key=lambda item: (item.label in (OTHER, UNSEEN), item.label)))


def named_categories(facts: CategoryFacts, other_share: float) -> tuple[str, ...]:
    """The categories that are compared one by one: those with such a share of the reference's values."""
    least = other_share * facts.present
    return tuple(name for name, count in facts.categories if count >= least)


def unseen_apart(facts: CategoryFacts) -> bool:
    """Whether a category that the reference does not list is known to be new, and that is unusual."""
    return facts.complete and facts.singletons < OPEN_VOCABULARY * facts.present


def largest_move(facts: NumericFacts, counts: Sequence[int], counts_now: Sequence[int]) -> str:
    """`62 % tonight below 3.2, 10 % in training`: at the edge where the two distributions are farthest apart."""
    before, now = (list(accumulate(side)) for side in (counts, counts_now))
    gaps = [after / now[-1] - first / before[-1] for first, after in zip(before[:-1], now[:-1], strict=True)]
    if not gaps:
        return ""
    place = max(range(len(gaps)), key=lambda index: abs(gaps[index]))
    low, low_now = before[place] / before[-1], now[place] / now[-1]
    sides = _sides(facts)
    value, exclusive = sides[place + 1]
    shown = number(value, _digits(sorted({side[0] for side in sides})))
    if gaps[place] >= 0:
        words = f"up to {shown}" if exclusive else f"below {shown}"
        return f"{percent(low_now)} tonight {words}, {percent(low)} in training"
    words = f"above {shown}" if exclusive else f"at or above {shown}"
    return f"{percent(1 - low_now)} tonight {words}, {percent(1 - low)} in training"


def largest_category_move(bins: Sequence[Bin]) -> str:
    """`'UA' 31 % tonight, 17 % in training`: of the category whose share changed most."""
    total, total_now = (sum(counts) for counts in zip(*((item.reference, item.current) for item in bins), strict=True))
    bin_ = max(bins, key=lambda item: abs(item.current / total_now - item.reference / total))
    words = {OTHER: "rare categories together", UNSEEN: "categories unknown to training"}.get(
        bin_.label, f"'{bin_.label}'"
    )
    return f"{words} {percent(bin_.current / total_now)} tonight, {percent(bin_.reference / total)} in training"


Side = tuple[float, bool]


def _sides(facts: NumericFacts) -> list[Side]:
    """All edges, the outer ones too, as (number to show, whether that number itself is below the edge).

    The edge after an atom is the next float: to people it is the atom's value, which lies below it.
    """
    after_atoms = {
        facts.edges[place + 1]: atom
        for place, edge in enumerate(facts.edges[:-1])
        for atom in facts.atoms
        if edge == atom
    }
    inner = [(after_atoms[edge], True) if edge in after_atoms else (edge, False) for edge in facts.edges]
    return [(float("-inf"), False), *inner, (float("inf"), False)]


def _label(low: Side, high: Side, digits: int) -> str:
    start = "" if low[0] == float("-inf") else f"{'over ' if low[1] else ''}{number(low[0], digits)}"
    if high[0] == float("inf"):
        return "all" if not start else start if low[1] else f"{start} and more"
    return f"{start} to {number(high[0], digits)}" if start else f"below {number(high[0], digits)}"
