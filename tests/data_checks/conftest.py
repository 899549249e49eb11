"""A night's report with something in every section, made by hand."""

from __future__ import annotations

from typing import Any

import pytest

from data_checks.report_facts import FeatureCount, QuarantineCount, ReportFacts
from schemas.errors import ExitCode
from schemas.ledger import Account, Ledger
from schemas.verdicts import (
    Bin,
    ClassShare,
    ColumnDrift,
    DecisionDrift,
    DriftStatus,
    DriftVerdict,
    EarlierNight,
    ExpectationVerdict,
    FeatureImpact,
    GateDecision,
    ImpactVerdict,
    SliceColumn,
    SliceDrift,
    Status,
    Trend,
)

OK, WARN, DRIFT, FEW, NONE = (
    DriftStatus.OK,
    DriftStatus.WARN,
    DriftStatus.DRIFT,
    DriftStatus.INSUFFICIENT_DATA,
    DriftStatus.NOT_COMPUTED,
)


def numeric(name: str, status: DriftStatus = OK, role: str = "feature", **more: Any) -> ColumnDrift:
    """Ten bins; a drifted one has moved down."""
    before = (100,) * 10
    now = (
        (310, 180, 90, 70, 60, 40, 30, 20, 10, 5)
        if status in (DRIFT, WARN)
        else (82, 79, 85, 80, 84, 78, 81, 80, 83, 83)
    )
    edges = ["below 12.5", *(f"{12.5 + 4 * place:g} to {16.5 + 4 * place:g}" for place in range(8)), "44.5 and more"]
    values: dict[str, Any] = {
        "psi": 0.61 if status is DRIFT else 0.14 if status is WARN else 0.004,
        "psi_noise_95": 0.036,
        "js_distance_base2": 0.31 if status is DRIFT else 0.02,
        "missing_rate_reference": 0.0003,
        "missing_rate_current": 0.0006,
        "missing_rate_z": 1.2,
        "out_of_range_share": 0.012 if status is DRIFT else 0.0,
        "mean_reference": 31.4,
        "mean_current": 19.27 if status is DRIFT else 31.2,
        "bins": tuple(Bin(*item) for item in zip(edges, before, now, strict=True)),
        "measures": {
            "total_variation": 0.41,
            "hellinger": 0.29,
            "ks_on_grid": 0.4,
            "ks_at_most": 0.42,
            "ks_p_value": 1.3e-40,
            "mean_shift_over_reference_sd": None,
            "mean_shift_over_reference_sd_reason": "the reference has no spread",
        },
    }
    if status is DRIFT:
        values["reasons"] = ("values moved: 60 % tonight below 16.5, 20 % in training (PSI 0.61, drift from 0.25)",)
    if status is WARN:
        values["reasons"] = ("values moved: 60 % tonight below 16.5, 20 % in training (PSI 0.14, warning from 0.1)",)
    return ColumnDrift(name, role, "numeric", status, 1_000, 815, **values | more)


def categorical(name: str, status: DriftStatus = OK, **more: Any) -> ColumnDrift:
    """Five categories, two of them hardly ever seen."""
    counts = (("UA", 400, 120), ("AA", 350, 300), ("B6", 240, 380), ("patient 17", 4, 3), ("patient 18", 1, 0))
    values: dict[str, Any] = {
        "psi": 0.31,
        "psi_noise_95": 0.02,
        "js_distance_base2": 0.22,
        "missing_rate_reference": 0.0,
        "missing_rate_current": 0.0,
        "missing_rate_z": 0.0,
        "unseen_share": 0.02,
        "bins": (*(Bin(*item) for item in counts), Bin("__other__", 5, 9), Bin("__unseen__", 0, 15)),
        "measures": {"l_infinity": 0.25, "l_infinity_category": "UA", "chi_square": 133.1},
    }
    if status is DRIFT:
        values["reasons"] = ("values moved: 'UA' 14 % tonight, 40 % in training (PSI 0.31, drift from 0.25)",)
    return ColumnDrift(name, "feature", "categorical", status, 1_000, 827, **values | more)


