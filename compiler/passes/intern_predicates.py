"""Every distinct test of an event gets one number, and conditions are made of those numbers."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from clausal.compiler.conditions import conjunction, disjunction
from clausal.compiler.dump import quantity_text
from clausal.compiler.ir import (
    All,
    Any,
    Comparison,
    Condition,
    Constant,
    Corpus,
    Negation,
    Overlap,
    Predicate,
    Quantity,
    Truth,
)

_Operator = Literal["<", "<=", ">", ">=", "==", "!="]

_MIRRORED: Final[dict[_Operator, _Operator]] = {
    "<": ">",
    "<=": ">=",
    ">": "<",
    ">=": "<=",
    "==": "==",
    "!=": "!=",
}

_NEGATION_OF: Final[dict[_Operator, _Operator]] = {">=": "<", ">": "<=", "!=": "=="}


def intern_predicates(corpus: Corpus) -> Corpus:
    """Move the leaves of the rules' conditions to `Corpus.predicates`, each kept once.

    Afterwards a ``condition`` holds nothing but `All`, `Any`, `Predicate` and `Truth`; predicates
    are numbered by first use. A comparison is a predicate in one form only (see `canonical`), so
    ``x >= 5``, ``5 <= x`` and ``x < 5`` share one. Constants from different params stay
    apart even where they are equal today: binding a param anew may part them.
    """
    numbers: dict[Condition, int] = {}

    def intern(condition: Condition) -> Condition:
        match condition:
            case Truth():
                return condition
            case All(items=items):
                return conjunction([intern(item) for item in items])
            case Any(items=items):
                return disjunction([intern(item) for item in items])
            case _:
                leaf, negated = canonical(condition, corpus)
                return Predicate(numbers.setdefault(leaf, len(numbers)), negated)

    rules = tuple(
        [msgspec.structs.replace(rule, condition=intern(rule.condition)) for rule in corpus.rules]
    )
    return msgspec.structs.replace(corpus, rules=rules, predicates=tuple(numbers))


def canonical(literal: Condition, corpus: Corpus) -> tuple[Condition, bool]:
    """The one form of a leaf, and whether the given leaf or negated leaf is its negation.

    A comparison gets ``<``, ``<=`` or ``==``, with a constant on the right, or else the quantity
    whose text is greater: exact, since floats here are never NaN, and what is unknown is unknown on
    both sides. ``has all`` of one value is ``has any``.
    """
    match literal:
        case Negation(item=item):
            leaf, negated = canonical(item, corpus)
            return leaf, not negated
        case Comparison(operator=operator, left=left, right=right):
            if _rank(left, corpus) > _rank(right, corpus):
                operator, left, right = _MIRRORED[operator], right, left
            positive = _NEGATION_OF.get(operator, operator)
            return Comparison(positive, left, right), positive != operator
        case Overlap(slot=slot, values=(_,) as values, every=True):
            return Overlap(slot, values, every=False), False
        case _:
            return literal, False


def _rank(quantity: Quantity, corpus: Corpus) -> tuple[bool, str]:
    return isinstance(quantity, Constant), quantity_text(quantity, corpus)
