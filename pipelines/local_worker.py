"""A worker process of the local runner: Beam's own, with quiet logs. `python -m pipelines.local_worker`."""

from __future__ import annotations

import os

from pipelines.log_lines import show_warnings


def main() -> None:
    """Serve the runner that started this process until it is done."""
    show_warnings()
    # Without it the worker would send its logs to the runner too, which prints them again.
    os.environ.pop("LOGGING_API_SERVICE_DESCRIPTOR", None)
    from apache_beam.runners.worker import sdk_worker_main  # noqa: PLC0415  # it logs while it is imported

    sdk_worker_main.main([])


if __name__ == "__main__":
    main()
