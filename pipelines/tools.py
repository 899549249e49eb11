"""What a worker needs to score a unit: made once per process from the run's specification."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa

from data_checks.checks import Checks
from data_checks.decisions import DecisionProfile
from data_checks.profile import Profile, ProfileColumn, profile_columns
from data_checks.quarantine import quarantine_schema
from data_checks.reference import ReferenceProfile
from data_checks.score_profile import ScoreColumn
from data_checks.slicing import Slicing
from data_checks.time_views import TimeViews
from pipelines.known_references import known_reference
from pipelines.outcome import Outcome
from pipelines.running_code import RunningCode, require_same
from schemas.card import ModelCard
from schemas.contract import TableContract
from schemas.job import Job
from transforms.arrow_types import arrow_type
from transforms.chain import Chain
from transforms.models import LoadedModel, load_model
from transforms.output_columns import output_fields


@dataclass(frozen=True)
class ScoringSpec:
    """Everything that decides a run's results, compiled and checked by the driver; small, and it pickles.

    The same specification serves every night of a job. Of the reference profile only the digest travels: see
    `known_references`.
    """

    job: Job
    contract: TableContract
    checks: Checks
    chains: tuple[Chain, ...]
    cards: tuple[ModelCard, ...]
    #: Digest of the reference profile; None: there is none.
    reference_digest: str | None
    #: Folder of job.yaml, which the job's paths are relative to.
    base: str
    #: Threads of each model.
    threads: int
    #: The driver's, which workers must have, too.
    code: RunningCode
    #: Digest of all of the above: the same digest, the same results.
    digest: str

    def __getstate__(self) -> dict[str, Any]:
        """The fields alone, without what was derived from them."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @cached_property
    def reference(self) -> ReferenceProfile | None:
        """The reference profile; a worker reads it from the job's folder. Raises ConfigError where it has changed."""
        if self.reference_digest is None or self.job.drift.reference is None:
            return None
        return known_reference(self.reference_digest, Path(self.base) / self.job.drift.reference)

    @cached_property
    def contract_schema(self) -> pa.Schema:
        """Arrow schema of a conformed batch."""
        return pa.schema([pa.field(column.name, arrow_type(column)) for column in self.contract])

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """Names of the key columns."""
        return self.contract.names("key")

    @cached_property
    def passed_columns(self) -> tuple[str, ...]:
        """Input columns of the scored table: the keys first."""
        return self.keys + tuple(name for name in self.job.output.columns if name not in self.keys)

    @cached_property
    def output_schema(self) -> pa.Schema:
        """Arrow schema of the scored table: keys, passed columns, then each model's columns."""
        by_name = {f.name: f for f in self.contract_schema}
        passed = [pa.field(name, plain_type(by_name[name].type)) for name in self.passed_columns]
        scores = [
            f for entry, card in zip(self.job.models, self.cards, strict=True) for f in output_fields(entry, card)
        ]
        return pa.schema([*passed, *scores])

    @cached_property
    def quarantine_schema(self) -> pa.Schema:
        """Arrow schema of a quarantine file."""
        return quarantine_schema(self.contract_schema)

    def empty_outcome(self) -> Outcome:
        """The outcome of no rows at all."""
        profile = Profile.empty(
            self.reference,
            self.profiled,
            self.scores,
            decisions=self.empty_decisions(),
            slices=self.slicing.empty() if self.slicing is not None else None,
        )
        return Outcome(self.checks.new_state(), profile)

    @cached_property
    def times(self) -> TimeViews:
        """How drift looks at dates and timestamps."""
        return TimeViews.of(self.contract, self.job.drift.times)

    @cached_property
    def profiled(self) -> tuple[ProfileColumn, ...]:
        """The columns that drift compares."""
        return self.times.kinds(profile_columns(self.contract))

    @cached_property
    def slicing(self) -> Slicing | None:
        """The slices that the job wants and the reference has; None where there is none."""
        known = self.reference.slice_profiles if self.reference is not None else {}
        values = {name: known[name].values for name in self.job.drift.slices if name in known}
        if self.reference is None or not values:
            return None
        kinds, names = {column.name: column.kind for column in self.profiled}, {score.name for score in self.scores}
        columns = [column for column in self.reference.columns if kinds.get(column.name) == column.kind]
        scores = [score for score in self.reference.scores if score.name in names]
        return Slicing.of(values, columns, scores, self.reference.other_share)

    def empty_decisions(self) -> list[DecisionProfile]:
        """The empty profile of every model that decides for a class and publishes its probabilities."""
        found: list[DecisionProfile] = []
        for entry, card in zip(self.job.models, self.cards, strict=True):
            labels = [str(label) for label in card.classes or ()]
            if card.task == "binary" and entry.output.probability:
                found.append(DecisionProfile.empty(entry.name, labels, entry.output.threshold))
            elif card.task == "multiclass" and entry.output.probabilities:
                found.append(DecisionProfile.empty(entry.name, labels))
        return found

    @cached_property
    def scores(self) -> tuple[ScoreColumn, ...]:
        """Output columns that hold a probability or a value: the drift of the scores is measured on them."""
        return tuple(
            ScoreColumn(f.name, "number" if card.task == "regression" else "probability", entry.name)
            for entry, card in zip(self.job.models, self.cards, strict=True)
            for f in output_fields(entry, card)
            if f.name != entry.output.label
        )


def plain_type(kind: pa.DataType) -> pa.DataType:
    """The type without dictionary encoding."""
    return kind.value_type if pa.types.is_dictionary(kind) else kind


@dataclass(eq=False)
class Tools:
    """A specification with its models loaded."""

    spec: ScoringSpec
    models: Sequence[LoadedModel]


_lock = threading.Lock()
_tools: dict[str, Tools] = {}


def tools_for(spec: ScoringSpec) -> Tools:
    """The process's tools for that specification; models are loaded at the first call only.

    Raises ConfigError in a worker that runs other code than the driver, ModelError for a model that is not the one.
    """
    with _lock:
        if spec.digest not in _tools:
            require_same(spec.code)
            _tools.clear()
            models = [load_model(entry, Path(spec.base), spec.threads) for entry in spec.job.models]
            _tools[spec.digest] = Tools(spec, models)
        return _tools[spec.digest]
