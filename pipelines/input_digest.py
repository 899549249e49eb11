"""What of the input a unit's results depend on, as one digest."""

from __future__ import annotations

import hashlib
from typing import Any

from pipelines.files import canonical_json, digest
from schemas.plan import InputFile, Plan, Unit


def unit_digest(unit: Unit) -> str:
    """sha256 over the unit's number, its files and its row groups, in hex. The folder that the files are in is not in.

    Of each file: name, bytes, footer, row groups, partition values, and the mtime, since a file whose values were
    changed in place can have the same size and the same footer.
    """
    files = {span.file.number: span.file for span in unit.spans}
    spans = [(span.file.number, span.row_group, span.first_row) for span in unit.spans]
    return digest([unit.number, [_facts(file) for file in files.values()], spans])


def plan_digest(plan: Plan) -> str:
    """sha256 over the date, every planned and every unreadable file, and how they are shared out into units, in hex."""
    total = hashlib.sha256()
    total.update(canonical_json([plan.run_date, plan.partition, [_facts(file) for file in plan.files]]))
    total.update(canonical_json([(bad.name, bad.bytes, bad.code) for bad in plan.bad_files]))
    for unit in plan.units:
        spans = [(span.file.number, span.row_group, span.first_row) for span in unit.spans]
        total.update(canonical_json([unit.number, spans]))
    return total.hexdigest()


def _facts(file: InputFile) -> list[Any]:
    rows = [list(file.row_group_rows), [list(pair) for pair in file.partition]]
    return [file.number, file.name, file.bytes, file.mtime_ns, file.footer_digest, *rows]
