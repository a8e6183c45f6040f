"""Each pass: what holds afterwards, that meaning stays, and what the result looks like."""

from __future__ import annotations

import doctest
import importlib
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clausal.compiler.dump import condition_text
from clausal.compiler.ir import (
    ALWAYS,
    NEVER,
    All,
    Any,
    Arithmetic,
    Comparison,
    Condition,
    Constant,
    Corpus,
    Flag,
    Mentions,
    Negation,
    Param,
    ParamDef,
    Pattern,
    Predicate,
    Quantity,
    Reading,
    Shared,
    Truth,
)
from clausal.compiler.passes.fold_constants import fold_comparison, fold_constants
from clausal.compiler.passes.intern_predicates import intern_predicates
from clausal.compiler.passes.order_by_cost import order_by_cost
from clausal.compiler.passes.push_negations import normalise, push_negations
from clausal.compiler.passes.share_conditions import share_conditions
from clausal.compiler.pipeline import PASSES, optimise
from clausal.compiler.verify_corpus import verify_corpus
from clausal.engine.reference import Evaluation
from tests.strategies.events import EventWriter, write_values
from tests.strategies.ir import corpora, write_corpus

ONE, TWO = Constant(1.0), Constant(2.0)
FAST = Comparison("<", Reading(0), ONE)


def after(corpus: Corpus, last: Callable[[Corpus], Corpus]) -> Corpus:
    """The corpus after the passes up to and including one."""
    for step in PASSES:
        corpus = step(corpus)
        if step is last:
            return corpus
    raise AssertionError("no such pass")


def parts(condition: Condition) -> Iterator[Condition]:
    """The condition and all that it is made of."""
    yield condition
    match condition:
        case All(items=items) | Any(items=items):
            for item in items:
                yield from parts(item)
        case Negation(item=item):
            yield from parts(item)
        case _:
            pass


def operands(quantity: Quantity) -> Iterator[Quantity]:
    yield quantity
    if isinstance(quantity, Arithmetic):
        yield from operands(quantity.left)
        yield from operands(quantity.right)


def test_the_passes_are_those_of_the_folder() -> None:
    folder = Path(str(fold_constants.__code__.co_filename)).parent
    files = {file.stem for file in folder.glob("*.py")} - {"__init__"}
    assert {step.__name__ for step in PASSES} == files


@pytest.mark.parametrize(
    "name", ["conditions", "quantities", *[f"passes.{step.__name__}" for step in PASSES]]
)
def test_examples_in_docstrings(name: str) -> None:
    module = importlib.import_module(f"clausal.compiler.{name}")
    assert doctest.testmod(module).failed == 0


# ── Meaning ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("step", PASSES, ids=lambda step: step.__name__)
@given(corpus=corpora(), seed=st.integers(0, 2**32))
def test_meaning_stays(step: Callable[[Corpus], Corpus], corpus: Corpus, seed: int) -> None:
    """Each verdict, and the slots that an unknown one lacks, are those of the rule as written."""
    passed = after(corpus, step)
    verify_corpus(passed)
    writer = EventWriter(Random(seed), corpus)
    for _ in range(5):
        values = writer.values()
        before, now = Evaluation(corpus, values), Evaluation(passed, values)
        for rule, changed in zip(corpus.rules, passed.rules, strict=True):
            written = All((rule.when, Negation(rule.unless)))
            condition = changed.condition
            if step is fold_constants:
                condition = All((changed.when, Negation(changed.unless)))
            assert now.verdict(condition) is before.verdict(written)
            assert now.lacking(condition) == before.lacking(written)


def test_events_of_the_strategies_reach_every_verdict() -> None:
    found: Counter[bool | None] = Counter()
    for seed in range(30):
        random = Random(seed)
        corpus = write_corpus(random)
        evaluation = Evaluation(corpus, write_values(random, corpus))
        found.update(evaluation.verdict(rule.when) for rule in corpus.rules)
    assert min(found[True], found[False], found[None]) > 20


@given(corpora())
def test_passes_are_pure(corpus: Corpus) -> None:
    before = msgspec.msgpack.encode(corpus)
    assert optimise(corpus) == optimise(corpus)
    assert msgspec.msgpack.encode(corpus) == before


# ── What holds afterwards ────────────────────────────────────────────────────────────────────────


@given(corpora())
def test_after_folding_arithmetic_reads_the_event(corpus: Corpus) -> None:
    params = [param.value for param in corpus.params]
    for rule in fold_constants(corpus).rules:
        for part in (*parts(rule.when), *parts(rule.unless)):
            if not isinstance(part, Comparison):
                continue
            assert fold_comparison(part, params) == part
            sides = [*operands(part.left), *operands(part.right)]
            assert not any(isinstance(side, Param) for side in sides)
            if all(isinstance(side, Constant) for side in sides):
                assert any(isinstance(s, Constant) and s.origin is not None for s in sides)


