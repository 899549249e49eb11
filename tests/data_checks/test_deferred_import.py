from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

CODE = """
import sys
from data_checks.deferred_import import defer_import
defer_import("scipy.stats")
from scipy import stats as module
before = "{inside}" in sys.modules
print(before, {use}, "{inside}" in sys.modules)
"""


def run(inside: str, use: str) -> str:
    code = CODE.format(inside=inside, use=use)
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def test_a_deferred_module_is_loaded_at_its_first_use() -> None:
    assert run("scipy.stats._stats_py", "round(module.entropy([1, 1]), 4)") == "False 0.6931 True"


def test_a_module_that_is_loaded_or_missing_is_left_alone() -> None:
    from data_checks.deferred_import import defer_import

    before = sys.modules["json"]
    defer_import("json")
    defer_import("no_such_module_at_all")
    assert sys.modules["json"] is before
    assert "no_such_module_at_all" not in sys.modules


def test_a_module_that_cannot_be_loaded_says_why_at_every_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from data_checks.deferred_import import defer_import

    (tmp_path / "broken_when_loaded.py").write_text("raise RuntimeError('of the module')")
    monkeypatch.syspath_prepend(tmp_path)
    defer_import("broken_when_loaded")
    stand_in = sys.modules["broken_when_loaded"]
    for _ in range(2):
        with pytest.raises(RuntimeError, match="of the module"):
            stand_in.anything  # noqa: B018  # the use itself


def test_great_expectations_works_without_loading_what_judging_does_not_use() -> None:
    code = """
import sys
from data_checks.deferred_import import defer_for_great_expectations
defer_for_great_expectations()
import data_checks.gx_engine
print([name for name in ("scipy.stats._stats_py", "altair.vegalite", "great_expectations.core") if name in sys.modules])
import altair
altair.Chart
print("altair.vegalite" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["['great_expectations.core']", "True"]
