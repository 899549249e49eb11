"""Contributions against brute-force Shapley values, NumPy, and the models' own margins and scores."""

from __future__ import annotations

import gc
import itertools
import json
import math
import weakref
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest
import xgboost as xgb
from sklearn import linear_model
from sklearn.compose import make_column_transformer
from sklearn.decomposition import PCA
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression, PoissonRegressor, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, SplineTransformer, StandardScaler
from sklearn.svm import LinearSVR

from schemas.card import Artefact, CardFeature, ModelCard, Probe
from schemas.job import ModelEntry
from transforms import contributions as contributions_module
from transforms import linear_terms
from transforms.adapter import Adapter
from transforms.contributions import Contributions, contributions
from transforms.feature_entry import categorical_array
from transforms.models import LoadedModel, load_model
from transforms.probe import probe_features
from transforms.sklearn_model import SklearnModel, feature_frame
from transforms.xgboost_model import XgboostModel

Floats = npt.NDArray[np.float64]
FLIGHTS = Path(__file__).parents[2] / "sample_data/flights"
COLORS = ("red", "blue", "green", "grey")
NUMBERS = tuple(CardFeature(name=name, type="numeric") for name in ("x", "y", "z"))
COLOR = CardFeature(name="color", type="categorical", categories=COLORS)
OUTPUT = {
    "binary": {"probability": "p", "label": "yes"},
    "regression": {"value": "v"},
    "multiclass": {"probabilities": "p_{class}", "label": "which"},
}
CLASSES = {"binary": (0, 1), "regression": None, "multiclass": ("a", "b", "c")}


def numbers(rows: int = 400, gaps: float = 0.1, seed: int = 3) -> pa.RecordBatch:
    """x, y and z, with NaN."""
    rng = np.random.default_rng(seed)
    made = rng.normal(size=(3, rows)).round(2)
    made[rng.random(made.shape) < gaps] = np.nan
    return pa.record_batch(dict(zip("xyz", made, strict=True)))


def with_color(batch: pa.RecordBatch, missing: int = -1) -> pa.RecordBatch:
    codes = np.random.default_rng(8).integers(missing, len(COLORS), batch.num_rows)
    return batch.append_column("color", categorical_array(codes.astype(np.int32), pa.array(COLORS)))


def matrix(batch: pa.RecordBatch) -> Floats:
    """Codes for categories, NaN where missing."""
    columns = (column.indices if pa.types.is_dictionary(column.type) else column for column in batch.columns)
    return np.column_stack([column.to_numpy(zero_copy_only=False).astype(np.float64) for column in columns])


def targets(batch: pa.RecordBatch) -> dict[str, Any]:
    values = np.nan_to_num(matrix(batch))
    value = values[:, 0] * 2 + values[:, 0] * values[:, 1] + (values[:, -1] == 2)
    return {"binary": (value > 0).astype(int), "regression": value, "multiclass": np.digitize(value, [-1, 1])}


def loaded(kind: str, task: Any, features: tuple[CardFeature, ...], adapt: Callable[[ModelCard], Adapter]) -> Any:
    """A LoadedModel without its file: what load_model does after the hash."""
    probe = [{item.name: COLORS[row] if item.categories else row / 2 for item in features} for row in range(3)]
    card = ModelCard(
        name="m",
        kind=kind,  # type: ignore[arg-type]
        task=task,
        artefact=Artefact(format="ubj" if kind == "xgboost" else "joblib", sha256="0" * 64, bytes=0),
        libraries={},
        features=features,
        classes=CLASSES[task],
        probe=Probe(rows=tuple(probe), scores=((0.5,),) * 3),
    )
    entry = {"name": "m", "path": "m", "card": "c", "output": OUTPUT[task]}
    return LoadedModel(ModelEntry.model_validate(entry), card, adapt(card))