def score(name: str = "p_late", status: DriftStatus = WARN, **more: Any) -> ColumnDrift:
    """A probability."""
    unit = tuple(
        Bin(f"{place / 20:.2f} to {(place + 1) / 20:.2f}", (20 - place) ** 2, 60 + 10 * place - place**2 // 2)
        for place in range(20)
    )
    values: dict[str, Any] = {"mean_reference": 0.3012, "mean_current": 0.4127, "unit_bins": unit}
    return numeric(name, status, **values | more, role="score")


def impact() -> ImpactVerdict:
    """What moved the score: the drifted column most, one that the model does not use not at all."""
    features = (
        FeatureImpact("temp", ("temp",), 0.0831, 0.041),
        FeatureImpact("carrier_rate", ("carrier", "dest"), -0.0212, 0.062),
        FeatureImpact("dew", ("dew",), 0.0004, 0.011),
        FeatureImpact("wind", ("wind",), 0.0, 0.0),
    )
    return ImpactVerdict("p_late", "late", "probability", 4_980, 811, 0.0623, features)


def decision() -> DecisionDrift:
    """A binary model that decides late more often."""
    classes = (ClassShare("on time", 0.79, 0.688, 0.655, 0.719), ClassShare("late", 0.21, 0.312, 0.281, 0.345))
    reason = "late: 31 % of tonight's rows decided 'late', 21 % in training (total variation 0.10, drift from 0.1)"
    return DecisionDrift("late", 0.5, DRIFT, 5_000, 815, classes, 0.102, 0.842, 0.811, reason)


def slices() -> tuple[SliceDrift, ...]:
    """Four slices, one of which has drifted."""
    reason = "values moved: 71 % tonight below 16.5, 20 % in training (PSI 0.93, drift from 0.25)"
    moved = SliceColumn("temp", DRIFT, 0.93, 0.05, 0.0, 0.0, reason)
    means: dict[str, Any] = {"score_means_reference": {"p_late": 0.29}, "score_means_current": {"p_late": 0.55}}
    return (
        SliceDrift("origin", "JFK", DRIFT, 1_700, 402, 12, (moved,), **means),
        SliceDrift("origin", "LGA", OK, 1_650, 398, 12),
        SliceDrift("origin", "EWR", FEW, 30, 15, 12),
        SliceDrift("origin", "__missing__", NONE, 0, 0),
    )


def trend() -> Trend:
    """The night before was alike, the same weekday was not."""
    before = {
        "temp": {"status": OK, "psi": 0.02, "mean": 20.1, "missing_rate": 0.0},
        "quiet": {"status": OK, "psi": 0.01, "mean": 31.0, "missing_rate": 0.0},
    }
    weekday = {"temp": {"status": DRIFT, "psi": 0.58, "mean": 30.7, "missing_rate": 0.0}}
    earlier = (
        EarlierNight("the night before", "2013-12-30", "r-0", before),
        EarlierNight("the same weekday", "2013-12-24", "r-7", weekday),
    )
    return Trend({"temp": 3, "carrier": 1}, earlier)


def expectations() -> tuple[ExpectationVerdict, ...]:
    """One met, one not."""
    common: dict[str, Any] = {"type": "expect_column_values_to_be_between", "column": "temp", "evaluated": 815}
    common |= {"kwargs": {"column": "temp", "min_value": 0, "max_value": 120, "mostly": 0.99}, "severity": "critical"}
    met, unmet = {"status": Status.PASSED, "success": True}, {"status": Status.FAILED, "success": False}
    return (
        ExpectationVerdict("temp_range", **common, **met, on_fail="fail", unexpected=0, message="all are within"),
        ExpectationVerdict("temp_wide", **common, **unmet, on_fail="warn", unexpected=31, message="31 are outside"),
    )


def rich() -> ReportFacts:
    """A held night with something in every section."""
    columns = (
        numeric("quiet"),
        numeric("temp", DRIFT, critical=True),
        numeric("wind", WARN),
        categorical("carrier", DRIFT),
        *(numeric(f"column_{number}") for number in range(6)),
        score(),
    )
    drift = DriftVerdict(
        DRIFT,
        columns,
        "the critical temp drifted; 2 of 11 compared columns drifted",
        {"psi_drift": 0.25, "critical": ["temp"]},
        slices(),
        (decision(),),
        (impact(),),
    )
    return ReportFacts(
        job="flights-late",
        run_date="2013-12-31",
        run_id="r-1",
        outcome="held",
        ledger=Ledger({"part-0.parquet": Account(827, 815, 12, 0, 0)}),
        decision=GateDecision(
            publish=False, exit_code=ExitCode.DRIFT_GATE, reasons=(drift.reason,), warnings=("temp_wide is not met",)
        ),
        stands="The partition of run r-0 (revision 2) still stands.",
        next_steps=("Mend the data and run `nightscore run flights --date 2013-12-31`.",),
        expectations=expectations(),
        drift=drift,
        trend=trend(),
        quarantine=(QuarantineCount("distance_between", "distance", "unexpected_value", 12),),
        features=(FeatureCount("dest", 2, 0, "missing"),),
        provenance={"run": {"job": "flights-late", "run": "r-1", "seconds": 3.1}},
    )


@pytest.fixture
def rich_facts() -> ReportFacts:
    """A held night with something in every section."""
    return rich()
