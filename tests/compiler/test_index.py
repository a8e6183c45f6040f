"""The index finds what trying every rule finds, however it is laid out, and stays within its bounds.

The compiled core without an index is the judge of which rules are true and unknown; it is held
against the reference interpreter by `tests/engine/test_differential.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from random import Random
from typing import Any as Anything
from typing import Final

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clausal.compiler.cells import CELL_LIMIT
from clausal.compiler.conjunctions import CONJUNCTION_LIMIT, TOTAL_LIMIT
from clausal.compiler.emit import emit
from clausal.compiler.index import LEAF_LIMIT, Index, Shape, build_index
from clausal.compiler.ir import (
    Absent,
    All,
    Any,
    Comparison,
    Condition,
    Constant,
    Corpus,
    Negation,
    Reading,
    RuleDef,
)
from clausal.compiler.pipeline import optimise
from clausal.compiler.profile import FAILED as FAILED_VALUE
from clausal.compiler.profile import Profile, profile_of
from clausal.compiler.program import Program, SlotKind, floats, integers
from clausal.compiler.verify_index import verify_index
from clausal.engine._core import Core
from clausal.engine.event import EventError
from clausal.engine.values import ABSENT, FAILED
from tests.strategies.events import EventWriter
from tests.strategies.ir import corpora, write_corpus

seeds = st.integers(0, 2**32)
any_corpora = st.one_of(corpora(), seeds.map(lambda seed: write_corpus(Random(seed), 12)))

SHAPES: Final = (
    Shape(),
    Shape(clustered=False),
    Shape(leaf=2, width=2, cells=4, tests=1),
    Shape(leaf=65, width=3, cells=5),
    Shape(leaf=64, width=64, tests=0),
    Shape(leaf=7, width=7, cells=64, tests=2, clustered=False),
    Shape(leaf=200, width=2),
)
"""Layouts that differ as much as they can."""

shapes = st.one_of(
    st.sampled_from(SHAPES),
    st.builds(
        Shape,
        leaf=st.integers(2, 64) | st.integers(2, LEAF_LIMIT),
        width=st.integers(2, 64),
        cells=st.integers(4, CELL_LIMIT),
        tests=st.integers(0, 20),
        clustered=st.booleans(),
    ),
)


def core_of(program: Program, corpus: Corpus, index: Index | None) -> Core:
    if index is not None:
        verify_index(index, program)
    return Core(
        program, corpus.slots, time_slot=corpus.time_slot, ladders=corpus.ladders, index=index
    )


def sample(corpus: Corpus, seed: int) -> Iterator[tuple[dict[str, object], int]]:
    writer = EventWriter(Random(seed), corpus)
    while True:
        yield writer.event(), writer.instant()


def stored(value: object) -> object:
    """A value as profiles take it."""
    if value is ABSENT:
        return None
    return FAILED_VALUE if value is FAILED else value


def profile_from(program: Program, corpus: Corpus, seed: int, events: int) -> Profile:
    core = core_of(program, corpus, None)
    rows, instants = [], []
    for event, instant in islice(sample(corpus, seed), events):
        try:
            values = core.read(event)
        except EventError:
            continue
        row = [values.value(slot) for slot in range(len(corpus.slots))]
        rows.append([stored(value) for value in row])
        instants.append(float(instant))
    return profile_of(program, rows, instants)


@given(corpus=any_corpora, seed=seeds, shape=shapes, events=st.sampled_from([0, 3, 40]))
def test_every_layout_finds_what_trying_every_rule_finds(
    corpus: Corpus, seed: int, shape: Shape, events: int
) -> None:
    program = emit(optimise(corpus))
    profile = profile_from(program, corpus, seed + 1, events)
    core = core_of(program, corpus, build_index(program, profile, shape))
    plain = core_of(program, corpus, None)
    for event, instant in islice(sample(corpus, seed), 20):
        try:
            values, same = core.read(event), plain.read(event)
        except EventError:
            continue
        for blind in (False, True):
            assert core.run(values, instant, blind=blind) == plain.run(same, instant, blind=blind)


def test_equal_arguments_give_equal_indices() -> None:
    corpus = write_corpus(Random(3), 40)
    program = emit(optimise(corpus))
    profile = profile_from(program, corpus, 1, 50)
    assert profile == profile_from(program, corpus, 1, 50)
    assert profile.events > 20
    again = msgspec.msgpack.decode(msgspec.msgpack.encode(profile), type=Profile)
    assert build_index(program, profile) == build_index(emit(optimise(corpus)), again)
    assert build_index(program, profile) != build_index(program)


# ── Bundles made to be dear ──────────────────────────────────────────────────────────────────────


def comparing(corpus: Corpus, conditions: Sequence[Condition]) -> Corpus:
    """The corpus with one rule for each condition."""
    model = corpus.rules[0]
    rules = tuple(
        RuleDef(
            name=f"r{number:05}",
            version=0,
            clauses=model.clauses,
            when=condition,
            unless=model.unless,
            condition=condition,
            measures=model.measures,
            ladders=(),
        )
        for number, condition in enumerate(conditions)
    )
    return msgspec.structs.replace(corpus, rules=rules, tests=())


BASE: Final = write_corpus(Random(1), 8)


def numbers() -> list[int]:
    """Slots of numbers that are fields of the event."""
    kinds = emit(optimise(BASE)).slot_kinds
    return [
        slot
        for slot, kind in enumerate(kinds)
        if kind == SlotKind.QUANTITY
        and BASE.slots[slot].source == "field"
        and getattr(BASE.slots[slot].type, "name", "") == "number"
    ]


FIELD: Final = numbers()[0]


def at_least(value: float) -> Condition:
    return Comparison(">=", Reading(FIELD), Constant(value))


def less(value: float) -> Condition:
    return Comparison("<", Reading(FIELD), Constant(value))


def exactly(value: float) -> Condition:
    return Comparison("==", Reading(FIELD), Constant(value))


def thresholds(count: int) -> list[Condition]:
    return [at_least(float(number)) for number in range(count)]


def overlapping(count: int) -> list[Condition]:
    return [
        All((at_least(float(number)), less(float(number + count // 2)))) for number in range(count)
    ]


def points(count: int) -> list[Condition]:
    return [exactly(float(number)) for number in range(count)]


def negations(count: int) -> list[Condition]:
    return [Negation(exactly(float(number))) for number in range(count)]


def missing(count: int) -> list[Condition]:
    absent = Absent(FIELD)
    return [
        All((Negation(absent), at_least(float(number)))) if number % 2 else absent
        for number in range(count)
    ]


def mixed(count: int) -> list[Condition]:
    kinds = (at_least, less, exactly, lambda value: Negation(exactly(value)))
    return [kinds[number % 4](float(number // 4)) for number in range(count)]


DEAR: Final = (thresholds, overlapping, points, negations, missing, mixed)


def around(values: Sequence[float]) -> Iterator[dict[str, object]]:
    """Events with a number beside, between and on thresholds, and without one."""
    path = BASE.slots[FIELD].path
    found: list[Anything] = [None, {"$failed": "gone"}]
    for value in values:
        found += [value - 0.5, value, value + 0.5]
    for number in found:
        event: dict[str, Anything] = {"time": "2024-05-01T12:00:00Z"}
        inner = event
        for name in path[:-1]:
            inner = inner.setdefault(name, {})
        if number is not None:
            inner[path[-1]] = number
        yield event


def hold(corpus: Corpus, index: Index, events: Iterator[dict[str, object]]) -> int:
    """Hold the index against trying every rule; returns how many rules fired in all."""
    program = emit(optimise(corpus))
    core, plain = core_of(program, corpus, index), core_of(program, corpus, None)
    instant = corpus.versions[0].start
    fired = 0
    for event in events:
        found = core.run(core.read(event), instant)
        assert found == plain.run(plain.read(event), instant)
        fired += len(found[0])
    return fired


@pytest.mark.parametrize("dear", DEAR, ids=[one.__name__ for one in DEAR])
@pytest.mark.parametrize("shape", SHAPES, ids=range(len(SHAPES)))
def test_rules_on_one_field_are_told_apart(dear: Anything, shape: Shape) -> None:
    corpus = comparing(BASE, dear(600))
    index = build_index(emit(optimise(corpus)), shape=shape)
    assert hold(corpus, index, around([float(n) for n in (-1, 0, 1, 2, 7, 63, 64, 150, 599)])) > 0


@pytest.mark.parametrize("dear", DEAR, ids=[one.__name__ for one in DEAR])
def test_ten_thousand_rules_on_one_field_stay_small(dear: Anything) -> None:
    corpus = comparing(BASE, dear(10_000))
    program = emit(optimise(corpus))
    index = build_index(program)
    assert len(msgspec.msgpack.encode(index)) < 200 * 10_000
    assert len(floats(index.cuts)) < 2 * CELL_LIMIT
    assert hold(corpus, index, islice(around([0.0, 4999.0, 9999.0]), 8)) > 0


def test_a_thousand_alternatives_stay_within_bounds() -> None:
    corpus = comparing(BASE, [Any(tuple(exactly(float(2 * number)) for number in range(1000)))])
    index = build_index(emit(optimise(corpus)))
    assert len(integers("i", index.conjunction_rule)) <= CONJUNCTION_LIMIT
    assert hold(corpus, index, around([float(number) for number in range(0, 2002, 77)])) > 0


def test_products_of_alternatives_stay_within_bounds() -> None:
    kinds = emit(optimise(BASE)).slot_kinds
    two = next(s for s, kind in enumerate(kinds) if kind == SlotKind.QUANTITY and s != FIELD)

    def above(slot: int, value: float) -> Condition:
        return Comparison(">=", Reading(slot), Constant(value))

    part = Any((above(FIELD, 1.0), above(two, 2.0)))
    parts = [
        Any((above(FIELD, float(number)), Negation(above(two, float(number))), part))
        for number in range(30)
    ]
    corpus = comparing(BASE, [All(tuple(parts))])
    index = build_index(emit(optimise(corpus)))
    assert len(integers("i", index.conjunction_rule)) <= CONJUNCTION_LIMIT
    hold(corpus, index, around([0.0, 1.0, 29.0]))


def test_all_conjunctions_together_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    assert TOTAL_LIMIT >= 100_000
    monkeypatch.setattr("clausal.compiler.conjunctions.TOTAL_LIMIT", 100)
    pairs = [Any(tuple(exactly(float(10 * n + m)) for m in range(8))) for n in range(60)]
    corpus = comparing(BASE, pairs)
    index = build_index(emit(optimise(corpus)))
    assert len(integers("i", index.conjunction_rule)) <= 4 * 60
    assert hold(corpus, index, around([0.0, 5.0, 17.0, 597.0])) > 0


def test_conjunctions_that_ask_for_like_things_lie_together() -> None:
    corpus = comparing(BASE, points(4000))
    program = emit(optimise(corpus))
    # Sixty cells for four thousand numbers: those of one cell fill about one leaf.
    expected = build_index(program).expected
    assert expected.nodes < 12
    assert expected.conjunctions < 400
