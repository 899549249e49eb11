"""Reading a configuration file that someone else wrote, but no more of it than it may have."""

from __future__ import annotations

from pathlib import Path

from schemas.errors import ConfigError


def read_bounded(path: Path, max_bytes: int) -> bytes:
    """The file's bytes. Raises ConfigError where there is no such file or it is larger; then nothing was read."""
    if not path.is_file():
        message = f"{path}: no such file"
        raise ConfigError(message, code="no_such_file", file=str(path))
    size = path.stat().st_size
    if size > max_bytes:
        message = f"{path}: {size:,} bytes; this file may have at most {max_bytes:,}"
        raise ConfigError(message, code="config_too_large", file=str(path))
    return path.read_bytes()
