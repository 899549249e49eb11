"""One column, or one score, against its reference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from data_checks import drift_bins
from data_checks.column_profile import ColumnProfile
from data_checks.column_summary import ColumnSummary, Numbers
from data_checks.distances import rate_z
from data_checks.drift_measures import category_measures, numeric_measures
from data_checks.drift_rules import (
    NAMED_FROM,
    Distances,
    Finding,
    judge_measures,
    judge_missing,
    judge_out_of_range,
    judge_unseen,
    judge_values,
    severity,
    worst,
)
from data_checks.histogram import UNIT_EDGES
from data_checks.reference import CategoryFacts, NumericFacts, ReferenceColumn, ReferenceProfile
from data_checks.score_profile import ScoreProfile
from schemas.drift_settings import Drift
from schemas.verdicts import Bin, ColumnDrift, DriftStatus

_REMAKE = "make it anew with `nightscore profile`"


@dataclass(frozen=True)
class ColumnComparison:
    """What every column is compared with, and by which thresholds."""

    reference: ReferenceProfile
    settings: Drift
    #: The column's values are not to be shown: its categories and bins are numbered, and its range is not told.
    hidden: bool = False

    def feature(self, current: ColumnProfile) -> ColumnDrift:
        """A feature: values over the rows that were scored; missing, unseen, out of range over every conformed row."""
        reference = self.reference.column(current.name)
        column = _blank(current.name, "feature", current.kind, current.scored_rows - current.scored_missing)
        if reference is None:
            return replace(column, reasons=(f"not in the reference profile: {_REMAKE}",))
        if reference.kind != current.kind:
            return replace(
                column, reasons=(f"{reference.kind} in the reference profile, {current.kind} tonight: {_REMAKE}",)
            )
        before, now = ColumnSummary.of_reference(reference), ColumnSummary.of_column(current)
        column, values = self.compare(column, reference, before, now)
        column, outside = self._outside(column, reference, current)
        return _concluded(column, [*values, outside])

    def score(self, current: ScoreProfile, models: Mapping[str, str]) -> ColumnDrift:
        """A model's scores; `models` has each model's sha256 tonight."""
        name, model = current.column.name, current.column.model
        reference = self.reference.score(name)
        column = _blank(name, "score", "numeric", current.rows - current.missing)
        if reference is None or reference.numeric is None:
            return replace(column, reasons=(f"not in the reference profile: {_REMAKE}",))
        if model in models and self.reference.models.get(str(reference.model)) != models[model]:
            return replace(
                column, reasons=(f"the reference has the scores of another model than tonight's '{model}': {_REMAKE}",)
            )
        before, now = ColumnSummary.of_reference(reference), ColumnSummary.of_score(current)
        column, values = self.compare(column, reference, before, now)
        return _concluded(column, values)

    def between(self, name: str, reference: ReferenceColumn, before: ColumnSummary, now: ColumnSummary) -> ColumnDrift:
        """One night's column against another night's; `reference` has the bins that both were counted on."""
        column, values = self.compare(_blank(name, "feature", reference.kind, now.present), reference, before, now)
        return _concluded(column, values)

    def compare(
        self, column: ColumnDrift, reference: ReferenceColumn, before: ColumnSummary, now: ColumnSummary
    ) -> tuple[ColumnDrift, list[Finding]]:
        """`now` against `before`, both counted on the reference's bins: how many are missing, and the values."""
        column = replace(column, reference_rows=before.present, current_rows=now.present)
        column, missing = _missing(column, (before.missing, before.rows), (now.missing, now.rows))
        column, values = self._values(column, reference, before, now)
        return column, [missing, *values]

    def _values(
        self, column: ColumnDrift, reference: ReferenceColumn, before: ColumnSummary, now: ColumnSummary
    ) -> tuple[ColumnDrift, list[Finding]]:
        if reference.numeric is not None:
            return self._numbers(column, reference.numeric, before.numbers, now.numbers)
        nothing = _nothing_to_compare(column)
        facts = reference.categorical
        if facts is None or before.categories is None or now.categories is None:
            only = "only how many are missing"
            return column, [nothing or _not_computed(f"values of a {column.kind} column are not compared, {only}")]
        if nothing:
            return column, [nothing]
        least = 0.0 if reference.part else self.reference.other_share  # there are but few hours, and each is told apart
        if _all_are_rare(facts, least):
            share, distinct = drift_bins.percent(self.reference.other_share), facts.distinct
            return column, [
                _not_computed(
                    f"{distinct:,} categories, none with {share} of the values in training: too many to compare"
                )
            ]
        bins = drift_bins.category_bins(facts, before.categories, now.categories, least)
        if reference.part:
            bins = drift_bins.in_order(bins)
        if self.hidden:
            bins = drift_bins.numbered(bins)
        column = replace(column, measures=category_measures(bins))
        moved = drift_bins.largest_category_move(bins)
        column, finding = self._distances(column, bins, f"{reference.part} {moved}" if reference.part else moved)
        return column, [finding]

    def _numbers(
        self, column: ColumnDrift, facts: NumericFacts, before: Numbers | None, now: Numbers | None
    ) -> tuple[ColumnDrift, list[Finding]]:
        means = [None if side is None else side.mean for side in (before, now)]
        column = replace(column, mean_reference=means[0], mean_current=means[1])
        nothing = _nothing_to_compare(column)
        if nothing or before is None or now is None:
            return column, [nothing or _not_computed("no finite value in training")]
        if facts.unit:
            sides = before.onto(facts.grid, UNIT_EDGES), now.onto(facts.grid, UNIT_EDGES)
            column = replace(column, unit_bins=drift_bins.unit_bins(*sides))
        sides = before.onto(facts.grid, facts.edges), now.onto(facts.grid, facts.edges)
        bins = drift_bins.numeric_bins(facts, *sides)
        column = replace(column, measures=numeric_measures(bins, facts, before, now))
        if self.hidden:
            bins = drift_bins.numbered(bins, "bin")
            moved_most = drift_bins.largest_category_move(bins)
        else:
            moved_most = drift_bins.largest_move(facts, *sides)
        column, finding = self._distances(column, bins, moved_most)
        moved = finding.status in (DriftStatus.WARN, DriftStatus.DRIFT)
        return column, [
            finding,
            judge_measures(column.measures, self.settings, min(before.finite, now.finite), told=moved),
        ]

    def _outside(
        self, column: ColumnDrift, reference: ReferenceColumn, current: ColumnProfile
    ) -> tuple[ColumnDrift, Finding]:
        seen = current.presence
        present, before = seen.rows - seen.missing, reference.rows - reference.missing
        if not present:
            return column, Finding(DriftStatus.OK)
        if current.limits is not None and reference.numeric is not None:
            limits = None if self.hidden else current.limits
            # Infinite values are outside any range, yet nothing new where training has some, too: bins compare those.
            outside = seen.outside - (seen.infinite if reference.numeric.infinite else 0)
            finding = judge_out_of_range(outside, present, before, limits)
            return replace(column, out_of_range_share=outside / present), finding
        if current.unseen is not None and reference.categorical is not None:
            counts = {} if self.hidden else current.unseen.counts
            named = {name: count for name, count in counts.items() if count >= NAMED_FROM}
            finding = judge_unseen(seen.outside, present, reference.categorical.singletons, before, _naming(named))
            return replace(column, unseen_share=seen.outside / present), finding
        return column, Finding(DriftStatus.OK)

    def _distances(self, column: ColumnDrift, bins: tuple[Bin, ...], moved: str) -> tuple[ColumnDrift, Finding]:
        before, now = [item.reference for item in bins], [item.current for item in bins]
        found = Distances.between(before, now)
        column = replace(column, bins=bins, psi=found.psi, psi_noise_95=found.noise, js_distance_base2=found.js)
        return column, judge_values(found, bins, self.settings, moved)


