"""What drift measures are known to get wrong, each with the verdict that is right, in strict JSON."""

from __future__ import annotations

import json

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest

from data_checks.columns import BatchColumns
from data_checks.drift import compare
from data_checks.drift_json import drift_from_json, drift_json
from data_checks.profile import Profile, ProfileColumn
from data_checks.reference import Kind, ReferenceProfile
from data_checks.reference_build import build_column
from schemas.drift_settings import Drift
from schemas.verdicts import ColumnDrift, DriftStatus

Floats = npt.NDArray[np.float64]

OK, WARN, DRIFT, FEW, NONE = (
    DriftStatus.OK,
    DriftStatus.WARN,
    DriftStatus.DRIFT,
    DriftStatus.INSUFFICIENT_DATA,
    DriftStatus.NOT_COMPUTED,
)
QUIET = {OK, FEW}


def reference_of(trained: pa.Array | Floats) -> ReferenceProfile:
    values = pa.array(trained)
    kind: Kind = "categorical" if pa.types.is_string(values.type) else "numeric"
    return ReferenceProfile(contract_digest="c", rows=len(values), columns=(build_column("x", kind, values),))


def column_of(trained: pa.Array | Floats | ReferenceProfile, tonight: pa.Array | Floats) -> ColumnDrift:
    """The column's verdict on a night that was scored whole; the JSON of it must be strict and read back the same."""
    reference = trained if isinstance(trained, ReferenceProfile) else reference_of(trained)
    profile = Profile.empty(reference, [ProfileColumn("x", reference.columns[0].kind)])
    columns = BatchColumns(pa.record_batch({"x": pa.array(tonight)}))
    profile.add_conformed(columns)
    profile.add_scored(columns)
    verdict = compare(reference, profile, Drift())
    assert drift_from_json(json.loads(json.dumps(drift_json(verdict), allow_nan=False))) == verdict
    return verdict.columns[0]


def told(column: ColumnDrift, words: str) -> bool:
    return any(words in reason for reason in column.reasons)


# ------------------------------------------------------------------------------------------------------------ outliers


@pytest.mark.parametrize("outlier", [1e9, -1e9, 1e300])
def test_one_outlier_does_not_hide_a_shift_of_one_sd(rng: np.random.Generator, outlier: float) -> None:
    """It widens equal bins until all others are in one, and the current range with it; here the bins are frozen."""
    trained, tonight = rng.normal(size=5_000), np.append(rng.normal(1, 1, 4_999), outlier)
    column = column_of(trained, tonight)
    assert column.status is DRIFT
    assert column.reasons[0].startswith("values moved: ")
    assert column.psi == pytest.approx(column_of(trained, tonight[:-1]).psi, rel=0.01)


@pytest.mark.parametrize("outlier", [1e9, -1e9, 1e300])
def test_one_outlier_alone_is_no_drift(rng: np.random.Generator, outlier: float) -> None:
    """It moves the mean by 200,000 standard deviations, and its standard error as much."""
    column = column_of(rng.normal(size=33_000), np.append(rng.normal(size=4_999), outlier))
    assert (column.status, column.reasons) == (OK, ())
    assert abs(column.measures["mean_shift_over_reference_sd"]) > 1e5
    assert column.measures["mean_shift_p_value"] > 0.3
    assert column.measures["wasserstein_over_reference_sd"] > 1e5  # told, and decides nothing


def test_an_outlier_in_training_does_not_hide_a_shift(rng: np.random.Generator) -> None:
    """All equal bins but one would be empty, and the standard deviation is of the outlier alone."""
    column = column_of(np.append(rng.normal(size=4_999), 1e9), rng.normal(1, 1, 2_000))
    assert column.status is DRIFT
    assert abs(column.measures["mean_shift_over_reference_sd"]) < 0.1


# ---------------------------------------------------------------------------------------------------- scale and offset


