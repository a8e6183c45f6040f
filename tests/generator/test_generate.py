"""The generated world: the same for the same seed, in order, and shaped as it claims."""

from __future__ import annotations

import io
import itertools
import json
import math
from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from clausal.generator import PROFILES, Profile, generate, write
from clausal.generator.signals import CONDUCTS, INNOCENT, REVIEWED

SMALL = replace(PROFILES["S"], events=3000, accounts=500)


def lines(profile: Profile, seed: int, ladder: str | None = None) -> tuple[bytes, bytes]:
    events, truth = io.BytesIO(), io.BytesIO()
    write(generate(profile, seed, ladder=ladder), events, truth)
    return events.getvalue(), truth.getvalue()


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others() -> None:
    assert lines(SMALL, 7) == lines(SMALL, 7)
    assert lines(SMALL, 7)[0] != lines(SMALL, 8)[0]


def test_events_come_in_order_of_time_and_within_the_days() -> None:
    events = [json.loads(line) for line in lines(SMALL, 1)[0].splitlines()]
    times = [event["context"]["time"] for event in events]
    assert times == sorted(times)
    assert times[0] >= "2024-04-23T00:00:00+08:00"
    posts = [e["context"]["time"] for e in events if e["context"]["event_type"] != "review"]
    assert posts[-1] < "2024-06-23T00:00:00+08:00"


def test_every_event_has_its_truth_apart() -> None:
    events, truth = lines(SMALL, 1)
    events_ids = [json.loads(line)["context"]["event_id"] for line in events.splitlines()]
    truths = [json.loads(line) for line in truth.splitlines()]
    assert events_ids == [t["event_id"] for t in truths]
    assert len(set(events_ids)) == len(events_ids)
    assert b"conduct" not in events
    for one in truths:
        assert one["innocent"] == (one["conduct"] in INNOCENT or one["conduct"] == "none")


def test_conduct_is_as_frequent_as_the_profile_says() -> None:
    """Each count within five standard deviations of its Poisson mean: fails once in a million."""
    profile = replace(PROFILES["S"], events=40_000)
    truths = Counter(
        item.truth["conduct"]
        for item in generate(profile, 3)
        if item.event["context"]["event_type"] != "review"
    )
    for name, rate in profile.rates.items():
        mean = rate * profile.events / 100_000
        assert abs(truths[name] - mean) <= 5 * math.sqrt(mean) + 1, name


def test_views_have_the_tail_that_they_claim() -> None:
    """Hill's estimator over the top 5 % of views."""
    views = np.sort(
        [item.event["traffic"]["views"] for item in generate(replace(SMALL, events=40_000), 5)]
    )[::-1]
    top = views[: len(views) // 20].astype(float)
    tail = 1 / np.mean(np.log(top[:-1] / top[-1]))
    assert tail == pytest.approx(1.2, abs=0.12)


def test_reviews_follow_what_they_review() -> None:
    posted: dict[str, dict[str, Any]] = {}
    reviews = 0
    for item in generate(replace(SMALL, events=20_000), 2):
        event = item.event
        if event["context"]["event_type"] == "review":
            reviews += 1
            original = posted[event["content"]["id"]]
            assert original["context"]["time"] <= event["context"]["time"]
            verdict = REVIEWED[item.truth["conduct"]]
            assert {key: event["content"][key] for key in verdict} == dict(verdict)
            assert original["account"] == event["account"]
        else:
            posted[event["content"]["id"]] = event
    assert reviews > 20


def test_a_ladder_gives_every_event_a_history() -> None:
    name = "cn.self_media_traffic.fabrication"
    strikes = 0
    for item in itertools.islice(generate(SMALL, 4, ladder=name), 3000):
        history = item.event["$history"]["strikes"][name]
        assert history == sorted(history)
        assert all(issued <= item.event["context"]["time"] for issued in history)
        strikes += bool(history)
        if history:
            assert item.truth["conduct"] not in INNOCENT
    assert strikes > 0


def test_memory_does_not_grow_with_the_number_of_events() -> None:
    stream = generate(replace(PROFILES["L"], accounts=1000), 1)
    assert sum(1 for _ in itertools.islice(stream, 9000)) == 9000


@pytest.mark.parametrize(
    "change",
    [{"events": 0}, {"accounts": 0}, {"days": 0}, {"rates": {"staged": -1}}, {"rates": {"a": 2e5}}],
)
def test_an_impossible_profile_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"world|rates"):
        replace(SMALL, **change)


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_a_seed_out_of_range_is_refused(seed: int) -> None:
    with pytest.raises(ValueError, match="seed"):
        generate(SMALL, seed)


def test_every_rate_has_its_conduct() -> None:
    assert set(PROFILES["S"].rates) == set(CONDUCTS)
