"""The accounts of a world: who stands behind them, how many follow, which are driven by machines.

Who offends, and how often a platform has struck them already, is drawn here too, so that accounts
behave the same whatever policy is tried on them: their past is the world's, not the policy's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from clausal.generator import draws
from clausal.generator.conduct import CONDUCTS
from clausal.generator.draws import Draws, Ints, Words, choice, survival, threshold
from clausal.generator.fields import place

EXTRA_ACCOUNT_CHANCE: Final = 0.06
"""An account belongs to the subject of the one before it this often: subjects have 1 + Geometric
accounts, and about 6 % have a second one."""
COMPANY_MOST: Final = 5
BOT_SHARE: Final = 0.015
CLUSTER_LEAST: Final = 20
CLUSTER_TAIL: Final = 1.3
"""Machine-driven accounts come in clusters: Pareto, at least 20, 87 on average."""
FOLLOWERS_MEDIAN: Final = 148.413159
"""exp(5): the log-normal distribution of followers has mu = 5 and sigma = 2.2."""
FOLLOWERS_SIGMA: Final = 2.2
FOLLOWERS_MOST: Final = 100_000_000
MINORS: Final = 0.04
VERIFIED: Final = 0.85
VERIFIED_EARNERS: Final = 0.97
SIGNED: Final = 0.18
"""Of the accounts that earn money, those signed by an agency."""
AGENCY_TAIL: Final = 1.6

HEAVY: Final = 0.12
HEAVY_SHARE: Final = 0.60
"""12 % of the offenders cause 60 % of the findings."""
POOL_MOST: Final = 0.10
"""Offenders are at most this share of the accounts."""
ITEMS_MOST: Final = 29.0
PLATFORMS: Final[Mapping[str, tuple[float, float]]] = {
    # Share of the accounts; offending items for each offender.
    "short_video": (0.36, 3.0),
    "live": (0.08, 4.0),
    "social": (0.32, 2.5),
    "news": (0.08, 12.0),
    "search": (0.01, 6.0),
    "ecommerce": (0.06, 6.0),
    "life_service": (0.02, 3.0),
    "edu": (0.02, 3.0),
    "im_group": (0.05, 4.0),
}
"""Published figures lie between 1.5 items for each account (mixed platforms) and 29 (articles)."""

NEVER: Final = 2**31 - 1
STRUCK: Final = (0.50, 0.95)
STEPS: Final = ((0.30, 0.80), (0.25, 0.60), (0.40, 0.49))
"""How likely a first strike is, and each further step (second strike, third strike, closure) after
the one before: for most offenders, and for the heavy ones. 7.2 % of those struck are closed."""
BEFORE_DAYS: Final = 60.0
"""Strikes may be so much older than the world."""
WARNED: Final = 0.5
MUTED: Final = 0.3
EVADES: Final = 0.05
"""How likely an offender goes on after a warning, after a mute, and, with a new account, after the
closure."""
ATTEMPTS: Final = 4

FAMILIES: Final = ("truth", "identity", "traffic", "safety", "persons", "fraud")

Accounts = dict[str, NDArray[Any]]
"""What is known of the accounts, by name: a column for each fact."""


@dataclass(frozen=True, slots=True)
class Segments:
    """Offenders by the family of their offences and by platform: ranges of the pool."""

    start: Ints
    size: Ints
    platform_table: NDArray[np.int8]
    family_table: NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class World:
    """The accounts of a world.

    Attributes:
        size: How many accounts there are.
        accounts: What is known of them.
        activity: Running total of how often each account acts: drawn from by search.
        guide: Where in it to begin.
        offenders: The accounts that offend, by segment; the heavy ones first in each.
        strikes: When each offender was struck, up to three times; `NEVER` if not.
        closed: When each offender's account was closed; `NEVER` if not.
        bots: The accounts that machines drive, cluster after cluster.
        cluster: Where each cluster begins in ``bots``, and where the last one ends.
    """

    size: int
    accounts: Accounts
    activity: Ints
    guide: Ints
    segments: Segments
    offenders: Ints
    strikes: NDArray[np.int32]
    closed: NDArray[np.int32]
    bots: Ints
    cluster: Ints

    @classmethod
    def draw(cls, seed: int, size: int, seconds: float, offences: Mapping[str, float]) -> World:
        """A world of ``size`` accounts.

        Args:
            seed: What it depends on, with all else.
            size: How many accounts.
            seconds: How long it lasts.
            offences: The expected number of offences by family, those of machines left out.
        """
        draw = Draws(seed, np.arange(size))
        accounts = _accounts(draw, size)
        order = np.argsort(draw.words("world.order"), kind="stable")
        count = max(1, round(size * BOT_SHARE))
        bots = np.sort(order[:count])
        cluster = _clusters(seed, count)
        accounts["bot"][bots] = True
        accounts["matrix"][bots] = np.repeat(np.diff(cluster), np.diff(cluster))
        segments, pool = _segments(size, offences)
        # In a world of a handful of accounts an offender may be a machine, too.
        offenders = order[np.minimum(count + np.arange(pool), size - 1)]
        strikes, closed = _careers(seed, segments, pool, seconds)
        accounts["platform"][offenders] = np.repeat(
            np.tile(_PLATFORM_PLACES, len(FAMILIES)), segments.size
        )
        accounts["kind"][offenders] = place("account.kind", "self_media")
        np.minimum.at(accounts["closed"], offenders, closed)
        # Square roots twice for the fourth root: exact, and so the same everywhere.
        rate = np.sqrt(np.sqrt(np.maximum(accounts["followers"], 1).astype(np.float64)))
        activity = np.cumsum((rate * 1024).astype(np.int64))
        slots = 1 << (2 + int(size).bit_length())
        edges = (np.arange(slots) * (float(activity[-1]) / slots)).astype(np.int64)
        guide = np.searchsorted(activity, edges, side="right")
        return cls(
            size, accounts, activity, guide, segments, offenders, strikes, closed, bots, cluster
        )

    def active(self, words: Words) -> Ints:
        """Accounts that act, drawn by their activity, which grows with followers ** 0.25."""
        share = (words >> np.uint64(11)).astype(np.float64) * 2.0**-53
        wanted = (share * float(self.activity[-1])).astype(np.int64)
        found: Ints = self.guide[(share * len(self.guide)).astype(np.int64)]
        rows = np.arange(len(found))
        while len(rows):
            rows = rows[self.activity[found[rows]] <= wanted[rows]]
            found[rows] += 1
        return found

    def offending(self, draw: Draws, attempt: int, family: Ints) -> Ints:
        """Places in ``offenders`` for offences of the families, before their past is asked about."""
        other, which, platform, _ = draw.quarters(f"offender.{attempt}")
        # Whether a heavy offender acts is settled once: those who stop are replaced by their like.
        many = draw.quarters("offender")[0]
        segments = self.segments
        chosen = np.where(other < _SAME_FAMILY, family, segments.family_table[which])
        segment = chosen * len(PLATFORMS) + segments.platform_table[platform]
        size = segments.size[segment]
        heavies = heavy(size)
        share = draw.shares(f"offender.{attempt}.place")
        few = (many < threshold(HEAVY_SHARE)) | (heavies == size)
        inside = np.where(few, share * heavies, heavies + share * (size - heavies)).astype(np.int64)
        found: Ints = segments.start[segment] + inside
        return found

    def goes_on(self, draw: Draws, attempt: int, offender: Ints, seconds: Ints) -> Ints:
        """2 for offenders that go on although they were closed, 1 for others that go on, else 0."""
        chance = draw.quarters(f"offender.{attempt}.goes_on")[0]
        limit = np.full(len(offender), draws.QUARTER)
        strikes = self.strikes[offender]
        limit[strikes[:, 0] <= seconds] = threshold(WARNED)
        limit[strikes[:, 1] <= seconds] = threshold(MUTED)
        closed = self.closed[offender] <= seconds
        limit[closed] = threshold(EVADES)
        return (chance < limit) * (1 + closed)


_SAME_FAMILY: Final = threshold(0.66)
"""Where an offence must stay in the offender's family. Others may be of the same one by chance: two
offences in a row share their family about 75 % of the time."""
_PLATFORM_PLACES: Final = np.array(
    [place("context.platform_type", name) for name in PLATFORMS], dtype=np.int8
)
_PLATFORM: Final = _PLATFORM_PLACES[choice([share for share, _ in PLATFORMS.values()])]
_TYPES: Final = choice([0.90, 0.08, 0.012, 0.004, 0.004])
_KINDS: Final = choice([0.55, 0.01, 0.04, 0.40])
_MEDIA: Final = np.array(
    [place("content.kind", name) for name in ("video", "text", "image", "live")], dtype=np.int8
)[choice([0.5, 0.25, 0.2, 0.05])]


def heavy(size: Ints) -> Ints:
    """How many of the offenders of a segment are heavy ones: the first of them."""
    number: Ints = np.maximum(1, (size * HEAVY + 0.5).astype(np.int64))
    return number


def _accounts(draw: Draws, size: int) -> Accounts:
    types, again, kind, platform = draw.quarters("world.1")
    verified, monetised, minor, signed = draw.quarters("world.2")
    credentials, medium, fake, bot = draw.quarters("world.3")
    sync, linked, _, _ = draw.quarters("world.4")
    first = again >= threshold(EXTRA_ACCOUNT_CHANCE)
    first[0] = True
    subject = np.cumsum(first) - 1
    per_subject = np.bincount(subject)
    # A subject's first account says what kind of subject it is.
    subject_type = _TYPES[types[first]][subject]
    followers = np.minimum(
        draws.lognormal(FOLLOWERS_MEDIAN, FOLLOWERS_SIGMA)[survival(draw.words("world.followers"))],
        FOLLOWERS_MOST,
    ).astype(np.int32)
    earning = (followers > 1000) & (monetised < threshold(0.5))
    sizes = draws.pareto(AGENCY_TAIL - 1, 1.0)[survival(draw.words("world.agency"))]
    agency = np.minimum(sizes, 10 + size // 500).astype(np.int32)
    # The sum of two exponential numbers: Gamma(2, 500 days).
    age = (
        draws.exponential()[survival(draw.words("world.age.1"))]
        + draws.exponential()[survival(draw.words("world.age.2"))]
    ) * 500
    # What a detector says of an account stays the same; the places of its scores are kept.
    return {
        "subject": subject.astype(np.int32),
        "per_subject": np.minimum(per_subject, COMPANY_MOST).astype(np.int8)[subject],
        "type": subject_type,
        "kind": _KINDS[kind],
        "platform": _PLATFORM[platform],
        "followers": followers,
        "monetised": earning.astype(np.int8),
        "verified": (
            verified < np.where(earning, threshold(VERIFIED_EARNERS), threshold(VERIFIED))
        ).astype(np.int8),
        "minor": np.where(
            linked < threshold(0.1),
            -1,
            (minor < threshold(MINORS)) & (subject_type == 0) & ~earning,
        ).astype(np.int8),
        "age_d": age.astype(np.int32),
        "agency": np.where(earning & (signed < threshold(SIGNED)), agency, np.int32(-1)),
        "matrix": (1 + (sync < threshold(0.1))).astype(np.int32),
        "closed": np.full(size, NEVER, dtype=np.int32),
        "credentials": np.where(credentials < threshold(0.05), credentials & 15, 0).astype(np.int8),
        "medium": _MEDIA[medium],
        "bot": np.zeros(size, dtype=np.bool_),
        "fake_score": fake.astype(np.uint16),
        "bot_score": bot.astype(np.uint16),
        "sync_score": sync.astype(np.uint16),
    }


def _clusters(seed: int, bots: int) -> Ints:
    """Where each cluster of machine-driven accounts begins, and the end of the last one."""
    index = np.arange(bots // CLUSTER_LEAST + 1)
    place = survival(Draws(seed, index).words("world.clusters"))
    ends = np.cumsum(draws.pareto(CLUSTER_TAIL, CLUSTER_LEAST)[place].astype(np.int64))
    ends = ends[: int(np.searchsorted(ends, bots))]
    return np.concatenate([[0], ends, [bots]])


def _segments(size: int, offences: Mapping[str, float]) -> tuple[Segments, int]:
    """How many offenders there are for each family and platform."""
    shares = np.array([share for share, _ in PLATFORMS.values()])
    shares = shares / shares.sum()
    each = np.array([items for _, items in PLATFORMS.values()])
    expected = np.array([offences.get(name, 0.0) for name in FAMILIES])
    wanted = expected[:, None] * shares[None, :]
    crowd = float((wanted / each).sum()) / max(1.0, size * POOL_MOST)
    if crowd > 1:
        each = np.minimum(each * crowd, ITEMS_MOST)
    number = np.where(wanted > 0, np.maximum(1, np.round(wanted / each)), 1).astype(np.int64)
    flat = number.ravel()
    start = np.concatenate([[0], np.cumsum(flat)[:-1]])
    weights = expected if expected.sum() > 0 else np.ones(len(FAMILIES))
    return (
        Segments(start, flat, choice(list(shares)), choice(list(weights))),
        int(flat.sum()),
    )


def _careers(
    seed: int, segments: Segments, pool: int, seconds: float
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """When each offender was struck, and when the account was closed."""
    draw = Draws(seed, np.arange(pool))
    inside = np.arange(pool) - np.repeat(segments.start, segments.size)
    kind = (inside < np.repeat(heavy(segments.size), segments.size)).astype(np.int64)
    when = np.full((pool, 4), NEVER, dtype=np.int32)
    chances = np.array((STRUCK, *STEPS))
    begin = np.full(pool, -BEFORE_DAYS * 86_400)
    going = np.ones(pool, dtype=np.bool_)
    for step in range(4):
        going &= draw.shares(f"career.{step}") < chances[step][kind]
        if step == 3:
            # A closed account had its day: nobody is closed before the world begins.
            begin = np.maximum(begin, 0)
        begin = begin + draw.shares(f"career.{step}.when") * (seconds - begin)
        when[going, step] = begin[going].astype(np.int32)
    return when[:, :3], when[:, 3]


def offences(rates: Mapping[str, float], events: float) -> dict[str, float]:
    """The expected offences of offenders by family."""
    found = dict.fromkeys(FAMILIES, 0.0)
    for name, rate in rates.items():
        conduct = CONDUCTS[name]
        if conduct.family is not None and conduct.actor == "offender":
            found[conduct.family] += rate * events / 100_000
    return found
