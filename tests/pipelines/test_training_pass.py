"""`nightscore profile`: the same bytes however it is run, and the facts of the whole table."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xgboost

from data_checks.impact import sample_mask
from data_checks.key_hash import hash_rows
from data_checks.reference import ReferenceColumn, ReferenceProfile
from data_checks.reference_build import build_column, build_score
from data_checks.reference_file import read_reference
from data_checks.slices import MISSING, OTHER
from pipelines.loading import load_job
from pipelines.tools import tools_for
from transforms.contributions import contributions

FILES, ROWS = 3, 1_300
#: Rows that are explained, of 3,900: a sample.
IMPACT_ROWS = 400
Rows = Callable[..., pa.Table]

_COLUMNS = """\
  - {name: at, type: timestamp}
  - {name: due, type: date}
  - {name: born, type: date}
  - {name: late, type: bool}
  - {name: gate, type: string, role: passthrough}
"""
_DRIFT = "training: train/, slices: [c, gate], slice_values: 3, impact_rows: 400, times: {due: {since: born}}"


def wide_rows(make_rows: Rows, first_id: int) -> pa.Table:
    """Rows of the small job with times, a truth value and a text that no model reads; with nulls."""
    rows = make_rows(ROWS, first_id=first_id)
    draw = np.random.default_rng(first_id)
    at = pa.array(draw.integers(1_700_000_000, 1_702_000_000, ROWS), mask=draw.random(ROWS) < 0.1).cast(
        pa.timestamp("s")
    )
    born = pa.array(draw.integers(18_000, 19_000, ROWS), pa.int32()).cast(pa.date32())
    due = pa.array(draw.integers(19_000, 19_100, ROWS).astype(np.int32), mask=draw.random(ROWS) < 0.05)
    late = pa.array(draw.random(ROWS) < 0.3, mask=draw.random(ROWS) < 0.05)
    gates = draw.choice(["A1", "A2", "B1", "C7"], ROWS, p=[0.5, 0.3, 0.15, 0.05])
    new = {"at": at.cast(pa.timestamp("us")), "due": due.cast(pa.date32()), "born": born, "late": late}
    for name, values in {**new, "gate": pa.array(gates)}.items():
        rows = rows.append_column(name, values)
    return rows


@pytest.fixture(scope="module")
def training(make_rows: Rows) -> list[pa.Table]:
    """The rows of the training files."""
    return [wide_rows(make_rows, 10_000 * number) for number in range(FILES)]


@pytest.fixture(scope="module")
def profiled(
    trained_job: Path, tmp_path_factory: pytest.TempPathFactory, training: list[pa.Table], job_folder: Any
) -> Any:
    """A job with training files of several row groups, and its reference profile."""
    root = tmp_path_factory.mktemp("profiled") / "job"
    shutil.copytree(trained_job, root)
    job = job_folder(root)
    job.edit("job.yaml", "training: train/", _DRIFT)
    (root / "schema.yaml").write_text((root / "schema.yaml").read_text() + _COLUMNS)
    write_training(job, dict(zip("abc", training, strict=True)), row_group_size=500)
    assert job.command("profile") == 0
    return job


def write_training(job: Any, tables: dict[str, pa.Table], **options: Any) -> None:
    """These are all training files there are."""
    for path in (job.root / "train").iterdir():
        path.unlink()
    for name, table in tables.items():
        pq.write_table(table, job.root / "train" / f"{name}.parquet", **options)


def bytes_of(job: Any) -> bytes:
    return bytes((job.root / "reference" / "profile.json").read_bytes())


def reference_of(job: Any) -> ReferenceProfile:
    found = read_reference(job.root / "reference" / "profile.json")
    assert isinstance(found, ReferenceProfile), found
    return found


def copied(job: Any, tmp_path: Path) -> Any:
    shutil.copytree(job.root, tmp_path / "copy")
    return type(job)(tmp_path / "copy")


# ----------------------------------------------------------------------------------------- the same, however it is run


@pytest.mark.parametrize(("workers", "rows_per_unit"), [(2, 1_000), (1, 1), (1, 1_000_000)])
def test_workers_and_the_size_of_a_unit_change_no_byte(
    profiled: Any, tmp_path: Path, workers: int, rows_per_unit: int
) -> None:
    job = copied(profiled, tmp_path)
    job.edit("job.yaml", "rows_per_unit: 1000", f"rows_per_unit: {rows_per_unit}")
    (job.root / "reference" / "profile.json").unlink()
    assert job.command("profile", "--workers", str(workers)) == 0
    assert bytes_of(job) == bytes_of(profiled)
    assert [path.name for path in (job.root / "reference").iterdir()] == ["profile.json"]


DYADIC = re.compile(r"(-?[0-9a-f]+)p(-?\d+)")


def assert_alike(found: Any, wanted: Any, place: str = "") -> None:
    """Counts and words are the same; floats and exact sums of floats to 1e-12."""
    if isinstance(wanted, dict):
        assert found.keys() == wanted.keys(), place
        for key in wanted:
            assert_alike(found[key], wanted[key], f"{place}.{key}")
    elif isinstance(wanted, list):
        assert len(found) == len(wanted), place
        for number, pair in enumerate(zip(found, wanted, strict=True)):
            assert_alike(*pair, f"{place}[{number}]")
    elif isinstance(wanted, float):
        assert found == pytest.approx(wanted, rel=1e-12, abs=1e-12), place
    elif isinstance(wanted, str) and DYADIC.fullmatch(wanted):
        values = [int(m[1], 16) * Fraction(2) ** int(m[2]) for m in map(DYADIC.fullmatch, (found, wanted)) if m]
        assert float(values[0]) == pytest.approx(float(values[1]), rel=1e-12, abs=1e-9), place
    else:
        assert found == wanted, place


def test_the_same_rows_in_other_files_give_the_same_counts_and_floats_to_the_last_digits(
    profiled: Any, training: list[pa.Table], tmp_path: Path
) -> None:
    """The sample for contributions is drawn by file and row, so here every row is in it."""
    job = copied(profiled, tmp_path)
    job.edit("job.yaml", "impact_rows: 400", "impact_rows: 100000")
    found = []
    whole = pa.concat_tables(training)
    shuffled = whole.take(np.random.default_rng(5).permutation(whole.num_rows))
    for tables, groups in (
        (dict(zip("abc", training, strict=True)), 500),
        ({"z": shuffled.slice(0, 100), "y": shuffled.slice(100, 3_000), "none": whole.slice(0, 0)}, 900),
    ):
        rest = {"x": shuffled.slice(3_100)} if "z" in tables else {}
        write_training(job, {**tables, **rest}, row_group_size=groups)
        job.command("profile")
        found.append(reference_of(job).model_dump(mode="json"))
    assert found[0]["impact"]["scores"][0]["rows"] == whole.num_rows
    assert_alike(found[1], found[0])


# ------------------------------------------------------------------------------------------------------------- oracles


def scores_of(job: Any, table: pa.Table) -> np.ndarray[Any, np.dtype[np.float32]]:
    frame = table.select(["x", "n", "c"]).to_pandas().astype({"c": pd.CategoricalDtype(["u", "v", "w"])})
    booster = xgboost.Booster(model_file=job.root / "model" / "m.ubj")
    return booster.predict(xgboost.DMatrix(frame, enable_categorical=True))  # type: ignore[no-any-return]  # it has no types


def views_of(table: pa.Table) -> dict[str, tuple[str, pa.Array]]:
    """Feature to (kind, values as they are compared), by pandas."""
    frame = table.select(["at", "due", "born"]).to_pandas()
    hours = frame["at"].dt.hour.map(lambda hour: None if pd.isna(hour) else f"{int(hour):02d}").astype(object)
    days = (pd.to_datetime(frame["due"]) - pd.to_datetime(frame["born"])) / pd.Timedelta(days=1)
    plain = {"x": "numeric", "n": "numeric", "c": "categorical", "late": "categorical", "born": "temporal"}
    found = {name: (kind, table[name]) for name, kind in plain.items()}
    return found | {
        "at": ("categorical", pa.array(hours.tolist(), pa.string(), from_pandas=True)),
        "due": ("numeric", pa.array(days.to_numpy())),
    }


def assert_same_column(found: ReferenceColumn | None, wanted: ReferenceColumn) -> None:
    assert found is not None
    left, right = found.model_dump(), wanted.model_dump()
    for side in (left, right):
        side.pop("nulls"), side.pop("nans")
    assert found.missing == wanted.missing
    assert_alike(json.loads(json.dumps(left)), json.loads(json.dumps(right)), wanted.name)


def test_columns_and_scores_are_those_of_the_whole_table_in_memory(profiled: Any, training: list[pa.Table]) -> None:
    reference, whole = reference_of(profiled), pa.concat_tables(training)
    views = views_of(whole)
    assert {column.name for column in reference.columns} == set(views)
    for name, (kind, values) in views.items():
        wanted = build_column(name, kind, values)  # type: ignore[arg-type]  # a Literal in a dict
        part = "hour" if name == "at" else None
        assert_same_column(reference.column(name), wanted.model_copy(update={"part": part}))
    scores = scores_of(profiled, whole).astype(np.float64)
    assert_same_column(reference.score("p"), build_score("p", "probability", "m", scores))
    assert reference.rows == whole.num_rows


def test_decisions_are_those_of_the_models_own_scores(profiled: Any, training: list[pa.Table]) -> None:
    scores = scores_of(profiled, pa.concat_tables(training))
    decisions = reference_of(profiled).decision_profiles["m"]
    assert decisions.counts == [int((scores < 0.5).sum()), int((scores >= 0.5).sum())]
    wide = scores.astype(np.float64)
    assert decisions.expected_accuracy == pytest.approx(np.maximum(wide, 1 - wide).mean(), rel=1e-12)


def test_contributions_are_of_a_sample_by_file_and_row(profiled: Any, training: list[pa.Table]) -> None:
    place = {"file": np.repeat(np.arange(FILES), ROWS), "row": np.tile(np.arange(ROWS), FILES)}
    hashes = hash_rows(pa.record_batch({name: pa.array(values) for name, values in place.items()}), ["file", "row"])
    sampled = sample_mask(hashes, IMPACT_ROWS, FILES * ROWS)
    impact = reference_of(profiled).impact_sums.scores["p"]
    assert impact.rows == sampled.sum() == pytest.approx(IMPACT_ROWS, abs=60)
    spec = load_job(profiled.root).spec
    rows = pa.concat_tables(training).select(spec.contract.names()).filter(pa.array(sampled)).combine_chunks()
    found = contributions(tools_for(spec).models[0], spec.chains[0].apply(rows.to_batches()[0]).features)
    assert not isinstance(found, str)
    assert impact.explained.features == found.features == ("x", "n", "c")
    means = [moments.mean for moments in impact.moments]
    assert means == pytest.approx(np.mean(found.scores["p"].values, axis=0).tolist(), rel=1e-9)  # no pandas


def bins_of(column: ReferenceColumn, values: pd.Series) -> pd.Series:
    assert column.numeric is not None
    return pd.cut(values, [-np.inf, *column.numeric.edges, np.inf], right=False, labels=False).fillna(-1).astype(int)


@pytest.mark.parametrize(
    ("name", "values"), [("gate", ("A1", "A2", "B1", OTHER, MISSING)), ("c", ("u", "v", "w", OTHER, MISSING))]
)
def test_slices_are_those_of_a_groupby_also_of_a_column_that_is_no_feature(
    profiled: Any, training: list[pa.Table], name: str, values: tuple[str, ...]
) -> None:
    reference, whole = reference_of(profiled), pa.concat_tables(training)
    frame, profile = whole.to_pandas(), reference.slice_profiles[name]
    assert (profile.slice_column, profile.values) == (name, values)  # noqa: PD011  # no pandas
    places = frame[name].map(lambda word: 4 if pd.isna(word) else values.index(word) if word in values else 3)
    assert profile.rows.tolist() == places.value_counts().reindex(range(5), fill_value=0).tolist()
    scores = pd.Series(scores_of(profiled, whole).astype(np.float64))
    column, score = reference.column("x"), reference.score("p")
    assert column is not None
    assert score is not None
    for key, bins in (("x", bins_of(column, frame["x"])), ("p", bins_of(score, scores))):
        table = pd.crosstab(places, bins).reindex(index=range(5), columns=[*range(10), -1], fill_value=0)
        assert profile.counts(key).tolist() == table.to_numpy().tolist()
    means = scores.groupby(places).mean().reindex(range(5))
    assert [np.nan if mean is None else mean for mean in profile.score_means("p")] == pytest.approx(
        means.tolist(), rel=1e-9, nan_ok=True
    )


def test_a_timestamp_is_told_by_its_hour(profiled: Any, training: list[pa.Table]) -> None:
    column = reference_of(profiled).column("at")
    assert column is not None
    assert column.categorical is not None
    hours = pd.concat([table.to_pandas()["at"] for table in training]).dt.hour.dropna().astype(int)
    assert dict(column.categorical.categories) == {f"{hour:02d}": n for hour, n in hours.value_counts().items()}
