from __future__ import annotations

import json
from dataclasses import asdict

import numpy as np
import pandas as pd
import pytest
from scipy.stats import chi2

from data_checks.drift_rules import judge_missing
from data_checks.slice_drift import LISTED, compare_slices
from data_checks.slices import MISSING, OTHER, SliceProfile
from schemas.drift_settings import Drift
from schemas.verdicts import DriftStatus, SliceDrift

VALUES = ("AA", "DL", "UA", OTHER, MISSING)
COLUMNS = ("temp", "wind", "dist")
BINS = 8
LABELS = {name: [f"b{place}" for place in range(BINS)] for name in COLUMNS} | {"p": ["low", "high"]}
OK, WARN, DRIFT = DriftStatus.OK, DriftStatus.WARN, DriftStatus.DRIFT


def random_rows(rng: np.random.Generator, rows: int) -> pd.DataFrame:
    table = {name: rng.integers(0, BINS, rows) for name in COLUMNS}
    return pd.DataFrame({"slice": rng.choice(3, rows, p=[0.5, 0.3, 0.2]), **table, "p": rng.random(rows)})


def profile_of(rows: pd.DataFrame) -> SliceProfile:
    columns = [name for name in rows.columns if name not in ("slice", "p")]
    profile = SliceProfile.empty("carrier", VALUES, dict.fromkeys(columns, BINS), {"p": 2})
    codes = rows["slice"].to_numpy()
    profile.add_rows(codes, {name: rows[name].to_numpy() for name in columns})
    profile.add_scores(codes, "p", rows["p"].to_numpy(), (rows["p"] >= 0.5).to_numpy().astype(int))
    return profile


def by_value(found: tuple[SliceDrift, ...]) -> dict[str, SliceDrift]:
    return {one.value: one for one in found}


def counted(rows: dict[str, int], **cells: dict[str, list[int]]) -> SliceProfile:
    """A profile with the given counts: rows per value, and per column the bins of a value, the last one missing."""
    profile = SliceProfile.empty("carrier", VALUES, dict.fromkeys(cells, 2), {})
    for value, count in rows.items():
        profile.rows[VALUES.index(value)] = count
    for name, column in cells.items():
        for value, counts in column.items():
            profile.columns[name][VALUES.index(value)] = counts
    return profile


def test_a_column_that_moved_in_one_slice_only_is_found_there_with_the_numbers_of_numpy(
    rng: np.random.Generator,
) -> None:
    trained, tonight = random_rows(rng, 40_000), random_rows(rng, 20_000)
    moved = (tonight["slice"] == 2) & (rng.random(len(tonight)) < 0.5)
    tonight.loc[moved, "wind"] = 7
    found = compare_slices(profile_of(trained), profile_of(tonight), Drift(), LABELS)
    assert [one.value for one in found] == ["UA", "AA", "DL"]
    assert [one.status for one in found] == [DRIFT, OK, OK]
    assert [one.compared for one in found] == [4, 4, 4]
    (column,) = found[0].columns
    shares = pd.concat(
        [side[side["slice"] == 2]["wind"].value_counts(normalize=True) for side in (trained, tonight)], axis=1
    ).to_numpy()
    psi = float(((shares[:, 1] - shares[:, 0]) * np.log(shares[:, 1] / shares[:, 0])).sum())
    assert column.psi == pytest.approx(psi, rel=1e-12)
    noise = float(chi2.ppf(0.95, BINS - 1)) * (1 / found[0].reference_rows + 1 / found[0].current_rows)
    assert column.psi_noise_95 == pytest.approx(noise, rel=1e-9)
    share = 100 * (tonight[tonight["slice"] == 2]["wind"] == 7).mean()
    assert column.reason.startswith(f"values moved: 'b7' {share:.0f} % tonight, 1")
    assert column.reason.endswith(f"(PSI {psi:.2f}, drift from 0.25)")


