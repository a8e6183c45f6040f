"""Texts for users in two languages, and the templates with holes for values in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from clausal.compiler.checking.report import Report
from clausal.compiler.ir import Bilingual
from clausal.dsl import nodes
from clausal.dsl.source import Span

LANGUAGES: Final = {"zh": "Chinese", "en": "English"}

_CHINESE: Final = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")


def language_of(text: nodes.Text) -> str:
    """The language that the author named; without one, "zh" if it has a Chinese character."""
    return text.language or ("zh" if _CHINESE.search(text.value) else "en")


def by_language(report: Report, texts: nodes.Texts) -> dict[str, nodes.Text]:
    """The text of each language; a second one for a language is an error."""
    found: dict[str, nodes.Text] = {}
    for text in texts:
        language = language_of(text)
        first = found.setdefault(language, text)
        if first is not text:
            report.add(
                "E0111",
                f"there are two {LANGUAGES[language]} texts",
                text.span,
                "",
                others=[report.label(first.span, "first given here")],
            )
    return found


def bilingual(report: Report, texts: nodes.Texts, wanted: str = "") -> Bilingual:
    """The texts of both languages.

    With ``wanted`` ("title", "reason") a language without a text is the warning W0901: those whom a
    decision concerns read either.
    """
    found = by_language(report, texts)
    if wanted:
        warn_missing(report, found, wanted)
    return Bilingual(
        found["zh"].value if "zh" in found else "", found["en"].value if "en" in found else ""
    )


def warn_missing(report: Report, found: dict[str, nodes.Text], wanted: str) -> None:
    """Warn of each language in which ``wanted`` was not written."""
    if not found:
        return
    present = next(iter(found.values()))
    for language, name in LANGUAGES.items():
        if language not in found or not found[language].value.strip():
            report.add(
                "W0901",
                f"the {wanted} has no {name} text",
                present.span,
                help=[f'add `{language} "…"`'],
                notes=["users read either language"],
            )


# ── Templates ────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Gap:
    """A hole of a template: the path in it, and where it stands in the source."""

    path: tuple[str, ...]
    span: Span


_PIECE: Final = re.compile(r"\{\{|\}\}|\{[^{}]*\}|[{}]|[^{}]+")
_PATH: Final = re.compile(r'\s*([^\W\d]\w*)((?:\s*\.\s*[^\W\d]\w*|\s*\[\s*"[^"\]]+"\s*\])*)\s*')
_PART: Final = re.compile(r'\.\s*([^\W\d]\w*)|\[\s*"([^"\]]+)"\s*\]')


def template(report: Report, text: nodes.Text) -> list[str | Gap] | None:
    """The fixed parts and the holes of a text; None after reporting what is malformed (E0110).

    ``{path}`` is a hole; ``{{`` and ``}}`` stand for single braces.
    """
    pieces: list[str | Gap] = []
    sound = True
    for piece, span in _pieces(report, text):
        if piece in ("{{", "}}"):
            pieces.append(piece[0])
        elif piece in ("{", "}"):
            sound = False
            report.add(
                "E0110",
                f"a single `{piece}` in a text",
                span,
                "",
                help=[
                    f"for the character itself write `{piece * 2}`",
                    "for the value of a field write its path: `{content.topic}`",
                ],
            )
        elif piece.startswith("{"):
            path = _PATH.fullmatch(piece[1:-1])
            if path is None:
                sound = False
                report.add(
                    "E0110",
                    f"`{piece}` does not name a field",
                    span,
                    "",
                    help=["write the path of a field, such as `{content.topic}`"],
                )
                continue
            rest = (name or key for name, key in _PART.findall(path.group(2)))
            pieces.append(Gap((path.group(1), *rest), span))
        else:
            pieces.append(piece)
    return _joined(pieces) if sound else None


def _joined(pieces: list[str | Gap]) -> list[str | Gap]:
    """Neighbouring fixed parts made one."""
    joined: list[str | Gap] = []
    for piece in pieces:
        last = joined[-1] if joined else None
        if isinstance(piece, str) and isinstance(last, str):
            joined[-1] = last + piece
        else:
            joined.append(piece)
    return joined


def _pieces(report: Report, text: nodes.Text) -> Iterator[tuple[str, Span]]:
    """The pieces of the text's value and where each stands in the source.

    A text with escapes in it is longer in the source than its value is; then each piece has the
    place of the whole text.
    """
    at = text.span.end - 1 - len(text.value)
    exact = report.source.text[at : text.span.end - 1] == text.value
    for match in _PIECE.finditer(text.value):
        here = Span(at + match.start(), at + match.end())
        yield match.group(), here if exact else text.span
