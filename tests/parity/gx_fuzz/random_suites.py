"""Random suites over every type of expectation that is judged."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
from gx_fuzz.column_arguments import column_arguments
from gx_fuzz.near_the_data import chance, pick
from gx_fuzz.random_conditions import random_condition
from gx_fuzz.random_tables import CONTRACT, Rng
from gx_fuzz.record_arguments import list_arguments, pair_arguments, table_arguments

from data_checks.checks import Checks
from schemas.errors import ConfigError
from schemas.expectation_types import SUPPORTED
from schemas.job import Checks as CheckSettings
from schemas.suite import Suite, read_suite

#: How often arguments are drawn for one expectation until they fit the table.
_TRIES = 60


def random_suite(rng: Rng, kinds: list[str], table: pa.Table, folder: Path) -> list[dict[str, Any]]:
    """One expectation of each kind, with arguments that Nightscore takes."""
    return [_fitting(rng, kind, table, folder) for kind in kinds]


def read(expectations: list[dict[str, Any]], folder: Path) -> Suite:
    """The suite that a file with these expectations is. Raises ConfigError for what is not taken."""
    path = folder / "suite.json"
    path.write_text(json.dumps({"name": "random", "expectations": expectations}))
    return read_suite(path)


def _fitting(rng: Rng, kind: str, table: pa.Table, folder: Path) -> dict[str, Any]:
    """Arguments that are refused, such as a list where no value of the column could be, are drawn anew."""
    refused: ConfigError | None = None
    for _ in range(_TRIES):
        item = random_expectation(rng, kind, table)
        try:
            Checks.compile(read([item], folder), CONTRACT, CheckSettings())
        except ConfigError as error:
            refused = error
        else:
            return item
    raise AssertionError(f"no arguments of {kind} are taken; the last ones: {item}") from refused


def random_expectation(rng: Rng, kind: str, table: pa.Table) -> dict[str, Any]:
    """An expectation of that type, with arguments near the data; a quarter have a row_condition."""
    if kind.startswith("expect_table") or kind == "expect_column_to_exist":
        kwargs = table_arguments(rng, kind, table)
    elif kind.startswith("expect_column_pair"):
        kwargs = pair_arguments(rng, kind, table)
    elif kind.startswith("expect_column"):
        kwargs = column_arguments(rng, kind, table)
    else:
        kwargs = list_arguments(rng, kind, table)
    if "mostly" in SUPPORTED[kind].arguments and chance(rng, 0.5):
        kwargs["mostly"] = pick(rng, [0.0, 0.5, 0.9, 0.95, 1.0])
    if SUPPORTED[kind].conditions and chance(rng, 0.25):
        kwargs |= random_condition(rng, table)
    return {"type": kind, "kwargs": kwargs}
