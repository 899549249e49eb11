"""The model's file: read once, checked, and only then given to anybody who parses it."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Literal

from schemas.card import Artefact
from schemas.errors import ModelError

Format = Literal["ubj", "json", "joblib"]

#: Larger model files are refused before reading.
MAX_BYTES = 4_000_000_000


def read_artefact(path: Path, expected: Artefact, pinned: str | None) -> bytes:
    """The file's bytes, whose sha256 is the card's and, where job.yaml pins one, that one too.

    What is returned is what was hashed: nobody can swap the file in between. Raises ModelError.
    """
    data = read_bytes(path)
    actual = hashlib.sha256(data).hexdigest()
    for whose, wanted in (("its model card", expected.sha256), ("job.yaml", pinned)):
        if wanted is not None and actual != wanted:
            message = (
                f"model file {path} is not the one that {whose} pins: sha256 is {actual}, expected {wanted}; "
                "restore the file, or give the new model a new card (docs/init.md: A new version of the model)"
            )
            raise ModelError(message, code="artefact_sha256", file=str(path), sha256=actual, expected=wanted)
    if sniff_format(data) != expected.format:
        message = (
            f"model file {path}: the model card says format {expected.format}, and the file is {sniff_format(data)}"
        )
        raise ModelError(message, code="artefact_format", file=str(path))
    return data


def read_bytes(path: Path) -> bytes:
    """The file's bytes. Raises ModelError where there is none, or it is larger than MAX_BYTES."""
    if not path.is_file():
        message = f"model file {path}: no such file"
        raise ModelError(message, code="artefact_missing", file=str(path))
    size = path.stat().st_size
    if size > MAX_BYTES:
        message = f"model file {path}: {size:,} bytes; at most {MAX_BYTES:,} are read"
        raise ModelError(message, code="artefact_too_large", file=str(path))
    return path.read_bytes()


def sniff_format(data: bytes) -> Format:
    """The format by the first bytes: JSON and UBJSON are objects, and differ in how a key begins; else joblib."""
    head = data[:64].lstrip()
    if not head.startswith(b"{"):
        return "joblib"
    return "json" if head[1:].lstrip()[:1] in (b'"', b"}") else "ubj"
