"""Spark's `mapInArrow`, local: as many tasks at a time as there are cores, one thread of the model each."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator

import pyarrow as pa
from night_task import SCORE, NightTask, read_task
from pyspark.sql import SparkSession

BATCH_ROWS = 32_768


def scorer(task: NightTask) -> Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """What a task does with its batches; plain values only, since it is pickled."""
    model, key, features, texts = task.model, task.key, task.features, task.texts

    def score(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        import numpy as np  # noqa: PLC0415  # in the workers
        import pyarrow as pa  # noqa: PLC0415
        import pyarrow.compute as pc  # noqa: PLC0415
        import xgboost  # noqa: PLC0415

        booster = xgboost.Booster({"nthread": 1}, model_file=model)
        for batch in batches:
            matrix = np.empty((len(features), batch.num_rows), np.float32)
            for place, name in enumerate(features):
                column = batch.column(name)
                if name in texts:
                    column = pc.index_in(column, pa.array(texts[name]))
                matrix[place] = column.to_numpy(zero_copy_only=False)
            scores = booster.inplace_predict(matrix.T)
            yield pa.RecordBatch.from_arrays([batch.column(key), pa.array(scores)], [key, SCORE])

    return score


def main() -> None:
    """Score the night."""
    task = read_task()
    os.environ |= {"SPARK_LOCAL_IP": "127.0.0.1", "PYSPARK_PYTHON": sys.executable}
    session = (
        SparkSession.builder.master(f"local[{task.cores}]")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.sql.execution.arrow.maxRecordsPerBatch", BATCH_ROWS)
        .config("spark.sql.parquet.compression.codec", "zstd")
        .getOrCreate()
    )
    night = session.read.parquet(*task.files).select(task.columns)
    scored = night.mapInArrow(scorer(task), f"{task.key} long, {SCORE} float")
    scored.write.mode("overwrite").parquet(task.scores)
    session.stop()


if __name__ == "__main__":
    main()
