"""Whatever an adapter does: in order per key, until it arrives or is given up, and never too early."""

from __future__ import annotations

import threading
from collections.abc import Collection, Sequence
from concurrent.futures import wait
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clausal.enforcement.delivery.adapter import Failure
from clausal.enforcement.delivery.backoff import Backoff
from clausal.enforcement.delivery.dispatcher import Background, Dispatcher
from clausal.enforcement.ledger import Message, Waiting
from clausal.enforcement.memory import MemoryOutbox

SECOND = 1_000_000

OUTCOMES = st.sampled_from(["arrives", "fails", "arrives unseen", "refused", "raises", "asks"])


class Recorder:
    """An adapter whose outcomes are given beforehand, and which takes note of what it is handed."""

    def __init__(self, outcomes: Sequence[str], lanes: int = 1, batch: int = 10) -> None:
        self.lanes, self.batch = lanes, batch
        self.outcomes = list(outcomes)
        self.handed: list[str] = []
        self.arrived: list[str] = []
        self.refused: list[str] = []
        self.now = 0
        self.times: dict[str, list[int]] = {}
        self.asked_until = 0
        self.closed = False
        self.lock = threading.Lock()
        self.keys_out: set[str] = set()

    def deliver(self, messages: Sequence[Waiting]) -> Sequence[Failure | None]:
        with self.lock:
            keys = [one.message.key for one in messages]
            assert 0 < len(messages) <= self.batch
            assert len({*keys}) == len(keys)
            assert not self.keys_out & {*keys}, "two messages of one key are out"
            assert self.now >= self.asked_until, "the receiver asked to be left alone"
            self.keys_out |= {*keys}
            for one in messages:
                self.handed.append(one.message.id)
                self.times.setdefault(one.message.id, []).append(self.now)
            asked, refused = self.asked_until, len(self.refused)
            try:
                return [self.take(one) for one in messages]
            except RuntimeError:
                # Nobody learns what came of any.
                self.asked_until = asked
                del self.refused[refused:]
                raise
            finally:
                self.keys_out -= {*keys}

    def take(self, one: Waiting) -> Failure | None:
        name = one.message.id
        match self.outcomes.pop() if self.outcomes else "arrives":
            case "arrives":
                self.arrived.append(name)
                return None
            case "arrives unseen":
                self.arrived.append(name)
                return Failure("the answer was lost")
            case "refused":
                self.refused.append(name)
                return Failure("no", permanent=True)
            case "raises":
                raise RuntimeError("adapter")
            case "asks":
                self.asked_until = self.now + 50 * SECOND
                return Failure("busy", after=50.0)
            case _:
                return Failure("not today")

    def close(self) -> None:
        self.closed = True


def messages(keys: Sequence[int]) -> list[Message]:
    return [Message(f"{key}-{at}", str(key), "apply", b"{}") for at, key in enumerate(keys)]


def filled(keys: Sequence[int]) -> MemoryOutbox:
    outbox = MemoryOutbox()
    outbox.add(messages(keys))
    return outbox


@given(
    keys=st.lists(st.integers(0, 3), max_size=12),
    outcomes=st.lists(OUTCOMES, max_size=40),
    batch=st.integers(1, 4),
    attempts=st.integers(1, 6),
    seed=st.integers(0, 9),
)
def test_each_arrives_in_order_or_is_given_up(
    keys: list[int], outcomes: list[str], batch: int, attempts: int, seed: int
) -> None:
    outbox, adapter = filled(keys), Recorder(outcomes, batch=batch)
    dispatcher = Dispatcher(outbox, adapter, Backoff(attempts, 1.0, 100.0), Random(seed))
    at = 0
    while outbox.waiting():
        adapter.now = at
        dispatcher.drain(at)
        at += SECOND // 2
        assert at < 10_000 * SECOND, "it does not come to an end"
    dispatcher.close()
    assert adapter.closed
    dead = [one.message.id for one in outbox.dead()]
    names = [f"{key}-{number}" for number, key in enumerate(keys)]
    assert {*adapter.arrived} | {*dead} == {*names}
    assert {*adapter.refused} <= {*dead}
    for key in {*keys}:
        handed = [name for name in adapter.handed if name.startswith(f"{key}-")]
        # A message comes again only before the next one of its key comes at all.
        assert list(dict.fromkeys(handed)) == [n for n in names if n.startswith(f"{key}-")]
        assert handed == sorted(handed, key=names.index)
    for times in adapter.times.values():
        assert len(times) <= attempts
        for number, (before, after) in enumerate(pairwise(times), 1):
            assert after - before >= SECOND * 2 ** (number - 1) / 2
    assert dispatcher.figures.dead == len(dead)
    assert dispatcher.figures.sent == len(names) - len(dead)


