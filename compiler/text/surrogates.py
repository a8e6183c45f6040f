"""Lone surrogates: half characters that a Python string can hold and UTF-8 cannot."""

from __future__ import annotations

import re
from typing import Final

from clausal.compiler.text.mapping import REPLACEMENT

_SURROGATE: Final = re.compile("[\ud800-\udfff]")


def well_formed(text: str) -> str:
    r"""`text` with U+FFFD for each lone surrogate (The Unicode Standard 3.9), as long as before.

    Events decoded from UTF-8 have none; a dictionary event can bring some, from JSON such as
    `"\ud800"`. They are no reason to refuse an event, and must not let a text escape its rules.
    """
    if text.isascii():
        return text
    return _SURROGATE.sub(REPLACEMENT, text)
