"""Hold a corpus against what its readers rely on: every number in it names something that exists.

What its declarations are worth is looked at by `clausal.compiler.verify_declarations`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Final, assert_never

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
    StrikeDef,
    TestDef,
    Truth,
    WallClock,
)
from clausal.compiler.quantities import fold, is_weight
from clausal.compiler.text.patterns import check_pattern
from clausal.compiler.types import Enum, Scalar, SetOf, Type, is_quantity
from clausal.compiler.verify_declarations import (
    CorpusError,
    is_zone,
    verify_duty,
    verify_fields,
    verify_ladder,
    verify_measure,
    verify_params,
    verify_sanctions,
    verify_versions,
)
from clausal.compiler.verify_procedure import verify_procedure

__all__ = ["DEPTH_LIMIT", "CorpusError", "verify_corpus"]

DEPTH_LIMIT: Final = 256
"""How deep a condition may be nested: those who read it may recurse."""


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
        for strike in rule.strikes:
            for weight in strike.weights:
                conditions.check(weight.condition, shared=0)
                conditions.check(Comparison("==", weight.points, Constant(0.0)), shared=0)
            _strike(strike, corpus)
    _declarations(corpus)
    verify_procedure(corpus)
    for duty in corpus.duties:
        _index("version", duty.version, corpus.versions)
        _indices("clause", duty.clauses, corpus.clauses)
        verify_duty(duty, corpus.params)
    for test in corpus.tests:
        _test(test, corpus)


class _Conditions:
    """Walks conditions without recursion: a bundle may hold any depth."""

    def __init__(self, corpus: Corpus) -> None:
        self._corpus = corpus
        self._types = [slot.type for slot in corpus.slots]
        self._patterns: set[tuple[str, bool]] = set()

    def check(self, condition: Condition, *, shared: int) -> None:
        """Check a condition that may refer to the shared conditions before ``shared``."""
        pending = [(condition, 1)]
        while pending:
            item, depth = pending.pop()
            if depth > DEPTH_LIMIT:
                raise CorpusError(f"a condition is nested more than {DEPTH_LIMIT} deep")
            match item:
                case Truth():
                    pass
                case All(items=items) | Any(items=items):
                    pending += [(inner, depth + 1) for inner in items]
                case Negation(item=inner):
                    pending.append((inner, depth + 1))
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
            case WallClock(slot=slot, zone=zone, start=start, end=end):
                minutes = 0 <= start <= 1440 and 0 <= end <= 1440
                fits = minutes and self._type(slot) == Scalar("instant") and is_zone(zone)
            case Mentions(slot=slot, terms=terms):
                _index("terms", terms, self._corpus.terms)
                fits = self._type(slot) == Scalar("text")
            case Pattern(slot=slot, pattern=pattern):
                fits = self._type(slot) in {Scalar("string"), Scalar("text")}
                self._pattern(pattern, folded=self._type(slot) == Scalar("text"))
            case _:
                assert_never(leaf)
        if not fits:
            raise CorpusError(f"`{leaf}` does not fit the type of its slot")

    def _pattern(self, pattern: str, *, folded: bool) -> None:
        if (pattern, folded) not in self._patterns:
            problem = check_pattern(pattern, folded=folded)
            if problem is not None:
                raise CorpusError(problem)
            self._patterns.add((pattern, folded))

    def _quantities(self, quantities: list[Quantity]) -> None:
        pending = [(quantity, 1) for quantity in quantities]
        while pending:
            quantity, depth = pending.pop()
            if depth > DEPTH_LIMIT:
                raise CorpusError(f"a quantity is nested more than {DEPTH_LIMIT} deep")
            match quantity:
                case Constant(value=value, origin=origin):
                    if not math.isfinite(value):
                        raise CorpusError("a constant is not finite")
                    if origin is not None:
                        pending.append((origin, depth + 1))
                case Param(index=index):
                    _index("param", index, self._corpus.params)
                case Reading(slot=slot):
                    if not is_quantity(self._type(slot)):
                        raise CorpusError(f"slot {slot} is not a quantity")
                case Count(slot=slot):
                    if not isinstance(self._type(slot), SetOf):
                        raise CorpusError(f"slot {slot} is not a set")
                case Arithmetic(left=left, right=right):
                    pending += [(left, depth + 1), (right, depth + 1)]
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
    if any(corpus.ladders[ladder].points is not None for ladder in rule.ladders):
        raise CorpusError(f"a strike of `{rule.name}` has no points")
    if rule.rollout_slot is not None:
        _index("slot", rule.rollout_slot, corpus.slots)
    for part in (*rule.because_zh, *rule.because_en):
        if isinstance(part, Hole):
            _index("slot", part.slot, corpus.slots)
    if rule.rollout is not None and not 0 <= rule.rollout <= 1:
        raise CorpusError(f"the rollout of `{rule.name}` is no share")
    for measure in rule.measures:
        verify_measure(measure, corpus.sanctions, corpus.targets)


def _strike(strike: StrikeDef, corpus: Corpus) -> None:
    """What a rule does to a ladder. Its quantities are known to be sound."""
    _index("ladder", strike.ladder, corpus.ladders)
    ladder = corpus.ladders[strike.ladder]
    if ladder.points is None:
        raise CorpusError(f"a strike on `{ladder.name}` has points, which it does not count")
    if not strike.weights:
        raise CorpusError(f"a strike on `{ladder.name}` has no points")
    _index("family", strike.family, ladder.points.families)
    params = [param.value for param in corpus.params]
    for weight in strike.weights:
        points = fold(weight.points, params)
        if not isinstance(points, Constant) or not is_weight(points.value):
            raise CorpusError(f"a strike on `{ladder.name}` has no whole number of points")


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
    verify_versions(corpus.versions)
    verify_fields(corpus.fields)
    verify_params(corpus.params)
    verify_sanctions(corpus.sanctions)
    if len({target.name for target in corpus.targets}) < len(corpus.targets):
        raise CorpusError("two targets have one name")
    for ladder in corpus.ladders:
        if ladder.version is not None:
            _index("version", ladder.version, corpus.versions)
        families = ladder.points.families if ladder.points is not None else ()
        served = [family.served for family in families if family.served is not None]
        for slot in (ladder.slot, *(family.slot for family in families), *served):
            _index("slot", slot, corpus.slots)
            if corpus.slots[slot].source != "strikes":
                raise CorpusError(f"the slot of the ladder `{ladder.name}` holds no strikes")
        verify_ladder(ladder, corpus.targets)
        for step in ladder.steps:
            for measure in step.measures:
                verify_measure(measure, corpus.sanctions, corpus.targets)


def _test(test: TestDef, corpus: Corpus) -> None:
    _index("version", test.version, corpus.versions)
    for item in test.expected:
        match item:
            case ExpectedMeasure(sanction=sanction, arguments=arguments):
                _index("sanction", sanction, corpus.sanctions)
                if len(arguments) > len(corpus.sanctions[sanction].params):
                    raise CorpusError("a test expects more arguments than a sanction has")
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
