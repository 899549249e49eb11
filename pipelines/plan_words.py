"""A plan in one line."""

from __future__ import annotations

from pipelines.console import count, size
from schemas.plan import Plan


def plan_line(plan: Plan) -> str:
    """Files, rows, bytes and units; what cannot be read and what is passed over."""
    text = f"{count(len(plan.files), 'file')}, {count(plan.rows, 'row')}, {size(plan.bytes)}, "
    text += count(len(plan.units), "unit")
    if plan.bad_files:
        text += f", {count(len(plan.bad_files), 'unreadable file')}"
    if plan.ignored:
        names = ", ".join(plan.ignored[:3]) + (" ..." if len(plan.ignored) > 3 else "")  # noqa: PLR2004
        text += f"; passed over: {names}"
    return text
