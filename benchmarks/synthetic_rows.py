"""The rows of the synthetic job: 11 decimal numbers, a whole number and 4 texts, all seeded, and what they mean."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

SEED = 20240101
#: Rows of one row group, and of one seeded block.
GROUP_ROWS = 250_000
#: A night repeats so many different blocks, each time with keys of its own: 100 M rows cost little more than writing.
BLOCKS = 8

KEY = "account_id"
PARTITION = "night"
NUMBERS = (
    *("amount", "balance", "income", "tenure", "rate", "utilisation"),
    *("bureau_score", "distance", "duration", "refunds", "latitude"),
)
WHOLE = "visits"
TEXTS: dict[str, tuple[str, ...]] = {
    "region": ("central", "east", "islands", "north", "north-east", "south", "south-west", "west"),
    "channel": ("app", "branch", "partner", "phone", "web"),
    "product": tuple(f"P{number:03d}" for number in range(40)),
    "device": ("android", "desktop", "ios", "kiosk", "mac", "tablet"),
}
FEATURES = (*NUMBERS, WHOLE, *TEXTS)
#: Columns with Arrow nulls, and their shares; `bureau_score` has NaN instead.
NULL_SHARES = {"income": 0.08, "duration": 0.15, "device": 0.05}
NAN_SHARE = 0.03
ZERO_SHARE = 0.7
_HIGH_RATE = 0.12

Floats = npt.NDArray[np.float64]


def block(number: int, rows: int = GROUP_ROWS) -> pa.Table:
    """The features of one seeded block, as they stand in a file."""
    rng = np.random.default_rng([SEED, number])
    columns: dict[str, pa.Array] = {}
    for name, values in _numbers(rng, rows).items():
        columns[name] = pa.array(values, mask=_nulls(rng, name, rows))
    columns[WHOLE] = pa.array(rng.poisson(6, rows).astype(np.int64))
    for name, categories in TEXTS.items():
        weights = 1 / np.arange(1, len(categories) + 1)
        codes = rng.choice(len(categories), rows, p=weights / weights.sum()).astype(np.int32)
        indices = pa.array(codes, mask=_nulls(rng, name, rows))
        columns[name] = pa.DictionaryArray.from_arrays(indices, pa.array(categories)).dictionary_decode()
    return pa.table(columns)


def _numbers(rng: np.random.Generator, rows: int) -> dict[str, Floats]:
    """Some with every digit random, some rounded as people write them; one mostly zeros, one with NaN."""
    refunds = np.where(rng.random(rows) < ZERO_SHARE, 0.0, np.round(rng.gamma(2.0, 15.0, rows), 2))
    bureau = np.where(rng.random(rows) < NAN_SHARE, np.nan, np.clip(np.round(rng.normal(620, 80, rows)), 300, 850))
    return {
        "amount": np.round(rng.lognormal(4.0, 1.1, rows), 2),
        "balance": rng.normal(2_000.0, 1_500.0, rows),
        "income": np.round(rng.lognormal(10.3, 0.5, rows), 0),
        "tenure": np.round(rng.exponential(5.0, rows), 1),
        "rate": rng.uniform(0.01, 0.25, rows),
        "utilisation": rng.beta(2.0, 3.0, rows),
        "bureau_score": bureau,
        "distance": rng.gamma(1.5, 20.0, rows),
        "duration": rng.weibull(1.3, rows) * 40.0,
        "refunds": refunds,
        "latitude": np.round(rng.uniform(47.3, 55.0, rows), 5),
    }


def _nulls(rng: np.random.Generator, name: str, rows: int) -> npt.NDArray[np.bool_] | None:
    return rng.random(rows) < NULL_SHARES[name] if name in NULL_SHARES else None


def labels(features: pa.Table) -> npt.NDArray[np.bool_]:
    """Seeded outcomes that depend on most features and their combinations, so that every tree finds splits."""
    rng = np.random.default_rng([SEED, 999_999])
    number = {name: features[name].fill_null(0.0).to_numpy() for name in NUMBERS}
    text = {name: features[name].combine_chunks().dictionary_encode().indices.fill_null(0).to_numpy() for name in TEXTS}
    signal = (
        0.6 * np.log1p(number["amount"])
        - 0.0004 * number["balance"]
        + 5.0 * number["utilisation"] * (number["rate"] > _HIGH_RATE)
        - 0.004 * np.nan_to_num(number["bureau_score"], nan=600.0)
        + 0.02 * number["refunds"] * (text["channel"] % 2)
        + 0.3 * np.sin(text["product"] * 1.7)
        + 0.01 * number["distance"] * np.cos(number["latitude"])
        - 0.05 * features[WHOLE].to_numpy()
        + 0.2 * (text["region"] == text["device"])
    )
    chance = 1 / (1 + np.exp(-(signal - np.median(signal) - 1.0)))
    late: npt.NDArray[np.bool_] = rng.random(len(chance)) < chance
    return late
