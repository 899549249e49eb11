"""The reference profile as a file: versioned, digested, and refused with a reason where it cannot be trusted."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from data_checks.reference import FORMAT, VERSION, ReferenceProfile, reference_head
from data_checks.slicing import misfit

#: Larger files are refused before parsing: 1,000 columns of 2,000 edges fit well.
MAX_BYTES = 200_000_000


def write_reference(reference: ReferenceProfile, path: Path) -> None:
    """Write the profile as JSON, a line for each column, the same bytes for the same profile."""
    payload = reference_head() | {"digest": reference.digest} | reference.model_dump(mode="json")
    path.write_text("{\n" + ",\n".join(_lines(payload)) + "\n}\n", encoding="ascii")


def _lines(payload: Mapping[str, Any]) -> Iterator[str]:
    for key, value in payload.items():
        if isinstance(value, list) and value:
            items = ",\n".join(f"  {_text(item)}" for item in value)
            yield f" {_text(key)}: [\n{items}\n ]"
        else:
            yield f" {_text(key)}: {_text(value)}"


def _text(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


class _UnusableError(Exception):
    """Why a file cannot serve as the reference: what it is, and what to do."""


_REMAKE = "make it anew with `nightscore profile`"


def read_reference(path: Path, contract: str | None = None) -> ReferenceProfile | str:
    """The profile in the file, or the reason why there is none to compare with.

    `contract` is the digest of the contract's feature columns tonight; a profile of another contract is stale.
    """
    try:
        reference = _parse(_load(path))
        if contract is not None and reference.contract_digest != contract:
            what = "its feature columns, their types or drift.times have changed"
            reason = f"is of another table contract ({what}): {_REMAKE}"
            raise _UnusableError(reason)  # noqa: TRY301  # one place that names the file
    except _UnusableError as reason:
        return f"the reference profile {path.name} {reason}"
    return reference


def _load(path: Path) -> Any:
    try:
        if path.stat().st_size > MAX_BYTES:
            reason = f"has over {MAX_BYTES:,} bytes: {_REMAKE}"
            raise _UnusableError(reason)
        return json.loads(path.read_bytes())
    except FileNotFoundError:
        reason = "does not exist: make it with `nightscore profile`"
        raise _UnusableError(reason) from None
    except OSError as error:
        reason = f"cannot be read: {error.strerror}"
        raise _UnusableError(reason) from None
    except (ValueError, RecursionError):
        reason = f"is not JSON, so it is damaged or cut off: {_REMAKE}"
        raise _UnusableError(reason) from None


def _parse(payload: Any) -> ReferenceProfile:
    if not isinstance(payload, dict) or payload.get("format") != FORMAT:
        reason = f"is something else: its `format` is not {FORMAT}"
        raise _UnusableError(reason)
    if payload.get("version") != VERSION:
        reason = f"has version {payload.get('version')!r:.20}, and this nightscore reads version {VERSION}: {_REMAKE}"
        raise _UnusableError(reason)
    body = {key: value for key, value in payload.items() if key not in ("format", "version", "digest")}
    try:
        reference = ReferenceProfile.model_validate_json(json.dumps(body, allow_nan=False))
    except ValidationError as error:
        first = error.errors()[0]
        reason = f"is damaged: {'.'.join(map(str, first['loc']))}: {first['msg']}: {_REMAKE}"
        raise _UnusableError(reason) from None
    except RecursionError:
        reason = f"is damaged, it is nested too deeply: {_REMAKE}"
        raise _UnusableError(reason) from None
    except ValueError:
        reason = f"is damaged, it holds a number that is not finite: {_REMAKE}"
        raise _UnusableError(reason) from None
    if wrong := misfit(reference):
        reason = f"is damaged: {wrong}: {_REMAKE}"
        raise _UnusableError(reason)
    if reference.digest != payload.get("digest"):
        reason = f"does not match its digest, so it was changed after it was made: {_REMAKE}"
        raise _UnusableError(reason)
    return reference
