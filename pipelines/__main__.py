"""The command line: `nightscore` or `python -m pipelines`."""

from __future__ import annotations

import sys
import traceback
from typing import NoReturn

from pipelines.command_line import app
from pipelines.log_lines import show_warnings
from pipelines.termination import Terminated, listen, received
from pipelines.thread_pools import without_blas_pool
from schemas.errors import ExitCode, NightscoreError


def main() -> NoReturn:
    """Run the command line and exit with the job's code."""
    without_blas_pool()
    show_warnings()
    listen()
    code = ExitCode.UNEXPECTED
    try:
        code = ExitCode(app(standalone_mode=False) or 0)
    except NightscoreError as error:
        _say(f"error: {error.message}")
        code = error.exit_code
    except (KeyboardInterrupt, Terminated):
        code = received() or ExitCode.INTERRUPTED
    except Exception as error:  # noqa: BLE001  # the last resort: a code for the scheduler, and all that is known
        code = _unexpected(error)
    raise SystemExit(int(code))


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")


def _unexpected(error: Exception) -> ExitCode:
    usage = getattr(error, "format_message", None)  # click's own errors about the command line
    if usage is not None:
        _say(f"error: {usage()}\nTry `nightscore --help`.")
        return ExitCode.CONFIG
    traceback.print_exc()
    return ExitCode.UNEXPECTED


if __name__ == "__main__":
    main()
