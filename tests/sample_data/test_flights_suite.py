"""The suite of New York flights judges the half year as its owner means it, by plain pandas as a second opinion."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from schemas.card import read_card
from schemas.contract import read_contract

FLIGHTS = Path(__file__).parents[2] / "sample_data" / "flights"

Night = pd.DataFrame
Rule = dict[str, Any]


@cache
def nights() -> dict[str, Night]:
    """Each night's rows as Great Expectations would see them: pandas, with the partition column."""
    table = pq.read_table(FLIGHTS / "input").to_pandas()
    return {str(date): rows for date, rows in table.groupby(table["flight_date"].astype(str))}


def rules() -> list[Rule]:
    rules: list[Rule] = json.loads((FLIGHTS / "suite.json").read_text(encoding="utf-8"))["expectations"]
    return rules


# ------------------------------------------------------------------------------------- plain pandas as a second opinion


def within(value: Any, rule: Rule) -> Any:
    low, high = rule["kwargs"].get("min_value", -np.inf), rule["kwargs"].get("max_value", np.inf)
    return (value >= low) & (value <= high)


def share_met(met: pd.Series, rule: Rule) -> bool:
    """Whether enough rows meet the rule; a rule without rows to judge is not met."""
    return len(met) > 0 and bool(met.mean() >= rule["kwargs"].get("mostly", 1.0))


def of_present(judge: Callable[[pd.Series, Rule], Any]) -> Callable[[Night, Rule], bool]:
    return lambda night, rule: share_met(judge(night[rule["kwargs"]["column"]].dropna(), rule), rule)


def of_column(measure: str) -> Callable[[Night, Rule], bool]:
    return lambda night, rule: bool(within(getattr(night[rule["kwargs"]["column"]], measure)(), rule))


JUDGES: dict[str, Callable[[Night, Rule], bool]] = {
    "expect_table_row_count_to_be_between": lambda night, rule: bool(within(len(night), rule)),
    "expect_table_columns_to_match_set": lambda night, rule: set(night.columns) == set(rule["kwargs"]["column_set"]),
    "expect_column_values_to_not_be_null": lambda night, rule: share_met(night[rule["kwargs"]["column"]].notna(), rule),
    "expect_column_values_to_be_between": of_present(within),
    "expect_column_values_to_be_in_set": of_present(lambda x, rule: x.isin(rule["kwargs"]["value_set"])),
    "expect_column_values_to_match_regex": of_present(lambda x, rule: x.str.contains(rule["kwargs"]["regex"])),
    "expect_column_value_lengths_to_equal": of_present(lambda x, rule: x.str.len() == rule["kwargs"]["value"]),
    "expect_column_values_to_be_unique": of_present(lambda x, _: ~x.duplicated(keep=False)),
    "expect_column_values_to_be_of_type": lambda night, rule: (
        str(night[rule["kwargs"]["column"]].dtype) == rule["kwargs"]["type_"]
    ),
    "expect_column_mean_to_be_between": of_column("mean"),
    "expect_column_min_to_be_between": of_column("min"),
    "expect_column_max_to_be_between": of_column("max"),
}


def policy(rule: Rule) -> str:
    default = "fail" if rule["severity"] == "critical" else "warn"
    return str(rule["meta"].get("on_fail", default))


@cache
def broken() -> dict[str, list[tuple[str, str]]]:
    """Date to (rule, policy) of the rules that the night breaks."""
    return {
        date: [(rule["meta"]["id"], policy(rule)) for rule in rules() if not JUDGES[rule["type"]](night, rule)]
        for date, night in nights().items()
    }


def nights_that_break(wanted: str) -> dict[str, list[str]]:
    found = {date: [rule for rule, on_fail in items if on_fail == wanted] for date, items in broken().items()}
    return {date: items for date, items in found.items() if items}


# ------------------------------------------------------------------------------------------------------------ the suite


def test_great_expectations_reads_the_suite_and_writes_the_same_file(tmp_path: Path) -> None:
    # In a process of its own: great_expectations takes seconds to import and changes the logging of the whole process.
    script = """
import pathlib, sys
import great_expectations as gx
source, folder = map(pathlib.Path, sys.argv[1:])
context = gx.get_context(mode="file", project_root_dir=folder)
stored = folder / "gx" / "expectations" / "flights.json"
stored.write_bytes(source.read_bytes())
context.suites.get("flights").save()
assert stored.read_text().strip() == source.read_text().strip()
"""
    command = [sys.executable, "-c", script, str(FLIGHTS / "suite.json"), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_every_rule_has_a_name_of_its_own_a_severity_and_a_reason() -> None:
    assert len(rules()) >= 20
    assert len({rule["meta"]["id"] for rule in rules()}) == len(rules())
    assert {rule["severity"] for rule in rules()} == {"critical", "warning", "info"}
    assert {policy(rule) for rule in rules()} == {"fail", "quarantine", "warn"}
    assert all(rule["notes"] for rule in rules())
    assert set(JUDGES) == {rule["type"] for rule in rules()}


def test_only_the_last_night_breaks_a_rule_that_holds_it() -> None:
    held = nights_that_break("fail")
    assert list(held) == ["2013-12-31"]
    assert {"temp_present", "wind_speed_present", "precip_present", "visib_present"} <= set(held["2013-12-31"])


def test_only_the_impossible_flight_is_set_aside() -> None:
    aside = nights_that_break("quarantine")
    aside.pop("2013-12-31")  # no weather at all: its rules judged no row
    assert aside == {"2013-07-27": ["distance_is_flown"]}
    night = nights()["2013-07-27"]
    assert night.loc[night["distance"] < 50, "row_id"].tolist() == [275945]


def test_warnings_are_rare_enough_to_be_read() -> None:
    warned = nights_that_break("warn")
    assert 5 < len(warned) < 184 / 5
    by_rule = pd.Series([rule for items in warned.values() for rule in items]).value_counts()
    assert by_rule.max() < 184 / 10


def test_no_rule_is_about_a_column_that_is_not_in_the_contract() -> None:
    names = set(read_contract(FLIGHTS / "schema.yaml").names())
    assert {rule["kwargs"]["column"] for rule in rules() if "column" in rule["kwargs"]} <= names


def test_the_sets_of_the_suite_are_the_categories_of_the_model() -> None:
    card = read_card(FLIGHTS / "model" / "late.card.json")
    categories = {item.name: set(item.categories) for item in card.features if item.categories}
    sets = {
        rule["kwargs"]["column"]: set(rule["kwargs"]["value_set"]) for rule in rules() if "value_set" in rule["kwargs"]
    }
    sets.pop("engines")
    assert sets == categories