def _blank(name: str, role: str, kind: str, current_rows: int) -> ColumnDrift:
    return ColumnDrift(name, role, kind, DriftStatus.NOT_COMPUTED, reference_rows=0, current_rows=current_rows)


def _not_computed(reason: str) -> Finding:
    return Finding(DriftStatus.NOT_COMPUTED, reason)


def _nothing_to_compare(column: ColumnDrift) -> Finding | None:
    if not column.reference_rows:
        return _not_computed("values not compared: there is none in training")
    if not column.current_rows:
        return _not_computed("values not compared: there is none tonight")
    return None


def _all_are_rare(facts: CategoryFacts, other_share: float) -> bool:
    return facts.distinct > 1 and facts.categories[0][1] < other_share * facts.present


def _missing(column: ColumnDrift, reference: tuple[int, int], current: tuple[int, int]) -> tuple[ColumnDrift, Finding]:
    if not reference[1] or not current[1]:
        return column, Finding(DriftStatus.OK)
    column = replace(
        column,
        missing_rate_reference=reference[0] / reference[1],
        missing_rate_current=current[0] / current[1],
        missing_rate_z=rate_z(reference, current),
    )
    return column, judge_missing(reference, current)


def _naming(counts: Mapping[str, int]) -> str:
    most = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:3]
    return "".join(f"; '{name}' {count:,}" for name, count in most)


def _concluded(column: ColumnDrift, findings: Sequence[Finding]) -> ColumnDrift:
    """The column with the worst status, and the reasons, the worst first."""
    ordered = sorted(findings, key=lambda finding: -severity(finding.status))
    reasons = tuple(finding.reason for finding in ordered if finding.reason)
    return replace(column, status=worst([finding.status for finding in findings]), reasons=reasons)
