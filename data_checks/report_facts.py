"""Everything that a run's report shows, as plain values that survive JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, Self

from data_checks.drift_json import drift_from_json, drift_json, trend_from_json, trend_json
from schemas.errors import ExitCode
from schemas.ledger import Ledger
from schemas.verdicts import DriftVerdict, ExpectationVerdict, GateDecision, Status, Trend

FORMAT = "nightscore.report"
VERSION = 3
#: Version 2 had no `released`.
_READS = (2, VERSION)

Outcome = Literal["published", "held", "failed", "no_data"]


@dataclass(frozen=True)
class QuarantineCount:
    """How many rows one rule set aside."""

    rule: str
    column: str | None
    reason: str
    rows: int
    #: quarantine | drop
    outcome: str = "quarantine"


@dataclass(frozen=True)
class FeatureCount:
    """How often a feature was missing, or of a category that the model was not trained on."""

    feature: str
    unknown: int
    missing: int
    #: What happens to an unknown category: error, quarantine, missing, other.
    policy: str = ""


@dataclass(frozen=True)
class Release:
    """A person published what the gate held."""

    reason: str
    #: ISO 8601, in UTC.
    at: str


@dataclass(frozen=True)
class ReportFacts:
    """One run. No row values."""

    job: str
    run_date: str
    run_id: str
    outcome: Outcome
    ledger: Ledger
    #: None where the run ended before the gate.
    decision: GateDecision | None = None
    #: What ended a failed run, in the words of the error.
    error: str = ""
    #: What readers of the partition see now, such as `the partition of run x, published on 2013-12-31`.
    stands: str = ""
    #: What to do next, one sentence each; commands in backticks.
    next_steps: tuple[str, ...] = ()
    expectations: tuple[ExpectationVerdict, ...] = ()
    drift: DriftVerdict | None = None
    #: What the earlier published nights say; empty where there are none.
    trend: Trend = field(default_factory=Trend)
    quarantine: tuple[QuarantineCount, ...] = ()
    features: tuple[FeatureCount, ...] = ()
    #: Section to label to value: run, input, models, configuration.
    provenance: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    #: None where nobody had to publish by hand.
    released: Release | None = None

    def to_json(self) -> dict[str, Any]:
        """JSON-compatible."""
        lists = {
            name: [asdict(item) for item in getattr(self, name)] for name in ("expectations", "quarantine", "features")
        }
        words = {name: getattr(self, name) for name in ("job", "run_date", "run_id", "outcome", "error", "stands")}
        return {
            "format": FORMAT,
            "version": VERSION,
            **words,
            "next_steps": list(self.next_steps),
            "ledger": self.ledger.to_json(),
            "decision": None if self.decision is None else asdict(self.decision),
            "drift": None if self.drift is None else drift_json(self.drift),
            "trend": trend_json(self.trend),
            **lists,
            "provenance": {section: dict(values) for section, values in self.provenance.items()},
            "released": None if self.released is None else asdict(self.released),
        }

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Self:
        """The facts that `to_json` wrote. Raises ValueError when it is something else."""
        if raw.get("format") != FORMAT or raw.get("version") not in _READS:
            found = f"format {raw.get('format')!r}, version {raw.get('version')!r}"
            message = f"not the facts of a report of version {VERSION}: {found}"
            raise ValueError(message)
        values = {key: value for key, value in raw.items() if key not in ("format", "version")}
        return cls(
            **values
            | {
                "next_steps": tuple(raw["next_steps"]),
                "ledger": Ledger.from_json(raw["ledger"]),
                "decision": None if raw["decision"] is None else decision_from_json(raw["decision"]),
                "drift": None if raw["drift"] is None else drift_from_json(raw["drift"]),
                "trend": trend_from_json(raw["trend"]),
                "expectations": tuple(expectation_from_json(item) for item in raw["expectations"]),
                "quarantine": tuple(QuarantineCount(**item) for item in raw["quarantine"]),
                "features": tuple(FeatureCount(**item) for item in raw["features"]),
                "released": Release(**raw["released"]) if raw.get("released") else None,
            }
        )


def decision_from_json(raw: Mapping[str, Any]) -> GateDecision:
    """The decision that `schemas.verdicts.to_json` wrote."""
    reasons, warnings = tuple(raw["reasons"]), tuple(raw["warnings"])
    return GateDecision(bool(raw["publish"]), ExitCode(raw["exit_code"]), reasons, warnings, bool(raw["releasable"]))


def expectation_from_json(raw: Mapping[str, Any]) -> ExpectationVerdict:
    """The verdict that `schemas.verdicts.to_json` wrote."""
    return ExpectationVerdict(**{**raw, "status": Status(raw["status"])})
