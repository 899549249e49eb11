"""What suites can say, in whole runs: rows of repeated keys, conditions, parameters, limits by count, examples."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data_checks.file_measures import rule_folder
from pipelines.suggesting import write_suggestion
from schemas.errors import ConfigError

DATE = "2024-03-01"
Rows = Callable[..., pa.Table]
PREFIX = "expect_column_values_to_"
TWO_WORKERS = "rows_per_unit: 300\nrunners: {local: {mode: multi_processing, workers: 2}}"


def rule(kind: str, meta: dict[str, Any] | None = None, **kwargs: Any) -> dict[str, Any]:
    return {"type": kind, "kwargs": kwargs, "meta": meta or {}}


def write_suite(job: Any, *rules: dict[str, Any], **more: Any) -> None:
    (job.root / "suite.json").write_text(json.dumps({"name": "small", "expectations": list(rules), **more}))


def quality(job: Any, result: dict[str, Any]) -> dict[str, Any]:
    return dict(json.loads((job.run_folder(result) / "quality.json").read_bytes()))


def results(job: Any, result: dict[str, Any]) -> dict[str, Any]:
    """By rule."""
    return {item["meta"]["nightscore"]["rule"]: item for item in quality(job, result)["results"]}


def quarantined(job: Any, result: dict[str, Any]) -> pa.Table:
    parts = sorted((job.run_folder(result) / "quarantine").glob("*.parquet"))
    return pa.concat_tables([pq.read_table(part) for part in parts])


def with_ids(rows: pa.Table, ids: list[int]) -> pa.Table:
    return rows.set_column(0, "id", pa.array(ids, pa.int64()))


@pytest.mark.parametrize("workers", [1, 2])
def test_every_row_of_a_repeated_key_is_quarantined_wherever_it_is(
    small_job: Any, make_rows: Rows, workers: int
) -> None:
    if workers > 1:
        small_job.edit("job.yaml", "rows_per_unit: 1000", TWO_WORKERS)
    # Three rows have the id 7, in two files and three row groups; two rows of one row group have 401.
    first, second = list(range(400)), list(range(400, 800))
    first[250], second[10], second[390], second[2] = 7, 7, 7, 401
    small_job.write(DATE, "a.parquet", with_ids(make_rows(400), first), row_group_size=100)
    small_job.write(DATE, "b.parquet", with_ids(make_rows(400, first_id=400), second), row_group_size=100)
    write_suite(small_job, rule(PREFIX + "be_unique", {"id": "once", "on_fail": "quarantine"}, column="id"))
    small_job.edit("job.yaml", "checks: {", "checks: {max_quarantined: {rows: 20}, ")
    result = small_job.run(DATE)
    rows = quarantined(small_job, result)
    places = list(zip(rows["quarantine_file"].to_pylist(), rows["quarantine_row"].to_pylist(), strict=True))
    assert [(file.rsplit("/", 1)[-1], row) for file, row in places] == [
        ("a.parquet", 7), ("a.parquet", 250), ("b.parquet", 1), ("b.parquet", 2), ("b.parquet", 10), ("b.parquet", 390)
    ]  # fmt: skip
    assert rows["id"].to_pylist() == [7, 7, 401, 401, 7, 7]
    assert set(rows["quarantine_rule"].to_pylist()) == {"once"}
    assert set(rows["quarantine_reason"].to_pylist()) == {"repeated_key"}
    found = results(small_job, result)["once"]["result"]
    assert (found["unexpected_count"], found["evaluated_count"]) == (6, 800)
    assert small_job.scored(DATE).num_rows == 794
    assert not {7, 401} & set(small_job.scored(DATE)["id"].to_pylist())


def test_rows_of_a_repeated_compound_key_are_dropped_and_nulls_in_it_are_equal(small_job: Any) -> None:
    rows = pa.table(
        {
            "id": pa.array(range(8), pa.int64()),
            "x": [1.0, 1.0, None, None, float("nan"), 2.0, None, 3.0],
            "n": pa.array([5, 5, 6, 6, 6, 5, None, 7], pa.int64()),
            "c": ["u"] * 8,
        }
    )
    small_job.write(DATE, "a.parquet", rows.slice(0, 3))
    small_job.write(DATE, "b.parquet", rows.slice(3))
    write_suite(
        small_job,
        rule("expect_compound_columns_to_be_unique", {"id": "pair", "on_fail": "drop"}, column_list=["x", "n"]),
    )
    result = small_job.run(DATE)
    assert small_job.scored(DATE)["id"].to_pylist() == [5, 6, 7]
    found = results(small_job, result)["pair"]["result"]
    assert (found["unexpected_count"], found["evaluated_count"], found["element_count"]) == (5, 7, 8)


def test_a_condition_limits_what_is_judged_and_what_is_set_aside(small_job: Any, make_rows: Rows) -> None:
    rows = make_rows(500)
    small_job.write(DATE, "a.parquet", rows, row_group_size=120)
    limit = {
        "column": "n",
        "max_value": 40,
        "row_condition": 'col("c") == "u"',
        "condition_parser": "great_expectations",
    }
    write_suite(small_job, rule(PREFIX + "be_between", {"id": "few", "on_fail": "quarantine"}, **limit))
    small_job.edit("job.yaml", "checks: {", "checks: {max_quarantined: {share: 50%}, ")
    result = small_job.run(DATE)
    frame = rows.to_pandas()
    of_u = frame["c"].eq("u")
    bad = frame[of_u & (frame["n"] > 40)]
    found = results(small_job, result)["few"]["result"]
    assert (found["unexpected_count"], found["element_count"]) == (len(bad), int(of_u.sum()))
    assert quarantined(small_job, result)["id"].to_pylist() == bad["id"].tolist()
    assert small_job.scored(DATE).num_rows == 500 - len(bad)


def test_parameters_come_from_the_suite_the_job_and_the_command_line_in_that_order(
    small_job: Any, make_rows: Rows
) -> None:
    small_job.write(DATE, "a.parquet", make_rows(50))
    count = rule("expect_table_row_count_to_equal", {"id": "rows"}, value={"$PARAMETER": "rows"})
    write_suite(small_job, count, suite_parameters={"rows": 1})
    assert small_job.run(DATE)["exit_code"] == 4
    small_job.edit("job.yaml", "checks: {", "checks: {parameters: {rows: 50}, ")
    assert small_job.run(DATE)["exit_code"] == 0
    result = small_job.run(DATE, parameters=("rows=51",))
    assert result["exit_code"] == 4
    assert quality(small_job, result)["suite_parameters"] == {"rows": 51}
    with pytest.raises(ConfigError, match="the parameter 'row' is given, but not used"):
        small_job.run(DATE, parameters=("row=51",))
    with pytest.raises(ConfigError, match="expected NAME=VALUE, such as"):
        small_job.run(DATE, parameters=("rows",))


@pytest.mark.parametrize(
    ("meta", "code", "status"),
    [
        ({"error_if": "> 30"}, 0, "passed"),
        ({"error_if": "> 20"}, 4, "failed"),
        ({"error_if": ">= 4.9%"}, 4, "failed"),
        ({"warn_if": "> 0"}, 0, "failed"),
        ({"warn_if": "> 0", "error_if": "> 5%"}, 0, "failed"),
    ],
)
def test_counts_decide_where_the_suite_says_so(
    small_job: Any, make_rows: Rows, meta: dict[str, str], code: int, status: str
) -> None:
    rows = make_rows(500)
    values = np.arange(500) % 100
    values[:25] = 1000
    small_job.write(DATE, "a.parquet", rows.set_column(2, "n", pa.array(values, pa.int64())))
    write_suite(small_job, rule(PREFIX + "be_between", {"id": "n", **meta}, column="n", max_value=99))
    result = small_job.run(DATE)
    assert result["exit_code"] == code
    found = results(small_job, result)["n"]["meta"]["nightscore"]
    assert (found["status"], found["gx_success"]) == (status, False)


def test_values_of_the_data_stand_in_results_only_where_the_job_allows_it_and_the_column_is_not_sensitive(
    small_job: Any, make_rows: Rows
) -> None:
    rows = make_rows(200)
    words = ["u"] * 198 + ["secret-1", "secret-2"]
    small_job.write(DATE, "a.parquet", rows.set_column(3, "c", pa.array(words)))
    write_suite(
        small_job,
        rule(PREFIX + "be_in_set", {"id": "set", "on_fail": "warn"}, column="c", value_set=["u"]),
        rule(
            "expect_column_distinct_values_to_be_in_set", {"id": "dis", "on_fail": "warn"}, column="c", value_set=["u"]
        ),
        rule("expect_column_most_common_value_to_be_in_set", {"id": "common"}, column="c", value_set=["u", "v"]),
    )
    small_job.edit("job.yaml", "name: small", "name: small\nfeatures: {c: {unknown: missing}}")

    def text() -> str:
        return (small_job.run_folder(small_job.run(DATE)) / "quality.json").read_text()

    assert "secret" not in text()
    small_job.edit("job.yaml", "name: small", "name: small\nreport: {examples: true}")
    shown = text()
    assert json.loads(shown)["results"][0]["result"]["partial_unexpected_list"] == ["secret-1", "secret-2"]
    assert json.loads(shown)["results"][1]["result"]["partial_unexpected_list"] == ["secret-1", "secret-2"]
    small_job.edit("schema.yaml", "{name: c, type: string}", "{name: c, type: string, sensitive: true}")
    small_job.edit("job.yaml", "drift: {reference: reference/profile.json, training: train/}\n", "")
    assert "secret" not in text()


def test_strict_gx_is_great_expectations_verdict_to_the_letter(small_job: Any, make_rows: Rows) -> None:
    rows = make_rows(50)
    small_job.write(DATE, "a.parquet", rows.set_column(1, "x", pa.nulls(50, pa.float64())))
    write_suite(small_job, rule(PREFIX + "be_between", {"id": "x"}, column="x", max_value=1))
    result = small_job.run(DATE)
    assert (result["exit_code"], results(small_job, result)["x"]["meta"]["nightscore"]["status"]) == (4, "no_data")
    small_job.edit("job.yaml", "checks: {", "checks: {strict_gx: true, ")
    assert small_job.run(DATE)["exit_code"] == 0


def test_order_statistics_and_distinct_values_are_those_of_the_whole_night(small_job: Any, make_rows: Rows) -> None:
    rows = [make_rows(700, first_id=1000 * number) for number in range(3)]
    for number, table in enumerate(rows):
        small_job.write(DATE, f"{number}.parquet", table, row_group_size=150)
    write_suite(
        small_job,
        rule("expect_column_median_to_be_between", {"id": "median"}, column="x", min_value=0),
        rule(
            "expect_column_quantile_values_to_be_between",
            {"id": "quantiles"},
            column="n",
            quantile_ranges={"quantiles": [0.1, 0.5, 0.99], "value_ranges": [[0, 50]] * 3},
        ),
        rule("expect_column_unique_value_count_to_be_between", {"id": "count"}, column="x", min_value=1),
        rule(
            "expect_column_value_z_scores_to_be_less_than",
            {"id": "z"},
            column="x",
            threshold=2,
            double_sided=True,
            mostly=0.5,
        ),
        rule("expect_column_values_to_be_increasing", {"id": "up"}, column="id"),
    )
    frame = pa.concat_tables(rows).to_pandas()
    result = small_job.run(DATE)
    found = {name: item["result"] for name, item in results(small_job, result).items()}
    assert found["median"]["observed_value"] == frame["x"].median()
    wanted = frame["n"].quantile([0.1, 0.5, 0.99], interpolation="nearest").tolist()
    assert found["quantiles"]["observed_value"]["values"] == wanted
    assert found["count"]["observed_value"] == frame["x"].nunique()
    scores = (frame["x"] - frame["x"].mean()) / frame["x"].std()
    assert found["z"]["unexpected_count"] == int((scores.abs() >= 2).sum())
    assert found["up"]["unexpected_count"] == 0
    assert result["status"] == "published"


@pytest.mark.parametrize("files", [1, 2, 7])
def test_other_files_of_the_same_rows_get_the_same_verdicts_and_counts(
    small_job: Any, make_rows: Rows, files: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    rows = make_rows(1400)
    kinds = (
        rule(PREFIX + "be_unique", {"id": "unique"}, column="id"),
        rule(PREFIX + "be_between", {"id": "between", "on_fail": "warn"}, column="n", max_value=40),
        rule("expect_column_mean_to_be_between", {"id": "mean"}, column="x", min_value=0),
        rule("expect_column_stdev_to_be_between", {"id": "stdev"}, column="x", min_value=0),
        rule("expect_column_median_to_be_between", {"id": "median"}, column="x", min_value=0),
        rule("expect_column_unique_value_count_to_be_between", {"id": "count"}, column="c", min_value=1),
        rule("expect_column_values_to_be_increasing", {"id": "up", "on_fail": "warn"}, column="n"),
        rule("expect_column_most_common_value_to_be_in_set", {"id": "common"}, column="c", value_set=["u"]),
    )
    write_suite(small_job, *kinds)

    def judged(count: int) -> list[tuple[Any, ...]]:
        for path in (small_job.root / "input").glob("day=*/*"):
            path.unlink()
        size = 1400 // count
        for number in range(count):
            small_job.write(DATE, f"{number}.parquet", rows.slice(size * number, size), row_group_size=90 + 10 * count)
        found = results(small_job, small_job.run(DATE))
        return [(name, item["success"], item["result"]) for name, item in found.items()]

    for one, other in zip(judged(1), judged(files), strict=True):
        assert one[:2] == other[:2]
        assert one[2].keys() == other[2].keys()
        for key, value in one[2].items():
            close = pytest.approx(value, rel=1e-12) if isinstance(value, float) else value
            assert other[2][key] == close, (one[0], key)


def test_a_suite_is_suggested_from_the_training_data_that_great_expectations_loads_and_the_job_passes(
    small_job: Any, make_rows: Rows, capsys: pytest.CaptureFixture[str]
) -> None:
    from data_checks.gx_suite import load_with_gx

    target = small_job.root / "suggested.json"
    write_suggestion(small_job.root, target)
    assert "suggested from 4,000 rows" in capsys.readouterr().out
    load_with_gx(target)
    found = json.loads(target.read_text())["expectations"]
    assert all(item["meta"]["evidence"] for item in found)
    assert {item["type"].removeprefix(PREFIX) for item in found} >= {
        "be_unique",
        "not_be_null",
        "be_between",
        "be_in_set",
    }
    small_job.write(DATE, "a.parquet", make_rows(300))
    small_job.edit("job.yaml", "suite: suite.json", "suite: suggested.json")
    result = small_job.run(DATE)
    assert result["status"] == "published"
    assert quality(small_job, result)["success"]
    with pytest.raises(ConfigError, match="a suggestion overwrites nothing"):
        write_suggestion(small_job.root, target)


def test_outliers_and_values_out_of_order_are_named_where_the_job_allows_it(small_job: Any, make_rows: Rows) -> None:
    rows = make_rows(600)
    x = rows["x"].to_pylist()
    x[17], x[450], x[333] = 1e6, -1e6, None
    n = sorted(rows["n"].to_pylist())
    n[200] = -3
    rows = rows.set_column(1, "x", pa.array(x, pa.float64())).set_column(2, "n", pa.array(n, pa.int64()))
    small_job.write(DATE, "a.parquet", rows, row_group_size=128)
    write_suite(
        small_job,
        rule(PREFIX + "not_be_outliers", {"id": "far", "on_fail": "warn"}, column="x", method="std", multiplier=3),
        rule(PREFIX + "be_increasing", {"id": "up", "on_fail": "warn"}, column="n"),
    )
    small_job.edit("job.yaml", "name: small", "name: small\nreport: {examples: true}")
    found = {name: item["result"] for name, item in results(small_job, small_job.run(DATE)).items()}
    assert found["far"]["partial_unexpected_list"] == [1e6, -1e6]
    assert found["far"]["partial_unexpected_index_list"] == [17, 450]
    assert found["up"]["partial_unexpected_list"] == [-3]
    assert found["up"]["partial_unexpected_index_list"] == [200]


def test_rules_whose_ids_look_alike_in_file_names_do_not_share_their_files(small_job: Any, make_rows: Rows) -> None:
    # "x ac" and "x€" had one folder name, and the files of the second rule replaced those of the first.
    rows = make_rows(40)
    small_job.write(DATE, "a.parquet", rows)
    write_suite(
        small_job,
        rule(PREFIX + "be_unique", {"id": "x" + "-" * 99, "on_fail": "warn"}, column="c"),
        rule(PREFIX + "be_unique", {"on_fail": "warn"}, column="id"),
        rule("expect_column_median_to_be_between", column="x", min_value=0),
    )
    folders = {rule_folder(name) for name in ("x ac", "x€", "x" * 10_000)}
    assert (len(folders), max(map(len, folders))) == (3, 32)
    found = list(results(small_job, small_job.run(DATE)).values())
    assert [item["result"].get("unexpected_count") for item in found] == [rows["c"].drop_null().__len__(), 0, None]


def test_a_file_without_rows_is_held_to_expectations_about_columns_too(small_job: Any, make_rows: Rows) -> None:
    small_job.edit("schema.yaml", "columns:", "extra_columns: ignore\ncolumns:")
    small_job.write(DATE, "a.parquet", make_rows(20))
    small_job.write(DATE, "b.parquet", make_rows(0).append_column("more", pa.array([], pa.int64())))
    write_suite(small_job, rule("expect_table_column_count_to_equal", {"id": "five"}, value=4))
    result = small_job.run(DATE)
    assert (result["exit_code"], results(small_job, result)["five"]["result"]["observed_value"]) == (4, 5)


def test_a_single_value_of_a_sensitive_column_is_not_told(small_job: Any, make_rows: Rows) -> None:
    rows = make_rows(20)
    values = [918273645, *range(19)]
    small_job.write(DATE, "a.parquet", rows.set_column(2, "n", pa.array(values, pa.int64())))
    small_job.edit("schema.yaml", "{name: n, type: int64}", "{name: n, type: int64, sensitive: true}")
    small_job.edit("job.yaml", "drift: {reference: reference/profile.json, training: train/}\n", "")
    ranges = {"quantiles": [1.0], "value_ranges": [[0, 1]]}
    write_suite(
        small_job,
        rule("expect_column_max_to_be_between", {"id": "max"}, column="n", max_value=50),
        rule("expect_column_quantile_values_to_be_between", {"id": "q"}, column="n", quantile_ranges=ranges),
    )
    result = small_job.run(DATE)
    folder = small_job.run_folder(result)
    assert result["exit_code"] == 4
    for name in ("quality.json", "report.json", "result.json", "index.html"):
        text = (folder / name).read_text()
        assert "918273645" not in text
        assert "918,273,645" not in text
    message = results(small_job, result)["max"]["meta"]["nightscore"]["message"]
    assert message == "n: the value is not shown, since the column is sensitive; expected at most 50"


def test_an_infinite_median_and_a_float32_at_its_limit_get_their_verdicts(small_job: Any, make_rows: Rows) -> None:
    rows = make_rows(21)
    more = "".join(
        f"\n  - {{name: {n}, type: {t}, role: passthrough}}" for n, t in (("f", "float32"), ("g", "float64"))
    )
    small_job.edit("schema.yaml", "{name: n, type: int64}", "{name: n, type: int64}" + more)
    rows = rows.append_column("f", pa.array([0.1, 0.2, 0.3] * 7, pa.float32()))
    rows = rows.append_column("g", pa.array([float("inf")] * 20 + [1.0]))
    small_job.write(DATE, "a.parquet", rows)
    write_suite(
        small_job,
        rule("expect_column_max_to_be_between", {"id": "max"}, column="f", max_value=0.3),
        rule("expect_column_median_to_be_between", {"id": "median", "on_fail": "warn"}, column="g", max_value=1),
        rule(PREFIX + "be_of_type", {"id": "type"}, column="c", type_="string"),
    )
    found = results(small_job, small_job.run(DATE))
    status = {name: item["meta"]["nightscore"]["status"] for name, item in found.items()}
    assert status == {"max": "passed", "median": "failed", "type": "passed"}
    assert found["median"]["result"]["observed_value"] == "Infinity"
