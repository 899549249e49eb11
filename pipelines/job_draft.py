"""A job for a new model, before it is written: names, contract, output columns, and what its owner should know."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pipelines.console import count
from pipelines.new_model import NewModel
from pipelines.training_data import TrainingData
from schemas.card import ModelCard
from schemas.contract import TableContract
from schemas.errors import ConfigError
from schemas.job import ModelEntry
from schemas.yaml_source import did_you_mean
from transforms.output_columns import output_fields

#: Names of columns that may tell rows apart.
_LIKE_A_KEY = re.compile(r"(^|_)(id|key|uuid|guid|nr|no|number|code)$|[a-z](Id|ID)$", re.IGNORECASE)
#: Names for the partition's folder, the first that is no column.
_PARTITIONS = ("run_date", "scoring_date", "night")


@dataclass(frozen=True)
class Named:
    """What the command line says of the training data's columns."""

    keys: tuple[str, ...]
    labels: tuple[str, ...]


def check_named(named: Named, training: TrainingData) -> None:
    """Raise ConfigError for keys and labels that the training data have not, or that are both."""
    known = (*training.types, *training.left_out)
    for option, names in (("--key", named.keys), ("--label", named.labels)):
        for name in names:
            if name not in known:
                message = f"{option} {name}: the training data have no such column{did_you_mean(name, known)}"
                raise ConfigError(message, code="unknown_column", column=name)
    for name in named.keys:
        if name in training.left_out:
            message = f"--key {name}: {training.left_out[name]}"
            raise ConfigError(message, code="unusable_key", column=name)
        if name in named.labels:
            message = f"'{name}' is both --key and --label; a key is there at scoring, a label is not"
            raise ConfigError(message, code="key_is_label", column=name)


def contract_of(named: Named, model: NewModel, training: TrainingData) -> TableContract:
    """Keys, then features in the model's order, then what is left. Raises ConfigError for a label that is a feature."""
    wrong = [name for name in named.labels if name in model.features]
    if wrong:
        message = f"--label {wrong[0]}: the model takes it as a feature, so it must be there at scoring"
        raise ConfigError(message, code="label_is_feature", column=wrong[0])
    features = [name for name in model.features if name not in named.keys]
    taken = {*named.keys, *features, *named.labels}
    columns: list[dict[str, Any]] = []
    for name in named.keys:
        complete = training.all_values(name).null_count == 0
        policy = {"on_type_error": "fail", "on_null": "fail"}
        columns.append({"name": name, "role": "key", "nullable": not complete, **policy})
    columns += [{"name": name, "role": "feature"} for name in features]
    columns += [{"name": name, "role": "passthrough"} for name in training.types if name not in taken]
    typed = [{**column, "type": training.types[column["name"]]} for column in columns]
    return TableContract.model_validate({"columns": typed, "on_type_error": "quarantine", "on_null": "quarantine"})


def entry_for(card: ModelCard, contract: TableContract) -> ModelEntry:
    """The model's entry of job.yaml, with output columns that no column of the table is called."""
    stem = card.name
    while True:
        entry = _entry(card, stem)
        if not {field.name for field in output_fields(entry, card)} & set(contract.names()):
            return entry
        stem += "_"


def _entry(card: ModelCard, stem: str) -> ModelEntry:
    score = {
        "binary": {"probability": f"{stem}_probability", "label": f"{stem}_label"},
        "multiclass": {"probabilities": f"{stem}_probability_{{class}}", "label": f"{stem}_label"},
        "regression": {"value": f"{stem}_value"},
    }
    pickled = card.artefact.format == "joblib"
    raw: dict[str, Any] = {
        "name": card.name,
        "path": f"model/{card.name}.{card.artefact.format}",
        "card": f"model/{card.name}.card.json",
        "output": score[card.task],
        "allow_pickle": pickled,
        "sha256": card.artefact.sha256 if pickled else None,
    }
    return ModelEntry.model_validate(raw)


def partition_key(contract: TableContract) -> str:
    """The `key` of the folders `key=DATE`, which must not be called as a column is."""
    return next(name for name in (*_PARTITIONS, "nightscore_run_date") if name not in contract.names())


def a_name(text: str, otherwise: str, also: str = "") -> str:
    """The text as a name that job.yaml takes: letters, digits, `_` and the characters `also`, a letter first."""
    found = re.sub(rf"[^A-Za-z0-9_{re.escape(also)}]+", "_", text).strip("_")[:80]
    return found if re.match(r"[A-Za-z]", found) else f"{otherwise}_{found}".rstrip("_")


def owner_notes(named: Named, model: NewModel, training: TrainingData, contract: TableContract) -> list[str]:
    """What could not be known, or was decided for want of knowledge."""
    return [
        *model.notes,
        *_of_keys(named, model, training),
        *_of_passthrough(named, contract),
        *_of_left_out(named, training.left_out),
        *_of_the_sample(training),
    ]


def _of_keys(named: Named, model: NewModel, training: TrainingData) -> Iterator[str]:
    if not named.keys:
        text = "no --key was given: nothing names a row, so the scored table repeats every column"
        found = [name for name in _key_candidates(named, model, training) if _is_key(training, name)]
        hints = ", ".join(f"--key {name}" for name in found)
        yield f"{text}. Different in every training row, and called like a key: {hints}" if found else text
        return
    alike = training.rows_alike(named.keys)
    if alike:
        text = f"the key ({', '.join(named.keys)}) is not unique in the training data: {count(alike, 'row')} of "
        yield f"{text}{training.rows:,} repeat one. That is fine if it is unique within a night"
    for name in named.keys:
        nulls = training.all_values(name).null_count
        if nulls:
            yield f"key '{name}' is null in {count(nulls, 'training row')}, so it may be null (schema.yaml)"
        if name in model.features:
            yield f"key '{name}' is a feature of the model, too: as a key it is not compared with the reference profile"


def _key_candidates(named: Named, model: NewModel, training: TrainingData) -> Iterator[str]:
    for name, kind in training.types.items():
        free = name not in model.features and name not in named.labels
        if free and _LIKE_A_KEY.search(name) and kind.startswith(("int", "uint", "string")):
            yield name


def _is_key(training: TrainingData, name: str) -> bool:
    return training.all_values(name).null_count == 0 and training.rows_alike([name]) == 0


def _of_passthrough(named: Named, contract: TableContract) -> Iterator[str]:
    others = contract.names("passthrough")
    if others:
        text = f"neither key nor feature: {', '.join(others)}. They are in the contract, so every night must have them"
        advice = "" if named.labels else "; a column that only training has, such as the outcome, is a --label"
        yield f"{text}{advice}"


def _of_left_out(named: Named, left_out: Mapping[str, str]) -> Iterator[str]:
    for name, reason in left_out.items():
        if name not in named.labels:
            yield f"column '{name}' is not in the contract: {reason}"


def _of_the_sample(training: TrainingData) -> Iterator[str]:
    if training.every > 1:
        yield (
            f"{training.rows:,} training rows: the suite, the probe rows and the shares of missing values are by "
            f"{training.sample.num_rows:,} of them, spread evenly; categories, keys and the reference profile by all"
        )
