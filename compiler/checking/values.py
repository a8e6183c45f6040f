"""The names that rules use: params, terms, lets, tables, tallies and samples.

Lets and tables may name each other. They are checked in the order of their dependence, each once,
so that nothing recurses through chains of names; a circle is an error.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, cast

import msgspec

from clausal.compiler import ir, types
from clausal.compiler.checking.amounts import Dimension, Measured, duration, is_quantity
from clausal.compiler.checking.definitions import Definitions, ParamInfo
from clausal.compiler.checking.documents import Document, Space
from clausal.compiler.checking.expressions import Expressions
from clausal.compiler.checking.lists import declare_samples, declare_terms
from clausal.compiler.checking.numbering import slots_of
from clausal.compiler.checking.operands import Amount, Lookup, Statement, describe
from clausal.compiler.checking.report import Report
from clausal.compiler.checking.schema import shown
from clausal.compiler.checking.scopes import Scope
from clausal.compiler.checking.tables import declare_table
from clausal.compiler.checking.texts import bilingual
from clausal.dsl import nodes
from clausal.dsl.diagnostics import Label
from clausal.dsl.parser import NESTING_LIMIT
from clausal.dsl.source import Span

SIZE_LIMIT: Final = 50_000
"""The most nodes that a condition may have when every name in it is replaced by its value."""

_PARAM_TYPES: Final = {
    Dimension.PLAIN: "number",
    Dimension.NUMBER: "number",
    Dimension.SHARE: "share",
    Dimension.DURATION: "duration",
    Dimension.INSTANT: "instant",
    Dimension.DATE: "date",
}

Value = nodes.Let | nodes.Table


def qualified(document: Document, name: str) -> str:
    """A name as the world outside of the policy or library knows it."""
    return f"{document.name}.{name}"


# ── Params ───────────────────────────────────────────────────────────────────────────────────────


def declare_params(scopes: Iterable[Scope], definitions: Definitions) -> None:
    """Number the params of the bundle, sorted by name.

    Versions of a policy that declare a param alike share it: bound anew, it changes for all. Where
    they differ, each has its own, named after the version: ``cn.rumours@1.2.0.cutoff``.
    """
    declared: list[tuple[nodes.Param, Document, ir.ParamDef, Dimension]] = []
    for scope in scopes:
        for node in scope.document.of(nodes.Param):
            found = _param(scope, node)
            if found is None:
                definitions.param_infos[id(node)] = None
            else:
                declared.append((node, scope.document, *found))
    variants: dict[str, set[ir.ParamDef]] = {}
    for _, _, param, _ in declared:
        variants.setdefault(param.name, set()).add(param)
    named = []
    for node, document, param, dimension in declared:
        if len(variants[param.name]) > 1:
            name = f"{document.name}@{document.header.version}.{node.name.text}"
            named.append((node, msgspec.structs.replace(param, name=name), dimension))
        else:
            named.append((node, param, dimension))
    definitions.params = tuple(sorted({param for _, param, _ in named}, key=lambda p: p.name))
    numbers = {param: index for index, param in enumerate(definitions.params)}
    for node, param, dimension in named:
        definitions.param_infos[id(node)] = ParamInfo(numbers[param], dimension)


def _param(scope: Scope, node: nodes.Param) -> tuple[ir.ParamDef, Dimension] | None:
    report = scope.report
    label = bilingual(report, node.labels)
    literals = [node.value, *(node.range or ())]
    measured: list[Measured] = []
    for literal in literals:
        assert is_quantity(literal), "the grammar admits quantities only"
        found = scope.calendar.measured(report, literal)
        if found is None:
            return None
        measured.append(found)
    value, *ends = measured
    for literal, end in zip(literals[1:], ends, strict=True):
        if end.dimension is not value.dimension:
            report.add(
                "E0303",
                f"the range of `{node.name.text}` is in another unit than its value",
                literal.span,
                f"this is a {end.dimension.value}",
                others=[report.label(node.value.span, f"this is a {value.dimension.value}")],
            )
            return None
    outside = [m for m in measured if value.dimension is Dimension.SHARE and not 0 <= m.value <= 1]
    if outside:
        report.add(
            "E0304",
            f"`{node.name.text}` is a share, which lies between 0 and 1",
            literals[measured.index(outside[0])].span,
        )
        return None
    low, high = (ends[0].value, ends[1].value) if ends else (None, None)
    if low is not None and high is not None and not low <= value.value <= high:
        first, last = literals[1:]
        empty = low > high
        report.add(
            "E0417",
            f"the range of `{node.name.text}` is empty"
            if empty
            else f"the value of `{node.name.text}` lies outside its range",
            first.span.cover(last.span) if empty else node.value.span,
            "",
            others=[] if empty else [report.label(first.span.cover(last.span), "the range")],
        )
        return None
    name = qualified(scope.document, node.name.text)
    unit = _PARAM_TYPES[value.dimension]
    return ir.ParamDef(name, unit, value.value, low, high, label), value.dimension


# ── Lets and tables ──────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, eq=False)
class _Definition:
    """A let or a table, where it stands, and the lets and tables that it names."""

    scope: Scope
    node: Value
    needs: tuple[Value, ...]


def declare_values(
    expressions: Mapping[int, Expressions], scopes: Iterable[Scope], definitions: Definitions
) -> None:
    """Check each let and table after those that it names. ``expressions`` is by document."""
    found: dict[int, _Definition] = {}
    for scope in scopes:
        for kind in (nodes.Let, nodes.Table):
            for node in scope.document.of(kind):
                assert isinstance(node, Value)
                found[id(node)] = _Definition(scope, node, tuple(_needs(scope, node)))
    for definition in _in_order(found, definitions):
        node, scope = definition.node, definition.scope
        checker = expressions[id(scope.document)]
        if not bounded(scope, _roots(node), definitions, node):
            definitions.values[id(node)] = None
        elif isinstance(node, nodes.Table):
            table = declare_table(checker, node)
            definitions.values[id(node)] = None if table is None else Lookup(table, node.name.span)
        else:
            definitions.values[id(node)] = _let(checker, node)
        if definitions.values[id(node)] is None:
            # Nothing more is made of what names it, so its size counts for nothing there either.
            definitions.extents[id(node)] = 1, 1


def _let(checker: Expressions, node: nodes.Let) -> Amount | Statement | Lookup | None:
    operand = checker.needed(node.value)
    if operand is None or isinstance(operand, Amount):
        return operand
    if isinstance(operand, Statement):
        # `true` under a name is a condition like any other, no longer a literal.
        return Statement(operand.condition, operand.span)
    checker.report.add(
        "E0307",
        f"`{node.name.text}` is neither a condition nor a number",
        node.value.span,
        f"this is {describe(operand)}",
    )
    return None


def _roots(node: Value) -> list[nodes.Expression]:
    return [node.value] if isinstance(node, nodes.Let) else list(node.columns)


def _names(roots: Iterable[nodes.Expression], scope: Scope) -> Iterator[str]:
    """The bare names in expressions, but for those that are values of an enum beside them."""
    pending = list(roots)
    while pending:
        node = pending.pop()
        if isinstance(node, nodes.Path) and len(node.parts) == 1:
            yield node.parts[0]
        elif isinstance(node, nodes.Compare):
            values = {
                value
                for operand in node.operands
                if isinstance(operand, nodes.Path)
                for use in [scope.schema.find(operand.parts)]
                if use is not None and isinstance(use.type, types.Enum)
                for value in use.type.names
            }
            pending += [
                operand
                for operand in node.operands
                if not (isinstance(operand, nodes.Path) and operand.parts[0] in values)
            ]
        else:
            pending += nodes.operands(node)


def _needs(scope: Scope, node: Value) -> Iterator[Value]:
    for name in dict.fromkeys(_names(_roots(node), scope)):
        found = scope.lookup(Space.VALUE, name)
        if found is not None and isinstance(found.node, Value):
            # Also what is then left unchecked, in a circle, is used.
            scope.mark(found.node)
            yield found.node


def _in_order(found: Mapping[int, _Definition], definitions: Definitions) -> Iterator[_Definition]:
    """Each definition after those that it needs; those in a circle are reported and left out."""
    done: set[int] = set()
    for start in found.values():
        path: list[_Definition] = []
        on_path: set[int] = set()
        waiting = [iter((start,))]
        while waiting:
            definition = next(waiting[-1], None)
            if definition is None:
                waiting.pop()
                if path:
                    finished = path.pop()
                    on_path.discard(id(finished))
                    if id(finished.node) not in done:
                        done.add(id(finished.node))
                        yield finished
                continue
            if id(definition.node) in done:
                continue
            if id(definition) in on_path:
                circle = path[path.index(definition) :]
                _report_circle(circle)
                for member in circle:
                    done.add(id(member.node))
                    definitions.values[id(member.node)] = None
                continue
            path.append(definition)
            on_path.add(id(definition))
            waiting.append(
                iter([found[id(need)] for need in definition.needs if id(need) in found])
            )


def _report_circle(circle: Sequence[_Definition]) -> None:
    first, *rest = circle
    names = " → ".join(f"`{member.node.name.text}`" for member in (*circle, first))
    first.scope.report.add(
        "E0210",
        f"`{first.node.name.text}` is defined by itself",
        first.node.name.span,
        names,
        others=[
            Label(member.scope.report.source, member.node.name.span, "which needs the one before")
            for member in rest
        ],
    )


def note_uses(scope: Scope, roots: Iterable[nodes.Expression]) -> None:
    """Count the names in expressions as used, where these are not checked any further."""
    for name in _names(roots, scope):
        found = scope.lookup(Space.VALUE, name)
        if found is not None:
            scope.mark(found.node)


def bounded(
    scope: Scope,
    roots: Sequence[nodes.Expression],
    definitions: Definitions,
    owner: Value | None = None,
) -> bool:
    """Whether expressions stay within the limits when the names in them are replaced by values.

    So a chain of lets can neither become too deep for what walks conditions later (E0109) nor, by
    naming each one twice, too large (E0219).
    """
    deepest, size = 0, 0
    pending = [(root, 1) for root in roots]
    while pending:
        node, depth = pending.pop()
        size += 1
        if isinstance(node, nodes.Path) and len(node.parts) == 1:
            found = scope.lookup(Space.VALUE, node.parts[0])
            inner = definitions.extents.get(id(found.node)) if found is not None else None
            if inner is not None:
                depth, size = depth + inner[0], size + inner[1]
        deepest = max(deepest, depth)
        if deepest > NESTING_LIMIT or size > SIZE_LIMIT:
            _report_extent(scope.report, node.span, deepest > NESTING_LIMIT)
            note_uses(scope, roots)
            return False
        pending += [(operand, depth + 1) for operand in nodes.operands(node)]
    if owner is not None:
        if isinstance(owner, nodes.Table):
            size *= max(1, len(owner.rows))
            deepest += 3
        definitions.extents[id(owner)] = deepest, size
    return True


def _report_extent(report: Report, span: Span, deep: bool) -> None:
    if deep:
        report.add(
            "E0109",
            f"this is nested more than {NESTING_LIMIT} deep, counting what the names in it stand "
            "for",
            span,
        )
    else:
        report.add(
            "E0219",
            f"this has more than {SIZE_LIMIT:,} parts, counting what the names in it stand for",
            span,
            help=["state it in fewer and simpler steps"],
        )


# ── Lists, tallies and samples ───────────────────────────────────────────────────────────────────


def declare_lists(scopes: Iterable[Scope], definitions: Definitions) -> None:
    """Read the lists of terms, and name the tallies, so that expressions can refer to them."""
    for scope in scopes:
        for terms in scope.document.of(nodes.Terms):
            definitions.terms[id(terms)] = declare_terms(scope, terms)
        for tally in scope.document.of(nodes.Tally):
            definitions.tallies[id(tally)] = qualified(scope.document, tally.name.text)


def declare_all_samples(
    scopes: Iterable[Scope], definitions: Definitions
) -> list[tuple[ir.SamplesDef, Label]]:
    """The samples of the bundle and where each is declared, without the slot that reads them."""
    found = []
    for scope in scopes:
        for node in scope.document.of(nodes.Samples):
            declared = declare_samples(scope, node)
            definitions.samples[id(node)] = None if declared is None else declared[0]
            if declared is not None:
                info, items = declared
                samples = ir.SamplesDef(info.name, items, info.on, None)
                found.append((samples, scope.report.label(node.name.span, "declared here")))
    return found


def declare_tallies(
    expressions: Mapping[int, Expressions], scopes: Iterable[Scope], definitions: Definitions
) -> list[tuple[ir.TallyDef, Label]]:
    """The tallies of the bundle and where each is declared, without the slot that reads them."""
    found = []
    for scope in scopes:
        for node in scope.document.of(nodes.Tally):
            tally = _tally(expressions[id(scope.document)], node, definitions)
            if tally is not None:
                found.append((tally, scope.report.label(node.name.span, "declared here")))
    return found


def _tally(checker: Expressions, node: nodes.Tally, definitions: Definitions) -> ir.TallyDef | None:
    scope, report = checker.scope, checker.report
    over = duration(report, node.over)
    if over is not None and over <= 0:
        report.add("E0605", "the window of a tally has a length", node.over.span)
        over = None
    by = _tally_field(scope, node.by, ("string",), "what the events are counted by")
    of: tuple[str, ...] | None = None
    sound = over is not None and by is not None
    if node.of is not None:
        wanted = ("integer", "number") if node.kind == "sum" else ("string", "integer")
        doing = "summed" if node.kind == "sum" else "told apart"
        of = _tally_field(scope, node.of, wanted, f"what is {doing}")
        sound = sound and of is not None
    where: ir.Condition | None = ir.ALWAYS
    if node.where is not None:
        where = None
        if bounded(scope, [node.where], definitions):
            where = checker.condition(node.where)
        if where is not None and not _reads_fields_only(checker, where):
            report.add(
                "E0605",
                "a tally counts events by what they hold, not by their history",
                node.where.span,
                "this reads a tally, strikes or samples",
            )
            where = None
    if not sound or where is None or over is None or by is None:
        return None
    kind = cast('Literal["count", "distinct", "sum", "rate"]', node.kind)
    return ir.TallyDef(definitions.tallies[id(node)], kind, of, by, over, where, None)


def _tally_field(
    scope: Scope, path: nodes.Path, wanted: tuple[str, ...], what: str
) -> tuple[str, ...] | None:
    use = scope.field(path.parts, path.span)
    if use is None:
        return None
    name = use.type.name if isinstance(use.type, types.Scalar) else ""
    enum_fits = "string" in wanted and isinstance(use.type, types.Enum)
    if name not in wanted and not enum_fits:
        kinds = [f"`{kind}`" for kind in wanted]
        scope.report.add(
            "E0605",
            f"`{shown(use.path)}` is {_a(types.describe(use.type))}",
            path.span,
            f"{what} is of type {' or '.join(kinds)}",
            others=[use.decl.place],
        )
        return None
    return use.path


def _a(noun: str) -> str:
    return f"an {noun}" if noun[0] in "aeiou" else f"a {noun}"


def _reads_fields_only(checker: Expressions, condition: ir.Condition) -> bool:
    return all(checker.inputs.slots[slot].source == "field" for slot in slots_of(condition))
