"""Polars, file after file: read_parquet, a float32 matrix, predict, write_parquet."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import xgboost
from night_task import SCORE, NightTask, read_task


def as_numbers(task: NightTask) -> list[pl.Expr]:
    """Every feature as float32: a text is its place in its list."""
    made = []
    for name in task.features:
        column = pl.col(name)
        if name in task.texts:
            places = {text: float(place) for place, text in enumerate(task.texts[name])}
            column = column.replace_strict(places, default=None, return_dtype=pl.Float32)
        made.append(column.cast(pl.Float32).fill_null(float("nan")))
    return made


task = read_task()
booster = xgboost.Booster({"nthread": task.cores}, model_file=task.model)
for file in task.files:
    frame = pl.read_parquet(file, columns=task.columns)
    scores = booster.inplace_predict(frame.select(as_numbers(task)).to_numpy())
    scored = frame.select(task.key).with_columns(pl.Series(SCORE, scores))
    scored.write_parquet(Path(task.scores) / Path(file).name, compression="zstd")
