"""The sample job of New York flights: data, contract, jobs, models and README belong together."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from schemas.card import ModelCard, read_card
from schemas.contract import read_contract
from schemas.job import Job, read_job
from transforms.chain import Chain
from transforms.models import load_model

FLIGHTS = Path(__file__).parents[2] / "sample_data" / "flights"
JOBS = ["job.yaml", "job_sklearn.yaml"]
MADE_BY_RUNS = {"scored", "scored_sklearn", "runs", "runs_sklearn", "__pycache__"}

Night = pd.DataFrame


@cache
def nights() -> dict[str, Night]:
    """Each night's rows as GX would see them: pandas, with the partition column."""
    table = pq.read_table(FLIGHTS / "input").to_pandas()
    return {str(date): rows for date, rows in table.groupby(table["flight_date"].astype(str))}


@cache
def late_flights() -> pd.Series:
    """By row_id: whether the flight was 15 minutes late or more, for those that arrived."""
    delay = pq.read_table(FLIGHTS / "labels", columns=["row_id", "arr_delay"]).to_pandas().dropna()
    late: pd.Series = delay.set_index("row_id")["arr_delay"] >= 15
    return late


def job_and_card(name: str) -> tuple[Job, ModelCard]:
    job = read_job(FLIGHTS / name)
    return job, read_card(FLIGHTS / job.models[0].card)


# ------------------------------------------------------------------------------------------------------------- the data


def test_there_are_six_months_and_184_nights() -> None:
    assert len(list((FLIGHTS / "train").iterdir())) == 6
    assert len(nights()) == 184
    assert sum(map(len, nights().values())) == 34_021
    assert {len(night) for night in nights().values()} <= set(range(121, 223))


def test_the_folder_is_small_enough_to_copy() -> None:
    files = [path for path in FLIGHTS.rglob("*") if path.is_file()]
    files = [path for path in files if not MADE_BY_RUNS & set(path.relative_to(FLIGHTS).parts)]
    assert sum(path.stat().st_size for path in files if path.suffix == ".parquet") < 3_000_000
    assert sum(path.stat().st_size for path in files) < 3 * 2**20


def test_every_training_and_scoring_row_has_a_label_and_no_other_has() -> None:
    rows = [*pq.read_table(FLIGHTS / "train", columns=["row_id"]).column(0).to_pylist()]
    rows += [row for night in nights().values() for row in night["row_id"].tolist()]
    labels = pq.read_table(FLIGHTS / "labels", columns=["row_id"]).column(0).to_pylist()
    assert len(set(rows)) == len(rows)
    assert sorted(rows) == sorted(labels)


# ---------------------------------------------------------------------------------------------------- contract and jobs


def test_the_contract_has_every_column_of_every_file_with_its_type() -> None:
    contract = read_contract(FLIGHTS / "schema.yaml")
    arrow = {"float": "float32"}
    for file in FLIGHTS.glob("*/flight_*/*.parquet"):
        schema = pq.read_schema(file)
        types = {field.name: arrow.get(str(field.type), str(field.type)) for field in schema}
        wanted = {column.name: column.type for column in contract if column.role != "partition"}
        assert types == wanted, file


def test_a_column_may_be_null_exactly_where_some_row_is() -> None:
    contract = read_contract(FLIGHTS / "schema.yaml")
    everything = pd.concat([pq.read_table(FLIGHTS / "train").to_pandas(), *nights().values()])
    nulls = {name for name in contract.names() if name != "flight_date" and everything[name].isna().any()}
    assert {column.name for column in contract if column.nullable} == nulls


@pytest.mark.parametrize("name", JOBS)
def test_everything_that_a_job_names_is_there(name: str) -> None:
    job, card = job_and_card(name)
    contract = read_contract(FLIGHTS / job.input.contract)
    assert set(job.output.columns) | set(job.drift.critical) <= set(contract.names())
    assert (FLIGHTS / job.models[0].path).stat().st_size == card.artefact.bytes
    assert (FLIGHTS / str(job.checks.suite)).is_file()
    assert (FLIGHTS / str(job.drift.training)).is_dir()


