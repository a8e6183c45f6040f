"""Warnings about a policy as a whole: what nothing refers to."""

from __future__ import annotations

from typing import Final

from clausal.compiler.checking.documents import WORDS, Document, Named, identifier
from clausal.compiler.checking.scopes import Uses
from clausal.dsl import nodes
from clausal.dsl.source import Span

_USEFUL: Final[tuple[type[Named], ...]] = (
    nodes.Let,
    nodes.Param,
    nodes.Terms,
    nodes.Table,
    nodes.Tally,
    nodes.Samples,
    nodes.MeasureSet,
    nodes.Ladder,
)


def warn_unused(policy: Document, uses: Uses) -> None:
    """Warn of clauses without a rule or duty (W0902), and of names that nothing uses (W0903).

    Nothing is said of a file that could not be parsed in full: what is missing may use them.
    """
    if policy.incomplete:
        return
    for clause in policy.of(nodes.Clause):
        if not clause.status and clause not in uses and not policy.citations_in_error:
            policy.report.add(
                "W0902",
                f"no rule or duty cites clause {clause.id.text}",
                Span(clause.id.span.start, clause.quote.span.end),
                help=[
                    "cite it in a rule or a duty, or mark it",
                    "the marks are `organisational`, `pending` and `not enforced`",
                ],
            )
    for kind in _USEFUL:
        for node in policy.of(kind):
            if node not in uses:
                policy.report.add(
                    "W0903",
                    f"nothing uses the {WORDS[kind]} `{identifier(node).text}`",
                    identifier(node).span,
                )
