"""The items of a join are put in the order in which it is cheapest to look at them."""

from __future__ import annotations

import math
from typing import Final, NamedTuple, assert_never

import msgspec

from clausal.compiler.dump import condition_text
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
    Flag,
    Member,
    Mentions,
    Negation,
    Overlap,
    Param,
    Pattern,
    Predicate,
    Quantity,
    Reading,
    Same,
    Shared,
    Truth,
    WallClock,
)
from clausal.compiler.types import Enum, SetOf

# Rough times of one test, relative to the comparison of a number, which costs a few nanoseconds.
_CHEAP: Final = 1.0
_OPERATION: Final = 2.0
_SAME: Final = 5.0
_CLOCK: Final = 20.0
_TERMS: Final = 1_000.0
_PATTERN: Final = 10_000.0

_LIKELY_VALUES: Final = 20
"""How many values a string is taken to have when nothing says so."""


class _Ranked(NamedTuple):
    """A condition in its final order; what testing it costs, and how often it is true (a guess)."""

    condition: Condition
    cost: float
    likely: float
    text: str


def order_by_cost(corpus: Corpus) -> Corpus:
    """Sort the items of every join in the rules' ``condition``.

    Afterwards the items of an `All` stand by what they cost for each event that they turn away, the
    items of an `Any` by what they cost for each that they let in; matching of text comes last,
    and equals are sorted by their text. The order depends on nothing but names and what
    conditions say: not on the order of the sources, and not on the values of params.
    """
    rules = tuple(
        [
            msgspec.structs.replace(rule, condition=_rank(rule.condition, corpus).condition)
            for rule in corpus.rules
        ]
    )
    return msgspec.structs.replace(corpus, rules=rules)


def _rank(condition: Condition, corpus: Corpus) -> _Ranked:
    match condition:
        case All(items=items):
            return _join(All, [_rank(item, corpus) for item in items], corpus)
        case Any(items=items):
            return _join(Any, [_rank(item, corpus) for item in items], corpus)
        case Negation(item=item):
            inner = _rank(item, corpus)
            text = condition_text(condition, corpus)
            return _Ranked(condition, inner.cost, 1.0 - inner.likely, text)
        case _:
            cost, likely = _leaf(condition, corpus)
            return _Ranked(condition, cost, likely, condition_text(condition, corpus))


def _join(kind: type[All | Any], ranked: list[_Ranked], corpus: Corpus) -> _Ranked:
    """The items sorted, and the cost of looking at them until one settles the whole.

    Sorting by cost / P(the item settles the whole) gives the least expected cost when items are
    independent of each other.
    """

    def settles(item: _Ranked) -> float:
        return 1.0 - item.likely if kind is All else item.likely

    ranked.sort(key=lambda item: (_ratio(item.cost, settles(item)), item.text))
    cost, undecided = 0.0, 1.0
    for item in ranked:
        cost += undecided * item.cost
        undecided *= 1.0 - settles(item)
    condition = kind(tuple([item.condition for item in ranked]))
    likely = undecided if kind is All else 1.0 - undecided
    return _Ranked(condition, cost, likely, condition_text(condition, corpus))


def _ratio(cost: float, chance: float) -> float:
    return cost / chance if chance > 0.0 else math.inf


def _leaf(condition: Condition, corpus: Corpus) -> tuple[float, float]:
    """The cost of a leaf, and how often it is taken to be true."""
    match condition:
        case Truth(value=value):
            return 0.0, float(value)
        case Flag():
            return _CHEAP, 0.5
        case Comparison(operator=operator, left=left, right=right):
            likely = {"==": 0.05, "!=": 0.95}.get(operator, 0.3)
            return _CHEAP + _operations(left) + _operations(right), likely
        case Member(slot=slot, values=values):
            return _CHEAP, _share(len(values), slot, corpus)
        case Same():
            return _SAME, 0.1
        case Overlap(slot=slot, values=values, every=every):
            share = _share(len(values), slot, corpus)
            return _CHEAP, share / len(values) if every else share
        case Absent():
            return _CHEAP, 0.1
        case WallClock():
            return _CLOCK, 0.3
        case Mentions():
            return _TERMS, 0.1
        case Pattern():
            return _PATTERN, 0.1
        case Predicate() | Shared() | All() | Any() | Negation():
            raise ValueError("the conditions are not in the form that `push_negations` leaves")
        case _:
            assert_never(condition)


def _operations(quantity: Quantity) -> float:
    """What a side of a comparison costs beyond reading one number."""
    match quantity:
        case Constant() | Reading():
            return 0.0
        case Count():
            return _OPERATION
        case Arithmetic(left=left, right=right):
            return _OPERATION + _operations(left) + _operations(right)
        case Param():
            raise ValueError("the conditions are not in the form that `fold_constants` leaves")
        case _:
            assert_never(quantity)


def _share(values: int, slot: int, corpus: Corpus) -> float:
    """Of all values that a slot may have, the share that ``values`` of them are; at most 0.9."""
    of = corpus.slots[slot].type
    item = of.item if isinstance(of, SetOf) else of
    known = len(item.values) if isinstance(item, Enum) else _LIKELY_VALUES
    return min(values / known, 0.9)
