"""What a model decides tonight against what it decides on the training data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from data_checks.decisions import DecisionProfile
from data_checks.distances import Counts, total_variation
from data_checks.distribution_tests import chi_square
from data_checks.drift_bins import percent
from data_checks.drift_rules import Finding
from data_checks.proportion import wilson_interval
from data_checks.rate_change import chance_of_rate_change
from schemas.drift_settings import Drift
from schemas.verdicts import ClassShare, DecisionDrift, DriftStatus

#: Share of the rows that would have to be decided otherwise (total variation), of a binary model simply the change of
#: the share. Our choice: of 1,000 cases 50 or 100 more to be worked on are noticed by those who do.
DECISIONS_WARN = 0.05
DECISIONS_DRIFT = 0.1
#: Half the width of a share's interval beyond which a change that counts as drift could hide in it.
WIDEST = 0.1


def compare_decisions(reference: DecisionProfile | None, current: DecisionProfile, settings: Drift) -> DecisionDrift:
    """The verdict on one model's decisions; `reference` is None where training has none of this model.

    Drift and warn need a change of the class shares that is material, and rarer by chance than
    `settings.significance`. A material one that is not, and shares that are known too roughly, are insufficient data.
    The expected accuracy decides nothing: on the rows that a model was trained on it is often too high.
    """
    reason = _incomparable(reference, current)
    drift = DecisionDrift(
        current.model,
        current.threshold,
        DriftStatus.NOT_COMPUTED,
        0 if reference is None else reference.rows,
        current.rows,
        _class_shares(None if reason else reference, current) if current.rows else (),
        expected_accuracy_reference=None if reference is None or reason else reference.expected_accuracy,
        expected_accuracy_current=current.expected_accuracy,
        reason=reason,
    )
    if reference is None or reason:
        return drift
    sides = _Sides(reference, current)
    finding = sides.judged(chance_of_shares(reference.counts, current.counts) < settings.significance)
    return replace(drift, total_variation=sides.moved, status=finding.status, reason=finding.reason)


def chance_of_shares(reference: Counts, current: Counts) -> float:
    """Bound of the chance that the shares differ so although nothing has changed, 0 to 1; 1 where a side has no rows.

    The smaller of two p-values, doubled: chi-square's, which sees many small moves, and that of the class that moved
    most, times the number of classes (Bonferroni), which holds for classes too rare for chi-square.
    """
    sides = sum(reference), sum(current)
    one_by_one = [chance_of_rate_change((a, sides[0]), (b, sides[1])) for a, b in zip(reference, current, strict=True)]
    together = chi_square(reference, current).p_value
    return min(1.0, 2 * min(len(one_by_one) * min(one_by_one), 1.0 if together is None else together))


def _incomparable(reference: DecisionProfile | None, current: DecisionProfile) -> str:
    """Why nothing can be compared; empty where it can."""
    if reference is None:
        return "not in the reference profile"
    if reference.model != current.model or reference.labels != current.labels:
        return "the reference profile has the decisions of another model or for other classes"
    if reference.threshold != current.threshold:
        return f"decided at a threshold of {current.threshold}, in the reference profile at {reference.threshold}"
    if not reference.rows:
        return "the model decided no row of training"
    return "" if current.rows else "the model decided no row tonight"


def _class_shares(reference: DecisionProfile | None, current: DecisionProfile) -> tuple[ClassShare, ...]:
    before = [None] * len(current.labels) if reference is None else [one / reference.rows for one in reference.counts]
    return tuple(
        ClassShare(label, share, count / current.rows, *wilson_interval(count, current.rows))
        for label, share, count in zip(current.labels, before, current.counts, strict=True)
    )


@dataclass(frozen=True)
class _Sides:
    """Two profiles of the same decisions, each with rows."""

    reference: DecisionProfile
    current: DecisionProfile

    @property
    def moved(self) -> float:
        """Total variation, 0 to 1."""
        return total_variation(self.reference.counts, self.current.counts).value or 0.0

    def judged(self, significant: bool) -> Finding:  # noqa: FBT001  # the one question that is answered elsewhere
        """The status, and a sentence where there is something to say."""
        moved = self.moved
        if moved >= DECISIONS_WARN and not significant:
            rows = f"{self.current.rows:,} rows tonight and {self.reference.rows:,} in training"
            return Finding(DriftStatus.INSUFFICIENT_DATA, f"{self._sentence()}: with {rows} that may be chance")
        if moved >= DECISIONS_DRIFT:
            figures = f"total variation {moved:.2f}, drift from {DECISIONS_DRIFT:g}"
            return Finding(DriftStatus.DRIFT, f"{self._sentence()} ({figures})")
        if moved >= DECISIONS_WARN:
            figures = f"total variation {moved:.2f}, warning from {DECISIONS_WARN:g}"
            return Finding(DriftStatus.WARN, f"{self._sentence()} ({figures})")
        rough = next(self._rough_shares(), "")
        return Finding(DriftStatus.INSUFFICIENT_DATA if rough else DriftStatus.OK, rough)

    def _sentence(self) -> str:
        """`late: 31 % of tonight's rows decided 'yes', 21 % in training`: of the class that moved most.

        Of equals the last one: of a binary model the second class, which the threshold is for.
        """
        before, now = self.reference, self.current
        triples = zip(before.counts, now.counts, now.labels, strict=True)
        a, b, label = max(reversed([*triples]), key=lambda one: abs(one[0] * now.rows - one[1] * before.rows))
        shares = percent(b / now.rows), percent(a / before.rows)
        return f"{now.model}: {shares[0]} of tonight's rows decided '{label}', {shares[1]} in training"

    def _rough_shares(self) -> Iterator[str]:
        """A sentence for each side whose shares are known too roughly."""
        for side, when in ((self.current, "tonight"), (self.reference, "in training")):
            intervals = [wilson_interval(count, side.rows) for count in side.counts]
            low, high = max(intervals, key=lambda ends: ends[1] - ends[0])
            if high - low > 2 * WIDEST:
                few = f"{side.model}: {side.rows:,} decided rows {when} are too few"
                yield f"{few}: a share may be anything from {percent(low)} to {percent(high)}"
