"""Nightscore's results: judged in random batches, by several units whose states and files are merged in any order."""

from __future__ import annotations

import json
import pickle
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
from gx_fuzz.random_tables import CONTRACT, Rng, conformed

from data_checks.check_state import CheckState
from data_checks.checks import Checks
from data_checks.columns import BatchColumns
from data_checks.distinct_hashes import count_distinct
from data_checks.expectations.finding import FileRule, Repeats, TableFacts
from data_checks.file_measures import FileMeasures
from data_checks.first_rows import FirstRows
from data_checks.uniqueness import find_duplicates
from data_checks.value_runs import ValueRuns
from data_checks.verdicts import judge_suite
from schemas.job import Checks as CheckSettings
from schemas.suite import Suite
from schemas.verdicts import ExpectationVerdict

_KINDS = ("keys", "distinct", "runs")
Written = dict[str, list[Path]]


@dataclass
class Night:
    """A table on its way through the pass."""

    checks: Checks
    table: pa.Table
    rng: Rng
    folder: Path
    bits: int
    states: list[CheckState] = field(default_factory=list)
    #: Paths by rule.
    written: Written = field(default_factory=dict)


def our_verdicts(suite: Suite, table: pa.Table, result_format: str, rng: Rng, folder: Path) -> list[ExpectationVerdict]:
    """One for each expectation, with examples."""
    settings = CheckSettings(result_format=result_format)  # type: ignore[arg-type]  # one of the four
    checks = pickle.loads(pickle.dumps(Checks.compile(suite, CONTRACT, settings, examples=True)))  # noqa: S301
    night = Night(checks, conformed(table), rng, folder, bits=int(rng.integers(0, 5)))
    places = sorted(rng.integers(0, table.num_rows + 1, int(rng.integers(0, 4))).tolist())
    for unit, (start, stop) in enumerate(pairwise([0, *places, table.num_rows])):
        _judge_unit(night, unit, start, stop)
    merged = checks.new_state()
    for index in rng.permutation(len(night.states)):
        merged.merge(night.states[index])
    return judge_suite(checks, merged, _facts(night), result_format)


def _judge_unit(night: Night, unit: int, start: int, stop: int) -> None:
    """Judge the rows of one unit in batches of random sizes; what it leaves are a state and files."""
    checks, row = night.checks, start
    state, files = checks.new_state(), FileMeasures.of(checks.files, night.bits)
    largest = int(night.rng.choice([1, 7, 50, 1000]))
    for batch in night.table.slice(start, stop - start).to_batches(max_chunksize=largest):
        checks.judge(BatchColumns(batch), state, np.arange(row, row + batch.num_rows), files)
        row += batch.num_rows
    for key, path in files.write(night.folder, unit, "a").items():
        night.written.setdefault(key, []).append(path)
    night.states.append(_sent(night.rng, state))


def _sent(rng: Rng, state: CheckState) -> CheckState:
    """The state as it comes out of another process, or of a unit's file."""
    if rng.random() < 0.5:
        copy: CheckState = pickle.loads(pickle.dumps(state))  # noqa: S301
        return copy
    return CheckState.from_json(json.loads(json.dumps(state.to_json(), allow_nan=False)))


def _facts(night: Night) -> TableFacts:
    rules = night.checks.files
    files, buckets = {key: night.written.get(key, []) for key in rules}, range(1 << night.bits)
    keys, distinct, runs = ([key for key, rule in rules.items() if rule.kind == kind] for kind in _KINDS)
    return TableFacts(
        rows=night.table.num_rows,
        file_columns=[tuple(night.table.column_names)],
        contract=CONTRACT,
        repeats={key: _repeats(night, key) for key in keys},
        distinct={key: sum(count_distinct(files[key], bucket) for bucket in buckets) for key in distinct},
        runs={key: ValueRuns(files[key], rules[key].number_kind) for key in runs},
    )


def _repeats(night: Night, key: str) -> Repeats:
    """As the run's last steps find them: by bucket, then the first of them all as examples."""
    rule: FileRule = night.checks.files[key]
    narrow = night.table.select(list(rule.columns))
    paths, buckets = night.written.get(key, []), range(1 << night.bits)
    found = np.sort(np.concatenate([find_duplicates(paths, bucket, narrow.take) for bucket in buckets]))
    domain = next(domain for domain in night.checks.domains if key in domain.files)
    examples = FirstRows(domain.examples)
    if key in domain.shown and len(found):
        first = found[:200]
        rows = narrow.take(pa.array(first)).combine_chunks().to_batches()[0]
        examples.add(rows, rule.columns, first, np.ones(len(first), np.bool_))
    return Repeats(len(found), examples)
