"""A program that could lead the evaluator astray is refused, and any other one runs."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from random import Random
from typing import Final, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clausal.compiler.emit import emit
from clausal.compiler.ir import (
    All,
    Arithmetic,
    Comparison,
    Condition,
    Constant,
    Corpus,
    Count,
    Flag,
    Member,
    Mentions,
    Negation,
    Overlap,
    Param,
    Pattern,
    Reading,
    Same,
    Slot,
    WallClock,
)
from clausal.compiler.ir import Any as AnyOf
from clausal.compiler.pipeline import optimise
from clausal.compiler.program import (
    ALWAYS,
    DEPTH_LIMIT,
    MINUTES,
    Code,
    Op,
    Program,
    ProgramError,
    SlotKind,
    floats,
    integers,
    pack_floats,
    pack_integers,
)
from clausal.compiler.verify import verify
from clausal.engine._core import Core
from tests.strategies.events import EventWriter
from tests.strategies.ir import corpora, write_corpus
from tests.support.walk import Walk

Kind = Literal["B", "i", "q", "Q"]
ARRAYS: Final[dict[str, Kind]] = {
    "slot_kinds": "B",
    "slot_strings": "B",
    "masks": "Q",
    "op": "i",
    "a": "i",
    "b": "i",
    "c": "i",
    "code": "i",
    "node_kind": "B",
    "node_first": "i",
    "node_count": "i",
    "children": "i",
    "rule_root": "i",
    "version_rules": "i",
    "boundaries": "q",
    "segment_first": "i",
    "segment_count": "i",
    "segment_versions": "i",
}
LARGEST: Final[dict[Kind, tuple[int, int]]] = {
    "B": (0, 255),
    "i": (-(2**31), 2**31 - 1),
    "q": (-(2**63), 2**63 - 1),
    "Q": (0, 2**64 - 1),
}


def check(program: Program, corpus: Corpus) -> None:
    verify(
        program,
        slots=corpus.slots,
        rules=len(corpus.rules),
        versions=len(corpus.versions),
        params=len(corpus.params),
    )


def changed(program: Program, **fields: object) -> Program:
    return msgspec.structs.replace(program, **fields)


def test_every_array_is_put_to_the_test() -> None:
    arrays = {name for name, of in Program.__annotations__.items() if of == "bytes"}
    assert arrays == {*ARRAYS, "constants"}


# ── Any damage ───────────────────────────────────────────────────────────────────────────────────


def damage(random: Random, program: Program) -> Program:
    """The program with one array changed: one element, its length, or one byte."""
    name = random.choice(sorted(ARRAYS))
    kind = ARRAYS[name]
    data: bytes = getattr(program, name)
    values = list(integers(kind, data))
    low, high = LARGEST[kind]
    choice = random.random()
    if choice < 0.1:
        return changed(program, **{name: data[:-1] if random.random() < 0.5 else data + b"\0"})
    if choice < 0.2 or not values:
        values.append(random.choice([0, 1, *values]))
    elif choice < 0.3:
        values.pop(random.randrange(len(values)))
    elif choice < 0.4:
        one, other = random.randrange(len(values)), random.randrange(len(values))
        values[one], values[other] = values[other], values[one]
    elif choice < 0.6:
        flipped = bytearray(data)
        flipped[random.randrange(len(flipped))] ^= 1 << random.randrange(8)
        return changed(program, **{name: bytes(flipped)})
    else:
        index = random.randrange(len(values))
        near = values[index] + random.choice([-2, -1, 1, 2, 64])
        value = random.choice([0, 1, -1, low, high, len(values), near, *values])
        values[index] = min(max(value, low), high)
    return changed(program, **{name: pack_integers(kind, values)})


@given(corpora(), st.randoms(use_true_random=False), st.integers(0, 2**32))
def test_a_damaged_program_is_refused_or_runs(corpus: Corpus, random: Random, seed: int) -> None:
    """The walk looks at every index before it uses it; the compiled core must agree with it."""
    program = emit(optimise(corpus))
    writer = EventWriter(Random(seed), corpus)
    for _ in range(10):
        damaged = damage(random, program)
        try:
            check(damaged, corpus)
        except ProgramError:
            continue
        core = Core(damaged, corpus.slots, time_slot=corpus.time_slot, ladders=corpus.ladders)
        values = core.read(writer.event())
        walk = Walk(damaged, [values.value(slot) for slot in range(len(corpus.slots))])
        verdicts = [walk.rule(rule) for rule in range(len(corpus.rules))]
        for instant in (writer.instant(), -(2**60), 2**60):
            in_force = walk.in_force(instant)
            assert core.run(values, instant) == (
                [rule for rule in in_force if verdicts[rule]],
                [rule for rule in in_force if verdicts[rule] is None],
            )
        for rule in range(len(corpus.rules)):
            core.lacking(values, rule)


# ── One damage at a time ─────────────────────────────────────────────────────────────────────────


NEEDED: Final = {
    "content.declared",
    "content.labelled",
    "content.text",
    "content.topic",
    "traffic.views",
}


def sample() -> tuple[Corpus, Program]:
    """A corpus with a predicate of every op, and its program."""
    corpus = next(
        found
        for found in (write_corpus(Random(seed)) for seed in range(999))
        if {slot.name for slot in found.slots} >= NEEDED and found.params and found.rules
    )
    by_name = {slot.name: index for index, slot in enumerate(corpus.slots)}
    text, title = by_name["content.text"], by_name["account.id"]
    topic, declared = by_name["content.topic"], by_name["content.declared"]
    flag, time = by_name["content.labelled"], by_name["time"]
    views, content = by_name["traffic.views"], by_name["content.id"]
    number = Reading(views)
    total = Arithmetic("+", number, Count(declared))
    conditions: list[Condition] = [
        Flag(flag),
        *[Comparison(op, number, Constant(5.0)) for op in ("<", "<=", "==")],
        Comparison("<", total, Constant(7.0, Arithmetic("*", Param(0), Constant(2.0)))),
        Comparison("<", Arithmetic("/", number, total), number),
        Member(topic, ("news",)),
        Member(topic, ("news", "society")),
        Same(title, content),
        Overlap(declared, ("news",), every=True),
        Overlap(declared, ("news", "society"), every=True),
        Overlap(declared, ("news", "society"), every=False),
        WallClock(time, "UTC", 0, 60),
        Mentions(text, 0),
        Pattern(text, "a"),
    ]
    pairs = [AnyOf((one, Negation(other))) for one, other in itertools.pairwise(conditions)]
    (first, *_) = corpus.rules
    rules = tuple(
        msgspec.structs.replace(
            first, name=f"r{i}", version=0, when=when, unless=All((Flag(flag),))
        )
        for i, when in enumerate(pairs)
    )
    corpus = msgspec.structs.replace(corpus, rules=rules)
    return corpus, emit(optimise(corpus))


CORPUS, PROGRAM = sample()


def array(name: str) -> list[int]:
    return list(integers(ARRAYS[name], getattr(PROGRAM, name)))


def with_element(name: str, index: int, value: int) -> Program:
    values = array(name)
    values[index] = value
    return changed(PROGRAM, **{name: pack_integers(ARRAYS[name], values)})


def with_operand(op: Op, column: Literal["a", "b", "c"], value: int) -> Program:
    """The program with an operand of the first predicate with the op changed."""
    return with_element(column, array("op").index(op), value)


def with_code(*pairs: tuple[int, int]) -> Program:
    """The program with its first quantity predicate replaced by this code."""
    ops = array("op")
    first = ops.index(Op.QUANTITY)
    end = array("b")[first]
    code = [*[number for pair in pairs for number in pair], *array("code")[2 * end :]]
    shift = len(pairs) - end
    a = [
        x + shift if op == Op.QUANTITY and i > first else x
        for i, (x, op) in enumerate(zip(array("a"), ops, strict=True))
    ]
    b = [x + shift if op == Op.QUANTITY else x for x, op in zip(array("b"), ops, strict=True)]
    return changed(
        PROGRAM,
        code=pack_integers("i", code),
        a=pack_integers("i", a),
        b=pack_integers("i", b),
    )


def slot_of(kind: SlotKind) -> int:
    return array("slot_kinds").index(kind)


def chain(depth: int) -> Program:
    """The program with so many nodes, each the only child of the next."""
    return changed(
        PROGRAM,
        node_kind=bytes(depth),
        node_first=pack_integers("i", range(depth)),
        node_count=pack_integers("i", [1] * depth),
        children=pack_integers("i", [-1, *range(depth - 1)]),
        rule_root=pack_integers("i", [depth - 1] * len(CORPUS.rules)),
    )


CONSTANT, READING, LESS = Code.CONSTANT, Code.READING, Code.LT
VIEWS = array("a")[array("op").index(Op.LT)]
TEXTUAL = slot_of(SlotKind.TEXT)

DAMAGES: Final[dict[str, tuple[Callable[[], Program], str]]] = {
    "array cut within an element": (
        lambda: changed(PROGRAM, op=PROGRAM.op[:-1]),
        "an array is cut short",
    ),
    "slots missing": (lambda: changed(PROGRAM, slot_kinds=b""), "`slot_kinds` has 0 elements"),
    "no such kind of slot": (lambda: with_element("slot_kinds", 0, 9), "not from 0 to 4"),
    "text kept neither yes nor no": (lambda: with_element("slot_strings", 0, 2), "not from 0 to 1"),
    "text held as a number": (
        lambda: with_element("slot_kinds", TEXTUAL, SlotKind.QUANTITY),
        "cannot be held as QUANTITY",
    ),
    "number keeps its text": (lambda: with_element("slot_strings", VIEWS, 1), "keeps no text"),
    "symbols missing": (lambda: changed(PROGRAM, symbols=()), "`symbols` has 0 elements"),
    "symbols of a number": (
        lambda: changed(
            PROGRAM,
            symbols=tuple(
                ("a",) if slot == VIEWS else symbols for slot, symbols in enumerate(PROGRAM.symbols)
            ),
        ),
        "has symbols",
    ),
    "symbol of an enum missing": (
        lambda: changed(PROGRAM, symbols=tuple(s[:-1] for s in PROGRAM.symbols)),
        "are not those of its type",
    ),
    "symbol twice": (
        lambda: changed(
            PROGRAM,
            symbols=tuple(
                ("a", "a") if slot == TEXTUAL else symbols
                for slot, symbols in enumerate(PROGRAM.symbols)
            ),
        ),
        "a symbol twice",
    ),
    "origins missing": (lambda: changed(PROGRAM, origins=()), "`origins` has 0 elements"),
    "constant not finite": (
        lambda: changed(
            PROGRAM, constants=pack_floats([float("nan"), *floats(PROGRAM.constants)[1:]])
        ),
        "a constant is not finite",
    ),
    "origin reads the event": (
        lambda: changed(PROGRAM, origins=(Reading(0), *PROGRAM.origins[1:])),
        "not made of params",
    ),
    "origin reads no param": (
        lambda: changed(PROGRAM, origins=(Param(99), *PROGRAM.origins[1:])),
        "a param in an origin",
    ),
    "origin not finite": (
        lambda: changed(PROGRAM, origins=(Constant(float("inf")), *PROGRAM.origins[1:])),
        "origin of a constant is not finite",
    ),
    "empty term": (lambda: changed(PROGRAM, terms=(("",),)), "has an empty term"),
    "empty terms": (lambda: changed(PROGRAM, terms=((),)), "a list of terms is empty"),
    "negative bound": (lambda: changed(PROGRAM, steps_bound=-1), "is negative"),
    "column shorter": (lambda: changed(PROGRAM, c=PROGRAM.c[:-4]), "`c` has"),
    "no such op": (lambda: with_element("op", 0, len(Op)), "`op` has a value"),
    "negative slot": (lambda: with_operand(Op.FLAG, "a", -1), "`a of FLAG`"),
    "slot beyond": (
        lambda: with_operand(Op.FLAG, "a", 99),
        "`a of",
    ),
    "slot of another kind": (lambda: with_operand(Op.FLAG, "a", VIEWS), "slot of another kind"),
    "unused operand b": (lambda: with_operand(Op.FLAG, "b", 1), "has an operand b"),
    "unused operand c": (lambda: with_operand(Op.LT, "c", 1), "has an operand c"),
    "constant beyond": (lambda: with_operand(Op.LE, "b", 99), "`b of LE`"),
    "mask beyond": (
        lambda: with_operand(Op.ANY, "b", len(array("masks"))),
        "mask of a predicate ANY",
    ),
    "mask before": (lambda: with_operand(Op.MEMBER, "b", -1), "mask of a predicate MEMBER"),
    "no symbol 0": (lambda: with_operand(Op.IS, "b", 0), "names no symbol"),
    "no such symbol": (lambda: with_operand(Op.IS, "b", 4), "names no symbol"),
    "no such bit": (lambda: with_operand(Op.HAS, "b", 3), "names no symbol"),
    "no other slot": (lambda: with_operand(Op.SAME, "b", 99), "`b of SAME`"),
    "text not kept": (lambda: with_operand(Op.SAME, "b", TEXTUAL), "keeps no text"),
    "time of day beyond": (
        lambda: with_operand(Op.CLOCK, "b", MINUTES * MINUTES),
        "`b of CLOCK`",
    ),
    "no such zone": (lambda: with_operand(Op.CLOCK, "c", 1), "`c of CLOCK`"),
    "no such terms": (lambda: with_operand(Op.TERMS, "b", 1), "`b of TERMS`"),
    "no such pattern": (lambda: with_operand(Op.PATTERN, "b", 1), "`b of PATTERN`"),
    "code of nobody": (
        lambda: changed(PROGRAM, code=pack_integers("i", [*array("code"), 0, 0])),
        "does not join up",
    ),
    "half a pair of code": (
        lambda: changed(PROGRAM, code=pack_integers("i", array("code")[:-1])),
        "does not join up",
    ),
    "operand c of code": (lambda: with_operand(Op.QUANTITY, "c", 1), "QUANTITY has an operand c"),
    "no code": (with_code, "has no code"),
    "no such opcode": (lambda: with_code((17, 0)), "there is no opcode 17"),
    "no comparison": (lambda: with_code((CONSTANT, 0)), "does not end in its comparison"),
    "comparison before the end": (
        lambda: with_code((CONSTANT, 0), (CONSTANT, 0), (LESS, 0), (LESS, 0)),
        "does not end in its comparison",
    ),
    "operand of an operation": (
        lambda: with_code((CONSTANT, 0), (CONSTANT, 0), (LESS, 1)),
        "opcode LT has an operand",
    ),
    "constant beyond, in code": (
        lambda: with_code((CONSTANT, 99), (CONSTANT, 0), (LESS, 0)),
        "a constant in code",
    ),
    "slot beyond, in code": (
        lambda: with_code((READING, -1), (CONSTANT, 0), (LESS, 0)),
        "a slot in code",
    ),
    "slot of another kind, in code": (
        lambda: with_code((READING, TEXTUAL), (CONSTANT, 0), (LESS, 0)),
        "READING is about a slot of another kind",
    ),
    "count of a number": (
        lambda: with_code((Code.COUNT, VIEWS), (CONSTANT, 0), (LESS, 0)),
        "COUNT is about a slot of another kind",
    ),
    "stack too low": (lambda: with_code((CONSTANT, 0), (LESS, 0)), "lacks an operand"),
    "stack not emptied": (
        lambda: with_code((CONSTANT, 0), (CONSTANT, 0), (CONSTANT, 0), (LESS, 0)),
        "leaves operands",
    ),
    "stack too high": (
        lambda: with_code(*[(CONSTANT, 0)] * 65, *[(Code.ADD, 0)] * 63, (LESS, 0)),
        "needs more stack than 64",
    ),
    "no such kind of node": (lambda: with_element("node_kind", 0, 2), "`node_kind`"),
    "node without children": (lambda: with_element("node_count", 0, 0), "is shorter than 1"),
    "children of two nodes": (lambda: with_element("node_first", 1, 0), "do not join up"),
    "child of nobody": (
        lambda: changed(PROGRAM, children=pack_integers("i", [*array("children"), -1])),
        "do not join up",
    ),
    "node in itself": (lambda: with_element("children", 0, 0), "does not come before it"),
    "literal beyond": (
        lambda: with_element("children", 0, ~(2 * len(array("op")))),
        "a literal of a predicate that does not exist",
    ),
    "nodes too deep": (lambda: chain(DEPTH_LIMIT + 1), "nested more than 256 deep"),
    "root beyond": (
        lambda: with_element("rule_root", 0, len(array("node_kind"))),
        "a node that does not exist",
    ),
    "root literal beyond": (lambda: with_element("rule_root", 0, -(2**31)), "`rule_root` has"),
    "rule missing": (
        lambda: changed(PROGRAM, rule_root=pack_integers("i", array("rule_root")[1:])),
        "`rule_root` has",
    ),
    "version missing": (
        lambda: changed(PROGRAM, version_rules=pack_integers("i", array("version_rules")[1:])),
        "`version_rules` has",
    ),
    "rule of no version": (lambda: with_element("version_rules", 0, 1), "rules of the versions"),
    "versions that overlap": (
        lambda: with_element("version_rules", 1, 99),
        "rules of the versions",
    ),
    "boundary twice": (
        lambda: with_element("boundaries", 1, array("boundaries")[0]),
        "do not ascend",
    ),
    "segment missing": (
        lambda: changed(PROGRAM, segment_count=pack_integers("i", array("segment_count")[1:])),
        "is not cut into",
    ),
    "no such version": (
        lambda: with_element("segment_versions", 0, len(CORPUS.versions)),
        "`segment_versions` has a value",
    ),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_what_is_wrong_is_named(name: str) -> None:
    damaged, message = DAMAGES[name]
    with pytest.raises(ProgramError, match=message):
        check(damaged(), CORPUS)


def test_the_program_of_these_damages_is_sound() -> None:
    check(PROGRAM, CORPUS)
    assert set(array("op")) == set(Op) - {Op.ABSENT}


def test_nodes_may_be_as_deep_as_the_limit() -> None:
    check(chain(DEPTH_LIMIT), CORPUS)


def test_versions_of_a_segment_ascend() -> None:
    corpus = write_corpus(Random(3))
    program = emit(optimise(corpus))
    counts = list(integers("i", program.segment_count))
    assert max(counts) > 1
    first = integers("i", program.segment_first)[counts.index(max(counts))]
    versions = integers("i", program.segment_versions)
    versions[first], versions[first + 1] = versions[first + 1], versions[first]
    with pytest.raises(ProgramError, match="versions in a segment do not ascend"):
        check(changed(program, segment_versions=versions.tobytes()), corpus)


def test_always_is_no_child() -> None:
    with pytest.raises(ProgramError, match="does not come before it"):
        check(with_element("children", 0, ALWAYS), CORPUS)


def test_a_program_is_about_given_slots() -> None:
    other = (*CORPUS.slots[1:], Slot(("zz",), CORPUS.slots[0].type))
    with pytest.raises(ProgramError):
        check(PROGRAM, msgspec.structs.replace(CORPUS, slots=other))