def test_the_two_jobs_write_to_different_folders() -> None:
    first, second = (read_job(FLIGHTS / name).output for name in JOBS)
    assert {first.path, first.runs}.isdisjoint({second.path, second.runs})


# ----------------------------------------------------------------------------------------------------------- the models


@pytest.mark.parametrize("name", JOBS)
def test_the_committed_model_is_the_one_of_its_card(name: str) -> None:
    job, card = job_and_card(name)
    assert load_model(job.models[0], FLIGHTS, threads=1).notes == ()
    assert len(card.probe.rows) == 20
    assert any(None in row.values() for row in card.probe.rows)


def test_no_feature_is_a_name_or_the_answer() -> None:
    for name in JOBS:
        features = {item.name for item in job_and_card(name)[1].features}
        assert features.isdisjoint({"row_id", "flight", "tailnum", "flight_date", "arr_delay"})


def prepared_by_pandas(rows: Night, card: ModelCard) -> pd.DataFrame:
    """The features of the XGBoost model, written down a third time: neither train.py's code nor the chain's."""
    frame = pd.DataFrame(index=rows.index)
    for item in card.features:
        column = rows["sched_dep_time" if item.name == "dep_period" else item.name]
        frame[item.name] = (
            pd.Categorical(column.where(column.isin(item.categories)), categories=item.categories)
            if item.categories
            else column.astype("float64")
        )
    frame["wind_gust"] = frame["wind_gust"].fillna(0)
    frame["wind_speed"] = frame["wind_speed"].clip(0, 60)
    frame["dep_period"] = sum((frame["dep_period"] >= edge).astype("float64") for edge in range(900, 2101, 300)) + (
        frame["dep_period"] >= 600
    )
    return frame


def test_the_xgboost_model_ranks_the_half_year_as_its_card_says() -> None:
    import xgboost
    from sklearn.metrics import roc_auc_score

    card = job_and_card("job.yaml")[1]
    rows = pd.concat(nights().values())
    rows = rows[rows["row_id"].isin(late_flights().index)]
    booster = xgboost.Booster(model_file=FLIGHTS / "model" / "late.ubj")
    scores = booster.predict(xgboost.DMatrix(prepared_by_pandas(rows, card), enable_categorical=True))
    found = roc_auc_score(late_flights().loc[rows["row_id"]], scores)
    assert found >= 0.71
    assert found == pytest.approx(card.metrics["auc_2013_07_to_12"], abs=1e-4)


def test_the_job_makes_the_features_that_the_model_was_trained_on() -> None:
    import xgboost

    job, card = job_and_card("job.yaml")
    chain = Chain.compile(job.features, read_contract(FLIGHTS / "schema.yaml"), card)
    model = load_model(job.models[0], FLIGHTS, threads=1)
    booster = xgboost.Booster(model_file=FLIGHTS / "model" / "late.ubj")
    for file in sorted(FLIGHTS.glob("input/*/*.parquet"))[::40]:
        prepared = chain.apply(pq.read_table(file).combine_chunks().to_batches()[0])
        assert prepared.breaches == ()
        scores = model.adapter.raw_scores(model.adapter.inputs(prepared.features))
        frame = prepared_by_pandas(pq.read_table(file, partitioning=None).to_pandas(), card)
        assert np.array_equal(scores, booster.predict(xgboost.DMatrix(frame, enable_categorical=True)))


@pytest.mark.slow
def test_training_again_gives_the_same_bytes(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(FLIGHTS.parents[1])}
    command = [sys.executable, str(FLIGHTS / "train.py"), "--out", str(tmp_path)]
    subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)
    for name in ("late.ubj", "late.card.json", "late_sklearn.joblib", "late_sklearn.card.json"):
        assert (tmp_path / name).read_bytes() == (FLIGHTS / "model" / name).read_bytes(), name


# ------------------------------------------------------------------------------------------------------------ documents


def test_the_readme_describes_every_column() -> None:
    readme = (FLIGHTS / "README.md").read_text(encoding="utf-8")
    described = set(re.findall(r"^\| `(\w+)` \|", readme, flags=re.MULTILINE))
    assert set(read_contract(FLIGHTS / "schema.yaml").names()) <= described
