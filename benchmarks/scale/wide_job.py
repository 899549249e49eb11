"""Makes a job of any number of feature columns: two thirds numbers, one third texts of 20 categories.

An XGBoost model of 20 trees, a reference profile of 20,000 training rows, and a suite of one expectation a column and,
beside these, the number of rows and, where asked for, unique keys. Seeded: the same bytes each time.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from measuring import ROOT, environment

DATE = "2024-01-01"
KEY = "row_id"
TRAINING_ROWS = 20_000
_SEED = 20240101
_TREES = 20
_CATEGORIES = tuple(f"category {number:02d}" for number in range(20))
#: Every so manieth column is a text.
_TEXT_EVERY = 3
_NULL_SHARE = 0.02


@dataclass(frozen=True)
class WideJob:
    """The job in a folder; `rows_per_unit` None: the default of job.yaml."""

    folder: Path
    columns: int
    rows_per_unit: int | None = None
    unique: bool = True

    @property
    def names(self) -> tuple[str, ...]:
        """The feature columns."""
        return tuple(f"{'text' if _is_text(place) else 'number'}_{place:04d}" for place in range(self.columns))

    @property
    def night(self) -> Path:
        """Folder of the night's files."""
        return self.folder / "input" / f"day={DATE}"

    def make(self) -> WideJob:
        """Make contract, model, suite and reference profile, where the folder does not exist yet."""
        if self.folder.exists():
            return self
        for name in ("train", "model", "reference"):
            (self.folder / name).mkdir(parents=True)
        training = self.rows(TRAINING_ROWS, first=1 << 40)
        pq.write_table(training, self.folder / "train" / "rows.parquet")
        _train(training.drop_columns([KEY]), self.folder / "model")
        self.describe()
        command = [sys.executable, "-m", "pipelines", "profile", os.fspath(self.folder)]
        subprocess.run(command, cwd=ROOT, env=environment(), check=True, stdout=subprocess.DEVNULL)
        return self

    def describe(self) -> None:
        """Write job.yaml, contract and suite."""
        (self.folder / "job.yaml").write_text(self._job())
        (self.folder / "schema.yaml").write_text(self._contract())
        (self.folder / "suite.json").write_text(json.dumps(self._suite()))

    def rows(self, count: int, first: int) -> pa.Table:
        """Rows with the keys from `first` on; other rows for another `first`."""
        draw = np.random.default_rng([_SEED, self.columns, first])
        columns = {KEY: pa.array(np.arange(first, first + count, dtype=np.int64))}
        for place, name in enumerate(self.names):
            gone = draw.random(count) < _NULL_SHARE
            if _is_text(place):
                codes = pa.array(draw.integers(0, len(_CATEGORIES), count, np.int32), mask=gone)
                columns[name] = pa.DictionaryArray.from_arrays(codes, list(_CATEGORIES)).dictionary_decode()
            else:
                columns[name] = pa.array(draw.normal(place, 1.0 + place, count), mask=gone)
        return pa.table(columns)

    def write_file(self, name: str, count: int, first: int) -> None:
        """One file of the night."""
        self.night.mkdir(parents=True, exist_ok=True)
        pq.write_table(self.rows(count, first), self.night / name)

    def _job(self) -> str:
        lines = [
            "name: wide",
            'input: {path: "input/day={date}/"}',
            "models:",
            "  - {name: m, path: model/m.ubj, card: model/m.card.json, output: {probability: p}}",
            "checks: {suite: suite.json}",
            "drift: {reference: reference/profile.json, training: train/, gate: warn}",
        ]
        if self.rows_per_unit is not None:
            lines.append(f"rows_per_unit: {self.rows_per_unit}")
        return "\n".join([*lines, ""])

    def _contract(self) -> str:
        kinds = [f"  - {{name: {name}, type: {'string' if 'text' in name else 'float64'}}}" for name in self.names]
        return "\n".join(["columns:", f"  - {{name: {KEY}, type: int64, nullable: false, role: key}}", *kinds, ""])

    def _suite(self) -> dict[str, Any]:
        rules = [{"type": "expect_table_row_count_to_be_between", "kwargs": {"min_value": 1}}]
        if self.unique:
            rules.append({"type": "expect_column_values_to_be_unique", "kwargs": {"column": KEY}})
        rules += [
            {"type": "expect_column_values_to_not_be_null", "kwargs": {"column": name, "mostly": 0.5}}
            for name in self.names
        ]
        return {"name": "wide", "expectations": rules, "meta": {}}


def _is_text(place: int) -> bool:
    return place % _TEXT_EVERY == _TEXT_EVERY - 1


def _train(features: pa.Table, folder: Path) -> None:
    """Train the model on the features; writes the artefact and its card."""
    import pandas as pd  # noqa: PLC0415  # only where a job is made
    import xgboost  # noqa: PLC0415

    from schemas.card import write_card  # noqa: PLC0415
    from transforms.card_writing import About, card_for  # noqa: PLC0415
    from transforms.model_facts import inspect_model  # noqa: PLC0415

    frame = features.to_pandas()
    kind = pd.CategoricalDtype(list(_CATEGORIES))
    frame = frame.astype({name: kind for name in frame if name.startswith("text")})
    label = frame[features.column_names[0]].fillna(0.0) > 0
    settings = {"objective": "binary:logistic", "max_depth": 4, "nthread": 1, "seed": _SEED}
    booster = xgboost.train(settings, xgboost.DMatrix(frame, label, enable_categorical=True), _TREES)
    booster.save_model(folder / "m.ubj")
    card = card_for(folder / "m.ubj", inspect_model(folder / "m.ubj", features), features, About("m"))
    write_card(card, folder / "m.card.json")
