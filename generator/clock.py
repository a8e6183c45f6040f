"""When things happen: a daily and weekly curve, and the hot events that stir a platform up."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

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
    """Turns quantiles of all activity into seconds since the start."""

    def __init__(self, start: dt.datetime, days: float) -> None:
        self.start = start
        self.seconds = days * 86_400
        hours = int(np.ceil(days * 24))
        first = start.weekday() * 24 + start.hour
        weights = [
            _BY_HOUR[(first + h) % 24] * _BY_DAY[((first + h) // 24) % 7] for h in range(hours)
        ]
        self._mass = np.concatenate([[0.0], np.cumsum(weights)])
        self._mass /= self._mass[-1]
        self._edges = np.minimum(np.arange(hours + 1) * 3600.0, self.seconds)

    def at(self, quantiles: Floats) -> Floats:
        """Seconds since the start by which each share of all activity has happened."""
        seconds: Floats = np.interp(quantiles, self._mass, self._edges)
        return seconds

    def text(self, seconds: float) -> str:
        """The instant in RFC 3339, with the offset of the start, to the second."""
        return (self.start + dt.timedelta(seconds=int(seconds))).isoformat()


@dataclass(frozen=True, slots=True)
class HotEvents:
    """Hot events, by the second they begin; each stays hot for ``lengths`` seconds."""

    begins: Floats
    lengths: Floats

    @classmethod
    def draw(cls, random: Any, seconds: float) -> HotEvents:
        """Two a week over ``seconds``, and at least one."""
        count = max(1, int(random.poisson(HOT_EVENTS_PER_WEEK * seconds / (7 * 86_400))))
        begins = np.sort(random.random_sample(count) * seconds)
        return cls(begins, random.exponential(HOT_EVENT_MEAN_HOURS * 3600, count))

    def latest(self, seconds: Floats) -> NDArray[np.int64]:
        """The hot event that began last before each instant; -1 before the first."""
        return np.searchsorted(self.begins, seconds, side="right") - 1
