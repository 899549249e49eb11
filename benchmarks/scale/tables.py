"""One table of figures, for people (Markdown)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

Cell = str | int | float | None


@dataclass(frozen=True)
class Table:
    """Columns are named with their units."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]] = field(default_factory=list)

    def __str__(self) -> str:
        lines = [f"\n### {self.title}\n", "| " + " | ".join(self.columns) + " |", "|---:" * len(self.columns) + "|"]
        lines += ["| " + " | ".join(map(shown, row)) + " |" for row in self.rows]
        return "\n".join(lines)


def shown(cell: Cell) -> str:
    """Three figures that count, thousands apart; nothing for None."""
    if cell is None:
        return ""
    if not isinstance(cell, float):
        return f"{cell:,}" if isinstance(cell, int) else cell
    return f"{cell:,.0f}" if abs(cell) >= 100 else f"{cell:.3g}"  # noqa: PLR2004


def megabytes(count: int) -> float:
    """Bytes in 10**6."""
    return count / 1e6
