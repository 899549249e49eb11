"""Scores against the libraries' own way: Booster.predict on a pandas frame, a pipeline on the frame that it knows.

For xgboost the largest absolute difference is exactly 0. For scikit-learn it is 0 against the same batches, and at most
1e-12 against the whole frame, since BLAS adds in another order for other shapes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import xgboost as xgb
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from schemas.card import write_card
from schemas.contract import Column, TableContract
from schemas.job import ModelEntry
from transforms.card_writing import About, card_for
from transforms.chain import Chain
from transforms.model_facts import inspect_model
from transforms.models import LoadedModel, load_model
from transforms.predict import predict

ROWS = 2_000
OUTPUTS = {
    "binary": {"probability": "s"},
    "regression": {"value": "s"},
    "multiclass": {"probabilities": "s{class}"},
}
TYPES = {"x": "float64", "f": "float32", "n": "int32", "b": "bool", "c": "string", "d": "string", "k": "int16"}


def frame_of(seed: int) -> pd.DataFrame:
    """Numbers of several types, booleans, categories of text and of numbers; gaps in all that can have them."""
    rng = np.random.default_rng(seed)
    words = [f"w{i}" for i in range(40)]
    rng.shuffle(words)
    frame = pd.DataFrame(
        {
            "x": rng.normal(size=ROWS) * 10.0 ** rng.integers(-6, 6, ROWS),
            "f": rng.normal(size=ROWS).astype(np.float32),
            "n": pd.array(rng.integers(-(2**30), 2**30, ROWS), dtype="Int32"),
            "b": rng.random(ROWS) < 0.5,
            "c": pd.Categorical(rng.choice(["w", "u", "v"], ROWS), categories=["w", "u", "v"]),
            "d": pd.Categorical(rng.choice(words, ROWS), categories=words),
            "k": pd.Categorical(rng.choice([3, 1, 20], ROWS), categories=[3, 1, 20]),
        }
    )
    for name in ("x", "f", "n", "c", "d", "k"):
        frame.loc[rng.random(ROWS) < 0.1, name] = pd.NA if name == "n" else np.nan
    return frame


def column_of(frame: pd.DataFrame, name: str) -> pa.Array:
    """The column as it is conformed; text by a dictionary in the order in which its words come in the file."""
    if name == "k":
        return pa.array(frame[name].astype("Int16"))
    if name in ("c", "d"):
        return pa.array(frame[name].astype(object), from_pandas=True).dictionary_encode()
    return pa.array(frame[name], from_pandas=True)


def rows_of(frame: pd.DataFrame) -> pa.Table:
    return pa.table({name: column_of(frame, name) for name in frame.columns})


def target(frame: pd.DataFrame, seed: int) -> Any:
    rng = np.random.default_rng(seed + 1)
    noise = rng.normal(size=ROWS)
    signal = frame["f"].fillna(0) + (frame["c"] == "u") * 1.5 - frame["b"] + (frame["d"].cat.codes % 3) + noise
    return signal.to_numpy(np.float64)


def load(folder: Path, path: Path, rows: pa.Table, threads: int = 1) -> LoadedModel:
    facts = inspect_model(path, rows, allow_pickle=True)
    card = card_for(path, facts, rows, About("m"))
    write_card(card, folder / "card.json")
    entry = {"name": "m", "path": path.name, "card": "card.json", "output": OUTPUTS[facts.task], "allow_pickle": True}
    return load_model(ModelEntry.model_validate(entry | {"sha256": card.artefact.sha256}), folder, threads)


def scores_of(model: LoadedModel, rows: pa.Table, size: int) -> Any:
    """Conformed rows through the chain and the model, in batches of that size: shape (rows, outputs)."""
    contract = TableContract(columns=tuple(Column(name=name, type=TYPES[name]) for name in rows.column_names))
    chain = Chain.compile({}, contract, model.card)
    parts = []
    for batch in rows.combine_chunks().to_batches(max_chunksize=size):
        prepared = chain.apply(batch)
        result = predict(model, prepared.features)
        assert (prepared.breaches, result.breaches) == ((), ())
        parts.append(np.column_stack([column.to_numpy() for column in result.scores.columns]))
    return np.concatenate(parts)


OBJECTIVES = [
    ("binary:logistic", {"max_depth": 6}),
    ("binary:logistic", {"max_depth": 8, "max_cat_to_onehot": 100, "subsample": 0.7}),
    ("binary:logistic", {"grow_policy": "lossguide", "max_leaves": 40, "max_depth": 0}),
    ("binary:logistic", {"booster": "dart", "rate_drop": 0.2}),
    ("binary:logistic", {"num_parallel_tree": 3, "colsample_bynode": 0.5}),
    ("reg:squarederror", {"max_depth": 6}),
    ("reg:tweedie", {"max_depth": 4}),
    ("count:poisson", {"max_depth": 4}),
    ("rank:pairwise", {"max_depth": 4}),
    ("multi:softprob", {"num_class": 4, "max_depth": 4}),
]


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize(("objective", "params"), OBJECTIVES)
def test_xgboost_scores_are_those_of_booster_predict_on_pandas(
    tmp_path: Path, objective: str, params: dict[str, Any], seed: int
) -> None:
    frame = frame_of(seed)
    signal = target(frame, seed)
    labels = {"b": signal > 0.5, "m": np.digitize(signal, [-1, 0.5, 1.5])}.get(objective[0], np.abs(signal))
    matrix = xgb.DMatrix(frame, labels, enable_categorical=True)
    booster = xgb.train({"objective": objective, "seed": seed, "nthread": 1, **params}, matrix, 12)
    booster.save_model(tmp_path / "m.ubj")
    expected = booster.predict(xgb.DMatrix(frame, enable_categorical=True)).reshape(ROWS, -1)
    assert len(np.unique(expected)) > 50
    model = load(tmp_path, tmp_path / "m.ubj", rows_of(frame))
    for size, count in ((ROWS, ROWS), (1_024, ROWS), (7, 210)):
        scores = scores_of(model, rows_of(frame).slice(0, count), size)
        assert scores.dtype == np.float32
        assert np.abs(scores - expected[:count]).max() == 0.0


@pytest.mark.parametrize("booster", ["gbtree", "dart", "gblinear"])
def test_a_booster_of_numbers_without_names_scores_the_same(tmp_path: Path, booster: str) -> None:
    frame = frame_of(4)[["x", "f", "b"]].fillna(0.0)
    model = xgb.train(
        {"objective": "binary:logistic", "booster": booster}, xgb.DMatrix(frame.to_numpy(float), frame.b), 5
    )
    model.save_model(tmp_path / "m.json")
    rows = pa.table({name: pa.array(frame[name]) for name in frame})
    expected = model.predict(xgb.DMatrix(frame.to_numpy(float)))
    loaded = load(tmp_path, tmp_path / "m.json", rows)
    assert np.abs(scores_of(loaded, rows, 1_000)[:, 0] - expected).max() == 0.0


def test_scores_of_xgboost_do_not_depend_on_threads(tmp_path: Path) -> None:
    frame = frame_of(5)
    booster = xgb.train(
        {"objective": "binary:logistic"}, xgb.DMatrix(frame, target(frame, 5) > 0.5, enable_categorical=True), 20
    )
    booster.save_model(tmp_path / "m.ubj")
    model = load(tmp_path, tmp_path / "m.ubj", rows_of(frame), threads=1)
    one = scores_of(model, rows_of(frame), ROWS)
    model.set_threads(2)
    np.testing.assert_array_equal(scores_of(model, rows_of(frame), ROWS), one)


def pipelines() -> list[Any]:
    numbers, words = ["x", "f", "n", "b"], ["c", "d"]

    def prepared(final: Any) -> Any:
        return make_pipeline(
            make_column_transformer(
                (make_pipeline(SimpleImputer(), StandardScaler()), numbers),
                (OneHotEncoder(handle_unknown="ignore"), words),
            ),
            final,
        )

    return [
        pytest.param(prepared(LogisticRegression(max_iter=500)), "binary", id="logistic"),
        pytest.param(prepared(LogisticRegression(max_iter=500)), "multiclass", id="multinomial"),
        pytest.param(prepared(RandomForestClassifier(20, random_state=1, n_jobs=2)), "binary", id="forest"),
        pytest.param(
            make_pipeline(
                make_column_transformer((OneHotEncoder(sparse_output=False), words), remainder="passthrough"),
                HistGradientBoostingRegressor(max_iter=20),
            ),
            "regression",
            id="histograms",
        ),
    ]


@pytest.mark.parametrize(("pipeline", "task"), pipelines())
def test_pipelines_score_raw_columns_as_they_do_on_the_frame_of_their_training(
    tmp_path: Path, pipeline: Any, task: str
) -> None:
    """The frame is the one that Arrow gives: text with NaN for null, integers with nulls as float64."""
    raw = frame_of(6).drop(columns="k")
    rows = rows_of(raw)
    plain = [pa.field(f.name, pa.string() if f.name in "cd" else f.type) for f in rows.schema]
    frame = rows.cast(pa.schema(plain)).to_pandas()
    signal = target(raw, 6)
    labels = {"binary": signal > 0.5, "multiclass": np.digitize(signal, [0, 1]), "regression": signal}[task]
    pipeline.fit(frame, labels)
    joblib.dump(pipeline, tmp_path / "m.joblib")
    model = load(tmp_path, tmp_path / "m.joblib", rows)
    whole = expected_of(pipeline, frame, task)
    for size, count in ((ROWS, ROWS), (1_000, ROWS), (7, 70)):
        scores = scores_of(model, rows.slice(0, count), size)
        batches = [
            expected_of(pipeline, frame[start : min(start + size, count)], task) for start in range(0, count, size)
        ]
        assert np.abs(scores - np.concatenate(batches)).max() == 0.0
        assert np.abs(scores - whole[:count]).max() <= 1e-12


def expected_of(pipeline: Any, frame: pd.DataFrame, task: str) -> Any:
    if task == "regression":
        return pipeline.predict(frame)[:, None]
    scores = pipeline.predict_proba(frame)
    return scores[:, 1:] if task == "binary" else scores
