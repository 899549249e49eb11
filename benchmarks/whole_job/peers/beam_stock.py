"""Beam's stock way: ReadFromParquet, RunInference with its own XGBoost handler, WriteToParquet, the in-process runner.

    beam_stock.py TASK rows       one row is one element, as in Beam's examples
    beam_stock.py TASK batches    rows are batched into matrices of 1,024 before RunInference

The handler gets an inference function, as it allows, since its own does not do in 2.77: with a Booster it returns
DMatrix objects, which Beam cannot encode, and with an XGBClassifier it returns labels in place of probabilities.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import apache_beam as beam
import numpy as np
import pyarrow as pa
import xgboost
from apache_beam.ml.inference.base import KeyedModelHandler, PredictionResult, RunInference
from apache_beam.ml.inference.xgboost_inference import XGBoostModelHandlerNumpy
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from night_task import SCORE, NightTask, read_task

BATCH_ROWS = 1_024

Row = dict[str, Any]
Keyed = tuple[Any, np.ndarray]


class ToNumbers:
    """A row's features as float32, a text as its place in its list."""

    def __init__(self, task: NightTask) -> None:
        self._key, self._features = task.key, task.features
        self._places = {name: {text: place for place, text in enumerate(known)} for name, known in task.texts.items()}

    def _row(self, row: Row) -> list[float]:
        made = []
        for name in self._features:
            value = row[name]
            if name in self._places:
                value = self._places[name].get(value)
            made.append(np.nan if value is None else value)
        return made

    def row(self, row: Row) -> Keyed:
        """One row: its key, and a matrix of one row."""
        return row[self._key], np.array([self._row(row)], np.float32)

    def rows(self, rows: list[Row]) -> Keyed:
        """Many rows: their keys, and a matrix."""
        return tuple(row[self._key] for row in rows), np.array([self._row(row) for row in rows], np.float32)


def predict(batch: Sequence[np.ndarray], model: xgboost.Booster, _arguments: Any) -> list[PredictionResult]:
    """Each element's probabilities; by position, since a matrix has no names and the model has."""
    return [PredictionResult(matrix, model.inplace_predict(matrix, validate_features=False)) for matrix in batch]


def scored(result: tuple[Any, PredictionResult], key: str) -> Iterator[Row]:
    """Output rows."""
    keys, prediction = result
    keys = keys if isinstance(keys, tuple) else (keys,)
    for one, score in zip(keys, prediction.inference, strict=True):
        yield {key: one, SCORE: score}


def main() -> None:
    """Score the night."""
    task, batched = read_task(), sys.argv[2] == "batches"
    numbers = ToNumbers(task)
    threads = task.cores if batched else 1
    model = functools.partial(xgboost.Booster, {"nthread": threads})
    stock = XGBoostModelHandlerNumpy(model_class=model, model_state=task.model, inference_fn=predict)
    schema = pa.schema([(task.key, pa.int64()), (SCORE, pa.float32())])
    options = PipelineOptions(["--direct_running_mode=in_memory", "--direct_num_workers=1"])
    with beam.Pipeline(runner=FnApiRunner(), options=options) as pipeline:
        rows = pipeline | beam.io.ReadFromParquet(f"{task.folder}/*.parquet", columns=task.columns)
        if batched:
            batches = rows | beam.BatchElements(min_batch_size=BATCH_ROWS, max_batch_size=BATCH_ROWS)
            keyed = batches | beam.Map(numbers.rows)
        else:
            keyed = rows | beam.Map(numbers.row)
        results = keyed | RunInference(KeyedModelHandler(stock)) | beam.FlatMap(scored, task.key)
        prefix = str(Path(task.scores) / "scores")
        results | beam.io.WriteToParquet(prefix, schema, codec="zstd", file_name_suffix=".parquet")


if __name__ == "__main__":
    main()
