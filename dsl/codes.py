"""The catalogue of diagnostics: one stable code for each kind of complaint.

A code is never given a second meaning and never reused. Each has a page (`dsl/pages/CODE.md`,
read by `page`) and at least one golden under `tests/golden/diagnostics/`.

Blocks: E01xx syntax; E02xx names and structure; E03xx types and units; E04xx rules, sanctions and
measures; E05xx policies, clauses and versions; E06xx tests and history; W09xx warnings.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from types import MappingProxyType
from typing import Final


class Severity(enum.StrEnum):
    """How much a diagnostic matters: an error stops compilation, the others do not."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Code:
    """One entry of the catalogue; `title` names the kind of complaint, not one occurrence."""

    code: str
    title: str
    severity: Severity


def _errors(*entries: tuple[str, str]) -> tuple[Code, ...]:
    return tuple(Code(code, title, Severity.ERROR) for code, title in entries)


def _warnings(*entries: tuple[str, str]) -> tuple[Code, ...]:
    return tuple(Code(code, title, Severity.WARNING) for code, title in entries)


_SYNTAX: Final = _errors(
    ("E0101", "unexpected token"),
    ("E0102", "unexpected character"),
    ("E0103", "unterminated string"),
    ("E0104", "unterminated block"),
    ("E0105", "invalid number or unit"),
    ("E0106", "invalid date or time"),
    ("E0107", "invalid escape in a string"),
    ("E0108", "unreadable source"),
    ("E0109", "nested too deeply"),
    ("E0110", "malformed interpolation in a text"),
    ("E0111", "repeated entry"),
    ("E0112", "missing entry"),
)
_NAMES: Final = _errors()
_TYPES: Final = _errors()
_RULES: Final = _errors()
_POLICIES: Final = _errors()
_TESTS: Final = _errors()
_WARNINGS: Final = _warnings()

_ALL: Final = (*_SYNTAX, *_NAMES, *_TYPES, *_RULES, *_POLICIES, *_TESTS, *_WARNINGS)

CODES: Final[Mapping[str, Code]] = MappingProxyType({entry.code: entry for entry in _ALL})
"""Every code, in the order of the blocks."""


def page(code: str) -> str:
    """The page that explains `code`, as Markdown.

    Raises:
        KeyError: when the catalogue has no such code.
    """
    entry = CODES[code]
    folder = resources.files("clausal.dsl") / "pages"
    return (folder / f"{entry.code}.md").read_text(encoding="utf-8")
