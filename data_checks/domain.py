"""The rows that expectations are about, all or those that a row_condition selects, and what is counted there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from data_checks.check_state import DomainState
from data_checks.columns import BatchColumns, Mask
from data_checks.exact_sum import ExactSum
from data_checks.expectations.batch_values import BatchValues
from data_checks.expectations.finding import FileRule, Needs
from data_checks.expectations.row_rule import RowRule
from data_checks.file_measures import FileMeasures
from data_checks.first_rows import FirstRows
from data_checks.moments import Moments
from data_checks.ordered_segments import OrderedSegments
from data_checks.row_filter import RowFilter
from data_checks.skipped_rows import skipped_rows
from data_checks.tally import Tally
from data_checks.value_counts import ValueCounts
from data_checks.value_range import ValueRange

#: Different values of a column that are counted one by one; with more, only those that the suite names are.
MAX_COUNTED_VALUES = 10_000


@dataclass(frozen=True)
class DomainRows:
    """A batch's rows of the domain, and which rows of the batch they are; None for all."""

    values: BatchValues
    selected: Mask | None

    def whole(self, mask: Mask) -> Mask:
        """Shape (rows of the batch,): `mask` of the domain's rows, False for all others."""
        if self.selected is None:
            return mask
        spread = np.zeros(len(self.selected), np.bool_)
        spread[self.selected] = mask
        return spread


@dataclass(frozen=True)
class Domain:
    """Small, and it pickles."""

    condition: RowFilter | None = None
    #: Row rules by the id of the first expectation that has them.
    rules: Mapping[str, RowRule] = field(default_factory=dict)
    needs: Needs = field(default_factory=Needs)
    #: By the id of the first expectation that needs it.
    files: Mapping[str, FileRule] = field(default_factory=dict)
    #: How many broken rows are kept of each rule in `shown`.
    examples: int = 0
    shown: frozenset[str] = frozenset()

    def new_state(self) -> DomainState:
        """The state of no rows."""
        counted = [*self.rules, *(key for key, rule in self.files.items() if rule.kind != "runs")]
        return DomainState(
            missing=dict.fromkeys(self.needs.missing, 0),
            tallies={key: Tally() for key in counted},
            examples={key: FirstRows(self.examples) for key in self.rules if key in self.shown},
            ranges={column: ValueRange() for column in self.needs.ranges},
            sums={column: ExactSum() for column in self.needs.sums},
            moments={column: Moments() for column in self.needs.moments},
            counts={column: ValueCounts(MAX_COUNTED_VALUES, pinned) for column, pinned in self.needs.counts},
            segments={
                order.key: OrderedSegments(
                    order.strictly, order.decreasing, self.examples if order.key in self.shown else 0
                )
                for order in self.needs.orders
            },
        )

    @property
    def columns(self) -> list[str]:
        """The columns that are looked at in the domain."""
        needs = self.needs
        names = [name for rule in self.rules.values() for name in rule.columns]
        names += [name for rule in self.files.values() for name in rule.columns]
        names += [*needs.missing, *needs.ranges, *needs.sums, *needs.moments]
        names += [column for column, _ in needs.counts] + [order.column for order in needs.orders]
        return list(dict.fromkeys(names))

    def select(self, whole: BatchValues) -> DomainRows:
        """The domain's rows of the batch."""
        if self.condition is None:
            return DomainRows(whole, None)
        mask = self.condition.mask(whole)
        if mask.all():
            return DomainRows(whole, None)
        batch = whole.columns.batch
        # Only what is looked at is copied; one column at least, since without any a batch has no rows.
        names = [name for name in self.columns if name in batch.schema.names] or batch.schema.names[:1]
        batch = batch.select(names).filter(pa.array(mask))
        return DomainRows(BatchValues(BatchColumns(batch), whole.positions[mask]), mask)

    def fold(self, rows: DomainRows, state: DomainState, files: FileMeasures | None, span: range) -> dict[str, int]:
        """Fold the rows into the state; how many broke each row rule. `span` is where the batch lies in the night."""
        values = rows.values
        state.rows += values.num_rows
        unexpected = {key: self._fold_rule(key, values, state) for key in self.rules}
        self._fold_columns(values, state)
        for order in self.needs.orders:
            missing = values.missing(order.column)
            places = values.positions if missing is None else values.positions[~missing]
            state.segments[order.key].add(values.present(order.column), span.start, span.stop, places)
        for key, rule in self.files.items():
            if rule.kind != "runs":
                state.tallies[key].add(evaluated_keys(values, rule), 0)
            if files is not None:
                files.add(key, rule, values)
        return unexpected

    def _fold_rule(self, key: str, values: BatchValues, state: DomainState) -> int:
        rule = self.rules[key]
        unexpected = rule.unexpected(values)
        state.tallies[key].add(rule.evaluated(values), unexpected)
        if unexpected and key in self.shown:
            batch = values.columns.batch
            state.examples[key].add(batch, rule.columns, values.positions, rule.broken(values))
        return unexpected

    def _fold_columns(self, values: BatchValues, state: DomainState) -> None:
        for column in state.missing:
            state.missing[column] += values.missing_count(column)
        for column, span in state.ranges.items():
            span.add(values.present(column))
        for column, total in state.sums.items():
            total.add(values.present(column))
        for column, moments in state.moments.items():
            moments.add(values.columns.present_numbers(column))
        for column, counts in state.counts.items():
            if values.columns.is_text(column):
                counts.add_words(values.words(column))
            else:
                counts.add_values(values.present(column))


def evaluated_keys(values: BatchValues, rule: FileRule) -> int:
    """How many rows of the batch have a key, as the rule counts missing columns."""
    skipped = skipped_rows(values.columns, rule.columns, rule.skip)
    return values.num_rows if skipped is None else int(np.count_nonzero(~skipped))
