from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from data_checks.columns import BatchColumns
from data_checks.distances import js_distance_base2, psi, psi_noise, rate_z, rows_to_tell
from data_checks.drift import Tonight, compare, run_status
from data_checks.drift_json import drift_from_json, drift_json
from data_checks.profile import Profile, ProfileColumn
from data_checks.reference import Kind, ReferenceProfile
from data_checks.reference_build import build_column, build_score
from data_checks.score_profile import ScoreColumn
from schemas.drift_settings import Drift
from schemas.verdicts import ColumnDrift, DriftStatus, DriftVerdict

OK, WARN, DRIFT, FEW, NONE = (
    DriftStatus.OK,
    DriftStatus.WARN,
    DriftStatus.DRIFT,
    DriftStatus.INSUFFICIENT_DATA,
    DriftStatus.NOT_COMPUTED,
)
GOLDEN = Path(__file__).parents[1] / "golden"


def kind(values: pa.Array) -> Kind:
    return "categorical" if pa.types.is_string(values.type) or pa.types.is_boolean(values.type) else "numeric"


def reference_of(columns: dict[str, pa.Array], **more: Any) -> ReferenceProfile:
    built = tuple(build_column(name, kind(values), values) for name, values in columns.items())
    return ReferenceProfile(
        contract_digest="c", rows=max(len(values) for values in columns.values()), columns=built, **more
    )


def verdict_of(
    trained: dict[str, pa.Array], tonight: dict[str, pa.Array], settings: Drift | None = None
) -> DriftVerdict:
    """The verdict on a night that was scored whole."""
    reference = reference_of(trained)
    profile = Profile.empty(reference, [ProfileColumn(name, kind(values)) for name, values in tonight.items()])
    columns = BatchColumns(pa.record_batch(tonight))
    profile.add_conformed(columns)
    profile.add_scored(columns)
    verdict = compare(reference, profile, settings or Drift())
    json.dumps(drift_json(verdict), allow_nan=False)  # strict whatever happens
    return verdict


def column_of(trained: pa.Array, tonight: pa.Array) -> ColumnDrift:
    return verdict_of({"x": trained}, {"x": tonight}).columns[0]


def floats(values: np.ndarray) -> pa.Array:
    return pa.array(values.astype(np.float64))


# ------------------------------------------------------------------------------------------------------------- numbers

CASES = {
    name: case
    for name, case in json.loads((GOLDEN / "drift_numbers.json").read_text()).items()
    if "psi_floor_1e4" in case
}


@pytest.mark.parametrize("name", CASES)
def test_the_golden_numbers_hold(name: str) -> None:
    case = CASES[name]
    reference, current = case["ref"], case["cur"]
    assert psi(reference, current) == pytest.approx(case["psi_floor_1e4"], abs=1e-12)
    assert js_distance_base2(reference, current) == pytest.approx(case["js_distance_base2"], abs=1e-12)
    assert psi_noise(reference, current) == pytest.approx(case["psi_null_p95"], abs=1e-12)


def test_the_golden_missing_rate_holds() -> None:
    assert rate_z((200, 10_000), (150, 5_000)) == pytest.approx(3.8245275805048036, abs=1e-12)
    assert rate_z((0, 10), (0, 20)) == rate_z((10, 10), (20, 20)) == 0.0


def test_psi_on_ten_deciles_is_the_number_of_the_field() -> None:
    rng = np.random.default_rng(42)
    trained, tonight = rng.normal(0, 1, 20_000), rng.normal(0.3, 1.1, 15_000)
    column = column_of(floats(trained), floats(tonight))
    assert column.psi == pytest.approx(0.0903, abs=5e-4)
    assert column.js_distance_base2 == pytest.approx(0.1270, abs=5e-4)


def test_the_rows_that_it_takes_are_just_enough() -> None:
    trained = [3_300] * 10
    needed = rows_to_tell(trained, [15] * 10, 0.1)
    assert needed is not None
    assert needed == 171
    enough, one_less = ([rows] + [0] * 9 for rows in (needed, needed - 1))
    assert psi_noise(trained, enough) < 0.1 <= psi_noise(trained, one_less)
    assert rows_to_tell([5] * 10, [5] * 10, 0.1) is None


