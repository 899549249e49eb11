"""What drift will not do for a job as it stands, although the job seems to ask for it."""

from __future__ import annotations

from collections.abc import Iterator

from pipelines.loading import LoadedJob
from schemas.errors import ConfigError


def drift_notes(loaded: LoadedJob) -> list[str]:
    """A sentence for each thing that is not compared; none where all is."""
    return list(_notes(loaded))


def require_reference(loaded: LoadedJob) -> None:
    """Raise ConfigError where the gate would let no night through, since there is nothing to compare with."""
    drift, reason = loaded.job.drift, loaded.reference
    if drift.gate != "warn" and isinstance(reason, str):
        message = f"drift.gate is '{drift.gate}', and every night would be refused: {reason}"
        raise ConfigError(message, code="gate_without_reference")


def _notes(loaded: LoadedJob) -> Iterator[str]:
    reference, drift = loaded.reference, loaded.job.drift
    if isinstance(reference, str):
        if drift.reference is not None:
            yield f"drift will not be computed: {reference}"
        return
    for name in drift.slices:
        if name not in reference.slice_profiles:
            yield f"slices of '{name}' are not in the reference profile: make it anew with `nightscore profile`"
    for score in loaded.spec.scores:
        known = reference.score(score.name)
        if known is None:
            yield f"{score.name} is not in the reference profile: make it anew with `nightscore profile`"
        elif reference.models.get(str(known.model)) != loaded.models[score.model]:
            old = "the reference profile has the scores of another model"
            yield f"{score.name} is not compared, {old}: make it anew with `nightscore profile`"
