"""What Lark makes of `grammar.lark`: LALR tables, and for each state the tokens to look for.

Lark reads the grammar and computes the tables; `clausal.dsl.parser` walks them. Lark's own parser is
not used: it keeps neither the places of what it reduces nor the state before an error, which good
messages need, and it takes three times as long.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from operator import itemgetter
from typing import Any, Final

from lark import Lark
from lark.grammar import NonTerminal, Rule, Symbol, Terminal
from lark.lexer import TerminalDef

from clausal.dsl.source import Span
from clausal.dsl.tree import Builder

END: Final = "$END"
COMMENT: Final = "COMMENT"
NAME: Final = "NAME"
_SPACE: Final = "WS"
_LIKE_NAMES: Final = ("LANG", "EVENT_ROLE", "_FROM_POINTS")
"""Terminals that are spelled like names; what follows them tells that they are not."""

DECLARATIONS: Final = (
    "policy",
    "library",
    "clause",
    "event",
    "target",
    "schema",
    "sanction",
    "param",
    "terms",
    "let",
    "table",
    "bundle",
    "rule",
    "duty",
    "ladder",
    "tally",
    "samples",
    "incident",
    "procedure",
    "test",
)
"""The keyword that begins each kind of declaration."""

Build = Callable[[Builder, int, int, list[Any]], Any]
"""Makes a value of the children of a reduction, which stand between two offsets of the source."""


@dataclass(frozen=True, slots=True, eq=False)
class Reduction:
    """Replaces the last `size` symbols by one of the kind `origin`; without `build`, unchanged."""

    origin: str
    size: int
    build: Build | None


Action = int | Reduction
"""What to do at a terminal: go on to a state, or reduce first."""


@dataclass(frozen=True, slots=True, eq=False)
class Scanner:
    """Finds the next token of a state: a comment, or one that the state can do something with.

    `pattern` takes space first and names what it found. A word is the keyword that `words` has for
    it, else `other`: a name, or None where no name is expected. LALR merges states, so a terminal
    in `doubtful` may belong to another context only; where it does, the word is a name.
    """

    pattern: re.Pattern[str]
    words: Mapping[str, str]
    other: str | None
    doubtful: frozenset[str]


class Grammar:
    """The tables; nothing in them changes once they are made, but that scanners come on demand."""

    def __init__(self, lark: Lark) -> None:
        conf = lark.parse_interactive("").parser_state.parse_conf
        self.start: int = conf.start_state
        self.end: int = conf.end_state
        self.terminals: dict[str, TerminalDef] = {t.name: t for t in lark.terminals}
        self.keywords: dict[str, str] = {
            t.pattern.value: t.name for t in lark.terminals if t.pattern.type == "str"
        }
        self.kept: frozenset[str] = frozenset(
            symbol.name for rule in lark.rules for symbol in rule.expansion if _is_kept(symbol)
        )
        self.actions: list[dict[str, Action]] = [{} for _ in conf.states]
        self.gotos: list[dict[str, int]] = [{} for _ in conf.states]
        reductions = {rule: _reduction(rule) for rule in lark.rules}
        for state, row in conf.states.items():
            for key, (_, argument) in row.items():
                symbol = str(key)  # Lark's own strings compare slowly
                if isinstance(argument, Rule):
                    self.actions[state][symbol] = reductions[argument]
                elif symbol == END or symbol in self.terminals:
                    self.actions[state][symbol] = argument
                else:
                    self.gotos[state][symbol] = argument
        space = self.terminals[_SPACE].pattern.to_regexp()
        self.space: re.Pattern[str] = re.compile(f"(?:{space})?")
        self.name: re.Pattern[str] = self._pattern(NAME)
        self.string: re.Pattern[str] = self._pattern("STRING")
        self.quantity: re.Pattern[str] = self._pattern(
            "NUMBER", "DURATION", "DATE", "INSTANT", "CLOCK", "VERSION"
        )
        self.scanners: list[Scanner | None] = [None] * len(self.actions)
        self._patterns: dict[frozenset[str], re.Pattern[str]] = {}
        self.everywhere: Scanner = self._made(frozenset(self.terminals) - {"REGEX"}, frozenset())

    def scanner(self, state: int) -> Scanner:
        """The scanner of a state, made when it is first needed: most states rarely are."""
        found = self.scanners[state]
        if found is None:
            row = self.actions[state]
            doubtful = frozenset(
                name
                for name in (*self.keywords.values(), *_LIKE_NAMES)
                if NAME in row and isinstance(row.get(name), Reduction)
            )
            found = self.scanners[state] = self._made(frozenset(row), doubtful)
        return found

    def _pattern(self, *terminals: str) -> re.Pattern[str]:
        return re.compile("|".join(self.terminals[t].pattern.to_regexp() for t in terminals))

    def _made(self, accepted: frozenset[str], doubtful: frozenset[str]) -> Scanner:
        words = {word: name for word, name in self.keywords.items() if name in accepted}
        shapes = accepted - set(words.values()) - {END} | {COMMENT} | ({NAME} if words else set())
        pattern = self._patterns.get(shapes)
        if pattern is None:
            pattern = self._patterns[shapes] = re.compile(self._alternatives(shapes))
        other = NAME if NAME in accepted else None
        return Scanner(pattern, words, other, doubtful)

    def _alternatives(self, names: frozenset[str]) -> str:
        """A pattern for space and one of the terminals, those that the grammar prefers first."""
        terminals = sorted((self.terminals[name] for name in names - {_SPACE}), key=_rank)
        found = "|".join(f"(?P<{t.name}>{t.pattern.to_regexp()})" for t in terminals)
        return f"{self.space.pattern}(?:{found})"


def _rank(terminal: TerminalDef) -> tuple[int, int, str]:
    return -terminal.priority, -terminal.pattern.max_width, terminal.name


@cache
def grammar() -> Grammar:
    """The tables of the language, made on first use: a program that only loads bundles needs none."""
    text = (resources.files("clausal.dsl") / "grammar.lark").read_text(encoding="utf-8")
    return Grammar(Lark(text, parser="lalr", lexer="basic", maybe_placeholders=False))


# ── Reductions ───────────────────────────────────────────────────────────────────────────────────


def _is_kept(symbol: Symbol) -> bool:
    return not (isinstance(symbol, Terminal) and symbol.filter_out)


def _is_repeated(symbol: Symbol) -> bool:
    """Whether the symbol stands for `(...)*` or `(...)+`, of which Lark makes a rule."""
    return isinstance(symbol, NonTerminal) and symbol.name.startswith("__")


def _reduction(rule: Rule) -> Reduction:
    origin, size = str(rule.origin.name), len(rule.expansion)
    kept = [(i, _is_repeated(s)) for i, s in enumerate(rule.expansion) if _is_kept(s)]
    if _is_repeated(rule.origin):
        return Reduction(origin, size, _repetition(kept))
    if size == 1 and rule.options.expand1 and rule.alias is None:
        return Reduction(origin, size, None)
    return Reduction(origin, size, _node(getattr(Builder, rule.alias or origin), kept))


def _gathered(children: list[Any], kept: list[tuple[int, bool]]) -> list[Any]:
    found: list[Any] = []
    for index, repeated in kept:
        if repeated:
            found += children[index]
        else:
            found.append(children[index])
    return found


def _repetition(kept: list[tuple[int, bool]]) -> Build:
    """Makes a list of what is repeated, or adds to the one made before."""
    if kept[0] == (0, True):
        rest = kept[1:]

        def more(builder: Builder, start: int, end: int, children: list[Any]) -> Any:
            first = children[0]
            first += _gathered(children, rest)
            return first

        return more

    def one(builder: Builder, start: int, end: int, children: list[Any]) -> Any:
        return _gathered(children, kept)

    return one


def _node(method: Callable[..., Any], kept: list[tuple[int, bool]]) -> Build:
    """Calls the method of the tree builder that has the name of the rule."""
    if any(repeated for _, repeated in kept):

        def mixed(builder: Builder, start: int, end: int, children: list[Any]) -> Any:
            return method(builder, Span(start, end), *_gathered(children, kept))

        return mixed
    if len(kept) == 1:
        only = kept[0][0]

        def single(builder: Builder, start: int, end: int, children: list[Any]) -> Any:
            return method(builder, Span(start, end), children[only])

        return single
    if len(kept) > 1:
        pick = itemgetter(*(index for index, _ in kept))

        def several(builder: Builder, start: int, end: int, children: list[Any]) -> Any:
            return method(builder, Span(start, end), *pick(children))

        return several

    def bare(builder: Builder, start: int, end: int, children: list[Any]) -> Any:
        return method(builder, Span(start, end))

    return bare
