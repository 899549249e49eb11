"""An execution engine for Great Expectations that answers from merged counts in place of a table.

Great Expectations asks its engine for metrics and derives verdict and result from them. Only `resolve_metrics` is
replaced here: dependencies, arguments, errors, the verdict and all result formats are GX's own code. GX finds the
providers of metrics by the names of an engine's base classes, so this one has those of pandas.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr
from io import StringIO
from typing import Any

import great_expectations.exceptions as gx_errors
import great_expectations.util as gx_util
import numpy as np
import pandas as pd
import pyarrow as pa
from great_expectations.core.batch import Batch
from great_expectations.core.expectation_validation_result import ExpectationValidationResult
from great_expectations.execution_engine import PandasExecutionEngine
from great_expectations.expectations.expectation_configuration import ExpectationConfiguration
from great_expectations.validator.exception_info import ExceptionInfo
from great_expectations.validator.metric_configuration import MetricConfiguration
from great_expectations.validator.metrics_calculator import MetricsCalculator
from great_expectations.validator.validator import Validator

from data_checks.check_state import DomainState
from data_checks.expectations.finding import Finding
from data_checks.expectations.logical_type import LogicalType
from data_checks.first_rows import FirstRows
from data_checks.strict_value import strict
from schemas.contract import TableContract
from schemas.expectation_types import CONDITIONS

#: Importing it turns every warning of the process into a log line; warnings are for whoever runs the process.
logging.captureWarnings(capture=False)

#: For each decimal in a result it walks the call stack, a tenth of a second each, to see whether its profiler asked.
gx_util.stack = list

#: GX's own switches against values in results.
_NO_VALUES = {"exclude_unexpected_values": True, "partial_unexpected_count": 0}
#: Arguments that may be long.
_MEMBERS = frozenset({"value_set", "value_pairs_set", "regex_list"})
#: What GX keeps of unexpected values and rows.
MOST_RECORDS = 200


class MergedEngine(PandasExecutionEngine):  # type: ignore[misc]  # GX ships no types
    """Answers for one expectation at a time; `bind` says for which."""

    def __init__(self, contract: TableContract, whole: DomainState) -> None:
        kinds = {column.name: LogicalType.of(column.type) for column in contract}
        self._kinds = kinds
        self._whole = whole
        empty = {name: pa.array([], kind.arrow) for name, kind in kinds.items()}
        frame = pa.table(empty).to_pandas()
        self._dtypes = dict(frame.dtypes)
        super().__init__(batch_data_dict={"night": frame})
        self._finding = Finding("")
        self._state = whole

    def bind(self, finding: Finding, state: DomainState) -> None:
        """Answer from this finding, in the domain that `state` counts, from now on."""
        self._finding, self._state = finding, state

    def resolve_metrics(
        self,
        metrics_to_resolve: Iterable[MetricConfiguration],
        metrics: Mapping[Any, Any] | None = None,
        runtime_configuration: Any = None,
    ) -> dict[Any, Any]:
        """The values by metric id. Raises GX's MetricResolutionError for one that has none."""
        found = {}
        for metric in metrics_to_resolve:
            try:
                found[metric.id] = self._value(metric, metrics or {}, runtime_configuration)
            except gx_errors.MetricResolutionError:
                raise
            except Exception as error:
                raise gx_errors.MetricResolutionError(message=str(error), failed_metrics=(metric,)) from error
        return found

    def _value(self, metric: MetricConfiguration, metrics: Mapping[Any, Any], runtime: Any) -> Any:
        name = metric.metric_name
        if name.endswith((".condition", ".map")):
            return None, {}, {}  # of rows; nobody asks what it holds
        if name in self._finding.metrics:
            value = self._finding.metrics[name]
            value = value(metric.metric_value_kwargs or {}) if callable(value) else value
            return _counts(value) if name == "column.value_counts" else value
        answer = self._answers().get(name) or self._row_answers().get(name.rpartition(".")[2])
        if answer is not None:
            return answer(metric)
        return super().resolve_metrics([metric], metrics, runtime)[metric.id]

    def _answers(self) -> dict[str, Callable[[MetricConfiguration], Any]]:
        return {
            "table.row_count": lambda _: self._state.rows,
            "table.columns": lambda _: list(self._kinds),
            "table.column_types": lambda _: self._column_types(),
            "column_values.nonnull.unexpected_count": lambda _: self._finding.missing,
            # NumPy's, as on pandas: GX divides by it, which has to give NaN for no values.
            "column_values.nonnull.count": lambda _: np.int64(self._state.rows - (self._finding.missing or 0)),
        }

    def _row_answers(self) -> dict[str, Callable[[MetricConfiguration], Any]]:
        return {
            "unexpected_count": lambda _: self._finding.unexpected,
            "filtered_row_count": lambda _: self._finding.evaluated,
            "unexpected_values": self._unexpected_values,
            "unexpected_index_list": self._index_list,
            "unexpected_index_query": self._index_query,
            "unexpected_rows": self._unexpected_rows,
        }

    def _column_types(self) -> list[dict[str, Any]]:
        return [{"name": name, "type": dtype} for name, dtype in self._dtypes.items()]

    @property
    def _examples(self) -> FirstRows:
        return self._finding.examples or FirstRows(0)

    def _series(self, name: str) -> pd.Series:
        """An examples' column as pandas would have it in the whole table: one null makes whole numbers floats."""
        values = self._examples.rows.column(name)  # type: ignore[union-attr]  # asked for where there are rows
        nullable = self._whole.missing.get(name) or self._state.missing.get(name)
        whole = pa.concat_arrays([values, pa.nulls(1, values.type)]) if nullable else values
        series: pd.Series = whole.to_pandas()
        return series.iloc[:-1] if nullable else series

    def _frame(self, names: Sequence[str]) -> pd.DataFrame:
        return pd.DataFrame({name: self._series(name) for name in names}, columns=list(names))

    def _unexpected_values(self, metric: MetricConfiguration) -> list[Any]:
        if self._examples.rows is None:
            return []
        domain, most = metric.metric_domain_kwargs, _most(metric)
        if "column" in domain:
            return list(self._series(domain["column"]))[:most]
        if "column_A" in domain:
            a, b = self._series(domain["column_A"]), self._series(domain["column_B"])
            return list(zip(_as_numpy(a), _as_numpy(b), strict=True))[:most]
        records: list[Any] = self._frame(domain["column_list"])[:most].to_dict("records")
        return records

    def _index_list(self, metric: MetricConfiguration) -> list[Any]:
        wanted = _format(metric)
        places: list[Any] = list(self._examples.positions)
        return places if wanted.get("result_format") == "COMPLETE" else places[: _most(metric)]

    def _index_query(self, metric: MetricConfiguration) -> str | None:
        if _format(metric).get("return_unexpected_index_query") is False:
            return None
        return f"df.filter(items={self._examples.positions}, axis=0)"

    def _unexpected_rows(self, metric: MetricConfiguration) -> pd.DataFrame:
        rows = self._examples.rows
        frame = self._frame(rows.schema.names) if rows is not None else pd.DataFrame()
        frame.index = pd.Index(self._examples.positions)
        return frame[: _most(metric)]


