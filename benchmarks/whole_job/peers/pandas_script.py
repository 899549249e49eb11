"""What a data scientist writes: read_parquet, codes of the categories, predict on the frame, to_parquet."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import xgboost
from night_task import SCORE, read_task

task = read_task()
frame = pd.read_parquet(task.folder, columns=task.columns)
features = frame[task.features].copy()
for name, known in task.texts.items():
    codes = pd.Categorical(features[name], known).codes
    features[name] = np.where(codes < 0, np.nan, codes)
booster = xgboost.Booster({"nthread": task.cores}, model_file=task.model)
frame[SCORE] = booster.inplace_predict(features)
frame[[task.key, SCORE]].to_parquet(Path(task.scores) / "scores.parquet", compression="zstd", index=False)