# -------------------------------------------------------------------------------------------------------- the statuses


def test_a_column_that_turns_into_nulls_is_missing_drift_but_no_value_drift(rng: np.random.Generator) -> None:
    """C20 (evidentlyai/evidently#187): 1 % null in training, 60 % tonight, the same law otherwise."""

    def values(size: int, nulls: float) -> pa.Array:
        return pa.array(rng.normal(size=size), mask=rng.permutation(size) < nulls * size)

    column = column_of(values(2_000, 0.01), values(2_000, 0.60))
    assert column.status is DRIFT
    assert column.reasons == ("missing: 60 % tonight, 1.0 % in training",)
    assert column.missing_rate_current == pytest.approx(0.60)
    assert column.missing_rate_reference == pytest.approx(0.01)
    assert column.psi is not None
    assert column.psi < (column.psi_noise_95 or 0)


def test_a_column_of_nulls_alone_is_flagged_although_its_values_cannot_be_compared(rng: np.random.Generator) -> None:
    column = column_of(floats(rng.normal(size=3_000)), pa.nulls(150, pa.float64()))
    assert (column.status, column.psi, column.js_distance_base2, column.mean_current) == (DRIFT, None, None, None)
    assert column.reasons == ("missing: 100 % tonight, 0 % in training", "values not compared: there is none tonight")


def test_a_small_rise_of_the_missing_rate_is_a_warning_only_where_it_is_no_chance(rng: np.random.Generator) -> None:
    def values(size: int, nulls: int) -> pa.Array:
        return pa.array(rng.normal(size=size), mask=np.arange(size) < nulls)

    trained = values(20_000, 100)
    assert column_of(trained, values(5_000, 100)).status is WARN  # 0.5 % to 2 %
    assert column_of(trained, values(200, 4)).status is not DRIFT
    assert not column_of(trained, values(200, 3)).reasons  # 1.5 % of 200: z is below 3
    fewer = column_of(values(20_000, 3_000), values(20_000, 100))
    assert fewer.status is DRIFT
    assert fewer.reasons[0] == "missing: 0.5 % tonight, 15 % in training"


def test_one_outlier_does_not_hide_a_shift(rng: np.random.Generator) -> None:
    tonight = np.append(rng.normal(1, 1, 1_999), 1e9)
    column = column_of(floats(rng.normal(size=2_000)), floats(tonight))
    assert column.status is DRIFT
    assert column.reasons[0].startswith("values moved: ")


def test_a_feature_of_scale_one_millionth_drifts_like_any_other(rng: np.random.Generator) -> None:
    trained, tonight = rng.normal(0, 1e-6, 5_000), rng.normal(3e-6, 1e-6, 5_000)
    tiny, plain = column_of(floats(trained), floats(tonight)), column_of(floats(trained * 1e6), floats(tonight * 1e6))
    assert tiny.status is plain.status is DRIFT
    assert tiny.psi == plain.psi


def test_the_same_constant_is_no_drift_and_another_constant_is() -> None:
    trained = pa.array([7.0] * 1_000)
    same, other = column_of(trained, pa.array([7.0] * 500)), column_of(trained, pa.array([8.0] * 500))
    assert (same.status, same.psi, same.psi_noise_95, same.js_distance_base2) == (OK, 0.0, 0.0, 0.0)
    assert (other.status, other.js_distance_base2) == (DRIFT, 1.0)
    assert [item.label for item in other.bins] == ["= 7", "over 7"]


def test_a_zero_inflated_column_drifts_when_its_zeros_go(rng: np.random.Generator) -> None:
    def values(size: int, zeros: float) -> pa.Array:
        return floats(np.where(rng.random(size) < zeros, 0.0, rng.exponential(size=size)))

    trained = values(20_000, 0.92)
    assert column_of(trained, values(1_000, 0.92)).status is OK
    column = column_of(trained, values(1_000, 0.6))
    assert column.status is DRIFT
    assert "tonight above 0, " in column.reasons[0]


