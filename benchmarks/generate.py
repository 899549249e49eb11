"""Makes the job folder that the benchmarks run: synthetic nights of any size, a trained model, suite and profile.

    python benchmarks/generate.py FOLDER                              two nights, of 5 and of 20 million rows
    python benchmarks/generate.py FOLDER --rows 1000000 --unique      one of a million, with a rule of unique keys

    python benchmarks/generate.py FOLDER --ordinal                    texts as numbers: the model costs half as much

16 features (see synthetic_rows.py), row groups of 250,000 rows, files of a million; an XGBoost model of 300 trees of
depth 6 with native categories; 20 expectations; drift against 200,000 training rows. Seeded: the same bytes each time.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import xgboost
from synthetic_rows import BLOCKS, FEATURES, GROUP_ROWS, KEY, NUMBERS, PARTITION, SEED, TEXTS, WHOLE, block, labels

from schemas.card import write_card
from transforms.card_writing import About, card_for
from transforms.model_facts import inspect_model

GROUPS_PER_FILE = 4
TRAINING_ROWS = 200_000
#: A block that no night has.
TRAINING_BLOCK = 1_000
FIRST_NIGHT = date(2024, 1, 1)
TREES = 300
XGBOOST = {
    "objective": "binary:logistic",
    "tree_method": "hist",
    "max_depth": 6,
    "eta": 0.05,
    "min_child_weight": 5,
    "seed": SEED,
    "nthread": 1,  # sums of several threads differ in the last digit
}

JOB = f"""\
version: 1
name: synthetic
input: {{path: "input/{PARTITION}={{date}}/", schema: schema.yaml}}
models:
  - {{name: churn, path: model/churn.ubj, card: model/churn.card.json, output: {{probability: p_churn}}}}
