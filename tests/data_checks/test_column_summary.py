from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from data_checks.column_profile import ColumnProfile
from data_checks.column_summary import Categories, ColumnSummary, Numbers
from data_checks.columns import BatchColumns
from data_checks.reference import Kind, ReferenceColumn
from data_checks.reference_build import build_column, build_score
from data_checks.score_profile import ScoreColumn, ScoreProfile

ROWS = 4_000


def laws() -> dict[str, tuple[Kind, pa.Array]]:
    rng = np.random.default_rng(11)
    normal = rng.normal(size=ROWS)
    words = rng.choice(["a", "b", "c"], ROWS, p=[0.7, 0.2, 0.1])
    return {
        "normal": ("numeric", pa.array(normal)),
        "with gaps": ("numeric", pa.array(normal, mask=normal > 1)),
        "with NaN": ("numeric", pa.array(np.where(normal > 1, np.nan, normal))),
        "with infinite": ("numeric", pa.array(np.where(normal > 1, np.inf, np.where(normal < -1, -np.inf, normal)))),
        "zeros": ("numeric", pa.array(np.where(normal < 1, 0.0, normal))),
        "constant": ("numeric", pa.array(np.full(ROWS, 7.0))),
        "integers": ("numeric", pa.array(rng.integers(0, 50, ROWS))),
        "words": ("categorical", pa.array(words.tolist(), mask=normal > 1)),
        "flags": ("categorical", pa.array(normal > 0)),
    }


def night(kind: Kind, values: pa.Array, reference: ReferenceColumn | None, parts: int = 1) -> ColumnProfile:
    profile = ColumnProfile.empty("x", kind, reference)
    for part in np.array_split(np.arange(len(values)), parts):
        columns = BatchColumns(pa.record_batch({"x": values.slice(part[0], len(part))}))
        profile.add_conformed(columns)
        profile.add_scored(columns)
    return profile


@pytest.mark.parametrize("law", laws())
def test_a_night_of_the_training_data_has_the_summary_of_the_training_data(law: str) -> None:
    kind, values = laws()[law]
    reference = build_column("x", kind, values)
    found, expected = ColumnSummary.of_column(night(kind, values, reference)), ColumnSummary.of_reference(reference)
    if found.numbers is not None and expected.numbers is not None:
        means = expected.numbers.low_mean, expected.numbers.high_mean
        assert (found.numbers.low_mean, found.numbers.high_mean) == tuple(
            None if mean is None else pytest.approx(mean, rel=1e-14) for mean in means
        )
        found = replace(found, numbers=replace(found.numbers, low_mean=means[0], high_mean=means[1]))
    assert found == expected


@pytest.mark.parametrize("law", [law for law, (kind, _) in laws().items() if kind == "numeric"])
def test_a_nights_numbers_are_numpys_on_the_edges_of_the_reference(law: str) -> None:
    kind, trained = laws()[law]
    reference = build_column("x", kind, trained)
    assert reference.numeric is not None
    rng = np.random.default_rng(12)
    tonight = np.concatenate([rng.normal(0.5, 2, 1_500), [np.nan, np.inf, -np.inf, 99.0, 0.0, -0.0]])
    summary = ColumnSummary.of_column(night("numeric", pa.array(tonight), reference, parts=3))
    found, edges = summary.numbers, reference.numeric.grid_edges
    present, finite = tonight[~np.isnan(tonight)], tonight[np.isfinite(tonight)]
    assert (summary.rows, summary.missing, summary.present) == (1_506, 1, 1_505)
    assert found is not None
    assert found.counts == tuple(np.histogram(present, [-np.inf, *edges, np.inf])[0].tolist())
    assert (found.infinite, found.finite) == (2, 1_503)
    assert (found.minimum, found.maximum) == (finite.min(), finite.max())
    assert found.mean == pytest.approx(finite.mean(), rel=1e-12)
    assert found.sd == pytest.approx(finite.std(ddof=1), rel=1e-12)
    assert found.low_mean == pytest.approx(finite[finite < edges[0]].mean(), rel=1e-12)
    assert found.high_mean == pytest.approx(finite[finite >= edges[-1]].mean(), rel=1e-12)
    on_bins = found.onto(reference.numeric.grid, reference.numeric.edges)
    assert on_bins == np.histogram(present, [-np.inf, *reference.numeric.edges, np.inf])[0].tolist()


