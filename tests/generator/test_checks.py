"""The world is distributed as it claims to be: tails, rates, clusters, careers and delays.

What a record of measures would be needed for is checked on what the world itself determines: which
accounts its own past has struck and closed. Every test has a fixed seed; the bounds are those that
chance would break about once in a hundred worlds or less.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from clausal.generator import PROFILES, Stream
from clausal.generator.conduct import CAMPAIGNS, CONDUCTS, RATES
from clausal.generator.plan import NAMES, NEVER_REVIEWED
from clausal.generator.signals import FAKE
from clausal.generator.world import NEVER, PLATFORMS, World, heavy, offences

EVENTS = 600_000
PROFILE = replace(PROFILES["M"], events=EVENTS)
POISSON_99 = 2.576


class Drawn:
    """A world with its events as plain columns."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        parts: dict[str, list[NDArray[Any]]] = {}
        for number in range(stream.batches):
            batch = stream._signals.batch(stream.plan.rows(number))
            for name, values in {
                **batch.columns,
                "review": batch.rows.review,
                "conduct": batch.conduct,
                "acted": batch.acted,
                "offender": batch.offender,
                "burst": batch.burst,
                "first": batch.first,
            }.items():
                parts.setdefault(name, []).append(values)
        every = {name: np.concatenate(values) for name, values in parts.items()}
        self.every = every
        self.items = {name: values[~every["review"]] for name, values in every.items()}

    def conduct(self, name: str) -> NDArray[np.bool_]:
        found: NDArray[np.bool_] = self.items["conduct"] == NAMES.index(name)
        return found


@pytest.fixture(scope="module")
def drawn() -> Drawn:
    return Drawn(Stream(PROFILE, 11))


def hill(values: NDArray[Any], top: int) -> float:
    """Hill's estimator of the tail index from the largest values."""
    largest = np.sort(values)[::-1][: top + 1].astype(np.float64)
    return float(1 / np.mean(np.log(largest[:top] / largest[top])))


# ── Rates ────────────────────────────────────────────────────────────────────────────────────────


def test_base_rates_are_those_of_the_design() -> None:
    """Of 100,000 events, 97,400 have no conduct, and campaigns have their shares of the rest."""
    guilty = {name: rate for name, rate in RATES.items() if not CONDUCTS[name].innocent}
    total = sum(guilty.values())
    assert total == pytest.approx(2600, abs=5)
    shares = {name: sum(RATES[one] for one in names) / total for name, names in CAMPAIGNS.items()}
    assert shares["self_media"] == pytest.approx(0.50, abs=0.01)
    assert shares["traffic"] == pytest.approx(0.265, abs=0.01)
    assert shares["diversion"] == pytest.approx(0.14, abs=0.01)
    assert shares["minors_and_gore"] == pytest.approx(0.045, abs=0.002)
    assert shares["rumours"] == pytest.approx(0.03, abs=0.002)
    assert shares["cyber_violence"] == pytest.approx(0.011, abs=0.001)
    assert shares["accounts"] == pytest.approx(0.005, abs=0.001)


def test_look_alikes_are_twice_as_frequent_as_what_they_resemble() -> None:
    guilty = sum(rate for name, rate in RATES.items() if not CONDUCTS[name].innocent)
    innocent = sum(rate for name, rate in RATES.items() if CONDUCTS[name].innocent)
    assert innocent == pytest.approx(2 * guilty, rel=0.05)
    assert {one.resembles for one in CONDUCTS.values() if one.innocent} <= {
        name for name, one in CONDUCTS.items() if not one.innocent
    }


def test_class_counts_are_poisson(drawn: Drawn) -> None:
    """Of 48 classes chance leaves about half a one outside of 99 %; nearly all must be inside."""
    counts = Counter(drawn.items["conduct"].tolist())
    items = len(drawn.items["conduct"])
    outside = []
    for number, (name, rate) in enumerate(RATES.items()):
        mean = rate * items / 100_000
        if abs(counts[number] - mean) > POISSON_99 * math.sqrt(mean) + 1:
            outside.append((name, counts[number], mean))
    assert len(outside) <= 2, outside
    total = sum(RATES.values()) * items / 100_000
    guilty = items - counts[-1]
    assert abs(guilty - total) < POISSON_99 * math.sqrt(total)


def test_kinds_of_event_are_as_frequent_as_claimed(drawn: Drawn) -> None:
    plain = drawn.items["conduct"] < 0
    kinds = drawn.items["context.event_type"][plain]
    share = np.bincount(kinds, minlength=15) / len(kinds)
    # In the order post, edit, repost, comment, danmaku, live_tick, tip.
    assert share[[0, 3, 2, 5, 6]].tolist() == pytest.approx(
        [0.60, 0.25, 0.08, 0.03, 0.02], abs=0.004
    )


