"""One job on a Flink cluster, over Flink's REST interface: what Beam's job server does not tell, and does not do.

Beam's job server forgets a job that is cancelled, and leaves it running on the cluster.
"""

from __future__ import annotations

import http.client
import json
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from pipelines.engine_errors import said

_T = TypeVar("_T")
#: Seconds to wait for an answer, for a job to be listed, and for a cancelled one to give its slots back.
_ANSWER, _LISTED, _CANCELLED = 3.0, 8.0, 15.0
_PAUSE = 0.2
#: An answer that is longer is not Flink's.
_MOST_BYTES = 16 * 1024 * 1024
_OVER = frozenset({"FINISHED", "FAILED", "CANCELED"})
_JOBS = "/jobs/overview"
#: What asking may raise where nothing answers, and reading what no Flink has said.
_NO_ANSWER = (OSError, http.client.HTTPException, ValueError, LookupError, TypeError, RecursionError)
#: In the error of a job that waited for slots in vain.
_OF_SLOTS = re.compile(r"slot|resource|timeout", re.IGNORECASE)
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
        return f"{text} for more TaskManagers; without them it fails in the end, so lower --parallelism"


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

    def why_it_failed(self, told: str) -> str | None:
        """What the cluster's own state says of a job that failed, beside the error that was told; None: nothing."""
        slots = cluster_slots(self.master)
        if slots is None:
            return None if _somebody_answers(self.master) else f"Flink at {self.master} does not answer any more."
        if slots.total >= self.parallelism or not _OF_SLOTS.search(told):
            return None
        return f"The cluster has {slots.total} slots, and the job wanted {self.parallelism}: lower --parallelism."

    def failures(self) -> tuple[str, ...]:
        """Why the job failed and was started again, the latest first."""
        found = _read(self.master, _JOBS, self._found_in)
        if found is None:
            return ()
        path = f"/jobs/{found[0]}/exceptions?maxExceptions={_MOST_FAILURES}"
        return tuple(said(text) for text in _read(self.master, path, _traces) or ())

    def cancel(self, clock: Callable[[], float] = time.monotonic) -> bool:
        """Cancel it and wait until it has ended, so that its slots are free for the next run.

        Returns False where it may be on the cluster still. A job that was submitted a moment ago is listed a few
        seconds later; one that is not listed by then is not there.
        """
        started, answered, told = clock(), False, False
        while clock() - started < (_CANCELLED if told else _LISTED):
            try:
                found = self._found_in(json.loads(_ask(self.master, _JOBS)))
                answered = True
                if found is not None and found[1] in _OVER:
                    return True
                if found is not None and not told:
                    _ask(self.master, f"/jobs/{found[0]}?mode=cancel", "PATCH")
                    told = True
            except _NO_ANSWER as error:
                if isinstance(getattr(error, "reason", None), ConnectionRefusedError):
                    return False
            time.sleep(_PAUSE)
        return answered and not told

    def _found_in(self, raw: Any) -> tuple[str, str] | None:
        """Id and state; None: not listed."""
        return next(((str(job["jid"]), str(job["state"])) for job in raw["jobs"] if job["name"] == self.name), None)


def _traces(raw: Any) -> list[str]:
    return [str(entry["stacktrace"]) for entry in raw["exceptionHistory"]["entries"]]


def _somebody_answers(master: str) -> bool:
    """Whether anything does, be it that it wants a password."""
    try:
        _ask(master, "/overview")
    except urllib.error.HTTPError:
        return True
    except _NO_ANSWER:
        return False
    return True


def _read(master: str, path: str, read: Callable[[Any], _T]) -> _T | None:
    try:
        return read(json.loads(_ask(master, path)))
    except _NO_ANSWER:
        return None


def _ask(master: str, path: str, method: str = "GET") -> bytes:
    """The body of the answer. Raises one of _NO_ANSWER where there is none, or one that is not Flink's."""
    request = urllib.request.Request(f"http://{master}{path}", method=method)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=_ANSWER) as answer:
        data: bytes = answer.read(_MOST_BYTES + 1)
    if len(data) > _MOST_BYTES:
        message = f"{path}: an answer of more than {_MOST_BYTES:,} bytes"
        raise ValueError(message)
    return data