def test_constants_fold_as_they_stand() -> None:
    tenth, fifth = Constant(0.1), Constant(0.2)
    total = Arithmetic("+", Arithmetic("+", tenth, fifth), Reading(0))
    assert fold_comparison(Comparison("<", total, ONE), []) == Comparison(
        "<", Arithmetic("+", Constant(0.1 + 0.2), Reading(0)), ONE
    )
    # (x + 0.1) + 0.2 is not x + 0.3: floats do not associate.
    total = Arithmetic("+", Arithmetic("+", Reading(0), tenth), fifth)
    assert fold_comparison(Comparison("<", total, ONE), []) == Comparison("<", total, ONE)


@pytest.mark.parametrize(
    "never_finite",
    [
        Arithmetic("/", ONE, Constant(0.0)),
        Arithmetic("/", Constant(0.0), Constant(0.0)),
        Arithmetic("*", Constant(1e308), Constant(10.0)),
    ],
)
def test_what_is_never_finite_is_not_settled(never_finite: Quantity) -> None:
    comparison = Comparison("==", never_finite, never_finite)
    assert fold_comparison(comparison, []) == comparison


def test_a_comparison_with_a_param_is_not_settled() -> None:
    share = Param(0)
    folded = fold_comparison(Comparison("<", share, ONE), [0.5])
    assert folded == Comparison("<", Constant(0.5, share), ONE)


def test_folding_an_origin_again_finds_the_value_again() -> None:
    double = Constant(1.0, Arithmetic("*", Constant(2.0), Param(0)))
    folded = fold_comparison(Comparison("<", Reading(0), double), [0.75])
    assert isinstance(folded, Comparison)
    assert folded.right == Constant(1.5, Arithmetic("*", Constant(2.0), Param(0)))


@given(corpora())
def test_after_pushing_negations_only_leaves_are_negated(corpus: Corpus) -> None:
    for rule in after(corpus, push_negations).rules:
        for part in parts(rule.condition):
            if isinstance(part, Negation):
                assert not isinstance(part.item, Negation | All | Any | Comparison | Truth)
            if isinstance(part, All | Any):
                assert len(part.items) == len(set(part.items)) > 1
                assert not any(isinstance(item, type(part) | Truth) for item in part.items)


def test_a_contradiction_is_not_false() -> None:
    flag = Flag(0)
    assert normalise(All((flag, Negation(flag))), negated=False) == All((flag, Negation(flag)))
    assert normalise(Any((flag, Negation(flag))), negated=True) == All((Negation(flag), flag))


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (Negation(Negation(Flag(0))), Flag(0)),
        (Negation(All((Flag(0), Flag(1)))), Any((Negation(Flag(0)), Negation(Flag(1))))),
        (Negation(FAST), Comparison(">=", Reading(0), ONE)),
        (All((Flag(0), ALWAYS, All((Flag(1), Flag(0))))), All((Flag(0), Flag(1)))),
        (All((Flag(0), Negation(ALWAYS))), NEVER),
        (Any((NEVER, Flag(0), Any((Flag(0), NEVER)))), Flag(0)),
        (Any((Flag(0), ALWAYS)), ALWAYS),
        (All((ALWAYS, ALWAYS)), ALWAYS),
    ],
)
def test_normal_form(condition: Condition, expected: Condition) -> None:
    assert normalise(condition, negated=False) == expected


@given(corpora(), st.randoms(use_true_random=False))
def test_the_order_of_items_does_not_depend_on_how_they_were_written(
    corpus: Corpus, random: Random
) -> None:
    corpus = after(corpus, push_negations)

    def shuffle(condition: Condition) -> Condition:
        if not isinstance(condition, All | Any):
            return condition
        items = [shuffle(item) for item in condition.items]
        random.shuffle(items)
        return type(condition)(tuple(items))

    shuffled = tuple(
        msgspec.structs.replace(rule, condition=shuffle(rule.condition)) for rule in corpus.rules
    )
    assert order_by_cost(msgspec.structs.replace(corpus, rules=shuffled)) == order_by_cost(corpus)


@given(corpora())
def test_text_is_matched_last(corpus: Corpus) -> None:
    for rule in after(corpus, order_by_cost).rules:
        for part in parts(rule.condition):
            if isinstance(part, All | Any):
                dear = [_matches_text(item) for item in part.items if not _join(item)]
                assert dear == sorted(dear)


def _join(condition: Condition) -> bool:
    return isinstance(condition, All | Any)


