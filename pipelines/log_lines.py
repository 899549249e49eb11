"""What of the libraries' logging reaches people: warnings and errors, less the few that say nothing about the job."""

from __future__ import annotations

import logging

#: Beginnings of warnings that every run would give: clients of Google's cloud that are not installed, a folder that a
#: local worker does not have, the in-process runner that is run in several processes by intent, and that a wheel of
#: Python alone must fit the worker's platform.
_SAYS_NOTHING = (
    "apitools not found",
    "No semi_persistent_directory found",
    "If direct_num_workers is not equal to 1",
    "The .whl package",
)


class _SaysSomething(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        return not record.getMessage().startswith(_SAYS_NOTHING)


def show_warnings() -> None:
    """Send warnings and errors of all libraries to stderr, one line each, whatever level they set later."""
    handler = logging.StreamHandler()
    handler.setLevel(logging.WARNING)
    handler.addFilter(_SaysSomething())
    logging.basicConfig(handlers=[handler], format="%(levelname)s %(name)s: %(message)s")
