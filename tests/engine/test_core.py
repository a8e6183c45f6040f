"""The compiled core as an object: what it refuses, what it keeps, and what may be done with it."""

from __future__ import annotations

import copy
import gc
import sys

import msgspec
import pytest

from clausal.compiler import ir
from clausal.compiler.emit import emit
from clausal.compiler.ir import (
    Absent,
    All,
    Condition,
    Corpus,
    Flag,
    Mentions,
    Predicate,
    Same,
    Shared,
    Slot,
    WallClock,
)
from clausal.compiler.pipeline import optimise
from clausal.compiler.program import Program, ProgramError, pack_integers
from clausal.compiler.types import Scalar
from clausal.engine._core import Core
from clausal.engine._frame import Frame
from clausal.engine.event import ABSENT, EventError
from clausal.engine.layout import DEPTH_LIMIT
from tests.support.tables import core_of, corpus_of

SLOTS = [Slot(("a",), Scalar("bool")), Slot(("b",), Scalar("bool")), Slot(("t",), Scalar("text"))]
CORPUS = corpus_of(SLOTS, Flag(1), Absent(2), Mentions(3, 0), terms=[("刚刚",)])


def program() -> Program:
    return emit(optimise(CORPUS))


# ── Making one ───────────────────────────────────────────────────────────────────────────────────


def test_a_program_is_verified_unless_it_was() -> None:
    broken = msgspec.structs.replace(program(), rule_root=pack_integers("i", [5, 0, 0]))
    with pytest.raises(ProgramError):
        Core(broken, CORPUS.slots, time_slot=0)
    Core(program(), CORPUS.slots, time_slot=0, verified=True)


def test_the_slots_must_be_those_of_the_program() -> None:
    with pytest.raises(ProgramError):
        Core(program(), CORPUS.slots[:-1], time_slot=0)
    others = (*CORPUS.slots[:-1], Slot(("t",), Scalar("bool")))
    with pytest.raises(ProgramError):
        Core(program(), others, time_slot=0)
    for time_slot in (-1, 4):
        with pytest.raises(ProgramError, match="the slot of the time"):
            Core(program(), CORPUS.slots, time_slot=time_slot)


@pytest.mark.parametrize(
    ("paths", "message"),
    [
        ([("g",), ("g", "x")], "`g.x` lies inside of another slot"),
        ([("g", "x"), ("g",)], "`g` occurs twice, or has others inside"),
        ([("g",), ("g",)], "`g` occurs twice, or has others inside"),
        ([("g",) * (DEPTH_LIMIT + 1)], "a path has more than 64 names"),
        ([()], "a slot has no path"),
    ],
)
def test_fields_must_form_a_tree(paths: list[tuple[str, ...]], message: str) -> None:
    corpus = corpus_of([Slot(path, Scalar("bool")) for path in paths])
    with pytest.raises(ProgramError, match=message):
        core_of(corpus)


def test_figures_are_figures() -> None:
    for slot in (
        Slot(("p", "x"), Scalar("number"), "tally"),
        Slot(("x",), Scalar("text"), "tally"),
    ):
        with pytest.raises(ProgramError, match="is no figure of the history"):
            core_of(corpus_of([slot]))


def test_what_matches_texts_must_be_sound() -> None:
    made = program()
    for change in ({"terms": (("\u200b",),)}, {"terms": (("x" * 500,),)}):
        with pytest.raises(ProgramError, match="term"):
            Core(msgspec.structs.replace(made, **change), CORPUS.slots, time_slot=0)
    for pattern in ("(", "a{1001}", r"(a)\1"):
        broken = msgspec.structs.replace(made, patterns=((pattern, True),))
        with pytest.raises(ProgramError):
            Core(broken, CORPUS.slots, time_slot=0)


@pytest.mark.parametrize("zone", ["Nowhere/Land", "", "../etc/passwd", "/etc/localtime", "\x00"])
def test_time_zones_must_be_known(zone: str) -> None:
    corpus = corpus_of([], WallClock(0, "UTC", 0, 60))
    broken = msgspec.structs.replace(emit(optimise(corpus)), zones=(zone,))
    with pytest.raises(ProgramError, match="a time zone is not known here"):
        Core(broken, corpus.slots, time_slot=0)


def test_a_deep_path_is_read() -> None:
    path = tuple(f"g{depth}" for depth in range(DEPTH_LIMIT))
    event: object = True
    for name in reversed(path):
        event = {name: event}
    assert core_of(corpus_of([Slot(path, Scalar("bool"))])).read(event).value(1) is True


def test_a_program_without_anything_runs() -> None:
    core = core_of(corpus_of([]))
    values = core.read({})
    assert core.run(values, 0) == ([], [])
    assert values.value(0) is ABSENT


