"""From what is truly going on to what a platform sees of it.

Every field of every event is drawn from the number of its item, column by column; conduct then
changes what it shows, and reviews what was found. Detectors err: a score follows Beta(8, 2) where
something is there and Beta(1.2, 9) where it is not, and 4 % of scores are missing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from clausal.generator import draws
from clausal.generator.clock import HotEvents
from clausal.generator.conduct import (
    CONDUCTS,
    Above,
    Between,
    Maybe,
    OneOf,
    Plain,
    Real,
    Shown,
)
from clausal.generator.draws import QUARTER, Bytes, Draws, Flags, Ints, choice, survival, threshold
from clausal.generator.fields import FIELDS, RISKS, Column, Kind, place
from clausal.generator.plan import NAMES, Plan, Rows
from clausal.generator.world import ATTEMPTS, FAMILIES, World

MISSING_SCORES: Final = 0.04
VIEWS_LEAST: Final = 20.0
VIEWS_TAIL: Final = 1.2
"""Views are Pareto: with a tail of 1.2, the top 1 % of items hold about 46 % of them."""
VIEWS_MOST: Final = 10**11
REPOST_SHARE: Final = 0.006
REPOST_SHAPE: Final = 0.4
REPOST_CUTOFF: Final = 1_000_000.0
"""Reposts are negative binomial, and cut off exponentially at a million."""
ABOUT_HOT: Final = 0.08
"""Events that are about a hot event."""
NEW_ACCOUNT: Final = 0.005
RENAMED: Final = 0.005
SURGE: Final = 8.0
SURGE_HOURS: Final = 72
"""In the first 72 hours of a hot event, new and renamed accounts among those that are about it are
eight times as frequent."""
TRACED: Final = 0.92
"""How often tracing tells rightly who posted first."""
FIRST_POSTS: Final = 6 / 80
SAME_MEDIUM: Final = 0.91
"""How often an offender keeps to the medium, so that two offences in a row share it 90 % of the time."""

BURST_CYCLE: Final = 23 * 60
BURST_LEAST: Final = 3 * 60
"""Machines act in bursts of 3 to 20 minutes: a cycle of 23 minutes has two of them."""

LOW: Final = draws.beta(1.2, 9, MISSING_SCORES)
HIGH: Final = draws.beta(8, 2, MISSING_SCORES)
_VIEWS: Final = np.minimum(draws.pareto(VIEWS_TAIL, VIEWS_LEAST), VIEWS_MOST).astype(np.int64)
_TIPS: Final = np.minimum(draws.pareto(1.1, 100.0), 10**8).astype(np.int64)

TEXTS: Final = (
    "今天的晚霞很好看",
    "新开的面馆味道不错",
    "周末去公园散步",
    "读完了一本旧书，推荐给大家",
    "阳台上的番茄红了",
    "a quiet morning by the river",
    "第一次学做馒头，有点塌",
    "记录一下今天的训练",
    *dict.fromkeys(text for one in CONDUCTS.values() for text in one.texts),
)
_PLAIN_TEXTS: Final = 8
TITLES: Final = (
    "周末去哪儿",
    "一周菜单",
    "读书笔记",
    *dict.fromkeys(
        str(one.shows["content.title"]) for one in CONDUCTS.values() if "content.title" in one.shows
    ),
)
WORDINGS: Final = {"content.text": TEXTS, "content.title": TITLES}

Columns = dict[str, Column]


@dataclass(frozen=True, slots=True)
class Batch:
    """Events in columns, and what is behind them.

    Attributes:
        rows: Which events they are.
        conduct: The place of each one's conduct in `NAMES`; -1 for none.
        acted: When each one's item appeared.
        columns: The fields, by path; see `Kind`.
        offender: The place of who did it among the world's offenders; -1 for others.
        first: Whether the item is truly the first of its rumour.
        burst: The number of the burst of machines that it belongs to; -1 for none.
    """

    rows: Rows
    conduct: Bytes
    acted: Ints
    columns: Columns
    offender: Ints
    first: Flags
    burst: Ints


def _codes(path: str, weights: dict[str, float]) -> Bytes:
    """A table from a quarter to places of a field's values."""
    places = np.array([place(path, name) for name in weights], dtype=np.int8)
    return places[choice(list(weights.values()))]


