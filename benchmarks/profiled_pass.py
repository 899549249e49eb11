"""Where the CPU time of the pass over a night goes: `python benchmarks/profiled_pass.py JOB_FOLDER [--date DATE]`.

The pass runs in this process, unit after unit and without Beam, one thread for the model, under cProfile with the
thread's CPU clock. Profiling slows small functions more than large ones, so the figures show where to look, no more.
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from data_checks.uniqueness import bucket_bits  # noqa: E402
from pipelines.loading import LoadedJob, load_job  # noqa: E402
from pipelines.outcome import Outcome  # noqa: E402
from pipelines.runner_choice import RunnerChoice  # noqa: E402
from pipelines.running import RunOptions, overridden  # noqa: E402
from pipelines.stages.duplicates import look_into_bucket  # noqa: E402
from pipelines.stages.plan import make_plan  # noqa: E402
from pipelines.tools import tools_for  # noqa: E402
from pipelines.unit_scoring import score_unit  # noqa: E402
from schemas.plan import Plan  # noqa: E402

OURS = tuple(str(ROOT / name) for name in ("pipelines", "transforms", "data_checks", "schemas"))
SHOWN = 45


def run_units(loaded: LoadedJob, plan: Plan, folder: Path) -> None:
    """What the workers do: every unit, and the search for duplicate keys."""
    spec, total = loaded.spec, loaded.spec.empty_outcome()
    for unit in plan.units:
        data = score_unit(unit, tools_for(spec), folder, plan.rows).to_json()
        total.merge(Outcome.from_json(data, spec.empty_outcome(), spec.reference))
    for key, rule in spec.checks.files.items():
        files = [folder / path for path in total.files.get(key, [])]
        for bucket in range(1 << bucket_bits(plan.rows)) if rule.kind != "runs" else ():
            look_into_bucket(files, bucket, rule, spec.contract, plan)


def table(stats: Any, order: int, rows: int, *, only_ours: bool) -> None:
    """Functions by own (2) or cumulative (3) time, in CPU seconds per million rows."""
    found = [(key, value) for key, value in stats.items() if not only_ours or key[0].startswith(OURS)]
    print(
        f"\n{'own':>8} {'with callees':>13} {'calls':>9}   CPU s per million rows, by {('own', 'callees')[order - 2]}"
    )
    for (file, line, name), value in sorted(found, key=lambda item: -item[1][order])[:SHOWN]:
        place = (
            f"{Path(file).relative_to(ROOT)}:{line} "
            if file.startswith(str(ROOT)) and "site-packages" not in file
            else ""
        )
        own, cumulative = (value[column] * 1e6 / rows for column in (2, 3))
        print(f"{own:8.3f} {cumulative:13.3f} {value[1]:9,}   {place}{name}")


def main() -> None:
    """Profile one night."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("job", type=Path)
    parser.add_argument("--date", help="the first night by default")
    options = parser.parse_args()
    date = options.date or min(path.name.partition("=")[2] for path in options.job.glob("input/*=*"))
    loaded = load_job(options.job, lambda job: overridden(job, RunOptions(runner=RunnerChoice(threads=1))))
    plan = make_plan(loaded.job, loaded.contract, loaded.base, date)
    tools_for(loaded.spec)
    profiler = cProfile.Profile(time.thread_time)
    with tempfile.TemporaryDirectory(dir=options.job) as folder:
        profiler.runcall(run_units, loaded, plan, Path(folder))
    stats: Any = pstats.Stats(profiler)
    print(f"{plan.rows:,} rows: {stats.total_tt:.2f} CPU s, {stats.total_tt * 1e6 / plan.rows:.3f} per million")
    table(stats.stats, 3, plan.rows, only_ours=True)
    table(stats.stats, 2, plan.rows, only_ours=False)


if __name__ == "__main__":
    main()
