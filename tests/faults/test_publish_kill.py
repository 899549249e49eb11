"""The publish step killed before every one of its system calls, beside a reader that never stops."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.files import file_sha256
from pipelines.publishing import INTENT, recover

SCRIPT = Path(__file__).with_name("publish_once.py")
ROWS = {"old": 300, "new": 200}
#: Every system call that can change what a reader sees, and those that open, name or flush files.
CALLS = (
    *("openat", "mkdir", "link", "linkat", "rename", "renameat", "renameat2", "unlink", "unlinkat", "rmdir"),
    *("fsync", "write", "ftruncate", "close", "utimensat"),
)


def stage(partition_runs: Path, run_id: str, parts: int) -> Path:
    """A run folder with staged parts of which every row says which run it is."""
    folder = partition_runs / run_id
    (folder / "staged").mkdir(parents=True)
    listed = []
    for number in range(parts):
        path = folder / "staged" / f"part-{number}.parquet"
        pq.write_table(pa.table({"run": [run_id] * 100, "n": list(range(number * 100, number * 100 + 100))}), path)
        name = f"part-{number:05d}-{file_sha256(path)[:12]}.parquet"
        listed.append({"staged": path.name, "name": name})
    (folder / "manifest.json").write_text(json.dumps({"run_id": run_id, "revision": 1, "parts": listed}))
    return folder


@dataclass
class Scene:
    """A table with an old partition out and a new run staged."""

    root: Path
    read_once: Callable[[Path], pa.Table | None]
    target: Path = field(init=False)
    runs: Path = field(init=False)
    new: Path = field(init=False)

    def __post_init__(self) -> None:
        self.target = self.root / "scored" / "d=1"
        self.runs = self.root / "runs" / "d=1"
        subprocess.run([sys.executable, SCRIPT, stage(self.runs, "old", 3), self.target], check=True)
        self.new = stage(self.runs, "new", 2)

    def restore(self, copy: Path) -> None:
        """Begin again from the copy that was made of this scene."""
        shutil.rmtree(self.root)
        shutil.copytree(copy, self.root)

    def read(self) -> str:
        """Which run a reader sees: old or new, with all its rows and only them. Retries as a reader would."""
        for _ in range(100):
            table = self.read_once(self.root / "scored")
            if table is None:
                continue
            runs = Counter(table["run"].to_pylist())
            assert len(runs) == 1, f"a mix: {runs}"
            run, rows = runs.popitem()
            assert rows == ROWS[run], f"{rows} rows of {run}"
            return str(run)
        raise AssertionError("no reader could read the table")


class Reader(threading.Thread):
    """Reads the table without a pause and keeps what went wrong."""

    def __init__(self, scene: Scene) -> None:
        super().__init__(daemon=True)
        self.scene, self.stop, self.wrong, self.seen = scene, threading.Event(), list[str](), Counter[str]()

    def run(self) -> None:
        while not self.stop.is_set():
            try:
                self.seen[self.scene.read()] += 1
            except Exception as error:  # noqa: BLE001  # whatever a reader gets is a finding
                self.wrong.append(repr(error))


@pytest.fixture
def scene(tmp_path: Path, read_beside_a_swap: Callable[[Path], pa.Table | None]) -> Scene:
    return Scene(tmp_path / "live", read_beside_a_swap)


def traced(scene: Scene, *inject: str) -> subprocess.CompletedProcess[str]:
    log = scene.root.parent / "strace.log"
    command = ["strace", "-f", "-o", str(log), "-e", f"trace={','.join(CALLS)},newfstatat,stat", *inject]
    run = [sys.executable, str(SCRIPT), str(scene.new), str(scene.target)]
    return subprocess.run([*command, *run], capture_output=True, text=True, check=False)


def calls_of_the_publish_step(scene: Scene) -> list[tuple[str, int]]:
    """(system call, how many of its kind came before it) for each call after the marker, in order."""
    assert traced(scene).returncode == 0
    counts: Counter[str] = Counter()
    found: list[tuple[str, int]] = []
    begun = False
    for line in (scene.root.parent / "strace.log").read_text().splitlines():
        match = re.match(r"\d+ +(\w+)\(", line)
        if not match:
            continue
        name = match[1]
        begun = begun or "publishing-begins" in line
        if name in CALLS:
            counts[name] += 1
            if begun:
                found.append((name, counts[name]))
    return found


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_killed_before_each_system_call_of_publishing_a_reader_sees_old_or_new(scene: Scene, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(scene.root, copy)
    calls = calls_of_the_publish_step(scene)
    assert scene.read() == "new"
    assert {"renameat2", "fsync", "unlink"} <= {name for name, _ in calls}
    outcomes: Counter[str] = Counter()
    for name, when in calls:
        scene.restore(copy)
        killed = traced(scene, "-e", f"inject={name}:signal=KILL:when={when}")
        assert killed.returncode != 0, f"{name} number {when} was not reached"
        before = scene.read()
        recover(scene.runs)
        after = scene.read()
        outcomes[f"{before} then {after}"] += 1
        assert not (scene.runs / INTENT).exists()
        assert (before, after) != ("new", "old")
        if after == "new":
            assert json.loads((scene.new / "result.json").read_text())["status"] == "published"
            assert not (scene.new / "outgoing").exists()
    # The kills fell before the intent, between the intent and the swap, and after the swap.
    assert set(outcomes) == {"old then old", "old then new", "new then new"}


def test_a_reader_that_opened_the_old_folder_before_the_swap_finds_its_files_after_it(scene: Scene) -> None:
    with os.scandir(scene.target) as opened:
        subprocess.run([sys.executable, SCRIPT, scene.new, scene.target], check=True)
        assert sum(entry.name.endswith(".parquet") for entry in opened) == 3
    assert scene.read() == "new"


@pytest.mark.slow
def test_a_reader_beside_many_publications_never_sees_a_mix(scene: Scene) -> None:
    reader = Reader(scene)
    reader.start()
    for turn in range(40):
        name, parts = ("new", 2) if turn % 2 == 0 else ("old", 3)
        shutil.rmtree(scene.runs / name)
        folder = stage(scene.runs, name, parts)
        subprocess.run([sys.executable, SCRIPT, folder, scene.target], check=True)
    reader.stop.set()
    reader.join()
    assert not reader.wrong
    assert min(reader.seen["old"], reader.seen["new"]) > 0
