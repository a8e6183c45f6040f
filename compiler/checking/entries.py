"""Entries of a block: which may stand once, and which must."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from clausal.compiler.checking.report import Report
from clausal.dsl import nodes
from clausal.dsl.source import Span

_T = TypeVar(
    "_T",
    bound="nodes.HeaderEntry | nodes.SanctionEntry | nodes.LadderEntry | nodes.RuleEntry | nodes.DutyEntry | nodes.ProcedureEntry | nodes.TestEntry",
)


def one(
    report: Report,
    entries: Sequence[object],
    kind: type[_T],
    word: str,
    *,
    within: nodes.Name | nodes.String | None = None,
) -> _T | None:
    """The entry of that kind, the first if there are several, which is an error (E0111).

    With ``within``, the name of the block, the lack of an entry is an error too (E0112).
    """
    found = [entry for entry in entries if isinstance(entry, kind)]
    for extra in found[1:]:
        report.add(
            "E0111",
            f"`{word}` is given twice",
            extra.span,
            "given again",
            others=[report.label(found[0].span, "first given here")],
        )
    if found:
        return found[0]
    if within is not None:
        text = within.text if isinstance(within, nodes.Name) else within.value
        report.add("E0112", f"`{text}` has no `{word}`", within.span, f"needs `{word} …`")
    return None


def first_word(span: Span, word: str) -> Span:
    """The place of the keyword that a declaration or entry begins with."""
    return Span(span.start, span.start + len(word))
