"""A peer's environment: made once under FOLDER/environments from a pinned list, by uv or else by pip.

environments/NAME.in names what the peer needs, NAME.txt pins all that it brings; it is made from the first by

    uv pip compile --universal --python-version 3.11 --no-emit-index-url --no-header --no-annotate NAME.in -o NAME.txt
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from measuring import environment

LISTS = Path(__file__).resolve().parent / "environments"
_SECONDS = 1_200


class CannotInstallError(Exception):
    """An environment could not be made; the text says why."""


def python_of(folder: Path, name: str) -> Path:
    """The environment's interpreter, made where it is missing. Raises CannotInstallError."""
    target, wanted = folder / "environments" / name, (LISTS / f"{name}.txt").read_text()
    python, stamp = target / "bin" / "python", target / "whole_job.txt"
    if stamp.exists() and stamp.read_text() == wanted:
        return python
    shutil.rmtree(target, ignore_errors=True)
    print(f"making the environment {name}", flush=True)
    uv = shutil.which("uv") or shutil.which("uv", path=Path(sys.executable).parent)
    listed = str(LISTS / f"{name}.txt")
    if uv:
        _run([uv, "venv", "--quiet", "--python", sys.executable, str(target)])
        _run([uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", str(python), "-r", listed])
    else:
        _run([sys.executable, "-m", "venv", str(target)])
        _run([str(python), "-m", "pip", "install", "--quiet", "-r", listed])
    stamp.write_text(wanted)
    return python


def versions_of(name: str) -> dict[str, str]:
    """What the peer needs, and in which versions."""
    pins = (line.split(";")[0].strip().partition("==") for line in (LISTS / f"{name}.in").read_text().splitlines())
    return {package: version for package, _, version in pins if package}


def _run(command: list[str]) -> None:
    try:
        done = subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        message = f"{Path(command[0]).name}: {error}"
        raise CannotInstallError(message) from error
    if done.returncode:
        last = [line for line in done.stderr.splitlines() if line.strip()][-3:]
        message = f"{Path(command[0]).name} failed: {' '.join(last)}"
        raise CannotInstallError(message)
