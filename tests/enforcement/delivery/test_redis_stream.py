"""Messages in a Redis stream, once each, from a real server that goes away and comes back."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
import redis

from clausal.enforcement.delivery.adapter import envelope
from clausal.enforcement.delivery.backoff import Backoff
from clausal.enforcement.delivery.dispatcher import Background, Dispatcher
from clausal.enforcement.delivery.redis_stream import RedisStreamAdapter
from clausal.enforcement.ledger import Message, Waiting
from clausal.enforcement.memory import MemoryOutbox
from tests.support.redis_server import free_port, redis_server

MESSAGES = [
    Waiting(n, Message(f"m-{n}", f"account:{n % 3}", "apply", b'{"sanction": "mute"}'))
    for n in range(1, 10)
]


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with redis_server() as url:
        yield url


@pytest.fixture
def client(server: str) -> Iterator[redis.Redis]:
    with contextlib.closing(redis.Redis.from_url(server)) as made:
        made.flushall()
        yield made


def entries(client: redis.Redis, stream: str = "measures") -> list[Any]:
    found: Any = client.xrange(stream)
    return [fields for _, fields in found]


def test_each_is_added_once(server: str, client: redis.Redis) -> None:
    adapter = RedisStreamAdapter(server, "measures")
    assert adapter.deliver(MESSAGES[:6]) == [None] * 6
    assert adapter.deliver(MESSAGES[3:]) == [None] * 6
    adapter.close()
    other = RedisStreamAdapter(server, "measures")
    assert other.deliver(MESSAGES) == [None] * 9
    other.close()
    assert entries(client) == [
        {b"id": one.message.id.encode(), b"message": envelope(one)} for one in MESSAGES
    ]
    assert 29 * 86400 < client.ttl("{measures}:sent:m-1") <= 30 * 86400


def test_a_stream_may_be_kept_short(server: str, client: redis.Redis) -> None:
    adapter = RedisStreamAdapter(server, "measures", longest=100)
    many = [Waiting(n, Message(f"m-{n}", str(n), "end", b"{}")) for n in range(1000)]
    assert adapter.deliver(many) == [None] * 1000
    adapter.close()
    assert 100 <= len(entries(client)) <= 300
    assert entries(client)[-1][b"id"] == b"m-999"


def test_what_is_no_stream_is_a_failure_after_which_it_can_be_added(
    server: str, client: redis.Redis
) -> None:
    client.set("measures", "something else")
    adapter = RedisStreamAdapter(server, "measures")
    failures = adapter.deliver(MESSAGES)
    assert all(one is not None and "WRONGTYPE" in one.error for one in failures)
    client.delete("measures")
    assert adapter.deliver(MESSAGES) == [None] * 9
    adapter.close()
    assert len(entries(client)) == 9


def test_names_in_braces_stay_in_their_slot(server: str, client: redis.Redis) -> None:
    adapter = RedisStreamAdapter(server, "{eu}:measures")
    adapter.deliver(MESSAGES)
    adapter.close()
    names = {key.decode() for key in client.scan_iter()}
    assert names == {"{eu}:measures", *(f"{{eu}}:measures:sent:m-{n}" for n in range(1, 10))}


def test_nothing_is_lost_while_the_server_is_away() -> None:
    port, outbox = free_port(), MemoryOutbox()
    outbox.add([one.message for one in MESSAGES])
    adapter = RedisStreamAdapter(f"redis://127.0.0.1:{port}/0", "measures", timeout=5.0)
    fast = Backoff(attempts=10_000, first=0.01, longest=0.05)
    background = Background(Dispatcher(outbox, adapter, fast, Random(1)))
    while not background.figures.failed:
        time.sleep(0.01)
    held: list[list[Any]] = []
    with redis_server(port=port) as url, contextlib.closing(redis.Redis.from_url(url)) as there:
        finishing = threading.Thread(target=background.finish, args=(60,))
        finishing.start()
        finishing.join()
        held.append(entries(there))
    assert outbox.waiting() == 0
    assert {one[b"id"] for one in held[0]} == {f"m-{n}".encode() for n in range(1, 10)}
    for key in range(3):
        names = [one[b"id"] for one in held[0] if int(one[b"id"][2:]) % 3 == key]
        assert names == sorted(names)


def test_a_server_that_wants_a_password() -> None:
    word = "open sesame"
    with redis_server("--requirepass", word) as url:
        adapter = RedisStreamAdapter(url, "measures", password=word)
        assert adapter.deliver(MESSAGES) == [None] * 9
        adapter.close()
        shut = RedisStreamAdapter(url, "measures")
        assert all(
            one is not None and "Authentication" in one.error for one in shut.deliver(MESSAGES)
        )
        shut.close()