def _matches_text(condition: Condition) -> bool:
    return any(isinstance(part, Mentions | Pattern) for part in parts(condition))


@given(corpora())
def test_after_interning_each_test_has_one_number(corpus: Corpus) -> None:
    interned = after(corpus, intern_predicates)
    assert len(set(interned.predicates)) == len(interned.predicates)
    texts = {condition_text(predicate, interned) for predicate in interned.predicates}
    assert len(texts) == len(interned.predicates)
    used: list[int] = []
    for rule in interned.rules:
        for part in parts(rule.condition):
            assert isinstance(part, All | Any | Predicate | Truth)
            if isinstance(part, Predicate):
                used.append(part.index)
    assert list(dict.fromkeys(used)) == list(range(len(interned.predicates)))


def interned(*conditions: Condition, params: tuple[ParamDef, ...] = ()) -> Corpus:
    """A corpus whose rules have these conditions, in normal form, interned."""
    corpus = next(
        found for found in (write_corpus(Random(seed)) for seed in range(99)) if found.rules
    )
    rules = tuple(
        msgspec.structs.replace(corpus.rules[0], name=f"r{i}", condition=condition)
        for i, condition in enumerate(conditions)
    )
    return intern_predicates(msgspec.structs.replace(corpus, rules=rules, params=params))


def conditions_of(corpus: Corpus) -> list[Condition]:
    return [rule.condition for rule in corpus.rules]


def test_forms_of_one_comparison_share_a_predicate() -> None:
    corpus = interned(
        FAST,
        Comparison(">=", Reading(0), ONE),
        Comparison(">", ONE, Reading(0)),
        Comparison("<=", ONE, Reading(0)),
    )
    assert corpus.predicates == (FAST,)
    assert [c.negated for c in conditions_of(corpus) if isinstance(c, Predicate)] == [
        False,
        True,
        False,
        True,
    ]


def test_sides_of_a_comparison_are_ordered() -> None:
    corpus = interned(
        Comparison("<", Reading(1), Reading(0)),
        Comparison("<=", Reading(0), Reading(1)),
        Comparison("!=", Reading(0), Reading(1)),
        Comparison("==", Reading(1), Reading(0)),
    )
    assert corpus.predicates == (
        Comparison("<=", Reading(0), Reading(1)),
        Comparison("==", Reading(0), Reading(1)),
    )
    assert conditions_of(corpus) == [
        Predicate(0, negated=True),
        Predicate(0),
        Predicate(1, negated=True),
        Predicate(1),
    ]


def test_constants_of_different_origin_stay_apart() -> None:
    params = tuple(ParamDef(f"cn.a.p{i}", "number", 1.0) for i in range(2))
    corpus = interned(
        FAST,
        Comparison("<", Reading(0), Constant(1.0, Param(0))),
        Comparison("<", Reading(0), Constant(1.0, Param(1))),
        params=params,
    )
    assert len(corpus.predicates) == 3


def test_what_interning_makes_equal_is_kept_once() -> None:
    same = Comparison(">", ONE, Reading(0))
    corpus = interned(All((FAST, same)), All((Any((FAST, same)), Flag(0), FAST)))
    assert conditions_of(corpus) == [Predicate(0), All((Predicate(0), Predicate(1)))]


@given(corpora())
def test_after_sharing_no_join_occurs_twice(corpus: Corpus) -> None:
    shared = share_conditions(after(corpus, intern_predicates))
    joins = Counter(
        part
        for condition in (*shared.shared, *conditions_of(shared))
        for part in parts(condition)
        if isinstance(part, All | Any)
    )
    assert all(count == 1 for count in joins.values())
    uses: Counter[int] = Counter()
    for number, condition in enumerate(shared.shared):
        assert isinstance(condition, All | Any)
        for part in parts(condition):
            if isinstance(part, Shared):
                assert part.index < number
                uses[part.index] += 1
    for condition in conditions_of(shared):
        uses.update(part.index for part in parts(condition) if isinstance(part, Shared))
    assert all(uses[number] > 1 for number in range(len(shared.shared)))


def test_a_part_of_a_shared_condition_is_not_shared_for_that() -> None:
    p, q, r = Flag(0), Flag(1), Flag(2)
    whole = All((p, Any((q, r))))
    corpus = share_conditions(interned(whole, whole, Any((q, p))))
    inner = Any((Predicate(1), Predicate(2)))
    assert corpus.shared == (All((Predicate(0), inner)),)
    assert conditions_of(corpus) == [Shared(0), Shared(0), Any((Predicate(1), Predicate(0)))]
    corpus = share_conditions(interned(whole, whole, Any((q, r))))
    assert corpus.shared == (inner, All((Predicate(0), Shared(0))))
