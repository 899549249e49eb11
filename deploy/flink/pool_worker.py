"""A worker process of the pool: Beam's SDK harness, which ends when it has lost its runner or its pool.

`worker_pool.py` starts it; what it serves stands in the environment, as Beam's container contract says.
"""

# ruff: noqa: INP001  # beside worker_pool.py, a script: no package

from __future__ import annotations

import argparse
import logging
import os
import threading
import time
import traceback

#: Seconds between two looks at whether the pool is still there.
_LOOK = 0.5


def main() -> None:
    """Tell the pool when the runner is connected, then work until the runner closes the control channel."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--ready", type=int, required=True, help="file descriptor that takes one byte when connected")
    parser.add_argument("--pool", type=int, required=True, help="process id of the pool")
    arguments = parser.parse_args()
    threading.Thread(target=_end_with, args=(arguments.pool,), daemon=True).start()
    code = 1
    try:
        _serve(arguments.ready, _log_to_stderr())
        code = 0
    except BaseException:  # noqa: BLE001  # whatever it was, the process ends here
        traceback.print_exc()
    finally:
        # A bundle in a long call of native code would keep the process for as long, although nobody waits for it.
        os._exit(code)


def _serve(ready: int, stderr: logging.Handler) -> None:
    """Beam's `sdk_worker_main.main`, with a word to the pool between connecting and working."""
    from apache_beam.runners.worker import sdk_worker_main  # noqa: PLC0415  # it logs while it is imported

    log_handler, harness, _ = sdk_worker_main.create_harness(os.environ)
    stderr.setLevel(logging.WARNING)
    os.write(ready, b"!")
    os.close(ready)
    try:
        harness.run()
    finally:
        if log_handler:
            log_handler.close()


def _log_to_stderr() -> logging.Handler:
    """A handler for this process's own log, beside the runner's, which may be out of reach when it matters.

    It takes errors only until the worker works: Beam warns of a dozen options that it does not know, and by the first
    such warning the root logger would get a handler of its own.
    """
    handler = logging.StreamHandler()
    handler.setLevel(logging.ERROR)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.getLogger().addHandler(handler)
    return handler


def _end_with(pool: int) -> None:
    """End this process when the pool that started it is gone."""
    while os.getppid() == pool:
        time.sleep(_LOOK)
    os._exit(1)


if __name__ == "__main__":
    main()
