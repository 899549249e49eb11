"""`nightscore drift`: a range of nights together, as a page, a table of every number, and JSON."""

from __future__ import annotations

import os
import webbrowser
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from data_checks.calibration import Calibration
from data_checks.drift import compare
from data_checks.history import history_rows, history_table, write_history
from data_checks.impact import ImpactSums
from data_checks.profile import Profile
from data_checks.trend_facts import ModelOutcomes, Night, TrendFacts
from data_checks.trend_report import render_trend
from data_checks.trend_series import column_series, decision_series
from pipelines.console import Console, count
from pipelines.earlier_nights import EarlierRun, published_run
from pipelines.files import write_bytes, write_json
from pipelines.judging import tonight
from pipelines.labels import Labels
from pipelines.loading import LoadedJob, load_job
from pipelines.publishing import published_manifest
from pipelines.run_folder import RESULT, latest_run
from pipelines.running import dates_between
from pipelines.stages.plan import input_place
from schemas.errors import ConfigError, ExitCode, NoDataError
from schemas.verdicts import DriftVerdict

#: Folder of the runs' folder that holds these reports; no partition is named so, since its name has a `=`.
FOLDER = "drift"
_KNOWN = ("held", "failed", "no_data")


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

    Raises ConfigError as `load_job` does and for labels that do not fit, NoDataError where no night has a run.
    """
    loaded = load_job(job)
    nights = [_stored(loaded, run_date) for run_date in dates_between(first, last, "--from")]
    if all(night.run is None for night in nights):
        message = f"no run of {loaded.job.name} from {first} to {last}: there is nothing to report"
        raise NoDataError(message, code="no_runs")
    facts = _facts(loaded, nights, _outcomes(loaded, nights, options))
    target = options.output or loaded.runs / FOLDER / f"{first}_{last}"
    target.mkdir(parents=True, exist_ok=True)
    rows = [
        row
        for night in nights
        if night.run is not None and night.verdict is not None
        for row in history_rows(date.fromisoformat(night.date), night.run.run_id, night.verdict)
    ]
    write_history(history_table(rows), target / "history.parquet")
    write_json(target / "trend.json", facts.to_json())
    page = target / "index.html"
    write_bytes(page, render_trend(facts).encode())
    _say(facts, nights, page)
    if options.show:
        webbrowser.open(page.absolute().as_uri())
    return ExitCode.PUBLISHED


@dataclass(frozen=True)
class _Stored:
    """One date, and what is known of it."""

    date: str
    run: EarlierRun | None
    outcome: str
    reason: str = ""

    @property
    def verdict(self) -> DriftVerdict | None:
        """The night's own verdict, where it was reached on today's reference."""
        if self.run is None or isinstance(self.run.drift, str):
            return None
        reference = self.run.loaded.reference
        digest = None if isinstance(reference, str) else reference.digest
        return self.run.drift if self.run.drift.settings.get("reference_digest") == digest else None

    @property
    def profile(self) -> Profile | None:
        """The night's profile, if its partition is out and it was counted on today's reference."""
        if self.run is None or self.outcome != "published" or isinstance(self.run.profile, str):
            return None
        return self.run.profile


def _stored(loaded: LoadedJob, run_date: str) -> _Stored:
    run = published_run(loaded, run_date)
    if run is not None:
        return _Stored(run_date, run, "published")
    latest = latest_run(loaded.runs / input_place(loaded.job.input, loaded.base, run_date).partition)
    if latest is None:
        return _Stored(run_date, None, "missing", "no run")
    result = latest.read(RESULT)
    if result["status"] == "published":
        return _Stored(run_date, None, "missing", f"run {latest.run_id} was published, and its partition is gone")
    outcome = result["status"] if result["status"] in _KNOWN else "failed"
    reasons = [*result.get("reasons", ()), result["message"]]
    return _Stored(run_date, EarlierRun(loaded, run_date, latest.path), outcome, str(reasons[0]))


def _facts(loaded: LoadedJob, nights: Sequence[_Stored], outcomes: tuple[ModelOutcomes, ...]) -> TrendFacts:
    verdicts = [night.verdict for night in nights]
    by_month: dict[str, list[_Stored]] = defaultdict(list)
    for night in nights:
        by_month[night.date[:7]].append(night)
    months = {month: _together(loaded, members) for month, members in by_month.items()}
    return TrendFacts(
        job=loaded.job.name,
        first=nights[0].date,
        last=nights[-1].date,
        nights=tuple(_night(night) for night in nights),
        columns=column_series(verdicts),
        whole=_together(loaded, nights),
        decisions=decision_series(verdicts),
        months={month: verdict for month, verdict in months.items() if verdict.columns},
        outcomes=outcomes,
        settings=_settings(loaded),
    )


def _night(night: _Stored) -> Night:
    verdict, reason = night.verdict, night.reason
    if night.run is not None and verdict is None:
        drift = night.run.drift
        reason = reason or (drift if isinstance(drift, str) else "it was compared with another reference profile")
    profile = night.run.profile if night.run is not None else None
    rows = profile.rows_scored if isinstance(profile, Profile) else None
    run_id = night.run.run_id if night.run is not None else ""
    status = verdict.status if verdict is not None else None
    return Night(night.date, night.outcome, run_id, rows, status, reason)  # type: ignore[arg-type]  # checked by _KNOWN


def _together(loaded: LoadedJob, nights: Sequence[_Stored]) -> DriftVerdict:
    """All published nights as if they were one."""
    merged = loaded.spec.empty_outcome().profile
    for night in nights:
        if night.run is not None and night.profile is not None:
            merged.merge(_as_today(loaded, night.profile, night.run.models))
    return compare(loaded.reference, merged, loaded.job.drift, tonight(loaded))


def _as_today(loaded: LoadedJob, night: Profile, models: Mapping[str, str]) -> Profile:
    """A copy of the night's profile with the parts that today's job has, empty where the night's cannot be added to.

    That night may have had other slices or another threshold, and what another model did with it is not of this one.
    """
    copy = loaded.spec.empty_outcome().profile
    copy.rows_conformed, copy.rows_scored = night.rows_conformed, night.rows_scored
    same = {name for name, digest in models.items() if loaded.models.get(name) == digest}
    found: dict[str, dict[str, Any]] = {
        "columns": night.columns,
        "scores": {name: part for name, part in night.scores.items() if part.column.model in same},
        "decisions": {name: part for name, part in night.decisions.items() if name in same},
        "slices": night.slices,
    }
    for group, parts in found.items():
        for name, part in getattr(copy, group).items():
            with suppress(ValueError):  # what cannot merge is refused as a whole: the part stays empty
                if name in parts:
                    part.merge(parts[name])
    scores = {name: part for name, part in night.impact.scores.items() if part.explained.model in same}
    copy.impact = ImpactSums(scores, {name: why for name, why in night.impact.refused.items() if why[0] in same})
    return copy


def _settings(loaded: LoadedJob) -> dict[str, object]:
    drift = loaded.job.drift
    return {
        "psi_warn": drift.psi_warn,
        "psi_drift": drift.psi_drift,
        "significance": drift.significance,
        "reference": "none" if isinstance(loaded.reference, str) else loaded.reference.digest[:12],
    }


def _outcomes(loaded: LoadedJob, nights: Sequence[_Stored], options: RangeOptions) -> tuple[ModelOutcomes, ...]:
    """Probabilities beside what happened, of every binary model; none without labels."""
    if options.labels is None:
        if options.truth is not None:
            message = "--truth needs --labels: where the outcomes are"
            raise ConfigError(message, code="truth_without_labels")
        return ()
    if options.truth is None:
        message = "--labels needs --truth: the condition of the model's second class, such as 'col(\"late\") == true'"
        raise ConfigError(message, code="labels_without_truth")
    labels = Labels.read(options.labels, options.truth, loaded.contract)
    found = []
    for entry, card in zip(loaded.job.models, loaded.spec.cards, strict=True):
        score = entry.output.probability
        if card.task == "binary" and score:
            state = _Outcomes(labels, score, entry.output.threshold)
            for night in nights:
                state.add(loaded, night)
            found.append(state.result(entry.name, str((card.classes or ("", ""))[1])))
    return tuple(found)


class _Outcomes:
    """One model's probabilities beside what happened, month by month."""

    def __init__(self, labels: Labels, score: str, threshold: float) -> None:
        self.labels, self.score, self.threshold = labels, score, threshold
        self.months: dict[str, Calibration] = {}
        self.unknown = 0

    def add(self, loaded: LoadedJob, night: _Stored) -> None:
        """Count one night's published rows."""
        partition = loaded.table / input_place(loaded.job.input, loaded.base, night.date).partition
        manifest = published_manifest(partition) if night.outcome == "published" else None
        if manifest is None:
            return
        month = self.months.setdefault(night.date[:7], Calibration(self.threshold))
        parts = [partition / part["name"] for part in manifest["parts"]]
        self.unknown += self.labels.add_to(month, parts, self.score)

    def result(self, model: str, label: str) -> ModelOutcomes:
        """All months, and all of them together."""
        whole = Calibration(self.threshold)
        for month in self.months.values():
            whole.merge(month)
        return ModelOutcomes(model, self.score, label, whole, self.months, self.unknown, self.labels.source)


def _say(facts: TrendFacts, nights: Sequence[_Stored], page: Path) -> None:
    console = Console()
    out = sum(night.outcome == "published" for night in nights)
    console.line("nights", f"{count(len(nights), 'night')} from {facts.first} to {facts.last}, {out} published")
    console.line("drift", f"{facts.whole.status.value}: {facts.whole.reason}")
    console.line("report", os.path.relpath(page))
    console.line("history", os.path.relpath(page.with_name("history.parquet")))
