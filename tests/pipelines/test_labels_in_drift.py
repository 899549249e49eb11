"""`nightscore drift --labels --truth`: what the probabilities were worth, and labels that do not fit."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn.metrics import accuracy_score, brier_score_loss, precision_score, recall_score, roc_auc_score

from data_checks.calibration import Calibration
from data_checks.calibration_result import calibration_result
from schemas.errors import ConfigError, InputError

Rows = Callable[..., pa.Table]
FEBRUARY, MARCH, HELD = "2024-02-29", "2024-03-01", "2024-03-02"
DATES = ("--from", FEBRUARY, "--to", HELD)
TRUTH = 'col("delay") >= 15'
ROWS = 800


@pytest.fixture(scope="module")
def nights(trained_job: Path, tmp_path_factory: pytest.TempPathFactory, make_rows: Rows, job_folder: Any) -> Any:
    """Two nights that are out, one a month, and one that is held; ids from 0, 10,000 and 20,000."""
    root = tmp_path_factory.mktemp("labelled") / "job"
    shutil.copytree(trained_job, root)
    job = job_folder(root)
    job.edit("job.yaml", "checks: {suite: suite.json}\n", "")
    job.edit("job.yaml", "training: train/", "training: train/, gate: hold, critical: [x], impact_rows: 0")
    job.edit("job.yaml", "label: yes_or_no}", "label: yes_or_no, threshold: 0.35}")
    for number, day in enumerate((FEBRUARY, MARCH, HELD)):
        rows = make_rows(ROWS, first_id=10_000 * number)
        if day == HELD:
            rows = rows.set_column(1, "x", pa.array(np.full(ROWS, 17.0)))
        job.write(day, "a.parquet", rows, row_group_size=500)
        assert job.run(day)["status"] == ("held" if day == HELD else "published")
    return job


def delays(rng: np.random.Generator) -> pd.DataFrame:
    """What happened to most rows of the nights, and to some of others: null and NaN where nobody knows."""
    ids = np.concatenate([np.arange(0, 700), np.arange(10_000, 10_800), np.arange(20_000, 20_900)])
    frame = pd.DataFrame({"id": rng.permutation(ids), "delay": rng.normal(15.0, 20.0, len(ids)).round()})
    frame["known"] = rng.choice(3, len(ids), p=[0.9, 0.05, 0.05])
    return frame


def table_of(frame: pd.DataFrame) -> pa.Table:
    values = np.where(frame["known"] == 2, np.nan, frame["delay"])
    columns = {"id": pa.array(frame["id"]), "delay": pa.array(values, mask=frame["known"].to_numpy() == 1)}
    return pa.table(columns | {"remark": pa.array(["?"] * len(frame)), "codes": pa.array([[1, 2]] * len(frame))})


def labels(job: Any, *tables: pa.Table) -> str:
    """The folder of label files with these tables."""
    folder = Path(job.root) / "labels"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for number, table in enumerate(tables):
        pq.write_table(table, folder / f"{number}.parquet")
    return str(folder)


def outcomes(job: Any, place: str, truth: str = TRUTH) -> list[dict[str, Any]]:
    assert job.command("drift", *DATES, "--labels", place, "--truth", truth) == 0
    folder = job.root / "runs" / "drift" / f"{FEBRUARY}_{HELD}"
    return list(json.loads((folder / "trend.json").read_bytes(), parse_constant=pytest.fail)["outcomes"])


def joined(job: Any, frame: pd.DataFrame) -> pd.DataFrame:
    """The scored rows whose outcome is known, by pandas."""
    scored = pd.concat([job.scored(day).to_pandas().assign(day=day) for day in (FEBRUARY, MARCH)])
    return scored.merge(frame[frame["known"] == 0], on="id").assign(late=lambda rows: rows["delay"] >= 15)


def assert_is_that_of(state: dict[str, Any], rows: pd.DataFrame) -> None:
    found = calibration_result(Calibration.from_json(state))
    assert found is not None
    exact, decided, late = rows["p"].astype(np.float64), rows["p"] >= np.float32(0.35), rows["late"]
    assert (found.rows, found.positives, state["missing"]) == (len(rows), int(late.sum()), 0)
    assert found.brier_score == pytest.approx(brier_score_loss(late, exact), rel=1e-12)
    assert found.accuracy.value == pytest.approx(accuracy_score(late, decided), rel=1e-12)
    assert found.precision.value == pytest.approx(precision_score(late, decided), rel=1e-12)
    assert found.recall.value == pytest.approx(recall_score(late, decided), rel=1e-12)
    assert found.expected_accuracy == pytest.approx(np.where(decided, exact, 1 - exact).mean(), rel=1e-12)
    assert found.roc_auc is not None
    assert found.roc_auc.low <= roc_auc_score(late, exact) <= found.roc_auc.high
    bins = pd.DataFrame({"bin": np.minimum(np.floor(exact * 20), 19), "p": exact, "late": late}).groupby("bin")
    expected = bins.agg(rows=("late", "size"), late=("late", "sum"), mean=("p", "mean"))
    assert [item.rows for item in found.bins] == expected["rows"].tolist()
    assert [item.positives for item in found.bins] == expected["late"].tolist()
    assert [item.mean_probability for item in found.bins] == pytest.approx(expected["mean"].tolist(), rel=1e-12)


def test_what_the_probabilities_were_worth_is_what_scikit_learn_says_of_the_joined_rows(
    nights: Any, rng: np.random.Generator
) -> None:
    frame = delays(rng)
    (found,) = outcomes(nights, labels(nights, table_of(frame[:900]), table_of(frame[900:])))
    rows = joined(nights, frame)
    assert (found["model"], found["score"], found["label"], found["source"]) == ("m", "p", "1", TRUTH)
    assert_is_that_of(found["whole"], rows)
    assert list(found["months"]) == ["2024-02", "2024-03"]
    for month, state in found["months"].items():
        assert_is_that_of(state, rows[rows["day"].str.startswith(month)])
    assert found["without_outcome"] == 2 * ROWS - len(rows)


def test_the_console_says_what_the_probabilities_were_worth_in_one_line(
    nights: Any, rng: np.random.Generator, capsys: pytest.CaptureFixture[str]
) -> None:
    frame = delays(rng)
    capsys.readouterr()
    outcomes(nights, labels(nights, table_of(frame)))
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("outcomes")]
    rows = joined(nights, frame)
    accuracy = accuracy_score(rows["late"], rows["p"] >= np.float32(0.35))
    assert line.startswith(f"outcomes  m: accuracy {100 * accuracy:.1f} % (")
    assert line.endswith(f"{len(rows):,} rows with an outcome, {2 * ROWS - len(rows):,} without")


def test_in_what_order_and_files_labels_come_changes_no_byte(nights: Any, rng: np.random.Generator) -> None:
    frame = delays(rng)
    one = outcomes(nights, labels(nights, table_of(frame)))
    other = outcomes(nights, labels(nights, table_of(frame[::-1][:1_000]), table_of(frame[::-1][1_000:])))
    assert json.dumps(one) == json.dumps(other)


KEYS = [pa.int32(), pa.uint64(), pa.string(), pa.float64(), pa.dictionary(pa.int32(), pa.string())]


@pytest.mark.parametrize("kind", KEYS, ids=str)
def test_keys_of_another_type_are_joined_where_they_are_the_same_values(
    nights: Any, rng: np.random.Generator, kind: pa.DataType
) -> None:
    table = table_of(delays(rng))
    wanted = outcomes(nights, labels(nights, table))
    plain = kind.value_type if pa.types.is_dictionary(kind) else kind
    keys = table["id"].cast(plain)
    other = table.set_column(0, "id", keys.dictionary_encode() if plain != kind else keys)
    assert json.dumps(outcomes(nights, labels(nights, other))) == json.dumps(wanted)


def test_labels_without_a_key_are_nobodys(nights: Any, rng: np.random.Generator) -> None:
    table = table_of(delays(rng))
    wanted = outcomes(nights, labels(nights, table))
    nobody = pa.table({"id": pa.nulls(3, pa.int64()), "delay": pa.array([1.0, 99.0, 1.0])})
    both = pa.concat_tables([table.select(["id", "delay"]), nobody])
    assert json.dumps(outcomes(nights, labels(nights, both))) == json.dumps(wanted)


def test_where_no_outcome_is_known_there_is_nothing_to_tell(nights: Any) -> None:
    (found,) = outcomes(
        nights, labels(nights, pa.table({"id": pa.array([5]), "delay": pa.array([None], pa.float64())}))
    )
    assert (found["without_outcome"], found["whole"]["fine"]) == (2 * ROWS, [])


# ----------------------------------------------------------------------------------------------- labels that do not fit

GOOD = pa.table({"id": pa.array([1, 2, 3]), "delay": pa.array([1.0, 20.0, 30.0])})
REFUSED = [
    (pa.table({"id": [1, 2, 1], "delay": [1.0, 2.0, 30.0]}), TRUTH, "a key has more than one outcome"),
    (pa.table({"id": [1, 2, 1], "delay": [1.0, 2.0, 1.0]}), TRUTH, "a key has more than one outcome"),
    (GOOD.drop_columns(["id"]), TRUTH, r"labels/0\.parquet has no column 'id', which is a key of the scored rows"),
    (GOOD.set_column(0, "id", pa.array([1.5, 2.0, 3.0])), TRUTH, r"0\.parquet: column 'id' is not int64: .*truncated"),
    (GOOD.set_column(0, "id", pa.array(["1", "2", "three"])), TRUTH, r"column 'id' is not int64: .*three"),
    (
        GOOD,
        'col("dely") >= 15',
        r"^--truth: \(dely is at least 15\): column 'dely' is not in the labels; did you mean 'delay'\?$",
    ),
    (GOOD, 'col("delay") >= ', r"^--truth: character 17: the text ends where a value was expected"),
    (GOOD, "", r"^--truth: character 1: the text ends where a column was expected"),
    (GOOD, "__import__('os').system('true')", r"^--truth: .* nothing here is run as code"),
    (GOOD, 'col("delay") >= "late"', r"^--truth: .*'late' does not fit column 'delay' of type float64: give a number"),
]


@pytest.mark.parametrize(("table", "truth", "message"), REFUSED)
def test_labels_that_do_not_fit_are_refused_with_what_is_wrong(
    nights: Any, table: pa.Table, truth: str, message: str
) -> None:
    with pytest.raises(ConfigError, match=message) as raised:
        outcomes(nights, labels(nights, table), truth)
    assert raised.value.exit_code == 2


def test_the_same_key_in_two_files_is_refused(nights: Any) -> None:
    with pytest.raises(ConfigError, match="a key has more than one outcome: each scored row may have one only"):
        outcomes(nights, labels(nights, GOOD, GOOD.slice(2)))


def test_a_later_file_with_other_columns_is_refused(nights: Any) -> None:
    with pytest.raises(ConfigError, match=r"labels/1\.parquet cannot be read: .*delay"):
        outcomes(nights, labels(nights, GOOD, GOOD.drop_columns(["delay"])))
    words = GOOD.set_column(1, "delay", pa.array(["1", "2", "late"]))
    with pytest.raises(ConfigError, match=r"labels/1\.parquet: column 'delay' is not float64: .*late"):
        outcomes(nights, labels(nights, GOOD, words))


@pytest.mark.parametrize("number", [0, 1])
def test_a_damaged_file_is_refused_with_its_name(nights: Any, number: int) -> None:
    """Of the first one the schema is read, which ended in a traceback."""
    place = labels(nights, GOOD, GOOD)
    (Path(place) / f"{number}.parquet").write_bytes(b"PAR1 is not enough")
    with pytest.raises(ConfigError, match=rf"--labels: .*labels/{number}\.parquet cannot be read: "):
        outcomes(nights, place)


def test_a_place_without_labels_is_refused(nights: Any) -> None:
    with pytest.raises(ConfigError, match=r"no Parquet file in .*/nowhere$"):
        outcomes(nights, str(nights.root / "nowhere"))


def test_labels_and_their_condition_belong_together(nights: Any) -> None:
    with pytest.raises(ConfigError, match=r"^--truth needs --labels: where the outcomes are$"):
        nights.command("drift", *DATES, "--truth", TRUTH)
    with pytest.raises(
        ConfigError, match=r"^--labels needs --truth: the condition of the model's second class, such as"
    ):
        nights.command("drift", *DATES, "--labels", labels(nights, GOOD))


def test_without_a_key_nothing_can_be_joined(nights: Any, tmp_path: Path) -> None:
    shutil.copytree(nights.root, tmp_path / "job")
    job = type(nights)(tmp_path / "job")
    job.edit("schema.yaml", "nullable: false, role: key", "nullable: false, role: passthrough")
    with pytest.raises(ConfigError, match="the contract names no key column, so labels cannot be joined"):
        outcomes(job, labels(job, GOOD))


def test_a_night_that_was_scored_under_another_name_is_told(nights: Any, tmp_path: Path) -> None:
    shutil.copytree(nights.root, tmp_path / "job")
    job = type(nights)(tmp_path / "job")
    job.edit("job.yaml", "probability: p,", "probability: chance,")
    with pytest.raises(
        InputError, match=rf"day={FEBRUARY}: no columns id, chance to hold against the labels: .*chance"
    ):
        outcomes(job, labels(job, GOOD))
