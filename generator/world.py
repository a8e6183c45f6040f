"""The accounts of a world: who stands behind them, how many follow, which are driven by machines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

EXTRA_ACCOUNT_CHANCE: Final = 0.06
"""Each further account of a subject is this likely, so that about 6 % have a second one."""
BOT_SHARE: Final = 0.015
OFFENDER_SHARE: Final = 0.03
"""Accounts that may act against a rule at all. The first 12 % of them cause 60 % of the findings."""
CLUSTER_LEAST: Final = 20
CLUSTER_TAIL: Final = 1.3
"""Machine-driven accounts come in clusters: Pareto, at least 20."""


@dataclass(frozen=True, slots=True)
class World:
    """One array element for each account."""

    subject: NDArray[np.int64]
    company: NDArray[np.bool_]
    accounts_per_subject: NDArray[np.int64]
    followers: NDArray[np.int64]
    age_d: NDArray[np.int64]
    monetised: NDArray[np.bool_]
    verified: NDArray[np.bool_]
    kind: NDArray[np.int64]
    agency: NDArray[np.int64]
    matrix_size: NDArray[np.int64]
    bot: NDArray[np.bool_]
    activity: NDArray[np.float64]
    """Running total of how often each account acts, ending at 1: drawn from by search."""
    offenders: NDArray[np.int64]

    @classmethod
    def draw(cls, random: Any, size: int) -> World:
        """A world of ``size`` accounts."""
        company_subject = random.random_sample(size) < 0.08
        per_subject = random.geometric(1 - EXTRA_ACCOUNT_CHANCE, size)
        per_subject = np.where(company_subject, np.minimum(per_subject, 5), per_subject)
        subject = np.repeat(np.arange(size), per_subject)[:size]
        counts = np.bincount(subject, minlength=size)
        followers = np.minimum(random.lognormal(5.0, 2.2, size), 1e8).astype(np.int64)
        monetised = (followers > 1000) & (random.random_sample(size) < 0.5)
        verified = random.random_sample(size) < np.where(monetised, 0.97, 0.85)
        bot = random.random_sample(size) < BOT_SHARE
        clusters = (CLUSTER_LEAST * (1 - random.random_sample(size)) ** (-1 / CLUSTER_TAIL)).astype(
            np.int64
        )
        kind = np.searchsorted([0.55, 0.56, 0.60], random.random_sample(size))
        rate = np.maximum(followers, 1).astype(np.float64) ** 0.25
        pool = max(1, int(size * OFFENDER_SHARE))
        offenders = random.permutation(size)[:pool]
        return cls(
            subject=subject,
            company=company_subject[subject],
            accounts_per_subject=counts[subject],
            followers=followers,
            age_d=random.gamma(2.0, 500.0, size).astype(np.int64),
            monetised=monetised,
            verified=verified,
            kind=kind,
            agency=np.where(
                monetised & (random.random_sample(size) < 0.18),
                np.minimum(random.zipf(1.6, size), 500),
                0,
            ),
            matrix_size=np.where(bot, np.minimum(clusters, 5000), 1 + random.poisson(0.2, size)),
            bot=bot,
            activity=np.cumsum(rate) / rate.sum(),
            offenders=offenders,
        )

    def active(self, random: Any, count: int) -> NDArray[np.int64]:
        """Accounts that act, drawn by their activity."""
        found: NDArray[np.int64] = np.searchsorted(self.activity, random.random_sample(count))
        return found

    def offending(self, random: Any, count: int) -> NDArray[np.int64]:
        """Accounts behind conduct: 60 % of draws fall on the first 12 % of the offenders."""
        few = max(1, int(len(self.offenders) * 0.12))
        many = len(self.offenders)
        repeat = random.random_sample(count) < 0.6
        place = np.where(
            repeat,
            random.randint(0, few, count),
            few + random.randint(0, max(1, many - few), count),
        )
        found: NDArray[np.int64] = self.offenders[np.minimum(place, many - 1)]
        return found
