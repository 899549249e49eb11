"""A night whose folder holds hundreds of foreign and broken files beside the good ones."""

from __future__ import annotations

import csv
import json
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

DATE = "2024-03-01"
CORPUS = os.environ.get("NIGHTSCORE_CORPUS")
MEMORY = 6 * 1024**3


def _limit_memory() -> None:
    # Not the address space: the chart engine reserves far more of that than it ever uses.
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))


@pytest.mark.corpus
@pytest.mark.skipif(CORPUS is None, reason="NIGHTSCORE_CORPUS names no folder of foreign files")
def test_isolated_broken_files_do_not_stop_the_others(small_job: Any, make_rows: Callable[..., pa.Table]) -> None:
    corpus = Path(CORPUS or "")
    with (corpus / "MANIFEST.tsv").open(newline="") as stream:
        listed = list(csv.DictReader(stream, delimiter="\t"))
    folder = small_job.root / "input" / f"day={DATE}"
    folder.mkdir(parents=True)
    for number, item in enumerate(listed):
        shutil.copyfile(corpus / item["file"], folder / f"foreign-{number:03d}.parquet")
    for name, first in (("a-first", 0), ("z-last", 5000)):
        small_job.write(DATE, f"{name}.parquet", make_rows(700, first_id=first))
    small_job.edit("job.yaml", "rows_per_unit", "on_bad_file: isolate\nmax_rejected: {share: 100%}\nrows_per_unit")
    result_file = small_job.root / "result.json"
    command = [sys.executable, "-m", "pipelines", "run", str(small_job.root), "--date", DATE, "-q"]
    ended = subprocess.run(
        [*command, "--result", str(result_file)], capture_output=True, text=True, check=False, preexec_fn=_limit_memory
    )
    assert ended.returncode == 0, ended.stderr[-2000:]
    result = json.loads(result_file.read_bytes())
    assert result["rows"]["scored"] == small_job.scored(DATE).num_rows == 1400
    assert result["rows"]["rows_in"] == result["rows"]["scored"] + result["rows"]["rejected"]
    outcome = json.loads((small_job.run_folder(result) / "outcome.json").read_bytes())
    named = {item["file"] for item in outcome["rejected"]}
    unreadable = json.loads((small_job.run_folder(result) / "manifest.json").read_bytes())["rejected"]
    named |= {item["file"] for item in unreadable}
    planned = {item["name"] for item in json.loads((small_job.run_folder(result) / "plan.json").read_bytes())["files"]}
    foreign = {f"foreign-{number:03d}.parquet" for number in range(len(listed))}
    # Every foreign file is named as rejected, but for those that have no row to reject.
    silent = foreign - named
    assert silent <= planned
    rows = {item["name"]: item["rows"] for item in json.loads(_manifest(small_job, result))["inputs"]}
    assert [name for name in silent if rows[name]] == []


def _manifest(job: Any, result: dict[str, Any]) -> bytes:
    path: Path = job.run_folder(result) / "manifest.json"
    return path.read_bytes()
