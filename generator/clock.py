"""When things happen: a daily and weekly curve, and the hot events that stir a platform up."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final

import numpy as np

from clausal.generator.draws import Draws, Floats, Ints, exponential, poisson, survival

_BY_HOUR: Final = (
    0.5, 0.3, 0.2, 0.15, 0.15, 0.25, 0.5, 0.9, 1.1, 1.1, 1.1, 1.3,
    1.5, 1.2, 1.0, 1.0, 1.1, 1.2, 1.4, 1.6, 1.8, 1.8, 1.4, 0.9,
)  # fmt: skip
"""Activity by hour of the day: low before dawn, a peak at noon, the highest in the evening."""
_BY_DAY: Final = (1.0, 1.0, 1.0, 1.0, 1.1, 1.25, 1.2)
"""Activity by day of the week, Monday first."""

HOT_EVENTS_PER_WEEK: Final = 2.0
HOT_EVENT_MEAN_HOURS: Final = 30.0


class Clock:
    """Spreads a number of items over the days, as busy as the hour and the weekday are."""

    def __init__(self, start: dt.datetime, days: float, items: int) -> None:
        self.start = start
        self.seconds = days * 86_400
        hours = int(np.ceil(days * 24))
        first = start.weekday() * 24 + start.hour
        rates = np.array(
            [_BY_HOUR[(first + h) % 24] * _BY_DAY[((first + h) // 24) % 7] for h in range(hours)]
        )
        weights = rates.copy()
        weights[-1] *= days * 24 - (hours - 1)
        mass = np.concatenate([[0.0], np.cumsum(weights)])
        # Items that have happened by the beginning of each hour, and how long one of them takes.
        self._begins = mass / mass[-1] * items
        self._pace = 3600.0 * mass[-1] / items / rates

    def at(self, index: Ints, shares: Floats | float) -> Ints:
        """The second of each item; it lies within the item's own share of all activity.

        So the order of items is the order of time, and each of them is placed without the others.
        """
        place = index + shares
        hour = np.searchsorted(self._begins, place, side="right") - 1
        np.clip(hour, 0, len(self._pace) - 1, out=hour)
        seconds = (place - self._begins[hour]) * self._pace[hour] + hour * 3600.0
        found: Ints = np.minimum(seconds, self.seconds - 1e-3).astype(np.int64)
        return found


@dataclass(frozen=True, slots=True)
class HotEvents:
    """Hot events, by the second they begin; each stays hot for ``lengths`` seconds."""

    begins: Ints
    lengths: Ints

    @classmethod
    def draw(cls, seed: int, seconds: float) -> HotEvents:
        """Two a week over ``seconds``, and at least one."""
        mean = np.array([HOT_EVENTS_PER_WEEK * seconds / (7 * 86_400)])
        one = Draws(seed, np.zeros(1, dtype=np.int64))
        deviate = np.zeros(1)
        count = max(1, int(poisson(mean, one.shares("hot.count"), deviate)[0]))
        draws = Draws(seed, np.arange(count))
        begins = np.sort((draws.shares("hot.begins") * seconds).astype(np.int64))
        lengths = exponential()[survival(draws.words("hot.lengths"))] * HOT_EVENT_MEAN_HOURS * 3600
        return cls(begins, lengths.astype(np.int64))

    def latest(self, seconds: Ints) -> Ints:
        """The hot event that began last before each instant; -1 before the first."""
        return np.searchsorted(self.begins, seconds, side="right") - 1
