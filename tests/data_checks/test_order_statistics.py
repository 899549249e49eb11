"""Against pandas, NumPy and Great Expectations on the whole column, which is cut into runs at random places."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from data_checks.expectations.batch_values import Values
from data_checks.expectations.finding import FileRule
from data_checks.expectations.outliers import Outliers
from data_checks.order_statistics import at_ranks, count_failing, first_outside, histogram, median, quantiles
from data_checks.value_runs import NumberKind, ValueRun, ValueRuns

# What pandas and NumPy warn of on infinite values and where a difference overflows.
pytestmark = [
    pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning"),
    pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning"),
]

Rng = np.random.Generator
COLUMNS = 120
INTERPOLATIONS = ("linear", "lower", "higher", "midpoint", "nearest")
EXTREMES = [-np.inf, -1.7e308, -1.0, -5e-324, -0.0, 0.0, 5e-324, 2.3e-308, 0.1, 1.0, 1.7e308, np.inf]
NUMBERS = ("small", "beyond 2**53", "whole int64", "uint64", "normal", "ties", "cents", "heavy tail")
SHAPES = (*NUMBERS, "extremes", "tiny", "one value", "equal")


def random_column(rng: Rng, shape: str) -> Values:
    """A column without missing values."""
    rows = 1 if shape == "one value" else int(rng.integers(1, 300))
    if shape == "uint64":
        return rng.integers(2**63 - 50, 2**63 + 50, rows, np.uint64)
    made: npt.NDArray[Any] = {
        "small": lambda: rng.integers(-5, 6, rows),
        "beyond 2**53": lambda: 2**53 + rng.integers(-9, 10, rows),
        "whole int64": lambda: rng.integers(-(2**63), 2**63 - 1, rows),
        "normal": lambda: rng.normal(100, 15, rows),
        "ties": lambda: rng.integers(-2, 3, rows) / 10,
        "cents": lambda: rng.lognormal(3, 1, rows).round(2),
        "extremes": lambda: rng.choice(EXTREMES, rows),
        "tiny": lambda: rng.integers(-9, 9, rows) * 5e-324,
        "one value": lambda: rng.normal(size=1),
        "equal": lambda: np.full(rows, rng.choice([7, 0.1])),
        "heavy tail": lambda: rng.standard_t(1, rows) * 10.0 ** rng.integers(-5, 6),
    }[shape]()
    return made


def kind_of(values: Values) -> NumberKind:
    kinds: dict[str, NumberKind] = {"f": "float", "i": "signed", "u": "unsigned"}
    return kinds[values.dtype.kind]


def runs_of(folder: Path, values: Values, rng: Rng, *, positions: bool = False) -> ValueRuns:
    """Cut into units, each of batches, some of them empty."""
    rows = np.arange(len(values))
    paths = []
    for unit, part in enumerate(np.split(rows, np.sort(rng.integers(0, len(values) + 1, int(rng.integers(0, 6)))))):
        run = ValueRun(kind_of(values), positions=positions)
        for piece in np.array_split(rng.permutation(part), 3):
            run.add(values[piece], piece if positions else None)
        paths.append(run.write(folder, unit, "a"))
    return ValueRuns([path for path in paths if path is not None], kind_of(values))


def columns(folder: Path, rng: Rng, number: int = COLUMNS, **options: Any) -> Iterator[tuple[Values, ValueRuns]]:
    for place in range(number):
        values = random_column(rng, SHAPES[place % len(SHAPES)])
        yield values, runs_of(folder / str(place), values, rng, **options)


def same(ours: Any, theirs: Any) -> bool:
    """Equal bit for bit, but for the sign of 0, and of the same Python type."""
    return type(ours) is type(theirs) and (ours == theirs or (ours != ours and theirs != theirs))  # noqa: PLR0124


# --------------------------------------------------------------------------------------------- ranks, median, quantiles


def test_ranks_are_those_of_the_sorted_column(tmp_path: Path, rng: Rng) -> None:
    for values, runs in columns(tmp_path, rng):
        ranks = rng.integers(0, len(values), 7).tolist()
        found = at_ranks(runs, ranks)
        assert found.dtype == values.dtype
        assert found.tolist() == np.sort(values)[ranks].tolist()


def test_the_median_is_pandas(tmp_path: Path, rng: Rng) -> None:
    for values, runs in columns(tmp_path, rng):
        assert same(median(runs), float(pd.Series(values).median())), values


def test_the_median_between_two_infinities_is_nan_without_a_warning(tmp_path: Path, rng: Rng) -> None:
    runs = runs_of(tmp_path, np.array([-np.inf, np.inf]), rng)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.isnan(median(runs))


@pytest.mark.parametrize("interpolation", INTERPOLATIONS)
def test_quantiles_are_pandas_and_numpys_bit_for_bit(tmp_path: Path, rng: Rng, interpolation: Any) -> None:
    for values, runs in columns(tmp_path, rng):
        shares = [0.0, 0.25, 0.5, 0.75, 1.0, *rng.random(4).round(3).tolist(), *rng.random(4).tolist()]
        found = quantiles(runs, shares, interpolation)
        wanted = pd.Series(values).quantile(shares, interpolation=interpolation).tolist()
        assert all(map(same, found, wanted)), (values, found, wanted)
        assert all(map(same, found, np.quantile(values, shares, method=interpolation).tolist()))


def test_a_share_is_not_rounded_by_way_of_percents(tmp_path: Path, rng: Rng) -> None:
    """Shares were multiplied by 100 and divided by it again, which moves some of them, and so a last digit."""
    values = rng.normal(size=19)
    runs = runs_of(tmp_path, values, rng)
    for share in np.arange(0, 1, 0.001).round(3).tolist():
        assert quantiles(runs, [share], "linear") == pd.Series(values).quantile([share]).tolist()


@pytest.mark.parametrize("values", [[1.0, np.inf], [1.0, 2.0, np.inf], [-np.inf, 1.0, 2.0], [-1.7e308, 0.0, 1.7e308]])
@pytest.mark.parametrize("interpolation", ["linear", "midpoint"])
def test_beside_an_infinite_value_a_quantile_is_nan_where_numpys_is(
    tmp_path: Path, rng: Rng, values: list[float], interpolation: Any
) -> None:
    shares = [0.0, 0.25, 0.5, 0.75, 1.0]
    found = quantiles(runs_of(tmp_path, np.array(values), rng), shares, interpolation)
    assert all(map(same, found, pd.Series(values).quantile(shares, interpolation=interpolation).tolist()))


@pytest.mark.parametrize("interpolation", ["lower", "higher", "nearest"])
def test_quantiles_of_times_are_pandas(tmp_path: Path, rng: Rng, interpolation: Any) -> None:
    ticks = rng.integers(-(10**15), 2 * 10**15, 101)
    series = pd.Series(ticks.view("datetime64[us]"))
    found = quantiles(runs_of(tmp_path, ticks, rng), [0.1, 0.5, 0.955], interpolation)
    wanted = series.quantile([0.1, 0.5, 0.955], interpolation=interpolation)
    assert pd.Series(np.array(found).view("datetime64[us]")).tolist() == wanted.tolist()
    days = rng.integers(-20_000, 20_000, 101).astype(np.int32)
    assert quantiles(runs_of(tmp_path / "d", days, rng), [0.5], "nearest") == [int(np.sort(days)[50])]


def test_the_median_of_times_is_pandas(tmp_path: Path, rng: Rng) -> None:
    for rows in (1, 2, 100, 101):
        ticks = rng.integers(-(10**15), 2 * 10**15, rows)
        wanted = pd.Series(ticks.view("datetime64[us]")).median()
        assert int(median(runs_of(tmp_path / str(rows), ticks, rng))) == int(
            wanted.to_datetime64().astype("datetime64[us]").astype(np.int64)
        )


def test_without_values_or_with_another_word_there_is_no_quantile(tmp_path: Path, rng: Rng) -> None:
    none = ValueRuns([], "float")
    for ask in (lambda: median(none), lambda: quantiles(none, [0.5], "linear"), lambda: quantiles(none, [0], "lower")):
        with pytest.raises(IndexError, match="of 0 values"):
            ask()
    runs = runs_of(tmp_path, np.arange(3), rng)
    with pytest.raises(
        ValueError, match="interpolation 'cubic': linear, lower, higher, midpoint and nearest are known"
    ):
        quantiles(runs, [0.5], "cubic")
    with pytest.raises(IndexError, match="rank 4 of 3 values"):
        quantiles(runs, [2.0], "lower")


# ------------------------------------------------------------------------------------------------------------ histogram


def test_a_histogram_is_numpys(tmp_path: Path, rng: Rng) -> None:
    for values, runs in columns(tmp_path, rng):
        for edges in random_edges(values, rng):
            assert histogram(runs, edges) == np.histogram(values, np.asarray(edges))[0].tolist(), (values, edges)


def random_edges(values: Values, rng: Rng) -> Iterator[Any]:
    """Between the values, at the values themselves, with equal edges, and beyond all values on one side."""
    finite = values[np.isfinite(values)] if values.dtype.kind == "f" else values
    if not len(finite):
        return
    low, high = float(finite.min()), float(finite.max())
    with np.errstate(over="ignore"):
        if np.isfinite(high - low):
            yield np.linspace(low, high, 8).tolist()
            yield tuple(np.sort(rng.uniform(low, high + 1, 5)))
    yield np.sort(rng.choice(finite, 6))  # of the column's own type: whole numbers are compared as such
    yield [high, np.inf] if high >= 0 else [high, 1.0]


# ------------------------------------------------------------------------------------------- failing values, outliers


def test_the_first_failing_values_are_those_of_the_lowest_positions(tmp_path: Path, rng: Rng) -> None:
    for values, runs in columns(tmp_path, rng, positions=True):
        pivot = float(rng.choice(values))
        reach = abs(float(rng.choice(values)) - pivot) if np.isfinite(values).all() else 1.0

        def failing(found: Values, pivot: float = pivot, reach: float = reach) -> npt.NDArray[np.bool_]:
            return np.asarray(~(np.abs(found - pivot) < reach))

        if np.isinf(pivot):
            continue
        wanted = np.flatnonzero(failing(values))
        assert count_failing(runs, failing, pivot) == len(wanted)
        for limit in (0, 1, 5, 1000):
            found, places = first_outside(runs, failing, limit, pivot)
            assert places.tolist() == wanted[:limit].tolist()
            assert (found == values[wanted[:limit]]).all()
            assert found.dtype == values.dtype


def test_the_first_failing_values_of_many_are_found_piece_by_piece(tmp_path: Path, rng: Rng) -> None:
    values = rng.normal(size=300_000)
    runs = runs_of(tmp_path, values, rng, positions=True)
    found, places = first_outside(runs, lambda v: np.abs(v) > 0.01, 20, 0.0)
    assert places.tolist() == np.flatnonzero(np.abs(values) > 0.01)[:20].tolist()
    assert (found == values[places]).all()


def test_where_nothing_fails_or_there_is_nothing_no_value_is_first(tmp_path: Path, rng: Rng) -> None:
    runs = runs_of(tmp_path, np.arange(9), rng, positions=True)
    for some in (runs, ValueRuns([], "signed")):
        found, places = first_outside(some, lambda v: v > 100, 5)
        assert (len(found), len(places), found.dtype) == (0, 0, np.dtype(np.int64))


@pytest.fixture(scope="module")
def great_expectations() -> Any:
    """A function that gives GX's own results for a column."""
    from great_expectations.core.batch import Batch
    from great_expectations.execution_engine import PandasExecutionEngine
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration
    from great_expectations.validator.metrics_calculator import MetricsCalculator
    from great_expectations.validator.validator import Validator

    logging.getLogger("great_expectations").setLevel(logging.CRITICAL + 1)

    def results(values: Any, asked: list[tuple[str, dict[str, Any]]]) -> list[Any]:
        engine = PandasExecutionEngine(batch_data_dict={"table": pd.DataFrame({"x": values})})
        validator = Validator(execution_engine=engine, batches=[Batch(data=engine.batch_manager.active_batch_data)])
        validator._metrics_calculator = MetricsCalculator(engine, show_progress_bars=False)
        basic = {"result_format": {"result_format": "BASIC"}}
        return [
            validator.graph_validate(
                configurations=[ExpectationConfiguration(type=kind, kwargs={"column": "x", **kwargs})],
                runtime_configuration=basic,
            )[0]
            for kind, kwargs in asked
        ]

    return results


