"""What drift costs in the pass: CPU seconds per million rows on top of reading, and peak memory.

    python benchmarks/drift.py FOLDER [--repeat 3]     nights of 1 and 5 million rows x 16 features, made where missing

Each side is a new process over the same row groups: reading and conforming alone; the same with the profile of all 16
columns on a reference of 200,000 rows (1,000 quantiles a number, moments, missing values, categories); and with two
slice columns beside. Of the repeated runs the cheapest counts, since noise only adds. No model: scores, decisions and
contributions are one column among 17, and a sample of fixed size.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
from expectation_tasks import Pass, make_night
from measuring import Cost, machine, measure

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from data_checks.columns import BatchColumns
from data_checks.profile import Profile, profile_columns
from data_checks.reference import ReferenceProfile
from data_checks.reference_build import build_column
from data_checks.slicing import Slicing, slice_values

SIDES = ("read", "profile", "slices")
NIGHTS = (1_000_000, 5_000_000)
SLICES = ("region", "channel")
_REFERENCE_ROWS = 200_000


class Night:
    """The batches of a generated night, and the reference that they are profiled on."""

    def __init__(self, folder: Path, rows: int) -> None:

        make_night(folder, rows)
        self._scratch = tempfile.TemporaryDirectory(dir=folder)
        self._pass = Pass.over(folder, rows, 0, Path(self._scratch.name))
        self.contract = self._pass.contract

    def batches(self) -> Iterator[BatchColumns]:
        """Every batch as a worker has it."""
        for unit in self._pass.plan.units:
            for span in unit.spans:
                yield from map(BatchColumns, self._pass._conformed(span))  # noqa: SLF001  # the same pass

    def reference(self) -> ReferenceProfile:
        """A reference of the first rows, and its slices."""
        kept, rows = [], 0
        for columns in self.batches():
            kept.append(columns.batch)
            rows += columns.num_rows
            if rows >= _REFERENCE_ROWS:
                break
        table = pa.Table.from_batches(kept)
        columns = tuple(build_column(c.name, c.kind, table.column(c.name)) for c in profile_columns(self.contract))
        reference = ReferenceProfile(contract_digest="", rows=rows, columns=columns)
        values = {
            name: slice_values(facts, 50)
            for name in SLICES
            if (column := reference.column(name)) is not None and (facts := column.categorical) is not None
        }
        slices = Slicing.of(values, columns, (), reference.other_share).empty()
        return ReferenceProfile(
            contract_digest="", rows=rows, columns=columns, slices=tuple(item.to_json() for item in slices.values())
        )


def fold(night: Night, side: str) -> dict[str, float]:
    """Profile the night; CPU seconds of the thread in the profile alone."""
    reference = night.reference()
    known = reference.slice_profiles if side == "slices" else {}
    slicing = Slicing.of(
        {name: item.values for name, item in known.items()}, reference.columns, (), reference.other_share
    )
    columns = profile_columns(night.contract)
    total = Profile.empty(reference, columns, slices=slicing.empty())
    spent, rows = 0.0, 0
    for batch in night.batches():
        started = time.thread_time()
        total.add_conformed(batch)
        total.add_scored(batch)
        slicing.add(total.slices, batch, {})
        spent += time.thread_time() - started
        rows += batch.num_rows
    return {"rows": rows, "fold": spent, "columns": len(columns), "bytes": len(json.dumps(total.to_json()))}


def child(side: str, folder: Path, rows: int) -> None:
    """Be one measured process; what it found goes to stdout as JSON."""
    night = Night(folder, rows)
    if side == "read":
        night.reference()
        print(json.dumps({"rows": sum(batch.num_rows for batch in night.batches())}))
    else:
        print(json.dumps(fold(night, side)))


def main() -> None:
    """Measure all sides in turns."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--child", choices=SIDES, help=argparse.SUPPRESS)
    parser.add_argument("--rows", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    folder = options.folder.resolve()
    if options.child:
        child(options.child, folder, options.rows)
        return
    folder.mkdir(parents=True, exist_ok=True)
    print("  ".join(f"{name} {value}" for name, value in machine().items()))
    costs: dict[tuple[int, str], list[Cost]] = {(rows, side): [] for rows in NIGHTS for side in SIDES}
    for rows in NIGHTS:  # made before anything is measured
        measure([sys.executable, __file__, str(folder), "--child", "read", "--rows", str(rows)])
    for _ in range(options.repeat):
        for (rows, side), found in costs.items():
            command = [sys.executable, __file__, str(folder), "--child", side, "--rows", str(rows)]
            found.append(measure(command))
    report(costs)


def report(costs: dict[tuple[int, str], list[Cost]]) -> None:
    """The table, and what a million rows cost on top of reading them."""
    print("\n| rows | side | CPU s, best (median) | of which folding, best | peak PSS MB | others |")
    print("|---:|---|---:|---:|---:|---:|")
    best = {}
    for (rows, side), found in costs.items():
        cpu = [cost.cpu for cost in found]
        folds = [json.loads(cost.output).get("fold", 0.0) for cost in found]
        best[rows, side] = min(cpu), min(folds)
        peak, others = max(cost.peak_mb for cost in found), [cost.others for cost in found]
        print(
            f"| {rows:,} | {side} | {min(cpu):.2f} ({statistics.median(cpu):.2f}) | {min(folds):.2f} | {peak:.0f} "
            f"| {min(others):.1f} to {max(others):.1f} |"
        )
    small, large = NIGHTS
    for side in SIDES[1:]:
        slope = [(best[large, one][0] - best[small, one][0]) * 1e6 / (large - small) for one in (side, "read")]
        folded = best[large, side][1] * 1e6 / large
        marginal = slope[0] - slope[1]
        print(f"{side}: {marginal:.3f} CPU s per million rows on top of reading (slope), {folded:.3f} by the clock")


if __name__ == "__main__":
    main()
