"""What drift will not do is said by `check` and by the run, and not only in a report."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from data_checks.reference import ReferenceProfile
from data_checks.reference_file import read_reference, write_reference
from schemas.errors import ConfigError, ExitCode

Rows = Callable[..., pa.Table]


@pytest.fixture
def job(trained_job: Path, tmp_path: Path, job_folder: Any) -> Any:
    """A job of its own with a reference profile."""
    shutil.copytree(trained_job, tmp_path / "job")
    return job_folder(tmp_path / "job")


def test_check_says_that_slices_are_not_in_the_reference(job: Any, capsys: pytest.CaptureFixture[str]) -> None:
    job.edit("job.yaml", "training: train/", "training: train/, slices: [c]")
    assert job.command("check") == ExitCode.PUBLISHED
    said = capsys.readouterr().out
    assert "slices of 'c' are not in the reference profile: make it anew with `nightscore profile`" in said
    assert "no mistake found, 1 note above" in said


def test_check_says_that_drift_will_not_be_computed(job: Any, capsys: pytest.CaptureFixture[str]) -> None:
    (job.root / "reference" / "profile.json").unlink()
    assert job.command("check") == ExitCode.PUBLISHED
    said = capsys.readouterr().out
    assert "drift will not be computed: the reference profile profile.json does not exist" in said


@pytest.mark.parametrize("gate", ["hold", "fail"])
def test_a_gate_that_nothing_can_pass_is_a_mistake(job: Any, gate: str) -> None:
    job.edit("job.yaml", "training: train/", f"training: train/, gate: {gate}")
    (job.root / "reference" / "profile.json").unlink()
    message = f"drift.gate is '{gate}', and every night would be refused: the reference profile profile.json does not"
    with pytest.raises(ConfigError, match=message):
        job.command("check")


def test_scores_of_another_model_are_told_by_check_and_by_the_run(
    job: Any, make_rows: Rows, capsys: pytest.CaptureFixture[str]
) -> None:
    path = job.root / "reference" / "profile.json"
    found = read_reference(path)
    assert isinstance(found, ReferenceProfile)
    models = dict.fromkeys(found.models, "0" * 64)
    write_reference(
        ReferenceProfile.model_validate_json(json.dumps(found.model_dump(mode="json") | {"models": models})), path
    )
    job.command("check")
    checked = capsys.readouterr().out
    job.write("2024-03-01", "a.parquet", make_rows(300))
    job.command("run", "--date", "2024-03-01")
    ran = capsys.readouterr().out
    for said in (checked, ran):
        assert "is not compared, the reference profile has the scores of another model" in said


def test_a_held_night_says_on_the_console_what_to_do(
    job: Any, make_rows: Rows, capsys: pytest.CaptureFixture[str]
) -> None:
    job.edit("job.yaml", "training: train/", "training: train/, gate: hold, critical: [x]")
    rows = make_rows(600)
    far = pa.array([17.0] * 600)
    job.write("2024-03-01", "a.parquet", rows.set_column(rows.column_names.index("x"), "x", far))
    job.command("run", "--date", "2024-03-01")
    said = capsys.readouterr().out
    assert "next      Mend the data and run nightscore run" in said
    assert "Or publish exactly what was scored: nightscore release" in said