def boosted(batch: pa.RecordBatch, task: str, target: Any = None, rounds: int = 4, **settings: Any) -> LoadedModel:
    objective = {"binary": "binary:logistic", "regression": "reg:squarederror", "multiclass": "multi:softprob"}[task]
    settings = {"objective": objective, "seed": 1, "nthread": 1} | settings
    if settings.get("booster") != "gblinear":
        settings["max_depth"] = 3
    if task == "multiclass":
        settings["num_class"] = 3
    names = batch.schema.names
    types = ["c" if name == "color" else "q" for name in names]
    target = targets(batch)[task] if target is None else target
    data = xgb.DMatrix(matrix(batch), target, feature_names=names, feature_types=types, enable_categorical=True)
    booster = xgb.train(settings, data, rounds)
    features = NUMBERS + (COLOR,) * ("color" in names)
    return loaded("xgboost", task, features, lambda card: XgboostModel(booster, card, 1))  # type: ignore[no-any-return]


def fitted(estimator: Any, batch: pa.RecordBatch, task: str = "regression", target: Any = None) -> LoadedModel:
    features = NUMBERS + (COLOR,) * ("color" in batch.schema.names)
    target = targets(batch)[task] if target is None else target
    if task == "multiclass":
        target = np.array(CLASSES["multiclass"])[target]
    estimator.fit(feature_frame(batch, features), target)
    return loaded("sklearn", task, features, lambda card: SklearnModel(estimator, card, 1))  # type: ignore[no-any-return]


def told(model: LoadedModel, batch: pa.RecordBatch) -> Contributions:
    found = contributions(model, batch)
    assert isinstance(found, Contributions), found
    return found


def margins(model: Any, batch: pa.RecordBatch) -> Floats:
    """Shape (rows, outputs), from xgboost."""
    names = batch.schema.names
    types = ["c" if name == "color" else "q" for name in names]
    data = xgb.DMatrix(matrix(batch), feature_names=names, feature_types=types)
    return np.asarray(model.adapter.booster.predict(data, output_margin=True, strict_shape=True), np.float64)


def total(found: Contributions) -> Floats:
    """Shape (rows, outputs): what base and contributions add up to."""
    return np.column_stack([item.base + item.values.sum(axis=1) for item in found.scores.values()])


# ------------------------------------------------------------------------------------------------------------ TreeSHAP


def expectation(node: Mapping[str, Any], row: Mapping[str, float], known: frozenset[str]) -> float:
    """The mean leaf of the training rows that agree with the known features on the way."""
    if "leaf" in node:
        return float(node["leaf"])
    children = {child["nodeid"]: child for child in node["children"]}
    yes, no = children[node["yes"]], children[node["no"]]
    if node["split"] in known:
        value, condition = row[node["split"]], node["split_condition"]
        if math.isnan(value):
            return expectation(children[node["missing"]], row, known)
        goes_yes = value in condition if isinstance(condition, list) else np.float32(value) < np.float32(condition)
        return expectation(yes if goes_yes else no, row, known)
    both = [(child["cover"], expectation(child, row, known)) for child in (yes, no)]
    return math.fsum(cover * mean for cover, mean in both) / math.fsum(cover for cover, _ in both)


def shapley(trees: list[Any], weights: list[float], row: Mapping[str, float]) -> Floats:
    """By the definition: the mean over all orders of what knowing the feature changes."""

    def worth(known: frozenset[str]) -> float:
        return math.fsum(w * expectation(tree, row, known) for tree, w in zip(trees, weights, strict=True))

    orders = list(itertools.permutations(row))
    found = dict.fromkeys(row, 0.0)
    for order in orders:
        for place, name in enumerate(order):
            found[name] += worth(frozenset(order[: place + 1])) - worth(frozenset(order[:place]))
    return np.array([found[name] / len(orders) for name in row])


