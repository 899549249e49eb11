"""The independent oracle: Great Expectations on pandas, on the whole table at once, against our merged batches."""

from __future__ import annotations

import datetime as dt
import json
import logging
import pickle
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from data_checks.check_state import CheckState
from data_checks.checks import Checks
from data_checks.columns import BatchColumns
from data_checks.uniqueness import KeyHashes, find_duplicates
from data_checks.verdicts import TableFacts, judge_suite
from schemas.contract import Column, TableContract
from schemas.expectation_types import NOT_YET, SUPPORTED
from schemas.job import Checks as CheckSettings
from schemas.suite import Expectation, Suite, read_suite
from schemas.verdicts import ExpectationVerdict, Status
from transforms.arrow_types import arrow_type

# What pandas and NumPy warn of while GX works: groups in a pattern, infinite values.
pytestmark = [
    pytest.mark.filterwarnings("ignore:This pattern is interpreted as a regular expression:UserWarning"),
    pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning"),
]

TABLES, EXPECTATIONS = 70, 20

TYPES = {
    **dict.fromkeys(("i64", "i64n", "big"), "int64"),
    **dict.fromkeys(("s", "key"), "string"),
    "i8": "int8",
    "i32": "int32",
    "u64": "uint64",
    "f64": "float64",
    "f32": "float32",
    "b": "bool",
    "day": "date",
    "ts": "timestamp",
    "tz": "timestamp[UTC]",
    "dec": "decimal(12,2)",
    "wide": "decimal(38,4)",
}
ALWAYS_THERE = ("i8", "i32", "i64", "big", "u64", "b")
NUMBERS = ("i8", "i32", "i64", "i64n", "u64", "f64", "f32", "dec")
CONTRACT = TableContract(
    columns=tuple(Column(name=n, type=k, role="key" if n == "key" else "feature") for n, k in TYPES.items())
)
WORDS = ["", "a", "A1", "ab", "abc", "été", "日本", "e\u0301", "😀x", "zz top", "line\nbreak", "N123AB"]
PATTERNS = ["^a", "b$", "^[A-Z0-9]{2,}$", "\\d+", ".", "é", "^$", "(?i)A", "\\s", "^k\\d*7$", "(a+)+$"]
BASE = dt.datetime(2024, 2, 28, 23, tzinfo=dt.UTC)

Rng = np.random.Generator

# ------------------------------------------------------------------------------------------------------- random tables


def random_table(rng: Rng, rows: int) -> pa.Table:
    share = float(rng.choice([0.0, 0.1, 0.5, 1.0], p=[0.3, 0.4, 0.2, 0.1]))
    columns = {}
    for name, kind in TYPES.items():
        gone = rng.random(rows) < (0.0 if name in ALWAYS_THERE else share)
        values = [None if g else v for g, v in zip(gone, random_values(rng, name, rows), strict=True)]
        columns[name] = pa.array(values, arrow_type(Column(name=name, type=kind, role="key")))
    return pa.table(columns)


def random_values(rng: Rng, name: str, rows: int) -> list[Any]:
    whole = rng.integers(-5, 6, rows).tolist()
    makers: dict[str, Callable[[int], Any]] = {
        "u64": abs,
        "big": lambda w: 2**53 + w,
        "f64": lambda w: [float(w), -0.0, float("nan"), w / 10, 1e100, float("inf")][
            rng.choice(6, p=[0.4] + [0.12] * 5)
        ],
        "f32": lambda w: w / 10,
        "b": lambda w: w > 0,
        "s": lambda _: WORDS[rng.integers(0, len(WORDS))],
        "key": lambda _: f"k{rng.integers(0, 4 * rows)}",
        "day": lambda w: BASE.date() + dt.timedelta(days=w),
        "ts": lambda w: (BASE + dt.timedelta(seconds=w, microseconds=w)).replace(tzinfo=None),
        "tz": lambda w: BASE + dt.timedelta(hours=w),
        "dec": lambda w: Decimal(w) / 100,
        "wide": lambda w: Decimal(w * 10**30).scaleb(-4),
    }
    return [makers.get(name, int)(w) for w in whole]


# ------------------------------------------------------------------------------------------------- random expectations


