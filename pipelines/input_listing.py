"""Listing the night's input folder: every file below it in one fixed order, whatever the file system says first."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from schemas.errors import InputError

#: Device and number of a folder.
Identity = tuple[int, int]

_HIDDEN = ("_", ".")
#: Categories of characters that would break a line of a log, or have no UTF-8: control characters and lone surrogates.
_UNFIT = {"Cc", "Cs"}


@dataclass(frozen=True)
class Listed:
    """A file below the input folder, not opened yet."""

    path: Path
    #: Relative to the input folder, with `/`.
    name: str

    @property
    def partition(self) -> tuple[tuple[str, str], ...]:
        """Hive values of the folders between the input folder and the file, unquoted."""
        return hive_values(self.name.split("/")[:-1])


@dataclass(frozen=True)
class Listing:
    """What is below the input folder, each in the order of the names' bytes."""

    files: tuple[Listed, ...]
    #: Names that begin with `_` or `.`, folders with a `/` behind, the marker, and links back to a folder above.
    ignored: tuple[str, ...]


def list_files(folder: Path, marker: str | None = None) -> Listing:
    """Every file below the folder; links are followed, but not in a circle.

    Raises FileNotFoundError where there is no such folder, InputError (unreadable_folder) where one may not be listed.
    """
    files: list[Listed] = []
    ignored: list[str] = [marker] if marker and (folder / marker).exists() else []
    pending: list[tuple[Path, str, tuple[Identity, ...]]] = [(folder, "", (_identity(folder),))]
    while pending:
        place, prefix, above = pending.pop()
        for entry in _entries(place, prefix):
            name = prefix + entry.name
            if entry.name.startswith(_HIDDEN):
                ignored += [] if name == marker else [f"{name}/" if _is_folder(entry) else name]
            elif _is_folder(entry):
                inside = Path(entry.path)
                identity = _identity(inside)
                if identity in above:
                    ignored.append(f"{name}/")
                else:
                    pending.append((inside, f"{name}/", (*above, identity)))
            elif name != marker:
                files.append(Listed(Path(entry.path), name))
    files.sort(key=lambda file: os.fsencode(file.name))
    return Listing(tuple(files), tuple(sorted(map(printable, ignored))))


def _entries(place: Path, prefix: str) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(place) as entries:
            yield from entries
    except PermissionError as error:
        message = f"folder {prefix or place} may not be listed ({error.strerror}). Let this user read it."
        raise InputError(message, code="unreadable_folder", file=prefix or str(place)) from None


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False  # a link to itself: reading it says what is wrong


def _identity(folder: Path) -> Identity:
    status = folder.stat()
    return status.st_dev, status.st_ino


def hive_values(folders: list[str] | tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """The `key=value` pairs among folder names in order, percent signs decoded."""
    pairs = (folder.split("=", 1) for folder in folders if "=" in folder)
    return tuple((unquote(key), unquote(value)) for key, value in pairs)


def is_fit(name: str) -> bool:
    """Whether a name can stand in a report: no control characters, and UTF-8."""
    if name.isascii() and name.isprintable():
        return True
    return not any(unicodedata.category(char) in _UNFIT for char in name)


def printable(name: str) -> str:
    """The name with whatever `is_fit` refuses written as escapes."""
    return name if is_fit(name) else "".join(char if is_fit(char) else f"\\u{ord(char):04x}" for char in name)
