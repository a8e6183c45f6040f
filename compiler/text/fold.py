r"""Folding: the one form of a text in which terms and patterns are looked for.

A field of type `text` is folded before it is searched, and so are the terms that are searched in
it. What people see as one word thereby is one word: `ＡＢＣ`, `ⓐⓑⓒ` and `abc`; `ﾃｽﾄ` and `テスト`;
`刚` and a `刚` with zero-width characters behind it.

The rule is toNFKC_Casefold(NFD(x)) of The Unicode Standard, section 3.13 (R5 and D147):

- case: `ABC` to `abc`, `ß` to `ss`, `Σ` and `ς` to `σ`
- width: full-width Latin, digits and punctuation, half-width kana and Hangul
- compatibility forms: circled, squared, bracketed, superscript and mathematical letters and
  digits, ligatures, Kangxi radicals, compatibility ideographs; `㈱` becomes `(株)`, `…` becomes `...`
- characters without a picture are removed: zero-width spaces and joiners, soft hyphens, variation
  selectors, bidi controls, tags (U+E0000 and on), Hangul fillers
- accents: `e` with a combining acute accent is `é`

A lone surrogate, which is no character, becomes U+FFFD.

What is not folded, because it changes what a text says or because it is a guess:

- simplified and traditional characters. They are not in a one-to-one relation (`后` is 后 and 後,
  `发` is 發 and 髮), so merging them finds words that nobody wrote. A term list names both forms.
- homophones (`微信`, `薇信`), characters split in parts, emoji for words, pinyin
- look-alikes of other scripts (Cyrillic `а` for Latin `a`), digits for letters (`v1p`)
- accents are not removed: `cafe` is not `café`
- spaces and punctuation between characters: `微 信` is not `微信`; `matches /微\s*信/` finds it
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from typing import Final

from clausal.compiler.text._fold import FoldTable
from clausal.compiler.text.mapping import character_mapping

# The only letter that trades places with accents when it is folded: U+0345, a combining iota
# below, becomes this letter. It is why D147 decomposes a text before it folds it.
_IOTA: Final = "ι"

# Hangul vowels and final consonants that compose with what precedes them (The Unicode Standard
# 3.12), and the letters outside category M that do so: the Kirat Rai vowel signs of Unicode 16.
_COMPOSING_LETTERS: Final = frozenset(map(chr, (*range(0x1160, 0x1200), *range(0x16D63, 0x16D6B))))

Offsets = Sequence[tuple[int, int]]
"""For each folded character, the half-open range of original characters that it stands for."""


# Python's normalisation takes time quadratic in the length of a run of accents that are not in
# their order: 32,000 of them take 1.5 seconds. Longer texts are therefore folded in pieces of about
# this many characters (1.5 ms at worst), and what cannot be cut is sorted before.
_PIECE: Final = 1024


def fold(text: str) -> str:
    """`text` in the form in which it is searched.

    Folding is idempotent, and texts that are canonically equivalent fold to the same. Every text
    is accepted, the result can always be encoded as UTF-8, and the time grows with the length of
    the text, whatever is in it.
    """
    if text.isascii():
        return text.lower()
    folded = _TABLE.fold(text)
    return fold_exactly(text) if folded is None else folded


def fold_exactly(text: str) -> str:
    """`fold`, by the definition: for texts whose characters depend on their neighbours."""
    if len(text) <= _PIECE:
        return _fold_piece(text)
    folded: list[str] = []
    start = 0
    while start < len(text):
        end = min(start + _PIECE, len(text))
        while end < len(text) and not _cuts(text[end]):
            end += 1
        piece = text[start:end]
        folded.append(_fold_piece(piece) if len(piece) <= 2 * _PIECE else _fold_run(piece))
        start = end
    return "".join(folded)


def _fold_piece(text: str) -> str:
    """Fold a text of bounded length."""
    folded = _map(text)
    if _IOTA in folded:
        folded = _map(unicodedata.normalize("NFD", text))
    return unicodedata.normalize("NFC", folded)


def _fold_run(text: str) -> str:
    """Fold a text that may have any number of accents in a row, in any order."""
    decomposed = "".join(unicodedata.normalize("NFD", character) for character in text)
    return unicodedata.normalize("NFC", _in_order(_map(_in_order(decomposed))))


def _in_order(text: str) -> str:
    """`text` with its accents in canonical order (The Unicode Standard 3.11, D109)."""
    ordered: list[str] = []
    accents: list[str] = []
    for character in text:
        if unicodedata.combining(character):
            accents.append(character)
            continue
        ordered.extend(sorted(accents, key=unicodedata.combining))
        accents.clear()
        ordered.append(character)
    ordered.extend(sorted(accents, key=unicodedata.combining))
    return "".join(ordered)


def _map(text: str) -> str:
    """`text` with each character replaced by its image."""
    mapping = character_mapping()
    parts = mapping.changed.split(text)
    if len(parts) > 1:
        # Splitting at a group leaves what matched at the odd places.
        changed = parts[1::2]
        parts[1::2] = map(mapping.images.get, changed, changed)
    return "".join(parts)


def fold_with_offsets(text: str) -> tuple[str, Offsets]:
    """Fold `text` and say where each folded character comes from.

    Returns:
        `fold(text)`, and as many ranges as it has characters. A character that became several
        (`㈱`, `(株)`) is the range of each of them; characters that became one (`e` and an accent)
        are its range together. Removed characters belong to no range, save between such a
        letter and its accent. The ranges are in ascending order.
    """
    if text.isascii():
        return text.lower(), tuple((i, i + 1) for i in range(len(text)))
    folded: list[str] = []
    offsets: list[tuple[int, int]] = []
    for start, end, image in segments(text):
        folded.append(image)
        offsets.extend([(start, end)] * len(image))
    return "".join(folded), tuple(offsets)


def segments(text: str) -> Iterator[tuple[int, int, str]]:
    """Cut `text` where folding can be cut: a letter with what composes with it.

    Yields:
        The start and the end of each piece in `text`, and its folded form, never empty. The
        folded pieces in a row are `fold(text)`. Removed characters lie in pieces only when
        a character after them composes with one before them.
    """
    images = character_mapping().images
    start = end = -1
    for position, character in enumerate(text):
        if not images.get(character, character):
            continue
        if start < 0:
            start = position
        elif _cuts(character):
            yield start, end, fold(text[start:end])
            start = position
        end = position + 1
    if start >= 0:
        yield start, end, fold(text[start:end])


def _cuts(character: str) -> bool:
    """Whether what stands before the character folds alike with and without it."""
    image = character_mapping().images.get(character, character)
    return image != "" and not _joins(character) and not _joins(image[0])


def _alone(character: str) -> str | None:
    """What the character becomes wherever it stands; None if that depends on its neighbours.

    Where a text can be cut before each character that stays, folding its characters one by one is
    folding the text: it is what `segments` relies on.
    """
    if not character_mapping().images.get(character, character):
        return ""
    return fold_exactly(character) if _cuts(character) else None


_TABLE: Final = FoldTable(_alone)


def _joins(character: str) -> bool:
    """Whether the character may compose, or trade places, with a character before it.

    True for more characters than do, but never false for one that does.
    """
    if character.isascii():
        return False
    return unicodedata.category(character)[0] == "M" or character in _COMPOSING_LETTERS


def original_span(offsets: Offsets, start: int, end: int, length: int) -> tuple[int, int]:
    """Where the folded characters from `start` to `end` stand in the original text.

    Args:
        offsets: From `fold_with_offsets`.
        start: The first folded character.
        end: The folded character after the last; equal to `start` for an empty match.
        length: The number of characters of the original text.

    Returns:
        The half-open range of original characters. Where a match begins or ends inside of what
        one original character became, the range has that character whole.
    """
    if start < end:
        return offsets[start][0], offsets[end - 1][1]
    here = offsets[start][0] if start < len(offsets) else length
    return here, here
