from __future__ import annotations

import json
import math
import sys

import numpy as np

from data_checks.float_sums import FloatSums


def test_a_sum_beyond_float64_is_infinite_with_its_sign() -> None:
    """It raised OverflowError: the sign was asked of an integer that no float can hold."""
    sums, largest = FloatSums(3), sys.float_info.max
    for _ in range(2):
        sums.add([largest, -largest, 1.0])
    assert sums.values == [math.inf, -math.inf, 2.0]
    stored = FloatSums.from_json(json.loads(json.dumps(sums.to_json())))
    assert stored.values == [math.inf, -math.inf, 2.0]


def test_a_sum_that_comes_back_from_beyond_float64_is_exact() -> None:
    sums, largest = FloatSums(1), sys.float_info.max
    for value in (largest, largest, 0.5, -largest, -largest):
        sums.add([value])
    assert sums.values == [0.5]


def test_sums_are_those_of_fsum(rng: np.random.Generator) -> None:
    values = rng.normal(0, 1, (200, 4)) * 10.0 ** rng.integers(-300, 300, (200, 4))
    sums = FloatSums(4)
    for row in values.tolist():
        sums.add(row)
    assert sums.values == [math.fsum(column) for column in values.T.tolist()]
