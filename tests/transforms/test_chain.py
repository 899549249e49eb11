"""Chains: what they make of rows, what they refuse, and that a row is prepared the same wherever it stands."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.card import Artefact, CardFeature, ModelCard, Probe
from schemas.contract import Column, TableContract
from schemas.errors import ConfigError, ModelError
from schemas.job import Feature
from transforms.chain import Chain, Prepared, compile_chains

NAN = float("nan")


def card_of(name: str = "late", **features: Any) -> ModelCard:
    """A card with these features: a type, or a tuple of categories."""
    items = [
        CardFeature(name=key, type="categorical", categories=value)
        if isinstance(value, tuple)
        else CardFeature(name=key, type=value)
        for key, value in features.items()
    ]
    return ModelCard(
        name=name,
        kind="xgboost",
        task="binary",
        artefact=Artefact(format="ubj", sha256="0" * 64, bytes=0),
        libraries={"xgboost": "3.2.0"},
        features=tuple(items),
        classes=(0, 1),
        probe=Probe(rows=({},), scores=((0.5,),)),
    )


def contract_of(**types: str) -> TableContract:
    return TableContract(columns=tuple(Column(name=name, type=kind) for name, kind in types.items()))


def features_of(**entries: Mapping[str, Any]) -> dict[str, Feature]:
    return {name: Feature.model_validate(entry) for name, entry in entries.items()}


def mistakes_of(features: dict[str, Feature], contract: TableContract, card: ModelCard) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        Chain.compile(features, contract, card)
    found: list[str] = caught.value.facts["mistakes"]
    return found


def batch_of(**columns: Any) -> pa.RecordBatch:
    arrays = [column if isinstance(column, pa.Array) else pa.array(column) for column in columns.values()]
    return pa.RecordBatch.from_arrays(arrays, names=list(columns))


# ------------------------------------------------------------------------------------------------------------- types


def test_without_entries_a_feature_is_the_column_of_its_name_in_the_cards_order() -> None:
    contract = contract_of(a="int32", key="int64", b="bool", c="string")
    chain = Chain.compile({}, contract, card_of(c=("x", "y"), b="boolean", a="numeric"))
    features = chain.apply(batch_of(a=[1, None], key=[8, 9], b=[True, None], c=["y", None])).features
    assert features.schema.names == ["c", "b", "a"]
    assert features.schema.types == [pa.dictionary(pa.int32(), pa.string()), pa.float64(), pa.float64()]
    np.testing.assert_array_equal(features.column("a").to_numpy(), [1.0, NAN])
    np.testing.assert_array_equal(features.column("b").to_numpy(), [1.0, NAN])
    assert features.column("c").to_pylist() == ["y", None]


def test_the_codes_of_a_category_are_the_models_whatever_the_files_dictionary_is() -> None:
    chain = Chain.compile({}, contract_of(c="string"), card_of(c=("w", "u", "v")))
    column = pa.DictionaryArray.from_arrays(pa.array([0, 2, 1, 0], pa.int32()), pa.array(["v", "u", "w"]))
    made = chain.apply(batch_of(c=column)).features.column("c")
    assert made.dictionary.to_pylist() == ["w", "u", "v"]
    assert made.indices.to_pylist() == [2, 0, 1, 2]


def test_whole_numbers_and_booleans_can_be_categories() -> None:
    contract = contract_of(n="int64", b="bool")
    chain = Chain.compile({}, contract, card_of(n=("9", "10"), b=("false", "true")))
    features = chain.apply(batch_of(n=[10, 9, None], b=[True, None, False])).features
    assert features.column("n").indices.to_pylist() == [1, 0, None]
    assert features.column("b").indices.to_pylist() == [1, None, 0]


def test_two_models_may_know_other_categories_of_the_same_column() -> None:
    cards = [card_of("one", c=("a", "b")), card_of("two", c=("b", "a"))]
    one, two = compile_chains({}, contract_of(c="string"), cards)
    rows = batch_of(c=["a", "b"])
    assert one.apply(rows).features.column("c").indices.to_pylist() == [0, 1]
    assert two.apply(rows).features.column("c").indices.to_pylist() == [1, 0]


# ------------------------------------------------------------------------------------------------------------- steps


def test_steps_run_in_their_order_from_the_named_column() -> None:
    features = features_of(speed={"from": "wind", "steps": [{"fill": 3}, {"clip": [0, 10]}, "log1p"]})
    chain = Chain.compile(features, contract_of(wind="float32"), card_of(speed="numeric"))
    made = chain.apply(batch_of(wind=pa.array([None, -4.0, 99.0], pa.float32()))).features.column("speed").to_numpy()
    np.testing.assert_array_equal(made, np.log1p([3.0, 0.0, 10.0]))


def test_one_hot_makes_a_feature_for_each_category_that_the_card_names() -> None:
    features = features_of(origin={"steps": [{"one_hot": ["EWR", "JFK", "LGA"]}]})
    card = card_of(**{"origin=LGA": "numeric", "origin=EWR": "boolean"})
    chain = Chain.compile(features, contract_of(origin="string"), card)
    prepared = chain.apply(batch_of(origin=["EWR", "LGA", "JFK", None]))
    assert prepared.features.schema.names == ["origin=LGA", "origin=EWR"]
    assert prepared.features.column("origin=LGA").to_pylist() == [0.0, 1.0, 0.0, 0.0]
    assert prepared.features.column("origin=EWR").to_pylist() == [1.0, 0.0, 0.0, 0.0]
    assert prepared.missing == {"origin": 1}


def test_ordinal_gives_places_that_later_steps_can_take() -> None:
    features = features_of(size={"steps": [{"fill": "M"}, {"ordinal": ["S", "M", "L"]}, {"bucketize": [1]}]})
    chain = Chain.compile(features, contract_of(size="string"), card_of(size="numeric"))
    made = chain.apply(batch_of(size=["S", "L", None])).features.column("size")
    assert made.to_pylist() == [0.0, 1.0, 1.0]


def test_a_custom_step_takes_several_columns_as_plain_arrays() -> None:
    features = features_of(
        route={"from": ["a", "b", "dash"], "steps": [{"custom": "pyarrow.compute:binary_join_element_wise"}]}
    )
    contract = contract_of(a="string", b="string", dash="string")
    chain = Chain.compile(features, contract, card_of(route=("E-J", "E-L")))
    encoded = pa.array(["E", "E", "E"]).dictionary_encode()
    prepared = chain.apply(batch_of(a=encoded, b=["L", "J", None], dash=["-", "-", "-"]))
    assert prepared.features.column("route").to_pylist() == ["E-L", "E-J", None]


def test_a_custom_step_that_gives_text_for_a_number_is_an_error_at_its_first_batch() -> None:
    features = features_of(x={"steps": [{"custom": "pyarrow.compute:utf8_upper"}]})
    chain = Chain.compile(features, contract_of(x="string"), card_of(x="numeric"))
    with pytest.raises(ModelError, match="feature 'x': the model wants numbers and the steps give text"):
        chain.apply(batch_of(x=["a"]))


def test_an_empty_batch_gives_an_empty_batch_of_the_same_types() -> None:
    contract = contract_of(a="float64", c="string")
    chain = Chain.compile({}, contract, card_of(a="numeric", c=("x",)))
    rows = batch_of(a=pa.array([], pa.float64()), c=pa.array([], pa.string()))
    prepared = chain.apply(rows)
    assert prepared.features.num_rows == 0
    assert prepared.features.schema.types == [pa.float64(), pa.dictionary(pa.int32(), pa.string())]
    assert prepared.breaches == ()


# ------------------------------------------------------------------------ C13: an unknown category is not a missing one


def prepare_c13(policy: str, trained: tuple[str, ...] = ("a", "b", "c")) -> Prepared:
    """Trained on a, b and c; scoring meets a, zz and null."""
    chain = Chain.compile(features_of(c={"unknown": policy}), contract_of(c="string"), card_of(c=trained))
    return chain.apply(batch_of(c=["a", "zz", None]))


@pytest.mark.parametrize("policy", ["error", "quarantine", "missing", "other"])
def test_unknown_and_missing_are_counted_apart_under_every_policy(policy: str) -> None:
    prepared = prepare_c13(policy, ("a", "b", "c", "other"))
    assert (prepared.unknown, prepared.missing) == ({"c": 1}, {"c": 1})


def test_the_policy_error_fails_the_row_and_names_column_and_value() -> None:
    (breach,) = prepare_c13("error").breaches
    assert (breach.rule, breach.column, breach.reason, breach.outcome) == ("feature:c", "c", "unknown_category", "fail")
    assert breach.mask.tolist() == [False, True, False]
    assert breach.details == {1: "'zz'"}


def test_the_policy_quarantine_sets_the_one_row_aside() -> None:
    (breach,) = prepare_c13("quarantine").breaches
    assert (breach.reason, breach.outcome, breach.mask.tolist()) == (
        "unknown_category",
        "quarantine",
        [False, True, False],
    )


def test_the_policy_missing_makes_the_unknown_row_like_the_missing_one() -> None:
    prepared = prepare_c13("missing")
    assert prepared.breaches == ()
    assert prepared.features.column("c").to_pylist() == ["a", None, None]


@pytest.mark.parametrize("name", ["other", "__other__"])
def test_the_policy_other_takes_the_category_of_that_name(name: str) -> None:
    prepared = prepare_c13("other", ("a", name, "b"))
    assert prepared.breaches == ()
    assert prepared.features.column("c").to_pylist() == ["a", name, None]


def test_the_policy_other_needs_such_a_category_in_the_card() -> None:
    found = mistakes_of(features_of(c={"unknown": "other"}), contract_of(c="string"), card_of(c=("a", "b")))
    assert found == ["c: `unknown: other` needs a category named other or __other__ in the model's list"]


def test_an_unknown_value_that_no_row_of_the_batch_has_is_not_counted() -> None:
    chain = Chain.compile({}, contract_of(c="string"), card_of(c=("a",)))
    column = pa.DictionaryArray.from_arrays(pa.array([0, 0], pa.int32()), pa.array(["a", "zz"]))
    prepared = chain.apply(batch_of(c=column))
    assert (prepared.unknown, prepared.breaches) == ({"c": 0}, ())


def test_unknown_values_of_one_hot_and_ordinal_follow_the_policy_too() -> None:
    features = features_of(
        o={"from": "c", "steps": [{"ordinal": ["a"]}], "unknown": "quarantine"},
        h={"from": "c", "steps": [{"one_hot": ["a"]}], "unknown": "missing"},
    )
    chain = Chain.compile(features, contract_of(c="string"), card_of(**{"o": "numeric", "h=a": "numeric"}))
    prepared = chain.apply(batch_of(c=["a", "zz"]))
    assert prepared.unknown == {"o": 1, "h": 1}
    (breach,) = prepared.breaches
    assert (breach.rule, breach.column, breach.mask.tolist()) == ("feature:o", "c", [False, True])
    assert prepared.features.column("h=a").to_pylist() == [1.0, 0.0]


# ----------------------------------------------------------------------------------------------------------- missing


@pytest.mark.parametrize(("policy", "outcome"), [("error", "fail"), ("quarantine", "quarantine")])
def test_a_missing_value_is_refused_where_the_job_says_so(policy: str, outcome: str) -> None:
    chain = Chain.compile(features_of(x={"missing": policy}), contract_of(x="float64"), card_of(x="numeric"))
    prepared = chain.apply(batch_of(x=[1.0, None, NAN]))
    (breach,) = prepared.breaches
    assert (breach.reason, breach.outcome, breach.mask.tolist()) == ("missing_value", outcome, [False, True, True])
    assert prepared.missing == {"x": 2}


def test_missing_is_judged_after_the_steps() -> None:
    features = features_of(x={"steps": [{"fill": 0}], "missing": "error"})
    prepared = Chain.compile(features, contract_of(x="float64"), card_of(x="numeric")).apply(batch_of(x=[1.0, None]))
    assert (prepared.breaches, prepared.missing) == ((), {"x": 0})


def test_an_unknown_value_made_missing_is_refused_where_missing_ones_are() -> None:
    features = features_of(c={"unknown": "missing", "missing": "quarantine"})
    prepared = Chain.compile(features, contract_of(c="string"), card_of(c=("a",))).apply(batch_of(c=["a", "zz", None]))
    (breach,) = prepared.breaches
    assert (breach.reason, breach.mask.tolist()) == ("missing_value", [False, True, True])
    assert (prepared.unknown, prepared.missing) == ({"c": 1}, {"c": 1})


def test_a_row_is_in_one_breach_of_an_entry_at_most() -> None:
    features = features_of(c={"unknown": "error", "missing": "quarantine"})
    prepared = Chain.compile(features, contract_of(c="string"), card_of(c=("a",))).apply(batch_of(c=["a", "zz", None]))
    assert [(b.reason, b.mask.tolist()) for b in prepared.breaches] == [
        ("unknown_category", [False, True, False]),
        ("missing_value", [False, False, True]),
    ]


# --------------------------------------------------------------------- C11: the same row, the same features in any file

EVERY_STEP = features_of(
    n={"steps": [{"fill": 1.5}, {"clip": [-2, 2]}, {"scale": {"mean": 0.1, "sd": 3}}]},
    bucket={"from": "n", "steps": [{"bucketize": [-1, 0, 1]}, "log1p"]},
    size={"from": "c", "steps": [{"ordinal": ["u", "v", "w"]}], "unknown": "missing"},
    c={"unknown": "missing"},
    hot={"from": "c", "steps": [{"one_hot": ["u", "w"]}], "unknown": "missing"},
    day={"steps": [{"date_part": "weekday"}]},
    product={"from": ["n", "n"], "steps": [{"custom": "pyarrow.compute:multiply"}]},
)
EVERY_CHAIN = Chain.compile(
    EVERY_STEP,
    contract_of(n="float64", c="string", day="date"),
    card_of(
        **{"n": "numeric", "bucket": "numeric", "size": "numeric", "c": ("v", "u", "w"), "hot=u": "numeric"},
        **{"hot=w": "numeric", "day": "numeric", "product": "numeric"},
    ),
)
ROW = st.tuples(
    st.none() | st.floats(-5, 5),
    st.sampled_from(["u", "v", "w", "stranger", None]),
    st.none() | st.dates(),
)


def batch_of_rows(rows: list[tuple[Any, Any, Any]], *, encoded: bool) -> pa.RecordBatch:
    n, c, day = ([row[i] for row in rows] for i in range(3))
    text = pa.array(c, pa.string())
    return batch_of(
        n=pa.array(n, pa.float64()), c=text.dictionary_encode() if encoded else text, day=pa.array(day, pa.date32())
    )


@given(rows=st.lists(ROW, min_size=1, max_size=30), cut=st.integers(0, 30), encoded=st.booleans())
def test_a_row_has_the_same_features_in_any_file_and_batch(rows: list[Any], cut: int, *, encoded: bool) -> None:
    whole = EVERY_CHAIN.apply(batch_of_rows(rows, encoded=encoded)).features
    parts = [part for part in (rows[:cut], rows[cut:]) if part]
    made = [EVERY_CHAIN.apply(batch_of_rows(part, encoded=not encoded)).features for part in parts]
    together = pa.Table.from_batches(made).combine_chunks().to_batches()[0]
    assert together.schema == whole.schema
    for name in whole.schema.names:
        assert together.column(name).to_pylist() == pytest.approx(whole.column(name).to_pylist(), abs=0, nan_ok=True)


def test_the_file_without_u_gives_v_the_code_of_the_file_with_all_three() -> None:
    chain = Chain.compile({}, contract_of(c="string"), card_of(c=("u", "v", "w")))
    few = chain.apply(batch_of(c=pa.array(["v", "w"]).dictionary_encode())).features.column("c")
    all_three = chain.apply(batch_of(c=pa.array(["u", "v", "w"]).dictionary_encode())).features.column("c")
    assert few.indices[0] == all_three.indices[1]


def test_a_slice_of_rows_has_the_features_of_the_slice() -> None:
    rows = batch_of_rows([(1.0, "u", None), (None, None, None), (2.0, "w", None)], encoded=True)
    whole, part = EVERY_CHAIN.apply(rows).features, EVERY_CHAIN.apply(rows.slice(1, 2)).features
    assert [str(row) for row in part.to_pylist()] == [str(row) for row in whole.slice(1, 2).to_pylist()]


# ------------------------------------------------------------------------------------------------------------ compile


def test_a_chain_pickles_small_and_works_on_the_other_side() -> None:
    data = pickle.dumps(EVERY_CHAIN)
    assert len(data) < 10_000
    rows = batch_of_rows([(1.0, "u", None), (None, "stranger", None)], encoded=True)
    copy = pickle.loads(data)  # noqa: S301  # our own bytes
    assert str(copy.apply(rows).features.to_pylist()) == str(EVERY_CHAIN.apply(rows).features.to_pylist())


def test_every_mistake_is_reported_at_once() -> None:
    features = features_of(
        carier={"unknown": "missing"},
        wind={"from": "wnd"},
        carrier={"steps": ["log1p"]},
    )
    contract = contract_of(carrier="string", wind="float64")
    with pytest.raises(ConfigError, match="features: 3 mistakes") as caught:
        Chain.compile(features, contract, card_of(carrier="numeric", wind="numeric"))
    assert caught.value.facts["mistakes"] == [
        "carier: no model has a feature of this name; did you mean 'carrier'?",
        "carrier: steps[0] (log1p): takes numbers, and column 'carrier' is text",
        "wind: column 'wnd' is not in the table contract; did you mean 'wind'?",
    ]


def test_an_entry_that_another_model_uses_is_no_mistake() -> None:
    features = features_of(x={"steps": [{"fill": 0}]})
    contract = contract_of(x="float64", y="float64")
    chains = compile_chains(features, contract, [card_of("a", y="numeric"), card_of("b", x="numeric")])
    assert [chain.features for chain in chains] == [("y",), ("x",)]


def test_a_mistake_that_two_models_share_is_reported_once() -> None:
    features = features_of(x={"from": "z"})
    with pytest.raises(ConfigError, match="features: 1 mistake\n"):
        compile_chains(features, contract_of(x="float64"), [card_of("a", x="numeric"), card_of("b", x="numeric")])


@pytest.mark.parametrize(
    ("kind", "steps", "feature", "mistake"),
    [
        ("float64", [{"one_hot": ["a"]}], "numeric", r"steps\[0\] \(one_hot\): takes text, and column 'x' is numbers"),
        ("int32", [{"ordinal": ["a"]}], "numeric", r"takes text, and column 'x' is integers"),
        ("float64", [{"fill": "a"}], "numeric", r"steps\[0\] \(fill\): takes text, and column 'x' is numbers"),
        ("string", [{"fill": 0}], ("a",), r"steps\[0\] \(fill\): takes numbers, and column 'x' is text"),
        ("string", [{"date_part": "hour"}], "numeric", r"takes a date or timestamp, and column 'x' is text"),
        ("date", [{"date_part": "hour"}], "numeric", r"steps\[0\] \(date_part\): a date has no hour"),
        ("date", [], "numeric", r"says numeric, and what comes out is days: a step such as"),
        ("binary", ["log1p"], "numeric", r"takes numbers, and column 'x' is binary"),
        (
            "string",
            [{"ordinal": ["a"]}, {"ordinal": ["b"]}],
            "numeric",
            r"steps\[1\] \(ordinal\): takes text, and ordinal",
        ),
        ("string", [{"ordinal": ["a", "a"]}], "numeric", r"steps\[0\] \(ordinal\): a category is listed twice"),
        ("string", [{"one_hot": ["a"]}, "log1p"], "numeric", r"steps\[0\] \(one_hot\): must be the last step"),
        (
            "string",
            [{"one_hot": ["a"]}],
            "numeric",
            r"one_hot makes 'x=a' and its like, and the model wants 'x' itself",
        ),
        ("string", [], "numeric", r"the model card says numeric, and what comes out is text: a step such as ordinal"),
        ("float64", [], ("a",), r"says categorical, and what comes out is numbers: its column must be text"),
        ("int32", [{"fill": 0}], ("0", "1"), r"says categorical, and what comes out is integers"),
        ("int8", [], "boolean", r"says boolean, and what comes out is integers: its column must be of type bool"),
        (
            "string",
            [{"custom": "nowhere.x:f"}],
            "numeric",
            r"steps\[0\] \(custom\): cannot import 'nowhere.x:f': ModuleNot",
        ),
    ],
)
def test_a_step_or_type_that_does_not_fit_is_a_mistake(kind: str, steps: Any, feature: Any, mistake: str) -> None:
    with pytest.raises(ConfigError, match=mistake):
        Chain.compile(features_of(x={"steps": steps}), contract_of(x=kind), card_of(x=feature))


def test_only_a_custom_step_takes_several_columns() -> None:
    found = mistakes_of(features_of(x={"from": ["a", "b"]}), contract_of(a="int8", b="int8"), card_of(x="numeric"))
    assert found == ["x: `from` names 2 columns; only a custom step as the first one can take several"]


def test_a_feature_without_column_or_entry_is_a_mistake_with_a_near_name() -> None:
    found = mistakes_of({}, contract_of(sched_dep_time="int16"), card_of(sched_dep_tim="numeric"))
    assert len(found) == 1
    assert found[0].startswith(
        "sched_dep_tim: model 'late' wants this feature, and no column and no entry has its name"
    )
    assert found[0].endswith("; did you mean 'sched_dep_time'?")


def test_a_one_hot_feature_that_its_entry_does_not_make_is_a_mistake() -> None:
    features = features_of(origin={"steps": [{"one_hot": ["EWR", "JFK"]}]})
    card = card_of(**{"origin=EWR": "numeric", "origin=JFX": "numeric"})
    assert mistakes_of(features, contract_of(origin="string"), card)[0].endswith("did you mean 'origin=JFK'?")


def test_a_one_hot_entry_that_no_model_uses_is_a_mistake() -> None:
    features = features_of(origin={"steps": [{"one_hot": ["EWR"]}]})
    found = mistakes_of(features, contract_of(origin="string", x="int8"), card_of(x="numeric"))
    assert found == ["origin: no model has a feature such as 'origin=EWR'"]
