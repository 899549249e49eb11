from __future__ import annotations

import numpy as np
import pyarrow as pa

from data_checks.columns import BatchColumns
from data_checks.known_places import KnownPlaces

KNOWN = ("a", "b", "c")


def batch(*words: str | None, dictionary: tuple[str, ...] | None = None) -> BatchColumns:
    array = pa.array(words, pa.string()).dictionary_encode()
    if dictionary is not None:
        codes = pa.array([None if word is None else dictionary.index(word) for word in words], pa.int32())
        array = pa.DictionaryArray.from_arrays(codes, pa.array(dictionary))
    return BatchColumns(pa.record_batch({"c": array}))


def found(places: KnownPlaces, columns: BatchColumns) -> dict[str, tuple[int, int]]:
    counted, at = places.of(columns)
    return dict(zip(counted.names.to_pylist(), zip(counted.counts.tolist(), at.tolist(), strict=True), strict=True))


def test_each_category_has_its_count_and_its_place() -> None:
    assert found(KnownPlaces("c", KNOWN), batch("b", None, "b", "new")) == {"b": (2, 1), "new": (1, -1)}


def test_the_next_batch_of_the_same_dictionary_has_its_own_counts() -> None:
    places = KnownPlaces("c", KNOWN)
    words = ("c", "zz", "a")
    assert found(places, batch("c", "a", dictionary=words)) == {"c": (1, 2), "zz": (0, -1), "a": (1, 0)}
    assert found(places, batch("zz", dictionary=words)) == {"c": (0, 2), "zz": (1, -1), "a": (0, 0)}


def test_another_dictionary_of_the_same_size_has_other_places() -> None:
    places = KnownPlaces("c", KNOWN)
    found(places, batch("a", "b", dictionary=("a", "b")))
    assert found(places, batch("a", "b", dictionary=("b", "a"))) == {"b": (1, 1), "a": (1, 0)}


def test_random_batches_one_after_the_other_are_as_each_alone(rng: np.random.Generator) -> None:
    places = KnownPlaces("c", KNOWN)
    for _ in range(200):
        words = tuple(rng.permutation(["a", "b", "c", "x", "y"])[: rng.integers(1, 6)].tolist())
        columns = batch(*rng.choice(np.array(words), rng.integers(0, 9)).tolist(), dictionary=words)
        alone = found(KnownPlaces("c", KNOWN), columns)
        assert found(places, columns) == alone == found(places, columns)
