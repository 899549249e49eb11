"""quality.json: the verdicts in the shape that Great Expectations gives its own results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from schemas.suite import Suite
from schemas.verdicts import ExpectationVerdict, Status

FORMAT = "nightscore.quality"
VERSION = 1


def quality_json(verdicts: Sequence[ExpectationVerdict], suite: Suite | None) -> dict[str, Any]:
    """JSON-compatible, strict and versioned; no row values.

    `success`, `results`, `statistics` and `suite_name` are as in GX's ExpectationSuiteValidationResult; beside GX's
    `unexpected_percent`, which is of the non-null values, stand `evaluated_count` and our status, policy and message.
    """
    sources = {item.rule: item.source for item in suite.expectations} if suite is not None else {}
    met = sum(verdict.success for verdict in verdicts)
    return {
        "format": FORMAT,
        "version": VERSION,
        "suite_name": suite.name if suite is not None else None,
        "success": met == len(verdicts),
        "statistics": {
            "evaluated_expectations": len(verdicts),
            "successful_expectations": met,
            "unsuccessful_expectations": len(verdicts) - met,
            "success_percent": 100 * met / len(verdicts) if verdicts else None,
        },
        "results": [_result(verdict, sources.get(verdict.rule, {})) for verdict in verdicts],
    }


def _result(verdict: ExpectationVerdict, source: Mapping[str, Any]) -> dict[str, Any]:
    config = {"type": verdict.type, "kwargs": verdict.kwargs, "severity": verdict.severity}
    config |= {key: source[key] for key in ("id", "meta", "notes", "description") if source.get(key)}
    return {
        "rule": verdict.rule,
        "success": verdict.success,
        "status": verdict.status.value,
        "on_fail": verdict.on_fail,
        "message": verdict.message,
        "expectation_config": config,
        "result": _counts(verdict),
        "exception_info": {
            "raised_exception": verdict.status is Status.ERROR,
            "exception_message": verdict.message if verdict.status is Status.ERROR else None,
        },
    }


def _counts(verdict: ExpectationVerdict) -> dict[str, Any]:
    """GX's names. Of an expectation about nulls every row is an element and none is missing."""
    counts: dict[str, Any] = {"evaluated_count": verdict.evaluated} if verdict.evaluated is not None else {}
    if verdict.unexpected is not None and verdict.evaluated is not None:
        about_nulls = verdict.type.endswith(("_to_not_be_null", "_to_be_null"))
        missing = 0 if about_nulls else verdict.missing or 0
        elements = verdict.evaluated + missing
        counts |= {
            "element_count": elements,
            "unexpected_count": verdict.unexpected,
            "unexpected_percent": _percent(verdict.unexpected, verdict.evaluated),
        }
        if not about_nulls:
            counts |= {
                "missing_count": missing,
                "missing_percent": _percent(missing, elements),
                "unexpected_percent_total": _percent(verdict.unexpected, elements),
                "unexpected_percent_nonmissing": _percent(verdict.unexpected, verdict.evaluated),
            }
    return counts | ({"observed_value": verdict.observed} if verdict.observed is not None else {})


def _percent(part: int, whole: int) -> float | None:
    return 100 * part / whole if whole else None
