"""Publishing a partition: all of it or nothing, and to be finished after a crash at any point.

    1. assemble   the new partition as a folder of the run, beside the table, and on disk
    2. intend     a small file that names the run, the folder and its place
    3. swap       the folder takes its place: the commit point
    4. clean      the staged files and the intent go; the superseded partition is kept until the next run

A crash before 2 leaves rubbish in the run's folder; from 2 on `recover` finishes the job, whoever runs next.
Final names carry the content's hash, so a reader that listed the old partition never opens a new file by an old name.
The superseded partition is not emptied at once: a reader that opened its folder just before the swap and lists it just
after would find no file in it, and would read an empty partition without an error.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.files import sync_folder, write_json
from pipelines.folder_swap import put_folder
from schemas.errors import NightscoreError

MANIFEST = "_manifest.json"
SUCCESS = "_SUCCESS"
INTENT = "publish-intent.json"
_OUTGOING = "outgoing"
#: In the run's folder: the partition that the run replaced, until the next run of the partition sweeps it.
SUPERSEDED = "superseded"


@dataclass(frozen=True)
class StagedPart:
    """A part that a worker staged: where it is, and its name in the table."""

    path: Path
    name: str


@dataclass(frozen=True)
class Place:
    """Where a partition is published from and to."""

    #: The run's own folder, on the file system of the table.
    run_folder: Path
    #: The partition's folder in the table.
    target: Path

    @property
    def intent(self) -> Path:
        """One a partition, in the folder of all its runs."""
        return self.run_folder.parent / INTENT

    @property
    def outgoing(self) -> Path:
        """The assembled partition before the swap; for a moment, the superseded one after it."""
        return self.run_folder / _OUTGOING

    @property
    def superseded(self) -> Path:
        """The partition that was out before."""
        return self.run_folder / SUPERSEDED


def published_manifest(target: Path) -> dict[str, Any] | None:
    """The manifest of the partition that is out now, or None when there is none."""
    try:
        manifest: dict[str, Any] = json.loads((target / MANIFEST).read_bytes())
    except FileNotFoundError:
        return None
    return manifest


def publish(place: Place, parts: Sequence[StagedPart], manifest: Mapping[str, Any], result: Mapping[str, Any]) -> None:
    """Publish `parts` as the whole partition. `manifest["run_id"]` tells this publication from any other.

    `result` is the run's result.json, written once the partition is out, also when another process has to finish.
    The caller holds the partition's lock and has called `recover`. Raises OSError when the file system refuses;
    until the swap nothing has changed for readers.
    """
    place.target.parent.mkdir(parents=True, exist_ok=True)
    _assemble(place, parts, manifest)
    intent = {
        "run_id": manifest["run_id"],
        "target": os.path.abspath(place.target),  # noqa: PTH100  # links stay as they are
        "run_folder": place.run_folder.name,
        "result": dict(result),
    }
    write_json(place.intent, intent)
    _finish(place, dict(result), swap=True)


def recover(partition_runs: Path) -> str | None:
    """Finish a publication that a crash cut short. Returns its run id, or None when there was none.

    `partition_runs` is the folder of all runs of the partition; the caller holds its lock.
    """
    path = partition_runs / INTENT
    if not path.exists():
        return None
    intent = json.loads(path.read_bytes())
    place = Place(partition_runs / intent["run_folder"], Path(intent["target"]))
    published = published_manifest(place.target)
    committed = published is not None and published["run_id"] == intent["run_id"]
    if not committed and not (place.outgoing / MANIFEST).exists():
        message = (
            f"{path}: run {intent['run_id']} was being published to {place.target}, but neither that folder nor "
            f"{place.outgoing} holds it. Delete the intent file to go on; the partition is as it was left."
        )
        raise NightscoreError(message, code="publication_lost", run_id=intent["run_id"])
    _finish(place, intent["result"], swap=not committed)
    return str(intent["run_id"])


def _assemble(place: Place, parts: Sequence[StagedPart], manifest: Mapping[str, Any]) -> None:
    shutil.rmtree(place.outgoing, ignore_errors=True)
    place.outgoing.mkdir(parents=True)
    for part in parts:
        os.link(part.path, place.outgoing / part.name)
    write_json(place.outgoing / MANIFEST, manifest)
    (place.outgoing / SUCCESS).touch()
    sync_folder(place.outgoing)
    sync_folder(place.run_folder)


def _finish(place: Place, result: dict[str, Any], *, swap: bool) -> None:
    """Steps 3 and 4; each is harmless when repeated."""
    if swap:
        put_folder(place.outgoing, place.target)
        sync_folder(place.target.parent)
        sync_folder(place.run_folder)
    if place.outgoing.exists():
        place.outgoing.rename(place.superseded)
    shutil.rmtree(place.run_folder / "staged", ignore_errors=True)
    write_json(place.run_folder / "result.json", result)
    place.intent.unlink(missing_ok=True)
    sync_folder(place.intent.parent)