@pytest.mark.parametrize("booster", ["gbtree", "dart"])
def test_tree_contributions_are_the_shapley_values_of_the_definition(booster: str) -> None:
    batch = with_color(numbers(300))
    settings: dict[str, Any] = {"booster": "dart", "rate_drop": 0.5, "one_drop": 1} if booster == "dart" else {}
    x, y, z, color = np.nan_to_num(matrix(batch)).T
    model: Any = boosted(batch, "regression", x + x * y - 2 * z * (color == 2) + (color == 1), **settings)
    trees = [json.loads(tree) for tree in model.adapter.booster.get_dump(with_stats=True, dump_format="json")]
    gradient = json.loads(model.adapter.booster.save_raw("json"))["learner"]["gradient_booster"]
    weights = gradient.get("weight_drop", [1.0] * len(trees))
    some = batch.slice(0, 40)
    rows = [dict(zip(batch.schema.names, values, strict=True)) for values in matrix(some).tolist()]
    expected = np.array([shapley(trees, weights, row) for row in rows])
    found = told(model, some)
    assert found.unit == "value"
    assert (np.abs(expected).max(axis=0) > 0.01).all()
    np.testing.assert_allclose(found.scores["v"].values, expected, atol=1e-5)


@pytest.mark.parametrize("task", ["binary", "regression", "multiclass"])
@pytest.mark.parametrize("booster", ["gbtree", "dart", "gblinear"])
def test_the_terms_of_xgboost_add_up_to_its_raw_margins(task: str, booster: str) -> None:
    batch = numbers() if booster == "gblinear" else with_color(numbers())
    model = boosted(batch, task, booster=booster)
    found = told(model, batch)
    expected = margins(model, batch)
    if task == "binary":
        expected = 1 / (1 + np.exp(-expected))
        np.testing.assert_array_equal(found.scores["p"].base, found.scores["p"].base[0])
    assert found.unit == {"binary": "probability", "regression": "value", "multiclass": "margin"}[task]
    assert list(found.scores) == {"binary": ["p"], "regression": ["v"], "multiclass": ["p_a", "p_b", "p_c"]}[task]
    np.testing.assert_allclose(total(found), expected, atol=1e-5, rtol=1e-6)


def test_contributions_to_a_probability_add_up_to_the_score_that_is_written() -> None:
    batch = with_color(numbers())
    model = boosted(batch, "binary", rounds=30)
    scores = model.adapter.raw_scores(model.adapter.inputs(batch))
    np.testing.assert_allclose(total(told(model, batch))[:, 0], scores, atol=1e-6)


def test_a_feature_that_the_model_ignores_contributes_exactly_nothing() -> None:
    batch = with_color(numbers())
    target = np.nan_to_num(matrix(batch)[:, 0])
    found = told(boosted(batch, "regression", target), batch).scores["v"].values
    assert (found[:, 1:] == 0).all()
    assert (found[:, 0] != 0).any()


@pytest.mark.parametrize(
    ("objective", "unit"),
    [("reg:gamma", "margin"), ("count:poisson", "margin"), ("reg:absoluteerror", "value"), ("rank:pairwise", "value")],
)
def test_a_regression_with_a_link_function_is_explained_before_it(objective: str, unit: str) -> None:
    batch = numbers()
    model = boosted(batch, "regression", np.arange(batch.num_rows) % 5 + 1, objective=objective)
    found = told(model, batch)
    assert found.unit == unit
    expected = margins(model, batch)
    np.testing.assert_allclose(total(found), expected, atol=1e-5)
    if unit == "value":
        scores = model.adapter.raw_scores(model.adapter.inputs(batch))
        np.testing.assert_allclose(expected[:, 0], scores)


def test_the_features_are_chosen_by_name_and_come_in_the_cards_order() -> None:
    batch = with_color(numbers())
    model = boosted(batch, "binary")
    found = told(model, batch)
    turned = told(model, batch.select(["color", "z", "y", "x"]))
    assert found.features == turned.features == ("x", "y", "z", "color")
    np.testing.assert_array_equal(found.scores["p"].values, turned.scores["p"].values)


