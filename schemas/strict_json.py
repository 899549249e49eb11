"""Reading a JSON file that someone else wrote, and refusing what JSON readers usually let pass."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from schemas.bounded_file import read_bounded
from schemas.errors import ConfigError

#: Levels of lists and objects in one another.
MAX_DEPTH = 32
#: Digits of a whole number: as many as the widest decimal column has.
MAX_DIGITS = 38


def read_strict_json(path: Path, max_bytes: int) -> Any:
    """The value in a UTF-8 JSON file.

    Refused before parsing: a file over `max_bytes`. Refused while parsing: a key that stands twice in one object (most
    readers silently keep the last), NaN, Infinity and numbers beyond float64, lone surrogates (text that cannot be
    written anywhere), and more than 32 levels. Raises ConfigError with the file's name.
    """
    data = read_bounded(path, max_bytes)
    hooks = _Hooks()
    try:
        value = json.loads(
            data.decode("utf-8"),
            object_pairs_hook=hooks.pairs,
            parse_constant=_refuse_constant,
            parse_float=_finite,
            parse_int=_not_too_long,
        )
        if _SURROGATE.search(data):
            _refuse_surrogates(value)
    except (ValueError, RecursionError) as error:
        message = f"{path}: not valid JSON: {_words(error)}"
        raise ConfigError(message, code="json_syntax", file=str(path)) from None
    if hooks.twice:
        message = f"{path}: keys that stand twice in one object: {', '.join(map(repr, sorted(hooks.twice)[:20]))}"
        raise ConfigError(message, code="json_duplicate_key", file=str(path))
    if _depth(value) > MAX_DEPTH:
        message = f"{path}: nested more than {MAX_DEPTH} levels deep"
        raise ConfigError(message, code="json_too_deep", file=str(path))
    return value


#: UTF-8 itself holds no surrogates; only an escape can write one, and two of them may be a sound pair.
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


@dataclass
class _Hooks:
    twice: set[str] = field(default_factory=set)

    def pairs(self, items: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(items)
        if len(found) != len(items):
            counts = Counter(name for name, _ in items)
            self.twice |= {name[:60] for name, count in counts.items() if count > 1}
        return found


def _refuse_constant(word: str) -> NoReturn:
    message = f"{word} is not a JSON number"
    raise ValueError(message)


def _finite(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        message = f"the number {text[:40]} is beyond what a float holds"
        raise ValueError(message)
    return value


def _not_too_long(text: str) -> int:
    if len(text.removeprefix("-")) > MAX_DIGITS:
        message = f"the number {text[:40]}... has more than {MAX_DIGITS} digits"
        raise ValueError(message)
    return int(text)


def _refuse_surrogates(value: Any) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        message = "a text holds half of a surrogate pair, such as \\ud800"
        raise ValueError(message) from None


def _words(error: BaseException) -> str:
    if isinstance(error, RecursionError):
        return f"nested more than {MAX_DEPTH} levels deep"
    return " ".join(str(error).split())[:200]


def _depth(value: Any) -> int:
    """How many lists and objects are in one another; a loop, since the value may be deep."""
    depth, level = 0, [value] if type(value) in _CONTAINERS else []
    while level:
        depth += 1
        inner = (item.values() if type(item) is dict else item for item in level)
        level = [child for children in inner for child in children if type(child) in _CONTAINERS]
    return depth


#: What json.loads makes of lists and objects.
_CONTAINERS = (dict, list)
