"""Text is a date or time: expect_column_values_to_match_strftime_format, _to_be_dateutil_parseable."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

import numpy as np
import pyarrow as pa
from dateutil.parser import parse  # type: ignore[import-untyped]  # it ships no types

from data_checks.columns import Mask
from data_checks.expectations.misfit import Misfit
from data_checks.expectations.row_rule import WordRule
from data_checks.expectations.share import RowShare
from data_checks.expectations.text_column import text_column
from schemas.argument_checks import shown
from schemas.contract import TableContract
from schemas.suite import Expectation

#: Answers that a process remembers, of each kind, for the batches to come; longer words are judged anew each time.
REMEMBERED, MAX_REMEMBERED_WORD = 20_000, 1_000
#: A format must read what it wrote of this moment. Of any other day too: the 15th is in every month, 1900 no leap year.
_SAMPLE = datetime(2001, 1, 15, 13, 24, 35, 123456, tzinfo=UTC)
#: What dateutil takes from today's date where the text has no year, month or day. This one has every day of a leap year
#: within reach: with today's, `31` would be a date in January and none in June.
_NO_DATE = datetime(2000, 1, 1)  # noqa: DTZ001  # dateutil wants it so
_DIRECTIVE = re.compile("%(.)", re.DOTALL)


@dataclass(frozen=True)
class Written:
    """Words fail that `datetime.strptime` does not read in this format."""

    strftime_format: str

    def failing(self, words: pa.Array) -> Mask:
        """Shape (words,): True where the word fails."""
        return failing_words(words, self.strftime_format, _written, _remembered_written)


@dataclass(frozen=True)
class Dateutil:
    """Words fail that `dateutil.parser.parse` does not read.

    Zones are read and not resolved, since their names depend on the machine; and where the text lets a part of the
    date open, it is not taken from today's, on which GX's verdict on `31` or `Feb 29` depends.
    """

    def failing(self, words: pa.Array) -> Mask:
        """Shape (words,): True where the word fails."""
        return failing_words(words, "", _read, _remembered_read)


def failing_words(
    words: pa.Array, rule: str, judge: Callable[[str, str], bool], remembered: Callable[[str, str], bool]
) -> Mask:
    """Shape (words,): True where `judge(rule, word)` is False. `remembered` is the same behind a cache."""
    met = [
        word is None or (remembered if len(word) <= MAX_REMEMBERED_WORD else judge)(rule, word)
        for word in words.to_pylist()
    ]
    return ~np.array(met, np.bool_)


def _written(strftime_format: str, word: str) -> bool:
    try:
        datetime.strptime(word, strftime_format)  # noqa: DTZ007  # only whether it can be read matters
    except (ValueError, OverflowError):
        return False
    return True


def _read(_: str, word: str) -> bool:
    try:
        parse(word, default=_NO_DATE, ignoretz=True)
    except Exception:  # noqa: BLE001  # it raises decimal.InvalidOperation and others on strange text: that is no date
        return False
    return True


_remembered_written = lru_cache(REMEMBERED)(_written)
_remembered_read = lru_cache(REMEMBERED)(_read)


def strftime_format(expectation: Expectation, contract: TableContract) -> RowShare:
    """Texts are dates or times in strftime_format. Raises Misfit for a format that cannot be read back."""
    column = text_column(expectation, contract)
    written = expectation.kwargs["strftime_format"]
    if fault := _fault(written):
        message = f"strftime_format {shown(written)} cannot be used: {fault}"
        raise Misfit(message)
    words = f"are not in the format {shown(written)}"
    return RowShare(WordRule(column, Written(written)), column, expectation.mostly, words)


def dateutil_parseable(expectation: Expectation, contract: TableContract) -> RowShare:
    """Texts are dates or times in any of the many ways that dateutil reads."""
    column = text_column(expectation, contract)
    return RowShare(WordRule(column, Dateutil()), column, expectation.mostly, "are no date or time")


def _fault(strftime_format: str) -> str | None:
    """Why a format is of no use, or None."""
    if "Z" in _DIRECTIVE.findall(strftime_format):
        return "%Z reads the names of the machine's own time zone, and so does not mean the same everywhere; use %z"
    try:
        datetime.strptime(_SAMPLE.strftime(strftime_format), strftime_format)  # noqa: DTZ007  # as in _written
    except (ValueError, OverflowError, re.error) as error:  # re.error: a directive that stands there twice
        return str(error)[:120]
    return None
