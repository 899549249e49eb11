"""The wheel of the code that runs in this process, for workers that have only its requirements installed.

It is made from the installed files, not built from a checkout: the workers run what the driver runs, also where
nightscore itself was installed from a wheel. The same files give the same bytes.
"""

from __future__ import annotations

import base64
import hashlib
import zipfile
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from pipelines.code_digest import DISTRIBUTION, package_files
from schemas.errors import ConfigError

#: The earliest time that a zip file can tell.
_NO_TIME = (1980, 1, 1, 0, 0, 0)
_WHEEL = b"Wheel-Version: 1.0\nGenerator: nightscore\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
_PLAIN_FILE = 0o100644 << 16


def write_own_wheel(folder: Path) -> Path:
    """Write `nightscore-<version>-py3-none-any.whl` into the folder; returns its path.

    Raises ConfigError where nightscore runs without being installed: its metadata would be missing.
    """
    try:
        installed = distribution(DISTRIBUTION)
    except PackageNotFoundError:
        message = "nightscore is not installed here, so no wheel can be made for the workers: run `pip install .`"
        raise ConfigError(message, code="not_installed") from None
    stem = f"{DISTRIBUTION}-{installed.version}"
    path = folder / f"{stem}-py3-none-any.whl"
    info = f"{stem}.dist-info"
    entries = {name: source.read_bytes() for name, source in package_files()} | _metadata(installed, info)
    entries[f"{info}/RECORD"] = _record(entries, f"{info}/RECORD")
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in entries.items():
            entry = zipfile.ZipInfo(name, _NO_TIME)
            entry.external_attr = _PLAIN_FILE
            archive.writestr(entry, data, zipfile.ZIP_DEFLATED)
    return path


def _metadata(installed: Distribution, info: str) -> dict[str, bytes]:
    found = {f"{info}/WHEEL": _WHEEL}
    for name in ("METADATA", "entry_points.txt"):
        text = installed.read_text(name)
        if text is not None:
            found[f"{info}/{name}"] = text.encode()
    return found


def _record(entries: dict[str, bytes], own_name: str) -> bytes:
    lines = [f"{name},sha256={_digest(data)},{len(data)}" for name, data in entries.items()]
    return ("\n".join([*lines, f"{own_name},,"]) + "\n").encode()


def _digest(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
