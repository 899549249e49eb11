"""What workers get: the job's folder under their own path, the driver's own code, and the reference by digest."""

from __future__ import annotations

import pickle
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import xgboost

from pipelines import known_references, running_code, scoring, tools
from pipelines.code_digest import code_digest
from pipelines.loading import load_job
from pipelines.own_wheel import write_own_wheel
from pipelines.running_code import library_versions
from pipelines.stages.plan import make_plan
from pipelines.stages.repeated import KeyReader
from pipelines.worker_view import WorkerView
from schemas.errors import ConfigError
from transforms import library_versions as installed

DATE = "2024-03-01"
ROOT = Path(__file__).resolve().parents[2]
Rows = Callable[..., pa.Table]


def view_of(job: Any) -> WorkerView:
    loaded = load_job(job.root)
    plan = make_plan(loaded.job, loaded.contract, loaded.base, DATE)
    return WorkerView(loaded.spec, plan, str(loaded.runs / f"day={DATE}" / "run"))


def test_every_path_is_under_the_workers_folder(small_job: Any, make_rows: Rows) -> None:
    for name in ("a.parquet", "b.parquet"):
        small_job.write(DATE, name, make_rows(2500), row_group_size=1000)
    view = view_of(small_job)
    moved = view.moved_to("/mnt/night/job")
    assert moved.spec.base == "/mnt/night/job"
    assert moved.run_folder == f"/mnt/night/job/runs/day={DATE}/run"
    paths = {file.path for file in moved.plan.files} | {s.file.path for u in moved.plan.units for s in u.spans}
    assert paths == {f"/mnt/night/job/input/day={DATE}/{name}" for name in ("a.parquet", "b.parquet")}
    assert str(small_job.root) not in repr(moved.plan)
    assert moved.moved_to(str(small_job.root)) == view


def test_an_input_outside_the_jobs_folder_is_refused(small_job: Any, make_rows: Rows) -> None:
    small_job.write(DATE, "a.parquet", make_rows(10))
    shutil.move(small_job.root / "input", small_job.root.parent / "elsewhere")
    small_job.edit("job.yaml", "input/day={date}/", "../elsewhere/day={date}/")
    message = r"input\.path lies outside the job's folder .* as /mnt/night/job cannot reach it"
    with pytest.raises(ConfigError, match=message):
        view_of(small_job).moved_to("/mnt/night/job")


