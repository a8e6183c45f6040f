"""How much of what there is: sizes, and the base rates of conduct."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

RATES: Final[Mapping[str, float]] = MappingProxyType(
    {
        # Conduct, per 100,000 events.
        "unlabelled_source": 600,
        "unlabelled_ai": 400,
        "unlabelled_fiction": 100,
        "fake_engagement": 650,
        "staged": 90,
        "rumour": 80,
        "old_news": 60,
        "headline": 50,
        "false_persona": 12,
        "impersonation": 8,
        "malicious_label": 6,
        "tampered": 10,
        # What looks alike and is not: these must be left alone.
        "labelled_satire": 180,
        "labelled_ai": 800,
        "true_bad_review": 80,
        "policy_criticism": 160,
        "sad_but_true": 24,
        "bystander_report": 120,
        "explained_footage": 120,
        "true_relative": 8,
    }
)
"""Events of each kind per 100,000; the rest shows nothing in particular.

A proposal: real platforms publish no such rates. Look-alikes are about twice as frequent as what
they are mistaken for.
"""


@dataclass(frozen=True, slots=True)
class Profile:
    """The size of a world.

    Attributes:
        events: How many events, reviews included approximately.
        accounts: How many accounts cause them.
        start: The first instant.
        days: How long it lasts.
        rates: Events of each conduct per 100,000, see `RATES`.
    """

    events: int
    accounts: int
    start: dt.datetime = dt.datetime(2024, 4, 23, tzinfo=dt.timezone(dt.timedelta(hours=8)))
    days: float = 61.0
    rates: Mapping[str, float] = field(default_factory=lambda: RATES)

    def __post_init__(self) -> None:
        if self.events < 1 or self.accounts < 1 or not 0 < self.days <= 3650:
            raise ValueError("a world needs events, accounts, and at most ten years of days")
        if self.start.tzinfo is None:
            raise ValueError("the start needs a time zone")
        if sum(self.rates.values()) > 100_000 or min(self.rates.values(), default=0) < 0:
            raise ValueError("the rates are per 100,000 events and cannot exceed them")


PROFILES: Final[Mapping[str, Profile]] = MappingProxyType(
    {
        "S": Profile(events=10_000, accounts=4_000),
        "M": Profile(events=1_000_000, accounts=200_000),
        "L": Profile(events=100_000_000, accounts=2_000_000),
    }
)
"""S for a look, M for a test, L for a load; all are streamed, so memory grows with accounts only."""
