"""The fences of the documentation: what stands between triple backticks, and where.

A fence says what it holds in the words after its backticks, its info string: a language, and then
attributes, each a word or ``key=value``. CONTRIBUTING lists them. The tests beside this module run
every fence of every page; one whose language they do not know fails, so that nothing goes untested.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]

_OPENING: Final = re.compile(r"^( *)(`{3,})([^`\n]*)$")


@dataclass(frozen=True, slots=True)
class Fence:
    """One fence.

    Attributes:
        page: The file that it stands in.
        line: The line of its backticks, from 1.
        language: The first word of the info string.
        attributes: The words after it; the value of one without ``=`` is empty.
        text: What stands between the backticks, the indentation of the fence taken away.
        start, end: The half-open range of that text in the page, in characters.
        indent: The indentation of the fence.
    """

    page: Path
    line: int
    language: str
    attributes: Mapping[str, str]
    text: str
    start: int
    end: int
    indent: str

    @property
    def place(self) -> str:
        """Where it stands, as editors understand it."""
        page = self.page.relative_to(ROOT) if self.page.is_relative_to(ROOT) else self.page.name
        return f"{page}:{self.line}"


def pages() -> list[Path]:
    """Every page of the documentation that people write, sorted."""
    return [
        ROOT / "CONTRIBUTING.md",
        ROOT / "README.md",
        *sorted(set((ROOT / "docs").rglob("*.md")) - set((ROOT / "docs/library").rglob("*.md"))),
    ]


def fences(page: Path) -> list[Fence]:
    """The fences of a page, in order; directives (``{toctree}``) are the generator's business.

    Raises:
        ValueError: if a fence is not closed.
    """
    text = page.read_text(encoding="utf-8")
    found: list[Fence] = []
    opened: tuple[re.Match[str], int, int] | None = None
    offset = 0
    for number, line in enumerate(text.splitlines(keepends=True), 1):
        bare = line.rstrip("\n")
        if opened is None:
            match = _OPENING.match(bare)
            if match is not None:
                opened = match, number, offset + len(line)
        elif bare.strip() == opened[0][2]:
            fence = _fence(page, opened[0], opened[1], text[opened[2] : offset], opened[2])
            if fence is not None:
                found.append(fence)
            opened = None
        offset += len(line)
    if opened is not None:
        raise ValueError(f"{page}:{opened[1]}: the fence is not closed")
    return found


def _fence(page: Path, opening: re.Match[str], line: int, content: str, start: int) -> Fence | None:
    language, *words = opening[3].split() or [""]
    if language.startswith("{"):
        return None
    attributes = {}
    for word in words:
        key, _, value = word.partition("=")
        attributes[key] = value
    indent = opening[1]
    text = "".join(row.removeprefix(indent) for row in content.splitlines(keepends=True))
    return Fence(page, line, language, attributes, text, start, start + len(content), indent)