def random_expectation(rng: Rng, kind: str, table: pa.Table) -> dict[str, Any]:
    """An expectation of that type on a column that it fits, with limits near the data."""
    if kind.startswith("expect_table") or kind == "expect_column_to_exist":
        return {"type": kind, "kwargs": table_arguments(rng, kind, table)}
    if "pair" in kind:
        pairs = [("i8", "i32"), ("i64", "f64"), ("f64", "f32"), ("day", "day"), ("i64n", "i8"), ("u64", "i64n")]
        a, b = pairs[rng.integers(0, len(pairs))]
        ignore = str(rng.choice(["both_values_are_missing", "either_value_is_missing", "neither"]))
        kwargs = {"column_A": a, "column_B": b, "or_equal": bool(rng.integers(0, 2)), "ignore_row_if": ignore}
    else:
        column = str(rng.choice(fitting_columns(kind)))
        kwargs = {"column": column, **value_arguments(rng, kind, column)}
    if "mostly" in SUPPORTED[kind].arguments and rng.random() < 0.5:
        kwargs["mostly"] = float(rng.choice([0.0, 0.5, 0.9, 0.95, 1.0]))
    return {"type": kind, "kwargs": kwargs}


def fitting_columns(kind: str) -> tuple[str, ...]:
    fits = {
        **dict.fromkeys(("regex", "lengths"), ("s", "key")),
        "in_set": ("i8", "i32", "i64", "i64n", "u64", "f64", "s", "b"),
        "of_type": tuple(TYPES),
        **dict.fromkeys(("mean", "sum", "stdev"), NUMBERS),
        **dict.fromkeys(("values_to_be_between", "min", "max"), (*NUMBERS, "b", "day", "ts", "tz", "wide")),
    }
    return next((names for word, names in fits.items() if word in kind.replace("column", "")), tuple(TYPES))


def table_arguments(rng: Rng, kind: str, table: pa.Table) -> dict[str, Any]:
    names = list(table.column_names)
    other = [*names[1:], "other"] if rng.random() < 0.5 else names
    near = max(0, (len(names) if "column" in kind else table.num_rows) + int(rng.integers(-1, 2)))
    return {
        "expect_column_to_exist": {"column": str(rng.choice([*names, "other"])), "column_index": 3},
        "expect_table_columns_to_match_set": {"column_set": other, "exact_match": bool(rng.integers(0, 2))},
        "expect_table_columns_to_match_ordered_list": {"column_list": other},
        "expect_table_column_count_to_equal": {"value": near},
        "expect_table_column_count_to_be_between": {"min_value": near, "max_value": near + 1},
        "expect_table_row_count_to_equal": {"value": near},
        "expect_table_row_count_to_be_between": {"min_value": near, "strict_min": bool(rng.integers(0, 2))},
    }[kind]


def value_arguments(rng: Rng, kind: str, column: str) -> dict[str, Any]:
    types = ["int32", "int64", "float64", "str", "bool", "Decimal", "datetime64[us]"]
    shares = [0.0, 0.5, 0.9, 1.0]
    makers: dict[str, Callable[[], dict[str, Any]]] = {
        "lengths_to_equal": lambda: {"value": int(rng.integers(0, 5))},
        "lengths": lambda: {
            "min_value": int(rng.integers(0, 4)),
            "strict_min": bool(rng.integers(0, 2)),
            "max_value": 5,
        },
        "regex": lambda: {"regex": str(rng.choice(PATTERNS))},
        "in_set": lambda: {"value_set": value_set(rng, column)},
        "of_type": lambda: {"type_": str(rng.choice(types))},
        "type_list": lambda: {"type_list": ["int64", "float64", "INTEGER", "date"]},
        "proportion": lambda: limits(rng, shares),
        "to_be_between": lambda: limits(rng, limit_values(rng, kind, column)),
    }
    return next((make() for word, make in makers.items() if word in kind), {})


def value_set(rng: Rng, column: str) -> list[Any]:
    if column == "s":
        return [*(str(word) for word in rng.choice(WORDS, 4)), None]
    if column == "b":
        return [bool(rng.integers(0, 2))]
    values = [*rng.integers(-6, 6, int(rng.choice([3, 40]))).tolist(), 0, 3000]
    return [value / 10 for value in values] if column == "f64" else values


def limit_values(rng: Rng, kind: str, column: str) -> list[Any]:
    """Ascending limits in the neighbourhood of the column's values."""
    times = ["2024-02-28T22:59:58", "2024-02-28T23:00:00", "2024-02-28T23:00:00.000001", "2024-02-28T23:00:03.000003"]
    known: dict[str, list[Any]] = {
        "day": ["2024-02-25", "2024-02-28", "2024-03-01"],
        "ts": times,
        "tz": [f"{time}+00:00" for time in times],
        "dec": [-0.02, 0.0, 0.005, 0.01, 0.03],
        "wide": [-1e26, 0, 1e26],
    }
    if column in known:
        return known[column]
    values = sorted({*rng.integers(-6, 7, 4).tolist(), 0, 0.3, 2.5})
    return [0, 0.5, 2.5, 1e3] if "stdev" in kind else [*values, 1e99] if column == "f64" else values


