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
_NAMES: Final = _errors(
    ("E0201", "missing header"),
    ("E0202", "declared twice"),
    ("E0203", "unknown name"),
    ("E0204", "unknown field"),
    ("E0205", "unknown value of an enum"),
    ("E0206", "unknown library"),
    ("E0207", "no such version of a library"),
    ("E0208", "libraries that use each other"),
    ("E0209", "declaration out of place"),
    ("E0210", "definition in a circle"),
    ("E0211", "unknown target"),
    ("E0212", "unknown sanction"),
    ("E0213", "unknown ladder"),
    ("E0214", "unknown list"),
    ("E0215", "declared by two libraries"),
    ("E0216", "unknown time of the act"),
    ("E0217", "unreadable list"),
    ("E0218", "term that cannot be found"),
    ("E0219", "condition that is too large"),
    ("E0220", "too much to search for"),
)
_TYPES: Final = _errors(
    ("E0301", "unlike types"),
    ("E0302", "operator that does not fit"),
    ("E0303", "unit that does not fit"),
    ("E0304", "share out of range"),
    ("E0305", "empty interval"),
    ("E0306", "empty list"),
    ("E0307", "not a condition"),
    ("E0308", "malformed pattern"),
    ("E0309", "division by zero"),
    ("E0310", "group instead of a field"),
    ("E0311", "comparison with missing"),
    ("E0312", "table with a gap"),
    ("E0313", "table with an overlap"),
    ("E0314", "malformed table"),
    ("E0315", "table out of place"),
    ("E0316", "type that cannot be"),
    ("E0317", "values without an order"),
    ("E0318", "number out of range"),
)
_RULES: Final = _errors(
    ("E0401", "rule without a clause"),
    ("E0402", "unknown severity"),
    ("E0403", "rollout that does not fit"),
    ("E0404", "law that does not fit"),
    ("E0405", "sanction that contradicts itself"),
    ("E0406", "implied sanction that does not fit"),
    ("E0407", "argument that does not fit"),
    ("E0408", "missing argument"),
    ("E0409", "unknown argument"),
    ("E0410", "target that does not fit"),
    ("E0411", "measure without an end"),
    ("E0412", "period that does not fit"),
    ("E0413", "measure that must wait for review"),
    ("E0414", "interim measure without an end"),
    ("E0415", "measure out of place"),
    ("E0416", "steps that do not follow"),
    ("E0417", "param out of its range"),
    ("E0418", "strike on suspicion"),
    ("E0419", "duty that does not fit"),
    ("E0420", "procedure that does not fit"),
    ("E0421", "brake that does not fit"),
    ("E0430", "unknown family"),
    ("E0431", "ladder of points that does not fit"),
    ("E0432", "points that do not fit"),
    ("E0433", "lives that do not follow"),
    ("E0434", "probation after nothing"),
)
_POLICIES: Final = _errors(
    ("E0501", "unknown time zone"),
    ("E0502", "version that is never in force"),
    ("E0503", "versions that overlap"),
    ("E0504", "version given twice"),
    ("E0505", "unknown clause"),
    ("E0506", "clause that is not enforced"),
    ("E0507", "clause that no event can show"),
    ("E0508", "clause whose text has changed"),
    ("E0509", "status without a reason"),
    ("E0510", "libraries whose versions disagree"),
    ("E0511", "no time zone"),
    ("E0512", "one name for two histories"),
    ("E0513", "rule that cannot be superseded"),
)
_TESTS: Final = _errors(
    ("E0601", "unknown expectation"),
    ("E0602", "ambiguous name in a test"),
    ("E0603", "value that does not fit its field"),
    ("E0604", "assigned twice"),
    ("E0605", "tally that cannot be kept"),
    ("E0606", "samples that do not fit"),
    ("E0607", "expectation that does not fit"),
)
_WARNINGS: Final = _warnings(
    ("W0901", "missing translation"),
    ("W0902", "unaccounted clause"),
    ("W0903", "unused declaration"),
    ("W0904", "repeated value"),
    ("W0905", "clause that is still pending"),
    ("W0906", "version numbers out of order"),
    ("W0907", "condition that is always the same"),
)

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
