"""The text files of a new job folder: job.yaml, schema.yaml and README.md, with a comment for whatever is in them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from data_checks.expectations.words import percent_words
from schemas.card import ModelCard
from schemas.contract import TableContract
from schemas.job import ModelEntry
from transforms.output_columns import output_fields

#: Written without quotes: nothing in them means anything to YAML, 1.1 or 1.2.
_PLAIN = re.compile(r"(\.\./|/)*[A-Za-z_][A-Za-z0-9_./()-]*")
_WORDS = re.compile(r"(true|false|yes|no|on|off|null|y|n)", re.IGNORECASE)
_HEADINGS = {
    "key": "names the row",
    "feature": "what the model takes, in its order",
    "passthrough": "neither key nor feature: take out what the nights will not have",
}
_COMMENT_COLUMN = 40
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}


@dataclass(frozen=True)
class JobText:
    """Everything that the files say."""

    name: str
    entry: ModelEntry
    card: ModelCard
    contract: TableContract
    #: Key of the partition's folders, as `run_date`.
    partition: str
    #: drift.training.
    training: str
    rows: int
    #: Share of training rows where a column is null or NaN, by name.
    missing: Mapping[str, float]
    #: Number of expectations in the suite.
    expectations: int
    notes: tuple[str, ...]

    def files(self) -> dict[str, str]:
        """File name to text."""
        facts = self._facts()
        return {
            name: _environment().get_template(f"{name}.j2").render(facts)
            for name in ("job.yaml", "schema.yaml", "README.md")
        }

    def _facts(self) -> dict[str, Any]:
        keys = self.contract.names("key")
        columns: dict[str, list[dict[str, Any]]] = {role: [] for role in _HEADINGS}
        for column in self.contract:
            note = _missing_words(self.missing[column.name])
            columns[column.role].append({**column.model_dump(), "missing": note})
        return {
            "name": self.name,
            "entry": self.entry,
            "card": self.card,
            "classes": self.card.classes,
            "output": self.entry.output.model_dump(exclude_none=True, exclude={"threshold"}),
            "keys": keys,
            "deciding": [f.name for f in output_fields(self.entry, self.card) if f.name != self.entry.output.label],
            "repeated": () if keys else self.contract.names(),
            "categorical": [item.name for item in self.card.features if item.type == "categorical"],
            "columns": columns,
            "headings": _HEADINGS,
            "partition": self.partition,
            "input_path": f"input/{self.partition}={{date}}/",
            "night": f"input/{self.partition}=2026-01-31",
            "training": self.training,
            "rows": f"{self.rows:,}",
            "expectations": self.expectations,
            "notes": self.notes,
        }


def _missing_words(share: float) -> str:
    return f"  # missing in {percent_words(share)} of the training rows" if share else ""


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=False,  # noqa: S701  # YAML and Markdown for the owner's own disk, no page; values pass the filter
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"yaml": yaml_scalar, "pad": _pad}
    return environment


def yaml_scalar(value: bool | str) -> str:  # noqa: FBT001  # a filter for whatever a template prints
    """The value as YAML on one line: `true` and `false`, plain words as they are, any other text in double quotes."""
    if isinstance(value, bool):
        return str(value).lower()
    if _PLAIN.fullmatch(value) and not _WORDS.fullmatch(value):
        return value
    return '"' + "".join(_escaped(char) for char in value) + '"'


def _pad(text: str) -> str:
    """The text as wide as the others before a comment."""
    return f"{text:<{_COMMENT_COLUMN - 1}} "


def _escaped(char: str) -> str:
    if char in _ESCAPES:
        return _ESCAPES[char]
    return char if char.isprintable() else f"\\U{ord(char):08x}"
