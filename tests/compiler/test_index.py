"""The index keeps every rule that is true or unknown, stays within its bounds, and pays.

What the evaluator does with an index is written out here the slow way, over the values of an event;
the compiled core is the judge of which rules are true and unknown.
"""

from __future__ import annotations

from bisect import bisect_left
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from clausal.compiler.emit import emit
from clausal.compiler.index import CELL_LIMIT, CONJUNCTION_LIMIT, Index, build_index
from clausal.compiler.ir import (
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
from clausal.compiler.program import Program, SlotKind, floats, integers
from clausal.engine._core import Core
from clausal.engine._frame import Frame
from clausal.engine.event import EventError
from clausal.engine.values import ABSENT, FAILED
from tests.strategies.events import EventWriter
from tests.strategies.ir import corpora, write_corpus

seeds = st.integers(0, 2**32)
any_corpora = st.one_of(corpora(), seeds.map(lambda seed: write_corpus(Random(seed), 12)))


class Plain:
    """The index, followed the slow way."""

    def __init__(self, program: Program, index: Index) -> None:
        self.program = program
        self.index = index
        self.kinds = [SlotKind(kind) for kind in program.slot_kinds]
        self.slots = integers("i", index.dim_slot)
        self.first_row = integers("i", index.dim_row)
        self.first = integers("i", index.dim_first)
        self.count = integers("i", index.dim_count)
        self.thresholds = floats(index.thresholds)
        self.cells = integers("i", index.cells)
        self.rules = integers("i", index.conjunction_rule)
        size = index.words * 8
        self.rows = [
            int.from_bytes(index.rows[at : at + size], "little")
            for at in range(0, len(index.rows), size)
        ]
        self.segments = [
            int.from_bytes(index.segments[at : at + size], "little")
            for at in range(0, len(index.segments), size)
        ]

    def candidates(self, values: Frame, segment: int, *, blind: bool = False) -> set[int]:
        left = self.segments[segment]
        for dimension in range(len(self.slots)):
            left &= self._row(dimension, values, blind)
        return {self.rules[bit] for bit in range(left.bit_length()) if left >> bit & 1}

    def _row(self, dimension: int, values: Frame, blind: bool) -> int:
        slot, base = self.slots[dimension], self.first_row[dimension]
        value = values.value(slot)
        if value is ABSENT and not blind:
            return self.rows[base]
        if value is ABSENT or value is FAILED:
            return self.rows[base + 1]
        base += 2
        first, count = self.first[dimension], self.count[dimension]
        symbols = self.program.symbols[slot]
        match self.kinds[slot]:
            case SlotKind.FLAG:
                return self.rows[base + bool(value)]
            case SlotKind.QUANTITY:
                assert isinstance(value, float | int)
                of_slot = self.thresholds[first : first + count]
                place = bisect_left(of_slot, value)
                at = place < count and of_slot[place] == value
                return self.rows[base + 2 * place + at]
            case SlotKind.SET:
                assert isinstance(value, frozenset)
                row = self.rows[base]
                for bit, symbol in enumerate(symbols):
                    if symbol in value:
                        row |= self.rows[base + 1 + bit]
                return row
            case _:
                code = symbols.index(str(value)) + 1 if value in symbols else 0
                return self.rows[base + self.cells[first + code]]


@given(corpus=any_corpora, seed=seeds, blind=st.booleans())
def test_no_rule_that_matters_is_dropped(corpus: Corpus, seed: int, blind: bool) -> None:
    program = emit(optimise(corpus))
    core = Core(program, corpus.slots, time_slot=corpus.time_slot, ladders=corpus.ladders)
    plain = Plain(program, build_index(program))
    boundaries = integers("q", program.boundaries)
    writer = EventWriter(Random(seed), corpus)
    for _ in range(30):
        event, instant = writer.event(), writer.instant()
        try:
            values = core.read(event)
        except EventError:
            continue
        fired, undetermined = core.run(values, instant, blind=blind)
        segment = sum(boundary <= instant for boundary in boundaries)
        kept = plain.candidates(values, segment, blind=blind)
        assert {*fired, *undetermined} <= kept


def comparing(corpus: Corpus, conditions: list[Condition]) -> Corpus:
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
    from msgspec.structs import replace

    return replace(corpus, rules=rules, tests=())


def quantities(corpus: Corpus) -> list[int]:
    program = emit(optimise(corpus))
    return [slot for slot, kind in enumerate(program.slot_kinds) if kind == SlotKind.QUANTITY]


def small(condition: Condition) -> Corpus:
    return comparing(write_corpus(Random(1), 8), [condition])


def above(slot: int, value: float) -> Condition:
    return Comparison(">=", Reading(slot), Constant(value))


def test_a_thousand_alternatives_stay_within_bounds() -> None:
    corpus = write_corpus(Random(1), 8)
    slot = quantities(corpus)[0]
    many = Any(tuple(above(slot, float(number)) for number in range(1000)))
    index = build_index(emit(optimise(comparing(corpus, [many]))))
    assert len(integers("i", index.conjunction_rule)) <= CONJUNCTION_LIMIT
    assert len(floats(index.thresholds)) <= CELL_LIMIT


def test_products_of_alternatives_stay_within_bounds() -> None:
    corpus = write_corpus(Random(1), 8)
    one, two = quantities(corpus)[:2]
    part = Any((above(one, 1.0), above(two, 2.0)))
    parts = [
        Any((above(one, float(number)), Negation(above(two, float(number))), part))
        for number in range(30)
    ]
    index = build_index(emit(optimise(comparing(corpus, [All(tuple(parts))]))))
    assert len(integers("i", index.conjunction_rule)) <= CONJUNCTION_LIMIT


def test_thousands_of_thresholds_share_rows_and_still_narrow_down() -> None:
    corpus = write_corpus(Random(1), 8)
    slot = quantities(corpus)[0]
    rules = [above(slot, float(number)) for number in range(3000)]
    program = emit(optimise(comparing(corpus, rules)))
    plain = Plain(program, build_index(program))
    assert len(plain.thresholds) <= CELL_LIMIT
    bits = sorted(row.bit_count() for row in plain.rows[2:])
    assert bits[0] < 50
    assert bits[-1] == 3000


def test_equal_programs_have_equal_indices() -> None:
    corpus = write_corpus(Random(3), 40)
    assert build_index(emit(optimise(corpus))) == build_index(emit(optimise(corpus)))
