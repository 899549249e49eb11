"""The command line of benchmarks/whole_job.py."""

from __future__ import annotations

import argparse
import fcntl
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from measuring import machine

from whole_job.comparison import OURS, PEERS, UnknownSideError, chosen, versions
from whole_job.environments import CannotInstallError, python_of
from whole_job.nights import nights_of
from whole_job.results import Results
from whole_job.series import Limits, run_series
from whole_job.sides import Peer, Side
from whole_job.tables import print_tables

_GB = 1024


def parse(words: list[str] | None, description: str) -> argparse.Namespace:
    """The options."""
    names = "\n".join(f"  {side.name:<15} {side.what}" for side in (*OURS, *PEERS))
    parser = argparse.ArgumentParser(
        description=f"{description}\nsides:\n{names}", formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="nights and environments are made there where they are missing")
    parser.add_argument("--rows", type=int, nargs="+", default=[500_000, 5_000_000], help="of each night")
    parser.add_argument("--peers", default="none", help="all, none, or names with commas")
    parser.add_argument("--only", default="", help="these sides alone, names with commas, in place of ours and --peers")
    parser.add_argument("--repeat", type=int, default=1, help="runs of each side on each night")
    parser.add_argument("--json", type=Path, help="results are kept there after every run, and go on from there")
    parser.add_argument("--again", action="store_true", help="try again what failed before")
    parser.add_argument("--prepare", action="store_true", help="make nights and environments, and measure nothing")
    parser.add_argument("--table", action="store_true", help="print the tables of --json, and measure nothing")
    parser.add_argument("--max-seconds", type=float, default=3_600.0, help="a run is stopped after so long")
    parser.add_argument("--max-gb", type=float, default=20.0, help="a run is stopped when it holds so much memory")
    return parser.parse_args(words)


def main(description: str, words: list[str] | None = None) -> None:
    """Measure what the command line asks for, and print the tables."""
    options = parse(words, description)
    results = Results(options.json)
    if options.table:
        print_tables(results)
        return
    try:
        sides = chosen(options.peers.split(","), filter(None, options.only.split(",")))
    except UnknownSideError as error:
        sys.exit(str(error))
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))  # so that a run's processes end, too
    with alone(options.folder.resolve()):
        work(options, sides, results)


def work(options: argparse.Namespace, sides: list[Side], results: Results) -> None:
    """Make what is missing, and measure."""
    nights = nights_of(options.folder.resolve(), options.rows)
    if options.prepare:
        for name in sorted({side.packages for side in sides if isinstance(side, Peer)}):
            prepare(options.folder.resolve(), name)
        return
    if options.again:
        results.forget_failures()
    results.facts["machine"] = machine()
    results.facts["versions"] = results.facts.get("versions", {}) | versions(sides)
    if "spark" in results.facts["versions"]:
        results.facts["versions"]["java"] = java_version()
    run_series(sides, nights, options.repeat, Limits(options.max_seconds, options.max_gb * _GB), results)
    print_tables(results)


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Exits where another series uses the folder: each removes what the other's runs have left."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("wb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            sys.exit(f"another series is running in {folder}")
        yield


def prepare(folder: Path, name: str) -> None:
    """One environment."""
    try:
        python_of(folder, name)
    except CannotInstallError as error:
        print(f"{name}: {error}")


def java_version() -> str:
    """The first line of `java -version`."""
    try:
        done = subprocess.run(["java", "-version"], capture_output=True, text=True, check=False)
    except OSError as error:
        return str(error)
    return (done.stderr.splitlines() or ["unknown"])[0]
