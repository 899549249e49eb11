from __future__ import annotations

import json
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
import pytest

from data_checks.slices import MISSING, OTHER, SliceProfile

VALUES = ("AA", "DL", "UA", OTHER, MISSING)
BINS = {"temp": 4, "wind": 9}


def empty(**changes: Any) -> SliceProfile:
    layout: dict[str, Any] = {"slice_column": "carrier", "values": VALUES, "columns": BINS, "scores": {"p": 20}}
    return SliceProfile.empty(**{**layout, **changes})


def random_rows(rng: np.random.Generator, rows: int) -> pd.DataFrame:
    score = np.where(rng.random(rows) < 0.1, np.nan, rng.random(rows))
    return pd.DataFrame(
        {
            "carrier": rng.choice(5, rows, p=[0.5, 0.3, 0.1, 0.1, 0.0]),
            "temp": rng.integers(-1, 4, rows, dtype=np.int32),
            "wind": rng.integers(-1, 9, rows, dtype=np.int8),
            "p": score,
            "p_bin": np.where(np.isnan(score), -1, np.floor(np.nan_to_num(score) * 20)).astype(np.int64),
        }
    )


def add(profile: SliceProfile, rows: pd.DataFrame) -> None:
    codes = rows["carrier"].to_numpy()
    profile.add_rows(codes, {name: rows[name].to_numpy() for name in BINS})
    profile.add_scores(codes, "p", rows["p"].to_numpy(), rows["p_bin"].to_numpy())


def text(profile: SliceProfile) -> str:
    return json.dumps(profile.to_json(), sort_keys=True, allow_nan=False)


def test_counts_are_those_of_a_pandas_crosstab_for_any_batches(rng: np.random.Generator) -> None:
    rows = random_rows(rng, 5_000)
    profile = empty()
    for start in range(0, 5_000, 777):
        add(profile, rows[start : start + 777])
    assert profile.rows.tolist() == rows["carrier"].value_counts().reindex(range(5), fill_value=0).tolist()
    for name, bins in (*BINS.items(), ("p", 20)):
        codes = rows["p_bin" if name == "p" else name].astype(int)
        expected = pd.crosstab(rows["carrier"], codes).reindex(index=range(5), columns=[*range(bins), -1], fill_value=0)
        assert profile.counts(name).tolist() == expected.to_numpy().tolist()


def test_means_are_those_of_a_pandas_groupby_and_none_where_there_is_no_score(rng: np.random.Generator) -> None:
    rows = random_rows(rng, 5_000)
    profile = empty()
    for start in range(0, 5_000, 500):
        add(profile, rows[start : start + 500])
    means = profile.score_means("p")
    expected = rows.groupby("carrier")["p"].mean()
    assert means[:4] == pytest.approx(expected.tolist(), rel=1e-14)
    assert means[4] is None


def test_sums_do_not_depend_on_the_order_of_batches_where_floats_would(rng: np.random.Generator) -> None:
    batches = [np.array([value]) for value in (1e16, 1.0, -1e16, 1e-300, 0.1)]
    found = set()
    for order in (rng.permutation(5) for _ in range(10)):
        profile = empty()
        for place in order:
            profile.add_scores(np.array([1]), "p", batches[place], np.array([0]))
        found.add((text(profile), profile.score_means("p")[1]))
    ((_, mean),) = found
    exact = sum(map(Fraction, (1e16, 1.0, -1e16, 1e-300, 0.1)))
    assert mean == float(exact / 5)


def test_scores_whose_sum_is_beyond_float64_have_a_mean() -> None:
    profile = empty()
    values = np.array([1.7e308, 1.7e308, -1.7e308, 1.7e308, 0.25])
    profile.add_scores(np.array([0, 0, 1, 0, 2]), "p", values, np.zeros(5, np.int64))
    assert profile.score_means("p")[:3] == (1.7e308, -1.7e308, 0.25)


def test_the_value_of_a_row_without_a_bin_is_not_looked_at() -> None:
    profile = empty()
    profile.add_scores(np.array([0, 0, 0]), "p", np.array([np.nan, np.inf, 0.25]), np.array([-1, -1, 5]))
    assert profile.score_means("p")[0] == 0.25
    assert profile.counts("p")[0, -1] == 2


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_score_that_has_a_bin_must_be_finite(value: float) -> None:
    profile = empty()
    with pytest.raises(ValueError, match="score 'p': a score that has a bin is NaN or infinite"):
        profile.add_scores(np.array([0, 1]), "p", np.array([0.5, value]), np.array([3, 3]))
    assert text(profile) == text(empty())


