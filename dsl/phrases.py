"""How the entries of a block are laid out, and the declarations that have no block."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, repeat, zip_longest
from typing import Final, assert_never

from clausal.dsl import nodes, spelling
from clausal.dsl.expressions import expression, is_chain
from clausal.dsl.layout import (
    LINE,
    STEP,
    WIDTH,
    Align,
    Atom,
    Doc,
    Group,
    Line,
    Nest,
    bracketed,
    filled,
    joined,
    width_of,
)
from clausal.dsl.source import Source, Span

PADDED: Final = 6
"""In a rule and in a header, keywords of at most six letters are padded to six.

So what follows `title`, `notice`, `cites`, `when`, `unless`, `mode` and `then` stands in one column,
the same in every rule; after longer keywords (`severity`, `rollout`, `because`), and in every other
block, there is one space.
"""

_WIDE: Final = Line("  ")
"""Between two texts, and before the labels of a declaration."""

OneLiner = (
    nodes.Clause
    | nodes.Target
    | nodes.Param
    | nodes.Terms
    | nodes.Let
    | nodes.Tally
    | nodes.Samples
    | nodes.MeasureSet
)
"""A declaration without a block."""


def keyword(text: str, span: Span, pad: int = 0) -> Doc:
    """The keyword that begins a node, and the space after it."""
    return (Atom(text, spelling.start_of(span)), " " * (max(pad - len(text), 0) + 1))


def texts(items: nodes.Texts) -> Doc:
    """Texts side by side, or one below the other."""
    return Align(Group(joined([_text(item) for item in items], _WIDE)))


def _text(item: nodes.Text) -> Doc:
    language = f"{item.language} " if item.language else ""
    return Atom(language + spelling.quoted(item.value), spelling.start_of(item.span))


def _listed(items: Sequence[Doc]) -> Doc:
    """On one line, or one item a line in the column of the first."""
    return Align(Group(joined(items, (",", LINE))))


def labels(items: nodes.Texts) -> Doc:
    """The labels at the end of a declaration's first line, or on the next line."""
    return Nest(Group((_WIDE, texts(items)))) if items else ""


def type_of(node: nodes.Type) -> Doc:
    """The type of a field or of a parameter."""
    match node:
        case nodes.ScalarType(name):
            return Atom(name, spelling.start_of(node.span))
        case nodes.EnumType(values):
            closing = Atom("]", spelling.last_of(node.span))
            return (keyword("enum", node.span), bracketed("[", list(map(_value, values)), closing))
        case nodes.SetType(item):
            return (keyword("set", node.span), "of ", type_of(item))
        case nodes.MapType(item):
            return (keyword("map", node.span), "of ", type_of(item))
        case _:
            assert_never(node)


def _value(node: nodes.EnumValue) -> Doc:
    return (spelling.word(node.name), *((" ", _text(label)) for label in node.labels))


def field(node: nodes.Field, column: int) -> Doc:
    """A field of a schema, its type `column` columns after its name began."""
    space = " " * max(column - width_of(node.name.text), 1)
    required = " required" if node.required else ""
    after = Nest(Group((_WIDE, texts(node.labels))), column) if node.labels else ""
    return (spelling.word(node.name), space, type_of(node.type), required, after)


