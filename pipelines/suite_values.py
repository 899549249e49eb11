"""Values of suite parameters as the command line gives them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from schemas.errors import ConfigError
from schemas.job import Job


def with_parameters(job: Job, given: Sequence[str]) -> Job:
    """The job with these values over its own. Raises ConfigError as `suite_values` does."""
    checks = job.checks.model_copy(update={"parameters": job.checks.parameters | suite_values(given)})
    return job.model_copy(update={"checks": checks})


def suite_values(given: Sequence[str]) -> dict[str, Any]:
    """NAME=VALUE texts as a dict; a value that is a JSON number, bool or list is one, anything else is text.

    Raises ConfigError for a text without `=`, and for a value of another kind.
    """
    found: dict[str, Any] = {}
    for text in given:
        name, sign, raw = text.partition("=")
        if not sign or not name:
            message = f"--parameter {text}: expected NAME=VALUE, such as max_late=0.3"
            raise ConfigError(message, code="bad_parameter")
        try:
            value = json.loads(raw)
        except (ValueError, RecursionError):
            value = raw
        if value is None or isinstance(value, dict):
            message = f"--parameter {name}: a parameter is a number, a text, true, false or a list of these"
            raise ConfigError(message, code="bad_parameter")
        found[name] = value
    return found
