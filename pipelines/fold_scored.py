"""Folding rows that were scored into a profile: the same for a night and for the training data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from data_checks.columns import BatchColumns
from data_checks.impact import Explained, sample_mask
from data_checks.key_hash import Hashes, hash_rows
from data_checks.profile import Profile
from data_checks.slicing import Slicing
from pipelines.tools import Tools
from transforms.contributions import contributions
from transforms.models import LoadedModel


@dataclass(frozen=True)
class ScoredRows:
    """A batch of rows that every model has scored, row by row alike in all parts."""

    #: In their time views.
    columns: BatchColumns
    #: The number of their file in the plan, and each row's position in it.
    file: int
    numbers: npt.NDArray[np.int64]
    #: Of each model: what it was given, and its output columns; null in a row that it refused, which only training has.
    features: Sequence[pa.RecordBatch]
    scores: Sequence[pa.RecordBatch]
    #: Columns that name a row; without any its position does, for what is sampled.
    keys: tuple[str, ...] = ()


def fold_scored(tools: Tools, profile: Profile, rows: ScoredRows, slicing: Slicing | None, total_rows: int) -> None:
    """Count the batch in columns, scores, decisions, slices and, of a sample, contributions.

    `total_rows` are about those of the whole pass, of which the job wants so many contributions.
    """
    profile.add_scored(rows.columns)
    numbers: dict[str, npt.NDArray[np.float64]] = {}
    for model, batch in zip(tools.models, rows.scores, strict=True):
        _decide(profile, model, batch)
        for name in batch.schema.names:
            if name in profile.scores:
                numbers[name] = np.asarray(batch.column(name).to_numpy(zero_copy_only=False), np.float64)
                profile.add_scores(name, numbers[name])
    if slicing is not None:
        slicing.add(profile.slices, rows.columns, numbers)
    wanted = tools.spec.job.drift.impact_rows
    if wanted and rows.columns.num_rows:
        _explain(tools, profile, rows, sample_mask(_hashes(rows), wanted, total_rows))


def _decide(profile: Profile, model: LoadedModel, scores: pa.RecordBatch) -> None:
    decisions = profile.decisions.get(model.entry.name)
    if decisions is None:
        return
    names = [f.name for f in model.fields if f.name != model.entry.output.label]
    columns = [scores.column(name).to_numpy(zero_copy_only=False) for name in names]
    if decisions.threshold is not None:
        decisions.add_binary(columns[0])
    else:
        decisions.add_multiclass(np.column_stack(columns))


def _hashes(rows: ScoredRows) -> Hashes:
    if rows.keys:
        return hash_rows(rows.columns.batch, rows.keys)
    places = pa.record_batch({"file": pa.repeat(rows.file, len(rows.numbers)), "row": pa.array(rows.numbers)})
    return hash_rows(places, ["file", "row"])


def _explain(tools: Tools, profile: Profile, rows: ScoredRows, sampled: npt.NDArray[np.bool_]) -> None:
    for model, features, scores in zip(tools.models, rows.features, rows.scores, strict=True):
        wanted = sampled & scores.column(0).is_valid().to_numpy(zero_copy_only=False)
        if not wanted.any():
            continue
        found = contributions(model, features.filter(pa.array(wanted)))
        names = [f.name for f in model.fields if f.name != model.entry.output.label]
        for name in names:
            if isinstance(found, str):
                profile.impact.refuse(name, model.entry.name, found)
                continue
            digest = model.card.artefact.sha256
            explained = Explained(name, model.entry.name, digest, found.unit, found.features)
            profile.impact.add(explained, found.scores[name].values)
