"""Great Expectations' own actions on what a run found, without judging again."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from schemas.errors import ConfigError

DATE = "2024-03-01"


def test_a_checkpoint_stores_the_result_builds_data_docs_and_runs_actions(
    small_job: Any, make_rows: Callable[..., pa.Table], tmp_path: Path
) -> None:
    import great_expectations as gx
    from great_expectations.checkpoint import UpdateDataDocsAction, ValidationAction

    from data_checks.gx_checkpoint import read_validation_result, run_checkpoint

    told: list[tuple[bool, int]] = []

    class Tell(ValidationAction):
        type: str = "tell"  # type: ignore[assignment]  # GX narrows it to a Literal in each action

        def run(self, checkpoint_result: Any, action_context: Any = None) -> dict[str, Any]:
            del action_context
            (result,) = checkpoint_result.run_results.values()
            told.append((checkpoint_result.success, len(result.results)))
            return {}

    small_job.write(DATE, "a.parquet", make_rows(120))
    folder = small_job.run_folder(small_job.run(DATE))
    gx.get_context(mode="file", project_root_dir=str(tmp_path / "quality"))
    actions = [UpdateDataDocsAction(name="docs"), Tell(name="tell")]
    result = run_checkpoint(folder / "quality.json", actions)
    assert (result.success, told) == (True, [(True, 4)])
    stored = list((tmp_path / "quality").rglob("validations/small/**/*.json"))
    pages = list((tmp_path / "quality").rglob("validations/small/**/*.html"))
    assert (len(stored), len(pages)) == (1, 1)
    assert json.loads(stored[0].read_bytes())["statistics"]["evaluated_expectations"] == 4
    loaded = read_validation_result(folder / "quality.json")
    assert loaded.results[0].result["evaluated_count"] == 120
    assert loaded.meta["run_id"].run_time.isoformat() == f"{DATE}T00:00:00+00:00"


def test_another_file_is_refused(tmp_path: Path) -> None:
    from data_checks.gx_checkpoint import read_validation_result

    (tmp_path / "other.json").write_text('{"success": true}')
    with pytest.raises(ConfigError, match=r"give the quality\.json of a run's folder"):
        read_validation_result(tmp_path / "other.json")
