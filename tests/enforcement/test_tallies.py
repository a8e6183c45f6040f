"""Tallies against a list of all events: windows, late and repeated events, what is missing."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis import Redis

from clausal.compiler.pipeline import compile_sources
from clausal.dsl.source import Source
from clausal.enforcement.tallies import MemoryTallies, StoreError, Tallies, TallyChanged, TallyStore
from clausal.enforcement.tallies.in_redis import RedisTallies
from clausal.enforcement.tallies.store import EXACT, Watermark
from clausal.engine.evaluator import Bundle
from clausal.engine.values import FAILED
from tests.support.redis_server import redis_server
from tests.support.tallied import LIBRARY, OVER, Model, bundle, event

BUNDLE = bundle()

Made = dict[str, Any]
Figures = dict[str, Any]


def bare(figures: Sequence[Figures]) -> list[Figures]:
    return [{name.rpartition(".")[2]: one for name, one in each.items()} for each in figures]


def taken(events: Sequence[Made], store: TallyStore, **options: Any) -> list[Figures]:
    return bare(Tallies(BUNDLE, store, **options).take(events))


Open = Callable[[], TallyStore]


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The address of a Redis server."""
    with redis_server() as url:
        yield url


@pytest.fixture(scope="module", params=["memory", "redis"])
def fresh(request: pytest.FixtureRequest) -> Iterator[Open]:
    """Makes stores that hold nothing."""
    if request.param == "memory":
        yield MemoryTallies
        return
    url: str = request.getfixturevalue("server")
    numbers = count()
    with ExitStack() as opened:

        def open_() -> TallyStore:
            store = RedisTallies(url, prefix=f"test:{next(numbers)}")
            opened.callback(store.close)
            return store

        yield open_


# ── The figures ──────────────────────────────────────────────────────────────────────────────────

moments = st.one_of(
    st.integers(0, 20).map(lambda step: step * 300.0),
    st.floats(0, 90_000).map(lambda second: round(second, 6)),
)
"""Instants on the edges of windows and at equal times, and any others."""

posts = st.fixed_dictionaries(
    {},
    optional={
        "kind": st.sampled_from(["text", "video"]),
        "topic": st.sampled_from(["x", "y", "z", "\udc80", "", ...]),
        "tips": st.one_of(st.integers(0, 10), st.floats(0, 1e6), st.just(...)),
        "staged": st.booleans(),
        "body": st.sampled_from(["快看这里", "你好", "速转", ""]),
    },
)


@st.composite
def streams(draw: st.DrawFn) -> list[Made]:
    """Events in any order of time, some of them more than once."""
    made = [
        event(f"e{number}", draw(moments), draw(st.sampled_from("ab")), **draw(posts))
        for number in range(draw(st.integers(1, 25)))
    ]
    again = draw(st.lists(st.sampled_from(made), max_size=8))
    return draw(st.permutations(made + again))


def cut(events: Sequence[Made], sizes: Sequence[int]) -> Iterator[Sequence[Made]]:
    """The events in batches."""
    place = 0
    for size in sizes:
        yield events[place : place + size]
        place += size
    yield events[place:]


@given(streams(), st.lists(st.integers(0, 6), max_size=6))
def test_figures_are_those_of_a_list_of_all_events(
    fresh: Open, events: list[Made], sizes: list[int]
) -> None:
    tallies = Tallies(BUNDLE, fresh())
    found = [one for batch in cut(events, sizes) for one in bare(tallies.take(batch))]
    model = Model()
    for made, figures in zip(events, found, strict=True):
        assert figures == pytest.approx(model.take(made), rel=1e-12, abs=0)


@given(streams(), st.randoms(use_true_random=False))
def test_what_was_taken_up_decides_and_not_the_order(
    fresh: Open, events: list[Made], chance: random.Random
) -> None:
    last = event("last", 50_000, "a")
    one = taken([*events, last], fresh())[-1]
    chance.shuffle(events)
    assert taken([*events, last], fresh())[-1] == pytest.approx(one, rel=1e-12, abs=0)


def test_windows_are_half_open_and_leave_out_the_instant_itself(fresh: Open) -> None:
    events = [
        event("first", 0, kind="text"),
        event("same", 0, kind="text"),
        event("edge", 600, kind="text"),
        event("over", 600.000001, kind="text"),
    ]
    assert [one["posts"] for one in taken(events, fresh())] == [0, 0, 2, 1]


