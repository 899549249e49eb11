"""Reaching what lies below a folder without following a link: no name leads anywhere else."""

from __future__ import annotations

import errno
import io
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
#: A pipe of that name would block whoever opens it otherwise.
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@contextmanager
def opened_file(base: Path, name: str) -> Iterator[io.BufferedReader]:
    """The regular file `base`/`name`, open for reading; `name` has `/` between folders.

    Raises OSError where there is none, or where `base`, the file or a folder between them is a link.
    """
    *folders, last = _parts(name)
    with _opened_folder(base, folders) as folder:
        descriptor = os.open(last, _FILE, dir_fd=folder)
    with os.fdopen(descriptor, "rb") as stream:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "not a regular file", name)
        yield stream


def link_file(base: Path, name: str, target: Path) -> None:
    """Make `target` a hard link of the regular file `base`/`name`. Raises OSError as `opened_file` does."""
    *folders, last = _parts(name)
    with _opened_folder(base, folders) as folder:
        if not stat.S_ISREG(os.stat(last, dir_fd=folder, follow_symlinks=False).st_mode):
            raise OSError(errno.EINVAL, "not a regular file", name)
        os.link(last, target, src_dir_fd=folder, follow_symlinks=False)


def _parts(name: str) -> list[str]:
    parts = name.split("/")
    if any(part in ("", ".", "..") or "\0" in part for part in parts):
        raise OSError(errno.EINVAL, "not a name below the folder", name)
    return parts


@contextmanager
def _opened_folder(base: Path, parts: Sequence[str]) -> Iterator[int]:
    descriptor = os.open(base, _FOLDER)
    try:
        for part in parts:
            inner = os.open(part, _FOLDER, dir_fd=descriptor)
            os.close(descriptor)
            descriptor = inner
        yield descriptor
    finally:
        os.close(descriptor)
