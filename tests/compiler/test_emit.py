"""The decision program says what the rules say, and is as flat and as small as it should be."""

from __future__ import annotations

from random import Random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clausal.compiler.emit import emit
from clausal.compiler.ir import (
    ALWAYS,
    NEVER,
    All,
    Any,
    Comparison,
    Condition,
    Constant,
    Corpus,
    Flag,
    Member,
    Negation,
    Overlap,
    Reading,
    Slot,
    VersionDef,
)
from clausal.compiler.pipeline import optimise
from clausal.compiler.program import Op, Program, SlotKind, floats, integers
from clausal.compiler.types import Enum, EnumValue, Scalar, SetOf
from clausal.compiler.verify import verify
from clausal.engine.reference import Evaluation
from tests.strategies.events import EventWriter
from tests.strategies.ir import corpora, write_corpus
from tests.support.walk import Walk


def checked(corpus: Corpus) -> Program:
    """The program of a corpus, verified."""
    program = emit(optimise(corpus))
    verify(
        program,
        slots=corpus.slots,
        rules=len(corpus.rules),
        versions=len(corpus.versions),
        params=len(corpus.params),
    )
    return program


@given(corpora(), st.integers(0, 2**32))
def test_a_program_means_what_its_rules_mean(corpus: Corpus, seed: int) -> None:
    program = checked(corpus)
    writer = EventWriter(Random(seed), corpus)
    for _ in range(5):
        values = writer.values()
        walk, plain = Walk(program, values), Evaluation(corpus, values)
        for number, rule in enumerate(corpus.rules):
            written = All((rule.when, Negation(rule.unless)))
            assert walk.rule(number) is plain.verdict(written), rule.name


@given(corpora(), st.integers(0, 2**32))
def test_the_rules_in_force_are_those_of_the_versions_in_force(corpus: Corpus, seed: int) -> None:
    program = checked(corpus)
    writer = EventWriter(Random(seed), corpus)
    walk = Walk(program, writer.values())
    for instant in (-(2**62), 2**62, *[writer.instant() for _ in range(10)]):
        in_force = [
            number
            for number, rule in enumerate(corpus.rules)
            for version in [corpus.versions[rule.version]]
            if version.start <= instant and (version.end is None or instant < version.end)
        ]
        assert walk.in_force(instant) == in_force


@given(corpora(), st.integers(0, 2**32))
def test_no_event_takes_more_steps_than_the_bound(corpus: Corpus, seed: int) -> None:
    program = checked(corpus)
    writer = EventWriter(Random(seed), corpus)
    for _ in range(5):
        walk = Walk(program, writer.values())
        for rule in walk.in_force(writer.instant()):
            walk.rule(rule)
        assert walk.steps <= program.steps_bound


# ── By hand ──────────────────────────────────────────────────────────────────────────────────────

LETTERS = Enum((EnumValue("c"), EnumValue("a"), EnumValue("b")))
SLOTS = (
    Slot(("flag",), Scalar("bool")),
    Slot(("letter",), LETTERS),
    Slot(("letters",), SetOf(LETTERS)),
    Slot(("name",), Scalar("string")),
    Slot(("number",), Scalar("number")),
    Slot(("tags",), SetOf(Scalar("string"))),
    Slot(("text",), Scalar("text")),
    Slot(("time",), Scalar("instant"), required=True),
)
FLAG, LETTER, LETTERS_, NAME, NUMBER, TAGS, TEXT, TIME = range(len(SLOTS))


def corpus_of(*conditions: Condition, versions: tuple[VersionDef, ...] | None = None) -> Corpus:
    """A corpus with a rule for each condition, all in the first version."""
    base = next(
        found for found in (write_corpus(Random(seed)) for seed in range(99)) if found.rules
    )
    rules = tuple(
        msgspec.structs.replace(
            base.rules[0], name=f"r{i:03}", version=0, when=condition, unless=NEVER
        )
        for i, condition in enumerate(conditions)
    )
    return msgspec.structs.replace(
        base,
        slots=SLOTS,
        time_slot=TIME,
        versions=versions or (version(0, None),),
        rules=rules,
        params=(),
    )


def version(start: int, end: int | None, policy: str = "cn.a") -> VersionDef:
    return VersionDef(policy, "1.0.0", start, end, "UTC")


def rows(program: Program) -> list[tuple[Op, int, int, int]]:
    columns = [integers("i", column) for column in (program.op, program.a, program.b, program.c)]
    return [(Op(op), a, b, c) for op, a, b, c in zip(*columns, strict=True)]


