"""How large a world is, and how much of what there is in it."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from clausal.generator.conduct import CAMPAIGNS, CONDUCTS, RATES

STRESS: Final = 10.0
"""How many times as frequent a conduct is that a world is stressed with."""


@dataclass(frozen=True, slots=True)
class Profile:
    """The size of a world.

    Attributes:
        events: How many events, reviews included.
        accounts: How many accounts cause them; newcomers are added.
        start: The first instant.
        days: How long it lasts. Reviews may come later.
        rates: Events of each conduct per 100,000, see `RATES`.
    """

    events: int
    accounts: int
    start: dt.datetime = dt.datetime(2024, 4, 23, tzinfo=dt.timezone(dt.timedelta(hours=8)))
    days: float = 61.0
    rates: Mapping[str, float] = field(default_factory=lambda: RATES)

    def __post_init__(self) -> None:
        if not 1 <= self.events <= 10**12 or not 1 <= self.accounts <= 10**8:
            raise ValueError("a world needs events, up to a million million, and accounts")
        if not 0 < self.days <= 3650:
            raise ValueError("a world lasts at most ten years of days")
        if self.start.tzinfo is None:
            raise ValueError("the start needs a time zone")
        rates = self.rates.values()
        if not all(math.isfinite(rate) and rate >= 0 for rate in rates) or sum(rates) > 100_000:
            raise ValueError("the rates are per 100,000 events and cannot exceed them")
        if unknown := sorted(set(self.rates) - set(CONDUCTS)):
            raise ValueError(f"there is no conduct `{unknown[0]}`, whose rates are given")


PROFILES: Final[Mapping[str, Profile]] = MappingProxyType(
    {
        "S": Profile(events=10_000, accounts=4_000),
        "M": Profile(events=1_000_000, accounts=200_000),
        "L": Profile(events=100_000_000, accounts=2_000_000),
    }
)
"""S for a look, M for a test, L for a load; all are streamed, so memory grows with accounts only."""


def stressed(rates: Mapping[str, float], names: Iterable[str]) -> dict[str, float]:
    """The rates with each named conduct, or the conduct of each named campaign, ten times as frequent.

    Raises:
        KeyError: for a name that is neither.
    """
    chosen = dict(rates)
    for name in names:
        for conduct in CAMPAIGNS.get(name) or (CONDUCTS[name].name,):
            chosen[conduct] = rates[conduct] * STRESS
    return chosen
