from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from data_checks.decisions import DecisionProfile
from transforms.predict import _class_places


def binary(threshold: float = 0.5) -> DecisionProfile:
    return DecisionProfile.empty("late", ("on time", "late"), threshold)


def of(scores: np.ndarray, threshold: float = 0.5) -> DecisionProfile:
    profile = binary(threshold)
    for part in np.array_split(scores, 7):
        profile.add_binary(part)
    return profile


def labels_of(scores: np.ndarray, task: str, threshold: float = 0.5) -> list[int]:
    """How often each class is published as the label."""
    card, entry = SimpleNamespace(task=task), SimpleNamespace(output=SimpleNamespace(threshold=threshold))
    model: Any = SimpleNamespace(card=card, entry=entry)
    return np.bincount(_class_places(model, scores), minlength=2).tolist()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("threshold", [0.0, 0.1, 0.35, 0.5, 1.0])
def test_classes_are_counted_as_the_published_labels_are(
    rng: np.random.Generator, dtype: type[np.floating[Any]], threshold: float
) -> None:
    scores = np.concatenate([rng.random(500), np.full(20, threshold), [0.0, 1.0]]).astype(dtype)
    scores = np.concatenate([scores, np.nextafter(scores[500:502], dtype(0))])
    assert of(scores, threshold).counts == labels_of(scores.reshape(-1, 1), "binary", threshold)


def test_a_float32_score_on_the_threshold_is_decided_in_float32() -> None:
    """0.35 as float32 is below 0.35 as float64: widened scores lost their positives on the threshold."""
    scores = np.full(10, 0.35, np.float32)
    assert of(scores, 0.35).counts == [0, 10]
    assert of(scores.astype(np.float64), 0.35).counts == [10, 0]


def test_counts_and_expected_accuracy_are_those_of_pandas(rng: np.random.Generator) -> None:
    scores = rng.beta(2, 5, 3_000)
    profile = of(scores, 0.3)
    frame = pd.DataFrame({"late": scores >= 0.3, "right": np.where(scores >= 0.3, scores, 1 - scores)})
    assert profile.counts == frame["late"].value_counts().sort_index().tolist()
    assert profile.rows == 3_000
    assert profile.expected_accuracy == pytest.approx(frame["right"].mean(), rel=1e-14)


@pytest.mark.parametrize("threshold", [0.2, 0.5, 0.8])
def test_expected_is_realised_accuracy_where_the_probabilities_are_true(
    rng: np.random.Generator, threshold: float
) -> None:
    scores = rng.beta(1.5, 3, 200_000)
    truth = rng.random(200_000) < scores
    expected = of(scores, threshold).expected_accuracy
    assert expected is not None
    right = np.where(scores >= threshold, scores, 1 - scores)
    error = float(np.sqrt((right * (1 - right)).mean() / len(scores)))
    assert abs(float(((scores >= threshold) == truth).mean()) - expected) < 4 * error


def test_expected_is_realised_accuracy_of_several_classes_too(rng: np.random.Generator) -> None:
    scores = rng.dirichlet([2, 1, 1, 0.5], 100_000)
    truth = (scores.cumsum(axis=1) < rng.random((100_000, 1))).sum(axis=1)
    profile = DecisionProfile.empty("kind", "abcd")
    for part in np.array_split(scores, 5):
        profile.add_multiclass(part)
    error = float(np.sqrt((scores.max(axis=1) * (1 - scores.max(axis=1))).mean() / 100_000))
    assert profile.expected_accuracy is not None
    assert abs(float((scores.argmax(axis=1) == truth).mean()) - profile.expected_accuracy) < 4 * error


def test_of_equally_probable_classes_the_first_is_decided_for_as_in_the_label(rng: np.random.Generator) -> None:
    scores = rng.choice([0.2, 0.3, 0.5], (500, 3)).astype(np.float32)
    profile = DecisionProfile.empty("kind", "abc")
    profile.add_multiclass(scores)
    assert profile.counts == labels_of(scores, "multiclass")
    profile = DecisionProfile.empty("kind", "abc")
    profile.add_multiclass(np.array([[0.2, 0.4, 0.4]]))
    assert (profile.counts, profile.expected_accuracy) == ([0, 1, 0], 0.4)


def test_rows_without_a_finite_score_are_missing_and_not_decided() -> None:
    profile = of(np.array([0.9, np.nan, 0.2, np.inf, -np.inf, np.nan]))
    assert (profile.counts, profile.rows, profile.missing) == ([1, 1], 2, 4)
    assert profile.expected_accuracy == pytest.approx(0.85)
    several = DecisionProfile.empty("kind", "abc")
    several.add_multiclass(np.array([[0.1, np.nan, 0.9], [0.2, 0.7, 0.1]]))
    assert (several.counts, several.missing) == ([0, 1, 0], 1)


def test_no_rows_have_no_accuracy() -> None:
    profile = binary()
    profile.add_binary(np.zeros(0, np.float32))
    assert profile == binary()
    assert (profile.rows, profile.expected_accuracy) == (0, None)
    several = DecisionProfile.empty("kind", "abc")
    several.add_multiclass(np.zeros((0, 3)))
    assert several == DecisionProfile.empty("kind", "abc")


def test_scores_that_decide_nothing_are_refused() -> None:
    with pytest.raises(ValueError, match=r"model 'late': int64 scores and a threshold of 0\.5 decide nothing"):
        binary().add_binary(np.array([0, 1]))
    with pytest.raises(ValueError, match="model 'kind': float64 scores and a threshold of None decide nothing"):
        DecisionProfile.empty("kind", "abc").add_binary(np.array([0.5]))
    with pytest.raises(ValueError, match=r"model 'kind': scores of shape \(4, 2\) for 3 classes"):
        DecisionProfile.empty("kind", "abc").add_multiclass(np.zeros((4, 2)))


@pytest.mark.parametrize(("labels", "threshold"), [(("a", "a"), 0.5), (("a", "b", "c"), 0.5), (("a",), 0.5)])
def test_classes_that_do_not_fit_are_refused(labels: tuple[str, ...], threshold: float) -> None:
    with pytest.raises(ValueError, match="the classes must differ, have a count each, and be two with a threshold"):
        DecisionProfile.empty("late", labels, threshold)


@pytest.mark.parametrize(
    "other",
    [
        DecisionProfile.empty("early", ("on time", "late"), 0.5),
        DecisionProfile.empty("late", ("late", "on time"), 0.5),
        DecisionProfile.empty("late", ("on time", "late"), 0.4),
        DecisionProfile.empty("late", ("on time", "late")),
    ],
)
def test_decisions_of_another_kind_do_not_merge(other: DecisionProfile) -> None:
    with pytest.raises(ValueError, match="decisions of other models or thresholds cannot be merged"):
        binary().merge(other)


def test_it_comes_back_from_strict_json(rng: np.random.Generator) -> None:
    for profile in (of(rng.random(100).astype(np.float32), 0.35), DecisionProfile.empty("kind", "abc")):
        assert DecisionProfile.from_json(json.loads(json.dumps(profile.to_json(), allow_nan=False))) == profile
    with pytest.raises(ValueError, match="have a count each"):
        DecisionProfile.from_json(binary().to_json() | {"counts": [1]})
