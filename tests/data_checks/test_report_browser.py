"""A report in a headless Chromium: it sorts, filters, loads nothing, runs nothing but its own script."""

from __future__ import annotations

import shutil
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

from data_checks.report import render_report
from data_checks.report_facts import ReportFacts
from schemas.verdicts import Trend

pytestmark = pytest.mark.browser

ARGUMENTS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-sync", "--disable-component-update", "--proxy-bypass-list=<-loopback>"),
)
#: Where Chromium itself looks for updates, whatever the page; it goes to the listener and no further.
BROWSERS_OWN = (b".googleapis.com", b".google.com", b".gvt1.com")
HOSTILE = '"><img src=http://pictures.example/x onerror="window.pwned=1"><script>window.pwned=1</script>'


@dataclass
class Listener:
    """A proxy that connects nobody and counts who asked."""

    socket: socket.socket
    asked: list[bytes] = field(default_factory=list)

    @property
    def of_pages(self) -> list[bytes]:
        """What was asked for by a page."""
        return [line for line in self.asked if not any(host in line.split(b"\r\n")[0] for host in BROWSERS_OWN)]

    @property
    def address(self) -> str:
        host, port = self.socket.getsockname()
        return f"http://{host}:{port}"

    def serve(self) -> None:
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:  # the test is over
                return
            with connection:
                connection.settimeout(5)
                self.asked.append(connection.recv(4096))


@pytest.fixture(scope="module")
def listener() -> Iterator[Listener]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        found = Listener(server)
        thread = threading.Thread(target=found.serve, daemon=True)
        thread.start()
        yield found
        server.shutdown(socket.SHUT_RDWR)
        thread.join(10)


@pytest.fixture(scope="module")
def browser(listener: Listener) -> Iterator[Browser]:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("no Chromium here")
    arguments = [*ARGUMENTS, f"--proxy-server={listener.address}"]
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=arguments)
        yield started
        started.close()


@dataclass
class Opened:
    """A page with all that it complained about or asked for."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)


@contextmanager
def opened(browser: Browser, path: Path, html: str, **options: object) -> Iterator[Opened]:
    path.write_text(html, encoding="utf-8")
    context = browser.new_context(**options)  # type: ignore[arg-type]  # options of a context
    found = Opened(context.new_page())

    def note(message: ConsoleMessage) -> None:
        found.complaints.append(message.text)

    found.page.on("console", note)
    found.page.on("pageerror", lambda error: found.complaints.append(str(error)))
    found.page.on("dialog", lambda dialog: found.complaints.append(f"dialog {dialog.message}"))
    found.page.on("request", lambda request: found.requests.append(request.url))
    found.page.goto(path.as_uri())
    yield found
    context.close()


@pytest.fixture
def report(browser: Browser, tmp_path: Path, rich_facts: ReportFacts) -> Iterator[Opened]:
    with opened(browser, tmp_path / "report.html", render_report(rich_facts)) as found:
        yield found


def with_name(facts: ReportFacts, name: str) -> ReportFacts:
    """The drifted column and its slices, feature, and earlier nights under another name."""
    assert facts.drift is not None
    drift = facts.drift
    columns = tuple(replace(item, column=name) if item.column == "temp" else item for item in drift.columns)
    slices = tuple(replace(item, slice_column=name, value=name) for item in drift.slices)
    features = tuple(replace(item, feature=name, columns=(name,)) for item in drift.impacts[0].features)
    decided = replace(drift.decisions[0], model=name, reason=name)
    drift = replace(
        drift,
        columns=columns,
        slices=slices,
        decisions=(decided,),
        impacts=(replace(drift.impacts[0], features=features),),
    )
    earlier = tuple(replace(night, label=name, columns={name: night.columns["temp"]}) for night in facts.trend.earlier)
    return replace(facts, job=name, drift=drift, trend=Trend({name: 3}, earlier))


def names(page: Page) -> list[str]:
    """Of the drift table's columns, in the order shown."""
    return page.locator("#drift-table > tbody:visible > tr:first-child .rule").all_inner_texts()


def psi(page: Page) -> list[float]:
    texts = page.locator("#drift-table > tbody > tr:first-child > td[data-label=PSI]").all_inner_texts()
    return [float(text.split()[0]) for text in texts]


def header(page: Page, name: str) -> str | None:
    return page.locator("#drift-table th", has=page.get_by_role("button", name=name)).get_attribute("aria-sort")


# ------------------------------------------------------------------------------------------------------ what is loaded


def test_the_page_opens_without_a_complaint_or_a_request(report: Opened, listener: Listener) -> None:
    report.page.wait_for_timeout(200)
    assert report.complaints == []
    assert len(report.requests) == 1
    assert listener.of_pages == []


def test_hostile_names_stay_text_and_ask_for_nothing(
    browser: Browser, listener: Listener, tmp_path: Path, rich_facts: ReportFacts
) -> None:
    html = render_report(with_name(rich_facts, HOSTILE))
    with opened(browser, tmp_path / "report.html", html) as found:
        found.page.get_by_role("button", name="PSI").first.click()
        found.page.get_by_role("searchbox").fill("<script>")
        found.page.wait_for_timeout(200)
        assert found.page.evaluate("window.pwned") is None
        assert names(found.page) == [HOSTILE]
        assert found.page.locator("img").count() == 0
        assert found.complaints == []
        assert len(found.requests) == 1
    assert listener.of_pages == []


