"""The reference profiles that this process has read, by digest: they are too large to travel with every step.

A profile of 300 columns is about a megabyte, and Beam puts a step's specification into the pipeline several times over;
Dataflow takes no pipeline above 10 MB. So workers read the profile from the job's folder, as they read the model.
"""

from __future__ import annotations

import threading
from pathlib import Path

from data_checks.reference import ReferenceProfile
from data_checks.reference_file import read_reference
from schemas.errors import ConfigError

_lock = threading.Lock()
_known: dict[str, ReferenceProfile] = {}


def remember(reference: ReferenceProfile) -> str:
    """Keep a profile that was read; returns its digest."""
    with _lock:
        _known[reference.digest] = reference
    return reference.digest


def known_reference(digest: str, path: Path) -> ReferenceProfile:
    """The profile of that digest, from the file at the first call in a process.

    Raises ConfigError where the file is another one by now: the run would compare with something else than it says.
    """
    with _lock:
        if digest not in _known:
            found = read_reference(path)
            if isinstance(found, str) or found.digest != digest:
                what = found if isinstance(found, str) else f"its digest is {found.digest[:12]}, not {digest[:12]}"
                message = f"{path}: the reference profile has changed since the run began ({what}). Run again."
                raise ConfigError(message, code="reference_changed", file=str(path))
            _known[digest] = found
        return _known[digest]