RULE = FileRule("runs", ("x",))
Z_SCORES, NO_OUTLIERS = "expect_column_value_z_scores_to_be_less_than", "expect_column_values_to_not_be_outliers"


def outlier_rules(rng: Rng) -> Iterator[tuple[str, dict[str, Any], Outliers]]:
    """Limits as people write them, and such that values lie exactly on them."""
    for value in (float(rng.choice([0.0, 0.5, 1.0, 1.5, 2.0, 3.0])), float(rng.random() * 3)):
        for double in (True, False):
            kwargs = {"threshold": value, "double_sided": double}
            yield (
                Z_SCORES,
                kwargs,
                Outliers(RULE, "z_score", value, 1.0, double_sided=double, key="x"),
            )
        for method in ("iqr", "std"):
            kwargs = {"method": method, "multiplier": value}
            yield NO_OUTLIERS, kwargs, Outliers(RULE, method, value, 1.0, key="x")
    yield (
        Z_SCORES,
        {"threshold": -1.0, "double_sided": False},
        Outliers(RULE, "z_score", -1.0, 1.0, double_sided=False, key="x"),
    )


def test_as_many_outliers_as_great_expectations_finds(tmp_path: Path, rng: Rng, great_expectations: Any) -> None:
    """With pandas' own mean and deviation: what is compared is the count, not the moments."""
    found_some = 0
    for values, runs in columns(tmp_path, rng):
        series = pd.Series(values)
        moments = SimpleNamespace(
            infinite=int(np.isinf(values.astype(float)).sum()), mean=float(series.mean()), stdev=float(series.std())
        )
        state = SimpleNamespace(rows=len(values) + 3, missing={"x": 3}, moments={"x": moments})
        rules = list(outlier_rules(rng))
        theirs = great_expectations(values, [(kind, kwargs) for kind, kwargs, _ in rules])
        for (kind, kwargs, rule), result in zip(rules, theirs, strict=True):
            ours = rule.find(state, SimpleNamespace(runs={"x": runs})).unexpected  # type: ignore[arg-type]
            assert ours == result.result["unexpected_count"], (kind, kwargs, values)
            found_some += bool(ours)
    assert found_some > COLUMNS