def test_dense_streams_agree_with_the_list(fresh: Open) -> None:
    chance = random.Random(6)
    events = [
        event(
            str(n),
            n * 7.3,
            "a",
            kind="text",
            topic=f"t{chance.randrange(40)}",
            tips=n % 50,
            staged=n % 3 == 0,
        )
        for n in range(600)
    ]
    # Every ninth comes about ten minutes late.
    order = sorted(range(600), key=lambda n: n + 80 * (n % 9 == 0))
    tallies, model = Tallies(BUNDLE, fresh()), Model()
    found = bare(tallies.take([events[n] for n in order]))
    for number, figures in zip(order, found, strict=True):
        expected = model.take(events[number])
        assert figures == pytest.approx(expected, rel=1e-12, abs=0)


def test_keys_are_apart(fresh: Open) -> None:
    events = [event("1", 0, "a", kind="text"), event("2", 1, "b"), event("3", 1, "a")]
    assert [one["posts"] for one in taken(events, fresh())] == [0, 0, 1]


def test_a_condition_that_is_unknown_counts_nothing(fresh: Open) -> None:
    events = [event("1", 0), event("2", 1, kind=...), event("3", 2, kind="text"), event("4", 3)]
    assert taken(events, fresh())[-1]["posts"] == 1


def test_a_key_that_is_missing_leaves_figures_absent_and_one_that_failed_fails_them(
    fresh: Open,
) -> None:
    missing, failed = taken([event("1", 0, None), event("2", 0, ...)], fresh())
    assert missing == {}
    assert failed == dict.fromkeys(OVER, FAILED)


def test_an_event_that_cannot_be_read_is_not_taken_up(fresh: Open) -> None:
    broken = event("1", 0, kind="txt")
    untimed = event("2", 0, kind="text")
    del untimed["act"]["time"]
    found = taken([broken, untimed, event("3", 1)], fresh())
    assert found[:2] == [{}, {}]
    assert found[2]["posts"] == 0


def test_events_without_a_name_are_named_by_what_they_are(fresh: Open) -> None:
    one, other = event("x", 0, kind="text"), event("x", 0, kind="text", topic="y")
    del one["act"]["id"], other["act"]["id"]
    again = {**one, "$history": {"tallies": {}}}
    assert taken([one, again, other, event("last", 1)], fresh())[-1]["posts"] == 2


def test_a_bundle_without_tallies_has_no_figures(fresh: Open) -> None:
    policy = """
policy made.plain 1.0.0 {
  title zh "无" en "Plain"
  in force 2020-01-01 ..
  time zone "UTC"
  use made.posts 1
}
clause 1 "规则。"
rule staged {
  cites 1
  when post.staged
  then warn
  because zh "摆拍。" en "Staged."
}
"""
    plain = Bundle(compile_sources([Source("made.policy", LIBRARY), Source("p.policy", policy)]))
    assert Tallies(plain, fresh()).take([event("1", 0)]) == [{}]


def test_decisions_rest_on_the_figures(fresh: Open) -> None:
    tallies = Tallies(BUNDLE, fresh())
    fired = []
    for second in range(6):
        made = event(str(second), second, kind="text", staged=False, topic="x", tips=0, body="")
        (figures,) = tallies.take([made])
        fired.append(len(BUNDLE.evaluate(made, history={"tallies": figures}).findings))
    assert fired == [0, 0, 0, 0, 1, 1]


# ── Lateness ─────────────────────────────────────────────────────────────────────────────────────


def test_one_wrong_clock_makes_nobody_late() -> None:
    mark = Watermark()
    mark.see(10**15, "wrong")
    for number in range(Watermark.DEPTH):
        for _ in range(3):
            mark.see(number, str(number))
    assert mark.at == 1
    assert Watermark(mark.reached).at == 1


def test_events_that_are_too_late_have_no_figures_but_still_count(fresh: Open) -> None:
    store = fresh()
    early = [event(f"e{n}", 10_000 + n, "b", kind="text") for n in range(Watermark.DEPTH)]
    tallies = Tallies(BUNDLE, store, lateness=timedelta(minutes=5))
    tallies.take(early)
    late, later, in_time = bare(
        tallies.take(
            [
                event("late", 9_699, "a", kind="text"),
                event("later", 9_000, "a", kind="text"),
                event("in time", 9_700, "a"),
            ]
        )
    )
    assert late == later == {}
    assert in_time["posts"] == 1
    assert in_time["pace"] == pytest.approx(2 / 3600)


def test_what_a_window_can_still_reach_is_kept_to_the_instant(fresh: Open) -> None:
    tallies = Tallies(BUNDLE, fresh(), lateness=timedelta(0))
    tallies.take([event("edge", 0, kind="text"), event("before", -0.000001, kind="text")])
    # From here on nothing before the edge is within any window of ten minutes.
    tallies.take([event(f"b{n}", 600, "b") for n in range(Watermark.DEPTH)])
    tallies.take([event(f"a{n}", 600, "a", kind="text") for n in range(300)])
    assert bare(tallies.take([event("last", 600)]))[0]["posts"] == 1


