"""When to try again: each wait is twice the one before, and no two are quite alike."""

from __future__ import annotations

from random import Random

import msgspec


class Backoff(msgspec.Struct, frozen=True):
    """How often, and how far apart, delivery is tried.

    Waits double from ``first`` to ``longest`` seconds; the jitter takes up to half of each away, so that
    messages that failed together do not come back together. With the defaults a message is given up
    about 14 hours after it was first tried.
    """

    attempts: int = 30
    first: float = 1.0
    longest: float = 3600.0

    def wait(self, failed: int, random: Random) -> int:
        """Microseconds until the next attempt after ``failed`` of them, 1 or more."""
        # 2**63 seconds are longer than any limit, and a float holds them.
        whole = min(self.longest, self.first * 2.0 ** min(failed - 1, 63))
        return int(whole * random.uniform(0.5, 1.0) * 1_000_000)