_EVENT_TYPES: Final = _codes("context.event_type", {
    "post": 60, "comment": 25, "repost": 8, "live_tick": 3, "tip": 2, "profile_edit": 0.5,
    "rename": 0.5, "list_entry": 0.3, "push": 0.4, "search": 0.3,
})  # fmt: skip
_POSTED: Final = _codes(
    "content.kind", {"video": 45, "image": 25, "text": 25, "audio": 3, "live": 2}
)
_KIND_OF: Final = {
    "comment": "comment", "live_tick": "live", "tip": "live", "profile_edit": "profile",
    "rename": "profile", "register": "profile", "list_entry": "list", "push": "text",
    "search": "text", "danmaku": "comment", "group_msg": "group_msg",
}  # fmt: skip
_SURFACE_OF: Final = {
    "comment": ("comment",), "live_tick": ("live_room",), "tip": ("live_room",),
    "profile_edit": ("profile",), "rename": ("profile",), "register": ("profile",),
    "list_entry": ("hot_list",), "push": ("push",), "search": ("search_result",),
}  # fmt: skip
_SURFACES: Final = np.array([
    FIELDS["context.surface"].values.index(names)
    for names in (("home", "feed"), ("feed",), ("profile",), ("search_result",), ("hot_list", "feed"))
], dtype=np.int8)[choice([20, 50, 15, 14, 1])]  # fmt: skip


def _by_event(path: str, named: dict[str, Any]) -> Bytes:
    """A table from the place of an event type to the place of a value; -1 where none is named."""
    values = FIELDS[path].values
    return np.array(
        [
            values.index(named[name]) if name in named else -1
            for name in FIELDS["context.event_type"].values
        ],
        dtype=np.int8,
    )


_KIND_BY_EVENT: Final = _by_event("content.kind", _KIND_OF)
_SURFACE_BY_EVENT: Final = _by_event("context.surface", _SURFACE_OF)
_TOPICS: Final = _codes("content.topic", {
    "daily": 36, "entertainment": 26, "other": 11, "education": 6, "business": 6, "finance": 4,
    "medical": 3, "legal": 1.5, "current_affairs": 2.5, "public_policy": 1.5, "social_event": 2,
    "emergency": 0.5,
})  # fmt: skip
_DUE: Final = np.isin(
    np.arange(len(FIELDS["content.topic"].values)),
    [
        place("content.topic", name)
        for name in ("current_affairs", "public_policy", "social_event", "emergency")
    ],
)
_SOURCES: Final = _codes("content.source_label", {"absent": 70, "present": 30})
_DETECTED: Final = _codes("context.detection_source", {
    "own": 85, "user_report": 13, "trusted_flagger": 1.5, "regulator": 0.4, "court": 0.1,
})  # fmt: skip
_TARGETS: Final = _codes("content.target", {"none": 92, "person": 5, "group": 2, "company": 1})
_DIVERSIONS: Final = _codes(
    "content.diversion", {"none": 98.5, "link": 1, "contact": 0.3, "qr": 0.2}
)
_DISCLOSED: Final = _codes("content.ad_disclosure", {"na": 96, "disclosed": 4})
_SECTION_KINDS: Final = choice([60, 6, 4, 10, 14, 6])
_GRADES: Final = _codes("org.mcn_grade", {"A": 15, "B": 45, "C": 30, "D": 10})

_ACTORS: Final = np.array(
    [("anyone", "offender", "bot", "newcomer").index(one.actor) for one in CONDUCTS.values()] + [0]
)
_OFFENDER, _BOT, _NEWCOMER = 1, 2, 3
_FAMILY: Final = np.array(
    [-1 if one.family is None else FAMILIES.index(one.family) for one in CONDUCTS.values()] + [-1]
)
INNOCENT: Final = np.array([one.innocent for one in CONDUCTS.values()] + [True])
RUMOUR: Final = NAMES.index("rumour")
FAKE: Final = NAMES.index("fake_engagement")