def limits(rng: Rng, ascending: list[Any]) -> dict[str, Any]:
    places = sorted(rng.integers(0, len(ascending), 2).tolist())
    chosen = {"min_value": ascending[places[0]], "max_value": ascending[places[1]]}
    if rng.random() < 0.4:
        chosen.pop(str(rng.choice(["min_value", "max_value"])))
    return chosen | {name: True for name in ("strict_min", "strict_max") if rng.random() < 0.3}


# -------------------------------------------------------------------------------------------------------- both verdicts


def ours(suite: Suite, table: pa.Table, rng: Rng, folder: Path) -> list[ExpectationVerdict]:
    """Judged in random batches, folded into several states that travel as JSON, merged in random order."""
    checks: Checks = pickle.loads(pickle.dumps(Checks.compile(suite, CONTRACT, CheckSettings())))  # noqa: S301
    schema = pa.schema([pa.field(column.name, arrow_type(column)) for column in CONTRACT])
    conformed = table.cast(schema).combine_chunks()
    keys, states, row = {rule: KeyHashes() for rule in checks.unique_rules}, [], 0
    for start, stop in pairwise([0, *sorted(rng.integers(0, table.num_rows + 1, 3).tolist()), table.num_rows]):
        state = checks.new_state()
        for batch in conformed.slice(start, stop - start).to_batches(max_chunksize=int(rng.integers(1, 50))):
            checks.judge(BatchColumns(batch), state)
            for rule, hashes in keys.items():
                hashes.add(batch, checks.unique_columns(rule), np.arange(row, row + batch.num_rows))
            row += batch.num_rows
        states.append(CheckState.from_json(json.loads(json.dumps(state.to_json(), allow_nan=False))))
    merged = checks.new_state()
    for index in rng.permutation(len(states)):
        merged.merge(states[index])
    duplicates = {}
    for number, (rule, hashes) in enumerate(keys.items()):
        narrow = table.select(checks.unique_columns(rule))
        paths = hashes.write(folder / str(number), 0, "a").values()
        duplicates[rule] = sum(len(find_duplicates([path], narrow.take)) for path in paths)
    return judge_suite(checks, merged, TableFacts(table.num_rows, [tuple(table.column_names)], CONTRACT, duplicates))


def by_great_expectations(suite: Suite, table: pa.Table) -> Iterator[Any]:
    """GX's own results, one an expectation."""
    from great_expectations.core.batch import Batch
    from great_expectations.execution_engine import PandasExecutionEngine
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration
    from great_expectations.validator.metrics_calculator import MetricsCalculator
    from great_expectations.validator.validator import Validator

    logging.getLogger("great_expectations").setLevel(logging.CRITICAL + 1)
    engine = PandasExecutionEngine(batch_data_dict={"table": table.to_pandas()})
    validator = Validator(execution_engine=engine, batches=[Batch(data=engine.batch_manager.active_batch_data)])
    validator._metrics_calculator = MetricsCalculator(engine, show_progress_bars=False)
    for item in suite.expectations:
        configuration = ExpectationConfiguration(type=item.type, kwargs=dict(item.kwargs))
        basic = {"result_format": {"result_format": "BASIC"}}
        yield validator.graph_validate(configurations=[configuration], runtime_configuration=basic)[0]


@dataclass(frozen=True)
class Case:
    expectation: Expectation
    ours: ExpectationVerdict
    theirs: Any

    @property
    def raised(self) -> bool:
        information = self.theirs.exception_info
        return "raised_exception" not in information or bool(information["raised_exception"])

    @property
    def difference(self) -> str | None:
        """In which of success, counts and observed value the two differ; None where they agree."""
        found, result = self.ours, self.theirs.result
        if self.raised:
            return "GX raised"
        if found.status is Status.NO_DATA:  # our own rule: nothing evaluated is no success, where GX sees one
            seen = result.get("element_count", 0) - result.get("missing_count", result.get("element_count", 0))
            return "GX evaluated values" if seen or found.success else None
        if found.success != self.theirs.success:
            return "success"
        if found.unexpected is not None and found.unexpected != result["unexpected_count"]:
            return "unexpected count"
        if (
            found.missing is not None
            and "pair" not in found.type
            and result.get("missing_count", found.missing) != found.missing
        ):
            return "missing count"
        return None if same_observed(found.observed, result.get("observed_value")) else "observed value"