def test_many_rows_with_a_meaningless_shift_are_fine(rng: np.random.Generator) -> None:
    column = column_of(floats(rng.normal(size=200_000)), floats(rng.normal(0.02, 1, 200_000)))
    assert column.status is OK
    assert (column.psi or 0) > (column.psi_noise_95 or 0)  # significant, not material


def test_fifty_rows_without_drift_are_too_few_to_tell(rng: np.random.Generator) -> None:
    column = column_of(floats(rng.normal(size=20_000)), floats(rng.normal(size=50)))
    assert column.status is FEW
    assert "50 values in 10 bins are too few: chance alone reaches a PSI of 0.34" in column.reasons[0]
    assert column.reasons[0].endswith("; to see one of 0.1, it takes about 171")


def test_a_hundred_and_fifty_rows_are_enough_for_a_large_shift(rng: np.random.Generator) -> None:
    column = column_of(floats(rng.normal(size=20_000)), floats(rng.normal(1, 1, 150)))
    assert column.status is DRIFT


def test_the_sentence_says_what_moved_where(rng: np.random.Generator) -> None:
    column = column_of(floats(rng.uniform(0, 100, 50_000)), floats(rng.uniform(0, 50, 2_000)))
    assert column.reasons[0].startswith("values moved: 100 % tonight below ")
    assert ", 50 % in training (PSI " in column.reasons[0]


def test_an_empty_table_of_categories_in_training_is_said() -> None:
    column = column_of(pa.nulls(100, pa.string()), pa.array(["a"] * 100))
    assert column.status is DRIFT  # the missing rate fell from 100 % to 0
    assert "values not compared: there is none in training" in column.reasons


def test_one_unseen_value_among_few_is_no_drift_but_many_are() -> None:
    trained = pa.array(["a", "b"] * 5_000)
    few = column_of(trained, pa.array(["a", "b"] * 499 + ["new", "a"]))
    some = column_of(trained, pa.array(["a", "b"] * 490 + ["new"] * 20))
    many = column_of(trained, pa.array(["a", "b"] * 450 + ["new"] * 100))
    assert (few.status, few.unseen_share) == (OK, 0.001)
    assert (some.status, some.unseen_share) == (WARN, 0.02)
    assert some.reasons[0] == "categories unknown to training: 2.0 % tonight (20 values; 'new' 20)"
    assert (many.status, many.bins[-1].label, many.bins[-1].current) == (DRIFT, "__unseen__", 100)


def test_a_new_category_is_named_only_from_five_values_on() -> None:
    tonight = pa.array(["a", "b"] * 95 + ["Jane Roe"] * 4 + ["new"] * 6)
    column = column_of(pa.array(["a", "b"] * 5_000), tonight)
    assert column.reasons[0] == "categories unknown to training: 5.0 % tonight (10 values; 'new' 6)"


def test_new_names_are_expected_where_training_saw_many_once(rng: np.random.Generator) -> None:
    """A column of open vocabulary: each night brings words that training did not have, and that is its law."""
    trained = pa.array([f"w{number}" for number in rng.zipf(1.5, 5_000)])
    tonight = pa.array([f"w{number}" for number in rng.zipf(1.5, 400)])
    column = column_of(trained, tonight)
    assert (column.unseen_share or 0) > 0.01
    assert "__unseen__" not in {item.label for item in column.bins}
    assert column.status is not DRIFT
    assert not any("unknown" in reason for reason in column.reasons)


def test_rare_categories_are_compared_together() -> None:
    trained = pa.array(["a"] * 9_000 + [f"rare-{number % 100}" for number in range(1_000)])
    column = column_of(trained, pa.array(["a"] * 900 + [f"rare-{number}" for number in range(100)]))
    assert [(item.label, item.reference, item.current) for item in column.bins] == [
        ("a", 9_000, 900),
        ("__other__", 1_000, 100),
    ]
    assert column.status is OK


