"""Ray Data's `map_batches` on Arrow tables: tasks that keep their process's booster, one thread of the model each."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import ray
import xgboost
from night_task import SCORE, NightTask, read_task

BATCH_ROWS = 32_768
_OBJECT_STORE_BYTES = 2_000_000_000


#: The process's booster, once it was loaded.
LOADED: dict[str, Any] = {}


def score(table: pa.Table, model: str, key: str, features: list[str], texts: dict[str, list[str]]) -> pa.Table:
    """The table's keys with their scores."""
    if model not in LOADED:
        LOADED[model] = xgboost.Booster({"nthread": 1}, model_file=model)
    matrix = np.empty((len(features), table.num_rows), np.float32)
    for place, name in enumerate(features):
        column = table.column(name)
        if name in texts:
            column = pc.index_in(column, pa.array(texts[name]))
        matrix[place] = column.to_numpy()
    return pa.table({key: table.column(key), SCORE: LOADED[model].inplace_predict(matrix.T)})


def run(task: NightTask) -> None:
    """Score the night."""
    night = ray.data.read_parquet(task.files, columns=task.columns, partitioning=None)
    arguments = {"model": task.model, "key": task.key, "features": task.features, "texts": task.texts}
    scored = night.map_batches(score, batch_format="pyarrow", batch_size=BATCH_ROWS, fn_kwargs=arguments)
    scored.write_parquet(task.scores, compression="zstd")


def main() -> None:
    """Start Ray on this machine alone, score the night, stop Ray."""
    task = read_task()
    ray.init(
        num_cpus=task.cores,
        include_dashboard=False,
        object_store_memory=_OBJECT_STORE_BYTES,
        _node_ip_address="127.0.0.1",
        log_to_driver=False,
    )
    try:
        run(task)
    finally:
        ray.shutdown()


if __name__ == "__main__":
    main()
