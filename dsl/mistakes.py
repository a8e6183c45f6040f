"""What to say where the text does not fit the grammar: what was found, what was expected, what helps."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

from clausal.dsl.diagnostics import Diagnostics, Label
from clausal.dsl.expected import described, expected_words
from clausal.dsl.nesting import NESTING_LIMIT
from clausal.dsl.render.visible import is_hidden
from clausal.dsl.slips import UNITS, Slip, advice
from clausal.dsl.source import Source, Span
from clausal.dsl.tables import grammar

_NUMBER_LIKE: Final = re.compile(r"[0-9０-９][\w.．:：%％]*(?:[-/][0-9]+)*")
_QUOTED: Final = re.compile(r"'[^'\n]*'|‘[^’\n]*’|「[^」\n]*」|『[^』\n]*』|＂[^＂\n]*＂")
_WORD: Final = re.compile(r"\w+")
_BRACE: Final = re.compile(r""""(?:\\.|[^"\\\n])*"|“[^“”\n]*”|[#＃][^\n]*|([{｛])""")


_NEAR: Final = 80
"""How many characters on each side of a mistake are looked at."""
_LONGEST: Final = 40
"""How many characters of what was found are repeated in a message."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """A place where the text cannot go on as it does.

    `expected` are the terminals that could stand `at` that offset; `declaration` is all that is
    skipped; `at_next` says that the next declaration begins at `at`.
    """

    source: Source
    at: int
    expected: frozenset[str]
    declaration: Span
    at_next: bool


def report(mistake: Mistake, diagnostics: Diagnostics) -> None:
    """Add the diagnostic for a mistake."""
    text = mistake.source.text
    if mistake.at >= len(text):
        _report_end(mistake, diagnostics)
    elif mistake.at_next and _opening(mistake) is not None:
        _report_unclosed(mistake, diagnostics)
    elif text[mistake.at] in '"“':
        _report_string(mistake, diagnostics)
    else:
        _report_found(mistake, diagnostics)


def report_depth(source: Source, span: Span, diagnostics: Diagnostics) -> None:
    """Add the diagnostic for something that is nested too deep."""
    diagnostics.error(
        "E0109",
        f"this is nested more than {NESTING_LIMIT} deep",
        source,
        span,
        help=("give the inner part a name with `let`",),
    )


def _opening(mistake: Mistake) -> Span | None:
    """The first brace of the declaration: the likely one, when a closing brace is missing."""
    start, end = mistake.declaration.start, min(mistake.declaration.end, mistake.at)
    for match in _BRACE.finditer(mistake.source.text, start, end):
        if match[1]:
            return Span(match.start(), match.end())
    return None


def _still_open(mistake: Mistake) -> tuple[Label, ...]:
    opening = _opening(mistake)
    return (Label(mistake.source, opening, "this is still open"),) if opening else ()


def _report_end(mistake: Mistake, diagnostics: Diagnostics) -> None:
    end = len(mistake.source.text.rstrip())
    diagnostics.error(
        "E0104",
        "the file ends in the middle of a declaration",
        mistake.source,
        Span(end, end),
        _still_expected(mistake),
        secondary=_still_open(mistake),
    )


def _report_unclosed(mistake: Mistake, diagnostics: Diagnostics) -> None:
    word = _WORD.match(mistake.source.text, mistake.at)
    found = word[0] if word else ""
    diagnostics.error(
        "E0104",
        f"`{found}` begins a new declaration, but the one before it is still open",
        mistake.source,
        Span(mistake.at, mistake.at + len(found)),
        _still_expected(mistake),
        secondary=_still_open(mistake),
    )


def _still_expected(mistake: Mistake) -> str:
    return "expected `}`" if "_RBRACE" in mistake.expected else described(mistake.expected)


def _report_string(mistake: Mistake, diagnostics: Diagnostics) -> None:
    """A text where none is expected, or one that is not closed."""
    text, at = mistake.source.text, mistake.at
    whole = grammar().string.match(text, at)
    if whole is not None:
        _report_token(mistake, whole[0], diagnostics)
        return
    end = text.find("\n", at)
    close = "”" if text[at] == "“" else '"'
    diagnostics.error(
        "E0103",
        "the text is not closed on its line",
        mistake.source,
        Span(at, end if end >= 0 else len(text)),
        f"expected a closing `{close}`",
    )


def _report_found(mistake: Mistake, diagnostics: Diagnostics) -> None:
    text, at = mistake.source.text, mistake.at
    number = _NUMBER_LIKE.match(text, at)
    word = _WORD.match(text, at)
    quoted = _QUOTED.match(text, at)
    known = grammar().everywhere.pattern.match(text, at)
    if number is not None:
        _report_number(mistake, number[0], diagnostics)
    elif word is not None:
        _report_token(mistake, word[0], diagnostics)
    elif quoted is not None:
        _report_character(mistake, quoted[0], diagnostics)
    elif known is not None and known.start(known.lastgroup or 0) == at:
        _report_token(mistake, known[known.lastgroup or 0], diagnostics)
    else:
        _report_character(mistake, text[at], diagnostics)


def _help(mistake: Mistake, found: str) -> tuple[str, ...]:
    text, at = mistake.source.text, mistake.at
    line_start = text.rfind("\n", 0, at) + 1
    line_end = text.find("\n", at)
    line_end = line_end if line_end >= 0 else len(text)
    # A line that is longer than any author writes is looked at near the place only.
    line_start, line_end = max(line_start, at - _NEAR), min(line_end, at + len(found) + _NEAR)
    before, after = text[line_start:at], text[at + len(found) : line_end]
    found_advice = advice(
        Slip(before, found[:_NEAR], after, mistake.expected, expected_words(mistake.expected))
    )
    return (found_advice,) if found_advice else ()


def _report_token(mistake: Mistake, found: str, diagnostics: Diagnostics) -> None:
    span = Span(mistake.at, mistake.at + len(found))
    diagnostics.error(
        "E0101",
        f"unexpected `{_short(found)}`",
        mistake.source,
        span,
        described(mistake.expected),
        help=_help(mistake, found),
    )


def _report_number(mistake: Mistake, found: str, diagnostics: Diagnostics) -> None:
    if grammar().quantity.fullmatch(found):
        _report_token(mistake, found, diagnostics)
        return
    diagnostics.error(
        "E0105",
        f"`{_short(found)}` is not a number, duration or date",
        mistake.source,
        Span(mistake.at, mistake.at + len(found)),
        described(mistake.expected),
        help=_help(mistake, found) or (UNITS,),
    )


def _report_character(mistake: Mistake, found: str, diagnostics: Diagnostics) -> None:
    """`found` begins with the character and may go on with what belongs to it."""
    character = found[0]
    is_space = unicodedata.category(character) == "Zs"
    notes: tuple[str, ...] = ()
    if is_space or is_hidden(character):
        name = unicodedata.name(character, "a character without a name")
        notes = (f"U+{ord(character):04X} is {name}",)
    diagnostics.error(
        "E0102",
        f"unexpected character `{character}`",
        mistake.source,
        Span(mistake.at, mistake.at + len(found)),
        described(mistake.expected),
        help=("use an ordinary space",) if is_space else _help(mistake, found),
        notes=notes,
    )


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
