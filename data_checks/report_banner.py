"""The banner of a night's report: what became of it, why, what readers see, and what to do next."""

from __future__ import annotations

import re
from dataclasses import dataclass

from data_checks.report_facts import ReportFacts
from data_checks.report_phrases import clip, names_in_words
from data_checks.report_sentences import drifted_columns
from data_checks.report_words import Badge
from schemas.verdicts import DriftStatus

#: Characters of the reason of a release.
_LONGEST_REASON = 500
_STANDING = re.compile(r"The partition of run (?P<run>\S+)(?: \(revision (?P<revision>\d+)\))? still stands\.")
_BADGES = {
    "published": Badge("✓", "Published", "good"),
    "held": Badge("❚❚", "Held", "caution"),
    "failed": Badge("✕", "Failed", "bad"),
    "no_data": Badge("○", "No data", "quiet"),
}


@dataclass(frozen=True)
class Headline:
    """The first lines of the page; sentences of ours, names in backticks."""

    badge: Badge
    sentence: str
    #: Who published it and why, if that was not the gate; empty otherwise.
    released: str
    why: tuple[str, ...]
    next_steps: tuple[str, ...]


def headline(facts: ReportFacts) -> Headline:
    """Of one night. A published one that has drifted is a caution: nobody was asked, or somebody said yes."""
    reasons = facts.decision.reasons if facts.decision is not None else ()
    drifted = _published_with_drift(facts)
    return Headline(
        Badge("◆", "Published, with drift", "caution") if drifted else _BADGES[facts.outcome],
        _sentence(facts),
        _released(facts),
        (*([facts.error] if facts.error else []), *reasons),
        _after_drift(facts) if drifted else facts.next_steps,
    )


def _published_with_drift(facts: ReportFacts) -> bool:
    return facts.outcome == "published" and facts.drift is not None and facts.drift.status is DriftStatus.DRIFT


def _sentence(facts: ReportFacts) -> str:
    if facts.outcome == "published":
        scored = facts.ledger.total().scored
        return f"{scored:,} scored {'row' if scored == 1 else 'rows'} of {facts.run_date} are published"
    standing = _standing(facts.stands)
    if facts.outcome == "no_data":
        return f"there was no input for {facts.run_date}, and {standing or 'nothing is published'}"
    until = " until somebody decides" if facts.outcome == "held" else ""
    if standing:
        return f"tonight's scores were not published; {standing}{until}"
    return f"nothing of {facts.run_date} is published{until}"


def _standing(stands: str) -> str:
    """`readers still see revision 2`; empty where there is no partition that still stands."""
    found = _STANDING.fullmatch(stands)
    if found is None:
        return ""
    seen = f"revision {found['revision']}" if found["revision"] else f"what run {found['run']} published"
    return f"readers still see {seen}"


def _released(facts: ReportFacts) -> str:
    if facts.released is None:
        return ""
    return f'Released by hand on {facts.released.at[:10]}: "{clip(facts.released.reason, _LONGEST_REASON)}"'


def _after_drift(facts: ReportFacts) -> tuple[str, ...]:
    names = drifted_columns(facts.drift) if facts.drift is not None else ()
    look = f"Look at {names_in_words(names)}: did the world change, or is it a mistake of the feed?"
    stay = "Where the change is here to stay, train on newer nights, or make a new reference: `nightscore profile`."
    ask = "To be asked before such a night is published, set `drift.gate: hold` in job.yaml."
    return (*([look] if names else []), stay, *([] if facts.released else [ask]))
