"""What is asked of Flink's REST interface and told to it, against a server that answers as Flink does."""

from __future__ import annotations

import http.server
import itertools
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from pipelines import flink_job
from pipelines.engine_job import run_on_engine
from pipelines.engines import waits_for
from pipelines.flink_job import FlinkJob, Slots, cluster_slots
from pipelines.termination import Terminated
from schemas.errors import ConfigError, EngineError
from schemas.job import Job

NAME = "nightscore-flights-2013-07-27-1"


class Flink:
    """Flink's REST interface: its jobs, and what was asked of it."""

    def __init__(self) -> None:
        self.jobs = [
            {"jid": "a1", "name": NAME, "state": "RUNNING"},
            {"jid": "b2", "name": "other", "state": "RUNNING"},
        ]
        self.answers: dict[str, Any] = {"/overview": {"slots-total": 2, "slots-available": 1}}
        self.asked: list[str] = []
        #: Of every answer but those about jobs.
        self.status = 200
        #: Answers about the jobs that fail, at first.
        self.failing = 0
        #: Looks at the jobs until a cancelled one has ended.
        self.ending = 3
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.master = f"127.0.0.1:{self.server.server_port}"

    def answer(self, path: str) -> Any:
        if path != "/jobs/overview":
            return self.answers[path]
        if self.jobs and self.jobs[0]["state"] == "CANCELLING":
            self.ending -= 1
            self.jobs[0]["state"] = "CANCELLING" if self.ending else "CANCELED"
        return {"jobs": self.jobs}

    def _handler(self) -> type[http.server.BaseHTTPRequestHandler]:
        flink = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                flink.asked.append(f"GET {self.path}")
                failing = self.path == "/jobs/overview" and flink.failing > 0
                flink.failing -= failing
                answer = flink.answer(self.path)
                self.send_response(503 if failing else 200 if self.path == "/jobs/overview" else flink.status)
                self.end_headers()
                self.wfile.write(answer if isinstance(answer, bytes) else json.dumps(answer).encode())

            def do_PATCH(self) -> None:
                flink.asked.append(f"PATCH {self.path}")
                flink.jobs[0]["state"] = "CANCELLING"
                self.send_response(202)
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *_: object) -> None:
                pass

        return Handler


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[Flink]:
    monkeypatch.setattr(flink_job, "_PAUSE", 0.001)
    flink = Flink()
    with flink.server:
        threading.Thread(target=flink.server.serve_forever, daemon=True).start()
        yield flink
        flink.server.shutdown()


def job(cluster: Flink, name: str = NAME, parallelism: int = 2) -> FlinkJob:
    return FlinkJob(cluster.master, name, parallelism)


def test_a_job_is_cancelled_once_and_waited_for(cluster: Flink) -> None:
    assert job(cluster).cancel()
    assert [line for line in cluster.asked if "PATCH" in line] == ["PATCH /jobs/a1?mode=cancel"]
    assert cluster.jobs[0]["state"] == "CANCELED"
    assert cluster.jobs[1]["state"] == "RUNNING"


def test_a_job_that_is_over_or_not_there_is_not_cancelled(cluster: Flink) -> None:
    cluster.jobs[0]["state"] = "FINISHED"
    assert job(cluster).cancel()
    assert job(cluster, "another").cancel(clock=map(float, itertools.count()).__next__)
    assert not [line for line in cluster.asked if "PATCH" in line]


def test_a_cluster_that_answers_late_is_asked_again(cluster: Flink) -> None:
    cluster.failing = 3
    assert job(cluster).cancel()
    assert cluster.jobs[0]["state"] == "CANCELED"


def test_a_job_that_may_be_left_is_told_of(cluster: Flink, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flink_job, "_LISTED", 0.05)
    cluster.failing = 10**9

    class Interrupted:
        def run(self) -> None:
            raise Terminated

    with pytest.raises(Terminated) as caught:
        run_on_engine(Interrupted(), job(cluster))
    wanted = f"The job {NAME} may still be on the cluster at {cluster.master}: cancel it there."
    assert caught.value.__notes__ == [wanted]


def test_a_job_that_does_not_end_is_not_waited_for_for_ever(cluster: Flink) -> None:
    cluster.ending = 10**9
    assert not job(cluster).cancel(clock=map(float, itertools.count()).__next__)
    assert [line for line in cluster.asked if "PATCH" in line] == ["PATCH /jobs/a1?mode=cancel"]


