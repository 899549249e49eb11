from __future__ import annotations

import doctest
import json
import re
import shutil
import subprocess
from dataclasses import replace
from datetime import date, timedelta
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from data_checks import trend_heatmap, trend_nights
from data_checks.axis_ticks import round_ticks, tick_labels
from data_checks.calibration import Calibration
from data_checks.calibration_chart import reliability_chart
from data_checks.calibration_result import calibration_result
from data_checks.report_environment import content_policy, page_script
from data_checks.trend_charts import panel_chart, psi_panel, rate_panel
from data_checks.trend_columns import column_trends
from data_checks.trend_dates import axis_ticks, date_words
from data_checks.trend_facts import ColumnSeries, ModelOutcomes, Night, TrendFacts, Values
from data_checks.trend_heatmap import outcome_row, status_row
from data_checks.trend_nights import drift_nights, night_sentences, over_the_range, uncompared_sentences
from data_checks.trend_outcomes import outcome_line, outcome_sentences
from data_checks.trend_peaks import lasting_since, peaks
from data_checks.trend_report import render_trend
from data_checks.trend_series import column_series, decision_series
from data_checks.trend_words import banner, change_sentences, peak_sentences
from data_checks.vega_svg import short_path
from data_checks.visible_text import visible
from schemas.verdicts import ClassShare, ColumnDrift, DecisionDrift, DriftStatus, DriftVerdict

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
OK, WARN, DRIFT, FEW = DriftStatus.OK, DriftStatus.WARN, DriftStatus.DRIFT, DriftStatus.INSUFFICIENT_DATA
SETTINGS = {"psi_warn": 0.1, "psi_drift": 0.25, "critical": ["carrier"]}


def days(count: int, first: str = "2013-07-01") -> list[str]:
    return [str(date.fromisoformat(first) + timedelta(days=number)) for number in range(count)]


def column(name: str, status: DriftStatus = OK, role: str = "feature", **more: object) -> ColumnDrift:
    found = ColumnDrift(
        *(name, role, "numeric", status, 30_000, 190),
        psi=0.3,
        psi_noise_95=0.05,
        missing_rate_reference=0.01,
        missing_rate_current=0.01,
        out_of_range_share=0.0,
        mean_reference=50.0,
        mean_current=51.0,
        reasons=(f"values moved: 60 % tonight above 3, 30 % in training of {name}",),
    )
    return replace(found, **more)  # type: ignore[arg-type]  # fields of a column


def decided(share: float) -> DecisionDrift:
    classes = (ClassShare("false", 0.8, 1 - share, 0.6, 0.8), ClassShare("true", 0.2, share, 0.1, 0.3))
    return DecisionDrift("late", 0.35, OK, 30_000, 190, classes, 0.1, 0.76, 0.75)


def outcomes(name: str = "late") -> ModelOutcomes:
    rng = np.random.default_rng(5)
    state = Calibration(0.35)
    probabilities = rng.beta(1, 3, 4000)
    state.add(probabilities, rng.random(4000) < probabilities)
    return ModelOutcomes(
        name, f"p_{name}", "true", state, {"2013-07": state, "2013-08": Calibration(0.35)}, 3, "labels"
    )


