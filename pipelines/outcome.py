"""What scoring gave: the same mergeable value for a row group, a unit and the whole night."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from data_checks.check_state import CheckState
from data_checks.profile import Profile
from data_checks.reference import ReferenceProfile
from schemas.ledger import Ledger

FORMAT = "nightscore.outcome"
VERSION = 4


@dataclass(frozen=True)
class PartFile:
    """A staged file, not visible to any reader of the table yet."""

    #: Path relative to the run's folder.
    path: str
    sha256: str
    rows: int
    bytes: int


@dataclass(frozen=True)
class Rejected:
    """A row group, or with `row_group` None a whole file, that could not be read."""

    file: str
    row_group: int | None
    #: None where the footer could not be read.
    rows: int | None
    code: str
    message: str


@dataclass(frozen=True)
class Failure:
    """An error that ends the run, as plain facts that survive any runner."""

    kind: str
    message: str
    code: str
    facts: dict[str, Any]


@dataclass
class Outcome:
    """Merges exactly and in any order. `merge` changes the left side only."""

    checks: CheckState
    profile: Profile
    ledger: Ledger = field(default_factory=Ledger)
    #: Rows set aside by (rule, column, reason).
    reasons: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    #: Unknown categories and missing values by `model.feature`, over the rows that reached it.
    unknown: Counter[str] = field(default_factory=Counter)
    missing: Counter[str] = field(default_factory=Counter)
    #: By unit number.
    parts: dict[int, PartFile] = field(default_factory=dict)
    quarantine: dict[int, PartFile] = field(default_factory=dict)
    failures: dict[int, Failure] = field(default_factory=dict)
    rejected: list[Rejected] = field(default_factory=list)
    #: By the id in `Checks.files`: files of key hashes or sorted values, one a unit, relative to the run's folder.
    files: dict[str, list[str]] = field(default_factory=dict)
    #: Columns of files that the contract does not name.
    ignored_columns: set[str] = field(default_factory=set)
    #: What is worth telling of the models as loaded, such as a library version that differs from the card's.
    model_notes: set[str] = field(default_factory=set)

    def merge(self, other: Outcome) -> None:
        """Add `other`, which stays as it is."""
        self.checks.merge(other.checks)
        self.profile.merge(other.profile)
        self.ledger.merge(other.ledger)
        for mine, theirs in (
            (self.reasons, other.reasons),
            (self.unknown, other.unknown),
            (self.missing, other.missing),
        ):
            mine.update(theirs)  # type: ignore[arg-type]  # each pair has one key type
        self.parts.update(other.parts)
        self.quarantine.update(other.quarantine)
        self.failures.update(other.failures)
        self.rejected = sorted([*self.rejected, *other.rejected], key=_rejected_order)
        for rule, paths in other.files.items():
            self.files[rule] = sorted([*self.files.get(rule, []), *paths])
        self.ignored_columns |= other.ignored_columns
        self.model_notes |= other.model_notes

    def to_json(self) -> bytes:
        """Strict JSON; equal outcomes give equal bytes."""
        value = {
            "format": FORMAT,
            "version": VERSION,
            "checks": self.checks.to_json(),
            "profile": self.profile.to_json(),
            "ledger": self.ledger.to_json(),
            "reasons": [[*key, count] for key, count in sorted(self.reasons.items())],
            "unknown": dict(sorted(self.unknown.items())),
            "missing": dict(sorted(self.missing.items())),
            "parts": _numbered(self.parts),
            "quarantine": _numbered(self.quarantine),
            "failures": _numbered(self.failures),
            "rejected": [asdict(item) for item in self.rejected],
            "files": dict(sorted(self.files.items())),
            "ignored_columns": sorted(self.ignored_columns),
            "model_notes": sorted(self.model_notes),
        }
        return json.dumps(value, allow_nan=False, separators=(",", ":")).encode()

    @classmethod
    def from_json(cls, data: bytes, empty: Outcome, reference: ReferenceProfile | None) -> Outcome:
        """The outcome that `to_json` wrote. `empty` tells which checks it belongs to, `reference` which bins."""
        raw = json.loads(data)
        if raw.get("format") != FORMAT or raw.get("version") != VERSION:
            message = f"not a {FORMAT} of version {VERSION}"
            raise ValueError(message)
        return cls(
            checks=type(empty.checks).from_json(raw["checks"]),
            profile=Profile.from_json(raw["profile"], reference),
            ledger=Ledger.from_json(raw["ledger"]),
            reasons=Counter({(rule, column, reason): count for rule, column, reason, count in raw["reasons"]}),
            unknown=Counter(raw["unknown"]),
            missing=Counter(raw["missing"]),
            parts={int(unit): PartFile(**item) for unit, item in raw["parts"].items()},
            quarantine={int(unit): PartFile(**item) for unit, item in raw["quarantine"].items()},
            failures={int(unit): Failure(**item) for unit, item in raw["failures"].items()},
            rejected=[Rejected(**item) for item in raw["rejected"]],
            files={rule: list(paths) for rule, paths in raw["files"].items()},
            ignored_columns=set(raw["ignored_columns"]),
            model_notes=set(raw["model_notes"]),
        )


def _rejected_order(item: Rejected) -> tuple[str, int]:
    return item.file, -1 if item.row_group is None else item.row_group


def _numbered(items: Mapping[int, Any]) -> dict[str, Any]:
    return {str(unit): asdict(item) for unit, item in sorted(items.items())}
