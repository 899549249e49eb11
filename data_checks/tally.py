"""How many rows a rule was evaluated on, and how many broke it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Self


@dataclass
class Tally:
    """Two counts. `merge` is exactly commutative and associative, and the empty tally its identity."""

    evaluated: int = 0
    unexpected: int = 0

    def add(self, evaluated: int, unexpected: int) -> None:
        """Count a batch."""
        self.evaluated += evaluated
        self.unexpected += unexpected

    def merge(self, other: Tally) -> None:
        """Add `other`, which stays as it is."""
        self.add(other.evaluated, other.unexpected)

    def to_json(self) -> dict[str, Any]:
        """JSON-compatible."""
        return asdict(self)

    @classmethod
    def from_json(cls, raw: dict[str, Any]) -> Self:
        """The tally that `to_json` wrote."""
        return cls(int(raw["evaluated"]), int(raw["unexpected"]))
