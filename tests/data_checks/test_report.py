from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from data_checks.report import render_report
from data_checks.report_charts import MAX_BARS, column_chart, score_chart
from data_checks.report_environment import content_policy, page_script
from data_checks.report_facts import FeatureCount, QuarantineCount, Release, ReportFacts
from data_checks.visible_text import visible
from schemas.errors import ExitCode
from schemas.ledger import Account, Ledger
from schemas.verdicts import (
    Bin,
    ClassShare,
    ColumnDrift,
    DecisionDrift,
    DriftStatus,
    DriftVerdict,
    EarlierNight,
    ExpectationVerdict,
    FeatureImpact,
    GateDecision,
    ImpactVerdict,
    SliceColumn,
    SliceDrift,
    Status,
    Trend,
)

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "=cmd()|'/c calc'!A1",
    "{{7*7}}",
    "{% raise %}",
    "abc\u202efed",
    "zero\u200bwidth\x00\x1b[31m",
    "</style></title><svg onload=alert(1)>",
    "javascript:alert(1)",
)


def expectation(rule: str, status: Status = Status.PASSED, **more: Any) -> ExpectationVerdict:
    values: dict[str, Any] = {
        "type": "expect_column_values_to_be_between",
        "column": "temp",
        "kwargs": {"column": "temp", "min_value": 0, "max_value": 120, "mostly": 0.99},
        "severity": "critical",
        "on_fail": "fail",
        "success": status is Status.PASSED,
        "evaluated": 166,
        "unexpected": 0,
        "message": f"what {rule} found",
    }
    return ExpectationVerdict(rule=rule, status=status, **values | more)


def drifted(name: str, status: DriftStatus = DriftStatus.DRIFT, **more: Any) -> ColumnDrift:
    bins = tuple(Bin(label, 100, count) for label, count in (("below 1", 5), ("1 to 2", 20), ("2 and more", 141)))
    values: dict[str, Any] = {
        "psi": 0.61,
        "psi_noise_95": 0.036,
        "js_distance_base2": 0.31,
        "missing_rate_reference": 0.0003,
        "missing_rate_current": 0.5,
        "missing_rate_z": 8.0,
        "out_of_range_share": 0.012,
        "bins": bins,
        "reasons": (f"values of {name} moved",),
    }
    return ColumnDrift(name, "feature", "numeric", status, 300, 166, **values | more)


def score(name: str) -> ColumnDrift:
    unit = tuple(Bin(f"{number / 20:.2f} to {(number + 1) / 20:.2f}", 20 - number, number) for number in range(20))
    return replace(drifted(name), role="score", unit_bins=unit, mean_reference=0.3, mean_current=0.41, reasons=())


def held() -> ReportFacts:
    """A held night with something in every section."""
    ledger = Ledger({"part-0.parquet": Account(167, 160, 5, 1, 1)})
    drift = DriftVerdict(
        DriftStatus.DRIFT,
        (drifted("quiet", DriftStatus.OK, psi=0.01, reasons=()), drifted("temp"), score("p_late")),
        "2 of 3 compared columns drifted",
        {"psi_drift": 0.25, "critical": ["temp"]},
    )
    return ReportFacts(
        job="flights-late",
        run_date="2013-12-31",
        run_id="r-1",
        outcome="held",
        ledger=ledger,
        decision=GateDecision(
            publish=False,
            exit_code=ExitCode.QUALITY_GATE,
            reasons=("temp_present: 147 of 147 values of `temp` are null",),
            warnings=("the drift gate only warns",),
        ),
        stands="the partition of run r-0 stands",
        next_steps=("Ask the feed's owner, then `nightscore run flights --date 2013-12-31`",),
        expectations=(
            expectation("fine"),
            expectation("warned", Status.FAILED, on_fail="warn", severity="warning", unexpected=3),
            expectation("broken", Status.FAILED, unexpected=147),
            expectation("vacuous", Status.NO_DATA, evaluated=0, severity="error"),
            expectation(
                "rows", column=None, evaluated=None, unexpected=None, kwargs={"min_value": 80, "max_value": 400}
            ),
        ),
        drift=drift,
        quarantine=(QuarantineCount("distance_between", "distance", "unexpected_value", 5),),
        features=(FeatureCount("dest", 2, 0, "missing"),),
        provenance={"run": {"job": "flights-late", "files": 1, "bytes": 23_411, "previous run": None, "probe": True}},
    )


