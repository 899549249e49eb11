"""A small Beam pipeline that is submitted to a Flink cluster: which process worked on what, with which module.

    python staged_module_job.py JOB_ENDPOINT WORKER_POOL WHEEL OUTPUT

Its functions are in `__main__`, so they travel with the pipeline; `staged_module` does not, and only WHEEL has it.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions

ELEMENTS = 40


def work(element: int) -> Iterator[str]:
    """One line of JSON an element: it, the process that had it, and where that found the staged module."""
    import staged_module

    time.sleep(0.1)
    yield json.dumps({"element": element, "pid": os.getpid(), "module": staged_module.__file__})


def main(job_endpoint: str, worker_pool: str, wheel: str, output: str) -> None:
    options = PipelineOptions(
        runner="PortableRunner",
        job_endpoint=job_endpoint,
        environment_type="EXTERNAL",
        environment_config=worker_pool,
        environment_cache_millis=3000,
        parallelism=2,
        extra_packages=[wheel],
    )
    with beam.Pipeline(options=options) as pipeline:
        numbers = pipeline | beam.Create(range(ELEMENTS)) | beam.Reshuffle()
        _ = numbers | beam.FlatMap(work) | beam.io.WriteToText(output)


if __name__ == "__main__":
    main(*sys.argv[1:])
