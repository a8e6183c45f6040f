"""Diagnostics for people: an excerpt of the policy with carets under what is meant.

    error[E0101]: unexpected `then`
      --> policies/a.policy:4:3
       |
     3 |   when content.topic ==
       |                      -- this has no right side
     4 |   then warn
       |   ^^^^ expected a value
       |
       = help: write what the topic is compared with

Text of users is never shown raw: see `clausal.dsl.render.visible`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from clausal.dsl.diagnostics import Diagnostic
from clausal.dsl.render.canvas import Ink, Row
from clausal.dsl.render.lines import Lines, Mark, mark_of, shown_lines
from clausal.dsl.render.visible import visible
from clausal.dsl.source import Source


def render(diagnostics: Iterable[Diagnostic], *, color: bool, width: int) -> str:
    """Show `diagnostics` in the order given, with an empty line between two.

    Excerpts are cut to `width` cells; messages are not, since terminals wrap them better. With
    `color` the text holds ANSI codes, all of them put there by this module.
    """
    return "\n\n".join(_render_one(one, color, width) for one in diagnostics)


def _render_one(diagnostic: Diagnostic, color: bool, width: int) -> str:
    severity = diagnostic.severity
    rows = _Page(diagnostic, width).rows()
    return "\n".join(row.render(severity, color=color) for row in rows)


class _Page:
    """The rows of one diagnostic."""

    def __init__(self, diagnostic: Diagnostic, width: int) -> None:
        self._diagnostic = diagnostic
        self._width = width
        primary = mark_of(diagnostic.primary, primary=True)
        self._blocks: dict[Source, list[Mark]] = {primary.label.source: [primary]}
        for label in diagnostic.secondary:
            self._blocks.setdefault(label.source, []).append(mark_of(label, primary=False))
        last = max(mark.last_line for marks in self._blocks.values() for mark in marks)
        self._digits = len(str(last))

    def rows(self) -> Iterator[Row]:
        diagnostic = self._diagnostic
        header = Row()
        header.append(f"{diagnostic.severity}[{diagnostic.code}]", Ink.PRIMARY)
        header.append(f": {visible(diagnostic.message)}", Ink.MESSAGE)
        yield header
        for number, (source, marks) in enumerate(self._blocks.items()):
            if number:
                yield self._gutter()
            yield from self._block(source, marks, "::: " if number else "--> ")
        if diagnostic.help or diagnostic.notes:
            yield self._gutter()
        for text in diagnostic.help:
            yield from self._footer("help", text)
        for text in diagnostic.notes:
            yield from self._footer("note", text)

    def _gutter(self, number: int | None = None) -> Row:
        row = Row()
        shown = "" if number is None else str(number)
        row.append(f"{shown:>{self._digits}} |", Ink.GUTTER)
        return row

    def _footer(self, kind: str, text: str) -> Iterator[Row]:
        first, *others = text.split("\n")
        row = Row()
        row.append(f"{'':{self._digits}} = ", Ink.GUTTER)
        row.append(kind, Ink.FOOTER)
        row.append(f": {visible(first)}")
        yield row
        indent = " " * (self._digits + len(f" = {kind}: "))
        for other in others:
            row = Row()
            row.append(indent + visible(other))
            yield row

    def _block(self, source: Source, marks: list[Mark], arrow: str) -> Iterator[Row]:
        """One source: where it is, and the lines that carry its marks."""
        location = Row()
        location.append(" " * self._digits + arrow, Ink.GUTTER)
        location.append(visible(source.name))
        if not source.text and not any(mark.label.text for mark in marks):
            # There is nothing to point at: an empty file, or one that could not be read.
            yield location
            return
        location.append(f":{marks[0].first_line}:{marks[0].start + 1}")
        yield location
        yield self._gutter()
        lines = Lines(source, marks, self._width - self._digits - len(" | "))
        previous: int | None = None
        for number in shown_lines(marks):
            if previous is not None and number > previous + 1:
                yield self._skip(lines)
            previous = number
            for is_source, row in lines.rows(number):
                full = self._gutter(number if is_source else None)
                full.append(" ")
                full.join(row)
                yield full

    def _skip(self, lines: Lines) -> Row:
        row = Row()
        row.append("...".ljust(self._digits + len(" | ")), Ink.GUTTER)
        row.join(lines.bars())
        return row