def test_a_column_of_thousands_of_names_is_not_compared_and_says_so() -> None:
    trained = pa.array([f"name-{number % 3_000}" for number in range(30_000)])
    column = column_of(trained, pa.array(["name-1", "stranger"] * 100))
    assert (column.status, column.psi, column.unseen_share) == (NONE, None, None)
    assert column.reasons == ("3,000 categories, none with 0.5 % of the values in training: too many to compare",)


def test_values_out_of_range_are_a_warning_above_one_percent(rng: np.random.Generator) -> None:
    trained = floats(rng.uniform(0, 1, 20_000))
    tonight = rng.uniform(0, 1, 2_000)
    tonight[:30] = -5.0
    column = column_of(trained, floats(tonight))
    assert (column.status, column.out_of_range_share) == (WARN, 0.015)
    # They pull the mean by 0.27 standard deviations, too.
    assert [reason.split(" ")[0] for reason in column.reasons] == ["the", "out"]
    assert column.reasons[1].startswith("out of range: 1.5 % tonight outside ")
    tonight[:9] = 0.5
    tonight[9:30] = 0.5
    tonight[:9] = 7.0
    assert column_of(trained, floats(tonight)).status is OK  # 0.45 %


def test_infinite_values_are_out_of_range_and_leave_the_json_strict(rng: np.random.Generator) -> None:
    tonight = rng.normal(size=1_000)
    tonight[:100] = np.inf
    column = column_of(floats(rng.normal(size=1_000)), floats(tonight))
    assert column.status is DRIFT
    assert column.out_of_range_share == pytest.approx(0.1, abs=0.01)


# ------------------------------------------------------------------------------------------- columns without a partner


def test_a_column_that_the_reference_lacks_is_not_computed() -> None:
    verdict = verdict_of({"x": pa.array([1.0] * 100)}, {"x": pa.array([1.0] * 100), "new": pa.array([1.0] * 100)})
    assert verdict.columns[1].status is NONE
    assert "not in the reference profile" in verdict.columns[1].reasons[0]
    assert verdict.status is OK


def test_a_column_of_another_kind_is_not_computed() -> None:
    column = column_of(pa.array([1.0] * 100), pa.array(["1"] * 100))
    assert (column.status, column.reasons[0][:52]) == (NONE, "numeric in the reference profile, categorical tonigh")


def test_a_date_is_compared_by_its_missing_rate_alone() -> None:
    values = pa.array([5] * 400, pa.timestamp("us"))
    reference = ReferenceProfile(contract_digest="c", rows=400, columns=(build_column("when", "temporal", values),))
    profile = Profile.empty(reference, [ProfileColumn("when", "temporal")])
    profile.add_conformed(BatchColumns(pa.record_batch({"when": pa.nulls(400, pa.timestamp("us"))})))
    column = compare(reference, profile, Drift()).columns[0]
    assert (column.status, column.psi) == (DRIFT, None)
    assert column.reasons[0] == "missing: 100 % tonight, 0 % in training"


# -------------------------------------------------------------------------------------------------------------- scores


def scored(values: np.ndarray, models: dict[str, str] | None = None) -> ColumnDrift:
    trained = np.linspace(0, 1, 5_000) ** 2
    score = build_score("p", "probability", "late", trained)
    reference = ReferenceProfile(contract_digest="c", models={"late": "aa"}, rows=5_000, scores=(score,))
    profile = Profile.empty(reference, [], [ScoreColumn("p", "probability", "late")])
    profile.rows_conformed = len(values)
    profile.add_scores("p", values)
    return compare(reference, profile, Drift(), Tonight(models=models or {})).columns[0]


def test_scores_are_compared_on_deciles_and_shown_on_twenty_equal_bins() -> None:
    column = scored(np.linspace(0, 1, 1_000))
    assert (column.role, column.status, len(column.bins), len(column.unit_bins)) == ("score", DRIFT, 10, 20)
    assert [item.current for item in column.unit_bins] == [50] * 20
    assert column.unit_bins[0].label == "0.00 to 0.05"
    assert column.mean_current == pytest.approx(0.5)


