"""Great Expectations' own opinion of a suite. The one module that imports it, which costs seconds: not for workers."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from great_expectations import ExpectationSuite
from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

from schemas.errors import ConfigError
from schemas.strict_json import read_strict_json
from schemas.suite import MAX_BYTES

#: Importing it turns every warning of the process into a log line; warnings are for whoever runs the process.
logging.captureWarnings(capture=False)


def load_with_gx(path: Path) -> None:
    """Load the suite as Great Expectations itself would. Raises one ConfigError with everything that it refuses."""
    raw = read_strict_json(path, MAX_BYTES)
    mistakes: list[str] = []
    with _quiet():
        for number, item in enumerate(_expectations(raw), start=1):
            if mistake := _refusal(item):
                mistakes.append(f"expectation {number}: {mistake}")
        if not mistakes and (mistake := _suite_refusal(raw)):
            mistakes.append(f"suite: {mistake}")
    if mistakes:
        message = f"{path}: Great Expectations does not load this suite\n" + "\n".join(f"  {line}" for line in mistakes)
        raise ConfigError(message, code="refused_by_gx", file=str(path), mistakes=mistakes)


@contextmanager
def _quiet() -> Iterator[None]:
    """What GX says of a mistake stands in our error; it also logs it with a traceback."""
    logger = logging.getLogger("great_expectations")
    level = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        logger.setLevel(level)


def _expectations(raw: Any) -> list[Any]:
    found = raw.get("expectations") if isinstance(raw, dict) else None
    return found if isinstance(found, list) else []


def _refusal(item: Any) -> str | None:
    try:
        ExpectationConfiguration(**item).to_domain_obj()
    except Exception as error:  # noqa: BLE001  # pydantic's, GX's and plain ones: whatever it raises, it does not load
        return _first_words(error)
    return None


def _suite_refusal(raw: Any) -> str | None:
    try:
        ExpectationSuite(**raw)
    except Exception as error:  # noqa: BLE001  # as above
        return _first_words(error)
    return None


def _first_words(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
