from __future__ import annotations

import base64
import hashlib
import json
import random
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
import xgboost
from hypothesis import settings

from pipelines.command_line import app
from pipelines.files import file_sha256
from pipelines.reference import make_reference
from pipelines.runner_choice import RunnerChoice
from pipelines.running import RunOptions, run_dates
from schemas.card import write_card
from transforms.card_writing import About, card_for
from transforms.model_facts import inspect_model

SEED = 20130701

# The same examples on every run and every machine; no deadline, since the first example of a test pays for imports.
settings.register_profile("nightscore", derandomize=True, deadline=None, print_blob=True)
settings.load_profile("nightscore")


@pytest.fixture(autouse=True)
def _same_randomness_in_every_test() -> None:
    """Libraries that draw from the global generators draw the same numbers, whatever ran before."""
    random.seed(SEED)
    np.random.seed(SEED)  # noqa: NPY002 - the legacy generator is the one that libraries share


@pytest.fixture
def rng() -> np.random.Generator:
    """A generator with a fixed seed, fresh for every test."""
    return np.random.default_rng(SEED)


class JobFolder:
    """A small job of its own: 3 features, an XGBoost model, a suite, a reference profile. Runs in this process."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def write(self, date: str, name: str, table: pa.Table, **options: Any) -> Path:
        """Write an input file of a run date; page checksums are on."""
        path = self.root / "input" / f"day={date}" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table, path, **{"write_page_checksum": True, **options})
        return path

    def edit(self, name: str, old: str, new: str) -> None:
        """Replace a text that must be there in a file of the job."""
        path = self.root / name
        text = path.read_text()
        assert old in text, f"{old!r} is not in {name}"
        path.write_text(text.replace(old, new))

    def run(self, date: str, **options: Any) -> dict[str, Any]:
        """Run a date; its result.json. Raises what is wrong with the job itself."""
        result = self.root / "last-result.json"
        names = {field.name for field in fields(RunnerChoice)}
        choice = RunnerChoice(**{name: value for name, value in options.items() if name in names})
        others = {name: value for name, value in options.items() if name not in names}
        run_dates(self.root, date, date, RunOptions(quiet=True, result=result, runner=choice, **others))
        return dict(json.loads(result.read_bytes()))

    def command(self, verb: str, *options: str) -> int:
        """The exit code of a verb of the command line, in this process. Raises what `main` would tell as an error."""
        return int(app([verb, str(self.root), *options], standalone_mode=False) or 0)

    def partition(self, date: str) -> Path:
        """The published folder of a date."""
        return self.root / "scored" / f"day={date}"

    def run_folder(self, result: dict[str, Any]) -> Path:
        """The folder of the run that gave this result."""
        return self.root / "runs" / result["partition"] / result["run_id"]

    def scored(self, date: str) -> pa.Table:
        """The published rows of a date, in the order of the parts."""
        parts = sorted(self.partition(date).glob("*.parquet"))
        return pa.concat_tables([pq.ParquetFile(part).read() for part in parts])

    def parts(self, date: str) -> dict[str, str]:
        """Name to sha256 of the published parts."""
        return {path.name: file_sha256(path) for path in sorted(self.partition(date).glob("*.parquet"))}


def some_rows(count: int, first_id: int = 0, seed: int = SEED) -> pa.Table:
    """Rows for the small job, with missing values in x and c."""
    draw = np.random.default_rng(seed + first_id)
    x = draw.normal(10.0, 3.0, count)
    kinds = draw.choice(["u", "v", "w"], count, p=[0.6, 0.3, 0.1])
    gone = draw.random((2, count)) < 0.05
    return pa.table(
        {
            "id": pa.array(np.arange(first_id, first_id + count), pa.int64()),
            "x": pa.array(x, mask=gone[0]),
            "n": pa.array(draw.integers(0, 50, count), pa.int64()),
            "c": pa.array(kinds, mask=gone[1]),
        }
    )


_JOB = """\
name: small
input: {path: "input/day={date}/"}
models:
  - {name: m, path: model/m.ubj, card: model/m.card.json, output: {probability: p, label: yes_or_no}}