@pytest.mark.parametrize("scale", [1e-300, 1e-12, 1e-6, 1e6, 1e200])
def test_a_feature_of_any_scale_is_drifted_by_three_sd(rng: np.random.Generator, scale: float) -> None:
    """Of 1e-6: an absolute floor of 0.001 under the scale makes 0.003 of it, and no drift."""
    trained, tonight = rng.normal(size=5_000), rng.normal(3, 1, 5_000)
    column, plain = column_of(scale * trained, scale * tonight), column_of(trained, tonight)
    assert column.status is plain.status is DRIFT
    assert column.psi == plain.psi
    for name in ("mean_shift_over_reference_sd", "wasserstein_over_reference_sd"):
        assert column.measures[name] == pytest.approx(plain.measures[name], rel=1e-6)
        assert abs(column.measures[name]) == pytest.approx(3.0, rel=0.05)


@pytest.mark.parametrize("scale", [1e-300, 1e-6, 1e200])
def test_a_feature_of_any_scale_is_fine_when_nothing_moved(rng: np.random.Generator, scale: float) -> None:
    column = column_of(scale * rng.normal(size=5_000), scale * rng.normal(size=2_000))
    assert (column.status, column.reasons) == (OK, ())


def test_an_offset_of_1e9_hides_no_shift_and_makes_none(rng: np.random.Generator) -> None:
    trained = 1e9 + rng.normal(size=5_000)
    assert column_of(trained, 1e9 + rng.normal(size=5_000)).status is OK
    column = column_of(trained, 1e9 + rng.normal(1, 1, 5_000))
    assert column.status is DRIFT
    assert column.measures["mean_shift_over_reference_sd"] == pytest.approx(1.0, abs=0.05)


def test_values_over_the_whole_of_float64_have_no_distance_and_stop_nothing() -> None:
    top = float(np.finfo(np.float64).max)
    values = np.array([top, -top] * 500)
    column = column_of(values, values)
    assert (column.status, column.measures["ks_on_grid"]) == (OK, 0.0)
    assert column.measures.get("wasserstein_over_reference_sd") is None
    assert column_of(values, values[:500] / 2).status is DRIFT


# ----------------------------------------------------------------------------------------------------------- constants


@pytest.mark.parametrize("value", [7.0, 0.0, -1e9, 5e-324, float(np.finfo(np.float64).max)])
@pytest.mark.parametrize("rows", [1, 500])
def test_the_same_constant_is_no_drift(value: float, rows: int) -> None:
    column = column_of(np.full(1_000, value), np.full(rows, value))
    assert (column.status, column.psi, column.js_distance_base2) == (OK, 0.0, 0.0)
    assert column.measures["wasserstein_over_reference_sd"] == 0.0
    assert column.measures["mean_shift_over_reference_sd"] == 0.0


@pytest.mark.parametrize(("before", "now"), [(7.0, 8.0), (7.0, 7.000001), (0.0, 1e-9), (0.0, -1e-300), (1e9, -1e9)])
def test_another_constant_is_drift_however_near(before: float, now: float) -> None:
    column = column_of(np.full(1_000, before), np.full(500, now))
    assert (column.status, column.js_distance_base2, column.out_of_range_share) == (DRIFT, 1.0, 1.0)
    assert column.measures["wasserstein_over_reference_sd"] is None
    assert "the reference is constant (sd 0)" in column.measures["wasserstein_over_reference_sd_reason"]


def test_a_constant_that_becomes_variable_is_drift(rng: np.random.Generator) -> None:
    column = column_of(np.full(1_000, 7.0), rng.normal(7, 1, 500))
    assert column.status is DRIFT
    assert column.measures["ks_on_grid"] == pytest.approx(0.5, abs=0.07)


def test_a_variable_that_becomes_constant_is_drift(rng: np.random.Generator) -> None:
    """At the mean, so that neither the mean nor the range tells."""
    trained = rng.normal(size=1_000)
    column = column_of(trained, np.full(500, trained.mean()))
    assert column.status is DRIFT
    assert column.measures["mean_shift_over_reference_sd"] == pytest.approx(0.0, abs=1e-12)
    assert column.out_of_range_share == 0.0


