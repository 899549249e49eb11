"""`nightscore check`: everything about a job that can be wrong before data is read."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from ruamel.yaml import YAML

from data_checks.deferred_import import defer_for_great_expectations
from pipelines.console import Console, count
from pipelines.drift_notes import drift_notes, require_reference
from pipelines.files import canonical_json
from pipelines.loading import LoadedJob, load_job, resolved_config
from pipelines.suite_values import with_parameters
from transforms.models import load_model


def check_job(path: Path, *, show_config: bool, with_gx: bool, parameters: Sequence[str] = ()) -> None:
    """Print what the job is. Raises ConfigError or ModelError with every mistake of the first file that has any."""
    loaded = load_job(path, lambda job: with_parameters(job, parameters))
    say = Console().line
    job, contract = loaded.job, loaded.contract
    roles = [(role, len(contract.names(role))) for role in ("key", "feature", "passthrough", "partition")]
    say("job", f"{job.name}, {count(len(job.models), 'model')}")
    say("contract", f"{count(len(contract.columns), 'column')}: " + ", ".join(f"{n} {role}" for role, n in roles if n))
    _say_suite(loaded, with_gx=with_gx)
    for entry in job.models:
        # One thread: sharing out a few probe rows costs more than scoring them.
        model = load_model(entry, loaded.base, threads=1)
        text = f"{entry.name}: {model.card.kind} {model.card.task}, {count(len(model.card.features), 'feature')}, "
        say("model", text + f"{count(len(model.card.probe.rows), 'probe row')} reproduced")
        for note in model.notes:
            say("", note)
    reference = loaded.reference
    notes = drift_notes(loaded)
    known = [] if isinstance(reference, str) else [f"reference profile of {count(reference.rows, 'row')}"]
    say("drift", "\n".join([*known, *notes]) or str(reference))
    say("output", ", ".join(loaded.spec.output_schema.names))
    if show_config:
        _show(loaded)
    require_reference(loaded)
    found = f"no mistake found, {count(len(notes), 'note')} above" if notes else "no mistake found"
    say("ok", f"{found}; no data was read")


def _say_suite(loaded: LoadedJob, *, with_gx: bool) -> None:
    say = Console().line
    if loaded.suite is None:
        say("suite", "none: nothing but the contract is checked")
        return
    if with_gx and loaded.job.checks.suite:
        # Its import costs seconds of CPU, so only on request.
        defer_for_great_expectations()
        from data_checks.gx_suite import load_with_gx  # noqa: PLC0415

        load_with_gx(loaded.base / loaded.job.checks.suite)
    policies = loaded.spec.checks.policies
    lines = [f"{rule}: {policy} when it fails" for rule, policy in policies.items()]
    also = ", and Great Expectations loads it" if with_gx else ""
    say("suite", "\n".join([f"{count(len(lines), 'expectation')}{also}", *lines]))


def _show(loaded: LoadedJob) -> None:
    writer = YAML()
    writer.dump(json.loads(canonical_json(resolved_config(loaded.job))), sys.stdout)
