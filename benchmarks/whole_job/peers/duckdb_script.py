"""DuckDB reads and writes, Arrow batches go through the booster in between: one query, one COPY."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import xgboost
from night_task import SCORE, NightTask, read_task

BATCH_ROWS = 32_768


def query(task: NightTask) -> str:
    """Key and features, each feature as float32: a text is its place in its list."""
    made = [task.key]
    for name in task.features:
        known = ", ".join(f"'{text}'" for text in task.texts.get(name, []))
        value = f"list_position([{known}], {name}) - 1" if known else name
        made.append(f"({value})::FLOAT AS {name}")
    files = ", ".join(f"'{file}'" for file in task.files)
    return f"SELECT {', '.join(made)} FROM read_parquet([{files}], hive_partitioning = false)"  # noqa: S608  # our own names


def scored(task: NightTask, reader: pa.RecordBatchReader, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """Every batch's keys with their scores."""
    booster = xgboost.Booster({"nthread": task.cores}, model_file=task.model)
    for batch in reader:
        matrix = np.empty((len(task.features), batch.num_rows), np.float32)
        for place, name in enumerate(task.features):
            matrix[place] = batch.column(name).to_numpy(zero_copy_only=False)
        scores = pa.array(booster.inplace_predict(matrix.T))
        yield pa.RecordBatch.from_arrays([batch.column(task.key), scores], schema=schema)


def main() -> None:
    """Score the night."""
    task = read_task()
    connection = duckdb.connect(config={"threads": task.cores})
    reader = connection.cursor().sql(query(task)).to_arrow_reader(BATCH_ROWS)
    schema = pa.schema([(task.key, pa.int64()), (SCORE, pa.float32())])
    connection.register("scored", pa.RecordBatchReader.from_batches(schema, scored(task, reader, schema)))
    target = Path(task.scores) / "scores.parquet"
    connection.execute(f"COPY scored TO '{target}' (FORMAT parquet, COMPRESSION zstd)")


if __name__ == "__main__":
    main()