# ── Sketches ─────────────────────────────────────────────────────────────────────────────────────

MANY = 3 * EXACT


def crowd(seed: int) -> list[Made]:
    """More events of one key than are kept, over half an hour, in the order of time."""
    chance = random.Random(seed)
    seconds = sorted(chance.uniform(0, 1800) for _ in range(MANY))
    return [
        event(
            f"{seed}-{n}",
            second,
            kind="text",
            topic=f"t{n % 6000}",
            tips=5 + n % 90,
            staged=False,
            body="快看",
        )
        for n, second in enumerate(seconds)
    ]


def test_beyond_the_bound_figures_are_near_and_repeats_change_nothing(fresh: Open) -> None:
    tallies = Tallies(BUNDLE, fresh())
    events = crowd(1)
    model = Model()
    for made in events:
        model.taken[made["act"]["id"]] = made
    for start in range(0, MANY, 500):
        tallies.take(events[start : start + 500])
    last = event("last", 1801)
    (before,) = bare(tallies.take([last]))
    exact = {name: model.figure(name, last) for name in OVER}
    # Three standard errors of HyperLogLog, and the edge of a bucket.
    assert before == pytest.approx(exact, rel=0.06)
    assert before != pytest.approx(exact, rel=1e-9)
    tallies.take(random.Random(2).sample(events, 3000))
    # The event itself is among them now.
    assert bare(tallies.take([last])) == [pytest.approx(before, rel=1e-3)]


def test_a_key_that_was_silent_is_exact_again(fresh: Open) -> None:
    tallies = Tallies(BUNDLE, fresh(), lateness=timedelta(0))
    many = [event(f"m{n}", n / EXACT, kind="text") for n in range(EXACT + 1)]
    tallies.take(many)
    tallies.take([event(f"b{n}", 100_000, "b") for n in range(Watermark.DEPTH)])
    few = [event(f"f{n}", 100_000, kind="text") for n in range(30)]
    tallies.take([*few, event("3", 100_009, kind="text")])
    # The window begins between them, in one bucket: a sketch would take a part of all.
    assert bare(tallies.take([event("last", 100_605)]))[0]["posts"] == 1


# ── Identity ─────────────────────────────────────────────────────────────────────────────────────


def test_another_definition_is_refused_until_somebody_chose(fresh: Open) -> None:
    store = fresh()
    taken([event("1", 0, kind="text", topic="x", staged=False)], store)
    changed = bundle(
        posts="count by account.id over 20m where post.kind == text",
        topics="distinct post.kind by account.id over 1h",
    )
    with pytest.raises(TallyChanged) as caught:
        Tallies(changed, store)
    posts, topics = caught.value.changed
    assert (posts.name, posts.fields, posts.can_be_kept) == ("made.tallied.posts", ("over",), True)
    assert (topics.name, topics.can_be_kept) == ("made.tallied.topics", False)
    assert "`over` was `600 s` and is `1200 s`; choose `keep` or `reset`" in str(caught.value)
    with pytest.raises(TallyChanged, match="topics"):
        Tallies(changed, store, choices={posts.name: "keep", topics.name: "keep"})
    tallies = Tallies(changed, store, choices={posts.name: "keep", topics.name: "reset"})
    (figures,) = bare(tallies.take([event("2", 900, kind="text", topic="y", staged=False)]))
    assert (figures["posts"], figures["topics"]) == (1, 0)
    Tallies(changed, store)


def test_a_reset_forgets_and_a_bundle_that_says_the_same_goes_on(fresh: Open) -> None:
    store = fresh()
    taken([event("1", 0, kind="text")], store)
    assert taken([event("2", 1, kind="text")], store)[0]["posts"] == 1
    choices = {"made.tallied.posts": "reset"}
    assert taken([event("3", 2, kind="text")], store, choices=choices)[0]["posts"] == 0


def test_a_param_and_a_list_of_terms_are_part_of_the_definition(fresh: Open) -> None:
    store = fresh()
    Tallies(BUNDLE, store)
    with pytest.raises(TallyChanged, match=r"tipped.*post.tips >= 5.*post.tips >= "):
        Tallies(BUNDLE.rebind(least=6), store)
    with pytest.raises(TallyChanged, match="shouted"):
        Tallies(bundle(loud='["快看"]'), store)


def test_a_choice_about_no_tally_is_refused(fresh: Open) -> None:
    with pytest.raises(ValueError, match="no tally `posts`"):
        Tallies(BUNDLE, fresh(), choices={"posts": "keep"})


