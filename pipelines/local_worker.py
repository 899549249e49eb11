"""A worker process of the local runner: Beam's own, with quiet logs. `python -m pipelines.local_worker`."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time

from pipelines.log_lines import show_warnings
from pipelines.thread_pools import one_thread

#: The variable of the environment that tells a worker its driver's process.
DRIVER = "NIGHTSCORE_DRIVER"
#: The argument of a worker that is started before there is work: it waits for its environment on stdin.
EARLY = "early"
#: Seconds between two looks at whether the runner is still there.
_LOOK = 0.2


def main() -> None:
    """Serve the runner that started this process until it is done or gone.

    No logs are sent to the runner, which would print them again.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches both, and the driver ends its workers
    threading.Thread(target=_end_with_parent, args=(int(os.environ[DRIVER]),), daemon=True).start()
    one_thread()
    show_warnings()
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


if __name__ == "__main__":
    main()
