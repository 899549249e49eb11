"""Nothing but the data, the model and the job decides what is published: no worker, no listing, no unit, no date."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from pipelines import input_listing, night
from pipelines.files import file_sha256
from schemas.card import write_card
from schemas.plan import Plan
from transforms.card_writing import About, card_for
from transforms.model_facts import inspect_model

DATE = "2024-03-01"
#: Rows that a model scores at once: the batches begin anew with every row group.
BATCH_ROWS = 32_768
FINDINGS = ("quality.json", "drift.json", "profile.json")
Rows = Callable[..., pa.Table]


def write_night(job: Any, make_rows: Rows) -> None:
    """Five files of several row groups, with rows to set aside."""
    for number in range(5):
        rows = make_rows(900, first_id=10_000 * number)
        n = rows["n"].to_numpy().copy()
        n[[3 * number, 500 + number]] = 999
        rows = rows.set_column(rows.column_names.index("n"), "n", pa.array(n))
        job.write(DATE, f"part-{number}.parquet", rows, row_group_size=400)
    job.edit("job.yaml", "suite: suite.json", "suite: suite.json, max_quarantined: {share: 5%}")


def everything(job: Any, result: dict[str, Any]) -> dict[str, str]:
    """Name to sha256 of what was published, and of what was found out and set aside."""
    assert result["status"] == "published"
    folder = job.run_folder(result)
    files = [*(folder / name for name in FINDINGS), *sorted((folder / "quarantine").iterdir())]
    return job.parts(DATE) | {path.name: file_sha256(path) for path in files}


@pytest.fixture
def night_of_five(small_job: Any, make_rows: Rows) -> tuple[Any, dict[str, str]]:
    """The job with its night, and what an ordinary run gives."""
    write_night(small_job, make_rows)
    found = everything(small_job, small_job.run(DATE))
    assert len(found) == 5 + len(FINDINGS) + 5  # five parts, the findings, five files of quarantined rows
    return small_job, found


def test_the_order_in_which_the_file_system_lists_changes_no_byte(
    night_of_five: tuple[Any, dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    job, wanted = night_of_five
    real = input_listing._entries

    def shuffled(place: Path, prefix: str) -> Iterator[Any]:
        entries = list(real(place, prefix))
        np.random.default_rng(5).shuffle(entries)
        assert [entry.name for entry in entries] != sorted(entry.name for entry in entries)
        yield from entries

    monkeypatch.setattr(input_listing, "_entries", shuffled)
    assert everything(job, job.run(DATE)) == wanted


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_order_in_which_units_are_scored_changes_no_byte(
    night_of_five: tuple[Any, dict[str, str]], monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    job, wanted = night_of_five
    real = night.make_plan

    def shuffled(*arguments: Any) -> Plan:
        plan = real(*arguments)
        order = np.random.default_rng(seed).permutation(len(plan.units))
        return replace(plan, units=tuple(plan.units[index] for index in order))

    monkeypatch.setattr(night, "make_plan", shuffled)
    assert everything(job, job.run(DATE)) == wanted


@pytest.mark.parametrize("rows_per_unit", [1, 700, 1_000_000])
def test_the_size_of_a_unit_changes_no_finding_and_no_row(
    night_of_five: tuple[Any, dict[str, str]], rows_per_unit: int
) -> None:
    job, wanted = night_of_five
    rows = job.scored(DATE)
    job.edit("job.yaml", "rows_per_unit: 1000", f"rows_per_unit: {rows_per_unit}")
    found = everything(job, job.run(DATE))
    assert {name: found[name] for name in FINDINGS} == {name: wanted[name] for name in FINDINGS}
    assert job.scored(DATE).equals(rows)


# --------------------------------------------------------------------------------------------------------- scikit-learn


def logistic() -> Pipeline:
    numbers = make_pipeline(SimpleImputer(), StandardScaler())
    words = OneHotEncoder(handle_unknown="ignore")
    return make_pipeline(make_column_transformer((numbers, ["x", "n"]), (words, ["c"])), LogisticRegression())


def use_a_pipeline(job: Any, training: pa.Table) -> Pipeline:
    """Give the job a scikit-learn model in place of its own; returns the fitted pipeline."""
    model = logistic().fit(frame := frame_of(training), frame["x"].fillna(0) + 0.2 * frame["n"] > 15)
    path = job.root / "model" / "s.joblib"
    joblib.dump(model, path)
    card = card_for(path, inspect_model(path, training, allow_pickle=True), training, About("m"))
    write_card(card, path.with_name("s.card.json"))
    pinned = f"path: model/s.joblib, card: model/s.card.json, allow_pickle: true, sha256: {card.artefact.sha256}"
    job.edit("job.yaml", "path: model/m.ubj, card: model/m.card.json", pinned)
    return model


def frame_of(rows: pa.Table) -> Any:
    """What Arrow itself gives pandas, with text as objects and NaN for null."""
    frame = rows.select(["x", "n", "c"]).to_pandas()
    return frame.assign(n=frame["n"].astype(float), c=frame["c"].astype(object).where(frame["c"].notna(), np.nan))


def probabilities(model: Pipeline, rows: pa.Table) -> npt.NDArray[np.float64]:
    return np.asarray(model.predict_proba(frame_of(rows))[:, 1])


def test_a_pipelines_scores_are_those_of_the_same_batches(small_job: Any, make_rows: Rows) -> None:
    """Two workers give the bytes of one. BLAS adds in another order for another number of rows, so the whole frame at
    once may differ in the last digits, and the same batches may not differ at all."""
    model = use_a_pipeline(small_job, make_rows(3000, first_id=900_000))
    tables = [make_rows(70_000, first_id=100_000 * number) for number in range(2)]
    for number, table in enumerate(tables):
        small_job.write(DATE, f"{number}.parquet", table, row_group_size=40_000)
    small_job.run(DATE)
    scored = small_job.scored(DATE)
    groups = [table.slice(start, 40_000) for table in tables for start in (0, 40_000)]
    batches = [group.slice(start, BATCH_ROWS) for group in groups for start in range(0, group.num_rows, BATCH_ROWS)]
    same = np.concatenate([probabilities(model, batch) for batch in batches])
    assert scored["id"].equals(pa.concat_tables(tables)["id"])
    assert np.abs(scored["p"].to_numpy() - same).max() == 0.0
    assert np.abs(scored["p"].to_numpy() - probabilities(model, pa.concat_tables(tables))).max() <= 1e-12
    parts = small_job.parts(DATE)
    assert small_job.run(DATE, workers=2)["status"] == "published"
    assert small_job.parts(DATE) == parts
    assert small_job.run(DATE, threads=1)["revision"] == 3
    assert small_job.parts(DATE) == parts


def test_two_models_score_what_each_would_score_alone(small_job: Any, make_rows: Rows) -> None:
    rows = make_rows(2500)
    small_job.write(DATE, "a.parquet", rows, row_group_size=1000)
    small_job.run(DATE)
    alone = small_job.scored(DATE)
    second = "  - {name: s, path: model/m.ubj, card: model/m.card.json, output: {probability: q, threshold: 0.9}}\n"
    small_job.edit("job.yaml", "output: {columns: [c]}", f"{second}output: {{columns: [c]}}")
    result = small_job.run(DATE)
    both = small_job.scored(DATE)
    assert both.column_names == ["id", "c", "p", "yes_or_no", "q"]
    assert both.select(alone.column_names).equals(alone)
    assert both["q"].equals(alone["p"])
    models = json.loads((small_job.run_folder(result) / "manifest.json").read_bytes())["models"]
    assert [item["name"] for item in models] == ["m", "s"]
