"""The ledger: what goes in comes out, for each file and in any order."""

from __future__ import annotations

import itertools

import pytest

from schemas.errors import LedgerError
from schemas.ledger import Account, Ledger


def account(scored: int, quarantined: int = 0, rejected: int = 0) -> Account:
    rows = scored + quarantined + rejected
    return Account(rows, scored, quarantined, 0, rejected, key_checksum_in=rows * 7, key_checksum_out=rows * 7)


def test_a_balanced_ledger_passes() -> None:
    ledger = Ledger({"a": account(3, 1), "b": account(0, rejected=4)})
    ledger.must_balance()
    assert [one.imbalance() for one in ledger.accounts.values()] == [None, None]


def test_a_lost_row_names_the_file_and_both_numbers() -> None:
    wrong = account(3)
    wrong.rows_in = 4
    with pytest.raises(LedgerError, match=r"1 of 2 files: b: 4 rows in, 3 rows accounted for\. Nothing was published"):
        Ledger({"a": account(1), "b": wrong}).must_balance()


def test_swapped_keys_do_not_balance_though_the_rows_do() -> None:
    wrong = account(3)
    wrong.key_checksum_out += 1
    with pytest.raises(LedgerError, match="the keys that went out are not the keys that came in"):
        Ledger({"a": wrong}).must_balance()


def test_a_file_of_unknown_rows_balances_and_counts_by_what_is_known() -> None:
    ledger = Ledger({"a": account(2), "bad": Account(rows_in=None)})
    ledger.must_balance()
    assert ledger.total().rows_in == 2


def test_the_order_of_merging_does_not_matter() -> None:
    ledgers = [Ledger({"a": account(1)}), Ledger({"a": account(2, 1), "b": account(5)}), Ledger()]
    totals = []
    for order in itertools.permutations(ledgers):
        merged = Ledger()
        for ledger in order:
            merged.merge(Ledger.from_json(ledger.to_json()))
        totals.append(merged.to_json())
    assert all(total == totals[0] for total in totals)
    assert totals[0]["a"]["scored"] == 3


def test_checksums_wrap_at_64_bits() -> None:
    total = Account(key_checksum_in=(1 << 64) - 1)
    total.merge(Account(key_checksum_in=2))
    assert total.key_checksum_in == 1
