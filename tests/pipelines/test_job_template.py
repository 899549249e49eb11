"""The text of a new job folder."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel
from ruamel.yaml import YAML

from pipelines.job_template import JobText, yaml_scalar
from schemas.card import Artefact, CardFeature, ModelCard, Probe
from schemas.contract import TableContract, read_contract
from schemas.job import Feature, Job, ModelEntry, Scale, Step, read_job

ODD = ['say "no"', "a: b # c", "tab\there", "Größe (m²)", "[x]", "null", "12", " lead", "# not a comment", "😀\u2028"]


def text_for(names: list[str], *, key: str | None = None, **changes: Any) -> JobText:
    features = [name for name in names if name != key]
    card = ModelCard(
        name="m",
        kind="sklearn",
        task="binary",
        artefact=Artefact(format="joblib", sha256="0" * 64, bytes=1),
        libraries={"scikit-learn": "1.9.1"},
        features=tuple(CardFeature(name=name, type="categorical", categories=("a",)) for name in features),
        classes=("no", "yes: indeed"),
        probe=Probe(rows=({},), scores=((0.5,),)),
    )
    columns = [{"name": name, "type": "string", "role": "key" if name == key else "feature"} for name in names]
    output = {"probability": "m_probability", "label": "m_label"}
    entry = {"name": "m", "path": "model/m.joblib", "card": "model/m.card.json", "output": output}
    facts: dict[str, Any] = {
        "name": "job",
        "entry": ModelEntry.model_validate({**entry, "allow_pickle": True, "sha256": "0" * 64}),
        "card": card,
        "contract": TableContract.model_validate({"columns": columns}),
        "partition": "run_date",
        "training": "../train",
        "rows": 1234,
        "missing": dict.fromkeys(names, 0.0),
        "expectations": 3,
        "notes": ("a note",),
    }
    return JobText(**{**facts, **changes})


def written(folder: Path, text: JobText) -> tuple[Job, TableContract]:
    for name, content in text.files().items():
        (folder / name).write_text(content, encoding="utf-8")
    return read_job(folder / "job.yaml"), read_contract(folder / "schema.yaml")


def test_names_with_any_characters_come_back_as_they_were(tmp_path: Path) -> None:
    job, contract = written(tmp_path, text_for(ODD))
    assert contract.names("feature") == tuple(ODD)
    assert job.output.columns == tuple(ODD)
    assert list(job.features) == ODD


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_is_one_line_of_yaml_that_says_the_same(text: str) -> None:
    line = yaml_scalar(text)
    assert len(line.splitlines()) == 1
    assert YAML(typ="safe", pure=True).load(f"[{line}]") == [text]
    assert YAML(typ="safe", pure=True).load(f"{line}: {line} # c") == {text: text}


@pytest.mark.parametrize("word", ["late", "p_late", "od280/od315", "../train", "/data/train", "a.b-c"])
def test_plain_words_need_no_quotes(word: str) -> None:
    assert yaml_scalar(word) == word


@pytest.mark.parametrize("word", ["no", "Off", "null", "y", "1e5", "-", "", "a: b", "[x]", "..", "timestamp[UTC]"])
def test_words_that_yaml_could_misread_are_quoted(word: str) -> None:
    assert yaml_scalar(word) == f'"{word}"'


def keys_of(model: type[BaseModel]) -> Iterator[str]:
    """Every key of job.yaml, nested ones too."""
    for name, field in model.model_fields.items():
        yield field.alias or name
        for nested in _models_in(field.annotation):
            yield from keys_of(nested)


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for argument in getattr(annotation, "__args__", ()) for model in _models_in(argument)]


def test_every_key_of_job_yaml_is_named_in_it() -> None:
    text = text_for(["a"]).files()["job.yaml"]
    of_other_tasks = {"value", "probabilities"}
    assert {key for key in keys_of(Job) if not re.search(rf"\b{key}\b", text)} <= of_other_tasks
    assert {*keys_of(Feature), *keys_of(Step), *keys_of(Scale)} <= set(keys_of(Job))


def test_what_is_written_out_are_the_defaults(tmp_path: Path) -> None:
    job, contract = written(tmp_path, text_for(["k", "a"], key="k"))
    bare = {"name": "job", "input": {"path": "input/run_date={date}/"}, "models": [job.models[0].model_dump()]}
    named = {"suite", "reference", "training", "features", "critical"}
    theirs, ours = Job.model_validate(bare).model_dump(), job.model_dump()
    assert {key for key in ours if ours[key] != theirs[key]} == {"checks", "drift", "features"}
    for part in ("checks", "drift"):
        assert {key for key in ours[part] if ours[part][key] != theirs[part][key]} <= named
    assert contract.extra_columns == "ignore"
    # Of many columns a score is one, and the one that is for use: that it drifted must not be outvoted.
    assert job.drift.critical == (job.models[0].output.probability,)


def test_missing_values_of_the_training_data_stand_beside_the_column() -> None:
    text = text_for(["a", "b"], missing={"a": 0.125, "b": 0.0}).files()["schema.yaml"]
    assert (
        "  - name: a\n    type: string  # missing in 12.5 % of the training rows\n  - name: b\n    type: string\n"
        in text
    )


def test_a_job_with_a_key_repeats_no_other_column(tmp_path: Path) -> None:
    job, contract = written(tmp_path, text_for(["k", "a"], key="k"))
    assert contract.names("key") == ("k",)
    assert job.output.columns == ()


def test_notes_stand_in_the_readme() -> None:
    assert text_for(["a"]).files()["README.md"].endswith("for want of knowledge:\n\n* a note\n")
