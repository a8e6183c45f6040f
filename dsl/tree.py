"""From what the grammar recognises to the syntax tree.

One method for each rule of ``grammar.lark``, called by Lark as the rule is reduced; none looks at
more than its own children. Literals are checked here, where their spelling is known.
"""

from __future__ import annotations

import datetime
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Final, cast

from lark import Token, Transformer

from clausal.dsl import nodes
from clausal.dsl.diagnostics import Diagnostics
from clausal.dsl.source import Source, Span

_VALUES: Final = frozenset(
    "NAME NUMBER DURATION DATE INSTANT CLOCK STRING REGEX VERSION CLAUSE_ID PIN STEP LANG "
    "EVENT_ROLE COMPARE EQUALS PLUS MINUS STAR SLASH".split()
)
"""Terminals that carry meaning; all others are punctuation and keywords, which the rule implies."""

_HALF_WIDTH: Final = str.maketrans("＜＞＝！≤≥≠＋－×＊÷：％", "<>=!\u2264\u2265\u2260+-**/:%")
_COMPARISONS: Final = {"\u2264": "<=", "\u2265": ">=", "\u2260": "!="}
_ESCAPES: Final = {"n": "\n", "t": "\t", '"': '"', "\\": "\\"}
_ESCAPE: Final = re.compile(r"\\(u\{([^}]*)\}|.)", re.DOTALL)

Child = Any  # tokens, nodes and tuples of nodes: what Lark hands over is typed by the grammar alone


def _span_of(child: Child) -> Span:
    if isinstance(child, Token):
        return Span(cast(int, child.start_pos), cast(int, child.end_pos))
    return cast(Span, child.span)


def _spanned(children: list[Child]) -> Span:
    """From the first child to the last; groups of nodes are tuples, and empty ones have no place."""
    first = last = None
    for child in children:
        ends = (child[0], child[-1]) if isinstance(child, tuple) and child else (child, child)
        if isinstance(ends[0], tuple) or ends[0] is None:
            continue
        first = first if first is not None else ends[0]
        last = ends[1]
    if first is None or last is None:
        return nodes.NOWHERE
    return Span(_span_of(first).start, _span_of(last).end)


def _rule(method: Callable[..., Any]) -> Callable[[Any, list[Child]], Any]:
    """Calls ``method(self, span, *values)`` with the keywords and the punctuation left out."""

    def reduce(self: Any, children: list[Child]) -> Any:
        values = [c for c in children if not isinstance(c, Token) or c.type in _VALUES]
        return method(self, _spanned(children), *values)

    return reduce


def _words(method: Callable[..., Any]) -> Callable[[Any, list[Child]], Any]:
    """Calls ``method(self, span, words, *values)``, where ``words`` are the keywords, in order."""

    def reduce(self: Any, children: list[Child]) -> Any:
        words = tuple(str(c) for c in children if isinstance(c, Token) and c.type not in _VALUES)
        values = [c for c in children if not isinstance(c, Token) or c.type in _VALUES]
        return method(self, _spanned(children), words, *values)

    return reduce


@dataclass(frozen=True, slots=True)
class _Phrase:
    """What a rule that is not a node by itself hands to the rule that holds it."""

    kind: str
    value: Any
    span: Span


def _phrase(kind: str, rest: tuple[Child, ...]) -> Any:
    """The value of the first phrase of that kind, or None."""
    return next((r.value for r in rest if isinstance(r, _Phrase) and r.kind == kind), None)


def _of(kind: type | tuple[type, ...], values: tuple[Child, ...]) -> tuple[Any, ...]:
    return tuple(v for v in values if isinstance(v, kind))


