"""The reference profile: what the training data looked like, frozen, versioned and digested."""

from __future__ import annotations

import hashlib
import json
from bisect import bisect_right
from collections.abc import Mapping
from functools import cached_property
from itertools import pairwise
from typing import Any, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from data_checks.decisions import DecisionProfile
from data_checks.grid import Grid
from data_checks.histogram import UNIT_EDGES
from data_checks.impact import ImpactSums
from data_checks.slices import SliceProfile
from data_checks.stored_numbers import LARGEST_COUNT
from schemas.contract import TableContract
from schemas.drift_settings import TimeFeature
from schemas.strict import Strict

FORMAT = "nightscore.reference"
VERSION = 2
#: Bins of equal reference counts that PSI rests on.
DEFAULT_BINS = 10
#: ... and bins of the fine grid that KS, Wasserstein and quantiles rest on.
FINE_BINS = 1000
#: Categories with a smaller share of the reference are compared together, as `__other__`.
OTHER_SHARE = 0.005

#: numeric and categorical columns are compared by their values; a date moves every night, and bytes have no order, so
#: of temporal and opaque ones only the missing rate is.
Kind = Literal["numeric", "categorical", "temporal", "opaque"]
ScoreKind = Literal["probability", "number"]
TimePart = Literal["hour", "weekday", "month"]


def kind_of(logical_type: str) -> Kind:
    """How a column of this contract type is profiled."""
    if logical_type in ("bool", "string"):
        return "categorical"
    if logical_type == "date" or logical_type.startswith("timestamp"):
        return "temporal"
    return "opaque" if logical_type == "binary" else "numeric"


class NumericFacts(Strict):
    """The finite values of a column. All None, and one bin, where there are none."""

    infinite: int = Field(default=0, ge=0, le=LARGEST_COUNT)
    minimum: float | None = None
    maximum: float | None = None
    mean: float | None = None
    #: Sample standard deviation (ddof 1).
    sd: float | None = Field(default=None, ge=0.0)
    #: Inner edges of the bins that PSI rests on; the outer ones are infinite. A value on an edge belongs to the bin
    #: above it.
    edges: tuple[float, ...] = Field(default=(), strict=False, max_length=1000)
    #: Values with a share above 1/bins: the bin that begins at such an edge holds that value only.
    atoms: tuple[float, ...] = Field(default=(), strict=False)
    #: The fine grid: about 1,000 quantiles, the edges above, and of a probability the 20 equal bins of [0, 1].
    grid_edges: tuple[float, ...] = Field(default=(), strict=False, max_length=100_000)
    #: Values per bin of the fine grid, one more than edges; infinite values are in the outer bins.
    grid_counts: tuple[int, ...] = Field(default=(0,), strict=False)
    #: Means of the finite values in the outer bins of the fine grid; None where there are none.
    low_mean: float | None = None
    high_mean: float | None = None
    #: Whether it is a probability, so that the 20 equal bins of [0, 1] are in the grid.
    unit: bool = False

    @model_validator(mode="after")
    def _bins_are_whole(self) -> Self:
        sound = min(self.grid_counts, default=-1) >= 0 and max(self.grid_counts) <= LARGEST_COUNT
        if len(self.grid_counts) != len(self.grid_edges) + 1 or not sound:
            bins, edges = len(self.grid_counts), len(self.grid_edges)
            message = f"{bins} counts for {edges} edges: one count more than edges, none negative or too large"
            raise ValueError(message)
        within = set(self.grid_edges)
        if not within.issuperset(self.edges) or (self.unit and not within.issuperset(UNIT_EDGES)):
            message = "the edges of the bins must be among those of the fine grid"
            raise ValueError(message)
        if any(low >= high for low, high in pairwise(self.edges)) or not set(self.edges).issuperset(self.atoms):
            message = "the edges must ascend, and the atoms be among them"
            raise ValueError(message)
        _ = self.grid
        return self

    @model_validator(mode="after")
    def _the_range_is_that_of_the_values(self) -> Self:
        ends = [end for end in (self.minimum, self.maximum) if end is not None]
        filled = [place for place, count in enumerate(self.grid_counts) if count]
        finite = self.present - self.infinite
        places = [bisect_right(self.grid_edges, end) for end in ends]
        # Infinite values fill the outer bins, too.
        fits = self.infinite > 0 or not filled or places == [filled[0], filled[-1]]
        if finite < 0 or len(ends) != (2 if finite else 0) or ends != sorted(ends) or not fits:
            message = f"a range of {self.minimum} to {self.maximum} does not belong to these counts"
            raise ValueError(message)
        return self

    @cached_property
    def grid(self) -> Grid:
        """The fine grid."""
        return Grid(self.grid_edges)

    @cached_property
    def counts(self) -> tuple[int, ...]:
        """Values per bin that PSI rests on, one more than edges."""
        return self.onto(self.edges)

    def onto(self, edges: tuple[float, ...]) -> tuple[int, ...]:
        """The counts on some of the grid's edges."""
        return tuple(self.grid.onto(np.asarray(self.grid_counts, np.int64), edges).tolist())

    @property
    def present(self) -> int:
        """Values counted."""
        return sum(self.grid_counts)


