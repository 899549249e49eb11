"""A run that dies at a point that is known: python dying_run.py POINT before|after TURN SIGNAL FOLDER RUN OPTIONS...

POINT is `module:name` of a function or method. At the TURNth call of it, counted over all processes of the run, the
process that calls it gets the signal, before the call or after it; only one does. What is counted is kept in FOLDER.
Worker processes are started as the run starts them, but with the same point.
"""

from __future__ import annotations

import fcntl
import functools
import importlib
import json
import os
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

WORKER = "pipelines.local_worker"


def main() -> None:
    point, when, turn, number, folder, *options = sys.argv[1:]
    is_worker = options == [WORKER]
    die_at(point, when, int(turn), int(number), Path(folder))
    if is_worker:
        importlib.import_module(WORKER).main()
        return
    start_workers_here([point, when, turn, number, folder])
    sys.argv = ["nightscore", "run", *options]
    importlib.import_module("pipelines.__main__").main()


def die_at(point: str, when: str, turn: int, number: int, folder: Path) -> None:
    """Put a function in the place of that one that does the same until its turn comes."""
    module, _, name = point.partition(":")
    owner: Any = importlib.import_module(module)
    *outer, last = name.split(".")
    for part in outer:
        owner = getattr(owner, part)
    real: Callable[..., Any] = getattr(owner, last)

    @functools.wraps(real)
    def mortal(*arguments: Any, **named: Any) -> Any:
        now = next_turn(folder) == turn
        if now and when == "before":
            die(number, folder, point)
        result = real(*arguments, **named)
        if now and when == "after":
            die(number, folder, point)
        return result

    setattr(owner, last, mortal)


def next_turn(folder: Path) -> int:
    """1, 2, 3 ... over all processes."""
    with (folder / "turns").open("a+") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        stream.write("x")
        return stream.tell()


def die(number: int, folder: Path, point: str) -> None:
    """A signal that can be handled is, and a process that is only stopped goes on when it may."""
    (folder / "died").write_text(json.dumps({"point": point, "pid": os.getpid(), "signal": number}))
    os.kill(os.getpid(), number)


def start_workers_here(arguments: list[str]) -> None:
    """Let the run's workers begin in this file."""
    from apache_beam.transforms.environments import SubprocessSDKEnvironment

    real = SubprocessSDKEnvironment.from_command_string
    here = shlex.join([str(Path(__file__)), *arguments, WORKER])

    def command(text: str) -> Any:
        assert f"-m {WORKER}" in text, text
        return real(text.replace(f"-m {WORKER}", here))

    SubprocessSDKEnvironment.from_command_string = command


if __name__ == "__main__":
    main()
