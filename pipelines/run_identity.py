"""What the results of a run's units depend on, each by name: a run may use another one's units if all are equal."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from typing import Any

from pipelines.files import digest
from pipelines.input_digest import plan_digest
from pipelines.loading import LoadedJob, resolved_config
from schemas.plan import Plan

IDENTITY = "identity.json"
_FORMAT = "nightscore.identity"
_VERSION = 1


def identity_of(loaded: LoadedJob, plan: Plan) -> dict[str, Any]:
    """identity.json: format, version, and `digests` by name.

    How it is run is not in it: workers, threads and engines change no byte of a result.
    """
    config = {key: value for key, value in resolved_config(loaded.job).items() if key != "runners"}
    code = loaded.spec.code
    own = {
        "input": plan_digest(plan),
        "config": digest(config),
        "libraries": digest({**code.libraries, "python": platform.python_version(), "machine": platform.machine()}),
        "custom steps": digest(code.steps),
    }
    return {"format": _FORMAT, "version": _VERSION, "digests": dict(sorted((loaded.digests | own).items()))}


def changed_names(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Names of the digests that differ between two identities, sorted; those of one side only are among them.

    Raises ValueError where `before` is no identity of this version.
    """
    if (before.get("format"), before.get("version")) != (_FORMAT, _VERSION) or not isinstance(before["digests"], dict):
        message = f"not a {_FORMAT} of version {_VERSION}"
        raise ValueError(message)
    old, new = before["digests"], now["digests"]
    return sorted(name for name in {*old, *new} if old.get(name) != new.get(name))
