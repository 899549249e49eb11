"""What a whole `nightscore run` costs beside the bare loop: fixed and marginal CPU seconds, and peak memory.

    python benchmarks/generate.py FOLDER
    python benchmarks/whole_run.py FOLDER --repeat 3 --json result.json
    python benchmarks/whole_run.py FOLDER --profile

Every night of FOLDER is scored by both, in turns, each time in a new process and into empty folders. Of the repeated
runs the cheapest counts, since noise only adds. The line through the smallest and the largest night gives the fixed
cost (its height at no rows) and the marginal cost (its slope). Scores are compared bit for bit.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from measuring import Cost, environment, machine, measure

HERE = Path(__file__).resolve().parent
SIDES = ("bare", "ours")


class Bench:
    """Both sides on the nights of one job folder."""

    def __init__(self, job: Path, threads: int, scratch: Path) -> None:
        self.job = job.resolve()
        self.threads = str(threads)
        self.scratch = scratch
        self.dates = sorted(path.name.partition("=")[2] for path in self.job.glob("input/*=*"))
        #: By date.
        self.rows: dict[str, int] = {}
        self.costs: dict[str, dict[str, list[Cost]]] = {date: {"bare": [], "ours": []} for date in self.dates}
        self.same: dict[str, str] = {}

    def run(self, side: str, date: str) -> None:
        """Measure one side on one night."""
        cost = self._bare(date) if side == "bare" else self._ours(date)
        self.costs[date][side].append(cost)
        print(
            f"{side}  {self.rows.get(date, 0):>12,} rows  {cost.cpu:7.2f} CPU s  {cost.wall:7.2f} s  "
            f"{cost.peak_mb:5.0f} MB PSS  {cost.max_rss_mb:5.0f} MB RSS  others {cost.others:.2f} cores",
            flush=True,
        )

    def _bare(self, date: str) -> Cost:
        out = self.scratch / date
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir()
        script = [sys.executable, str(HERE / "bare_loop.py"), str(self.job), "--date", date]
        cost = measure([*script, "--threads", self.threads, "--out", str(out)])
        self.rows[date] = json.loads(cost.output)["rows"]
        return cost

    def _ours(self, date: str) -> Cost:
        for folder in ("scored", "runs"):
            shutil.rmtree(self.job / folder, ignore_errors=True)
        command = [sys.executable, "-m", "pipelines", "run", str(self.job), "--date", date]
        cost = measure([*command, "--threads", self.threads, "--quiet"])
        if date not in self.same:
            self.same[date] = self._compare(date)
        return cost

    def _compare(self, date: str) -> str:
        (scored,) = self.job.glob(f"scored/*={date}")
        script = [sys.executable, str(HERE / "same_scores.py"), str(self.scratch / date), str(scored)]
        return subprocess.run(script, env=environment(), check=True, capture_output=True, text=True).stdout.strip()

    def result(self) -> dict[str, Any]:
        """Everything, for the table and the JSON file."""
        by_rows = sorted(self.dates, key=self.rows.__getitem__)
        lines = {side: {"best": self._line(side, min), "median": self._line(side, statistics.median)} for side in SIDES}
        nights = [
            {"rows": self.rows[date], "same": self.same[date]}
            | {side: [_without_output(cost) for cost in self.costs[date][side]] for side in SIDES}
            for date in by_rows
        ]
        return {"machine": machine(), "threads": int(self.threads), "nights": nights, "lines": lines}

    def _line(self, side: str, pick: Any) -> dict[str, float]:
        """Fixed CPU seconds, and marginal ones per million rows."""
        small, large = min(self.dates, key=self.rows.__getitem__), max(self.dates, key=self.rows.__getitem__)
        low, high = (pick([cost.cpu for cost in self.costs[date][side]]) for date in (small, large))
        millions = self.rows[small] / 1e6, self.rows[large] / 1e6
        slope = (high - low) / (millions[1] - millions[0])
        return {"fixed": low - slope * millions[0], "per_million": slope}


def _without_output(cost: Cost) -> dict[str, float]:
    return {name: round(value, 3) for name, value in asdict(cost).items() if name != "output"}


def print_table(result: dict[str, Any]) -> None:
    """The result for people."""
    print("\n" + ", ".join(f"{name} {value}" for name, value in result["machine"].items()))
    print(f"{result['threads']} threads of the model on both sides\n")
    head = "| rows | side | CPU s (best, median) | wall s (best) | peak PSS MB | peak RSS MB | others, cores |"
    print(head + "\n" + "|---:" * 7 + "|")
    for night in result["nights"]:
        for side in SIDES:
            runs = night[side]
            cpu = [run["cpu"] for run in runs]
            peak, rss, others = (max(run[name] for run in runs) for name in ("peak_mb", "max_rss_mb", "others"))
            print(
                f"| {night['rows']:,} | {side} | {min(cpu):.2f}, {statistics.median(cpu):.2f} | "
                f"{min(run['wall'] for run in runs):.2f} | {peak:.0f} | {rss:.0f} | {others:.2f} |"
            )
    print("\n| | fixed CPU s | CPU s per million rows |\n|---|---:|---:|")
    for kind in ("best", "median"):
        bare, ours = (result["lines"][side][kind] for side in SIDES)
        print(f"| bare, {kind} | {bare['fixed']:.2f} | {bare['per_million']:.3f} |")
        print(f"| ours, {kind} | {ours['fixed']:.2f} | {ours['per_million']:.3f} |")
        extra, ratio = ours["per_million"] - bare["per_million"], ours["per_million"] / bare["per_million"]
        print(f"| ours beside bare, {kind} | {ours['fixed'] - bare['fixed']:+.2f} | {extra:+.3f} = × {ratio:.3f} |")
    for night in result["nights"]:
        print(night["same"])


def main() -> None:
    """Measure, or profile."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("job", type=Path, help="a folder that generate.py made")
    parser.add_argument("--repeat", type=int, default=3, help="runs of each side on each night")
    cores = len(os.sched_getaffinity(0))
    parser.add_argument("--threads", type=int, default=cores, help="of the model, on both sides; as many as cores")
    parser.add_argument("--json", type=Path, help="write everything that was measured there, too")
    parser.add_argument(
        "--profile", action="store_true", help="where the CPU time of the pass goes, on the first night"
    )
    options = parser.parse_args()
    if options.profile:
        sys.exit(subprocess.call([sys.executable, str(HERE / "profiled_pass.py"), str(options.job)], env=environment()))
    with tempfile.TemporaryDirectory(dir=options.job) as scratch:
        bench = Bench(options.job, options.threads, Path(scratch))
        for repeat in range(options.repeat):
            for date in bench.dates:
                # The bare loop first once, as its scores are what ours are compared with; then in turns.
                for side in SIDES if repeat % 2 == 0 else reversed(SIDES):
                    bench.run(side, date)
        result = bench.result()
    print_table(result)
    if options.json:
        options.json.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