def test_symbols_are_those_of_the_type_or_those_that_rules_name() -> None:
    program = checked(
        corpus_of(
            Member(LETTER, ("a",)),
            Member(NAME, ("z", "y")),
            Overlap(TAGS, ("m",), every=False),
            Member(TEXT, ("t",)),
        )
    )
    assert program.symbols == (
        (),
        ("c", "a", "b"),
        ("c", "a", "b"),
        ("y", "z"),
        (),
        ("m",),
        ("t",),
        (),
    )
    kinds = [SlotKind(kind) for kind in program.slot_kinds]
    assert kinds[NAME] is kinds[TEXT] is SlotKind.SYMBOL
    assert rows(program) == [
        (Op.IS, LETTER, 2, 0),
        (Op.MEMBER, NAME, 0, 0),
        (Op.HAS, TAGS, 0, 0),
        (Op.IS, TEXT, 1, 0),
    ]
    assert list(integers("Q", program.masks)) == [0b110]


def test_has_all_of_one_value_is_has_any() -> None:
    every = Overlap(LETTERS_, ("a",), every=True)
    program = checked(corpus_of(every, Overlap(LETTERS_, ("a",), every=False)))
    assert rows(program) == [(Op.HAS, LETTERS_, 1, 0)]


def test_equal_constants_and_masks_are_kept_once() -> None:
    below = [Comparison("<", Reading(slot), Constant(5.0)) for slot in (NUMBER, TIME)]
    masks: list[Condition] = [Member(LETTER, ("a", "b")), Overlap(LETTERS_, ("a", "c"), every=True)]
    masks.append(Overlap(LETTERS_, ("a", "c"), every=False))
    program = checked(corpus_of(*below, *masks))
    assert list(floats(program.constants)) == [5.0]
    # In an enum's mask the code 0 is any other value, in a set's mask each bit is an element.
    assert list(integers("Q", program.masks)) == [0b1100, 0b11]


def test_a_rule_without_predicates_has_no_node() -> None:
    program = checked(corpus_of(ALWAYS, NEVER, Flag(FLAG)))
    assert list(integers("i", program.rule_root)) == [2**31 - 1, 2**31 - 2, -1]
    assert program.node_kind == program.children == b""
    assert program.steps_bound == 3


def test_steps_are_counted_once_for_what_is_shared() -> None:
    number = Comparison("<", Reading(NUMBER), Constant(5.0))
    letter = Member(LETTER, ("a",))
    inner = Any((Flag(FLAG), number))
    program = checked(
        corpus_of(All((inner, letter)), All((inner, Negation(letter))), All((inner, letter)))
    )
    # Three roots, two joins of two, and the two items of what they share.
    assert program.steps_bound == 3 + 2 * 2 + 2


@pytest.mark.parametrize(
    ("intervals", "boundaries", "segments"),
    [
        ([(0, None)], [0], [[], [0]]),
        ([(0, 10), (10, 20)], [0, 10, 20], [[], [0], [1], []]),
        ([(0, 10), (5, None)], [0, 5, 10], [[], [0], [0, 1], [1]]),
        ([(0, 10), (20, 30)], [0, 10, 20, 30], [[], [0], [], [1], []]),
    ],
)
def test_segments(
    intervals: list[tuple[int, int | None]], boundaries: list[int], segments: list[list[int]]
) -> None:
    versions = tuple(version(start, end, f"cn.p{i}") for i, (start, end) in enumerate(intervals))
    program = checked(corpus_of(Flag(FLAG), versions=versions))
    assert list(integers("q", program.boundaries)) == boundaries
    firsts = integers("i", program.segment_first)
    counts = integers("i", program.segment_count)
    members = integers("i", program.segment_versions)
    assert [
        list(members[first : first + count]) for first, count in zip(firsts, counts, strict=True)
    ] == segments
    assert list(integers("i", program.version_rules)) == [0, *[1] * len(versions)]


def test_rules_must_be_sorted_by_version() -> None:
    corpus = corpus_of(Flag(FLAG), Flag(FLAG), versions=(version(0, 5), version(5, 9)))
    first, second = corpus.rules
    mixed = (msgspec.structs.replace(first, version=1), second)
    with pytest.raises(ValueError, match="not sorted by version"):
        emit(optimise(msgspec.structs.replace(corpus, rules=mixed)))


def test_a_corpus_that_was_not_interned_is_refused() -> None:
    corpus = corpus_of(Flag(FLAG))
    (rule,) = corpus.rules
    raw = msgspec.structs.replace(
        corpus, rules=(msgspec.structs.replace(rule, condition=rule.when),)
    )
    with pytest.raises(ValueError, match="`Flag` was not interned"):
        emit(raw)


def test_many_single_values_of_an_open_slot_need_no_masks() -> None:
    corpus = corpus_of(*[Member(NAME, (f"n{i}",)) for i in range(500)])
    program = checked(corpus)
    assert program.masks == b""
    assert len(program.symbols[NAME]) == 500
