"""drift.slices and drift.times that name no such column, or one that cannot be looked at in that way."""

from __future__ import annotations

import json
from typing import Any

import pytest

from schemas.errors import ConfigError

DATE = "2024-03-01"
_MORE = """\
  - {name: at, type: timestamp}
  - {name: due, type: date}
  - {name: late, type: bool}
  - {name: person, type: string, sensitive: true}
  - {name: gate, type: string, role: passthrough}
"""

MISTAKES = [
    (
        "slices: [k]",
        "drift.slices: column 'k' is not in the table contract; known: at, c, due, gate, id, late, n, person, x",
    ),
    ("slices: [gaet]", "drift.slices: column 'gaet' is not in the table contract; did you mean 'gate'?"),
    ("slices: [c, x]", "drift.slices: 'x' is of type float64: text and boolean columns have slices"),
    ("slices: [at]", "drift.slices: 'at' is of type timestamp: text and boolean columns have slices"),
    ("slices: [person]", "drift.slices: 'person' is sensitive in the contract, and slices show its values"),
    ("times: {gate: {part: hour}}", "drift.times: 'gate' is a passthrough column, and only features are compared"),
    ("critical: [gate]", "drift.critical: 'gate' is a passthrough column, and only features and scores are compared"),
    ("times: {att: {part: hour}}", "drift.times: column 'att' is not in the table contract; did you mean 'at'?"),
    ("times: {x: {part: hour}}", "drift.times: 'x' is of type float64: only dates and timestamps have parts and ages"),
    ("times: {due: {part: hour}}", "drift.times: 'due' is a date, which has no hour: compare its weekday or month"),
    (
        "times: {due: {since: dew}}",
        "drift.times.due.since: column 'dew' is not in the table contract; did you mean 'due'?",
    ),
    (
        "times: {due: {since: c}}",
        "drift.times.due.since: 'c' is of type string: only dates and timestamps have parts and ages",
    ),
]
#: What is wrong whatever the contract: told with every other mistake of job.yaml, and its line.
UNREADABLE = [
    ("times: {at: {part: hour, since: due}}", "drift.times.at.*give either `part` or `since`"),
    ("times: {at: {}}", "drift.times.at.*give either `part` or `since`"),
    ("times: {at: {part: minute}}", "drift.times.at.part.*'hour', 'weekday' or 'month'"),
    ("slices: c", "drift.slices"),
    ("slices: [a, b, c, d, e, f, g, h, i, j, k]", "drift.slices.*10"),
    ("slice_values: 0", "drift.slice_values"),
    ("history: {runs: 1}", "drift.history.runs"),
    ("history: {k: 0}", "drift.history.k"),
    ("significance: 0.5", "drift.significance"),
]


def settled(job: Any, text: str) -> None:
    path = job.root / "schema.yaml"
    path.write_text(path.read_text() + _MORE)
    job.edit("job.yaml", "training: train/", f"training: train/, {text}")


@pytest.mark.parametrize(("text", "message"), MISTAKES, ids=lambda value: value[:40])
def test_a_mistake_is_told_before_anything_is_read(small_job: Any, text: str, message: str) -> None:
    settled(small_job, text)
    with pytest.raises(ConfigError) as raised:
        small_job.run(DATE)
    assert raised.value.message == message
    result = json.loads((small_job.root / "last-result.json").read_bytes())
    assert (result["exit_code"], result["status"], result["action"]) == (2, "failed", "fix")
    assert result["message"] == message
    with pytest.raises(ConfigError):
        small_job.command("profile")


@pytest.mark.parametrize(("text", "message"), UNREADABLE, ids=lambda value: value[:40])
def test_what_job_yaml_cannot_say_is_told_with_its_place(small_job: Any, text: str, message: str) -> None:
    settled(small_job, text)
    with pytest.raises(ConfigError, match=rf"(?s)job\.yaml.*{message}") as raised:
        small_job.command("check")
    assert raised.value.exit_code == 2


def test_what_fits_is_accepted(small_job: Any) -> None:
    settled(small_job, "slices: [c, late, gate], times: {at: {since: due}, due: {part: weekday}}")
    assert small_job.command("check") == 0