# ------------------------------------------------------------------------------------------------ missing and infinite


@pytest.mark.parametrize("nothing", [pa.nulls(500, pa.float64()), pa.array(np.full(500, np.nan))])
def test_a_column_of_nulls_or_nan_alone_on_both_sides_is_no_drift(nothing: pa.Array) -> None:
    column = column_of(nothing, nothing)
    assert (column.status, column.missing_rate_reference, column.missing_rate_current) == (NONE, 1.0, 1.0)
    assert column.reasons == ("values not compared: there is none in training",)
    assert (column.psi, column.measures) == (None, {})


@pytest.mark.parametrize("nothing", [pa.nulls(500, pa.float64()), pa.array(np.full(500, np.nan))])
def test_a_column_that_turns_into_nulls_or_nan_altogether_is_drift(rng: np.random.Generator, nothing: pa.Array) -> None:
    column = column_of(rng.normal(size=2_000), nothing)
    assert (column.status, column.psi, column.mean_current) == (DRIFT, None, None)
    assert column.reasons == ("missing: 100 % tonight, 0 % in training", "values not compared: there is none tonight")


def test_a_column_that_was_all_null_in_training_and_comes_to_life_is_drift(rng: np.random.Generator) -> None:
    column = column_of(pa.nulls(2_000, pa.float64()), rng.normal(size=500))
    assert (column.status, column.psi) == (DRIFT, None)
    assert column.reasons == (
        "missing: 0 % tonight, 100 % in training",
        "values not compared: there is none in training",
    )


def test_half_nan_on_both_sides_is_no_drift(rng: np.random.Generator) -> None:
    """TensorFlow Data Validation adds two buckets for them that do not match: a divergence of 0.5."""

    def half(size: int) -> Floats:
        return np.where(rng.random(size) < 0.5, np.nan, rng.normal(size=size))

    column = column_of(half(20_000), half(5_000))
    assert column.status is OK
    assert (column.js_distance_base2 or 0.0) < 0.05


@pytest.mark.parametrize("gone", ["null", "nan"])
def test_sixty_percent_missing_is_missing_drift_and_no_value_drift(rng: np.random.Generator, gone: str) -> None:
    """C20 (evidentlyai/evidently#187): 1 % missing in training, 60 % tonight, the same law otherwise."""

    def values(size: int, share: float) -> pa.Array:
        drawn, lost = rng.normal(size=size), rng.permutation(size) < share * size
        return pa.array(np.where(lost, np.nan, drawn)) if gone == "nan" else pa.array(drawn, mask=lost)

    column = column_of(values(2_000, 0.01), values(2_000, 0.60))
    assert (column.status, column.reasons) == (DRIFT, ("missing: 60 % tonight, 1.0 % in training",))
    assert (column.reference_rows, column.current_rows) == (1_980, 800)
    assert (column.missing_rate_current or 0) - (column.missing_rate_reference or 0) == pytest.approx(0.59)
    assert (column.psi or 0) < (column.psi_noise_95 or 0)


def test_infinite_values_are_values_out_of_range_and_no_mean_is_infinite(rng: np.random.Generator) -> None:
    tonight = rng.normal(size=1_000)
    tonight[:100], tonight[100:150] = np.inf, -np.inf
    column = column_of(rng.normal(size=5_000), tonight)
    assert column.status is DRIFT
    assert column.out_of_range_share == pytest.approx(0.15, abs=0.005)
    assert column.mean_current == pytest.approx(tonight[np.isfinite(tonight)].mean(), rel=1e-12)
    assert column.measures["wasserstein_over_reference_sd"] is None
    assert "infinite values" in column.measures["wasserstein_over_reference_sd_reason"]


