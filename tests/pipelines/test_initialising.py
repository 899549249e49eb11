"""`nightscore init` on models and tables that it was not written for."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xgboost
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from pipelines import initialising, training_data
from pipelines.checking import check_job
from pipelines.command_line import app
from pipelines.initialising import InitOptions, init_job
from pipelines.loading import load_job
from pipelines.running import RunOptions, run_dates
from schemas.card import read_card
from schemas.contract import read_contract
from schemas.errors import ConfigError, ModelError

DATE = "2026-01-31"


@dataclass(frozen=True)
class Sample:
    """A table with a key and a label, a model trained on three rows of four, and what it says of the fourth."""

    frame: pd.DataFrame
    key: str
    label: str
    #: Writes the model's file; gives the scores of rows by output column.
    save: Callable[[Path], None]
    score: Callable[[pd.DataFrame], dict[str, Any]]
    file: str
    #: Largest absolute difference to the model's own scores.
    tolerance: float = 0.0

    @property
    def is_held_out(self) -> np.ndarray:
        return np.arange(len(self.frame)) % 4 == 3

    @property
    def training(self) -> pd.DataFrame:
        return self.frame[~self.is_held_out]

    @property
    def night(self) -> pd.DataFrame:
        return self.frame[self.is_held_out].drop(columns=self.label)


def labelled(bunch: Any, key: str, label: str) -> pd.DataFrame:
    frame = bunch.frame.rename(columns={"target": label})
    frame.insert(0, key, [f"{key}-{number:04d}" for number in range(len(frame))])
    # The classes of these tables come in blocks.
    return frame.sample(frac=1.0, random_state=13, ignore_index=True)


def boosted(frame: pd.DataFrame, label: str, features: Sequence[str], **params: Any) -> xgboost.Booster:
    rows = frame[np.arange(len(frame)) % 4 != 3]
    data = xgboost.DMatrix(coded(rows[list(features)]), rows[label], enable_categorical=True)
    return xgboost.train({"seed": 13, "nthread": 1, "max_depth": 3, **params}, data, 12)


def coded(rows: pd.DataFrame) -> pd.DataFrame | pa.Table:
    """As xgboost takes it. It cannot store the categories of a pandas frame where one has a letter such as `é`."""
    table = pa.Table.from_pandas(rows, preserve_index=False)
    texts = [name for name in rows if pa.types.is_string(table.schema.field(name).type)]
    for name in texts:
        place = table.column_names.index(name)
        table = table.set_column(place, name, table.column(name).combine_chunks().dictionary_encode())
    return table if texts else rows


@cache
def wine() -> Sample:
    """Three classes; UBJ."""
    features = load_wine().feature_names
    frame = labelled(load_wine(as_frame=True), "bottle", "cultivar")
    booster = boosted(frame, "cultivar", features, objective="multi:softprob", num_class=3)

    def score(rows: pd.DataFrame) -> dict[str, Any]:
        scores = booster.predict(xgboost.DMatrix(rows[features]))
        names = {f"wine_probability_{place}": scores[:, place] for place in range(3)}
        return names | {"wine_label": scores.argmax(axis=1)}

    return Sample(frame, "bottle", "cultivar", booster.save_model, score, "wine.ubj")


@cache
def tumours() -> Sample:
    """Two classes, and names with spaces; JSON."""
    features = [str(name) for name in load_breast_cancer().feature_names]
    frame = labelled(load_breast_cancer(as_frame=True), "patient_id", "benign")
    booster = boosted(frame, "benign", features, objective="binary:logistic")

    def score(rows: pd.DataFrame) -> dict[str, Any]:
        scores = booster.predict(xgboost.DMatrix(rows[features]))
        return {"tumours_v2_probability": scores, "tumours_v2_label": (scores >= 0.5).astype(np.int64)}

    return Sample(frame, "patient_id", "benign", booster.save_model, score, "tumours-v2.json")


@cache
def diabetes() -> Sample:
    """A regression."""
    features = load_diabetes().feature_names
    frame = labelled(load_diabetes(as_frame=True), "patient", "progression")
    booster = boosted(frame, "progression", features)

    def score(rows: pd.DataFrame) -> dict[str, Any]:
        return {"diabetes_value": booster.predict(xgboost.DMatrix(rows[features]))}

    return Sample(frame, "patient", "progression", booster.save_model, score, "diabetes.ubj")


def with_texts(frame: pd.DataFrame) -> pd.DataFrame:
    """The colour of the wine in words, missing in every ninth row, and how strong it is."""
    colour = pd.cut(frame["color_intensity"], [0, 3, 5, 6.5, 100], labels=["pale", "rosé", "red", "deep: red"])
    strength = np.where(frame["alcohol"] > 13, "strong", "light")
    texts = frame.assign(colour=colour.astype(object), strength=strength).drop(columns=["color_intensity", "alcohol"])
    texts.loc[texts.index % 9 == 5, "colour"] = np.nan
    return texts


TEXTS = ["colour", "strength"]


@cache
def wine_in_words() -> Sample:
    """A scikit-learn Pipeline that prepares text and numbers itself."""
    frame = with_texts(labelled(load_wine(as_frame=True), "bottle", "cultivar"))
    frame["cultivar"] = frame["cultivar"].map({0: "barolo", 1: "grignolino", 2: "barbera"})
    features = [name for name in frame.columns if name not in ("bottle", "cultivar")]
    numbers = make_pipeline(SimpleImputer(), StandardScaler())
    words = OneHotEncoder(handle_unknown="ignore")
    columns = make_column_transformer((words, TEXTS), (numbers, [name for name in features if name not in TEXTS]))
    rows = frame[np.arange(len(frame)) % 4 != 3]
    pipeline = make_pipeline(columns, LogisticRegression()).fit(objects(rows[features]), rows["cultivar"])

    def score(rows: pd.DataFrame) -> dict[str, Any]:
        scores = pipeline.predict_proba(objects(rows[features]))
        names = {f"cellar_probability_{name}": scores[:, place] for place, name in enumerate(pipeline.classes_)}
        return names | {"cellar_label": pipeline.predict(objects(rows[features]))}

    def save(path: Path) -> None:
        joblib.dump(pipeline, path)

    return Sample(frame, "bottle", "cultivar", save, score, "cellar.joblib", tolerance=1e-12)


def objects(frame: pd.DataFrame) -> pd.DataFrame:
    """Text as scikit-learn models get it: objects, NaN where missing."""
    return frame.astype({name: object for name in TEXTS})


@cache
def wine_by_category() -> Sample:
    """XGBoost on text that it stores the categories of."""
    frame = with_texts(labelled(load_wine(as_frame=True), "bottle", "cultivar"))
    features = [name for name in frame.columns if name not in ("bottle", "cultivar")]
    settings = {"objective": "multi:softprob", "num_class": 3, "max_cat_to_onehot": 1}
    booster = boosted(frame, "cultivar", features, **settings)

    def score(rows: pd.DataFrame) -> dict[str, Any]:
        scores = booster.predict(xgboost.DMatrix(coded(rows[features]), enable_categorical=True))
        names = {f"model_2026_probability_{place}": scores[:, place] for place in range(3)}
        return names | {"model_2026_label": scores.argmax(axis=1)}

    return Sample(frame, "bottle", "cultivar", booster.save_model, score, "2026.ubj")


SAMPLES = [wine, tumours, diabetes, wine_in_words, wine_by_category]


def options_for(sample: Sample, base: Path, **changes: Any) -> InitOptions:
    """The files of a sample below `base`: the model, and train/ with two files."""
    model, train = base / sample.file, base / "train"
    sample.save(model)
    train.mkdir(exist_ok=True)
    rows = sample.training
    for number, part in enumerate((rows[:50], rows[50:])):
        pq.write_table(pa.Table.from_pandas(part, preserve_index=False), train / f"part-{number}.parquet")
    made = InitOptions(model, (train,), (sample.key,), (sample.label,), allow_pickle=sample.file.endswith("joblib"))
    return replace(made, **changes)


def put_night(job: Path, rows: pd.DataFrame) -> None:
    folder = job / "input" / f"run_date={DATE}"
    folder.mkdir(parents=True)
    pq.write_table(pa.Table.from_pandas(rows, preserve_index=False), folder / "night.parquet")


def notes_of(text: str) -> list[str]:
    return [line.removeprefix("note").strip() for line in text.splitlines() if line.startswith("note")]


# ---------------------------------------------------------------------------------------------------------- from a model


@pytest.mark.parametrize("make", SAMPLES)
def test_a_night_of_held_out_rows_gets_the_model_s_own_scores(make: Callable[[], Sample], tmp_path: Path) -> None:
    sample = make()
    job = tmp_path / "jobs" / "cellar"
    init_job(job, options_for(sample, tmp_path))
    put_night(job, sample.night)
    assert run_dates(job, DATE, DATE, RunOptions(quiet=True)) == 0
    scored = pq.read_table(job / "scored").to_pandas()
    wanted = sample.score(sample.night)
    assert set(scored) == {sample.key, "run_date", *wanted}
    assert scored[sample.key].tolist() == sample.night[sample.key].tolist()
    for name, values in wanted.items():
        if name.endswith("_label"):
            assert scored[name].tolist() == list(values)
        else:
            assert np.abs(scored[name].to_numpy() - values).max() <= sample.tolerance


@pytest.mark.parametrize("make", SAMPLES)
def test_the_new_job_passes_its_own_check(make: Callable[[], Sample], tmp_path: Path) -> None:
    init_job(tmp_path / "job", options_for(make(), tmp_path))
    check_job(tmp_path / "job", show_config=False, with_gx=False)
    loaded = load_job(tmp_path / "job")
    assert not isinstance(loaded.reference, str)
    assert loaded.reference.rows == len(make().training)


def test_great_expectations_itself_loads_the_suggested_suite(tmp_path: Path) -> None:
    init_job(tmp_path / "job", options_for(wine_in_words(), tmp_path))
    check_job(tmp_path / "job", show_config=False, with_gx=True)


def test_the_same_command_gives_the_same_bytes(tmp_path: Path) -> None:
    options = options_for(wine_in_words(), tmp_path)
    for parent in ("a", "b"):
        init_job(tmp_path / parent / "job", options)
    names = sorted(path.relative_to(tmp_path / "a") for path in (tmp_path / "a").rglob("*") if path.is_file())
    assert len(names) == 7
    for name in names:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_a_pickle_is_allowed_and_pinned_in_job_yaml(tmp_path: Path) -> None:
    init_job(tmp_path / "job", options_for(wine_in_words(), tmp_path))
    entry = load_job(tmp_path / "job").job.models[0]
    card = read_card(tmp_path / "job" / entry.card)
    assert (entry.allow_pickle, entry.sha256) == (True, card.artefact.sha256)


def test_unknown_categories_are_set_aside_until_the_owner_says_otherwise(tmp_path: Path) -> None:
    init_job(tmp_path / "job", options_for(wine_in_words(), tmp_path))
    features = load_job(tmp_path / "job").job.features
    assert {name: feature.unknown for name, feature in features.items()} == dict.fromkeys(TEXTS, "quarantine")


def test_keys_come_first_then_features_in_the_model_s_order_then_the_rest(tmp_path: Path) -> None:
    options = options_for(wine_by_category(), tmp_path, labels=())
    init_job(tmp_path / "job", options)
    contract = read_contract(tmp_path / "job" / "schema.yaml")
    card = read_card(tmp_path / "job" / "model" / "model_2026.card.json")
    assert contract.names("key") == ("bottle",)
    assert contract.names("feature") == tuple(item.name for item in card.features)
    assert contract.names("passthrough") == ("cultivar",)
    assert [column.nullable for column in contract] == [False, *[True] * 14]
