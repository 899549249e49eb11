"""Making a card: what can be found out of a model file, and which rows prove it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import xgboost as xgb
from sklearn.linear_model import LinearRegression, LogisticRegression

from schemas.card import CardFeature, read_card, write_card
from schemas.errors import ModelError
from transforms.card_writing import PROBE_ROWS, About, card_for, pick_probe_rows
from transforms.library_versions import installed_version
from transforms.model_facts import inspect_model

NUMERIC = CardFeature(name="x", type="numeric")


def frame_of(count: int = 200) -> pd.DataFrame:
    rng = np.random.default_rng(2)
    return pd.DataFrame(
        {
            "x": rng.normal(size=count),
            "n": rng.integers(0, 5, count),
            "b": rng.random(count) < 0.5,
            "c": pd.Categorical(rng.choice(["b", "a"], count), categories=["b", "a"]),
        }
    )


def table_of(frame: pd.DataFrame) -> pa.Table:
    return pa.Table.from_pandas(frame, preserve_index=False)


def boosted(folder: Path, frame: pd.DataFrame, labels: Any, **params: Any) -> Path:
    matrix = xgb.DMatrix(frame, labels, enable_categorical=True)
    xgb.train({"max_depth": 2, **params}, matrix, 3).save_model(folder / "m.ubj")
    return folder / "m.ubj"


# ------------------------------------------------------------------------------------------------------------- facts


def test_a_booster_tells_its_features_types_and_stored_categories(tmp_path: Path) -> None:
    frame = frame_of()
    path = boosted(tmp_path, frame, frame.b, objective="binary:logistic")
    facts = inspect_model(path, table_of(frame))
    assert [(item.name, item.type, item.categories) for item in facts.features] == [
        ("x", "numeric", None),
        ("n", "numeric", None),
        ("b", "boolean", None),
        ("c", "categorical", ("b", "a")),
    ]
    assert (facts.kind, facts.format, facts.task, facts.classes) == ("xgboost", "ubj", "binary", (0, 1))
    assert (facts.libraries, facts.notes) == ({"xgboost": installed_version("xgboost")}, ())


@pytest.mark.parametrize(
    ("objective", "params", "task", "classes"),
    [
        ("reg:squarederror", {}, "regression", None),
        ("count:poisson", {}, "regression", None),
        ("rank:pairwise", {}, "regression", None),
        ("multi:softprob", {"num_class": 5}, "multiclass", (0, 1, 2, 3, 4)),
        ("multi:softmax", {"num_class": 5}, "multiclass", (0, 1, 2, 3, 4)),
    ],
)
def test_the_objective_tells_the_task(tmp_path: Path, objective: str, params: Any, task: str, classes: Any) -> None:
    frame = frame_of()
    facts = inspect_model(boosted(tmp_path, frame, frame.n, objective=objective, **params), table_of(frame))
    assert (facts.task, facts.classes) == (task, classes)


def test_a_booster_without_stored_categories_takes_the_sorted_ones_and_says_so(tmp_path: Path) -> None:
    frame = frame_of()[["x", "c"]]
    codes = frame.assign(c=frame.c.cat.codes).to_numpy(np.float32)
    matrix = xgb.DMatrix(
        codes, frame.x > 0, feature_names=["x", "c"], feature_types=["q", "c"], enable_categorical=True
    )
    xgb.train({"objective": "binary:logistic"}, matrix, 2).save_model(tmp_path / "m.ubj")
    facts = inspect_model(tmp_path / "m.ubj", table_of(frame))
    assert facts.features[1].categories == ("a", "b")
    assert "the model does not store the categories of 'c'" in facts.notes[0]


def test_a_booster_without_names_takes_the_columns_of_the_table(tmp_path: Path) -> None:
    frame = frame_of()[["x", "n"]]
    xgb.train({}, xgb.DMatrix(frame.to_numpy(), frame.x), 2).save_model(tmp_path / "m.ubj")
    assert [item.name for item in inspect_model(tmp_path / "m.ubj", table_of(frame)).features] == ["x", "n"]
    with pytest.raises(ModelError, match="no feature names and has 2 features, and the training table has 4 columns"):
        inspect_model(tmp_path / "m.ubj", table_of(frame_of()))


def test_trees_beyond_the_best_iteration_are_noted(tmp_path: Path) -> None:
    frame = frame_of()[["x", "n"]]
    matrix = xgb.DMatrix(frame, np.random.default_rng(1).random(200) < 0.5)
    held_out = xgb.DMatrix(frame, np.random.default_rng(2).random(200) < 0.5)
    params = {"objective": "binary:logistic"}
    booster = xgb.train(params, matrix, 30, evals=[(held_out, "e")], early_stopping_rounds=3, verbose_eval=False)
    booster.save_model(tmp_path / "m.ubj")
    (note,) = inspect_model(tmp_path / "m.ubj", table_of(frame)).notes
    assert note.startswith(
        f"training stopped early, at round {booster.best_iteration + 1} of {booster.num_boosted_rounds()}"
    )


def test_an_estimator_tells_its_features_classes_and_task(tmp_path: Path) -> None:
    frame = frame_of()[["x", "n"]]
    joblib.dump(LogisticRegression().fit(frame, np.where(frame.x > 0, "yes", "no")), tmp_path / "m.joblib")
    facts = inspect_model(tmp_path / "m.joblib", table_of(frame_of()), allow_pickle=True)
    assert (facts.kind, facts.format, facts.task, facts.classes) == ("sklearn", "joblib", "binary", ("no", "yes"))
    assert [(item.name, item.type) for item in facts.features] == [("x", "numeric"), ("n", "numeric")]
    assert facts.libraries == {"scikit-learn": installed_version("scikit-learn")}


def test_a_regressor_has_no_classes(tmp_path: Path) -> None:
    frame = frame_of()[["x", "n"]]
    joblib.dump(LinearRegression().fit(frame, frame.x), tmp_path / "m.joblib")
    facts = inspect_model(tmp_path / "m.joblib", table_of(frame), allow_pickle=True)
    assert (facts.task, facts.classes) == ("regression", None)


def test_a_wrapped_xgboost_is_among_the_libraries(tmp_path: Path) -> None:
    frame = frame_of()[["x", "n"]]
    joblib.dump(xgb.XGBClassifier(n_estimators=2).fit(frame, frame.x > 0), tmp_path / "m.joblib")
    facts = inspect_model(tmp_path / "m.joblib", table_of(frame), allow_pickle=True)
    assert facts.libraries == {name: installed_version(name) for name in ("scikit-learn", "xgboost")}


def test_a_pickle_is_not_opened_unless_allowed(tmp_path: Path) -> None:
    (tmp_path / "m.joblib").write_bytes(b"\x80\x04.")
    with pytest.raises(ModelError, match=r"m.joblib is a pickle, which can run any code"):
        inspect_model(tmp_path / "m.joblib", table_of(frame_of()))


def test_a_feature_that_the_training_table_lacks_is_named(tmp_path: Path) -> None:
    frame = frame_of()
    path = boosted(tmp_path, frame, frame.b, objective="binary:logistic")
    with pytest.raises(ModelError, match="the training table lacks 2 features of the model: x, c"):
        inspect_model(path, table_of(frame[["n", "b"]]))


def test_a_column_that_can_be_no_feature_is_named(tmp_path: Path) -> None:
    frame = frame_of()[["x", "n"]]
    joblib.dump(LinearRegression().fit(frame, frame.x), tmp_path / "m.joblib")
    table = pa.table({"x": frame.x, "n": pa.array([b"a"] * len(frame))})
    with pytest.raises(ModelError, match="column 'n' of the training table cannot be a feature: binary"):
        inspect_model(tmp_path / "m.joblib", table, allow_pickle=True)


# -------------------------------------------------------------------------------------------------------------- probe


def test_probe_rows_are_spread_over_the_table_and_some_have_gaps() -> None:
    x = [None if i in (500, 501, 900) else float(i) for i in range(1_000)]
    rows = [row["x"] for row in pick_probe_rows(pa.table({"x": x}), [NUMERIC])]
    present = [row for row in rows if row is not None]
    assert (len(rows), rows.count(None)) == (PROBE_ROWS, 3)
    assert (present[0], present[-1]) == (0.0, 999.0)
    assert max(np.diff(present)) < 100


def test_probe_rows_have_at_most_eight_with_gaps_where_there_are_others() -> None:
    x = [None if i % 2 else float(i) for i in range(1_000)]
    rows = [row["x"] for row in pick_probe_rows(pa.table({"x": x}), [NUMERIC])]
    assert (len(rows), rows.count(None)) == (PROBE_ROWS, 8)


def test_the_same_table_gives_the_same_probe_rows_and_a_small_one_all_its_rows() -> None:
    table = pa.table({"x": [3.0, None, float("nan"), 1.0]})
    assert pick_probe_rows(table, [NUMERIC]) == pick_probe_rows(table, [NUMERIC])
    assert [row["x"] for row in pick_probe_rows(table, [NUMERIC])] == [3.0, None, None, 1.0]


def test_infinite_rows_are_no_probe_rows() -> None:
    table = pa.table({"x": [float("inf"), 1.0]})
    assert pick_probe_rows(table, [NUMERIC]) == ({"x": 1.0},)
    with pytest.raises(ModelError, match="no training row to probe the model with"):
        pick_probe_rows(table.slice(0, 1), [NUMERIC])


def test_a_training_value_that_is_no_category_of_the_model_is_an_error() -> None:
    feature = CardFeature(name="c", type="categorical", categories=("a",))
    with pytest.raises(ModelError, match="training rows have 'b' in 'c', which is not among the model's categories"):
        pick_probe_rows(pa.table({"c": ["a", "b"]}), [feature])


def test_training_rows_of_the_wrong_type_are_an_error() -> None:
    with pytest.raises(ModelError, match="the training rows do not fit the features: string is not a number"):
        pick_probe_rows(pa.table({"x": ["a"]}), [NUMERIC])


def test_a_card_holds_the_models_scores_of_its_probe_rows(tmp_path: Path) -> None:
    frame = frame_of()
    path = boosted(tmp_path, frame, frame.b, objective="binary:logistic")
    table = table_of(frame)
    about = About("late", metrics={"auc": 0.725}, training={"seed": 7})
    card = card_for(path, inspect_model(path, table), table, about)
    rows = pd.DataFrame(list(card.probe.rows))
    rows["c"] = pd.Categorical(rows.c, categories=["b", "a"])
    booster = xgb.Booster(model_file=path)
    expected = booster.predict(xgb.DMatrix(rows, enable_categorical=True))
    assert [row[0] for row in card.probe.scores] == expected.astype(float).tolist()
    assert (card.metrics, card.training, card.probe.tolerance) == ({"auc": 0.725}, {"seed": 7}, 1e-6)


def test_the_tolerance_grows_with_the_scores(tmp_path: Path) -> None:
    frame = frame_of()[["x"]]
    path = boosted(tmp_path, frame, 1e6 + 1000 * frame.x, objective="reg:squarederror")
    card = card_for(path, inspect_model(path, table_of(frame)), table_of(frame), About("m"))
    assert 0.5 < card.probe.tolerance < 2


def test_a_card_survives_its_file(tmp_path: Path) -> None:
    frame = frame_of()
    path = boosted(tmp_path, frame, frame.n, objective="multi:softprob", num_class=5)
    card = card_for(path, inspect_model(path, table_of(frame)), table_of(frame), About("m"))
    write_card(card, tmp_path / "card.json")
    assert read_card(tmp_path / "card.json") == card
    assert {len(row) for row in card.probe.scores} == {5}
