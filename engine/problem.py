"""What is wrong with an event, said so that whoever sends it can mend it.

Events come from strangers. Their text appears in these messages cut short and with every character
shown that acts on a terminal or hides from a reader; a value is never shown whole.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import date, timedelta
from numbers import Integral
from typing import Final

import msgspec

from clausal.dsl.render.visible import visible

_SHOWN: Final = 40
"""As many characters of a user's text are shown."""

_SHOWN_BITS: Final = 128
"""Whole numbers with more bits are not written out: in decimal that takes quadratic time."""

_SHOWN_PROBLEMS: Final = 20
"""As many problems are written out by `str(EventError)`."""


class Problem(msgspec.Struct, frozen=True, order=True):
    """One value that an event may not have.

    Attributes:
        path: The place in the event as an author writes it (``content.score.staged``), items of
            lists counted from 0 (``content.declared[2]``); empty for the event as a whole.
        expected: What may stand there.
        got: What stands there, described or cut short.
    """

    path: str
    expected: str
    got: str

    def __str__(self) -> str:
        place = f"`{self.path}`" if self.path else "the event"
        return f"{place}: expected {self.expected}, got {self.got}"


class EventError(ValueError):
    """An event that cannot be decided.

    Attributes:
        problems: Everything that is wrong with what the bundle reads of the event, each once,
            sorted by path. They do not depend on the order of the event's keys, nor on the way in
            which the event came.
    """

    problems: tuple[Problem, ...]

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(set(problems)))
        super().__init__(self.problems)

    def __str__(self) -> str:
        lines = [str(problem) for problem in self.problems[:_SHOWN_PROBLEMS]]
        if len(self.problems) > len(lines):
            lines.append(f"and {len(self.problems) - len(lines)} more problems")
        return "\n".join(lines)


def describe(value: object) -> str:
    """A value as a message names it, whatever it is and however large."""
    match value:
        case None:
            return "nothing"
        case bool():
            return f"`{str(value).lower()}`"
        case str():
            return f"the text `{shown(value)}`"
        case Integral():
            number = int(value)
            if number.bit_length() > _SHOWN_BITS:
                return f"a whole number beyond {'-' if number < 0 else ''}2**{_SHOWN_BITS}"
            return f"`{number}`"
        case float():
            return _describe_float(value)
        case bytes() | bytearray() | memoryview():
            return "bytes"
        case date() | timedelta():
            return f"`{shown(str(value))}`"
        case Mapping():
            return "an object"
        case Sequence() | AbstractSet():
            return f"a list of {len(value)} item{'' if len(value) == 1 else 's'}"
        case _:
            return f"a value of type `{shown(type(value).__name__)}`"


def _describe_float(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "infinity" if value > 0 else "minus infinity"
    return f"`{int(value)}`" if value.is_integer() and abs(value) < 1e15 else f"`{float(value)!r}`"


def shown(text: str) -> str:
    """A text of a user to stand in backticks: on one line, cut short, nothing hidden in it."""
    start = visible(text[:_SHOWN]).replace("`", "'")
    return f"{start}…" if len(text) > _SHOWN else start


def place(path: Sequence[str], item: int | None = None) -> str:
    """A path as an author writes it, and the item of the list there, if one is meant."""
    where = ""
    for name in path:
        where = below(where, name)
    return where if item is None else f"{where}[{item}]"


def below(where: str, name: str) -> str:
    """The place of a key of the object at another place."""
    if not where:
        return shown(name)
    return f"{where}.{shown(name)}" if name.isidentifier() else f'{where}["{shown(name)}"]'
