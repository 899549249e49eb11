from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data_checks.history import SCHEMA, HistoryRow, history_rows, history_table, write_history
from schemas.verdicts import ClassShare, ColumnDrift, DecisionDrift, DriftStatus, DriftVerdict

FIRST = date(2013, 7, 1)
SETTINGS = {
    "psi_warn": 0.1,
    "psi_drift": 0.25,
    "js_distance_warn": 0.1,
    "ks_warn": 0.15,
    "missing_warn": 0.01,
    "missing_drift": 0.05,
    "missing_ratio": 2.0,
    "outside_warn": 0.01,
    "outside_drift": 0.05,
}
TEMP = ColumnDrift(
    *("temp", "feature", "numeric", DriftStatus.DRIFT, 30_000, 190),
    psi=0.61,
    psi_noise_95=0.09,
    js_distance_base2=0.31,
    missing_rate_reference=0.01,
    missing_rate_current=0.5,
    out_of_range_share=0.0,
    mean_current=79.5,
    measures={
        "ks_on_grid": 0.4,
        "chi_square_degrees": 9,
        "l_infinity_category": "a",
        "wasserstein": None,
        "wasserstein_reason": "no spread in training",
        "flag": True,
    },
    reasons=("values moved: hot", "missing: 50 % tonight"),
)
LATE = DecisionDrift(
    *("late", 0.35, DriftStatus.WARN, 30_000, 190),
    classes=(ClassShare("false", 0.79, 0.7, 0.6, 0.8), ClassShare("true", 0.21, 0.3, 0.2, 0.4)),
    total_variation=0.09,
    expected_accuracy_current=0.77,
    reason="true: 30 % decided, 21 % in training",
)
NIGHT = DriftVerdict(DriftStatus.DRIFT, (TEMP, replace(TEMP, column="carrier", psi=None)), "x", SETTINGS, (), (LATE,))


def rows() -> dict[tuple[str, str], HistoryRow]:
    return {(row.column, row.measure): row for row in history_rows(FIRST, "r1", NIGHT)}


def nights() -> list[HistoryRow]:
    found = []
    for number in range(5):
        columns = (replace(TEMP, psi=number / 10), replace(TEMP, column="dest", psi=None))
        found += history_rows(FIRST.replace(day=number + 1), f"r{number}", replace(NIGHT, columns=columns))
    return found


def test_a_row_has_the_number_its_column_its_status_and_its_thresholds() -> None:
    assert rows()["temp", "psi"] == HistoryRow(
        *(FIRST, "r1", "temp", "feature", "numeric", "psi", 0.61, "drift", 0.1, 0.25, 30_000, 190),
        "values moved: hot; missing: 50 % tonight",
    )


@pytest.mark.parametrize(
    ("measure", "value", "warn", "drift"),
    [
        ("psi_noise_95", 0.09, None, None),
        ("js_distance_base2", 0.31, 0.1, None),
        ("missing_rate", 0.5, 0.02, 0.06),
        ("unseen_share", None, 0.01, 0.05),
        ("out_of_range_share", 0.0, 0.01, 0.05),
        ("mean", 79.5, None, None),
        ("ks_on_grid", 0.4, 0.15, None),
        ("chi_square_degrees", 9.0, None, None),
    ],
)
def test_every_number_of_a_column_has_a_row(
    measure: str, value: float | None, warn: float | None, drift: float | None
) -> None:
    row = rows()["temp", measure]
    assert (row.value, row.warn, row.drift) == (value, warn and pytest.approx(warn), drift and pytest.approx(drift))


def test_words_and_flags_among_the_measures_are_no_rows() -> None:
    assert not {"l_infinity_category", "wasserstein_reason", "flag"} & {measure for _, measure in rows()}


def test_a_number_that_does_not_exist_has_its_reason() -> None:
    assert rows()["temp", "wasserstein"].value is None
    assert rows()["temp", "wasserstein"].reason == "no spread in training"


def test_a_threshold_from_history_takes_the_place_of_both() -> None:
    verdict = replace(NIGHT, settings=SETTINGS | {"psi_from_history": {"temp": 0.9}})
    found = {(row.column, row.measure): (row.warn, row.drift) for row in history_rows(FIRST, "r1", verdict)}
    assert found["temp", "psi"] == (None, 0.9)
    assert found["temp", "js_distance_base2"] == (None, None)
    assert found["carrier", "psi"] == (0.1, 0.25)


def test_what_a_model_decided_has_rows_of_its_own() -> None:
    share, accuracy = rows()["late", "decision_share:true"], rows()["late", "expected_accuracy"]
    assert (share.role, share.kind, share.value, share.status) == ("decision", "binary", 0.3, "warn")
    assert (accuracy.value, accuracy.warn, accuracy.drift) == (0.77, None, None)


def test_a_night_that_was_not_compared_has_no_rows() -> None:
    assert history_rows(FIRST, "r1", DriftVerdict(DriftStatus.NOT_COMPUTED, reason="no reference")) == []
    assert history_table([]).schema == SCHEMA


def test_the_order_in_which_nights_are_given_does_not_show() -> None:
    assert history_table(nights()) == history_table(reversed(nights()))


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_a_number_that_is_none_is_null(number: float) -> None:
    verdict = replace(NIGHT, columns=(replace(TEMP, mean_current=number),))
    assert {row.measure: row.value for row in history_rows(FIRST, "r", verdict)}["mean"] is None


def test_the_same_table_gives_the_same_bytes_with_checksums_and_nothing_of_pandas(tmp_path: Path) -> None:
    for name in ("a.parquet", "b.parquet"):
        write_history(history_table(nights()), tmp_path / name)
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()
    read = pq.read_table(tmp_path / "a.parquet", page_checksum_verification=True)
    assert read == history_table(nights())
    assert not read.schema.metadata
    footer = pq.read_metadata(tmp_path / "a.parquet")
    assert footer.row_group(0).column(0).compression == "ZSTD"


def sql(path: Path, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect() as database:
        return database.execute(query.replace("HISTORY", f"'{path}'")).fetchall()


def test_duckdb_reads_the_psi_of_a_column_over_time(tmp_path: Path) -> None:
    path = tmp_path / "history.parquet"
    write_history(history_table(nights()), path)
    over_time = sql(
        path,
        "SELECT run_date, value, value >= drift FROM HISTORY WHERE \"column\" = 'temp' AND measure = 'psi' ORDER BY 1",
    )
    assert over_time == [(date(2013, 7, number + 1), number / 10, number / 10 >= 0.25) for number in range(5)]
    assert sql(path, "SELECT count(*) FROM HISTORY WHERE measure = 'psi' AND value IS NULL") == [(5,)]


def test_hostile_names_are_values_like_any_other(tmp_path: Path) -> None:
    names = ["<script>", "=cmd()", "a'; DROP TABLE x; --", "abc\u202efed", ""]
    found = [
        row
        for name in names
        for row in history_rows(FIRST, name, replace(NIGHT, columns=(replace(TEMP, column=name),)))
    ]
    write_history(history_table(found), tmp_path / "history.parquet")
    read = sql(tmp_path / "history.parquet", "SELECT DISTINCT \"column\" FROM HISTORY WHERE role = 'feature'")
    assert {name for (name,) in read} == set(names)
    assert pa.types.is_string(pq.read_schema(tmp_path / "history.parquet").field("column").type)
