"""Text to syntax tree: Lark, and what to say when the text does not fit the grammar.

After an error the parser skips to the next line that begins with the keyword of a declaration and
goes on, so that one run reports the errors of every declaration, and the compiler can check those
that were well formed.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable
from importlib import resources
from typing import Final, NoReturn, cast

from lark import Lark, TextSlice, Token, UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from clausal.dsl import nodes
from clausal.dsl.diagnostics import Diagnostics, Label, nearest
from clausal.dsl.source import Source, Span
from clausal.dsl.tree import TreeBuilder

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
    "ladder",
    "tally",
    "samples",
    "test",
)
"""The keyword that begins each kind of declaration."""

NESTING_LIMIT: Final = 64
"""How deep an expression may be nested: more is not readable, and recursion stays bounded."""

_BOUNDARY: Final = re.compile(rf"^(?:{'|'.join(DECLARATIONS)})\b", re.MULTILINE)
_ERROR_LIMIT: Final = 50
_NUMBER_LIKE: Final = re.compile(r"\d[\w.:%％+-]*")
_DECLARED: Final = re.compile(r"(\w+)[ \t]+([^\W\d][\w.]*|\d[\w.]*)")
_UNITS: Final = "`%`, `k`, `M`, `千`, `万`, `亿` for numbers, `s`, `m`, `h`, `d`, `w`, `小时`, `天` for durations"


class _Engine:
    """The Lark parser and the tree builder that it calls; one for the process, behind a lock."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.builder = TreeBuilder()
        self.comments: list[Token] = []
        grammar = (resources.files("clausal.dsl") / "grammar.lark").read_text(encoding="utf-8")
        self.lark = Lark(
            grammar,
            parser="lalr",
            lexer="contextual",
            transformer=self.builder,
            keep_all_tokens=True,
            maybe_placeholders=False,
            strict=False,
            lexer_callbacks={"COMMENT": self._comment},
        )
        self.keywords = {
            terminal.name: terminal.pattern.value
            for terminal in self.lark.terminals
            if terminal.pattern.type == "str"
        }

    def _comment(self, token: Token) -> Token:
        self.comments.append(token)
        return token


_engine: _Engine | None = None
_engine_lock = threading.Lock()


def _get_engine() -> _Engine:
    """Built on first use: a program that only loads bundles never pays for it."""
    global _engine
    with _engine_lock:
        if _engine is None:
            _engine = _Engine()
        return _engine


def keywords() -> frozenset[str]:
    """Every word that means something of its own somewhere in the grammar."""
    return frozenset(text for text in _get_engine().keywords.values() if text[0].isalpha())


def parse(source: Source) -> tuple[nodes.File, Diagnostics]:
    """The tree of ``source`` and what was wrong with its syntax.

    The tree holds every declaration that could be parsed, and a ``Broken`` node for each that
    could not. It never raises for anything that a source can hold.
    """
    diagnostics = Diagnostics()
    engine = _get_engine()
    with engine.lock:
        engine.builder.begin(source, diagnostics)
        engine.comments = []
        declarations = _Recovery(engine, source, diagnostics).run()
        comments = _comments(source, engine.comments)
    declarations = [_bounded(d, source, diagnostics) for d in declarations]
    return nodes.File(tuple(declarations), comments, Span(0, len(source.text))), diagnostics