# ── Tails ────────────────────────────────────────────────────────────────────────────────────────


def test_views_have_the_tail_that_they_claim(drawn: Drawn) -> None:
    views = drawn.items["traffic.views"]
    assert hill(views, len(views) // 50) == pytest.approx(1.2, abs=0.05)
    assert views.min() >= 20


def test_the_top_percent_of_items_has_nearly_half_of_the_views(drawn: Drawn) -> None:
    """With a tail of 1.2 the share is 0.01 ** (1 - 1 / 1.2), 46 %; the largest items move it."""
    views = np.sort(np.minimum(drawn.items["traffic.views"], 10**7))[::-1].astype(np.float64)
    assert 0.38 < views[: len(views) // 100].sum() / views.sum() < 0.50


def test_reposts_are_a_share_of_the_views(drawn: Drawn) -> None:
    usual = (drawn.items["burst"] < 0) & (drawn.items["traffic.views"] < 100_000)
    reposts = drawn.items["traffic.reposts"][usual]
    views = drawn.items["traffic.views"][usual]
    assert reposts.sum() / views.sum() == pytest.approx(0.006, rel=0.05)
    # Negative binomial with k = 0.4: none at all with probability (k / (k + mean)) ** k.
    low = views < 40
    mean = 0.006 * views[low]
    none = (0.4 / (0.4 + mean)) ** 0.4
    assert (reposts[low] == 0).mean() == pytest.approx(none.mean(), abs=0.005)


def test_followers_are_lognormal(drawn: Drawn) -> None:
    logs = np.log(np.maximum(drawn.stream.world.accounts["followers"], 1))
    assert float(np.median(logs)) == pytest.approx(5.0, abs=0.05)
    upper = float(np.quantile(logs, 0.8413) - np.median(logs))
    assert upper == pytest.approx(2.2, abs=0.05)
    assert drawn.stream.world.accounts["followers"].max() <= 10**8


def test_activity_grows_with_the_fourth_root_of_followers(drawn: Drawn) -> None:
    """Ten thousand times the followers, ten times the events."""
    followers = drawn.stream.world.accounts["followers"]
    plain = (drawn.items["conduct"] < 0) & (drawn.items["account.id"] < len(followers))
    acted = np.bincount(drawn.items["account.id"][plain], minlength=len(followers))
    few = acted[(followers >= 8) & (followers < 12)].mean()
    many = acted[(followers >= 80_000) & (followers < 120_000)].mean()
    assert many / few == pytest.approx(10, rel=0.12)


# ── Who ──────────────────────────────────────────────────────────────────────────────────────────


def test_about_six_percent_of_subjects_have_a_second_account(drawn: Drawn) -> None:
    accounts = drawn.stream.world.accounts
    sizes = np.bincount(accounts["subject"])
    assert (sizes > 1).mean() == pytest.approx(0.06, abs=0.004)
    assert accounts["per_subject"].max() <= 5


def test_shares_of_accounts(drawn: Drawn) -> None:
    accounts = drawn.stream.world.accounts
    earning = accounts["monetised"] > 0
    assert accounts["verified"][earning].mean() == pytest.approx(0.97, abs=0.006)
    assert accounts["verified"][~earning].mean() == pytest.approx(0.85, abs=0.006)
    assert (accounts["agency"][earning] >= 0).mean() == pytest.approx(0.18, abs=0.012)
    assert (accounts["agency"][~earning] >= 0).sum() == 0
    assert accounts["bot"].mean() == pytest.approx(0.015, abs=1e-5)


def test_machines_come_in_clusters() -> None:
    """Pareto with a tail of 1.3 from 20 on: half of the clusters lie below 34."""
    world = World.draw(3, 1_000_000, 86_400.0 * 61, offences(RATES, 1e6))
    sizes = np.diff(world.cluster)[:-1]
    assert sizes.min() >= 20
    assert float(np.median(sizes)) == pytest.approx(20 * 2 ** (1 / 1.3), rel=0.12)
    assert hill(sizes, len(sizes) // 2) == pytest.approx(1.3, rel=0.2)


def test_machines_act_in_bursts_of_minutes_by_one_cluster(drawn: Drawn) -> None:
    rows = np.flatnonzero(drawn.items["burst"] >= 0)
    assert set(drawn.items["conduct"][rows].tolist()) == {FAKE}
    burst, acted = drawn.items["burst"][rows], drawn.items["acted"][rows]
    cluster_of = np.repeat(
        np.arange(len(drawn.stream.world.cluster) - 1), np.diff(drawn.stream.world.cluster)
    )
    where = dict(zip(drawn.stream.world.bots.tolist(), cluster_of.tolist(), strict=True))
    clusters = np.array([where[account] for account in drawn.items["account.id"][rows].tolist()])
    for one in np.unique(burst)[:300].tolist():
        inside = burst == one
        assert np.ptp(acted[inside]) <= 20 * 60
        assert len(set(clusters[inside].tolist())) == 1
        assert len(set(drawn.items["content.id"][rows][inside].tolist())) == 1


def test_few_offenders_cause_most_offences(drawn: Drawn) -> None:
    """12 % of the offenders cause 60 % of what offenders do."""
    world = drawn.stream.world
    counts = np.bincount(
        drawn.items["offender"][drawn.items["offender"] >= 0], minlength=len(world.offenders)
    )
    top = np.sort(counts)[::-1][: round(0.12 * len(counts))].sum()
    assert top / counts.sum() == pytest.approx(0.60, abs=0.06)


def test_offenders_stay_in_their_family_and_medium(drawn: Drawn) -> None:
    """The next offence is of the same family with p = 0.75, and in the same medium with p = 0.9."""
    family = [one.family for one in CONDUCTS.values()]
    free = [
        number
        for number, one in enumerate(CONDUCTS.values())
        if one.actor == "offender" and "content.kind" not in one.shows
    ]
    rows = np.flatnonzero((drawn.items["offender"] >= 0) & np.isin(drawn.items["conduct"], free))
    last: dict[int, tuple[Any, int]] = {}
    same, medium, pairs = 0, 0, 0
    for who, conduct, kind in zip(
        drawn.items["offender"][rows].tolist(),
        drawn.items["conduct"][rows].tolist(),
        drawn.items["content.kind"][rows].tolist(),
        strict=True,
    ):
        if who in last:
            pairs += 1
            same += last[who][0] == family[conduct]
            medium += last[who][1] == kind
        last[who] = family[conduct], kind
    assert pairs > 5000
    assert same / pairs == pytest.approx(0.75, abs=0.05)
    assert medium / pairs == pytest.approx(0.90, abs=0.04)


def test_items_for_each_offending_account_by_platform(drawn: Drawn) -> None:
    """Between 1.5 (mixed platforms) and 29 (articles), as published figures are."""
    rows = drawn.items["offender"] >= 0
    platform = drawn.items["context.platform_type"][rows]
    account = drawn.items["account.id"][rows]
    means = {
        number: (platform == number).sum() / len(np.unique(account[platform == number]))
        for number in np.unique(platform).tolist()
    }
    assert len(means) == len(PLATFORMS)
    assert all(1.5 <= mean <= 29 for mean in means.values()), means


# ── The world's own past ─────────────────────────────────────────────────────────────────────────


def test_a_fourteenth_of_those_struck_are_closed(drawn: Drawn) -> None:
    world = drawn.stream.world
    struck = world.strikes[:, 0] != NEVER
    closed = world.closed != NEVER
    assert not (closed & ~struck).any()
    assert 0.05 <= closed.sum() / struck.sum() <= 0.10
    assert (np.diff(world.strikes.astype(np.int64), axis=1) >= 0).all()


def test_a_strike_makes_the_next_offence_less_likely(drawn: Drawn) -> None:
    """In the second half: those struck once before it, held against those never struck."""
    world, items = drawn.stream.world, drawn.items
    half = drawn.stream.plan.clock.seconds / 2
    segments = world.segments
    inside = np.arange(len(world.offenders)) - np.repeat(segments.start, segments.size)
    light = inside >= np.repeat(heavy(segments.size), segments.size)
    never = light & (world.strikes[:, 0] == NEVER)
    once = light & (world.strikes[:, 0] < half) & (world.strikes[:, 1] == NEVER)
    late = (items["offender"] >= 0) & (items["acted"] >= half)
    counts = np.bincount(items["offender"][late], minlength=len(world.offenders))
    assert counts[once].mean() / counts[never].mean() == pytest.approx(0.5, abs=0.06)


def test_nobody_acts_after_closure_but_with_a_new_account(drawn: Drawn) -> None:
    world, items = drawn.stream.world, drawn.items
    closed = world.accounts["closed"]
    old = items["account.id"] < len(closed)
    assert (items["acted"][old] < closed[items["account.id"][old]]).all()
    evading = items["account.linked_closed"] > 0
    assert 0 < evading.sum() < 0.01 * (items["offender"] >= 0).sum()
    assert (items["account.id"][evading] >= len(closed)).all()


# ── Hot events, detectors, verdicts ──────────────────────────────────────────────────────────────


def test_newcomers_surge_after_a_hot_event(drawn: Drawn) -> None:
    items = drawn.items
    plain = items["conduct"] < 0
    fresh = (items["account.age_d"] < 3) & (items["account.id"] >= PROFILE.accounts)
    linked = items["context.hot_event_id"] >= 0
    early = linked & (items["context.hot_event_age_h"] < 72)
    surge = fresh[plain & early].mean() / fresh[plain & ~early].mean()
    assert surge == pytest.approx(8, rel=0.15)


def test_claims_of_a_part_in_a_hot_event_are_mostly_false() -> None:
    claims = RATES["impersonation"], RATES["true_relative"]
    assert claims[0] / sum(claims) == pytest.approx(0.70, abs=0.005)


def test_detectors_err_as_claimed(drawn: Drawn) -> None:
    real = drawn.items["content.risk.fraud"][drawn.conduct("fraud")]
    usual = drawn.items["content.risk.fraud"][drawn.items["conduct"] < 0]
    assert np.isnan(usual).mean() == pytest.approx(0.04, abs=0.002)
    assert np.nanmean(real) == pytest.approx(0.8, abs=0.03)
    assert np.nanmean(usual) == pytest.approx(1.2 / 10.2, abs=0.002)


def test_verdicts_arrive_late_and_some_never(drawn: Drawn) -> None:
    every = drawn.every
    reviews = np.flatnonzero(every["review"])
    looked = sum(1 for one in CONDUCTS.values() if one.found)
    possible = (drawn.items["conduct"] >= 0) & (drawn.items["conduct"] < looked)
    assert len(reviews) / possible.sum() == pytest.approx(1 - NEVER_REVIEWED, abs=0.025)
    hours = (every["context.time"][reviews] - every["acted"][reviews]) / 3600
    assert float(np.median(hours)) == pytest.approx(9, rel=0.08)
    assert float(np.log(np.maximum(hours, 0.01)).std()) == pytest.approx(1.1, rel=0.08)
    assert len(np.unique(every["context.event_id"][reviews])) == len(reviews)


def test_reviews_show_the_item_again_with_what_was_found(drawn: Drawn) -> None:
    every = drawn.every
    place = {number: row for row, number in enumerate(every["context.event_id"].tolist())}
    changing = {path for one in CONDUCTS.values() for path in one.found} | {
        "context.event_id", "context.time", "context.event_type",
    }  # fmt: skip
    reviews = np.flatnonzero(every["review"])[:500]
    original = np.array([place[-1 - every["context.event_id"][row]] for row in reviews.tolist()])
    for path, values in every.items():
        if "." in path and path not in changing:
            np.testing.assert_array_equal(values[reviews], values[original])


def test_first_posts_are_traced_rightly_in_most_cases(drawn: Drawn) -> None:
    rumour = drawn.conduct("rumour")
    first, traced = drawn.items["first"][rumour], drawn.items["content.first_post"][rumour] > 0
    assert first.mean() == pytest.approx(6 / 80, abs=0.035)
    assert (first == traced).mean() == pytest.approx(0.92, abs=0.035)


# ── Appeals ──────────────────────────────────────────────────────────────────────────────────────


def test_appeals_by_grade_and_outcome(drawn: Drawn) -> None:
    conduct: dict[str, str] = {}
    rows: list[dict[str, Any]] = []
    for number in range(drawn.stream.batches):
        batch = drawn.stream.batch(number)
        names = batch.truth["conduct"].to_pylist()
        ids = batch.truth["event_id"].to_pylist()
        conduct |= {one: name for one, name in zip(ids, names, strict=True) if name != "none"}
        rows += batch.appeals.to_pylist()
    for grade, share in ((1, 0.04), (3, 0.15), (5, 0.35)):
        filed = sum(row["from_grade"] <= grade for row in rows)
        assert filed / len(conduct) == pytest.approx(share, abs=0.01)
    staged = [
        r["overturned"]
        for r in rows
        if conduct[r["event_id"]] in {"staged", "labelled_satire", "unlabelled_fiction"}
    ]
    other = [
        r["overturned"]
        for r in rows
        if conduct[r["event_id"]]
        not in {"staged", "labelled_satire", "unlabelled_fiction", "rumour"}
    ]
    assert sum(staged) / len(staged) == pytest.approx(0.30, abs=0.06)
    assert sum(other) / len(other) == pytest.approx(0.12, abs=0.02)
