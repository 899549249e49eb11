"""What every page is made with: templates that escape, the one script, and the policy that lets nothing else run."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from jinja2.ext import Extension
from markupsafe import Markup, escape

from data_checks.drift_bins import number, percent
from data_checks.report_phrases import clip, sentence, signed
from data_checks.report_words import badge, badge_of_expectation, likeness, what_was_allowed
from data_checks.visible_text import visible

_TEMPLATES = Path(__file__).parent / "templates"


@cache
def environment() -> Environment:
    """The templates' environment. Names from the data are text whatever they hold.

    Templates set `script` between script tags without a space around it, and `policy` as the page's Content-Security-
    Policy, which names the script by its hash.
    """
    made = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_finalize,
        extensions=[_NoIndent],
    )
    made.filters |= {"percent": percent, "number": number, "count": count, "code": code, "value": value}
    made.filters |= {"measure": measure, "sentence": sentence, "signed": signed, "clip": clip}
    made.globals |= {"badge": badge, "badge_of_expectation": badge_of_expectation, "likeness": likeness}
    made.globals["allowed"] = what_was_allowed
    script = page_script()
    made.globals |= {"script": Markup(script), "policy": content_policy(script)}  # noqa: S704  # a file of ours, no data
    return made


@cache
def page_script() -> str:
    """The one script of a page, as it stands in the file: it sorts and filters what the page already shows."""
    return (_TEMPLATES / "report.js").read_text(encoding="utf-8")


def content_policy(script: str) -> str:
    """The Content-Security-Policy under which exactly this script runs, and nothing is loaded from anywhere."""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return (
        f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


class _NoIndent(Extension):
    """Takes the templates' indentation off: in a table of 300 columns it is a tenth of the page."""

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:
        """The source with every line beginning at its first letter."""
        del name, filename
        return "\n".join(line.lstrip() for line in source.split("\n"))


def _finalize(printed: Any) -> Any:
    """Every printed text passes here, so no template can forget to make hidden characters visible."""
    if printed is None:
        return ""
    return visible(printed) if isinstance(printed, str) and not isinstance(printed, Markup) else printed


def count(found: int) -> str:
    """Thousands separated."""
    return f"{found:,}"


def value(found: Any) -> str:
    """A provenance value in words."""
    if found is None:
        return "none"
    if isinstance(found, bool):
        return "yes" if found else "no"
    if isinstance(found, int):
        return f"{found:,}"
    if isinstance(found, list | tuple):
        return ", ".join(value(item) for item in found) or "none"
    if isinstance(found, dict):
        return ", ".join(f"{key} {value(item)}" for key, item in found.items()) or "none"
    return str(found)


def measure(found: Any) -> str:
    """A measure's value: floats with six digits, others as `value` writes them."""
    return number(found) if isinstance(found, float) else value(found)


def code(text: str) -> Markup:
    """Sentences of ours: what stands in backticks is set as code, and a list of mistakes keeps its lines."""
    return Markup("<br>").join(_coded(line) for line in text.split("\n"))


def _coded(line: str) -> Markup:
    parts = [escape(visible(part)) for part in line.split("`")]
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if place % 2 else part for place, part in enumerate(parts)
    )