class _Recovery:
    """Parses stretch by stretch: up to an error, then on from the next declaration."""

    def __init__(self, engine: _Engine, source: Source, diagnostics: Diagnostics) -> None:
        self.engine = engine
        self.source = source
        self.diagnostics = diagnostics

    def run(self) -> list[nodes.Declaration]:
        text = self.source.text
        declarations: list[nodes.Declaration] = []
        start, errors = 0, 0
        while start < len(text):
            try:
                declarations += self._stretch(start, len(text))
                break
            except UnexpectedInput as found:
                error, at = found, _offset(found, len(text))
            errors += 1
            begin, end = self._surroundings(start, at)
            # Everything before the broken declaration parses: that is what LALR promises.
            self._forget_comments(start)
            if begin > start:
                declarations += self._stretch(start, begin)
            _report(error, self.engine, self.source, self.diagnostics, Span(begin, end))
            self._forget_comments(begin)
            declarations.append(_broken(text, begin, end))
            start = end
            if errors == _ERROR_LIMIT:
                break
        return declarations

    def _stretch(self, start: int, end: int) -> tuple[nodes.Declaration, ...]:
        tree = self.engine.lark.parse(TextSlice(self.source.text, start, end))
        return cast("tuple[nodes.Declaration, ...]", tree)

    def _surroundings(self, start: int, at: int) -> tuple[int, int]:
        """The declaration that holds ``at``: from its first keyword to the next declaration's."""
        text = self.source.text
        begin = start
        for match in _BOUNDARY.finditer(text, start, min(at + 1, len(text))):
            begin = match.start()
        # An error at the keyword of a declaration belongs to the one before it, which lacks its
        # closing brace: skip from there, so that the keyword's own declaration is still parsed.
        if begin == at and at > start:
            earlier = [m.start() for m in _BOUNDARY.finditer(text, start, at)]
            return (earlier[-1] if earlier else start), at
        following = _BOUNDARY.search(text, max(at, begin + 1))
        return begin, following.start() if following else len(text)

    def _forget_comments(self, start: int) -> None:
        self.engine.comments = [c for c in self.engine.comments if _start(c) < start]


def _start(token: Token) -> int:
    return cast(int, token.start_pos)


def _offset(error: UnexpectedInput, length: int) -> int:
    if isinstance(error, UnexpectedToken) and error.token.type == "$END":
        return length
    return min(cast(int, error.pos_in_stream), length)


def _broken(text: str, begin: int, end: int) -> nodes.Broken:
    match = _DECLARED.match(text, begin)
    kind, name = match.groups() if match else ("", "")
    return nodes.Broken(kind, name, Span(begin, end))


def _comments(source: Source, tokens: Iterable[Token]) -> tuple[nodes.Comment, ...]:
    found = []
    for token in sorted(tokens, key=_start):
        start = _start(token)
        line_start = source.text.rfind("\n", 0, start) + 1
        own_line = not source.text[line_start:start].strip()
        text = str(token)[1:].rstrip()
        found.append(nodes.Comment(text, own_line, Span(start, start + len(str(token)))))
    return tuple(found)


# ── Saying what is wrong ─────────────────────────────────────────────────────────────────────────

_KINDS: Final = {
    "NAME": "a name",
    "NUMBER": "a number",
    "DURATION": "a duration",
    "DATE": "a date",
    "INSTANT": "a time",
    "CLOCK": "a time of day such as `22:00`",
    "STRING": 'a text in `"…"`',
    "REGEX": "a pattern in `/…/`",
    "VERSION": "a version such as `1.0.0`",
    "CLAUSE_ID": "the number of a clause",
    "PIN": "the fingerprint of a clause",
    "STEP": "a step such as `2 =>`",
    "LANG": "`zh` or `en`",
    "EVENT_ROLE": "`time` or `id`",
    "COMPARE": "a comparison",
    "EQUALS": "`==`",
    "$END": "the end of the file",
    "DOTDOT": "`..`",
    "PLUS": "`+`",
    "MINUS": "`-`",
    "STAR": "`*`",
    "SLASH": "`/`",
    "_EQUAL": "`=`",
    "_ARROW": "`=>`",
    "_COMMA": "`,`",
    "_LPAR": "`(`",
    "_RPAR": "`)`",
    "_LSQB": "`[`",
    "_RSQB": "`]`",
    "_LBRACE": "`{`",
    "_RBRACE": "`}`",
}
_EXPRESSION: Final = frozenset({"COUNT", "STRIKES", "SIMILARITY", "NAME", "NUMBER", "NOT"})
_OPERATOR: Final = frozenset({"PLUS", "MINUS", "STAR", "SLASH", "COMPARE", "EQUALS"})


