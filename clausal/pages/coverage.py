"""The coverage of notices as a page: the text of a notice, and beside each clause what it came to.

Where the text of a notice is at hand, it is shown in full, cut into rows behind each clause, so that
the rules stand beside the words that ask for them; policies that quote one notice share its text.
Where it is not, the clauses are shown in their order.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from clausal.compiler.ir import Bilingual, Corpus
from clausal.coverage import CITED, UNACCOUNTED, ClauseCoverage, Coverage, percent_reached
from clausal.notices import Notice, Place
from clausal.pages.html import STATUSES, page

_HEADING: Final = re.compile(r"\s*#+\s+|\s*[一二三四五六七八九十]+、|\s*\*\*[^*]+\*\*\s*\Z")
_MARKUP: Final = re.compile(r"\A\s*#+\s+|\*\*")
_SPACES: Final = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Named:
    """A rule or a duty beside a clause."""

    name: str
    title: Bilingual
    note: str = ""


@dataclass(frozen=True, slots=True)
class Card:
    """A clause of a policy, with what it came to.

    Attributes:
        anchor: What links to it say; unlike that of any other card.
        untested: Whether rules cite it, and no test makes one of them fire.
    """

    anchor: str
    clause: ClauseCoverage
    rules: tuple[Named, ...]
    duties: tuple[Named, ...]
    untested: bool


@dataclass(frozen=True, slots=True)
class Piece:
    """Some text of a notice, all of it quoted or none of it."""

    text: str
    quoted: bool


@dataclass(frozen=True, slots=True)
class Row:
    """Some text of a notice, and the clauses that end in it. `begins` a paragraph, or goes on."""

    pieces: tuple[Piece, ...]
    cards: tuple[Card, ...]
    begins: bool = True
    heading: bool = False


@dataclass(frozen=True, slots=True)
class Tally:
    """A line of the summary: the clauses of a policy by status.

    `percent` of those `due` to be enforced are reached by tests.
    """

    name: str
    title: Bilingual
    anchor: str
    counts: Mapping[str, int]
    total: int
    due: int
    percent: float


@dataclass(frozen=True, slots=True)
class Section:
    """A notice with its text, or a policy version without.

    Attributes:
        quoted: How much of the text policies quote, 0 to 100; None without a text.
        lost: Clauses whose quote does not stand in the text.
    """

    anchor: str
    name: str
    title: Bilingual
    rows: tuple[Row, ...]
    policies: tuple[str, ...] = ()
    quoted: float | None = None
    unread: bool = False
    lost: tuple[Card, ...] = ()


def coverage_page(corpus: Corpus, covered: Coverage, notices: Mapping[str, Notice]) -> bytes:
    """The page.

    Args:
        corpus: What was compiled.
        covered: What its tests reach.
        notices: The texts that are at hand, by the names that policies give them.

    Raises:
        MissingExtraError: if what draws pages is not installed.
    """
    names = {(version.policy, version.version): version for version in corpus.versions}
    sections: list[Section] = []
    tallies: list[Tally] = []
    of_notice: dict[str, list[Card]] = {}
    of_version: dict[str, list[Card]] = {}
    for key, some in groupby(covered.clauses, key=lambda one: (one.policy, one.version)):
        clauses = list(some)
        version = names[key]
        cards = _cards(corpus, clauses)
        name = " ".join(key)
        if version.notice in notices:
            of_notice.setdefault(version.notice, []).extend(cards)
        else:
            of_version[name] = cards
        tallies.append(_tally(name, version.title, cards[0].anchor, clauses))
    for notice, cards in sorted(of_notice.items()):
        sections.append(_of_notice(notice, notices[notice], cards))
    for name, cards in of_version.items():
        first = cards[0].clause
        version = names[first.policy, first.version]
        rows = tuple(Row((Piece(_line(card.clause.quote), True),), (card,)) for card in cards)
        sections.append(Section(_anchor("policy", name), name, version.title, rows))
    return page(
        "coverage.html",
        covered=covered,
        counts=_counts(covered.clauses),
        tallies=tallies,
        sections=sections,
        unreached=_unreached(covered),
    )


def _tally(name: str, title: Bilingual, anchor: str, clauses: Sequence[ClauseCoverage]) -> Tally:
    counts = _counts(clauses)
    due = counts.get(CITED, 0) + counts.get(UNACCOUNTED, 0)
    return Tally(name, title, anchor, counts, len(clauses), due, percent_reached(clauses))


def _counts(clauses: Iterable[ClauseCoverage]) -> dict[str, int]:
    """How many clauses have each status, in the order in which statuses are told."""
    found = Counter(clause.status for clause in clauses)
    return {status: found[status] for status in STATUSES if found[status]}


def _unreached(covered: Coverage) -> list[tuple[str, list[str]]]:
    """What no test reaches, by kind."""
    clauses = [f"{one.policy} {one.version}: {one.id}" for one in covered.unreached_clauses]
    kinds = [
        ("rules · 规则", [" ".join(rule) for rule in covered.unreached_rules]),
        ("clauses · 条款", clauses),
        ("ladder steps · 阶梯", [f"{step[0]} {step[1]}: {step[2]}" for step in covered.unreached_steps]),
    ]  # fmt: skip
    return [(kind, names) for kind, names in kinds if names]


# ── Cards ────────────────────────────────────────────────────────────────────────────────────────


def _anchor(*parts: str) -> str:
    """An identifier for links: no white space, and unlike for unlike parts."""
    return "-".join(_SPACES.sub("_", part) for part in parts)


def _cards(corpus: Corpus, clauses: Sequence[ClauseCoverage]) -> list[Card]:
    """The cards of the clauses of one version."""
    first = clauses[0]
    version = next(
        at
        for at, one in enumerate(corpus.versions)
        if (one.policy, one.version) == (first.policy, first.version)
    )
    rules = {
        rule.name: Named(rule.name, rule.title, _mode(shadow=rule.shadow, severity=rule.severity))
        for rule in corpus.rules
        if rule.version == version
    }
    duties = {
        duty.name: Named(duty.name, duty.title) for duty in corpus.duties if duty.version == version
    }
    return [
        Card(
            anchor=_anchor("clause", clause.policy, clause.version, clause.id),
            clause=clause,
            rules=tuple(rules[name] for name in clause.rules),
            duties=tuple(duties[name] for name in clause.duties),
            untested=clause.status == CITED and not clause.tests,
        )
        for clause in clauses
    ]


def _mode(*, shadow: bool, severity: str) -> str:
    return f"{severity}, shadow" if shadow else severity


# ── Rows ─────────────────────────────────────────────────────────────────────────────────────────


def _of_notice(name: str, notice: Notice, cards: Sequence[Card]) -> Section:
    placed: list[tuple[Place, Card]] = []
    lost: list[Card] = []
    after: dict[str, int] = {}
    for card in cards:
        # A policy quotes in the order of the notice: of words that stand there twice, the next.
        policy = f"{card.clause.policy} {card.clause.version}"
        place = notice.find(card.clause.quote, after.get(policy, 0))
        if place is None:
            lost.append(card)
        else:
            after[policy] = place.start
            placed.append((place, card))
    quoted = bytearray(len(notice.text))
    for place, _ in placed:
        quoted[place.start : place.end] = b"\1" * (place.end - place.start)
    title, rows = _rows(notice.text, quoted, placed)
    words = [at for at, one in enumerate(notice.text) if one.isalnum()]
    return Section(
        anchor=_anchor("notice", name),
        name=name,
        title=Bilingual(zh=title),
        rows=tuple(rows),
        policies=tuple(dict.fromkeys(f"{c.clause.policy} {c.clause.version}" for c in cards)),
        quoted=100.0 * sum(quoted[at] for at in words) / len(words) if words else 0.0,
        unread=notice.unread,
        lost=tuple(lost),
    )


def _rows(
    text: str, quoted: bytearray, placed: Sequence[tuple[Place, Card]]
) -> tuple[str, list[Row]]:
    """The first line of a notice, and its paragraphs, cut behind the places where clauses end."""
    ending: dict[int, list[Card]] = {}
    for place, card in placed:
        ending.setdefault(place.end, []).append(card)
    rows: list[Row] = []
    title = ""
    start = 0
    for line in text.splitlines(keepends=True):
        end = start + len(line)
        stripped = line.strip()
        title = title or _MARKUP.sub("", stripped)
        # A clause that ends at the end of the line ends in it; only its stop may come after that.
        cuts = sorted({at for at in ending if start < at <= end} | ({end} if stripped else set()))
        begin = start
        for cut in cuts:
            pieces = _pieces(text, quoted, begin, cut)
            cards = tuple(ending.get(cut, ()))
            if pieces or cards:
                heading = bool(_HEADING.match(line)) and not cards and len(stripped) < 60
                rows.append(Row(pieces, cards, begins=begin == start, heading=heading))
            begin = cut
        start = end
    return title, rows


def _pieces(text: str, quoted: bytearray, start: int, end: int) -> tuple[Piece, ...]:
    """The text from one character to before another, without the marks of Markdown."""
    pieces: list[Piece] = []
    for flag, run in groupby(range(start, end), key=lambda at: quoted[at]):
        places = list(run)
        shown = _line(_MARKUP.sub("", text[places[0] : places[-1] + 1]))
        if shown:
            pieces.append(Piece(shown, bool(flag)))
    return tuple(pieces)


def _line(text: str) -> str:
    return _SPACES.sub(" ", text).strip()
