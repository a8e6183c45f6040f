"""The character mapping NFKC_Casefold of the Unicode Standard, pinned to one Unicode version.

The mapping is a property of each character: casefolded, compatibility-composed (NFKC) and empty
for the characters that are ignored by default in display (zero-width joiners, soft hyphens,
variation selectors, bidi controls, tags, Hangul fillers). Source: The Unicode Standard 3.13,
definition R5, and Unicode Standard Annex 44, property `NFKC_Casefold`.

Python has no such property, but has what it is derived from, so the table is computed once, on
first use, in some tens of milliseconds. It is pinned to Unicode 14.0, which the oldest supported
Python knows: characters assigned later map to themselves on every Python, so that a bundle decides
alike everywhere. (Unicode's stability policy freezes the mapping of each assigned character. What
is not pinned is how newer scripts compose their own marks.)
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Final

REPLACEMENT: Final = "\ufffd"
"""What stands for a lone surrogate, which is no character (The Unicode Standard 3.9, U+FFFD)."""

# Default_Ignorable_Code_Point, DerivedCoreProperties.txt. Reserved code points are included, as
# the standard does, so that later additions change nothing.
_IGNORABLE: Final = (
    "00AD 034F 061C 115F-1160 17B4-17B5 180B-180F 200B-200F 202A-202E 2060-206F 3164 FE00-FE0F "
    "FEFF FFA0 FFF0-FFF8 1BCA0-1BCA3 1D173-1D17A E0000-E0FFF"
)

# Where in Unicode 14.0 the characters lie whose mapping is not the identity. Ideographs and
# Hangul syllables lie elsewhere, which is why building the table is quick. The ranges end where
# a later Unicode version added a mapped character; a test over all code points keeps them exact.
_MAPPED: Final = (
    "0041-0678 0958-0A5E 0B5C-0B5D 0E33-0FB9 10A0-10FC 13F8-13FD 1C80-1C88 1C90-2230 2329-232A "
    "2460-24EA 2A0C-2ADC 2C00-2D6F 2E9F-33FF A640-A7C9 A7D0 A7D6-A7D8 A7F2-A7F9 AB5C-ABBF "
    "F900-FFEE 10400-10595 10781-107BA 10C80-10CB2 118A0-118BF 16E40-16E5F 1D15E-1D1C0 "
    "1D400-1D7FF 1E900-1E921 1EE00-1EEBB 1F100-1F251 1FBF0-1FBF9 2F800-2FA1D"
)

_SURROGATES: Final = range(0xD800, 0xE000)


@dataclass(frozen=True, slots=True)
class CharacterMapping:
    """NFKC_Casefold as a table and as a pattern that finds the characters it changes.

    Attributes:
        images: For each character that folding changes, what it becomes: no character, one or
            several. A lone surrogate becomes U+FFFD. Images are fixed: none contains a character
            that is itself a key.
        changed: Matches one character that may be a key of `images`, in a group: a key or any
            character beyond the Basic Multilingual Plane.
    """

    images: Mapping[str, str]
    changed: re.Pattern[str]


def _code_points(ranges: str) -> Iterator[int]:
    """The code points of `ranges`: hexadecimal numbers and pairs of them."""
    for item in ranges.split():
        first, _, last = item.partition("-")
        yield from range(int(first, 16), int(last or first, 16) + 1)


def _image(character: str, ignorable: frozenset[str]) -> str:
    """NFKC_Casefold of one character: folding, composing and removing until nothing changes."""
    while True:
        folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFD", character).casefold())
        folded = "".join(c for c in folded if c not in ignorable)
        if folded == character:
            return folded
        character = folded


def _changed_class(images: Mapping[str, str]) -> str:
    """A regular expression class of the keys of `images` and all characters beyond the BMP.

    It is written as the negation of what stays in the Basic Multilingual Plane, because `re` looks
    such a set up in one bitmap; each range beyond the plane would cost every ideograph one more
    comparison (measured: 25 ranges made folding a Chinese text five times as dear).
    """
    runs: list[tuple[int, int]] = []
    for point in range(0x10000):
        if chr(point) in images:
            continue
        if runs and point == runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], point)
        else:
            runs.append((point, point))
    return "[^" + "".join(f"\\u{first:04x}-\\u{last:04x}" for first, last in runs) + "]"


@cache
def character_mapping() -> CharacterMapping:
    """The mapping, built on first use and shared from then on. Nobody changes it."""
    ignorable = frozenset(map(chr, _code_points(_IGNORABLE)))
    images = dict.fromkeys(ignorable, "")
    images |= dict.fromkeys(map(chr, _SURROGATES), REPLACEMENT)
    for character in map(chr, _code_points(_MAPPED)):
        if character not in ignorable:
            image = _image(character, ignorable)
            if image != character:
                images[character] = image
    return CharacterMapping(
        images=MappingProxyType(images), changed=re.compile(f"({_changed_class(images)})")
    )
