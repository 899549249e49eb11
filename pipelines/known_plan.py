"""The plan, for workers that need more of it than their unit: left in the run's folder, read once by a process.

In the pipeline it would travel with every step that needs it, and a night of 10,000 units has a plan of megabytes.
"""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path

from pipelines.files import write_json
from schemas.plan import Plan

#: In the run's folder, beside the files of keys that it is needed for.
PLAN_OF_WORKERS = "keys/plan.json"


def leave_plan(run_folder: Path, plan: Plan) -> None:
    """Write the plan, with the paths that workers open, into the run's folder."""
    path = run_folder / PLAN_OF_WORKERS
    path.parent.mkdir(exist_ok=True)
    write_json(path, plan.to_json())


@lru_cache(maxsize=1)
def known_plan(run_folder: str) -> Plan:
    """The plan of the run whose folder it is: one run at a time, and its plan does not change."""
    return Plan.from_json(json.loads((Path(run_folder) / PLAN_OF_WORKERS).read_bytes()))
