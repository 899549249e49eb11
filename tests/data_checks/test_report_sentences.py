from __future__ import annotations

import doctest
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from data_checks import report_phrases, report_sentences
from data_checks.columns import BatchColumns
from data_checks.drift import compare
from data_checks.drift_rules import judge_measures
from data_checks.profile import Profile, ProfileColumn
from data_checks.reference import Kind, ReferenceProfile
from data_checks.reference_build import build_column
from data_checks.report_sentences import drift_sentences, drifted_columns, is_used, moved_words
from schemas.drift_settings import Drift
from schemas.verdicts import Bin, ColumnDrift, DriftStatus, DriftVerdict, FeatureImpact, ImpactVerdict, Trend

DRIFT, WARN, OK = DriftStatus.DRIFT, DriftStatus.WARN, DriftStatus.OK
MOVED = "values moved: 50 % tonight below 45, 10 % in training (PSI 0.88, drift from 0.25)"

HALF = "moved: 50 % of tonight below 45, 10 % in training"


def column(name: str, status: DriftStatus = DRIFT, **more: Any) -> ColumnDrift:
    bins = (Bin("below 45", 10, 50), Bin("45 and more", 90, 50))
    values: dict[str, Any] = {"psi": 0.88, "bins": bins, "reasons": (MOVED,)}
    return ColumnDrift(name, "feature", "numeric", status, 100, 100, **values | more)


def impact(*shifts: tuple[str, float, float], unit: str = "probability", **more: Any) -> ImpactVerdict:
    features = tuple(FeatureImpact(name, (name,), shift, importance) for name, shift, importance in shifts)
    total = sum(feature.shift for feature in features)
    values: dict[str, Any] = {"score": "p_late", "model": "late", "shift": total, "features": features}
    return ImpactVerdict(**{**values, "unit": unit, "reference_rows": 900, "current_rows": 800, **more})


def sentences(
    *columns: ColumnDrift, impacts: tuple[ImpactVerdict, ...] = (), nights: dict[str, int] | None = None
) -> tuple[str, ...]:
    return drift_sentences(DriftVerdict(DRIFT, columns, impacts=impacts), Trend(nights or {}))


def names(told: tuple[str, ...]) -> list[str]:
    return [text.split("`")[1] for text in told]


def test_a_sentence_says_what_moved_what_that_did_and_for_how_long() -> None:
    assert sentences(column("temp"), impacts=(impact(("temp", 0.0213, 0.1)),), nights={"temp": 3}) == (
        f"`temp` {HALF}; it moved the mean of `p_late` by +0.02; 3 nights in a row",
    )


def test_nothing_is_said_of_columns_that_do_not_stand_out() -> None:
    quiet = [column(status, status) for status in DriftStatus if status not in (DRIFT, WARN)]
    assert sentences(*quiet) == ()


def test_one_night_is_no_row_of_nights() -> None:
    assert "in a row" not in sentences(column("temp"), nights={"temp": 1})[0]


def test_critical_columns_come_first_then_impact_then_psi() -> None:
    columns = [
        column("by_psi", psi=9.0),
        column("by_less_psi", psi=1.0),
        column("by_impact", psi=0.3),
        column("critical", psi=0.1, critical=True),
    ]
    moved = impact(("by_impact", -0.05, 0.1), ("by_psi", 0.0001, 0.1), ("by_less_psi", 0.0001, 0.1), ("critical", 0, 1))
    assert names(sentences(*columns, impacts=(moved,))) == ["critical", "by_impact", "by_psi", "by_less_psi"]


def test_a_column_that_the_model_does_not_use_comes_last_and_says_so() -> None:
    moved = impact(("idle", 0.0, 0.0), ("temp", 0.01, 0.1))
    told = sentences(column("idle", critical=True, psi=9.0), column("temp"), impacts=(moved,))
    assert names(told) == ["temp", "idle"]
    assert told[1] == f"`idle` {HALF}; the model does not use it"


def test_a_feature_without_spread_in_training_that_moves_a_score_is_used() -> None:
    assert is_used("new", [impact(("new", 0.2, 0.0))])


def test_of_several_models_none_must_use_it() -> None:
    first, second = impact(("idle", 0.0, 0.0)), impact(("idle", 0.0, 0.0), model="other", score="p_other")
    assert sentences(column("idle"), impacts=(first, second))[0].endswith("; no model uses it")


