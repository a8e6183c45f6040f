r"""Rewriting a pattern so that it means, in a folded text, what its author meant in the original.

In a folded text there is no `Ａ` and no `，`: a pattern with these characters would never match.
So what a pattern spells out is folded as the text is:

- A character that means itself is folded, with the accents behind it: `Ａ` to `a`, `…` to
  `(?:\.\.\.)`. What it becomes means itself as well: `．` matches a full stop, not any character.
- Characters in brackets are folded one by one: `[，。]` to `[,。]`, `[、…]` to `(?:[、]|\.\.\.)`.
- A range is folded if folding changes both of its ends (`[Ａ-Ｚ]`, `[①-⑨]`), else it stays as it is
  (`[一-龥]`, `[\x{80}-\x{ffff}]`), and then holds the folded characters that lie in it.
- Escapes that stand for one character are characters; classes such as `\d` and `\p{Han}` stay.

The result is to be compiled without regard to case, which gives `[A-Z]` and `\p{Lu}` their meaning.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from clausal.compiler.text.fold import segments
from clausal.compiler.text.mapping import character_mapping
from clausal.compiler.text.pattern_tokens import Kind, PatternError, Token, class_items, tokens

_SPECIAL: Final = frozenset(r"\.^$|()[]{}*+?-")
_CONTROL_ESCAPES: Final = {"a": "\a", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_CASE_FLAG_OFF: Final = re.compile(r"\(\?[A-Za-z]*-[A-Za-z]*i")


def fold_pattern(pattern: str) -> str:
    """The pattern to look for in folded texts.

    Args:
        pattern: A pattern that RE2 accepts.

    Raises:
        PatternError: If the pattern asks for what folding has removed: a difference in case, only
            invisible characters in brackets, or `[^...]` with a character that becomes several.
    """
    folded: list[str] = []
    literals: list[str] = []
    for token in tokens(pattern):
        character = token.text if token.kind is Kind.LITERAL else None
        if token.kind is Kind.ESCAPE:
            character = _escaped_character(token.text)
        if character is not None:
            literals.append(character)
            continue
        folded.append(_fold_literals("".join(literals)))
        literals.clear()
        if token.kind is Kind.CLASS:
            folded.append(_fold_class(token))
        elif token.kind is Kind.GROUP and _CASE_FLAG_OFF.match(token.text):
            raise PatternError(
                f"`{token.text}` asks for upper and lower case, which a text field does not tell "
                "apart",
                token.offset,
            )
        else:
            folded.append(token.text)
    folded.append(_fold_literals("".join(literals)))
    return "".join(folded)


def _fold_literals(text: str) -> str:
    """The pattern for `text` folded. A repetition after it repeats its last character."""
    if not text:
        return ""
    return "".join(_grouped(image) for _, _, image in segments(text)) or "(?:)"


def _grouped(text: str) -> str:
    """The pattern for `text`, so that a repetition after it repeats all of it."""
    return _quoted(text) if len(text) == 1 else f"(?:{_quoted(text)})"


def _quoted(text: str) -> str:
    """The pattern for the characters of `text`, valid in brackets and outside of them."""
    return "".join("\\" + character if character in _SPECIAL else character for character in text)


def _escaped_character(escape: str) -> str | None:
    """The character that an escape stands for; None if it stands for a class or a place."""
    name = escape[1:2]
    if name == "x":
        return chr(int(escape[2:].strip("{}"), 16))
    if name in "01234567":
        return chr(int(escape[1:], 8))
    if name.isalpha():
        return _CONTROL_ESCAPES.get(name)
    return name


def _fold_class(token: Token) -> str:
    """The pattern for the token of a class."""
    # A letter and an accent behind it are one character of a folded text.
    opening, items = class_items(unicodedata.normalize("NFC", token.text))
    kept: list[str] = []
    several: list[str] = []
    while items:
        item = items.pop(0)
        first = _class_character(item)
        if first is None:
            kept.append(item)
            continue
        last = None
        if len(items) > 1 and items[0] == "-":
            last = _class_character(items[1])
        if last is None:
            images = [_image(first)]
        else:
            item += "-" + items[1]
            del items[:2]
            if _image(first) == first or _image(last) == last:
                kept.append(f"{_quoted(first)}-{_quoted(last)}")
                continue
            images = [_image(chr(point)) for point in range(ord(first), ord(last) + 1)]
        kept.extend(_quoted(image) for image in dict.fromkeys(images) if len(image) == 1)
        several.extend(image for image in dict.fromkeys(images) if len(image) > 1)
        if opening == "[^" and several:
            raise PatternError(
                f"`{item}` is `{several[0]}` in a folded text, and several characters cannot be "
                "excluded in `[^...]`",
                token.offset,
            )
    if not kept and not several:
        raise PatternError(
            f"`{token.text}` has only invisible characters, which are removed from a text field",
            token.offset,
        )
    one = [opening + "".join(kept) + "]"] if kept else []
    if not several:
        return one[0]
    longest_first = sorted(several, key=len, reverse=True)
    return f"(?:{'|'.join([*map(_quoted, longest_first), *one])})"


def _class_character(item: str) -> str | None:
    """The character that an item of a class stands for; None if it stands for several."""
    if item.startswith("\\"):
        return _escaped_character(item)
    return item if len(item) == 1 else None


def _image(character: str) -> str:
    return character_mapping().images.get(character, character)
