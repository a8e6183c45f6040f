"""Brakes: a rule that fires for too many is in shadow from then on, for all processes, until released."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

import clausal
from clausal.enforcement import brakes
from clausal.enforcement.brakes import Seen, hits
from clausal.enforcement.facts import Braked, Finding, Measure
from clausal.enforcement.memory import MemoryLedger
from clausal.enforcement.processing import Enforcer
from tests.support.enforced import LIBRARY, event, hours, micro

POLICY = """\
policy forum.hasty 1.0.0 {{
  title  zh "快"  en "Hasty"
  notice "notice.txt"
  in force 2024-01-01 ..
  time zone "Asia/Shanghai"
  use forum.base 1
}}

clause 1 "不得刷屏。"

ladder spam by account within 30d  zh "刷屏"  en "Spam" {{
  1  => warn for 30d
  2+ => mute for 1d
}}

rule flood {{
  title  zh "刷屏"  en "Flood"
  cites  1
  when   content.spam >= {least}
  {brakes}
  then   slow 30% on account for 1d
  then   ladder spam
  because zh "刷屏。"  en "It is spam."
}}

rule again {{
  title  zh "屡次"  en "Again"
  cites  1
  when   strikes of spam >= 2 and content.spam >= {least}
  brake  2 per day by account
  then   hide_from [home] on content for 1d
  because zh "屡次。"  en "Again."
}}
"""
RULE = "forum.hasty.flood"


@functools.cache
def bundle(*limits: str, least: str = "0.8") -> clausal.Bundle:
    lines = "\n  ".join(f"brake {one}" for one in limits)
    with TemporaryDirectory() as folder:
        Path(folder, "base.policy").write_text(LIBRARY, "utf-8")
        Path(folder, "hasty.policy").write_text(POLICY.format(brakes=lines, least=least), "utf-8")
        Path(folder, "notice.txt").write_text("不得刷屏。", "utf-8")
        return clausal.compile(folder)


def spam(number: int, at: float, account: int) -> bytes:
    return event(f"e-{number}", at, account=f"a-{account}", content__spam=0.9)


def quiet(number: int, at: float, account: int) -> bytes:
    return event(f"q-{number}", at, account=f"a-{account}")


def modes(ledger: MemoryLedger, rule: str = "flood") -> list[str]:
    return [
        one.fact.mode
        for one in ledger.entries()
        if isinstance(one.fact, Finding) and one.fact.rule == rule
    ]


def braked(ledger: MemoryLedger) -> list[Braked]:
    return [one.fact for one in ledger.entries() if isinstance(one.fact, Braked)]


class Told(NamedTuple):
    """An event: an hour, an account; or a release."""

    at: float
    account: int
    release: bool = False


def model(told: Sequence[Told], limit: int) -> list[str]:
    """What the language says: in shadow once more than so many fired in the 24 hours up to an event."""
    found: list[str] = []
    counted: list[tuple[float, int]] = []
    held = False
    for one in told:
        if one.release:
            if held:
                counted, held = [], False
            continue
        day = {account for at, account in counted if one.at - 24 < at <= one.at} | {one.account}
        held = held or len(day) > limit
        found.append("shadow" if held else "enforced")
        if not held:
            counted.append((one.at, one.account))
    return found


# Whole hours, so that the boundary of a day is often met; not always in order.
TOLD = st.lists(
    st.builds(Told, st.integers(0, 60), st.integers(0, 6), st.sampled_from([False] * 7 + [True])),
    max_size=25,
)


@given(told=TOLD, ordered=st.booleans(), limit=st.integers(1, 4), cut=st.integers(1, 5))
def test_it_is_what_the_language_says_whoever_counts(
    told: list[Told], ordered: bool, limit: int, cut: int
) -> None:
    if ordered:
        told.sort(key=lambda one: one.at)
    ledger = MemoryLedger()
    decides = bundle(f"{limit} per day by account")
    processes = [Enforcer(decides, ledger), Enforcer(decides, ledger)]
    waiting: list[bytes] = []

    def flush() -> None:
        # Two processes take turns, and a third has only just started.
        turn = len(list(ledger.entries())) % 3
        enforcer = Enforcer(decides, ledger) if turn == 2 else processes[turn]
        enforcer.process(waiting)
        waiting.clear()

    for number, one in enumerate(told):
        if one.release:
            flush()
            if brakes.braked(ledger):
                brakes.release(ledger, RULE, "li", at=0)
            else:
                with pytest.raises(brakes.NotBrakedError):
                    brakes.release(ledger, RULE, "li", at=0)
            continue
        waiting.append(spam(number, one.at, one.account))
        if len(waiting) >= cut:
            flush()
    flush()
    assert modes(ledger) == model(told, limit)


def test_people_are_told_and_what_was_done_stays() -> None:
    ledger = MemoryLedger()
    enforcer = Enforcer(bundle("3 per day by account"), ledger)
    done = enforcer.process([spam(number, number / 10, number) for number in range(6)])
    (fact,) = braked(ledger)
    assert (fact.rule, fact.limit, fact.counted) == (RULE, "3 per day by account", 4)
    assert fact.at == micro(hours(0.3))
    assert fact.since == micro(hours(0.3 - 24))
    told = [one for one in done.messages if one.action == "notice"]
    assert [(one.id, one.key) for one in told] == [(fact.id, f"rule:{RULE}")]
    assert modes(ledger) == ["enforced"] * 3 + ["shadow"] * 3
    findings = [one.fact for one in ledger.entries() if isinstance(one.fact, Finding)]
    assert [one.braked for one in findings] == [False] * 3 + [True] * 3
    on = [one.fact for one in ledger.entries() if isinstance(one.fact, Measure)]
    assert {one.target for one in on} == {"account:a-0", "account:a-1", "account:a-2"}
    # These are for people to look at.
    assert brakes.suspects(ledger, RULE) == on
    # What it did is known by its day, whoever asks.
    assert [one.id for one in ledger.about(hits(RULE, 0, fact.at)) if isinstance(one, Finding)] == [
        one.id for one in findings[:3]
    ]


def test_a_rule_that_reads_strikes_is_braked_too() -> None:
    ledger = MemoryLedger()
    enforcer = Enforcer(bundle("500 per day by account"), ledger)
    # Hours apart, so that each is a strike of its own.
    enforcer.process(
        [
            spam(100 * account + n, 25 * n + account / 10, account)
            for n in range(2)
            for account in range(5)
        ]
    )
    assert modes(ledger, "again") == []
    enforcer.process([spam(1000 + account, 75 + account / 10, account) for account in range(5)])
    assert modes(ledger, "again") == ["enforced"] * 2 + ["shadow"] * 3
    assert [one.rule for one in braked(ledger)] == ["forum.hasty.again"]


@pytest.mark.parametrize("position", [True, False])
def test_a_share_is_of_all_that_were_seen(position: bool) -> None:
    ledger = MemoryLedger()
    decides = bundle("10% per day by account from 2")
    enforcer = Enforcer(decides, ledger)
    enforcer.process([quiet(number, number / 100, number) for number in range(50)])
    for number in range(5):
        # Each by a process of its own, if the events of others have been written down.
        enforcer = Enforcer(decides, ledger) if position and number else enforcer
        enforcer.process(
            [spam(number, 1 + number / 100, number)],
            position=("s", str(number)) if position else None,
        )
    assert modes(ledger) == ["enforced"] * 5
    enforcer.process([spam(5, 2, 5)])
    (fact,) = braked(ledger)
    assert (fact.counted, fact.limit) == (6, "10% per day by account from 2")
    # A day later few were seen, and 2 are no more than 2.
    brakes.release(ledger, RULE, "li", at=0)
    enforcer.process([spam(6, 40, 6), spam(7, 40, 7)])
    assert modes(ledger)[-2:] == ["enforced"] * 2
    enforcer.process([spam(8, 40, 8)])
    assert modes(ledger)[-1] == "shadow"


def test_a_brake_may_look_at_changed_rules_alone() -> None:
    ledger = MemoryLedger()
    limit = "1 per day by account for 2d after change"
    Enforcer(bundle(limit), ledger).process([spam(0, 0, 0)])
    # Long after, it does not look.
    Enforcer(bundle(limit), ledger).process([spam(1, 100, 1), spam(2, 100, 2)])
    assert modes(ledger) == ["enforced"] * 3
    # Changed, it does, for two days.
    changed = Enforcer(bundle(limit, least="0.85"), ledger)
    changed.process([spam(3, 130, 3), spam(4, 130, 4)])
    assert modes(ledger)[3:] == ["enforced", "shadow"]
    brakes.release(ledger, RULE, "li", at=0)
    changed.process([spam(5, 178, 5), spam(6, 178, 6)])
    assert modes(ledger)[5:] == ["enforced"] * 2


def test_what_several_have_seen_is_put_together() -> None:
    ledger = MemoryLedger()
    at = micro(hours(3))
    all_of_them = [Seen(["account"]) for _ in range(3)]
    for number, one in enumerate(all_of_them):
        one.load(ledger)
        one.add([f"account:{number}-{who}" for who in range(40)] + ["content:c"], at)
        one.add(["account:all"], at - 3_600_000_000 * (23 + number))
        with ledger.transaction() as writing:
            one.save(writing)
    for one in all_of_them:
        assert one.count("account", at, fresh=True) == pytest.approx(121, rel=0.02)
        assert one.count("content", at) == 0
    assert Seen(["account"]).count("account", at) == 0


def test_bundles_without_brakes_have_none() -> None:
    ledger = MemoryLedger()
    Enforcer(bundle(), ledger).process([spam(n, n / 10, n) for n in range(50)])
    assert modes(ledger) == ["enforced"] * 50
