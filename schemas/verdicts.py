"""What was found: the verdict of each expectation, each column's drift, and what the gate decides from them."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from schemas.errors import ExitCode


class Status(StrEnum):
    """Of one expectation. no_data: no row was evaluated; error: it could not be evaluated at all."""

    PASSED = "passed"
    FAILED = "failed"
    NO_DATA = "no_data"
    ERROR = "error"


@dataclass(frozen=True)
class ExpectationVerdict:
    """One expectation judged over the whole night. Counts are rows; shares are 0 to 1."""

    #: Stable id of the rule: `meta.id` of the suite, else type and column.
    rule: str
    type: str
    column: str | None
    kwargs: dict[str, Any]
    severity: str
    on_fail: str
    status: Status
    #: Whether it counts as met after `allow_vacuous`.
    success: bool
    #: Rows (or values) that the expectation was evaluated on; None for table-level facts.
    evaluated: int | None = None
    unexpected: int | None = None
    unexpected_share: float | None = None
    missing: int | None = None
    #: Aggregates and table facts: the value that was compared.
    observed: Any = None
    #: One sentence for people: what was found and what was allowed.
    message: str = ""
    #: Great Expectations' own result as its JSON.
    gx: dict[str, Any] = field(default_factory=dict)


class DriftStatus(StrEnum):
    """Of one column, and of a run."""

    OK = "ok"
    WARN = "warn"
    DRIFT = "drift"
    INSUFFICIENT_DATA = "insufficient_data"
    NOT_COMPUTED = "not_computed"


@dataclass(frozen=True)
class Bin:
    """One bin or category of both distributions; counts of non-null values."""

    label: str
    reference: int
    current: int


@dataclass(frozen=True)
class ColumnDrift:
    """One column against its reference. A number that cannot be computed is None, with a reason in `reasons`."""

    column: str
    #: feature | score
    role: str
    #: numeric | categorical
    kind: str
    status: DriftStatus
    #: Non-null values compared.
    reference_rows: int
    current_rows: int
    psi: float | None = None
    #: 95 % quantile of PSI under no drift at these sizes: chi2_0.95(K-1) (1/N + 1/M).
    psi_noise_95: float | None = None
    js_distance_base2: float | None = None
    missing_rate_reference: float | None = None
    missing_rate_current: float | None = None
    missing_rate_z: float | None = None
    #: Share of non-null current values whose category the reference does not know.
    unseen_share: float | None = None
    #: Share of non-null current values outside [min, max] of the reference.
    out_of_range_share: float | None = None
    mean_reference: float | None = None
    mean_current: float | None = None
    bins: tuple[Bin, ...] = ()
    #: Further numbers, each under its full name; they decide nothing.
    measures: dict[str, Any] = field(default_factory=dict)
    #: Probabilities: 20 equal bins of [0, 1], for the picture only; otherwise empty.
    unit_bins: tuple[Bin, ...] = ()
    critical: bool = False
    #: Sentences for people: why it has this status.
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class FeatureImpact:
    """How much one feature of a model moved one of its scores: mean contribution tonight minus that in training.

    Over a sample of the scored rows. Numbers are in the unit that ImpactVerdict names.
    """

    feature: str
    #: Input columns that the feature is made of.
    columns: tuple[str, ...]
    shift: float
    #: Standard deviation of the contribution in training: how much the model uses the feature at all.
    importance: float


@dataclass(frozen=True)
class ImpactVerdict:
    """What moved a score, the feature that moved it most first. No features where `reason` says why."""

    score: str
    model: str
    #: probability | margin | value
    unit: str
    #: Rows of the samples.
    reference_rows: int = 0
    current_rows: int = 0
    #: Change of the mean score over the samples, which the shifts add up to.
    shift: float | None = None
    features: tuple[FeatureImpact, ...] = ()
    reason: str = ""


@dataclass(frozen=True)
class SliceColumn:
    """One column within one slice, where it stands out."""

    column: str
    status: DriftStatus
    psi: float | None
    psi_noise_95: float | None
    missing_rate_reference: float | None
    missing_rate_current: float | None
    reason: str


@dataclass(frozen=True)
class SliceDrift:
    """The rows with one value of a slice column, tonight against those with the same value in training."""

    slice_column: str
    #: The value; `__other__` for all that have no slice of their own, `__missing__` for null.
    value: str
    status: DriftStatus
    reference_rows: int
    current_rows: int
    #: Columns that were compared.
    compared: int = 0
    #: Only those in status drift or warn, the worst first.
    columns: tuple[SliceColumn, ...] = ()
    #: Score column to its mean.
    score_means_reference: dict[str, float | None] = field(default_factory=dict)
    score_means_current: dict[str, float | None] = field(default_factory=dict)


@dataclass(frozen=True)
class ClassShare:
    """One class that a model decides for; shares of the rows that it scored, with a 95 % interval for tonight's."""

    label: str
    reference: float | None
    current: float
    current_low: float
    current_high: float


@dataclass(frozen=True)
class DecisionDrift:
    """What one model decided, against training."""

    model: str
    #: Binary models: probability from which on the second class is decided for.
    threshold: float | None
    status: DriftStatus
    reference_rows: int
    current_rows: int
    classes: tuple[ClassShare, ...] = ()
    total_variation: float | None = None
    #: Mean probability of the class that was decided for: the accuracy to expect if the probabilities are calibrated.
    expected_accuracy_reference: float | None = None
    expected_accuracy_current: float | None = None
    reason: str = ""


@dataclass(frozen=True)
class EarlierNight:
    """Tonight against one earlier published night, column by column; it decides nothing."""

    #: `the night before` | `the same weekday`
    label: str
    run_date: str
    run_id: str
    #: Column to (status, PSI or None, mean that night or None, missing rate that night or None).
    columns: dict[str, dict[str, Any]] = field(default_factory=dict)
    #: Why there is no comparison.
    reason: str = ""


@dataclass(frozen=True)
class DriftVerdict:
    """The whole comparison."""

    status: DriftStatus
    columns: tuple[ColumnDrift, ...] = ()
    #: Why nothing could be computed, or what decided the status.
    reason: str = ""
    #: Thresholds, floor and bins that the numbers rest on.
    settings: dict[str, Any] = field(default_factory=dict)
    slices: tuple[SliceDrift, ...] = ()
    decisions: tuple[DecisionDrift, ...] = ()
    impacts: tuple[ImpactVerdict, ...] = ()


@dataclass(frozen=True)
class Trend:
    """What the earlier published nights say of tonight. Not part of the verdict, which is of this night alone."""

    #: Column to how many published nights in a row, tonight included, it has been in status drift or warn.
    nights_in_a_row: dict[str, int] = field(default_factory=dict)
    earlier: tuple[EarlierNight, ...] = ()


@dataclass(frozen=True)
class GateDecision:
    """Publish or hold, with every reason; the first one decides the exit code."""

    publish: bool
    exit_code: ExitCode
    reasons: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    #: Whether a person may publish the night all the same: not where the drift gate is `fail`.
    releasable: bool = True


def to_json(verdict: ExpectationVerdict | DriftVerdict | ColumnDrift | GateDecision) -> dict[str, Any]:
    """JSON-compatible dict of a verdict."""
    return asdict(verdict)
