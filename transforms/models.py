"""Loading a model: hash first, then parse, then prove by the card's probe rows that it is that model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from schemas.card import ModelCard, read_card
from schemas.errors import ModelError
from schemas.job import ModelEntry
from transforms.adapter import Adapter
from transforms.artefact import read_artefact
from transforms.library_versions import Mismatch, version_mismatches
from transforms.output_columns import output_fields
from transforms.probe import verify_probe
from transforms.sklearn_model import SklearnModel, unpickle
from transforms.xgboost_model import XgboostModel, parse_booster

#: The library whose version a card of that kind must name.
MAIN_LIBRARY = {"xgboost": "xgboost", "sklearn": "scikit-learn"}
_FORMATS = {"xgboost": ("ubj", "json"), "sklearn": ("joblib",)}


class LoadedModel:
    """A verified model of the job, shared by all threads of a process. An object: it can be weakly referenced."""

    def __init__(self, entry: ModelEntry, card: ModelCard, adapter: Adapter, notes: Sequence[str] = ()) -> None:
        self.entry = entry
        self.card = card
        self.adapter = adapter
        #: What the manifest and the report must say of it, such as versions that differ and were allowed to.
        self.notes = tuple(notes)
        #: The columns that it adds to the scored table.
        self.fields: list[pa.Field] = output_fields(entry, card)
        #: Type of its scores.
        self.score_type = np.float32 if card.kind == "xgboost" else np.float64

    def set_threads(self, threads: int) -> None:
        """How many threads a prediction may use; the scores do not depend on it."""
        self.adapter.set_threads(threads)


def load_model(entry: ModelEntry, base: Path, threads: int) -> LoadedModel:
    """The model of an entry of job.yaml, whose paths are relative to `base`.

    Nothing of the file is parsed before its sha256 was compared with the card's (and the pinned one), and no pickle
    unless the entry allows it. Raises ModelError, or ConfigError where the entry's output does not go with the task.
    """
    card = read_card(base / entry.card)
    output_fields(entry, card)
    _check_kind(entry, card)
    data = read_artefact(base / entry.path, card.artefact, entry.sha256)
    mismatches = version_mismatches(card.libraries)
    _refuse(mismatches, entry)
    adapter, pickled, notes = parse_model(data, card, threads)
    pickled = [item for item in pickled if item not in mismatches]
    _refuse(pickled, entry)
    difference = verify_probe(adapter, card)
    proof = f"{len(card.probe.rows)} probe rows reproduce (largest difference {difference:g})"
    notes = [f"{item}; allowed by job.yaml, {proof}" for item in (*mismatches, *pickled)] + notes
    return LoadedModel(entry, card, adapter, [f"{entry.name}: {note}" for note in notes])


def parse_model(data: bytes, card: ModelCard, threads: int) -> tuple[Adapter, list[Mismatch], list[str]]:
    """(model, versions in the file that differ from the installed ones, notes), from bytes that were checked."""
    if card.kind == "xgboost":
        return XgboostModel(parse_booster(data), card, threads), [], []
    estimator, mismatches, notes = unpickle(data)
    return SklearnModel(estimator, card, threads), mismatches, notes


def _check_kind(entry: ModelEntry, card: ModelCard) -> None:
    problem = None
    code = "card_inconsistent"
    if card.artefact.format not in _FORMATS[card.kind]:
        problem = f"the card says kind {card.kind} and format {card.artefact.format}, which do not go together"
    elif MAIN_LIBRARY[card.kind] not in card.libraries:
        problem = f"the card's `libraries` does not say which {MAIN_LIBRARY[card.kind]} wrote the file"
    elif card.kind == "sklearn" and not entry.allow_pickle:
        code = "pickle_not_allowed"
        problem = (
            "its file is a pickle, which can run any code when it is loaded; if you trust it, "
            "set `allow_pickle: true` and pin its `sha256` in job.yaml"
        )
    if problem:
        message = f"model '{entry.name}': {problem}"
        raise ModelError(message, code=code, model=entry.name)


def _refuse(mismatches: Sequence[Mismatch], entry: ModelEntry) -> None:
    """Raises ModelError naming both versions, unless the entry allows it."""
    if mismatches and not entry.allow_version_mismatch:
        message = (
            f"model '{entry.name}': {'; '.join(map(str, mismatches))}. Install the model's version, or set "
            "`allow_version_mismatch: true` to run it as long as its probe rows reproduce"
        )
        facts = [[item.library, item.wanted, item.installed] for item in mismatches]
        raise ModelError(message, code="version_mismatch", model=entry.name, versions=facts)