def test_rows_and_mean_scores_of_both_sides_are_told(rng: np.random.Generator) -> None:
    trained, tonight = random_rows(rng, 3_000), random_rows(rng, 2_000)
    found = by_value(compare_slices(profile_of(trained), profile_of(tonight), Drift(), LABELS))
    for place in range(3):
        one = found[VALUES[place]]
        before, now = trained[trained["slice"] == place], tonight[tonight["slice"] == place]
        assert (one.reference_rows, one.current_rows) == (len(before), len(now))
        assert one.score_means_reference == pytest.approx({"p": before["p"].mean()}, rel=1e-13)
        assert one.score_means_current == pytest.approx({"p": now["p"].mean()}, rel=1e-13)


def test_slices_without_rows_are_left_out_and_those_of_one_side_not_compared(rng: np.random.Generator) -> None:
    trained, tonight = random_rows(rng, 3_000), random_rows(rng, 2_000)
    trained, tonight = trained[trained["slice"] != 0], tonight[tonight["slice"] != 1]
    found = by_value(compare_slices(profile_of(trained), profile_of(tonight), Drift(), LABELS))
    assert found.keys() == {"AA", "DL", "UA"}
    for value in ("AA", "DL"):
        one = found[value]
        assert (one.status, one.compared, one.columns) == (DriftStatus.NOT_COMPUTED, 0, ())
    assert (found["AA"].reference_rows, found["DL"].current_rows) == (0, 0)
    assert found["AA"].score_means_reference == found["DL"].score_means_current == {"p": None}
    assert found["UA"].compared == 4


def test_the_worst_slice_comes_first_then_the_largest_then_by_name() -> None:
    moved, same = [100, 900, 0], [500, 500, 0]
    reference = counted(dict.fromkeys(VALUES, 1_000), a=dict.fromkeys(VALUES, same))
    rows = {"AA": 1_000, "DL": 1_000, "UA": 1_000, OTHER: 3_000, MISSING: 1_000}
    tables = {"AA": same, "DL": same, "UA": moved, OTHER: [1_500, 1_500, 0], MISSING: [0, 0, 1_000]}
    found = compare_slices(reference, counted(rows, a=tables), Drift(), {"a": ["x", "y"]})
    assert [(one.value, one.status) for one in found] == [
        ("UA", DRIFT),
        (MISSING, DRIFT),
        (OTHER, OK),
        ("AA", OK),
        ("DL", OK),
    ]


def test_a_column_that_is_wholly_missing_tonight_is_drift_without_a_psi() -> None:
    reference = counted({"AA": 1_000}, a={"AA": [500, 480, 20]})
    found = compare_slices(reference, counted({"AA": 300}, a={"AA": [0, 0, 300]}), Drift(), {"a": ["x", "y"]})
    (column,) = found[0].columns
    assert (column.status, column.psi, column.psi_noise_95) == (DRIFT, None, None)
    assert (column.missing_rate_reference, column.missing_rate_current) == (0.02, 1.0)
    assert column.reason == "missing: 100 % tonight, 2.0 % in training"


def test_a_column_without_values_on_both_sides_is_not_compared_and_does_not_spoil_the_slice() -> None:
    reference = counted({"AA": 1_000}, a={"AA": [0, 0, 1_000]}, b={"AA": [500, 500, 0]})
    current = counted({"AA": 1_000}, a={"AA": [0, 0, 1_000]}, b={"AA": [510, 490, 0]})
    labels = {"a": ["x", "y"], "b": ["x", "y"]}
    (one,) = compare_slices(reference, current, Drift(), labels)
    assert (one.status, one.compared, one.columns) == (OK, 1, ())
    (none,) = compare_slices(reference, current, Drift(), {"a": ["x", "y"]})
    assert (none.status, none.compared) == (DriftStatus.NOT_COMPUTED, 0)


