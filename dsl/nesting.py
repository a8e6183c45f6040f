"""How deep a declaration is nested."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from clausal.dsl import nodes
from clausal.dsl.source import Span

NESTING_LIMIT: Final = 64
"""How many expressions, types or groups may lie within each other: more is not readable, and whoever
walks a tree may recurse."""

_Nested = nodes.Expression | nodes.Type | nodes.Field | nodes.Group


def too_deep(declaration: nodes.Declaration) -> Span | None:
    """The place of something that is nested deeper than the limit, if there is such a thing."""
    level = list(_outermost(declaration))
    for _ in range(NESTING_LIMIT):
        if not level:
            return None
        level = [inner for node in level for inner in _inside(node)]
    return level[0].span if level else None


def _outermost(declaration: nodes.Declaration) -> Iterator[_Nested]:
    match declaration:
        case nodes.Let(value=value):
            yield value
        case nodes.Tally(where=where) if where is not None:
            yield where
        case nodes.Rule(entries=entries):
            for entry in entries:
                if isinstance(entry, nodes.When | nodes.Unless):
                    yield entry.condition
        case nodes.Schema(fields=fields):
            yield from fields
        case nodes.Sanction(parameters=parameters):
            for parameter in parameters:
                yield parameter.type
        case _:
            return


def _inside(node: _Nested) -> Iterator[_Nested]:
    match node:
        case nodes.Group(fields=fields):
            yield from fields
        case nodes.Field(type=type_):
            yield type_
        case nodes.SetType(item=item) | nodes.MapType(item=item):
            yield item
        case nodes.ScalarType() | nodes.EnumType():
            return
        case _:
            yield from nodes.operands(node)
