"""The finished units that an interrupted run has left: counted, kept for a run that resumes it, taken over by that run.

Only names are looked at here, not bytes, so that a run that has to end ends at once: whoever uses a unit verifies it.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from pipelines.files import sync_folder
from pipelines.inside_folder import link_file
from pipelines.unit_records import FOLDER, UnitHeader, UnitRecords, record_name

#: Where records are gathered until all that can be taken over are there: then they become `units` in one step.
TAKING = "units-taken"


def finished_units(run_folder: Path) -> Iterator[tuple[str, UnitHeader]]:
    """(name of the record, its header) of every unit whose record is one and whose files exist, ordered by unit."""
    records = UnitRecords(run_folder)
    there = {f"{folder}/{name}" for folder in ("staged", "keys") for name in _files(run_folder / folder)}
    for name in records.names():
        with contextlib.suppress(OSError, ValueError):
            header = records.header(name)
            if name == record_name(header.unit) and header.files.keys() <= there:
                yield name, header


def keep_finished(run_folder: Path) -> int:
    """Remove everything of the pass that belongs to no finished unit, such as a half-written part.

    Returns the number of finished units. A worker that still runs may lose its file to it: then its unit fails, or is
    not finished.
    """
    found = {folder: list(_files(run_folder / folder)) for folder in ("staged", "keys", FOLDER)}
    kept: set[str] = set()
    units = 0
    for name, header in finished_units(run_folder):
        kept |= {name, *header.files}
        units += 1
    for folder, names in found.items():
        for name in names:
            if f"{folder}/{name}" not in kept:
                with contextlib.suppress(OSError):
                    (run_folder / folder / name).unlink()
    for left in ("outgoing", TAKING, "keys/before"):
        shutil.rmtree(run_folder / left, ignore_errors=True)
    return units


def take_over(source: Path, target: Path, wanted: Mapping[int, str]) -> Collection[int]:
    """Make hard links of the finished units of run folder `source` in run folder `target`, which has none.

    `wanted` is the input digest of each planned unit by its number. Returns the numbers of the units taken over. They
    come all at once: `target` is never left with some of them.
    """
    gathered = target / TAKING
    gathered.mkdir()
    taken = set()
    for name, header in finished_units(source):
        if wanted.get(header.unit) != header.input:
            continue
        # What cannot be linked, such as another user's file, is scored again.
        with contextlib.suppress(OSError):
            for file in header.files:
                (target / file).parent.mkdir(parents=True, exist_ok=True)
                link_file(source, file, target / file)
            link_file(source, name, gathered / Path(name).name)
            taken.add(header.unit)
    gathered.rename(target / FOLDER)
    sync_folder(target)
    return taken


def still_the_same(source: Path, target: Path, units: Collection[int]) -> int:
    """How many of the units that were taken over still have the record that was: the others were scored again."""
    count = 0
    for unit in units:
        name = record_name(unit)
        with contextlib.suppress(OSError):
            count += (source / name).samefile(target / name)
    return count


def _files(folder: Path) -> Iterator[str]:
    """Every file below the folder, relative to it; links are listed, not followed. Nothing where the folder is one."""
    if folder.is_symlink():
        return
    for place, _, names in os.walk(folder):
        inside = Path(place).relative_to(folder)
        for name in names:
            yield (inside / name).as_posix()
