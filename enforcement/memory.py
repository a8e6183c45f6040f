"""A ledger in memory: for simulations, and to hold the database against."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

from clausal.enforcement.chain import Broken, Entry, Head, check, link
from clausal.enforcement.facts import AnyFact, encode
from clausal.enforcement.ledger import LedgerError, Message, Waiting


class MemoryLedger:
    """As `clausal.enforcement.ledger.Ledger`; it is gone with the process."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._entries: list[Entry] = []
        self._by_id: dict[str, AnyFact] = {}
        self._by_party: dict[str, list[AnyFact]] = {}
        self._positions: dict[str, str] = {}
        self._outbox = MemoryOutbox()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[MemoryTransaction]:
        """See `Ledger.transaction`."""
        with self._lock:
            made = MemoryTransaction(self)
            yield made
            made.finish()
            self._take(made)

    def _take(self, done: MemoryTransaction) -> None:
        for entry in done.added:
            self._entries.append(entry)
            self._by_id[entry.fact.id] = entry.fact
            for party in entry.fact.parties:
                self._by_party.setdefault(party, []).append(entry.fact)
        self._positions |= done.positions
        self._outbox.add(done.messages)

    @property
    def head(self) -> Head:
        """See `Ledger.head`."""
        with self._lock:
            return Head(len(self._entries), self._entries[-1].hash) if self._entries else Head()

    def entries(self, after: int = 0) -> Iterator[Entry]:
        """See `Ledger.entries`."""
        return iter(self._entries[after:])

    def about(self, party: str) -> Sequence[AnyFact]:
        """See `Ledger.about`."""
        return tuple(self._by_party.get(party, ()))

    def facts(self, ids: Collection[str]) -> Mapping[str, AnyFact]:
        """See `Ledger.facts`."""
        return {one: self._by_id[one] for one in ids if one in self._by_id}

    def verify(
        self, head: Head | None = None, progress: Callable[[int], None] | None = None
    ) -> Broken | None:
        """See `Ledger.verify`."""
        if progress is not None:
            progress(len(self._entries))
        return check(((one.seq, encode(one.fact), one.hash) for one in self._entries), head)

    def position(self, source: str) -> str | None:
        """See `Ledger.position`."""
        return self._positions.get(source)

    @property
    def outbox(self) -> MemoryOutbox:
        """See `Ledger.outbox`."""
        return self._outbox

    def close(self) -> None:
        """See `Ledger.close`."""


class MemoryTransaction:
    """See `clausal.enforcement.ledger.Transaction`."""

    def __init__(self, ledger: MemoryLedger) -> None:
        self._ledger = ledger
        self.head = ledger.head
        self.added: list[Entry] = []
        self.messages: list[Message] = []
        self.positions: dict[str, str] = {}
        self._failed = False

    def since(self, seq: int) -> Sequence[Entry]:
        """See `Transaction.since`."""
        return [*self._ledger.entries(seq), *(one for one in self.added if one.seq > seq)]

    def about(self, parties: Collection[str]) -> Mapping[str, Sequence[AnyFact]]:
        """See `Transaction.about`."""
        return {
            party: [
                *self._ledger.about(party),
                *(one.fact for one in self.added if party in one.fact.parties),
            ]
            for party in parties
        }

    def facts(self, ids: Collection[str]) -> Mapping[str, AnyFact]:
        """See `Transaction.facts`."""
        added = {one.fact.id: one.fact for one in self.added}
        return {**self._ledger.facts(ids), **{one: added[one] for one in ids if one in added}}

    def append(self, facts: Sequence[AnyFact], messages: Sequence[Message] = ()) -> None:
        """See `Transaction.append`."""
        self.finish()
        known = set(self.facts([fact.id for fact in facts]))
        for fact in facts:
            if fact.id in known:
                self._failed = True
                raise ValueError(f"there is a fact `{fact.id}` already")
            known.add(fact.id)
            data = encode(fact)
            self.head = Head(self.head.seq + 1, link(self.head.hash, data))
            self.added.append(Entry(self.head.seq, fact, data, self.head.hash))
        self.messages += messages

    def move(self, source: str, position: str) -> None:
        """See `Transaction.move`."""
        self.positions[source] = position

    def finish(self) -> None:
        """See to it that no transaction is kept of which a part was refused.

        Raises:
            LedgerError: if one was.
        """
        if self._failed:
            raise LedgerError("a part of the transaction was refused: nothing of it is kept")


class MemoryOutbox:
    """See `clausal.enforcement.ledger.Outbox`."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._waiting: dict[int, Waiting] = {}
        self._dead: dict[int, Waiting] = {}
        self._count = 0

    def add(self, messages: Sequence[Message]) -> None:
        """Let messages wait."""
        with self._lock:
            for message in messages:
                self._count += 1
                self._waiting[self._count] = Waiting(self._count, message)

    def due(self, at: int, limit: int) -> Sequence[Waiting]:
        """See `Outbox.due`."""
        with self._lock:
            first: dict[str, Waiting] = {}
            for number in sorted(self._waiting):
                first.setdefault(self._waiting[number].message.key, self._waiting[number])
            return [one for one in first.values() if one.due <= at][:limit]

    def sent(self, numbers: Collection[int], at: int) -> None:
        """See `Outbox.sent`."""
        with self._lock:
            for number in numbers:
                self._waiting.pop(number, None)

    def failed(self, number: int, due: int, error: str) -> None:
        """See `Outbox.failed`."""
        with self._lock:
            before = self._waiting.get(number)
            if before is not None:
                self._waiting[number] = Waiting(
                    number, before.message, before.attempts + 1, due, error
                )

    def bury(self, number: int, error: str) -> None:
        """See `Outbox.bury`."""
        with self._lock:
            before = self._waiting.pop(number, None)
            if before is not None:
                self._dead[number] = Waiting(
                    number, before.message, before.attempts + 1, before.due, error
                )

    def dead(self) -> Sequence[Waiting]:
        """See `Outbox.dead`."""
        with self._lock:
            return [self._dead[number] for number in sorted(self._dead)]

    def revive(self, numbers: Collection[int] | None, due: int) -> int:
        """See `Outbox.revive`."""
        with self._lock:
            chosen = [number for number in self._dead if numbers is None or number in numbers]
            for number in chosen:
                self._waiting[number] = Waiting(number, self._dead.pop(number).message, 0, due)
            return len(chosen)

    def waiting(self) -> int:
        """See `Outbox.waiting`."""
        with self._lock:
            return len(self._waiting)
