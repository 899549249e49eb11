"""Both sides' results of one expectation, and in what they differ."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from gx_fuzz.our_side import our_verdicts
from gx_fuzz.random_suites import read
from gx_fuzz.random_tables import TYPES, Rng
from gx_fuzz.their_side import their_results

from schemas.suite import Expectation
from schemas.verdicts import ExpectationVerdict

Result = Mapping[str, Any]

#: Floats that differ by less, relative to them, are equal: pandas adds them in another order.
TOLERANCE = 1e-9


@dataclass(frozen=True)
class Case:
    """Of one expectation."""

    expectation: Expectation
    result_format: str
    table: pa.Table
    verdict: ExpectationVerdict
    theirs: Result

    @property
    def type(self) -> str:
        """Of the expectation, without `expect_`."""
        return self.expectation.type.removeprefix("expect_")

    @property
    def kinds(self) -> set[str]:
        """The contract's types of the columns that it is about."""
        return {TYPES[column] for column in self.expectation.columns if column in TYPES}

    @property
    def ours(self) -> Result:
        """Our ExpectationValidationResult."""
        return self.verdict.gx

    @property
    def raised(self) -> tuple[bool, bool]:
        """Whether Great Expectations raised: for us, on pandas."""
        return raised(self.ours), raised(self.theirs)

    @property
    def differences(self) -> dict[str, tuple[Any, Any]]:
        """What differs, ours and theirs: raised, success, and each key of the result."""
        if self.raised[0] != self.raised[1]:
            return {"raised": self.raised}
        ours, theirs = self.ours["result"], self.theirs["result"]
        pairs = {"success": (self.ours["success"], self.theirs["success"])}
        pairs |= {key: (ours.get(key, "(none)"), theirs.get(key, "(none)")) for key in [*theirs, *ours]}
        return {key: pair for key, pair in pairs.items() if not same(*pair)}

    def __str__(self) -> str:
        """For people."""
        lines = [
            f"{self.expectation.type} ({self.result_format})",
            f"  kwargs: {json.dumps(dict(self.expectation.kwargs), ensure_ascii=False)[:1500]}",
            f"  rows: {self.table.num_rows}, types: {sorted(self.kinds)}, verdict: {self.verdict.message}",
        ]
        for key, (ours, theirs) in self.differences.items():
            lines += [f"  {key}: {difference_words(ours, theirs)}"]
        for side, result in (("ours", self.ours), ("theirs", self.theirs)):
            lines += [f"  {side} raised: {message[:500]}" for message in messages(result)]
        return "\n".join(lines)


def raised(result: Result) -> bool:
    """Whether an exception stands in the result."""
    return bool(messages(result))


def messages(result: Result) -> list[str]:
    """Those of the exceptions; GX has one form for expectations and another for their metrics."""
    info = result["exception_info"]
    found = [info] if "raised_exception" in info else info.values()
    return [str(item["exception_message"]) for item in found if item["raised_exception"]]


def difference_words(ours: Any, theirs: Any) -> str:
    """Both sides; of long lists the first items that differ."""
    if isinstance(ours, list) and isinstance(theirs, list):
        places = (place for place, pair in enumerate(zip(ours, theirs, strict=False)) if not same(*pair))
        place = next(places, min(len(ours), len(theirs)))
        sides = (f"{len(side)} items, from {place}: {str(side[place : place + 8])[:300]}" for side in (ours, theirs))
        return "ours {}\n      theirs {}".format(*sides)
    return f"ours {str(ours)[:300]!r}\n      theirs {str(theirs)[:300]!r}"


def same(ours: Any, theirs: Any) -> bool:
    """Whether two JSON values are the same: 1 and 1.0 are, true and 1 are not.

    Ours is strict JSON: null for NaN, and text for what is infinite.
    """
    if isinstance(ours, Mapping) and isinstance(theirs, Mapping):
        return ours.keys() == theirs.keys() and all(same(ours[key], theirs[key]) for key in ours)
    if isinstance(ours, list | tuple) and isinstance(theirs, list | tuple):
        return len(ours) == len(theirs) and all(map(same, ours, theirs))
    if isinstance(theirs, float) and not math.isfinite(theirs):
        theirs = None if math.isnan(theirs) else "Infinity" if theirs > 0 else "-Infinity"
    if isinstance(theirs, np.bool_):
        theirs = bool(theirs)
    if isinstance(ours, float) or isinstance(theirs, float):
        return _are_numbers(ours, theirs) and math.isclose(ours, theirs, rel_tol=TOLERANCE)
    return isinstance(ours, bool) == isinstance(theirs, bool) and bool(ours == theirs)


def _are_numbers(*values: Any) -> bool:
    return all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)


def compare(
    expectations: list[dict[str, Any]], table: pa.Table, result_format: str, rng: Rng, folder: Path
) -> Iterator[Case]:
    """Each expectation judged by both sides. `folder` is to be empty."""
    suite = read(expectations, folder)
    ours = our_verdicts(suite, table, result_format, rng, folder)
    theirs = their_results(suite, table, result_format)
    for expectation, verdict, result in zip(suite.expectations, ours, theirs, strict=True):
        yield Case(expectation, result_format, table, verdict, result)
