"""Every row has an account, and what other programs have written comes out as it was meant."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn.linear_model import LogisticRegression

from schemas.card import write_card
from transforms.card_writing import About, card_for
from transforms.model_facts import inspect_model

DATE = "2024-03-01"
Rows = Callable[..., pa.Table]


def with_column(table: pa.Table, name: str, values: Any) -> pa.Table:
    return table.set_column(table.column_names.index(name), name, values)


def scores_by_id(job: Any) -> dict[int, float]:
    scored = job.scored(DATE)
    return dict(zip(scored["id"].to_pylist(), scored["p"].to_pylist(), strict=True))


def test_every_row_is_scored_quarantined_or_dropped_and_counted_by_file(small_job: Any, make_rows: Rows) -> None:
    small_job.edit("job.yaml", "suite: suite.json", "suite: suite.json, max_quarantined: {share: 50%}")
    small_job.edit("suite.json", '"severity": "info"', '"severity": "info", "meta": {"id": "c_set", "on_fail": "drop"}')
    small_job.edit("job.yaml", "rows_per_unit", "features: {c: {unknown: missing}}\nrows_per_unit")
    for name, start, unknown, bad in (("a.parquet", 0, 30, 20), ("b.parquet", 5000, 7, 0)):
        rows = make_rows(1000, first_id=start)
        c, n = rows["c"].to_pylist(), rows["n"].to_numpy().copy()
        c[:unknown] = ["zz"] * unknown
        n[unknown - 5 : unknown - 5 + bad] = 999  # five rows break both rules, and are quarantined
        small_job.write(DATE, name, with_column(with_column(rows, "c", pa.array(c)), "n", pa.array(n)))
    result = small_job.run(DATE)
    ledger = json.loads((small_job.run_folder(result) / "outcome.json").read_bytes())["ledger"]
    counts = ("rows_in", "scored", "quarantined", "dropped", "rejected")
    assert [ledger["a.parquet"][name] for name in counts] == [1000, 955, 20, 25, 0]
    assert [ledger["b.parquet"][name] for name in counts] == [1000, 993, 0, 7, 0]
    assert all(account["key_checksum_in"] == account["key_checksum_out"] for account in ledger.values())
    assert small_job.scored(DATE).num_rows == 955 + 993


def use_a_logistic_regression(job: Any, training: pa.Table) -> None:
    x, n = (training[name].fill_null(0).to_numpy().astype(float) for name in ("x", "n"))
    path = job.root / "model" / "s.joblib"
    joblib.dump(LogisticRegression().fit(pd.DataFrame({"x": x, "n": n}), x + 0.2 * n > 15), path)
    rows = pa.table({"x": x, "n": n})
    card = card_for(path, inspect_model(path, rows, allow_pickle=True), rows, About("m"))
    write_card(card, path.with_name("s.card.json"))
    pinned = f"path: model/s.joblib, card: model/s.card.json, allow_pickle: true, sha256: {card.artefact.sha256}"
    job.edit("job.yaml", "path: model/m.ubj, card: model/m.card.json", pinned)


def test_one_infinite_value_costs_a_scikit_learn_model_one_row(small_job: Any, make_rows: Rows) -> None:
    """apache/beam#24209 with scikit-learn, which refuses the whole batch."""
    use_a_logistic_regression(small_job, make_rows(2000, first_id=900_000))
    rows = make_rows(10_000)
    values = rows["x"].fill_null(0).to_numpy().copy()
    values[4321] = -np.inf
    small_job.write(DATE, "a.parquet", with_column(rows, "x", pa.array(values)))
    failed = small_job.run(DATE)
    assert (failed["exit_code"], failed["facts"]["file"], failed["facts"]["row"]) == (3, "a.parquet", 4321)
    small_job.edit("job.yaml", "allow_pickle: true,", "allow_pickle: true, on_row_error: quarantine,")
    result = small_job.run(DATE)
    assert (result["rows"]["scored"], result["rows"]["quarantined"]) == (9999, 1)
    (row,) = pq.read_table(next((small_job.run_folder(result) / "quarantine").iterdir())).to_pylist()
    assert (row["quarantine_row"], row["id"], row["x"]) == (4321, 4321, -np.inf)


