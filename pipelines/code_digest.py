"""Which code runs here: the installed version, and a digest over the sources."""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import data_checks
import pipelines
import schemas
import transforms

DISTRIBUTION = "nightscore"
#: The packages of the distribution.
PACKAGES = (data_checks, pipelines, schemas, transforms)


def code_version() -> str:
    """Version of the installed distribution."""
    try:
        return version(DISTRIBUTION)
    except PackageNotFoundError:
        return "unknown"


def code_digest() -> str:
    """sha256 over the sources of the four packages: another digest, possibly other results."""
    total = hashlib.sha256()
    for name, path in package_files():
        if path.suffix == ".py":
            total.update(f"{name}\0".encode())
            total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


def source_digest(package: str) -> str:
    """sha256 over the Python sources of that top-level package or module, not of what it imports; empty: not found."""
    spec = importlib.util.find_spec(package)
    if spec is None:
        return ""
    roots = [Path(place) for place in spec.submodule_search_locations or ()]
    files = [(path.relative_to(root).as_posix(), path) for root in roots for path in sorted(root.rglob("*.py"))]
    if not files and spec.origin:
        files = [(package, Path(spec.origin))]
    total = hashlib.sha256()
    for inside, path in files:
        total.update(inside.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


def package_files() -> Iterator[tuple[str, Path]]:
    """(name such as pipelines/night.py, path) of every file of the four packages but byte code, sorted in each."""
    for package in PACKAGES:
        root = Path(package.__path__[0])
        for path in sorted(root.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".pyc":
                yield f"{root.name}/{path.relative_to(root).as_posix()}", path
