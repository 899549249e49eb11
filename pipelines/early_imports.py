"""What judging needs, imported in a thread of the driver while the workers score."""

from __future__ import annotations

import importlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from data_checks.deferred_import import defer_for_great_expectations


@contextmanager
def judge_imported_meanwhile() -> Iterator[None]:
    """Great Expectations is there when the block has ended well. It takes seconds of CPU, mostly of one core.

    Only for a driver that has nothing else to do: importing holds Python's lock for itself.
    """
    thread = threading.Thread(target=_import_judge, name="import", daemon=True)
    thread.start()
    yield
    # Not where the pass has failed: the driver is not to be held up then.
    thread.join()


def _import_judge() -> None:
    # As judge_suite imports it, which would raise what goes wrong here.
    with suppress(Exception):
        defer_for_great_expectations()
        importlib.import_module("data_checks.gx_engine")