class CategoryFacts(Strict):
    """Categories with their counts, the most frequent first."""

    categories: tuple[tuple[str, int], ...] = Field(default=(), strict=False, max_length=30_000)
    #: Distinct categories of the reference; where it has more than can be counted, one more than that.
    distinct: int = Field(ge=0, le=LARGEST_COUNT)
    #: Values of the categories that are not listed since there are too many.
    unlisted: int = Field(default=0, ge=0, le=LARGEST_COUNT)

    @model_validator(mode="after")
    def _categories_are_distinct(self) -> Self:
        if len({name for name, _ in self.categories}) != len(self.categories):
            message = "a category is listed twice"
            raise ValueError(message)
        if any(not 1 <= count <= LARGEST_COUNT for _, count in self.categories):
            message = "a listed category has no values, or too many"
            raise ValueError(message)
        return self

    @property
    def complete(self) -> bool:
        """Whether every category of the reference is listed: only then can another one be told to be new."""
        return self.distinct == len(self.categories)

    @property
    def names(self) -> tuple[str, ...]:
        """The listed categories."""
        return tuple(name for name, _ in self.categories)

    @property
    def singletons(self) -> int:
        """Listed categories with one value: what is left out of them predicts what is yet unseen (Good-Turing)."""
        return sum(1 for _, count in self.categories if count == 1)

    @property
    def present(self) -> int:
        """Values counted."""
        return sum(count for _, count in self.categories) + self.unlisted


class ReferenceColumn(Strict):
    """One column of the reference, or one score of a model on it."""

    name: str
    kind: Kind
    rows: int = Field(ge=0, le=LARGEST_COUNT)
    nulls: int = Field(default=0, ge=0)
    nans: int = Field(default=0, ge=0)
    numeric: NumericFacts | None = None
    categorical: CategoryFacts | None = None
    #: Of a score: the model that made it.
    model: str | None = None
    #: Of a date or timestamp: which part of it the categories are.
    part: TimePart | None = None

    @model_validator(mode="after")
    def _counts_add_up(self) -> Self:
        if (self.numeric is not None) != (self.kind == "numeric") or (self.categorical is not None) != (
            self.kind == "categorical"
        ):
            message = f"column '{self.name}' of kind {self.kind} has the facts of another kind"
            raise ValueError(message)
        if self.missing > self.rows:
            message = f"column '{self.name}': {self.missing:,} of {self.rows:,} rows are missing"
            raise ValueError(message)
        facts = self.numeric or self.categorical
        if facts is not None and facts.present != self.rows - self.missing:
            message = f"column '{self.name}': {facts.present:,} values counted, {self.rows - self.missing:,} present"
            raise ValueError(message)
        return self

    @property
    def missing(self) -> int:
        """Rows whose value is null or NaN."""
        return self.nulls + self.nans


class ReferenceProfile(Strict):
    """Every profiled column of the training data, and the models' scores on it."""

    #: Of the contract's feature columns, see `contract_digest`.
    contract_digest: str
    #: Name of each model to the sha256 of its artefact: scores of another model are not compared.
    models: dict[str, str] = Field(default_factory=dict)
    rows: int = Field(ge=0, le=LARGEST_COUNT)
    bins: int = Field(default=DEFAULT_BINS, ge=2, le=50)
    other_share: float = Field(default=OTHER_SHARE, ge=0.0, lt=1.0)
    columns: tuple[ReferenceColumn, ...] = Field(default=(), strict=False)
    scores: tuple[ReferenceColumn, ...] = Field(default=(), strict=False)
    #: What the models decided, what their features contributed on a sample, and the same columns within slices: the
    #: JSON of DecisionProfile, ImpactSums and SliceProfile.
    decisions: tuple[dict[str, Any], ...] = Field(default=(), strict=False)
    impact: dict[str, Any] = Field(default_factory=lambda: ImpactSums().to_json())
    slices: tuple[dict[str, Any], ...] = Field(default=(), strict=False)

    @model_validator(mode="after")
    def _names_stand_once(self) -> Self:
        for group in (self.columns, self.scores):
            if len({column.name for column in group}) != len(group):
                message = "a column is listed twice"
                raise ValueError(message)
        if any(score.numeric is None for score in self.scores):
            message = "a score has no numbers"
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _states_can_be_read(self) -> Self:
        try:
            _ = self.decision_profiles, self.impact_sums, self.slice_profiles
        except (KeyError, TypeError, AttributeError, OverflowError) as error:
            message = f"a state of decisions, impact or slices is not whole: {type(error).__name__}"
            raise ValueError(message) from None
        return self

    @cached_property
    def decision_profiles(self) -> dict[str, DecisionProfile]:
        """By model."""
        found = [DecisionProfile.from_json(item) for item in self.decisions]
        return {item.model: item for item in found}

    @cached_property
    def impact_sums(self) -> ImpactSums:
        """Contributions on a sample of the training rows."""
        return ImpactSums.from_json(self.impact)

    @cached_property
    def slice_profiles(self) -> dict[str, SliceProfile]:
        """By slice column."""
        found = [SliceProfile.from_json(item) for item in self.slices]
        return {item.slice_column: item for item in found}

    def column(self, name: str) -> ReferenceColumn | None:
        """The feature column of that name, or None."""
        return next((column for column in self.columns if column.name == name), None)

    def score(self, name: str) -> ReferenceColumn | None:
        """The score column of that name, or None."""
        return next((column for column in self.scores if column.name == name), None)

    @cached_property
    def digest(self) -> str:
        """sha256 of the canonical JSON of everything but the digest itself."""
        return _sha256(reference_head() | self.model_dump(mode="json"))


def reference_head() -> dict[str, Any]:
    """What tells a reference profile from other JSON."""
    return {"format": FORMAT, "version": VERSION}


def _sha256(payload: Mapping[str, Any]) -> str:
    text = json.dumps(payload, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def contract_digest(contract: TableContract, times: Mapping[str, TimeFeature] | None = None) -> str:
    """sha256 of all that a profile depends on: names and types of the feature columns, how dates are compared."""
    facts: dict[str, Any] = {
        "features": sorted([column.name, column.type] for column in contract if column.role == "feature")
    }
    if times:
        facts["times"] = {name: view.model_dump(mode="json") for name, view in sorted(times.items())}
    return _sha256(facts)
