"""The files of deploy/dataflow agree with the project and with each other, and the template's program runs a night."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from pipelines.dataflow import dataflow_options
from schemas.runners import DataflowRunner, Runners

ROOT = Path(__file__).parents[2]
DATAFLOW = ROOT / "deploy" / "dataflow"
#: Given to every template by its launcher.
FROM_BEAM = {"sdk_container_image"}


def text(name: str) -> str:
    return (DATAFLOW / name).read_text(encoding="utf-8")


def versions(lock: Path) -> dict[str, set[str]]:
    """Name to the versions that a lock has of it."""
    found: dict[str, set[str]] = {}
    for name, version in re.findall(r"^([a-z0-9][a-z0-9._-]*)==(\S+)", lock.read_text(encoding="utf-8"), re.MULTILINE):
        found.setdefault(name, set()).add(version)
    return found


def launch() -> Any:
    spec = importlib.util.spec_from_file_location("launch", DATAFLOW / "launch.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# ------------------------------------------------------------------------------------------------------------- image


def test_the_image_has_the_drivers_versions_of_everything_that_both_have() -> None:
    """What a model computes depends on them; and the image has Beam's Google Cloud parts besides."""
    ours, images = versions(ROOT / "requirements.lock"), versions(DATAFLOW / "requirements.lock")
    assert {name: images[name] for name in images if name in ours} == {
        name: ours[name] for name in ours if name in images
    }
    assert {"apache-beam", "xgboost-cpu", "google-cloud-storage", "google-cloud-dataflow-client"} <= set(images)
    assert not {"pytest", "mypy", "playwright"} & set(images)


def test_everything_is_installed_from_a_lock_with_hashes() -> None:
    installs = re.findall(r"pip install (.*)", text("Dockerfile"))
    assert [line for line in installs if "nightscore-*.whl" not in line] == [
        "--no-cache-dir --no-deps --require-hashes --requirement requirements.lock"
    ] * 2
    assert "--hash=sha256:" in text("requirements.lock")
    assert "COPY deploy/dataflow/requirements.lock ./" in text("Dockerfile").split("AS worker\n")[1]


def test_the_boot_is_that_of_the_locked_beam_and_python() -> None:
    (beam,) = versions(ROOT / "requirements.lock")["apache-beam"]
    assert f"FROM apache/beam_python3.11_sdk:{beam} AS beam" in text("Dockerfile")
    bases = re.findall(r"^FROM python:(\S+) AS", text("Dockerfile"), re.MULTILINE)
    assert len(set(bases)) == 1
    assert bases[0].startswith("3.11.")
    assert "--python-version 3.11 " in text("requirements.lock")


def test_the_image_has_what_the_dockerfile_copies_and_every_program() -> None:
    seen = {line.removeprefix("!") for line in text("Dockerfile.dockerignore").splitlines() if line.startswith("!")}
    copies = re.findall(r"^COPY (?!--from)(.+) \S+$", text("Dockerfile"), re.MULTILINE)
    sources = [word.rstrip("/") for line in copies for word in line.split()]
    assert all(source.split("/")[0] in seen and (ROOT / source).exists() for source in sources)
    assert {"deploy/dataflow/launch.py", "deploy/dataflow/worker.sh"} <= set(sources)
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert set(wheel["packages"]) <= set(sources)


def test_a_worker_ends_where_it_cannot_mount_and_boots_where_it_need_not(tmp_path: Path) -> None:
    programs = {"mountpoint": "exit 1", "mount": "exit 32", "mkdir": "exit 0"}
    for name, line in programs.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{line}\n")
        (tmp_path / name).chmod(0o755)
    script = tmp_path / "worker.sh"
    script.write_text(text("worker.sh").replace("/opt/apache/beam/boot", "echo booted"))
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin", "NIGHTSCORE_MOUNT": "/mnt/nights"}
    boots = subprocess.run(["sh", script, "--id=1"], env=environment, capture_output=True, text=True, check=True)
    assert boots.stdout == "booted --id=1\n"
    environment["NIGHTSCORE_NFS"] = "10.0.0.2:/nights"
    fails = subprocess.run(["sh", script], env=environment, capture_output=True, text=True, check=False)
    assert fails.returncode == 1
    assert fails.stderr == "nightscore: cannot mount 10.0.0.2:/nights at /mnt/nights; see docs/dataflow.md, Storage\n"