def test_the_contributions_of_a_row_do_not_depend_on_the_batch() -> None:
    batch = with_color(numbers(gaps=0.0), missing=0)
    for model in (boosted(batch, "binary"), fitted(pipeline(LogisticRegression()), batch, "binary")):
        whole = told(model, batch).scores["p"].values
        parts = [told(model, batch.slice(*cut)).scores["p"].values for cut in ((0, 1), (1, 306), (307, 93))]
        np.testing.assert_array_equal(np.concatenate(parts), whole)


def test_trees_with_a_vector_in_each_leaf_have_a_reason_that_is_the_same_at_any_time_and_place() -> None:
    batch = numbers()
    model = boosted(batch, "multiclass", multi_strategy="multi_output_tree", tree_method="hist")
    assert contributions(model, batch) == "the model fails to tell its contributions: XGBoostError"


def test_a_model_can_be_asked_for_no_rows() -> None:
    batch = with_color(numbers(gaps=0.0), missing=0)
    for model in (boosted(batch, "binary"), fitted(pipeline(LogisticRegression()), batch, "binary")):
        found = told(model, batch.slice(0, 0))
        assert (found.unit, found.scores["p"].values.shape, found.scores["p"].base.shape) == (
            "probability",
            (0, 4),
            (0,),
        )


def test_a_model_that_writes_labels_alone_has_no_scores_to_explain() -> None:
    batch = numbers()
    model = boosted(batch, "multiclass")
    entry = model.entry.model_copy(update={"output": model.entry.output.model_copy(update={"probabilities": None})})
    assert told(LoadedModel(entry, model.card, model.adapter), batch).scores == {}


def test_more_contributions_a_row_than_are_affordable_have_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    batch = numbers()
    monkeypatch.setattr(contributions_module, "MAX_TERMS", 8)
    reason = "3 outputs of 3 features are more than 8 contributions a row"
    assert contributions(boosted(batch, "multiclass"), batch) == reason
    told(boosted(batch, "binary"), batch)


def test_the_flights_models_tell_what_moved_their_scores() -> None:
    sklearn = {"allow_pickle": True, "sha256": "71d7c65dbfa0087d7ecb386e36bc5c749398fe583633d3277ebae1d935d1c931"}
    for name, form, more in (("late", "ubj", {}), ("late_sklearn", "joblib", sklearn)):
        entry = {"name": name, "path": f"{name}.{form}", "card": f"{name}.card.json", "output": {"probability": "p"}}
        model = load_model(ModelEntry.model_validate(entry | more), FLIGHTS / "model", threads=1)
        probe = probe_features(model.card.probe.rows, model.card.features)
        found = told(model, probe)
        scores = np.array(model.card.probe.scores)[:, 0]
        np.testing.assert_allclose(total(found)[:, 0], scores, atol=1e-6)
        assert np.ptp(found.scores["p"].base) == 0
        assert 0.1 < found.scores["p"].base[0] < 0.5


# -------------------------------------------------------------------------------------------------------------- linear


def pipeline(estimator: Any) -> Any:
    splines = make_pipeline(SimpleImputer(), SplineTransformer(n_knots=4))
    prepare = make_column_transformer((OneHotEncoder(), ["color"]), (splines, ["z", "x"]), (StandardScaler(), ["y"]))
    return make_pipeline(prepare, estimator)


REGRESSORS: dict[str, Callable[[], Any]] = {
    name: getattr(linear_model, name) for name in sorted(linear_terms._IDENTITY) if hasattr(linear_model, name)
} | {"LinearSVR": lambda: LinearSVR(random_state=1, max_iter=100_000)}


@pytest.mark.parametrize("name", sorted(linear_terms._IDENTITY))
def test_the_terms_of_a_linear_regression_add_up_to_its_prediction(name: str) -> None:
    batch = numbers(gaps=0.0)
    model = fitted(REGRESSORS[name](), batch)
    found = told(model, batch)
    assert found.unit == "value"
    np.testing.assert_allclose(total(found)[:, 0], model.adapter.raw_scores(model.adapter.inputs(batch)), rtol=1e-9)


