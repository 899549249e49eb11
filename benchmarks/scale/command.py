"""The command line of benchmarks/scale.py."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from measuring import machine, measure

from scale.dimension import Case, Dimension, Found
from scale.many_categories import CATEGORIES
from scale.many_columns import COLUMNS
from scale.many_files import FILES
from scale.many_keys import KEYS
from scale.merged_units import OUTCOMES
from scale.planned_units import UNITS
from scale.sorted_values import SORTED_VALUES
from scale.unit_files import UNIT_FILES

#: By the word of the command line.
GROUPS: Mapping[str, Sequence[Dimension]] = {
    "files": (FILES,),
    "units": (UNITS, OUTCOMES, UNIT_FILES),
    "columns": (COLUMNS,),
    "categories": (CATEGORIES,),
    "keys": (KEYS, SORTED_VALUES),
}
DIMENSIONS = {dimension.name: dimension for group in GROUPS.values() for dimension in group}
SCRIPT = Path(__file__).resolve().parent.parent / "scale.py"


class Results:
    """What was measured so far, in a JSON file that is whole after every case: a series goes on where it stopped."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._found: list[dict[str, Any]] = []
        if path is not None and path.exists():
            self._found = json.loads(path.read_text())["found"]

    def of(self, name: str, case: Case) -> Found | None:
        """What the case gave, if it was measured."""
        for item in self._found:
            if (item["dimension"], item["case"]) == (name, case):
                return Found(item["case"], item["values"], item["cpu"], item["peak_mb"])
        return None

    def add(self, name: str, found: Found) -> None:
        """Keep it."""
        self._found.append({"dimension": name, **vars(found)})
        if self._path is not None:
            unfinished = self._path.with_name(self._path.name + ".unfinished")
            unfinished.write_text(json.dumps({"machine": machine(), "found": self._found}, indent=1) + "\n")
            unfinished.replace(self._path)


def main(description: str, words: list[str] | None = None) -> None:
    """Measure what is missing of the dimensions, and print their tables."""
    options = _parse(description, words)
    folder = options.folder.resolve()
    if options.case is not None:
        asked = json.loads(options.case)
        print(json.dumps(DIMENSIONS[asked["dimension"]].run(folder, asked["case"])))
        return
    folder.mkdir(parents=True, exist_ok=True)
    results = Results(options.json)
    wanted = GROUPS.values() if options.dimension == "all" else [GROUPS[options.dimension]]
    print(", ".join(f"{name} {value}" for name, value in machine().items()), flush=True)
    for dimension in (dimension for group in wanted for dimension in group):
        found = list(_measured(dimension, folder, results))
        print("\n".join(map(str, dimension.tables(found))), flush=True)


def _measured(dimension: Dimension, folder: Path, results: Results) -> Iterator[Found]:
    name = dimension.name
    for case in dimension.cases:
        found = results.of(name, case)
        if found is None:
            dimension.prepare(folder, case)
            asked = json.dumps({"dimension": name, "case": case})
            cost = measure([sys.executable, os.fspath(SCRIPT), "all", os.fspath(folder), "--case", asked])
            found = Found(case, json.loads(cost.output.splitlines()[-1]), cost.cpu, cost.peak_mb)
            results.add(name, found)
            print(
                f"{name} {json.dumps(case)}: {cost.cpu:.1f} CPU s, {cost.peak_mb:.0f} MB", file=sys.stderr, flush=True
            )
        yield found


def _parse(description: str, words: list[str] | None) -> argparse.Namespace:
    known = "\n".join(f"  {word:<11} {item.what}" for word, group in GROUPS.items() for item in group)
    parser = argparse.ArgumentParser(
        description=f"{description}\ndimensions:\n{known}", formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("dimension", choices=[*GROUPS, "all"])
    parser.add_argument("folder", type=Path, help="jobs and nights are made there where they are missing; 6 GB in all")
    parser.add_argument("--json", type=Path, help="results are kept there after every case, and go on from there")
    parser.add_argument("--case", help=argparse.SUPPRESS)
    return parser.parse_args(words)
