"""From conformed rows to the features of one model: by name, in the card's order, row by row alike in any file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import pyarrow as pa

from schemas.breach import Breach
from schemas.card import ModelCard
from schemas.contract import TableContract
from schemas.errors import ConfigError
from schemas.job import Feature
from transforms.feature_entry import FeatureEntry
from transforms.feature_rules import card_mistakes, entries_for, entry_of, unused_entries


@dataclass(frozen=True)
class Prepared:
    """The features of a batch."""

    #: One column per feature of the card, in its order, as many rows as came in. numeric and boolean: float64 with NaN
    #: where missing; categorical: dictionary<int32, string> over the card's categories, null where missing.
    features: pa.RecordBatch
    #: Rows whose unknown category or missing value the job does not allow. They must not be scored.
    breaches: tuple[Breach, ...]
    #: By entry with categories: rows with a value that the model was not trained on, whatever the policy.
    unknown: dict[str, int]
    #: By entry: rows with a null or NaN after all steps, whatever the policy.
    missing: dict[str, int]


@dataclass(frozen=True)
class Chain:
    """The column transforms of one model. Small; pickles; the state of every step is frozen in job.yaml.

    There is one chain a model, since two models may know different categories of the same column.
    """

    entries: tuple[FeatureEntry, ...]
    features: tuple[str, ...]

    @classmethod
    def compile(cls, features: Mapping[str, Feature], contract: TableContract, card: ModelCard) -> Self:
        """The chain of the job's only model; `compile_chains` for several. Raises ConfigError with every mistake."""
        refuse_mistakes([*unused_entries(features, [card]), *card_mistakes(features, contract, card)])
        return cls._of(features, card)

    @classmethod
    def _of(cls, features: Mapping[str, Feature], card: ModelCard) -> Self:
        entries = [entry_of(name, *item) for name, item in entries_for(features, card).items()]
        return cls(tuple(entries), tuple(item.name for item in card.features))

    def apply(self, rows: pa.RecordBatch) -> Prepared:
        """The features of conformed rows. Raises ModelError where a custom step fails."""
        made = {entry.name: entry.run(rows) for entry in self.entries}
        columns = {name: column for item in made.values() for name, column in item.columns.items()}
        batch = pa.RecordBatch.from_arrays([columns[name] for name in self.features], names=list(self.features))
        if batch.num_rows != rows.num_rows:
            message = f"{batch.num_rows} feature rows of {rows.num_rows} rows"
            raise AssertionError(message)
        return Prepared(
            batch,
            tuple(breach for item in made.values() for breach in item.breaches),
            {name: item.unknown for name, item in made.items() if item.unknown is not None},
            {name: item.missing for name, item in made.items()},
        )


def compile_chains(
    features: Mapping[str, Feature], contract: TableContract, cards: Sequence[ModelCard]
) -> tuple[Chain, ...]:
    """One chain a model, in the cards' order.

    Raises one ConfigError with every mistake: unknown columns, entries that no model uses, steps that do not fit the
    type, custom steps that cannot be imported.
    """
    mistakes = [*unused_entries(features, cards)]
    for card in cards:
        mistakes += card_mistakes(features, contract, card)
    refuse_mistakes(list(dict.fromkeys(mistakes)))
    return tuple(Chain._of(features, card) for card in cards)  # noqa: SLF001  # a constructor of the same module


def refuse_mistakes(mistakes: Sequence[str]) -> None:
    """Raises ConfigError naming all of them, if any."""
    if mistakes:
        noun = "mistake" if len(mistakes) == 1 else "mistakes"
        lines = "\n".join(f"  features.{mistake}" for mistake in mistakes)
        message = f"features: {len(mistakes)} {noun}\n{lines}"
        raise ConfigError(message, code="invalid_features", mistakes=list(mistakes))