class Page(HTMLParser):
    """Elements, attributes and text of a page, as a browser would read it."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def words(self) -> str:
        return " ".join(self.text.split())


def page_of(facts: ReportFacts) -> Page:
    return Page(render_report(facts))


# ---------------------------------------------------------------------------------------------------- what people read


def test_a_held_night_says_what_why_what_stands_and_what_to_do() -> None:
    words = page_of(held()).words()
    for sentence in (
        "Held Nothing of 2013-12-31 is published until somebody decides.",
        "Why temp_present: 147 of 147 values of temp are null",
        "Worth a look the drift gate only warns",
        "What readers see the partition of run r-0 stands",
        "What to do next Ask the feed's owner, then nightscore run flights --date 2013-12-31",
    ):
        assert sentence in words


@pytest.mark.parametrize(
    ("outcome", "sentence"),
    [
        ("published", "Published, with drift 160 scored rows of 2013-12-31 are published."),
        ("failed", "Failed Nothing of 2013-12-31 is published. Why model card: no such file"),
        ("no_data", "No data There was no input for 2013-12-31, and nothing is published."),
    ],
)
def test_the_banner_says_the_outcome_in_words(outcome: str, sentence: str) -> None:
    error = "model card: no such file" if outcome == "failed" else ""
    facts = replace(held(), outcome=outcome, error=error, decision=None)  # type: ignore[arg-type]  # one of the literals
    assert sentence in page_of(facts).words()


@pytest.mark.parametrize(
    ("outcome", "stands", "sentence"),
    [
        ("failed", "r-0 (revision 2)", "Failed Tonight's scores were not published; readers still see revision 2."),
        ("failed", "r-0", "Failed Tonight's scores were not published; readers still see what run r-0 published."),
        ("held", "r-0 (revision 2)", "were not published; readers still see revision 2 until somebody decides."),
        ("no_data", "r-0 (revision 2)", "no input for 2013-12-31, and readers still see revision 2."),
    ],
)
def test_where_a_partition_still_stands_the_banner_says_which(outcome: Any, stands: str, sentence: str) -> None:
    facts = replace(held(), outcome=outcome, stands=f"The partition of run {stands} still stands.")
    assert sentence in page_of(facts).words()


def test_the_ledger_adds_up_in_the_open() -> None:
    words = page_of(held()).words()
    assert "Every row is accounted for." in words
    assert "part-0.parquet 167 160 5 1 1" in words
    assert "Total 167 160 5 1 1" in words


def test_books_that_do_not_balance_are_called_so() -> None:
    words = page_of(replace(held(), ledger=Ledger({"a": Account(10, 3)}))).words()
    assert "The books do not balance." in words
    assert "10 rows in, 3 rows accounted for" in words


def test_a_file_that_could_not_be_opened_has_unknown_rows() -> None:
    assert (
        "bad.parquet unknown 0 0 0 0" in page_of(replace(held(), ledger=Ledger({"bad.parquet": Account(None)}))).words()
    )


def test_twenty_files_are_listed_those_with_losses_first() -> None:
    accounts = {f"part-{number:03d}": Account(10, 10) for number in range(50)} | {"part-999": Account(10, 9, 1)}
    words = page_of(replace(held(), ledger=Ledger(accounts))).words()
    assert "part-999" in words
    assert "part-018" in words
    assert "part-019" not in words
    assert "and 31 more files, all in the manifest" in words


def test_unmet_expectations_come_first_the_severest_on_top() -> None:
    words = page_of(held()).words()
    places = [words.index(f"what {rule} found") for rule in ("broken", "vacuous", "warned", "fine", "rows")]
    assert places == sorted(places)
    assert "▲ failed, warns" in words
    assert "147 of 166 0 to 120, exceptions up to 1 %" in words.replace("147of 166", "147 of 166")


def test_drift_is_sorted_by_severity_and_has_words_for_every_status() -> None:
    every = tuple(drifted(f"col_{status}", status) for status in DriftStatus)
    words = page_of(replace(held(), drift=DriftVerdict(DriftStatus.DRIFT, every, "x"))).words()
    words = words[words.index("Shares per bin") :]
    order = ["drift", "warn", "insufficient_data", "not_computed", "ok"]
    places = [words.index(f"col_{status} ") for status in order]
    assert places == sorted(places)
    for sign in ("◆ drift", "▲ warning", "○ too few rows", "– not computed", "✓ as in training"):
        assert sign in words


def test_drift_that_was_not_computed_says_why() -> None:
    verdict = DriftVerdict(DriftStatus.NOT_COMPUTED, reason="the reference profile profile.json does not exist")
    words = page_of(replace(held(), drift=verdict)).words()
    assert "Drift – not computed The reference profile profile.json does not exist." in words


def test_a_run_that_ended_at_once_still_has_a_report() -> None:
    page = page_of(ReportFacts("job", "2013-01-01", "r", "failed", Ledger(), error="job.yaml: 2 mistakes\n  line 3: x"))
    for sentence in ("No expectation was judged.", "The run ended before drift was looked at.", "No row was read."):
        assert sentence in page.words()
    assert "job.yaml: 2 mistakes line 3: x" in page.words()
    assert "br" in {tag for tag, _ in page.elements}


def test_nothing_set_aside_is_said() -> None:
    assert "No row was set aside." in page_of(replace(held(), quarantine=())).words()


# ------------------------------------------------------------------------------------------------------------ the file


def test_the_page_needs_nothing_from_outside_and_has_one_script_of_ours() -> None:
    html = render_report(held())
    page = Page(html)
    tags = {tag for tag, _ in page.elements}
    assert not tags & {
        "link",
        "img",
        "iframe",
        "object",
        "embed",
        "base",
        "form",
        "audio",
        "video",
        "use",
        "image",
    }
    policy = next(
        attributes["content"] for tag, attributes in page.elements if "http-equiv" in attributes and tag == "meta"
    )
    (script,) = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
    assert script == page_script()
    assert policy == content_policy(script)
    assert "default-src 'none'; script-src 'sha256-" in policy
    assert not re.search(r"https?://|url\(|@import", html)
    assert all((attributes.get("href") or "#").startswith("#") for _, attributes in page.elements)


def test_the_same_facts_give_the_same_page() -> None:
    assert render_report(held()) == render_report(held())


def test_facts_survive_json_and_give_the_same_page() -> None:
    facts = held()
    again = ReportFacts.from_json(json.loads(json.dumps(facts.to_json(), allow_nan=False)))
    assert again == facts
    assert render_report(again) == render_report(facts)


def test_something_else_is_not_taken_for_the_facts_of_a_report() -> None:
    with pytest.raises(ValueError, match="not the facts of a report of version 3: format None, version None"):
        ReportFacts.from_json({})


def hostile_drift(text: str) -> DriftVerdict:
    """The same words wherever a name can stand in a drift verdict."""
    bins = (Bin(text, 30, 40), Bin("b", 30, 10), Bin(f"{text} 2", 10, 10))
    told: dict[str, Any] = {"bins": bins, "reasons": (text,), "measures": {text: 0.5, "l_infinity_category": text}}
    columns = (
        replace(drifted(text), **told),
        replace(drifted(f"{text} 3"), **told, kind="categorical"),
        replace(score(text), unit_bins=(), **told),
    )
    features = (FeatureImpact(text, (text,), 0.3, 0.1), FeatureImpact(f"{text} 4", (f"not {text}",), -0.1, 0.0))
    impacts = (
        ImpactVerdict(text, text, text, 10, 10, 0.2, features),
        ImpactVerdict(f"{text} 5", text, "", reason=text),
    )
    shares = tuple(ClassShare(label, 0.5, 0.4, 0.3, 0.5) for label in (text, f"{text} 6"))
    moved = SliceColumn(text, DriftStatus.DRIFT, 0.5, 0.1, 0.0, 0.0, text)
    means = {"score_means_reference": {text: 0.1, "b": 0.1}, "score_means_current": {text: 0.2, "b": 0.2}}
    return DriftVerdict(
        DriftStatus.WARN,
        columns,
        text,
        {text: [text]},
        (SliceDrift(text, text, DriftStatus.DRIFT, 10, 10, 3, (moved,), **means),),
        (DecisionDrift(text, 0.5, DriftStatus.WARN, 10, 10, shares, reason=text),),
        impacts,
    )


def hostile(text: str) -> ReportFacts:
    """The same words wherever a name from the data can stand."""
    found = {"status": DriftStatus.DRIFT, "psi": 0.5, "mean": 1.0, "missing_rate": 0.1}
    nights = (
        EarlierNight(text, text, text, {text: found, f"only {text}": found}),
        EarlierNight(text, text, text, {}, text),
    )
    return replace(
        held(),
        job=text,
        released=Release(text, "2014-01-02T03:04:05+00:00"),
        run_id=text,
        error=text,
        stands=text,
        next_steps=(text, f"`{text}`"),
        ledger=Ledger({text: Account(1, 1)}),
        expectations=(expectation(text, column=text, message=text, kwargs={"min_value": text}, severity=text),),
        drift=hostile_drift(text),
        trend=Trend({text: 3}, nights),
        quarantine=(QuarantineCount(text, text, text, 1, text),),
        features=(FeatureCount(text, 1, 1, text),),
        provenance={text: {text: text, "list": [text], "map": {text: text}}},
    )


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_names_stay_text(text: str) -> None:
    plain, page = page_of(hostile("harmless")), page_of(hostile(text))
    assert [tag for tag, _ in page.elements] == [tag for tag, _ in plain.elements]
    assert [sorted(attributes) for _, attributes in page.elements] == [
        sorted(attributes) for _, attributes in plain.elements
    ]
    shown = " ".join(visible(text).split()).casefold()  # a sentence may begin with it
    times, expected = page.words().casefold().count(shown), plain.words().casefold().count("harmless")
    assert times == expected > 100
    assert not re.search("[\u202a-\u202e\u2066-\u2069\u200b\x00\x1b]", page.text)


def test_hidden_characters_are_shown() -> None:
    assert visible("a\u202eb\u200bc\td\ne") == "a<U+202E>b<U+200B>c<U+0009>d<U+000A>e"
    assert visible("Zürich 日本 – ×") == "Zürich 日本 – ×"


@pytest.mark.parametrize("text", HOSTILE)
def test_charts_are_well_formed_whatever_the_categories(text: str) -> None:
    for svg in (
        column_chart([Bin(text, 1, 2), Bin("b", 2, 1)], text),
        score_chart([Bin(text, 1, 2), Bin("b", 2, 1)], text, unit=False),
    ):
        root = ET.fromstring(svg)  # noqa: S314  # our own text
        assert {element.tag for element in root.iter()} <= {"svg", "g", "path", "title", "text", "line"}
        names = {name for element in root.iter() for name in element.attrib}
        assert not {name for name in names if name.startswith("on") or "href" in name}
        assert f"{visible(text)}: 67 % tonight, 33 % in training" in [element.text for element in root.iter("title")]


def test_a_chart_of_many_categories_ends_with_the_rest_together() -> None:
    svg = column_chart([Bin(f"c{number}", 1, 1) for number in range(100)], "x")
    assert svg.count("<title>") == MAX_BARS
    assert "61 more: 61 % tonight, 61 % in training" in svg


def test_the_report_of_three_hundred_columns_stays_below_its_size() -> None:
    columns = tuple(drifted(f"column_{number}", bins=drifted("x").bins * 4) for number in range(300))
    html = render_report(replace(held(), drift=DriftVerdict(DriftStatus.DRIFT, columns, "x")))
    assert len(html.encode()) < 1_500_000
    assert len(render_report(held()).encode()) < 100_000


def test_neither_the_charts_engine_nor_jinja_is_loaded_before_a_report_is_drawn() -> None:
    loaded = "[name for name in ('vl_convert', 'jinja2', 'scipy') if name in sys.modules]"
    code = f"import sys, data_checks.drift, data_checks.profile; print({loaded})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


BROWSER = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--enable-logging=stderr", "--dump-dom"),
)


@pytest.mark.browser
def test_a_browser_opens_the_page_without_a_complaint(tmp_path: Path) -> None:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("no Chromium here")
    (tmp_path / "report.html").write_text(render_report(hostile(HOSTILE[1] + HOSTILE[0])))
    command = [chromium, *BROWSER, f"--user-data-dir={tmp_path / 'browser'}", (tmp_path / "report.html").as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    dom = Page(done.stdout)
    assert "What these numbers rest on" in dom.words()
    assert [tag for tag, _ in dom.elements if tag in ("script", "img")] == ["script"]
    assert "CONSOLE" not in done.stderr
