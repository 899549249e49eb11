"""Verdicts and the gate, from what the pass left: the same for the same outcome, whenever it is asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from data_checks.drift import Tonight, compare
from data_checks.drift_json import drift_json
from data_checks.expectations.finding import Repeats
from data_checks.first_rows import FirstRows
from data_checks.gate import Totals, decide
from data_checks.report_sentences import drift_sentences
from data_checks.value_runs import ValueRuns
from data_checks.verdicts import TableFacts, judge_suite, quality_json
from pipelines.console import count
from pipelines.drift_notes import drift_notes
from pipelines.loading import LoadedJob
from pipelines.outcome import Outcome
from pipelines.pass_running import PassResult
from pipelines.repeated_keys import values_at
from pipelines.stages.duplicates import Duplicates
from schemas.errors import ExitCode
from schemas.plan import Plan
from schemas.verdicts import DriftStatus, DriftVerdict, ExpectationVerdict, GateDecision, Trend


@dataclass(frozen=True)
class Judgement:
    """Everything that was found out about a night."""

    passed: PassResult
    expectations: tuple[ExpectationVerdict, ...]
    drift: DriftVerdict
    gate: GateDecision
    #: What the earlier nights say of this one.
    trend: Trend = field(default_factory=Trend)

    @property
    def quality_word(self) -> str:
        """passed, warned or failed."""
        missed = [verdict for verdict in self.expectations if not verdict.success]
        if any(verdict.on_fail == "fail" for verdict in missed):
            return "failed"
        return "warned" if missed else "passed"

    def quality_json(self, loaded: LoadedJob, run_date: str, partition: str) -> dict[str, Any]:
        """quality.json. Its time is the run date, so that the same night gives the same bytes."""
        moment = f"{run_date}T00:00:00+00:00"
        batch = {
            "run_id": {"run_name": loaded.job.name, "run_time": moment},
            "validation_time": moment,
            "batch_spec": {"partition": partition},
            "batch_markers": {"ge_load_time": moment},
            "active_batch_definition": {
                "datasource_name": loaded.job.name,
                "data_connector_name": "nightscore",
                "data_asset_name": loaded.job.name,
                "batch_identifiers": {"partition": partition},
            },
            "suite_digest": loaded.digests.get("suite", ""),
        }
        return quality_json(self.expectations, loaded.suite, batch)

    def drift_json(self) -> dict[str, Any]:
        """drift.json."""
        return drift_json(self.drift)

    def lines(self, loaded: LoadedJob) -> Iterator[tuple[str, str]]:
        """(stage, text) for the console."""
        outcome = self.passed.outcome
        yield "schema", self._schema_line(loaded)
        yield "quality", self._quality_line()
        if outcome.rejected:
            yield "rejected", "\n".join(item.message for item in outcome.rejected[:5])
        if outcome.reasons:
            found = _by_rows(outcome)[:5]
            yield "set aside", "\n".join(f"{count(n, 'row')}: {rule} ({reason})" for (rule, _, reason), n in found)
        yield "score", self._score_line(loaded)
        notes = [] if isinstance(loaded.reference, str) else drift_notes(loaded)
        sentences = [f"{self.drift.status.value}: {self.drift.reason}", *self._drift_sentences(), *notes]
        yield "drift", "\n".join(sentences)
        yield "ledger", _ledger_line(self.passed)

    def _schema_line(self, loaded: LoadedJob) -> str:
        outcome = self.passed.outcome
        unfit = [(key[1], n) for key, n in _by_rows(outcome) if key[0].startswith("schema:") and key[2] == "type_error"]
        ignored = sorted(outcome.ignored_columns)
        text = count(len(loaded.contract.columns), "column") + ("" if unfit else " as the contract says")
        text += f"; ignored: {', '.join(ignored[:5])}" if ignored else ""
        return "\n".join([text, *(f"{_unfit(loaded, name, n)}, taken as missing" for name, n in unfit[:5])])

    def _quality_line(self) -> str:
        if not self.expectations:
            return "no suite"
        missed = [verdict for verdict in self.expectations if not verdict.success]
        text = f"{len(self.expectations) - len(missed)} of {count(len(self.expectations), 'expectation')} met"
        return "\n".join([text, *(f"{verdict.severity}: {verdict.message}" for verdict in missed[:5])])

    def _drift_sentences(self) -> list[str]:
        """Of a night that drifted as a whole: what moved, in words."""
        if self.drift.status is not DriftStatus.DRIFT:
            return []
        return [text.replace("`", "") for text in drift_sentences(self.drift, self.trend)[:3]]

    def _score_line(self, loaded: LoadedJob) -> str:
        scored = self.passed.outcome.ledger.total().scored
        names = [
            f"{entry.name} ({card.kind} {card.libraries.get(card.kind, card.libraries.get('scikit-learn', ''))})"
            for entry, card in zip(loaded.job.models, loaded.spec.cards, strict=True)
        ]
        means = [
            f"mean {name} {score.moments.mean:.4g}"
            for name, score in self.passed.outcome.profile.scores.items()
            if score.moments.mean is not None
        ]
        return ", ".join([f"{count(scored, 'row')} by {' and '.join(names)}", *means[:3]])


def _by_rows(outcome: Outcome) -> list[tuple[tuple[str, str, str], int]]:
    """((rule, column, reason), rows set aside), most rows first."""
    return sorted(outcome.reasons.items(), key=lambda item: (-item[1], item[0]))


def _unfit(loaded: LoadedJob, name: str, rows: int) -> str:
    """`distance: 177 values that are no int16`."""
    column = loaded.contract.column(name)
    return f"{name}: {count(rows, 'value')} that {'is' if rows == 1 else 'are'} no {column.type if column else name}"


def _most_set_aside(loaded: LoadedJob, outcome: Outcome) -> str:
    """The rule that set most rows aside, in words."""
    if not outcome.reasons:
        return ""
    (rule, column, reason), rows = _by_rows(outcome)[0]
    if rule.startswith("schema:") and reason == "type_error":
        return _unfit(loaded, column, rows)
    return f"{count(rows, 'row')} by {rule} ({reason})"


def _ledger_line(passed: PassResult) -> str:
    total = passed.outcome.ledger.total()
    unknown = sum(account.rows_in is None for account in passed.outcome.ledger.accounts.values())
    text = (
        f"{total.rows_in or 0:,} in = {total.scored:,} scored + {total.quarantined:,} quarantined "
        f"+ {total.dropped:,} dropped + {total.rejected:,} rejected"
    )
    return text + (f"; {count(unknown, 'unreadable file')} with unknown rows" if unknown else "")


def tonight(loaded: LoadedJob, usual_psi: Mapping[str, float] | None = None) -> Tonight:
    """What the comparison must know of the job; `usual_psi` are thresholds from the history."""
    sources = {
        (entry.name, feature.name): item.sources
        for entry, chain in zip(loaded.job.models, loaded.spec.chains, strict=True)
        for item in chain.entries
        for feature in item.outputs
    }
    hidden = frozenset(column.name for column in loaded.contract if column.sensitive)
    return Tonight(loaded.models, sources, hidden, dict(usual_psi or {}))


def judge(loaded: LoadedJob, plan: Plan, passed: PassResult, usual_psi: Mapping[str, float] | None = None) -> Judgement:
    """The verdict of every expectation, the drift, and whether to publish."""
    outcome = passed.outcome
    facts = table_facts(loaded, plan, passed)
    expectations = tuple(judge_suite(loaded.spec.checks, outcome.checks, facts, loaded.job.checks.result_format))
    drift = compare(loaded.reference, outcome.profile, loaded.job.drift, tonight(loaded, usual_psi))
    total = outcome.ledger.total()
    unreadable = sum(item.row_group is None for item in outcome.rejected)
    most = _most_set_aside(loaded, outcome)
    totals = Totals(total.rows_in or 0, total.quarantined, total.dropped, total.rejected, unreadable, most)
    empty = not plan.rows and not plan.bad_files and loaded.job.input.on_empty == "ok"
    gate = publish_empty() if empty else decide(expectations, drift, totals, loaded.job)
    return Judgement(passed, expectations, drift, gate)


def table_facts(loaded: LoadedJob, plan: Plan, passed: PassResult) -> TableFacts:
    """What the verdicts need beside the folded state."""
    checks = loaded.spec.checks
    runs = {
        key: ValueRuns([passed.folder / path for path in passed.outcome.files.get(key, [])], rule.number_kind)
        for key, rule in checks.files.items()
        if rule.kind == "runs"
    }
    return TableFacts(
        rows=passed.outcome.profile.rows_conformed,
        file_columns=plan.file_columns,
        contract=loaded.contract,
        repeats={key: _repeats(key, found, loaded, plan) for key, found in passed.keys.items()},
        distinct={key: found.distinct for key, found in passed.keys.items()},
        runs=runs,
    )


def _repeats(key: str, found: Duplicates, loaded: LoadedJob, plan: Plan) -> Repeats:
    """Their number, and the first of them where examples are allowed."""
    checks = loaded.spec.checks
    domain = next(domain for domain in checks.domains if key in domain.files)
    if key not in domain.shown or not found.positions:
        return Repeats(found.rows)
    positions, columns = np.array(found.positions), checks.files[key].columns
    examples = FirstRows(domain.examples)
    rows = values_at(positions, columns, loaded.contract, plan).combine_chunks().to_batches()[0]
    examples.add(rows, columns, positions, np.ones(rows.num_rows, np.bool_))
    return Repeats(found.rows, examples)


def publish_empty() -> GateDecision:
    """The decision on a night without rows that the job wants published."""
    return GateDecision(publish=True, exit_code=ExitCode.PUBLISHED, warnings=("no rows: nothing was evaluated",))