def test_a_score_that_was_not_counted_on_one_side_is_not_compared() -> None:
    reference = counted({"AA": 1_000}, a={"AA": [500, 500, 0]})
    (one,) = compare_slices(reference, counted({"AA": 1_000}, a={}), Drift(), {"a": ["x", "y"]})
    assert (one.status, one.compared) == (DriftStatus.NOT_COMPUTED, 0)


def test_a_slice_of_few_rows_is_insufficient_data_and_lists_nothing() -> None:
    reference = counted({"AA": 10_000}, a={"AA": [5_000, 5_000, 0]})
    (one,) = compare_slices(reference, counted({"AA": 12}, a={"AA": [9, 3, 0]}), Drift(), {"a": ["x", "y"]})
    assert (one.status, one.compared, one.columns) == (DriftStatus.INSUFFICIENT_DATA, 1, ())


def test_values_and_missing_rate_of_one_column_are_told_together_the_worse_first() -> None:
    reference = counted({"AA": 10_000}, a={"AA": [5_000, 5_000, 0]})
    current = counted({"AA": 10_000}, a={"AA": [900, 8_800, 300]})
    (one,) = compare_slices(reference, current, Drift(), {"a": ["x", "y"]})
    (column,) = one.columns
    assert column.status is DRIFT
    values, missing = column.reason.split("; ")
    assert values.startswith("values moved: 'x' 9.3 % tonight, 50 % in training (PSI ")
    assert missing == "missing: 3.0 % tonight, 0 % in training"


def test_at_most_ten_columns_are_listed_the_worst_then_the_largest_psi_first() -> None:
    names = [f"c{place:02}" for place in range(14)]
    reference = counted({"AA": 10_000}, **{name: {"AA": [5_000, 5_000, 0]} for name in names})
    shares = {name: 3_500 - 100 * place for place, name in enumerate(names)}
    current = counted({"AA": 10_000}, **{name: {"AA": [low, 10_000 - low, 0]} for name, low in shares.items()})
    (one,) = compare_slices(reference, current, Drift(), {name: ["x", "y"] for name in names})
    assert one.compared == 14
    assert [column.column for column in one.columns] == names[:3:-1]
    assert len(one.columns) == LISTED
    psis = [column.psi or 0.0 for column in one.columns]
    assert psis == sorted(psis, reverse=True)


def test_the_more_pairs_are_compared_the_less_likely_by_chance_a_difference_must_be() -> None:
    """90 of 200 against 60 of 200 is p 0.002: enough at a significance of 0.01 for one pair, not for ten."""
    names = [f"c{place}" for place in range(10)]
    reference = counted({"AA": 200}, **{name: {"AA": [60, 140, 0]} for name in names})
    current = counted({"AA": 200}, **{name: {"AA": [90, 110, 0]} for name in names})
    settings = Drift(significance=0.01, psi_warn=0.05)
    (alone,) = compare_slices(reference, current, settings, {"c0": ["x", "y"]})
    assert [column.status for column in alone.columns] == [WARN]
    (many,) = compare_slices(reference, current, settings, {name: ["x", "y"] for name in names})
    assert (many.status, many.columns) == (DriftStatus.INSUFFICIENT_DATA, ())


def test_the_pairs_that_count_are_those_with_rows_on_both_sides() -> None:
    """Nine empty slices and one that is new tonight do not make the tenth harder to judge."""
    reference = counted({"AA": 200, "DL": 50}, a={"AA": [60, 140, 0], "DL": [25, 25, 0]})
    current = counted({"AA": 200, "UA": 50}, a={"AA": [90, 110, 0], "UA": [25, 25, 0]})
    found = compare_slices(reference, current, Drift(significance=0.0025, psi_warn=0.05), {"a": ["x", "y"]})
    assert (found[0].value, found[0].status) == ("AA", WARN)