def test_linear_terms_are_those_of_numpy_around_the_cards_probe_rows() -> None:
    batch = numbers(gaps=0.0)
    model = fitted(LinearRegression(), batch)
    values = matrix(batch)
    design = np.column_stack([values, np.ones(len(values))])
    weights, *_ = np.linalg.lstsq(design, targets(batch)["regression"])
    probe = np.array([[0.0] * 3, [0.5] * 3, [1.0] * 3]).mean(axis=0)
    found = told(model, batch).scores["v"]
    np.testing.assert_allclose(found.values, (values - probe) * weights[:3], atol=1e-12)
    np.testing.assert_allclose(found.base, probe @ weights[:3] + weights[3])


def test_all_columns_that_a_pipeline_makes_of_a_feature_count_as_that_feature() -> None:
    """The oracle changes one feature at a time: without interactions, the value moves by what its terms move by."""
    batch = with_color(numbers(gaps=0.0), missing=0)
    model: Any = fitted(pipeline(Ridge()), batch)
    before = told(model, batch).scores["v"].values
    start = model.adapter.raw_scores(model.adapter.inputs(batch))
    for place, name in enumerate(batch.schema.names):
        other = batch.set_column(place, name, batch.column(name).take(pa.array(np.arange(batch.num_rows)[::-1])))
        moved = told(model, other).scores["v"].values - before
        np.testing.assert_allclose(
            moved[:, place], model.adapter.raw_scores(model.adapter.inputs(other)) - start, atol=1e-9
        )
        assert (np.delete(moved, place, axis=1) == 0).all()
        assert (moved[:, place] != 0).any()


def test_a_logistic_regression_is_explained_in_probability() -> None:
    batch = with_color(numbers(gaps=0.0), missing=0)
    model = fitted(pipeline(LogisticRegression()), batch, "binary")
    found = told(model, batch)
    scores = model.adapter.raw_scores(model.adapter.inputs(batch))
    assert found.unit == "probability"
    np.testing.assert_allclose(total(found)[:, 0], scores[:, 1], atol=1e-12)


def test_several_classes_are_explained_in_margins_a_class() -> None:
    batch = with_color(numbers(gaps=0.0), missing=0)
    model: Any = fitted(pipeline(LogisticRegression()), batch, "multiclass")
    found = told(model, batch)
    assert (found.unit, list(found.scores)) == ("margin", ["p_a", "p_b", "p_c"])
    expected = model.adapter.estimator.decision_function(model.adapter.inputs(batch))
    np.testing.assert_allclose(total(found), expected, atol=1e-12)


def test_a_linear_regression_with_a_link_is_explained_before_it() -> None:
    batch = numbers(gaps=0.0)
    model = fitted(PoissonRegressor(), batch, target=np.arange(batch.num_rows) % 3)
    found = told(model, batch)
    scores = model.adapter.raw_scores(model.adapter.inputs(batch))
    assert found.unit == "margin"
    np.testing.assert_allclose(total(found)[:, 0], np.log(scores), atol=1e-12)


def test_a_far_intercept_does_not_give_a_change_to_the_feature_that_carries_the_distance() -> None:
    """x as a year: around the bare intercept, 2,000 years away, a change of y was told to be one of x."""
    batch = numbers(2_000, gaps=0.0)
    batch = batch.set_column(0, "x", pa.array(2013 + matrix(batch)[:, 0]))
    model: Any = fitted(LogisticRegression(max_iter=10_000), batch, "binary", (matrix(batch)[:, 1] > 0.2).astype(int))
    model.adapter.estimator.coef_ = np.array([[1.0, 1.0, 0.0]])
    model.adapter.estimator.intercept_ = np.array([-2013.0])
    probe = Probe(rows=({"x": 2012.0, "y": 0.0, "z": 0.0}, {"x": 2014.0, "y": 0.0, "z": 0.0}), scores=((0.5,),) * 2)
    model.card = model.card.model_copy(update={"probe": probe})
    later = batch.set_column(1, "y", pa.array(matrix(batch)[:, 1] + 1))
    before, after = (told(model, rows).scores["p"].values.mean(axis=0) for rows in (batch, later))
    shift = after - before
    assert shift[1] > 0.15
    assert abs(shift[0]) < 0.05
    assert shift[2] == 0


