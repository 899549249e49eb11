"""What happened beside what was predicted, over a range of nights."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from data_checks.calibration import Calibration
from data_checks.trend_facts import ModelOutcomes
from pipelines.labels import Labels
from pipelines.loading import LoadedJob
from pipelines.publishing import published_manifest
from pipelines.stages.plan import input_place
from pipelines.stored_nights import StoredNight
from schemas.errors import ConfigError


def outcomes_of(
    loaded: LoadedJob, nights: Sequence[StoredNight], place: Path | None, truth: str | None
) -> tuple[ModelOutcomes, ...]:
    """Probabilities beside what happened, of every binary model; none without labels."""
    if place is None:
        if truth is not None:
            message = "--truth needs --labels: where the outcomes are"
            raise ConfigError(message, code="truth_without_labels")
        return ()
    if truth is None:
        message = "--labels needs --truth: the condition of the model's second class, such as 'col(\"late\") == true'"
        raise ConfigError(message, code="labels_without_truth")
    labels = Labels.read(place, truth, loaded.contract)
    found = []
    for entry, card in zip(loaded.job.models, loaded.spec.cards, strict=True):
        score = entry.output.probability
        if card.task == "binary" and score:
            state = _Outcomes(labels, score, entry.output.threshold)
            for night in nights:
                state.add(loaded, night)
            found.append(state.result(entry.name, str((card.classes or ("", ""))[1])))
    return tuple(found)


class _Outcomes:
    """One model's probabilities beside what happened, month by month."""

    def __init__(self, labels: Labels, score: str, threshold: float) -> None:
        self.labels, self.score, self.threshold = labels, score, threshold
        self.months: dict[str, Calibration] = {}
        self.unknown = 0

    def add(self, loaded: LoadedJob, night: StoredNight) -> None:
        """Count one night's published rows."""
        partition = loaded.table / input_place(loaded.job.input, loaded.base, night.date).partition
        manifest = published_manifest(partition) if night.outcome == "published" else None
        if manifest is None:
            return
        month = self.months.setdefault(night.date[:7], Calibration(self.threshold))
        parts = [partition / part["name"] for part in manifest["parts"]]
        self.unknown += self.labels.add_to(month, parts, self.score)

    def result(self, model: str, label: str) -> ModelOutcomes:
        """All months, and all of them together."""
        whole = Calibration(self.threshold)
        for month in self.months.values():
            whole.merge(month)
        return ModelOutcomes(model, self.score, label, whole, self.months, self.unknown, self.labels.source)