def test_one_missing_value_in_a_small_slice_is_no_alarm() -> None:
    """The column's rule alone, made for whole nights, called this a warning: z is 15, but the chance is 0.8 %."""
    assert judge_missing((1, 10_000), (1, 20)).status is not OK
    reference = counted({"AA": 10_000}, a={"AA": [5_000, 4_999, 1]})
    (one,) = compare_slices(reference, counted({"AA": 20}, a={"AA": [10, 9, 1]}), Drift(), {"a": ["x", "y"]})
    assert one.columns == ()
    (half,) = compare_slices(reference, counted({"AA": 20}, a={"AA": [5, 5, 10]}), Drift(), {"a": ["x", "y"]})
    assert [column.status for column in half.columns] == [DRIFT]


def test_nights_without_drift_raise_no_alarm_over_a_thousand_pairs(rng: np.random.Generator) -> None:
    """Missing rates judged as those of whole columns are, by z > 3, gave alarms nearly every night."""
    values = (*(f"v{place}" for place in range(48)), OTHER, MISSING)
    weights = 1 / np.arange(1, 51) ** 1.2
    labels = {f"c{place}": [f"b{number}" for number in range(10)] for place in range(20)}
    skewed = np.array([0.3, 0.2, 0.15, 0.1, 0.1, 0.06, 0.05, 0.03, 0.009, 0.001])
    missing = [0.0, 0.0005, 0.01, 0.2]

    def night(rows: int) -> SliceProfile:
        profile = SliceProfile.empty("slice", values, dict.fromkeys(labels, 10), {})
        profile.rows[:] = rng.multinomial(rows, weights / weights.sum())
        for place, name in enumerate(labels):
            rate = missing[place % 4]
            profile.columns[name][:] = rng.multinomial(profile.rows, [*(skewed * (1 - rate)), rate])
        return profile

    alarms_by_z = 0
    for _ in range(5):
        trained, tonight = night(50_000), night(8_000)
        found = compare_slices(trained, tonight, Drift(), labels)
        assert [one.columns for one in found if one.columns] == []
        for name in labels:
            rates = ([*zip(side.columns[name][:, -1], side.rows, strict=True)] for side in (trained, tonight))
            alarms_by_z += sum(judge_missing(*pair).status is not OK for pair in zip(*rates, strict=True) if pair[1][1])
    assert alarms_by_z > 5


def test_what_has_no_labels_is_left_out_together_with_its_mean(rng: np.random.Generator) -> None:
    sides = profile_of(random_rows(rng, 3_000)), profile_of(random_rows(rng, 2_000))
    for one in compare_slices(*sides, Drift(), {"temp": LABELS["temp"]}):
        assert (one.compared, one.score_means_reference, one.score_means_current) == (1, {}, {})
    for one in compare_slices(*sides, Drift(), {}):
        assert (one.status, one.compared) == (DriftStatus.NOT_COMPUTED, 0)


def test_the_verdict_is_strict_json_and_the_same_from_stored_profiles(rng: np.random.Generator) -> None:
    sides = profile_of(random_rows(rng, 3_000)), profile_of(random_rows(rng, 2_000))
    found = compare_slices(*sides, Drift(), LABELS)
    json.dumps([asdict(one) for one in found], allow_nan=False)
    stored = [SliceProfile.from_json(json.loads(json.dumps(side.to_json()))) for side in sides]
    assert compare_slices(stored[0], stored[1], Drift(), LABELS) == found


def test_sides_on_other_slices_or_bins_are_refused() -> None:
    one = counted({"AA": 1}, a={"AA": [1, 0, 0]})
    other = SliceProfile.empty("carrier", ("AA", OTHER, MISSING), {"a": 2}, {})
    with pytest.raises(ValueError, match="slices of 'carrier' and 'carrier' with other values: not comparable"):
        compare_slices(one, other, Drift(), {})
    with pytest.raises(ValueError, match="column 'a': not counted on the same 1 bins in training and tonight"):
        compare_slices(one, one, Drift(), {"a": ["x"]})
    with pytest.raises(ValueError, match="column 'b': not counted on the same 2 bins in training and tonight"):
        compare_slices(one, one, Drift(), {"b": ["x", "y"]})
