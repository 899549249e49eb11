"""The job (job.yaml): what to read, check, prepare, predict, write and compare with."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from schemas.drift_settings import Drift
from schemas.errors import ConfigError
from schemas.job_values import Number, NumberOrText, Share
from schemas.runners import Runners
from schemas.strict import Strict
from schemas.yaml_source import did_you_mean, read_yaml, validate

_NAME = r"^[A-Za-z][A-Za-z0-9_.-]{0,99}$"


class Limit(Strict):
    """How much may be set aside: whichever of the two allows more."""

    share: Share = 0.01
    rows: int = Field(default=5, ge=0)

    def allows(self, count: int, total: int) -> bool:
        """Whether `count` of `total` rows is within the limit."""
        return count <= max(self.rows, self.rows_by_share(total))

    def rows_by_share(self, total: int) -> int:
        """The whole rows that `share` of `total` is; by its decimal digits, so that 29 % of 100 is 29."""
        return int(Fraction(str(self.share)) * total)


class Input(Strict):
    """Where the night's Parquet files are. `{date}` in the path is the run date."""

    path: str
    contract: str = Field(default="schema.yaml", alias="schema")
    #: Name of a marker file that must exist in the folder before the night is complete; None: no marker.
    ready: str | None = None
    #: What a run date without rows means: skip (exit 99), fail (exit 3), or publish an empty partition.
    on_empty: Literal["skip", "fail", "ok"] = "skip"

    @field_validator("path")
    @classmethod
    def _has_a_date(cls, value: str) -> str:
        if value.count("{date}") != 1 or re.search(r"[{}]", value.replace("{date}", "")):
            message = f"'{value}' must contain {{date}} once, and no other braces"
            raise ValueError(message)
        return value


class ModelOutput(Strict):
    """The names of the columns that a model adds to the scored table."""

    #: binary: probability of the second class of the card. regression: the value.
    probability: str | None = None
    value: str | None = None
    #: multiclass: a name with `{class}` in it, one column a class.
    probabilities: str | None = None
    #: The predicted class; binary: `classes[1]` where probability >= threshold.
    label: str | None = None
    threshold: Annotated[Number, Field(ge=0.0, le=1.0)] = 0.5

    @field_validator("probabilities")
    @classmethod
    def _has_a_class(cls, value: str | None) -> str | None:
        if value is not None and value.count("{class}") != 1:
            message = f"'{value}' must contain {{class}} once"
            raise ValueError(message)
        return value


class ModelEntry(Strict):
    """One model of the pass."""

    name: str = Field(pattern=_NAME)
    path: str
    card: str
    output: ModelOutput
    #: Loading a pickle runs code from it: only with this, and with its sha256 pinned here.
    allow_pickle: bool = False
    sha256: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")
    #: Run although the libraries' versions differ from the card's, as long as the probe rows reproduce.
    allow_version_mismatch: bool = False
    #: A row that the model refuses, or scores as NaN or infinite.
    on_row_error: Literal["fail", "quarantine"] = "fail"

    @model_validator(mode="after")
    def _pickles_are_pinned(self) -> Self:
        if self.allow_pickle and self.sha256 is None:
            message = "allow_pickle needs the artefact's sha256 beside it, since a pickle can run any code"
            raise ValueError(message)
        return self


class Output(Strict):
    """Where the scored table is, and which input columns it repeats beside the keys and scores."""

    path: str = "scored/"
    runs: str = "runs/"
    columns: tuple[str, ...] = Field(default=(), strict=False)


Policy = Literal["fail", "quarantine", "warn", "drop"]


class Checks(Strict):
    """The expectation suite and how much of the night may be set aside."""

    suite: str | None = None
    max_quarantined: Limit = Limit()
    #: Rule id, as `nightscore check` lists it, to what a breach does; over the suite's own.
    on_fail: dict[str, Policy] = Field(default_factory=dict)
    #: Let an expectation that no row was evaluated for count as met.
    allow_vacuous: bool = False
    #: Great Expectations' verdict to the letter, which also passes what nothing was evaluated for.
    strict_gx: bool = False
    #: How much of Great Expectations' own result quality.json holds.
    result_format: Literal["BOOLEAN_ONLY", "BASIC", "SUMMARY", "COMPLETE"] = "SUMMARY"
    #: Values of the suite's {"$PARAMETER": name}; over the suite's own suite_parameters.
    parameters: dict[str, bool | int | float | str | list[bool | int | float | str]] = Field(default_factory=dict)


