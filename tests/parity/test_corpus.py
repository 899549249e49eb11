"""Every file of the corpus of foreign Parquet files, read as its manifest says it must be.

Some of the files are finds of a fuzzer, so they are opened in child processes with limits of memory and time. This
module is also the child: `python test_corpus.py FOLDER` takes names from its input and prints what came of each.
"""

from __future__ import annotations

import csv
import json
import os
import re
import resource
import subprocess
import sys
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.input_listing import list_files
from schemas.contract import TableContract
from schemas.errors import InputError
from schemas.plan import InputFile, Span
from transforms.arrow_types import logical_type
from transforms.conform import Conformer
from transforms.parquet_footer import read_footer
from transforms.read_span import open_span, read_span

pytestmark = [
    pytest.mark.corpus,
    pytest.mark.skipif("NIGHTSCORE_CORPUS" not in os.environ, reason="NIGHTSCORE_CORPUS names no folder of files"),
]

_MEMORY = 4 * 1024**3
_SECONDS = 120
_FILES_PER_CHILD = 40


@dataclass(frozen=True)
class Entry:
    """A line of the manifest."""

    name: str
    policy: str
    #: What plain pyarrow does with the file, with the number of rows where it reads it.
    plain: str


def manifest() -> list[Entry]:
    with (Path(os.environ["NIGHTSCORE_CORPUS"]) / "MANIFEST.tsv").open(newline="") as stream:
        lines = csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE)
        return [Entry(line["file"], line["scorer_policy"], line["pyarrow_25.0.1_behaviour"]) for line in lines]


# ------------------------------------------------------------------------------------------------- in the child process


def outcome_of(folder: Path, name: str) -> dict[str, Any]:
    """Rows by two ways of reading and by the plain reader, or the error."""
    try:
        spans = spans_of(folder / name, name)
        whole = sum(batch.num_rows for span in spans for batch in read_span(span))
        return {"rows": whole, **conformed(folder / name, spans)}
    except InputError as error:
        return {"error": error.message, "code": error.code}
    except BaseException:  # noqa: BLE001  # whatever it is, the test names it
        return {"crash": traceback.format_exc()}


def spans_of(path: Path, name: str) -> list[Span]:
    footer = read_footer(path, name)
    file = InputFile(0, str(path), name, footer.bytes, footer.mtime_ns, footer.digest, footer.row_group_rows)
    return [Span(file, group, 0) for group in range(len(footer.row_group_rows))]


def conformed(path: Path, spans: list[Span]) -> dict[str, Any]:
    """Rows and breaches of the columns that a contract can have, and whether the plain reader sees the same values."""
    if not spans or (contract := contract_of(read_footer(path).schema)) is None:
        return {}
    batches, breaches = [], 0
    for span in spans:
        with open_span(span) as source:
            conformer = Conformer.for_file(contract, source.schema, (), span.file.name)
            for raw in source.batches(conformer):
                batch, found = conformer.apply(raw)
                batches.append(batch)
                breaches += len(found)
    table = pa.Table.from_batches(batches, conformer.schema)
    plain = pq.ParquetFile(path, coerce_int96_timestamp_unit="us").read(columns=[c.name for c in contract])
    same = all(
        texts(table[name]) == texts(plain[name].cast(plain_type(table[name].type))) for name in table.column_names
    )
    return {"conformed": table.num_rows, "breaches": breaches, "same": same}


def contract_of(schema: pa.Schema) -> TableContract | None:
    """A contract of the columns that hold one plain value in a row; None when there are none."""
    words = {field.name: logical_type(field.type) for field in schema}
    columns = [{"name": name, "type": word} for name, word in words.items() if word and name]
    return TableContract.model_validate({"columns": columns}) if columns else None


def plain_type(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def texts(column: pa.ChunkedArray) -> list[str]:
    return [repr(value) for value in column.to_pylist()]


# ------------------------------------------------------------------------------------------------ in the parent process


def limit() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (_SECONDS, _SECONDS))