def test_present_is_of_scored_rows_and_missing_of_all_conformed_ones() -> None:
    reference = build_column("x", "numeric", pa.array([1.0, 2.0, 3.0]))
    profile = ColumnProfile.empty("x", "numeric", reference)
    profile.add_conformed(BatchColumns(pa.record_batch({"x": pa.array([None, 1.0, 2.0, float("nan"), 3.0])})))
    profile.add_scored(BatchColumns(pa.record_batch({"x": pa.array([None, 1.0, 2.0])})))
    summary = ColumnSummary.of_column(profile)
    assert (summary.rows, summary.missing, summary.present) == (5, 2, 2)
    assert summary.numbers is not None
    assert sum(summary.numbers.counts) == 2


def test_categories_are_in_the_order_of_the_reference_and_others_together() -> None:
    reference = build_column("x", "categorical", pa.array(["b"] * 5 + ["a"] * 2 + [None]))
    summary = ColumnSummary.of_reference(reference)
    assert (summary.rows, summary.missing, summary.present) == (8, 1, 7)
    assert summary.categories == Categories((5, 2), 0)
    tonight = ColumnSummary.of_column(night("categorical", pa.array(["a", "new", None, "a", "other"]), reference))
    assert tonight.categories == Categories((0, 2), 2)
    assert (tonight.rows, tonight.missing, tonight.present, tonight.numbers) == (5, 1, 4, None)


def test_categories_that_training_does_not_list_are_among_the_others() -> None:
    reference = build_column("x", "categorical", pa.array([f"c{number:04d}" for number in range(1_200)]))
    found = ColumnSummary.of_reference(reference).categories
    assert found is not None
    assert (len(found.counts), sum(found.counts), found.others) == (1_000, 1_000, 200)


@pytest.mark.parametrize("kind", ["temporal", "opaque"])
def test_of_a_date_or_bytes_only_the_rows_and_the_missing_ones_are_known(kind: Kind) -> None:
    values = pa.array([1, None], pa.timestamp("us")) if kind == "temporal" else pa.array([b"x", None])
    reference = build_column("x", kind, values)
    assert ColumnSummary.of_reference(reference) == ColumnSummary(2, 1, 1)
    assert ColumnSummary.of_column(night(kind, values, reference)) == ColumnSummary(2, 1, 1)


def test_without_finite_values_in_training_there_is_nothing_to_count_on() -> None:
    reference = build_column("x", "numeric", pa.array([np.inf, np.nan]))
    assert ColumnSummary.of_reference(reference).numbers == Numbers((1,), 1, None, None, None, None, None, None)
    assert ColumnSummary.of_column(night("numeric", pa.array([1.0, 2.0]), reference)).numbers is None


def test_a_night_without_values_has_no_ends_and_no_mean() -> None:
    reference = build_column("x", "numeric", pa.array([1.0, 2.0, 3.0]))
    found = ColumnSummary.of_column(night("numeric", pa.nulls(3, pa.float64()), reference)).numbers
    assert found is not None
    assert (sum(found.counts), found.finite) == (0, 0)
    ends = found.minimum, found.maximum, found.mean, found.sd, found.low_mean, found.high_mean
    assert ends == (None,) * 6


def test_scores_are_summed_up_like_a_column(rng: np.random.Generator) -> None:
    trained, tonight = rng.random(5_000), np.append(rng.random(300) ** 2, np.nan)
    reference = build_score("p", "probability", "m", trained)
    profile = ScoreProfile.empty(ScoreColumn("p", "probability", "m"), reference)
    profile.add(tonight)
    summary = ColumnSummary.of_score(profile)
    assert (summary.rows, summary.missing, summary.present) == (301, 1, 300)
    assert reference.numeric is not None
    assert summary.numbers is not None
    edges = [-np.inf, *reference.numeric.grid_edges, np.inf]
    assert summary.numbers.counts == tuple(np.histogram(tonight[:300], edges)[0].tolist())
    same = ScoreProfile.empty(ScoreColumn("p", "probability", "m"), reference)
    same.add(trained)
    found = ColumnSummary.of_score(same).numbers
    assert found is not None
    assert found.counts == reference.numeric.grid_counts
    assert (found.minimum, found.maximum, found.sd) == (trained.min(), trained.max(), reference.numeric.sd)


def test_scores_without_a_reference_have_no_numbers() -> None:
    profile = ScoreProfile.empty(ScoreColumn("p", "number", "m"), None)
    profile.add(np.array([1.0, 2.0]))
    assert ColumnSummary.of_score(profile) == ColumnSummary(2, 0, 2)