# ── Using one ────────────────────────────────────────────────────────────────────────────────────


def test_values_belong_to_their_core() -> None:
    one, other = core_of(CORPUS), core_of(CORPUS)
    values = one.read({"a": True})
    with pytest.raises(ValueError, match="another core"):
        other.run(values, 0)
    with pytest.raises(ValueError, match="another core"):
        other.lacking(values, 0)
    assert one.run(values, 0) == ([0, 1], [2])


def test_values_made_otherwise_have_none() -> None:
    core = core_of(CORPUS)
    with pytest.raises(ValueError, match="there are no values"):
        Frame().value(0)
    with pytest.raises(ValueError, match="another core"):
        core.run(Frame(), 0)
    with pytest.raises(TypeError):
        core.run(None, 0)  # type: ignore[arg-type] # it is what is refused
    with pytest.raises(TypeError):
        core.lacking(None, 0)  # type: ignore[arg-type] # it is what is refused
    with pytest.raises(TypeError, match="stay with the core"):
        copy.copy(core.read({}))


def test_numbers_that_name_nothing_are_refused() -> None:
    core = core_of(CORPUS)
    values = core.read({})
    for slot in (-1, 4, 2**31):
        with pytest.raises(IndexError):
            values.value(slot)
    for rule in (-1, 3, 2**31):
        with pytest.raises(IndexError):
            core.lacking(values, rule)


def test_instants_far_away_are_before_or_after_all_versions() -> None:
    core = core_of(CORPUS)
    values = core.read({"a": True})
    assert core.run(values, -(2**63)) == ([], [])
    assert core.run(values, 2**63 - 1) == ([0, 1], [2])
    with pytest.raises(OverflowError):
        core.run(values, 2**63)


def test_values_outlive_the_core_and_the_event() -> None:
    event = {"a": True, "t": "网传" + "x" * 100}
    values = core_of(CORPUS).read(event)
    event.clear()
    gc.collect()
    assert values.value(1) is True
    assert values.value(3) == "网传" + "x" * 100


def cores() -> int:
    gc.collect()
    return sum(isinstance(thing, Core) for thing in gc.get_objects())


def test_a_core_is_freed_when_nothing_needs_it() -> None:
    before = cores()
    core = core_of(CORPUS)
    values = [core.read({"t": "x"}) for _ in range(100)]
    assert cores() == before + 1
    del core
    # Values need only what slots hold, and not the program.
    assert cores() == before
    assert all(one.value(3) == "x" for one in values)


def test_texts_are_let_go_with_the_values() -> None:
    strings = [Slot((name,), Scalar("string")) for name in ("a", "b")]
    conditions = Same(1, 2), Mentions(3, 0)
    core = core_of(corpus_of([*strings, SLOTS[2]], *conditions, terms=[("刚刚",)]))
    text = "刚刚" + str(gc)
    before = sys.getrefcount(text)
    for event in (
        {"t": text},
        {"a": text, "b": text},
        {"a": text, "b": 5},
        {"a": text, "$history": {text: text}},
    ):
        for _ in range(3):
            try:
                values = core.read(event)
            except EventError:
                continue
            core.run(values, 0)
            assert sys.getrefcount(text) > before
            del values
    event = {}
    assert sys.getrefcount(text) == before


def test_an_event_that_is_refused_leaves_nothing_behind() -> None:
    core = core_of(CORPUS)
    for _ in range(3):
        with pytest.raises(EventError):
            core.read({"a": True, "t": "刚刚", "b": "no"})
        assert core.run(core.read({}), 0) == ([1], [0, 2])


# ── Sharing ──────────────────────────────────────────────────────────────────────────────────────


def tower(levels: int) -> Corpus:
    """Conditions of which each uses the one below twice: 2**levels walks if none were kept."""
    a, b, not_b = Predicate(0), Predicate(1), Predicate(1, negated=True)
    shared: list[Condition] = [All((a, b))]
    for level in range(levels):
        below = Shared(level)
        shared.append(All((ir.Any((below, b)), ir.Any((below, not_b)))))
    corpus = corpus_of(SLOTS, Flag(1))
    (rule,) = corpus.rules
    return msgspec.structs.replace(
        corpus,
        rules=(msgspec.structs.replace(rule, condition=Shared(levels)),),
        predicates=(Flag(1), Flag(2)),
        shared=tuple(shared),
    )


def test_what_is_shared_is_settled_once() -> None:
    corpus = tower(120)
    core = Core(emit(corpus), corpus.slots, time_slot=0)
    assert core.run(core.read({"a": True, "b": True}), 0) == ([0], [])
    assert core.run(core.read({"a": False, "b": True}), 0) == ([], [])
    values = core.read({})
    assert core.run(values, 0) == ([], [0])
    assert core.lacking(values, 0) == [1, 2]
