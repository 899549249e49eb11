"""Files that units leave: records read again, staged parts published. Names alone matter, so they are small here."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from scale.dimension import Case, Dimension, Found
from scale.stage_costs import StageCosts
from scale.tables import Table

SIZES = (100, 1_000, 10_000, 100_000)
_DIGEST = "0" * 64


def prepare(folder: Path, case: Case) -> None:
    """Nothing: the files are made and removed again by the case itself."""


def run(folder: Path, case: Case) -> dict[str, Any]:
    """What the driver does with the files of so many units after the pass."""
    from pipelines.finished_units import finished_units  # noqa: PLC0415  # only in the process that measures
    from pipelines.publishing import Place, StagedPart, publish  # noqa: PLC0415
    from pipelines.run_folder import RunFolder  # noqa: PLC0415
    from pipelines.worker_shares import worker_shares  # noqa: PLC0415

    units, costs = case["units"], StageCosts()
    scratch = Path(tempfile.mkdtemp(dir=folder))
    try:
        run_folder = RunFolder(scratch / "runs" / "day=1" / "r")
        parts = [_make_unit(run_folder.path, number) for number in range(units)]
        with costs.stage("workers.json"):
            worker_shares(run_folder, dict.fromkeys(range(units), 1))
        with costs.stage("finished units"):
            sum(1 for _ in finished_units(run_folder.path))
        staged = [StagedPart(path, f"part-{number:05d}-{_DIGEST[:12]}.parquet") for number, path in enumerate(parts)]
        with costs.stage("publish"):
            publish(Place(run_folder.path, scratch / "scored" / "day=1"), staged, {"run_id": "r"}, {})
        with costs.stage("clean up"):
            run_folder.clean(keep_staged=False)
    finally:
        shutil.rmtree(scratch)
    return {"stages": costs.to_json()}


def _make_unit(run_folder: Path, number: int) -> Path:
    """A unit's record with the beginning of an outcome, and its staged part."""
    from pipelines.unit_records import FileMark, UnitHeader, Worker, record_name  # noqa: PLC0415

    part = run_folder / "staged" / f"part-{number:05d}-{_DIGEST[:32]}.parquet"
    record = run_folder / record_name(number)
    for path in (part, record):
        path.parent.mkdir(parents=True, exist_ok=True)
    part.touch()
    mark = FileMark(sha256=_DIGEST, bytes=0)
    header = UnitHeader(
        unit=number,
        input=_DIGEST,
        outcome=mark,
        worker=Worker(host="worker", pid=os.getpid()),
        files={f"staged/{part.name}": mark},
    )
    record.write_bytes(header.model_dump_json().encode() + b"\n" + b"{" + b" " * 2_000)
    return part


def tables(found: Sequence[Found]) -> Sequence[Table]:
    """One line a number of units."""
    names = ("workers.json", "finished units", "publish", "clean up")
    rows = [
        [item.case["units"], *(item.values["stages"][name]["cpu"] for name in names), item.peak_mb] for item in found
    ]
    return (Table("files of units", ["units", *(f"{name}, CPU s" for name in names), "peak PSS MB"], rows),)


UNIT_FILES = Dimension(
    "unit files",
    "records and staged parts of up to 100,000 units",
    [{"units": size} for size in SIZES],
    prepare,
    run,
    tables,
)
