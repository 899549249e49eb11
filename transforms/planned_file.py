"""Opening a file that a plan names, and being sure that it is the same file still."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa

from schemas.plan import InputFile
from transforms.parquet_errors import Fault, input_error
from transforms.parquet_footer import DEFAULT_LIMITS, Footer, ReadLimits, footer_of, open_file

_last = threading.local()


@contextmanager
def open_planned(file: InputFile, limits: ReadLimits = DEFAULT_LIMITS) -> Iterator[tuple[pa.OSFile, Footer]]:
    """The open file and its footer. Raises InputError (changed_since_planning) unless it is the file of the plan.

    What is read through the handle is that file, whatever is put in its place meanwhile.
    """
    with open_file(file.path, file.name) as handle:
        yield handle, _planned_footer(handle, file, limits)


def check_untouched(handle: pa.OSFile, file: InputFile, row_group: int) -> None:
    """Raise InputError (changed_since_planning) where somebody wrote into the open file."""
    status = os.fstat(handle.fileno())
    if (status.st_size, status.st_mtime_ns) != (file.bytes, file.mtime_ns):
        raise input_error(Fault.CHANGED_SINCE_PLANNING, "the file changed while it was read", file.name, row_group)


def _planned_footer(handle: pa.OSFile, file: InputFile, limits: ReadLimits) -> Footer:
    """The open file's footer, if it is the planned file's.

    The last one is kept for each thread: with thousands of small row groups, parsing the footer for every one of them
    would cost more than reading them. It is used again only for the very same file, unchanged since.
    """
    status = os.fstat(handle.fileno())
    _same(file, "size", file.bytes, status.st_size)
    _same(file, "modification time", file.mtime_ns, status.st_mtime_ns)
    identity = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, file.footer_digest, limits)
    if getattr(_last, "identity", None) != identity:
        _last.identity = None
        _last.footer = footer_of(handle, file.name, limits)
        _same(file, "footer", file.footer_digest, _last.footer.digest)
        _last.identity = identity
    footer: Footer = _last.footer
    return footer


def _same(file: InputFile, what: str, planned: object, found: object) -> None:
    if planned != found:
        changed = f"the file changed since it was planned: another {what}"
        raise input_error(Fault.CHANGED_SINCE_PLANNING, changed, file.name)
