"""Each rule gets its one condition, with negations at the leaves."""

from __future__ import annotations

from typing import Final, Literal, assert_never

import msgspec

from clausal.compiler.conditions import conjunction, disjunction
from clausal.compiler.ir import (
    Absent,
    All,
    Any,
    Comparison,
    Condition,
    Corpus,
    Flag,
    Member,
    Mentions,
    Negation,
    Overlap,
    Pattern,
    Predicate,
    Same,
    Shared,
    Truth,
    WallClock,
)

_OPPOSITE: Final[dict[str, Literal["<", "<=", ">", ">=", "==", "!="]]] = {
    "<": ">=",
    "<=": ">",
    ">": "<=",
    ">=": "<",
    "==": "!=",
    "!=": "==",
}


def push_negations(corpus: Corpus) -> Corpus:
    """Set each rule's ``condition`` to ``when and not unless`` in negation normal form.

    Afterwards a `Negation` holds nothing but a leaf that is no comparison; joins are flat, hold
    nothing twice, and have at least two items; a `Truth` stands alone or nowhere.
    """
    rules = tuple(
        [
            msgspec.structs.replace(
                rule,
                condition=conjunction(
                    [normalise(rule.when, negated=False), normalise(rule.unless, negated=True)]
                ),
            )
            for rule in corpus.rules
        ]
    )
    return msgspec.structs.replace(corpus, rules=rules)


def normalise(condition: Condition, *, negated: bool) -> Condition:
    """The negation normal form of the condition, or of its negation.

    Each step holds in Kleene's logic: De Morgan's laws, double negation, and that the negation of
    a comparison is the opposite one, because both are unknown together.

    >>> from clausal.compiler.ir import Constant, Reading
    >>> slow = Comparison("<", Reading(0), Constant(5.0))
    >>> normalise(Negation(All((Flag(1), slow))), negated=False)
    Any(items=(Negation(item=Flag(slot=1)), Comparison(operator='>=', left=Reading(slot=0), \
right=Constant(value=5.0, origin=None))))
    """
    match condition:
        case Truth(value=value):
            return Truth(value is not negated)
        case Negation(item=item):
            return normalise(item, negated=not negated)
        case All(items=items) | Any(items=items):
            parts = [normalise(item, negated=negated) for item in items]
            if isinstance(condition, All) is not negated:
                return conjunction(parts)
            return disjunction(parts)
        case Comparison(operator=operator, left=left, right=right):
            return Comparison(_OPPOSITE[operator], left, right) if negated else condition
        case (
            Flag()
            | Member()
            | Same()
            | Overlap()
            | Absent()
            | WallClock()
            | Mentions()
            | Pattern()
            | Predicate()
            | Shared()
        ):
            return Negation(condition) if negated else condition
        case _:
            assert_never(condition)
