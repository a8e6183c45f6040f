"""Laws of enforcement, on random histories of findings."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from clausal.enforcement.facts import Strike, Voided, name
from clausal.enforcement.memory import MemoryLedger
from clausal.enforcement.opening import open_ledger
from clausal.enforcement.processing import Enforcer
from clausal.enforcement.simulation import simulate
from tests.support.enforced import event, forum, hours, lie, micro

KINDS: dict[str, dict[str, Any]] = {
    "lie": {"content__staged": "confirmed"},
    "spam": {"content__spam": 0.9},
    "both": {"content__staged": "confirmed", "content__spam": 0.9},
    "half": {"content__spam": 0.5},
    "suspected": {"content__staged": "suspected"},
    "unverified": {"account__earns": True, "account__verified": False},
    "clean": {},
}

acts = st.tuples(
    st.sampled_from("abc"),
    st.sampled_from("xyz"),
    st.sampled_from(sorted(KINDS)),
    st.sampled_from([1.0, 11.0, 24.0, 240.0, 800.0]),
)
histories = st.lists(acts, max_size=14)


def played(history: Sequence[tuple[str, str, str, float]]) -> list[tuple[str, bytes]]:
    """The accounts and events of a history, each so long after the one before it."""
    now = 0.0
    made = []
    for number, (account, content, kind, later) in enumerate(history):
        now += later
        made.append(
            (
                account,
                event(
                    f"e{number}",
                    now,
                    account=account,
                    content=f"{account}-{content}",
                    org__id="o" if content == "x" and account == "a" else None,
                    **KINDS[kind],
                ),
            )
        )
    return made


def entries(events: Sequence[bytes], sizes: Sequence[int] = (100,)) -> MemoryLedger:
    ledger = MemoryLedger()
    enforcer = Enforcer(forum(), ledger)
    at = turn = 0
    while at < len(events):
        size = sizes[turn % len(sizes)]
        enforcer.process(events[at : at + size])
        at, turn = at + size, turn + 1
    return ledger


@given(histories, st.randoms(use_true_random=False))
def test_the_order_of_events_of_different_accounts_does_not_matter(
    history: list[tuple[str, str, str, float]], random: Any
) -> None:
    events = played(history)
    # Each account keeps its order; which of them comes first is drawn.
    queues = {who: [data for one, data in events if one == who] for who in "abc"}
    turns = [who for who, _ in events]
    random.shuffle(turns)
    other = [queues[who].pop(0) for who in turns]
    one, two = entries([data for _, data in events]), entries(other)
    for who in "abc":
        assert one.about(f"account:{who}") == two.about(f"account:{who}")
        key = f"account:{who}"
        told = [
            [m.message for m in waiting(ledger) if m.message.key == key] for ledger in (one, two)
        ]
        assert told[0] == told[1]


def waiting(ledger: MemoryLedger) -> list[Any]:
    """All messages, in order; each is taken out before the next of its key can be seen."""
    found: list[Any] = []
    while some := ledger.outbox.due(2**62, 1000):
        found += some
        ledger.outbox.sent([one.number for one in some], 0)
    return found


@given(histories, st.lists(st.integers(1, 5), min_size=1, max_size=4))
def test_neither_batches_nor_repeats_change_anything(
    history: list[tuple[str, str, str, float]], sizes: list[int]
) -> None:
    events = [data for _, data in played(history)]
    whole = entries(events)
    assert list(entries(events, sizes).entries()) == list(whole.entries())
    assert list(entries([*events, *events], sizes).entries()) == list(whole.entries())
    simulated = simulate(forum(), events, batch=sizes[0])
    assert simulated.ledger.head == whole.head
    assert sum(simulated.facts.values()) == whole.head.seq


@given(st.lists(acts, min_size=4, max_size=10))
def test_the_database_agrees_entry_for_entry(history: list[tuple[str, str, str, float]]) -> None:
    events = [data for _, data in played(history)]
    memory = entries(events)
    with TemporaryDirectory() as folder:
        ledger = open_ledger(f"sqlite:///{Path(folder, 'ledger.db')}", create=True)
        enforcer = Enforcer(forum(), ledger, keep=2)
        for at in range(0, len(events), 3):
            enforcer.process(events[at : at + 3])
        assert list(ledger.entries()) == list(memory.entries())
        ledger.close()


def test_every_kind_of_ledger_holds_the_same(address: Callable[[], str]) -> None:
    kinds = [*KINDS, *sorted(KINDS, reverse=True)]
    events = [
        data
        for _, data in played(
            [("ab"[n % 2], "xyz"[n % 3], kind, 11.0) for n, kind in enumerate(kinds)]
        )
    ]
    memory = entries(events)
    ledger = open_ledger(address(), create=True)
    try:
        # Two processes, each of which knows only what it read.
        two = [Enforcer(forum(), ledger, keep=2), Enforcer(forum(), ledger)]
        for number, data in enumerate(events):
            two[number % 2].catch_up()
            two[number % 2].process([data])
        assert list(ledger.entries()) == list(memory.entries())
        assert ledger.verify(memory.head) is None
    finally:
        ledger.close()


@given(st.lists(st.sampled_from([25.0, 500.0, 1500.0]), max_size=5), st.sets(st.integers(0, 4)))
def test_a_void_strike_never_makes_the_next_step_higher(gaps: list[float], void: set[int]) -> None:
    def last(*, voided: set[int]) -> Strike:
        ledger, now = MemoryLedger(), 0.0
        enforcer = Enforcer(forum(), ledger)
        for number, gap in enumerate(gaps):
            now += gap
            enforcer.process([lie(str(number), now)])
        struck = [one.fact for one in ledger.entries() if isinstance(one.fact, Strike)]
        with ledger.transaction() as writing:
            writing.append(
                [
                    Voided(
                        id=name("voided", one.id),
                        at=micro(hours(now)),
                        parties=one.parties,
                        strike=one.id,
                        why="overturned",
                    )
                    for number, one in enumerate(struck)
                    if number in voided
                ]
            )
        (found,) = (
            fact
            for fact in enforcer.process([lie("last", now + 25)]).facts
            if isinstance(fact, Strike)
        )
        return found

    whole, less, none = last(voided=set()), last(voided=void), last(voided=set(range(9)))
    assert none.active == 0
    assert none.step == 1
    assert none.step <= less.step <= whole.step
    assert less.active == whole.active - sum(
        1 for number in void if number < len(gaps) and sum(gaps[number + 1 :]) + 25 < 90 * 24
    )


def test_what_a_finding_saw_names_nobody_and_quotes_nothing() -> None:
    data = json.loads(event("1", 0, content__spam=0.9, content__text="secret words"))
    ledger = entries([json.dumps(data).encode()])
    told = b"".join(entry.data for entry in ledger.entries())
    assert b"secret" not in told