def test_bins_that_great_expectations_makes_from_quantiles_hold_what_it_counts(
    tmp_path: Path, rng: Rng, great_expectations: Any
) -> None:
    """Its expected partition, when a suite gives none, is made of the nearest quantiles at 0, 1/4, 3/4 and 1."""
    from great_expectations.execution_engine import PandasExecutionEngine
    from great_expectations.validator.metric_configuration import MetricConfiguration
    from great_expectations.validator.metrics_calculator import MetricsCalculator

    compared = 0
    for values, runs in columns(tmp_path, rng, 36):
        engine = PandasExecutionEngine(batch_data_dict={"table": pd.DataFrame({"x": values})})
        calculator = MetricsCalculator(engine, show_progress_bars=False)

        def metric(name: str, calculator: Any = calculator, **kwargs: Any) -> Any:
            return calculator.get_metric(MetricConfiguration(name, {"column": "x"}, kwargs))

        asked = {"quantiles": (0.0, 0.25, 0.75, 1.0), "allow_relative_error": False}
        assert all(map(same, quantiles(runs, asked["quantiles"], "nearest"), metric("column.quantile_values", **asked)))
        if not np.isfinite(values.astype(float)).all() or np.ptp(values.astype(float)) in (0.0, np.inf):
            continue  # GX makes no bins of these
        bins = tuple(metric("column.partition", bins="auto", allow_relative_error=False))
        assert histogram(runs, bins) == metric("column.histogram", bins=bins)
        compared += 1
    assert compared > 15
