"""The job that teams cobble together: Great Expectations on pandas, xgboost, an Evidently drift report, all in memory.

cobbled_together.py TASK whole      Evidently looks at every row
cobbled_together.py TASK sample     at a sample of 200,000 rows
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import great_expectations as gx
import numpy as np
import pandas as pd
import xgboost
from evidently import DataDefinition, Dataset, Report
from evidently.presets import DataDriftPreset
from great_expectations.data_context.types.base import ProgressBarsConfig
from night_task import SCORE, NightTask, read_task

SAMPLE_ROWS = 200_000
SEED = 1


def judge(task: NightTask, frame: pd.DataFrame) -> None:
    """Validate the suite; writes the results, and exits with an error where an expectation is not met."""
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False, metric_calculations=False)
    asset = context.data_sources.add_pandas("night").add_dataframe_asset("night")
    batch = asset.add_batch_definition_whole_dataframe("night").get_batch({"dataframe": frame})
    suite = gx.ExpectationSuite(**json.loads(Path(task.suite).read_text()))
    result = batch.validate(suite, result_format="SUMMARY")
    (Path(task.reports) / "quality.json").write_text(json.dumps(result.to_json_dict()))
    if not result.success:
        sys.exit("an expectation is not met")


def score(task: NightTask, frame: pd.DataFrame) -> np.ndarray:
    """The scores of a frame."""
    features = frame[task.features].copy()
    for name, known in task.texts.items():
        codes = pd.Categorical(features[name], known).codes
        features[name] = np.where(codes < 0, np.nan, codes)
    scores: np.ndarray = xgboost.Booster({"nthread": task.cores}, model_file=task.model).inplace_predict(features)
    return scores


def report_drift(task: NightTask, current: pd.DataFrame, reference: pd.DataFrame) -> None:
    """Compare features and scores with the training rows; writes the HTML page."""
    numbers = [name for name in task.features if name not in task.texts] + [SCORE]
    definition = DataDefinition(numerical_columns=numbers, categorical_columns=list(task.texts))
    both = [Dataset.from_pandas(part[[*task.features, SCORE]], definition) for part in (current, reference)]
    Report([DataDriftPreset()]).run(*both).save_html(str(Path(task.reports) / "drift.html"))


def main() -> None:
    """Check, score, write, compare."""
    task = read_task()
    frame = pd.read_parquet(task.folder, columns=task.columns)
    judge(task, frame)
    frame[SCORE] = score(task, frame)
    frame[[task.key, SCORE]].to_parquet(Path(task.scores) / "scores.parquet", compression="zstd", index=False)
    reference = pd.read_parquet(task.training, columns=task.columns)
    reference[SCORE] = score(task, reference)
    current = frame if sys.argv[2] == "whole" else frame.sample(min(SAMPLE_ROWS, len(frame)), random_state=SEED)
    report_drift(task, current, reference)


if __name__ == "__main__":
    main()
