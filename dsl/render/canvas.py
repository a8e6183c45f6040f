"""Rows of styled text, printed plain or in colour.

A row is drawn from left to right and from back to front: what is put later covers what is there.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from itertools import groupby
from typing import Final, assert_never

from rich.color import ColorSystem
from rich.style import Style

from clausal.dsl.codes import Severity


class Ink(enum.Enum):
    """What a piece of output is, from which its colour follows."""

    PLAIN = enum.auto()
    MESSAGE = enum.auto()
    GUTTER = enum.auto()
    PRIMARY = enum.auto()
    SECONDARY = enum.auto()
    FOOTER = enum.auto()


_SEVERITY_STYLES: Final = {
    Severity.ERROR: Style(color="red", bold=True),
    Severity.WARNING: Style(color="yellow", bold=True),
    Severity.NOTE: Style(color="green", bold=True),
}


def _style(ink: Ink, severity: Severity) -> Style | None:
    match ink:
        case Ink.PLAIN:
            return None
        case Ink.MESSAGE:
            return Style(bold=True)
        case Ink.GUTTER | Ink.SECONDARY:
            return Style(color="blue", bold=True)
        case Ink.FOOTER:
            return Style(color="cyan", bold=True)
        case Ink.PRIMARY:
            return _SEVERITY_STYLES[severity]
        case _:
            assert_never(ink)


@dataclass(slots=True)
class Row:
    """One row of output: a character and its ink in each place.

    Places are cells as long as all that is put is one cell wide; wider text is put last.
    """

    _places: list[tuple[str, Ink]] = field(default_factory=list)

    def put(self, column: int, text: str, ink: Ink = Ink.PLAIN) -> None:
        """Write `text` from `column` on, over what is there."""
        missing = column + len(text) - len(self._places)
        self._places.extend([(" ", Ink.PLAIN)] * missing)
        for at, character in enumerate(text, column):
            self._places[at] = (character, ink)

    def append(self, text: str, ink: Ink = Ink.PLAIN) -> None:
        """Write `text` after all that is there."""
        self._places.extend((character, ink) for character in text)

    def join(self, other: Row) -> None:
        """Append the whole of another row."""
        self._places.extend(other._places)

    def render(self, severity: Severity, *, color: bool) -> str:
        """The row as text without blanks at its end; in colour with ANSI codes for 16 colours."""
        places = list(self._places)
        while places and places[-1][0] == " ":
            places.pop()
        if not color:
            return "".join(character for character, _ in places)
        parts = []
        for ink, group in groupby(places, key=lambda place: place[1]):
            text = "".join(character for character, _ in group)
            style = _style(ink, severity)
            if style is None:
                parts.append(text)
            else:
                parts.append(style.render(text, color_system=ColorSystem.STANDARD))
        return "".join(parts)