MIXED = ", whose columns cannot be traced to one feature each"
FORESTS = RandomForestClassifier(3, random_state=1)


@pytest.mark.parametrize(
    ("estimator", "reason"),
    [
        (FORESTS, "no exact contributions for RandomForestClassifier"),
        (HistGradientBoostingClassifier(max_iter=3), "no exact contributions for HistGradientBoostingClassifier"),
        (make_pipeline(StandardScaler(), FORESTS), "no exact contributions for RandomForestClassifier"),
        (
            make_pipeline(PCA(2), LogisticRegression()),
            f"no exact contributions for a Pipeline with PCA{MIXED}",
        ),
        (
            make_pipeline(FunctionTransformer(np.tanh), LogisticRegression()),
            f"no exact contributions for a Pipeline with FunctionTransformer{MIXED}",
        ),
    ],
)
def test_other_models_have_a_reason(estimator: Any, reason: str) -> None:
    batch = numbers(gaps=0.0)
    assert contributions(fitted(estimator, batch, "binary"), batch) == reason


class Doubled(LinearRegression):  # type: ignore[misc]  # scikit-learn has no types
    def predict(self, table: Any) -> Any:
        return 2 * super().predict(table)


def test_a_class_that_is_not_scikit_learns_own_may_predict_anything_else() -> None:
    batch = numbers(gaps=0.0)
    assert contributions(fitted(Doubled(), batch), batch) == "no exact contributions for Doubled"


def test_what_is_kept_of_a_model_goes_away_with_it() -> None:
    batch = numbers(gaps=0.0)
    model = fitted(LinearRegression(), batch)
    told(model, batch)
    reference = weakref.ref(model)
    del model
    gc.collect()
    assert reference() is None


def test_sparse_coefficients_give_the_same_terms() -> None:
    batch = with_color(numbers(gaps=0.0), missing=0)
    model: Any = fitted(pipeline(LogisticRegression()), batch, "multiclass")
    dense = told(model, batch)
    model.adapter.estimator[-1].sparsify()
    for score, item in told(model, batch).scores.items():
        np.testing.assert_array_equal(item.values, dense.scores[score].values)


@pytest.mark.parametrize("task", ["binary", "regression", "multiclass"])
@pytest.mark.parametrize("value", [1e200, 1.7e308])
def test_a_contribution_that_no_sum_can_hold_is_a_reason_and_not_a_number(task: str, value: float) -> None:
    """A probability is finite where the log odds are not: such a row is scored."""
    batch = numbers(gaps=0.0)
    model = fitted(LinearRegression() if task == "regression" else LogisticRegression(), batch, task)
    far = matrix(batch)
    far[5, 1] = value
    reason = "a contribution of feature 'y' is no number below 1e+100"
    assert contributions(model, pa.record_batch(dict(zip("xyz", far.T.copy(), strict=True)))) == reason


def test_a_transformer_that_raises_is_a_reason() -> None:
    batch = numbers(gaps=0.0)
    model = fitted(make_pipeline(StandardScaler(), LinearRegression()), batch)
    wrong = batch.set_column(0, "x", pa.array(np.full(batch.num_rows, np.inf)))
    assert contributions(model, wrong) == "the model fails to tell its contributions: ValueError"


def test_a_warning_while_explaining_is_no_reason() -> None:
    batch = with_color(numbers(gaps=0.0), missing=0)
    encoder = make_column_transformer((OneHotEncoder(handle_unknown="warn"), ["color"]), remainder="drop")
    model = fitted(make_pipeline(encoder, Ridge()), batch)
    found = told(model, with_color(numbers(gaps=0.0))).scores["v"].values
    assert (found[:, :3] == 0).all()