class Phrases:
    """Builds the documents of entries; `source` is where the author's digits are, if at hand."""

    def __init__(self, source: Source | None) -> None:
        self.source = source

    def _literal(self, node: nodes.Literal | nodes.Missing | nodes.Failed) -> Doc:
        return spelling.literal(node, self.source)

    # ── Headers and libraries ────────────────────────────────────────────────────────────────────

    def header_entry(self, node: nodes.HeaderEntry) -> Doc:
        """What stands in the block of a policy or a library."""
        match node:
            case nodes.Title(items):
                return (keyword("title", node.span, PADDED), texts(items))
            case nodes.Notice(file):
                return (keyword("notice", node.span, PADDED), spelling.string(file))
            case nodes.InForce(start, end):
                if start is None:
                    return (keyword("in", node.span), "force unknown")
                until: Doc = (" ", self._literal(end)) if end else ""
                return (keyword("in", node.span), "force ", self._literal(start), " ..", until)
            case nodes.TimeZone(name):
                return (keyword("time", node.span), "zone ", spelling.string(name))
            case nodes.Use(library, version):
                return (keyword("use", node.span), spelling.word(library), f" {version}")
            case _:
                assert_never(node)

    def event_entry(self, node: nodes.EventEntry) -> Doc:
        """A role of a field in an event."""
        return (keyword(node.role, node.span), spelling.path(node.path))

    def parameters(self, items: tuple[nodes.Parameter, ...]) -> Doc:
        """The parameters of a sanction."""
        return bracketed("(", [self._parameter(item) for item in items], ")") if items else ""

    def _parameter(self, node: nodes.Parameter) -> Doc:
        default: Doc = (" = ", self._literal(node.default)) if node.default is not None else ""
        return (spelling.word(node.name), " ", type_of(node.type), default)

    def sanction_entry(self, node: nodes.SanctionEntry) -> Doc:
        """What stands in the block of a sanction."""
        match node:
            case nodes.Title(items):
                return (keyword("title", node.span), texts(items))
            case nodes.On(names):
                return (keyword("on", node.span), filled(spelling.words(names)))
            case nodes.Grade(value):
                return (keyword("grade", node.span), spelling.number(value, self.source))
            case nodes.Needs(what):
                return (keyword("needs", node.span), what)
            case nodes.Permanence(kind):
                return Atom(kind, spelling.start_of(node.span))
            case nodes.Joins(law, parameter):
                return (keyword("joins", node.span), _law(law, parameter))
            case nodes.Implies(names):
                return (keyword("implies", node.span), filled(spelling.words(names)))
            case nodes.Wording(items):
                return (keyword("wording", node.span), texts(items))
            case nodes.Dsa(name):
                return (keyword("dsa", node.span), spelling.word(name))
            case _:
                assert_never(node)

    # ── Declarations without a block ─────────────────────────────────────────────────────────────

    def one_liner(self, node: OneLiner) -> Doc:
        """A declaration that fits on a line, as a rule."""
        match node:
            case nodes.Clause(id, quote, status, reason):
                marked: Doc = (
                    Group(Nest((LINE, status, " " if reason else "", texts(reason))))
                    if status
                    else ""
                )
                id_and_quote = (spelling.word(id), " ", spelling.string(quote))
                return (keyword("clause", node.span), id_and_quote, marked)
            case nodes.Target(name, by, items):
                named = (spelling.word(name), " by ", spelling.path(by))
                return (keyword("target", node.span), named, labels(items))
            case nodes.Param(name, value, bounds, items):
                between: Doc = ""
                if bounds:
                    between = (
                        " range ",
                        self._literal(bounds[0]),
                        " .. ",
                        self._literal(bounds[1]),
                    )
                head = (keyword("param", node.span), spelling.word(name), " = ")
                return (head, self._literal(value), between, labels(items))
            case nodes.Terms(name, source):
                head = (keyword("terms", node.span), spelling.word(name), " = ")
                return (head, self._list_or_file(source))
            case nodes.Let(name, value):
                head = (keyword("let", node.span), spelling.word(name), " =")
                doc = expression(value, self.source)
                # A chain goes below the name; anything else begins behind it.
                return (head, Group(Nest((LINE, doc))) if is_chain(value) else (" ", doc))
            case nodes.Tally():
                return self._tally(node)
            case nodes.Samples(name, source, on):
                head = (keyword("samples", node.span), spelling.word(name), " = ")
                return (head, self._list_or_file(source), " on ", spelling.path(on))
            case nodes.MeasureSet(name, measures):
                head = (keyword("bundle", node.span), spelling.word(name), " =")
                items_ = joined([self._measure(one) for one in measures], (",", LINE))
                return (head, Group(Nest((LINE, items_))))
            case _:
                assert_never(node)

    def _list_or_file(self, node: nodes.ListOf | nodes.FileOf) -> Doc:
        if isinstance(node, nodes.ListOf):
            return spelling.list_of(node, self.source)
        return (keyword("file", node.span), spelling.string(node.file))

    def _tally(self, node: nodes.Tally) -> Doc:
        of: Doc = (" ", spelling.path(node.of)) if node.of else ""
        where: Doc = ""
        if node.where is not None:
            where = Group(Nest((LINE, "where ", Align(expression(node.where, self.source)))))
        return (
            keyword("tally", node.span),
            (spelling.word(node.name), f" = {node.kind}", of),
            (" by ", spelling.path(node.by), " over ", spelling.duration(node.over)),
            where,
        )

    # ── Tables and ladders ───────────────────────────────────────────────────────────────────────

    def cell(self, node: nodes.Cell) -> Doc:
        """One condition of a row."""
        match node:
            case nodes.AnyCell():
                return Atom("any", spelling.start_of(node.span))
            case nodes.RangeCell(start, end):
                first: Doc = (self._literal(start), " ") if start is not None else ""
                last: Doc = (" ", self._literal(end)) if end is not None else ""
                return (first, "..", last)
            case nodes.ValueCell(value):
                return self._literal(value)
            case _:
                assert_never(node)

    def _cells(self, node: nodes.Row) -> list[Doc]:
        cells = [self.cell(cell) for cell in node.cells]
        return [*((cell, ",") for cell in cells[:-1]), *cells[-1:]]

    def columns(self, rows: Sequence[nodes.Row]) -> list[int]:
        """The widths to which the cells of a table are filled up, if the rows then fit the page."""
        widths: list[int] = []
        for row in rows:
            cells = [one_line(cell) for cell in self._cells(row)]
            widths = [max(pair) for pair in zip_longest(widths, cells, fillvalue=0)]
        longest = max((one_line(self._literal(row.result)) for row in rows), default=0)
        fits = STEP + sum(widths) + len(widths) + len("=> ") + longest <= WIDTH
        return widths if fits else []

    def row(self, node: nodes.Row, columns: Sequence[int]) -> Doc:
        """A row of a table; `columns` are the widths to which its cells are filled up."""
        wanted = chain(columns, repeat(0))
        cells: list[Doc] = [
            (cell, " " * (width - one_line(cell)))
            for cell, width in zip(self._cells(node), wanted, strict=False)
        ]
        return Group((Nest(joined(cells, LINE)), " => ", self._literal(node.result)))

    def ladder_item(self, node: nodes.LadderEntry | nodes.Step, column: int) -> Doc:
        """What stands in the block of a ladder; the number of a step takes `column` columns."""
        match node:
            case nodes.Step(consequences=consequences):
                arrow = Atom(f"{step_label(node):{column}} => ", spelling.start_of(node.span))
                return (arrow, self._consequences(consequences))
            case nodes.Families(values):
                closing = Atom("]", spelling.last_of(node.span))
                listed = bracketed("[", list(map(_value, values)), closing)
                return (keyword("families", node.span), listed)
            case nodes.Weights(weights):
                return (
                    keyword("points", node.span),
                    filled([self._weight(one) for one in weights]),
                )
            case nodes.Counts(sums):
                return (keyword("counts", node.span), ", ".join(sums))
            case nodes.Life(spans):
                return (keyword("life", node.span), filled([self._lifetime(one) for one in spans]))
            case nodes.Jumps(jumps):
                return (keyword("from", node.span), filled(list(map(_jump, jumps))))
            case nodes.Probation(length, sanction):
                of = (spelling.duration(length), " after ", spelling.word(sanction))
                return (keyword("probation", node.span), of)
            case _:
                assert_never(node)

    def _weight(self, node: nodes.Weight) -> Doc:
        return (spelling.word(node.severity), " ", spelling.number(node.points, self.source))

    def _lifetime(self, node: nodes.Lifetime) -> Doc:
        length: Doc = "permanent" if node.length is None else spelling.duration(node.length)
        if node.points is None:
            return length
        return (length, " from ", spelling.number(node.points, self.source), " points")

    # ── Rules ────────────────────────────────────────────────────────────────────────────────────

    def rule_entry(self, node: nodes.RuleEntry) -> Doc:
        """What stands in the block of a rule."""
        match node:
            case nodes.Title(items):
                return (keyword("title", node.span, PADDED), texts(items))
            case nodes.Cites(citations):
                return (
                    keyword("cites", node.span, PADDED),
                    filled(list(map(_citation, citations))),
                )
            case nodes.Supersedes(rules):
                return (keyword("supersedes", node.span), filled(list(map(spelling.word, rules))))
            case nodes.When(condition):
                body = Align(expression(condition, self.source))
                return (keyword("when", node.span, PADDED), body)
            case nodes.Unless(condition):
                body = Align(expression(condition, self.source))
                return (keyword("unless", node.span, PADDED), body)
            case nodes.Severity(level):
                return (keyword("severity", node.span, PADDED), spelling.word(level))
            case nodes.Mode(mode):
                return (keyword("mode", node.span, PADDED), mode)
            case nodes.Rollout(share, by):
                of = (spelling.number(share, self.source), " by ", spelling.path(by))
                return (keyword("rollout", node.span, PADDED), of)
            case nodes.Brake():
                return (keyword("brake", node.span, PADDED), self._brake(node))
            case nodes.Then(consequences):
                return (keyword("then", node.span, PADDED), self._consequences(consequences))
            case nodes.Because(items):
                return (keyword("because", node.span, PADDED), texts(items))
            case _:
                assert_never(node)

    def _brake(self, node: nodes.Brake) -> Doc:
        most = spelling.number(node.most, self.source)
        least: Doc = ""
        if node.least is not None:
            least = (" from ", spelling.number(node.least, self.source))
        after: Doc = ""
        if node.after_change is not None:
            after = (" for ", spelling.duration(node.after_change), " after change")
        return (most, " per day by ", spelling.word(node.by), least, after)

    # ── Procedure ────────────────────────────────────────────────────────────────────────────────

    def same(self, node: nodes.Same) -> Doc:
        """What stands in the block of an incident."""
        of: Doc = "policy" if node.path is None else spelling.path(node.path)
        within: Doc = ""
        if node.within is not None:
            within = (" within ", spelling.duration(node.within))
        return (keyword("same", node.span), of, within)

    def procedure_entry(self, node: nodes.ProcedureEntry) -> Doc:
        """What stands in the block of a procedure."""
        match node:
            case nodes.Title(items):
                return (keyword("title", node.span), texts(items))
            case nodes.Reviews(deadlines):
                return (keyword("review", node.span), self._deadlines(deadlines))
            case nodes.Lapse(pending):
                return (keyword("lapse", node.span), filled(spelling.words(pending)))
            case nodes.Appeals(within, again):
                then = ", again with new evidence" if again else ""
                return (keyword("appeal", node.span), "within ", spelling.duration(within), then)
            case nodes.Decisions(deadlines):
                return (keyword("decide", node.span), "appeals ", self._deadlines(deadlines))
            case nodes.Late(names):
                return (keyword("late", node.span), "decisions lift ", _names(names))
            case nodes.Delay(names):
                return (keyword("appeals", node.span), "delay ", _names(names))
            case nodes.Pause(below):
                least: Doc = () if below is None else (" below ", spelling.word(below))
                return (keyword("appeals", node.span), "pause strikes", least)
            case nodes.TooOld(path, over, others):
                ages = [
                    self._literal(over),
                    *((self._literal(o.over), " from ", spelling.word(o.severity)) for o in others),
                ]
                of = ("strike for ", spelling.path(path), " over ")
                return (keyword("no", node.span), of, filled(ages))
            case nodes.Keep(length, names):
                kept = ("data ", spelling.duration(length), " after ", _names(names))
                return (keyword("keep", node.span), kept)
            case _:
                assert_never(node)

    def _deadlines(self, node: nodes.Deadlines) -> Doc:
        times: list[Doc] = [("within ", spelling.duration(node.within))]
        for other in node.others:
            of: Doc = " if interim"
            if other.grade is not None:
                of = (" from grade ", spelling.number(other.grade, self.source))
            times.append((spelling.duration(other.within), of))
        return filled(times)

    # ── Duties ───────────────────────────────────────────────────────────────────────────────────

    def duty_entry(self, node: nodes.DutyEntry) -> Doc:
        """What stands in the block of a duty."""
        match node:
            case nodes.Title() | nodes.Cites() | nodes.Because():
                return self.rule_entry(node)
            case nodes.Figure():
                return (keyword("measure", node.span, PADDED), self._figure(node))
            case nodes.InTable(table):
                return (keyword("in", node.span, PADDED), spelling.word(table))
            case nodes.TimeColumn(column):
                return (keyword("time", node.span, PADDED), spelling.word(column))
            case nodes.Threshold(kind, value, per_period):
                period = " per period" if per_period else ""
                return (keyword("at", node.span), f"{kind} ", self._literal(value), period)
            case nodes.Over(window):
                return (keyword("over", node.span, PADDED), spelling.duration(window))
            case _:
                assert_never(node)

    def _figure(self, node: nodes.Figure) -> Doc:
        rank: Doc = (" ", spelling.number(node.rank, self.source)) if node.rank else ""
        unit = f" {node.unit}" if node.unit else ""
        words = {
            "share": (" of ", " among "),
            "ratio": (" of ", " to "),
        }.get(node.statistic, (" from ", " to ") if node.unit else (" of ",))
        columns = [
            (word, spelling.word(column)) for word, column in zip(words, node.columns, strict=False)
        ]
        return (node.statistic, rank, unit, *columns)

    def _consequences(self, items: tuple[nodes.Consequence, ...]) -> Doc:
        return _listed([self._consequence(item) for item in items])

    def _consequence(self, node: nodes.Consequence) -> Doc:
        match node:
            case nodes.Measure():
                return self._measure(node)
            case nodes.LadderStrike(ladder, family, points):
                of: Doc = (" in ", spelling.word(family)) if family else ""
                weight: Doc = (" with ", self._literal(points), " points") if points else ""
                return (keyword("ladder", node.span), spelling.word(ladder), of, weight)
            case _:
                assert_never(node)

    def _measure(self, node: nodes.Measure) -> Doc:
        return (spelling.word(node.sanction), self._terms_of(node))

    def _terms_of(self, node: nodes.Measure | nodes.ExpectMeasure) -> Doc:
        """Everything of a measure that comes after its name."""
        parts: list[Doc] = []
        for argument in node.arguments:
            name: Doc = (spelling.word(argument.name), " = ") if argument.name else ""
            parts.append((" ", name, self._literal(argument.value)))
        if node.target is not None:
            parts.append((" on ", spelling.word(node.target)))
        match node.period:
            case nodes.Duration():
                parts.append((" for ", spelling.duration(node.period)))
            case nodes.UntilFixed(within):
                parts.append((" ", keyword("until", node.period.span), "fixed"))
                if within is not None:
                    parts.append((" within ", spelling.duration(within)))
            case None:
                pass
            case _:
                assert_never(node.period)
        if node.interim:
            parts.append(" interim")
        if node.review:
            parts.append(" after review by two" if node.review == 2 else " after review")
        return tuple(parts)

    # ── Tests ────────────────────────────────────────────────────────────────────────────────────

    def test_entry(self, node: nodes.TestEntry) -> Doc:
        """What stands in the block of a test."""
        match node:
            case nodes.At(moment):
                return (keyword("at", node.span), self._literal(moment))
            case nodes.Decided(moment):
                return (keyword("decided", node.span), self._literal(moment))
            case nodes.Given(assignments):
                given = filled([self._assignment(one) for one in assignments])
                return (keyword("given", node.span), given)
            case nodes.Expect(expectations):
                wanted = _listed([self._expectation(one) for one in expectations])
                return (keyword("expect", node.span), wanted)
            case _:
                assert_never(node)

    def _assignment(self, node: nodes.Assignment) -> Doc:
        if isinstance(node.value, nodes.PastStrikes):
            closing = Atom("]", spelling.last_of(node.value.span))
            past = [self._past_strike(one) for one in node.value.strikes]
            return (spelling.path(node.path), " = ", bracketed("[", past, closing))
        return (spelling.path(node.path), " = ", self._literal(node.value))

    def _past_strike(self, node: nodes.PastStrike) -> Doc:
        parts: list[Doc] = [spelling.number(node.points, self.source), " "]
        parts.append(spelling.word(node.family))
        if node.at is not None:
            parts.append((" at ", self._literal(node.at)))
        if node.until is not None:
            parts.append((" until ", self._literal(node.until)))
        if node.served is not None:
            until = (" until ", self._literal(node.served.until))
            parts.append((f" served step {node.served.step}", until))
        return tuple(parts)

    def _expectation(self, node: nodes.Expectation) -> Doc:
        match node:
            case nodes.ExpectMeasure(name, negated, bound):
                least: Doc = ""
                if bound:
                    least = (f" {bound[0]} ", spelling.number(bound[1], self.source))
                head = ("not " if negated else "", spelling.word(name))
                return (head, least, self._terms_of(node))
            case nodes.ExpectUndetermined(rule):
                return (keyword("undetermined", node.span), spelling.word(rule))
            case nodes.ExpectStep(ladder, step):
                return (keyword("ladder", node.span), spelling.word(ladder), f" step {step}")
            case nodes.ExpectOnly(rules):
                closing = Atom("]", spelling.last_of(node.span))
                return (keyword("only", node.span), bracketed("[", spelling.words(rules), closing))
            case nodes.ExpectNothing():
                return Atom("nothing", spelling.start_of(node.span))
            case _:
                assert_never(node)


def _names(names: tuple[nodes.Name, ...]) -> Doc:
    return filled(spelling.words(names))


def _law(law: str, parameter: nodes.Name | None) -> Doc:
    match law:
        case "strictest":
            return "strictest at each instant"
        case "latest":
            return "latest end"
        case "highest" | "lowest" if parameter is not None:
            return (f"{law} ", spelling.word(parameter), " at each instant")
        case _:
            return law


def _citation(node: nodes.Citation) -> Doc:
    pin = f"@{node.pin}" if node.pin else ""
    return (spelling.word(node.clause), pin)


def _jump(node: nodes.Jump) -> Doc:
    return (spelling.word(node.severity), f" step {node.step}")


def step_label(node: nodes.Step) -> str:
    """The number of a step, `4+` for all from four on."""
    return f"{node.number}+" if node.and_above else str(node.number)


def one_line(doc: Doc) -> int:
    """The columns that the document takes on one line."""
    match doc:
        case str():
            return width_of(doc)
        case Atom(text) | Line(text):
            return width_of(text)
        case tuple():
            return sum(map(one_line, doc))
        case Group(body) | Nest(body) | Align(body):
            return one_line(body)
        case _:
            return 0
