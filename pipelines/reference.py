"""`nightscore profile`: the reference profile from the training data, one column at a time.

Exact quantiles need all values of a column at once, so this is no pass of Beam's: memory holds one column, and the
models' scores. The result does not depend on the order or the number of the files.
"""

from __future__ import annotations

import glob
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from data_checks.profile import ScoreColumn, profile_columns
from data_checks.quarantine import kept_mask
from data_checks.reference import ReferenceColumn, ReferenceProfile, contract_digest, write_reference
from data_checks.reference_build import build_column, build_score
from pipelines.console import Console, count
from pipelines.loading import LoadedJob, load_job
from pipelines.tools import Tools, tools_for
from schemas.contract import TableContract
from schemas.errors import ConfigError, RowError
from schemas.plan import InputFile, Span
from transforms.conform import Conformer
from transforms.parquet_footer import read_footer
from transforms.predict import predict
from transforms.read_span import open_span


def make_reference(job: Path) -> Path:
    """Write the reference profile that job.yaml names. Raises ConfigError where it names none or no training data."""
    loaded = load_job(job)
    target, files = _target(loaded), training_files(loaded)
    spans = training_spans(files)
    tools = tools_for(loaded.spec)
    columns = [
        build_column(column.name, column.kind, column_values(spans, loaded.contract, column.name))
        for column in profile_columns(loaded.contract)
    ]
    reference = ReferenceProfile(
        contract_digest=contract_digest(loaded.contract),
        models=loaded.models,
        rows=sum(span.rows for span in spans),
        columns=tuple(columns),
        scores=tuple(_scores(spans, tools)),
    )
    target.parent.mkdir(parents=True, exist_ok=True)
    write_reference(reference, target)
    text = f"{count(reference.rows, 'row')} of {count(len(files), 'file')}, {count(len(columns), 'column')}"
    Console().line("profile", f"{loaded.job.drift.reference}: {text}, digest {reference.digest[:12]}")
    return target


def _target(loaded: LoadedJob) -> Path:
    if loaded.job.drift.reference is None:
        message = "job.yaml: drift.reference must name the file to make, such as reference/profile.json"
        raise ConfigError(message, code="no_reference_path")
    return loaded.base / loaded.job.drift.reference


def training_files(loaded: LoadedJob) -> list[Path]:
    """The training files of drift.training, a folder or a glob, sorted. Raises ConfigError where there are none."""
    wanted = loaded.job.drift.training
    if wanted is None:
        message = "job.yaml: drift.training must name the training data: a folder or a glob of Parquet files"
        raise ConfigError(message, code="no_training_path")
    return parquet_files([loaded.base / wanted])


def parquet_files(places: Sequence[Path]) -> list[Path]:
    """The Parquet files in folders, globs and files, sorted and each once. Raises ConfigError where there are none."""
    found: set[Path] = set()
    for place in places:
        if place.is_dir():
            found.update(place.rglob("*.parquet"))
        else:
            found.update(Path(name) for name in glob.glob(str(place), recursive=True))  # noqa: PTH207  # a whole pattern
    files = sorted(path for path in found if path.is_file())
    if not files:
        message = f"no Parquet file in {', '.join(map(str, places))}"
        raise ConfigError(message, code="no_training_files")
    return files


def training_spans(files: Sequence[Path]) -> list[Span]:
    """Every row group of the files."""
    spans: list[Span] = []
    rows = 0
    for number, path in enumerate(files):
        footer = read_footer(path)
        file = InputFile(
            number, str(path), str(path), footer.bytes, footer.mtime_ns, footer.digest, footer.row_group_rows
        )
        for group, group_rows in enumerate(footer.row_group_rows):
            if group_rows:
                spans.append(Span(file, group, rows))
                rows += group_rows
    return spans


def column_values(spans: Sequence[Span], contract: TableContract, name: str) -> pa.ChunkedArray:
    """All conformed values of one column."""
    narrow = contract.model_copy(
        update={"extra_columns": "ignore", "columns": tuple(c for c in contract if c.name == name)}
    )
    chunks = [batch.column(0) for batch in conformed(spans, narrow)]
    return pa.chunked_array(chunks) if chunks else pa.chunked_array([pa.array([], pa.null())])


def conformed(spans: Sequence[Span], contract: TableContract) -> Iterator[pa.RecordBatch]:
    """The rows of the spans in the contract, without those that break it. Raises RowError where its policy is fail."""
    for span in spans:
        row = span.first_row_in_file
        with open_span(span) as source:
            conformer = Conformer.for_file(contract, source.schema, (), span.file.name)
            for raw in source.batches(conformer):
                batch, breaches = conformer.apply(raw, row)
                for breach in breaches:
                    if breach.outcome == "fail" and breach.mask.any():
                        first = row + int(np.argmax(breach.mask))
                        message = f"{span.file.name}: row {first}: column '{breach.column}': {breach.reason}"
                        raise RowError(message, code=breach.reason, file=span.file.name, row=first)
                row += batch.num_rows
                mask = kept_mask(breaches, batch.num_rows)
                yield batch if mask is None else batch.filter(pa.array(mask))


def _scores(spans: Sequence[Span], tools: Tools) -> Iterator[ReferenceColumn]:
    """Every score of every model on the training rows."""
    spec = tools.spec
    needed = {name for chain in spec.chains for entry in chain.entries for name in entry.sources}
    narrow = spec.contract.model_copy(
        update={"extra_columns": "ignore", "columns": tuple(c for c in spec.contract if c.name in needed)}
    )
    found: dict[ScoreColumn, list[npt.NDArray[np.float64]]] = {score: [] for score in spec.scores}
    for batch in conformed(spans, narrow):
        for chain, model in zip(spec.chains, tools.models, strict=True):
            scores = predict(model, chain.apply(batch).features).scores
            for score, chunks in found.items():
                if score.model == model.entry.name:
                    chunks.append(np.asarray(scores.column(score.name).to_numpy(zero_copy_only=False), np.float64))
    for score, chunks in found.items():
        yield build_score(score.name, score.kind, score.model, np.concatenate(chunks))
