"""The pages of a night that was held and then published by hand, and of one that left an earlier partition standing."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa

Rows = Callable[..., pa.Table]
DATE = "2024-02-28"


def drifted(rows: pa.Table) -> pa.Table:
    return rows.set_column(rows.column_names.index("x"), "x", pa.array(np.full(rows.num_rows, 17.0)))


def run(job: Any, rows: pa.Table) -> Any:
    """Run that day; the run's folder."""
    job.write(DATE, "a.parquet", rows)
    return job.run_folder(job.run(DATE))


def test_the_page_of_a_released_night_says_so_with_the_reason_also_when_it_is_made_anew(
    small_job: Any, make_rows: Rows
) -> None:
    small_job.edit("job.yaml", "checks: {suite: suite.json}\n", "")
    small_job.edit("job.yaml", "training: train/", "training: train/, gate: hold, critical: [x]")
    small_job.command("profile")
    run(small_job, make_rows(600))
    folder = run(small_job, drifted(make_rows(600)))
    held = (folder / "index.html").read_text()
    assert "Tonight&#39;s scores were not published; readers still see revision 1 until somebody decides." in held
    small_job.command("release", "--date", DATE, "--reason", "a new <sensor>")
    released = (folder / "index.html").read_text()
    at = json.loads((folder / "report.json").read_bytes())["released"]["at"]
    assert f"Released by hand on {at[:10]}: &#34;a new &lt;sensor&gt;&#34;" in released
    assert "Published, with drift" in released
    assert "still see" not in released
    small_job.command("report", "--date", DATE)
    assert (folder / "index.html").read_text() == released
