"""The series: every side on every night, so many times, in turns; each run in new processes and empty folders."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from measuring import ROOT, environment

from whole_job.environments import CannotInstallError
from whole_job.flink_side import NoClusterError
from whole_job.nights import BENCHMARKS, TASK_FILE, Night
from whole_job.process_cost import Command, Cost, measure
from whole_job.results import Results, Run
from whole_job.sides import Bare, Side

#: What peers would tell the internet, and colours in logs.
_QUIET = {"GX_ANALYTICS_ENABLED": "false", "DO_NOT_TRACK": "1", "RAY_USAGE_STATS_ENABLED": "0", "NO_COLOR": "1"}


@dataclass(frozen=True)
class Limits:
    """When a run is stopped."""

    seconds: float
    mb: float


def run_series(sides: Sequence[Side], nights: Sequence[Night], repeat: int, limits: Limits, results: Results) -> None:
    """Make the runs that `results` lacks; a side that failed on a night is not tried there again."""
    for turn in range(repeat):
        for night in nights:
            night.warm()
            # In turns and back, so that no side has the quiet hours to itself. The bare loop is first at first.
            for side in sides if turn % 2 == 0 else reversed(sides):
                made = results.of(side.name, night.rows)
                if len(made) <= turn and all(run.error is None for run in made):
                    run = _run(side, night, limits, results)
                    results.add(run)
                    print(in_a_line(run), flush=True)


def _run(side: Side, night: Night, limits: Limits, results: Results) -> Run:
    if side.most_rows is not None and night.rows > side.most_rows:
        return Run(side.name, night.rows, error=f"not tried above {side.most_rows:,} rows")
    compared = any(run.same for run in results.good(side.name, night.rows))
    if not compared and not isinstance(side, Bare):
        make_exact(night)
    night.forget_runs()
    try:
        side.prepare(night)
        cost = measure(_command(side, night, limits))
        if cost.error is not None:
            return Run(side.name, night.rows, asdict(cost), error=cost.error)
        same = None if compared else compare(side, night)
    except (CannotInstallError, NoClusterError) as error:
        return Run(side.name, night.rows, error=f"not run: {error}")
    finally:
        side.end()
        _keep_logs(night)
        night.forget_runs()
    return Run(side.name, night.rows, asdict(cost), same)


def _command(side: Side, night: Night, limits: Limits) -> Command:
    logs = night.out / "logs"
    logs.mkdir()
    return Command(
        words=side.command(night),
        cwd=ROOT,
        environment=environment() | _QUIET,
        logs=logs,
        max_seconds=limits.seconds,
        max_mb=limits.mb,
        standing=side.standing(),
    )


def _keep_logs(night: Night) -> None:
    """The last run's output is FOLDER/last_logs, since a failure's line in the table is short."""
    kept = night.folder / "last_logs"
    if (night.out / "logs").exists():
        shutil.rmtree(kept, ignore_errors=True)
        (night.out / "logs").rename(kept)


def make_exact(night: Night) -> None:
    """The bare loop's scores of the night, unless they are there: from a run that is not measured."""
    if night.exact.exists():
        return
    side = Bare("bare", "", threads=2)
    night.forget_runs()
    side.prepare(night)
    subprocess.run(side.command(night), cwd=ROOT, env=environment(), check=True, stdout=subprocess.DEVNULL)
    compare(side, night)


def compare(side: Side, night: Night) -> dict[str, Any]:
    """The side's scores beside the bare loop's, by a process of its own, since it needs much memory."""
    folder, column = side.scores(night)
    key = json.loads((night.job / TASK_FILE).read_text())["key"]
    words = [sys.executable, "-m", "whole_job.equality", str(night.exact), key, str(night.rows), str(folder), column]
    done = subprocess.run(words, cwd=BENCHMARKS, env=environment(), check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def in_a_line(run: Run) -> str:
    """The run for who waits for it."""
    start = f"{run.side:<15} {run.rows:>12,} rows"
    if run.error is not None:
        return f"{start}  {run.error}"
    cost = Cost(**run.cost)
    return (
        f"{start}  {cost.cpu:8.2f} CPU s  {cost.wall:8.2f} s  {cost.peak_mb:6.0f} MB PSS, {cost.peak_process_mb:.0f} "
        f"in one  driver {cost.driver_cpu:.2f} s  others {cost.others:.2f} cores  {equal_in_words(run.same)}"
    )


def equal_in_words(same: dict[str, Any] | None) -> str:
    """What a comparison found."""
    if same is None:
        return ""
    wrong = [
        f"{same[name]:,} keys {name.replace('_', ' ')}" for name in ("missing", "too_many", "strange") if same[name]
    ]
    if same["different"] > same["missing"]:
        wrong.append(f"{same['different']:,} scores differ, by {same['largest']:.2g} at most")
    return "; ".join(wrong) or "bit for bit"
