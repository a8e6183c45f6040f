"""Webhooks over a real network, a good one and a bad one: each measure is carried out once, in order."""

from __future__ import annotations

import base64
import itertools
import time
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest

from clausal.enforcement.delivery.adapter import Failure
from clausal.enforcement.delivery.backoff import Backoff
from clausal.enforcement.delivery.dispatcher import Background, Dispatcher
from clausal.enforcement.delivery.signature import SignatureError, secret_of, sign, verify
from clausal.enforcement.delivery.webhook import WebhookAdapter, seconds_of
from clausal.enforcement.ledger import Message, Waiting
from clausal.enforcement.memory import MemoryOutbox
from tests.support.receiver import Handler, Network, Platform, serving

SECRET = b"a secret of this test and no other"
FAST = Backoff(attempts=200, first=0.001, longest=0.02)


def filled(keys: int, each: int) -> MemoryOutbox:
    outbox = MemoryOutbox()
    outbox.add(
        [
            Message(f"m-{key}-{number}", f"account:{key}", "apply", b'{"sanction": "mute"}')
            for number in range(each)
            for key in range(keys)
        ]
    )
    return outbox


def delivered(outbox: MemoryOutbox, adapter: WebhookAdapter) -> None:
    background = Background(Dispatcher(outbox, adapter, FAST, Random(1)))
    background.finish(60)


@pytest.fixture
def platform() -> Platform:
    return Platform([SECRET])


@pytest.mark.parametrize("seed", range(3))
def test_each_is_carried_out_once_and_in_order_however_bad_the_network(
    platform: Platform, seed: int
) -> None:
    outbox = filled(keys=6, each=12)
    network = Network(seed, share=0.5, slow=0.02)
    with platform.open() as url, network.before(url) as through:
        delivered(outbox, WebhookAdapter(through, [SECRET], timeout=5.0))
        time.sleep(0.1)  # what is late comes now
    assert outbox.waiting() == 0
    assert outbox.dead() == []
    assert platform.refused == []
    assert len(network.harm) == 7, "the network did not do all that it can"
    assert platform.again > 0
    by_key = {
        key: [one["id"] for one in platform.done if one["key"] == key]
        for key in {one["key"] for one in platform.done}
    }
    assert by_key == {
        f"account:{key}": [f"m-{key}-{number}" for number in range(12)] for key in range(6)
    }


def test_connections_are_kept(platform: Platform) -> None:
    outbox = filled(keys=4, each=25)
    with platform.open() as url:
        delivered(outbox, WebhookAdapter(url, [SECRET], lanes=2))
    assert len(platform.done) == 100
    assert len(platform.connections) <= 2


def test_it_says_who_sent_what(platform: Platform) -> None:
    with platform.open() as url:
        delivered(filled(1, 1), WebhookAdapter(url, [b"another secret than theirs", SECRET]))
    assert platform.done == [
        {
            "id": "m-0-0",
            "number": 1,
            "key": "account:0",
            "action": "apply",
            "sanction": "mute",
        }
    ]


def test_what_is_refused_is_given_up_at_once_and_holds_nothing_up(platform: Platform) -> None:
    outbox = filled(keys=1, each=2)
    with platform.open() as url:
        delivered(outbox, WebhookAdapter(url, [b"a secret that they do not know"]))
    assert platform.done == []
    assert platform.refused == ["the signature is not ours"] * 2
    assert [(one.attempts, one.error) for one in outbox.dead()] == [(1, "HTTP 401")] * 2


# ── Answers ──────────────────────────────────────────────────────────────────────────────────────


class Answering(Handler):
    status = 200
    head: dict[str, str] = {}  # noqa: RUF012 - set by each test for its own class
    text = b""

    def do_POST(self) -> None:  # noqa: N802 - the library calls it so
        self.body()
        self.answer(self.status, self.text, **self.head)


def outcome(status: int, text: bytes = b"", **head: str) -> Failure | None:
    kind = type("Kind", (Answering,), {"status": status, "text": text, "head": head})
    with serving(kind) as port:
        adapter = WebhookAdapter(
            f"http://127.0.0.1:{port}/", [SECRET], timeout=5.0, clock=lambda: 1_000_000.0
        )
        (result,) = adapter.deliver([waiting()])
        adapter.close()
    return result


