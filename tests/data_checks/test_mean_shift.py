from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from data_checks.distances import Measured
from data_checks.mean_shift import mean_shift_over_reference_sd, over_reference_sd, population_sd

VALUES = json.loads((Path(__file__).parents[1] / "golden" / "drift.json").read_text())["values"]


def test_the_mean_shift_is_the_golden_one() -> None:
    trained, tonight, expected = np.array(VALUES["reference"]), np.array(VALUES["current"]), VALUES["expected"]
    sd = population_sd(float(trained.std(ddof=1)), len(trained))
    assert sd == pytest.approx(expected["reference_sd"], rel=1e-12)
    assert sd is not None
    found = mean_shift_over_reference_sd(float(trained.mean()), float(tonight.mean()), sd)
    assert found.value == pytest.approx(expected["mean_shift_over_reference_sd"], rel=1e-12)


def test_a_feature_of_scale_1e_6_shifted_by_three_sd_is_shifted_by_three(rng: np.random.Generator) -> None:
    trained = rng.normal(0, 1e-6, 1_000)
    sd = float(trained.std())
    found = mean_shift_over_reference_sd(float(trained.mean()), float((trained + 3 * sd).mean()), sd)
    assert found.value == pytest.approx(3.0, rel=1e-9)


def test_the_sign_tells_the_direction() -> None:
    assert mean_shift_over_reference_sd(3.0, 1.0, 4.0) == Measured(-0.5)


def test_a_constant_reference_is_compared_directly() -> None:
    assert over_reference_sd(0.0, 0.0) == Measured(0.0)
    reason = "the reference is constant (sd 0): judge the difference itself, -1e-09"
    assert over_reference_sd(-1e-9, 0.0) == Measured(None, reason)


def test_a_side_without_mean_has_no_shift() -> None:
    assert mean_shift_over_reference_sd(None, 1.0, 1.0) == Measured(None, "no mean on the reference side")
    assert mean_shift_over_reference_sd(1.0, None, 1.0) == Measured(None, "no mean on the current side")


@pytest.mark.parametrize(("before", "now"), [(-1e308, 1e308), (0.0, math.inf), (0.0, math.nan)])
def test_what_is_no_finite_number_is_none(before: float, now: float) -> None:
    found = mean_shift_over_reference_sd(before, now, 1.0)
    assert found.value is None
    assert "is no finite number" in found.reason
    assert over_reference_sd(1e300, 1e-300).reason == "1e+300 over an sd of 1e-300 is no finite number"


@pytest.mark.parametrize("sd", [-1.0, math.nan, math.inf])
def test_an_impossible_sd_is_refused(sd: float) -> None:
    with pytest.raises(ValueError, match="a standard deviation is finite and not negative, not"):
        over_reference_sd(1.0, sd)


def test_the_sd_of_one_value_is_zero_and_of_none_none() -> None:
    assert population_sd(None, 1) == 0.0
    assert population_sd(None, 0) is None
