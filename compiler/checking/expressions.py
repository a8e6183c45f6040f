"""Expressions: every operand typed, every name resolved, conditions in the terms of the IR.

A method returns None when something in the expression is in error. That has been reported where it
was found, so the callers say nothing more about it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final, assert_never, cast

from clausal.compiler import ir, types
from clausal.compiler.checking.amounts import Dimension, dimension_of
from clausal.compiler.checking.arithmetic import calculate, negate
from clausal.compiler.checking.bounds import check_alternatives, check_together
from clausal.compiler.checking.comparisons import Comparer
from clausal.compiler.checking.definitions import Definitions
from clausal.compiler.checking.documents import Space
from clausal.compiler.checking.inputs import Inputs
from clausal.compiler.checking.lists import check_pattern, terms_of
from clausal.compiler.checking.membership import has, is_in
from clausal.compiler.checking.operands import (
    Amount,
    Lookup,
    Operand,
    Quoted,
    Statement,
    Stored,
    Word,
    describe,
)
from clausal.compiler.checking.report import Report
from clausal.compiler.checking.schema import FieldUse, shown
from clausal.compiler.checking.scopes import Scope
from clausal.dsl import nodes
from clausal.dsl.source import Span

_TEXTS: Final = (types.Scalar("string"), types.Scalar("text"))


class Expressions:
    """Checks the expressions of one document."""

    def __init__(self, scope: Scope, inputs: Inputs, definitions: Definitions) -> None:
        self.scope = scope
        self.inputs = inputs
        self.definitions = definitions
        self._params = definitions.param_values
        self.comparer = Comparer(scope, inputs, self._params, definitions.param_ranges)

    @property
    def report(self) -> Report:
        """Where to say what is wrong in the document."""
        return self.scope.report

    # ── Conditions ───────────────────────────────────────────────────────────────────────────────

    def condition(self, node: nodes.Expression) -> ir.Condition | None:
        """The condition that ``node`` states."""
        match node:
            case nodes.Or(items=items):
                return self._join(items, ir.Any)
            case nodes.And(items=items):
                return self._join(items, ir.All)
            case nodes.Not(item=item):
                inner = self.condition(item)
                return None if inner is None else ir.Negation(inner)
            case nodes.Compare():
                return self._compare(node)
            case nodes.In():
                return is_in(self, node)
            case nodes.Has():
                return has(self, node)
            case nodes.Between():
                return self._between(node)
            case nodes.Contains():
                return self._contains(node)
            case nodes.Matches():
                return self._matches(node)
            case nodes.IsMissing():
                return self._is_missing(node)
            case _:
                return self._stated(node)

    def _stated(self, node: nodes.Expression) -> ir.Condition | None:
        """A condition by itself: a bool field, a ``let``, or ``true`` as written."""
        operand = self.operand(node)
        match operand:
            case None:
                return None
            case Statement(condition=condition, literal=literal):
                if literal is not None:
                    self.report.add(
                        "W0907",
                        f"`{str(literal).lower()}` does not depend on the event",
                        node.span,
                    )
                return condition
            case Word(name=name):
                self.comparer.unknown(name)
                return None
            case _:
                self.report.add(
                    "E0307",
                    f"{describe(operand)} is not a condition",
                    node.span,
                    "expected something that is true or false",
                    help=[f"compare it: `{self.report.text(node.span)} >= …`"]
                    if isinstance(operand, Amount | Lookup)
                    else (),
                )
                return None

    def _join(
        self, items: Sequence[nodes.Expression], kind: type[ir.All | ir.Any]
    ) -> ir.Condition | None:
        lowered = [self.condition(item) for item in items]
        sound = [
            (condition, item.span)
            for condition, item in zip(lowered, items, strict=True)
            if condition is not None
        ]
        if len(sound) < len(items):
            return None
        if kind is ir.Any:
            check_alternatives(self.report, sound)
        elif not self._meets(sound):
            return None
        return kind(tuple([condition for condition, _ in sound]))

    def _meets(self, items: Sequence[tuple[ir.Condition, Span]]) -> bool:
        return check_together(self.report, items, self._params, self.inputs.slots)

    def _compare(self, node: nodes.Compare) -> ir.Condition | None:
        found = self._operands(node.operands)
        if any(operand is None for operand in found):
            return None
        operands = cast("list[Operand]", found)
        pairs: list[tuple[ir.Condition, Span]] = []
        for index, operator in enumerate(node.operators):
            left, right = operands[index], operands[index + 1]
            span = left.span.cover(right.span) if len(node.operators) > 1 else node.span
            condition = self.comparer.compare(left, operator, right, span)
            if condition is not None:
                pairs.append((condition, span))
        if len(pairs) < len(node.operators):
            return None
        if len(pairs) == 1:
            return pairs[0][0]
        if not self._meets(pairs):
            return None
        return ir.All(tuple([condition for condition, _ in pairs]))

    def _operands(self, items: Sequence[nodes.Expression]) -> list[Operand | None]:
        """The operands; beside an enum a bare name is one of its values, whatever else it names."""
        bare = [isinstance(item, nodes.Path) and len(item.parts) == 1 for item in items]
        found: list[Operand | None] = [
            None if is_bare else self.operand(item)
            for item, is_bare in zip(items, bare, strict=True)
        ]
        for index, item in enumerate(items):
            if bare[index]:
                assert isinstance(item, nodes.Path)
                name = nodes.Name(item.parts[0], item.span)
                neighbours = found[max(index - 1, 0) : index + 2]
                if any(_has_value(neighbour, name.text) for neighbour in neighbours):
                    found[index] = Word(name)
                else:
                    found[index] = self.operand(item)
        return found

    # ── Tests of one field ───────────────────────────────────────────────────────────────────────

    def _between(self, node: nodes.Between) -> ir.Condition | None:
        operand = self.needed(node.item)
        if operand is None:
            return None
        slot = _instant_slot(operand)
        if slot is None:
            self.misfit(node.item.span, operand, "`between`", ["it takes a field of type instant"])
            return None
        zone = self.scope.calendar.zone_name(self.report, node.span, "a time of day")
        start, end = _minutes(node.start), _minutes(node.end)
        if start == end or (start, end) == (1440, 0):
            self.report.add(
                "E0305",
                "the two times of day are the same",
                node.span,
                "",
                help=["the end is left out: `between 00:00 and 24:00` is the whole day"],
            )
            return None
        if zone is None:
            return None
        return ir.WallClock(slot, zone, start % 1440, end)

    def _contains(self, node: nodes.Contains) -> ir.Condition | None:
        operand = self.needed(node.item)
        terms = terms_of(self.scope, self.definitions, node.terms)
        if operand is None:
            return None
        if not isinstance(operand, Stored) or operand.type != types.Scalar("text"):
            hints = ["write `has any […]`"] if _is_set(operand) else []
            if isinstance(operand, Stored) and operand.type == types.Scalar("string"):
                hints = ["a string is compared as it is; declare the field as `text` to search it"]
            self.misfit(node.item.span, operand, "`contains any`", hints)
            return None
        if terms is None:
            return None
        self.definitions.searches.add_terms(self.report, terms.terms, node.terms.span)
        return ir.Mentions(operand.slot, self.inputs.term_list(terms.name, terms.terms))

    def _matches(self, node: nodes.Matches) -> ir.Condition | None:
        operand = self.needed(node.item)
        if operand is None:
            return None
        if not isinstance(operand, Stored) or operand.type not in _TEXTS:
            self.misfit(node.item.span, operand, "`matches`", ["it takes a string or a text"])
            return None
        folded = operand.type == types.Scalar("text")
        if not check_pattern(self.report, node, folded=folded):
            return None
        place = Span(node.span.end - len(node.pattern) - 2, node.span.end)
        self.definitions.searches.add_pattern(self.report, node.pattern, place, folded=folded)
        return ir.Pattern(operand.slot, node.pattern)

    def _is_missing(self, node: nodes.IsMissing) -> ir.Condition | None:
        slot = self._presence(node.item)
        if slot is None:
            return None
        absent = ir.Absent(slot)
        return ir.Negation(absent) if node.negated else absent

    def _presence(self, node: nodes.Expression) -> int | None:
        """The slot of a field, or of a tally, whose presence is asked for."""
        if isinstance(node, nodes.Path) and len(node.parts) == 1:
            name = nodes.Name(node.parts[0], node.span)
            found = self.scope.resolve(Space.VALUE, name)
            if found is None:
                self.comparer.unknown(name)
                return None
            if isinstance(found.node, nodes.Tally):
                return self._tally(found.node)
        elif isinstance(node, nodes.Path):
            use = self.scope.field(node.parts, node.span)
            if use is None:
                return None
            slot = self.inputs.field(use, self.report, node.span)
            if use.decl.required:
                self.report.add(
                    "W0907",
                    f"`{shown(use.path)}` is never missing",
                    node.span,
                    others=[use.decl.place],
                    notes=["an event without a `required` field is refused"],
                )
            return slot
        self.report.add(
            "E0302",
            "only a field can be missing",
            node.span,
            "expected a field or a tally",
        )
        return None

    def needed(self, node: nodes.Expression) -> Operand | None:
        """An operand that is not a bare name."""
        operand = self.operand(node)
        if isinstance(operand, Word):
            self.comparer.unknown(operand.name)
            return None
        return operand

    def misfit(
        self, span: Span, operand: Operand, operator: str, hints: Sequence[str] = ()
    ) -> None:
        """Report an operator beside something that it does not work on (E0302)."""
        self.report.add(
            "E0302",
            f"{operator} does not apply to {describe(operand)}",
            span,
            f"this is {describe(operand)}",
            help=hints,
        )

    # ── Operands ─────────────────────────────────────────────────────────────────────────────────

    def operand(self, node: nodes.Expression) -> Operand | None:
        """What ``node`` is worth."""
        match node:
            case nodes.Path(parts=(name,)):
                return self._named(nodes.Name(name, node.span))
            case nodes.Path():
                use = self.scope.field(node.parts, node.span)
                return None if use is None else self._read(use, node.span)
            case nodes.Number() | nodes.Duration() | nodes.Date() | nodes.Instant():
                measured = self.scope.calendar.measured(self.report, node)
                if measured is None:
                    return None
                return Amount(
                    ir.Constant(measured.value),
                    measured.dimension,
                    node.span,
                    date=node if isinstance(node, nodes.Date) else None,
                )
            case nodes.String(value=value):
                return Quoted(value, node.span)
            case nodes.Boolean(value=value):
                return Statement(ir.Truth(value), node.span, value)
            case nodes.Arithmetic():
                return self._arithmetic(node)
            case nodes.Minus(item=item):
                return self._minus(node, item)
            case nodes.CountOf():
                return self._count(node)
            case nodes.StrikesOf():
                return self._strikes(node)
            case nodes.Similarity():
                return self._similarity(node)
            case (
                nodes.Or()
                | nodes.And()
                | nodes.Not()
                | nodes.Compare()
                | nodes.In()
                | nodes.Has()
                | nodes.Between()
                | nodes.Contains()
                | nodes.Matches()
                | nodes.IsMissing()
            ):
                condition = self.condition(node)
                return None if condition is None else Statement(condition, node.span)
            case _:
                assert_never(node)

    def _read(self, use: FieldUse, span: Span) -> Operand:
        slot = self.inputs.field(use, self.report, span)
        dimension = dimension_of(use.type)
        if dimension is not None:
            return Amount(ir.Reading(slot), dimension, span, use.type)
        if use.type == types.Scalar("bool"):
            return Statement(ir.Flag(slot), span)
        assert isinstance(use.type, types.Scalar | types.Enum | types.SetOf)
        return Stored(slot, use.type, shown(use.path), span)

    def _named(self, name: nodes.Name) -> Operand | None:
        found = self.scope.resolve(Space.VALUE, name)
        if found is None:
            return Word(name)
        match found.node:
            case nodes.Param() as node:
                info = self.definitions.param_infos[id(node)]
                if info is None:
                    return None
                return Amount(ir.Param(info.index), info.dimension, name.span)
            case nodes.Let() | nodes.Table() as node:
                value = self.definitions.values.get(id(node))
                return None if value is None else replace(value, span=name.span)
            case nodes.Tally() as node:
                return Amount(
                    ir.Reading(self._tally(node)),
                    Dimension.NUMBER,
                    name.span,
                    types.Scalar("number"),
                )
            case _:
                kind = "terms" if isinstance(found.node, nodes.Terms) else "samples"
                hints = "`contains any` or `in`" if kind == "terms" else "`similarity(field, …)`"
                self.report.add(
                    "E0203",
                    f"`{name.text}` is a list of {kind}, not a value",
                    name.span,
                    "",
                    others=[found.place],
                    help=[f"use it with {hints}"],
                )
                return None

    def _tally(self, node: nodes.Tally) -> int:
        return self.inputs.history("tally", self.definitions.tallies[id(node)])

    def _count(self, node: nodes.CountOf) -> Operand | None:
        use = self.scope.field(node.path.parts, node.path.span)
        if use is None:
            return None
        if not isinstance(use.type, types.SetOf):
            operand = self._read(use, node.path.span)
            self.misfit(node.path.span, operand, "`count of`", ["it takes a set"])
            return None
        slot = self.inputs.field(use, self.report, node.path.span)
        return Amount(ir.Count(slot), Dimension.NUMBER, node.span, types.Scalar("integer"))

    def _strikes(self, node: nodes.StrikesOf) -> Operand | None:
        found = self.scope.find(nodes.Ladder, node.ladder)
        if found is None:
            return None
        slot = self.inputs.history("strikes", self.definitions.strikes[id(found.node)])
        return Amount(ir.Reading(slot), Dimension.NUMBER, node.span, types.Scalar("integer"))

    def _similarity(self, node: nodes.Similarity) -> Operand | None:
        use = self.scope.field(node.path.parts, node.path.span)
        found = self.scope.find(nodes.Samples, node.samples)
        info = self.definitions.samples.get(id(found.node)) if found else None
        if use is None or found is None or info is None:
            return None
        if use.path != info.on:
            self.report.add(
                "E0606",
                f"`{node.samples.text}` is held against `{shown(info.on)}`",
                node.path.span,
                f"not against `{shown(use.path)}`",
                others=[found.place],
            )
            return None
        slot = self.inputs.history("similarity", info.name)
        return Amount(ir.Reading(slot), Dimension.SHARE, node.span, types.Scalar("share"))

    # ── Arithmetic ───────────────────────────────────────────────────────────────────────────────

    def _number(self, node: nodes.Expression, operator: str) -> Amount | None:
        operand = self.needed(node)
        match operand:
            case None | Amount():
                return operand
            case Lookup():
                self.report.add(
                    "E0315",
                    "the result of a table is compared, not calculated with",
                    node.span,
                    "",
                    help=["compare it with a number: `TABLE >= 4`"],
                )
            case _:
                self.misfit(node.span, operand, f"`{operator}`", ["it takes numbers"])
        return None

    def _minus(self, node: nodes.Minus, item: nodes.Expression) -> Operand | None:
        amount = self._number(item, "-")
        return None if amount is None else negate(self.comparer, node, amount)

    def _arithmetic(self, node: nodes.Arithmetic) -> Operand | None:
        left = self._number(node.left, node.operator)
        right = self._number(node.right, node.operator)
        if left is None or right is None:
            return None
        return calculate(self.comparer, node, left, right)


def _has_value(operand: Operand | None, name: str) -> bool:
    return (
        isinstance(operand, Stored)
        and isinstance(operand.type, types.Enum)
        and name in operand.type.names
    )


def _is_set(operand: Operand) -> bool:
    return isinstance(operand, Stored) and isinstance(operand.type, types.SetOf)


def _instant_slot(operand: Operand) -> int | None:
    """The slot of an operand that is the value of an instant field; None for any other."""
    if (
        isinstance(operand, Amount)
        and isinstance(operand.quantity, ir.Reading)
        and operand.type == types.Scalar("instant")
    ):
        return operand.quantity.slot
    return None


def _minutes(clock: str) -> int:
    hour, minute = clock.split(":")
    return int(hour) * 60 + int(minute)