def waiting() -> Waiting:
    return Waiting(1, Message("m", "account:a", "apply", b"{}"))


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_success(status: int) -> None:
    assert outcome(status) is None


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 409, 410, 413, 422, 451])
def test_refusals_are_for_good(status: int) -> None:
    found = outcome(status, b"no\n  such  account", Retry_After="9")
    assert found == Failure(f"HTTP {status}: no such account", permanent=True)


@pytest.mark.parametrize("status", [301, 302, 307, 408, 425, 429, 500, 502, 503, 504])
def test_what_may_pass_is_tried_again(status: int) -> None:
    found = outcome(status, Location="http://127.0.0.1:9/", Retry_After="9")
    assert found == Failure(f"HTTP {status}", after=9.0)


def test_a_long_answer_is_not_read_to_its_end() -> None:
    found = outcome(500, b"x" * 5_000_000)
    assert found == Failure("HTTP 500: " + "x" * 200)


def test_nobody_there() -> None:
    with serving(Answering) as port:
        pass
    adapter = WebhookAdapter(f"http://127.0.0.1:{port}/", [SECRET], timeout=5.0)
    (found,) = adapter.deliver([waiting()])
    assert found is not None
    assert not found.permanent
    assert "refused" in found.error


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("", 0.0),
        ("120", 120.0),
        (" 7 ", 7.0),
        ("-1", 0.0),
        ("soon", 0.0),
        ("9" * 400, 999_999_999.0),
        ("Mon, 12 Jan 1970 13:46:50 GMT", 10.0),
        ("Mon, 12 Jan 1970 13:46:30 GMT", 0.0),
        ("Mon, 99 Jan 1970 13:46:30 GMT", 0.0),
    ],
)
def test_how_long_to_wait(header: str, seconds: float) -> None:
    assert seconds_of(header, 1_000_000.0) == seconds


# ── Signatures ───────────────────────────────────────────────────────────────────────────────────


def test_signatures_are_those_of_standard_webhooks() -> None:
    # The example of its libraries' documentation.
    secret = secret_of("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    made = sign([secret], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert made["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def changed(headers: dict[str, str]) -> Iterator[tuple[dict[str, str], bytes, float]]:
    body, now = b"{}", 1000.0
    yield headers, b"{ }", now
    yield headers, body, now + 301
    yield headers, body, now - 301
    yield {**headers, "webhook-timestamp": "1001"}, body, now
    yield {**headers, "webhook-timestamp": "1e3"}, body, now
    yield {**headers, "webhook-id": "other"}, body, now
    yield {**headers, "webhook-signature": "v1,"}, body, now
    yield {**headers, "webhook-signature": "v1a," + headers["webhook-signature"][3:]}, body, now
    for name in headers:
        yield {key: value for key, value in headers.items() if key != name}, body, now


def test_whatever_is_changed_shows() -> None:
    headers = sign([SECRET], "m", 1000, b"{}")
    for now in (700.0, 1000.0, 1300.0):
        assert verify([b"old", SECRET], headers, b"{}", now) == "m"
    for case in changed(headers):
        with pytest.raises(SignatureError):
            verify([SECRET], *case)


def test_secrets_are_long_and_written_in_one_way() -> None:
    good = "whsec_" + base64.b64encode(bytes(24)).decode()
    assert secret_of(good) == bytes(24)
    bad: list[Any] = [
        "",
        "whsec_",
        good[6:],
        good + "!",
        "whsec_" + base64.b64encode(b"x").decode(),
    ]
    for text in bad:
        with pytest.raises(ValueError, match="a secret"):
            secret_of(text)


def test_waits_grow_and_differ() -> None:
    waits = [[Backoff().wait(n, Random(seed)) / 1e6 for n in range(1, 40)] for seed in range(9)]
    for at, column in enumerate(zip(*waits, strict=True)):
        whole = min(3600.0, 2.0**at)
        assert all(whole / 2 <= one <= whole for one in column)
        assert len(set(column)) == 9
    assert Backoff().wait(10**6, Random(1)) <= 3600 * 10**6
    total = sum(itertools.starmap(Backoff().wait, ((n, Random(3)) for n in range(1, 30)))) / 3.6e9
    assert 9 < total < 20
