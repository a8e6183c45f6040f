"""The lines of one source with the marks under them, for the terminal.

A mark within one line is drawn below it (``^^^ text``). A mark over several lines is a *range*: it
is opened and closed by a row that leads from the character to the range's lane, a bar to the left
of the text::

    | / rule a {
    | |   when b
    | |_________^ text
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from clausal.dsl.diagnostics import Label
from clausal.dsl.render.canvas import Ink, Row
from clausal.dsl.render.excerpt import Excerpt, lay_out
from clausal.dsl.render.visible import visible
from clausal.dsl.source import Source

_NARROWEST: Final = 24
"""A line gets at least so many cells, however narrow the terminal is."""

_UNBROKEN: Final = 6
"""A range over more lines than this is shown with its middle left out."""

_LANE: Final = 2
"""Cells that a lane takes."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A label with its place as lines (from 1) and characters in them (from 0).

    The place is cut to what the source has. INVARIANT: the character before `end` is in
    `last_line`, unless the mark is empty.
    """

    label: Label
    primary: bool
    first_line: int
    last_line: int
    start: int
    end: int

    @property
    def ink(self) -> Ink:
        """The ink of the mark and of its text."""
        return Ink.PRIMARY if self.primary else Ink.SECONDARY

    @property
    def sign(self) -> str:
        """What is drawn under each cell."""
        return "^" if self.primary else "-"

    @property
    def text(self) -> str:
        """The text of the label, safe to show."""
        return visible(self.label.text)

    @property
    def is_range(self) -> bool:
        """Whether the mark goes over several lines."""
        return self.first_line != self.last_line


def mark_of(label: Label, *, primary: bool) -> Mark:
    """Where `label` is drawn."""
    source = label.source
    span = source.clamp(label.span)
    start, end = span.start, span.end
    # A span that takes line ends along is drawn to the last character before them.
    while end > start and source.text[end - 1] == "\n":
        end -= 1
    first_line, start_column = source.position(start)
    last_line, end_column = source.position(end)
    return Mark(label, primary, first_line, last_line, start_column - 1, end_column - 1)


def shown_lines(marks: Iterable[Mark]) -> list[int]:
    """The numbers of the lines to show, in order; a gap is never a single line."""
    wanted: set[int] = set()
    for mark in marks:
        wanted |= {mark.first_line, mark.last_line}
        if mark.last_line - mark.first_line < _UNBROKEN:
            wanted |= set(range(mark.first_line, mark.last_line))
        else:
            wanted |= {mark.first_line + 1, mark.last_line - 1}
    return sorted(wanted | {line + 1 for line in wanted if line + 2 in wanted})


class Lines:
    """The lines of one source, to be drawn from top to bottom.

    The lanes of outer ranges are further left. `width` is in cells, for lanes and text together.
    """

    def __init__(self, source: Source, marks: Iterable[Mark], width: int) -> None:
        marks = tuple(marks)
        self._source = source
        self._singles = [mark for mark in marks if not mark.is_range]
        self._ranges = sorted(
            (mark for mark in marks if mark.is_range),
            key=lambda mark: (mark.first_line, mark.start, -mark.last_line, -mark.end),
        )
        self._indent = _LANE * len(self._ranges)
        self._width = max(width - self._indent, _NARROWEST)
        self._open: set[int] = set()

    def bars(self) -> Row:
        """A row with nothing but the bars of the ranges that are open here."""
        row = Row()
        for lane in sorted(self._open):
            row.put(_LANE * lane, "|", self._ranges[lane].ink)
        return row

    def rows(self, number: int) -> Iterator[tuple[bool, Row]]:
        """The rows of line `number`; the flag tells the line itself from the marks below it."""
        line = self._source.line(number)
        for window in _windows(line, self._points(number), self._width):
            yield True, self._text_row(line, window)
            for marks in _mark_rows(window):
                row = self._indented_bars()
                row.join(marks)
                yield False, row
            for point in window.points:
                if point.opens is not None and point.opens not in self._open:
                    yield False, self._corner(point, point.opens, window.excerpt)
                    self._open.add(point.opens)
            for point in sorted(window.points, key=lambda point: -(point.closes or 0)):
                if point.closes is not None:
                    yield False, self._corner(point, point.closes, window.excerpt)
                    self._open.discard(point.closes)

    def _points(self, number: int) -> list[_Point]:
        points = [
            _Point(mark, mark.start, mark.end)
            for mark in self._singles
            if mark.first_line == number
        ]
        for lane, mark in enumerate(self._ranges):
            if mark.first_line == number:
                points.append(_Point(mark, mark.start, mark.start + 1, opens=lane))
            if mark.last_line == number:
                points.append(_Point(mark, mark.end - 1, mark.end, closes=lane))
        return sorted(points, key=lambda point: (point.start, point.end))

    def _indented_bars(self) -> Row:
        row = self.bars()
        row.put(self._indent, "")
        return row

    def _text_row(self, line: str, window: _Window) -> Row:
        """The line itself. A range that begins with the line is opened right in front of it."""
        row = self._indented_bars()
        for point in window.points:
            in_front = not line[: point.start].strip() and window.excerpt.first == 0
            if point.opens is not None and in_front:
                row.put(_LANE * point.opens, "/", point.mark.ink)
                self._open.add(point.opens)
        row.append(window.excerpt.text)
        return row

    def _corner(self, point: _Point, lane: int, excerpt: Excerpt) -> Row:
        """The row that opens or closes a range: a line from its lane to its character."""
        left, right = excerpt.cells(point.start, point.end)
        at = self._indent + (left if point.closes is None else right - 1)
        row = Row()
        begin = _LANE * lane + 1
        row.put(begin, "_" * (at - begin), point.mark.ink)
        for other in sorted(self._open):
            row.put(_LANE * other, "|", self._ranges[other].ink)
        row.put(at, point.mark.sign, point.mark.ink)
        if point.closes is not None and point.mark.text:
            row.append(f" {point.mark.text}", point.mark.ink)
        return row


@dataclass(frozen=True, slots=True)
class _Point:
    """What one line shows of a mark: all of it, or where a range with this lane opens or closes."""

    mark: Mark
    start: int
    end: int
    opens: int | None = None
    closes: int | None = None

    @property
    def is_whole(self) -> bool:
        return self.opens is None and self.closes is None


@dataclass(frozen=True, slots=True)
class _Window:
    """The part of a line that is shown, and the points that are shown with it."""

    excerpt: Excerpt
    points: tuple[_Point, ...]


def _windows(line: str, points: list[_Point], width: int) -> list[_Window]:
    """Show the line as often as it takes for each of its points to be in a window, usually once.

    A line without points (in the middle of a range) is shown from its beginning.
    """
    if not points:
        return [_Window(lay_out(line, 0, 0, width), ())]
    windows = []
    while points:
        anchor = next((point for point in points if point.mark.primary), points[0])
        excerpt = lay_out(line, anchor.start, anchor.end, width)
        shown = [point for point in points if point is anchor or excerpt.holds(point.start)]
        windows.append(_Window(excerpt, tuple(shown)))
        points = [point for point in points if point is not anchor and point not in shown]
    return sorted(windows, key=lambda window: window.excerpt.first)


@dataclass(frozen=True, slots=True)
class _Stroke:
    """A mark in cells."""

    left: int
    right: int
    mark: Mark


def _mark_rows(window: _Window) -> Iterator[Row]:
    """The marks on one line, and their texts: the last one beside it, the others hung below."""
    strokes = [
        _Stroke(*window.excerpt.cells(point.start, point.end), point.mark)
        for point in window.points
        if point.is_whole
    ]
    if not strokes:
        return
    # The primary mark is drawn over the others, and its text is the last of those at one place.
    strokes.sort(key=lambda stroke: (stroke.left, stroke.mark.primary))
    row = Row()
    for stroke in sorted(strokes, key=lambda stroke: stroke.mark.primary):
        row.put(stroke.left, stroke.mark.sign * (stroke.right - stroke.left), stroke.mark.ink)
    hung = [stroke for stroke in strokes if stroke.mark.text]
    if hung and hung[-1].right == max(stroke.right for stroke in strokes):
        row.append(f" {hung[-1].mark.text}", hung[-1].mark.ink)
        hung.pop()
    yield row
    if hung:
        yield _hangers(hung)
    while hung:
        stroke = hung.pop()
        row = _hangers(hung)
        row.put(stroke.left, stroke.mark.text, stroke.mark.ink)
        yield row


def _hangers(strokes: list[_Stroke]) -> Row:
    """A row with a bar under the start of each mark whose text is still to come."""
    row = Row()
    for stroke in strokes:
        row.put(stroke.left, "|", stroke.mark.ink)
    return row
