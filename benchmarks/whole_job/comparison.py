"""Who is compared: nightscore and the bare loop, and the peers, in the order of the table."""

from __future__ import annotations

from collections.abc import Iterable

from whole_job.environments import versions_of
from whole_job.flink_side import Flink
from whole_job.sides import Bare, Ours, Peer, Side

#: At 0.5 M rows alone: larger nights would take hours, or more memory than there is.
_SMALL = 1_000_000
#: Peers hold a night in memory, and their growth is seen from two nights.
_MEDIUM = 5_000_000

OURS: tuple[Side, ...] = (
    Bare("bare-1", "read, predict, write and nothing else; one thread"),
    Bare("bare-2", "the same with two threads of the model", threads=2),
    Bare("bare-halves", "the same in two processes, each with half of the files", processes=2),
    Ours("local-1", "nightscore, one worker with one thread"),
    Ours("local-2", "nightscore, two worker processes with one thread each", workers=2),
    Ours("local-threads", "nightscore, one worker with two threads of the model", threads=2),
    Ours("local-1-keys", "local-1 with unique keys among the 25 expectations", keys=True),
    Ours("local-2-keys", "local-2 with unique keys among the 25 expectations", workers=2, keys=True),
    Flink("flink-1", "nightscore on Flink, one TaskManager, parallelism 1", task_managers=1),
    Flink("flink-2", "nightscore on Flink, two TaskManagers, parallelism 2", task_managers=2),
    Flink("flink-2-keys", "flink-2 with unique keys among the 25 expectations", task_managers=2, keys=True),
)
PEERS: tuple[Peer, ...] = (
    Peer("pandas", "read_parquet, predict on the frame, to_parquet", _MEDIUM, "pandas", "pandas_script"),
    Peer("polars", "file after file", _MEDIUM, "polars", "polars_script"),
    Peer("duckdb", "query, Arrow batches through the booster, COPY", _MEDIUM, "duckdb", "duckdb_script"),
    Peer("spark-1", "mapInArrow, local[1]", _MEDIUM, "spark", "spark_map_in_arrow", cores=1),
    Peer("spark-2", "mapInArrow, local[2]", _MEDIUM, "spark", "spark_map_in_arrow"),
    Peer("ray", "map_batches, 2 CPUs", _MEDIUM, "ray", "ray_map_batches"),
    Peer("beam-batches", "RunInference on matrices of 1,024 rows", _MEDIUM, "beam", "beam_stock", "batches"),
    Peer("beam-rows", "RunInference row by row, as in its examples", _SMALL, "beam", "beam_stock", "rows"),
    Peer("cobbled-sample", "GX, xgboost, Evidently on a sample", _MEDIUM, "cobbled", "cobbled_together", "sample"),
    Peer("cobbled", "GX, xgboost, Evidently on every row", _MEDIUM, "cobbled", "cobbled_together", "whole"),
)
#: Only where they are named: beside local-1 and local-2 they tell what unique keys cost.
ON_REQUEST = ("local-threads", "local-1-keys", "local-2-keys", "flink-2-keys")


class UnknownSideError(Exception):
    """A side that there is none of; the text names those that there are."""


def chosen(peers: Iterable[str], only: Iterable[str]) -> list[Side]:
    """The sides of `only`, or else ours and these peers, in the table's order. Raises UnknownSideError."""
    peers, only = set(peers), set(only)
    every: dict[str, Side] = {side.name: side for side in (*OURS, *PEERS)}
    unknown = sorted((peers | only) - {"all", "none", *every})
    if unknown:
        message = f"no such side: {', '.join(unknown)}; there are {', '.join(every)}"
        raise UnknownSideError(message)
    if only:
        return [side for name, side in every.items() if name in only]
    wanted = {side.name for side in PEERS} if "all" in peers else peers
    wanted |= {side.name for side in OURS} - set(ON_REQUEST)
    return [side for name, side in every.items() if name in wanted]


def versions(sides: Iterable[Side]) -> dict[str, str]:
    """By a peer's environment, what it needs and in which versions."""
    found = {side.packages: versions_of(side.packages) for side in sides if isinstance(side, Peer)}
    return {
        name: ", ".join(f"{package} {version}" for package, version in pins.items()) for name, pins in found.items()
    }