def _as_numpy(series: pd.Series) -> Any:
    """Its `values` as GX has them: times with a zone are those of UTC, without it."""
    zoned = isinstance(series.dtype, pd.DatetimeTZDtype)
    return series.dt.tz_convert(None).to_numpy() if zoned else series.to_numpy()


def _counts(by_value: Mapping[Any, int]) -> pd.Series:
    """As GX's own provider shapes them: by value."""
    counts = pd.Series(dict(by_value), name="count", dtype="int64")
    counts.index.name = "value"
    return counts


def _format(metric: MetricConfiguration) -> Mapping[str, Any]:
    return (metric.metric_value_kwargs or {}).get("result_format") or {}


def _most(metric: MetricConfiguration) -> int:
    wanted = _format(metric)
    if wanted.get("result_format") == "COMPLETE":
        return MOST_RECORDS
    return min(int(wanted.get("partial_unexpected_count", 20)), MOST_RECORDS)


class GxJudge:
    """Great Expectations' own verdict on findings."""

    def __init__(self, contract: TableContract, whole: DomainState, result_format: str) -> None:
        self._engine = MergedEngine(contract, whole)
        batch = Batch(data=self._engine.batch_manager.active_batch_data)
        self._validator = Validator(execution_engine=self._engine, batches=[batch])
        self._validator._metrics_calculator = MetricsCalculator(self._engine, show_progress_bars=False)  # noqa: SLF001  # GX has no switch for it
        self._format = result_format

    def result(
        self,
        kind: str,
        kwargs: Mapping[str, Any],
        finding: Finding,
        state: DomainState,
        *,
        values: bool,
        rows_judged: bool = False,
    ) -> dict[str, Any]:
        """GX's ExpectationValidationResult as its JSON, without tracebacks, which name places of this machine.

        Without `values` it holds counts and aggregates only. Of expectations whose rows were judged already, GX gets
        one member of a long set or list in place of all: its verdict is on counts, and it copies arguments often.
        """
        self._engine.bind(finding, state)
        runtime = {"result_format": {"result_format": self._format, **({} if values else _NO_VALUES)}}
        # Which rows are meant is decided already; GX warns of conditions that are texts.
        arguments = {key: value for key, value in kwargs.items() if key not in CONDITIONS}
        if rows_judged:
            arguments |= {key: value[:1] for key, value in arguments.items() if key in _MEMBERS}
        configuration = ExpectationConfiguration(type=kind, kwargs=arguments)
        with _quiet():
            found = strict(self._validated(configuration, runtime))
        found["expectation_config"]["kwargs"].pop("batch_id", None)
        info = found["exception_info"]
        for item in [info] if "raised_exception" in info else info.values():
            item["exception_traceback"] = None
        return found if values else _without_values(kind, found)

    def _validated(self, configuration: ExpectationConfiguration, runtime: Mapping[str, Any]) -> dict[str, Any]:
        """GX's result, also where an exception escapes it, as when it makes bins of infinite values."""
        try:
            (result,) = self._validator.graph_validate([configuration], runtime_configuration=dict(runtime))
            found: dict[str, Any] = result.to_json_dict()
        except Exception as error:  # noqa: BLE001  # any: the other expectations have their verdicts all the same
            message = f"{type(error).__name__}: {error}"
            info = ExceptionInfo(exception_traceback="", exception_message=message)
            failed = ExpectationValidationResult(success=False, expectation_config=configuration, exception_info=info)
            found = failed.to_json_dict()
        return found


def _without_values(kind: str, found: dict[str, Any]) -> dict[str, Any]:
    """Results that list values whatever the format, without them."""
    result = found["result"]
    if kind == "expect_column_most_common_value_to_be_in_set":
        result.pop("observed_value", None)
    elif kind == "expect_column_kl_divergence_to_be_less_than":
        result.pop("details", None)
    return found


@contextmanager
def _quiet() -> Any:
    """GX logs what also stands in its results, divides by 0, and draws progress bars for divergences."""
    logger = logging.getLogger("great_expectations")
    level = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        with np.errstate(all="ignore"), redirect_stderr(StringIO()):
            yield
    finally:
        logger.setLevel(level)
