"""A reference profile that was altered and given a new digest: a reason, never an error and never other numbers."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from data_checks.reference import ReferenceProfile, reference_head
from data_checks.reference_file import read_reference

FLIGHTS = Path(__file__).parents[2] / "sample_data" / "flights" / "reference" / "profile.json"
DIGITS = 10**400
Raw = dict[str, Any]


def numbers(raw: Raw) -> Raw:
    """The facts of the first numeric column with bins."""
    return next(c["numeric"] for c in raw["columns"] if c["numeric"] and c["numeric"]["edges"])


def count(raw: Raw, value: int) -> None:
    """Let the first bin of a numeric column have so many values, and the column so many rows."""
    column = next(c for c in raw["columns"] if c["numeric"] and c["numeric"]["edges"])
    counts = column["numeric"]["grid_counts"]
    column["rows"] += value - counts[0]
    counts[0] = value


def words(raw: Raw) -> Raw:
    return next(c for c in raw["columns"] if c["categorical"])


def category(raw: Raw, value: int) -> None:
    column = words(raw)
    column["rows"] += value - column["categorical"]["categories"][0][1]
    column["categorical"]["categories"][0][1] = value


def decided(raw: Raw) -> Raw:
    state: Raw = raw["decisions"][0]
    return state


def explained(raw: Raw) -> Raw:
    state: Raw = raw["impact"]["scores"][0]
    return state


def sliced(raw: Raw) -> Raw:
    state: Raw = raw["slices"][0]
    return state


def first(raw: Raw) -> Raw:
    state: Raw = next(iter(sliced(raw)["columns"].values()))
    return state


def edges(raw: Raw) -> None:
    column = next(c for c in raw["columns"] if c["numeric"] and c["numeric"]["edges"])
    facts = column["numeric"]
    facts["grid_edges"] = sorted({*facts["edges"], *(place / 7 for place in range(200_000))})
    facts["grid_counts"] = [1] * (len(facts["grid_edges"]) + 1)
    column["rows"] = len(facts["grid_counts"]) + column["nulls"] + column["nans"]


ALTERED: dict[str, Callable[[Raw], object]] = {
    "a count of 400 digits": lambda raw: count(raw, DIGITS),
    "a count beyond int64": lambda raw: count(raw, 2**63),
    "a count that adds up beyond int64": lambda raw: count(raw, 2**62),
    "rows of 400 digits": lambda raw: raw.update(rows=DIGITS),
    "200,000 edges": edges,
    "more infinite values than values": lambda raw: numbers(raw).update(infinite=10**12),
    "a negative deviation": lambda raw: numbers(raw).update(sd=-1.0),
    "a range turned round": lambda raw: numbers(raw).update(minimum=1e308, maximum=-1e308),
    "half a range": lambda raw: numbers(raw).update(minimum=None),
    "no range": lambda raw: numbers(raw).update(minimum=None, maximum=None),
    "an atom that is no edge": lambda raw: numbers(raw).update(atoms=[123456.789]),
    "a category of 400 digits": lambda raw: category(raw, DIGITS),
    "40,000 categories": lambda raw: words(raw)["categorical"].update(
        categories=[[str(place), 1] for place in range(40_000)]
    ),
    "more missing than rows": lambda raw: raw["columns"][0].update(nulls=10**9),
    "a column twice": lambda raw: raw["columns"].append(raw["columns"][0]),
    "a score of words": lambda raw: raw["scores"][0].update(kind="temporal", numeric=None),
    "negative decisions": lambda raw: decided(raw).update(counts=[-5, 4]),
    "decisions of 400 digits": lambda raw: decided(raw).update(counts=[DIGITS, 5]),
    "a negative number without decision": lambda raw: decided(raw).update(missing=-(10**9)),
    "a threshold that is no number": lambda raw: decided(raw).update(threshold="nan"),
    "decisions of a negative number of rows": lambda raw: decided(raw)["expected"].update(count=-3),
    "a negative sum of squares": lambda raw: decided(raw)["expected"].update(squares="-1p10"),
    "contributions of a negative number of rows": lambda raw: explained(raw).update(rows=-3),
    "contributions of 400 digits": lambda raw: explained(raw).update(rows=DIGITS),
    "contributions to a number": lambda raw: explained(raw).update(score=7),
    "contributions to a list": lambda raw: explained(raw).update(score=["p"]),
    "contributions of a model that is no text": lambda raw: explained(raw).update(model={"a": 1}),
    "slices of other bins": lambda raw: first(raw).update(bins=3, places=[], counts=[]),
    "slices without bins": lambda raw: first(raw).update(bins=-1, places=[], counts=[]),
    "slices of a billion bins": lambda raw: first(raw).update(bins=10**9, places=[0], counts=[1]),
    "a fraction of a row in a slice": lambda raw: first(raw).update(places=[0], counts=[0.5]),
    "text for a count in a slice": lambda raw: first(raw).update(places=[0], counts=["7"]),
    "a place that is none": lambda raw: first(raw).update(places=[-1], counts=[-1]),
    "a column that only slices have": lambda raw: sliced(raw)["columns"].update(
        nosuch={"bins": 2, "places": [], "counts": []}
    ),
    "negative rows of a slice": lambda raw: sliced(raw)["rows"].__setitem__(0, -1),
    "a slice of 400 digits": lambda raw: sliced(raw)["rows"].__setitem__(0, DIGITS),
    "contributions nested deeply": lambda raw: raw["impact"].update(more=json.loads("[" * 300 + "]" * 300)),
}


def sign(raw: Raw) -> None:
    """What somebody who knows the code can do: the digest of what it now says, as far as that can be read at all."""
    body = {key: value for key, value in raw.items() if key not in (*reference_head(), "digest")}
    try:
        raw["digest"] = ReferenceProfile.model_validate_json(json.dumps(body)).digest
    except ValueError:
        raw["digest"] = "0" * 64


@pytest.mark.parametrize("name", ALTERED)
def test_what_cannot_be_true_is_damaged_whatever_the_digest(name: str, tmp_path: Path) -> None:
    """They were errors of the night, hours later, and one of them asked for 127 GiB."""
    raw = json.loads(FLIGHTS.read_bytes())
    ALTERED[name](raw)
    sign(raw)
    path = tmp_path / "profile.json"
    path.write_text(json.dumps(raw))
    found = read_reference(path)
    assert isinstance(found, str), "it was read"
    assert " is damaged: " in found or " is damaged, " in found


def test_signed_and_otherwise_as_it_was_it_is_read(tmp_path: Path) -> None:
    raw = json.loads(FLIGHTS.read_bytes())
    sign(raw)
    path = tmp_path / "profile.json"
    path.write_text(json.dumps(raw))
    assert isinstance(read_reference(path), ReferenceProfile)