def same_observed(ours: Any, theirs: Any) -> bool:
    if ours in ("Infinity", "NaN"):
        return theirs is None if ours == "NaN" else float(theirs) == float("inf")
    if isinstance(ours, int | float):
        return ours == theirs or abs(ours - float(theirs)) <= 1e-12 * abs(ours)
    if isinstance(ours, list) or ours is None or theirs is None:
        return bool(ours == theirs)
    return ours in (str(theirs), str(theirs).replace(" ", "T"))


# ---------------------------------------------------------------------------------------------------- known differences


@dataclass(frozen=True)
class Known:
    """A difference that is meant to be."""

    why: str
    covers: Callable[[Case], bool]


def column_kind(case: Case) -> str:
    return TYPES.get(case.expectation.column or "", "")


KNOWN = (
    Known(
        "A column's type is the contract's. GX looks at pandas: a null makes whole numbers floats there, and dates and "
        "decimals are judged value by value, so that a column of nulls is of every type.",
        lambda case: "_type" in case.expectation.type,
    ),
    Known(
        "GX cannot add up decimals where one is null: it raises.",
        lambda case: case.raised and column_kind(case).startswith("decimal"),
    ),
    Known(
        "pandas adds float32 in float32; here everything is added in float64.",
        lambda case: case.difference == "observed value" and column_kind(case) == "float32",
    ),
)


def explanation(case: Case) -> str | None:
    return next((known.why for known in KNOWN if known.covers(case)), None)


def cases(suite: list[dict[str, Any]], table: pa.Table, rng: Rng, folder: Path) -> list[Case]:
    path = folder / "suite.json"
    path.write_text(json.dumps({"name": "random", "expectations": suite}))
    read = read_suite(path)
    both = zip(read.expectations, ours(read, table, rng, folder), by_great_expectations(read, table), strict=True)
    return [Case(*item) for item in both]


# --------------------------------------------------------------------------------------------------------------- tests


def test_random_suites_on_random_tables_get_great_expectations_own_counts_and_verdicts(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    seen: Counter[str] = Counter()
    statuses: Counter[Status] = Counter()
    for seed in range(TABLES):
        rng = np.random.default_rng(seed)
        table = random_table(rng, int(rng.choice([0, 1, 2, 30, 200])))
        suite = [random_expectation(rng, str(kind), table) for kind in rng.choice(list(SUPPORTED), EXPECTATIONS)]
        for case in cases(suite, table, rng, tmp_path_factory.mktemp("suite")):
            statuses[case.ours.status] += 1
            seen[case.expectation.type] += 1
            if case.difference is not None:
                why = explanation(case)
                assert why, f"{case.difference}, seed {seed}: {case.expectation}, {case.ours}, {case.theirs}"
                seen[why] += 1
    assert set(SUPPORTED) <= set(seen)
    assert {known.why for known in KNOWN} <= set(seen), "a known difference no longer occurs: take it off the list"
    assert min(statuses[Status.PASSED], statuses[Status.FAILED], statuses[Status.NO_DATA]) > 50


def test_whole_numbers_beyond_2_to_the_53_are_compared_exactly_where_pandas_rounds_them(
    rng: Rng, tmp_path: Path
) -> None:
    table = random_table(rng, 1)
    table = table.set_column(table.column_names.index("big"), "big", pa.array([2**53 + 1]))
    limit = {"type": "expect_column_values_to_be_between", "kwargs": {"column": "big", "max_value": 2**53}}
    (case,) = cases([limit], table, rng, tmp_path)
    assert (case.ours.unexpected, case.theirs.result["unexpected_count"]) == (1, 0)


def test_place_0_of_a_column_is_checked_where_great_expectations_passes_over_it(rng: Rng, tmp_path: Path) -> None:
    wrong = {"type": "expect_column_to_exist", "kwargs": {"column": "day", "column_index": 0}}
    (case,) = cases([wrong], random_table(rng, 1), rng, tmp_path)
    assert (case.ours.success, case.theirs.success) == (False, True)


def test_every_expectation_of_great_expectations_is_either_judged_or_known_as_not_yet() -> None:
    import great_expectations.expectations  # noqa: F401  # registers them
    from great_expectations.expectations.registry import list_registered_expectation_implementations

    assert set(list_registered_expectation_implementations()) == {*SUPPORTED, *NOT_YET}
