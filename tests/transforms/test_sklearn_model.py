"""The frame that a scikit-learn model gets, and what of a model would make scores depend on the machine."""

from __future__ import annotations

import io
from operator import itemgetter
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, OrdinalEncoder

from schemas.card import Artefact, CardFeature, ModelCard, Probe
from transforms.feature_entry import categorical_array
from transforms.sklearn_model import SklearnModel, class_labels, feature_frame, fitted_parts, text_form, unpickle

C = CardFeature(name="c", type="categorical", categories=("b", "a"))
X = CardFeature(name="x", type="numeric")


def features_of(codes: list[int], x: list[float]) -> pa.RecordBatch:
    c = categorical_array(np.array(codes, np.int32), pa.array(["b", "a"]))
    return pa.RecordBatch.from_arrays([c, pa.array(x)], names=["c", "x"])


def frame_of(missing: Any, count: int = 60) -> pd.DataFrame:
    rng = np.random.default_rng(4)
    c = rng.choice(np.array(["a", "b", missing], dtype=object), count)
    return pd.DataFrame({"c": pd.Series(c, dtype=object), "x": rng.normal(size=count)})


def pipeline_of(encoder: Any = None) -> Any:
    prepare = make_column_transformer((encoder or OneHotEncoder(), ["c"]), remainder="passthrough")
    return make_pipeline(prepare, LogisticRegression())


def adapter_of(estimator: Any) -> SklearnModel:
    card = ModelCard(
        name="m",
        kind="sklearn",
        task="binary",
        artefact=Artefact(format="joblib", sha256="0" * 64, bytes=0),
        libraries={"scikit-learn": "1.9.1"},
        features=(C, X),
        classes=(0, 1),
        probe=Probe(rows=({},), scores=((0.5,),)),
    )
    return SklearnModel(estimator, card, threads=2)


@pytest.mark.parametrize("missing", [None, np.nan])
def test_missing_text_is_what_the_encoder_was_fitted_on(missing: Any) -> None:
    """A frame of pandas 2 has None there, one of pandas 3 has NaN; an encoder takes the other one for a stranger."""
    frame = frame_of(missing)
    estimator = pipeline_of().fit(frame, frame.x > 0)
    adapter = adapter_of(estimator)
    codes = [{"b": 0, "a": 1}.get(value, -1) for value in frame.c]
    scores = adapter.raw_scores(adapter.inputs(features_of(codes, frame.x.tolist())))
    np.testing.assert_array_equal(scores, estimator.predict_proba(frame))


def test_an_imputer_that_looks_for_none_is_given_none() -> None:
    frame = frame_of(None)
    encoder = make_pipeline(SimpleImputer(missing_values=None, strategy="constant", fill_value="?"), OneHotEncoder())
    assert text_form(pipeline_of(encoder).fit(frame, frame.x > 0)) == "object with None"


def test_text_is_object_and_numbers_are_float64_whatever_is_in_the_batch() -> None:
    for codes in ([0, 1], [-1, -1]):
        frame = feature_frame(features_of(codes, [1.0, np.nan]), [X, C])
        assert list(frame.columns) == ["x", "c"]
        assert [str(kind) for kind in frame.dtypes] == ["float64", "object"]
    assert frame.c.isna().all()


def test_a_booster_of_histograms_that_was_fitted_on_categories_gets_categories() -> None:
    frame = frame_of(np.nan, 400).astype({"c": pd.CategoricalDtype(["a", "b"])})
    labels = (frame.c == "a") ^ (frame.x > 0)
    estimator = HistGradientBoostingClassifier(max_iter=5).fit(frame, labels.astype(int))
    assert text_form(estimator) == "category"
    adapter = adapter_of(estimator)
    codes = [{"b": 0, "a": 1}.get(value, -1) for value in frame.c]
    scores = adapter.raw_scores(adapter.inputs(features_of(codes, frame.x.tolist())))
    np.testing.assert_array_equal(scores, estimator.predict_proba(frame))


def test_a_model_without_feature_names_gets_a_plain_array_as_it_was_fitted_on() -> None:
    data = frame_of("b").assign(c=lambda frame: (frame.c == "a").astype(float)).to_numpy(float)
    first_column = FunctionTransformer(itemgetter((slice(None), [0])))
    estimator = make_pipeline(first_column, LogisticRegression()).fit(data, data[:, 1] > 0)
    scores = adapter_of(estimator).raw_scores(pd.DataFrame({"c": [0.0, 1.0], "x": [1.0, 2.0]}))
    np.testing.assert_array_equal(scores, estimator.predict_proba(np.array([[0.0, 1.0], [1.0, 2.0]])))


def test_joblib_loops_run_on_one_worker_since_a_forest_adds_as_its_trees_finish() -> None:
    frame = frame_of("b")
    prepare = make_column_transformer((OrdinalEncoder(), ["c"]), remainder="passthrough")
    estimator = make_pipeline(prepare, RandomForestClassifier(5, random_state=1)).fit(frame, frame.x > 0)
    estimator.set_params(columntransformer__n_jobs=2, randomforestclassifier__n_jobs=-1)
    adapter_of(estimator)
    assert {part.n_jobs for part in fitted_parts(estimator) if hasattr(part, "n_jobs")} == {1}


@pytest.mark.parametrize("threads", [1, 2])
def test_scores_do_not_depend_on_the_number_of_threads(threads: int) -> None:
    frame = frame_of("b", 5_000)
    estimator = pipeline_of(OrdinalEncoder()).fit(frame, frame.x > 0)
    adapter = adapter_of(estimator)
    inputs = adapter.inputs(features_of([0, 1] * 2_500, frame.x.tolist()))
    first = adapter.raw_scores(inputs)
    adapter.set_threads(threads)
    np.testing.assert_array_equal(adapter.raw_scores(inputs), first)


def test_a_warning_while_scoring_is_no_reason_to_refuse_a_row() -> None:
    """An encoder that was fitted without gaps warns of every batch with one; the chain has counted it already."""
    frame = frame_of("b")
    estimator = pipeline_of(OneHotEncoder(handle_unknown="warn")).fit(frame, frame.x > 0)
    adapter = adapter_of(estimator)
    with pytest.warns(UserWarning, match="Found unknown categories"):
        estimator.predict_proba(frame.assign(c=pd.Series([np.nan] * len(frame), dtype=object)))
    assert adapter.raw_scores(adapter.inputs(features_of([0, -1], [0.0, 1.0]))).shape == (2, 2)


def test_classes_are_plain_values() -> None:
    frame = frame_of("b")
    for labels, expected in (
        (frame.x > 0, (False, True)),
        (np.where(frame.x > 0, 5, 3), (3, 5)),
        (np.where(frame.x > 0, 1.0, 0.0), (0, 1)),
        (np.where(frame.x > 0, "late", "early"), ("early", "late")),
    ):
        found = class_labels(pipeline_of().fit(frame, labels))
        assert found == expected
        assert [type(item) for item in found or ()] == [type(item) for item in expected]


class Grumbling:
    """Warns when it is unpickled."""

    def __setstate__(self, state: Any) -> None:
        import warnings

        warnings.warn("this model is tired\nvery tired", UserWarning, stacklevel=1)


def test_warnings_of_unpickling_become_notes_and_never_leak() -> None:
    grumbling = Grumbling()
    grumbling.__dict__["mood"] = "bad"
    stream = io.BytesIO()
    joblib.dump(grumbling, stream)
    assert unpickle(stream.getvalue())[1:] == ([], ["while loading: UserWarning: this model is tired"])