class TreeBuilder(Transformer[Token, Any]):
    """Builds nodes for one source at a time: ``begin`` names the source, ``declared`` collects."""

    def __init__(self) -> None:
        super().__init__(visit_tokens=False)
        self.begin(Source("", ""), Diagnostics())

    def begin(self, source: Source, diagnostics: Diagnostics) -> None:
        self.source = source
        self.diagnostics = diagnostics

    # ── Words and literals ───────────────────────────────────────────────────────────────────────

    def _name(self, token: Token) -> nodes.Name:
        return nodes.Name(unicodedata.normalize("NFC", str(token)), _span_of(token))

    def _string(self, token: Token) -> nodes.String:
        text = str(token)
        if text.startswith("“"):
            return nodes.String(text[1:-1], _span_of(token))
        span = _span_of(token)
        body = text[1:-1]
        if "\\" not in body:
            return nodes.String(body, span)

        def unescape(match: re.Match[str]) -> str:
            simple, code = match.group(1), match.group(2)
            if simple in _ESCAPES:
                return _ESCAPES[simple]
            if code is not None and re.fullmatch(r"[0-9A-Fa-f]{1,6}", code):
                value = int(code, 16)
                if 0 < value <= 0x10FFFF and not 0xD800 <= value <= 0xDFFF:
                    return chr(value)
            at = span.start + 1 + match.start()
            self.diagnostics.error(
                "E0107",
                f"`{match.group(0)}` is not an escape",
                self.source,
                Span(at, at + len(match.group(0))),
                help=('write `\\"`, `\\\\`, `\\n`, `\\t` or `\\u{4e2d}`',),
            )
            return match.group(0)

        return nodes.String(_ESCAPE.sub(unescape, body), span)

    def _number(self, token: Token) -> nodes.Number:
        text = str(token).translate(_HALF_WIDTH).replace("_", "")
        digits = text.rstrip("%kM千万百亿").rstrip()
        suffix = text[len(digits) :].strip()
        try:
            value = Decimal(digits)
        except InvalidOperation:
            value = Decimal("Infinity")
        if not value.is_finite() or value.adjusted() > 300 or value.adjusted() < -300:
            self.diagnostics.error(
                "E0105",
                f"`{token}` is too large or too small a number",
                self.source,
                _span_of(token),
            )
            value = Decimal(0)
        return nodes.Number(value, suffix, _span_of(token))

    def _duration(self, token: Token) -> nodes.Duration:
        text = str(token).replace("_", "")
        amount = re.match(r"[\d.]+", text)
        assert amount is not None
        return nodes.Duration(
            Decimal(amount.group()), text[amount.end() :].strip(), _span_of(token)
        )

    def _moment(self, token: Token, what: str) -> None:
        try:
            datetime.datetime.fromisoformat(str(token))
        except ValueError:
            self.diagnostics.error(
                "E0106", f"`{token}` is not a {what} of the calendar", self.source, _span_of(token)
            )

    def _clock(self, token: Token) -> str:
        text = str(token).translate(_HALF_WIDTH)
        hour, minute = text.split(":")
        if int(hour) > 24 or int(minute) > 59 or (int(hour) == 24 and int(minute) > 0):
            self.diagnostics.error(
                "E0106",
                f"`{token}` is not a time of day",
                self.source,
                _span_of(token),
                help=("times of day run from 00:00 to 24:00",),
            )
            return "00:00"
        return text

    def _texts(self, tokens: tuple[Child, ...]) -> nodes.Texts:
        texts: list[nodes.Text] = []
        language, start = "", None
        for token in tokens:
            if token.type == "LANG":
                language, start = str(token), _span_of(token)
                continue
            string = self._string(token)
            span = start.cover(string.span) if start else string.span
            texts.append(nodes.Text(language, string.value, span))
            language, start = "", None
        return tuple(texts)

    @_rule
    def texts(self, span: Span, *tokens: Token) -> nodes.Texts:
        return self._texts(tokens)

    @_rule
    def label(self, span: Span, *tokens: Token) -> nodes.Text:
        return self._texts(tokens)[0]

    @_rule
    def names(self, span: Span, *tokens: Token) -> tuple[nodes.Name, ...]:
        return tuple(self._name(token) for token in tokens)

    @_rule
    def dotted(self, span: Span, *tokens: Token) -> nodes.Name:
        return nodes.Name(".".join(self._name(token).text for token in tokens), span)

    @_rule
    def name(self, span: Span, token: Token) -> nodes.Name:
        return self._name(token)

    @_rule
    def string(self, span: Span, token: Token) -> nodes.String:
        return self._string(token)

    @_rule
    def number(self, span: Span, token: Token) -> nodes.Number:
        return self._number(token)

    @_rule
    def negative(self, span: Span, minus: Token, token: Token) -> nodes.Number:
        number = self._number(token)
        return nodes.Number(number.digits.copy_negate(), number.suffix, span)

    @_rule
    def duration(self, span: Span, token: Token) -> nodes.Duration:
        return self._duration(token)

    @_rule
    def date(self, span: Span, token: Token) -> nodes.Date:
        self._moment(token, "day")
        return nodes.Date(str(token), span)

    @_rule
    def instant(self, span: Span, token: Token) -> nodes.Instant:
        self._moment(token, "time")
        return nodes.Instant(str(token), span)

    @_words
    def boolean(self, span: Span, words: tuple[str, ...]) -> nodes.Boolean:
        return nodes.Boolean(words[0] == "true", span)

    @_rule
    def attribute(self, span: Span, token: Token) -> nodes.Name:
        return self._name(token)

    @_rule
    def key(self, span: Span, token: Token) -> nodes.Name:
        return nodes.Name(self._string(token).value, span)

    @_rule
    def path(self, span: Span, first: Token, *rest: nodes.Name) -> nodes.Path:
        return nodes.Path((self._name(first).text, *(part.text for part in rest)), span)

    path_or_name = path

    @_rule
    def list(self, span: Span, *items: nodes.Literal) -> nodes.ListOf:
        return nodes.ListOf(items, span)

    @_rule
    def strings(self, span: Span, *tokens: Token) -> nodes.ListOf:
        return nodes.ListOf(tuple(self._string(token) for token in tokens), span)

    @_rule
    def file(self, span: Span, token: Token) -> nodes.FileOf:
        return nodes.FileOf(self._string(token), span)

    # ── Headers ──────────────────────────────────────────────────────────────────────────────────

    @_rule
    def policy(self, span: Span, name: nodes.Name, version: Token, *entries: Any) -> nodes.Policy:
        return nodes.Policy(name, str(version), entries, span)

    @_rule
    def library(self, span: Span, name: nodes.Name, version: Token, *entries: Any) -> nodes.Library:
        return nodes.Library(name, str(version), entries, span)

    @_rule
    def title(self, span: Span, texts: nodes.Texts) -> nodes.Title:
        return nodes.Title(texts, span)

    @_rule
    def notice(self, span: Span, token: Token) -> nodes.Notice:
        return nodes.Notice(self._string(token), span)

    @_rule
    def in_force(self, span: Span, start: Any, end: Any = None) -> nodes.InForce:
        return nodes.InForce(start, end, span)

    @_rule
    def time_zone(self, span: Span, token: Token) -> nodes.TimeZone:
        return nodes.TimeZone(self._string(token), span)

    @_rule
    def use(self, span: Span, name: nodes.Name, version: Token) -> nodes.Use:
        return nodes.Use(name, str(version), span)

    # ── Notice ───────────────────────────────────────────────────────────────────────────────────

    @_rule
    def clause(self, span: Span, id: Token, quote: Token, *rest: Any) -> nodes.Clause:
        name = nodes.Name(str(id), _span_of(id))
        reason = next((r for r in rest if isinstance(r, tuple)), ())
        return nodes.Clause(name, self._string(quote), _phrase("status", rest) or "", reason, span)

    @_words
    def status(self, span: Span, words: tuple[str, ...]) -> _Phrase:
        return _Phrase("status", " ".join(words), span)

    # ── Libraries ────────────────────────────────────────────────────────────────────────────────

    @_rule
    def event(self, span: Span, *entries: nodes.EventEntry) -> nodes.Event:
        return nodes.Event(entries, span)

    @_rule
    def event_entry(self, span: Span, role: Token, path: nodes.Path) -> nodes.EventEntry:
        return nodes.EventEntry(str(role), path, span)

    @_rule
    def target(self, span: Span, name: Token, by: nodes.Path, *labels: nodes.Text) -> nodes.Target:
        return nodes.Target(self._name(name), by, labels, span)

    @_rule
    def schema(self, span: Span, name: Token, *rest: Any) -> nodes.Schema:
        fields = _of((nodes.Field, nodes.Group), rest)
        return nodes.Schema(self._name(name), fields, _of(nodes.Text, rest), span)

    def field_name(self, children: list[Child]) -> nodes.Name:
        return self._name(children[0])

    @_rule
    def field(self, span: Span, name: nodes.Name, type: nodes.Type, *rest: Any) -> nodes.Field:
        required = _phrase("mark", rest) is not None
        return nodes.Field(name, type, required, _of(nodes.Text, rest), span)

    @_words
    def field_mark(self, span: Span, words: tuple[str, ...]) -> _Phrase:
        return _Phrase("mark", words[0], span)

    @_rule
    def group(self, span: Span, name: nodes.Name, *rest: Any) -> nodes.Group:
        fields = _of((nodes.Field, nodes.Group), rest)
        return nodes.Group(name, fields, _of(nodes.Text, rest), span)

    @_words
    def scalar_type(self, span: Span, words: tuple[str, ...]) -> nodes.ScalarType:
        return nodes.ScalarType(words[0], span)

    @_rule
    def enum_value(self, span: Span, name: Token, *labels: nodes.Text) -> nodes.EnumValue:
        return nodes.EnumValue(self._name(name), labels, span)

    @_rule
    def enum_type(self, span: Span, *values: nodes.EnumValue) -> nodes.EnumType:
        return nodes.EnumType(values, span)

    @_rule
    def set_type(self, span: Span, item: nodes.Type) -> nodes.SetType:
        return nodes.SetType(item, span)

    @_rule
    def map_type(self, span: Span, item: nodes.Type) -> nodes.MapType:
        return nodes.MapType(item, span)

    @_rule
    def sanction(self, span: Span, name: Token, *rest: Any) -> nodes.Sanction:
        parameters = next((r for r in rest if isinstance(r, tuple)), ())
        entries = tuple(r for r in rest if not isinstance(r, tuple))
        return nodes.Sanction(self._name(name), parameters, entries, span)

    @_rule
    def parameters(self, span: Span, *items: nodes.Parameter) -> tuple[nodes.Parameter, ...]:
        return items

    @_rule
    def parameter(
        self, span: Span, name: Token, type: nodes.Type, default: nodes.Literal | None = None
    ) -> nodes.Parameter:
        return nodes.Parameter(self._name(name), type, default, span)

    @_rule
    def sanction_on(self, span: Span, targets: tuple[nodes.Name, ...]) -> nodes.On:
        return nodes.On(targets, span)

    @_rule
    def grade(self, span: Span, token: Token) -> nodes.Grade:
        return nodes.Grade(self._number(token), span)

    @_words
    def needs(self, span: Span, words: tuple[str, ...], *rest: Any) -> nodes.Needs:
        return nodes.Needs(words[1] + (" by two" if _phrase("by two", rest) else ""), span)

    @_words
    def permanence(self, span: Span, words: tuple[str, ...]) -> nodes.Permanence:
        return nodes.Permanence(words[0], span)

    @_words
    def joins(
        self, span: Span, words: tuple[str, ...], parameter: Token | None = None
    ) -> nodes.Joins:
        return nodes.Joins(words[1], self._name(parameter) if parameter else None, span)

    @_rule
    def implies(self, span: Span, sanctions: tuple[nodes.Name, ...]) -> nodes.Implies:
        return nodes.Implies(sanctions, span)

    @_rule
    def wording(self, span: Span, texts: nodes.Texts) -> nodes.Wording:
        return nodes.Wording(texts, span)

    @_rule
    def dsa(self, span: Span, token: Token) -> nodes.Dsa:
        return nodes.Dsa(self._name(token), span)

    @_rule
    def by_two(self, span: Span) -> _Phrase:
        return _Phrase("by two", 2, span)

    # ── Names that rules use ─────────────────────────────────────────────────────────────────────

    @_rule
    def param(self, span: Span, name: Token, value: nodes.Literal, *rest: Any) -> nodes.Param:
        labels = _of(nodes.Text, rest)
        bounds = tuple(r for r in rest if not isinstance(r, (nodes.Text, Token)))
        range_ = (bounds[0], bounds[1]) if bounds else None
        return nodes.Param(self._name(name), value, range_, labels, span)

    @_rule
    def terms(self, span: Span, name: Token, source: nodes.ListOf | nodes.FileOf) -> nodes.Terms:
        return nodes.Terms(self._name(name), source, span)

    @_rule
    def let(self, span: Span, name: Token, value: nodes.Expression) -> nodes.Let:
        return nodes.Let(self._name(name), value, span)

    @_words
    def measurement(
        self, span: Span, words: tuple[str, ...], path: nodes.Path | None = None
    ) -> _Phrase:
        return _Phrase("measurement", (words[0], path), span)

    @_rule
    def tally(
        self,
        span: Span,
        name: Token,
        measurement: _Phrase,
        by: nodes.Path,
        over: nodes.Duration,
        where: nodes.Expression | None = None,
    ) -> nodes.Tally:
        kind, of = measurement.value
        return nodes.Tally(self._name(name), kind, of, by, over, where, span)

    @_rule
    def samples(
        self, span: Span, name: Token, source: nodes.ListOf | nodes.FileOf, on: nodes.Path
    ) -> nodes.Samples:
        return nodes.Samples(self._name(name), source, on, span)

    @_rule
    def table(self, span: Span, name: Token, *rest: Any) -> nodes.Table:
        return nodes.Table(self._name(name), _of(nodes.Path, rest), _of(nodes.Row, rest), span)

    @_rule
    def table_row(self, span: Span, *rest: Any) -> nodes.Row:
        return nodes.Row(tuple(rest[:-1]), rest[-1], span)

    @_rule
    def any_cell(self, span: Span) -> nodes.AnyCell:
        return nodes.AnyCell(span)

    @_rule
    def range_from(self, span: Span, start: Any, end: Any = None) -> nodes.RangeCell:
        return nodes.RangeCell(start, end, span)

    @_rule
    def range_to(self, span: Span, end: Any) -> nodes.RangeCell:
        return nodes.RangeCell(None, end, span)

    @_rule
    def value_cell(self, span: Span, value: Any) -> nodes.ValueCell:
        return nodes.ValueCell(value, span)

    # ── Rules ────────────────────────────────────────────────────────────────────────────────────

    @_rule
    def rule(self, span: Span, name: Token, *entries: Any) -> nodes.Rule:
        return nodes.Rule(self._name(name), entries, span)

    @_rule
    def cites(self, span: Span, *citations: nodes.Citation) -> nodes.Cites:
        return nodes.Cites(citations, span)

    @_rule
    def citation(self, span: Span, clause: Token, pin: Token | None = None) -> nodes.Citation:
        name = nodes.Name(str(clause), _span_of(clause))
        return nodes.Citation(name, str(pin)[1:] if pin is not None else None, span)

    @_rule
    def when(self, span: Span, condition: nodes.Expression) -> nodes.When:
        return nodes.When(condition, span)

    @_rule
    def unless(self, span: Span, condition: nodes.Expression) -> nodes.Unless:
        return nodes.Unless(condition, span)

    @_rule
    def severity(self, span: Span, level: Token) -> nodes.Severity:
        return nodes.Severity(self._name(level), span)

    @_words
    def mode(self, span: Span, words: tuple[str, ...]) -> nodes.Mode:
        return nodes.Mode(words[1], span)

    @_rule
    def rollout(self, span: Span, share: nodes.Number, by: nodes.Path) -> nodes.Rollout:
        return nodes.Rollout(share, by, span)

    @_rule
    def then(self, span: Span, *consequences: nodes.Consequence) -> nodes.Then:
        return nodes.Then(consequences, span)

    @_rule
    def because(self, span: Span, texts: nodes.Texts) -> nodes.Because:
        return nodes.Because(texts, span)

    @_rule
    def ladder_strike(self, span: Span, ladder: Token) -> nodes.LadderStrike:
        return nodes.LadderStrike(self._name(ladder), span)

    def _measure_parts(self, rest: tuple[Any, ...]) -> dict[str, Any]:
        return {
            "arguments": tuple(
                r if isinstance(r, nodes.Argument) else nodes.Argument(None, r, r.span)
                for r in rest
                if not isinstance(r, (_Phrase, nodes.UntilFixed))
            ),
            "target": _phrase("target", rest),
            "period": _phrase("for", rest)
            or next((r for r in rest if isinstance(r, nodes.UntilFixed)), None),
            "interim": _phrase("interim", rest) is not None,
            "review": _phrase("review", rest) or 0,
        }

    @_rule
    def measure(self, span: Span, sanction: Token, *rest: Any) -> nodes.Measure:
        return nodes.Measure(self._name(sanction), **self._measure_parts(rest), span=span)

    @_rule
    def named_argument(self, span: Span, name: Token, value: nodes.Literal) -> nodes.Argument:
        return nodes.Argument(self._name(name), value, span)

    @_rule
    def on_target(self, span: Span, name: Token) -> _Phrase:
        return _Phrase("target", self._name(name), span)

    @_rule
    def for_duration(self, span: Span, duration: nodes.Duration) -> _Phrase:
        return _Phrase("for", duration, span)

    @_rule
    def until_fixed(self, span: Span, within: nodes.Duration | None = None) -> nodes.UntilFixed:
        return nodes.UntilFixed(within, span)

    @_words
    def interim(self, span: Span, words: tuple[str, ...]) -> _Phrase:
        return _Phrase("interim", True, span)

    @_rule
    def after_review(self, span: Span, *rest: Any) -> _Phrase:
        return _Phrase("review", _phrase("by two", rest) or 1, span)

    @_rule
    def bundle(self, span: Span, name: Token, *measures: nodes.Measure) -> nodes.MeasureSet:
        return nodes.MeasureSet(self._name(name), measures, span)

    @_rule
    def ladder(
        self, span: Span, name: Token, by: Token, within: nodes.Duration, *rest: Any
    ) -> nodes.Ladder:
        return nodes.Ladder(
            self._name(name),
            self._name(by),
            within,
            _of(nodes.Step, rest),
            _of(nodes.Text, rest),
            span,
        )

    @_rule
    def step(self, span: Span, number: Token, *consequences: nodes.Consequence) -> nodes.Step:
        text = str(number)
        return nodes.Step(int(text.rstrip("+")), text.endswith("+"), consequences, span)

    # ── Tests ────────────────────────────────────────────────────────────────────────────────────

    @_rule
    def test(self, span: Span, title: Token, *entries: Any) -> nodes.Test:
        return nodes.Test(self._string(title), entries, span)

    @_rule
    def test_at(self, span: Span, moment: Any) -> nodes.At:
        return nodes.At(moment, span)

    @_rule
    def test_decided(self, span: Span, moment: Any) -> nodes.Decided:
        return nodes.Decided(moment, span)

    @_rule
    def given(self, span: Span, *assignments: nodes.Assignment) -> nodes.Given:
        return nodes.Given(assignments, span)

    @_rule
    def assignment(self, span: Span, path: nodes.Path, value: Any) -> nodes.Assignment:
        return nodes.Assignment(path, value, span)

    @_rule
    def missing(self, span: Span) -> nodes.Missing:
        return nodes.Missing(span)

    @_rule
    def failed(self, span: Span) -> nodes.Failed:
        return nodes.Failed(span)

    @_rule
    def expect(self, span: Span, *expectations: nodes.Expectation) -> nodes.Expect:
        return nodes.Expect(expectations, span)

    @_rule
    def expectation(self, span: Span, *rest: Any) -> nodes.ExpectMeasure:
        name = next(r for r in rest if isinstance(r, Token))
        return nodes.ExpectMeasure(
            self._name(name),
            _phrase("not", rest) is not None,
            _phrase("bound", rest),
            **self._measure_parts(tuple(r for r in rest if not isinstance(r, Token))),
            span=span,
        )

    @_rule
    def expect_not(self, span: Span) -> _Phrase:
        return _Phrase("not", True, span)

    @_rule
    def expect_bound(self, span: Span, operator: _Phrase, number: nodes.Number) -> _Phrase:
        return _Phrase("bound", (operator.value, number), span)

    @_rule
    def expect_undetermined(self, span: Span, rule: Token) -> nodes.ExpectUndetermined:
        return nodes.ExpectUndetermined(self._name(rule), span)

    @_rule
    def expect_step(self, span: Span, ladder: Token, step: Token) -> nodes.ExpectStep:
        number = self._number(step)
        if number.suffix or number.digits != number.digits.to_integral_value():
            self.diagnostics.error(
                "E0105", f"`{step}` is not the number of a step", self.source, _span_of(step)
            )
        return nodes.ExpectStep(self._name(ladder), int(number.digits), span)

    @_rule
    def expect_only(self, span: Span, rules: tuple[nodes.Name, ...] = ()) -> nodes.ExpectOnly:
        return nodes.ExpectOnly(rules, span)

    @_rule
    def expect_nothing(self, span: Span) -> nodes.ExpectNothing:
        return nodes.ExpectNothing(span)

    # ── Expressions ──────────────────────────────────────────────────────────────────────────────

    @_rule
    def disjunction(self, span: Span, *items: nodes.Expression) -> nodes.Or:
        return nodes.Or(items, span)

    @_rule
    def conjunction(self, span: Span, *items: nodes.Expression) -> nodes.And:
        return nodes.And(items, span)

    @_rule
    def negation(self, span: Span, item: nodes.Expression) -> nodes.Not:
        return nodes.Not(item, span)

    @_rule
    def compare_op(self, span: Span, token: Token) -> _Phrase:
        text = str(token).translate(_HALF_WIDTH)
        return _Phrase("operator", _COMPARISONS.get(text, text), span)

    @_rule
    def compare(self, span: Span, *rest: Any) -> nodes.Compare:
        return nodes.Compare(
            tuple(rest[0::2]), tuple(operator.value for operator in rest[1::2]), span
        )

    @_rule
    def is_in(self, span: Span, item: Any, values: Any) -> nodes.In:
        return nodes.In(item, values, False, span)

    @_rule
    def is_not_in(self, span: Span, item: Any, values: Any) -> nodes.In:
        return nodes.In(item, values, True, span)

    @_rule
    def has_any(self, span: Span, item: Any, values: Any) -> nodes.Has:
        return nodes.Has(item, values, False, span)

    @_rule
    def has_all(self, span: Span, item: Any, values: Any) -> nodes.Has:
        return nodes.Has(item, values, True, span)

    @_rule
    def between(self, span: Span, item: Any, start: Token, end: Token) -> nodes.Between:
        return nodes.Between(item, self._clock(start), self._clock(end), span)

    @_rule
    def contains(self, span: Span, item: Any, terms: Any) -> nodes.Contains:
        return nodes.Contains(item, terms, span)

    @_rule
    def matches(self, span: Span, item: Any, pattern: Token) -> nodes.Matches:
        return nodes.Matches(item, str(pattern)[1:-1], span)

    @_rule
    def is_missing(self, span: Span, item: Any) -> nodes.IsMissing:
        return nodes.IsMissing(item, False, span)

    @_rule
    def is_present(self, span: Span, item: Any) -> nodes.IsMissing:
        return nodes.IsMissing(item, True, span)

    @_rule
    def arithmetic(self, span: Span, left: Any, operator: Token, right: Any) -> nodes.Arithmetic:
        return nodes.Arithmetic(str(operator).translate(_HALF_WIDTH), left, right, span)

    @_rule
    def minus(self, span: Span, sign: Token, item: nodes.Expression) -> nodes.Expression:
        if isinstance(item, nodes.Number) and item.digits >= 0:
            return nodes.Number(item.digits.copy_negate(), item.suffix, span)
        return nodes.Minus(item, span)

    @_rule
    def count_of(self, span: Span, path: nodes.Path) -> nodes.CountOf:
        return nodes.CountOf(path, span)

    @_rule
    def strikes_of(self, span: Span, ladder: Token) -> nodes.StrikesOf:
        return nodes.StrikesOf(self._name(ladder), span)

    @_rule
    def similarity(self, span: Span, path: nodes.Path, samples: Token) -> nodes.Similarity:
        return nodes.Similarity(path, self._name(samples), span)

    @_rule
    def parenthesised(self, span: Span, item: nodes.Expression) -> nodes.Expression:
        return item

    @_rule
    def start(self, span: Span, *declarations: nodes.Declaration) -> tuple[nodes.Declaration, ...]:
        return declarations
