"""Text to syntax tree: a walk over the tables that Lark makes of the grammar.

After an error the parser goes on at the next line that begins with the keyword of a declaration, so
that one run reports the errors of every declaration, and the compiler can check those that were
well formed. The tree holds no node that is nested deeper than `NESTING_LIMIT`, so that whoever
walks it may recurse.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

from clausal.dsl import nodes
from clausal.dsl.diagnostics import Diagnostics
from clausal.dsl.mistakes import Mistake, report, report_depth
from clausal.dsl.nesting import NESTING_LIMIT, too_deep
from clausal.dsl.source import Source, Span
from clausal.dsl.tables import (
    COMMENT,
    DECLARATIONS,
    END,
    NAME,
    Grammar,
    Reduction,
    grammar,
)
from clausal.dsl.tree import Builder
from clausal.dsl.words import Token

__all__ = ["DECLARATIONS", "NESTING_LIMIT", "keywords", "parse"]

_BOUNDARY: Final = re.compile(rf"^(?:{'|'.join(DECLARATIONS)})\b", re.MULTILINE)
_HEAD: Final = re.compile(
    r"""^(?:
        (?:policy|library)[ \t]+\w[\w.]*[ \t]+[0-9]
      | clause[ \t]+[0-9]
      | event[ \t]*\{
      | (?:target|table|ladder)[ \t]+\w+[ \t]+by\b
      | (?:schema|rule)[ \t]+\w[^=,\n]*\{
      | sanction[ \t]+\w+[ \t]*[({]
      | (?:param|terms|let|bundle|tally|samples)[ \t]+\w+[ \t]*=
      | test[ \t]+["“]
    )""",
    re.MULTILINE | re.VERBOSE,
)
"""How a declaration begins, with so much of it that a field of the same name does not look so."""

_DECLARED: Final = re.compile(r"(\w+)(?:[ \t]+(\w[\w.]*))?")
_ERROR_LIMIT: Final = 50
_STACK_LIMIT: Final = 1000
"""How many symbols may be open at once; each parenthesis and each `not` is one."""


def keywords() -> frozenset[str]:
    """Every word that means something of its own somewhere in the grammar."""
    return frozenset(grammar().keywords)


def parse(source: Source) -> tuple[nodes.File, Diagnostics]:
    """The tree of `source` and what was wrong with its syntax.

    The tree holds every declaration that could be parsed, and a ``Broken`` node for each that
    could not. It never raises for anything that a source can hold.
    """
    diagnostics = Diagnostics()
    reading = _Recovery(source, diagnostics)
    reading.run()
    declarations = tuple(_bounded(one, source, diagnostics) for one in reading.declarations)
    comments = tuple(_comment(source, token) for token in reading.comments)
    return nodes.File(declarations, comments, Span(0, len(source.text))), diagnostics


# ── Walking the tables ───────────────────────────────────────────────────────────────────────────


@dataclass(slots=True)
class _Walk:
    """The stacks of one walk over a source: the states, and the values of the symbols between them.

    INVARIANT: there is one state more than there are values, starts and ends.
    """

    tables: Grammar
    builder: Builder
    text: str
    states: list[int]
    values: list[Any]
    starts: list[int]
    ends: list[int]
    comments: list[Token]

    def run(self, position: int, stop: int | None = None) -> int | None:
        """Walk from `position` to the end of the text; the offset at which it could not go on, if any.

        With `stop`, the walk ends before the token there, with the state as it was before it.
        """
        tables, text, states = self.tables, self.text, self.states
        values, starts, ends = self.values, self.starts, self.ends
        builder, kept = self.builder, tables.kept
        actions, gotos, scanners = tables.actions, tables.gotos, tables.scanners
        while True:
            scanner = scanners[states[-1]] or tables.scanner(states[-1])
            match = scanner.pattern.match(text, position)
            if match is None:
                space = tables.space.match(text, position)
                start = end = position if space is None else space.end()
                kind = END
                if start < len(text):
                    return start
            else:
                kind = match.lastgroup or ""
                start, end = match.span(kind)
                if kind == COMMENT:
                    self.comments.append(Token(kind, match[kind], start, end))
                    position = end
                    continue
                if kind == NAME:
                    word = scanner.words.get(match[kind], scanner.other)
                    if word is None:
                        return start
                    kind = word
                if kind in scanner.doubtful and not self.accepts(kind):
                    kind = NAME
            if stop is not None and start >= stop:
                return None
            while True:
                action = actions[states[-1]].get(kind)
                if type(action) is int:
                    break
                if action is None:
                    return start
                assert isinstance(action, Reduction)
                size = action.size
                if action.build is not None:
                    base = len(values) - size
                    first = starts[base] if size else start
                    last = ends[-1] if size else start
                    value = action.build(builder, first, last, values[base:])
                    del values[base:], starts[base:], ends[base:], states[base + 1 :]
                    values.append(value)
                    starts.append(first)
                    ends.append(last)
                else:
                    states.pop()
                state = gotos[states[-1]][action.origin]
                states.append(state)
                if state == tables.end and kind == END:
                    return None
            states.append(action)
            values.append(Token(kind, text[start:end], start, end) if kind in kept else None)
            starts.append(start)
            ends.append(end)
            position = end
            if len(states) > _STACK_LIMIT:
                return start

    @property
    def is_too_deep(self) -> bool:
        """Whether the walk ended because too much is open."""
        return len(self.states) > _STACK_LIMIT

    def accepts(self, terminal: str) -> bool:
        """Whether the terminal may stand here, tried on the states alone."""
        actions, states = self.tables.actions, self.states
        depth = len(states)  # how many states of the stack are left
        pushed: list[int] = []  # and what stands on them
        while True:
            state = pushed[-1] if pushed else states[depth - 1]
            action = actions[state].get(terminal)
            if not isinstance(action, Reduction):
                return action is not None
            from_pushed = min(action.size, len(pushed))
            del pushed[len(pushed) - from_pushed :]
            depth -= action.size - from_pushed
            below = pushed[-1] if pushed else states[depth - 1]
            goto = self.tables.gotos[below][action.origin]
            if goto == self.tables.end:
                return True
            pushed.append(goto)

    def expected(self) -> frozenset[str]:
        """The terminals that may stand here."""
        return frozenset(t for t in self.tables.actions[self.states[-1]] if self.accepts(t))

    def finished(self) -> list[nodes.Declaration]:
        """The declarations that are complete, and known to be."""
        first = self.values[0] if self.values else None
        return list(first) if isinstance(first, list | tuple) else []


class _Recovery:
    """Walks on after each error, from the next declaration."""

    def __init__(self, source: Source, diagnostics: Diagnostics) -> None:
        self.source = source
        self.text = source.text
        self.diagnostics = diagnostics
        self.tables = grammar()
        self.builder = Builder(source, diagnostics)
        self.declarations: list[nodes.Declaration] = []
        self.comments: list[Token] = []

    def run(self) -> None:
        """Fill `declarations` and `comments`."""
        position = 0
        for _ in range(_ERROR_LIMIT):
            walk = self._walk(self.text)
            at = walk.run(position)
            if at is None:
                self.declarations += walk.finished()
                self.comments += walk.comments
                return
            position = self._recover(position, walk, at)
        self.declarations.append(nodes.Broken("", "", Span(position, len(self.text))))

    def _walk(self, text: str) -> _Walk:
        return _Walk(self.tables, self.builder, text, [self.tables.start], [], [], [], [])

    def _recover(self, position: int, walk: _Walk, at: int) -> int:
        """Keep what is complete, say what is wrong at `at`, and say where to go on."""
        finished = walk.finished()
        if finished and len(walk.values) > 1:
            last = walk.starts[1]
        else:
            # The walk may have taken the last one for complete before it saw what follows.
            last = finished.pop().span.start if finished else position
        self.declarations += finished
        if self._is_line_start(at):
            alone = self._walk(self.text[:at])
            if alone.run(last) is None:
                self.declarations += alone.finished()
                last = at
        before = self._walk(self.text)
        before.run(last, stop=at)
        begin = before.starts[0] if before.starts else at
        self.comments += [comment for comment in walk.comments if comment.start < begin]

        head = _HEAD.search(self.text, begin + 1)
        if head is not None and head.start() < at:
            # What looks like the head of a declaration was read as something else: it is one, and
            # the declaration before it was not closed.
            at = head.start()
            before = self._walk(self.text)
            before.run(last, stop=at)
        following = _BOUNDARY.search(self.text, max(at, begin + 1))
        end = following.start() if following else len(self.text)
        if walk.is_too_deep:
            report_depth(self.source, Span(at, at + 1), self.diagnostics)
        else:
            mistake = Mistake(self.source, at, before.expected(), Span(begin, end), end == at)
            report(mistake, self.diagnostics)
        self.declarations.append(_broken(self.text, begin, end))
        return end

    def _is_line_start(self, at: int) -> bool:
        return at == 0 or self.text[at - 1] == "\n"


def _broken(text: str, begin: int, end: int) -> nodes.Broken:
    match = _DECLARED.match(text, begin)
    kind, name = match.groups(default="") if match else ("", "")
    return nodes.Broken(kind, name, Span(begin, end))


def _comment(source: Source, token: Token) -> nodes.Comment:
    before = source.text[source.text.rfind("\n", 0, token.start) + 1 : token.start]
    own_line = grammar().space.fullmatch(before) is not None
    return nodes.Comment(token.text[1:].rstrip(), own_line, token.span)


def _bounded(
    declaration: nodes.Declaration, source: Source, diagnostics: Diagnostics
) -> nodes.Declaration:
    """The declaration, or a ``Broken`` one if it is nested deeper than the limit."""
    deep = too_deep(declaration)
    if deep is None:
        return declaration
    report_depth(source, deep, diagnostics)
    return _broken(source.text, declaration.span.start, declaration.span.end)
