"""The model card: what the artefact is, what it wants and what it says of a few probe rows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, ValidationError, model_validator

from schemas.errors import ModelError
from schemas.strict import Strict

#: Larger cards are refused before parsing.
MAX_BYTES = 20_000_000

Scalar = bool | int | float | str | None


class CardFeature(Strict):
    """One input of the model, in the model's order."""

    name: str
    #: numeric: float with NaN for missing; categorical: one of `categories` or missing; boolean: 0, 1 or missing.
    type: Literal["numeric", "categorical", "boolean"]
    #: The categories in the order of the model's codes; None for other types.
    categories: tuple[str, ...] | None = Field(default=None, strict=False)

    @model_validator(mode="after")
    def _categories_where_due(self) -> Self:
        if (self.type == "categorical") != (self.categories is not None):
            message = f"feature '{self.name}': categories go with type categorical, and only with it"
            raise ValueError(message)
        if self.categories and len(set(self.categories)) != len(self.categories):
            message = f"feature '{self.name}': a category is listed twice"
            raise ValueError(message)
        return self


class Artefact(Strict):
    """The model's file."""

    format: Literal["ubj", "json", "joblib"]
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    bytes: int = Field(ge=0)


class Probe(Strict):
    """Rows with the scores that the model gave them when its card was written; recomputed whenever it is loaded.

    `scores[i]` has one number for binary (probability of `classes[1]`) and regression, one per class for multiclass.
    """

    rows: tuple[dict[str, Scalar], ...] = Field(strict=False, min_length=1, max_length=1000)
    scores: tuple[tuple[float, ...], ...] = Field(strict=False)
    #: Largest absolute difference that still counts as reproduced.
    tolerance: float = Field(default=0.0, ge=0.0)

    @model_validator(mode="after")
    def _one_score_per_row(self) -> Self:
        if len(self.rows) != len(self.scores):
            message = f"probe has {len(self.rows)} rows but {len(self.scores)} scores"
            raise ValueError(message)
        return self


class ModelCard(Strict):
    """What a scoring job must know of a model."""

    version: Literal[1] = 1
    name: str
    kind: Literal["xgboost", "sklearn"]
    task: Literal["binary", "multiclass", "regression"]
    artefact: Artefact
    #: Versions of the libraries that wrote the artefact, such as {"xgboost": "3.2.0"}.
    libraries: dict[str, str]
    features: tuple[CardFeature, ...] = Field(strict=False, min_length=1)
    #: Class labels in the order of the model's outputs; None for regression.
    classes: tuple[bool | int | str, ...] | None = Field(default=None, strict=False)
    metrics: dict[str, float] = Field(default_factory=dict)
    probe: Probe
    #: Free facts about the training: data, period, seed.
    training: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _classes_fit_the_task(self) -> Self:
        count = len(self.classes or ())
        wanted = {"binary": count == 2, "multiclass": count > 2, "regression": self.classes is None}  # noqa: PLR2004
        if not wanted[self.task]:
            message = f"a {self.task} model cannot have {count} classes"
            raise ValueError(message)
        names = [feature.name for feature in self.features]
        if len(set(names)) != len(names):
            message = "a feature is listed twice"
            raise ValueError(message)
        return self


def read_card(path: Path) -> ModelCard:
    """The card in a JSON file. Raises ModelError with every mistake."""
    if not path.is_file():
        message = f"model card {path}: no such file"
        raise ModelError(message, code="card_missing", file=str(path))
    if path.stat().st_size > MAX_BYTES:
        message = f"model card {path}: over {MAX_BYTES:,} bytes"
        raise ModelError(message, code="card_too_large", file=str(path))
    try:
        return ModelCard.model_validate_json(path.read_bytes())
    except ValidationError as error:
        lines = [f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors()]
        message = f"model card {path}: {'; '.join(lines[:10])}"
        raise ModelError(message, code="card_invalid", file=str(path)) from None


def write_card(card: ModelCard, path: Path) -> None:
    """Write the card as readable JSON, the same bytes for the same card."""
    path.write_text(
        json.dumps(card.model_dump(mode="json"), indent=1, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8"
    )
