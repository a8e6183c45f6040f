"""History: what it may hold, by which names, and when a strike is active."""

from __future__ import annotations

from datetime import UTC, datetime
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clausal.compiler.ir import Slot
from clausal.compiler.types import Scalar
from clausal.engine._core import Core
from clausal.engine.event import ABSENT, FAILED, EventError, EventReader, History, Missing, Value
from clausal.engine.history import HistoryReader
from tests.strategies.events import EventWriter
from tests.strategies.ir import write_corpus
from tests.support.tables import core_of, corpus_of, ladder, read

DAY = 86_400_000_000
ACT = "2024-05-01T00:00:00Z"
ACT_MICROSECONDS = int(datetime(2024, 5, 1, tzinfo=UTC).timestamp()) * 1_000_000

SLOTS = [
    Slot(("cn.a.posts",), Scalar("number"), "tally"),
    Slot(("cn.b.posts",), Scalar("number"), "tally"),
    Slot(("cn.a.rate",), Scalar("number"), "tally"),
    Slot(("cn.a.hoaxes",), Scalar("share"), "similarity"),
    Slot(("cn.a.posts",), Scalar("integer"), "strikes"),
    Slot(("plain",), Scalar("number"), "tally"),
]
A_POSTS, B_POSTS, RATE, HOAXES, STRIKES, PLAIN = range(1, 7)
TABLE = corpus_of(SLOTS, ladders=[ladder("cn.a.posts", STRIKES, 30 * DAY)])


@pytest.fixture(scope="module")
def core() -> Core:
    return core_of(TABLE)


def figures(core: Core, carried: object, *slots: int) -> list[Value | Missing]:
    """The values of slots under a history that rides on the event, as both readers have them."""
    event = {"time": ACT, "$history": carried}
    plain = EventReader(TABLE.slots, TABLE.time_slot, TABLE.ladders).read(event)
    found = core.read(event)
    assert [found.value(slot) for slot in range(len(TABLE.slots))] == plain
    return [found.value(slot) for slot in slots]


def problems(core: Core, carried: object) -> list[str]:
    """What is wrong with a history, as both readers say it."""
    event = {"time": ACT, "$history": carried}
    with pytest.raises(EventError) as plain:
        EventReader(TABLE.slots, TABLE.time_slot, TABLE.ladders).read(event)
    with pytest.raises(EventError) as error:
        core.read(event)
    assert error.value.problems == plain.value.problems
    return str(error.value).split("\n")


def test_figures_by_qualified_and_by_bare_names(core: Core) -> None:
    carried = {
        "tallies": {"cn.a.posts": 3, "cn.b.posts": 4.5, "rate": 0.25, "plain": 1, "unread": "x"},
        "similarity": {"hoaxes": 0.9},
        "strikes": {"posts": 2},
    }
    values = figures(core, carried, A_POSTS, B_POSTS, RATE, HOAXES, STRIKES, PLAIN)
    assert values == [3.0, 4.5, 0.25, 0.9, 2.0, 1.0]


@pytest.mark.parametrize("carried", [None, {}, {"tallies": None}, {"tallies": {"rate": None}}])
def test_figures_that_are_not_there_are_absent(core: Core, carried: object) -> None:
    assert figures(core, carried, A_POSTS, RATE, HOAXES, STRIKES) == [ABSENT] * 4


def test_figures_fail_alone_in_groups_and_altogether(core: Core) -> None:
    failed = {"$failed": "timeout"}
    assert figures(core, {"tallies": {"rate": failed}}, RATE, HOAXES) == [FAILED, ABSENT]
    assert figures(core, {"tallies": failed}, A_POSTS, RATE, HOAXES) == [FAILED, FAILED, ABSENT]
    assert figures(core, failed, A_POSTS, RATE, HOAXES, STRIKES) == [FAILED] * 4
    assert figures(core, FAILED, A_POSTS, RATE, HOAXES, STRIKES) == [FAILED] * 4


@pytest.mark.parametrize(
    ("issued", "active"),
    [
        ([], 0),
        (["2024-05-01T00:00:00Z"], 1),
        (["2024-05-01T00:00:00.000001Z"], 0),
        (["2024-04-01T00:00:00Z"], 0),
        (["2024-04-01T00:00:00.000001Z"], 1),
        (["2024-04-01T08:00:00.000001+08:00", "2024-04-30T23:59:59Z", "2023-01-01T00:00:00Z"], 2),
        ([datetime(2024, 4, 30, tzinfo=UTC)], 1),
        (("2024-04-30T00:00:00Z", "2024-04-30T00:00:00Z"), 2),
    ],
)
def test_a_strike_is_active_from_its_issue_for_as_long_as_the_ladder_says(
    core: Core, issued: object, active: int
) -> None:
    assert figures(core, {"strikes": {"cn.a.posts": issued}}, STRIKES) == [float(active)]


def test_without_the_instant_of_the_act_only_counts_are_known(core: Core) -> None:
    for time, missing in ((None, ABSENT), ({"$failed": "x"}, FAILED)):
        event = {"time": time, "$history": {"strikes": {"posts": [ACT]}}}
        assert read(core, event, slot=STRIKES) is missing
        assert read(core, {"$history": {"strikes": {"posts": 3}}}, slot=STRIKES) == 3.0


