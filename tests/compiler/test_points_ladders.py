"""Ladders of points: what the checker makes of them, and what no bundle may say of them."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from clausal.compiler.ir import (
    ALWAYS,
    Constant,
    Corpus,
    FamilyDef,
    LifeDef,
    PointsDef,
    StrikeDef,
    WeightDef,
)
from clausal.compiler.verify_corpus import CorpusError, verify_corpus
from tests.support.checking import FIELDS, HEADER, MEASURES, codes, corpus, policy, rule
from tests.support.checking import only_rule as the_rule

DAY = 86_400_000_000
BODY = """
ladder conduct by account zh "行为" en "Conduct" {
  families [truth zh "真实" en "truth", fraud]
  points low 1, medium 2
  counts half of all, family
  life 90d, permanent from 3 points
  from severe step 2
  probation 30d after mute
  1  => warn for 1d
  4+ => mute for 3d after review
}
"""
LIBRARY = f"""
library shop.ladders 1.0.0 {{
  use shop.fields 1
  use shop.measures 1
}}
{BODY}
"""
SHARING = HEADER.replace("  use shop.measures 1\n", "  use shop.measures 1\n  use shop.ladders 1\n")


def sharing(name: str) -> str:
    header = SHARING.format(version="1.0.0", force="2024-01-01 ..", zone="UTC")
    return header.replace("shop.rules", name) + rule("offer.first", then="ladder conduct in fraud")


def test_a_ladder_of_points_as_declared() -> None:
    found = corpus(policy(BODY + rule("offer.first", then="ladder conduct in truth")))
    (ladder,) = found.ladders
    assert (ladder.name, ladder.within, ladder.version) == ("shop.rules.conduct", 0, 0)
    assert [(step.number, step.since, step.and_above) for step in ladder.steps] == [
        (1, 1, False),
        (2, 4, True),
    ]
    points = ladder.points
    assert points is not None
    assert points.sums == ("family", "half of all")
    assert points.lives == (LifeDef(0, 90 * DAY), LifeDef(3, None))
    assert points.jumps == (("severe", 2),)
    assert points.probation == 30 * DAY
    assert [family.name for family in points.families] == ["fraud", "truth"]
    paths = [
        found.slots[slot].path
        for family in points.families
        for slot in (family.slot, family.served)
        if slot is not None
    ]
    name = "shop.rules.conduct"
    assert paths == [
        (name, "fraud"),
        (name, "fraud", "served"),
        (name, "truth"),
        (name, "truth", "served"),
    ]
    weight = WeightDef(ALWAYS, Constant(2.0))
    assert the_rule(found).strikes == (StrikeDef(0, 1, (weight,)),)
    assert the_rule(found).struck == (0,)


def test_a_rule_may_strike_in_two_families_and_is_warned() -> None:
    both = "ladder conduct in truth, ladder conduct in fraud with 1 points"
    text = policy(BODY + rule("offer.first", then=both))
    assert codes(text) == ["W0904"]
    assert [strike.family for strike in the_rule(corpus(text, warnings=True)).strikes] == [0, 1]


def test_policies_share_the_ladder_of_a_library() -> None:
    found = corpus(sharing("shop.one"), sharing("shop.two"), libraries=(FIELDS, MEASURES, LIBRARY))
    (ladder,) = found.ladders
    assert (ladder.name, ladder.version) == ("shop.ladders.conduct", None)
    assert [rule.struck for rule in found.rules] == [(0,), (0,)]
    assert {slot.path[0] for slot in found.slots if slot.source == "strikes"} == {ladder.name}


def test_ladders_that_read_their_past_alike_share_it() -> None:
    body = BODY + rule("strikes of conduct > 1", then="ladder conduct in truth")

    def paths(other: str) -> set[str]:
        first = policy(body, force="2024-01-01 .. 2024-02-01")
        second = policy(other, version="1.1.0", force="2024-02-01 ..")
        slots = corpus(first, second).slots
        return {slot.path[0] for slot in slots if slot.source == "strikes"}

    assert paths(body.replace("low 1", "low 2")) == {"shop.rules.conduct"}
    assert paths(body.replace("90d", "80d")) == {
        "shop.rules.conduct@1.0.0",
        "shop.rules.conduct@1.1.0",
    }


SOUND = corpus(policy(BODY + rule("offer.first", then="ladder conduct in truth")))
replace = msgspec.structs.replace


def ladder_with(**changes: object) -> Corpus:
    return replace(SOUND, ladders=(replace(SOUND.ladders[0], **changes),))


def points() -> PointsDef:
    found = SOUND.ladders[0].points
    assert found is not None
    return found


def points_with(**changes: object) -> Corpus:
    return ladder_with(points=replace(points(), **changes))


def strike_with(**changes: object) -> Corpus:
    struck = replace(SOUND.rules[0].strikes[0], **changes)
    return replace(SOUND, rules=(replace(SOUND.rules[0], strikes=(struck,)),))


def families() -> tuple[FamilyDef, ...]:
    return points().families


FORGED: dict[str, Callable[[], Corpus]] = {
    "no family": lambda: points_with(families=()),
    "families out of order": lambda: points_with(families=families()[::-1]),
    "a slot that holds something else": lambda: points_with(
        families=(replace(families()[0], slot=SOUND.time_slot), families()[1])
    ),
    "a probation that is not kept": lambda: points_with(probation=0),
    "no sums": lambda: points_with(sums=()),
    "no life": lambda: points_with(lives=()),
    "lives that do not begin with all": lambda: points_with(lives=(LifeDef(1, DAY),)),
    "a life of no time": lambda: points_with(lives=(LifeDef(0, 0),)),
    "a jump beyond the steps": lambda: points_with(jumps=(("severe", 3),)),
    "steps that do not ascend": lambda: ladder_with(
        steps=tuple(replace(step, since=1) for step in SOUND.ladders[0].steps)
    ),
    "points of a ladder that counts": lambda: ladder_with(points=None, within=DAY),
    "a strike without points": lambda: strike_with(weights=()),
    "a strike of a fraction": lambda: strike_with(weights=(WeightDef(ALWAYS, Constant(0.5)),)),
    "a strike below none": lambda: strike_with(weights=(WeightDef(ALWAYS, Constant(-1.0)),)),
    "a strike in no family": lambda: strike_with(family=2),
    "a strike on no ladder": lambda: strike_with(ladder=1),
    "a count of points": lambda: replace(
        SOUND, rules=(replace(SOUND.rules[0], strikes=(), ladders=(0,)),)
    ),
}


@pytest.mark.parametrize("forge", FORGED.values(), ids=FORGED.keys())
def test_a_ladder_that_no_checker_made_is_refused(forge: Callable[[], Corpus]) -> None:
    verify_corpus(SOUND)
    with pytest.raises(CorpusError):
        verify_corpus(forge())
