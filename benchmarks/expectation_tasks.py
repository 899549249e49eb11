"""What expectations.py measures, each as one process: making a night, a pass, the verdicts, or GX on pandas."""
# ruff: noqa: PLC0415  # what measures must stay small (see measuring.py), so each process imports only what it needs

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

    from data_checks.check_state import CheckState
    from data_checks.checks import Checks
    from data_checks.file_measures import FileMeasures
    from data_checks.verdicts import TableFacts
    from schemas.contract import TableContract
    from schemas.plan import Plan, Span

DATE = "2024-01-01"
#: Expectations of each side.
READ, IN_MEMORY, WITH_FILES = SIDES = (0, 25, 28)
GX_ROWS = 1_000_000

#: (what follows `expect_`, arguments); the first 25 need no files.
EXPECTATIONS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("table_row_count_to_be_between", {"min_value": 1}),
    ("column_values_to_not_be_null", {"column": "account_id"}),
    ("column_values_to_be_between", {"column": "account_id", "min_value": 0}),
    ("column_values_to_not_be_null", {"column": "amount"}),
    ("column_values_to_be_between", {"column": "amount", "min_value": 0, "max_value": 1_000_000}),
    ("column_mean_to_be_between", {"column": "amount", "min_value": 50, "max_value": 200}),
    ("column_pair_values_a_to_be_greater_than_b", {"column_A": "amount", "column_B": "refunds", "mostly": 0.8}),
    ("column_min_to_be_between", {"column": "balance", "min_value": -20_000, "max_value": 0}),
    ("column_stdev_to_be_between", {"column": "balance", "min_value": 1_000, "max_value": 2_000}),
    ("column_values_to_not_be_null", {"column": "income", "mostly": 0.9}),
    ("column_values_to_be_between", {"column": "income", "min_value": 0, "max_value": 10_000_000, "mostly": 0.99}),
    ("column_max_to_be_between", {"column": "latitude", "min_value": 47, "max_value": 55}),
    ("column_values_to_be_between", {"column": "utilisation", "min_value": 0, "max_value": 1}),
    ("column_values_to_be_between", {"column": "bureau_score", "min_value": 300, "max_value": 850}),
    ("column_proportion_of_non_null_values_to_be_between", {"column": "duration", "min_value": 0.8, "max_value": 0.9}),
    ("column_values_to_be_between", {"column": "visits", "min_value": 0, "max_value": 1_000}),
    ("column_sum_to_be_between", {"column": "visits", "min_value": 1}),
    ("column_values_to_be_in_set", {"column": "channel", "value_set": ["app", "branch", "partner", "phone", "web"]}),
    ("column_values_to_not_be_in_set", {"column": "region", "value_set": ["", "unknown", "n/a"]}),
    ("column_distinct_values_to_contain_set", {"column": "region", "value_set": ["north", "south", "east", "west"]}),
    ("column_most_common_value_to_be_in_set", {"column": "channel", "value_set": ["app", "web"]}),
    ("column_values_to_match_regex", {"column": "product", "regex": "^P[0-9]{3}$"}),
    ("column_value_lengths_to_equal", {"column": "product", "value": 4}),
    ("column_value_lengths_to_be_between", {"column": "device", "min_value": 3, "max_value": 10}),
    ("column_values_to_not_be_null", {"column": "device", "mostly": 0.9}),
    ("column_values_to_be_unique", {"column": "account_id"}),
    ("column_median_to_be_between", {"column": "balance", "min_value": 1_900, "max_value": 2_100}),
    (
        "column_quantile_values_to_be_between",
        {
            "column": "amount",
            "quantile_ranges": {"quantiles": [0.05, 0.5, 0.95], "value_ranges": [[5, 15], [40, 70], [200, 500]]},
        },
    ),
)


def suite(number: int) -> dict[str, Any]:
    """A suite of the first so many expectations."""
    rules = [
        {"type": f"expect_{kind}", "kwargs": kwargs, "meta": {"id": f"rule-{place}"}}
        for place, (kind, kwargs) in enumerate(EXPECTATIONS[:number])
    ]
    return {"name": "synthetic", "expectations": rules, "meta": {}}


