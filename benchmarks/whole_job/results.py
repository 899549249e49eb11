"""What was measured so far, in a JSON file that is whole after every run: a series can be stopped and goes on there."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Run:
    """One measured run, or why there is none."""

    side: str
    rows: int
    #: The fields of process_cost.Cost; empty where nothing ran.
    cost: dict[str, Any] = field(default_factory=dict)
    #: What equality.compare found; None where it was not asked again, or there is nothing to compare.
    same: dict[str, Any] | None = None
    error: str | None = None

    def __getitem__(self, name: str) -> float:
        return float(self.cost[name])


class Results:
    """The runs, in the order in which they were made."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        found = json.loads(path.read_text()) if path is not None and path.exists() else {}
        self.facts: dict[str, Any] = {name: value for name, value in found.items() if name != "runs"}
        self.runs = [Run(**run) for run in found.get("runs", [])]

    def add(self, run: Run) -> None:
        """Keep the run."""
        self.runs.append(run)
        self.save()

    def forget_failures(self) -> None:
        """Those runs are made again."""
        self.runs = [run for run in self.runs if run.error is None]

    def of(self, side: str, rows: int) -> list[Run]:
        """The runs of a side on a night, those that failed included."""
        return [run for run in self.runs if (run.side, run.rows) == (side, rows)]

    def good(self, side: str, rows: int) -> list[Run]:
        """The runs that ended well."""
        return [run for run in self.of(side, rows) if run.error is None]

    def sizes(self, side: str) -> list[int]:
        """The nights on which the side ended well, ascending."""
        return sorted({run.rows for run in self.runs if run.side == side and run.error is None})

    def save(self) -> None:
        """Write the file; it is never half written."""
        if self._path is not None:
            unfinished = self._path.with_name(self._path.name + ".unfinished")
            unfinished.write_text(json.dumps(self.facts | {"runs": [vars(run) for run in self.runs]}, indent=1) + "\n")
            unfinished.replace(self._path)
