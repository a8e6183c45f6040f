"""What a process has read of a ledger: the records of parties, and what is awaited.

It is kept right by catching up: before a transaction writes, the facts that others added since are
folded in. After an error nothing of it is trusted, and all is read anew.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import Final

from clausal.enforcement.chain import Head
from clausal.enforcement.facts import AnyFact
from clausal.enforcement.ledger import Transaction
from clausal.enforcement.record import EVERYWHERE, WAITING, Record
from clausal.enforcement.waiting import Waiting


class State:
    """The state of a ledger, as far as it was read.

    Attributes:
        records: Those of the parties that were met last.
        everywhere: That of the ledger as a whole.
        waiting: What is awaited.
    """

    def __init__(self, keep: int) -> None:
        """Know nothing yet, and later as many records of parties as are to be kept."""
        self._keep: Final = keep
        self.forget()

    def forget(self) -> None:
        """Let go of all that was read."""
        self.records: OrderedDict[str, Record] = OrderedDict()
        self.everywhere = Record(EVERYWHERE)
        self.waiting = Waiting()
        self._seq: int | None = None

    @property
    def fresh(self) -> bool:
        """Whether nothing was read yet."""
        return self._seq is None

    def is_behind(self, head: Head) -> bool:
        """Whether the ledger has more than was read, if that is its end."""
        return self._seq != head.seq

    def catch_up(self, transaction: Transaction) -> None:
        """Fold what is new in the ledger."""
        if self._seq is None:
            found = transaction.about((EVERYWHERE, WAITING))
            self.everywhere.fold(found.get(EVERYWHERE, ()))
            self.waiting.fold(found.get(WAITING, ()))
        elif transaction.head.seq != self._seq:
            for entry in transaction.since(self._seq):
                self.add(entry.fact)
        self._seq = transaction.head.seq

    def add(self, fact: AnyFact) -> None:
        """Fold a fact that is, or will be, in the ledger after all others."""
        for party in fact.parties:
            if party == EVERYWHERE:
                self.everywhere.add(fact)
            elif party == WAITING:
                self.waiting.add(fact)
            else:
                record = self.records.get(party)
                if record is not None:
                    record.add(fact)

    def load(self, transaction: Transaction, parties: Iterable[str]) -> None:
        """Have the records of some parties; in one round trip."""
        missing = []
        for party in sorted(parties):
            if party in self.records:
                self.records.move_to_end(party)
            else:
                missing.append(party)
        if missing:
            found = transaction.about(missing)
            for party in missing:
                self.records[party] = Record.of(party, found.get(party, ()))

    def written(self, transaction: Transaction) -> None:
        """Take note that all that was added is what the transaction appended."""
        self._seq = transaction.head.seq
        while len(self.records) > self._keep:
            self.records.popitem(last=False)