def test_the_listener_would_have_noticed(browser: Browser, listener: Listener, tmp_path: Path) -> None:
    with opened(browser, tmp_path / "control.html", '<img src="http://pictures.example/x">') as found:
        found.page.wait_for_timeout(300)
    (asked,) = listener.of_pages
    assert asked.startswith(b"GET http://pictures.example/x ")
    listener.asked.clear()


def test_another_script_and_a_picture_from_outside_are_refused(report: Opened, listener: Listener) -> None:
    report.page.evaluate(
        """() => {
            const script = document.createElement("script");
            script.textContent = "window.pwned = 1";
            document.body.append(script);
            document.body.insertAdjacentHTML("beforeend", '<img src="http://pictures.example/y">');
        }"""
    )
    report.page.wait_for_timeout(300)
    assert report.page.evaluate("window.pwned") is None
    assert any("script-src" in text for text in report.complaints)
    assert listener.of_pages == []


# --------------------------------------------------------------------------------------------------- sorting, filtering


def test_a_click_sorts_numbers_from_the_largest_and_again_from_the_smallest(report: Opened) -> None:
    button = report.page.locator("#drift-table").get_by_role("button", name="PSI")
    button.click()
    assert psi(report.page) == sorted(psi(report.page), reverse=True)
    assert header(report.page, "PSI") == "descending"
    button.click()
    assert psi(report.page) == sorted(psi(report.page))
    assert header(report.page, "PSI") == "ascending"


@pytest.mark.parametrize("key", ["Enter", "Space"])
def test_a_key_sorts_names_and_moves_the_mark(report: Opened, key: str) -> None:
    report.page.locator("#drift-table").get_by_role("button", name="PSI").click()
    report.page.locator("#drift-table").get_by_role("button", name="Column").focus()
    report.page.keyboard.press(key)
    assert names(report.page) == sorted(names(report.page))
    assert (header(report.page, "Column"), header(report.page, "PSI")) == ("ascending", None)


def test_every_button_is_reached_by_tab_and_seen(report: Opened) -> None:
    page = report.page
    page.locator("#column-filter").focus()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Column"
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_a_column_moves_with_its_numbers(report: Opened) -> None:
    before = report.page.locator("#column-1").inner_text()
    report.page.locator("#drift-table").get_by_role("button", name="Column").click()
    assert report.page.locator("#column-1").inner_text() == before
    assert report.page.locator("#drift-table > tbody").count() == len(names(report.page)) == 11


def test_what_has_no_value_comes_last_in_either_direction(
    browser: Browser, tmp_path: Path, rich_facts: ReportFacts
) -> None:
    assert rich_facts.drift is not None
    first, *others = rich_facts.drift.columns
    columns = (replace(first, column="blank", psi=None), *others)
    facts = replace(rich_facts, drift=replace(rich_facts.drift, columns=columns))
    with opened(browser, tmp_path / "report.html", render_report(facts)) as found:
        for _ in range(2):
            found.page.locator("#drift-table").get_by_role("button", name="PSI").click()
            assert names(found.page)[-1] == "blank"


def test_the_filter_shows_the_columns_named_so_and_says_how_many(report: Opened) -> None:
    box = report.page.get_by_role("searchbox", name="Columns named")
    box.fill("COLUMN_")
    assert names(report.page) == [f"column_{number}" for number in range(6)]
    assert report.page.locator(".filter output").inner_text() == "6 of 11"
    box.fill("")
    assert len(names(report.page)) == 11


def test_a_columns_numbers_open_by_keyboard(report: Opened) -> None:
    summary = report.page.locator("#column-1 summary")
    summary.focus()
    report.page.keyboard.press("Enter")
    assert report.page.locator("#column-1 .bins").is_visible()


# ----------------------------------------------------------------------------------------------------- every way to see


def test_without_scripts_everything_is_there_and_no_button_that_does_nothing(
    browser: Browser, tmp_path: Path, rich_facts: ReportFacts
) -> None:
    path = tmp_path / "report.html"
    with opened(browser, path, render_report(rich_facts), java_script_enabled=False) as found:
        assert len(names(found.page)) == 11
        assert found.page.get_by_role("button").count() == 0
        assert not found.page.locator(".filter").is_visible()


@pytest.mark.parametrize("width", [1280, 760, 340])
def test_the_page_is_never_wider_than_the_window(
    browser: Browser, tmp_path: Path, rich_facts: ReportFacts, width: int
) -> None:
    size = {"width": width, "height": 800}
    html = render_report(with_name(rich_facts, "a_name_without_any_place_to_break_it_" * 4))
    with opened(browser, tmp_path / "report.html", html, viewport=size) as found:
        found.page.evaluate("document.querySelectorAll('details').forEach(item => { item.open = true })")
        assert found.page.evaluate("document.documentElement.scrollWidth") <= width


def test_dark_and_light_are_the_readers_choice(browser: Browser, tmp_path: Path, rich_facts: ReportFacts) -> None:
    found = {}
    for scheme in ("light", "dark"):
        with opened(browser, tmp_path / "report.html", render_report(rich_facts), color_scheme=scheme) as page:
            found[scheme] = page.page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert found == {"light": "rgb(246, 247, 249)", "dark": "rgb(15, 20, 27)"}


def test_on_paper_there_are_no_controls(report: Opened) -> None:
    report.page.emulate_media(media="print")
    assert not report.page.locator(".filter").is_visible()
    assert not report.page.locator("nav").is_visible()
    assert report.page.locator("#column-1").is_visible()
