"""What a store of tallies is to `Tallies`, and how late events are told from what is forgotten."""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Final, NamedTuple, Protocol

from clausal.enforcement.tallies.definition import Definition

EXACT: Final = 4096
"""The most entries of one key that are kept one by one. Beyond it, sketches take over."""

BUCKETS: Final = 32
"""Into as many parts sketches cut a window."""

FILTER_BITS: Final = 1 << 16
"""Bits of the filter that knows the events of a bucket of sums; with 20,000 of them in it, it takes
one new event in five for one that it knows."""

FILTER_PROBES: Final = 3
"""How many bits stand for an event."""


class StoreError(Exception):
    """A store of tallies cannot be reached or read."""


class Step(NamedTuple):
    """One tally's part in one event.

    Attributes:
        name: The tally.
        key: Whose events are taken together.
        at: When the event was, in microseconds since 1970.
        id: What names the event: the same one is taken up once.
        value: What is summed (a number), or told apart (a text).
        counts: Whether the event is taken up.
        asked: Whether the figure is wanted.
        floor: No window reaches entries before this instant any more.
    """

    name: str
    key: str
    at: int
    id: str
    value: float | str | None
    counts: bool
    asked: bool
    floor: int


class TallyStore(Protocol):
    """Keeps entries and gives figures. `MemoryTallies` and `RedisTallies` are stores.

    A figure is over the entries of its key with ``at - over <= u < at``, where u is the instant of
    an entry. Up to `EXACT` entries that some window can still reach it is exact.
    """

    watermark: Watermark

    def known(self) -> Mapping[str, Definition]:
        """The definitions of the tallies that the store has entries of, by name.

        Raises:
            StoreError: if the store cannot be reached or read.
        """
        ...

    def begin(
        self, definitions: Mapping[str, Definition], reset: AbstractSet[str], lateness: int
    ) -> None:
        """Remember definitions, and forget the entries of tallies that begin anew.

        Args:
            definitions: Those of all tallies of a bundle.
            reset: The names of the tallies that begin anew.
            lateness: How late events may be, in microseconds.

        Raises:
            StoreError: as of `known`.
        """
        ...

    def take(self, steps: Sequence[Step]) -> list[float | None]:
        """Do steps in order: the figure of each that is asked for, before it is taken up.

        Raises:
            StoreError: as of `known`. Some of the steps may have been done: they can be done again.
        """
        ...


class Watermark:
    """The instant that `DEPTH` different events have reached: what is late is late for that.

    The greatest instant alone would not do: one event with a wrong clock would make all others late.

    Args:
        reached: The latest events, each as its instant and name.
    """

    DEPTH: Final = 64

    def __init__(self, reached: Sequence[tuple[int, str]] = ()) -> None:
        self.reached = list(reached)
        heapq.heapify(self.reached)
        self._names = {name for _, name in self.reached}

    @property
    def at(self) -> int | None:
        """The instant, in microseconds since 1970; None before so many events."""
        return self.reached[0][0] if len(self.reached) == self.DEPTH else None

    def see(self, at: int, name: str) -> None:
        """Take note of an event."""
        if name in self._names:
            return
        if len(self.reached) < self.DEPTH:
            heapq.heappush(self.reached, (at, name))
        elif at > self.reached[0][0]:
            _, gone = heapq.heapreplace(self.reached, (at, name))
            self._names.discard(gone)
        else:
            return
        self._names.add(name)
