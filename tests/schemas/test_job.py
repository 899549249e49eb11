"""job.yaml: every mistake at once, with its line, and nothing hostile gets through."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.errors import ConfigError
from schemas.job import Job, Limit, Step, read_job

GOOD = """\
name: flights
input: {path: "input/day={date}/"}
models:
  - {name: late, path: m.ubj, card: m.json, output: {probability: p}}
"""


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "job.yaml"
    path.write_text(text)
    return path


def test_four_keys_are_enough(tmp_path: Path) -> None:
    job = read_job(write(tmp_path, GOOD))
    assert (job.on_bad_file, job.output.path, job.checks.max_quarantined.rows) == ("fail", "scored/", 5)


def test_every_mistake_is_reported_with_its_line(tmp_path: Path) -> None:
    text = GOOD + "on_bad_fil: fail\nchecks: {max_quarantined: {share: 3}}\ndrift: {gate: stop}\n"
    with pytest.raises(ConfigError) as raised:
        read_job(write(tmp_path, text))
    lines = raised.value.message.split("\n")
    assert lines[0].endswith("job.yaml: 3 mistakes")
    assert "  line 5: on_bad_fil: unknown key; did you mean 'on_bad_file'?" in lines
    assert any(line.startswith("  line 6: checks.max_quarantined.share: ") for line in lines)
    assert any(line.startswith("  line 7: drift.gate: ") for line in lines)


def test_one_typo_is_one_mistake(tmp_path: Path) -> None:
    """The list that the item with the typo is in is not too short for that."""
    with pytest.raises(ConfigError) as raised:
        read_job(write(tmp_path, GOOD.replace("probability: p", "probabilty: p")))
    path, *lines = raised.value.message.split("\n")
    assert path.endswith("job.yaml: 1 mistake")
    assert lines == ["  line 4: models.0.output.probabilty: unknown key; did you mean 'probability'?"]
    with pytest.raises(ConfigError, match=r"job\.yaml: 1 mistake\n  line 3: models: at least 1 must be given$"):
        read_job(write(tmp_path, GOOD[: GOOD.index("models")] + "models: []\n"))


def test_a_missing_key_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="models: this key is required"):
        read_job(write(tmp_path, 'name: x\ninput: {path: "i/{date}"}\n'))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: &x 1\nb: *x\n", r"job\.yaml:1: anchors and aliases are not allowed"),
        ("a: !!python/object/apply:os.system [ls]\n", "tag"),
        ("name: a\nname: b\n", "not valid YAML: .*duplicate key"),
        ("- a\n", "expected a mapping of keys to values, found CommentedSeq"),
        ("a: [" + "[" * 2000, "nested more than 30 levels deep"),
        ("a: '" + "x" * 200_001 + "'", "this file may have at most 200,000"),
    ],
)
def test_hostile_yaml_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        read_job(write(tmp_path, text))


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("drift.psi_warn", "drift: {psi_warn: NUMBER}"),
        ("checks.max_quarantined.share", "checks: {max_quarantined: {share: NUMBER}}"),
        ("features.x.steps.0.fill", "features: {x: {steps: [{fill: NUMBER}]}}"),
        ("features.x.steps.0.clip.1", "features: {x: {steps: [{clip: [0, NUMBER]}]}}"),
    ],
)
def test_a_number_that_no_float_comes_near_is_a_mistake_like_another(tmp_path: Path, key: str, text: str) -> None:
    with pytest.raises(ConfigError) as raised:
        read_job(write(tmp_path, GOOD + text.replace("NUMBER", "9" * 400) + "\n"))
    assert f"  line 5: {key}: a number of more than 308 digits is too large" in raised.value.message.split("\n")


def test_a_pickle_needs_its_hash_pinned(tmp_path: Path) -> None:
    text = GOOD.replace("output:", "allow_pickle: true, output:")
    with pytest.raises(ConfigError, match="allow_pickle needs the artefact's sha256 beside it"):
        read_job(write(tmp_path, text))


@pytest.mark.parametrize("path", ["input/", "{date}/{date}", "in/{day}/{date}"])
def test_the_input_path_has_the_date_once(tmp_path: Path, path: str) -> None:
    with pytest.raises(ConfigError, match="once, and no other braces"):
        read_job(write(tmp_path, GOOD.replace("input/day={date}/", path)))


def test_two_models_cannot_write_one_column(tmp_path: Path) -> None:
    second = "  - {name: b, path: m.ubj, card: m.json, output: {probability: p}}\n"
    with pytest.raises(ConfigError, match="output column 'p' is named twice"):
        read_job(write(tmp_path, GOOD + second))


def test_a_percentage_is_a_share() -> None:
    assert Job.model_fields
    assert Limit.model_validate({"share": "2.5%"}).share == 0.025


@pytest.mark.parametrize(("count", "allowed"), [(5, True), (6, False)])
def test_a_limit_allows_whichever_is_more(count: int, allowed: bool) -> None:  # noqa: FBT001
    assert Limit(share=0.01, rows=5).allows(count, 121) is allowed


def test_a_step_is_a_word_or_one_key() -> None:
    assert Step.model_validate("log1p").name == "log1p"
    with pytest.raises(ValueError, match="a step has exactly one transform, found fill, clip"):
        Step.model_validate({"fill": 0, "clip": [0, 1]})
