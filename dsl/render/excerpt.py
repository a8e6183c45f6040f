"""One line of a source laid out in terminal cells, so that a mark can stand under a character.

Characters and cells differ: a Chinese character takes two cells, a combining mark none, a tab up
to four, a hidden character as many as its number. The widths are those of `rich.cells`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from rich.cells import cell_len

from clausal.dsl.render.visible import is_hidden, name_of

TAB: Final = 4
"""Cells between two tab stops."""

CUT: Final = "…"
"""Stands where a part of a long line is left out."""

_NO_BASE: Final = "◌"
"""Carries a combining mark that has no character to sit on (as in the Unicode code charts)."""


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A window on one line. Indices count the characters of the whole line.

    INVARIANT: `starts` and `stops` hold the first cell of each character in the window and the
    cell after its last; a combining mark has the cells of the character that it sits on.
    """

    text: str
    first: int
    starts: tuple[int, ...]
    stops: tuple[int, ...]
    width: int
    cut: bool  # whether something is left out at the end

    @property
    def last(self) -> int:
        """The index after the last character of the window."""
        return self.first + len(self.starts)

    def holds(self, index: int) -> bool:
        """Whether the window shows the place before the character at `index`."""
        return self.first <= index < self.last or (index == self.last and not self.cut)

    def cells(self, start: int, end: int) -> tuple[int, int]:
        """The cells under the characters from `start` to `end`: the first, and the one after.

        There is at least one cell. A part outside the window is shown by the cut at its edge.
        """
        if start >= self.last:
            left = self.stops[-1] if self.stops else 0
        elif start >= self.first:
            left = self.starts[start - self.first]
        else:
            left = 0
        if end > self.last:
            right = self.width
        elif end > self.first:
            right = self.stops[end - 1 - self.first]
        else:
            right = left
        return left, max(right, left + 1)


def lay_out(line: str, start: int, end: int, width: int) -> Excerpt:
    """Lay out `line` in at most `width` cells around the characters from `start` to `end`.

    A line that fits is shown whole. Of a longer one a window is shown, with a cut on each side
    where something is left out; it holds `start`, and the whole range when that fits. The work
    depends on `width`, not on the length of the line.
    """
    # The bound on characters keeps thousands of combining marks on one letter out of the output.
    if len(line) <= TAB * width:
        whole = _place(line, 0, "", "")
        if whole.width <= width:
            return whole
    first, last = _window(line, start, end, width - 2 * cell_len(CUT))
    return _place(line[first:last], first, CUT if first else "", CUT if last < len(line) else "")


def _window(line: str, start: int, end: int, room: int) -> tuple[int, int]:
    """The characters that fit in `room` cells, with the range in their middle."""
    needed = 0
    at = start
    while at < min(end, len(line)) and needed < room:
        needed += _cost(line[at])
        at += 1
    first, left = _leftwards(line, start, max(room - needed, 0) // 2)
    last, right = start, room - left
    while last < len(line) and _cost(line[last]) <= right:
        right -= _cost(line[last])
        last += 1
    if last == len(line):
        first, _ = _leftwards(line, first, right)
    return first, last


def _leftwards(line: str, first: int, room: int) -> tuple[int, int]:
    """Move `first` to the left while the characters fit in `room`; also the cells they take."""
    taken = 0
    while first > 0 and taken + _cost(line[first - 1]) <= room:
        first -= 1
        taken += _cost(line[first])
    return first, taken


def _cost(character: str) -> int:
    """The most cells that `character` can take, and never 0, so that a window is always finite."""
    if character == "\t":
        return TAB
    if is_hidden(character):
        return len(name_of(character))
    return max(1, cell_len(character))


def _place(text: str, first: int, before: str, after: str) -> Excerpt:
    """Put the characters of a window one after the other, between the cuts."""
    pieces = [before]
    starts: list[int] = []
    stops: list[int] = []
    column = cell_len(before)
    base = ""  # the last character that takes cells, and the marks on it so far
    for character in text:
        begin = column
        if character == "\t":
            shown = base = " " * (TAB - column % TAB)
            column += len(shown)
        elif is_hidden(character):
            shown = base = name_of(character)
            column += len(shown)
        elif cell_len(character) > 0:
            shown = base = character
            column += cell_len(character)
        elif starts:
            # A mark shares the cells of its base. Some (variation selectors) widen the base, so
            # only the width of the two together is right.
            begin = starts[-1]
            shown = character
            column += cell_len(base + character) - cell_len(base)
            base += character
        else:
            shown = base = _NO_BASE + character
            column += cell_len(shown)
        pieces.append(shown)
        starts.append(begin)
        stops.append(column)
    pieces.append(after)
    width = column + cell_len(after)
    return Excerpt("".join(pieces), first, tuple(starts), tuple(stops), width, bool(after))