@pytest.mark.parametrize("kind", [pa.int64(), pa.string()], ids=str)
def test_repeated_keys_are_counted_as_pandas_counts_them(small_job: Any, make_rows: Rows, kind: pa.DataType) -> None:
    small_job.edit("schema.yaml", "{name: id, type: int64", f"{{name: id, type: {kind}")
    draw, tables = np.random.default_rng(8), []
    for number in range(4):
        ids = pa.array(draw.integers(0, 20_000, 900)).cast(kind)
        tables.append(with_column(make_rows(900, first_id=10_000 * number), "id", ids))
        small_job.write(DATE, f"{number}.parquet", tables[-1], row_group_size=250)
    wanted = int(pa.concat_tables(tables)["id"].to_pandas().duplicated(keep=False).sum())
    result = small_job.run(DATE)
    assert (result["exit_code"], wanted > 300) == (4, True)
    assert result["reasons"][0].startswith(f"id: {wanted:,} of 3,600 values occur more than once")


# ------------------------------------------------------------------------------------- what other programs have written


def add_a_column(job: Any, column: str) -> None:
    """Another column in the contract, for which the reference profile was not made."""
    job.edit("schema.yaml", "{name: c, type: string}", f"{{name: c, type: string}}\n  - {column}")
    job.edit("job.yaml", "drift: {reference: reference/profile.json, training: train/}\n", "")


def test_a_column_that_is_all_null_in_one_file_has_the_contracts_type(small_job: Any, make_rows: Rows) -> None:
    """pandas-dev/pandas#55731, with the names of the files swapped, too."""
    first = with_column(make_rows(2), "c", pa.nulls(2))
    second = with_column(make_rows(1, first_id=2), "c", pa.array(["u"]))
    for names, wanted in ((("a", "b"), [None, None, "u"]), (("b", "a"), ["u", None, None])):
        for name, rows in zip(names, (first, second), strict=True):
            small_job.write(DATE, f"{name}.parquet", rows)
        small_job.run(DATE)
        scored = small_job.scored(DATE)
        assert (scored["c"].to_pylist(), scored.schema.field("c").type) == (wanted, pa.string())


def test_old_int96_dates_come_out_exactly(small_job: Any, make_rows: Rows) -> None:
    """aws/aws-sdk-pandas#3358: 9999-12-31 came out as 1816-03-29."""
    add_a_column(small_job, "{name: at, type: timestamp, role: passthrough}")
    small_job.edit("job.yaml", "columns: [c]", "columns: [c, at]")
    times = [dt.datetime(9999, 12, 31), dt.datetime(1000, 1, 1), dt.datetime(2024, 2, 29)]  # noqa: DTZ001  # no zone is meant
    rows = with_column(make_rows(3), "x", pa.array([1.0, 2.0, 3.0]))
    rows = rows.append_column("at", pa.array(times, pa.timestamp("us")))
    small_job.write(DATE, "a.parquet", rows, use_deprecated_int96_timestamps=True, store_schema=False)
    small_job.run(DATE)
    assert small_job.scored(DATE)["at"].to_pylist() == times


def test_text_is_text_however_a_file_stores_it_and_a_pandas_index_is_no_column(small_job: Any, make_rows: Rows) -> None:
    """apache/arrow#47177: string, large_string, dictionary and an index in one folder."""
    rows = [make_rows(20, first_id=100 * number) for number in range(3)]
    small_job.write(DATE, "a.parquet", rows[0])
    frame = rows[1].to_pandas().set_index(pd.Index(np.random.default_rng(3).permutation(20)))
    frame.to_parquet(small_job.root / "input" / f"day={DATE}" / "b.parquet")
    coded = rows[2]["c"].cast(pa.large_string()).dictionary_encode()
    small_job.write(DATE, "c.parquet", with_column(rows[2], "c", coded))
    result = small_job.run(DATE)
    assert (result["status"], result["rows"]["scored"]) == ("published", 60)
    manifest = json.loads((small_job.run_folder(result) / "manifest.json").read_bytes())
    assert manifest["ignored_columns"] == ["__index_level_0__"]
    assert small_job.scored(DATE)["c"].to_pylist() == [value for table in rows for value in table["c"].to_pylist()]


def test_a_row_has_one_score_whatever_else_is_in_its_file(small_job: Any, make_rows: Rows) -> None:
    """dmlc/xgboost#11160: codes made per file depend on the categories that happen to be in it."""
    rows = make_rows(400)
    path = small_job.write(DATE, "all.parquet", rows, row_group_size=150)
    small_job.run(DATE)
    wanted = scores_by_id(small_job)
    path.unlink()
    few = np.isin(np.array(rows["c"].to_pylist(), dtype=object), ["v", "w"])
    for name, mask in (("few.parquet", few), ("others.parquet", ~few)):
        small_job.write(DATE, name, rows.filter(pa.array(mask)), row_group_size=7)
    small_job.run(DATE)
    assert scores_by_id(small_job) == wanted
