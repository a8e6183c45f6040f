"""Text of users made safe to show: nothing in it may act on a terminal or hide from a reader.

A policy file may come from a stranger. Its text appears in messages, and a terminal obeys escape
sequences and bidirectional overrides wherever they come from (CVE-2021-42574 is the well-known
case). So each character that acts or is invisible is shown by its number, like ``<U+202E>``.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_ACTING: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Unicode categories that a terminal may act on, cannot encode, or does not draw: controls,
formats (bidirectional controls, zero-width characters, tags), surrogates, line separators."""

_BLANK_LETTERS: Final = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0")
"""Letters and marks that Unicode tells a terminal to draw as nothing, though it calls them letters
and marks: with them two names can look the same."""


def is_hidden(character: str) -> bool:
    """Whether `character` must not be shown as itself. Tab and line feed count as hidden."""
    if character.isprintable():
        return character in _BLANK_LETTERS
    return unicodedata.category(character) in _ACTING


def name_of(character: str) -> str:
    """How a hidden character is shown: ``<U+001B>``."""
    return f"<U+{ord(character):04X}>"


def visible(text: str) -> str:
    """`text` on one line, with each hidden character shown by its number."""
    return "".join(name_of(one) if is_hidden(one) else one for one in text)


_PLAIN_JSON: Final = re.compile(r"[\n\x20-\x7e]*\Z")


def escape_json(document: str) -> str:
    """A JSON document with the hidden characters inside its strings written as escapes.

    The document keeps its meaning: outside its strings JSON has no hidden character but the line
    feeds of its layout, and those stay.
    """
    if _PLAIN_JSON.match(document):
        return document
    return "".join(_json_escape(one) if one != "\n" and is_hidden(one) else one for one in document)


def _json_escape(character: str) -> str:
    """JSON escapes count UTF-16 units, so that a character beyond U+FFFF needs two of them."""
    units = character.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))
