"""One `nightscore run` in this process: CPU seconds of its stages, files opened and folders listed, bytes written."""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from scale.stage_costs import StageCosts

#: Files of the run's folder that are told of.
FILES = (
    *("plan.json", "outcome.json", "manifest.json", "quality.json", "drift.json", "trend.json", "profile.json"),
    *("report.json", "index.html", "workers.json"),
)
#: Functions that pipelines.night calls, each a step of the driver.
_STEPS = {
    "make_plan": "plan",
    "identity_of": "identity",
    "run_pass": "pass",
    "worker_shares": "workers",
    "judge": "judge",
    "trend_of": "trend",
    "build_manifest": "manifest",
    "render_report": "report",
    "publish": "publish",
}


class Calls:
    """Counts opens and listings from the moment when it is made; Python's by audit events, pyarrow's by its reader."""

    def __init__(self) -> None:
        self.count: Counter[str] = Counter()
        sys.addaudithook(self._hear)
        self._count_arrow()

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open" and isinstance(arguments[0], str | bytes | Path):
            path = str(arguments[0])
            if "/runs/" in path or "/scored/" in path:
                self.count["opened in runs"] += 1
            elif "/input/" in path:
                self.count["opened in input"] += 1
        elif event in ("os.scandir", "os.listdir"):
            self.count["listed"] += 1
        elif event in ("os.link", "os.rename", "os.mkdir", "os.remove", "os.rmdir"):
            self.count[event.removeprefix("os.")] += 1

    def _count_arrow(self) -> None:
        """Of pyarrow, which opens files on its own: those of the input are opened in one place."""
        from transforms import parquet_footer  # noqa: PLC0415

        arrow = parquet_footer.pa
        opened = arrow.OSFile

        def counted(path: str, *more: Any) -> Any:
            self.count["opened in input"] += 1
            return opened(path, *more)

        arrow.OSFile = counted


def run_counted(job: Path, date: str) -> dict[str, Any]:
    """Score the date in this process, with one thread of the model; costs, calls, bytes. Exits where that fails."""
    from pipelines import night, scoring  # noqa: PLC0415
    from pipelines.runner_choice import RunnerChoice  # noqa: PLC0415
    from pipelines.running import RunOptions, run_dates  # noqa: PLC0415

    costs, calls = StageCosts(), Calls()
    for function, name in _STEPS.items():
        costs.time_calls(night, function, name)
    costs.time_calls(scoring, "score_unit", "score")
    costs.time_calls(scoring.MergeOutcomes, "add_input", "merge")
    result_file = job / "last-result.json"
    code = run_dates(
        job, date, date, RunOptions(quiet=True, result=result_file, runner=RunnerChoice(workers=1, threads=1))
    )
    result = json.loads(result_file.read_bytes())
    if code:
        sys.exit(f"exit code {code}: {result['message']}")
    folder = job / "runs" / result["partition"] / result["run_id"]
    sizes = {name: (folder / name).stat().st_size for name in FILES if (folder / name).exists()}
    plan = json.loads((folder / "plan.json").read_bytes())
    return {
        "stages": costs.to_json(),
        "calls": dict(calls.count),
        "bytes": sizes,
        "units": len(plan["units"]),
        "quality": json.loads((folder / "quality.json").read_bytes()),
    }
