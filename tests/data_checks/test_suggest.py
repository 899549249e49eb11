from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data_checks.checks import Checks
from data_checks.columns import BatchColumns
from data_checks.suggest import suggest_suite
from data_checks.verdicts import TableFacts, judge_suite
from schemas.contract import Column, TableContract, read_contract
from schemas.job import Checks as CheckSettings
from schemas.suite import read_suite
from transforms.arrow_types import arrow_type

FLIGHTS = Path(__file__).parents[2] / "sample_data" / "flights"
CONTRACT = TableContract(
    columns=(
        Column(name="id", type="int64", role="key", nullable=False),
        Column(name="age", type="int16"),
        Column(name="rate", type="float64"),
        Column(name="rare", type="float32"),
        Column(name="city", type="string"),
        Column(name="code", type="string", role="passthrough"),
        Column(name="born", type="date"),
        Column(name="night", type="date", role="partition"),
    )
)


def training(rng: np.random.Generator, rows: int = 400) -> pa.Table:
    some = rng.random(rows)
    return pa.table(
        {
            "id": pa.array(range(rows)),
            "age": pa.array(rng.integers(18, 90, rows), mask=some < 0.1),
            "rate": np.where(some < 0.002, np.nan, rng.normal(0, 1, rows)),
            "rare": pa.array(some, mask=some < 0.6),
            "city": pa.array(rng.choice(["Rome", "Oslo"], rows)).dictionary_encode(),
            "code": [f"A{n:05d}" for n in range(rows)],
            "born": [dt.date(1990, 1, 1)] * rows,
            "label": [0] * rows,
        }
    )


def by_rule(suite: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {":".join([e["type"][7:], *e["kwargs"].get("column", "").split()]): e for e in suite["expectations"]}


def judged(suite: dict[str, Any], table: pa.Table, contract: TableContract, folder: Path) -> list[str]:
    """Rules of the suite, read back from its file, that the table breaks."""
    path = folder / "suite.json"
    path.write_text(json.dumps(suite, allow_nan=False))
    checks = Checks.compile(read_suite(path), contract, CheckSettings())
    state = checks.new_state()
    schema = pa.schema([pa.field(c.name, arrow_type(c)) for c in contract if c.name in table.column_names])
    for batch in table.select(schema.names).cast(schema).to_batches():
        checks.judge(BatchColumns(batch), state)
    facts = TableFacts(table.num_rows, [tuple(table.column_names)], contract)
    return [verdict.rule for verdict in judge_suite(checks, state, facts) if not verdict.success]


def test_each_column_gets_what_its_values_and_role_ask_for(rng: np.random.Generator) -> None:
    found = by_rule(suggest_suite(training(rng), CONTRACT))
    assert set(found) == {
        "table_row_count_to_be_between",
        "column_values_to_be_unique:id",
        "column_values_to_not_be_null:age",
        "column_values_to_be_between:age",
        "column_values_to_not_be_null:rate",
        "column_values_to_be_between:rate",
        "column_values_to_not_be_null:city",
        "column_values_to_be_in_set:city",
        "column_values_to_not_be_null:code",
        "column_value_lengths_to_be_between:code",
        "column_values_to_not_be_null:born",
    }


def test_limits_leave_room_and_do_not_change_sign(rng: np.random.Generator) -> None:
    found = by_rule(suggest_suite(training(rng), CONTRACT))
    age, rate = (found[f"column_values_to_be_between:{name}"] for name in ("age", "rate"))
    assert age["kwargs"]["min_value"] == 0
    assert age["kwargs"]["max_value"] >= 120
    assert rate["kwargs"]["min_value"] < age["kwargs"]["min_value"] < rate["kwargs"]["max_value"]
    assert (age["severity"], age["meta"]["evidence"]["values"] > 300) == ("warning", True)


def test_a_feature_that_was_complete_may_hold_the_night_when_it_goes_missing(rng: np.random.Generator) -> None:
    found = by_rule(suggest_suite(training(rng), CONTRACT))
    complete, gappy = (found[f"column_values_to_not_be_null:{name}"] for name in ("city", "age"))
    assert (complete["severity"], complete["kwargs"]["mostly"]) == ("critical", 0.79)
    assert (gappy["severity"], 0.5 < gappy["kwargs"]["mostly"] < 0.7) == ("warning", True)
    assert complete["meta"]["evidence"] == {"missing": 0, "rows": 400}


@pytest.mark.parametrize("keys", [("id", "age"), ("city",)])
def test_a_key_that_repeats_or_is_of_several_columns_is_not_called_unique(
    rng: np.random.Generator, keys: tuple[str, ...]
) -> None:
    columns = [c.model_copy(update={"role": "key" if c.name in keys else "feature"}) for c in CONTRACT]
    found = by_rule(suggest_suite(training(rng), CONTRACT.model_copy(update={"columns": tuple(columns)})))
    assert not [rule for rule in found if "unique" in rule]


def test_training_data_meets_its_own_suggestion_and_odd_data_does_not(rng: np.random.Generator, tmp_path: Path) -> None:
    table = training(rng)
    suite = suggest_suite(table, CONTRACT)
    assert judged(suite, table, CONTRACT, tmp_path) == []
    odd = table.set_column(1, "age", pa.array([900] * 400)).set_column(4, "city", pa.array(["Paris"] * 400))
    assert judged(suite, odd, CONTRACT, tmp_path) == [
        "column_values_to_be_between:age",
        "column_values_to_be_in_set:city",
    ]


@pytest.mark.parametrize("rows", [0, 1, 20])
def test_hardly_any_training_data_suggests_hardly_anything(rng: np.random.Generator, tmp_path: Path, rows: int) -> None:
    suite = suggest_suite(training(rng).slice(0, rows), CONTRACT)
    assert len(suite["expectations"]) == {0: 1, 1: 1, 20: 6}[rows]
    assert judged(suite, training(rng), CONTRACT, tmp_path) == []


def test_nights_of_flights_meet_what_half_a_year_of_training_suggests(tmp_path: Path) -> None:
    contract = read_contract(FLIGHTS / "schema.yaml")
    suite = suggest_suite(pq.read_table(FLIGHTS / "train"), contract)
    nights = pq.read_table(FLIGHTS / "input").to_pandas()
    broken = {}
    for date in ("2013-07-04", "2013-10-25", "2013-12-30", "2013-12-31"):
        rows = pa.Table.from_pandas(nights[nights["flight_date"].astype(str) == date], preserve_index=False)
        broken[date] = judged(suite, rows.drop(["flight_date"]), contract, tmp_path)
    assert [date for date, rules in broken.items() if rules] == ["2013-12-31"]
    assert "column_values_to_not_be_null:temp" in broken["2013-12-31"]
