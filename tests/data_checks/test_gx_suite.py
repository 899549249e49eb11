from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from data_checks.suggest import suggest_suite
from schemas.contract import Column, TableContract
from schemas.errors import ConfigError

FLIGHTS = Path(__file__).parents[2] / "sample_data" / "flights"


def load(path: Path) -> None:
    from data_checks.gx_suite import load_with_gx

    load_with_gx(path)


def write(folder: Path, *expectations: Any, **keys: Any) -> Path:
    path = folder / "suite.json"
    path.write_text(json.dumps({"name": "s", "expectations": list(expectations), **keys}))
    return path


def test_great_expectations_loads_the_suite_of_the_sample(tmp_path: Path) -> None:
    raw = json.loads((FLIGHTS / "suite.json").read_bytes())
    load(FLIGHTS / "suite.json")
    raw["expectations"][7]["type"] = "expect_nothing_of_the_kind"
    (tmp_path / "suite.json").write_text(json.dumps(raw))
    with pytest.raises(ConfigError, match="expect_nothing_of_the_kind"):
        load(tmp_path / "suite.json")


def test_great_expectations_loads_a_suggested_suite_as_it_is(tmp_path: Path) -> None:
    contract = TableContract(columns=tuple(Column(name=n, type=t) for n, t in (("x", "float64"), ("c", "string"))))
    suite = suggest_suite(pa.table({"x": [0.5, 1e-9, None] * 30, "c": ["a", "b", "b"] * 30}), contract)
    path = tmp_path / "suite.json"
    path.write_text(json.dumps(suite))
    load(path)
    assert len(suite["expectations"]) == 5


def test_everything_that_great_expectations_refuses_is_named_quietly(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(
        tmp_path,
        {"type": "expect_nothing", "kwargs": {}},
        {"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "x", "mostly": 2}},
        {"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "x"}, "severity": "high"},
        "no object",
    )
    with pytest.raises(ConfigError, match="Great Expectations does not load this suite") as caught:
        load(path)
    lines = caught.value.facts["mistakes"]
    assert [line.split(":")[0] for line in lines] == [f"expectation {number}" for number in (1, 2, 3, 4)]
    assert "expect_nothing not found" in lines[0]
    assert "Invalid severity 'high'" in lines[2]
    out, err = capsys.readouterr()
    assert (out, err) == ("", "")


def test_a_suite_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"suite: TypeError.*unexpected keyword argument 'foo'"):
        load(write(tmp_path, foo=1))
    (tmp_path / "list.json").write_text("[]")
    with pytest.raises(ConfigError, match=r"list\.json: Great Expectations does not load this suite"):
        load(tmp_path / "list.json")


def test_warnings_of_the_process_stay_warnings() -> None:
    load(FLIGHTS / "suite.json")
    assert logging.getLogger("py.warnings").handlers == []
    import warnings

    with pytest.warns(UserWarning, match="heard"):
        warnings.warn("heard", UserWarning, stacklevel=1)
