"""Which rows stay, which are set aside, and what is written about them."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from data_checks.quarantine import Place, Rows, kept_mask, quarantine_schema, set_aside
from schemas.breach import Breach, Outcome
from schemas.errors import RowError


def rows() -> Rows:
    batch = pa.record_batch({"id": [1, 2, 3, 4], "kind": pa.array(["a", "b", None, "a"]).dictionary_encode()})
    return Rows(batch, np.arange(100, 104), Place("d=1/x.parquet", 2))


def breach(rule: str, outcome: Outcome, *bad: int, details: dict[int, str] | None = None) -> Breach:
    mask = np.zeros(4, bool)
    mask[list(bad)] = True
    return Breach(rule, "kind", "unexpected_value", outcome, mask, details or {})


def test_no_breach_keeps_every_row() -> None:
    assert kept_mask([breach("r", "drop")], 4) is None


def test_a_quarantined_row_carries_its_place_rule_reason_and_values() -> None:
    aside = set_aside(rows(), [breach("r1", "quarantine", 1, details={1: "b"}), breach("r2", "quarantine", 1, 3)])
    assert aside.records is not None
    first, second = aside.records.to_pylist()
    assert first == {
        "quarantine_file": "d=1/x.parquet",
        "quarantine_row_group": 2,
        "quarantine_row": 101,
        "quarantine_rule": "r1",
        "quarantine_column": "kind",
        "quarantine_reason": "unexpected_value",
        "quarantine_detail": "b",
        "quarantine_other_rules": ["r2"],
        "id": 2,
        "kind": "b",
    }
    assert (second["quarantine_row"], second["quarantine_rule"], second["quarantine_other_rules"]) == (103, "r2", [])
    assert aside.records.schema == quarantine_schema(rows().batch.schema)


def test_each_row_is_counted_once_under_the_first_rule_that_it_broke() -> None:
    aside = set_aside(rows(), [breach("drops", "drop", 0, 1), breach("keeps", "quarantine", 1, 2)])
    assert aside.reasons == {
        ("keeps", "kind", "unexpected_value"): 2,
        ("drops", "kind", "unexpected_value"): 1,
    }
    assert aside.dropped.numbers.tolist() == [100]
    assert aside.quarantined.numbers.tolist() == [101, 102]


def test_kept_and_set_aside_rows_are_all_the_rows() -> None:
    breaches = [breach("a", "drop", 0), breach("b", "quarantine", 2)]
    mask, aside = kept_mask(breaches, 4), set_aside(rows(), breaches)
    assert mask is not None
    kept = rows().take(mask)
    assert sorted([*kept.numbers, *aside.quarantined.numbers, *aside.dropped.numbers]) == [100, 101, 102, 103]


def test_a_rule_that_fails_names_the_first_row_and_what_to_do() -> None:
    breaches = [breach("later", "fail", 3), breach("first", "fail", 1, 2, details={1: "2.5"})]
    text = (
        r"d=1/x\.parquet: row 101: column 'kind': unexpected_value \(2\.5\) by rule first, and 1 more rows of this "
        r"batch\. Mend the data, or let this rule quarantine its rows\."
    )
    with pytest.raises(RowError, match=text) as raised:
        set_aside(rows(), breaches)
    assert raised.value.facts["row"] == 101
