"""A model that has no card yet: what it wants of the training data, held against what is there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.console import count
from pipelines.training_data import TrainingData
from schemas.errors import ConfigError, ModelError
from schemas.yaml_source import did_you_mean
from transforms.model_facts import ModelFacts, inspect_model

#: Errors of the inspection that another command line mends, and what to do about them.
_ADVICE = {
    "pickle_not_allowed": "say so with --allow-pickle",
    "features_unnamed": "--key and --label say which columns are no features",
    "feature_kind": "give the training data as the model saw them, prepared",
}
_PREPARED = "a feature that is made of other columns must be in the training data, as the model saw it"
#: A text feature with more different values than this share of the rows has no categories, and the least to tell.
_FREE_TEXT, _FREE_TEXT_FROM = 0.5, 100
#: Of a table with more columns than this an error does not list them all.
_LISTED = 20
_NO_NUMBERS = ("string", "binary", "date", "timestamp")


@dataclass(frozen=True)
class NewModel:
    """The model's file, what was found out, and what its owner should know."""

    path: Path
    facts: ModelFacts
    notes: tuple[str, ...]

    @property
    def features(self) -> tuple[str, ...]:
        """Names of the features in the model's order."""
        return tuple(item.name for item in self.facts.features)


def inspect_new_model(
    path: Path, training: TrainingData, not_features: Sequence[str], *, allow_pickle: bool
) -> NewModel:
    """What the file says of itself and the training data say of its features.

    `not_features` are keys and labels, for a model that does not store the names of its features: those are the other
    columns then. Raises ConfigError where model, data and command line do not go together, else ModelError.
    """
    table = training.sample
    notes: list[str] = []
    try:
        facts = _inspect(path, table, training, allow_pickle=allow_pickle)
    except ConfigError as error:
        if error.code != "features_unnamed":
            raise
        table = table.drop_columns([name for name in not_features if name in table.column_names])
        facts = _inspect(path, table, training, allow_pickle=allow_pickle)
        names = ", ".join(table.column_names)
        notes.append(
            f"the model stores no feature names: taken are the training data's columns in their order: {names}"
        )
    if training.every > 1:
        facts = _inspect(path, _with_all_categories(facts, table, training), training, allow_pickle=allow_pickle)
    _refuse_unprepared(facts, training)
    return NewModel(path, facts, (*notes, *facts.notes, *_free_texts(facts, training)))


def _inspect(path: Path, table: pa.Table, training: TrainingData, *, allow_pickle: bool) -> ModelFacts:
    try:
        return inspect_model(path, table, allow_pickle=allow_pickle)
    except ModelError as error:
        if error.code == "damaged_categories":
            message = f"{path}: {error.message}"
            raise ConfigError(message, code=error.code, file=str(path)) from None
        raise _as_config_error(error, training) from None


def _as_config_error(error: ModelError, training: TrainingData) -> Exception:
    """The error as one of the command line, if it is one."""
    lacking = error.facts.get("features", [])
    if error.code == "training_lacks_features":
        reasons = [f"'{name}': {training.left_out[name]}" for name in lacking if name in training.left_out]
        hint = did_you_mean(lacking[0], training.types)
        if not reasons and (hint.endswith("?") or len(training.types) <= _LISTED):
            reasons = [f"'{lacking[0]}' is no column of it{hint}"]
        message = f"{error.message}. {'; '.join([*reasons, _PREPARED])}"
        return ConfigError(message, code=error.code, features=lacking)
    if error.code in _ADVICE:
        return ConfigError(f"{error.message}; {_ADVICE[error.code]}", code=error.code, **error.facts)
    return error


def _with_all_categories(facts: ModelFacts, table: pa.Table, training: TrainingData) -> pa.Table:
    """For the inspection, which looks at types and distinct values: every text of all rows, rare ones included."""
    named = {item.name for item in facts.features if item.type == "categorical"}
    found = {name: pc.unique(training.all_values(name)).drop_null() for name in named}
    rows = max(map(len, found.values()), default=0)
    columns = []
    for field in table.schema:
        values = found.get(field.name, pa.nulls(0, field.type))
        columns.append(pa.concat_arrays([values.cast(field.type), pa.nulls(rows - len(values), field.type)]))
    return pa.Table.from_arrays(columns, schema=table.schema)


def _refuse_unprepared(facts: ModelFacts, training: TrainingData) -> None:
    """Raise ConfigError where the model takes a number and the training data have none."""
    wrong = [
        f"'{item.name}' is {training.types[item.name]}"
        for item in facts.features
        if item.type != "categorical" and training.types[item.name].startswith(_NO_NUMBERS)
    ]
    if wrong:
        message = (
            f"the model takes numbers for {count(len(wrong), 'column')} that the training data have otherwise: "
            f"{', '.join(wrong[:10])}. It was trained on prepared columns: give those to --train, and add the steps "
            "that prepare them to `features` of job.yaml later; or save the model as a Pipeline that prepares them"
        )
        raise ConfigError(message, code="training_not_prepared", columns=wrong)


def _free_texts(facts: ModelFacts, training: TrainingData) -> Iterator[str]:
    for item in facts.features:
        number = len(item.categories or ())
        if number > _FREE_TEXT_FROM and number > _FREE_TEXT * training.rows:
            yield (
                f"'{item.name}' has {number:,} different values in {training.rows:,} rows: every new one "
                "will be an unknown category, so as a feature it is of no use"
            )
