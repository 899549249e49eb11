"""A whole night as one Dataflow job: what the flex template's launcher runs.

A launcher only writes a job down. Dataflow runs it later, and nobody is left who could wait for the pass, judge what it
gave and publish. So the one element of this job is the driver, on a worker: `nightscore run`, with every processor of
that machine, or with a second job on other workers (`--night_runner=dataflow`).
"""

# ruff: noqa: INP001  # a script of the image: no package

from __future__ import annotations

import argparse
import json
import logging
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions

_log = logging.getLogger("nightscore")
#: Ends of a run that another try may mend; Dataflow tries four times, and each goes on with the finished units.
RETRIED = (1, 75, 130, 143)
#: Published; no data for that date.
GOOD = (0, 99)
#: One machine, one driver. The rest is said by who launches the template.
OPTIONS = (
    "--num_workers=1",
    "--max_num_workers=1",
    "--autoscaling_algorithm=NONE",
    "--number_of_worker_harness_threads=1",
    "--no_save_main_session",
    "--experiments=disable_logging_submission_environment",
)


def parameters() -> argparse.ArgumentParser:
    """The template's own parameters, as metadata.json describes them."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--job_folder", required=True)
    parser.add_argument("--run_date", required=True)
    parser.add_argument("--last_date")
    parser.add_argument("--night_runner", default="local", choices=["local", "dataflow"])
    return parser


def command(asked: argparse.Namespace) -> list[str]:
    """The words of `nightscore run` for those parameters."""
    dates = ["--date", asked.run_date, *(["--to", asked.last_date] if asked.last_date else [])]
    return ["run", asked.job_folder, *dates, "--runner", asked.night_runner, "--resume"]


def drive(words: Sequence[str]) -> tuple[int, str]:
    """Run the driver to its end; its exit code, and what it says of it. Raises RuntimeError where a retry may help."""
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "result.json"
        line = [sys.executable, "-m", "pipelines", *words, "--result", str(result)]
        with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as driver:  # noqa: S603
            for text in driver.stdout or ():
                _log.info("%s", text.rstrip())
        said = json.loads(result.read_bytes())["message"] if result.exists() else "it left no result"
    if driver.returncode in RETRIED:
        message = f"nightscore ended with {driver.returncode}: {said}"
        raise RuntimeError(message)
    return driver.returncode, said


def end(how: tuple[int, str]) -> None:
    """Raise RuntimeError where nothing was published: the job's page shows it, and the night is not run again."""
    code, said = how
    if code not in GOOD:
        message = f"nightscore ended with {code}: {said}"
        raise RuntimeError(message)


def main(argv: Sequence[str] | None = None) -> None:
    """Submit the night, or write it down for the launcher."""
    asked, flags = parameters().parse_known_args(argv)
    with beam.Pipeline(options=PipelineOptions([*OPTIONS, *flags])) as pipeline:
        ended = pipeline | "night" >> beam.Create([command(asked)]) | "drive" >> beam.Map(drive)
        # What is past this point is tried again without another run.
        ended | "keep" >> beam.Reshuffle() | "end" >> beam.Map(end)


if __name__ == "__main__":
    logging.getLogger().setLevel(logging.INFO)
    main()
