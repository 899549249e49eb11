"""The pages of stack traces that Beam's threads leave when a worker's connection breaks, kept from people.

What broke it is told in one sentence as the run's own error.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import grpc

#: It logs the trace of a broken connection as an error, and then raises it in a thread.
_LOGGER = logging.getLogger("apache_beam.runners.worker.data_plane")


@contextmanager
def broken_connections_are_quiet() -> Iterator[None]:
    """In the block a thread that ends by an error of gRPC says nothing; any other error is shown as ever."""
    before = threading.excepthook

    def hook(error: threading.ExceptHookArgs) -> None:
        if not issubclass(error.exc_type, grpc.RpcError):
            before(error)

    threading.excepthook = hook
    _LOGGER.addFilter(_says_more)
    try:
        yield
    finally:
        _LOGGER.removeFilter(_says_more)
        threading.excepthook = before


def _says_more(record: logging.LogRecord) -> bool:
    return not record.exc_info or not isinstance(record.exc_info[1], grpc.RpcError)
