"""The ledger: every input row is scored, quarantined, dropped or rejected, and the books must balance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from schemas.errors import LedgerError

_MASK = (1 << 64) - 1


@dataclass
class Account:
    """Counts of one input file. Checksums are sums of 64-bit key hashes modulo 2**64: order does not matter."""

    #: Rows by the footer; None where the footer could not be read.
    rows_in: int | None = 0
    scored: int = 0
    quarantined: int = 0
    dropped: int = 0
    #: Rows of row groups that could not be read.
    rejected: int = 0
    #: Keys of the rows that were read, and of the rows that went out (scored, quarantined or dropped).
    key_checksum_in: int = 0
    key_checksum_out: int = 0

    def merge(self, other: Account) -> None:
        """Add `other`, which stays as it is."""
        known = self.rows_in is not None and other.rows_in is not None
        self.rows_in = (self.rows_in or 0) + (other.rows_in or 0) if known else None
        for name in ("scored", "quarantined", "dropped", "rejected"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for name in ("key_checksum_in", "key_checksum_out"):
            setattr(self, name, (getattr(self, name) + getattr(other, name)) & _MASK)

    def imbalance(self) -> str | None:
        """What does not add up, or None."""
        out = self.scored + self.quarantined + self.dropped + self.rejected
        if self.rows_in is not None and out != self.rows_in:
            return f"{self.rows_in:,} rows in, {out:,} rows accounted for"
        if self.key_checksum_in != self.key_checksum_out:
            return "the keys that went out are not the keys that came in"
        return None


@dataclass
class Ledger:
    """Accounts by the file's name."""

    accounts: dict[str, Account] = field(default_factory=dict)

    def account(self, name: str) -> Account:
        """The file's account, opened when new."""
        return self.accounts.setdefault(name, Account())

    def merge(self, other: Ledger) -> None:
        """Add `other`, which stays as it is."""
        for name, account in other.accounts.items():
            self.account(name).merge(account)

    def total(self) -> Account:
        """The sum over all files; files with unknown rows count by their known numbers only."""
        total = Account()
        for account in self.accounts.values():
            known = (
                account if account.rows_in is not None else Account(**{**asdict(account), "rows_in": account.rejected})
            )
            total.merge(known)
        return total

    def must_balance(self) -> None:
        """Raise LedgerError naming the first files that do not balance."""
        wrong = [(name, text) for name, account in sorted(self.accounts.items()) if (text := account.imbalance())]
        if wrong:
            listed = "; ".join(f"{name}: {text}" for name, text in wrong[:5])
            count = f"{len(wrong)} of {len(self.accounts)} files"
            message = f"ledger does not balance in {count}: {listed}. Nothing was published."
            raise LedgerError(message, code="ledger_imbalance", files=[name for name, _ in wrong])

    def to_json(self) -> dict[str, Any]:
        """JSON-compatible, sorted by file."""
        return {name: asdict(account) for name, account in sorted(self.accounts.items())}

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Self:
        """The ledger that `to_json` wrote."""
        return cls({name: Account(**account) for name, account in raw.items()})
