"""Text is JSON: expect_column_values_to_be_json_parseable."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import pyarrow as pa

from data_checks.columns import Mask
from data_checks.expectations.row_rule import WordRule
from data_checks.expectations.share import RowShare
from data_checks.expectations.text_column import text_column
from data_checks.expectations.text_format import REMEMBERED, failing_words
from schemas.contract import TableContract
from schemas.suite import Expectation

#: Arrays and objects within each other beyond this count as no JSON. Python gives up near 1,000 less the depth of its
#: own stack, which is not the same in every runner: so the verdict would not be either.
MAX_NESTING = 500
_STRING = re.compile(r'"(?:[^"\\]|\\.)*+"?', re.DOTALL)  # one without an end goes on to the end: linear time
_BRACKET = re.compile(r"[\[\]{}]")


@dataclass(frozen=True)
class Json:
    """Words fail that Python's json does not read. It reads NaN, and no integer of more than 4,300 digits."""

    def failing(self, words: pa.Array) -> Mask:
        """Shape (words,): True where the word fails."""
        return failing_words(words, "", _parses, _remembered)


def parsed(word: str, max_nesting: int = MAX_NESTING) -> Any:
    """What the text stands for. Raises ValueError when it is no JSON, or nested deeper than `max_nesting`."""
    if word.count("[") + word.count("{") > max_nesting and _nesting(word) > max_nesting:
        message = f"nested deeper than {max_nesting} levels"
        raise ValueError(message)
    return json.loads(word)


def _nesting(word: str) -> int:
    """How deep arrays and objects stand within each other; of text that is no JSON, any number."""
    depth = deepest = 0
    for bracket in _BRACKET.findall(_STRING.sub("", word)):
        depth += 1 if bracket in "[{" else -1
        deepest = max(deepest, depth)
    return deepest


def _parses(_: str, word: str) -> bool:
    try:
        parsed(word)
    except (ValueError, RecursionError):
        return False
    return True


_remembered = lru_cache(REMEMBERED)(_parses)


def json_parseable(expectation: Expectation, contract: TableContract) -> RowShare:
    """Texts are JSON."""
    column = text_column(expectation, contract)
    return RowShare(WordRule(column, Json()), column, expectation.mostly, "are no JSON")
