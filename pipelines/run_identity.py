"""What the results of a run's units depend on, each by name: a run may use another one's units if all are equal."""

from __future__ import annotations

import hashlib
import importlib.util
import platform
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from pipelines.files import digest
from pipelines.input_digest import plan_digest
from pipelines.loading import LoadedJob, resolved_config
from schemas.plan import Plan

IDENTITY = "identity.json"
_FORMAT = "nightscore.identity"
_VERSION = 1
#: Libraries in which a value is made.
_LIBRARIES = ("numpy", "pyarrow", "pandas", "scipy", "scikit-learn", "xgboost", "xgboost-cpu")


def identity_of(loaded: LoadedJob, plan: Plan) -> dict[str, Any]:
    """identity.json: format, version, and `digests` by name.

    How it is run is not in it: workers, threads and engines change no byte of a result.
    """
    config = {key: value for key, value in resolved_config(loaded.job).items() if key != "runners"}
    own = {
        "input": plan_digest(plan),
        "config": digest(config),
        "libraries": digest(_libraries()),
        "custom steps": digest(dict(_custom_sources(loaded))),
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


def _libraries() -> dict[str, str]:
    found = {"python": platform.python_version(), "machine": platform.machine()}
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _custom_sources(loaded: LoadedJob) -> Iterator[tuple[str, str]]:
    """(top-level package, sha256 over its Python sources) of the job's own steps; not of what those import."""
    steps = (step.custom for feature in loaded.job.features.values() for step in feature.steps)
    for name in sorted({step.partition(":")[0].partition(".")[0] for step in steps if step}):
        spec = importlib.util.find_spec(name)
        if spec is None:
            continue
        roots = [Path(place) for place in spec.submodule_search_locations or ()]
        files = [(path.relative_to(root).as_posix(), path) for root in roots for path in sorted(root.rglob("*.py"))]
        if not files and spec.origin:
            files = [(name, Path(spec.origin))]
        total = hashlib.sha256()
        for inside, path in files:
            total.update(inside.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
        yield name, total.hexdigest()