def make_night(folder: Path, rows: int) -> dict[str, Any]:
    """Make the night of so many rows unless it is there."""
    from generate import schema_yaml, write_night
    from synthetic_rows import PARTITION

    (folder / "schema.yaml").write_text(schema_yaml())
    made = folder / str(rows) / f"{PARTITION}={DATE}"
    if not made.exists():
        with tempfile.TemporaryDirectory(dir=folder) as unfinished:
            write_night(Path(unfinished) / "night", rows)
            made.parent.mkdir(exist_ok=True)
            (Path(unfinished) / "night").rename(made)
    return {"rows": rows}


@dataclass
class Pass:
    """A pass over a night as a worker makes it, unit after unit, and the search for duplicates."""

    contract: TableContract
    plan: Plan
    checks: Checks | None
    scratch: Path
    state: CheckState | None = None
    #: Of each rule: the files of its key hashes or sorted values.
    files: dict[str, list[Path]] = field(default_factory=dict)
    #: CPU seconds of the parts.
    spent: Counter[str] = field(default_factory=Counter)
    #: Rows of repeated keys, by rule.
    repeated: dict[str, int] = field(default_factory=dict)

    @classmethod
    def over(cls, folder: Path, rows: int, number: int, scratch: Path) -> Pass:
        """The pass over the night of so many rows, with the first `number` expectations."""
        from synthetic_rows import PARTITION

        from data_checks.checks import Checks
        from pipelines.stages.plan import make_plan
        from schemas.contract import read_contract
        from schemas.job import Checks as CheckSettings
        from schemas.job import Input, Job, ModelEntry, ModelOutput
        from schemas.suite import read_suite

        contract = read_contract(folder / "schema.yaml")
        unused = ModelEntry(name="none", path="none", card="none", output=ModelOutput())
        job = Job(name="synthetic", input=Input(path=f"{rows}/{PARTITION}={{date}}/"), models=(unused,))
        plan = make_plan(job, contract, folder, DATE)
        if not number:
            return cls(contract, plan, None, scratch)
        file = scratch / "suite.json"
        file.write_text(json.dumps(suite(number)))
        checks = Checks.compile(read_suite(file), contract, CheckSettings())
        return cls(contract, plan, checks, scratch, checks.new_state())

    def run(self) -> None:
        """Read everything, and judge it if there are checks."""
        from data_checks.file_measures import FileMeasures
        from data_checks.uniqueness import bucket_bits

        bits = bucket_bits(self.plan.rows)
        for unit in self.plan.units:
            of_unit = FileMeasures.of(self.checks.files if self.checks else {}, bits)
            for span in unit.spans:
                self._run_span(span, of_unit)
            written = self._timed("write", lambda: of_unit.write(self.scratch, unit.number, "once"))  # noqa: B023  # called at once
            for key, path in written.items():
                self.files.setdefault(key, []).append(path)
        self._timed("search", self._search)

    def _run_span(self, span: Span, of_unit: FileMeasures) -> None:
        import numpy as np

        from data_checks.columns import BatchColumns
        from data_checks.file_measures import FileMeasures

        if self.checks is None or self.state is None:
            for _ in self._conformed(span):
                pass
            return
        judge, state = self.checks.judge, self.checks.new_state()
        files = FileMeasures.of(self.checks.files, of_unit.bits)
        row = span.first_row
        for batch in self._conformed(span):
            started = time.thread_time()
            judge(BatchColumns(batch), state, np.arange(row, row + batch.num_rows), files)
            self.spent["judge"] += time.thread_time() - started
            row += batch.num_rows
        self.state.merge(state)
        of_unit.merge(files)

    def _conformed(self, span: Span) -> Iterator[pa.RecordBatch]:
        from transforms.conform import Conformer
        from transforms.read_span import open_span

        row = span.first_row_in_file
        with open_span(span) as source:
            conformer = Conformer.for_file(self.contract, source.schema, span.file.partition, span.file.name)
            for raw in source.batches(conformer):
                batch, _ = conformer.apply(raw, row)
                yield batch
                row += batch.num_rows

    def _search(self) -> None:
        from data_checks.uniqueness import bucket_bits
        from pipelines.stages.duplicates import look_into_bucket

        rules, buckets = self.checks.files if self.checks else {}, range(1 << bucket_bits(self.plan.rows))
        for key, rule in rules.items():
            if rule.kind != "runs":
                files = self.files.get(key, [])
                found = (look_into_bucket(files, bucket, rule, self.contract, self.plan) for bucket in buckets)
                self.repeated[key] = sum(item.rows for item in found)

    def _timed(self, part: str, call: Callable[[], Any]) -> Any:
        started = time.thread_time()
        result = call()
        self.spent[part] += time.thread_time() - started
        return result

    def facts(self) -> TableFacts:
        """What the verdicts need beside the state."""
        from data_checks.expectations.finding import Repeats, TableFacts
        from data_checks.value_runs import ValueRuns

        rules = self.checks.files if self.checks else {}
        sorted_values = {key: rule.number_kind for key, rule in rules.items() if rule.kind == "runs"}
        return TableFacts(
            rows=self.plan.rows,
            file_columns=[tuple(column.name for column in self.contract)],
            contract=self.contract,
            repeats={key: Repeats(rows) for key, rows in self.repeated.items()},
            runs={key: ValueRuns(self.files[key], kind) for key, kind in sorted_values.items()},
        )


