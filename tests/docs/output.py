"""Whether an output is what the documentation shows, where `…` stands for what varies."""

from __future__ import annotations

import re
from typing import Final

ELLIPSIS: Final = "…"
_ESCAPED: Final = re.escape(ELLIPSIS)


def matches(shown: str, actual: str) -> bool:
    """Whether `actual` is `shown`: `…` alone on a line is any lines, `…` in a line any characters.

    White space at the ends of lines, and empty lines at the end, are not compared.
    """
    pattern = []
    for line in _lines(shown):
        if line.strip() == ELLIPSIS:
            pattern.append(r"(?:[^\n]*\n)*?")
        else:
            pattern.append(re.escape(line).replace(_ESCAPED, r"[^\n]*?") + r"\n")
    return (
        re.fullmatch("".join(pattern), "".join(f"{line}\n" for line in _lines(actual))) is not None
    )


def _lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.rstrip().splitlines()]
