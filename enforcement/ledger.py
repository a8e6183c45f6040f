"""What a ledger is to everything that uses one: `MemoryLedger` and `DatabaseLedger` are both this."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Literal, Protocol

import msgspec

from clausal.enforcement.chain import Broken, Entry, Head
from clausal.enforcement.facts import AnyFact


class LedgerError(Exception):
    """A ledger cannot be used: it is not there, of another version, or somebody holds it.

    ``hint`` says what to do about it, if that is known.
    """

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class Message(msgspec.Struct, frozen=True):
    """What the platform is to be told: a measure begins, or ends before its time.

    ``id`` is the fact's, and the receiver's key for doing it once; ``key`` orders messages: those of
    one key arrive in order. ``action`` says what it is about: a measure begins or ends, or people
    are told something (``notice``). ``body`` is a JSON object.
    """

    id: str
    key: str
    action: Literal["apply", "end", "notice"]
    body: bytes


class Transaction(Protocol):
    """All or nothing, and one at a time: while it is open nobody else adds to the ledger."""

    @property
    def head(self) -> Head:
        """The end of the ledger, with what was appended here."""

    def since(self, seq: int) -> Sequence[Entry]:
        """The entries after a number, in order."""

    def about(self, parties: Collection[str]) -> Mapping[str, Sequence[AnyFact]]:
        """The facts that name each of some parties, in order; one round trip."""

    def facts(self, ids: Collection[str]) -> Mapping[str, AnyFact]:
        """Those of some facts that there are; one round trip."""

    def append(self, facts: Sequence[AnyFact], messages: Sequence[Message] = ()) -> None:
        """Add facts, and what the platform is to be told of them.

        Raises:
            ValueError: if a fact of that name is there. Then nothing of the transaction will be kept,
                even if it goes on: whoever records may ask `facts` before.
        """

    def move(self, source: str, position: str) -> None:
        """Remember how far a source of events was read."""


class Ledger(Protocol):
    """An append-only chain of facts, with an outbox. Threads may share it."""

    def transaction(self) -> AbstractContextManager[Transaction]:
        """Begin to write; commits at the end, and leaves nothing behind where that is an error.

        Raises:
            LedgerError: if it cannot be written.
        """

    @property
    def head(self) -> Head:
        """The end of the ledger."""

    def entries(self, after: int = 0) -> Iterator[Entry]:
        """All entries after a number, in order."""

    def about(self, party: str) -> Sequence[AnyFact]:
        """The facts that name a party, in order."""

    def facts(self, ids: Collection[str]) -> Mapping[str, AnyFact]:
        """Those of some facts that there are."""

    def verify(
        self, head: Head | None = None, progress: Callable[[int], None] | None = None
    ) -> Broken | None:
        """Where the chain is broken, or None.

        Args:
            head: An end that was kept apart: it shows whether entries were taken away from the end.
            progress: Called from time to time with the number of entries that were looked at.
        """

    def position(self, source: str) -> str | None:
        """How far a source of events was read."""

    @property
    def outbox(self) -> Outbox:
        """The messages that are to be delivered."""

    def close(self) -> None:
        """Let go of what it holds."""


class Waiting(msgspec.Struct, frozen=True):
    """A message in the outbox. ``number`` counts all messages; ``attempts`` those that failed."""

    number: int
    message: Message
    attempts: int = 0
    due: int = 0
    error: str = ""


class Outbox(Protocol):
    """Messages that wait, each until it was sent; of one key the first that waits holds up the others."""

    def due(self, at: int, limit: int) -> Sequence[Waiting]:
        """Messages that may be sent at an instant: of each key only the first that waits, in order."""

    def sent(self, numbers: Collection[int], at: int) -> None:
        """Take note that some arrived."""

    def failed(self, number: int, due: int, error: str) -> None:
        """Take note that one did not arrive, and when to try again."""

    def bury(self, number: int, error: str) -> None:
        """Give up on one: it goes to the dead letters, and holds up the others of its key no more."""

    def dead(self) -> Sequence[Waiting]:
        """The dead letters."""

    def revive(self, numbers: Collection[int] | None, due: int) -> int:
        """Let some dead letters, or all, wait again; returns how many."""

    def waiting(self) -> int:
        """How many wait."""
