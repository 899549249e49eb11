"""Mixing 64-bit words, so that equal bits in give equal bits out, and any other bits look like chance."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Words = npt.NDArray[np.uint64]

#: 2**64 divided by the golden ratio, made odd. `mix` adds it, since 0 would otherwise stay 0; `chain` multiplies the
#: state by it, since the state and the words would otherwise be interchangeable.
GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)


def mix(words: Words) -> Words:
    """The finaliser of splitmix64 (Steele, Lea, Flood 2014): a bijection, so different words stay different."""
    mixed = words + GOLDEN
    shifted = mixed >> np.uint64(30)
    for shift, factor in ((30, _FIRST), (27, _SECOND)):
        np.right_shift(mixed, np.uint64(shift), out=shifted)
        mixed ^= shifted
        mixed *= factor
    np.right_shift(mixed, np.uint64(31), out=shifted)
    mixed ^= shifted
    return mixed


def chain(state: Words, words: Words) -> Words:
    """The state after these words: a bijection of either for a fixed other, and the order of chaining matters."""
    mixed: Words = (state * GOLDEN ^ words) * _FIRST
    mixed ^= mixed >> np.uint64(32)
    return mixed
