from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import settings

SEED = 20130701

# The same examples on every run and every machine; no deadline, since the first example of a test pays for imports.
settings.register_profile("nightscore", derandomize=True, deadline=None, print_blob=True)
settings.load_profile("nightscore")


@pytest.fixture(autouse=True)
def _same_randomness_in_every_test() -> None:
    """Libraries that draw from the global generators draw the same numbers, whatever ran before."""
    random.seed(SEED)
    np.random.seed(SEED)  # noqa: NPY002 - the legacy generator is the one that libraries share


@pytest.fixture
def rng() -> np.random.Generator:
    """A generator with a fixed seed, fresh for every test."""
    return np.random.default_rng(SEED)
