"""Great Expectations' own results: on pandas, on the whole table at once."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from schemas.suite import Suite


def their_results(suite: Suite, table: pa.Table, result_format: str) -> Iterator[dict[str, Any]]:
    """One for each expectation, as JSON."""
    from great_expectations.core.batch import Batch
    from great_expectations.execution_engine import PandasExecutionEngine
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration
    from great_expectations.validator.metrics_calculator import MetricsCalculator
    from great_expectations.validator.validator import Validator

    logging.captureWarnings(capture=False)
    logging.getLogger("great_expectations").setLevel(logging.CRITICAL + 1)
    runtime = {"result_format": {"result_format": result_format}}
    for item in suite.expectations:
        # It changes the table that it is given at times, so each expectation has one of its own.
        engine = PandasExecutionEngine(batch_data_dict={"table": table.to_pandas()})
        validator = Validator(execution_engine=engine, batches=[Batch(data=engine.batch_manager.active_batch_data)])
        validator._metrics_calculator = MetricsCalculator(engine, show_progress_bars=False)
        configuration = ExpectationConfiguration(type=item.type, kwargs=dict(item.kwargs))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of groups in a pattern, infinite values, texts as conditions
            yield _result(validator, configuration, runtime)


def _result(validator: Any, configuration: Any, runtime: dict[str, Any]) -> dict[str, Any]:
    try:
        (result,) = validator.graph_validate([configuration], runtime_configuration=runtime)
        return dict(result.to_json_dict())
    except Exception as error:  # noqa: BLE001  # not all of its errors get into its results
        information = {"raised_exception": True, "exception_message": str(error)}
        return {"success": False, "result": {}, "exception_info": information}
