"""The drift verdict and the trend as strict JSON, and read back from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from schemas.verdicts import (
    Bin,
    ClassShare,
    ColumnDrift,
    DecisionDrift,
    DriftStatus,
    DriftVerdict,
    EarlierNight,
    FeatureImpact,
    ImpactVerdict,
    SliceColumn,
    SliceDrift,
    Trend,
)

FORMAT = "nightscore.drift"
VERSION = 3

Json = Mapping[str, Any]


def drift_json(verdict: DriftVerdict) -> dict[str, Any]:
    """The verdict for drift.json: strict JSON, versioned."""
    return {"format": FORMAT, "version": VERSION} | asdict(verdict)


def drift_from_json(raw: Json) -> DriftVerdict:
    """The verdict that `drift_json` wrote. Raises ValueError when it is something else."""
    if (raw.get("format"), raw.get("version")) != (FORMAT, VERSION):
        message = (
            f"not a drift verdict of version {VERSION}: format {raw.get('format')!r}, version {raw.get('version')!r}"
        )
        raise ValueError(message)
    return DriftVerdict(
        status=DriftStatus(raw["status"]),
        columns=tuple(_column_from_json(item) for item in raw["columns"]),
        reason=raw["reason"],
        settings=raw["settings"],
        slices=tuple(_slice_from_json(item) for item in raw["slices"]),
        decisions=tuple(_decision_from_json(item) for item in raw["decisions"]),
        impacts=tuple(_impact_from_json(item) for item in raw["impacts"]),
    )


def trend_json(trend: Trend) -> dict[str, Any]:
    """The trend as part of a report's facts, whose version it shares."""
    return asdict(trend)


def trend_from_json(raw: Json) -> Trend:
    """The trend that `trend_json` wrote."""
    return Trend(raw["nights_in_a_row"], tuple(_earlier_from_json(item) for item in raw["earlier"]))


def _column_from_json(raw: Json) -> ColumnDrift:
    bins = {name: tuple(Bin(**item) for item in raw[name]) for name in ("bins", "unit_bins")}
    return ColumnDrift(**{**raw, **bins, "status": DriftStatus(raw["status"]), "reasons": tuple(raw["reasons"])})


def _slice_from_json(raw: Json) -> SliceDrift:
    columns = tuple(SliceColumn(**{**item, "status": DriftStatus(item["status"])}) for item in raw["columns"])
    return SliceDrift(**{**raw, "status": DriftStatus(raw["status"]), "columns": columns})


def _decision_from_json(raw: Json) -> DecisionDrift:
    classes = tuple(ClassShare(**item) for item in raw["classes"])
    return DecisionDrift(**{**raw, "status": DriftStatus(raw["status"]), "classes": classes})


def _impact_from_json(raw: Json) -> ImpactVerdict:
    features = tuple(FeatureImpact(**{**item, "columns": tuple(item["columns"])}) for item in raw["features"])
    return ImpactVerdict(**{**raw, "features": features})


def _earlier_from_json(raw: Json) -> EarlierNight:
    columns = {name: {**found, "status": DriftStatus(found["status"])} for name, found in raw["columns"].items()}
    return EarlierNight(**{**raw, "columns": columns})
