"""Great Expectations' own actions - stores, Data Docs, Slack, e-mail - on what a run found.

    import great_expectations as gx
    from data_checks.gx_checkpoint import run_checkpoint

    context = gx.get_context(mode="file", project_root_dir="quality")
    result = run_checkpoint(Path("runs/.../quality.json"), [gx.checkpoint.UpdateDataDocsAction(name="docs")])

The result is judged already: nothing is read or evaluated again.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from great_expectations import Checkpoint
from great_expectations.checkpoint import CheckpointResult, ValidationAction
from great_expectations.core.expectation_validation_result import (
    ExpectationSuiteValidationResult,
    expectationSuiteValidationResultSchema,
)
from great_expectations.core.run_identifier import RunIdentifier
from great_expectations.data_context.types.resource_identifiers import (
    ExpectationSuiteIdentifier,
    ValidationResultIdentifier,
)

from data_checks.quality_json import FORMAT, VERSION
from schemas.errors import ConfigError


def read_validation_result(path: Path) -> ExpectationSuiteValidationResult:
    """The run's quality.json as Great Expectations' own object. Raises ConfigError for another file."""
    raw = json.loads(path.read_bytes())
    ours = raw.get("meta", {}).get("nightscore", {}) if isinstance(raw, dict) else {}
    if (ours.get("format"), ours.get("version")) != (FORMAT, VERSION):
        message = f"{path}: not a {FORMAT} of version {VERSION}; give the quality.json of a run's folder"
        raise ConfigError(message, code="not_a_quality_file", file=str(path))
    loaded: ExpectationSuiteValidationResult = expectationSuiteValidationResultSchema.load(raw)
    run = raw["meta"]["run_id"]
    loaded.meta["run_id"] = RunIdentifier(run_name=run["run_name"], run_time=run["run_time"])
    return loaded


def run_checkpoint(quality: Path, actions: Sequence[ValidationAction], name: str = "nightscore") -> CheckpointResult:
    """Store the run's result in the current context, run the actions on it, and return Great Expectations' result.

    The context is the one that `great_expectations.get_context` gave last. Raises what an action raises.
    """
    loaded = read_validation_result(quality)
    checkpoint: Any = Checkpoint(name=name, validation_definitions=[], actions=list(actions))
    run_id = loaded.meta["run_id"]
    suite = ExpectationSuiteIdentifier(name=loaded.suite_name)
    partition = loaded.meta["batch_spec"]["partition"]
    identifier = ValidationResultIdentifier(
        expectation_suite_identifier=suite, run_id=run_id, batch_identifier=partition
    )
    context = checkpoint._resolve_context().context  # noqa: SLF001  # GX gives its actions this very context
    context.validation_results_store.store_validation_results(
        suite_validation_result=loaded,
        suite_validation_result_identifier=identifier,
        expectation_suite_identifier=suite,
    )
    result: CheckpointResult = checkpoint._construct_result(run_id, {identifier: loaded})  # noqa: SLF001  # as Checkpoint.run
    checkpoint._run_actions(result)  # noqa: SLF001  # as Checkpoint.run
    return result