def run_pass(folder: Path, rows: int, number: int, *, verdicts: bool = False) -> dict[str, Any]:
    """Make a pass, and with `verdicts` judge what it counted; CPU seconds of the parts."""
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        made = Pass.over(folder, rows, number, Path(scratch))
        made.run()
        kept = sum(path.stat().st_size for path in Path(scratch).rglob("unit-*"))
        found = {"kept_mb": kept / 1e6, **made.spent}
        return found | (_verdicts(made) if verdicts else {})


def _verdicts(made: Pass) -> dict[str, Any]:
    assert made.checks is not None
    assert made.state is not None
    started = time.process_time()
    import data_checks.gx_engine  # noqa: F401  # its import is what is measured
    from data_checks.verdicts import judge_suite

    imported = time.process_time()
    verdicts = judge_suite(made.checks, made.state, made.facts())
    judged = time.process_time()
    return {
        "import": imported - started,
        "verdict": judged - imported,
        "met": [verdict.success for verdict in verdicts],
    }


def run_gx(folder: Path, rows: int, number: int) -> dict[str, Any]:
    """Great Expectations' own validation of the whole night as one pandas frame; CPU seconds of the parts."""
    started = time.process_time()
    import great_expectations as gx
    import pyarrow.parquet as pq
    from great_expectations.data_context.types.base import ProgressBarsConfig

    imported = time.process_time()
    frame = pq.read_table(folder / str(rows), partitioning=None, use_threads=False).to_pandas(use_threads=False)
    read = time.process_time()
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False, metric_calculations=False)
    asset = context.data_sources.add_pandas("night").add_dataframe_asset("night")
    batch = asset.add_batch_definition_whole_dataframe("night").get_batch({"dataframe": frame})
    result = batch.validate(gx.ExpectationSuite(**suite(number)), result_format="SUMMARY")
    judged = time.process_time()
    met = {item.expectation_config.meta["id"]: bool(item.success) for item in result.results}
    in_order = [met[rule["meta"]["id"]] for rule in suite(number)["expectations"]]
    return {"import": imported - started, "read": read - imported, "judge": judged - read, "met": in_order}


def main() -> None:
    """Be one measured process; what it found goes to stdout as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("task", choices=("make", "pass", "verdicts", "gx"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("rows", type=int)
    parser.add_argument("expectations", type=int, choices=SIDES)
    options = parser.parse_args()
    folder, rows, number = options.folder.resolve(), options.rows, options.expectations
    found: dict[str, Callable[[], dict[str, Any]]] = {
        "make": lambda: make_night(folder, rows),
        "pass": lambda: run_pass(folder, rows, number),
        "verdicts": lambda: run_pass(folder, rows, number, verdicts=True),
        "gx": lambda: run_gx(folder, rows, number),
    }
    print(json.dumps(found[options.task]()))


if __name__ == "__main__":
    main()
