"""Everything that the report of a range of nights shows, as plain values that survive JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, Self

from data_checks.calibration import Calibration
from data_checks.drift_json import drift_from_json, drift_json
from schemas.verdicts import DriftStatus, DriftVerdict

FORMAT = "nightscore.trend"
VERSION = 1

#: missing: no run of that date was found.
NightOutcome = Literal["published", "held", "failed", "no_data", "missing"]
Values = tuple[float | None, ...]


@dataclass(frozen=True)
class Night:
    """One date of the range."""

    date: str
    outcome: NightOutcome
    run_id: str = ""
    #: Rows scored.
    rows: int | None = None
    #: Of the night's drift; None where nothing is known of it.
    status: DriftStatus | None = None
    #: Why it was not published, or not compared.
    reason: str = ""


@dataclass(frozen=True)
class ColumnSeries:
    """One column over the range; every series has one place for each night, None where there is no number."""

    column: str
    role: str
    kind: str
    statuses: tuple[DriftStatus | None, ...]
    #: Full name of a measure to its values.
    measures: Mapping[str, Values]
    critical: bool = False


@dataclass(frozen=True)
class DecisionSeries:
    """What one model decided, over the range: `decision_share:<label>`, `expected_accuracy`."""

    model: str
    threshold: float | None
    measures: Mapping[str, Values]


@dataclass(frozen=True)
class ModelOutcomes:
    """One model's probabilities beside what happened."""

    model: str
    #: The column with its probability of the second class, and the name of that class.
    score: str
    label: str
    whole: Calibration
    #: Month (2013-07) to the same of that month alone.
    months: Mapping[str, Calibration] = field(default_factory=dict)
    #: Scored rows whose outcome is not known.
    without_outcome: int = 0
    #: Where the outcomes come from, in words.
    source: str = ""


@dataclass(frozen=True)
class TrendFacts:
    """A range of nights of one job. No row values."""

    job: str
    #: First and last date, both within the range.
    first: str
    last: str
    nights: tuple[Night, ...]
    columns: tuple[ColumnSeries, ...]
    #: All nights together against the reference.
    whole: DriftVerdict
    decisions: tuple[DecisionSeries, ...] = ()
    #: Month (2013-07) to its nights together against the reference.
    months: Mapping[str, DriftVerdict] = field(default_factory=dict)
    outcomes: tuple[ModelOutcomes, ...] = ()
    #: What was asked for, label to value.
    settings: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        series: list[tuple[str, Sequence[object]]] = [(item.column, item.statuses) for item in self.columns]
        series += [(item.column, values) for item in self.columns for values in item.measures.values()]
        series += [(item.model, values) for item in self.decisions for values in item.measures.values()]
        for name, values in series:
            if len(values) != len(self.nights):
                message = f"'{name}' has {len(values)} values for {len(self.nights)} nights"
                raise ValueError(message)

    def to_json(self) -> dict[str, Any]:
        """JSON-compatible."""
        return {
            "format": FORMAT,
            "version": VERSION,
            "job": self.job,
            "first": self.first,
            "last": self.last,
            "nights": [asdict(night) for night in self.nights],
            "columns": [asdict(column) for column in self.columns],
            "whole": drift_json(self.whole),
            "decisions": [asdict(decision) for decision in self.decisions],
            "months": {month: drift_json(verdict) for month, verdict in self.months.items()},
            "outcomes": [_outcomes_json(item) for item in self.outcomes],
            "settings": dict(self.settings),
        }

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Self:
        """The facts that `to_json` wrote. Raises ValueError when it is something else."""
        if (raw.get("format"), raw.get("version")) != (FORMAT, VERSION):
            found = f"format {raw.get('format')!r}, version {raw.get('version')!r}"
            message = f"not the facts of a trend of version {VERSION}: {found}"
            raise ValueError(message)
        return cls(
            job=raw["job"],
            first=raw["first"],
            last=raw["last"],
            nights=tuple(Night(**{**item, "status": _status(item["status"])}) for item in raw["nights"]),
            columns=tuple(_column_from_json(item) for item in raw["columns"]),
            whole=drift_from_json(raw["whole"]),
            decisions=tuple(
                DecisionSeries(item["model"], item["threshold"], _measures(item["measures"]))
                for item in raw["decisions"]
            ),
            months={month: drift_from_json(verdict) for month, verdict in raw["months"].items()},
            outcomes=tuple(_outcomes_from_json(item) for item in raw["outcomes"]),
            settings=raw["settings"],
        )


def _status(raw: str | None) -> DriftStatus | None:
    return None if raw is None else DriftStatus(raw)


def _measures(raw: Mapping[str, Any]) -> dict[str, Values]:
    return {name: tuple(values) for name, values in raw.items()}


def _column_from_json(raw: Mapping[str, Any]) -> ColumnSeries:
    statuses = tuple(_status(status) for status in raw["statuses"])
    return ColumnSeries(**{**raw, "statuses": statuses, "measures": _measures(raw["measures"])})


def _outcomes_json(outcomes: ModelOutcomes) -> dict[str, Any]:
    months = {month: state.to_json() for month, state in outcomes.months.items()}
    return vars(outcomes) | {"whole": outcomes.whole.to_json(), "months": months}


def _outcomes_from_json(raw: Mapping[str, Any]) -> ModelOutcomes:
    months = {month: Calibration.from_json(state) for month, state in raw["months"].items()}
    return ModelOutcomes(**{**raw, "whole": Calibration.from_json(raw["whole"]), "months": months})
