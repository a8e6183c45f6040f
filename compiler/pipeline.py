"""From sources to a bundle: the stages, and the order of the passes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from clausal.compiler.check import check
from clausal.compiler.ir import Corpus
from clausal.compiler.passes.fold_constants import fold_constants
from clausal.compiler.passes.intern_predicates import intern_predicates
from clausal.compiler.passes.order_by_cost import order_by_cost
from clausal.compiler.passes.push_negations import push_negations
from clausal.compiler.passes.share_conditions import share_conditions
from clausal.dsl.diagnostics import Diagnostics
from clausal.dsl.parser import parse
from clausal.dsl.source import Source

PASSES: Final[tuple[Callable[[Corpus], Corpus], ...]] = (
    fold_constants,
    push_negations,
    order_by_cost,
    intern_predicates,
    share_conditions,
)
"""What happens to a checked corpus, in this order, before it is laid out as a program."""


def check_sources(sources: Sequence[Source]) -> tuple[Corpus | None, Diagnostics]:
    """Parse, resolve and check ``sources``, and say everything that is wrong with them at once.

    The corpus is None when there is an error, or no policy. Permuting the sources, or the
    declarations in them, gives an equal corpus but for places.
    """
    diagnostics = Diagnostics()
    files = []
    for source in sorted(sources, key=lambda source: source.name):
        file, found = parse(source)
        diagnostics.extend(found)
        files.append((source, file))
    return check(files, diagnostics), diagnostics


def optimise(corpus: Corpus) -> Corpus:
    """The corpus after all passes: the same rules, in the form that ``emit`` lays out."""
    for step in PASSES:
        corpus = step(corpus)
    return corpus
