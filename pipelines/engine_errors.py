"""What an engine's own error says, without its stack traces."""

from __future__ import annotations

import re

#: A line such as `schemas.errors.InputError: ...` at the end of a traceback, or `java.io.IOException: ...`.
_ERROR = re.compile(r"^(?:[a-z_]\w*\.)*([A-Z]\w*(?:Error|Exception)): ")
#: Characters of the engine's own error that are repeated: its stack traces are long.
_MOST = 600


def said(text: str) -> str:
    """The engine's error in one line: the last one that a worker's Python, or Java, names."""
    lines = [line.strip().removeprefix("Caused by: ") for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if _ERROR.match(line)]
    first = " ".join(lines[: 2 if lines and lines[0].endswith(":") else 1])
    found = (errors or [first or "it did not say why"])[-1].partition(" [while running")[0]
    named = _ERROR.sub(r"\1: ", found)
    return f"{named[:_MOST].rstrip('.')}."
