"""Putting a whole folder in the place of another in one step."""

from __future__ import annotations

import ctypes
import errno
import os
import sys
from pathlib import Path

_AT_FDCWD = -100
_RENAME_NOREPLACE = 1
_RENAME_EXCHANGE = 2
#: The file system or kernel does not know the flag.
_UNSUPPORTED = (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP)


def put_folder(new: Path, target: Path) -> None:
    """Make `new` appear as `target`; what was there before is at `new` afterwards, if anything was.

    On Linux one system call does it, and a reader sees the old or the new folder at every moment. Elsewhere, and on
    file systems without the call, there are two renames with a moment between them when `target` does not exist:
    a reader gets FileNotFoundError and retries.
    """
    if target.exists():
        if not _rename(new, target, _RENAME_EXCHANGE):
            _exchange_by_renames(new, target)
    elif not _rename(new, target, _RENAME_NOREPLACE):
        new.rename(target)


def _rename(source: Path, target: Path, flags: int) -> bool:
    """renameat2(2). False where it is not supported; other errors raise OSError."""
    if not sys.platform.startswith("linux"):
        return False
    renameat2 = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if renameat2 is None:
        return False
    if renameat2(_AT_FDCWD, os.fsencode(source), _AT_FDCWD, os.fsencode(target), flags) == 0:
        return True
    code = ctypes.get_errno()
    if code in _UNSUPPORTED:
        return False
    raise OSError(code, os.strerror(code), str(source), None, str(target))


def _exchange_by_renames(new: Path, target: Path) -> None:
    aside = new.with_name(new.name + ".superseded")
    target.rename(aside)
    new.rename(target)
    aside.rename(new)