def test_where_one_model_has_no_impacts_nobody_can_say_that_a_column_is_not_used() -> None:
    unknown = ImpactVerdict("q", "forest", "", reason="no exact contributions for RandomForestClassifier")
    told = sentences(column("idle"), impacts=(impact(("idle", 0.0, 0.0)), unknown))
    assert told == ("`idle` moved: 50 % of tonight below 45, 10 % in training; it hardly moved the mean of `p_late`",)


def test_features_made_of_one_column_count_together() -> None:
    features = (FeatureImpact("a", ("day",), 0.03, 0.1), FeatureImpact("b", ("day", "hour"), -0.01, 0.1))
    told = sentences(column("day"), impacts=(replace(impact(), features=features),))
    assert "it moved the mean of `p_late` by +0.02" in told[0]


def test_of_several_scores_the_one_that_it_moved_most_is_told() -> None:
    first = impact(("temp", 0.01, 0.1))
    second = impact(("temp", -0.4, 0.1), unit="margin", score="p_b")
    assert "it moved the mean margin of `p_b` by −0.4" in sentences(column("temp"), impacts=(first, second))[0]


def test_a_score_tells_its_means_and_what_moved_it_most() -> None:
    p_late = replace(column("p_late"), role="score", mean_reference=0.3012, mean_current=0.4127)
    told = sentences(p_late, impacts=(impact(("dew", -0.01, 1), ("temp", 0.08, 1)),))
    assert told == (f"`p_late` {HALF}; its mean is 0.413, 0.301 in training; `temp` moved it most, by +0.08",)


def test_at_most_five_are_said() -> None:
    assert len(sentences(*(column(f"c{number}") for number in range(9)))) == report_sentences.MOST_SENTENCES == 5


def test_the_columns_in_drift_are_named_in_the_order_of_the_sentences() -> None:
    columns = [column("less", psi=0.5), column("warned", WARN, psi=2.0), column("more", psi=0.9), column("quiet", OK)]
    assert drifted_columns(DriftVerdict(DRIFT, tuple(columns))) == ("more", "less")


# ------------------------------------------------------------------------------------------------- how the values moved


@pytest.mark.parametrize(
    ("bins", "words"),
    [
        ((("below 45", 10, 50), ("45 and more", 90, 50)), "50 % of tonight below 45, 10 % in training"),
        ((("below 45", 90, 50), ("45 and more", 10, 50)), "50 % of tonight at or above 45, 10 % in training"),
        ((("= 0", 0, 100), ("over 0", 100, 0)), "100 % of tonight up to 0, 0 % in training"),
        ((("-1 to 0", 1, 1), ("= 0", 89, 9), ("over 0 to 2", 10, 90)), "90 % of tonight above 0, 10 % in training"),
        ((("below 1e-05", 1, 98), ("1e-05 to 10,000", 9, 2)), "98 % of tonight below 1e-05, 10 % in training"),
        ((("bin 1", 90, 9), ("bin 4", 10, 91)), "91 % of tonight from “bin 4” on, 10 % in training"),
        ((("bin 1", 10, 91), ("bin 4", 90, 9)), "91 % of tonight up to “bin 1”, 10 % in training"),
        ((("all", 100, 100),), "all values are in one bin, as in training"),
    ],
)
def test_a_numeric_move_is_told_from_the_bins(bins: tuple[tuple[str, int, int], ...], words: str) -> None:
    assert moved_words(column("x", bins=tuple(Bin(*bin_) for bin_ in bins))) == words


@pytest.mark.parametrize("seed", range(40))
def test_a_numeric_move_is_told_as_its_reason_tells_it(seed: int) -> None:
    """Of values with ties, few rows and empty bins, by the real comparison."""
    rng = np.random.default_rng(seed)
    trained, tonight = (
        np.round(rng.normal(0, 2, 3000), seed % 3),
        np.round(rng.normal(seed % 5 - 2, 1, 400), seed % 3),
    )
    verdict = compare(*compared(pa.array(trained), pa.array(tonight)), Drift())
    (found,) = verdict.columns
    reasons = [reason for reason in found.reasons if " (PSI " in reason or " (JS " in reason]
    said = [reason.removeprefix("values moved: ").partition(" (")[0] for reason in reasons]
    assert said == [moved_words(found).replace("% of tonight", "% tonight")] * len(reasons)
    assert reasons or seed % 5 == 2


