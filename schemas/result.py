"""result.json: how a run ended, for the scheduler and for people; and the manifest of a published partition."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from schemas.errors import Action, ExitCode

RESULT_FORMAT = "nightscore.result"
MANIFEST_FORMAT = "nightscore.manifest"
VERSION = 1

RunStatus = Literal["published", "held", "failed", "no_data", "interrupted"]


@dataclass(frozen=True)
class RunResult:
    """How one night ended. Written whatever happened, as long as the run's folder can be written."""

    job: str
    run_date: str
    partition: str
    run_id: str
    status: RunStatus
    exit_code: ExitCode
    action: Action
    #: A stable word for machines: published, quality_gate, or an error's code.
    code: str
    #: For people: why it ended so.
    message: str
    reasons: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    #: Totals of the ledger: rows_in, scored, quarantined, dropped, rejected.
    rows: dict[str, int | None] = field(default_factory=dict)
    #: Quality and drift in one word each, where they were judged.
    quality: str | None = None
    drift: str | None = None
    #: Run whose partition is out after this run; None when there is none.
    published_run: str | None = None
    revision: int | None = None
    #: Paths relative to the run's folder.
    files: dict[str, str] = field(default_factory=dict)
    #: Facts of an error: file, row group, column.
    facts: dict[str, Any] = field(default_factory=dict)
    #: Wall-clock times as ISO 8601, seconds, CPU seconds: nothing of it is in the manifest.
    timing: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """JSON-compatible and versioned."""
        return {"format": RESULT_FORMAT, "version": VERSION} | asdict(self)
