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
        negated = isinstance(condition, Negation)
        leaf = condition.item if isinstance(condition, Negation) else condition
        if isinstance(leaf, Comparison):
            leaf, opposite = canonical(leaf, corpus)
            negated ^= opposite
        return Predicate(numbers.setdefault(leaf, len(numbers)), negated)

    rules = tuple(
        [
            msgspec.structs.replace(rule, condition=intern(rule.condition))
            for rule in corpus.rules
        ]
    )
    return msgspec.structs.replace(corpus, rules=rules, predicates=tuple(numbers))


def canonical(comparison: Comparison, corpus: Corpus) -> tuple[Comparison, bool]:
    """A comparison with ``<``, ``<=`` or ``==``, and whether the given one is its negation.

    A constant stands on the right, and of two other quantities the one whose text is greater. With
    floats that are not NaN, and a value that is unknown on both sides of the negation alike, the
    rewriting is exact.
    """
    operator, left, right = comparison.operator, comparison.left, comparison.right
    if _rank(left, corpus) > _rank(right, corpus):
        operator, left, right = _MIRRORED[operator], right, left
    opposite = operator in _NEGATION_OF
    return Comparison(_NEGATION_OF.get(operator, operator), left, right), opposite


def _rank(quantity: Quantity, corpus: Corpus) -> tuple[bool, str]:
    return isinstance(quantity, Constant), quantity_text(quantity, corpus)