def test_nothing_but_infinite_values_tonight_is_drift(rng: np.random.Generator) -> None:
    column = column_of(rng.normal(size=1_000), np.full(300, np.inf))
    assert (column.status, column.mean_current, column.out_of_range_share) == (DRIFT, None, 1.0)


def test_the_same_infinite_values_on_both_sides_are_no_drift_and_more_of_them_are(rng: np.random.Generator) -> None:
    """All of them lie outside the finite range of training: by that rule every such night drifted."""

    def values(size: int, low: float, high: float) -> Floats:
        drawn = rng.random(size)
        return np.where(drawn < low, -np.inf, np.where(drawn > 1 - high, np.inf, rng.normal(size=size)))

    trained = values(5_000, 0.2, 0.1)
    column = column_of(trained, values(2_000, 0.2, 0.1))
    assert (column.status, column.reasons) == (OK, ())
    assert (column.out_of_range_share or 0) < 0.01
    assert column_of(trained, values(2_000, 0.1, 0.4)).status is DRIFT


# ------------------------------------------------------------------------------------------------------- zero-inflated


def zero_inflated(rng: np.random.Generator, size: int, zeros: float, scale: float = 1.0) -> Floats:
    return np.where(rng.random(size) < zeros, 0.0, scale * rng.exponential(size=size))


def test_a_zero_inflated_column_is_fine_as_long_as_nothing_changes(rng: np.random.Generator) -> None:
    trained = zero_inflated(rng, 20_000, 0.9)
    column = column_of(trained, zero_inflated(rng, 3_000, 0.9))
    assert (column.status, [item.label for item in column.bins]) == (OK, ["= 0", "over 0"])


def test_a_change_of_the_share_of_zeros_is_drift(rng: np.random.Generator) -> None:
    """Equal bins of quantiles would merge into one, in which nothing can change."""
    trained = zero_inflated(rng, 20_000, 0.9)
    column = column_of(trained, zero_inflated(rng, 3_000, 0.6))
    assert column.status is DRIFT
    assert column.reasons[0].startswith("values moved: ")
    assert told(column, " % tonight above 0, ")
    assert told(column, "in training (PSI 0.5")
    assert column_of(trained, zero_inflated(rng, 3_000, 1.0)).status in {WARN, DRIFT}


def test_a_change_of_the_rest_is_seen_although_the_share_of_zeros_stays(rng: np.random.Generator) -> None:
    """PSI has one bin for the tenth above zero, and there it is blind; the mean sees what is in it."""
    column = column_of(zero_inflated(rng, 20_000, 0.9), zero_inflated(rng, 3_000, 0.9, scale=10.0))
    assert column.status in {WARN, DRIFT}
    assert (column.psi or 0.0) < 0.02
    assert column.measures["ks_on_grid"] == pytest.approx(0.07, abs=0.02)
    assert told(column, "the mean rose by ")


# ---------------------------------------------------------------------------------------------------- many and few rows


def test_a_meaningless_shift_of_many_rows_is_fine_though_significant(rng: np.random.Generator) -> None:
    """By its p-value of KS alone each such night would be an alarm."""
    column = column_of(rng.normal(size=200_000), rng.normal(0.02, 1, 200_000))
    assert (column.status, column.reasons) == (OK, ())
    assert column.measures["ks_p_value"] < 1e-4
    assert column.measures["mean_shift_p_value"] < 1e-4


@pytest.mark.parametrize("law", ["normal", "lognormal", "zeros", "integers"])
def test_fifty_rows_without_drift_are_never_drift_and_hardly_ever_a_warning(law: str) -> None:
    """PSI exceeds 0.1 in nearly all such nights of ten bins, and 0.25 in three of four where training is as small.

    A warning takes a chance of one in a thousand, by two tests: one or two of 200 nights may have it.
    """

    def draw(rng: np.random.Generator, size: int) -> Floats:
        normal = rng.normal(size=size)
        zeros = np.where(rng.random(size) < 0.9, 0.0, np.exp(normal))
        laws = {"normal": normal, "lognormal": np.exp(normal), "zeros": zeros, "integers": rng.poisson(3, size)}
        return np.asarray(laws[law], np.float64)

    trained = reference_of(draw(np.random.default_rng(1), 20_000))
    found = [column_of(trained, draw(np.random.default_rng(seed), 50)).status for seed in range(200)]
    assert set(found) <= {*QUIET, WARN}
    assert found.count(WARN) <= (0 if law == "normal" else 2)


