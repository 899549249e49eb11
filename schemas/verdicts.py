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
class DriftVerdict:
    """The whole comparison."""

    status: DriftStatus
    columns: tuple[ColumnDrift, ...] = ()
    #: Why nothing could be computed, or what decided the status.
    reason: str = ""
    #: Thresholds, floor and bins that the numbers rest on.
    settings: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class GateDecision:
    """Publish or hold, with every reason; the first one decides the exit code."""

    publish: bool
    exit_code: ExitCode
    reasons: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def to_json(verdict: ExpectationVerdict | DriftVerdict | ColumnDrift | GateDecision) -> dict[str, Any]:
    """JSON-compatible dict of a verdict."""
    return asdict(verdict)
