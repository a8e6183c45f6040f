"""Hold a corpus against what its readers rely on: every number in it names something that exists."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import assert_never

from clausal.compiler.ir import (
    Absent,
    All,
    Any,
    Arithmetic,
    Comparison,
    Condition,
    Constant,
    Corpus,
    Count,
    ExpectedMeasure,
    ExpectedOnly,
    ExpectedRule,
    ExpectedStep,
    Flag,
    Hole,
    MeasureDef,
    Member,
    Mentions,
    Negation,
    Overlap,
    Param,
    Pattern,
    Predicate,
    Quantity,
    Reading,
    RuleDef,
    Same,
    Shared,
    TestDef,
    Truth,
    WallClock,
)
from clausal.compiler.types import Enum, Scalar, SetOf, Type, is_quantity


class CorpusError(ValueError):
    """A corpus that names what it does not have."""


def verify_corpus(corpus: Corpus) -> None:
    """Check every index, and that conditions are about slots of the right types.

    This holds after the checker, after each pass, and when a bundle is read.

    Raises:
        CorpusError: naming what is wrong.
    """
    conditions = _Conditions(corpus)
    for shared, condition in enumerate(corpus.shared):
        conditions.check(condition, shared=shared)
    for predicate in corpus.predicates:
        conditions.check(predicate, shared=0)
    for tally in corpus.tallies:
        conditions.check(tally.where, shared=0)
    for rule in corpus.rules:
        for condition in (rule.when, rule.unless, rule.condition):
            conditions.check(condition, shared=len(corpus.shared))
        _rule(rule, corpus)
    _declarations(corpus)
    for test in corpus.tests:
        _test(test, corpus)


class _Conditions:
    """Walks conditions without recursion: a bundle may hold any depth."""

    def __init__(self, corpus: Corpus) -> None:
        self._corpus = corpus
        self._types = [slot.type for slot in corpus.slots]

    def check(self, condition: Condition, *, shared: int) -> None:
        """Check a condition that may refer to the shared conditions before ``shared``."""
        pending = [condition]
        while pending:
            item = pending.pop()
            match item:
                case Truth():
                    pass
                case All(items=items) | Any(items=items):
                    pending += items
                case Negation(item=inner):
                    pending.append(inner)
                case Comparison(left=left, right=right):
                    self._quantities([left, right])
                case Predicate(index=index):
                    _index("predicate", index, self._corpus.predicates)
                case Shared(index=index):
                    if not 0 <= index < shared:
                        raise CorpusError(f"shared condition {index} does not come before")
                case _:
                    self._leaf(item)

    def _leaf(
        self,
        leaf: Flag | Member | Same | Overlap | Absent | WallClock | Mentions | Pattern,
    ) -> None:
        match leaf:
            case Flag(slot=slot):
                fits = self._type(slot) == Scalar("bool")
            case Member(slot=slot, values=values):
                fits = _holds(self._type(slot), values)
            case Same(left=left, right=right):
                fits = all(_is_name(self._type(slot)) for slot in (left, right))
            case Overlap(slot=slot, values=values):
                of = self._type(slot)
                fits = isinstance(of, SetOf) and _holds(of.item, values)
            case Absent(slot=slot):
                self._type(slot)
                fits = True
            case WallClock(slot=slot, start=start, end=end):
                minutes = 0 <= start <= 1440 and 0 <= end <= 1440
                fits = minutes and self._type(slot) == Scalar("instant")
            case Mentions(slot=slot, terms=terms):
                _index("terms", terms, self._corpus.terms)
                fits = self._type(slot) == Scalar("text")
            case Pattern(slot=slot):
                fits = self._type(slot) in {Scalar("string"), Scalar("text")}
            case _:
                assert_never(leaf)
        if not fits:
            raise CorpusError(f"`{leaf}` does not fit the type of its slot")

    def _quantities(self, pending: list[Quantity]) -> None:
        while pending:
            quantity = pending.pop()
            match quantity:
                case Constant(value=value, origin=origin):
                    if not math.isfinite(value):
                        raise CorpusError("a constant is not finite")
                    if origin is not None:
                        pending.append(origin)
                case Param(index=index):
                    _index("param", index, self._corpus.params)
                case Reading(slot=slot):
                    if not is_quantity(self._type(slot)):
                        raise CorpusError(f"slot {slot} is not a quantity")
                case Count(slot=slot):
                    if not isinstance(self._type(slot), SetOf):
                        raise CorpusError(f"slot {slot} is not a set")
                case Arithmetic(left=left, right=right):
                    pending += [left, right]
                case _:
                    assert_never(quantity)

    def _type(self, slot: int) -> Type:
        _index("slot", slot, self._types)
        return self._types[slot]


def _is_name(type: Type) -> bool:
    return isinstance(type, Enum) or type in {Scalar("string"), Scalar("text")}


def _holds(type: Type, values: tuple[str, ...]) -> bool:
    """Whether all of the values, of which there is one, can be in a slot of the type."""
    if not values or not _is_name(type):
        return False
    return not isinstance(type, Enum) or set(values) <= set(type.names)


def _rule(rule: RuleDef, corpus: Corpus) -> None:
    _index("version", rule.version, corpus.versions)
    _indices("clause", rule.clauses, corpus.clauses)
    _indices("ladder", rule.ladders, corpus.ladders)
    if rule.rollout_slot is not None:
        _index("slot", rule.rollout_slot, corpus.slots)
    for part in (*rule.because_zh, *rule.because_en):
        if isinstance(part, Hole):
            _index("slot", part.slot, corpus.slots)
    for measure in rule.measures:
        _measure(measure, corpus)


def _measure(measure: MeasureDef, corpus: Corpus) -> None:
    _index("sanction", measure.sanction, corpus.sanctions)
    if len(measure.arguments) != len(corpus.sanctions[measure.sanction].params):
        raise CorpusError("a measure does not have one argument for each parameter")
    if measure.target not in {target.name for target in corpus.targets}:
        raise CorpusError(f"there is no target `{measure.target}`")


def _declarations(corpus: Corpus) -> None:
    _index("slot", corpus.time_slot, corpus.slots)
    if corpus.id_slot is not None:
        _index("slot", corpus.id_slot, corpus.slots)
    _indices("version", [clause.version for clause in corpus.clauses], corpus.versions)
    _indices("slot", [target.slot for target in corpus.targets], corpus.slots)
    history = [tally.slot for tally in corpus.tallies] + [item.slot for item in corpus.samples]
    _indices("slot", [slot for slot in history if slot is not None], corpus.slots)
    for sanction in corpus.sanctions:
        _indices("sanction", sanction.implies, corpus.sanctions)
        if sanction.law.strength is not None:
            _index("parameter", sanction.law.strength, sanction.params)
    for ladder in corpus.ladders:
        _index("version", ladder.version, corpus.versions)
        _index("slot", ladder.slot, corpus.slots)
        for step in ladder.steps:
            for measure in step.measures:
                _measure(measure, corpus)


def _test(test: TestDef, corpus: Corpus) -> None:
    _index("version", test.version, corpus.versions)
    for item in test.expected:
        match item:
            case ExpectedMeasure(sanction=sanction):
                _index("sanction", sanction, corpus.sanctions)
            case ExpectedRule(rule=rule):
                _index("rule", rule, corpus.rules)
            case ExpectedStep(ladder=ladder):
                _index("ladder", ladder, corpus.ladders)
            case ExpectedOnly(rules=rules):
                _indices("rule", rules, corpus.rules)
            case _:
                assert_never(item)


def _indices(name: str, indices: Iterable[int], of: list[Type] | tuple[object, ...]) -> None:
    for index in indices:
        _index(name, index, of)


def _index(name: str, index: int, of: list[Type] | tuple[object, ...]) -> None:
    if not 0 <= index < len(of):
        raise CorpusError(f"there is no {name} {index}")
