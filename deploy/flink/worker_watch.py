"""Which workers should go although nobody says so: their TaskManager is gone, or their job is over."""

# ruff: noqa: INP001  # beside worker_pool.py, a script: no package

from __future__ import annotations

import json
import socket
import urllib.request
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

#: Looks in a row that must agree before a worker goes.
_LOOKS = 3
#: One look in so many asks Flink for its jobs.
_ASK = 5
#: States of a Flink job that end it.
_OVER = {"FINISHED", "FAILED", "CANCELED"}


@dataclass(frozen=True)
class Order:
    """Who asked for a worker: the id is unique in one TaskManager only, its connection to the pool makes it so here."""

    worker_id: str
    peer: str
    control_endpoint: str
    job_name: str = ""


@dataclass
class Watch:
    """Looks at workers again and again, one look a second or so."""

    #: HOST:PORT of Flink's REST interface; None: what is left of jobs that are over stays.
    flink_master: str | None
    _turn: int = 0
    _gone: dict[int, int] = field(default_factory=dict)
    _over: dict[int, int] = field(default_factory=dict)

    def look(self, orders: Mapping[int, Order]) -> dict[int, str]:
        """Process id to `abandoned` or `left over`, of those that have become so with this look.

        Beam leaves a worker over when a task was cancelled while it waited for one: that task never gives it back.
        """
        self._gone = _counted(self._gone, (pid for pid, order in orders.items() if not listens(order.control_endpoint)))
        verdicts = {pid: "abandoned" for pid, looks in self._gone.items() if looks == _LOOKS}
        self._turn += 1
        if self.flink_master and orders and self._turn % _ASK == 0:
            over = finished_jobs(self.flink_master)
            self._over = _counted(self._over, (pid for pid, order in orders.items() if order.job_name in over))
            verdicts |= {pid: "left over" for pid, looks in self._over.items() if looks == _LOOKS}
        return verdicts


def listens(endpoint: str) -> bool:
    """Whether somebody accepts connections there; a host that does not answer in time may be busy, and counts."""
    host, _, port = endpoint.rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=2):
            return True
    except ConnectionRefusedError:
        return False
    except OSError:
        return True


def finished_jobs(flink_master: str) -> frozenset[str]:
    """The names of Flink's jobs of which none runs any more; empty when Flink does not answer."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"http://{flink_master}/jobs/overview", timeout=5) as answer:
            jobs = [(str(each["name"]), str(each["state"])) for each in json.load(answer)["jobs"]]
    except (OSError, ValueError, LookupError, TypeError):
        return frozenset()
    return frozenset(name for name, _ in jobs) - {name for name, state in jobs if state not in _OVER}


def _counted(before: Mapping[int, int], seen: Iterable[int]) -> dict[int, int]:
    """How often in a row each of them was seen."""
    return {pid: before.get(pid, 0) + 1 for pid in seen}
