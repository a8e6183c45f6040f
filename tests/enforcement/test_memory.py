"""The ledger in memory, and the chain that holds it together."""

from __future__ import annotations

import pytest

from clausal.cli.loading import bundle_of
from clausal.enforcement.chain import Head, check
from clausal.enforcement.facts import Ended, Known, decode, encode, name, party
from clausal.enforcement.ledger import Message
from clausal.enforcement.memory import MemoryLedger


def ended(number: int) -> Ended:
    return Ended(
        id=f"e-{number}", at=number, parties=(party("account", "a"),), measure="m", why="fixed"
    )


def filled(count: int) -> MemoryLedger:
    ledger = MemoryLedger()
    for number in range(count):
        with ledger.transaction() as writing:
            writing.append([ended(number)], [Message(f"e-{number}", "a", "end", b"{}")])
    return ledger


def test_a_fact_comes_back_as_it_was() -> None:
    fact = ended(3)
    assert decode(encode(fact)) == fact
    assert encode(decode(encode(fact))) == encode(fact)


def test_nothing_of_a_transaction_that_fails_is_left() -> None:
    ledger = filled(1)

    def fails() -> None:
        with ledger.transaction() as writing:
            writing.append([ended(7)], [Message("e-7", "a", "end", b"{}")])
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fails()
    assert ledger.head.seq == 1
    assert ledger.outbox.waiting() == 1
    assert not ledger.facts(["e-7"])


def test_a_name_is_taken_once() -> None:
    ledger = filled(1)
    with pytest.raises(ValueError, match="e-0"), ledger.transaction() as writing:
        writing.append([ended(0)])


def test_whatever_is_done_to_a_chain_shows() -> None:
    ledger = filled(5)
    rows = [(one.seq, one.data, one.hash) for one in ledger.entries()]
    assert check(rows, ledger.head) is None
    changed = [*rows[:2], (3, rows[2][1].replace(b"fixed", b"lapsed"), rows[2][2]), *rows[3:]]
    swapped = [*rows[:2], (3, *rows[3][1:]), (4, *rows[2][1:]), rows[4]]
    for wrong, seq in ((changed, 3), (swapped, 3), (rows[:2] + rows[3:], 3), (rows[1:], 1)):
        broken = check(wrong)
        assert broken is not None
        assert broken.seq == seq
    assert check(rows[:4]) is None
    cut = check(rows[:4], ledger.head)
    assert cut is not None
    assert cut.seq == 5
    other = check(rows, Head(3, rows[3][2]))
    assert other is not None


def test_messages_of_a_key_go_one_after_the_other() -> None:
    outbox = filled(3).outbox
    (first,) = outbox.due(0, 10)
    assert first.message.id == "e-0"
    outbox.failed(first.number, 5, "no answer")
    assert outbox.due(4, 10) == []
    assert outbox.due(5, 10)[0].attempts == 1
    outbox.bury(first.number, "gone")
    assert outbox.due(0, 10)[0].message.id == "e-1"
    assert [one.message.id for one in outbox.dead()] == ["e-0"]
    assert outbox.revive(None, 0) == 1
    assert outbox.due(0, 10)[0].message.id == "e-0"


def test_names_follow_from_what_they_name() -> None:
    assert name("case", "e-1") == name("case", "e-1")
    assert name("case", "a", "b") != name("case", "ab")


def test_what_is_known_of_a_bundle_comes_back_as_it_was() -> None:
    known = Known.of("b", bundle_of([]).artifact.corpus, 5, ("ledger:all",))
    assert known.sanctions
    assert known.fields
    assert decode(encode(known)) == known
