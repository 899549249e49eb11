"""What 25 expectations cost on top of reading: CPU seconds per million rows, and peak memory.

    python benchmarks/expectations.py FOLDER             nights of 1, 5 and 20 million rows, made where missing
    python benchmarks/expectations.py FOLDER --gx        Great Expectations itself on pandas, too, on a million

Each in a new process over the same row groups: reading and conforming alone, the same with 25 expectations that need
no files, and with 28, of which the last three do: unique keys, a median and quantiles. Of the repeated runs the
cheapest counts, since noise only adds. The verdicts, which are Great Expectations' own code, are measured apart: they
cost the same for any number of rows.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import statistics
import sys
from collections.abc import Callable
from pathlib import Path

from expectation_tasks import GX_ROWS, IN_MEMORY, READ, SIDES, WITH_FILES
from measuring import Cost, machine, measure


class Bench:
    """All sides on all nights of a folder."""

    def __init__(self, folder: Path, nights: list[int]) -> None:
        self.folder = folder
        self.nights = sorted(nights)
        #: By rows and number of expectations.
        self.costs: dict[tuple[int, int], list[Cost]] = {(rows, side): [] for rows in nights for side in SIDES}

    def child(self, task: str, rows: int, number: int = 0) -> Cost:
        """A measured process."""
        script = str(Path(__file__).resolve().with_name("expectation_tasks.py"))
        return measure([sys.executable, script, task, str(self.folder), str(rows), str(number)])

    def run(self, rows: int, number: int) -> None:
        """Measure one side on one night."""
        cost = self.child("pass", rows, number)
        self.costs[rows, number].append(cost)
        parts = "  ".join(f"{name} {value:.2f}" for name, value in json.loads(cost.output).items())
        print(
            f"{rows:>12,} rows  {number:2} expectations  {cost.cpu:7.2f} CPU s  {cost.peak_mb:5.0f} MB PSS  "
            f"others {cost.others:.2f} cores  {parts}",
            flush=True,
        )

    def table(self) -> None:
        """Every side on every night."""
        print(
            "\n| rows | expectations | CPU s, best (median) | of which judging | peak PSS MB | peak RSS MB | others |"
        )
        print("|---:" * 7 + "|")
        for (rows, number), costs in sorted(self.costs.items()):
            cpu, judge = [cost.cpu for cost in costs], [json.loads(cost.output).get("judge", 0.0) for cost in costs]
            others = [cost.others for cost in costs]
            print(
                f"| {rows:,} | {number or 'none'} | {min(cpu):.2f} ({statistics.median(cpu):.2f}) | {min(judge):.2f} | "
                f"{max(cost.peak_mb for cost in costs):.0f} | {max(cost.max_rss_mb for cost in costs):.0f} | "
                f"{min(others):.1f} to {max(others):.1f} |"
            )

    def slopes(self) -> None:
        """What each side costs on top of reading, between the two largest nights; its parts by the thread's clock."""
        low, high = self.nights[-2:]
        print(f"\n| CPU s per million rows, {low:,} to {high:,} | by the bests | by the medians |\n|---|---:|---:|")
        reading = self._slopes(READ, lambda cost: cost.cpu)
        print(f"| reading and conforming | {reading[0]:.3f} | {reading[1]:.3f} |")
        for number, parts in ((IN_MEMORY, ("judge",)), (WITH_FILES, ("judge", "write", "search"))):
            best, median = self._slopes(number, lambda cost: cost.cpu)
            print(f"| **{number} expectations on top** | {best - reading[0]:.3f} | {median - reading[1]:.3f} |")
            for part in parts:
                best, median = self._slopes(number, lambda cost, part=part: json.loads(cost.output)[part])
                print(f"| {part} itself | {best:.3f} | {median:.3f} |")

    def _slopes(self, number: int, seconds: Callable[[Cost], float]) -> tuple[float, float]:
        """By the bests, and by the medians."""
        low, high = self.nights[-2:]
        small, large = ([seconds(cost) for cost in self.costs[rows, number]] for rows in (low, high))
        rise = min(large) - min(small), statistics.median(large) - statistics.median(small)
        return rise[0] / (high - low) * 1e6, rise[1] / (high - low) * 1e6

    def verdicts(self) -> None:
        """The verdicts on the smallest and the largest night."""
        print("\n| rows | expectations | met | import of GX, CPU s | verdicts, CPU s | peak PSS MB |")
        print("|---:" * 6 + "|")
        for rows in sorted({self.nights[0], self.nights[-1]}):
            for number in (IN_MEMORY, WITH_FILES):
                cost = self.child("verdicts", rows, number)
                found = json.loads(cost.output)
                met = f"{sum(found['met'])} of {len(found['met'])}"
                line = f"{met} | {found['import']:.2f} | {found['verdict']:.2f} | {cost.peak_mb:.0f}"
                print(f"| {rows:,} | {number} | {line} |", flush=True)

    def gx(self, repeat: int) -> None:
        """Great Expectations itself on pandas, and whether it says the same."""
        print("\n| GX on pandas, rows | expectations | read | validate, best (median) | peak PSS MB | verdicts |")
        print("|---:" * 6 + "|")
        self.child("make", GX_ROWS)
        for number in (IN_MEMORY, WITH_FILES):
            ours = json.loads(self.child("verdicts", GX_ROWS, number).output)["met"]
            costs = [self.child("gx", GX_ROWS, number) for _ in range(repeat)]
            found = [json.loads(cost.output) for cost in costs]
            judge = [item["judge"] for item in found]
            same = "the same" if all(item["met"] == ours for item in found) else "OTHER"
            line = f"{min(item['read'] for item in found):.2f} | {min(judge):.2f} ({statistics.median(judge):.2f})"
            peak = max(cost.peak_mb for cost in costs)
            print(f"| {GX_ROWS:,} | {number} | {line} | {peak:.0f} | {same} |", flush=True)


def compare(bench: Bench, repeat: int, *, gx: bool) -> None:
    """Measure everything, in turns."""
    for rows in bench.nights:
        bench.child("make", rows)
    for turn in range(repeat):
        for rows in bench.nights:
            for number in SIDES if turn % 2 == 0 else reversed(SIDES):
                bench.run(rows, number)
    versions = {**machine(), "great_expectations": importlib.metadata.version("great_expectations")}
    print("\n" + ", ".join(f"{name} {value}" for name, value in versions.items()))
    bench.table()
    if len(bench.nights) > 1:
        bench.slopes()
    bench.verdicts()
    if gx:
        bench.gx(repeat)


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="where the nights are, about 70 MB a million rows")
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000_000, 5_000_000, 20_000_000], help="of each night")
    parser.add_argument("--repeat", type=int, default=3, help="runs of each side on each night")
    parser.add_argument("--gx", action="store_true", help="Great Expectations itself on pandas, too")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    compare(Bench(options.folder.resolve(), options.rows), options.repeat, gx=options.gx)


if __name__ == "__main__":
    main()