def test_the_reference_profile_does_not_travel_and_is_read_once_by_a_worker(
    small_job: Any, make_rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_job.write(DATE, "a.parquet", make_rows(10))
    spec = view_of(small_job).spec
    wanted = spec.reference
    assert wanted is not None
    assert spec.slicing is None
    sent = pickle.dumps(spec)
    assert len(sent) < len(pickle.dumps(wanted)) / 2
    monkeypatch.setattr(known_references, "_known", {})
    received = pickle.loads(sent)  # noqa: S301  # our own
    assert received == spec
    assert received.reference == wanted
    assert list(known_references._known) == [wanted.digest]


def test_a_reference_that_changed_since_the_run_began_is_refused(
    small_job: Any, make_rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_job.write(DATE, "a.parquet", make_rows(10))
    sent = pickle.dumps(view_of(small_job).spec)
    monkeypatch.setattr(known_references, "_known", {})
    (small_job.root / "reference" / "profile.json").write_text("{}")
    with pytest.raises(ConfigError, match=r"profile\.json: the reference profile has changed since the run began"):
        _ = pickle.loads(sent).reference  # noqa: S301  # our own


@pytest.fixture(autouse=True)
def _nothing_compared_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    """What other tests in this process have compared with a code of their own is forgotten."""
    monkeypatch.setattr(running_code, "_same", set())


@pytest.mark.parametrize(
    ("driver", "why"),
    [
        ({"own": "0" * 64}, r"a worker runs other code .* than the driver \(digest 000000000000\)"),
        (
            {"steps": {"json": "0" * 64}},
            r"a worker's sources of 'json', .*, the driver's 000000000000\), so its results",
        ),
        ({"steps": {"no_such": "1" * 64}}, r"'no_such', .* \(digest none, the driver's 111111111111\)"),
        ({"libraries": {"pyarrow": "0.9"}}, rf"^a worker has pyarrow {pa.__version__}, the driver 0\.9, so the bytes"),
        ({"libraries": {"no_such": "1.0"}}, "^a worker has no_such not installed, the driver 1.0, so the bytes"),
    ],
)
def test_a_worker_of_other_code_refuses_to_score(
    small_job: Any, make_rows: Rows, monkeypatch: pytest.MonkeyPatch, driver: dict[str, Any], why: str
) -> None:
    small_job.write(DATE, "a.parquet", make_rows(10))
    spec = view_of(small_job).spec
    monkeypatch.setattr(tools, "_tools", {})
    with pytest.raises(ConfigError, match=why):
        tools.tools_for(replace(spec, code=replace(spec.code, **driver)))
    assert tools.tools_for(spec).spec == spec


def test_a_worker_of_other_code_neither_looks_for_repeated_keys_nor_merges(small_job: Any, make_rows: Rows) -> None:
    small_job.write(DATE, "a.parquet", make_rows(10))
    view = view_of(small_job)
    spec = replace(view.spec, code=replace(view.spec.code, libraries={"numpy": "0.1"}))
    reader = KeyReader(spec.checks, spec.contract, spec.code, 0)
    unit = view.plan.units[0].to_json()
    (small_job.root / "run").mkdir()
    run_folder = str(small_job.root / "run")
    steps: list[Callable[[], object]] = [
        lambda: list(scoring.write_keys(unit, reader, run_folder)),
        lambda: list(scoring.find_repeated((("key", 0), []), reader, run_folder)),
        lambda: list(scoring.FindDuplicates(spec, run_folder).process((("key", 0), []))),
        lambda: scoring.MergeOutcomes(spec).create_accumulator(),
    ]
    for step in steps:
        with pytest.raises(ConfigError, match=r"^a worker has numpy .*, the driver 0\.1"):
            step()


def test_of_two_distributions_of_one_library_nobody_knows_which_one_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = {"xgboost": "3.3.0", "xgboost-cpu": "3.2.0"}

    def version(name: str) -> str:
        if name not in numbers:
            raise PackageNotFoundError(name)
        return numbers[name]

    monkeypatch.setattr(installed, "version", version)
    assert library_versions() == {"xgboost": "xgboost 3.3.0 and xgboost-cpu 3.2.0"}
    del numbers["xgboost"]
    assert library_versions() == {"xgboost": "3.2.0"}


def test_the_libraries_are_those_that_make_values_and_files() -> None:
    found = library_versions()
    assert found["pyarrow"] == pa.__version__
    assert found["numpy"] == np.__version__
    assert found["xgboost"] == xgboost.__version__  # whichever of its distributions brings it
    assert set(found) == {"numpy", "pyarrow", "pandas", "scipy", "scikit-learn", "xgboost"}


# ------------------------------------------------------------------------------------------------------ the own wheel


def test_the_wheel_is_the_running_code_and_the_same_bytes_each_time(tmp_path: Path) -> None:
    (tmp_path / "again").mkdir()
    first, again = write_own_wheel(tmp_path), write_own_wheel(tmp_path / "again")
    assert first.name == again.name
    assert first.read_bytes() == again.read_bytes()


def test_an_environment_with_the_wheel_alone_has_the_drivers_code(tmp_path: Path) -> None:
    """pip unpacks it beside nothing else of ours; what is imported there has the driver's digest."""
    wheel, site = write_own_wheel(tmp_path), tmp_path / "site"
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", str(site)]
    if subprocess.run([sys.executable, "-m", "pip", "--version"], check=False, capture_output=True).returncode:
        command = ["uv", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", str(site)]
    subprocess.run([*command, str(wheel)], check=True)
    lines = [
        "import sys",
        f"sys.path.insert(0, {str(site)!r})",
        "import pipelines",
        "assert pipelines.__file__.startswith(sys.path[0]), pipelines.__file__",
        "from pipelines.code_digest import code_digest, code_version",
        "print(code_digest(), code_version())",
    ]
    found = subprocess.run([sys.executable, "-c", "\n".join(lines)], check=True, capture_output=True, text=True)
    assert found.stdout.split() == [code_digest(), "0.1.0"]


def test_the_wheel_holds_what_the_build_backend_puts_into_it(tmp_path: Path) -> None:
    """hatchling, on the sources: the same modules, templates and metadata."""
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path / "built"), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True)
    (built,) = (tmp_path / "built").glob("*.whl")
    ours = write_own_wheel(tmp_path)
    assert ours.name == built.name
    assert without_paperwork(ours) == without_paperwork(built)


def without_paperwork(wheel: Path) -> dict[str, bytes]:
    """Name to content of all but the licence, who built it, the list of it all, and the README of the day of set-up."""
    with zipfile.ZipFile(wheel) as archive:
        found = {name: archive.read(name) for name in archive.namelist()}
    left_out = ("/RECORD", "/WHEEL", "/METADATA", "/licenses/LICENSE")
    return {name: data for name, data in found.items() if not name.endswith(left_out)}
