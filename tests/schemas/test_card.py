"""Cards and contracts as files: what is wrong is said in words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from schemas.card import read_card, write_card
from schemas.contract import read_contract
from schemas.errors import ConfigError, ModelError
from schemas.plan import InputFile, Span, Unit


def card(**changes: Any) -> dict[str, Any]:
    return {
        "name": "m",
        "kind": "xgboost",
        "task": "binary",
        "artefact": {"format": "ubj", "sha256": "0" * 64, "bytes": 1},
        "libraries": {"xgboost": "3.2.0"},
        "features": [{"name": "a", "type": "numeric"}],
        "classes": [False, True],
        "probe": {"rows": [{"a": 1.0}], "scores": [[0.5]]},
    } | changes


def test_a_card_survives_its_file(tmp_path: Path) -> None:
    first, second = tmp_path / "a.json", tmp_path / "b.json"
    first.write_text(json.dumps(card()))
    write_card(read_card(first), second)
    assert read_card(second) == read_card(first)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"task": "multiclass"}, "a multiclass model cannot have 2 classes"),
        ({"features": [{"name": "a", "type": "categorical"}]}, "categories go with type categorical"),
        ({"features": [{"name": "a", "type": "numeric"}] * 2}, "a feature is listed twice"),
        ({"probe": {"rows": [{"a": 1.0}], "scores": []}}, "probe has 1 rows but 0 scores"),
        ({"surprise": 1}, "surprise: Extra inputs are not permitted"),
    ],
)
def test_a_wrong_card_says_what_is_wrong(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    path = tmp_path / "card.json"
    path.write_text(json.dumps(card(**changes)))
    with pytest.raises(ModelError, match=message):
        read_card(path)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ("[{name: a, type: int65}]", "unknown type 'int65'; did you mean 'int64'"),
        ("[{name: a, type: int64}, {name: a, type: string}]", "column 'a' is listed twice"),
        ("[{name: a, type: 'decimal(40,2)'}]", "precision is 1 to 38"),
        ("[{name: a, type: int64, rol: key}]", "unknown key; did you mean 'role'?"),
        ("[]", "at least 1 must be given"),
    ],
)
def test_a_wrong_contract_says_what_is_wrong(tmp_path: Path, columns: str, message: str) -> None:
    path = tmp_path / "schema.yaml"
    path.write_text(f"columns: {columns}\n")
    with pytest.raises(ConfigError) as raised:
        read_contract(path)
    assert message in raised.value.message


def test_a_unit_survives_its_json_with_each_file_once() -> None:
    file = InputFile(0, "/in/a.parquet", "a.parquet", 10, 5, "ff", (3, 4), (("day", "1"),))
    unit = Unit(7, (Span(file, 0, 100), Span(file, 1, 103)))
    assert Unit.from_json(unit.to_json()) == unit
    assert unit.to_json().count(b"a.parquet") == 2  # its path and its name
    assert (unit.rows, unit.spans[1].first_row_in_file) == (7, 3)
