"""The manifest: what a partition holds and what it was made from. No clock in it but the run's id."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from pipelines.loading import LoadedJob, resolved_config
from pipelines.outcome import Outcome, PartFile
from schemas.plan import Plan
from schemas.result import MANIFEST_FORMAT, VERSION


def part_name(unit: int, part: PartFile) -> str:
    """A name that carries the content: two partitions never hold different bytes under one name."""
    return f"part-{unit:05d}-{part.sha256[:12]}.parquet"


def build_manifest(
    loaded: LoadedJob, plan: Plan, outcome: Outcome, run_id: str, previous: Mapping[str, Any] | None
) -> dict[str, Any]:
    """The manifest of the partition that this run publishes, over `previous`, the manifest of the one that is out."""
    total = outcome.ledger.total()
    return {
        "format": MANIFEST_FORMAT,
        "version": VERSION,
        "job": loaded.job.name,
        "run_id": run_id,
        "run_date": plan.run_date,
        "partition": plan.partition,
        "revision": int(previous["revision"]) + 1 if previous else 1,
        "supersedes": previous["run_id"] if previous else None,
        "rows": total.scored,
        "columns": [{"name": f.name, "type": str(f.type)} for f in loaded.spec.output_schema],
        "parts": [_part(part_name(unit, part), part) for unit, part in sorted(outcome.parts.items())],
        "quarantine": [_part(part_name(unit, part), part) for unit, part in sorted(outcome.quarantine.items())],
        "rejected": [vars(item) for item in outcome.rejected],
        "inputs": [
            {"name": f.name, "rows": f.rows, "bytes": f.bytes, "footer_sha256": f.footer_digest} for f in plan.files
        ],
        "ignored_names": list(plan.ignored),
        "ignored_columns": sorted(outcome.ignored_columns),
        "ledger": outcome.ledger.to_json(),
        "models": [_model(loaded, index) for index in range(len(loaded.job.models))],
        "model_notes": sorted(outcome.model_notes),
        "digests": loaded.digests,
        "config": resolved_config(loaded.job),
    }


def _part(name: str, part: PartFile) -> dict[str, Any]:
    return {
        "name": name,
        "staged": PurePosixPath(part.path).name,
        "rows": part.rows,
        "bytes": part.bytes,
        "sha256": part.sha256,
    }


def _model(loaded: LoadedJob, index: int) -> dict[str, Any]:
    entry, card = loaded.job.models[index], loaded.spec.cards[index]
    return {
        "name": entry.name,
        "kind": card.kind,
        "task": card.task,
        "sha256": card.artefact.sha256,
        "libraries": card.libraries,
        "threshold": entry.output.threshold if card.task == "binary" else None,
    }
