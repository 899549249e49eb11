"""The drift verdict and the trend as strict JSON, and read back from it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, fields
from functools import cache
from typing import Any

from pydantic import TypeAdapter

from schemas.verdicts import DriftStatus, DriftVerdict, EarlierNight, Trend

FORMAT = "nightscore.drift"
VERSION = 3

Json = Mapping[str, Any]
_FIELDS = tuple(item.name for item in fields(DriftVerdict))


def drift_json(verdict: DriftVerdict) -> dict[str, Any]:
    """The verdict for drift.json: strict JSON, versioned."""
    return {"format": FORMAT, "version": VERSION} | asdict(verdict)


def drift_from_json(raw: Json) -> DriftVerdict:
    """The verdict that `drift_json` wrote. Raises ValueError or KeyError when it is something else."""
    if (raw.get("format"), raw.get("version")) != (FORMAT, VERSION):
        message = (
            f"not a drift verdict of version {VERSION}: format {raw.get('format')!r}, version {raw.get('version')!r}"
        )
        raise ValueError(message)
    _refuse_huge(raw)
    verdict: DriftVerdict = _verdicts().validate_python({name: raw[name] for name in _FIELDS})
    return verdict


@cache
def _verdicts() -> TypeAdapter[DriftVerdict]:
    return TypeAdapter(DriftVerdict)


def _refuse_huge(value: Any) -> None:
    """Raise ValueError for a number that is not finite, or a whole one beyond what a float64 tells apart."""
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            _refuse_huge(item)
    elif (isinstance(value, float) and not math.isfinite(value)) or (isinstance(value, int) and abs(value) > 1 << 53):
        message = "a number is not finite or too large"
        raise ValueError(message)


def trend_json(trend: Trend) -> dict[str, Any]:
    """The trend as part of a report's facts, whose version it shares."""
    return asdict(trend)


def trend_from_json(raw: Json) -> Trend:
    """The trend that `trend_json` wrote."""
    return Trend(raw["nights_in_a_row"], tuple(_earlier_from_json(item) for item in raw["earlier"]))


def _earlier_from_json(raw: Json) -> EarlierNight:
    columns = {name: {**found, "status": DriftStatus(found["status"])} for name, found in raw["columns"].items()}
    return EarlierNight(**{**raw, "columns": columns})