def range_of_nights(count: int = 62) -> TrendFacts:
    """Two months: temp always drifts, pressure is missing on two nights, dest drifts from the 40th night on."""
    dates = days(count)
    verdicts: list[DriftVerdict | None] = []
    for place in range(count):
        columns = (
            column("temp", DRIFT),
            column("pressure", OK, missing_rate_current=0.6 if place in (10, 11) else 0.0),
            column("dest", DRIFT if place >= 40 else OK),
            column("carrier", DRIFT if place == 20 else FEW, critical=True),
            column("p_late", OK, "score", mean_current=0.9 if place == 30 else 0.25 + 0.001 * (place % 5)),
        )
        verdicts.append(DriftVerdict(WARN, columns, "x", SETTINGS, decisions=(decided(0.2),)))
    nights = [Night(day, "published", f"r{day}", 190, WARN) for day in dates]
    gaps = {5: Night(dates[5], "missing"), 6: Night(dates[6], "missing"), 50: Night(dates[50], "held", reason="why")}
    for place, night in gaps.items():
        nights[place], verdicts[place] = night, None
    whole = DriftVerdict(
        DRIFT,
        (
            column("temp", DRIFT),
            *(column(name) for name in ("pressure", "dest", "carrier")),
            column("p_late", OK, "score"),
        ),
        "1 of 5 compared columns drifted",
        SETTINGS,
        decisions=(decided(0.2),),
    )
    months = {"2013-07": whole, "2013-08": replace(whole, columns=whole.columns[:2])}
    series = column_series(verdicts), decision_series(verdicts)
    return TrendFacts(
        *("flights", dates[0], dates[-1], tuple(nights), series[0], whole, series[1], months, (outcomes(),)),
        {"labels": "labels/*.parquet"},
    )


FACTS = range_of_nights()


