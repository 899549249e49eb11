"""Trains the two models of this folder and writes them with their cards to model/.

    python sample_data/flights/train.py

The same bytes every time: fixed seeds, one thread, and no clock. Rounds and sizes were chosen by the months held out of
the training data, never by the nights that are scored.
"""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
from collections.abc import Callable
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import xgboost
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, SplineTransformer
from threadpoolctl import threadpool_limits

from schemas.card import write_card
from transforms.card_writing import About, card_for
from transforms.model_facts import inspect_model

HERE = Path(__file__).resolve().parent
#: The minutes from which the US Department of Transportation calls a flight late.
LATE_MINUTES = 15

CATEGORIES = ["carrier", "origin", "dest", "manufacturer", "engine"]
FLIGHT = ["sched_dep_time", "sched_arr_time", "distance"]
AIRCRAFT = ["plane_year", "engines", "seats"]
WEATHER = ["temp", "dewp", "humid", "wind_dir", "wind_speed", "wind_gust", "precip", "pressure", "visib"]
NUMBERS = FLIGHT + AIRCRAFT + WEATHER

#: Hours that begin a new part of the day, as hhmm; job.yaml has the same ones.
DEP_PERIODS = [600, 900, 1200, 1500, 1800, 2100]
ROUNDS = 80
XGBOOST = {
    "objective": "binary:logistic",
    "tree_method": "hist",
    "max_depth": 4,
    "eta": 0.12,
    "subsample": 0.8,
    "colsample_bytree": 0.5,
    "min_child_weight": 50,
    "max_cat_threshold": 4,
    "lambda": 10,
    "seed": 13,
    "nthread": 1,
    # Worse weather never makes a flight more punctual. Saying so is worth 0.004 AUC on the months held out.
    "monotone_constraints": {"humid": 1, "wind_speed": 1, "wind_gust": 1, "precip": 1, "pressure": -1, "visib": -1},
}

#: A fitted model: features in, probabilities out.
Scorer = Callable[[pd.DataFrame], np.ndarray]


def read_flights(folder: str) -> pd.DataFrame:
    """The flights of a folder that did arrive, with `late` and the column that the folders' names hold."""
    flights = pq.read_table(HERE / folder).to_pandas()
    outcome = pq.read_table(HERE / "labels", columns=["row_id", "arr_delay"]).to_pandas()
    joined = flights.merge(outcome, on="row_id", validate="one_to_one").dropna(subset="arr_delay")
    joined["late"] = joined["arr_delay"] >= LATE_MINUTES
    rows: pd.DataFrame = joined.sort_values("row_id", ignore_index=True)
    return rows


def prepare(flights: pd.DataFrame, categories: dict[str, list[str]]) -> pd.DataFrame:
    """The features of the XGBoost model: what the `features` of job.yaml make of the same rows."""
    features = flights[NUMBERS].astype("float64")
    features["wind_speed"] = features["wind_speed"].clip(0, 60)
    features["wind_gust"] = features["wind_gust"].fillna(0.0)
    features["dep_period"] = np.searchsorted(DEP_PERIODS, features["sched_dep_time"], side="right").astype("float64")
    for name, known in categories.items():
        codes = pd.Index(known).get_indexer(pd.Index(flights[name]))  # -1, which is missing, for what is not known
        features[name] = pd.Categorical.from_codes(codes, pd.Index(known))
    return features


def raw_features(flights: pd.DataFrame) -> pd.DataFrame:
    """The features of the scikit-learn model: the columns as they are, which the pipeline prepares itself."""
    texts = {name: flights[name].astype(object).where(flights[name].notna(), np.nan) for name in CATEGORIES}
    return pd.concat([flights[NUMBERS].astype("float64"), pd.DataFrame(texts)], axis="columns")


def fit_xgboost(features: pd.DataFrame, late: pd.Series) -> xgboost.Booster:
    """The booster, of ROUNDS trees."""
    return xgboost.train(XGBOOST, xgboost.DMatrix(features, late, enable_categorical=True), ROUNDS)


def xgboost_scorer(booster: xgboost.Booster) -> Scorer:
    """The booster's probabilities."""
    return lambda features: booster.predict(xgboost.DMatrix(features, enable_categorical=True))


