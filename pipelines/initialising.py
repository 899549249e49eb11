"""`nightscore init`: a whole job folder for a new model, inferred from the model's file and its training data.

The folder is made under a hidden name beside its place and moved there when it is whole, so there is never half of one.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.console import Console, count
from pipelines.job_draft import Named, a_name, check_named, contract_of, entry_for, owner_notes, partition_key
from pipelines.job_template import JobText
from pipelines.new_model import NewModel, inspect_new_model
from pipelines.reference import make_reference
from pipelines.suggesting import suggested
from pipelines.training_data import TrainingData, open_training, training_path
from schemas.card import ModelCard, write_card
from schemas.contract import TableContract
from schemas.errors import ConfigError, NightscoreError
from transforms.card_writing import About, card_for

_NOTE_WIDTH = 110


@dataclass(frozen=True)
class InitOptions:
    """What the command line says."""

    model: Path
    #: Training files, folders and globs.
    training: tuple[Path, ...]
    keys: tuple[str, ...]
    #: Columns of the training data that scoring has not.
    labels: tuple[str, ...]
    allow_pickle: bool


def init_job(folder: Path, options: InitOptions) -> None:
    """Make the job folder: contract, card, suite, reference profile, job.yaml and README.md, and say what to do next.

    The model is copied, the training data are not. Raises ConfigError where the folder exists and is not empty, or
    model, training data and command line do not go together; then nothing is left of the folder.
    """
    refuse_taken(folder)
    place = folder.resolve()
    say = Console().line
    training = open_training(options.training)
    named = Named(tuple(dict.fromkeys(options.keys)), tuple(dict.fromkeys(options.labels)))
    check_named(named, training)
    path = training_path(options.training, training.files, place)
    say("training", f"{count(training.rows, 'row')} of {count(len(training.files), 'file')}: {path}")
    not_features = (*named.keys, *named.labels)
    model = inspect_new_model(options.model, training, not_features, allow_pickle=options.allow_pickle)
    contract = contract_of(named, model, training)
    say("model", _model_words(model))
    notes = owner_notes(named, model, training, contract)
    with building(place) as build:
        draft = Draft(model, training, contract, named, path, tuple(notes))
        made = _write(build, a_name(place.name, "job", "-."), draft)
        say("contract", _contract_words(contract))
        say("suite", f"{count(made.expectations, 'expectation')}, suggested from the training data")
        make_reference(build / "job.yaml")
    for note in notes:
        say("note", textwrap.fill(note, _NOTE_WIDTH, break_long_words=False, break_on_hyphens=False))
    say("made", f"{folder}: {', '.join(sorted(path.name for path in folder.iterdir()))}")
    say("next", "\n".join(_next_steps(shlex.quote(str(folder)), made.partition)))


@dataclass(frozen=True)
class Draft:
    """What was found out and decided."""

    model: NewModel
    training: TrainingData
    contract: TableContract
    named: Named
    #: drift.training.
    path: str
    notes: tuple[str, ...]


def _write(build: Path, job: str, draft: Draft) -> JobText:
    """Write everything of a job of that name but the reference profile, which is made from the rest."""
    card = _write_model(build, draft)
    suite = suggested(job, draft.training, draft.contract)
    _write_json(build / "suite.json", suite)
    text = JobText(
        name=job,
        entry=entry_for(card, draft.contract),
        card=card,
        contract=draft.contract,
        partition=partition_key(draft.contract),
        training=draft.path,
        rows=draft.training.rows,
        missing={name: draft.training.missing_share(name) for name in draft.contract.names()},
        expectations=len(suite["expectations"]),
        notes=draft.notes,
    )
    for name, content in text.files().items():
        (build / name).write_text(content, encoding="utf-8")
    return text


def _write_model(build: Path, draft: Draft) -> ModelCard:
    """Copy the artefact and write its card beside it."""
    facts, training = draft.model.facts, draft.training
    name = a_name(draft.model.path.stem, "model")
    target = build / "model" / f"{name}.{facts.format}"
    target.parent.mkdir()
    shutil.copyfile(draft.model.path, target)
    about = About(name=name, training={"rows": training.rows, "files": len(training.files)})
    card = card_for(target, facts, training.sample.select(list(draft.model.features)), about)
    write_card(card, target.with_name(f"{name}.card.json"))
    return card


def _write_json(path: Path, value: dict[str, Any]) -> None:
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")


def refuse_taken(folder: Path) -> None:
    """Raise ConfigError unless the folder can be made: it must not exist, or be empty."""
    if folder.is_dir():
        names = sorted(path.name for path in folder.iterdir())
        if not names:
            return
        shown = ", ".join(names[:3]) + (" ..." if len(names) > 3 else "")  # noqa: PLR2004
        message = f"{folder} is not empty ({shown}): init makes a new folder and overwrites nothing; give another name"
    elif folder.exists() or folder.is_symlink():
        message = f"{folder} exists and is no folder; give another name"
    else:
        return
    raise ConfigError(message, code="folder_taken", folder=str(folder))


@contextmanager
def building(place: Path) -> Iterator[Path]:
    """A hidden folder beside `place`, which goes there at the end; removed if anything goes wrong before."""
    build = place.with_name(f".{place.name}.init-{os.getpid()}")
    try:
        build.parent.mkdir(parents=True, exist_ok=True)
        build.mkdir()
    except OSError as error:
        message = f"{place} cannot be made: {error.strerror}: {error.filename}"
        raise ConfigError(message, code="folder_not_made", folder=str(place)) from None
    try:
        yield build
        _move(build, place)
    except NightscoreError as error:
        error.message = error.message.replace(str(build), str(place))
        raise
    finally:
        shutil.rmtree(build, ignore_errors=True)


def _move(build: Path, place: Path) -> None:
    if not place.exists():
        build.rename(place)
        return
    # An empty folder that is there stays the same one: a shell may stand in it. job.yaml comes last and makes it a job.
    for path in sorted(build.iterdir(), key=lambda path: (path.name == "job.yaml", path.name)):
        shutil.move(path, place / path.name)


def _model_words(model: NewModel) -> str:
    facts = model.facts
    names = ", ".join(model.features[:5]) + (" ..." if len(model.features) > 5 else "")  # noqa: PLR2004
    classes = f" ({', '.join(map(str, facts.classes[:10]))})" if facts.classes else ""
    return f"{facts.kind} {facts.task}{classes}, {count(len(model.features), 'feature')}: {names}"


def _contract_words(contract: TableContract) -> str:
    numbers = [(role, len(contract.names(role))) for role in ("key", "feature", "passthrough")]
    return f"{count(len(contract.columns), 'column')}: " + ", ".join(f"{n} {role}" for role, n in numbers if n)


def _next_steps(folder: str, partition: str) -> Sequence[str]:
    return (
        "read schema.yaml, suite.json and job.yaml: what was inferred is yours to correct",
        f"put a night's Parquet files into {folder}/input/{partition}=DATE/, where DATE is such as 2026-01-31",
        f"nightscore check {folder}",
        f"nightscore run {folder} --date DATE",
    )
