"""The stream: events in order of time, with the reviews that follow some of them.

Events are drawn in chunks, each from a seed of its own, so that memory does not grow with the number
of events. A review is a second event about the same item, a few hours later; it waits in a heap
until its time has come.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterator
from typing import IO, Any, Final, NamedTuple

import msgspec
import numpy as np

from clausal.generator.clock import Clock, HotEvents
from clausal.generator.profiles import Profile
from clausal.generator.signals import (
    CONDUCTS,
    INNOCENT,
    MISSING_SCORES,
    REVIEWED,
    Draw,
    Event,
    apply,
    benign_text,
)
from clausal.generator.world import World

CHUNK: Final = 4096
NEVER_REVIEWED: Final = 0.30
REVIEW_MEDIAN_HOURS: Final = 9.0
REVIEW_SIGMA: Final = 1.1
LONGEST_REVIEW_DAYS: Final = 30.0
VIEWS_LEAST: Final = 20.0
VIEWS_TAIL: Final = 1.2
"""Views are Pareto: with a tail of 1.2, the top 1 % of items hold about 46 % of them."""
REPOST_SHARE: Final = 0.006
REPOST_SHAPE: Final = 0.4
REPOSTS_MOST: Final = 1_000_000
STRUCK_BEFORE: Final = 0.5
"""Of those who act against a rule, how many did so before: few accounts cause most findings."""

_EVENT_TYPES: Final = ("post", "comment", "repost", "live_tick", "tip", "profile_edit", "register")
_EVENT_EDGES: Final = (0.60, 0.85, 0.93, 0.96, 0.98, 0.99)
_PLATFORMS: Final = ("short_video", "social", "live", "news", "search")
_TOPICS: Final = ("daily", "entertainment", "other", "education", "business", "finance", "legal")
_KINDS: Final = ("self_media", "newsroom", "institution", "ordinary")


class Item(NamedTuple):
    """An event, and what was truly going on: kept apart, for no evaluator to see."""

    event: Event
    truth: dict[str, Any]


class _Row(NamedTuple):
    """What was drawn for one event before its conduct changes anything."""

    seconds: float
    account: int
    conduct: int
    type: int
    hot: int
    low: list[float]
    missing: list[bool]
    velocity: float
    picks: list[float]
    views: int
    reposts: int


def generate(profile: Profile, seed: int, *, ladder: str | None = None) -> Iterator[Item]:
    """Events in order of time. The same profile and seed give the same events.

    With ``ladder``, each event of an account that has offended before carries the history of its
    strikes on that ladder (a qualified name, such as ``cn.self_media_traffic.fabrication``), and
    every other event an empty one.

    Raises:
        ValueError: if the seed is negative or over 2**32 - 1.
    """
    if not 0 <= seed < 2**32:
        raise ValueError("the seed is a number from 0 to 4294967295")
    return _Stream(profile, seed, ladder).items()


def write(items: Iterator[Item], events: IO[bytes], truth: IO[bytes] | None = None) -> int:
    """Write events, and the truth if asked for, as lines of JSON; how many events there were."""
    encode = msgspec.json.Encoder().encode
    count = 0
    while batch := list(itertools.islice(items, 1000)):
        events.write(b"".join(encode(item.event) + b"\n" for item in batch))
        if truth is not None:
            truth.write(b"".join(encode(item.truth) + b"\n" for item in batch))
        count += len(batch)
    return count


class _Stream:
    """The state of one generation: the world, the clock, and the reviews that are still to come."""

    def __init__(self, profile: Profile, seed: int, ladder: str | None) -> None:
        self.profile = profile
        self.seed = seed
        self.ladder = ladder
        # RandomState, for all its age: NumPy promises never to change what it draws.
        random = np.random.RandomState(seed)
        self.world = World.draw(random, profile.accounts)
        self.clock = Clock(profile.start, profile.days)
        self.hot = HotEvents.draw(random, self.clock.seconds)
        self.names = tuple(CONDUCTS)
        rates = np.array([profile.rates.get(name, 0.0) for name in self.names]) / 100_000
        self.edges = np.cumsum(rates)
        self.waiting: list[tuple[float, int, Item]] = []

    def items(self) -> Iterator[Item]:
        for first in range(0, self.profile.events, CHUNK):
            chunk = self._chunk(first, min(CHUNK, self.profile.events - first))
            for seconds, number, item in chunk:
                while self.waiting and self.waiting[0][0] <= seconds:
                    yield heapq.heappop(self.waiting)[2]
                yield item
                self._review(seconds, number, item)
        while self.waiting:
            yield heapq.heappop(self.waiting)[2]

    def _chunk(self, first: int, count: int) -> Iterator[tuple[float, int, Item]]:
        chunk_seed = np.random.RandomState([self.seed, 1 + first // CHUNK])
        draw = Draw(chunk_seed)
        random = chunk_seed
        quantiles = (first + np.sort(random.random_sample(count)) * count) / self.profile.events
        seconds = self.clock.at(quantiles)
        hot = self.hot.latest(seconds)
        conduct = np.searchsorted(self.edges, random.random_sample(count), side="right")
        accounts = np.where(
            conduct < len(self.names),
            self.world.offending(random, count),
            self.world.active(random, count),
        )
        innocent = np.array([name in INNOCENT for name in self.names] + [True])
        accounts = np.where(innocent[conduct], self.world.active(random, count), accounts)
        views = (VIEWS_LEAST * (1 - random.random_sample(count)) ** (-1 / VIEWS_TAIL)).astype(
            np.int64
        )
        mean = REPOST_SHARE * views
        reposts = np.minimum(
            random.negative_binomial(REPOST_SHAPE, REPOST_SHAPE / (REPOST_SHAPE + mean)),
            REPOSTS_MOST,
        )
        types = np.searchsorted(_EVENT_EDGES, random.random_sample(count), side="right")
        low = np.round(random.beta(1.2, 9, (count, 5)), 3)
        missing = random.random_sample((count, 5)) < MISSING_SCORES
        velocity = np.round(random.standard_normal(count), 2)
        picks = random.random_sample((count, 6))
        # Python numbers from here on: what is written must not depend on NumPy's own types.
        rows = map(
            _Row, seconds.tolist(), accounts.tolist(), conduct.tolist(), types.tolist(),
            hot.tolist(), low.tolist(), missing.tolist(), velocity.tolist(), picks.tolist(),
            views.tolist(), reposts.tolist(),
        )  # fmt: skip
        for number, row in enumerate(rows, first):
            name = self.names[row.conduct] if row.conduct < len(self.names) else ""
            event = self._event(number, row, draw)
            if name:
                event["context"]["event_type"] = "post"
                apply(name, event, draw)
            self._history(event, row.seconds, name, draw)
            truth = {
                "event_id": event["context"]["event_id"],
                "conduct": name or "none",
                "innocent": not name or name in INNOCENT,
            }
            yield row.seconds, number, Item(event, truth)

    def _event(self, number: int, row: _Row, draw: Draw) -> Event:
        world, account, picks, low = self.world, row.account, row.picks, row.low
        context: dict[str, Any] = {
            "event_id": f"e{number:09d}",
            "time": self.clock.text(row.seconds),
            "event_type": _EVENT_TYPES[row.type],
            "platform_type": _PLATFORMS[int(picks[0] * len(_PLATFORMS))],
            "section_kind": "general",
            "detection_source": "own",
        }
        if picks[1] < 0.05 and row.hot >= 0:
            age = (row.seconds - float(self.hot.begins[row.hot])) / 3600
            context |= {"hot_event_id": f"h{row.hot}", "hot_event_age_h": round(age, 1)}
        scores = {
            key: low[k]
            for k, key in enumerate(("ai_score", "title_mismatch", "rumor_match"))
            if not row.missing[k]
        }
        content: dict[str, Any] = {
            "id": f"c{number:09d}",
            "kind": "video" if picks[2] < 0.5 else "text",
            "text": benign_text(draw),
            "topic": _TOPICS[int(picks[3] * len(_TOPICS))],
            "source_label": "present" if picks[4] < 0.8 else "absent",
            "ai_label": "absent",
            "fiction_label": False,
            "news_like": False,
            "staged_verdict": "none",
            "persona_verdict": "none",
            "tampered": [],
            "old_media_age_d": 0,
            "fact_verdict": "unverified",
            "verdict_source": "none",
            "diversion": "none",
            "claimed_role": "none",
            **scores,
            "risk": {"sexual": low[3], "fraud": low[4]},
        }
        return {
            "context": context,
            "content": content,
            "account": {
                "id": f"a{account:08d}",
                "subject_id": f"s{int(world.subject[account]):08d}",
                "subject_type": "company" if world.company[account] else "person",
                "kind": _KINDS[int(world.kind[account])],
                "identity_verified": bool(world.verified[account]),
                "accounts_per_subject": int(world.accounts_per_subject[account]),
                "same_person_accounts": 1,
                "age_d": int(world.age_d[account]),
                "name_impersonates": "none",
                "monetised": bool(world.monetised[account]),
                "followers": int(world.followers[account]),
                "matrix_size": int(world.matrix_size[account]),
                "matrix_sync": round(picks[5] * 0.3, 3),
            },
            "traffic": {
                "views": row.views,
                "reposts": row.reposts,
                "bot_share": round(low[4] * 0.5, 3),
                "velocity_z": row.velocity,
            },
            "org": {"mcn_id": f"m{int(world.agency[account])}"} if world.agency[account] else {},
        }

    def _history(self, event: Event, seconds: float, conduct: str, draw: Draw) -> None:
        if self.ladder is None:
            return
        strikes: list[str] = []
        if conduct and conduct not in INNOCENT and draw.chance(STRUCK_BEFORE):
            for _ in range(draw.upto(1, 3)):
                ago = float(draw.random.random_sample()) * 120 * 86_400
                strikes.append(self.clock.text(seconds - ago))
        event["$history"] = {"strikes": {self.ladder: sorted(strikes)}}

    def _review(self, seconds: float, number: int, item: Item) -> None:
        """Put the review of an item that people look into on the heap, at its time."""
        conduct = str(item.truth["conduct"])
        if conduct not in REVIEWED:
            return
        draw = Draw(np.random.RandomState([self.seed, 0, number & 0xFFFFFFFF, number >> 32]))
        if draw.chance(NEVER_REVIEWED):
            return
        hours = float(draw.random.lognormal(np.log(REVIEW_MEDIAN_HOURS), REVIEW_SIGMA))
        when = seconds + min(hours, LONGEST_REVIEW_DAYS * 24) * 3600
        event: Event = {group: dict(fields) for group, fields in item.event.items()}
        event["context"] |= {
            "event_id": f"r{number:09d}",
            "time": self.clock.text(when),
            "event_type": "review",
        }
        event["content"] |= REVIEWED[conduct]
        if event["content"].get("verdict_source") in ("authority", "reviewer"):
            event["content"]["second_source"] = draw.chance(0.4)
        truth = {**item.truth, "event_id": event["context"]["event_id"]}
        heapq.heappush(self.waiting, (when, number, Item(event, truth)))