def run_child(names: list[str]) -> dict[str, dict[str, Any]]:
    """The outcome of each file up to the one, if any, that ended the child."""
    command = [sys.executable, __file__, os.environ["NIGHTSCORE_CORPUS"]]
    child = subprocess.run(  # no thread of ours runs while it forks
        command, input="\n".join(names), capture_output=True, text=True, check=False, preexec_fn=limit
    )
    found = {line["name"]: line for line in map(json.loads, child.stdout.splitlines())}
    if len(found) < len(names) and len(names) == 1:
        found[names[0]] = {"crash": f"the child ended with {child.returncode}: {child.stderr[-500:]}"}
    return found


@pytest.fixture(scope="module")
def outcomes() -> dict[str, dict[str, Any]]:
    names = [entry.name for entry in manifest()]
    found: dict[str, dict[str, Any]] = {}
    for start in range(0, len(names), _FILES_PER_CHILD):
        chunk = names[start : start + _FILES_PER_CHILD]
        found |= run_child(chunk)
        for name in chunk:
            if name not in found:
                found |= run_child([name])
    return found


def wrong(outcomes: dict[str, dict[str, Any]], policy: str, wanted: Any) -> dict[str, Any]:
    entries = [entry for entry in manifest() if entry.policy.startswith(policy)]
    assert entries
    return {entry.name: outcomes[entry.name] for entry in entries if not wanted(entry, outcomes[entry.name])}


def named_error(entry: Entry, outcome: dict[str, Any]) -> bool:
    return entry.name in outcome.get("error", "") and bool(re.fullmatch(r"[a-z][a-z0-9_]+", outcome.get("code", "")))


def test_no_file_ends_the_process(outcomes: dict[str, dict[str, Any]]) -> None:
    assert {name: outcome for name, outcome in outcomes.items() if "crash" in outcome} == {}
    assert len(outcomes) == len(manifest())


def test_sound_files_are_read_with_the_right_number_of_rows_and_values(outcomes: dict[str, dict[str, Any]]) -> None:
    def wanted(entry: Entry, outcome: dict[str, Any]) -> bool:
        rows = int(entry.plain.removeprefix("rows="))
        return (
            outcome.get("rows") == rows
            and outcome.get("conformed", rows) == rows
            and outcome.get("breaches", 0) == 0
            and outcome.get("same", True)
        )

    assert wrong(outcomes, "READ", wanted) == {}


def test_broken_files_are_named_errors(outcomes: dict[str, dict[str, Any]]) -> None:
    assert wrong(outcomes, "CLEAR-ERROR", named_error) == {}


def test_files_that_plain_pyarrow_reads_wrong_are_named_errors(outcomes: dict[str, dict[str, Any]]) -> None:
    assert wrong(outcomes, "MUST-DETECT", named_error) == {}


def test_encrypted_files_are_told_from_broken_ones(outcomes: dict[str, dict[str, Any]]) -> None:
    assert wrong(outcomes, "CLEAR-ERROR(encrypted)", lambda _, outcome: outcome.get("code") == "encrypted") == {}


def test_a_file_that_wants_all_the_memory_is_stopped(outcomes: dict[str, dict[str, Any]]) -> None:
    assert wrong(outcomes, "LIMIT", lambda _, outcome: outcome.get("code") == "too_large") == {}


def test_files_that_are_no_data_are_not_picked_up() -> None:
    listed = {file.name for file in list_files(Path(os.environ["NIGHTSCORE_CORPUS"])).files}
    assert not [entry.name for entry in manifest() if entry.policy.startswith("IGNORE") and entry.name in listed]


if __name__ == "__main__":
    for wanted_name in map(str.rstrip, sys.stdin):
        result = {"name": wanted_name, **outcome_of(Path(sys.argv[1]), wanted_name)}
        print(json.dumps(result), flush=True)  # noqa: T201  # the parent reads it
