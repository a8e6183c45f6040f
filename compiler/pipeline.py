"""From sources to a bundle: the stages, and the order of the passes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from clausal.compiler.ir import Corpus
from clausal.compiler.passes.fold_constants import fold_constants
from clausal.compiler.passes.intern_predicates import intern_predicates
from clausal.compiler.passes.order_by_cost import order_by_cost
from clausal.compiler.passes.push_negations import push_negations
from clausal.compiler.passes.share_conditions import share_conditions

PASSES: Final[tuple[Callable[[Corpus], Corpus], ...]] = (
    fold_constants,
    push_negations,
    order_by_cost,
    intern_predicates,
    share_conditions,
)
"""What happens to a checked corpus, in this order, before it is laid out as a program."""


def optimise(corpus: Corpus) -> Corpus:
    """The corpus after all passes: the same rules, in the form that ``emit`` lays out."""
    for step in PASSES:
        corpus = step(corpus)
    return corpus
