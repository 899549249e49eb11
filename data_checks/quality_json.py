"""quality.json: the verdicts as the ExpectationSuiteValidationResult that Great Expectations itself writes and loads.

What is ours stands where GX keeps what it does not know: `evaluated_count` in each result, the rest under `meta`.
Nothing in it depends on the clock or on the machine: the time is the run date, ids are digests.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from schemas.suite import Suite
from schemas.verdicts import ExpectationVerdict

FORMAT = "nightscore.quality"
VERSION = 2


def quality_json(
    verdicts: Sequence[ExpectationVerdict], suite: Suite | None, batch: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """JSON-compatible, strict and versioned. `batch` goes into its meta: what was judged, and for which run date.

    `success` is ours: an expectation that nothing was evaluated for is not met unless the job allows it, and counts
    decide where the suite says warn_if or error_if. GX's own is in each result's meta.
    """
    sources = {item.rule: item.source for item in suite.expectations} if suite is not None else {}
    met = sum(verdict.success for verdict in verdicts)
    return {
        "success": met == len(verdicts),
        "suite_name": suite.name if suite is not None else "none",
        "suite_parameters": dict(suite.parameters) if suite is not None else {},
        "statistics": {
            "evaluated_expectations": len(verdicts),
            "successful_expectations": met,
            "unsuccessful_expectations": len(verdicts) - met,
            "success_percent": 100 * met / len(verdicts) if verdicts else None,
        },
        "results": [_result(verdict, sources.get(verdict.rule, {})) for verdict in verdicts],
        "meta": {"nightscore": {"format": FORMAT, "version": VERSION}, **(batch or {})},
        "id": None,
    }


def _result(verdict: ExpectationVerdict, source: Mapping[str, Any]) -> dict[str, Any]:
    gx = copy.deepcopy(verdict.gx)
    config = {"type": verdict.type, "kwargs": verdict.kwargs, "severity": verdict.severity, "meta": {}}
    config |= {key: source[key] for key in ("id", "meta", "notes", "description") if source.get(key)}
    result = dict(gx.get("result") or {})
    if verdict.evaluated is not None:
        result["evaluated_count"] = verdict.evaluated
    ours = {
        "rule": verdict.rule,
        "status": verdict.status.value,
        "on_fail": verdict.on_fail,
        "message": verdict.message,
        "gx_success": gx.get("success"),
    }
    return {
        "success": verdict.success,
        "expectation_config": config,
        "result": result,
        "meta": {"nightscore": ours},
        "exception_info": gx.get("exception_info") or {},
    }
