"""A worker process of the local runner: Beam's own, with quiet logs. `python -m pipelines.local_worker`."""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import threading
import time
from typing import Any

from pipelines.log_lines import show_warnings
from pipelines.thread_pools import one_thread

#: The variable of the environment that tells a worker its driver's process.
DRIVER = "NIGHTSCORE_DRIVER"
#: The argument of a worker that is started before there is work: it waits for its environment on stdin.
EARLY = "early"
#: Seconds between two looks at whether the runner is still there.
_LOOK = 0.2
#: Looks in such a time where an error may be that it is not.
_LOOKS = 20


def main() -> None:
    """Serve the runner that started this process until it is done or gone.

    No logs are sent to the runner, which would print them again.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches both, and the driver ends its workers
    driver = int(os.environ[DRIVER])
    threading.Thread(target=_end_with_parent, args=(driver,), daemon=True).start()
    one_thread()
    show_warnings()
    _say_nothing_of_a_gone(driver)
    from apache_beam.runners.worker import sdk_worker_main  # noqa: PLC0415  # it logs while it is imported

    if EARLY in sys.argv and not _told():
        return
    sdk_worker_main.main([])


def _told() -> bool:
    """Import what a worker needs sooner or later, then wait to be told what to work for; whether there is anything."""
    import pipelines.scoring  # noqa: F401, PLC0415  # by every worker
    from transforms.lean_xgboost import import_xgboost  # noqa: PLC0415  # by most models

    import_xgboost()
    told = sys.stdin.buffer.read()
    os.environ.update(json.loads(told or "{}"))
    return bool(told)


def _end_with_parent(parent: int) -> None:
    """End this process when its parent is gone.

    By itself it notices within about two seconds, and no gain was measured; what protects against its late writes is
    that the next run sweeps closed run folders.
    """
    while os.getppid() == parent:
        time.sleep(_LOOK)
    os._exit(1)


def _say_nothing_of_a_gone(parent: int) -> None:
    """End this process in place of its first error where the parent is gone: Beam has a hundred lines to say of it."""

    def told(args: Any) -> None:
        _end_if_gone(parent)
        usual(args)

    def passes(record: logging.LogRecord) -> bool:
        of_the_connection = record.levelno >= logging.ERROR and record.name.startswith(("apache_beam", "grpc"))
        return not (of_the_connection and _end_if_gone(parent))

    for handler in logging.getLogger().handlers:
        handler.addFilter(passes)
    usual, threading.excepthook = threading.excepthook, told


def _end_if_gone(parent: int) -> bool:
    """End this process where its parent is gone, else False. A process's connections break just before it is gone."""
    for _ in range(_LOOKS):
        if os.getppid() != parent:
            os._exit(1)
        time.sleep(_LOOK / _LOOKS)
    return False


if __name__ == "__main__":
    main()
