"""What sorted runs and distinct hashes must obey. They travel as files, so what is compared is the bytes of these."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from data_checks.distinct_hashes import DistinctHashes
from data_checks.order_statistics import quantiles
from data_checks.value_runs import ValueRun, ValueRuns

ROWS = 400
Batch = tuple[Any, Any]


def add_to_run(run: ValueRun, batch: Batch) -> None:
    run.add(*batch)


def add_hashes(hashes: DistinctHashes, batch: Batch) -> None:
    hashes.add(pa.record_batch({"key": batch[0]}), ["key"])


MEASURES: dict[str, tuple[Callable[[], Any], Callable[[Any, Batch], None]]] = {
    "run": (lambda: ValueRun("float"), add_to_run),
    "run with positions": (lambda: ValueRun("float", positions=True), add_to_run),
    "distinct hashes": (lambda: DistinctHashes(2), add_hashes),
}


@pytest.fixture(params=MEASURES)
def measure(request: pytest.FixtureRequest) -> tuple[Callable[[], Any], Callable[[Any, Batch], None]]:
    return MEASURES[request.param]


@pytest.fixture
def batches(rng: np.random.Generator) -> list[Batch]:
    values = rng.choice([-np.inf, np.inf, 0.0, -0.0, 5e-324, *np.arange(30) / 7], ROWS)
    cuts = [0, 0, 1, 90, 90, 250, ROWS]
    return [(values[a:b], np.arange(a, b)) for a, b in pairwise(cuts)]


def of(measure: Any, batches: Sequence[Batch]) -> Any:
    empty, add = measure
    made = empty()
    for batch in batches:
        add(made, batch)
    return made


def written(measure: Any, folder: Path) -> list[bytes]:
    found = measure.write(folder, 0, "a")
    paths = found.values() if isinstance(found, dict) else [found]
    return [path.read_bytes() for path in paths if path is not None]


def test_empty_is_the_identity_on_both_sides(measure: Any, batches: list[Batch], tmp_path: Path) -> None:
    left, right = of(measure, []), of(measure, batches)
    left.merge(of(measure, batches))
    right.merge(of(measure, []))
    wanted = written(of(measure, batches), tmp_path)
    assert written(left, tmp_path) == written(right, tmp_path) == wanted
    assert written(of(measure, []), tmp_path) == []


def test_merge_is_commutative_and_associative(measure: Any, batches: list[Batch], tmp_path: Path) -> None:
    def three() -> list[Any]:
        return [of(measure, batches[start : start + 2]) for start in (0, 2, 4)]

    a, b, c = three()
    a.merge(b)
    a.merge(c)
    d, e, f = three()
    e.merge(f)
    d.merge(e)
    g, h, i = three()
    i.merge(h)
    i.merge(g)
    wanted = written(of(measure, batches), tmp_path)
    assert written(a, tmp_path) == written(d, tmp_path) == written(i, tmp_path) == wanted


def test_order_and_splits_do_not_matter(measure: Any, batches: list[Batch], tmp_path: Path) -> None:
    rows = [
        (values[place : place + 1], places[place : place + 1])
        for values, places in batches
        for place in range(len(values))
    ]
    assert written(of(measure, rows[::-1]), tmp_path) == written(of(measure, batches), tmp_path)


def test_merge_leaves_its_right_side_alone(measure: Any, batches: list[Batch], tmp_path: Path) -> None:
    left, right = of(measure, batches[:3]), of(measure, batches[3:])
    before = written(right, tmp_path)
    left.merge(right)
    left.merge(of(measure, batches))
    assert written(right, tmp_path) == before


def test_it_pickles(measure: Any, batches: list[Batch], tmp_path: Path) -> None:
    made = of(measure, batches)
    assert written(pickle.loads(pickle.dumps(made)), tmp_path) == written(made, tmp_path)  # noqa: S301


def test_writing_twice_gives_the_same_bytes(measure: Any, batches: list[Batch], tmp_path: Path) -> None:
    made = of(measure, batches)
    assert written(made, tmp_path) == written(made, tmp_path)


def test_other_units_of_the_same_values_have_the_same_quantiles(batches: list[Batch], tmp_path: Path) -> None:
    measure, shares = MEASURES["run"], np.linspace(0, 1, 21).tolist()

    def found(number: int) -> list[Any]:
        values = np.concatenate([batch[0] for batch in batches])
        folder = tmp_path / str(number)
        paths = [
            of(measure, [(part, None)]).write(folder, unit, "a")
            for unit, part in enumerate(np.array_split(values, number))
        ]
        return quantiles(ValueRuns([path for path in paths if path], "float"), shares, "nearest")

    assert found(1) == found(2) == found(399) == found(1000)
