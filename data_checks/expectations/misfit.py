"""The mistake that an expectation does not fit the table it is written for."""

from __future__ import annotations


class Misfit(Exception):  # noqa: N818  # not an error of the run: Checks.compile collects them all into one ConfigError
    """An expectation that cannot be judged on this table; `str()` says why and what to do, without naming the rule."""
