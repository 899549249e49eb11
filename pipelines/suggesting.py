"""`nightscore profile --suggest`: a suite proposed from the job's training data, with evidence for each expectation."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from data_checks.suggest import suggest_suite
from pipelines.console import Console, count
from pipelines.loading import load_job
from pipelines.reference import training_files
from pipelines.training_data import TrainingData, open_training
from schemas.contract import TableContract
from schemas.errors import ConfigError


def write_suggestion(job: Path, target: Path) -> None:
    """Write a suite for the job's contract to `target`, which must not exist. Raises ConfigError where it does."""
    if target.exists():
        message = f"{target} exists; a suggestion overwrites nothing. Give another name and compare the two"
        raise ConfigError(message, code="file_exists", file=str(target))
    loaded = load_job(job)
    training = open_training(training_files(loaded))
    suite = suggested(loaded.job.name, training, loaded.contract)
    text = json.dumps(suite, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    target.write_text(text, encoding="utf-8")
    found = count(len(suite["expectations"]), "expectation")
    Console().line("suite", f"{target}: {found}, suggested from {count(training.rows, 'row')}")


def suggested(name: str, training: TrainingData, contract: TableContract) -> dict[str, Any]:
    """The suggested suite, without a uniqueness that only the sample has."""
    names = [column for column in contract.names() if column in training.types]
    suite = suggest_suite(training.sample.select(names), contract, name)
    keys = contract.names("key")
    if keys and training.every > 1 and training.rows_alike(keys):
        found = suite["expectations"]
        suite["expectations"] = [item for item in found if item["type"] != "expect_column_values_to_be_unique"]
    return suite
