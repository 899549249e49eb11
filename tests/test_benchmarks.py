"""The benchmarks that take hours still run: nothing else imports them, so a change of what they measure goes unseen."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"


@pytest.mark.parametrize("script", ["scale.py", "whole_job.py"])
def test_they_say_what_they_measure(script: str) -> None:
    done = subprocess.run(
        [sys.executable, str(BENCHMARKS / script), "--help"], capture_output=True, text=True, check=True
    )
    assert "python benchmarks/" in done.stdout


def scaled(folder: Path, dimension: str, case: dict[str, Any]) -> dict[str, Any]:
    """What one case of benchmarks/scale.py gives."""
    asked = json.dumps({"dimension": dimension, "case": case})
    command = [sys.executable, str(BENCHMARKS / "scale.py"), "all", str(folder), "--case", asked]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def test_scale_counts_the_repeated_keys_of_every_bucket(tmp_path: Path) -> None:
    found = scaled(tmp_path, "keys", {"rows": 1_000, "bits": 3, "every": 10})
    assert (found["buckets"], found["repeated"]) == (8, 101)  # every tenth and the one that has the key by itself
    assert found["files"] == 1  # one a unit, however many buckets


def test_scale_looks_for_a_median_in_the_files_of_units(tmp_path: Path) -> None:
    found = scaled(tmp_path, "sorted values", {"units": 3, "values": 10})
    assert set(found["stages"]) == {"open", "median"}
