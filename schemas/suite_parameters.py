"""Suite parameters: an argument `{"$PARAMETER": "name"}` of a suite gets the value of that name."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from schemas.argument_checks import shown
from schemas.suite_mistakes import UNFILLED, where
from schemas.yaml_source import did_you_mean

KEY = "$PARAMETER"
#: Characters of JSON that all places together get: as much as a suite without parameters could hold.
MAX_FILLED = 5_000_000
#: A hint costs a comparison with every name; of more names, or for more mistakes, there is none.
MAX_HINTS = 50

#: What Great Expectations reads as one name, and finds; it reads e as the number E, and pi as PI.
_NAME = re.compile(r"(?!(?:[eE]|[pP][iI])\Z)[A-Za-z][A-Za-z0-9_$]{0,99}")

#: What json.loads makes of lists and objects.
_CONTAINERS = (dict, list)


def fill_parameters(raw: Mapping[str, Any], parameters: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The suite's JSON with every parameter replaced, and the mistakes in words; `raw` is not changed.

    A value is that of `parameters`, else that of the suite's own `suite_parameters`. It is taken as it is, with dates
    as ISO text, and not looked into for further parameters. `{"$PARAMETER": "name"}` is an argument's value or stands
    in its lists and objects; an argument that cannot be filled is UNFILLED. Only plain names are looked up. Refused is
    what Great Expectations also takes: expressions such as `n * 1.1` or `now()`, which are code, URNs of other runs'
    results, for which there is no store, and values beside the name, which hide what is judged.
    """
    own = raw.get("suite_parameters")
    filler = _Filler({**(own if isinstance(own, dict) else {}), **parameters})
    filled = {**raw, "suite_parameters": filler.values} if isinstance(own, dict) or parameters else dict(raw)
    items = raw.get("expectations")
    if isinstance(items, list):
        filled["expectations"] = [filler.expectation(number, item) for number, item in enumerate(items, start=1)]
    unused = [name for name in parameters if name not in filler.used]
    known = sorted(name for name in filler.used if name not in parameters)
    filler.mistakes += [
        f"suite: the parameter {shown(name)} is given, but not used{_hint(name, known)}" for name in unused
    ]
    return filled, filler.mistakes


class _UnfillableError(ValueError):
    """Says why a parameter cannot be replaced."""


class _Filler:
    def __init__(self, values: Mapping[str, Any]) -> None:
        self.values: dict[str, Any] = {}
        self.used: set[str] = set()
        self.mistakes: list[str] = []
        self._sizes: dict[str, int] = {}
        self._room = MAX_FILLED
        self._unsound: dict[str, str] = {}
        for name, value in values.items():
            try:
                self.values[name], self._sizes[name] = _as_json(value)
            except (TypeError, ValueError) as error:
                self._unsound[name] = " ".join(str(error).split())[:120]
            except RecursionError:
                self._unsound[name] = "it is nested too deep"

    def expectation(self, number: int, item: Any) -> Any:
        """The same expectation with its arguments filled in."""
        kwargs = item.get("kwargs") if isinstance(item, dict) else None
        if not isinstance(kwargs, dict) or not _has_container(kwargs):
            return item
        filled = {}
        for key, value in kwargs.items():
            try:
                filled[key] = self._filled(value)
            except _UnfillableError as reason:
                filled[key] = UNFILLED
                self.mistakes.append(f"{where(number, item)}: {shown(key)[1:-1]}: {reason}")
        return {**item, "kwargs": filled}

    def _filled(self, value: Any) -> Any:
        """As deep as the file is, which is at most 32 levels."""
        if isinstance(value, list):
            return [self._filled(item) for item in value]
        if not isinstance(value, dict):
            return value
        return self._value(value) if KEY in value else {key: self._filled(item) for key, item in value.items()}

    def _value(self, reference: Mapping[str, Any]) -> Any:
        name = reference[KEY]
        if len(reference) > 1:
            message = f"{shown(dict(reference))} has more than the name; give the value in suite_parameters"
            raise _UnfillableError(message)
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise _UnfillableError(_refusal(name))
        self.used.add(name)
        if name in self._unsound:
            message = f"the parameter {shown(name)} is not a JSON value: {self._unsound[name]}"
            raise _UnfillableError(message)
        if name not in self.values:
            hint = _hint(name, self.values) if len(self.mistakes) <= MAX_HINTS else ""
            message = f"no value for the parameter {shown(name)}{hint}"
            raise _UnfillableError(message)
        self._room -= self._sizes[name]
        if self._room < 0:
            message = f"the parameters fill in more than {MAX_FILLED:,} characters"
            raise _UnfillableError(message)
        return self.values[name]


def _has_container(kwargs: Mapping[str, Any]) -> bool:
    for value in kwargs.values():  # noqa: SIM110  # any() takes twice the time, and a suite may have 50,000 expectations
        if type(value) in _CONTAINERS:
            return True
    return False


def _as_json(value: Any) -> tuple[Any, int]:
    """The value as JSON would give it back, and how long it is there."""
    text = json.dumps(value, allow_nan=False, default=_iso_text)
    if f'"{KEY}": ' in text:
        message = "it holds a parameter itself"
        raise ValueError(message)
    return json.loads(text), len(text)


def _iso_text(value: Any) -> str:
    if isinstance(value, date):
        return value.isoformat()
    message = f"{shown(value)} is of Python's type {type(value).__name__}"
    raise TypeError(message)


def _refusal(name: Any) -> str:
    if not isinstance(name, str):
        return f"{shown(name)} is not the name of a parameter"
    if name.casefold() in ("e", "pi"):
        return f"{shown(name)} is a number in Great Expectations; choose another name"
    if name.startswith("urn:"):
        return f"{shown(name)} is a result of another run, and no store is here to look it up; give the value itself"
    rules = "letters, digits, '_' and '$', a letter first, at most 100"
    return (
        f"{shown(name)} is not a plain name ({rules}); expressions are code and never evaluated: give the value itself"
    )


def _hint(name: str, known: Iterable[str]) -> str:
    names = [word for word in known if _NAME.fullmatch(word)]
    return did_you_mean(name[:100], names) if len(names) <= MAX_HINTS else ""