@pytest.mark.parametrize(
    ("codes", "bins", "message"),
    [
        ([0, 5], [0, 0], "column 'carrier': a code is not a whole number from 0 to 4"),
        ([-1, 0], [0, 0], "column 'carrier': a code is not a whole number from 0 to 4"),
        ([0, 1], [0, 4], "column 'temp': a code is not a whole number from -1 to 3"),
        ([0, 1], [0, -2], "column 'temp': a code is not a whole number from -1 to 3"),
        ([0, 1], [0.0, 1.0], "column 'temp': a code is not a whole number from -1 to 3"),
        ([0, 1], [0], r"column 'temp': bins of shape \(1,\) for slices of shape \(2,\)"),
    ],
)
def test_a_code_that_would_be_counted_elsewhere_is_refused_and_nothing_is_counted(
    codes: list[int], bins: list[float], message: str
) -> None:
    profile = empty()
    with pytest.raises(ValueError, match=message):
        profile.add_rows(np.array(codes), {"wind": np.zeros(len(codes), np.int64), "temp": np.array(bins)})
    assert text(profile) == text(empty())


def test_bins_of_other_columns_are_refused() -> None:
    with pytest.raises(ValueError, match=r"bins of the columns \['temp'\] for a profile of \['temp', 'wind'\]"):
        empty().add_rows(np.array([0]), {"temp": np.array([0])})
    with pytest.raises(KeyError, match="q"):
        empty().add_scores(np.array([0]), "q", np.array([0.5]), np.array([0]))


def test_no_rows_are_counted_as_none() -> None:
    profile, none = empty(), np.zeros(0, np.int64)
    profile.add_rows(none, {"temp": none, "wind": none})
    profile.add_scores(none, "p", np.zeros(0), none)
    assert text(profile) == text(empty())


@pytest.mark.parametrize(
    "changes",
    [
        {"slice_column": "origin"},
        {"values": ("AA", "UA", "DL", OTHER, MISSING)},
        {"columns": {"temp": 4, "wind": 8}},
        {"columns": {"temp": 4}},
        {"scores": {"p": 10}},
        {"scores": {}},
    ],
)
def test_profiles_of_another_layout_do_not_merge(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="with other values or bins: no merge"):
        empty().merge(empty(**changes))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (("AA", MISSING, OTHER), "the values must differ and end with __other__ and __missing__"),
        (("AA", "AA", OTHER, MISSING), "the values must differ"),
        ((OTHER, OTHER, MISSING), "the values must differ"),
        ((), "the values must differ and end with"),
    ],
)
def test_the_values_differ_and_end_with_other_and_missing(values: tuple[str, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        empty(values=values)


def test_a_name_is_a_column_or_a_score() -> None:
    with pytest.raises(ValueError, match="'temp' is a column and a score"):
        empty(scores={"temp": 3})


def test_a_matrix_that_is_mostly_zeros_is_written_cell_by_cell(rng: np.random.Generator) -> None:
    profile = empty(values=(*map(str, range(200)), OTHER, MISSING), columns={"temp": 4, "wind": 1_000})
    rows = random_rows(rng, 300)
    add(profile, rows)
    raw = profile.to_json()
    assert raw["columns"]["wind"].keys() == {"bins", "places", "counts"}
    assert len(text(profile)) < 15_000
    back = SliceProfile.from_json(json.loads(text(profile)))
    assert text(back) == text(profile)
    assert (back.counts("wind") == profile.counts("wind")).all()
    full = empty()
    add(full, random_rows(rng, 3_000))
    assert full.to_json()["columns"]["temp"].keys() == {"bins", "counts"}
    assert text(SliceProfile.from_json(json.loads(text(full)))) == text(full)


def changed(change: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    raw: dict[str, Any] = empty().to_json()
    change(raw)
    return raw


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda raw: raw["columns"]["temp"].update(places=[25], counts=[1]), "'temp': not the counts of 5 slices in 4"),
        (lambda raw: raw["columns"]["temp"].update(places=[-1], counts=[1]), "'temp': not the counts of 5 slices in 4"),
        (lambda raw: raw["columns"]["temp"].update(places=[0, 1], counts=[1]), "'temp': not the counts of 5 slices"),
        (lambda raw: raw["columns"]["temp"].update(places=[0], counts=[-1]), "'temp': not the counts of 5 slices"),
        (lambda raw: raw["columns"].update(temp={"bins": 2, "counts": [[0, 0]] * 5}), "'temp': not the counts of 5"),
        (lambda raw: raw["scores"]["p"].update(sums=["0p0"]), "'carrier': not one count of rows and one sum for each"),
        (lambda raw: raw["scores"]["p"].update(sums=["0.5"] * 5), "not an exact sum: '0.5'"),
        (lambda raw: raw.update(rows=[0]), "'carrier': not one count of rows and one sum for each of 5 values"),
        (lambda raw: raw.update(rows=[0, 0, 0, 0, -1]), "'carrier': not one count of rows"),
    ],
)
def test_counts_that_do_not_fit_each_other_are_refused(change: Callable[[Any], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SliceProfile.from_json(changed(change))