def test_the_scores_of_another_model_are_not_compared() -> None:
    assert scored(np.linspace(0, 1, 500), {"late": "aa"}).status is DRIFT
    column = scored(np.linspace(0, 1, 500), {"late": "bb"})
    assert (column.status, column.psi) == (NONE, None)
    assert "the scores of another model than tonight's 'late'" in column.reasons[0]


def test_a_night_without_a_score_says_so() -> None:
    reference = ReferenceProfile(contract_digest="c", rows=9, scores=(build_score("p", "number", "m", np.arange(9.0)),))
    profile = Profile.empty(reference, [], [ScoreColumn("p", "number", "m")])
    profile.rows_conformed = 3
    column = compare(reference, profile, Drift()).columns[0]
    assert (column.status, column.reasons) == (NONE, ("values not compared: there is none tonight",))


# ---------------------------------------------------------------------------------------------------- the run's status


def columns(statuses: dict[str, DriftStatus]) -> list[ColumnDrift]:
    return [ColumnDrift(name, "feature", "numeric", status, 1, 1) for name, status in statuses.items()]


@pytest.mark.parametrize(
    ("statuses", "status", "reason"),
    [
        ({"a": OK, "b": OK}, OK, "2 of 2 compared columns are as in training"),
        ({"a": OK, "b": FEW}, OK, "1 of 2 compared columns are as in training, 1 have too few rows to tell"),
        ({"a": OK, "b": WARN, "c": OK}, WARN, "0 of 3 compared columns drifted, 1 gave a warning: b"),
        ({"a": OK, "b": DRIFT, "c": OK}, WARN, "1 of 3 compared columns drifted: b"),
        ({"a": OK, "b": DRIFT, "c": NONE}, DRIFT, "1 of 2 compared columns drifted, and from 50 % on"),
        ({"key": DRIFT, "b": OK, "c": OK, "d": OK}, DRIFT, "the critical key drifted; 1 of 4 compared"),
        ({"key": NONE, "b": OK}, WARN, "the critical key could not be compared"),
        ({"a": FEW, "b": FEW}, FEW, "too few rows to tell in all 2 compared columns"),
        ({"a": NONE}, NONE, "no column could be compared"),
        ({}, NONE, "no column could be compared"),
    ],
)
def test_the_run_has_the_status_that_its_columns_give(
    statuses: dict[str, DriftStatus], status: DriftStatus, reason: str
) -> None:
    critical = ("key",) if "key" in statuses else ()
    found, sentence = run_status(columns(statuses), Drift(critical=critical))
    assert found is status
    assert sentence.startswith(reason)


def test_without_a_reference_drift_is_not_computed_and_says_why() -> None:
    reason = "the reference profile profile.json does not exist: make it with `nightscore profile`"
    verdict = compare(reason, Profile.empty(None, [ProfileColumn("x", "numeric")]), Drift())
    assert (verdict.status, verdict.reason, verdict.columns) == (NONE, reason, ())


def test_a_profile_on_the_bins_of_another_reference_is_not_compared() -> None:
    one, other = reference_of({"x": pa.array([1.0, 2.0])}), reference_of({"x": pa.array([1.0, 3.0])})
    verdict = compare(one, Profile.empty(other, [ProfileColumn("x", "numeric")]), Drift())
    assert verdict.status is NONE
    assert "counted on the bins of another reference" in verdict.reason


def test_a_night_without_rows_is_not_compared() -> None:
    reference = reference_of({"x": pa.array([1.0, 2.0])})
    verdict = compare(reference, Profile.empty(reference, [ProfileColumn("x", "numeric")]), Drift())
    assert (verdict.status, verdict.reason) == (NONE, "no rows tonight")


def test_a_night_whose_rows_were_all_set_aside_still_has_its_missing_rates() -> None:
    reference = reference_of({"x": pa.array([1.0] * 500)})
    profile = Profile.empty(reference, [ProfileColumn("x", "numeric")])
    profile.add_conformed(BatchColumns(pa.record_batch({"x": pa.nulls(200, pa.float64())})))
    column = compare(reference, profile, Drift()).columns[0]
    assert (column.status, column.current_rows, column.missing_rate_current) == (DRIFT, 0, 1.0)


