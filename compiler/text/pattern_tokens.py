"""Regular expressions in tokens, as far as folding a pattern and placing an error need it.

RE2 is the authority on what a pattern means and whether it is one. This only cuts a pattern where
RE2 cuts it (its syntax: https://github.com/google/re2/wiki/Syntax), and accepts every string.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import Final


class Kind(Enum):
    """What a token is."""

    LITERAL = "a character that means itself"
    ESCAPE = "a backslash and what belongs to it"
    CLASS = "characters in brackets"
    GROUP = "an opening parenthesis and what it says about the group"
    REPEAT = "a repetition"
    OTHER = "an anchor, a dot, a bar or a closing parenthesis"


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of a pattern.

    Attributes:
        kind: What it is.
        text: Its characters, as in the pattern. Tokens in a row are the pattern.
        offset: Where it begins in the pattern, in characters.
    """

    kind: Kind
    text: str
    offset: int


# What follows a backslash: a property, a character number, an octal number, or any character.
_ESCAPE: Final = r"\\(?:[pP](?:\{[^}]*\}|.)|x(?:\{[^}]*\}|[0-9A-Fa-f]{2})|[0-7]{1,3}|.)?"

_TOKEN: Final = re.compile(
    rf"""
    (?P<ESCAPE> {_ESCAPE} )
    # A bracket that comes first in a class means itself; a class may lack its end.
    | (?P<CLASS> \[ \^? \]? (?: \[:\^?\w*:\] | {_ESCAPE} | [^\]\\] )* \]? )
    # Names and flags belong to the opening of a group; `(?i)` is whole. Otherwise, what RE2 names
    # in its message.
    | (?P<GROUP> \( (?: \?P?<(?![=!])[^>)]*> | \?[A-Za-z-]*[:)] | \?P[=>] | \?<[=!] | \?. )? )
    | (?P<REPEAT> (?: [*+?] | \{{ [0-9]+ (?:,[0-9]*)? \}} ) \?? )
    | (?P<OTHER> [.^$|)] )
    | (?P<LITERAL> . )
    """,
    re.DOTALL | re.VERBOSE,
)


def tokens(pattern: str) -> list[Token]:
    """Cut `pattern` into tokens."""
    return [
        Token(Kind[match.lastgroup or ""], match[0], match.start())
        for match in _TOKEN.finditer(pattern)
    ]


# What may stand in a class. The bracket that comes first was cut off before.
_CLASS_ITEM: Final = re.compile(rf"\[:\^?\w*:\]|{_ESCAPE}|.", re.DOTALL)


def class_items(text: str) -> tuple[str, list[str]]:
    """Cut the text of a class token that has its end.

    Returns:
        `[` or `[^`, and the items: characters, escapes and named classes. `-` is an item.
    """
    opening = "[^" if text.startswith("[^") else "["
    return opening, _CLASS_ITEM.findall(text[len(opening) : -1])


class PatternError(ValueError):
    """A pattern that cannot be matched.

    Attributes:
        reason: What is wrong, in plain words, without the place.
        offset: The character of the pattern at which it is wrong, from 0; None if not known.
    """

    def __init__(self, reason: str, offset: int | None = None) -> None:
        """Make the error; its message has the reason and the place, counted from 1."""
        place = "" if offset is None else f" (at character {offset + 1})"
        super().__init__(f"{reason}{place}")
        self.reason = reason
        self.offset = offset