@pytest.mark.parametrize(
    ("carried", "expected"),
    [
        (5, ["`$history`: expected an object, got `5`"]),
        (
            {"strike": {}},
            [
                (
                    "`$history`: expected `strikes`, `tallies` or `similarity` (did you mean "
                    "`strikes`?), got `strike`"
                )
            ],
        ),
        (
            {1: {}},
            ["`$history`: expected `strikes`, `tallies` or `similarity`, got the key `1`"],
        ),
        ({"tallies": [1]}, ["`$history.tallies`: expected an object, got a list of 1 item"]),
        (
            {"$failed": "x", "tallies": {}},
            ["`$history`: expected `$failed` alone, got other keys beside it"],
        ),
        (
            {"tallies": {"$failed": 1}},
            ['`$history.tallies["$failed"]`: expected the reason as text, got `1`'],
        ),
        (
            {"tallies": {"rate": "many"}, "similarity": {"cn.a.hoaxes": 1.5}},
            [
                '`$history.similarity["cn.a.hoaxes"]`: expected a share from 0 to 1, got `1.5`',
                "`$history.tallies.rate`: expected a number, got the text `many`",
            ],
        ),
        (
            {"tallies": {"posts": 1}},
            [
                (
                    "`$history.tallies.posts`: expected `cn.a.posts` or `cn.b.posts`, got a name that "
                    "means each of them"
                )
            ],
        ),
        (
            {"tallies": {"rate": 1, "cn.a.rate": 1}},
            ["`$history.tallies.rate`: expected each figure once, got `cn.a.rate` as well"],
        ),
        (
            {"strikes": {"posts": -1}},
            [
                (
                    "`$history.strikes.posts`: expected the number of active strikes, or a list of the "
                    "instants when they were issued, got `-1`"
                )
            ],
        ),
        (
            {"strikes": {"posts": "2024-05-01T00:00:00Z"}},
            [
                (
                    "`$history.strikes.posts`: expected the number of active strikes, or a list of the "
                    "instants when they were issued, got the text `2024-05-01T00:00:00Z`"
                )
            ],
        ),
        (
            {"strikes": {"posts": [ACT, 1_714_521_600]}},
            [
                (
                    "`$history.strikes.posts[1]`: expected an instant such as "
                    "`2024-05-01T12:00:00+08:00`, got `1714521600`"
                )
            ],
        ),
    ],
)
def test_what_is_wrong_with_a_history(core: Core, carried: object, expected: list[str]) -> None:
    assert problems(core, carried) == expected


def test_history_comes_in_one_place(core: Core) -> None:
    event = {"time": ACT, "$history": {"tallies": {"rate": 1}}}
    with pytest.raises(EventError, match="expected history in one place"):
        core.read(event, History())
    assert read(core, {"time": ACT}, History(tallies={"rate": 1.0}), slot=RATE) == 1.0
    assert read(core, {"time": ACT, "$history": None}, History(tallies={"rate": 1}), slot=RATE) == 1


def test_a_history_beside_the_event_has_instants_in_microseconds(core: Core) -> None:
    history = History(strikes={"posts": (ACT_MICROSECONDS, ACT_MICROSECONDS - 30 * DAY)})
    assert read(core, {"time": ACT}, history, slot=STRIKES) == 1.0
    assert read(core, {"time": ACT}, History(strikes=FAILED), slot=STRIKES) is FAILED
    assert read(core, {"time": ACT}, History(strikes={"posts": FAILED}), slot=STRIKES) is FAILED


def test_a_history_is_checked_when_it_is_made() -> None:
    wrong: dict[str, object] = {"rate": "many", "plain": None, "x": True}
    with pytest.raises(EventError) as error:
        History(tallies=wrong)  # type: ignore[arg-type] # it is what is refused
    assert [problem.path for problem in error.value.problems] == [
        "$history.tallies.rate",
        "$history.tallies.x",
    ]
    with pytest.raises(EventError, match="microseconds in the years 1685 to 2254"):
        History(strikes={"posts": (2**53,)})
    assert History(tallies={"a": 1}).tallies == {"a": 1.0}


def test_a_parsed_history_is_all_checked_also_what_no_slot_reads() -> None:
    assert History.parse({"strikes": {"x": [ACT]}}) == History(strikes={"x": (ACT_MICROSECONDS,)})
    with pytest.raises(EventError, match="unread"):
        History.parse({"tallies": {"unread": "x"}})


@given(st.integers(0, 2**32))
def test_history_beside_the_event_is_as_history_inside_of_it(seed: int) -> None:
    random = Random(seed)
    corpus = write_corpus(random)
    core = core_of(corpus)
    event = EventWriter(random, corpus).event()
    inside = [core.read(event).value(slot) for slot in range(len(corpus.slots))]
    history = History.parse(event.pop("$history", {}))
    values = core.read(event, history)
    assert [values.value(slot) for slot in range(len(corpus.slots))] == inside


def test_a_slot_of_strikes_needs_one_window() -> None:
    slots = [Slot(("p.x",), Scalar("integer"), "strikes")]
    with pytest.raises(ValueError, match="the strikes of no ladder"):
        HistoryReader(slots, ())
    with pytest.raises(ValueError, match="over different windows"):
        HistoryReader(slots, (ladder("p.x", 0, DAY), ladder("p.x", 0, 2 * DAY)))
    HistoryReader(slots, (ladder("p.x", 0, DAY), ladder("p.x", 0, DAY)))
