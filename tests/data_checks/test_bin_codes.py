from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from data_checks.bin_codes import BinCodes, CategoryBins, NumberBins
from data_checks.column_profile import ColumnProfile
from data_checks.column_summary import ColumnSummary
from data_checks.columns import BatchColumns
from data_checks.drift_bins import OTHER, UNSEEN, category_bins
from data_checks.reference import OTHER_SHARE, ReferenceColumn
from data_checks.reference_build import build_column, build_score


def codes_of(reference: ReferenceColumn, values: pa.Array) -> list[int]:
    found = BinCodes.of(reference, OTHER_SHARE)
    assert found is not None
    codes = found.codes(BatchColumns(pa.record_batch({reference.name: values})))
    assert codes.shape == (len(values),)
    assert codes.dtype == np.int16
    return codes.tolist()


def labels_of(reference: ReferenceColumn) -> tuple[str, ...]:
    found = BinCodes.of(reference, OTHER_SHARE)
    assert found is not None
    return found.bins.labels


# -------------------------------------------------------------------------------------------------------------- numbers


def zero_inflated(rng: np.random.Generator, rows: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Half of it zeros, with edges that are hit and values beyond training."""
    values = np.where(rng.random(rows) < 0.5, 0.0, np.round(rng.normal(3.0, 2.0, rows), 1))
    return np.where(rng.random(rows) < 0.05, np.nan, values)


def test_a_number_has_the_place_that_pandas_cut_gives_it(rng: np.random.Generator) -> None:
    training, tonight = zero_inflated(rng, 4_000), zero_inflated(rng, 3_000) * 1.5
    reference = build_column("x", "numeric", pa.array(training))
    assert reference.numeric is not None
    edges = reference.numeric.edges
    tonight[: len(edges)] = edges
    expected = pd.cut(pd.Series(tonight), [-np.inf, *edges, np.inf], right=False, labels=False).fillna(-1).astype(int)
    assert codes_of(reference, pa.array(tonight)) == expected.tolist()
    assert set(expected) == set(range(-1, len(edges) + 1))


def test_codes_of_the_training_rows_count_to_the_frozen_counts(rng: np.random.Generator) -> None:
    training = zero_inflated(rng, 5_000)
    training[:7] = np.inf
    training[7:10] = -np.inf
    reference = build_column("x", "numeric", pa.array(training))
    assert reference.numeric is not None
    counts = np.bincount(np.array(codes_of(reference, pa.array(training))) + 1)
    assert counts.tolist() == [int(np.isnan(training).sum()), *reference.numeric.counts]
    assert len(labels_of(reference)) == len(reference.numeric.counts)


def test_an_atoms_bin_holds_that_value_alone(rng: np.random.Generator) -> None:
    reference = build_column("x", "numeric", pa.array(zero_inflated(rng, 4_000)))
    place = labels_of(reference).index("= 0")
    found = codes_of(reference, pa.array([0.0, -0.0, np.nextafter(0, -1), np.finfo(float).tiny, 0.1]))
    assert [code == place for code in found] == [True, True, False, False, False]


@pytest.mark.parametrize("kind", [pa.int8(), pa.uint16(), pa.int64(), pa.float32(), pa.decimal128(9, 2)])
def test_numbers_of_every_type_are_placed_by_their_value_and_null_is_missing(kind: pa.DataType) -> None:
    values = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10] * 3
    reference = build_column("x", "numeric", pa.array(values, kind))
    assert reference.numeric is not None
    tonight = [None, 0, 1, 5, 10, 100]
    expected = [-1, *np.searchsorted(reference.numeric.edges, tonight[1:], side="right").tolist()]
    assert codes_of(reference, pa.array(tonight, kind)) == expected


def test_a_column_of_one_value_has_a_bin_for_it_and_one_on_each_side() -> None:
    reference = build_column("x", "numeric", pa.array([7.0] * 20))
    assert codes_of(reference, pa.array([6.0, 7.0, 8.0, None])) == [0, 1, 2, -1]


def test_scores_are_placed_by_their_deciles_and_not_by_the_fine_grid(rng: np.random.Generator) -> None:
    scores = rng.random(2_000)
    reference = build_score("p", "probability", "m", scores)
    assert reference.numeric is not None
    found = BinCodes.of(reference, OTHER_SHARE)
    assert found is not None
    assert isinstance(found.bins, NumberBins)
    assert len(found.bins.labels) == 10 < len(reference.numeric.grid_counts)
    assert found.bins.codes(scores).tolist() == np.searchsorted(found.bins.edges, scores, side="right").tolist()


# ----------------------------------------------------------------------------------------------------------- categories

#: 2,000 values: three frequent ones, one of 0.3 %, and no singletons.
TRAINING = ["u"] * 1_200 + ["v"] * 600 + ["w"] * 194 + ["rare"] * 6
#: Frequent, rare and new ones; null.
TONIGHT = ["w", "v", "rare", "new", None, "u", "other new", "u", "", None]


def test_a_category_has_its_own_place_a_rare_one_the_others_and_a_new_one_the_last() -> None:
    reference = build_column("c", "categorical", pa.array(TRAINING))
    assert labels_of(reference) == ("u", "v", "w", OTHER, UNSEEN)
    places = {"u": 0, "v": 1, "w": 2, "rare": 3}
    expected = pd.Series(TONIGHT, dtype=object).map(lambda name: -1 if pd.isna(name) else places.get(name, 4))
    assert codes_of(reference, pa.array(TONIGHT)) == expected.tolist()


@pytest.mark.parametrize(
    "array",
    [
        pa.array(TONIGHT),
        pa.array(TONIGHT, pa.large_string()),
        pa.array(TONIGHT).dictionary_encode(),
        pa.array(["?", *TONIGHT, "?"]).slice(1, len(TONIGHT)),
        pa.array(["?", *TONIGHT, "?"]).dictionary_encode().slice(1, len(TONIGHT)),
    ],
    ids=["plain", "large", "dictionary", "slice", "slice of a dictionary"],
)
def test_however_text_is_stored_it_has_the_same_places(array: pa.Array) -> None:
    reference = build_column("c", "categorical", pa.array(TRAINING))
    assert codes_of(reference, array) == codes_of(reference, pa.array(TONIGHT))


def test_a_dictionary_that_lists_a_value_twice_gives_it_one_place() -> None:
    reference = build_column("c", "categorical", pa.array(TRAINING))
    dictionary = pa.array(["never", "v", "u", "v", "new", "new", "rare", "rare"])
    codes = pa.array([1, 3, 2, None, 4, 5, 6, 7], pa.int32())
    array = pa.DictionaryArray.from_arrays(codes, dictionary)
    assert codes_of(reference, array) == [1, 1, 0, -1, 4, 4, 3, 3]


def test_truth_values_are_categories() -> None:
    reference = build_column("b", "categorical", pa.array([True] * 30 + [False] * 20))
    assert labels_of(reference) == ("true", "false", OTHER, UNSEEN)
    assert codes_of(reference, pa.array([False, None, True])) == [1, -1, 0]


def test_in_an_open_vocabulary_a_new_word_counts_as_a_rare_one() -> None:
    """Each night brings new words there, and that is no drift."""
    words = ["u"] * 900 + [f"word-{number}" for number in range(100)]
    reference = build_column("c", "categorical", pa.array(words))
    assert codes_of(reference, pa.array(["u", "word-3", "brand new", None])) == [0, 1, 1, -1]


def test_the_codes_count_to_the_bins_that_psi_is_computed_on(rng: np.random.Generator) -> None:
    words = [*TRAINING, *(f"rare-{number % 40}" for number in range(120))]
    reference = build_column("c", "categorical", pa.array(words))
    assert reference.categorical is not None
    tonight = pa.array([*rng.choice(np.array(words, object), 3_000), *["new"] * 9, None])
    profile = ColumnProfile.empty("c", "categorical", reference)
    columns = BatchColumns(pa.record_batch({"c": tonight}))
    profile.add_conformed(columns)
    profile.add_scored(columns)
    sides = ColumnSummary.of_reference(reference).categories, ColumnSummary.of_column(profile).categories
    assert sides[0] is not None
    assert sides[1] is not None
    wanted = {item.label: item.current for item in category_bins(reference.categorical, *sides, OTHER_SHARE)}
    found = np.bincount(np.array(codes_of(reference, tonight)) + 1).tolist()
    assert dict(zip(labels_of(reference), found[1:], strict=True)) == wanted
    assert found[0] == 1


# ------------------------------------------------------------------------------------------------------- what has none


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("numeric", pa.array([None, None], pa.float64())),
        ("numeric", pa.array([np.nan, np.inf])),
        ("categorical", pa.array([None, None], pa.string())),
        ("categorical", pa.array([f"id-{number}" for number in range(100_001)])),
        ("temporal", pa.array([1, 2], pa.timestamp("us"))),
        ("opaque", pa.array([b"a", b"b"])),
    ],
    ids=["nothing but null", "nothing finite", "no text", "too many categories", "times", "bytes"],
)
def test_what_is_not_compared_has_no_bins(kind: Any, values: pa.Array) -> None:
    assert BinCodes.of(build_column("x", kind, values), OTHER_SHARE) is None


def test_no_rows_have_no_codes() -> None:
    for kind, training, none in (("categorical", TRAINING, pa.string()), ("numeric", [1.0, 2.0], pa.float64())):
        reference = build_column("x", kind, pa.array(training))  # type: ignore[arg-type]  # a Literal in a tuple
        assert codes_of(reference, pa.array([], none)) == []


def test_bins_survive_pickling_before_and_after_their_use() -> None:
    found = BinCodes.of(build_column("c", "categorical", pa.array(TRAINING)), OTHER_SHARE)
    assert found is not None
    columns = BatchColumns(pa.record_batch({"c": pa.array(TONIGHT)}))
    before = pickle.loads(pickle.dumps(found))  # noqa: S301  # our own
    expected = found.codes(columns).tolist()
    after = pickle.loads(pickle.dumps(found))  # noqa: S301  # our own
    assert before == after == found
    assert isinstance(after.bins, CategoryBins)
    assert after.bins._known is None
    assert before.codes(columns).tolist() == after.codes(columns).tolist() == expected