def fit_pipeline(features: pd.DataFrame, late: pd.Series) -> Pipeline:
    """Splines of the numbers and one-hot categories into a logistic regression."""
    numbers = make_pipeline(SimpleImputer(strategy="median"), SplineTransformer(n_knots=5, degree=2))
    # A category that was rare or is new counts as one of the rare ones.
    texts = OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=20)
    columns = make_column_transformer((numbers, NUMBERS), (texts, CATEGORIES))
    pipeline: Pipeline = make_pipeline(columns, LogisticRegression(C=0.1, solver="newton-cholesky"))
    return pipeline.fit(features, late)


def pipeline_scorer(pipeline: Pipeline) -> Scorer:
    """The pipeline's probabilities."""
    return lambda features: pipeline.predict_proba(features)[:, 1]


def auc(score: Scorer, features: pd.DataFrame, late: pd.Series) -> float:
    """Area under the ROC curve: the chance that a late flight has a higher score than a punctual one."""
    return float(roc_auc_score(late, score(features)))


def held_out_auc(
    fit: Callable[[pd.DataFrame, pd.Series], Scorer], train: pd.DataFrame, features: pd.DataFrame
) -> dict[str, float]:
    """The AUC on each month by a model of the other five: their mean, and that of June."""
    months = train["flight_month"].astype(str)
    by_month = {}
    for month in sorted(months.unique()):
        out = months == month
        score = fit(features[~out], train.loc[~out, "late"])
        by_month[month] = auc(score, features[out], train.loc[out, "late"])
    return {"auc_month_held_out": float(np.mean(list(by_month.values()))), "auc_june_held_out": by_month["2013-06"]}


def save(path: Path, features: pd.DataFrame, metrics: dict[str, float]) -> None:
    """Write the card of the artefact beside it, and print what it says."""
    rows = pa.Table.from_pandas(features, preserve_index=False)
    facts = inspect_model(path, rows, allow_pickle=True)
    facts = dataclasses.replace(facts, classes=(False, True))
    about = About(
        name=path.stem,
        metrics={name: round(value, 4) for name, value in metrics.items()},
        training={
            "task": f"P(arr_delay >= {LATE_MINUTES} minutes)",
            "rows": len(features),
            "period": "2013-01 to 2013-06",
            "data_sha256": data_digest(),
        },
    )
    card = card_for(path, facts, rows, about)
    write_card(card, path.with_suffix(".card.json"))
    print(path.name, card.artefact.sha256, f"{card.artefact.bytes:,} bytes", card.metrics)


def data_digest() -> str:
    """One sha256 for the files of train/ and labels/."""
    files = sorted([*HERE.glob("train/*/*.parquet"), *HERE.glob("labels/*.parquet")])
    return hashlib.sha256(b"".join(hashlib.sha256(file.read_bytes()).digest() for file in files)).hexdigest()


def train_xgboost(train: pd.DataFrame, later: pd.DataFrame, out: Path) -> None:
    """late.ubj and its card."""
    categories = {name: sorted(train[name].dropna().unique()) for name in CATEGORIES}
    features = prepare(train, categories)
    booster = fit_xgboost(features, train["late"])
    metrics = held_out_auc(lambda *rows: xgboost_scorer(fit_xgboost(*rows)), train, features)
    metrics["auc_2013_07_to_12"] = auc(xgboost_scorer(booster), prepare(later, categories), later["late"])
    booster.save_model(out / "late.ubj")
    save(out / "late.ubj", features, metrics)


def train_sklearn(train: pd.DataFrame, later: pd.DataFrame, out: Path) -> None:
    """late_sklearn.joblib and its card."""
    features = raw_features(train)
    pipeline = fit_pipeline(features, train["late"])
    metrics = held_out_auc(lambda *rows: pipeline_scorer(fit_pipeline(*rows)), train, features)
    metrics["auc_2013_07_to_12"] = auc(pipeline_scorer(pipeline), raw_features(later), later["late"])
    joblib.dump(pipeline, out / "late_sklearn.joblib", compress=3)
    save(out / "late_sklearn.joblib", features, metrics)


def main() -> None:
    """Train both."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=HERE / "model", help="folder for artefacts and cards")
    out = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    train, later = read_flights("train"), read_flights("input")
    print(f"{len(train):,} flights to learn from, {train['late'].mean():.1%} late; {len(later):,} later ones")
    with threadpool_limits(1):  # sums of several threads differ in the last digit
        train_xgboost(train, later, out)
        train_sklearn(train, later, out)


if __name__ == "__main__":
    main()