def test_one_slow_key_holds_up_no_other() -> None:
    let_go = threading.Event()

    class Slow(Recorder):
        def deliver(self, messages: Sequence[Waiting]) -> Sequence[Failure | None]:
            if messages[0].message.key == "0":
                assert let_go.wait(30)
            return super().deliver(messages)

    outbox, adapter = filled([0, 1, 1, 2, 1, 0]), Slow([], lanes=3, batch=1)
    dispatcher = Dispatcher(outbox, adapter)
    while outbox.waiting() > 2:
        assert dispatcher.step(0)
        dispatcher.wait(0.05)
    assert {*adapter.arrived} == {"1-1", "1-2", "1-4", "2-3"}
    let_go.set()
    dispatcher.drain(0)
    dispatcher.close()
    assert adapter.arrived[-2:] == ["0-0", "0-5"]


def test_what_was_given_up_can_be_sent_again() -> None:
    outbox, adapter = filled([0, 0]), Recorder(["refused", "refused"])
    dispatcher = Dispatcher(outbox, adapter)
    dispatcher.drain(0)
    assert [one.error for one in outbox.dead()] == ["no", "no"]
    assert outbox.revive([2], 5) == 1
    dispatcher.drain(4)
    assert adapter.arrived == []
    dispatcher.drain(5)
    assert adapter.arrived == ["0-1"]
    assert [one.number for one in outbox.dead()] == [1]
    dispatcher.close()


class Failing(MemoryOutbox):
    """An outbox whose database is away now and then."""

    trouble = 0

    def sent(self, numbers: Collection[int], at: int) -> None:
        self.trouble += 1
        if self.trouble % 3 == 1:
            raise OSError("the database is away")
        super().sent(numbers, at)


def test_an_outbox_that_fails_is_used_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clausal.enforcement.delivery.dispatcher._TROUBLE", 0.001)
    outbox, adapter = Failing(), Recorder([])
    outbox.add(messages([0, 0, 0, 1, 2]))
    told: list[Exception] = []
    background = Background(Dispatcher(outbox, adapter), trouble=told.append)
    background.finish(60)
    assert outbox.waiting() == 0
    assert told
    assert list(dict.fromkeys(n for n in adapter.arrived if n[0] == "0")) == ["0-0", "0-1", "0-2"]


def test_an_end_does_not_wait_for_what_never_arrives() -> None:
    outbox, adapter = filled([0]), Recorder(["fails"] * 99)
    background = Background(Dispatcher(outbox, adapter))
    background.finish(0.0)
    assert outbox.waiting() == 1
    assert adapter.closed


def test_an_adapter_must_say_what_came_of_each() -> None:
    class Short(Recorder):
        def deliver(self, messages: Sequence[Waiting]) -> Sequence[Failure | None]:
            return []

    outbox = filled([0])
    dispatcher = Dispatcher(outbox, Short([]), Backoff(attempts=1))
    dispatcher.step(0)
    wait(dispatcher._out)
    dispatcher.step(0)
    dispatcher.close()
    assert "does not say" in outbox.dead()[0].error
