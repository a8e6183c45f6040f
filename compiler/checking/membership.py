"""Membership: values held against a list, which is written in place or declared as terms."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from clausal.compiler import ir, types
from clausal.compiler.checking.amounts import is_quantity
from clausal.compiler.checking.lists import named_terms, sifted
from clausal.compiler.checking.operands import Amount, Stored, Word, describe
from clausal.dsl import nodes

if TYPE_CHECKING:
    from clausal.compiler.checking.expressions import Expressions


def is_in(expressions: Expressions, node: nodes.In) -> ir.Condition | None:
    """``x in [a, b]``: equal to one of the values; None after reporting."""
    operand = expressions.operand(node.item)
    match operand:
        case None:
            _note_use(expressions, node.values)
            return None
        case Word(name=name):
            expressions.comparer.unknown(name)
            return None
        case Amount() if isinstance(node.values, nodes.ListOf):
            condition = _equals_any(expressions, operand, node.values)
        case Stored(type=types.SetOf()):
            expressions.misfit(
                node.item.span, operand, "`in`", ["write `has any […]` or `has all […]`"]
            )
            return None
        case Stored():
            values = _values(expressions, operand, node.values)
            condition = None if values is None else ir.Member(operand.slot, values)
        case _:
            expressions.misfit(node.item.span, operand, "`in`")
            return None
    if condition is None:
        return None
    return ir.Negation(condition) if node.negated else condition


def _note_use(expressions: Expressions, values: nodes.ListOf | nodes.Name) -> None:
    """A list of terms is used also where what is held against it is in error."""
    if isinstance(values, nodes.Name):
        named_terms(expressions.scope, expressions.definitions, values)


def _equals_any(
    expressions: Expressions, operand: Amount, values: nodes.ListOf
) -> ir.Condition | None:
    """``x in [1, 2, 3]`` for a number: equal to one of them."""
    if not _not_empty(expressions, values):
        return None
    conditions = []
    for item in sifted(expressions.report, values):
        if not is_quantity(item):
            _not_in_list(expressions, item, f"expected {describe(operand)}")
            continue
        other = expressions.operand(cast("nodes.Number", item))
        if other is not None:
            condition = expressions.comparer.compare(operand, "==", other, item.span)
            conditions += [condition] if condition is not None else []
    if len(conditions) < len(sifted(None, values)):
        return None
    return conditions[0] if len(conditions) == 1 else ir.Any(tuple(conditions))


def has(expressions: Expressions, node: nodes.Has) -> ir.Condition | None:
    """``x has any [a, b]`` and ``x has all [a, b]``; None after reporting."""
    operand = expressions.operand(node.item)
    match operand:
        case None:
            _note_use(expressions, node.values)
            return None
        case Word(name=name):
            expressions.comparer.unknown(name)
            return None
        case Stored(type=types.SetOf()):
            values = _values(expressions, operand, node.values)
            return None if values is None else ir.Overlap(operand.slot, values, node.every)
        case _:
            hints = ["write `in […]`"] if isinstance(operand, Stored) else []
            expressions.misfit(node.item.span, operand, "`has`", hints)
            return None


def _values(
    expressions: Expressions, stored: Stored, values: nodes.ListOf | nodes.Name
) -> tuple[str, ...] | None:
    """The values of a list that is held against an enum, a string, a text or a set."""
    item = stored.type.item if isinstance(stored.type, types.SetOf) else stored.type
    if isinstance(values, nodes.Name):
        info = named_terms(expressions.scope, expressions.definitions, values)
        if info is None:
            return None
        if isinstance(item, types.Enum):
            expressions.report.add(
                "E0302",
                f"`{values.text}` is a list of terms, and `{stored.name}` is {describe(stored)}",
                values.span,
                "",
                help=["list the values: `in [a, b]`"],
            )
            return None
        return tuple(sorted(set(info.terms)))
    if not _not_empty(expressions, values):
        return None
    wanted: type = nodes.Name if isinstance(item, types.Enum) else nodes.String
    fitting = []
    for value in sifted(expressions.report, values):
        if isinstance(value, wanted):
            fitting.append(value)
        elif isinstance(value, nodes.String) and isinstance(item, types.Enum):
            _not_in_list(expressions, value, f"write `{value.value}` without quotes")
        elif isinstance(value, nodes.Name):
            if not expressions.scope.excuses(value.text):
                _not_in_list(expressions, value, f'write it in quotes: `"{value.text}"`')
        else:
            _not_in_list(expressions, value, f"expected a value of {describe(stored)}")
    if len(fitting) < len(sifted(None, values)):
        return None
    if isinstance(item, types.Enum):
        return expressions.comparer.values(stored, cast("list[nodes.Name]", fitting))
    return tuple(sorted({cast("nodes.String", value).value for value in fitting}))


def _not_in_list(expressions: Expressions, value: nodes.Literal, label: str) -> None:
    expressions.report.add(
        "E0301",
        f"`{expressions.report.text(value.span)}` does not fit into this list",
        value.span,
        label,
    )


def _not_empty(expressions: Expressions, values: nodes.ListOf) -> bool:
    if values.items:
        return True
    expressions.report.add(
        "E0306",
        "the list is empty, so this does not depend on the event",
        values.span,
        "expected at least one value",
    )
    return False
