"""Where comments go when a document is laid out: as near as can be to where their author put them.

A comment stands in a gap between two atoms of the document. One that ended a line in the source
ends the line of the atom before it; one on a line of its own stands on the line before the atom
after it. Both make the line end that the gap offers, or one of their own if it offers none.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import assert_never

from clausal.dsl import nodes
from clausal.dsl.layout import (
    STEP,
    Align,
    Atom,
    Break,
    Doc,
    Fill,
    Group,
    IfBroken,
    Line,
    Nest,
)


def shown(comment: nodes.Comment) -> str:
    """The comment as it is printed."""
    return f"#{comment.text}"


def placed(doc: Doc, comments: Sequence[nodes.Comment]) -> tuple[Doc, list[nodes.Comment]]:
    """The document with the comments in it, and the comments that stand after its last atom.

    `comments` are in the order of the source, and none stands before the first atom.
    """
    leaves = list(_leaves(doc))
    starts = [
        (i, leaf.start)
        for i, leaf in enumerate(leaves)
        if isinstance(leaf, Atom) and leaf.start >= 0
    ]
    gaps: dict[int, list[nodes.Comment]] = {}
    after: list[nodes.Comment] = []
    following = 0
    for comment in comments:
        while following < len(starts) and starts[following][1] < comment.span.start:
            following += 1
        if following == len(starts):
            after.append(comment)
        else:
            gaps.setdefault(following, []).append(comment)
    breaks: dict[int, Break] = {}
    for following, found in gaps.items():
        first = starts[following - 1][0] + 1 if following else 0
        _fill_gap(leaves, first, starts[following][0], found, breaks)
    return _Rebuilding(breaks).rebuilt(doc)[0], after


def _fill_gap(
    leaves: list[Doc],
    first: int,
    atom: int,
    comments: list[nodes.Comment],
    breaks: dict[int, Break],
) -> None:
    """Decide which leaves from `first` up to the one at `atom` become line ends with comments.

    INVARIANT: the text that comes out, read again, gives the same comments in the same gap.
    """
    trailing = "" if comments[0].own_line else shown(comments[0])
    own = tuple(shown(comment) for comment in comments[1 if trailing else 0 :])
    lines = [(i, line) for i in range(first, atom) if isinstance(line := leaves[i], Line)]
    if not lines:
        breaks[atom] = Break(trailing, own, deeper=STEP)
        return
    at_first, (at_last, last) = lines[0][0], lines[-1]
    if trailing:
        breaks[at_first] = Break(trailing)
    if own:
        also = trailing if at_first == at_last else ""
        breaks[at_last] = Break(also, own, inset=last.inset)


def _leaves(doc: Doc) -> Iterator[Doc]:
    match doc:
        case tuple():
            for part in doc:
                yield from _leaves(part)
        case Fill(parts):
            for part in parts:
                yield from _leaves(part)
        case Group(body) | Nest(body) | Align(body):
            yield from _leaves(body)
        case str() | Atom() | Line() | Break() | IfBroken():
            yield doc
        case _:
            assert_never(doc)


class _Rebuilding:
    """Replaces leaves, which are counted as `_leaves` gives them."""

    def __init__(self, breaks: dict[int, Break]) -> None:
        self.breaks = breaks
        self.count = 0

    def rebuilt(self, doc: Doc) -> tuple[Doc, bool]:
        """The document with its breaks, and whether it has any."""
        match doc:
            case tuple():
                return self._parts(doc)
            case Fill(parts):
                filled, broken = self._parts(parts)
                return Fill(filled), broken
            case Group(body, forced):
                inner, broken = self.rebuilt(body)
                return Group(inner, forced or broken), broken
            case Nest(body, columns):
                inner, broken = self.rebuilt(body)
                return Nest(inner, columns), broken
            case Align(body):
                inner, broken = self.rebuilt(body)
                return Align(inner), broken
            case str() | Atom() | Line() | Break() | IfBroken():
                return self._leaf(doc)
            case _:
                assert_never(doc)

    def _parts(self, parts: tuple[Doc, ...]) -> tuple[tuple[Doc, ...], bool]:
        done = [self.rebuilt(part) for part in parts]
        return tuple(part for part, _ in done), any(broken for _, broken in done)

    def _leaf(self, leaf: Doc) -> tuple[Doc, bool]:
        found = self.breaks.get(self.count)
        self.count += 1
        if found is None:
            return leaf, False
        return (found if isinstance(leaf, Line) else (found, leaf)), True
