"""The canonical format: a syntax tree back to text, comments kept.

One entry a line, two spaces of indentation, everything in the order in which the author wrote it.
Lines are broken at 100 columns, a Chinese character counting as two: lists one element a line,
conditions before `and` and `or`. Digits, suffixes and units stay as the author chose them,
punctuation becomes half-width, parentheses stay only where precedence needs them. A declaration is
set off by a blank line, unless it stands among its like without a block (`clause`, `param`, `let`,
...): there, and inside blocks, the author's blank lines stay, at most one at a time.

Parsing what was printed gives an equal tree with equal comments, and printing that gives the same
text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final, Protocol, TypeVar, assert_never

from clausal.dsl import nodes, phrases, spelling
from clausal.dsl.comments import placed, shown
from clausal.dsl.diagnostics import PolicyError
from clausal.dsl.layout import STEP, Atom, Doc, filled, render, width_of
from clausal.dsl.parser import parse
from clausal.dsl.source import Source, Span

_BLANK_LINE: Final = re.compile(r"\n[^\S\n]*\n")
_LONGEST_PADDED: Final = 24
"""Field names wider than this do not push the types of their neighbours to the right."""


class _Spanned(Protocol):
    @property
    def span(self) -> Span: ...


_Node = TypeVar("_Node", bound=_Spanned)


def print_file(file: nodes.File, source: Source | None = None) -> str:
    """The canonical text of `file`, which ends in a line end unless it is empty.

    `source` is what the file was parsed from. With it the author's blank lines and digits
    (``1_000``) are kept; without it there are no blank lines but the required ones.

    Raises:
        ValueError: when a declaration of the file could not be parsed: its text would be lost.
    """
    return _Printer(file, source).run()


def format_source(source: Source) -> str:
    """The canonical text of `source`.

    Raises:
        PolicyError: when the syntax of the source has errors; it carries their diagnostics.
    """
    file, diagnostics = parse(source)
    if diagnostics.has_errors:
        raise PolicyError(diagnostics)
    return print_file(file, source)


class _Printer:
    """Prints what stands between the comments, and each comment as soon as its place is reached."""

    def __init__(self, file: nodes.File, source: Source | None) -> None:
        self.file = file
        self.text = "" if source is None else source.text
        self.phrases = phrases.Phrases(source)
        self.comments = sorted(file.comments, key=lambda comment: comment.span.start)
        self.next_comment = 0
        self.lines: list[str] = []
        self.indent = 0

    def run(self) -> str:
        self._sequence(self.file.declarations, [], None, self._declaration, _set_apart)
        return "".join(f"{line}\n" for line in self.lines)

    # ── Comments and blank lines between items ───────────────────────────────────────────────────

    def _taken(self, end: int | None) -> list[nodes.Comment]:
        """The comments, not printed yet, that begin before `end`."""
        first = self.next_comment
        while self.next_comment < len(self.comments) and (
            end is None or self.comments[self.next_comment].span.start < end
        ):
            self.next_comment += 1
        return self.comments[first : self.next_comment]

    def _sequence(
        self,
        items: Sequence[_Node],
        pending: list[nodes.Comment],
        end: int | None,
        print_item: Callable[[_Node], list[nodes.Comment]],
        apart: Callable[[_Node, _Node], bool],
    ) -> None:
        """The items of a block or a file, and the comments before, between and after them.

        `pending` are comments that stand before the first item, or end the line above it.
        `print_item` gives back the comments that it found no place for: they come next.
        """
        last: int | None = None  # where in the source the thing printed last ends
        previous: _Node | None = None
        for item in items:
            required = previous is not None and apart(previous, item)
            found = pending + self._taken(spelling.start_of(item.span))
            last, required = self._gap(found, last, required)
            self._blank_line(last, item.span.start, required)
            pending = print_item(item)
            last = max(last or 0, item.span.end)
            previous = item
        self._gap(pending + self._taken(end), last, False)

    def _gap(
        self, comments: list[nodes.Comment], last: int | None, required: bool
    ) -> tuple[int | None, bool]:
        """Print comments between items; what comes first is set off if `required`.

        Gives where the last comment ended, and whether what follows must still be set off.
        """
        for index, comment in enumerate(comments):
            if index == 0 and not comment.own_line and self.lines:
                self.lines[-1] += f"  {shown(comment)}"
                last = max(last, comment.span.end) if last is not None else None
                continue
            self._blank_line(last, comment.span.start, required)
            self.lines.append(" " * self.indent + shown(comment))
            last, required = max(last or 0, comment.span.end), False
        return last, required

    def _blank_line(self, last: int | None, start: int, required: bool) -> None:
        """A blank line, if one is required or the author left one; never at the top of a block."""
        if last is not None and (required or _BLANK_LINE.search(self.text, last, start)):
            self.lines.append("")

    # ── Items ────────────────────────────────────────────────────────────────────────────────────

    def _phrase(self, span: Span, doc: Doc) -> list[nodes.Comment]:
        """Print an item without a block."""
        inside = self._taken(span.end)
        after: list[nodes.Comment] = []
        if inside:
            doc, after = placed(doc, inside)
        self.lines += render(doc, self.indent)
        return after

    def _block(
        self,
        header: Doc,
        span: Span,
        items: Sequence[_Node],
        print_item: Callable[[_Node], list[nodes.Comment]],
    ) -> list[nodes.Comment]:
        """Print an item with a block."""
        end = spelling.last_of(span)
        inside = self._taken(spelling.start_of(items[0].span) if items else end)
        if not items and not inside:
            self.lines += render((header, " {}"), self.indent)
            return []
        doc, pending = placed((header, " {"), inside)
        self.lines += render(doc, self.indent)
        self.indent += STEP
        self._sequence(items, pending, end, print_item, _together)
        self.indent -= STEP
        self.lines.append(" " * self.indent + "}")
        return []

    def _entries(
        self, header: Doc, span: Span, items: Sequence[_Node], doc_of: Callable[[_Node], Doc]
    ) -> list[nodes.Comment]:
        """Print a block of items that have none."""
        return self._block(header, span, items, lambda item: self._phrase(item.span, doc_of(item)))

    def _declaration(self, node: nodes.Declaration) -> list[nodes.Comment]:
        span = node.span
        build = self.phrases
        header: Doc
        match node:
            case nodes.Policy(_, version, entries):
                header = (_head("policy", node), f" {version}")
                return self._entries(header, span, entries, build.header_entry)
            case nodes.Library(_, version, entries):
                header = (_head("library", node), f" {version}")
                if not entries and not self._has_comments(span.end):
                    return self._phrase(span, header)
                return self._entries(header, span, entries, build.header_entry)
            case nodes.Event(entries):
                header = Atom("event", spelling.start_of(span))
                return self._entries(header, span, entries, build.event_entry)
            case nodes.Schema(_, fields, labels):
                return self._fields((_head("schema", node), phrases.labels(labels)), span, fields)
            case nodes.Sanction(_, parameters, entries):
                header = (_head("sanction", node), build.parameters(parameters))
                return self._entries(header, span, entries, build.sanction_entry)
            case nodes.Table(_, columns, rows):
                header = (_head("table", node), " by ", filled(list(map(spelling.path, columns))))
                widths = build.columns(rows)
                return self._entries(header, span, rows, lambda row: build.row(row, widths))
            case nodes.Ladder(_, by, within, steps, labels, entries):
                window = (" within ", spelling.duration(within)) if within else ""
                header = (_head("ladder", node), " by ", spelling.word(by), window)
                column = max((len(phrases.step_label(step)) for step in steps), default=0)
                return self._entries(
                    (header, phrases.labels(labels)),
                    span,
                    sorted((*entries, *steps), key=lambda item: item.span.start),
                    lambda item: build.ladder_item(item, column),
                )
            case nodes.Rule(_, entries):
                return self._entries(_head("rule", node), span, entries, build.rule_entry)
            case nodes.Duty(_, entries):
                return self._entries(_head("duty", node), span, entries, build.duty_entry)
            case nodes.Incident(by, same):
                header = (phrases.keyword("incident", span), "by ", spelling.word(by))
                return self._entries(header, span, same, build.same)
            case nodes.Procedure(entries):
                header = Atom("procedure", spelling.start_of(span))
                return self._entries(header, span, entries, build.procedure_entry)
            case nodes.Test(title, entries):
                header = (phrases.keyword("test", span), spelling.string(title))
                return self._entries(header, span, entries, build.test_entry)
            case (
                nodes.Clause()
                | nodes.Target()
                | nodes.Param()
                | nodes.Terms()
                | nodes.Let()
                | nodes.Tally()
                | nodes.Samples()
                | nodes.MeasureSet()
            ):
                return self._phrase(span, build.one_liner(node))
            case nodes.Broken():
                raise ValueError("a declaration that could not be parsed cannot be printed")
            case _:
                assert_never(node)

    def _has_comments(self, end: int) -> bool:
        """Whether a comment that is not printed yet begins before `end`."""
        rest = self.comments[self.next_comment : self.next_comment + 1]
        return any(comment.span.start < end for comment in rest)

    def _fields(
        self, header: Doc, span: Span, fields: Sequence[nodes.Field | nodes.Group]
    ) -> list[nodes.Comment]:
        names = (width_of(one.name.text) for one in fields if isinstance(one, nodes.Field))
        column = 1 + max((width for width in names if width <= _LONGEST_PADDED), default=0)

        def print_field(node: nodes.Field | nodes.Group) -> list[nodes.Comment]:
            match node:
                case nodes.Field():
                    return self._phrase(node.span, phrases.field(node, column))
                case nodes.Group(name, inner, labels):
                    header = (spelling.word(name), phrases.labels(labels))
                    return self._fields(header, node.span, inner)
                case _:
                    assert_never(node)

        return self._block(header, span, fields, print_field)


_Named = (
    nodes.Policy
    | nodes.Library
    | nodes.Schema
    | nodes.Sanction
    | nodes.Table
    | nodes.Ladder
    | nodes.Rule
    | nodes.Duty
)


def _head(word: str, node: _Named) -> Doc:
    return (phrases.keyword(word, node.span), spelling.word(node.name))


def _set_apart(previous: nodes.Declaration, node: nodes.Declaration) -> bool:
    """Whether a blank line must stand between two declarations."""
    return type(previous) is not type(node) or not isinstance(node, phrases.OneLiner)


def _together(previous: object, item: object) -> bool:
    """Nothing in a block is set off but by its author."""
    return False
