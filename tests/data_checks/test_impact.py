"""Sums of contributions against NumPy, the sample, and the verdict that is made of two of them."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from data_checks.impact import Explained, ImpactSums, ScoreImpact, sample_mask
from data_checks.impact_verdict import column_impact, impact_verdicts
from data_checks.mixing import mix
from schemas.verdicts import ImpactVerdict

Floats = npt.NDArray[np.float64]
EXPLAINED = Explained("p", "m", "0" * 64, "probability", ("a", "b", "c"))
SOURCES = {("m", "a"): ("x",), ("m", "b"): ("x", "y"), ("m", "c"): ("z",)}


def values(rows: int, seed: int = 0) -> Floats:
    """Feature c never contributes."""
    made = np.random.default_rng(seed).normal([0.1, -0.2, 0.0], [0.5, 0.01, 0.0], (rows, 3))
    return np.asarray(made)


def sums(*batches: Floats, explained: Explained = EXPLAINED) -> ImpactSums:
    made = ImpactSums()
    for batch in batches:
        made.add(explained, batch)
    return made


def verdict(reference: ImpactSums | None, current: ImpactSums) -> ImpactVerdict:
    (found,) = impact_verdicts(reference, current, SOURCES)
    return found


def changed(**facts: Any) -> Explained:
    return Explained(**{**EXPLAINED.__dict__, **facts})


# -------------------------------------------------------------------------------------------------------------- sample


def keys(rows: int, start: int = 0) -> npt.NDArray[np.uint64]:
    """Hashes of consecutive whole keys."""
    return mix(np.arange(start, start + rows, dtype=np.uint64))


def test_the_sample_is_of_about_the_wanted_size() -> None:
    """Four standard deviations of a binomial number."""
    count = np.count_nonzero(sample_mask(keys(100_000), 5_000, 100_000))
    assert abs(count - 5_000) < 4 * np.sqrt(5_000 * 0.95)


def test_all_rows_are_sampled_where_so_many_are_wanted() -> None:
    for wanted, total in ((7, 7), (9, 7), (0, 0)):
        assert sample_mask(keys(7), wanted, total).all()


def test_no_row_is_sampled_where_none_is_wanted() -> None:
    assert not sample_mask(keys(1000), 0, 1000).any()


def test_the_sample_does_not_depend_on_the_batch() -> None:
    whole = sample_mask(keys(10_000), 500, 10_000)
    parts = [sample_mask(keys(n, start), 500, 10_000) for start, n in ((0, 1), (1, 6_999), (7_000, 3_000))]
    np.testing.assert_array_equal(np.concatenate(parts), whole)


def test_a_larger_sample_holds_the_smaller_one() -> None:
    small, large = (sample_mask(keys(10_000), wanted, 10_000) for wanted in (300, 700))
    assert (large[small]).all()


def test_the_sample_takes_the_same_share_of_every_bucket() -> None:
    """Buckets are cut by the first or last bits of the hash: a threshold on the hash itself would empty most."""
    hashes = keys(64_000)
    mask = sample_mask(hashes, 16_000, 64_000)
    for bucket in (hashes >> np.uint64(60), hashes & np.uint64(15)):
        shares = np.bincount(bucket.astype(int), mask) / np.bincount(bucket.astype(int))
        assert np.abs(shares - 0.25).max() < 5 * np.sqrt(0.25 * 0.75 / 4_000)


def test_a_sample_of_less_than_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="a sample of -1 out of 10 rows"):
        sample_mask(keys(3), -1, 10)


# ---------------------------------------------------------------------------------------------------------------- sums


def test_mean_and_spread_of_each_feature_are_those_of_numpy() -> None:
    batches = [values(rows, seed) for seed, rows in enumerate((1, 300, 7))]
    whole = np.concatenate(batches)
    found = sums(*batches).scores["p"]
    assert found.rows == len(whole)
    np.testing.assert_allclose(np.array([item.mean for item in found.moments], float), whole.mean(axis=0), rtol=1e-13)
    np.testing.assert_allclose(np.array([item.stdev for item in found.moments], float), whole.std(axis=0, ddof=1))


def test_how_the_rows_are_split_does_not_show_but_in_the_last_digits() -> None:
    whole = values(500)
    one, many = sums(whole), sums(whole[:1], whole[1:200], whole[200:])
    for mine, theirs in zip(one.scores["p"].moments, many.scores["p"].moments, strict=True):
        assert mine.mean == pytest.approx(theirs.mean, rel=1e-14)
        assert mine.stdev == pytest.approx(theirs.stdev, rel=1e-13)


def test_a_sum_travels_as_strict_json() -> None:
    made = sums(values(5))
    made.refuse("q", "n", "no exact contributions for RandomForestClassifier")
    text = json.dumps(made.to_json(), allow_nan=False)
    assert ImpactSums.from_json(json.loads(text)) == made


def test_of_several_reasons_the_first_in_order_is_kept_whoever_came_first() -> None:
    left, right = ImpactSums(), ImpactSums()
    left.refuse("p", "m", "b")
    right.refuse("p", "m", "a")
    for one, other in ((left, right), (right, left)):
        merged = ImpactSums.from_json(one.to_json())
        merged.merge(other)
        assert merged.refused == {"p": ("m", "a")}


@pytest.mark.parametrize(
    "other",
    [changed(model="n"), changed(artefact="1" * 64), changed(unit="margin"), changed(features=("a", "c", "b"))],
    ids=["model", "artefact", "unit", "features"],
)
def test_contributions_that_do_not_add_up_are_not_added(other: Explained) -> None:
    made = sums(values(5))
    before = made.to_json()
    refused = "'p' of other models, units or features cannot be merged"
    with pytest.raises(ValueError, match=refused):
        made.merge(sums(values(5), explained=other))
    with pytest.raises(ValueError, match=refused):
        made.add(other, values(5))
    assert made.to_json() == before


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_a_contribution_that_is_not_finite_is_refused(wrong: float) -> None:
    batch = values(5)
    batch[3, 1] = wrong
    with pytest.raises(ValueError, match="score 'p': a contribution is not finite"):
        sums(batch)


@pytest.mark.parametrize("shape", [(3,), (3, 2), (3, 3, 1)])
def test_contributions_of_another_shape_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"score 'p': contributions of shape .* for 3 features"):
        sums(np.zeros(shape))


def test_json_with_more_sums_than_features_is_refused() -> None:
    raw = sums(values(5)).scores["p"].to_json()
    with pytest.raises(ValueError, match="3 sums for 2 features"):
        ScoreImpact.from_json(raw | {"features": ["a", "b"]})


# ------------------------------------------------------------------------------------------------------------- verdict


def test_the_shifts_are_those_of_numpy_and_add_up_to_the_scores() -> None:
    then, now = values(400, 1), values(300, 2) + np.array([0.01, 0.3, 0.0])
    found = verdict(sums(then), sums(now))
    shifts = now.mean(axis=0) - then.mean(axis=0)
    assert (found.score, found.model, found.unit, found.reason) == ("p", "m", "probability", "")
    assert (found.reference_rows, found.current_rows) == (400, 300)
    by_name = {item.feature: item for item in found.features}
    np.testing.assert_allclose([by_name[name].shift for name in "abc"], shifts, atol=1e-15)
    np.testing.assert_allclose([by_name[name].importance for name in "abc"], then.std(axis=0, ddof=1), rtol=1e-12)
    assert found.shift == pytest.approx(now.sum(axis=1).mean() - then.sum(axis=1).mean())
    assert by_name["b"].columns == ("x", "y")


def test_the_feature_that_moved_the_score_most_is_first_whichever_way_and_one_that_does_nothing_last() -> None:
    then = np.array([[0.0, 1.0, 0.0, 0.0], [0.0, -1.0, 0.0, 0.0]])
    now = then + np.array([0.0, 0.0, 0.1, -0.5])
    explained = changed(features=("idle", "calm", "up", "down"))
    found = verdict(sums(then, explained=explained), sums(now, explained=explained))
    assert [item.feature for item in found.features] == ["down", "up", "calm", "idle"]
    assert (found.features[-1].shift, found.features[-1].importance) == (0.0, 0.0)
    assert found.features[0].columns == ()


def test_a_night_like_training_moves_nothing() -> None:
    made = sums(values(50))
    found = verdict(made, made)
    assert (found.shift, {item.shift for item in found.features}) == (0.0, {0.0})


def refusing(reason: str) -> ImpactSums:
    made = ImpactSums()
    made.refuse("p", "m", reason)
    return made


@pytest.mark.parametrize(
    ("reference", "current", "reason"),
    [
        (None, sums(values(5)), "the reference has no contributions to this score"),
        (ImpactSums(), sums(values(5)), "the reference has no contributions to this score"),
        (sums(values(0)), sums(values(5)), "the reference has no contributions to this score"),
        (sums(values(5)), ImpactSums(), "no scored row of tonight is in the sample"),
        (sums(values(5)), sums(values(0)), "no scored row of tonight is in the sample"),
        (sums(values(1)), sums(values(5)), "the reference's sample is 1 row, which has no spread"),
        (sums(values(5)), refusing("none for forests"), "none for forests"),
        (refusing("none for forests"), sums(values(5)), "in training: none for forests"),
        (None, refusing("none for forests"), "none for forests"),
        (
            sums(values(5)),
            sums(values(5), explained=changed(artefact="1" * 64)),
            "the reference is of another model",
        ),
        (
            sums(values(5)),
            sums(values(5)[:, :2], explained=changed(features=("a", "b"))),
            "the reference is of a model with other features",
        ),
        (
            sums(values(5)),
            sums(values(5), explained=changed(unit="margin")),
            "the reference's contributions are in probability, tonight's in margin",
        ),
    ],
)
def test_what_cannot_be_compared_has_a_reason_and_no_numbers(
    reference: ImpactSums | None, current: ImpactSums, reason: str
) -> None:
    found = verdict(reference, current)
    assert (found.score, found.model, found.reason) == ("p", "m", reason)
    assert (found.shift, found.features) == (None, ())
    assert column_impact([found], "p", "x") is None


def test_every_score_that_a_side_knows_has_a_verdict_in_order_of_names() -> None:
    then, now = sums(values(5), explained=changed(score="z")), sums(values(5), explained=changed(score="a"))
    now.refuse("k", "n", "none")
    found = impact_verdicts(then, now, SOURCES)
    assert [(item.score, item.model) for item in found] == [("a", "m"), ("k", "n"), ("z", "m")]


def test_the_impact_of_a_column_is_that_of_all_features_made_of_it() -> None:
    then, now = values(40, 1), values(30, 2)
    found = impact_verdicts(sums(then), sums(now), SOURCES)
    shifts = now.mean(axis=0) - then.mean(axis=0)
    assert column_impact(found, "p", "x") == pytest.approx(shifts[0] + shifts[1])
    assert column_impact(found, "p", "y") == pytest.approx(shifts[1])
    assert column_impact(found, "p", "z") == 0.0
    assert column_impact(found, "p", "unused") == 0.0
    assert column_impact(found, "q", "x") is None
