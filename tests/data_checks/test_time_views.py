from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from data_checks.columns import BatchColumns
from data_checks.profile import ProfileColumn, profile_columns
from data_checks.time_views import TimeViews
from schemas.contract import Column, TableContract
from schemas.drift_settings import TimeFeature

CONTRACT = TableContract(
    columns=(
        Column(name="x", type="float64"),
        Column(name="due", type="date"),
        Column(name="born", type="date"),
        Column(name="at", type="timestamp"),
        Column(name="made", type="timestamp", role="passthrough"),
    )
)


def table(rng: np.random.Generator, rows: int = 500) -> pd.DataFrame:
    moments = (
        pd.to_datetime(rng.integers(-(10**14), 2 * 10**15, (2, rows)).ravel(), unit="us").to_numpy().reshape(2, -1)
    )
    frame = pd.DataFrame({"at": moments[0], "made": moments[1]})
    frame["due"] = frame["at"].dt.floor("D")
    frame["born"] = frame["made"].dt.floor("D")
    frame.loc[rng.random(rows) < 0.1, ["at", "due"]] = pd.NaT
    return frame


def batch(frame: pd.DataFrame) -> BatchColumns:
    def array(name: str, kind: pa.DataType) -> pa.Array:
        values = [None if pd.isna(value) else value.to_pydatetime() for value in frame[name]]
        return pa.array([v.date() if v is not None and pa.types.is_date(kind) else v for v in values], kind)

    kinds = {"due": pa.date32(), "born": pa.date32(), "at": pa.timestamp("us"), "made": pa.timestamp("us")}
    columns = {"x": pa.array(np.arange(float(len(frame))))}
    return BatchColumns(pa.record_batch(columns | {name: array(name, kind) for name, kind in kinds.items()}))


def test_a_timestamp_is_compared_by_its_hour_and_a_date_not_at_all_unless_the_job_says_otherwise() -> None:
    views = TimeViews.of(CONTRACT, {})
    assert views.views == (("at", TimeFeature(part="hour")),)
    assert views.kinds(profile_columns(CONTRACT)) == (
        ProfileColumn("x", "numeric"),
        ProfileColumn("due", "temporal"),
        ProfileColumn("born", "temporal"),
        ProfileColumn("at", "categorical"),
    )


@pytest.mark.parametrize("part", ["hour", "weekday", "month"])
def test_a_part_is_that_of_pandas_and_a_missing_one_stays_missing(part: str, rng: np.random.Generator) -> None:
    frame = table(rng)
    views = TimeViews.of(CONTRACT, {"at": TimeFeature(part=part)})  # type: ignore[arg-type]  # a Literal in a list
    found = views.apply(batch(frame)).array("at").to_pylist()
    parts = frame["at"].dt
    number = {"hour": parts.hour, "weekday": parts.day_of_week + 1, "month": parts.month}[part]
    expected = [None if np.isnan(value) else int(value) for value in number]
    assert [None if word is None else int(word.split()[0]) for word in found] == expected


def test_an_age_is_in_days_between_dates_and_timestamps_alike(rng: np.random.Generator) -> None:
    frame = table(rng)
    views = TimeViews.of(CONTRACT, {"due": TimeFeature(since="made"), "at": TimeFeature(since="born")})
    assert [column.kind for column in views.kinds(profile_columns(CONTRACT))][1:] == ["numeric", "temporal", "numeric"]
    found = views.apply(batch(frame))
    for name, other in (("due", "made"), ("at", "born")):
        expected = (frame[name] - frame[other]) / dt.timedelta(days=1)
        np.testing.assert_allclose(found.numbers(name), expected.to_numpy(), rtol=1e-12, atol=1e-9)


def test_the_other_columns_are_the_same_views_as_before(rng: np.random.Generator) -> None:
    columns = batch(table(rng))
    ascending = columns.ascending_numbers("x")
    assert TimeViews.of(CONTRACT, {}).apply(columns).ascending_numbers("x") is ascending
    assert TimeViews().apply(columns) is columns
