"""Which events there are, and in what order: items, and the reviews of some of them.

An event is an item, or a second look at one: people find out what is behind it, hours later, and the
platform sends the item again with what they found. Items are numbered in the order of time, so an
item knows its instant without the others. Reviews arrive late; so that any batch can be made alone,
they are all planned first, with their arrival: 16 bytes each, nine megabytes for 100 million events.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from clausal.generator import draws
from clausal.generator.clock import Clock
from clausal.generator.conduct import CONDUCTS
from clausal.generator.draws import Bytes, Draws, Flags, Ints, Words, survival, threshold
from clausal.generator.profiles import Profile

BATCH: Final = 65_536
"""Items in a batch."""
NEVER_REVIEWED: Final = 0.30
REVIEW_MEDIAN_HOURS: Final = 9.0
REVIEW_SIGMA: Final = 1.1
LONGEST_REVIEW_DAYS: Final = 30.0

NAMES: Final = tuple(CONDUCTS)
REVIEWED: Final = sum(1 for one in CONDUCTS.values() if one.found)
"""So many of the names, from the first, are looked into."""


@dataclass(frozen=True, slots=True)
class Rows:
    """The events of a batch, in order of time.

    Attributes:
        item: The number of the item that each event is about.
        seconds: When the event happens.
        review: Whether it is a review.
    """

    item: Ints
    seconds: Ints
    review: Flags


class Plan:
    """Items and reviews, adding up to the events of the profile exactly."""

    def __init__(self, profile: Profile, seed: int) -> None:
        self._seed = seed
        self._edges = _edges(profile.rates)
        late, hours = self._reviews(profile.events)
        # Each item makes one event, and each review one more: the last ones may be one too many.
        self.items, late, hours = _fit(profile.events, late, hours)
        self.clock = Clock(profile.start, profile.days, self.items)
        due = self.acted(late) + np.minimum(hours * 3600, LONGEST_REVIEW_DAYS * 86_400).astype(
            np.int64
        )
        order = np.lexsort((late, due))
        self._late, self._due = late[order], due[order]
        self._whole = -(-self.items // BATCH)
        # Where each batch begins among the reviews; what comes after the last item is apart.
        begins = self.acted(np.arange(1, self._whole) * BATCH)
        last = self.acted(np.array([self.items - 1])) + 1
        cuts = np.searchsorted(self._due, np.concatenate([begins, last]))
        rest = np.arange(int(cuts[-1]), len(due), BATCH)[1:]
        self._cuts = np.concatenate([[0], cuts, rest, [len(due)] if len(due) > cuts[-1] else []])
        self._cuts = self._cuts.astype(np.int64)

    @property
    def batches(self) -> int:
        """How many batches there are."""
        return len(self._cuts) - 1

    def acted(self, item: Ints) -> Ints:
        """The second of each item."""
        return self.clock.at(item, Draws(self._seed, item).shares("time"))

    def conduct(self, item: Ints) -> Bytes:
        """The place of each item's conduct in `NAMES`; -1 where there is none."""
        found = np.full(len(item), -1, dtype=np.int8)
        words = self._words(item)
        some = np.flatnonzero(words < self._edges[-1])
        found[some] = np.searchsorted(self._edges[:-1], words[some], side="right")
        return found

    def rows(self, batch: int) -> Rows:
        """The events of a batch."""
        item = np.arange(min(batch * BATCH, self.items), min((batch + 1) * BATCH, self.items))
        late = slice(int(self._cuts[batch]), int(self._cuts[batch + 1]))
        seconds = np.concatenate([self.acted(item), self._due[late]])
        review = np.zeros(len(seconds), dtype=np.bool_)
        review[len(item) :] = True
        item = np.concatenate([item, self._late[late]])
        order = np.argsort(seconds, kind="stable")
        return Rows(item[order], seconds[order], review[order])

    def _words(self, item: Ints) -> Words:
        return Draws(self._seed, item).words("conduct")

    def _reviews(self, items: int) -> tuple[Ints, draws.Floats]:
        """The items, of so many, that people look into, and after how many hours."""
        found, after = [], []
        limit = self._edges[REVIEWED - 1]
        hours = draws.lognormal(REVIEW_MEDIAN_HOURS, REVIEW_SIGMA)
        for item in _chunks(items):
            some = item[self._words(item) < limit]
            draw = Draws(self._seed, some)
            looked = draw.quarters("review")[0] >= threshold(NEVER_REVIEWED)
            found.append(some[looked])
            after.append(hours[survival(draw.words("review.hours")[looked])])
        return np.concatenate(found), np.concatenate(after)


def _chunks(items: int) -> Iterator[Ints]:
    for first in range(0, items, BATCH):
        yield np.arange(first, min(first + BATCH, items))


def _edges(rates: Mapping[str, float]) -> Words:
    """Up to which word an item has each conduct."""
    sums = np.cumsum([rates.get(name, 0.0) / 100_000 for name in NAMES])
    return np.array([min(int(total * 2.0**64), 2**64 - 1) for total in sums], dtype=np.uint64)


def _fit(events: int, late: Ints, hours: draws.Floats) -> tuple[int, Ints, draws.Floats]:
    """How many items there are, and which reviews, for so many events."""
    # With the k-th review (from 0) of item i there are i + 1 items and k + 1 reviews.
    count = int(np.searchsorted(late + np.arange(len(late)) + 2, events, side="right"))
    items = events - count
    return items, late[:count], hours[:count]
