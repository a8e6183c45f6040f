"""Arithmetic that no event can change is done once, at compile time."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from clausal.compiler.conditions import map_leaves
from clausal.compiler.ir import Comparison, Condition, Constant, Corpus, Truth
from clausal.compiler.quantities import fold

_COMPARISONS: Final[dict[str, Callable[[float, float], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}


def fold_constants(corpus: Corpus) -> Corpus:
    """Replace constant arithmetic, params included, by its result.

    Afterwards no `Param` stands in a ``when`` or ``unless`` but inside the ``origin`` of a
    constant, which says how to find the value again when params are bound anew; an `Arithmetic`
    reads a slot or has no finite result; and a `Comparison` of two constants depends on a param.
    """
    params = [param.value for param in corpus.params]

    def change(condition: Condition) -> Condition:
        return fold_comparison(condition, params)

    rules = tuple(
        [
            msgspec.structs.replace(
                rule, when=map_leaves(rule.when, change), unless=map_leaves(rule.unless, change)
            )
            for rule in corpus.rules
        ]
    )
    return msgspec.structs.replace(corpus, rules=rules)


def fold_comparison(condition: Condition, params: Sequence[float]) -> Condition:
    """A comparison with its sides folded, or its truth when both are constants.

    A comparison that depends on a param stays, whatever it is now: binding the param anew may
    change it. So does one with a side that is never finite: it is unknown, and `Truth` is not.

    >>> from clausal.compiler.ir import Arithmetic, Reading
    >>> three = Arithmetic("+", Constant(1.0), Constant(2.0))
    >>> fold_comparison(Comparison("<", Reading(0), three), [])
    Comparison(operator='<', left=Reading(slot=0), right=Constant(value=3.0, origin=None))
    >>> fold_comparison(Comparison("<", Constant(1.0), three), [])
    Truth(value=True)
    """
    if not isinstance(condition, Comparison):
        return condition
    left, right = fold(condition.left, params), fold(condition.right, params)
    if (
        isinstance(left, Constant)
        and isinstance(right, Constant)
        and left.origin is None
        and right.origin is None
    ):
        return Truth(_COMPARISONS[condition.operator](left.value, right.value))
    return Comparison(condition.operator, left, right)