# ----------------------------------------------------------------------------------------------------------- profile


def test_the_example_explains_every_key_and_is_a_profile() -> None:
    read = YAML(typ="safe").load(text("profile.yaml"))["runners"]["dataflow"]
    assert set(read) == set(DataflowRunner.model_fields)
    filled = json.loads(json.dumps(read).replace("MY-", "my-").lower())
    profile = Runners.model_validate({"dataflow": filled}).dataflow
    assert "--no_use_public_ips" in dataflow_options(profile)


# ---------------------------------------------------------------------------------------------------------- template


def parameters() -> dict[str, Any]:
    return {each["name"]: each for each in json.loads(text("metadata.json"))["parameters"]}


def test_the_template_asks_for_what_its_program_takes() -> None:
    actions = {each.dest: each for each in launch().parameters()._actions if each.dest != "help"}
    assert set(parameters()) == {*actions, *FROM_BEAM}
    for name, action in actions.items():
        assert parameters()[name].get("isOptional", False) is not action.required
    for each in parameters().values():
        assert set(each) <= {"name", "label", "helpText", "isOptional", "regexes"}


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        (
            "job_folder",
            ["/mnt/nights/flights", "/mnt/a_b/job.yaml"],
            ["flights", "/mnt/../etc", "/mnt/.x", "/a b", "/"],
        ),
        ("run_date", ["2013-07-01"], ["2013-7-1", "2013-13-01", "2013-07-01T00", "today", ""]),
        ("last_date", ["2013-12-31"], ["2013-12-32"]),
        ("night_runner", ["local", "dataflow"], ["flink", "Local", ""]),
        (
            "sdk_container_image",
            ["europe-west4-docker.pkg.dev/p/r/worker:0.1.0", f"gcr.io/p/w@sha256:{'0' * 64}", "host:5000/w:1"],
            ["worker", "europe-west4-docker.pkg.dev/p/r/worker", "gcr.io/p/w:1 --project=x"],
        ),
    ],
)
def test_the_console_refuses_what_is_no_value(name: str, good: list[str], bad: list[str]) -> None:
    (pattern,) = parameters()[name]["regexes"]
    assert [value for value in good if not re.search(pattern, value)] == []
    assert [value for value in bad if re.search(pattern, value)] == []


def run_template(job: Path, date: str) -> subprocess.CompletedProcess[str]:
    """As the launcher does, and Dataflow after it; by the local runner."""
    runner = "--runner=apache_beam.runners.portability.fn_api_runner.FnApiRunner"
    line = [sys.executable, DATAFLOW / "launch.py", f"--job_folder={job}", f"--run_date={date}", runner]
    return subprocess.run(line, capture_output=True, text=True, check=False)


@pytest.fixture
def flights(tmp_path: Path) -> Path:
    return Path(shutil.copytree(ROOT / "sample_data" / "flights", tmp_path / "flights"))


def test_the_template_runs_a_whole_night_on_its_worker(flights: Path) -> None:
    ended = run_template(flights, "2013-07-01")
    assert ended.returncode == 0, ended.stderr[-2000:]
    assert "INFO:nightscore:ledger    177 in = 177 scored" in ended.stderr
    assert (flights / "scored" / "flight_date=2013-07-01" / "_SUCCESS").exists()


def test_a_night_that_is_held_fails_the_job_in_its_words_and_runs_once(flights: Path) -> None:
    """In the step after the run: what fails there is tried again by Dataflow, and the run is not."""
    ended = run_template(flights, "2013-12-31")
    assert ended.returncode != 0
    said = "RuntimeError: nightscore ended with 4: flight_date=2013-12-31 was not published: the quality gate holds it."
    assert said in ended.stderr
    assert "[while running 'end']" in ended.stderr
    assert len([run for run in (flights / "runs" / "flight_date=2013-12-31").iterdir() if run.is_dir()]) == 1


@pytest.mark.parametrize("code", [1, 75])
def test_what_another_try_may_mend_is_raised_where_the_run_is(
    code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver = tmp_path / "python"
    driver.write_text(f"#!/bin/sh\nexit {code}\n")
    driver.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(driver))
    with pytest.raises(RuntimeError, match=f"nightscore ended with {code}: it left no result"):
        launch().drive(["run"])