class Signals:
    """Draws the batches of one world."""

    def __init__(
        self, seed: int, plan: Plan, world: World, hot: HotEvents, expected: float
    ) -> None:
        self._seed = seed
        self._plan = plan
        self._world = world
        self._hot = hot
        # Bursts go on side by side, so many that each has about twenty events.
        cycles = max(1.0, plan.clock.seconds / BURST_CYCLE * 2)
        self._side_by_side = max(1, round(expected / cycles / 20))

    def batch(self, rows: Rows) -> Batch:
        """The events of the rows."""
        draw = Draws(self._seed, rows.item)
        conduct = self._plan.conduct(rows.item)
        acted = self._plan.acted(rows.item)
        columns: Columns = {}
        self._context(columns, draw, rows, acted, conduct)
        burst = self._bursts(draw, conduct, acted)
        offender = self._accounts(columns, draw, rows, acted, conduct, burst)
        _content(columns, draw, rows)
        self._traffic(columns, draw)
        _organisation(columns, draw)
        self._conduct(columns, draw, conduct, offender)
        first = self._rumours(columns, draw, conduct)
        self._boost(columns, draw, burst)
        self._hot_conduct(columns, conduct)
        self._reviews(columns, draw, rows, conduct)
        return Batch(rows, conduct, acted, columns, offender, first, burst)

    def _context(self, c: Columns, draw: Draws, rows: Rows, acted: Ints, conduct: Bytes) -> None:
        types, surface, detected, mode = draw.quarters("context.1")
        about, section, _, _ = draw.quarters("context.2")
        event = _EVENT_TYPES[types]
        # Conduct shows in posts, unless it says otherwise.
        event[conduct >= 0] = place("context.event_type", "post")
        c["context.event_id"] = np.where(rows.review, -1 - rows.item, rows.item)
        c["context.time"] = rows.seconds
        c["context.event_type"] = event
        shown = _SURFACE_BY_EVENT[event]
        c["context.surface"] = np.where(shown < 0, _SURFACES[surface], shown)
        c["context.section_id"] = (section % 40).astype(np.int64)
        c["context.section_kind"] = _SECTION_KINDS[
            (section % 40).astype(np.int64) * (QUARTER // 40)
        ]
        hot = self._hot.latest(acted)
        linked = (about < threshold(ABOUT_HOT)) | np.isin(
            conduct, [RUMOUR, NAMES.index("impersonation"), NAMES.index("true_relative")]
        )
        linked &= hot >= 0
        age = (acted - self._hot.begins[hot]) / 3600
        c["context.hot_event_id"] = np.where(linked, hot, -1)
        c["context.hot_event_age_h"] = np.where(linked, np.round(age, 1), np.nan)
        c["context.minor_mode"] = np.where(
            mode < threshold(0.05), -1, mode < threshold(0.05 + 0.03)
        ).astype(np.int8)
        c["context.detection_source"] = _DETECTED[detected]

    def _bursts(self, draw: Draws, conduct: Bytes, acted: Ints) -> Ints:
        """The burst that each event of machines belongs to; -1 for all others."""
        burst = np.full(len(conduct), -1, dtype=np.int64)
        at = np.flatnonzero(conduct == FAKE)
        cycle, inside = np.divmod(acted[at], BURST_CYCLE)
        length = Draws(self._seed, cycle).below("burst.length", BURST_CYCLE - 2 * BURST_LEAST)
        second = inside >= length + BURST_LEAST
        side = draw.below("burst.side", self._side_by_side)[at]
        burst[at] = (2 * cycle + second) * self._side_by_side + side
        return burst

    def _accounts(
        self, c: Columns, draw: Draws, rows: Rows, acted: Ints, conduct: Bytes, burst: Ints
    ) -> Ints:
        """Who acts, and what is known of the account; where they are among the offenders."""
        world = self._world
        size = world.size
        account = world.active(draw.words("account"))
        for attempt in range(ATTEMPTS):
            # Whoever was closed does not act any more.
            gone = np.flatnonzero(world.accounts["closed"][account] <= acted)
            if not len(gone):
                break
            again = Draws(self._seed, rows.item[gone])
            account[gone] = world.active(again.words(f"account.{attempt}"))
        actor = _ACTORS[conduct]
        offender, evading = self._offenders(rows, acted, conduct, actor)
        some = np.flatnonzero(offender >= 0)
        account[some] = world.offenders[offender[some]]
        bots = np.flatnonzero(actor == _BOT)
        account[bots] = self._machines(rows.item[bots], burst[bots])
        record = {name: column[account] for name, column in world.accounts.items()}
        fresh, renamed = self._newcomers(c, draw, actor)
        for name, column in _newcomer(draw, fresh).items():
            record[name][fresh] = column
        number = account.astype(np.int64)
        number[evading] = size + offender[evading]
        number[fresh] = size + len(world.offenders) + rows.item[fresh]
        subject = record["subject"].astype(np.int64)
        subject[fresh] = number[fresh]
        new_age, hours, growth, _ = draw.quarters("account.1")
        age = record["age_d"] + acted // 86_400
        age[fresh] = new_age[fresh] % 3
        since = (acted[evading] - world.closed[offender[evading]]) // 86_400
        age[evading] = since * (new_age[evading] / QUARTER)
        rename = age * 24.0
        # A name changed after the event began, if there is one.
        hot_age = c["context.hot_event_age_h"][renamed]
        lately = np.where(np.isnan(hot_age), 72.0, np.maximum(hot_age, 0.1))
        rename[renamed] = np.round(lately * (hours[renamed] / QUARTER), 1)
        rename[c["context.event_type"] == place("context.event_type", "rename")] = 0.0
        bot = record["bot"]
        c["account.id"] = number
        c["account.subject_id"] = subject
        c["account.subject_type"] = record["type"]
        c["account.kind"] = record["kind"]
        c["account.identity_verified"] = record["verified"]
        c["account.accounts_per_subject"] = record["per_subject"].astype(np.int64)
        c["account.same_person_accounts"] = np.ones(len(number), dtype=np.int64)
        c["account.age_d"] = age
        c["account.rename_age_h"] = rename
        c["account.name_impersonates"] = np.zeros(len(number), dtype=np.int8)
        c["account.profile_violation"] = np.zeros(len(number), dtype=np.int8)
        c["account.credentials"] = record["credentials"]
        c["account.monetised"] = record["monetised"]
        c["account.followers"] = record["followers"].astype(np.int64)
        c["account.follower_growth_z"] = _DEVIATES[growth]
        c["account.fake_follower_ratio"] = _scores(record["fake_score"], bot)
        c["account.bot_score"] = _scores(record["bot_score"], bot)
        c["account.matrix_size"] = record["matrix"].astype(np.int64)
        c["account.matrix_sync"] = LOW[record["sync_score"].astype(np.int64)]
        c["account.linked_closed"] = np.zeros(len(number), dtype=np.int8)
        c["account.linked_closed"][evading] = 1
        c["account.is_minor"] = record["minor"]
        c["context.platform_type"] = record["platform"]
        medium = np.flatnonzero((actor == _OFFENDER) & (hours < threshold(SAME_MEDIUM)))
        c["medium"] = np.full(len(number), -1, dtype=np.int8)
        c["medium"][medium] = record["medium"][medium]
        c["agency"] = record["agency"]
        register = fresh[new_age[fresh] % 7 == 0]
        register = register[conduct[register] < 0]
        c["context.event_type"][register] = place("context.event_type", "register")
        return offender

    def _offenders(self, rows: Rows, acted: Ints, conduct: Bytes, actor: Ints) -> tuple[Ints, Ints]:
        """The offender behind each offence, -1 for none; and where one acts with a new account.

        A strike makes the next offence of an account less likely: others offend instead, and where
        nobody is found who goes on, it is somebody's first offence.
        """
        offender = np.full(len(rows.item), -1, dtype=np.int64)
        evading: list[Ints] = []
        open_ = np.flatnonzero(actor == _OFFENDER)
        for attempt in range(ATTEMPTS):
            draw = Draws(self._seed, rows.item[open_])
            found = self._world.offending(draw, attempt, _FAMILY[conduct[open_]])
            going = self._world.goes_on(draw, attempt, found, acted[open_])
            offender[open_[going > 0]] = found[going > 0]
            evading.append(open_[going == 2])
            open_ = open_[going == 0]
        return offender, np.concatenate(evading)

    def _machines(self, item: Ints, burst: Ints) -> Ints:
        """The account of each event of a burst: one of the burst's cluster."""
        world = self._world
        clusters = len(world.cluster) - 1
        cluster = Draws(self._seed, burst).below("burst.cluster", clusters)
        first, end = world.cluster[cluster], world.cluster[cluster + 1]
        found: Ints = world.bots[
            first + Draws(self._seed, item).below("burst.account", end - first)
        ]
        return found

    def _newcomers(self, c: Columns, draw: Draws, actor: Ints) -> tuple[Ints, Ints]:
        """Which events come from accounts that are new, and which from renamed ones."""
        new, renamed, _, _ = draw.quarters("account.new")
        surge = c["context.hot_event_age_h"] < SURGE_HOURS
        times = np.where(surge, SURGE, 1.0)
        ordinary = actor == 0
        claims = actor == _NEWCOMER
        fresh = np.flatnonzero(
            (ordinary & (new < times * threshold(NEW_ACCOUNT))) | (claims & (new < QUARTER // 2))
        )
        changed = np.flatnonzero(
            (ordinary & (renamed < times * threshold(RENAMED))) | (claims & (new >= QUARTER // 2))
        )
        return fresh, changed

    def _traffic(self, c: Columns, draw: Draws) -> None:
        bots, copies, fakes, orders = draw.quarters("traffic.1")
        rank, velocity, recommended, payer = draw.quarters("traffic.2")
        views = _VIEWS[survival(draw.words("traffic.views"))]
        event = c["context.event_type"]
        live = c["content.kind"] == place("content.kind", "live")
        shop = live | (c["context.platform_type"] == place("context.platform_type", "ecommerce"))
        tip = event == place("context.event_type", "tip")
        push = event == place("context.event_type", "push")
        amount = _TIPS[survival(draw.words("traffic.tip"))]
        c["traffic.views"] = views
        c["traffic.reposts"] = _reposts(draw, views)
        c["traffic.bot_share"] = np.round(LOW[bots] * 0.5, 3)
        c["traffic.dup_comment_ratio"] = LOW[copies]
        c["traffic.velocity_z"] = _DEVIATES[velocity]
        c["traffic.fake_viewer_ratio"] = np.where(live, LOW[fakes], np.nan)
        c["traffic.fake_order_ratio"] = np.where(shop, LOW[orders], np.nan)
        c["traffic.rank_manip"] = LOW[rank]
        c["traffic.tip_fen_24h"] = np.where(tip, amount, -1)
        c["traffic.tip_payer_minor"] = np.where(tip & (payer >= threshold(0.08)), 0, -1).astype(
            np.int8
        )
        c["traffic.tip_rebate_pct"] = np.where(tip, 0.0, np.nan)
        c["traffic.tip_inducement"] = np.where(tip, 0, -1).astype(np.int8)
        c["traffic.push_per_day"] = np.where(push, 1 + (payer % 5).astype(np.int64), -1)
        c["traffic.rec_entropy"] = HIGH[recommended]

    def _conduct(self, c: Columns, draw: Draws, conduct: Bytes, offender: Ints) -> None:
        """Change what each event with conduct shows."""
        medium = np.flatnonzero(c["medium"] >= 0)
        c["content.kind"][medium] = c["medium"][medium]
        some = np.flatnonzero(conduct >= 0)
        some = some[np.argsort(conduct[some], kind="stable")]
        names, starts = np.unique(conduct[some], return_index=True)
        ends = [*starts[1:].tolist(), len(some)][: len(starts)]
        for name, start, end in zip(names.tolist(), starts.tolist(), ends, strict=True):
            rows = some[start:end]
            one = CONDUCTS[NAMES[name]]
            part = Draws(self._seed, c["item"][rows])
            _show(c, part, rows, one.shows)
            if one.texts:
                texts = np.array([TEXTS.index(text) for text in one.texts], dtype=np.int16)
                c["content.text"][rows] = texts[part.below("text", len(texts))]

    def _rumours(self, c: Columns, draw: Draws, conduct: Bytes) -> Flags:
        """Who posted a rumour first, and who is traced as the first."""
        true = np.zeros(len(conduct), dtype=np.bool_)
        rows = np.flatnonzero(conduct == RUMOUR)
        first, traced, _, _ = draw.quarters("rumour")
        true[rows] = first[rows] < threshold(FIRST_POSTS)
        c["content.first_post"][rows] = true[rows] ^ (traced[rows] >= threshold(TRACED))
        return true

    def _boost(self, c: Columns, draw: Draws, burst: Ints) -> None:
        """Bursts repost one item each: their events share it, with the reposts that they add."""
        rows = np.flatnonzero(burst >= 0)
        shared = Draws(self._seed, burst[rows])
        item = c["content.id"]
        item[rows] = -1 - burst[rows]
        size = c["account.matrix_size"][rows]
        human = c["traffic.reposts"][rows]
        added = (size * (1.0 + 9.0 * shared.shares("burst.added"))).astype(np.int64)
        c["traffic.reposts"][rows] = human + added

    def _hot_conduct(self, c: Columns, conduct: Bytes) -> None:
        """Before the first hot event of a world nobody can claim a part in one."""
        rows = np.flatnonzero(
            (c["context.hot_event_id"] < 0) & (c["account.name_impersonates"] > 0)
        )
        c["account.name_impersonates"][rows] = place("account.name_impersonates", "person")

    def _reviews(self, c: Columns, draw: Draws, rows: Rows, conduct: Bytes) -> None:
        """Put what people found into the reviews."""
        some = np.flatnonzero(rows.review)
        c["context.event_type"][some] = place("context.event_type", "review")
        for name in np.unique(conduct[some]).tolist():
            at = some[conduct[some] == name]
            _show(c, Draws(self._seed, rows.item[at]), at, CONDUCTS[NAMES[name]].found)


_DEVIATES: Final = np.round(draws.normal(), 2)


def _scores(places: NDArray[np.uint16], real: Flags) -> draws.Floats:
    """What a detector says, by the place of the score, where it is real and where it is not."""
    at = places.astype(np.int64)
    scores = LOW[at]
    rows = np.flatnonzero(real)
    scores[rows] = HIGH[at[rows]]
    return scores


def _newcomer(draw: Draws, rows: Ints) -> Columns:
    """What is known of accounts that were registered days ago."""
    followers, verified, platform, score = (part[rows] for part in draw.quarters("newcomer"))
    return {
        "followers": followers % 60,
        "verified": verified < threshold(0.85),
        "platform": platform % 3,
        "fake_score": score,
        "bot_score": score ^ 0x5555,
        "per_subject": np.ones(len(rows), dtype=np.int8),
        "matrix": np.ones(len(rows), dtype=np.int32),
        "agency": np.full(len(rows), -1),
        **{
            name: np.zeros(len(rows), dtype=np.int8)
            for name in ("type", "kind", "monetised", "minor", "credentials", "bot", "age_d")
        },
    }


def _reposts(draw: Draws, views: Ints) -> Ints:
    """Negative binomial numbers: Poisson, whose means are gamma numbers around a share of the views."""
    spread = draws.gamma(REPOST_SHAPE)[survival(draw.words("traffic.spread"))]
    means = views * (REPOST_SHARE / REPOST_SHAPE) * spread
    deviate = _DEVIATES[draw.quarters("traffic.deviate")[0]]
    count = draws.poisson(means, draw.shares("traffic.reposts"), deviate)
    many = np.flatnonzero(count > REPOST_CUTOFF / 1000)
    cut = draws.exponential()[survival(draw.words("traffic.cutoff")[many])] * REPOST_CUTOFF
    count[many] = np.minimum(count[many], cut).astype(np.int64)
    return count


def _content(c: Columns, draw: Draws, rows: Rows) -> None:
    size = len(rows.item)
    kind, text, title, topic = draw.quarters("content.1")
    source, news, target, diversion = draw.quarters("content.2")
    ai, mismatch, match, link = draw.quarters("content.3")
    code, review, shown, disclosed = draw.quarters("content.4")
    risks = [*draw.quarters("content.5"), *draw.quarters("content.6"), *draw.quarters("content.7")]

    def zeros() -> Bytes:
        return np.zeros(size, dtype=np.int8)

    def missing() -> Bytes:
        return np.full(size, -1, dtype=np.int8)

    by_event = _KIND_BY_EVENT[c["context.event_type"]]
    topics = _TOPICS[topic]
    c["item"] = rows.item
    c["content.id"] = rows.item.copy()
    c["content.kind"] = np.where(by_event < 0, _POSTED[kind], by_event)
    c["content.text"] = (text % _PLAIN_TEXTS).astype(np.int16)
    c["content.title"] = np.where(title < threshold(0.3), (title % 3).astype(np.int16), -1).astype(
        np.int16
    )
    c["content.topic"] = topics
    c["content.news_like"] = (news < threshold(0.03)).astype(np.int8)
    # Where a source is due it is named; where it is not, that is conduct.
    c["content.source_label"] = np.where(
        _DUE[topics], np.int8(place("content.source_label", "present")), _SOURCES[source]
    )
    c["content.ai_score"] = LOW[ai]
    c["content.ai_label"] = zeros()
    c["content.fiction_label"] = zeros()
    c["content.staged_verdict"] = zeros()
    c["content.tampered"] = zeros()
    c["content.old_media_age_d"] = np.zeros(size, dtype=np.int64)
    c["content.context_disclosed"] = missing()
    c["content.elements_missing"] = (news % 3).astype(np.int64)
    c["content.title_mismatch"] = LOW[mismatch]
    c["content.fact_verdict"] = zeros()
    c["content.verdict_source"] = zeros()
    c["content.second_source"] = missing()
    c["content.harm_domain"] = zeros()
    c["content.rumor_match"] = LOW[match]
    c["content.first_post"] = missing()
    c["content.claimed_role"] = zeros()
    c["content.role_verified"] = missing()
    c["content.persona_verdict"] = zeros()
    c["content.charity_verified"] = zeros()
    for name, risk in zip(RISKS, risks, strict=False):
        c[f"content.risk.{name}"] = LOW[risk]
    c["content.target"] = _TARGETS[target]
    c["content.minor_depicted"] = (shown < threshold(0.02)).astype(np.int8)
    c["content.pii_count"] = np.zeros(size, dtype=np.int64)
    c["content.link_risk"] = LOW[link]
    c["content.diversion"] = _DIVERSIONS[diversion]
    c["content.obfuscated"] = LOW[code]
    c["content.ad_disclosure"] = _DISCLOSED[disclosed]
    c["content.review_fake"] = LOW[review]
    c["content.extortion"] = zeros()
    c["content.credential_domain"] = zeros()
    c["content.offtopic"] = zeros()
    c["content.recruits_fake"] = zeros()


def _organisation(c: Columns, draw: Draws) -> None:
    disclosed, violations, together, _ = draw.quarters("org.1")
    agency = c.pop("agency").astype(np.int64)
    signed = agency >= 0
    # What is true of an agency follows from its number.
    grade = _GRADES[(np.maximum(agency, 0) * 40_503) % QUARTER]
    c["org.mcn_id"] = agency
    c["org.mcn_grade"] = np.where(signed, grade, np.int8(place("org.mcn_grade", "na")))
    c["org.mcn_disclosed"] = np.where(signed, disclosed < threshold(0.92), -1).astype(np.int8)
    c["org.mcn_violations_30d"] = np.where(
        signed, violations.astype(np.int64) % (1 + 40 // np.maximum(agency, 1)), -1
    )
    c["org.mcn_coordination"] = np.where(signed, LOW[together], np.nan)


# ── What conduct shows ───────────────────────────────────────────────────────────────────────────


def _show(c: Columns, draw: Draws, rows: Ints, shows: Mapping[str, Shown]) -> None:
    for path, shown in shows.items():
        if isinstance(shown, Maybe):
            hit = draw.shares(f"show.maybe.{path}") < shown.probability
            c[path][rows[hit]] = _element(path, shown.value)
        else:
            c[path][rows] = _elements(path, shown, draw)


def _elements(path: str, shown: Shown, draw: Draws) -> Any:
    """The elements of a column for what is shown."""
    match shown:
        case OneOf(values):
            elements = np.array([_element(path, value) for value in values])
            return elements[draw.below(f"show.{path}", len(values))]
        case Between(least, most):
            return least + draw.below(f"show.{path}", most - least + 1)
        case Above(base, mean):
            above = draws.exponential()[survival(draw.words(f"show.{path}"))]
            return np.round(base + mean * above, 2)
        case Real():
            return HIGH[draw.quarters(f"show.{path}")[0]]
        case Maybe():
            raise AssertionError("a choice within a choice")
        case _:
            return _element(path, shown)


def _element(path: str, value: Plain) -> Plain:
    """The element of a column that stands for a value."""
    match FIELDS[path].kind:
        case Kind.ENUM | Kind.SET:
            return FIELDS[path].values.index(value)
        case Kind.TEXT:
            return WORDINGS[path].index(str(value))
        case _:
            return value