# ── In memory alone ──────────────────────────────────────────────────────────────────────────────


@given(streams(), streams())
def test_a_store_goes_on_from_its_file(
    tmp_path_factory: pytest.TempPathFactory, events: list[Made], more: list[Made]
) -> None:
    path = tmp_path_factory.mktemp("tallies") / "t.tallies"
    store = MemoryTallies()
    taken(events, store)
    store.save(path)
    assert taken(more, MemoryTallies.load(path)) == taken(more, store)


def test_sketches_go_into_the_file(tmp_path: Path) -> None:
    store = MemoryTallies()
    events = crowd(3)
    taken(events, store)
    store.save(tmp_path / "t")
    more = [event("last", 1801), *events[:500], event("last", 1801)]
    assert taken(more, MemoryTallies.load(tmp_path / "t")) == taken(more, store)


@pytest.mark.parametrize("data", [None, b"", b"nonsense", b"\x80"])
def test_a_file_that_is_none_is_refused(tmp_path: Path, data: bytes | None) -> None:
    path = tmp_path / "t"
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(StoreError, match=r"`.*t`"):
        MemoryTallies.load(path)


def test_what_no_window_reaches_is_forgotten() -> None:
    store = MemoryTallies()
    tallies = Tallies(BUNDLE, store, lateness=timedelta(minutes=1))
    day = 86_400
    for number in range(2000):
        tallies.take([event(str(number), number * 600, f"a{number}", body="快看", kind="text")])
    # The longest window is a day, which is 144 events; a quarter more until keys are looked for,
    # and what the watermark is behind.
    assert store.keys < 5 * (1.25 * day / 600 + Watermark.DEPTH)
    for number in range(2000):
        tallies.take([event(f"x{number}", 2000 * 600 + number * 60, "x", kind="text")])
    held = store._tallies["made.tallied.posts"].series["x"].exact
    assert len(held.times) == len(held.ids) <= 2 * (11 + Watermark.DEPTH)


# ── In Redis alone ───────────────────────────────────────────────────────────────────────────────


def test_processes_share_what_they_counted(server: str) -> None:
    stores = [RedisTallies(server, prefix="shared") for _ in range(4)]
    tallies = [Tallies(BUNDLE, store) for store in stores]
    events = [event(str(n), n, kind="text", topic=f"t{n % 9}", staged=False) for n in range(400)]
    # Each event is taken by two of them, as when one stopped before it said that it was done.
    shares = [events[n % 4 :: 4] + events[n % 3 :: 3] for n in range(8)]
    with ThreadPoolExecutor(len(tallies)) as pool:
        list(pool.map(lambda n: tallies[n % 4].take(shares[n]), range(8)))
    (figures,) = bare(tallies[0].take([event("last", 400)]))
    assert (figures["posts"], figures["topics"]) == (400, 9)
    for store in stores:
        store.close()


def test_a_server_that_lost_the_script_is_told_again(server: str) -> None:
    with closing(RedisTallies(server, prefix="flushed")) as store:
        tallies = Tallies(BUNDLE, store)
        tallies.take([event("1", 0, kind="text")])
        with closing(Redis.from_url(server)) as client:
            client.script_flush()
        assert bare(tallies.take([event("2", 1)]))[0]["posts"] == 1


def test_a_kept_sum_goes_on_with_a_longer_window(server: str) -> None:
    with closing(RedisTallies(server, prefix="kept")) as store:
        Tallies(BUNDLE, store).take([event(str(n), n * 60, tips=5) for n in range(60)])
        longer = bundle(tipped="sum post.tips by account.id over 2h where post.tips >= least")
        tallies = Tallies(longer, store, choices={"made.tallied.tipped": "keep"})
        more = [event(str(n), n * 60, tips=5) for n in range(60, 90)]
        found = [one["tipped"] for one in bare(tallies.take(more))]
        assert found == [5 * n for n in range(60, 90)]


def test_keys_end_by_themselves(server: str) -> None:
    with closing(RedisTallies(server, prefix="ending", retention=timedelta(0))) as store:
        Tallies(BUNDLE, store).take([event("1", 0, kind="text", tips=9, topic="x", staged=False)])
        with closing(Redis.from_url(server)) as client:
            ends = {key: client.pttl(key) for key in client.scan_iter("ending:made.*")}
    assert len(ends) == 6
    assert all(0 < end <= (25 * 3600) * 1000 for end in ends.values())


@pytest.mark.parametrize("url", ["redis://127.0.0.1:1/0", "http://x"])
def test_a_server_that_is_not_there_is_named(url: str) -> None:
    with pytest.raises(StoreError, match="Redis server"):
        Tallies(BUNDLE, RedisTallies(url))
