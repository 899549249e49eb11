"""Runs a command where only the loopback interface is: `loopback_only.py PROGRAM ARGUMENTS`. Linux.

Ray's servers listen on every interface whatever they are told, and several peers report their use to the internet. In
a network namespace of its own nobody else can reach the one, and the other costs nothing.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import struct
import sys
from pathlib import Path

_NEW_NETWORK, _NEW_USER = 0x40000000, 0x10000000
_SET_FLAGS, _UP_AND_RUNNING = 0x8914, 0x41


def leave_the_network() -> None:
    """Put this process into a network namespace with nothing but loopback. Raises OSError where that is not allowed."""
    user, group = os.getuid(), os.getgid()
    kind = _NEW_NETWORK if user == 0 else _NEW_NETWORK | _NEW_USER
    if ctypes.CDLL(None, use_errno=True).unshare(kind):
        raise OSError(ctypes.get_errno(), "no network namespace could be made")
    if user:
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as anything:
        fcntl.ioctl(anything, _SET_FLAGS, struct.pack("16sh14x", b"lo", _UP_AND_RUNNING))


if __name__ == "__main__":
    leave_the_network()
    os.execv(sys.argv[1], sys.argv[1:])  # noqa: S606  # the benchmark's own command