def _described(expected: Iterable[str], engine: _Engine) -> list[str]:
    """What the grammar would have accepted, in words, the most telling first."""
    names = set(expected)
    words: list[str] = []
    if names >= _EXPRESSION:
        words.append("a condition")
        names -= {
            *_EXPRESSION, "MINUS", "TRUE", "FALSE", "STRING", "DURATION", "DATE", "INSTANT", "_LPAR",
        }  # fmt: skip
    elif names >= _EXPRESSION - {"NOT"}:
        words.append("a value")
        names -= {
            *_EXPRESSION, "MINUS", "TRUE", "FALSE", "STRING", "DURATION", "DATE", "INSTANT", "_LPAR",
        }  # fmt: skip
    if names >= _OPERATOR:
        words.append("an operator")
        names -= {*_OPERATOR, "IN", "HAS", "BETWEEN", "CONTAINS", "MATCHES", "IS"}
    if {d.upper() for d in DECLARATIONS} <= names:
        words.append("a declaration")
        names -= {d.upper() for d in DECLARATIONS}
    keywords = sorted(
        f"`{engine.keywords[n]}`" for n in names if n not in _KINDS and n in engine.keywords
    )
    kinds = [text for n, text in _KINDS.items() if n in names]
    return words + keywords + kinds


def _one_of(words: list[str]) -> str:
    if len(words) == 1:
        return words[0]
    return f"{', '.join(words[:-1])} or {words[-1]}"


def _report(
    error: UnexpectedInput,
    engine: _Engine,
    source: Source,
    diagnostics: Diagnostics,
    declaration: Span,
) -> None:
    text = source.text
    if isinstance(error, UnexpectedToken):
        _report_token(error, engine, source, diagnostics, declaration)
    elif isinstance(error, UnexpectedCharacters):
        at = _offset(error, len(text))
        _report_characters(at, error, engine, source, diagnostics)
    else:
        _unreachable(error)


def _unreachable(error: object) -> NoReturn:
    raise AssertionError(f"Lark raised {error!r}")


def _report_token(
    error: UnexpectedToken,
    engine: _Engine,
    source: Source,
    diagnostics: Diagnostics,
    declaration: Span,
) -> None:
    token = error.token
    expected = _described(error.accepts or error.expected, engine)
    wanted = f"expected {_one_of(expected)}" if expected else ""
    if token.type == "$END":
        end = len(source.text.rstrip())
        opened = _opening(source.text, declaration)
        diagnostics.error(
            "E0104",
            "the file ends in the middle of a declaration",
            source,
            Span(end, end),
            wanted,
            secondary=(Label(source, opened, "this is still open"),) if opened else (),
        )
        return
    start = _start(token)
    span = Span(start, start + len(str(token)))
    help = _suggestion(str(token), error.accepts or error.expected, engine)
    if _at_boundary(source.text, start) and declaration.start < start:
        opened = _opening(source.text, declaration)
        if opened is not None:
            diagnostics.error(
                "E0104",
                f"`{token}` begins a new declaration, but the one before it is still open",
                source,
                span,
                wanted,
                secondary=(Label(source, opened, "this is still open"),),
                help=("close it with `}`",),
            )
            return
    if str(token)[0].isdigit() and token.type in ("CLAUSE_ID", "VERSION"):
        _report_number(str(token), span, wanted, source, diagnostics)
        return
    diagnostics.error("E0101", f"unexpected `{token}`", source, span, wanted, help=help)


def _report_number(
    text: str, span: Span, wanted: str, source: Source, diagnostics: Diagnostics
) -> None:
    diagnostics.error(
        "E0105",
        f"`{text}` is not a number, duration or date",
        source,
        span,
        wanted,
        help=(f"units are {_UNITS}",),
    )


