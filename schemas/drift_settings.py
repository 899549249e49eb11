"""What job.yaml says of drift: what to compare with, what counts, and what follows."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from schemas.job_values import Number, Share
from schemas.strict import Strict


class TimeFeature(Strict):
    """How a date or timestamp column is compared: exactly one of the two."""

    #: The part of it that is compared as a category.
    part: Literal["hour", "weekday", "month"] | None = None
    #: Another date or timestamp column: the days from that one to this one are compared as a number.
    since: str | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if (self.part is None) == (self.since is None):
            message = "give either `part` or `since`"
            raise ValueError(message)
        return self


class HistoryThresholds(Strict):
    """A PSI threshold of each column from its own earlier published nights: mean + k standard deviations."""

    k: Annotated[Number, Field(gt=0.0)] = 3.0
    #: Published nights that it is made of; while there are fewer, psi_warn and psi_drift hold.
    runs: int = Field(default=14, ge=2, le=366)


class Drift(Strict):
    """The comparison with the reference profile."""

    reference: str | None = None
    #: Training Parquet files that `nightscore profile` makes the reference from: a folder or a glob.
    training: str | None = None
    #: warn: report only; hold: a drifted run is not published until somebody releases it; fail: nor can it be released.
    gate: Literal["warn", "hold", "fail"] = "warn"
    #: Columns whose drift decides the run's status alone.
    critical: tuple[str, ...] = Field(default=(), strict=False)
    psi_warn: Annotated[Number, Field(gt=0.0)] = 0.1
    psi_drift: Annotated[Number, Field(gt=0.0)] = 0.25
    js_distance_warn: Annotated[Number, Field(gt=0.0)] = 0.1
    ks_warn: Annotated[Number, Field(gt=0.0)] = 0.15
    #: Of the mean, in standard deviations of the reference.
    mean_shift_warn: Annotated[Number, Field(gt=0.0)] = 0.25
    #: A difference counts only where chance alone would bring it about less often than this.
    significance: Annotated[Number, Field(gt=0.0, le=0.05)] = 0.001
    #: Share of compared columns in status drift from which the run itself is in status drift.
    max_drifted_share: Share = 0.5
    #: Text or boolean columns whose values are each compared with the same value in training.
    slices: tuple[str, ...] = Field(default=(), strict=False, max_length=10)
    #: Values of a slice column that are compared one by one, the most frequent in training; the others together.
    slice_values: int = Field(default=50, ge=1, le=200)
    #: Rows of the sample on which contributions to the scores are computed, about; 0: none. An impact is a mean over
    #: them: its standard error is 1/sqrt(500) = 4.5 % of their deviation. TreeSHAP takes milliseconds a row.
    impact_rows: int = Field(default=500, ge=0, le=100_000)
    #: How date and timestamp features are compared: those without an entry, timestamps by the hour, dates not at all.
    times: dict[str, TimeFeature] = Field(default_factory=dict)
    #: None: the thresholds above.
    history: HistoryThresholds | None = None

    @model_validator(mode="after")
    def _drift_is_more_than_a_warning(self) -> Self:
        if self.psi_drift < self.psi_warn:
            message = (
                f"psi_drift ({self.psi_drift:g}) is below psi_warn ({self.psi_warn:g}): drift is the greater of the two"
            )
            raise ValueError(message)
        return self
