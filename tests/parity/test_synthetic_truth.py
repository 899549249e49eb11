"""Months whose truth is known: nine quiet ones and five that drift, for partitions of 150 and of 50,000 rows.

The effects were chosen before anything was measured: for each size what its rows can show. A quiet column in warn or
drift is a false alarm, a drifted one in neither is a miss.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
import pyarrow as pa
import pytest

from data_checks.columns import BatchColumns
from data_checks.drift import compare
from data_checks.profile import Profile, ProfileColumn
from data_checks.reference import ReferenceProfile
from data_checks.reference_build import build_column
from schemas.drift_settings import Drift
from schemas.verdicts import DriftStatus

SEEDS, QUIET_MONTHS, TRAINING = range(20), 9, 30_000
COLUMNS = tuple(
    ProfileColumn(name, "categorical" if name in ("plan", "city", "active") else "numeric")
    for name in ("income", "amount", "rain", "visits", "sparse", "plan", "city", "active")
)
PLANS = ("basic", "plus", "pro", "team")
CITIES = tuple(f"city-{number:02d}" for number in range(30))
FLAGGED = (DriftStatus.WARN, DriftStatus.DRIFT)


@dataclass(frozen=True)
class Effect:
    """What a drifted month does to its columns; the defaults are the law of the training data."""

    income_shift: float = 0.0  # standard deviations
    amount_scale: float = 1.0  # of the logarithm
    dry_share: float = 0.9  # zeros among the rain
    missing: float = 0.02  # of `sparse`
    plans: tuple[float, ...] = (0.4, 0.3, 0.2, 0.1)
    new_city: float = 0.0  # share of a city that training does not know


#: Month to (columns that drift, effect), by rows of the partition.
DRIFTS: Mapping[int, tuple[tuple[frozenset[str], Effect], ...]] = {
    150: (
        (frozenset({"income"}), Effect(income_shift=1.5)),
        (frozenset({"amount"}), Effect(amount_scale=3.0)),
        (frozenset({"sparse"}), Effect(missing=0.30)),
        (frozenset({"plan"}), Effect(plans=(0.05, 0.15, 0.3, 0.5))),
        (frozenset({"rain", "city"}), Effect(dry_share=0.5, new_city=0.25)),
    ),
    50_000: (
        (frozenset({"income"}), Effect(income_shift=0.4)),
        (frozenset({"amount"}), Effect(amount_scale=1.5)),
        (frozenset({"sparse"}), Effect(missing=0.05)),
        (frozenset({"plan"}), Effect(plans=(0.3, 0.3, 0.2, 0.2))),
        (frozenset({"rain", "city"}), Effect(dry_share=0.8, new_city=0.03)),
    ),
}


def words(codes: np.ndarray, names: tuple[str, ...]) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array(codes, pa.int32()), pa.array(names))


def month(rng: np.random.Generator, rows: int, effect: Effect) -> pa.RecordBatch:
    rain = np.where(rng.random(rows) < effect.dry_share, 0.0, rng.exponential(5.0, rows))
    share = np.array([1 / (place + 1) for place in range(len(CITIES))])
    cities = rng.choice(len(CITIES), rows, p=share / share.sum())
    cities[rng.random(rows) < effect.new_city] = len(CITIES)
    return pa.record_batch(
        {
            "income": pa.array(rng.normal(50_000 + 12_000 * effect.income_shift, 12_000, rows)),
            "amount": pa.array(rng.lognormal(3.0, effect.amount_scale, rows)),
            "rain": pa.array(rain),
            "visits": pa.array(rng.poisson(3.0, rows)),
            "sparse": pa.array(rng.normal(size=rows), mask=rng.random(rows) < effect.missing),
            "plan": words(rng.choice(len(PLANS), rows, p=effect.plans), PLANS),
            "city": words(cities, (*CITIES, "new town")),
            "active": pa.array(rng.random(rows) < 0.7),
        }
    )


def statuses(reference: ReferenceProfile, batch: pa.RecordBatch) -> dict[str, DriftStatus]:
    profile, columns = Profile.empty(reference, COLUMNS), BatchColumns(batch)
    profile.add_conformed(columns)
    profile.add_scored(columns)
    return {column.column: column.status for column in compare(reference, profile, Drift()).columns}


@cache
def outcome(rows: int) -> tuple[Counter[str], Counter[str], int]:
    """(false alarms by column, misses by column, column-months without drift) over all seeds."""
    alarms, misses, quiet = Counter[str](), Counter[str](), 0
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        trained = month(rng, TRAINING, Effect())
        built = tuple(build_column(column.name, column.kind, trained.column(column.name)) for column in COLUMNS)
        reference = ReferenceProfile(contract_digest="c", rows=TRAINING, columns=built)
        months = [(frozenset[str](), Effect())] * QUIET_MONTHS + list(DRIFTS[rows])
        for drifting, effect in months:
            for name, status in statuses(reference, month(rng, rows, effect)).items():
                if name in drifting:
                    misses[name] += status not in FLAGGED
                else:
                    quiet += 1
                    alarms[name] += status in FLAGGED
    return alarms, misses, quiet


@pytest.mark.parametrize("rows", DRIFTS)
def test_quiet_columns_raise_an_alarm_in_at_most_one_month_of_a_hundred(rows: int) -> None:
    alarms, _, quiet = outcome(rows)
    months = quiet / len(COLUMNS)
    assert quiet == len(SEEDS) * (QUIET_MONTHS * len(COLUMNS) + sum(len(COLUMNS) - len(one) for one, _ in DRIFTS[rows]))
    assert all(count <= 0.01 * months for count in alarms.values()), alarms


@pytest.mark.parametrize("rows", DRIFTS)
def test_no_drifted_column_is_missed(rows: int) -> None:
    _, misses, _ = outcome(rows)
    assert not misses.total(), misses
    assert set(misses) == frozenset[str]().union(*(one for one, _ in DRIFTS[rows]))
