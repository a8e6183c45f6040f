"""How words and literals are written in the canonical format."""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal
from typing import Final, assert_never

from clausal.dsl import nodes
from clausal.dsl.layout import Atom, Doc, bracketed
from clausal.dsl.render.visible import is_hidden
from clausal.dsl.source import Source, Span
from clausal.dsl.tables import grammar

_ESCAPED: Final = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t"}
_JOINERS: Final = frozenset("\u200c\u200d")
"""Hidden, but part of how emoji and several scripts are spelled."""
_DIGITS: Final = re.compile(r"[0-9]+(?:_[0-9]+)*(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")


def start_of(span: Span) -> int:
    """Where a node begins in the source, or -1 if it was never there."""
    return span.start if span.end > 0 else -1


def last_of(span: Span) -> int:
    """The offset of a node's last character, its closing bracket, or -1."""
    return span.end - 1


def quoted(text: str) -> str:
    """A string literal, with escapes for what cannot stand or would not be seen in one."""
    if text.isprintable() and '"' not in text and "\\" not in text:
        return f'"{text}"'
    return f'"{"".join(map(_escaped, text))}"'


def _escaped(character: str) -> str:
    if character in _ESCAPED:
        return _ESCAPED[character]
    if is_hidden(character) and character not in _JOINERS and character != "\0":
        return f"\\u{{{ord(character):x}}}"
    return character


def word(name: nodes.Name) -> Atom:
    """A name."""
    return Atom(name.text, start_of(name.span))


def words(names: tuple[nodes.Name, ...]) -> list[Doc]:
    """Several names, still without their commas."""
    return [word(name) for name in names]


def path(node: nodes.Path) -> Atom:
    """A path; a part that is no identifier is a key in brackets and quotes."""
    first, *rest = node.parts
    return Atom("".join((first, *map(_part, rest))), start_of(node.span))


def _part(text: str) -> str:
    # Identifiers are read in their composed form; a key is kept as it was quoted.
    plain = grammar().name.fullmatch(text) and unicodedata.is_normalized("NFC", text)
    return f".{text}" if plain else f"[{quoted(text)}]"


def string(node: nodes.String) -> Atom:
    """A text in quotes."""
    return Atom(quoted(node.value), start_of(node.span))


def duration(node: nodes.Duration) -> Atom:
    """A length of time, without a space before its unit."""
    return Atom(f"{node.amount:f}{node.unit}", start_of(node.span))


def number(node: nodes.Number, source: Source | None) -> Atom:
    """A number with its digits as in the source (``1_000``), or in full where there is none."""
    sign = "-" if node.digits.is_signed() else ""
    return Atom(f"{sign}{_digits(node, source)}{node.suffix}", start_of(node.span))


def _digits(node: nodes.Number, source: Source | None) -> str:
    value = node.digits.copy_abs()
    if source is not None and node.span.end > 0:
        # Around the digits there may be a sign, parentheses and comments.
        for match in _DIGITS.finditer(source.text, node.span.start, node.span.end):
            if Decimal(match.group()) == value:
                return match.group()
    return str(value)


def literal(node: nodes.Literal | nodes.Missing | nodes.Failed, source: Source | None) -> Doc:
    """A literal, or one of the two words for an absent value in a test."""
    match node:
        case nodes.Number():
            return number(node, source)
        case nodes.Duration():
            return duration(node)
        case nodes.Date(text) | nodes.Instant(text):
            return Atom(text, start_of(node.span))
        case nodes.String():
            return string(node)
        case nodes.Boolean(value):
            return Atom("true" if value else "false", start_of(node.span))
        case nodes.Name():
            return word(node)
        case nodes.ListOf():
            return list_of(node, source)
        case nodes.Missing():
            return Atom("missing", start_of(node.span))
        case nodes.Failed():
            return Atom("failed", start_of(node.span))
        case _:
            assert_never(node)


def list_of(node: nodes.ListOf, source: Source | None) -> Doc:
    """A list in brackets."""
    items = [literal(item, source) for item in node.items]
    return bracketed("[", items, Atom("]", last_of(node.span)))