checks: {{suite: suite.json}}
drift: {{reference: reference/profile.json, training: train/, gate: warn}}
"""


def write_night(folder: Path, rows: int) -> None:
    """The files of a night: row groups of GROUP_ROWS rows with consecutive keys, the last one shorter."""
    folder.mkdir(parents=True)
    blocks = [block(number) for number in range(min(BLOCKS, -(-rows // GROUP_ROWS)))]
    writer = None
    for group, first in enumerate(range(0, rows, GROUP_ROWS)):
        size = min(GROUP_ROWS, rows - first)
        table = with_keys(blocks[group % BLOCKS].slice(0, size), first)
        if group % GROUPS_PER_FILE == 0:
            if writer is not None:
                writer.close()
            name = f"part-{group // GROUPS_PER_FILE:04d}.parquet"
            writer = pq.ParquetWriter(folder / name, table.schema, write_page_checksum=True)
        assert writer is not None
        writer.write_table(table, row_group_size=GROUP_ROWS)
    if writer is not None:
        writer.close()


def with_keys(features: pa.Table, first: int) -> pa.Table:
    """The rows with their keys in front: `first` and the numbers after it."""
    keys = pa.array(np.arange(first, first + features.num_rows, dtype=np.int64))
    return features.add_column(0, pa.field(KEY, pa.int64()), keys)


def write_training(folder: Path) -> pa.Table:
    """The training file; returns its features."""
    folder.mkdir()
    features = block(TRAINING_BLOCK, TRAINING_ROWS)
    pq.write_table(with_keys(features, 0), folder / "train.parquet")
    return features


def train(features: pa.Table, target: Path, trees: int, *, ordinal: bool) -> None:
    """Train the model on the features; writes the artefact and its card."""
    target.parent.mkdir()
    frame = features.to_pandas()
    frame = frame.assign(**{name: pd.Categorical(frame[name], categories) for name, categories in TEXTS.items()})
    if ordinal:
        codes = {name: frame[name].cat.codes.astype("float64").replace(-1.0, np.nan) for name in TEXTS}
        frame = frame.assign(**codes)
    booster = xgboost.train(XGBOOST, xgboost.DMatrix(frame, labels(features), enable_categorical=True), trees)
    booster.save_model(target)
    rows = pa.Table.from_pandas(frame, preserve_index=False)
    card = card_for(target, inspect_model(target, rows), rows, About(name="churn", training={"seed": SEED}))
    write_card(card, target.with_suffix(".card.json"))


def schema_yaml() -> str:
    """The table contract."""
    kinds = {**dict.fromkeys(NUMBERS, "float64"), WHOLE: "int64", **dict.fromkeys(TEXTS, "string")}
    lines = [f"  - {{name: {name}, type: {kinds[name]}}}" for name in FEATURES]
    key = f"  - {{name: {KEY}, type: int64, nullable: false, role: key}}"
    partition = f"  - {{name: {PARTITION}, type: date, nullable: false, role: partition}}"
    return "\n".join(["version: 1", "columns:", key, *lines, partition, ""])


def job_yaml(*, ordinal: bool) -> str:
    """The job; with `ordinal` each text becomes its place in a list, and the model is one of numbers only."""
    if not ordinal:
        return JOB
    lines = [f"  {name}: {{steps: [{{ordinal: {json.dumps(known)}}}]}}" for name, known in TEXTS.items()]
    return JOB + "\n".join(["features:", *lines, ""])


def suite(*, unique: bool) -> dict[str, Any]:
    """20 expectations that hold; `unique` puts a rule of unique keys in the place of the keys' range."""
    about_keys = ("values_to_be_unique", {}) if unique else ("values_to_be_between", {"min_value": 0})
    of_columns: list[tuple[str, str, dict[str, Any]]] = [
        (KEY, *about_keys),
        (KEY, "values_to_not_be_null", {}),
        ("amount", "values_to_not_be_null", {}),
        ("amount", "values_to_be_between", {"min_value": 0, "max_value": 1_000_000}),
        ("income", "values_to_not_be_null", {"mostly": 0.9}),
        ("income", "values_to_be_between", {"min_value": 0, "max_value": 10_000_000}),
        ("utilisation", "values_to_be_between", {"min_value": 0, "max_value": 1}),
        ("refunds", "values_to_be_between", {"min_value": 0}),
        ("bureau_score", "values_to_be_between", {"min_value": 300, "max_value": 850}),
        ("duration", "values_to_not_be_null", {"mostly": 0.8}),
        (WHOLE, "values_to_be_between", {"min_value": 0, "max_value": 1_000}),
        ("region", "values_to_be_in_set", {"value_set": list(TEXTS["region"])}),
        ("channel", "values_to_be_in_set", {"value_set": list(TEXTS["channel"])}),
        ("product", "values_to_match_regex", {"regex": "^P[0-9]{3}$"}),
        ("product", "value_lengths_to_equal", {"value": 4}),
        ("device", "value_lengths_to_be_between", {"min_value": 3, "max_value": 10}),
        ("amount", "mean_to_be_between", {"min_value": 50, "max_value": 200}),
        ("balance", "min_to_be_between", {"min_value": -20_000, "max_value": 0}),
        ("latitude", "max_to_be_between", {"min_value": 47, "max_value": 55}),
    ]
    rules = [{"type": f"expect_column_{kind}", "kwargs": {"column": name, **kw}} for name, kind, kw in of_columns]
    rules.append({"type": "expect_table_row_count_to_be_between", "kwargs": {"min_value": 1}})
    return {"name": "synthetic", "expectations": rules, "meta": {"great_expectations_version": "1.24.1"}}


def make_job(folder: Path, nights: list[int], trees: int, *, unique: bool, ordinal: bool) -> None:
    """The whole job folder, which must not exist or be empty; one night for each number of rows."""
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        sys.exit(f"{folder} is not empty; give a new folder")
    train(write_training(folder / "train"), folder / "model" / "churn.ubj", trees, ordinal=ordinal)
    (folder / "job.yaml").write_text(job_yaml(ordinal=ordinal))
    (folder / "schema.yaml").write_text(schema_yaml())
    (folder / "suite.json").write_text(json.dumps(suite(unique=unique), indent=2) + "\n")
    root = Path(__file__).resolve().parent.parent
    subprocess.run([sys.executable, "-m", "pipelines", "profile", os.fspath(folder.resolve())], cwd=root, check=True)
    for number, rows in enumerate(nights):
        run_date = FIRST_NIGHT + timedelta(days=number)
        write_night(folder / "input" / f"{PARTITION}={run_date}", rows)
        print(f"{run_date}  {rows:>12,} rows", flush=True)


def main() -> None:
    """Read the command line and make the folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="where to make it; about 70 MB a million rows")
    parser.add_argument("--rows", type=int, nargs="+", default=[5_000_000, 20_000_000], help="rows of each night")
    parser.add_argument("--unique", action="store_true", help="with a rule of unique keys among the 20")
    parser.add_argument("--ordinal", action="store_true", help="texts as numbers instead of native categories")
    parser.add_argument("--trees", type=int, default=TREES, help="of the model; 1 leaves nearly all but predicting")
    options = parser.parse_args()
    make_job(options.folder, options.rows, options.trees, unique=options.unique, ordinal=options.ordinal)


if __name__ == "__main__":
    main()
