"""The laws of the sanction algebra, each held by a property test.

Segments are drawn from small domains, so that many of them meet: with few instants, elements and
rules every kind of overlap turns up.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from random import Random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clausal.compiler.ir import Law, SanctionDef, SanctionParam
from clausal.compiler.types import Enum, EnumValue, Scalar, SetOf
from clausal.engine.decision import TargetRef
from clausal.engine.join import EVERYTHING, Algebra, Circumstances, Place
from clausal.engine.segments import (
    FOREVER,
    Cause,
    Group,
    Segment,
    Shape,
    Value,
    order,
    regroup,
    split,
)

KINDS = SetOf(Enum((EnumValue("ads"), EnumValue("tips"), EnumValue("brand"))))
LEVELS = Enum((EnumValue("freeze"), EnumValue("close")))
NO_LAW = Law("latest")


def sanction(
    name: str,
    *params: SanctionParam,
    law: Law = NO_LAW,
    grade: int = 2,
    implies: tuple[int, ...] = (),
) -> SanctionDef:
    return SanctionDef(
        name=name,
        library="test",
        params=params,
        targets=("account",),
        grade=grade,
        law=law,
        implies=implies,
    )


# Each implies those after it in some way, directly or by steps.
CLOSE, DEADLINE, LIMIT, MUTE, PAUSE, REVOKE, SUSPEND, INTERACTION = range(8)
SANCTIONS = (
    sanction("close", grade=5, implies=(SUSPEND, REVOKE, LIMIT)),
    sanction(
        "deadline",
        SanctionParam("within", Scalar("duration")),
        law=Law("strictest", strength=0, lowest=True),
    ),
    sanction("limit", SanctionParam("cut", Scalar("share")), law=Law("strictest", strength=0)),
    sanction("mute", grade=4),
    sanction("pause", SanctionParam("kinds", KINDS), law=Law("union"), grade=3),
    sanction("revoke", SanctionParam("kinds", KINDS), law=Law("union"), grade=4, implies=(PAUSE,)),
    sanction("suspend", grade=4, implies=(MUTE,)),
    sanction(
        "interaction",
        SanctionParam("actions", KINDS),
        SanctionParam("note", Scalar("string")),
        SanctionParam("mode", LEVELS),
        law=Law("strictest", strength=2),
    ),
)
ALGEBRA = Algebra(SANCTIONS)

ATOMS: dict[int, Sequence[tuple[str | None, ...]]] = {
    CLOSE: [()],
    DEADLINE: [(None,)],
    LIMIT: [(None,)],
    MUTE: [()],
    PAUSE: [("ads",), ("tips",)],
    REVOKE: [("ads",), ("tips",)],
    SUSPEND: [()],
    INTERACTION: [("ads", "x", None), ("tips", "x", None), ("tips", "y", None)],
}
ACCOUNTS = [TargetRef("account", "a"), TargetRef("account", None)]
RULES = ["p.one", "p.two"]
INSTANTS = [0, 10, 20, 30, FOREVER]


@st.composite
def segment(draw: st.DrawFn, sanctions: Sequence[int] = tuple(ATOMS)) -> Segment:
    which = draw(st.sampled_from(sanctions))
    start, end = sorted(draw(st.sets(st.sampled_from(INSTANTS), min_size=2, max_size=2)))
    return Segment(
        mode=draw(st.sampled_from(["enforced", "enforced", "enforced", "shadow"])),
        sanction=which,
        target=draw(st.sampled_from(ACCOUNTS)),
        atom=draw(st.sampled_from(ATOMS[which])),
        strength=draw(st.sampled_from([0.0, 1.0]))
        if SANCTIONS[which].law.strength is not None
        else 0.0,
        start=start,
        end=end,
        until_fixed=draw(st.sampled_from(["", "", *RULES])),
        interim=draw(st.booleans()),
        review=draw(st.sampled_from([0, 0, 1, 2])),
    )


@st.composite
def alike(draw: st.DrawFn, count: int = 2) -> list[Segment]:
    """Segments that differ in a few things, so that one often covers another."""
    made = [draw(segment())]
    while len(made) < count:
        other = draw(segment([made[0].sanction]))
        kept = draw(st.sets(st.sampled_from(Segment.__struct_fields__), min_size=6))
        shared = {name: getattr(made[-1], name) for name in kept}
        made.append(msgspec.structs.replace(other, **shared))
    return made


segments = st.lists(segment(), max_size=9).map(frozenset)

EVERY_CIRCUMSTANCE = [
    Circumstances(at, reviewed, firing, suspicion)
    for at in sorted({i + d for i in INSTANTS[:-1] for d in (-1, 0, 1)} | {FOREVER - 1})
    for reviewed in (0, 1, 2)
    for firing in (frozenset(), frozenset(RULES[:1]), frozenset(RULES[1:]), None)
    for suspicion in (True, False)
]


Meaning = dict[tuple[Place, Circumstances], float | None]


def meaning(some: frozenset[Segment], places: frozenset[Place]) -> Meaning:
    return {
        (place, now): ALGEBRA.strength(some, place, now)
        for place in places
        for now in EVERY_CIRCUMSTANCE
    }


def as_strict(heavier: Meaning, lighter: Meaning) -> bool:
    """Whether one meaning is everywhere at least as strict as another."""
    for key, strength in lighter.items():
        other = heavier[key]
        if strength is not None and (other is None or other < strength):
            return False
    return True


def places_of(some: frozenset[Segment]) -> frozenset[Place]:
    return frozenset(Place(s.mode, s.target, s.sanction, s.atom) for s in some)


# ── The order ────────────────────────────────────────────────────────────────────────────────────


@given(segment())
def test_a_segment_covers_itself(a: Segment) -> None:
    assert ALGEBRA.covers(a, a)


@given(alike())
def test_segments_that_cover_each_other_are_equal(pair: list[Segment]) -> None:
    a, b = pair
    if ALGEBRA.covers(a, b) and ALGEBRA.covers(b, a):
        assert a == b


chains = alike(4) | st.lists(segment([CLOSE, REVOKE, PAUSE]), min_size=3, max_size=5)


@given(chains)
def test_covering_is_transitive(some: list[Segment]) -> None:
    for a, b, c in itertools.permutations(some, 3):
        if ALGEBRA.covers(b, a) and ALGEBRA.covers(c, b):
            assert ALGEBRA.covers(c, a)


@given(alike() | st.tuples(segment(), segment()))
def test_one_covers_another_exactly_if_it_brings_about_as_much_whatever_happens(
    pair: Sequence[Segment],
) -> None:
    """The order says what it means: it is neither too bold nor too timid."""
    a, b = pair
    places = places_of(frozenset([a]))
    alone = meaning(frozenset([a]), places)
    instead = meaning(frozenset([b]), places)
    assert ALGEBRA.covers(b, a) == as_strict(instead, alone)


# ── The join ─────────────────────────────────────────────────────────────────────────────────────


@given(segments, segments)
def test_join_is_commutative(a: frozenset[Segment], b: frozenset[Segment]) -> None:
    one = ALGEBRA.join([*ALGEBRA.join(a), *ALGEBRA.join(b)])
    other = ALGEBRA.join([*ALGEBRA.join(b), *ALGEBRA.join(a)])
    assert one == other == ALGEBRA.join(a | b)


@given(segments, segments, segments)
def test_join_is_associative(
    a: frozenset[Segment], b: frozenset[Segment], c: frozenset[Segment]
) -> None:
    left = ALGEBRA.join(ALGEBRA.join(a | b) | c)
    right = ALGEBRA.join(a | ALGEBRA.join(b | c))
    assert left == right == ALGEBRA.join(a | b | c)


@given(segments)
def test_join_is_idempotent(a: frozenset[Segment]) -> None:
    joined = ALGEBRA.join(a)
    assert ALGEBRA.join(joined) == joined
    assert ALGEBRA.join([*joined, *joined]) == joined


@given(segments, segments)
def test_the_join_is_the_least_outcome_that_covers_both(
    a: frozenset[Segment], b: frozenset[Segment]
) -> None:
    joined = ALGEBRA.join(a | b)
    assert ALGEBRA.at_most(a, joined)
    assert ALGEBRA.at_most(b, joined)
    assert joined <= a | b


@given(st.lists(segment(), max_size=9), st.randoms(use_true_random=False))
def test_no_order_of_segments_shows(some: list[Segment], random: Random) -> None:
    shuffled = list(some)
    random.shuffle(shuffled)
    before, after = ALGEBRA.covers_of(some), ALGEBRA.covers_of(shuffled)
    assert list(before.items()) == list(after.items())


# ── Nothing is lost ──────────────────────────────────────────────────────────────────────────────


@given(segments)
def test_the_join_is_as_strict_as_the_strictest_in_all_circumstances(
    some: frozenset[Segment],
) -> None:
    places = places_of(some)
    assert meaning(ALGEBRA.join(some), places) == meaning(some, places)


@given(segments, segment())
def test_adding_a_segment_never_lightens_and_removing_one_never_makes_heavier(
    some: frozenset[Segment], one: Segment
) -> None:
    fewer, more = ALGEBRA.join(some), ALGEBRA.join(some | {one})
    assert ALGEBRA.at_most(fewer, more)
    places = places_of(some | {one})
    assert as_strict(meaning(more, places), meaning(fewer, places))


def limit(cut: float, end: int, until_fixed: str = "") -> Segment:
    return Segment("enforced", LIMIT, ACCOUNTS[0], (None,), cut, 0, end, until_fixed)


def test_a_short_strict_limit_never_inherits_a_long_end() -> None:
    strict, long = limit(0.9, 10), limit(0.3, 30)
    joined = ALGEBRA.join([strict, long])
    assert joined == {strict, long}
    place = Place("enforced", ACCOUNTS[0], LIMIT, (None,))
    at = [ALGEBRA.strength(joined, place, Circumstances(t)) for t in (0, 9, 10, 29, 30)]
    assert at == [0.9, 0.9, 0.3, 0.3, None]


def test_a_long_strict_limit_covers_a_short_mild_one() -> None:
    strict, mild = limit(0.9, 30), limit(0.3, 10)
    assert ALGEBRA.covers_of([mild, strict]) == {mild: strict, strict: None}


def test_the_nearest_deadline_is_the_strictest() -> None:
    shape = Shape(SANCTIONS[DEADLINE])
    assert shape.strength([1.0]) > shape.strength([2.0])


@given(segments, segment(), segment())
def test_interim_never_swallows_final(
    some: frozenset[Segment], interim: Segment, final: Segment
) -> None:
    covers = ALGEBRA.covers_of(some | {interim, final})
    for lighter, heavier in covers.items():
        if heavier is not None and heavier.interim:
            assert lighter.interim


@given(segments)
def test_pending_review_never_swallows_what_takes_effect_sooner(some: frozenset[Segment]) -> None:
    for lighter, heavier in ALGEBRA.covers_of(some).items():
        if heavier is not None:
            assert heavier.review <= lighter.review


def test_shadow_covers_nothing_that_is_enforced() -> None:
    strict, mild = limit(0.9, 30), limit(0.3, 10)
    shadow = msgspec.structs.replace(strict, mode="shadow")
    assert ALGEBRA.covers(strict, mild)
    assert not ALGEBRA.covers(shadow, mild)
    assert not ALGEBRA.at_most([mild], [shadow])
    assert not ALGEBRA.at_most([shadow], [strict])


@given(segments)
def test_shadow_and_enforced_never_meet(some: frozenset[Segment]) -> None:
    for lighter, heavier in ALGEBRA.covers_of(some).items():
        if heavier is not None:
            assert heavier.mode == lighter.mode


def test_what_ends_when_fixed_covers_only_what_ends_with_the_same_rule() -> None:
    first, second, forever = (limit(0.5, 30, until_fixed=rule) for rule in ("p.one", "p.two", ""))
    assert ALGEBRA.join([first, second]) == {first, second}
    assert ALGEBRA.join([first, second, forever]) == {forever}


# ── Nothing is forgotten ─────────────────────────────────────────────────────────────────────────


@given(segments)
def test_what_is_covered_yields_to_one_that_yields_to_none(some: frozenset[Segment]) -> None:
    covers = ALGEBRA.covers_of(some)
    assert covers.keys() == some
    for lighter, heavier in covers.items():
        if heavier is not None:
            assert heavier != lighter
            assert ALGEBRA.covers(heavier, lighter)
            assert covers[heavier] is None


@given(segments)
def test_a_covered_segment_comes_back_when_all_that_cover_it_are_removed(
    some: frozenset[Segment],
) -> None:
    for lighter in ALGEBRA.covers_of(some):
        left = frozenset(s for s in some if s == lighter or not ALGEBRA.covers(s, lighter))
        assert ALGEBRA.covers_of(left)[lighter] is None


@given(segments, segment())
def test_removing_a_segment_leaves_the_record_that_would_have_been(
    some: frozenset[Segment], one: Segment
) -> None:
    without = some - {one}
    restored = ALGEBRA.covers_of(without)
    for lighter, heavier in ALGEBRA.covers_of(some | {one}).items():
        if one not in (lighter, heavier) and heavier is not None:
            assert restored[lighter] == heavier


# ── Implied sanctions ────────────────────────────────────────────────────────────────────────────


def plain(
    which: int,
    atom: tuple[str, ...] = (),
    end: int = FOREVER,
    review: int = 0,
    target: TargetRef = ACCOUNTS[0],
) -> Segment:
    return Segment("enforced", which, target, atom, 0.0, 0, end, review=review)


def test_implication_goes_by_steps() -> None:
    close, mute = plain(CLOSE), plain(MUTE)
    assert ALGEBRA.covers_of([mute, close])[mute] == close


def test_implication_stays_on_its_target() -> None:
    close, mute = plain(CLOSE), plain(MUTE, target=TargetRef("account", "b"))
    assert ALGEBRA.join([close, mute]) == {close, mute}


def test_implication_covers_no_longer_than_it_lasts() -> None:
    suspend, mute = plain(SUSPEND, end=20), plain(MUTE, end=30)
    assert ALGEBRA.join([suspend, mute]) == {suspend, mute}


def test_an_implying_measure_that_waits_for_review_leaves_the_implied_one_in_effect() -> None:
    close, mute = plain(CLOSE, review=2), plain(MUTE)
    assert ALGEBRA.join([close, mute]) == {close, mute}


def test_implication_agrees_on_shared_parameters() -> None:
    revoke = plain(REVOKE, ("ads",))
    ads, tips = plain(PAUSE, ("ads",)), plain(PAUSE, ("tips",))
    assert ALGEBRA.covers_of([revoke, ads, tips]) == {revoke: None, ads: revoke, tips: None}


def test_implication_without_the_parameter_is_about_all_its_values() -> None:
    close, tips = plain(CLOSE), plain(PAUSE, ("tips",))
    place = Place("enforced", ACCOUNTS[0], PAUSE, ("tips",))
    assert ALGEBRA.covers_of([close, tips])[tips] == close
    assert ALGEBRA.strength([close], place, Circumstances(0)) == EVERYTHING


def test_a_cover_of_the_same_sanction_is_named_before_one_that_implies_it() -> None:
    short, long, close = plain(MUTE, end=10), plain(MUTE, end=20), plain(CLOSE, end=15)
    assert ALGEBRA.covers_of([short, long, close])[short] == long


def test_sanctions_that_imply_each_other_are_refused() -> None:
    circle = [sanction("a", implies=(1,)), sanction("b", implies=(0,))]
    with pytest.raises(ValueError, match="`a` implies itself"):
        Algebra(circle)


def test_the_path_that_binds_least_decides() -> None:
    """``top`` implies ``pause`` twice: for the same kinds, and, through ``middle``, for all."""
    kinds = SanctionParam("kinds", KINDS)
    algebra = Algebra(
        [
            sanction("top", kinds, implies=(1, 2)),
            sanction("middle", implies=(2,)),
            sanction("pause", kinds),
        ]
    )
    top, tips = plain(0, ("ads",)), plain(2, ("tips",))
    assert algebra.covers(top, tips)


# ── Taking apart and putting together ────────────────────────────────────────────────────────────

elements = st.lists(st.sampled_from(["ads", "tips", "brand"]), unique=True).map(
    lambda some: tuple(sorted(some, key=["ads", "tips", "brand"].index))
)


@st.composite
def measure(draw: st.DrawFn) -> tuple[int, tuple[Value, ...], tuple[str, ...]]:
    which = draw(st.sampled_from([MUTE, LIMIT, DEADLINE, PAUSE, INTERACTION]))
    arguments: dict[int, tuple[Value, ...]] = {
        MUTE: (),
        LIMIT: (draw(st.sampled_from([0.3, 0.7])),),
        DEADLINE: (draw(st.sampled_from([0.0, 3.6e9])),),
        PAUSE: (draw(elements),),
        INTERACTION: (draw(elements), "note", draw(st.sampled_from(["freeze", "close"]))),
    }
    rules = draw(st.sampled_from([(), ("p.one",), ("p.one", "p.two")]))
    return which, arguments[which], rules


def taken_apart(which: int, arguments: Sequence[Value], rules: Sequence[str]) -> list[Segment]:
    return split(
        ALGEBRA.shapes[which],
        arguments,
        rules,
        mode="enforced",
        sanction=which,
        target=ACCOUNTS[0],
        start=0,
        end=10,
        interim=False,
        review=0,
    )


@given(measure())
def test_putting_together_undoes_taking_apart(
    one: tuple[int, tuple[Value, ...], tuple[str, ...]],
) -> None:
    which, arguments, rules = one
    parts = taken_apart(which, arguments, rules)
    (group,) = regroup(ALGEBRA.shapes, [(part, Cause(frozenset([1]))) for part in parts])
    assert (group.segment.sanction, group.arguments, group.until_fixed) == one
    assert group.cause == Cause(frozenset([1]))


def test_two_set_parameters_are_put_together_again() -> None:
    both = sanction("both", SanctionParam("kinds", KINDS), SanctionParam("more", KINDS))
    shape = Shape(both)
    arguments: tuple[Value, ...] = (("ads", "brand"), ("ads", "tips", "brand"))
    parts = split(
        shape,
        arguments,
        (),
        mode="enforced",
        sanction=0,
        target=ACCOUNTS[0],
        start=0,
        end=10,
        interim=False,
        review=0,
    )
    assert len(parts) == 6
    (group,) = regroup([shape], [(part, Cause()) for part in parts])
    assert group.arguments == arguments


@given(st.lists(st.tuples(measure(), st.integers(0, 2)), max_size=5), st.randoms())
def test_groups_hold_each_segment_once_with_its_causes_in_any_order(
    some: list[tuple[tuple[int, tuple[Value, ...], tuple[str, ...]], int]], random: Random
) -> None:
    causes: dict[Segment, Cause] = {}
    for one, finding in some:
        for part in taken_apart(*one):
            causes[part] = causes.get(part, Cause()) | Cause(frozenset([finding]))
    pairs = list(causes.items())
    groups = regroup(ALGEBRA.shapes, pairs)
    random.shuffle(pairs)
    assert regroup(ALGEBRA.shapes, pairs) == groups
    members = [member for group in groups for member in group.members]
    assert sorted(members, key=order) == sorted(causes, key=order)
    for group in groups:
        assert group.cause.findings == frozenset().union(
            *(causes[member].findings for member in group.members)
        )
        again = taken_apart(group.segment.sanction, group.arguments, group.until_fixed)
        assert frozenset(again) == frozenset(group.members)


def together(*pairs: tuple[Segment, Cause]) -> list[Group]:
    return regroup(ALGEBRA.shapes, pairs)


def test_elements_with_other_causes_stay_other_measures() -> None:
    ads, tips = plain(PAUSE, ("ads",)), plain(PAUSE, ("tips",))
    one, two = Cause(frozenset([1])), Cause(frozenset([2]))
    assert [g.arguments for g in together((ads, one), (tips, one))] == [(("ads", "tips"),)]
    assert [g.arguments for g in together((ads, one), (tips, two))] == [(("ads",),), (("tips",),)]


def test_a_measure_about_nothing_is_no_part_of_one_about_something() -> None:
    groups = together(
        *[(part, Cause()) for part in taken_apart(PAUSE, ((),), ())],
        *[(part, Cause()) for part in taken_apart(PAUSE, (("ads", "tips"),), ())],
    )
    assert [group.arguments for group in groups] == [((),), (("ads", "tips"),)]


def test_measures_until_fixed_become_one_that_lasts_until_both_rules_are_silent() -> None:
    first, second = (limit(0.5, 30, until_fixed=rule) for rule in RULES)
    (group,) = together((first, Cause(frozenset([1]))), (second, Cause(frozenset([2]))))
    assert group.until_fixed == ("p.one", "p.two")
    assert group.cause.findings == {1, 2}
