"""Where a transformer's columns come from, against an oracle that changes one input at a time and looks."""

from __future__ import annotations

from operator import itemgetter
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.decomposition import PCA
from sklearn.feature_selection import SelectKBest, VarianceThreshold
from sklearn.impute import KNNImputer, SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    Binarizer,
    FunctionTransformer,
    KBinsDiscretizer,
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    OneHotEncoder,
    OrdinalEncoder,
    PolynomialFeatures,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    SplineTransformer,
    StandardScaler,
)

from transforms.traced_columns import UntraceableError, trace

ROWS = 300
NUMBERS = ["a", "b", "c"]
TEXTS = ["s", "t"]


def table(seed: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    numbers = pd.DataFrame(rng.normal(size=(ROWS, 3)), columns=NUMBERS)
    words = rng.choice(np.array(["u", "v", "w", "rare"], dtype=object), (ROWS, 2), p=[0.4, 0.3, 0.29, 0.01])
    texts = pd.DataFrame(words, columns=TEXTS, dtype=object)
    frame: pd.DataFrame = pd.concat([numbers, texts], axis=1)[["a", "s", "b", "t", "c"]]
    return frame


def dense(columns: Any) -> Any:
    return np.asarray(columns.toarray() if hasattr(columns, "toarray") else columns, np.float64)


def moved(transformer: Any, frame: pd.DataFrame) -> np.ndarray[Any, Any]:
    """Shape (inputs, columns out): whether turning an input column around changes the output."""
    before = dense(transformer.transform(frame))
    found = []
    for name in frame.columns:
        turned = frame.assign(**{name: frame[name].to_numpy()[::-1]})
        found.append((dense(transformer.transform(turned)) != before).any(axis=0))
    return np.array(found)


def check(transformer: Any, frame: pd.DataFrame, *, constant: int = 0) -> None:
    """Every column moves with its source, and with nothing else; `constant` of them do not move at all."""
    transformer.fit(frame, np.arange(len(frame)) % 2)
    changed = moved(transformer, frame)
    sources = trace([transformer], np.arange(frame.shape[1]))
    assert len(sources) == changed.shape[1]
    assert np.count_nonzero(~changed.any(axis=0)) == constant
    expected = sources[np.newaxis] == np.arange(frame.shape[1])[:, np.newaxis]
    np.testing.assert_array_equal(changed, expected & changed.any(axis=0))


@pytest.mark.parametrize(
    "transformer",
    [
        Binarizer(),
        FunctionTransformer(),
        KBinsDiscretizer(4, encode="onehot", quantile_method="averaged_inverted_cdf"),
        KBinsDiscretizer(4, encode="ordinal", quantile_method="averaged_inverted_cdf"),
        MaxAbsScaler(),
        MinMaxScaler(),
        PowerTransformer(),
        QuantileTransformer(n_quantiles=50),
        RobustScaler(),
        SelectKBest(k=2),
        SimpleImputer(),
        SplineTransformer(n_knots=4),
        SplineTransformer(n_knots=3, include_bias=False),
        StandardScaler(),
        VarianceThreshold(),
        make_pipeline("passthrough", StandardScaler(), SelectKBest(k=1), SplineTransformer()),
    ],
    ids=lambda transformer: str(transformer)[:40],
)
def test_columns_of_numbers_are_traced(transformer: Any) -> None:
    check(transformer, table()[NUMBERS])


@pytest.mark.parametrize(
    "transformer",
    [
        OneHotEncoder(),
        OneHotEncoder(drop="first"),
        OneHotEncoder(min_frequency=20, handle_unknown="infrequent_if_exist"),
        OneHotEncoder(drop="if_binary", max_categories=2),
        OneHotEncoder(sparse_output=False),
        OrdinalEncoder(),
    ],
    ids=str,
)
def test_columns_of_text_are_traced(transformer: Any) -> None:
    check(transformer, table()[TEXTS])


def test_an_encoder_keeps_its_own_way_of_naming_columns() -> None:
    encoder = OneHotEncoder().fit(table()[TEXTS])
    names = encoder.get_feature_names_out().tolist()
    trace([encoder], np.arange(2))
    assert encoder.get_feature_names_out().tolist() == names


def test_an_imputer_that_drops_empty_columns_and_tells_what_was_missing_is_traced() -> None:
    frame = table()[NUMBERS]
    frame.loc[::3, "c"] = np.nan
    frame.loc[::5, "a"] = np.nan
    frame["b"] = np.nan
    imputer = SimpleImputer(add_indicator=True, keep_empty_features=False)
    imputer.fit(frame)
    assert trace([imputer], np.arange(3)).tolist() == [0, 2, 0, 1, 2]
    assert imputer.get_feature_names_out().tolist()[2:] == [f"missingindicator_{name}" for name in NUMBERS]


def mask_of_texts(frame: pd.DataFrame) -> list[bool]:
    return [name in TEXTS for name in frame.columns]


COLUMN_TRANSFORMERS = {
    "names": [("o", OneHotEncoder(), ["t", "s"]), ("n", StandardScaler(), ["c", "a"])],
    "one name": [("o", OneHotEncoder(), ["s"]), ("n", "passthrough", ["b"])],
    "places": [("o", OneHotEncoder(), [3, 1]), ("n", StandardScaler(), [-1])],
    "slice of places": [("n", StandardScaler(), slice(0, 1)), ("o", OrdinalEncoder(), slice(3, 4))],
    "mask": [("o", OneHotEncoder(), [False, True, False, True, False]), ("n", StandardScaler(), ["a"])],
    "function": [("o", OneHotEncoder(), mask_of_texts), ("n", StandardScaler(), ["a"])],
    "selector": [("n", StandardScaler(), make_column_selector(dtype_include=float)), ("o", OrdinalEncoder(), ["s"])],
    "dropped and empty": [("d", "drop", ["a"]), ("e", StandardScaler(), []), ("n", StandardScaler(), ["c"])],
    "twice the same": [("n", StandardScaler(), ["c", "a"]), ("p", SplineTransformer(), ["a"])],
    "nested": [
        ("n", ColumnTransformer([("x", StandardScaler(), ["c"]), ("y", MinMaxScaler(), ["a"])]), ["a", "b", "c"]),
        ("p", make_pipeline(SimpleImputer(), SplineTransformer(), StandardScaler()), ["b", "a"]),
    ],
}


@pytest.mark.parametrize("parts", COLUMN_TRANSFORMERS.values(), ids=COLUMN_TRANSFORMERS.keys())
@pytest.mark.parametrize("threshold", [0.0, 1.0])
def test_columns_of_a_column_transformer_are_traced(parts: list[Any], threshold: float) -> None:
    check(ColumnTransformer(parts, sparse_threshold=threshold), table())


@pytest.mark.parametrize("remainder", ["drop", "passthrough", MinMaxScaler()], ids=str)
def test_what_remains_is_traced(remainder: Any) -> None:
    parts = [("o", OneHotEncoder(), ["t", "s"]), ("n", StandardScaler(), ["b"])]
    check(ColumnTransformer(parts, remainder=remainder), table())


def test_columns_are_traced_through_frames_between_the_steps() -> None:
    prepare = ColumnTransformer([("o", OrdinalEncoder(), ["t"]), ("n", StandardScaler(), ["c", "a"])])
    again = ColumnTransformer([("z", StandardScaler(), ["n__a", "o__t"])], remainder="passthrough")
    check(make_pipeline(prepare, again).set_output(transform="pandas"), table())


@pytest.mark.parametrize(
    ("transformer", "message"),
    [
        (PCA(2), "PCA, whose columns cannot be traced"),
        (PolynomialFeatures(), "PolynomialFeatures, whose"),
        (Normalizer(), "Normalizer, whose"),
        (KNNImputer(), "KNNImputer, whose"),
        (FunctionTransformer(itemgetter(slice(None))), "FunctionTransformer, whose"),
        (make_pipeline(StandardScaler(), PCA(1)), "PCA, whose"),
        (ColumnTransformer([("n", StandardScaler(), slice("a", "b"))]), "a ColumnTransformer with a slice of names"),
    ],
    ids=lambda item: str(item)[:20],
)
def test_what_mixes_columns_or_could_is_named(transformer: Any, message: str) -> None:
    transformer.fit(table()[NUMBERS])
    with pytest.raises(UntraceableError, match=message):
        trace([transformer], np.arange(3))


class Swapped(StandardScaler):  # type: ignore[misc]  # scikit-learn has no types
    def transform(self, table: Any) -> Any:
        return super().transform(table)[:, ::-1]


def test_a_class_of_someone_elses_is_not_taken_for_scikit_learns() -> None:
    with pytest.raises(UntraceableError, match="Swapped, whose columns cannot be traced"):
        trace([Swapped().fit(table()[NUMBERS])], np.arange(3))
