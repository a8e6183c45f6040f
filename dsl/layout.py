"""Documents that are laid out to a width: text, places where a line may end, and groups of both.

A group is printed on one line if it fits; otherwise each of its own line ends is taken, and the
groups inside it decide for themselves (Wadler, "A prettier printer", 2003). Widths are display
widths: a Chinese character counts as two columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, assert_never

from rich.cells import cell_len

WIDTH: Final = 100
"""The columns that a line may take."""


@dataclass(frozen=True, slots=True)
class Atom:
    """Text that stands for something in the source, at offset `start` there; -1 if it does not."""

    text: str
    start: int


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """A place where the line may end; `flat` is what stands there if it does not.

    Comments at it are indented `inset` columns more than the line after it.
    """

    flat: str = " "
    inset: int = 0


@dataclass(frozen=True, slots=True)
class Break:
    """A line end that must be, with the comments that stand at it.

    `trailing` ends the line, `own` follow on lines of their own, `inset` columns more to the right
    than the text after them; that is `deeper` columns more to the right than its surroundings.
    """

    trailing: str = ""
    own: tuple[str, ...] = ()
    deeper: int = 0
    inset: int = 0


@dataclass(frozen=True, slots=True)
class IfBroken:
    """Text that is there only when the group around it takes its line ends."""

    text: str


@dataclass(frozen=True, slots=True)
class Group:
    """All of its own line ends are taken, or none; `broken` says that they must be."""

    body: Doc
    broken: bool = False


@dataclass(frozen=True, slots=True)
class Fill:
    """Items and the line ends between them, by turns: as many items on a line as fit.

    What comes before part `at` is printed already.
    """

    parts: tuple[Doc, ...]
    at: int = 0


@dataclass(frozen=True, slots=True)
class Nest:
    """Lines that begin inside it are indented so many columns more than those around it."""

    body: Doc
    columns: int = 2


@dataclass(frozen=True, slots=True)
class Align:
    """Lines that begin inside it are indented to the column where it begins."""

    body: Doc


Doc = str | Atom | Line | Break | IfBroken | Group | Fill | Nest | Align | tuple["Doc", ...]
"""A tuple is its parts, one after the other."""

LINE: Final = Line()
"""A space, or a line end."""

STEP: Final = 2
"""The columns of one level of indentation."""

_Command = tuple[int, bool, Doc]  # indentation, whether line ends are taken, what to print


def width_of(text: str) -> int:
    """The columns that `text` takes on a display."""
    return len(text) if text.isascii() else cell_len(text)


def joined(items: Sequence[Doc], separator: Doc) -> tuple[Doc, ...]:
    """The items with the separator between each two."""
    parts = [part for item in items for part in (separator, item)]
    return tuple(parts[1:])


def filled(items: Sequence[Doc]) -> Doc:
    """The items with commas between them, as many on a line as fit."""
    return Align(Fill(joined([*((item, ",") for item in items[:-1]), *items[-1:]], LINE)))


def bracketed(opening: str, items: Sequence[Doc], closing: Doc) -> Doc:
    """On one line, or one item a line with a comma after each."""
    if not items:
        return (opening, closing)
    inside = (Line(""), joined(items, (",", LINE)), IfBroken(","))
    return Group((opening, Nest(inside), Line("", inset=STEP), closing))


def render(doc: Doc, indent: int = 0, width: int = WIDTH) -> list[str]:
    """The lines of `doc`, the first one indented by `indent` columns too."""
    lines: list[str] = []
    line: list[str] = [" " * indent]
    column = indent

    def end_line(indentation: int) -> None:
        nonlocal line, column
        lines.append("".join(line).rstrip(" "))
        line = [" " * indentation]
        column = indentation

    # The last command is the next one to run.
    commands: list[_Command] = [(indent, True, doc)]
    while commands:
        base, taken, part = commands.pop()
        match part:
            case str() | Atom():
                text = part if isinstance(part, str) else part.text
                line.append(text)
                column += width_of(text)
            case tuple():
                commands.extend((base, taken, one) for one in reversed(part))
            case Line(space):
                if taken:
                    end_line(base)
                else:
                    line.append(space)
                    column += len(space)
            case Break(trailing, own, deeper, inset):
                if trailing:
                    line = ["".join(line).rstrip(" "), f"  {trailing}"]
                for comment in own:
                    end_line(base + deeper + inset)
                    line.append(comment)
                end_line(base + deeper)
            case IfBroken(text):
                if taken:
                    line.append(text)
                    column += len(text)
            case Group(body, broken):
                flat = (base, False, body)
                fits = not broken and _fits(width - column, [flat], commands)
                commands.append(flat if fits else (base, True, body))
            case Fill(parts, at):
                if at + 2 < len(parts):
                    flat = (base, False, parts[at : at + 3])
                    last = at + 3 == len(parts)
                    fits = _fits(width - column, [flat], commands if last else [])
                    commands.append((base, True, Fill(parts, at + 2)))
                    commands.append((base, not fits, parts[at + 1]))
                if at < len(parts):
                    commands.append((base, True, parts[at]))
            case Nest(body, columns):
                commands.append((base + columns, taken, body))
            case Align(body):
                commands.append((column, taken, body))
            case _:
                assert_never(part)
    lines.append("".join(line).rstrip(" "))
    return lines


def _fits(room: int, now: list[_Command], later: list[_Command]) -> bool:
    """Whether `now`, and what follows it up to the next line end, takes at most `room` columns."""
    commands = list(now)
    pending = len(later)
    while room >= 0:
        if not commands:
            if pending == 0:
                return True
            pending -= 1
            commands.append(later[pending])
        base, taken, part = commands.pop()
        match part:
            case str():
                room -= width_of(part)
            case Atom(text):
                room -= width_of(text)
            case tuple():
                commands.extend((base, taken, one) for one in reversed(part))
            case Line(space):
                if taken:
                    return True
                room -= len(space)
            case Break():
                return True
            case IfBroken(text):
                room -= len(text) if taken else 0
            case Group(body, broken):
                commands.append((base, taken or broken, body))
            case Fill(parts, at):
                commands.extend((base, taken, one) for one in reversed(parts[at:]))
            case Nest(body) | Align(body):
                commands.append((base, taken, body))
            case _:
                assert_never(part)
    return False
