"""Makes the job folder and its nights: `cd benchmarks; python -m whole_job.night_making FOLDER ROWS ...`.

Data and model are those of generate.py with `--ordinal`: a text is its place in a list, so that the model, 300 trees of
depth 6, has numbers alone and predicts fast, and what is not predicting weighs more. Every peer can make such numbers;
native categories some could not. A night repeats 8 seeded blocks, each time with keys of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

from expectation_tasks import suite
from generate import FIRST_NIGHT, TREES, job_yaml, schema_yaml, train, write_night, write_training
from synthetic_rows import FEATURES, KEY, PARTITION, TEXTS

from whole_job.nights import DATES_FILE, JOB, JOB_KEYS, SUITE, SUITE_KEYS, TASK_FILE

EXPECTATIONS = 25
ROOT = Path(__file__).resolve().parent.parent.parent


def with_unique_keys(rules: dict[str, Any]) -> dict[str, Any]:
    """The suite with unique keys in the place of the keys' range."""
    about = [place for place, rule in enumerate(rules["expectations"]) if _is_range_of_keys(rule)]
    (place,) = about
    unique = {"type": "expect_column_values_to_be_unique", "kwargs": {"column": KEY}, "meta": {"id": f"rule-{place}"}}
    return rules | {"expectations": [*rules["expectations"][:place], unique, *rules["expectations"][place + 1 :]]}


def _is_range_of_keys(rule: dict[str, Any]) -> bool:
    return bool(rule["type"] == "expect_column_values_to_be_between" and rule["kwargs"]["column"] == KEY)


def make_job(job: Path) -> None:
    """The job without nights; `job` must not exist, and is there only when it is whole."""
    finished, job = job, job.with_name(f"unfinished-{os.getpid()}")
    job.mkdir(parents=True)
    train(write_training(job / "train"), job / "model" / "churn.ubj", TREES, ordinal=True)
    rules, text = suite(EXPECTATIONS), job_yaml(ordinal=True)
    (job / "schema.yaml").write_text(schema_yaml())
    (job / TASK_FILE).write_text(json.dumps({"key": KEY, "features": FEATURES, "texts": TEXTS}))
    for file, suite_file, found in ((JOB, SUITE, rules), (JOB_KEYS, SUITE_KEYS, with_unique_keys(rules))):
        (job / suite_file).write_text(json.dumps(found, indent=1) + "\n")
        (job / file).write_text(text.replace(f"suite: {SUITE}", f"suite: {suite_file}"))
    subprocess.run([sys.executable, "-m", "pipelines", "profile", os.fspath(job)], cwd=ROOT, check=True)
    job.rename(finished)


def make_nights(job: Path, sizes: list[int]) -> None:
    """Every night that is missing, each with the next free date."""
    known = job / DATES_FILE
    dates: dict[str, str] = json.loads(known.read_text()) if known.exists() else {}
    for rows in sizes:
        if str(rows) in dates:
            continue
        run_date = str(FIRST_NIGHT + timedelta(days=len(dates)))
        unfinished = job / f"unfinished-{os.getpid()}"
        write_night(unfinished, rows)
        target = job / "input" / f"{PARTITION}={run_date}"
        target.parent.mkdir(exist_ok=True)
        unfinished.rename(target)
        dates[str(rows)] = run_date
        known.write_text(json.dumps(dates, indent=1) + "\n")
        print(f"made  {run_date}  {rows:>12,} rows", flush=True)


def main() -> None:
    """Make what is missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="about 70 MB a million rows")
    parser.add_argument("rows", type=int, nargs="+", help="of each night")
    options = parser.parse_args()
    job = options.folder.resolve() / "job"
    if not job.exists():
        make_job(job)
    make_nights(job, options.rows)


if __name__ == "__main__":
    main()
