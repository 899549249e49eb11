"""What nightscore costs where there is hardly any data: `check`, and a night of some 200 flights from end to end.

    python benchmarks/small_night.py --repeat 5
    python benchmarks/small_night.py --imports            and where the time of the imports goes

CPU seconds of all processes, imports included. The sample job is copied to a temporary folder.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from measuring import ROOT, Cost, environment, machine, measure

SAMPLE = ROOT / "sample_data" / "flights"
#: One of the largest days, 222 flights, published without a fault.
NIGHT = "2013-07-01"
#: Packages listed by --imports.
SHOWN = 18


def commands(job: Path) -> dict[str, list[str]]:
    """What is measured, by name."""
    python = [sys.executable, "-m", "pipelines"]
    return {
        "python alone": [sys.executable, "-c", "pass"],
        "nightscore --help": [*python, "--help"],
        "nightscore check": [*python, "check", str(job)],
        "nightscore check --gx": [*python, "check", str(job), "--gx"],
        "nightscore run, one night": [*python, "run", str(job), "--date", NIGHT, "--quiet"],
    }


def by_package(command: list[str]) -> Counter[str]:
    """Seconds that Python spent importing, by top-level package; importing runs their code."""
    timed = [command[0], "-X", "importtime", *command[1:]]
    done = subprocess.run(timed, cwd=ROOT, env=environment(), check=True, capture_output=True, text=True)
    seconds: Counter[str] = Counter()
    for line in done.stderr.splitlines():
        fields = line.removeprefix("import time:").split("|")
        if line.startswith("import time:") and fields[0].strip().isdigit():
            seconds[fields[2].strip().partition(".")[0]] += int(fields[0]) / 1e6
    return seconds


def show(name: str, costs: list[Cost]) -> None:
    """One line of the table."""
    cpu = [cost.cpu for cost in costs]
    peak, others = (max(getattr(cost, field) for cost in costs) for field in ("peak_mb", "others"))
    wall = min(cost.wall for cost in costs)
    print(f"| {name} | {min(cpu):.2f} | {statistics.median(cpu):.2f} | {wall:.2f} | {peak:.0f} | {others:.2f} |")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--imports", action="store_true", help="seconds of importing by package, too")
    options = parser.parse_args()
    print(", ".join(f"{name} {value}" for name, value in machine().items()) + "\n")
    with tempfile.TemporaryDirectory() as folder:
        job = Path(folder) / "flights"
        shutil.copytree(SAMPLE, job, ignore=shutil.ignore_patterns("scored", "runs", "__pycache__"))
        print(
            "| command | CPU s, best | median | wall s, best | peak PSS MB | others, cores |\n|---" + "|---:" * 5 + "|"
        )
        for name, command in commands(job).items():
            measure(command)  # compiles what is not compiled yet
            show(name, [measure(command) for _ in range(options.repeat)])
        if options.imports:
            for name in ("nightscore check", "nightscore run, one night"):
                seconds = by_package(commands(job)[name])
                print(f"\n{name}: {sum(seconds.values()):.2f} s of importing (slower than without -X importtime)")
                for package, spent in seconds.most_common(SHOWN):
                    print(f"{spent:8.3f}  {package}")


if __name__ == "__main__":
    main()