def test_a_signal_cancels_the_job_on_the_cluster_too(cluster: Flink) -> None:
    class Interrupted:
        """A pipeline that is interrupted while it is submitted: Beam has no result to cancel."""

        def run(self) -> None:
            raise Terminated

    with pytest.raises(Terminated):
        run_on_engine(Interrupted(), job(cluster))
    assert cluster.jobs[0]["state"] == "CANCELED"


def test_a_job_that_failed_says_if_the_cluster_was_too_small(cluster: Flink) -> None:
    class Failing:
        """A pipeline that waited for slots."""

        def run(self) -> None:
            message = "java.util.concurrent.TimeoutException: Timeout has occurred: 300000 ms"
            raise RuntimeError(message)

    with pytest.raises(EngineError, match=r"published\. The cluster has 2 slots, and the job wanted 4: lower --para"):
        run_on_engine(Failing(), job(cluster, parallelism=4))
    assert cluster.jobs[0]["state"] == "CANCELED"  # whose driver is gone must not hold slots
    with pytest.raises(EngineError, match=r"published\. The engine's own page"):
        run_on_engine(Failing(), job(cluster, parallelism=2))
    assert job(cluster, parallelism=4).why_it_failed("IOException: disk full") is None


def test_a_cluster_that_wants_a_password_is_there(cluster: Flink) -> None:
    cluster.status = 401
    assert cluster_slots(cluster.master) is None
    assert job(cluster).why_it_failed("timeout") is None


def test_failures_are_told_by_their_last_error(cluster: Flink) -> None:
    traces = ["java.lang.Exception: x\n\tat a.B(c)\nCaused by: java.io.IOException: lost\n", "x.Y: 1"]
    entries = [{"exceptionName": "x", "stacktrace": trace} for trace in traces]
    cluster.answers["/jobs/a1/exceptions?maxExceptions=20"] = {"exceptionHistory": {"entries": entries}}
    assert job(cluster).failures() == ("IOException: lost.", "x.Y: 1.")
    assert job(cluster, "another").failures() == ()


@pytest.mark.parametrize(
    "answer",
    [b"", b"{", b"[]", b"null", b"[" * 100_000, {"jobs": 1}, {"exceptionHistory": {"entries": [1]}}, b"x" * 20_000_000],
    ids=range(8),
)
def test_what_is_no_answer_of_flinks_tells_nothing(cluster: Flink, answer: Any) -> None:
    cluster.answers |= {"/overview": answer, "/jobs/a1/exceptions?maxExceptions=20": answer}
    assert cluster_slots(cluster.master) is None
    assert job(cluster).failures() == ()


def test_a_cluster_that_does_not_answer_tells_nothing(cluster: Flink) -> None:
    cluster.server.shutdown()
    cluster.server.server_close()
    assert cluster_slots(cluster.master) is None
    assert job(cluster).why_it_failed("x") == f"Flink at {cluster.master} does not answer any more."
    assert job(cluster).failures() == ()
    assert not job(cluster).cancel(clock=map(float, itertools.count()).__next__)


@pytest.mark.parametrize("flag", ["--job_name=x", "--flink_master", "--parallelism=8", "--job_endpoint=a:1"])
def test_options_that_would_make_another_job_of_it_are_refused(cluster: Flink, flag: str) -> None:
    """Beam takes the last one of an option, so they would win, and a signal would cancel nothing."""
    raw = {
        "name": "x",
        "input": {"path": "in/{date}/"},
        "runners": {"use": "flink", "flink": {"master": cluster.master}},
    }
    model = {"name": "m", "path": "m.ubj", "card": "m.json", "output": {"probability": "p"}}
    job = Job.model_validate({**raw, "models": [model]})
    with pytest.raises(ConfigError, match=rf"^{flag.partition('=')[0]} after `--`: .*\. Nothing was started\.$"):
        waits_for(job, ["--streaming=false", flag])
    assert waits_for(job, ["--runner=DirectRunner", flag]) is None  # whoever names a runner of Beam's is on their own


@pytest.mark.parametrize(
    ("free", "total", "wanted", "words"),
    [
        (2, 2, 2, None),
        (1, 2, 2, "the job wants 2 slots, and 1 of the cluster's 2 are free: it waits for other jobs to end"),
        (
            0,
            0,
            4,
            "0 of the cluster's 0 are free: it waits for more TaskManagers; without",
        ),
    ],
)
def test_who_has_to_wait_for_slots_is_told_for_what(free: int, total: int, wanted: int, words: str | None) -> None:
    told = Slots(total, free).shortage(wanted)
    assert (words in told) if words and told else words == told
