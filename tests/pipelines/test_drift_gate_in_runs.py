"""drift.gate in whole runs: what is published, held or refused, and what can be done about it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from pipelines.releasing import release_run
from schemas.errors import ConfigError, ExitCode

DATE = "2024-03-01"
Rows = Callable[..., pa.Table]


def gated(job: Any, gate: str, more: str = "critical: [x]") -> None:
    job.edit("job.yaml", "training: train/", f"training: train/, gate: {gate}, {more}")


def drifted(rows: pa.Table) -> pa.Table:
    return rows.set_column(1, "x", pa.array(np.full(rows.num_rows, 17.0)))


def run(job: Any, rows: pa.Table) -> dict[str, Any]:
    job.write(DATE, "a.parquet", rows)
    return dict(job.run(DATE))


def end(result: dict[str, Any]) -> tuple[int, str, str, str]:
    return result["exit_code"], result["status"], result["action"], result["code"]


REFUSED, HELD = (6, "failed", "fix", "drift_gate"), (6, "held", "release", "drift_gate")
PUBLISHED = (0, "published", "none", "published")


def test_a_gate_that_fails_leaves_nothing_that_could_be_released(small_job: Any, make_rows: Rows) -> None:
    gated(small_job, "fail")
    result = run(small_job, drifted(make_rows(600)))
    folder = small_job.run_folder(result)
    assert end(result) == REFUSED
    assert result["message"].startswith(f"day={DATE} was not published: the drift gate refuses it. There was no such")
    assert "drift: the critical x drifted" in result["reasons"][0]
    assert json.loads((folder / "result.json").read_bytes()) == result
    assert not [name for name in ("staged", "units", "keys", "outgoing") if (folder / name).exists()]
    assert not small_job.partition(DATE).exists()
    with pytest.raises(ConfigError, match=f"run {result['run_id']} is failed, not held: there is nothing to release"):
        small_job.command("release", "--date", DATE, "--reason", "never mind")
    with pytest.raises(ConfigError, match="is failed, not held") as raised:
        release_run(small_job.root, DATE, result["run_id"], "never mind")
    assert raised.value.exit_code == 2
    assert not small_job.partition(DATE).exists()


def test_its_report_says_so_and_offers_no_release(small_job: Any, make_rows: Rows) -> None:
    gated(small_job, "fail")
    folder = small_job.run_folder(run(small_job, drifted(make_rows(600))))
    facts = json.loads((folder / "report.json").read_bytes())
    assert (facts["outcome"], facts["decision"]["releasable"]) == ("failed", False)
    page = (folder / "index.html").read_text()
    assert "nightscore release" not in page
    assert "the critical x drifted" in page
    for name in ("drift.json", "profile.json", "quality.json", "trend.json", "manifest.json"):
        assert (folder / name).exists(), name


def test_what_was_out_before_stays_and_a_mended_night_is_published(small_job: Any, make_rows: Rows) -> None:
    gated(small_job, "fail")
    first = run(small_job, make_rows(600))
    before = small_job.parts(DATE)
    result = run(small_job, drifted(make_rows(600)))
    assert f"The partition of run {first['run_id']} (revision 1) still stands." in result["message"]
    assert (small_job.parts(DATE), result["published_run"]) == (before, first["run_id"])
    mended = run(small_job, make_rows(500))
    assert (end(mended), mended["revision"], small_job.scored(DATE).num_rows) == (PUBLISHED, 2, 500)


def test_a_gate_that_holds_keeps_the_night_for_release(small_job: Any, make_rows: Rows) -> None:
    gated(small_job, "hold")
    result = run(small_job, drifted(make_rows(600)))
    folder = small_job.run_folder(result)
    assert end(result) == HELD
    assert "the drift gate holds it" in result["message"]
    assert list((folder / "staged").iterdir())
    assert "nightscore release" in (folder / "index.html").read_text()
    assert small_job.command("release", "--date", DATE, "--reason", "a new sensor") == ExitCode.PUBLISHED
    assert small_job.scored(DATE).num_rows == 600


def test_a_gate_that_warns_publishes_and_says_so(small_job: Any, make_rows: Rows) -> None:
    gated(small_job, "warn")
    result = run(small_job, drifted(make_rows(600)))
    assert (end(result), result["drift"]) == (PUBLISHED, "drift")
    assert any(text.startswith("drift: the critical x drifted") for text in result["warnings"])


def test_a_warning_is_published_whatever_the_gate(small_job: Any, make_rows: Rows) -> None:
    gated(small_job, "fail", "critical: [c], max_drifted_share: 100%")
    result = run(small_job, drifted(make_rows(600)))
    assert (end(result), result["drift"]) == (PUBLISHED, "warn")


@pytest.mark.parametrize(("gate", "wanted"), [("hold", HELD), ("fail", REFUSED)])
def test_a_gate_lets_nothing_through_that_it_did_not_see(
    small_job: Any, make_rows: Rows, gate: str, wanted: tuple[int, str, str, str]
) -> None:
    gated(small_job, gate)
    (small_job.root / "reference" / "profile.json").unlink()
    result = run(small_job, make_rows(100))
    assert end(result) == wanted
    assert result["reasons"] == [
        "drift was not computed: the reference profile profile.json does not exist: make it with `nightscore profile`"
    ]


def test_an_unmet_expectation_decides_the_code_and_the_drift_that_it_cannot_be_released(
    small_job: Any, make_rows: Rows
) -> None:
    gated(small_job, "fail")
    result = run(small_job, make_rows(600).set_column(1, "x", pa.nulls(600, pa.float64())))
    assert end(result) == (4, "failed", "fix", "quality_gate")
    assert (len(result["reasons"]), result["reasons"][1].startswith("drift: ")) == (2, True)
    assert not (small_job.run_folder(result) / "staged").exists()
    with pytest.raises(ConfigError, match="is failed, not held: there is nothing to release"):
        release_run(small_job.root, DATE, None, "never mind")


def test_a_night_without_rows_that_is_to_be_published_is_not_gated(small_job: Any, make_rows: Rows) -> None:
    gated(small_job, "fail")
    small_job.edit("job.yaml", 'input: {path: "input/day={date}/"', 'input: {on_empty: ok, path: "input/day={date}/"')
    assert end(run(small_job, make_rows(0))) == PUBLISHED


def test_an_unknown_gate_is_refused_with_its_line(small_job: Any) -> None:
    gated(small_job, "stop")
    with pytest.raises(ConfigError, match=r"line 7: drift\.gate: Input should be 'warn', 'hold' or 'fail'"):
        small_job.command("check")
