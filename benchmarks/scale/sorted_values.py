"""Medians and the like: the driver's search in the sorted files of many units."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from scale.dimension import Case, Dimension, Found
from scale.stage_costs import StageCosts
from scale.tables import Table

#: (units, values of each).
SHAPES = ((100, 5_000), (1_000, 5_000), (10_000, 5_000), (20, 500_000))


def prepare(folder: Path, case: Case) -> None:
    """Nothing: the files are made and removed again by the case itself."""


def run(folder: Path, case: Case) -> dict[str, Any]:
    """Open the files of so many units, and look for a median."""
    from data_checks.value_runs import ValueRun, ValueRuns  # noqa: PLC0415  # only in the process that measures

    draw, costs = np.random.default_rng(1), StageCosts()
    scratch = Path(tempfile.mkdtemp(dir=folder))
    try:
        paths = []
        for unit in range(case["units"]):
            values = ValueRun("float")
            values.add(draw.normal(size=case["values"]))
            paths.append(values.write(scratch, unit, "attempt"))
        with costs.stage("open"):
            runs = ValueRuns([path for path in paths if path is not None], "float")
        with costs.stage("median"):
            runs.at_rank(len(runs) // 2)
    finally:
        shutil.rmtree(scratch)
    return {"stages": costs.to_json()}


def tables(found: Sequence[Found]) -> Sequence[Table]:
    """One line a case."""
    rows = []
    for item in found:
        begin, search = item.values["stages"]["open"], item.values["stages"]["median"]
        rows.append([item.case["units"], item.case["values"], begin["cpu"], begin["rise_mb"], search["cpu"]])
    columns = ["units", "values of each", "opening, CPU s", "MB of memory", "a median, CPU s"]
    return (Table("sorted values of units", columns, rows),)


SORTED_VALUES = Dimension(
    "sorted values",
    "a median over up to 10,000 units",
    [{"units": units, "values": values} for units, values in SHAPES],
    prepare,
    run,
    tables,
)
