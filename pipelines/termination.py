"""The signal by which a scheduler ends a run."""

from __future__ import annotations


class Terminated(BaseException):
    """SIGTERM arrived. Not an Exception, so that no handler of ordinary errors swallows it."""