def test_every_threshold_that_decided_stands_in_the_settings() -> None:
    verdict = verdict_of({"x": pa.array([1.0, 2.0])}, {"x": pa.array([1.0])}, Drift(psi_drift=0.3, critical=("x",)))
    assert verdict.settings["psi_drift"] == 0.3
    assert verdict.settings["critical"] == ["x"]
    assert (verdict.settings["psi_floor"], verdict.settings["bins"], verdict.settings["outside_drift"]) == (
        1e-4,
        10,
        0.05,
    )
    assert verdict.columns[0].critical


def test_drift_json_has_its_agreed_shape_and_is_read_back() -> None:
    trained = {"x": pa.array([float(value) for value in range(100)]), "c": pa.array(["a", "b"] * 50)}
    tonight = {"x": pa.array([None] * 50 + [1.0] * 150), "c": pa.array(["a"] * 180 + ["new"] * 20)}
    verdict = verdict_of(trained, tonight)
    text = json.dumps(drift_json(verdict), indent=1, allow_nan=False) + "\n"
    assert text == (GOLDEN / "drift_verdict.json").read_text()
    assert drift_from_json(json.loads(text)) == verdict


def test_something_else_is_not_taken_for_a_drift_verdict() -> None:
    with pytest.raises(ValueError, match="not a drift verdict of version 3: format 'x', version None"):
        drift_from_json({"format": "x"})


# -------------------------------------------------------------------------------------------------------- false alarms


@pytest.mark.parametrize(("rows", "kinds"), [(150, {OK, FEW, WARN}), (2_000, {OK, WARN})])
def test_an_undrifted_night_raises_no_alarm_in_a_hundred_columns(
    rng: np.random.Generator, rows: int, kinds: set[DriftStatus]
) -> None:
    """400 columns of 150 rows: at most 1 % may be called drifted, and a real shift of one sd is never missed."""
    names = [f"x{number}" for number in range(40)]
    trained = {name: floats(rng.normal(size=20_000)) for name in names}
    reference = reference_of(trained)
    statuses: list[DriftStatus] = []
    for _ in range(10):
        profile = Profile.empty(reference, [ProfileColumn(name, "numeric") for name in names])
        night = BatchColumns(pa.record_batch({name: floats(rng.normal(size=rows)) for name in names}))
        profile.add_conformed(night)
        profile.add_scored(night)
        statuses += [column.status for column in compare(reference, profile, Drift()).columns]
    assert statuses.count(DRIFT) <= 0.01 * len(statuses)
    assert statuses.count(WARN) <= 0.01 * len(statuses)
    assert set(statuses) <= kinds | {DRIFT}
    shifted = verdict_of(trained, {name: floats(rng.normal(1, 1, rows)) for name in names})
    assert {column.status for column in shifted.columns} == {DRIFT}


def test_the_hours_of_a_timestamp_are_told_apart_however_rare_and_stand_in_their_order() -> None:
    def hours(*counts: tuple[str, int]) -> pa.Array:
        return pa.array([hour for hour, count in counts for _ in range(count)])

    trained = hours(("14", 6_000), ("09", 3_980), ("02", 20))
    frozen = build_column("at", "categorical", trained).model_copy(update={"part": "hour"})
    reference = ReferenceProfile(contract_digest="c", rows=10_000, columns=(frozen,))
    profile = Profile.empty(reference, [ProfileColumn("at", "categorical")])
    night = BatchColumns(pa.record_batch({"at": hours(("02", 690), ("14", 200), ("09", 110))}))
    profile.add_conformed(night)
    profile.add_scored(night)
    column = compare(reference, profile, Drift()).columns[0]
    assert [(item.label, item.reference, item.current) for item in column.bins] == [
        ("02", 20, 690),
        ("09", 3_980, 110),
        ("14", 6_000, 200),
    ]
    assert column.reasons[0].startswith("values moved: hour '02' 69 % tonight, 0.2 % in training")