output: {columns: [c]}
checks: {suite: suite.json}
drift: {reference: reference/profile.json, training: train/}
rows_per_unit: 1000
"""
_CONTRACT = """\
columns:
  - {name: id, type: int64, nullable: false, role: key}
  - {name: x, type: float64}
  - {name: n, type: int64}
  - {name: c, type: string}
"""
_SUITE = [
    {"type": "expect_column_values_to_be_unique", "kwargs": {"column": "id"}},
    {"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "x", "mostly": 0.8}},
    {
        "type": "expect_column_values_to_be_in_set",
        "kwargs": {"column": "c", "value_set": ["u", "v", "w"]},
        "severity": "info",
    },
    {
        "type": "expect_column_values_to_be_between",
        "kwargs": {"column": "n", "min_value": 0, "max_value": 100},
        "meta": {"id": "n_range", "on_fail": "quarantine"},
    },
]


@pytest.fixture(scope="session")
def trained_job(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that every small job is a copy of."""
    root = tmp_path_factory.mktemp("small-job")
    for name, text in (("job.yaml", _JOB), ("schema.yaml", _CONTRACT)):
        (root / name).write_text(text)
    (root / "suite.json").write_text(json.dumps({"name": "small", "expectations": _SUITE}))
    for name in ("model", "train"):
        (root / name).mkdir()
    training = some_rows(4000, first_id=1_000_000)
    pq.write_table(training, root / "train" / "rows.parquet")
    _train(training, root / "model")
    make_reference(root)
    return root


def _train(rows: pa.Table, folder: Path) -> None:
    frame = rows.select(["x", "n", "c"]).to_pandas().astype({"c": pd.CategoricalDtype(["u", "v", "w"])})
    score = frame["x"].fillna(0) + 0.2 * frame["n"] + frame["c"].eq("w") * 5
    label = (score > score.median()).astype(int)
    booster = xgboost.train(
        {"objective": "binary:logistic", "max_depth": 4, "nthread": 1, "seed": 1},
        xgboost.DMatrix(frame, label, enable_categorical=True),
        num_boost_round=20,
    )
    booster.save_model(folder / "m.ubj")
    facts = inspect_model(folder / "m.ubj", rows)
    write_card(card_for(folder / "m.ubj", facts, rows, About("m")), folder / "m.card.json")


@pytest.fixture
def small_job(trained_job: Path, tmp_path: Path) -> JobFolder:
    """A job of its own for one test."""
    root = tmp_path / "job"
    shutil.copytree(trained_job, root)
    return JobFolder(root)


@pytest.fixture(scope="session")
def job_folder() -> type[JobFolder]:
    """Makes a JobFolder of a folder, for jobs that several tests share or copy."""
    return JobFolder


@pytest.fixture(scope="session")
def make_rows() -> Callable[..., pa.Table]:
    """`make_rows(count, first_id=0, seed=...)`: rows for the small job."""
    return some_rows


def _read_beside_a_swap(table: Path) -> pa.Table | None:
    try:
        dataset = ds.dataset(table, format="parquet")
        return dataset.to_table() if dataset.files else None
    except FileNotFoundError:
        return None


@pytest.fixture(scope="session")
def read_beside_a_swap() -> Callable[[Path], pa.Table | None]:
    """Reads a whole table once, as a reader beside a publishing run would. None says: try again.

    Either a file that was listed is gone, or all of them went between pyarrow's listing and its look at each, which
    it passes over in silence.
    """
    return _read_beside_a_swap


@pytest.fixture(scope="session")
def make_wheel() -> Callable[..., Path]:
    """`make_wheel(folder, module, text)`: a wheel with that module, as a job's own steps come to workers."""
    return _wheel


def _wheel(folder: Path, module: str = "staged_module", text: str = "ANSWER = 42\n") -> Path:
    """A wheel with one module, made by hand: no build backend is needed."""
    info = f"{module}-1.0.dist-info"
    files = {
        f"{module}.py": text,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: a test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{name},{_record(content)}\n" for name, content in files.items())
    path = folder / f"{module}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in {**files, f"{info}/RECORD": f"{record}{info}/RECORD,,\n"}.items():
            archive.writestr(name, content)
    return path


def _record(content: str) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(content.encode()).digest()).decode().rstrip("=")
    return f"sha256={digest},{len(content.encode())}"
