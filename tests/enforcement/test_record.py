"""Records: the state of a party is what follows from its facts."""

from __future__ import annotations

import random

from clausal.compiler.ir import Bilingual
from clausal.enforcement.facts import (
    AnyFact,
    Appealed,
    Applied,
    Braked,
    Case,
    Ended,
    Incident,
    Judged,
    Measure,
    Released,
    Reviewed,
    Strike,
    Voided,
)
from clausal.enforcement.record import EVERYWHERE, Record, is_target

ME = "account:a"
HOUR = 3_600_000_000


def incident(name: str = "i") -> Incident:
    return Incident(id=name, at=0, parties=(ME,), by=ME)


def case(name: str = "c", acted_at: int = 0, keys: tuple[str, ...] = ("content.id=1",)) -> Case:
    return Case(
        id=name,
        at=acted_at,
        parties=(ME,),
        event=name,
        incident="i",
        acted_at=acted_at,
        zone="UTC",
        bundle="b",
        keys=keys,
    )


def measure(
    name: str = "m",
    *,
    review: int = 0,
    end: int | None = 10 * HOUR,
    once: bool = False,
    target: str = ME,
) -> Measure:
    return Measure(
        id=name,
        at=0,
        parties=(ME,),
        case="c",
        incident="i",
        sanction="mute",
        title=Bilingual(),
        grade=4,
        dsa="",
        target=target,
        arguments={},
        start=0,
        end=end,
        length=end,
        permanent=False,
        once=once,
        until_fixed=(),
        interim=False,
        review=review,
        deadline=None,
        findings=(),
        strikes=(),
        steps=(),
        yields_to=None,
        notice=Bilingual(),
    )


def ended(at: int, name: str = "e", of: str = "m") -> Ended:
    return Ended(id=name, at=at, parties=(ME,), measure=of, why="fixed")


def strike(name: str = "s", *, on: str = ME, at: int = 0, expires: int = 10) -> Strike:
    return Strike(
        id=name,
        at=at,
        parties=(ME,),
        case="c",
        incident="i",
        ladder="l",
        on=on,
        mode="enforced",
        family="",
        severity="medium",
        points=1,
        expires=expires,
        active=0,
        counts=1,
        step=1,
        next_at=None,
        findings=(),
    )


def reviewed(who: str, verdict: str, at: int) -> Reviewed:
    return Reviewed(
        id=f"{who}{at}",
        at=at,
        parties=(ME,),
        measure="m",
        reviewer=who,
        verdict="approve" if verdict == "approve" else "reject",
    )


def test_a_measure_runs_from_its_start_until_just_before_its_end() -> None:
    record = Record.of(ME, [case(), measure()])
    one = record.measures["m"]
    assert [one.runs(at) for at in (-1, 0, 10 * HOUR - 1, 10 * HOUR)] == [False, True, True, False]
    assert [one.state(at) for at in (0, 10 * HOUR)] == ["running", "ended"]
    assert record.targets(5) == [one]
    assert record.cases["c"].measures == ["m"]


def test_a_measure_that_ends_early_runs_until_then_and_ends_once() -> None:
    record = Record.of(ME, [measure(), ended(3), ended(7, "f")])
    one = record.measures["m"]
    assert one.span == (0, 3)
    # An end after its own changes nothing, and one before its start leaves nothing.
    late = Record.of(ME, [measure(), ended(11 * HOUR)]).measures["m"]
    assert late.span == (0, 10 * HOUR)
    assert Record.of(ME, [measure(), ended(0)]).measures["m"].span is None


def test_a_proposal_runs_as_it_was_applied() -> None:
    record = Record.of(ME, [measure(review=2), reviewed("x", "approve", 1)])
    one = record.measures["m"]
    assert (one.state(5), one.runs(5), one.span) == ("proposed", False, None)
    assert record.proposals() == [one]
    record.add(reviewed("y", "reject", 2))
    record.add(reviewed("y", "approve", 3))
    assert one.approvals == ("x", "y")
    record.add(Applied(id="a", at=4, parties=(ME,), measure="m", start=4, end=9))
    assert one.span == (4, 9)
    assert one.state(4) == "running"
    assert not record.proposals()


def test_a_proposal_that_was_dropped_never_ran() -> None:
    one = Record.of(ME, [measure(review=1), ended(3)]).measures["m"]
    assert (one.state(2), one.runs(2)) == ("dropped", False)


def test_what_happens_once_does_not_last() -> None:
    one = Record.of(ME, [measure(once=True, end=None)]).measures["m"]
    assert not one.runs(0)
    assert one.state(0) == "done"


def test_a_strike_lives_until_just_before_it_expires_unless_it_is_void() -> None:
    record = Record.of(ME, [case(), strike(), strike("t", on="subject:s")])
    (one,) = record.struck["l"]
    assert [one.active(at) for at in (-1, 0, 9, 10)] == [False, True, True, False]
    record.add(Voided(id="v", at=5, parties=(ME,), strike="s", why="overturned"))
    assert one.void
    assert not record.strikes["t"].void


def test_a_case_is_under_appeal_until_all_appeals_are_decided() -> None:
    record = Record.of(ME, [case()])
    for name in ("p", "q"):
        record.add(Appealed(id=name, at=1, parties=(ME,), case="c", by="a", text=""))
    for name, left in (("p", True), ("q", False)):
        assert record.cases["c"].under_appeal
        record.add(
            Judged(
                id=f"j{name}",
                at=2,
                parties=(ME,),
                appeal=name,
                case="c",
                reviewer="r",
                outcome="upheld",
            )
        )
        assert record.cases["c"].under_appeal == left


def test_cases_bring_keys_to_their_incident() -> None:
    record = Record.of(
        ME, [incident(), case(acted_at=7), case("d", 9, ("content.id=2", "content.id=1"))]
    )
    one = record.incidents["i"]
    assert one.opened_at == 7
    assert one.cases == ["c", "d"]
    assert one.keys == {"content.id=1": [7, 9], "content.id=2": [9]}
    assert record.by_key == {"content.id=1": [(7, "i")], "content.id=2": [(7, "i")]}


def test_rules_stay_braked_until_they_are_released() -> None:
    record = Record(EVERYWHERE)
    record.add(
        Braked(
            id="b", at=0, parties=(EVERYWHERE,), rule="p.r", limit="5 per day", counted=6, since=0
        )
    )
    assert list(record.braked) == ["p.r"]
    record.add(Released(id="r", at=1, parties=(EVERYWHERE,), rule="p.r", by="x"))
    assert not record.braked
    assert not is_target(EVERYWHERE)
    assert is_target(ME)


def test_folding_at_once_or_bit_by_bit_is_the_same() -> None:
    facts: list[AnyFact] = [
        incident(),
        case(),
        measure(review=1),
        strike(),
        reviewed("x", "approve", 1),
        Applied(id="a", at=4, parties=(ME,), measure="m", start=4, end=9),
        ended(6),
    ]
    whole = Record.of(ME, facts)
    for _ in range(20):
        cut = random.randrange(len(facts))
        part = Record.of(ME, facts[:cut])
        part.fold(facts[cut:])
        for name in Record.__slots__:
            assert getattr(part, name) == getattr(whole, name)