# --------------------------------------------------------------------------------- every reason that the rules can give


def _kind(values: pa.Array) -> Kind:
    return "categorical" if pa.types.is_string(values.type) else "numeric"


def compared(trained: pa.Array, tonight: pa.Array) -> tuple[ReferenceProfile, Profile]:
    """Both sides of a real comparison of one column."""
    kind = _kind(trained)
    reference = ReferenceProfile(contract_digest="c", rows=len(trained), columns=(build_column("x", kind, trained),))
    profile = Profile.empty(reference, [ProfileColumn("x", kind)])
    batch = BatchColumns(pa.record_batch({"x": tonight}))
    profile.add_conformed(batch)
    profile.add_scored(batch)
    return reference, profile


def told_of(trained: pa.Array, tonight: pa.Array) -> str:
    """The sentence on a column of a real comparison."""
    (told,) = drift_sentences(compare(*compared(trained, tonight), Drift()), Trend())
    return told


def test_missing_values_are_told_in_rates(rng: np.random.Generator) -> None:
    trained = pa.array(rng.normal(size=2000))
    tonight = pa.array(rng.normal(size=2000), mask=np.arange(2000) < 500)
    assert told_of(trained, tonight) == "`x` is missing in 25 % of tonight's rows, 0 % in training"


def test_moved_values_are_told_in_shares(rng: np.random.Generator) -> None:
    told = told_of(pa.array(rng.normal(size=5000)), pa.array(rng.normal(-1.2, 1, 2000)))
    assert told.startswith("`x` moved: ")
    assert " of tonight below " in told
    assert "stands out" not in told


def test_unknown_categories_are_told_with_their_number() -> None:
    told = told_of(pa.array(["a", "b"] * 500), pa.array(["a", "b"] * 450 + ["new"] * 100))
    assert told == "`x` has categories unknown to training: 10 % tonight (100 values; 'new' 100)"


def test_values_out_of_range_are_told_with_the_range(rng: np.random.Generator) -> None:
    trained, tonight = rng.uniform(0, 1, 5000), rng.uniform(0, 1, 2000)
    tonight[:60] = 5.0
    assert "is out of range: 3.0 % tonight outside" in told_of(pa.array(trained), pa.array(tonight))


def test_a_mean_is_not_told_beside_the_values_that_moved_it() -> None:
    reasons = (MOVED, "the mean rose by 1.75 standard deviations of training, warning from 0.25")
    assert sentences(column("temp", reasons=reasons)) == (f"`temp` {HALF}",)


def test_a_mean_that_moved_is_told_in_words() -> None:
    measures = {"mean_shift_over_reference_sd": -0.3, "mean_shift_p_value": 1e-9}
    reason = judge_measures(measures, Drift(), 500, told=True).reason
    told = sentences(column("x", reasons=(reason,)))
    assert told == ("`x` has a mean that fell by 0.30 standard deviations of training",)


def test_a_reason_of_another_kind_stands_as_it_is() -> None:
    assert sentences(column("x", reasons=("something else",))) == ("`x` stands out: something else",)


def test_a_column_without_a_reason_is_named() -> None:
    assert sentences(column("x", reasons=())) == ("`x` stands out",)


def test_a_rare_category_is_not_named_in_a_sentence() -> None:
    bins = (Bin("a", 50, 45), Bin("b", 50, 45), Bin("patient 17", 0, 4))
    reasons = ("values moved: 'patient 17' 4.3 % tonight, 0 % in training (PSI 1.2, drift from 0.25)",)
    told = sentences(replace(column("x", bins=bins, reasons=reasons), kind="categorical"))
    assert told == ("`x` moved: rare categories together 4.3 % tonight, 0 % in training",)


@pytest.mark.parametrize(
    ("shift", "unit", "words"),
    [
        (0.0213, "probability", "+0.02"),
        (-0.0042, "probability", "−0.004"),
        (-1.25, "margin", "−1.2"),
        (43210.0, "value", "+43,210"),
    ],
)
def test_a_shift_is_written_with_its_sign(shift: float, unit: str, words: str) -> None:
    assert report_phrases.shift_words(shift, unit) == words


def test_the_examples_hold() -> None:
    assert doctest.testmod(report_phrases).failed == 0
    assert doctest.testmod(report_sentences).failed == 0
