from __future__ import annotations

import numpy as np
import pytest

from data_checks.history_thresholds import threshold_from_history, thresholds_from_history
from schemas.drift_settings import HistoryThresholds


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("k", "runs"), [(3.0, 14), (1.5, 2), (2.0, 30)])
def test_the_threshold_is_numpys_mean_and_k_deviations_of_the_last_nights(seed: int, k: float, runs: int) -> None:
    values = np.random.default_rng(seed).gamma(2, 0.05, 40)
    found = threshold_from_history(values.tolist(), HistoryThresholds(k=k, runs=runs))
    last = values[-runs:]
    assert found.value == pytest.approx(last.mean() + k * last.std(ddof=0), rel=1e-12)
    assert found.nights == runs
    assert f"over {runs} nights" in found.reason


def test_fewer_nights_than_wanted_give_no_threshold_and_say_so() -> None:
    found = threshold_from_history([0.1] * 13, HistoryThresholds())
    assert found.value is None
    assert found.reason == "13 of the 14 published nights that a threshold from history is made of"


def test_nights_without_a_number_do_not_count() -> None:
    settings = HistoryThresholds(k=1.0, runs=3)
    assert threshold_from_history([0.1, None, 0.2, float("nan")], settings).value is None
    whole = threshold_from_history([0.1, None, 0.2, 0.3], settings)
    assert whole == threshold_from_history([0.1, 0.2, 0.3], settings)


def test_a_column_that_never_moved_has_its_own_value_as_threshold() -> None:
    assert threshold_from_history([0.25] * 14, HistoryThresholds()).value == 0.25


def test_every_column_has_a_threshold_of_its_own() -> None:
    found = thresholds_from_history({"a": [0.1, 0.1], "b": [0.2]}, HistoryThresholds(runs=2))
    assert (found["a"].value, found["b"].value) == (0.1, None)
