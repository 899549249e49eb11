"""`nightscore drift`: a range of nights together, as a page, a table of every number, and JSON."""

from __future__ import annotations

import os
import webbrowser
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from data_checks.history import history_rows, history_table, write_history
from data_checks.trend_facts import ModelOutcomes, Night, TrendFacts
from data_checks.trend_nights import range_reason, uncompared_sentences
from data_checks.trend_outcomes import outcome_line
from data_checks.trend_report import render_trend
from data_checks.trend_series import column_series, decision_series
from pipelines.console import Console, count
from pipelines.files import write_bytes, write_json
from pipelines.loading import LoadedJob, load_job
from pipelines.range_outcomes import outcomes_of
from pipelines.running import dates_between
from pipelines.stored_nights import StoredNight, stored_night, together
from schemas.errors import ConfigError, ExitCode, NoDataError

#: Folder of the runs' folder that holds these reports; no partition is named so, since its name has a `=`.
FOLDER = "drift"


@dataclass(frozen=True)
class RangeOptions:
    """What the command line says beside the job and the dates."""

    #: Where to write; by default a folder of the job's runs.
    output: Path | None = None
    labels: Path | None = None
    truth: str | None = None
    show: bool = False


def report_range(job: Path, first: str, last: str, options: RangeOptions) -> int:
    """Write the report of the nights from `first` to `last`. Returns the exit code.

    Raises ConfigError as `load_job` does, for labels that do not fit and for a folder that must not or cannot be
    written to; NoDataError where no night has a run.
    """
    loaded = load_job(job)
    _refuse_tables(loaded, options.output)
    nights = [stored_night(loaded, run_date) for run_date in dates_between(first, last, "--from")]
    if all(night.run is None for night in nights):
        message = f"no run of {loaded.job.name} from {first} to {last}: there is nothing to report"
        raise NoDataError(message, code="no_runs")
    facts = _facts(loaded, nights, outcomes_of(loaded, nights, options.labels, options.truth))
    target = options.output or loaded.runs / FOLDER / f"{first}_{last}"
    rows = [
        row
        for night in nights
        if night.run is not None and night.verdict is not None
        for row in history_rows(date.fromisoformat(night.date), night.run.run_id, night.verdict)
    ]
    page = target / "index.html"
    try:
        target.mkdir(parents=True, exist_ok=True)
        fresh = target / ".history.parquet"
        write_history(history_table(rows), fresh)
        fresh.replace(target / "history.parquet")
        write_json(target / "trend.json", facts.to_json())
        write_bytes(page, render_trend(facts).encode())
    except OSError as error:
        message = f"the report cannot be written to {target}: {error.strerror}"
        raise ConfigError(message, code="output_unwritable") from None
    _say(facts, nights, page)
    if options.show:
        webbrowser.open(page.absolute().as_uri())
    return ExitCode.PUBLISHED


def _refuse_tables(loaded: LoadedJob, output: Path | None) -> None:
    """Raise ConfigError for a place where readers of a table, or the next run, would take history.parquet for rows."""
    if output is None:
        return
    before, _, _ = loaded.job.input.path.partition("{date}")
    source = loaded.base / before if before.endswith("/") else (loaded.base / before).parent
    for name, place in (("output.path", loaded.table), ("input.path", source)):
        inside = output.resolve().is_relative_to(place.resolve())
        if inside and place.resolve() != loaded.base.resolve():
            message = f"--output {output} lies in {name}: history.parquet would be read as rows of that table"
            raise ConfigError(message, code="output_in_table")


def _facts(loaded: LoadedJob, nights: Sequence[StoredNight], outcomes: tuple[ModelOutcomes, ...]) -> TrendFacts:
    verdicts = [night.verdict for night in nights]
    by_month: dict[str, list[StoredNight]] = defaultdict(list)
    for night in nights:
        by_month[night.date[:7]].append(night)
    months = {month: together(loaded, members) for month, members in by_month.items()}
    return TrendFacts(
        job=loaded.job.name,
        first=nights[0].date,
        last=nights[-1].date,
        nights=tuple(_night(night) for night in nights),
        columns=column_series(verdicts),
        whole=together(loaded, nights),
        decisions=decision_series(verdicts),
        months={month: verdict for month, verdict in months.items() if verdict.columns},
        outcomes=outcomes,
        settings=_settings(loaded),
    )


def _night(night: StoredNight) -> Night:
    run_id = night.run.run_id if night.run is not None else ""
    status = night.verdict.status if night.verdict is not None else None
    reason = night.reason or night.uncompared
    return Night(night.date, night.outcome, run_id, night.rows, status, reason)  # type: ignore[arg-type]  # by _KNOWN


def _settings(loaded: LoadedJob) -> dict[str, object]:
    drift = loaded.job.drift
    return {
        "psi_warn": drift.psi_warn,
        "psi_drift": drift.psi_drift,
        "significance": drift.significance,
        "reference": "none" if isinstance(loaded.reference, str) else loaded.reference.digest[:12],
    }


def _say(facts: TrendFacts, nights: Sequence[StoredNight], page: Path) -> None:
    console = Console()
    out = sum(night.outcome == "published" for night in nights)
    known = f"{count(len(nights), 'night')} from {facts.first} to {facts.last}, {out} published"
    console.line("nights", "\n".join([known, *uncompared_sentences(facts)]))
    console.line("drift", f"{facts.whole.status.value}: {range_reason(facts)}")
    if facts.outcomes:
        console.line("outcomes", "\n".join(outcome_line(item) for item in facts.outcomes))
    console.line("report", os.path.relpath(page))
    console.line("history", os.path.relpath(page.with_name("history.parquet")))