def test_a_training_of_thirty_rows_calls_nothing_drift_by_chance() -> None:
    def status(seed: int, shift: float, rows: int) -> DriftStatus:
        rng = np.random.default_rng(seed)
        return column_of(rng.normal(size=30), rng.normal(shift, 1, rows)).status

    assert {status(seed, 0.0, rows) for seed in range(40) for rows in (30, 3_000)} <= QUIET
    assert {status(seed, 5.0, 3_000) for seed in range(10)} == {DRIFT}


@pytest.mark.parametrize(("before", "now"), [(1, 1), (1, 1_000), (1_000, 1), (2, 2), (5, 5)])
def test_a_handful_of_rows_on_a_side_is_too_few(rng: np.random.Generator, before: int, now: int) -> None:
    assert column_of(rng.normal(size=before), rng.normal(size=now)).status is FEW


# ---------------------------------------------------------------------------------------------------------- categories


def test_a_new_category_of_five_percent_is_drift_and_named(rng: np.random.Generator) -> None:
    """Goodness of fit expects 0 of it, and is infinitely sure whatever its count: here the share decides."""
    trained = pa.array(rng.choice(["a", "b"], 5_000).tolist())
    column = column_of(trained, pa.array([*rng.choice(["a", "b"], 1_900).tolist(), *["new"] * 100]))
    assert (column.status, column.unseen_share) == (DRIFT, 0.05)
    assert told(column, "categories unknown to training: 5.0 % tonight (100 values; 'new' 100)")
    assert column.psi == pytest.approx(0.31, abs=0.02)
    one = column_of(trained, pa.array([*rng.choice(["a", "b"], 1_999).tolist(), "new"]))
    assert (one.status, one.unseen_share) == (OK, 0.0005)


def test_one_category_in_both_is_no_drift_and_has_a_whole_test() -> None:
    """evidentlyai/evidently#1929 gives NaN."""
    column = column_of(pa.array(["a"] * 1_000), pa.array(["a"] * 50))
    assert (column.status, column.psi) == (OK, 0.0)
    assert (column.measures["chi_square"], column.measures["chi_square_degrees"]) == (0.0, 0)
    assert (column.measures["chi_square_p_value"], column.measures["cramers_v"]) == (1.0, 0.0)


def test_another_single_category_is_drift() -> None:
    column = column_of(pa.array(["a"] * 1_000), pa.array(["b"] * 50))
    assert (column.status, column.unseen_share) == (DRIFT, 1.0)


def test_a_category_that_is_gone_is_drift(rng: np.random.Generator) -> None:
    trained = pa.array(rng.choice(["a", "b", "c"], 10_000).tolist())
    column = column_of(trained, pa.array(rng.choice(["a", "b"], 1_000).tolist()))
    assert column.status is DRIFT
    assert told(column, "'c' 0 % tonight, 33 % in training")


@pytest.mark.parametrize("word", ["", "__other__", "__unseen__", "NaN", "null", "\u0000", "</script>"])
def test_categories_of_any_name_are_compared(word: str) -> None:
    column = column_of(pa.array([word, "b"] * 2_000), pa.array([word, "b"] * 300))
    assert (column.status, column.psi) == (OK, 0.0)


def test_all_categories_null_tonight_is_drift() -> None:
    column = column_of(pa.array(["a", "b"] * 500), pa.nulls(300, pa.string()))
    assert (column.status, column.psi) == (DRIFT, None)
