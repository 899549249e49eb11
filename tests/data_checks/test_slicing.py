from __future__ import annotations

import json
import pickle

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from data_checks.columns import BatchColumns
from data_checks.reference import OTHER_SHARE, CategoryFacts
from data_checks.reference_build import build_column, build_score
from data_checks.slices import MISSING, OTHER, SliceProfile
from data_checks.slicing import Slicing, slice_values

CARRIERS = ("AA", "DL", OTHER, MISSING)


def rows_of(rng: np.random.Generator, rows: int) -> pd.DataFrame:
    """Carriers of which two have a slice; a number, a text and a truth value, with nulls; a score."""
    frame = pd.DataFrame(
        {
            "carrier": rng.choice(
                np.array(["AA", "DL", "UA", "XX", None], object), rows, p=[0.5, 0.3, 0.1, 0.05, 0.05]
            ),
            "temp": np.where(rng.random(rows) < 0.1, np.nan, rng.normal(10.0, 5.0, rows)),
            "dest": rng.choice(np.array(["LAX", "SFO", "BOS", None], object), rows),
            "late": rng.choice(np.array([True, False, None], object), rows, p=[0.2, 0.7, 0.1]),
            "p": rng.random(rows),
        }
    )
    frame.loc[rng.random(rows) < 0.05, "p"] = np.nan
    return frame


def batch(frame: pd.DataFrame) -> BatchColumns:
    kinds = {"carrier": pa.string(), "temp": pa.float64(), "dest": pa.string(), "late": pa.bool_()}
    arrays = {name: pa.array(frame[name].tolist(), kind, from_pandas=True) for name, kind in kinds.items()}
    return BatchColumns(pa.record_batch(arrays))


def slicing_of(training: pd.DataFrame, values: dict[str, tuple[str, ...]]) -> Slicing:
    columns = batch(training)
    kinds = {"temp": "numeric", "dest": "categorical", "late": "categorical", "carrier": "categorical"}
    references = [build_column(name, kind, columns.array(name)) for name, kind in kinds.items()]  # type: ignore[arg-type]  # a Literal in a dict
    scores = [build_score("p", "probability", "m", training["p"].to_numpy())]
    return Slicing.of(values, references, scores, OTHER_SHARE)


def counted(slicing: Slicing, frame: pd.DataFrame, cuts: list[int]) -> dict[str, SliceProfile]:
    profiles = slicing.empty()
    for start, stop in zip([0, *cuts], [*cuts, len(frame)], strict=True):
        part = frame[start:stop]
        slicing.add(profiles, batch(part), {"p": part["p"].to_numpy()})
    return profiles


def bins_by_pandas(slicing: Slicing, frame: pd.DataFrame, name: str) -> pd.Series:
    """Each row's bin, -1 where missing, from the edges and names alone."""
    if name in ("temp", "p"):
        (edges,) = (item.bins.edges for item in (*slicing.columns, *slicing.scores) if item.column == name)
        return pd.cut(frame[name], [-np.inf, *edges, np.inf], right=False, labels=False).fillna(-1).astype(int)
    words = frame[name].map(lambda value: value if pd.isna(value) or isinstance(value, str) else str(value).lower())
    places = {label: place for place, label in enumerate(slicing.labels()[name])}
    return words.map(lambda word: -1 if pd.isna(word) else places[word]).astype(int)


def slices_by_pandas(frame: pd.DataFrame) -> pd.Series:
    return frame["carrier"].map(lambda name: 3 if pd.isna(name) else {"AA": 0, "DL": 1}.get(name, 2)).astype(int)


def test_counts_and_means_are_those_of_a_crosstab_and_a_groupby(rng: np.random.Generator) -> None:
    training, tonight = rows_of(rng, 3_000), rows_of(rng, 4_000)
    slicing = slicing_of(training, {"carrier": CARRIERS})
    profile = counted(slicing, tonight, [1, 1_000, 3_999])["carrier"]
    slices = slices_by_pandas(tonight)
    assert profile.rows.tolist() == slices.value_counts().sort_index().tolist()
    for name in ("temp", "dest", "late", "p"):
        width = len(slicing.labels()[name])
        table = pd.crosstab(slices, bins_by_pandas(slicing, tonight, name))
        expected = table.reindex(index=range(4), columns=[*range(width), -1], fill_value=0)
        assert profile.counts(name).tolist() == expected.to_numpy().tolist(), name
    assert profile.score_means("p") == pytest.approx(tonight["p"].groupby(slices).mean().tolist(), rel=1e-14)


def test_rows_in_slices_add_up_to_the_training_counts(rng: np.random.Generator) -> None:
    training = rows_of(rng, 3_000)
    slicing = slicing_of(training, {"carrier": CARRIERS})
    profile = counted(slicing, training, [])["carrier"]
    reference = build_column("temp", "numeric", batch(training).array("temp"))
    assert reference.numeric is not None
    assert profile.counts("temp").sum(axis=0).tolist() == [*reference.numeric.counts, reference.missing]