def _at_boundary(text: str, at: int) -> bool:
    return _BOUNDARY.match(text, at) is not None and (at == 0 or text[at - 1] == "\n")


def _opening(text: str, declaration: Span) -> Span | None:
    """The first brace of a declaration: the likely one, when its closing brace is missing."""
    at = text.find("{", declaration.start, declaration.end)
    return Span(at, at + 1) if at >= 0 else None


def _suggestion(word: str, expected: Iterable[str], engine: _Engine) -> tuple[str, ...]:
    keywords = [engine.keywords[n] for n in expected if engine.keywords.get(n, "").isalpha()]
    found = nearest(word, keywords)
    if found and found != word:
        return (f"did you mean `{found}`?",)
    if word in ("&&", "&", "||", "|"):
        return ("write `and` or `or`",)
    return ()


def _report_characters(
    at: int,
    error: UnexpectedCharacters,
    engine: _Engine,
    source: Source,
    diagnostics: Diagnostics,
) -> None:
    text = source.text
    line_end = text.find("\n", at)
    rest = text[at : line_end if line_end >= 0 else len(text)]
    if rest[0] in '"“':
        close = "”" if rest[0] == "“" else '"'
        diagnostics.error(
            "E0103",
            "the text is not closed on its line",
            source,
            Span(at, at + len(rest)),
            f"expected a closing `{close}`",
        )
        return
    expected = _described(error.allowed or (), engine)
    wanted = f"expected {_one_of(expected)}" if expected else ""
    number = _NUMBER_LIKE.match(rest)
    if number:
        span = Span(at, at + number.end())
        _report_number(number.group(), span, wanted, source, diagnostics)
        return
    if rest[0].isalpha() or rest[0] == "_":
        word = re.match(r"\w+", rest)
        assert word is not None
        diagnostics.error(
            "E0101",
            f"unexpected `{word.group()}`",
            source,
            Span(at, at + word.end()),
            wanted,
            help=_suggestion(word.group(), error.allowed or (), engine),
        )
        return
    help: tuple[str, ...] = ()
    if rest.startswith(("&", "|")):
        help = ("write `and` or `or`",)
    elif rest.startswith("!"):
        help = ("write `not`",)
    elif rest.startswith("="):
        help = ("compare with `==`",)
    elif rest.startswith(("'", "‘", "「", "『")):
        help = ('write texts in `"…"` or `“…”`',)
    elif rest.startswith(("//", "/*", ";")):
        help = ("comments begin with `#`; entries end with their line",)
    diagnostics.error(
        "E0102", f"unexpected character `{rest[0]}`", source, Span(at, at + 1), wanted, help=help
    )


# ── Depth ────────────────────────────────────────────────────────────────────────────────────────


def _expressions(declaration: nodes.Declaration) -> list[nodes.Expression]:
    match declaration:
        case nodes.Let(value=value):
            return [value]
        case nodes.Tally(where=where) if where is not None:
            return [where]
        case nodes.Rule(entries=entries):
            return [e.condition for e in entries if isinstance(e, nodes.When | nodes.Unless)]
        case _:
            return []


def _bounded(
    declaration: nodes.Declaration, source: Source, diagnostics: Diagnostics
) -> nodes.Declaration:
    """The declaration, or a ``Broken`` one if it is nested deeper than the limit."""
    pending = [(e, 1) for e in _expressions(declaration)]
    while pending:
        node, depth = pending.pop()
        if depth > NESTING_LIMIT:
            diagnostics.error(
                "E0109",
                f"this is nested more than {NESTING_LIMIT} deep",
                source,
                node.span,
                help=("give the inner part a name with `let`",),
            )
            name = getattr(declaration, "name", None)
            kind = type(declaration).__name__.lower()
            return nodes.Broken(kind, name.text if name else "", declaration.span)
        pending += [(inner, depth + 1) for inner in nodes.operands(node)]
    return declaration
