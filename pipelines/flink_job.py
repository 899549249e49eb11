"""One job on a Flink cluster, over Flink's REST interface: what Beam's job server does not tell, and does not do.

Beam's job server forgets a job that is cancelled, and leaves it running on the cluster.
"""

from __future__ import annotations

import http.client
import json
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from pipelines.engine_errors import said

_T = TypeVar("_T")
#: Seconds to wait for an answer, for a job to be listed, and for a cancelled one to give its slots back.
_ANSWER, _LISTED, _CANCELLED = 5.0, 3.0, 15.0
_PAUSE = 0.2
#: An answer that is longer is not Flink's.
_MOST_BYTES = 16 * 1024 * 1024
_OVER = frozenset({"FINISHED", "FAILED", "CANCELED"})
#: Failures that are looked at.
_MOST_FAILURES = 20


@dataclass(frozen=True)
class Slots:
    """Of a cluster, now. One that starts TaskManagers as they are needed may have none."""

    total: int
    free: int

    def shortage(self, wanted: int) -> str | None:
        """What to say where fewer are free than a job wants; None where it can begin."""
        if self.free >= wanted:
            return None
        text = f"the job wants {wanted} slots, and {self.free} of the cluster's {self.total} are free: it waits"
        if self.total >= wanted:
            return f"{text} for other jobs to end"
        return f"{text} for more TaskManagers, five minutes as a rule; without them lower --parallelism"


def cluster_slots(master: str) -> Slots | None:
    """Those of the cluster whose REST interface is at HOST:PORT; None: it does not answer."""
    return _read(master, "/overview", lambda raw: Slots(int(raw["slots-total"]), int(raw["slots-available"])))


@dataclass(frozen=True)
class FlinkJob:
    """A job by its name, which no other job has. A cluster that does not answer tells nothing: no method raises."""

    #: HOST:PORT of the REST interface.
    master: str
    name: str
    #: Slots that it wants.
    parallelism: int

    def why_it_failed(self) -> str | None:
        """What the cluster's own state says of a job that failed; None where it says nothing."""
        slots = cluster_slots(self.master)
        if slots is None:
            return f"Flink at {self.master} does not answer any more: start it again."
        if slots.total >= self.parallelism:
            return None
        return f"The cluster has {slots.total} slots, and the job wants {self.parallelism}: lower --parallelism."

    def failures(self) -> tuple[str, ...]:
        """Why the job failed and was started again, the latest first."""
        found = self._found()
        if found is None:
            return ()

        def traces(raw: Any) -> list[str]:
            return [str(entry["stacktrace"]) for entry in raw["exceptionHistory"]["entries"]]

        path = f"/jobs/{found[0]}/exceptions?maxExceptions={_MOST_FAILURES}"
        return tuple(said(text) for text in _read(self.master, path, traces) or ())

    def cancel(self, clock: Callable[[], float] = time.monotonic) -> bool:
        """Cancel it and wait until it has ended, so that its slots are free for the next run. Whether it has."""
        started, told = clock(), False
        while clock() - started < (_CANCELLED if told else _LISTED):
            found = self._found()
            if found is not None:
                if found[1] in _OVER:
                    return True
                told = told or _ask(self.master, f"/jobs/{found[0]}?mode=cancel", "PATCH") is not None
            time.sleep(_PAUSE)
        return False

    def _found(self) -> tuple[str, str] | None:
        """Id and state; None: not listed, or no answer."""

        def one(raw: Any) -> tuple[str, str] | None:
            return next(((str(job["jid"]), str(job["state"])) for job in raw["jobs"] if job["name"] == self.name), None)

        return _read(self.master, "/jobs/overview", one)


def _read(master: str, path: str, read: Callable[[Any], _T]) -> _T | None:
    data = _ask(master, path)
    try:
        return read(json.loads(data)) if data is not None else None
    except (ValueError, LookupError, TypeError, RecursionError):
        return None


def _ask(master: str, path: str, method: str = "GET") -> bytes | None:
    request = urllib.request.Request(f"http://{master}{path}", method=method)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=_ANSWER) as answer:
            data: bytes = answer.read(_MOST_BYTES + 1)
    except (OSError, http.client.HTTPException):
        return None
    return data if len(data) <= _MOST_BYTES else None
