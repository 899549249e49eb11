"""The independent oracle: Great Expectations on pandas, on the whole table at once, against our merged batches.

NIGHTSCORE_FUZZ_COMPARISONS=20000 compares more, and NIGHTSCORE_FUZZ_SEED others.
"""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from gx_fuzz.comparing import Case, compare
from gx_fuzz.known_differences import explanation
from gx_fuzz.random_suites import random_suite
from gx_fuzz.random_tables import random_table

from schemas.expectation_types import NOT_YET, SUPPORTED
from schemas.verdicts import Status

COMPARISONS = int(os.environ.get("NIGHTSCORE_FUZZ_COMPARISONS", "1500"))
SEED = int(os.environ.get("NIGHTSCORE_FUZZ_SEED", "0"))
FORMATS = ("BOOLEAN_ONLY", "BASIC", "SUMMARY", "COMPLETE")
ROWS = (0, 1, 2, 30, 200, 300)
#: Each part judges every type as often as that, each time on tables of its own.
ROUNDS = 10
#: On both sides GX raises for names of types that are none to pandas, and for bins of infinite or of equal values.
RAISING = {"column_type_to_be", "column_kl_divergence_to_be_less_than"}
#: Tables on which all types are judged once, together.
TABLES = 3
PARTS = -(-COMPARISONS // (ROUNDS * len(SUPPORTED)))


def cases(part: int, folder: Path) -> list[Case]:
    """Every type of expectation, ROUNDS times, in all result formats."""
    found: list[Case] = []
    for turn in range(ROUNDS):
        rng = np.random.default_rng([SEED, part, turn])
        kinds = np.array_split(rng.permutation(list(SUPPORTED)), TABLES)
        for number, some in enumerate(kinds):
            own = folder / f"{turn}-{number}"
            own.mkdir()
            table = random_table(rng, int(rng.choice(ROWS)))
            suite = random_suite(rng, some.tolist(), table, own)
            found += compare(suite, table, FORMATS[(part + turn + number) % len(FORMATS)], rng, own)
    return found


@pytest.mark.parametrize("part", range(PARTS))
def test_random_suites_on_random_tables_get_great_expectations_own_results(part: int, tmp_path: Path) -> None:
    found = cases(part, tmp_path)
    different = [case for case in found if case.differences]
    known = Counter(explanation(case) for case in different)
    print(f"part {part}: {len(found)} compared, {len(found) - len(different)} equal")  # noqa: T201  # for -s
    for why, count in known.most_common():
        print(f"  {count}: {why}")  # noqa: T201  # for -s
    unknown = [str(case) for case in different if explanation(case) is None]
    assert not unknown, f"seed {SEED}, part {part}: {len(unknown)} differ\n" + "\n".join(unknown)
    assert {case.expectation.type for case in found} == set(SUPPORTED)
    assert len(different) < 0.1 * len(found)
    statuses = Counter(case.verdict.status for case in found)
    assert min(statuses[status] for status in (Status.PASSED, Status.FAILED, Status.NO_DATA)) > 50
    assert {case.type for case in found if case.verdict.status is Status.ERROR} <= RAISING


def test_every_expectation_of_great_expectations_is_either_judged_or_known_as_not_yet() -> None:
    import great_expectations.expectations  # noqa: F401  # registers them
    from great_expectations.expectations.registry import list_registered_expectation_implementations

    assert set(list_registered_expectation_implementations()) == {*SUPPORTED, *NOT_YET}
