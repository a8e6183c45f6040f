"""Whatever kills a process, and however many write at once: the ledger is what it would have been."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import select

from clausal.enforcement.database import DatabaseLedger
from clausal.enforcement.facts import Reviewed
from clausal.enforcement.opening import open_ledger
from clausal.enforcement.schema import metadata
from tests.support.enforced_events import many, saved
from tests.support.workers import BATCH, Workers, enforce

Address = Callable[[], str]

KILLS = 100
EVENTS = 300


@pytest.fixture(scope="module")
def workers() -> Iterator[Workers]:
    """Processes to kill."""
    with Workers() as made:
        yield made


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A bundle, and events with strikes, measures that end, and messages."""
    bundle, events = saved(tmp_path_factory.mktemp("work"), many(EVENTS))
    return {"bundle": str(bundle), "events": str(events)}


def opened(url: str) -> DatabaseLedger:
    ledger = open_ledger(url, create=True)
    assert isinstance(ledger, DatabaseLedger)
    return ledger


def rows(url: str) -> dict[str, list[tuple[object, ...]]]:
    """All that a ledger holds, table by table."""
    ledger = opened(url)
    assert ledger.verify() is None
    with ledger._database.reading() as connection:
        held = {
            table.name: sorted(map(tuple, connection.execute(select(table))), key=repr)
            for table in metadata.sorted_tables
        }
    ledger.close()
    return held


def undisturbed(url: str, work: dict[str, str]) -> dict[str, list[tuple[object, ...]]]:
    """All that a ledger holds after the events, if nothing happens."""
    ledger = opened(url)
    enforce(ledger, **work, source="events")
    ledger.close()
    held = rows(url)
    assert len(held["clausal_entry"]) > EVENTS / 2
    assert len(held["clausal_message"]) > EVENTS / 5
    return held


@pytest.mark.long
def test_a_hundred_kills_leave_no_trace(
    address: Address, workers: Workers, work: dict[str, str]
) -> None:
    start = time.monotonic()
    wanted = undisturbed(address(), work)
    batch = (time.monotonic() - start) / (EVENTS / BATCH)
    chance = random.Random(4)
    kills = 0
    while kills < KILLS:
        url, ended = address(), -1
        while ended != 0:
            child = workers.start("enforce", url, **work, source="events")
            # A few batches further on, at most; now and then while it opens the ledger, or makes it.
            at_work = chance.random() < 0.9
            workers.kill(child, after=chance.uniform(0, 8 * batch), at_work=at_work)
            ended = workers.wait(child)
            assert ended in {0, signal.SIGKILL}
            kills += ended != 0
        assert rows(url) == wanted


def test_events_processed_by_several_at_once_are_processed_once(
    address: Address, workers: Workers, work: dict[str, str]
) -> None:
    wanted = undisturbed(address(), work)
    url = address()
    children = [workers.start("enforce", url, **work, source=f"{n}") for n in range(3)]
    assert [workers.wait(child) for child in children] == [0, 0, 0]
    held = rows(url)
    assert [row[1] for row in held.pop("clausal_position")] == [str(EVENTS)] * 3
    del wanted["clausal_position"]
    assert held == wanted


def test_writers_at_once_lose_nothing_and_write_nothing_twice(
    address: Address, workers: Workers
) -> None:
    url, names, times = address(), ["a", "b", "c", "d"], 15
    # None of them finds a ledger: all begin by making it.
    children = [workers.start("contend", url, name=name, times=times) for name in names]
    assert [workers.wait(child) for child in children] == [0] * len(names)
    ledger = opened(url)
    facts = ledger.about("account:a")
    wanted = {f"{name}-{number}" for name in (*names, "shared") for number in range(times)}
    assert {fact.id for fact in facts} == wanted
    assert len(facts) == len(wanted) == ledger.outbox.waiting()
    # Each saw all that were before it.
    seen = [int(fact.note) for fact in facts if isinstance(fact, Reviewed)]
    assert seen == list(range(len(wanted)))
    assert ledger.verify() is None
    ledger.close()
