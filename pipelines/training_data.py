"""Training data for a new job: which columns its files share, of which type, and a sample of its rows."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from pipelines.reference import column_values, parquet_files, training_spans
from pipelines.unit_profiling import conformed
from schemas.contract import TableContract
from schemas.errors import ConfigError
from schemas.plan import Span
from transforms.arrow_types import logical_type, value_type
from transforms.casts import allowed
from transforms.parquet_footer import read_footer

#: What a suite and probe rows are made of, at most: every k-th row where there are more. It bounds the memory.
SAMPLE_ROWS = 200_000
#: Longer names are no columns of a contract.
_MAX_NAME = 500
#: How pandas calls an index that it writes as a column.
_PANDAS_INDEX = re.compile(r"__index_level_\d+__")
#: So many folders up, a relative path still says where the training data is; further up the two do not move together.
_MAX_UP = 3


@dataclass(frozen=True)
class TrainingData:
    """Training files whose footers were read."""

    files: tuple[Path, ...]
    spans: tuple[Span, ...]
    #: Column to its logical type, in file order: the columns that every file has in types that go together.
    types: Mapping[str, str]
    #: The other columns, and why they cannot be used.
    left_out: Mapping[str, str]

    @property
    def rows(self) -> int:
        """Rows by the footers."""
        return sum(span.rows for span in self.spans)

    @property
    def every(self) -> int:
        """One in so many rows is in the sample; 1 means that all are."""
        return -(-self.rows // SAMPLE_ROWS)

    @cached_property
    def sample(self) -> pa.Table:
        """The rows 0, k, 2k, ... with all columns of `types`; text is plain. Raises RowError where a value is lost."""
        kept: list[pa.RecordBatch] = []
        row = 0
        for batch in (batch for span in self.spans for batch in conformed(span, self._contract)):
            places = range(-row % self.every, batch.num_rows, self.every)
            kept.append(batch if self.every == 1 else batch.take(pa.array(places, pa.int64())))
            row += batch.num_rows
        return pa.Table.from_batches(kept)

    def all_values(self, name: str) -> pa.ChunkedArray:
        """Every value of one column."""
        return column_values(self.spans, self._contract, name)

    def rows_alike(self, names: Sequence[str]) -> int:
        """How many rows have the same values in these columns as an earlier row. Holds these columns in memory."""
        table = pa.table({name: self.all_values(name) for name in names})
        return self.rows - int(table.group_by(list(names)).aggregate([]).num_rows)

    def missing_share(self, name: str) -> float:
        """Share of the sampled rows where the column is null or NaN."""
        values = self.sample.column(name)
        return (pc.sum(pc.is_null(values, nan_is_null=True)).as_py() or 0) / max(len(values), 1)

    @property
    def _contract(self) -> TableContract:
        columns = [{"name": name, "type": kind, "role": "passthrough"} for name, kind in self.types.items()]
        return TableContract.model_validate({"columns": columns})


def open_training(places: Sequence[Path]) -> TrainingData:
    """The training data in files, folders and globs. Raises ConfigError where a place has none, or no rows."""
    files = sorted({path for place in places for path in parquet_files([place])})
    spans = tuple(training_spans(files))
    if not spans:
        message = f"the training data has no rows: {', '.join(map(str, places))}"
        raise ConfigError(message, code="no_training_rows")
    types, left_out = _shared_types({path: read_footer(path).schema for path in files})
    if not types:
        reasons = "; ".join(f"'{name}': {why}" for name, why in left_out.items())
        message = f"no column of the training data can be used: {reasons}"
        raise ConfigError(message, code="no_training_columns")
    return TrainingData(tuple(files), spans, types, left_out)


def _shared_types(schemas: Mapping[Path, pa.Schema]) -> tuple[dict[str, str], dict[str, str]]:
    types: dict[str, str] = {}
    left_out: dict[str, str] = {}
    for name in dict.fromkeys(name for schema in schemas.values() for name in schema.names):
        kinds = {path: schema.field(name).type for path, schema in schemas.items() if name in schema.names}
        lacking = [path for path in schemas if path not in kinds]
        found = _shared_type(kinds)
        if not name or len(name) > _MAX_NAME:
            left_out[name] = f"its name has {len(name)} characters; 1 to {_MAX_NAME} are possible"
        elif _PANDAS_INDEX.fullmatch(name):
            left_out[name] = "it is an index that pandas wrote (preserve_index=False leaves it out)"
        elif lacking:
            left_out[name] = f"it is not in {lacking[0].name}" + (" and other files" if len(lacking) > 1 else "")
        elif found is None:
            words = " and ".join(f"{kind} in {path.name}" for path, kind in _differing(kinds))
            left_out[name] = f"it is {words}, for which the contract has no type"
        else:
            types[name] = found
    return types, left_out


def _shared_type(kinds: Mapping[Path, pa.DataType]) -> str | None:
    """The logical type that takes the values of all files; None where there is none."""
    words = [logical_type(kind) for kind in kinds.values() if not pt.is_null(kind)]
    if not words or None in words:
        return None
    single = [pa.schema([pa.field("x", value_type(word))]) for word in words if word]
    try:
        wide = pa.unify_schemas(single, promote_options="permissive").field("x").type
    except pa.ArrowException:
        return None
    found = logical_type(wide)
    fits = found is not None and all(allowed(kind, value_type(found)) for kind in kinds.values())
    return found if fits else None


def _differing(kinds: Mapping[Path, pa.DataType]) -> Iterator[tuple[Path, pa.DataType]]:
    """The first file of each type."""
    seen: set[pa.DataType] = set()
    for path, kind in kinds.items():
        if kind not in seen:
            seen.add(kind)
            yield path, kind


def training_path(places: Sequence[Path], files: Sequence[Path], folder: Path) -> str:
    """What job.yaml in `folder`, a resolved path, says of these files: one folder or glob.

    Relative where it is below the folder or near, else absolute. Raises ConfigError where neither a folder nor a simple
    glob means exactly these files.
    """
    wanted = {path.resolve() for path in files}
    for place in _candidates(places, sorted(wanted)):
        if _files_of(place) == wanted:
            near = Path(os.path.relpath(place, folder))
            return (near if near.parts.count("..") <= _MAX_UP else place).as_posix()
    message = (
        f"--train: job.yaml names the training data by one folder or one glob, and none means just these {len(files)} "
        "files: put them, and no others, into a folder of their own"
    )
    raise ConfigError(message, code="training_not_one_place")


def _candidates(places: Sequence[Path], files: Sequence[Path]) -> Iterator[Path]:
    if len(files) == 1:
        yield Path(glob.escape(str(files[0])))
    if len(places) == 1:
        yield places[0].resolve()
    folders = [path.parent for path in files]
    common = Path(os.path.commonpath(folders))
    if all(common in (path, path.parent) for path in folders):  # from further up, much else would be searched
        yield common
    start = os.path.commonprefix([path.name for path in files])  # noqa: RUF071  # of names, character by character
    yield Path(glob.escape(str(common))) / f"{glob.escape(start)}*.parquet"


def _files_of(place: Path) -> set[Path]:
    try:
        return {path.resolve() for path in parquet_files([place])}
    except ConfigError:
        return set()
