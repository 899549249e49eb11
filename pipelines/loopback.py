"""Beam's servers bound to loopback, and closed to strangers there.

Beam opens the servers of its local runners on every interface of the machine, with no way to say otherwise, and the
local runner's hand any file that the driver can read to whoever asks. So while a pass runs, the name `grpc` in the
modules of Beam that open them is a stand-in: the same library, but for `server`. Other users of grpc are not touched.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Container, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import grpc
from apache_beam.runners.portability import abstract_job_service, local_job_service
from apache_beam.runners.portability.fn_api_runner import worker_handlers
from apache_beam.runners.worker import worker_pool_main

from schemas.errors import WorkerError

LOOPBACK = "127.0.0.1"
#: What Beam binds to, before the port.
_EVERYWHERE = "[::]:"
#: The modules of Beam that bind to it; a test looks for others.
LISTENING: tuple[ModuleType, ...] = (worker_handlers, local_job_service, worker_pool_main, abstract_job_service)

#: The stand-in is the process's: one pass at a time.
_one_pass = threading.Lock()


@dataclass
class Servers:
    """What was opened since the pass began."""

    #: Ids that workers of the local runner must show: secrets, unlike Beam's own.
    known: set[str] = field(default_factory=set)
    ports: set[int] = field(default_factory=set)

    def must_hold(self, ports: Iterable[int]) -> None:
        """Raise WorkerError unless all of these ports were opened here, on loopback."""
        strange = sorted(set(ports) - self.ports)
        if strange:
            what = f"port {strange[0]} was opened in another way"
            raise _not_ours(what)


@contextmanager
def loopback_only() -> Iterator[Servers]:
    """Every server that Beam's modules open in the block is bound to 127.0.0.1.

    Those of the local runner serve known workers only. A pass in another thread waits for the block to end. Raises
    WorkerError where Beam is not as it was: better no run than an open port.
    """
    servers = Servers()
    with _one_pass, ExitStack() as stack:
        for module in LISTENING:
            if vars(module).get("grpc") is not grpc:
                what = f"{module.__name__} has no `grpc` of its own"
                raise _not_ours(what)
            guards = [_KnownOnly(servers.known)] if module is worker_handlers else []
            stack.callback(setattr, module, "grpc", grpc)
            module.grpc = _StandIn(servers, guards)  # type: ignore[attr-defined]  # checked above
        yield servers


class _StandIn:
    """The library grpc, with servers that open ports on loopback only."""

    def __init__(self, servers: Servers, guards: list[grpc.ServerInterceptor]) -> None:
        self._servers = servers
        self._guards = guards

    def __getattr__(self, name: str) -> Any:
        return getattr(grpc, name)

    def server(self, *arguments: Any, **options: Any) -> grpc.Server:
        """A server of grpc."""
        server = grpc.server(*arguments, **options, interceptors=self._guards)
        bind: Callable[[str], int] = server.add_insecure_port

        def bind_to_loopback(address: str) -> int:
            if not address.startswith(_EVERYWHERE):
                what = f"a server binds to {address}"
                raise _not_ours(what)
            port = bind(f"{LOOPBACK}:{address.removeprefix(_EVERYWHERE)}")
            self._servers.ports.add(port)
            return port

        server.add_insecure_port = bind_to_loopback
        return server


class _KnownOnly(grpc.ServerInterceptor):  # type: ignore[misc]  # grpc has no types
    """Refuses every call that does not show the id of a worker that was started here."""

    def __init__(self, known: Container[str]) -> None:
        self._known = known
        self._refusal = grpc.unary_unary_rpc_method_handler(_refuse)

    def intercept_service(self, continuation: Callable[[Any], Any], details: Any) -> Any:
        """The handler of the call; for strangers one that ends it."""
        shown = dict(details.invocation_metadata).get("worker_id")
        return continuation(details) if shown in self._known else self._refusal


def _refuse(_request: bytes, context: grpc.ServicerContext) -> None:
    context.abort(grpc.StatusCode.UNAUTHENTICATED, "not a worker of this run")


def _not_ours(what: str) -> WorkerError:
    message = (
        f"Beam's servers are not as this version of nightscore knows them: {what}. They could listen on every "
        "interface of this machine, so nothing was started. Install the apache-beam that nightscore pins, or use "
        "--workers 1."
    )
    return WorkerError(message, code="open_listener")
