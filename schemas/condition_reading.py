"""Reading a row_condition of a suite, however it is written; nothing in it is ever run as code."""

from __future__ import annotations

from typing import Any

from schemas.argument_checks import shown
from schemas.condition_objects import ConditionObjects
from schemas.condition_parts import MAX_TEXT, refuse
from schemas.condition_text import ConditionText
from schemas.row_condition import RowCondition

#: Great Expectations hands a text without a parser to pandas.
_PARSERS = (None, "great_expectations", "great_expectations__experimental__", "pandas")


def parse_row_condition(raw: Any, parser: str | None) -> RowCondition:
    """The condition that a suite's `row_condition` and `condition_parser` stand for.

    `raw` is Great Expectations 1.24's JSON object of the type comparison, nullity, and, or; or a text such as
    `col("x") > 5 and (y in ["a", "b"] or z.isNull())`, in the same small language for every parser. Raises ValueError,
    with `row_condition` and the place in front, for anything else: also for what pandas or Spark would run as code.
    """
    if parser not in _PARSERS:
        why = "is SQL that Spark would run" if parser == "spark" else "is none that is known here"
        refuse("", f"condition_parser {shown(parser)} {why}", "write 'pandas' or 'great_expectations'")
    if not isinstance(raw, str):
        return ConditionObjects().condition(raw, "", 1)
    if len(raw) > MAX_TEXT:
        refuse("", f"the text has {len(raw):,} characters", f"at most {MAX_TEXT:,} are allowed")
    return ConditionText(raw).whole()
