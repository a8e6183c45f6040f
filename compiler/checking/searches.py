"""How much the texts of a bundle are searched for: terms and patterns, all rules together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from clausal.compiler.checking.report import Report
from clausal.compiler.text.fold import fold
from clausal.compiler.text.patterns import MAX_TOTAL_STEPS, PatternSet
from clausal.compiler.text.terms import MAX_CHARACTERS, MAX_TERMS
from clausal.dsl.source import Span


@dataclass(slots=True)
class Searches:
    """What rules search for. The search that goes beyond a bound is reported (E0220), and no other.

    A list or pattern that several rules search for counts once: so much is laid out when a bundle is
    loaded, and so much may have to be looked at for each character of a text.
    """

    _lists: set[tuple[str, ...]] = field(default_factory=set)
    _patterns: set[tuple[str, bool]] = field(default_factory=set)
    _terms: int = 0
    _characters: int = 0
    _steps: int = 0

    def add_terms(self, report: Report, terms: tuple[str, ...], place: Span) -> None:
        """Count a list of terms that a condition searches for."""
        if terms in self._lists:
            return
        self._lists.add(terms)
        before = self._terms <= MAX_TERMS and self._characters <= MAX_CHARACTERS
        self._terms += len(terms)
        self._characters += sum([len(fold(term)) for term in terms])
        if not before:
            return
        if self._terms > MAX_TERMS:
            self._report(report, place, f"{self._terms:,} terms", f"{MAX_TERMS:,}", _LISTS)
        elif self._characters > MAX_CHARACTERS:
            found = f"terms of {self._characters:,} characters"
            self._report(report, place, found, f"{MAX_CHARACTERS:,}", _LISTS)

    def add_pattern(self, report: Report, pattern: str, place: Span, *, folded: bool) -> None:
        """Count a pattern that a condition searches for, and that is sound."""
        if (pattern, folded) in self._patterns:
            return
        self._patterns.add((pattern, folded))
        before = self._steps <= MAX_TOTAL_STEPS
        self._steps += PatternSet([(pattern, folded)]).steps(0)
        if before and self._steps > MAX_TOTAL_STEPS:
            found = f"patterns of {self._steps:,} steps for each byte of a text"
            self._report(report, place, found, f"{MAX_TOTAL_STEPS:,}", _PATTERNS)

    def _report(
        self, report: Report, place: Span, found: str, limit: str, help: Sequence[str]
    ) -> None:
        report.add(
            "E0220",
            f"with this, the rules search for {found}; at most {limit} are allowed",
            place,
            "",
            help=help,
            notes=["lists and patterns of all policies that are compiled together count"],
        )


_LISTS = (
    "let terms that begin or contain one another be one: what has the longer has the shorter",
    "hand the verdict of a search of your own in as a field of the event",
)
_PATTERNS = (
    "write words as a list of terms: it costs nothing for each word",
    "repeat less: large repetitions and classes such as `\\p{L}` multiply",
)
