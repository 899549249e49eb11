from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from data_checks.drift_bins import OTHER, UNSEEN
from data_checks.drift_json import drift_from_json, drift_json
from data_checks.report import render_report
from data_checks.report_columns import LISTED_BINS, PICTURE_BYTES, PICTURED, column_rows
from data_checks.report_decisions import LISTED_CLASSES
from data_checks.report_environment import content_policy, environment, page_script
from data_checks.report_facts import Release, ReportFacts
from data_checks.report_impact import BAR_WIDTH, LISTED_FEATURES, score_impacts
from data_checks.report_named import named_only
from schemas.verdicts import (
    Bin,
    ClassShare,
    ColumnDrift,
    DriftStatus,
    DriftVerdict,
    EarlierNight,
    FeatureImpact,
    ImpactVerdict,
    SliceDrift,
    Trend,
)


class Reader(HTMLParser):
    """The words of a page, by section id, and every table with its caption and headers."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.sections: dict[str, list[str]] = {}
        self.section = ""
        self.starts: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.starts.append((tag, dict(attrs)))
        if tag == "section":
            self.section = dict(attrs)["id"] or ""

    def handle_data(self, data: str) -> None:
        self.sections.setdefault(self.section, []).append(data)

    def words(self, section: str) -> str:
        return " ".join("".join(self.sections.get(section, [])).split())


def read(facts: ReportFacts) -> Reader:
    return Reader(render_report(facts))


def with_drift(facts: ReportFacts, **parts: object) -> ReportFacts:
    assert facts.drift is not None
    return replace(facts, drift=replace(facts.drift, **parts))  # type: ignore[arg-type]  # fields of a verdict


def columns_of(facts: ReportFacts) -> tuple[ColumnDrift, ...]:
    assert facts.drift is not None
    return facts.drift.columns


# --------------------------------------------------------------------------------------------------------------- facts


def test_a_verdict_with_every_part_survives_json(rich_facts: ReportFacts) -> None:
    assert rich_facts.drift is not None
    text = json.dumps(drift_json(rich_facts.drift), allow_nan=False)
    assert drift_from_json(json.loads(text)) == rich_facts.drift


def test_facts_with_every_part_survive_json_and_give_the_same_page(rich_facts: ReportFacts) -> None:
    again = ReportFacts.from_json(json.loads(json.dumps(rich_facts.to_json(), allow_nan=False)))
    assert again == rich_facts
    assert render_report(again) == render_report(rich_facts)


def test_facts_without_earlier_nights_have_an_empty_trend(rich_facts: ReportFacts) -> None:
    assert ReportFacts("j", "2013-01-01", "r", "failed", rich_facts.ledger).trend == Trend()


# ------------------------------------------------------------------------------------------------------------ sections


def test_the_banner_says_what_moved(rich_facts: ReportFacts) -> None:
    words = read(rich_facts).words("verdict")
    assert (
        "What moved temp moved: 71 % of tonight below 20.5, 30 % in training; it moved the mean of p_late by +0.08"
        in words
    )
    assert "3 nights in a row." in words
    assert "wind moved: 71 % of tonight below 20.5, 30 % in training; the model does not use it." in words


def test_the_banner_counts_what_it_does_not_tell(rich_facts: ReportFacts) -> None:
    (temp,) = (column for column in columns_of(rich_facts) if column.column == "temp")
    many = tuple(replace(temp, column=f"temp_{number}") for number in range(9))
    assert "and 4 more columns" in read(with_drift(rich_facts, columns=many)).words("verdict")


def test_unmet_expectations_are_seen_at_once_and_many_met_ones_folded(rich_facts: ReportFacts) -> None:
    met, unmet = rich_facts.expectations
    html = render_report(replace(rich_facts, expectations=(*(met,) * 30, *(unmet,) * 12)))
    folded = html[html.index("30 more that are met") : html.index('id="aside"')]
    assert folded.count("temp_range") == 30
    assert "temp_wide" not in folded
    assert "that are met</summary>" not in render_report(replace(rich_facts, expectations=(*(met,) * 8, unmet)))


def test_expectations_that_are_all_met_are_folded_and_come_after_drift(rich_facts: ReportFacts) -> None:
    met, _ = rich_facts.expectations
    html = render_report(replace(rich_facts, expectations=(met,) * 3))
    assert html.count("<summary>All 3 are met</summary>") == 1
    assert html.index("<summary>All 3 are met") < html.index("temp_range")
    order = [html.index(f'<section id="{name}"') for name in ("scores", "drift", "quality", "aside", "ledger")]
    assert order == sorted(order)
    links = [html.index(f'href="#{name}"') for name in ("scores", "drift", "quality", "aside", "ledger")]
    assert links == sorted(links)
    unmet = render_report(rich_facts)
    assert unmet.index('<section id="quality"') < unmet.index('<section id="scores"')


def test_a_night_published_with_drift_is_a_caution_and_says_what_to_do(rich_facts: ReportFacts) -> None:
    words = read(replace(rich_facts, outcome="published", stands="", next_steps=())).words("verdict")
    assert words.startswith("◆ Published, with drift 815 scored rows of 2013-12-31 are published.")
    steps = words[words.index("What to do next") :]
    assert "Look at temp and carrier: did the world change" in steps
    assert "make a new reference: nightscore profile." in steps
    assert "set drift.gate: hold in job.yaml." in steps


def test_a_night_published_with_a_warning_is_a_good_one(rich_facts: ReportFacts) -> None:
    facts = replace(with_drift(rich_facts, status=DriftStatus.WARN), outcome="published", stands="", next_steps=())
    page = read(facts)
    assert page.words("verdict").startswith("✓ Published 815")
    assert "What to do next" not in page.words("verdict")
    assert ("section", {"class": "banner good", "id": "verdict", "aria-label": "Verdict"}) in page.starts


def test_a_night_released_by_hand_says_when_and_why(rich_facts: ReportFacts) -> None:
    released = Release('a new "sensor"', "2014-01-02T03:04:05+00:00")
    facts = replace(rich_facts, outcome="published", stands="", next_steps=(), released=released)
    words = read(facts).words("verdict")
    assert 'are published. Released by hand on 2014-01-02: "a new "sensor"" Why it was held the critical' in words
    assert "drift.gate" not in words
    assert ReportFacts.from_json(json.loads(json.dumps(facts.to_json()))) == facts


def test_facts_of_the_version_before_releases_are_read(rich_facts: ReportFacts) -> None:
    raw = rich_facts.to_json() | {"version": 2}
    del raw["released"]
    assert ReportFacts.from_json(json.loads(json.dumps(raw))) == rich_facts


def test_decisions_have_shares_intervals_and_an_expected_accuracy_with_its_condition(rich_facts: ReportFacts) -> None:
    words = read(rich_facts).words("scores")
    assert "Decisions of late ◆ drift from a probability of 0.5 on" in words
    assert "31 % of tonight's rows decided 'late', 21 % in training (total variation 0.10, drift from 0.1)." in words
    assert "late 31 % 28 % to 34 % 21 %" in words
    assert "Expected accuracy 81.1 %, 84.2 % in training: an estimate" in words
    assert "which holds if they are calibrated." in words


def test_of_many_classes_those_that_moved_most_are_listed(rich_facts: ReportFacts) -> None:
    assert rich_facts.drift is not None
    shares = tuple(ClassShare(f"class {number}", 0.01, 0.01 + number / 1e4, 0.0, 0.1) for number in range(60))
    decided = replace(rich_facts.drift.decisions[0], classes=shares)
    words = read(with_drift(rich_facts, decisions=(decided,))).words("scores")
    assert words.index("class 59 ") < words.index("class 58 ")
    assert "class 47 " not in words
    assert f"and {60 - LISTED_CLASSES} more classes" in words


def test_a_class_that_training_does_not_have_has_no_share_there(rich_facts: ReportFacts) -> None:
    assert rich_facts.drift is not None
    decided = replace(rich_facts.drift.decisions[0], classes=(ClassShare("yes", None, 0.5, 0.4, 0.6),))
    assert "yes 50 % 40 % to 60 % –" in read(with_drift(rich_facts, decisions=(decided,))).words("scores")


def test_impact_lists_shifts_importance_and_the_columns_status(rich_facts: ReportFacts) -> None:
    words = read(rich_facts).words("impact")
    assert "The mean moved by +0.0623, in units of probability: the features' shifts add up to it." in words
    assert "temp +0.0831 0.041 ◆ drift temp" in words
    assert "carrier_rate −0.0212 0.062 ◆ drift carrier" in words
    assert "wind 0 not used ▲ warning wind" in words


def test_bars_diverge_from_the_middle_in_proportion(rich_facts: ReportFacts) -> None:
    assert rich_facts.drift is not None
    (impact,) = score_impacts(rich_facts.drift.impacts, [])
    bars = {row.feature.feature: (row.start, row.width) for row in impact.rows}
    assert bars["temp"] == (BAR_WIDTH / 2, BAR_WIDTH / 2)
    assert bars["carrier_rate"] == (pytest.approx(100 - 25.5, abs=0.1), pytest.approx(25.5, abs=0.1))
    assert bars["wind"] == (BAR_WIDTH / 2, 0.0)


def test_features_that_are_not_listed_are_added_up() -> None:
    features = tuple(FeatureImpact(f"f{number}", (), 0.01 * (number + 1), 0.1) for number in range(LISTED_FEATURES + 2))
    (impact,) = score_impacts([ImpactVerdict("p", "m", "margin", 1, 1, 1.0, features)], [])
    assert (impact.more, impact.more_shift) == (2, pytest.approx(0.03))
    assert impact.rows[0].feature.feature == f"f{LISTED_FEATURES + 1}"


def test_a_model_without_contributions_says_why(rich_facts: ReportFacts) -> None:
    refused = ImpactVerdict("p", "forest", "", reason="no exact contributions for RandomForestClassifier")
    words = read(with_drift(rich_facts, impacts=(refused,))).words("impact")
    assert "No exact contributions for RandomForestClassifier." in words


def test_only_slices_that_stand_out_are_listed(rich_facts: ReportFacts) -> None:
    words = read(rich_facts).words("slices")
    assert "JFK ◆ drift 402 training 1,700 temp values moved: 71 % tonight below 16.5" in words
    assert "0.55 training 0.29" in words
    assert "LGA" not in words
    assert "Other slices: 1 as in training, 1 with too few rows to tell, 1 not compared." in words


def test_a_slice_that_hardly_any_row_is_in_is_not_named(rich_facts: ReportFacts) -> None:
    slices = (
        SliceDrift("name", "Ada", DriftStatus.WARN, 3, 4),
        SliceDrift("name", "__missing__", DriftStatus.WARN, 3, 4),
    )
    words = read(with_drift(rich_facts, slices=slices)).words("slices")
    assert "Ada" not in words
    assert "a rare value ▲ warning" in words
    assert "no value ▲ warning" in words


def test_quiet_slices_are_counted(rich_facts: ReportFacts) -> None:
    slices = tuple(SliceDrift("c", str(number), DriftStatus.OK, 30, 40) for number in range(3))
    assert "No slice stands out: 3 as in training." in read(with_drift(rich_facts, slices=slices)).words("slices")


def test_earlier_nights_show_only_columns_that_stand_out_against_one(rich_facts: ReportFacts) -> None:
    words = read(rich_facts).words("earlier")
    assert "the night before 2013-12-30" in words
    assert "temp 3 nights in a row unlike training 19.27 ✓ as then 0.020 20.1 ◆ drift 0.580 30.7" in words
    assert "quiet" not in words
    assert "1 other column does not stand out." in words


def test_an_earlier_night_that_is_not_there_says_why(rich_facts: ReportFacts) -> None:
    night = EarlierNight("the same weekday", "", "", {}, "no published night on that day")
    words = read(replace(rich_facts, trend=Trend({}, (night,)))).words("earlier")
    assert "The same weekday: no published night on that day" in words


def test_sections_without_anything_to_say_are_left_out(rich_facts: ReportFacts) -> None:
    page = read(replace(with_drift(rich_facts, slices=(), impacts=(), decisions=()), trend=Trend()))
    assert not {"impact", "slices", "earlier"} & set(page.sections)
    links = {attributes.get("href") for tag, attributes in page.starts if tag == "a"}
    assert not {"#impact", "#slices", "#earlier"} & links


def test_every_link_has_its_place(rich_facts: ReportFacts) -> None:
    page = read(rich_facts)
    places = {f"#{attributes['id']}" for _, attributes in page.starts if "id" in attributes}
    links = {attributes["href"] for tag, attributes in page.starts if tag == "a"}
    assert links <= places
    assert "#column-1" in links


def test_every_number_of_a_column_stands_under_its_full_name(rich_facts: ReportFacts) -> None:
    words = read(rich_facts).words("drift")
    for number in (
        "values compared815 tonight, 1,000 in training",
        "psi_noise_950.036",
        "js_distance_base20.31",
        "ks_on_grid0.4",
        "ks_p_value1.3e-40",
        "mean_shift_over_reference_sdnone: the reference has no spread",
        "10 bins",
        "12.5 to 16.5100180",
    ):
        assert re.sub(r"\s", "", number) in re.sub(r"\s", "", words)
    assert "mean_shift_over_reference_sd_reason" not in words


def test_of_many_bins_the_first_are_listed(rich_facts: ReportFacts) -> None:
    bins = tuple(Bin(f"c{number}", 50, 50) for number in range(LISTED_BINS + 7))
    words = read(with_drift(rich_facts, columns=(replace(columns_of(rich_facts)[0], bins=bins),))).words("drift")
    assert f"{LISTED_BINS + 7} bins" in words
    assert "and 7 more" in words


# ------------------------------------------------------------------------------------------------------------ pictures


def test_the_most_urgent_columns_have_pictures_and_the_page_says_so(rich_facts: ReportFacts) -> None:
    quiet = columns_of(rich_facts)[0]
    columns = tuple(replace(quiet, column=f"c{number}", psi=number / 1e4) for number in range(PICTURED + 5))
    page = read(with_drift(rich_facts, columns=columns))
    assert sum(attributes.get("role") == "img" for tag, attributes in page.starts if tag == "svg") == PICTURED
    words = page.words("drift")
    assert f"Pictures are drawn for the {PICTURED} most urgent columns; the other 5 have their numbers" in words
    assert words.count("no picture") == 5


def test_pictures_stop_where_their_bytes_are_used_up() -> None:
    bins = tuple(Bin(f"{'long name ' * 11}{number}", 10, 10) for number in range(40))
    columns = tuple(
        ColumnDrift(f"c{number}", "feature", "categorical", DriftStatus.OK, 400, 400, bins=bins) for number in range(60)
    )
    rows = column_rows(DriftVerdict(DriftStatus.OK, columns), Trend())
    drawn = [len(row.picture.svg) for row in rows if row.picture]
    assert PICTURE_BYTES <= sum(drawn) < PICTURE_BYTES + 2 * max(drawn)


# ------------------------------------------------------------------------------------------------------------- privacy


def test_a_category_that_few_rows_have_is_named_nowhere(rich_facts: ReportFacts) -> None:
    html = render_report(rich_facts)
    assert "patient" not in html
    assert "rare categories" in html
    assert "'UA'" in render_report(rich_facts).replace("&#39;", "'")


def test_folding_rare_categories_keeps_the_counts(rich_facts: ReportFacts) -> None:
    (carrier,) = (column for column in columns_of(rich_facts) if column.column == "carrier")
    folded = named_only(carrier)
    for side in ("reference", "current"):
        assert sum(getattr(bin_, side) for bin_ in folded.bins) == sum(getattr(bin_, side) for bin_ in carrier.bins)
    assert [bin_.label for bin_ in folded.bins] == ["UA", "AA", "B6", OTHER, UNSEEN]
    assert folded.bins[3] == Bin(OTHER, 10, 12)


def test_the_name_of_a_rare_category_leaves_reasons_and_measures(rich_facts: ReportFacts) -> None:
    (carrier,) = (column for column in columns_of(rich_facts) if column.column == "carrier")
    told = replace(
        carrier,
        reasons=("values moved: 'patient 17' 0.4 % tonight, 0.4 % in training (PSI 1)",),
        measures={"l_infinity_category": "patient 17"},
    )
    folded = named_only(told)
    assert folded.reasons == ("values moved: a rare category 0.4 % tonight, 0.4 % in training (PSI 1)",)
    assert folded.measures == {"l_infinity_category": "a rare category"}


def test_a_category_of_five_rows_on_either_side_is_named(rich_facts: ReportFacts) -> None:
    bins = (Bin("five before", 5, 0), Bin("five tonight", 0, 5), Bin("four", 4, 4))
    column = ColumnDrift("c", "feature", "categorical", DriftStatus.OK, 9, 9, bins=bins)
    assert [bin_.label for bin_ in named_only(column).bins] == ["five before", "five tonight", OTHER]


# ------------------------------------------------------------------------------------------------------ the page itself


def test_tables_have_captions_and_headers_a_scope(rich_facts: ReportFacts) -> None:
    page = read(rich_facts)
    tags = [tag for tag, _ in page.starts]
    assert tags.count("table") == tags.count("caption") > 10
    assert all(attributes.get("scope") for tag, attributes in page.starts if tag == "th")


def test_the_first_thing_to_tab_to_skips_to_the_verdict(rich_facts: ReportFacts) -> None:
    first = next(attributes for tag, attributes in read(rich_facts).starts if tag == "a")
    assert first == {"class": "skip", "href": "#verdict"}


def test_ids_are_unique(rich_facts: ReportFacts) -> None:
    ids = [attributes["id"] for _, attributes in read(rich_facts).starts if "id" in attributes]
    assert len(ids) == len(set(ids))


def test_no_element_has_a_handler(rich_facts: ReportFacts) -> None:
    names = {name for _, attributes in read(rich_facts).starts for name in attributes}
    assert not {name for name in names if name.startswith("on")}


def test_data_never_stands_in_the_script(rich_facts: ReportFacts) -> None:
    (script,) = re.findall(r"<script>(.*?)</script>", render_report(rich_facts), re.DOTALL)
    assert script == page_script()
    assert len(script.splitlines()) < 100
    assert not re.search(r"<!--|</|<script|innerHTML|eval|https?:", script)


def test_the_policy_follows_the_script() -> None:
    assert content_policy("a") != content_policy("b")
    assert environment().globals["policy"] == content_policy(page_script())


CSS = "{% include 'report.css' %}"


def luminance(colour: str) -> float:
    """WCAG 2.2's relative luminance."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(
    ("front", "back", "least"),
    [
        *((tone, f"{tone}-bg", 4.5) for tone in ("good", "caution", "bad", "quiet")),
        *(("ink", back, 7.0) for back in ("card", "page", "code")),
        *(("soft", back, 4.5) for back in ("card", "page", "code")),
        *((shape, "card", 3.0) for shape in ("current", "higher", "lower")),
    ],
)
def test_colours_have_enough_contrast(theme: int, front: str, back: str, least: float) -> None:
    css = environment().from_string(CSS).render()
    colours = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", re.findall(r":root \{(.*?)\}", css, re.DOTALL)[theme]))
    lighter, darker = sorted((luminance(colours[front]), luminance(colours[back])), reverse=True)
    assert (lighter + 0.05) / (darker + 0.05) >= least
