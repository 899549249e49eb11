"""The night's profile: one mergeable value with everything that drift is judged from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from data_checks.categories import CATEGORY_CAP
from data_checks.column_profile import ColumnProfile
from data_checks.columns import BatchColumns
from data_checks.decisions import DecisionProfile
from data_checks.impact import ImpactSums
from data_checks.reference import Kind, ReferenceProfile, kind_of
from data_checks.score_profile import ScoreColumn, ScoreProfile
from data_checks.slices import SliceProfile
from data_checks.stored_numbers import stored_count
from schemas.contract import TableContract

Floats = npt.NDArray[np.float64]

FORMAT = "nightscore.profile"
VERSION = 2


@dataclass(frozen=True)
class ProfileColumn:
    """A feature column to profile."""

    name: str
    kind: Kind


def profile_columns(contract: TableContract) -> tuple[ProfileColumn, ...]:
    """The contract's feature columns, in its order."""
    return tuple(ProfileColumn(column.name, kind_of(column.type)) for column in contract if column.role == "feature")


@dataclass
class Profile:
    """Feature columns and scores of the rows seen so far.

    `merge` is exactly commutative and associative and `Profile.empty` of the same arguments its identity, so the
    same batches give the same bits on any number of workers. The size is bounded by the number of columns.
    """

    #: Digest of the reference whose bins it counts on; None without one.
    reference: str | None
    columns: dict[str, ColumnProfile]
    scores: dict[str, ScoreProfile]
    rows_conformed: int = 0
    rows_scored: int = 0
    #: By model.
    decisions: dict[str, DecisionProfile] = field(default_factory=dict)
    #: By slice column; bins that the reference has frozen.
    slices: dict[str, SliceProfile] = field(default_factory=dict)
    impact: ImpactSums = field(default_factory=ImpactSums)

    @classmethod
    def empty(
        cls,
        reference: ReferenceProfile | None,
        columns: Iterable[ProfileColumn],
        scores: Sequence[ScoreColumn] = (),
        *,
        decisions: Iterable[DecisionProfile] = (),
        slices: Mapping[str, SliceProfile] | None = None,
        category_cap: int = CATEGORY_CAP,
    ) -> Self:
        """The profile of no rows, counted on the reference's bins where there is one.

        `decisions` and `slices` are empty ones, which become its own. `category_cap` as in `ColumnProfile.empty`.
        """
        known = {column.name: column for column in reference.columns} if reference is not None else {}
        known_scores = {score.name: score for score in reference.scores} if reference is not None else {}
        return cls(
            reference.digest if reference is not None else None,
            {
                column.name: ColumnProfile.empty(column.name, column.kind, known.get(column.name), category_cap)
                for column in columns
            },
            {score.name: ScoreProfile.empty(score, known_scores.get(score.name)) for score in scores},
            decisions={item.model: item for item in decisions},
            slices=dict(slices or {}),
        )

    def add_conformed(self, columns: BatchColumns) -> None:
        """Count a batch of conformed rows, before any is set aside: missing, range, unseen."""
        self.rows_conformed += columns.num_rows
        for column in self.columns.values():
            column.add_conformed(columns)

    def add_scored(self, columns: BatchColumns) -> None:
        """Count the input columns of a batch of rows that were scored: bins, categories, moments."""
        self.rows_scored += columns.num_rows
        for column in self.columns.values():
            column.add_scored(columns)

    def add_scores(self, name: str, values: Floats) -> None:
        """Count a batch of scores. Raises KeyError when the profile has no such score column."""
        self.scores[name].add(np.asarray(values, np.float64))

    def merge(self, other: Profile) -> None:
        """Add `other`, which stays as it is. Raises ValueError when it was counted on another reference."""
        if self._layout() != other._layout():
            message = "profiles of other columns or on another reference cannot be merged"
            raise ValueError(message)
        self.rows_conformed += other.rows_conformed
        self.rows_scored += other.rows_scored
        for name, column in other.columns.items():
            self.columns[name].merge(column)
        for name, score in other.scores.items():
            self.scores[name].merge(score)
        for name, decisions in other.decisions.items():
            self.decisions[name].merge(decisions)
        for name, slices in other.slices.items():
            self.slices[name].merge(slices)
        self.impact.merge(other.impact)

    def _layout(self) -> tuple[Any, ...]:
        return self.reference, [*self.columns], [*self.scores], [*self.decisions], [*self.slices]

    def to_json(self) -> dict[str, Any]:
        """JSON-compatible. The edges of the bins are not in it: they are those of the reference with that digest."""
        return {
            "format": FORMAT,
            "version": VERSION,
            "reference": self.reference,
            "rows_conformed": self.rows_conformed,
            "rows_scored": self.rows_scored,
            "columns": [column.to_json() for column in self.columns.values()],
            "scores": [score.to_json() for score in self.scores.values()],
            "decisions": [item.to_json() for item in self.decisions.values()],
            "slices": [item.to_json() for item in self.slices.values()],
            "impact": self.impact.to_json(),
        }

    @classmethod
    def from_json(cls, raw: Mapping[str, Any], reference: ReferenceProfile | None) -> Self:
        """The profile that `to_json` wrote. Raises ValueError when it is something else, or of another reference."""
        if (raw.get("format"), raw.get("version")) != (FORMAT, VERSION):
            message = (
                f"not a profile of version {VERSION}: format {raw.get('format')!r}, version {raw.get('version')!r}"
            )
            raise ValueError(message)
        if raw["reference"] != (None if reference is None else reference.digest):
            message = "the profile was counted on the bins of another reference"
            raise ValueError(message)
        column_of, score_of = (reference.column, reference.score) if reference is not None else (_none, _none)
        columns = {item["name"]: ColumnProfile.from_json(item, column_of(item["name"])) for item in raw["columns"]}
        scores = {item["name"]: ScoreProfile.from_json(item, score_of(item["name"])) for item in raw["scores"]}
        decisions = [DecisionProfile.from_json(item) for item in raw["decisions"]]
        slices = [SliceProfile.from_json(item) for item in raw["slices"]]
        return cls(
            raw["reference"],
            columns,
            scores,
            stored_count(raw["rows_conformed"]),
            stored_count(raw["rows_scored"]),
            {item.model: item for item in decisions},
            {item.slice_column: item for item in slices},
            ImpactSums.from_json(raw["impact"]),
        )


def _none(_: str) -> None:
    return None
