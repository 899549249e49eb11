"""Which worker scored how much of the night: workers.json, from the records of the finished units."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pipelines.run_folder import RunFolder
from pipelines.unit_records import UnitRecords

FORMAT = "nightscore.workers"
VERSION = 2


def worker_shares(folder: RunFolder, rows_per_unit: Mapping[int, int], restarts: Sequence[str] = ()) -> dict[str, Any]:
    """Host, process, units and rows of each worker, in that order; a reused unit is its first worker's.

    `restarts` are what made the engine start the job again; they stand beside the workers.

    Of a unit that was scored twice the record that stands counts. Raises OSError or ValueError for a record that
    cannot be read: the pass has just written it.
    """
    records, found = UnitRecords(folder.path), dict[tuple[str, int], list[int]]()
    for name in records.names():
        header = records.header(name)
        found.setdefault((header.worker.host, header.worker.pid), []).append(header.unit)
    workers = [
        {"host": host, "pid": pid, "units": len(units), "rows": sum(rows_per_unit[unit] for unit in units)}
        for (host, pid), units in sorted(found.items())
    ]
    return {"format": FORMAT, "version": VERSION, "workers": workers, "restarts": list(restarts)}