class Page(HTMLParser):
    """Elements, attributes and text of a page, as a browser would read it; the script apart."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.script = ""
        self._in_script = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._in_script = tag == "script"

    def handle_endtag(self, tag: str) -> None:
        self._in_script = self._in_script and tag != "script"

    def handle_data(self, data: str) -> None:
        if self._in_script:
            self.script += data
        else:
            self.text += data

    def words(self) -> str:
        return " ".join(self.text.split())


# ---------------------------------------------------------------------------------------------------------- what stands


def test_series_have_a_place_for_each_night_and_none_where_there_was_none() -> None:
    series = {item.column: item for item in FACTS.columns}
    assert list(series) == ["temp", "pressure", "dest", "carrier", "p_late"]
    assert series["temp"].statuses[4:8] == (DRIFT, None, None, DRIFT)
    assert series["pressure"].measures["missing_rate"][9:13] == (0.0, 0.6, 0.6, 0.0)
    assert FACTS.decisions[0].measures["decision_share:true"][4:6] == (0.2, None)


def test_a_measure_that_no_night_has_is_no_series() -> None:
    assert "unseen_share" not in FACTS.columns[0].measures


def test_series_of_another_length_than_the_nights_are_refused() -> None:
    short = replace(FACTS.columns[0], statuses=(OK,))
    with pytest.raises(ValueError, match="'temp' has 1 values for 62 nights"):
        replace(FACTS, columns=(short,))


def test_facts_survive_strict_json_and_give_the_same_page() -> None:
    again = TrendFacts.from_json(json.loads(json.dumps(FACTS.to_json(), allow_nan=False)))
    assert again == FACTS
    assert render_trend(again) == render_trend(FACTS)


def test_something_else_is_not_taken_for_the_facts_of_a_trend() -> None:
    with pytest.raises(ValueError, match="not the facts of a trend of version 1: format None, version None"):
        TrendFacts.from_json({})


# ---------------------------------------------------------------------------------------------------------------- peaks


@pytest.mark.parametrize(
    ("values", "least", "expected"),
    [
        ([0.0] * 9 + [0.6], 0.05, (9,)),
        ([0.0] * 9 + [0.04], 0.05, ()),
        ([0.6, None, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.5, 0.1, 0.0], 0.05, (0, 8)),
        ([0.0, 0.0, 0.0, 0.6], 0.05, ()),
        ([0.0] * 6 + [0.6] * 4, 0.05, ()),
        ([], 0.05, ()),
        ([None] * 20, 0.05, ()),
    ],
)
def test_a_night_stands_out_far_from_the_median_by_what_matters(
    values: list[float | None], least: float, expected: tuple[int, ...]
) -> None:
    assert peaks(values, least) == expected


def test_the_spread_of_ordinary_nights_decides_what_is_far() -> None:
    rng = np.random.default_rng(1)
    noisy = rng.normal(0.5, 0.1, 100)
    assert peaks(noisy.tolist(), 0.05) == ()
    z = 0.6745 * (noisy.max() - np.median(noisy)) / np.median(np.abs(noisy - np.median(noisy)))
    assert z < 3.5


@pytest.mark.parametrize(
    ("statuses", "since"),
    [
        ([OK] * 5 + [DRIFT] * 3, 5),
        ([OK] * 5 + [DRIFT] * 2, None),
        ([DRIFT] * 5, 0),
        ([OK, DRIFT, DRIFT, DRIFT, OK], None),
        ([OK, DRIFT, None, WARN, DRIFT], 1),
        ([OK] * 5 + [DRIFT] * 5 + [OK] + [DRIFT] * 5, 5),
        ([], None),
    ],
)
def test_a_change_lasts_since_the_night_from_which_on_nearly_all_are_out_of_order(
    statuses: list[DriftStatus | None], since: int | None
) -> None:
    assert lasting_since(statuses) == since


# ---------------------------------------------------------------------------------------------------------------- words


def test_the_changes_say_what_moved_since_when_and_on_how_many_nights() -> None:
    trends = column_trends(FACTS)
    assert change_sentences(FACTS, trends) == [
        "`temp`: 60 % over these nights above 3, 30 % in training of temp; drift on each of 59 nights",
        "`dest` is as in training over the range, but drift on 21 of 59 nights, lasting since 2013-08-10",
        "the critical `carrier` drifted on 1 night: 2013-07-21",
    ]


def test_what_a_model_decides_otherwise_comes_first() -> None:
    reason = "late: 41 % of tonight's rows decided 'true', 23 % in training (total variation 0.18, drift from 0.1)"
    decision = replace(decided(0.41), status=DRIFT, reason=reason)
    facts = replace(FACTS, whole=replace(FACTS.whole, decisions=(decision,)))
    first = change_sentences(facts, column_trends(facts))[0]
    assert first.startswith("what `late` decides: 41 % of the rows decided 'true', 23 % in training")


def test_columns_that_drift_night_by_night_but_not_together_are_called_varying() -> None:
    whole = replace(FACTS.whole, columns=tuple(replace(item, status=OK) for item in FACTS.whole.columns))
    facts = replace(FACTS, whole=replace(whole, status=OK))
    (sentence,) = [words for words in change_sentences(facts, column_trends(facts)) if "temp" in words]
    assert sentence.startswith("`temp` drifts on most single nights, yet all nights together are as in training")


def test_peaks_say_how_much_on_which_nights_and_what_is_ordinary() -> None:
    assert peak_sentences(FACTS, column_trends(FACTS)) == [
        "`p_late`: mean of 0.9 on 2013-07-31; on an ordinary night 0.252",
        "`pressure`: missing on 60 % of the rows on 2 nights, 2013-07-11 to 2013-07-12; on an ordinary night 0 %",
    ]


def test_columns_with_the_same_peaks_share_a_sentence() -> None:
    pressure = next(item for item in FACTS.columns if item.column == "pressure")
    facts = replace(FACTS, columns=tuple(replace(pressure, column=name) for name in "abcdefg"))
    (sentence,) = peak_sentences(facts, column_trends(facts))
    assert sentence.startswith("`a`, `b`, `c`, `d` and 3 more: missing on 60 % of the rows on 2 nights")


def test_nights_that_are_not_there_are_named_with_the_reason() -> None:
    assert night_sentences(FACTS) == (
        "2 nights have no run: 2013-07-06 to 2013-07-07",
        "1 night has a run that was held: 2013-08-20 (why)",
    )


def test_the_banner_says_what_to_do_next() -> None:
    shown = banner(FACTS, column_trends(FACTS))
    assert shown.badge.word == "Drift"
    assert shown.sentence == "over all nights together 1 column of 5 has drifted from training"
    assert [step.split(" ")[0] for step in shown.next_steps] == ["ask", "where", "run"]


def test_columns_that_stand_out_on_the_same_nights_as_a_feed_are_all_asked_for() -> None:
    """Only those that were missing at least half as often as the loudest were named."""
    dates = days(20)

    def missing(share: float) -> Values:
        return (*[0.0] * 18, share, share)

    shares = {"loud": 0.9, "soft": 0.2, "other": 0.0}
    series = [
        ColumnSeries(name, "feature", "numeric", tuple([OK] * 20), {"missing_rate": missing(share)})
        for name, share in shares.items()
    ]
    nights = tuple(Night(day, "published", "r", 3, OK) for day in dates)
    facts = TrendFacts("job", dates[0], dates[-1], nights, tuple(series), FACTS.whole)
    (step,) = banner(facts, column_trends(facts)).next_steps
    assert step == "ask the owner of `loud` and `soft` what happened on the nights above"


def test_at_most_three_nights_in_drift_are_named() -> None:
    trends = {trend.name: trend for trend in column_trends(FACTS)}
    assert drift_nights(FACTS, trends["carrier"]) == "drift on 1 of 59 nights (2013-07-21)"
    assert drift_nights(FACTS, trends["dest"]) == "drift on 21 of 59 nights"
    assert "drift on 1 of 59 nights (2013-07-21)" in Page(render_trend(FACTS)).words()


def test_published_nights_that_were_not_compared_are_named_with_the_reason() -> None:
    nights = list(FACTS.nights)
    for place, why in ((0, "because"), (1, "because"), (2, "it rained")):
        nights[place] = replace(nights[place], status=None, reason=why)
    facts = replace(FACTS, nights=tuple(nights))
    assert uncompared_sentences(facts) == (
        "2 nights published but not compared: 2013-07-01 to 2013-07-02 (because)",
        "1 night published but not compared: 2013-07-03 (it rained)",
    )
    assert "Nights that were not compared 2 nights published" in Page(render_trend(facts)).words()
    assert uncompared_sentences(FACTS) == ()


def test_a_range_of_which_no_night_was_compared_does_not_say_that_it_has_no_rows() -> None:
    verdict = DriftVerdict(DriftStatus.NOT_COMPUTED, reason="no rows tonight", settings={"reference_digest": "d"})
    nights = tuple(Night(day, "published", "r", 1_500, None, "another reference") for day in days(3))
    facts = TrendFacts("job", "2013-07-01", "2013-07-03", nights, (), verdict)
    words = Page(render_trend(facts)).words()
    assert "Not computed No night could be compared with training: 3 nights are published." in words
    assert "3 nights published but not compared: 2013-07-01 to 2013-07-03 (another reference)." in words
    assert "Rows scored4,500" in words
    assert "no rows" not in words.lower()
    assert "was scored" not in words


@pytest.mark.parametrize(
    ("one", "many"),
    [
        ("no rows tonight", "no rows over these nights"),
        ("out of range: 3.0 % tonight outside 0 to 1", "out of range: 3.0 % over these nights outside 0 to 1"),
        (
            "late: with 190 rows tonight and 300 in training",
            "late: with 190 rows over these nights and 300 in training",
        ),
        ("the model decided no row tonight", "the model decided no row over these nights"),
        ("values not compared: there is none tonight", "values not compared: there is none over these nights"),
        (
            "text in the reference profile, numeric tonight: x",
            "text in the reference profile, numeric over these nights: x",
        ),
        ("of another model than tonight's 'm': x", "of another model than these nights' 'm': x"),
        ("contributions are in margin, tonight's in value", "contributions are in margin, these nights' in value"),
        ("no scored row of tonight is in the sample", "no scored row of these nights is in the sample"),
        ("the critical tonight drifted", "the critical tonight drifted"),
    ],
)
def test_what_a_verdict_says_of_one_night_is_said_of_these_nights(one: str, many: str) -> None:
    assert over_the_range(one) == many


def test_the_menu_has_the_words_of_the_headings() -> None:
    html = render_trend(FACTS)
    menu = re.findall(r'<a href="#(\w+)">([^<]+)</a>', html[html.index("<nav") : html.index("</nav>")])
    headings = dict(re.findall(r'<section id="(\w+)">\s*<h2>([^<]+?)\s*<', html))
    assert dict(menu) == headings
    assert len(menu) == 6


def test_what_drifts_on_most_nights_does_not_come_after_what_drifts_on_none() -> None:
    statuses = {"calm": [OK] * 10, "often": [OK] * 3 + [DRIFT] * 7, "once": [OK] * 9 + [DRIFT]}
    series = [ColumnSeries(name, "feature", "numeric", tuple(found), {}) for name, found in statuses.items()]
    whole = DriftVerdict(WARN, (column("calm", WARN), column("often", OK), column("once", OK)), "x", SETTINGS)
    nights = tuple(Night(day, "published", "r", 3, OK) for day in days(10))
    facts = TrendFacts("job", "2013-07-01", "2013-07-10", nights, tuple(series), whole)
    assert [trend.name for trend in column_trends(facts)] == ["often", "once", "calm"]


def test_a_failed_night_has_not_the_colour_of_a_drifted_one() -> None:
    failed, drifted = outcome_row(days(1), ["failed"]), status_row(days(1), [DRIFT])
    names = [re.findall(r'class="(\w)"', str(row)) for row in (failed, drifted)]
    assert names == [["m", "f"], ["m", "d"]]
    css = (Path(trend_heatmap.__file__).parent / "templates" / "trend.css").read_text()
    assert ".heat .f { stroke: var(--caution);" in css


def test_the_table_of_all_nights_names_the_runs() -> None:
    html = render_trend(FACTS)
    table = html[html.index("All nights as a table") :]
    assert "<td>r2013-07-01</td>" in table


def test_outcomes_have_a_line_for_the_console() -> None:
    line = outcome_line(outcomes())
    wanted = (
        r"late: accuracy \d\d\.\d % \(\d\d\.\d % expected\), ROC AUC 0\.\d{3}, 4,000 rows with an outcome, 3 without"
    )
    assert re.fullmatch(wanted, line)
    assert outcome_line(replace(outcomes(), whole=Calibration(0.35))) == "late: no outcome of a scored row is known"


def test_the_examples_hold() -> None:
    assert doctest.testmod(trend_nights).failed == 0


def test_a_range_without_a_reference_says_why() -> None:
    verdict = DriftVerdict(DriftStatus.NOT_COMPUTED, reason="the reference profile does not exist")
    nights = tuple(Night(day, "published", "r", 3) for day in days(3))
    words = Page(render_trend(TrendFacts("job", "2013-07-01", "2013-07-03", nights, (), verdict))).words()
    assert "Not computed The reference profile does not exist." in words
    assert "No night of the range was compared with training." in words


def test_outcomes_are_told_in_words() -> None:
    result = calibration_result(outcomes().whole)
    assert result is not None
    overall, _, accuracy = outcome_sentences(result)
    assert overall.startswith("the probabilities were on average right: ")
    assert accuracy.endswith("the estimate holds")
    wrong = replace(result, mean_probability=0.9, expected_accuracy=0.99)
    assert "too high: 90.0 % were predicted" in outcome_sentences(wrong)[0]
    assert outcome_sentences(wrong)[2].endswith("the estimate was too high")


def test_dates_are_told_as_spans_and_not_too_many_of_them() -> None:
    assert date_words(["2013-12-31", "2014-01-01"]) == "2013-12-31 to 2014-01-01"
    assert date_words(days(20)[::2]).endswith("2013-07-11 and 4 more")


def test_ticks_are_mondays_in_a_short_range_and_months_in_a_long_one() -> None:
    assert axis_ticks(days(11)) == [(0, "1 Jul"), (7, "8 Jul")]
    assert [label for _, label in axis_ticks(days(45))] == ["1 Jul", "15 Jul", "29 Jul", "12 Aug"]
    assert axis_ticks(days(70)) == [(0, "Jul"), (31, "Aug"), (62, "Sep")]
    assert [label for _, label in axis_ticks(days(800))] == ["Jul", "2014", "Jul", "2015", "Jul"]


def test_every_night_of_up_to_ten_has_its_date() -> None:
    assert axis_ticks(days(4, "2013-07-30")) == [(0, "30 Jul"), (1, "31"), (2, "1 Aug"), (3, "2")]
    assert [place for place, _ in axis_ticks(days(10))] == list(range(10))
    svg = panel_chart(rate_panel("missing", days(10), tuple([0.1] * 10), 0.1))
    assert svg is not None
    labels = re.findall(r"<text[^>]*>([^<]*)</text>", svg)
    assert [label for label in labels if "%" not in label] == ["1 Jul", *(str(day) for day in range(2, 11))]


@pytest.mark.parametrize("seed", range(20))
def test_round_ticks_hold_the_numbers_and_are_few(seed: int) -> None:
    rng = np.random.default_rng(seed)
    low, high = sorted((rng.normal(0, 1, 2) * 10.0 ** rng.integers(-6, 7)).tolist())
    ticks = round_ticks(low, high)
    assert ticks[0] <= low
    assert ticks[-1] >= high
    assert 2 <= len(ticks) <= 4
    assert np.allclose(np.diff(ticks), ticks[1] - ticks[0])
    assert len(set(tick_labels(ticks, percent=False))) == len(ticks)


@pytest.mark.parametrize("value", [0.0, 1.0, -3.5, 1e-300])
def test_an_axis_of_one_number_has_room_around_it(value: float) -> None:
    ticks = round_ticks(value, value)
    assert ticks[0] < ticks[-1]
    assert ticks[0] <= value <= ticks[-1]


# --------------------------------------------------------------------------------------------------------------- charts


def tags(svg: str) -> set[str]:
    return {element.tag for element in ET.fromstring(svg).iter()}  # noqa: S314  # our own text


def test_a_line_has_a_gap_where_there_is_no_night() -> None:
    whole = panel_chart(rate_panel("missing", days(10), tuple([0.1] * 10), 0.1))
    gap = panel_chart(rate_panel("missing", days(10), (*[0.1] * 4, None, None, *[0.2] * 4), 0.1))
    assert whole is not None
    assert gap is not None
    lines = [re.findall(r'd="(M[^"]*)" stroke="#2f6fde"', svg)[0].count("M") for svg in (whole, gap)]
    assert lines == [1, 2]


def test_a_chart_has_its_thresholds_and_the_dates_of_its_peaks() -> None:
    values: Values = (*[0.05] * 50, 0.9, *[0.05] * 50)
    panel = replace(psi_panel(days(101), values, tuple([0.02] * 101), (0.1, 0.25)), peaks=(50,))
    svg = panel_chart(panel)
    assert svg is not None
    assert "20 Aug" in svg
    assert svg.count('stroke="#8a5a00"') == svg.count('stroke="#a8261c"') == 1
    assert 'aria-label="PSI by night: 0.05 to 0.9, highest on 2013-08-20"' in svg
    assert tags(svg) <= {"svg", "g", "path", "text", "line"}


def test_a_series_without_a_number_has_no_chart() -> None:
    assert panel_chart(rate_panel("missing", days(3), (None, None, None), 0.1)) is None
    assert panel_chart(rate_panel("missing", days(3), (), 0.1)) is None


@pytest.mark.parametrize("value", [0.0, 1e-12, 1e300, -1e300])
def test_numbers_of_any_size_can_be_drawn(value: float) -> None:
    svg = panel_chart(replace(rate_panel("x", days(6), tuple([value] * 6), None), from_zero=False, percent=False))
    assert svg is not None
    assert "NaN" not in svg


def test_the_heat_map_tells_statuses_by_height_and_in_words() -> None:
    svg = str(status_row(days(5), [DRIFT, DRIFT, WARN, None, OK], tooltips=True))
    assert 'aria-label="drift on 2 nights, warning on 1 night, as in training on 1 night, no verdict on 1 night"' in svg
    assert '<path class="d" d="M0 8h8"><title>2013-07-01 to 2013-07-02: drift</title></path>' in svg
    assert '<path class="w" d="M8 11.5h4"><title>2013-07-03: warning</title></path>' in svg
    assert '<path class="o" d="M16 15h4"/>' in svg
    assert tags(svg) == {"svg", "path", "title"}


def test_the_style_sheet_draws_every_mark_of_the_map_at_its_height() -> None:
    css = (Path(trend_heatmap.__file__).parent / "templates" / "trend.css").read_text()
    marks = [*trend_heatmap._OF_STATUS.values(), *trend_heatmap._OF_OUTCOME.values()]
    for mark in marks:
        assert re.search(rf"\.heat \.{mark.name} {{[^}}]*stroke-width: {mark.height};", css)
    assert len({(mark.name, mark.height) for mark in marks}) == len({mark.name for mark in marks})


def test_a_path_told_by_its_steps_goes_through_the_same_points() -> None:
    rng = np.random.default_rng(4)
    points = np.stack([np.arange(200) * 1.79, np.round(rng.random(200) * 3) * 32.04], axis=1)
    short = short_path("M" + "L".join(f"{x},{y}" for x, y in points.tolist()))
    steps = re.findall(r"-?(?:\d+\.?\d*|\.\d+)", short.replace("M", " ").replace("l", " "))
    walked = np.cumsum(np.array(steps, float).reshape(-1, 2), axis=0)
    distances = np.abs(walked[:, None, :] - points[None, :, :]).max(axis=2).min(axis=1)
    assert distances.max() < 0.06
    assert np.allclose(walked[[0, -1]], points[[0, -1]], atol=0.06)


def test_a_path_of_curves_keeps_its_form() -> None:
    assert short_path("M2.345,0A2.345,2.345,0,1,1,-2.345,0") == "M2.3,0A2.3,2.3,0,1,1,-2.3,0"


def test_the_reliability_diagram_has_a_point_and_a_text_for_each_bin() -> None:
    result = calibration_result(outcomes().whole)
    assert result is not None
    svg = reliability_chart(result)
    assert tags(svg) <= {"svg", "g", "path", "text", "line", "title"}
    assert svg.count("<title>") == 2 * len(result.bins)
    first = result.bins[0]
    assert f"0 % to 5.0 %: {first.positives:,} of {first.rows:,} happened" in svg


# ------------------------------------------------------------------------------------------------------------- the file


def test_the_page_says_everything_in_its_sections() -> None:
    words = Page(render_trend(FACTS)).words()
    for sentence in (
        "flights 2013-07-01 to 2013-08-31",
        "Drift Over all nights together 1 column of 5 has drifted from training.",
        "Nights that are not there 2 nights have no run: 2013-07-06 to 2013-07-07.",
        "Nights published59 of 62, 3 not",
        "late decides true",
        "late: p_late beside what happened",
        "4,000 rows with an outcome (labels); 3 scored rows without one.",
        "temp ◆ drift numeric; PSI 0.300 over all nights; drift on 59 of 59 nights",
        "Aug 2013no outcome is known",
    ):
        assert sentence in words


def test_the_page_needs_nothing_from_outside_and_runs_the_one_script_only() -> None:
    html = render_trend(FACTS)
    page = Page(html)
    assert not {tag for tag, _ in page.elements} & {
        *("link", "img", "iframe", "object", "embed", "base", "form", "audio", "video", "use", "image"),
    }
    assert page.script == page_script()
    assert [attributes for tag, attributes in page.elements if tag == "script"] == [{}]
    policy = next(found["content"] for tag, found in page.elements if tag == "meta" and "http-equiv" in found)
    assert policy == content_policy(page_script())
    assert not re.search(r"https?://|url\(|@import", html.replace(page_script(), ""))
    assert all((attributes.get("href") or "#").startswith("#") for _, attributes in page.elements)


def test_every_link_has_its_place() -> None:
    page = Page(render_trend(FACTS))
    places = {attributes.get("id") for _, attributes in page.elements}
    links = {(attributes["href"] or "")[1:] for _, attributes in page.elements if "href" in attributes}
    assert links <= places


def hostile(text: str) -> TrendFacts:
    """The same words wherever a name from the data can stand."""
    named = [replace(item, column=text, critical=True) for item in FACTS.columns[1:2]]
    named.append(replace(FACTS.columns[4], column=f"{text} 2"))
    whole = replace(
        FACTS.whole,
        reason=text,
        columns=(column(text, DRIFT, reasons=(text,)), column(f"{text} 2", OK, "score")),
        settings={**SETTINGS, text: [text]},
        decisions=(replace(decided(0.2), model=text, status=DRIFT, reason=text),),
    )
    decisions = [replace(FACTS.decisions[0], model=text, measures={f"decision_share:{text}": tuple([0.2] * 62)})]
    nights = [replace(night, run_id=text, reason=text) for night in FACTS.nights]
    return replace(
        FACTS,
        job=text,
        nights=tuple(nights),
        columns=tuple(named),
        whole=whole,
        months={"2013-07": whole},
        decisions=tuple(decisions),
        outcomes=(replace(outcomes(), model=text, score=text, label=text, source=text),),
        settings={text: text},
    )


@cache
def harmless() -> Page:
    return Page(render_trend(hostile("harmless")))


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_names_stay_text(text: str) -> None:
    plain, page = harmless(), Page(render_trend(hostile(text)))
    assert [tag for tag, _ in page.elements] == [tag for tag, _ in plain.elements]
    assert [sorted(found) for _, found in page.elements] == [sorted(found) for _, found in plain.elements]
    shown = " ".join(visible(text).split()).casefold()
    times, expected = page.words().casefold().count(shown), plain.words().casefold().count("harmless")
    assert times == expected > 100
    assert not re.search("[\u202a-\u202e\u2066-\u2069\u200b\x00\x1b]", page.text)
    assert page.script == page_script()


def test_long_names_do_not_make_the_page_large() -> None:
    assert len(render_trend(hostile("x" * 20_000)).encode()) < 1_500_000


@pytest.mark.slow
def test_the_report_of_three_hundred_noisy_columns_over_half_a_year_stays_below_its_size() -> None:
    rng = np.random.default_rng(0)
    dates = days(184)
    every = (OK, WARN, DRIFT, FEW)

    def noise(scale: float = 1.0) -> Values:
        return tuple((scale * rng.random(184)).tolist())

    columns = tuple(
        ColumnSeries(
            *(f"column_{number}_with_a_long_name", "feature", "numeric"),
            tuple(every[place] for place in rng.integers(0, 4, 184)),
            {name: noise() for name in ("psi", "psi_noise_95", "missing_rate", "out_of_range_share")}
            | {"mean": noise(1000.0)},
        )
        for number in range(300)
    )
    whole = DriftVerdict(DRIFT, tuple(column(item.column, DRIFT) for item in columns), "x", SETTINGS)
    months = {f"2013-{month:02d}": whole for month in range(7, 13)}
    nights = tuple(Night(day, "published", "20130701T000000.000000Z-abcdef", 190, WARN) for day in dates)
    facts = TrendFacts("job", dates[0], dates[-1], nights, columns, whole, (), months, (outcomes(),))
    html = render_trend(facts)
    assert len(html.encode()) < 1_500_000
    assert html.count('<article class="trend"') == 40
    assert "Charts are drawn for the 40 most urgent columns; the other 260 are in the tables." in Page(html).words()


BROWSER = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--enable-logging=stderr", "--dump-dom"),
)


@pytest.mark.browser
def test_a_browser_opens_the_page_without_a_complaint(tmp_path: Path) -> None:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("no Chromium here")
    (tmp_path / "trend.html").write_text(render_trend(hostile(HOSTILE[1] + HOSTILE[0])))
    command = [chromium, *BROWSER, f"--user-data-dir={tmp_path / 'browser'}", (tmp_path / "trend.html").as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    dom = Page(done.stdout)
    assert "What these numbers rest on" in dom.words()
    assert not {tag for tag, _ in dom.elements} & {"img", "iframe"}
    assert "button" in {tag for tag, _ in dom.elements}, "the script did not run"
    assert "CONSOLE" not in done.stderr