def test_several_slice_columns_are_counted_side_by_side(rng: np.random.Generator) -> None:
    training, tonight = rows_of(rng, 2_000), rows_of(rng, 1_000)
    values = {"carrier": CARRIERS, "late": ("false", "true", OTHER, MISSING)}
    slicing = slicing_of(training, values)
    profiles = counted(slicing, tonight, [300])
    alone = counted(slicing_of(training, {"carrier": CARRIERS}), tonight, [300])
    assert profiles["carrier"].to_json() == alone["carrier"].to_json()
    late = tonight["late"].map(lambda value: 3 if pd.isna(value) else int(value))
    assert profiles["late"].rows.tolist() == [int((late == place).sum()) for place in range(4)]


def test_parts_merge_to_the_whole_where_batches_are_cut_alike(rng: np.random.Generator) -> None:
    slicing = slicing_of(rows_of(rng, 2_000), {"carrier": CARRIERS})
    tonight = rows_of(rng, 1_500)
    whole = counted(slicing, tonight, [500, 1_000])["carrier"]
    merged = slicing.empty()["carrier"]
    for start in (1_000, 0, 500):
        merged.merge(counted(slicing, tonight[start : start + 500], [])["carrier"])
    assert json.dumps(merged.to_json()) == json.dumps(whole.to_json())


def test_a_row_falls_in_the_slice_of_its_value_however_it_is_stored() -> None:
    slicing = Slicing({"c": ("u", "v", OTHER, MISSING)}, (), ())
    plain = pa.array(["v", "u", "new", None, "u", OTHER, MISSING])
    twice = pa.DictionaryArray.from_arrays(
        pa.array([2, 0, 3, None, 1, 4, 5], pa.int32()), pa.array(["u", "u", "v", "new", OTHER, MISSING, "unused"])
    )
    for array in (plain, plain.dictionary_encode(), plain.cast(pa.large_string()), twice):
        columns = BatchColumns(pa.record_batch({"c": array}))
        assert slicing.slices_of(columns, "c").tolist() == [1, 0, 2, 3, 0, 2, 2]


def test_nothing_is_counted_where_no_slices_are_wanted() -> None:
    slicing = Slicing({}, (), ())
    slicing.add(slicing.empty(), BatchColumns(pa.record_batch({"c": pa.array(["u"])})), {})
    assert slicing.empty() == {}


def test_a_slicing_survives_pickling_before_and_after_its_use(rng: np.random.Generator) -> None:
    slicing, tonight = slicing_of(rows_of(rng, 1_000), {"carrier": CARRIERS}), rows_of(rng, 500)
    before = pickle.loads(pickle.dumps(slicing))  # noqa: S301  # our own
    expected = counted(slicing, tonight, [])["carrier"].to_json()
    after = pickle.loads(pickle.dumps(slicing))  # noqa: S301  # our own
    assert before == after == slicing
    assert after._known == {}
    for copy in (before, after):
        assert counted(copy, tonight, [])["carrier"].to_json() == expected


def test_scores_with_bins_of_categories_are_refused() -> None:
    words = build_column("p", "categorical", pa.array(["low", "high"] * 10))
    slicing = Slicing.of({"c": (OTHER, MISSING)}, (), [words], OTHER_SHARE)
    columns = BatchColumns(pa.record_batch({"c": pa.array(["u"])}))
    with pytest.raises(TypeError, match="the score 'p' has bins of categories"):
        slicing.add(slicing.empty(), columns, {"p": np.array([0.5])})


# ----------------------------------------------------------------------------------------------- which values have one


def facts(**counts: int) -> CategoryFacts:
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    return CategoryFacts(categories=tuple(ordered), distinct=len(ordered))


def test_the_most_frequent_values_have_a_slice_and_rare_ones_are_not_named() -> None:
    assert slice_values(facts(AA=900, DL=5, UA=4, XX=1), 50) == ("AA", "DL", OTHER, MISSING)
    assert slice_values(facts(AA=9, DL=70, UA=800), 2) == ("UA", "DL", OTHER, MISSING)
    assert slice_values(facts(), 50) == (OTHER, MISSING)


def test_values_that_are_named_like_the_last_slices_do_not_take_their_place() -> None:
    counts = {OTHER: 900, MISSING: 800, "AA": 700, "DL": 600}
    assert slice_values(facts(**counts), 2) == ("AA", "DL", OTHER, MISSING)
    slicing = Slicing({"c": slice_values(facts(**counts), 2)}, (), ())
    columns = BatchColumns(pa.record_batch({"c": pa.array([OTHER, MISSING, "AA", None])}))
    assert slicing.slices_of(columns, "c").tolist() == [2, 2, 0, 3]


def test_a_column_of_too_many_values_has_no_slice_of_its_own() -> None:
    assert slice_values(CategoryFacts(distinct=100_001, unlisted=500_000), 50) == (OTHER, MISSING)
