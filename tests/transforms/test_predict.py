"""One score for each row, or a reason why not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import xgboost as xgb
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LinearRegression, LogisticRegression

from schemas.card import write_card
from schemas.contract import Column, TableContract
from schemas.errors import ModelError
from schemas.job import Feature, ModelEntry
from transforms.card_writing import About, card_for
from transforms.chain import Chain
from transforms.model_facts import inspect_model
from transforms.models import LoadedModel, load_model
from transforms.predict import predict


class Poisoned(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """A classifier that raises for a batch with a row of 666 in it, and counts its calls."""

    def __init__(self, poison: float = 666.0) -> None:
        self.poison = poison

    def fit(self, frame: pd.DataFrame, labels: Any) -> Poisoned:
        assert len(labels) == len(frame)
        self.feature_names_in_ = np.asarray(frame.columns, dtype=object)
        self.classes_ = np.array([0, 1])
        self.calls_ = 0
        return self

    def predict_proba(self, frame: pd.DataFrame) -> Any:
        self.calls_ += 1
        values = frame["x"].to_numpy()
        if (values == self.poison).any():
            message = "cannot digest 666"
            raise ValueError(message)
        chance = 1 / (1 + np.exp(-values))
        return np.column_stack([1 - chance, chance])


def load(folder: Path, model: Any, rows: pa.Table, **entry: Any) -> LoadedModel:
    """Save the model with a card, and load it as a job would."""
    path = folder / ("model.ubj" if isinstance(model, xgb.Booster) else "model.joblib")
    if isinstance(model, xgb.Booster):
        model.save_model(path)
    else:
        joblib.dump(model, path)
    card = card_for(path, inspect_model(path, rows, allow_pickle=True), rows, About("m"))
    write_card(card, folder / "card.json")
    settings = {
        "name": "m",
        "path": path.name,
        "card": "card.json",
        "output": {"probability": "p"},
        "allow_pickle": True,
    }
    settings |= {"sha256": card.artefact.sha256} | entry
    return load_model(ModelEntry.model_validate(settings), folder, threads=1)


def rows_of(**columns: Any) -> pa.Table:
    return pa.table({name: pa.array(values) for name, values in columns.items()})


def batch(table: pa.Table) -> pa.RecordBatch:
    return table.combine_chunks().to_batches()[0]


def training(count: int = 500) -> tuple[pa.Table, Any]:
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=count), rng.normal(size=count)
    return rows_of(x=x, y=y), (x + y > 0).astype(int)


@pytest.fixture(params=["xgboost", "sklearn"])
def classifier(request: pytest.FixtureRequest) -> Any:
    table, labels = training()
    if request.param == "sklearn":
        return LogisticRegression().fit(table.to_pandas(), labels)
    return xgb.train({"objective": "binary:logistic", "max_depth": 3}, xgb.DMatrix(table.to_pandas(), labels), 10)


# ------------------------------------------------------------------------------------------ C16: one bad row in a batch


@pytest.mark.parametrize("policy", ["quarantine", "fail"])
def test_one_infinite_row_of_10_000_is_set_aside_and_all_others_are_scored(
    classifier: Any, tmp_path: Path, policy: str
) -> None:
    """scikit-learn raises for the batch; xgboost takes inf in place and refuses it in a DMatrix: one rule for both."""
    model = load(tmp_path, classifier, training()[0], on_row_error=policy)
    rng = np.random.default_rng(1)
    x = rng.normal(size=10_000)
    good = batch(rows_of(x=x, y=x))
    x = x.copy()
    x[4_321] = np.inf
    result = predict(model, batch(rows_of(x=x, y=good.column("y").to_numpy())))
    (breach,) = result.breaches
    assert (breach.rule, breach.reason, breach.outcome) == ("model:m", "infinite_value", policy)
    assert np.flatnonzero(breach.mask).tolist() == [4_321]
    assert breach.details == {4_321: "x is inf"}
    scores = result.scores.column("p")
    assert (scores.null_count, scores[4_321].as_py()) == (1, None)
    others = np.flatnonzero(~breach.mask)
    expected = predict(model, good).scores.column("p").to_numpy()[others]
    np.testing.assert_allclose(scores.to_numpy(zero_copy_only=False)[others], expected, rtol=0, atol=1e-15)


def test_a_number_beyond_float32_is_infinite_to_xgboost(tmp_path: Path) -> None:
    table, labels = training()
    booster = xgb.train({"objective": "binary:logistic"}, xgb.DMatrix(table.to_pandas(), labels), 2)
    model = load(tmp_path, booster, table)
    (breach,) = predict(model, batch(rows_of(x=[1.0, -1e39], y=[1.0, 1.0]))).breaches
    assert (breach.reason, breach.details) == ("infinite_value", {1: "x is -1e+39"})


def test_a_row_that_the_model_refuses_is_found_in_a_few_calls(tmp_path: Path) -> None:
    table, labels = training()
    model = load(tmp_path, Poisoned().fit(table.to_pandas(), labels), table, on_row_error="quarantine")
    x = np.random.default_rng(1).normal(size=10_000)
    x[7_777] = 666.0
    estimator: Any = model.adapter.estimator  # type: ignore[attr-defined]  # only scikit-learn's adapter has one
    estimator.calls_ = 0
    result = predict(model, batch(rows_of(x=x, y=x)))
    (breach,) = result.breaches
    assert (breach.reason, breach.outcome) == ("model_error", "quarantine")
    assert breach.details == {7_777: "ValueError: cannot digest 666"}
    assert estimator.calls_ <= 1 + 2 * 14
    expected = np.delete(1 / (1 + np.exp(-x)), 7_777)
    np.testing.assert_array_equal(np.delete(result.scores.column("p").to_numpy(zero_copy_only=False), 7_777), expected)


def test_infinite_and_refused_rows_keep_their_places(tmp_path: Path) -> None:
    table, labels = training()
    model = load(tmp_path, Poisoned().fit(table.to_pandas(), labels), table, on_row_error="quarantine")
    x = [0.0, np.inf, 666.0, 1.0, 666.0, -np.inf, 2.0]
    result = predict(model, batch(rows_of(x=x, y=x)))
    assert [(b.reason, np.flatnonzero(b.mask).tolist()) for b in result.breaches] == [
        ("infinite_value", [1, 5]),
        ("model_error", [2, 4]),
    ]
    scores = result.scores.column("p").to_pylist()
    assert [scores[i] for i in (0, 3, 6)] == pytest.approx([1 / (1 + np.exp(-v)) for v in (0.0, 1.0, 2.0)], abs=1e-15)
    assert [scores[i] for i in (1, 2, 4, 5)] == [None] * 4


def test_a_model_that_fails_on_every_row_is_a_model_error(tmp_path: Path) -> None:
    table, labels = training()
    model = load(tmp_path, Poisoned().fit(table.to_pandas(), labels), table)
    with pytest.raises(ModelError, match=r"the model fails on every one of 3 rows .* ValueError: cannot digest 666"):
        predict(model, batch(rows_of(x=[666.0] * 3, y=[1.0] * 3)))


# ------------------------------------------------------------------------------------------- scores that are not scores


class Answer:
    """An adapter that gives what it is told to."""

    def __init__(self, scores: Any, width: int = 1) -> None:
        self.scores, self.width = np.asarray(scores), width

    def inputs(self, features: pa.RecordBatch) -> Any:
        return features

    def infinite_rows(self, _inputs: Any) -> None:
        return None

    def raw_scores(self, _inputs: Any) -> Any:
        return self.scores

    def set_threads(self, threads: int) -> None:
        pass


@pytest.fixture
def answering(tmp_path: Path) -> LoadedModel:
    table, labels = training()
    return load(tmp_path, LogisticRegression().fit(table.to_pandas(), labels), table, on_row_error="quarantine")


@pytest.mark.parametrize(("scores", "given"), [(np.zeros(29), "29 scores"), (np.zeros(31), "31 scores")])
def test_more_or_fewer_scores_than_rows_are_a_model_error_with_both_counts(
    answering: LoadedModel, scores: Any, given: str
) -> None:
    answering.adapter = Answer(scores)
    with pytest.raises(ModelError, match=f"model 'm' gave {given} for 30 rows"):
        predict(answering, batch(rows_of(x=np.zeros(30), y=np.zeros(30))))


@pytest.mark.parametrize("shape", [(3, 4), (2, 3), (6,)])
def test_scores_of_another_shape_are_a_model_error(answering: LoadedModel, shape: tuple[int, ...]) -> None:
    answering.adapter = Answer(np.zeros(shape), width=2)
    with pytest.raises(ModelError, match=r"gave (6 scores|scores of shape \(., .\)) for 3 rows of 2 classes"):
        predict(answering, batch(rows_of(x=np.zeros(3), y=np.zeros(3))))


def test_scores_that_are_not_finite_are_set_aside_and_never_written(answering: LoadedModel) -> None:
    answering.adapter = Answer([0.5, np.nan, np.inf, 0.25])
    result = predict(answering, batch(rows_of(x=np.zeros(4), y=np.zeros(4))))
    (breach,) = result.breaches
    assert (breach.reason, breach.outcome) == ("non_finite_score", "quarantine")
    assert breach.details == {1: "nan", 2: "inf"}
    assert result.scores.column("p").to_pylist() == [0.5, None, None, 0.25]


def test_an_empty_batch_is_scored_without_asking_the_model(answering: LoadedModel) -> None:
    answering.adapter = Answer([1.0, 2.0])
    result = predict(answering, batch(rows_of(x=np.zeros(1), y=np.zeros(1))).slice(0, 0))
    assert (result.scores.num_rows, result.scores.schema) == (0, pa.schema(answering.fields))


# ------------------------------------------------------------------------------------------------------------ columns


def test_columns_have_the_models_own_number_type(classifier: Any, tmp_path: Path) -> None:
    model = load(tmp_path, classifier, training()[0], output={"probability": "p", "label": "late"})
    schema = predict(model, batch(training()[0])).scores.schema
    number = pa.float32() if isinstance(classifier, xgb.Booster) else pa.float64()
    assert schema == pa.schema([("p", number), ("late", pa.int64())])


def test_the_label_is_the_second_class_from_the_threshold_on(answering: LoadedModel) -> None:
    output = {"probability": "p", "label": "late", "threshold": 0.35}
    entry = answering.entry.model_copy(update={"output": answering.entry.output.model_validate(output)})
    card = answering.card.model_copy(update={"classes": ("on time", "late")})
    model = LoadedModel(entry, card, Answer([0.34999, 0.35, np.nan, 1.0]))
    scores = predict(model, batch(rows_of(x=np.zeros(4), y=np.zeros(4)))).scores
    assert scores.column("late").to_pylist() == ["on time", "late", None, "late"]


def test_a_threshold_is_rounded_to_the_type_of_the_probability(tmp_path: Path) -> None:
    """float32(0.35) is below the float64 0.35: compared as float64, a probability of 0.35 would miss its threshold."""
    table, labels = training()
    booster = xgb.train({"objective": "binary:logistic"}, xgb.DMatrix(table.to_pandas(), labels), 2)
    model = load(tmp_path, booster, table, output={"label": "late", "threshold": 0.35})
    assert float(np.float32(0.35)) < 0.35
    model.adapter = Answer(np.array([0.35], np.float32))
    assert predict(model, batch(rows_of(x=[0.0], y=[0.0]))).scores.column("late").to_pylist() == [1]


def test_multiclass_has_a_column_for_each_class_and_the_most_probable_label(tmp_path: Path) -> None:
    table, _ = training()
    colors = np.where(table["x"].to_numpy() > 0.5, "red", np.where(table["y"].to_numpy() > 0, "blue", "green"))
    estimator = LogisticRegression().fit(table.to_pandas(), colors)
    output = {"probabilities": "p_{class}", "label": "color"}
    scores = predict(load(tmp_path, estimator, table, output=output), batch(table)).scores
    assert scores.schema.names == ["p_blue", "p_green", "p_red", "color"]
    together = np.column_stack([scores.column(i).to_numpy() for i in range(3)])
    np.testing.assert_array_equal(together, estimator.predict_proba(table.to_pandas()))
    assert scores.column("color").to_pylist() == estimator.predict(table.to_pandas()).tolist()


def test_a_model_that_says_only_the_most_probable_class_gives_probabilities_here(tmp_path: Path) -> None:
    table, _ = training()
    labels = np.digitize(table["x"].to_numpy(), [-0.5, 0.5])
    matrix = xgb.DMatrix(table.to_pandas(), labels)
    softmax, softprob = (
        xgb.train({"objective": f"multi:{kind}", "num_class": 3, "max_depth": 3}, matrix, 4)
        for kind in ("softmax", "softprob")
    )
    model = load(tmp_path, softmax, table, output={"probabilities": "p{class}", "label": "l"})
    scores = predict(model, batch(table)).scores
    together = np.column_stack([scores.column(i).to_numpy() for i in range(3)])
    np.testing.assert_array_equal(together, softprob.predict(matrix))
    np.testing.assert_array_equal(scores.column("l").to_numpy(), softmax.predict(matrix))


def test_a_regression_has_one_value(tmp_path: Path) -> None:
    table, _ = training()
    estimator = LinearRegression().fit(table.to_pandas(), table["x"].to_numpy() * 2 + 1)
    scores = predict(load(tmp_path, estimator, table, output={"value": "v"}), batch(table)).scores
    np.testing.assert_array_equal(scores.column("v").to_numpy(), estimator.predict(table.to_pandas()))


def test_boolean_classes_give_a_boolean_label(tmp_path: Path) -> None:
    table, labels = training()
    estimator = LogisticRegression().fit(table.to_pandas(), labels.astype(bool))
    scores = predict(load(tmp_path, estimator, table, output={"label": "late"}), batch(table)).scores
    assert scores.schema.field("late").type == pa.bool_()
    np.testing.assert_array_equal(
        scores.column("late").to_numpy(zero_copy_only=False), estimator.predict(table.to_pandas())
    )


# ----------------------------------------------------------------------------------------- C11 and C13, to the score


def flights_like(folder: Path, policy: str = "error") -> tuple[Chain, LoadedModel]:
    """A model with a native categorical of u, v and w."""
    rng = np.random.default_rng(5)
    c = pd.Categorical(rng.choice(["u", "v", "w"], 600), categories=["w", "u", "v"])
    frame = pd.DataFrame({"c": c, "x": rng.normal(size=600)})
    frame.loc[::9, "c"] = np.nan
    labels = (frame.c == "v") ^ (frame.x > 0)
    booster = xgb.train(
        {"objective": "binary:logistic", "max_depth": 4}, xgb.DMatrix(frame, labels, enable_categorical=True), 8
    )
    model = load(folder, booster, pa.Table.from_pandas(frame, preserve_index=False))
    contract = TableContract(columns=(Column(name="c", type="string"), Column(name="x", type="float64")))
    return Chain.compile({"c": Feature.model_validate({"unknown": policy})}, contract, model.card), model


def scores_of(chain: Chain, model: LoadedModel, c: list[str | None], x: list[float]) -> list[float]:
    rows = batch(pa.table({"c": pa.array(c, pa.string()).dictionary_encode(), "x": x}))
    found: list[float] = predict(model, chain.apply(rows).features).scores.column("p").to_pylist()
    return found


def test_the_same_row_has_the_same_score_in_a_file_with_and_without_the_first_category(tmp_path: Path) -> None:
    chain, model = flights_like(tmp_path)
    without_u = scores_of(chain, model, ["v", "w"], [0.3, -0.2])
    with_all = scores_of(chain, model, ["u", "v", "w"], [1.0, 0.3, -0.2])
    assert without_u == with_all[1:]
    assert len(set(with_all)) == 3


def test_an_unknown_category_scores_like_a_missing_one_under_the_policy_missing(tmp_path: Path) -> None:
    chain, model = flights_like(tmp_path, "missing")
    known, unknown, missing = scores_of(chain, model, ["v", "zz", None], [0.3, 0.3, 0.3])
    assert unknown == missing != known
