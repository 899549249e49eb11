from __future__ import annotations

from pathlib import Path

import pytest

from schemas.errors import ConfigError
from schemas.strict_json import MAX_DEPTH, read_strict_json


def read(folder: Path, text: str | bytes) -> object:
    path = folder / "file.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_strict_json(path, max_bytes=5_000_000)


def test_an_ordinary_file_is_read_as_it_is(tmp_path: Path) -> None:
    assert read(tmp_path, '{"a": [1, 2.5, "é", null, true]}') == {"a": [1, 2.5, "é", None, True]}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"a": 1, "b": {"c": 1, "c": 2}, "a": 2}', "keys that stand twice in one object: 'a', 'c'"),
        ('{"a": NaN}', "NaN is not a JSON number"),
        ('{"a": -Infinity}', "-Infinity is not a JSON number"),
        ('{"a": 1e999}', "1e999 is beyond what a float holds"),
        (f'{{"a": {"9" * 39}}}', "has more than 38 digits"),
        ('"\\ud800"', "half of a surrogate pair"),
        (b'"\xff"', "not valid JSON: 'utf-8' codec can't decode"),
        ("{'a': 1}", "not valid JSON: Expecting property name"),
        ("", "not valid JSON: Expecting value"),
    ],
)
def test_what_other_readers_let_pass_is_refused(tmp_path: Path, text: str | bytes, words: str) -> None:
    with pytest.raises(ConfigError, match=r"file\.json: ") as caught:
        read(tmp_path, text)
    assert words in caught.value.message


@pytest.mark.parametrize("text", ["[" * (MAX_DEPTH + 2) + "]" * (MAX_DEPTH + 2), "[" * 2_000_000, '{"a":' * 500_000])
def test_deep_nesting_is_refused_at_once_however_deep(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError, match="nested more than 32 levels deep"):
        read(tmp_path, text)


def test_a_file_too_large_is_refused_before_it_is_parsed(tmp_path: Path) -> None:
    path = tmp_path / "large.json"
    path.write_bytes(b"[" + b" " * 1000)
    with pytest.raises(ConfigError, match="1,001 bytes; this file may have at most 1,000"):
        read_strict_json(path, max_bytes=1000)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.json: no such file"):
        read_strict_json(tmp_path / "none.json", max_bytes=10)
