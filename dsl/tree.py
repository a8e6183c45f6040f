"""From what the grammar recognises to the syntax tree.

One method for each rule of ``grammar.lark``, called when the rule is reduced; none looks at more
than its own children.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, get_args

from clausal.dsl import nodes
from clausal.dsl.slips import misplaced
from clausal.dsl.source import Span
from clausal.dsl.words import HALF_WIDTH, Token, Words

_COMPARISONS: Final = {"≤": "<=", "≥": ">=", "≠": "!="}


@dataclass(frozen=True, slots=True)
class _Phrase:
    """What a rule that is not a node by itself hands to the rule that holds it."""

    kind: str
    value: Any


def _phrase(kind: str, rest: tuple[Any, ...]) -> Any:
    """The value of the first phrase of that kind, or None."""
    return next((r.value for r in rest if isinstance(r, _Phrase) and r.kind == kind), None)


def _of(kind: type | tuple[type, ...], values: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(v for v in values if isinstance(v, kind))


def _phrased(words: tuple[Token, ...]) -> str:
    return " ".join(word.text for word in words)


class Builder(Words):
    """Builds the nodes of one source.

    Each method is called with the span of what was reduced and the values of its parts, in the order
    of the grammar; a part that the author left out is left out here too.
    """

    # ── Texts, names and literals ────────────────────────────────────────────────────────────────

    def texts(self, span: Span, *tokens: Token) -> nodes.Texts:
        if len(tokens) == 1:
            return (nodes.Text("", self._string(tokens[0]).value, span),)
        pairs = zip(tokens[0::2], tokens[1::2], strict=True)
        return tuple(self.label(Span(one.start, two.end), one, two) for one, two in pairs)

    def label(self, span: Span, language: Token, text: Token) -> nodes.Text:
        return nodes.Text(language.text, self._string(text).value, span)

    def names(self, span: Span, *tokens: Token) -> tuple[nodes.Name, ...]:
        return tuple(self._name(token) for token in tokens)

    def dotted(self, span: Span, *tokens: Token) -> nodes.Name:
        return nodes.Name(".".join(self._name(token).text for token in tokens), span)

    def name(self, span: Span, token: Token) -> nodes.Name:
        return self._name(token)

    def string(self, span: Span, token: Token) -> nodes.String:
        return self._string(token)

    def number(self, span: Span, token: Token) -> nodes.Number:
        return self._number(token)

    def negative(self, span: Span, minus: Token, token: Token) -> nodes.Number:
        number = self._number(token)
        return nodes.Number(number.digits.copy_negate(), number.suffix, span)

    def duration(self, span: Span, token: Token) -> nodes.Duration:
        return self._duration(token)

    def date(self, span: Span, token: Token) -> nodes.Date:
        return nodes.Date(self._moment(token, "day"), span)

    def instant(self, span: Span, token: Token) -> nodes.Instant:
        return nodes.Instant(self._moment(token, "time"), span)

    def boolean(self, span: Span, word: Token) -> nodes.Boolean:
        return nodes.Boolean(word.text == "true", span)

    def attribute(self, span: Span, token: Token) -> nodes.Name:
        return self._name(token)

    def key(self, span: Span, token: Token) -> nodes.Name:
        return nodes.Name(self._string(token).value, span)

    def path(self, span: Span, first: Token, *rest: nodes.Name) -> nodes.Path:
        return nodes.Path((self._name(first).text, *(part.text for part in rest)), span)

    path_or_name = path

    def list_of(self, span: Span, *items: nodes.Literal) -> nodes.ListOf:
        return nodes.ListOf(items, span)

    def strings(self, span: Span, *tokens: Token) -> nodes.ListOf:
        return nodes.ListOf(tuple(self._string(token) for token in tokens), span)

    def file(self, span: Span, token: Token) -> nodes.FileOf:
        return nodes.FileOf(self._string(token), span)

    # ── Headers ──────────────────────────────────────────────────────────────────────────────────

    def policy(self, span: Span, name: nodes.Name, version: Token, *entries: Any) -> nodes.Policy:
        return nodes.Policy(name, version.text.translate(HALF_WIDTH), entries, span)

    def library(self, span: Span, name: nodes.Name, version: Token, *entries: Any) -> nodes.Library:
        return nodes.Library(name, version.text.translate(HALF_WIDTH), entries, span)

    def title(self, span: Span, texts: nodes.Texts) -> nodes.Title:
        return nodes.Title(texts, span)

    def notice(self, span: Span, token: Token) -> nodes.Notice:
        return nodes.Notice(self._string(token), span)

    def in_force(self, span: Span, start: Any, end: Any = None) -> nodes.InForce:
        return nodes.InForce(start, end, span)

    def in_force_unknown(self, span: Span) -> nodes.InForce:
        return nodes.InForce(None, None, span)

    def time_zone(self, span: Span, token: Token) -> nodes.TimeZone:
        return nodes.TimeZone(self._string(token), span)

    def use(self, span: Span, name: nodes.Name, version: Token) -> nodes.Use:
        return nodes.Use(name, version.text.translate(HALF_WIDTH), span)

    # ── Notice ───────────────────────────────────────────────────────────────────────────────────

    def clause(self, span: Span, id: Token, quote: Token, *rest: Any) -> nodes.Clause:
        name = nodes.Name(id.text.translate(HALF_WIDTH), id.span)
        reason = next((r for r in rest if isinstance(r, tuple)), ())
        return nodes.Clause(name, self._string(quote), _phrase("status", rest) or "", reason, span)

    def status(self, span: Span, *words: Token) -> _Phrase:
        return _Phrase("status", _phrased(words))

    # ── Libraries ────────────────────────────────────────────────────────────────────────────────

    def event(self, span: Span, *entries: nodes.EventEntry) -> nodes.Event:
        return nodes.Event(entries, span)

    def event_entry(self, span: Span, role: Token, path: nodes.Path) -> nodes.EventEntry:
        return nodes.EventEntry(role.text, path, span)

    def target(self, span: Span, name: Token, by: nodes.Path, *labels: nodes.Text) -> nodes.Target:
        return nodes.Target(self._name(name), by, labels, span)

    def schema(self, span: Span, name: Token, *rest: Any) -> nodes.Schema:
        fields = _of((nodes.Field, nodes.Group), rest)
        return nodes.Schema(self._name(name), fields, _of(nodes.Text, rest), span)

    def field(self, span: Span, name: Token, type: nodes.Type, *rest: Any) -> nodes.Field:
        required = _phrase("required", rest) is not None
        return nodes.Field(self._name(name), type, required, _of(nodes.Text, rest), span)

    def required(self, span: Span, word: Token) -> _Phrase:
        return _Phrase("required", True)

    def group(self, span: Span, name: Token, *rest: Any) -> nodes.Group:
        fields = _of((nodes.Field, nodes.Group), rest)
        return nodes.Group(self._name(name), fields, _of(nodes.Text, rest), span)

    def scalar_type(self, span: Span, word: Token) -> nodes.ScalarType:
        return nodes.ScalarType(word.text, span)

    def enum_value(self, span: Span, name: Token, *labels: nodes.Text) -> nodes.EnumValue:
        return nodes.EnumValue(self._name(name), labels, span)

    def enum_type(self, span: Span, *values: nodes.EnumValue) -> nodes.EnumType:
        return nodes.EnumType(values, span)

    def set_type(self, span: Span, item: nodes.Type) -> nodes.SetType:
        return nodes.SetType(item, span)

    def map_type(self, span: Span, item: nodes.Type) -> nodes.MapType:
        return nodes.MapType(item, span)

    def sanction(self, span: Span, name: Token, *rest: Any) -> nodes.Sanction:
        parameters = next((r for r in rest if isinstance(r, tuple)), ())
        entries = tuple(r for r in rest if not isinstance(r, tuple))
        return nodes.Sanction(self._name(name), parameters, entries, span)

    def parameters(self, span: Span, *items: nodes.Parameter) -> tuple[nodes.Parameter, ...]:
        return items

    def parameter(
        self, span: Span, name: Token, type: nodes.Type, default: nodes.Literal | None = None
    ) -> nodes.Parameter:
        return nodes.Parameter(self._name(name), type, default, span)

    def sanction_on(self, span: Span, targets: tuple[nodes.Name, ...]) -> nodes.On:
        return nodes.On(targets, span)

    def grade(self, span: Span, token: Token) -> nodes.Grade:
        return nodes.Grade(self._number(token), span)

    def needs(self, span: Span, _: Token, *words: Token) -> nodes.Needs:
        return nodes.Needs(_phrased(words), span)

    def permanence(self, span: Span, word: Token) -> nodes.Permanence:
        return nodes.Permanence(word.text, span)

    def joins(self, span: Span, _: Token, law: Token, *rest: Token) -> nodes.Joins:
        parameter = self._name(rest[0]) if law.text in ("highest", "lowest") else None
        return nodes.Joins(law.text, parameter, span)

    def implies(self, span: Span, sanctions: tuple[nodes.Name, ...]) -> nodes.Implies:
        return nodes.Implies(sanctions, span)

    def wording(self, span: Span, texts: nodes.Texts) -> nodes.Wording:
        return nodes.Wording(texts, span)

    def dsa(self, span: Span, token: Token) -> nodes.Dsa:
        return nodes.Dsa(self._name(token), span)

    # ── Procedure ────────────────────────────────────────────────────────────────────────────────

    def incident(self, span: Span, by: Token, *same: nodes.Same) -> nodes.Incident:
        return nodes.Incident(self._name(by), same, span)

    def same(
        self, span: Span, path: nodes.Path, within: nodes.Duration | None = None
    ) -> nodes.Same:
        return nodes.Same(path, within, span)

    def same_policy(self, span: Span, within: nodes.Duration) -> nodes.Same:
        return nodes.Same(None, within, span)

    def procedure(self, span: Span, *entries: nodes.ProcedureEntry) -> nodes.Procedure:
        return nodes.Procedure(entries, span)

    def reviews(self, span: Span, deadlines: nodes.Deadlines) -> nodes.Reviews:
        return nodes.Reviews(deadlines, span)

    def lapse(self, span: Span, *pending: nodes.Name) -> nodes.Lapse:
        return nodes.Lapse(pending, span)

    def pending(self, span: Span, word: Token) -> nodes.Name:
        return nodes.Name(word.text, word.span)

    def appeals(
        self, span: Span, within: nodes.Duration, again: _Phrase | None = None
    ) -> nodes.Appeals:
        return nodes.Appeals(within, again is not None, span)

    def again(self, span: Span) -> _Phrase:
        return _Phrase("again", True)

    def decisions(self, span: Span, deadlines: nodes.Deadlines) -> nodes.Decisions:
        return nodes.Decisions(deadlines, span)

    def late(self, span: Span, sanctions: tuple[nodes.Name, ...]) -> nodes.Late:
        return nodes.Late(sanctions, span)

    def delay(self, span: Span, sanctions: tuple[nodes.Name, ...]) -> nodes.Delay:
        return nodes.Delay(sanctions, span)

    def pause(self, span: Span, below: Token | None = None) -> nodes.Pause:
        return nodes.Pause(None if below is None else self._name(below), span)

    def too_old(
        self,
        span: Span,
        path: nodes.Path,
        over: nodes.Number | nodes.Duration,
        *others: nodes.AgeFrom,
    ) -> nodes.TooOld:
        return nodes.TooOld(path, over, others, span)

    def age_from(
        self, span: Span, over: nodes.Number | nodes.Duration, severity: Token
    ) -> nodes.AgeFrom:
        return nodes.AgeFrom(over, self._name(severity), span)

    def keep(
        self, span: Span, length: nodes.Duration, sanctions: tuple[nodes.Name, ...]
    ) -> nodes.Keep:
        return nodes.Keep(length, sanctions, span)

    def deadlines(
        self, span: Span, within: nodes.Duration, *others: nodes.Deadline
    ) -> nodes.Deadlines:
        return nodes.Deadlines(within, others, span)

    def deadline_from(self, span: Span, within: nodes.Duration, grade: Token) -> nodes.Deadline:
        return nodes.Deadline(within, self._number(grade), span)

    def deadline_interim(self, span: Span, within: nodes.Duration) -> nodes.Deadline:
        return nodes.Deadline(within, None, span)

    # ── Names that rules use ─────────────────────────────────────────────────────────────────────

    def param(self, span: Span, name: Token, value: nodes.Literal, *rest: Any) -> nodes.Param:
        labels = _of(nodes.Text, rest)
        bounds = tuple(r for r in rest if not isinstance(r, nodes.Text))
        range_ = (bounds[0], bounds[1]) if bounds else None
        return nodes.Param(self._name(name), value, range_, labels, span)

    def terms(self, span: Span, name: Token, source: nodes.ListOf | nodes.FileOf) -> nodes.Terms:
        return nodes.Terms(self._name(name), source, span)

    def let(self, span: Span, name: Token, value: nodes.Expression) -> nodes.Let:
        return nodes.Let(self._name(name), value, span)

    def measurement(self, span: Span, kind: Token, of: nodes.Path | None = None) -> _Phrase:
        return _Phrase("measurement", (kind.text, of))

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

    def samples(
        self, span: Span, name: Token, source: nodes.ListOf | nodes.FileOf, on: nodes.Path
    ) -> nodes.Samples:
        return nodes.Samples(self._name(name), source, on, span)

    def table(self, span: Span, name: Token, *rest: Any) -> nodes.Table:
        return nodes.Table(self._name(name), _of(nodes.Path, rest), _of(nodes.Row, rest), span)

    def table_row(self, span: Span, *rest: Any) -> nodes.Row:
        return nodes.Row(tuple(rest[:-1]), rest[-1], span)

    def any_cell(self, span: Span, word: Token) -> nodes.AnyCell:
        return nodes.AnyCell(span)

    def range_from(self, span: Span, start: Any, end: Any = None) -> nodes.RangeCell:
        return nodes.RangeCell(start, end, span)

    def range_to(self, span: Span, end: Any) -> nodes.RangeCell:
        return nodes.RangeCell(None, end, span)

    def value_cell(self, span: Span, value: Any) -> nodes.ValueCell:
        return nodes.ValueCell(value, span)

    # ── Rules ────────────────────────────────────────────────────────────────────────────────────

    def rule(self, span: Span, name: Token, *entries: Any) -> nodes.Rule:
        return nodes.Rule(self._name(name), entries, span)

    def cites(self, span: Span, *citations: nodes.Citation) -> nodes.Cites:
        return nodes.Cites(citations, span)

    def citation(self, span: Span, clause: Token, pin: Token | None = None) -> nodes.Citation:
        name = nodes.Name(clause.text.translate(HALF_WIDTH), clause.span)
        return nodes.Citation(name, pin.text[1:] if pin is not None else None, span)

    def supersedes(self, span: Span, *rules: nodes.Name) -> nodes.Supersedes:
        return nodes.Supersedes(rules, span)

    def when(self, span: Span, condition: nodes.Expression) -> nodes.When:
        return nodes.When(condition, span)

    def unless(self, span: Span, condition: nodes.Expression) -> nodes.Unless:
        return nodes.Unless(condition, span)

    def severity(self, span: Span, level: Token) -> nodes.Severity:
        return nodes.Severity(self._name(level), span)

    def mode(self, span: Span, _: Token, mode: Token) -> nodes.Mode:
        return nodes.Mode(mode.text, span)

    def rollout(self, span: Span, share: nodes.Number, by: nodes.Path) -> nodes.Rollout:
        return nodes.Rollout(share, by, span)

    def brake(self, span: Span, most: nodes.Number, by: Token, *rest: _Phrase) -> nodes.Brake:
        least, after = _phrase("least", rest), _phrase("after", rest)
        return nodes.Brake(most, self._name(by), least, after, span)

    def brake_from(self, span: Span, least: nodes.Number) -> _Phrase:
        return _Phrase("least", least)

    def brake_after(self, span: Span, length: nodes.Duration) -> _Phrase:
        return _Phrase("after", length)

    def then(self, span: Span, *consequences: nodes.Consequence) -> nodes.Then:
        return nodes.Then(consequences, span)

    def because(self, span: Span, texts: nodes.Texts) -> nodes.Because:
        return nodes.Because(texts, span)

    def duty(self, span: Span, name: Token, *entries: Any) -> nodes.Duty:
        return nodes.Duty(self._name(name), entries, span)

    def statistic(self, span: Span, kind: Token, rank: Token | None = None) -> _Phrase:
        return _Phrase("statistic", (kind.text, None if rank is None else self._number(rank)))

    def unit(self, span: Span, word: Token) -> _Phrase:
        return _Phrase("unit", word.text)

    def _figure(
        self, span: Span, kind: str, columns: tuple[Token, ...], unit: str = "", rank: Any = None
    ) -> nodes.Figure:
        return nodes.Figure(kind, tuple(map(self._name, columns)), unit, rank, span)

    def figure_of(self, span: Span, statistic: _Phrase, column: Token) -> nodes.Figure:
        kind, rank = statistic.value
        return self._figure(span, kind, (column,), rank=rank)

    def figure_between(
        self, span: Span, statistic: _Phrase, unit: _Phrase, *columns: Token
    ) -> nodes.Figure:
        kind, rank = statistic.value
        return self._figure(span, kind, columns, unit.value, rank)

    def figure_share(self, span: Span, *columns: Token) -> nodes.Figure:
        return self._figure(span, "share", columns)

    def figure_ratio(self, span: Span, *columns: Token) -> nodes.Figure:
        return self._figure(span, "ratio", columns)

    def figure_count(self, span: Span, *columns: Token) -> nodes.Figure:
        return self._figure(span, "count", columns)

    def in_table(self, span: Span, name: Token) -> nodes.InTable:
        return nodes.InTable(self._name(name), span)

    def time_column(self, span: Span, name: Token) -> nodes.TimeColumn:
        return nodes.TimeColumn(self._name(name), span)

    def threshold(
        self, span: Span, _: Token, kind: Token, value: Any, *per: Token
    ) -> nodes.Threshold:
        return nodes.Threshold(kind.text, value, bool(per), span)

    def over(self, span: Span, window: nodes.Duration) -> nodes.Over:
        return nodes.Over(window, span)

    def ladder_strike(
        self,
        span: Span,
        ladder: Token,
        family: Token | None = None,
        points: nodes.Number | nodes.Name | None = None,
    ) -> nodes.LadderStrike:
        of = None if family is None else self._name(family)
        return nodes.LadderStrike(self._name(ladder), of, points, span)

    def _argument(self, value: Any) -> nodes.Argument:
        if isinstance(value, nodes.Argument):
            return value
        if isinstance(value, nodes.Name) and (advice := misplaced(value.text)):
            self.diagnostics.error(
                "E0101", f"unexpected `{value.text}`", self.source, value.span, help=(advice,)
            )
        return nodes.Argument(None, value, value.span)

    def _measure_parts(self, rest: tuple[Any, ...]) -> dict[str, Any]:
        return {
            "arguments": tuple(
                self._argument(r) for r in rest if not isinstance(r, (_Phrase, nodes.UntilFixed))
            ),
            "target": _phrase("target", rest),
            "period": _phrase("for", rest)
            or next((r for r in rest if isinstance(r, nodes.UntilFixed)), None),
            "interim": _phrase("interim", rest) is not None,
            "review": _phrase("review", rest) or 0,
        }

    def measure(self, span: Span, sanction: Token, *rest: Any) -> nodes.Measure:
        return nodes.Measure(self._name(sanction), **self._measure_parts(rest), span=span)

    def named_argument(self, span: Span, name: Token, value: nodes.Literal) -> nodes.Argument:
        return nodes.Argument(self._name(name), value, span)

    def on_target(self, span: Span, name: Token) -> _Phrase:
        return _Phrase("target", self._name(name))

    def for_duration(self, span: Span, duration: nodes.Duration) -> _Phrase:
        return _Phrase("for", duration)

    def until_fixed(self, span: Span, within: nodes.Duration | None = None) -> nodes.UntilFixed:
        return nodes.UntilFixed(within, span)

    def interim(self, span: Span, word: Token) -> _Phrase:
        return _Phrase("interim", True)

    def after_review(self, span: Span, *words: Token) -> _Phrase:
        return _Phrase("review", 2 if words[-1].text == "two" else 1)

    def bundle(self, span: Span, name: Token, *measures: nodes.Measure) -> nodes.MeasureSet:
        return nodes.MeasureSet(self._name(name), measures, span)

    def ladder(self, span: Span, name: Token, by: Token, *rest: Any) -> nodes.Ladder:
        return nodes.Ladder(
            self._name(name),
            self._name(by),
            next((part for part in rest if isinstance(part, nodes.Duration)), None),
            _of(nodes.Step, rest),
            _of(nodes.Text, rest),
            _of(get_args(nodes.LadderEntry), rest),
            span,
        )

    def families(self, span: Span, *values: nodes.EnumValue) -> nodes.Families:
        return nodes.Families(values, span)

    def weights(self, span: Span, *weights: nodes.Weight) -> nodes.Weights:
        return nodes.Weights(weights, span)

    def weight(self, span: Span, severity: Token, points: Token) -> nodes.Weight:
        return nodes.Weight(self._name(severity), self.number(points.span, points), span)

    def counts(self, span: Span, *sums: _Phrase) -> nodes.Counts:
        return nodes.Counts(tuple(part.value for part in sums), span)

    def counted(self, span: Span, *words: Token) -> _Phrase:
        return _Phrase("counted", _phrased(words))

    def life(self, span: Span, *spans: nodes.Lifetime) -> nodes.Life:
        return nodes.Life(spans, span)

    def span_of_life(
        self, span: Span, length: nodes.Duration | _Phrase, points: Token | None = None
    ) -> nodes.Lifetime:
        return nodes.Lifetime(
            length if isinstance(length, nodes.Duration) else None,
            None if points is None else self.number(points.span, points),
            span,
        )

    def for_good(self, span: Span, word: Token) -> _Phrase:
        return _Phrase("length", None)

    def jumps(self, span: Span, *jumps: nodes.Jump) -> nodes.Jumps:
        return nodes.Jumps(jumps, span)

    def jump(self, span: Span, severity: Token, step: Token) -> nodes.Jump:
        number = self._step_number(step.text.translate(HALF_WIDTH), step)
        return nodes.Jump(self._name(severity), number, span)

    def probation(self, span: Span, length: nodes.Duration, sanction: Token) -> nodes.Probation:
        return nodes.Probation(length, self._name(sanction), span)

    def step(self, span: Span, number: Token, *consequences: nodes.Consequence) -> nodes.Step:
        digits = number.text.translate(HALF_WIDTH).rstrip("+＋")
        and_above = len(digits) < len(number.text)
        return nodes.Step(self._step_number(digits, number), and_above, consequences, span)

    # ── Tests ────────────────────────────────────────────────────────────────────────────────────

    def test(self, span: Span, title: Token, *entries: Any) -> nodes.Test:
        return nodes.Test(self._string(title), entries, span)

    def test_at(self, span: Span, moment: Any) -> nodes.At:
        return nodes.At(moment, span)

    def test_decided(self, span: Span, moment: Any) -> nodes.Decided:
        return nodes.Decided(moment, span)

    def given(self, span: Span, *assignments: nodes.Assignment) -> nodes.Given:
        return nodes.Given(assignments, span)

    def assignment(self, span: Span, path: nodes.Path, value: Any) -> nodes.Assignment:
        return nodes.Assignment(path, value, span)

    def missing(self, span: Span, word: Token) -> nodes.Missing:
        return nodes.Missing(span)

    def failed(self, span: Span, word: Token) -> nodes.Failed:
        return nodes.Failed(span)

    def past_strikes(self, span: Span, *strikes: nodes.PastStrike) -> nodes.PastStrikes:
        return nodes.PastStrikes(strikes, span)

    def past_strike(self, span: Span, points: Token, family: Token, *rest: Any) -> nodes.PastStrike:
        moments = iter(_of((nodes.Date, nodes.Instant), rest))
        return nodes.PastStrike(
            self.number(points.span, points),
            self._name(family),
            next(moments, None),
            next(moments, None),
            next(iter(_of(nodes.Served, rest)), None),
            span,
        )

    def served(self, span: Span, step: Token, until: Any) -> nodes.Served:
        number = self._step_number(step.text.translate(HALF_WIDTH), step)
        return nodes.Served(number, until, span)

    def expect(self, span: Span, *expectations: nodes.Expectation) -> nodes.Expect:
        return nodes.Expect(expectations, span)

    def expectation(self, span: Span, *rest: Any) -> nodes.ExpectMeasure:
        name = next(r for r in rest if isinstance(r, Token))
        return nodes.ExpectMeasure(
            self._name(name),
            _phrase("not", rest) is not None,
            _phrase("bound", rest),
            **self._measure_parts(tuple(r for r in rest if not isinstance(r, Token))),
            span=span,
        )

    def expect_not(self, span: Span, word: Token) -> _Phrase:
        return _Phrase("not", True)

    def expect_bound(self, span: Span, operator: _Phrase, number: nodes.Number) -> _Phrase:
        return _Phrase("bound", (operator.value, number))

    def expect_undetermined(self, span: Span, rule: Token) -> nodes.ExpectUndetermined:
        return nodes.ExpectUndetermined(self._name(rule), span)

    def expect_step(self, span: Span, ladder: Token, step: Token) -> nodes.ExpectStep:
        number = self._step_number(step.text.translate(HALF_WIDTH), step)
        return nodes.ExpectStep(self._name(ladder), number, span)

    def expect_only(self, span: Span, rules: tuple[nodes.Name, ...] = ()) -> nodes.ExpectOnly:
        return nodes.ExpectOnly(rules, span)

    def expect_nothing(self, span: Span) -> nodes.ExpectNothing:
        return nodes.ExpectNothing(span)

    # ── Expressions ──────────────────────────────────────────────────────────────────────────────

    def disjunction(self, span: Span, *items: nodes.Expression) -> nodes.Or:
        return nodes.Or(items, span)

    def conjunction(self, span: Span, *items: nodes.Expression) -> nodes.And:
        return nodes.And(items, span)

    def negation(self, span: Span, item: nodes.Expression) -> nodes.Not:
        return nodes.Not(item, span)

    def compare_op(self, span: Span, token: Token) -> _Phrase:
        text = token.text.translate(HALF_WIDTH)
        return _Phrase("operator", _COMPARISONS.get(text, text))

    def compare(self, span: Span, *rest: Any) -> nodes.Compare:
        return nodes.Compare(
            tuple(rest[0::2]), tuple(operator.value for operator in rest[1::2]), span
        )

    def is_in(self, span: Span, item: Any, values: Any) -> nodes.In:
        return nodes.In(item, values, False, span)

    def is_not_in(self, span: Span, item: Any, values: Any) -> nodes.In:
        return nodes.In(item, values, True, span)

    def has_any(self, span: Span, item: Any, values: Any) -> nodes.Has:
        return nodes.Has(item, values, False, span)

    def has_all(self, span: Span, item: Any, values: Any) -> nodes.Has:
        return nodes.Has(item, values, True, span)

    def between(self, span: Span, item: Any, start: Token, end: Token) -> nodes.Between:
        return nodes.Between(item, self._clock(start), self._clock(end), span)

    def contains(self, span: Span, item: Any, terms: Any) -> nodes.Contains:
        return nodes.Contains(item, terms, span)

    def matches(self, span: Span, item: Any, pattern: Token) -> nodes.Matches:
        return nodes.Matches(item, pattern.text[1:-1], span)

    def is_missing(self, span: Span, item: Any) -> nodes.IsMissing:
        return nodes.IsMissing(item, False, span)

    def is_present(self, span: Span, item: Any) -> nodes.IsMissing:
        return nodes.IsMissing(item, True, span)

    def arithmetic(self, span: Span, left: Any, operator: Token, right: Any) -> nodes.Arithmetic:
        return nodes.Arithmetic(operator.text.translate(HALF_WIDTH), left, right, span)

    def minus(self, span: Span, sign: Token, item: nodes.Expression) -> nodes.Expression:
        if isinstance(item, nodes.Number) and not item.digits.is_signed():
            return nodes.Number(item.digits.copy_negate(), item.suffix, span)
        return nodes.Minus(item, span)

    def count_of(self, span: Span, path: nodes.Path) -> nodes.CountOf:
        return nodes.CountOf(path, span)

    def strikes_of(self, span: Span, ladder: Token) -> nodes.StrikesOf:
        return nodes.StrikesOf(self._name(ladder), span)

    def similarity(self, span: Span, path: nodes.Path, samples: Token) -> nodes.Similarity:
        return nodes.Similarity(path, self._name(samples), span)

    def parenthesised(self, span: Span, item: nodes.Expression) -> nodes.Expression:
        return item

    def start(self, span: Span, *declarations: nodes.Declaration) -> tuple[nodes.Declaration, ...]:
        return declarations
