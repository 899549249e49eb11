"""What a column's sorted values cost: CPU seconds per million rows to write and to query, and peak memory.

    python benchmarks/value_runs.py                20 million float64 in 40 runs, in a temporary folder
    python benchmarks/value_runs.py --rows 5 --runs 10

With and without row positions, each in a process of its own. A run is written as a unit does it, from batches of 65,536
rows. Numbers come from a fixed seed; every query's cost is given apart. The files were just written and so are in the
page cache: on a cold disk a query waits for some hundred reads more.
"""
# ruff: noqa: PLC0415  # what measures must stay small (see measuring.py), so each process imports only what it needs

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from measuring import machine, measure

BATCH = 65_536
SEED = 20130701


def main() -> None:
    """Measure both kinds and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=20, help="million rows")
    parser.add_argument("--runs", type=int, default=40)
    parser.add_argument("--one", choices=("values", "positions"), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    rows = asked.rows * 1_000_000
    if asked.one:
        print(json.dumps(one(rows, asked.runs, positions=asked.one == "positions")))
        return
    print(json.dumps(machine()))
    for kind in ("values", "positions"):
        command = [sys.executable, __file__, "--rows", str(asked.rows), "--runs", str(asked.runs), "--one", kind]
        cost = measure(command)
        found = json.loads(cost.output)
        print(f"{kind}: peak {cost.peak_mb:.0f} MB, others {cost.others:.1f}")
        for name, value in found.items():
            print(f"  {name}: {value:.4g}")


def one(rows: int, runs: int, *, positions: bool) -> dict[str, float]:
    """CPU seconds by what was done, in this process."""
    from data_checks.expectations.outliers import ZScore  # noqa: F401  # so that its imports are not counted as ours
    from data_checks.value_runs import ValueRuns

    imports = resident("RssAnon")
    with tempfile.TemporaryDirectory() as folder:
        written = [write(Path(folder), unit, rows // runs, positions=positions) for unit in range(runs)]
        seconds = sum(spent for _, spent in written)
        opened = ValueRuns([path for path, _ in written], "float")
        found = queries(opened, positions=positions)
        memory = {"imports": imports, "own memory after all": resident("RssAnon"), "mapped": resident("RssFile")}
        assert len(opened) == rows  # and so is still mapped
        return {
            **{f"{name}, MB": size for name, size in memory.items()},
            "write, s per million rows": seconds / rows * 1e6,
            **found,
        }


def resident(kind: str) -> float:
    """MB of this process now: RssAnon is its own memory, RssFile pages of files, which the system takes back."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(kind)).split()[1]) / 1024


def write(folder: Path, unit: int, rows: int, *, positions: bool) -> tuple[Path, float]:
    """One run, and the CPU seconds of it without those that made the numbers."""
    import numpy as np

    from data_checks.value_runs import ValueRun

    values = np.random.default_rng(SEED + unit).lognormal(3, 1, rows).round(2)
    places = np.arange(unit * rows, (unit + 1) * rows)
    started = time.process_time()
    run = ValueRun("float", positions=positions)
    for start in range(0, rows, BATCH):
        run.add(values[start : start + BATCH], places[start : start + BATCH])
    path = run.write(folder, unit, "bench")
    assert path is not None
    return path, time.process_time() - started


def queries(runs: Any, *, positions: bool) -> dict[str, float]:
    """CPU seconds of each query."""
    import numpy as np

    from data_checks.expectations.outliers import Spread, ZScore
    from data_checks.order_statistics import count_failing, first_outside, histogram, median, quantiles

    score = ZScore(Spread(33.0, 43.0), 3.0, double_sided=True)
    asked: dict[str, Callable[[], object]] = {
        "median": lambda: median(runs),
        "9 quantiles, linear": lambda: quantiles(runs, np.linspace(0.1, 0.9, 9).tolist(), "linear"),
        "z-scores": lambda: count_failing(runs, score.failing, score.pivot),
        "histogram of 100 bins": lambda: histogram(runs, np.linspace(0, 1000, 101).tolist()),
    }
    if positions:
        asked["first 200 of the outliers"] = lambda: first_outside(runs, score.failing, 200, score.pivot)
    found = {}
    for name, query in asked.items():
        started = time.process_time()
        query()
        found[f"{name}, s"] = time.process_time() - started
    return found


if __name__ == "__main__":
    main()
