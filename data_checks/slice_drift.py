"""Each slice's columns and scores against the same slice in training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from data_checks.drift_bins import largest_category_move
from data_checks.drift_rules import Distances, Finding, judge_missing, judge_values, severity
from data_checks.rate_change import chance_of_rate_change
from data_checks.slice_distances import Floats
from data_checks.slice_screen import NEAR, UNSURE, Screen, Severities, screen
from data_checks.slices import Counts, SliceProfile
from schemas.drift_settings import Drift
from schemas.verdicts import Bin, DriftStatus, SliceColumn, SliceDrift

#: Columns listed of one slice.
LISTED = 10
_FLAGGED = (DriftStatus.WARN, DriftStatus.DRIFT)
_BY_SEVERITY = sorted(DriftStatus, key=severity)


def compare_slices(
    reference: SliceProfile, current: SliceProfile, settings: Drift, labels: Mapping[str, Sequence[str]]
) -> tuple[SliceDrift, ...]:
    """One verdict for each slice that has rows on either side: the worst first, then the largest tonight.

    `labels` names the bins of each column and score that is to be compared; the others are left out, with their means.
    A slice without rows on one side is not compared.

    Many slices times many columns would bring a false alarm every night, so `settings.significance` is divided by the
    number of pairs compared (Bonferroni): it bounds the chance of any false alarm among all values, and that of any
    among all missing rates. Raises ValueError where the sides have other slices, or a column other bins.
    """
    if (reference.slice_column, reference.values) != (current.slice_column, current.values):
        message = f"slices of '{reference.slice_column}' and '{current.slice_column}' with other values: not comparable"
        raise ValueError(message)
    columns = [_Column.of(name, words, reference, current) for name, words in labels.items()]
    both = int(((reference.rows > 0) & (current.rows > 0)).sum())
    stricter = settings.model_copy(update={"significance": settings.significance / max(both * len(labels), 1)})
    slices = _slices(reference, current, [name for name in labels if name in current.scores])
    screened = screen([(column.reference, column.current) for column in columns], stricter)
    found = [
        _Slice(place, columns, stricter).judged(one, screened)
        if columns and one.reference_rows and one.current_rows
        else one
        for place, one in enumerate(slices)
    ]
    seen = (one for one in found if one.reference_rows or one.current_rows)
    return tuple(sorted(seen, key=lambda one: (-severity(one.status), -one.current_rows, one.value)))


def _slices(reference: SliceProfile, current: SliceProfile, scores: Sequence[str]) -> list[SliceDrift]:
    """All slices in the order of the profile, not compared yet."""
    before, now = ({name: side.score_means(name) for name in scores} for side in (reference, current))
    return [
        SliceDrift(
            current.slice_column,
            value,
            DriftStatus.NOT_COMPUTED,
            int(reference.rows[place]),
            int(current.rows[place]),
            score_means_reference={name: means[place] for name, means in before.items()},
            score_means_current={name: means[place] for name, means in now.items()},
        )
        for place, value in enumerate(current.values)
    ]


@dataclass(frozen=True)
class _Slice:
    """One slice of all columns."""

    place: int
    columns: Sequence[_Column]
    settings: Drift

    def judged(self, one: SliceDrift, screened: Screen) -> SliceDrift:
        severities, psi = screened.severities[self.place].copy(), screened.psi[self.place]
        for place in np.flatnonzero(severities == UNSURE).tolist():
            severities[place] = severity(self._compare(place).status)
        compared = severities[severities != severity(DriftStatus.NOT_COMPUTED)]
        if not compared.size:
            return one
        status = _BY_SEVERITY[compared.max()]
        return replace(one, status=status, compared=compared.size, columns=self._listed(severities, psi))

    def _listed(self, severities: Severities, psi: Floats) -> tuple[SliceColumn, ...]:
        """The flagged columns that are listed, in order; words are made for hardly any others."""
        flagged = [self._compare(place) for place in _contenders(severities, psi)]
        flagged.sort(key=lambda column: (-severity(column.status), -(column.psi or 0.0), column.column))
        return tuple(flagged[:LISTED])

    def _compare(self, place: int) -> SliceColumn:
        return self.columns[place].compare(self.place, self.settings)


def _contenders(severities: Severities, psi: Floats) -> list[int]:
    """Places of the flagged columns that may be among the first LISTED, as far as a PSI to rounding can tell."""
    flagged = np.flatnonzero(severities >= severity(DriftStatus.WARN))
    if flagged.size <= LISTED:
        return flagged.tolist()
    order = flagged[np.lexsort((-psi[flagged], -severities[flagged]))]
    last = order[LISTED - 1]
    as_bad = (severities == severities[last]) & (psi >= psi[last] - NEAR * (1 + psi[last]))
    return [place for place in order.tolist() if severities[place] > severities[last] or as_bad[place]]


@dataclass(frozen=True)
class _Column:
    """Both sides' counts of one column or score, slice by slice."""

    name: str
    labels: Sequence[str]
    reference: Counts
    current: Counts

    @classmethod
    def of(cls, name: str, labels: Sequence[str], reference: SliceProfile, current: SliceProfile) -> Self:
        sides = [side.counts(name) for side in (reference, current) if name in side.columns or name in side.scores]
        if [side.shape[1] for side in sides] != [len(labels) + 1] * 2:
            message = f"column '{name}': not counted on the same {len(labels)} bins in training and tonight"
            raise ValueError(message)
        return cls(name, labels, *sides)

    def compare(self, place: int, settings: Drift) -> SliceColumn:
        """Not computed where a side has no value, unless the missing rates say something."""
        before, now = self.reference[place].tolist(), self.current[place].tolist()
        pairs = zip(self.labels, before[:-1], now[:-1], strict=True)
        bins = [Bin(label, a, b) for label, a, b in pairs if a or b]
        found, values = _compare_values(bins, settings)
        rates = (before[-1], sum(before)), (now[-1], sum(now))
        findings = sorted([_judge_rates(*rates, settings), values], key=lambda finding: -severity(finding.status))
        return SliceColumn(
            self.name,
            findings[0].status,
            psi=None if found is None else found.psi,
            psi_noise_95=None if found is None else found.noise,
            missing_rate_reference=_rate(*rates[0]),
            missing_rate_current=_rate(*rates[1]),
            reason="; ".join(finding.reason for finding in findings if finding.status in _FLAGGED),
        )


def _rate(missing: int, rows: int) -> float | None:
    return missing / rows if rows else None


def _compare_values(bins: Sequence[Bin], settings: Drift) -> tuple[Distances | None, Finding]:
    before, now = [item.reference for item in bins], [item.current for item in bins]
    if not sum(before) or not sum(now):
        return None, Finding(DriftStatus.NOT_COMPUTED)
    found = Distances.between(before, now)
    return found, judge_values(found, bins, settings, largest_category_move(bins))


def _judge_rates(reference: tuple[int, int], current: tuple[int, int], settings: Drift) -> Finding:
    """`judge_missing`, but at the stricter significance: chance alone takes z beyond 3 in one of 370."""
    if not reference[1] or not current[1]:
        return Finding(DriftStatus.OK)
    finding = judge_missing(reference, current)
    if finding.status in _FLAGGED and chance_of_rate_change(reference, current) >= settings.significance:
        return Finding(DriftStatus.OK)
    return finding