class Report(Strict):
    """What the reports may show."""

    #: Values of rows that break a rule, but for columns that the contract calls sensitive.
    examples: bool = False


class Scale(Strict):
    """(x - mean) / sd."""

    mean: Number
    sd: Annotated[Number, Field(gt=0.0)]


class Step(Strict):
    """One transform of a column; exactly one key is set."""

    fill: NumberOrText | None = None
    clip: tuple[Number, Number] | None = Field(default=None, strict=False)
    scale: Scale | None = None
    log1p: Literal[True] | None = None
    #: Ascending edges; the result is the number of edges <= x, 0 to len(edges).
    bucketize: tuple[Number, ...] | None = Field(default=None, strict=False, min_length=1)
    one_hot: tuple[str, ...] | None = Field(default=None, strict=False, min_length=1)
    ordinal: tuple[str, ...] | None = Field(default=None, strict=False, min_length=1)
    date_part: Literal["year", "month", "day", "weekday", "hour", "minute", "day_of_year"] | None = None
    custom: str | None = Field(default=None, pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$")

    @model_validator(mode="before")
    @classmethod
    def _from_a_word(cls, value: Any) -> Any:
        return {value: True} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        names = [name for name in type(self).model_fields if getattr(self, name) is not None]
        if len(names) != 1:
            message = f"a step has exactly one transform, found {', '.join(names) or 'none'}"
            raise ValueError(message)
        for edges in (self.bucketize, self.clip):
            if edges is not None and list(edges) != sorted(edges):
                message = f"{names[0]}: the numbers must ascend"
                raise ValueError(message)
        return self

    @property
    def name(self) -> str:
        """The transform's name."""
        return next(name for name in type(self).model_fields if getattr(self, name) is not None)


class Feature(Strict):
    """How a feature is made. Without an entry a feature is the column of its own name, as it is."""

    source: str | Annotated[tuple[str, ...], Field(strict=False)] | None = Field(default=None, alias="from")
    steps: tuple[Step, ...] = Field(default=(), strict=False)
    #: A category that the model was not trained on. `other` needs a category named `other` or `__other__` in the card.
    unknown: Literal["error", "quarantine", "missing", "other"] = "error"
    #: A null or NaN after all steps.
    missing: Literal["allow", "error", "quarantine"] = "allow"


class Job(Strict):
    """A whole scoring job. Paths are relative to the folder of job.yaml."""

    version: Literal[1] = 1
    name: str = Field(pattern=_NAME)
    input: Input
    models: tuple[ModelEntry, ...] = Field(strict=False, min_length=1)
    output: Output = Output()
    checks: Checks = Checks()
    report: Report = Report()
    features: dict[str, Feature] = Field(default_factory=dict)
    drift: Drift = Drift()
    #: A file or row group that cannot be read: stop the run, or reject exactly that row group and count it.
    on_bad_file: Literal["fail", "isolate"] = "fail"
    max_rejected: Limit = Limit()
    #: Rows of one unit of work and of one output part, about; row groups are never cut.
    rows_per_unit: int = Field(default=500_000, ge=1)
    runners: Runners = Runners()

    @model_validator(mode="after")
    def _output_names_are_unique(self) -> Self:
        names = [entry.name for entry in self.models]
        columns = list(self.output.columns)
        for entry in self.models:
            out = entry.output
            columns += [name for name in (out.probability, out.value, out.probabilities, out.label) if name]
        for what, words in (("model", names), ("output column", columns)):
            twice = sorted({word for word in words if words.count(word) > 1})
            if twice:
                message = f"{what} '{twice[0]}' is named twice"
                raise ValueError(message)
        return self


def read_job(path: Path) -> Job:
    """The job in a job.yaml. Raises ConfigError with every mistake and its line."""
    return validate(read_yaml(path), Job)


def unknown_column(what: str, name: str, known: tuple[str, ...]) -> ConfigError:
    """The error for a column that job.yaml names and the contract does not have."""
    message = f"{what}: column '{name}' is not in the table contract{did_you_mean(name, known)}"
    return ConfigError(message, code="unknown_column", column=name)
