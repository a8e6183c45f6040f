"""How conditions and values are laid out: parentheses only where precedence needs them."""

from __future__ import annotations

import enum
from typing import Final, assert_never

from clausal.dsl import nodes, spelling
from clausal.dsl.layout import LINE, Align, Doc, Group, Nest, joined
from clausal.dsl.source import Source


class _Binding(enum.IntEnum):
    """How tightly an expression holds together, loosest first, as the grammar has it."""

    OR = 0
    AND = 1
    NOT = 2
    COMPARISON = 3
    SUM = 4
    PRODUCT = 5
    UNARY = 6


_PRODUCTS: Final = frozenset("*/")


def _binding(node: nodes.Expression) -> _Binding:
    match node:
        case nodes.Or():
            return _Binding.OR
        case nodes.And():
            return _Binding.AND
        case nodes.Not():
            return _Binding.NOT
        case (
            nodes.Compare()
            | nodes.In()
            | nodes.Has()
            | nodes.Between()
            | nodes.Contains()
            | nodes.Matches()
            | nodes.IsMissing()
        ):
            return _Binding.COMPARISON
        case nodes.Arithmetic(operator):
            return _Binding.PRODUCT if operator in _PRODUCTS else _Binding.SUM
        case _:
            return _Binding.UNARY


def is_chain(node: nodes.Expression) -> bool:
    """Whether the expression breaks into lines that begin with `and` or `or`."""
    return isinstance(node, nodes.And | nodes.Or)


def expression(node: nodes.Expression, source: Source | None) -> Doc:
    """The document of an expression; chains are not aligned yet, for that is up to what holds them."""
    return _Expressions(source).of(node)


class _Expressions:
    def __init__(self, source: Source | None) -> None:
        self.source = source

    def within(self, node: nodes.Expression, least: _Binding) -> Doc:
        """The expression where one that binds at least so tightly is expected."""
        if _binding(node) < least:
            return ("(", Align(self.of(node)), ")")
        return self.of(node)

    def of(self, node: nodes.Expression) -> Doc:
        match node:
            case nodes.Or(items):
                return self._chain("or ", items, _Binding.AND)
            case nodes.And(items):
                return self._chain("and ", items, _Binding.NOT)
            case nodes.Not(item):
                return ("not ", self.within(item, _Binding.NOT))
            case nodes.Compare(operands, operators):
                first, *rest = (self._operand(operand) for operand in operands)
                pairs = zip(operators, rest, strict=True)
                return Group(
                    (first, Nest(tuple((LINE, f"{sign} ", right) for sign, right in pairs)))
                )
            case nodes.In(item, values, negated):
                return self._test(item, " not in " if negated else " in ", values)
            case nodes.Has(item, values, every):
                return self._test(item, " has all " if every else " has any ", values)
            case nodes.Between(item, start, end):
                return (self.within(item, _Binding.SUM), f" between {start} and {end}")
            case nodes.Contains(item, terms):
                return self._test(item, " contains any ", terms)
            case nodes.Matches(item, pattern):
                return (self.within(item, _Binding.SUM), f" matches /{pattern}/")
            case nodes.IsMissing(item, negated):
                asked = " is not missing" if negated else " is missing"
                return (self.within(item, _Binding.SUM), asked)
            case nodes.Arithmetic():
                return self._arithmetic(node)
            case nodes.Minus(item):
                return ("-", self.within(item, _Binding.UNARY))
            case nodes.CountOf(path):
                return ("count of ", spelling.path(path))
            case nodes.StrikesOf(ladder):
                return ("strikes of ", spelling.word(ladder))
            case nodes.Similarity(path, samples):
                return ("similarity(", spelling.path(path), ", ", spelling.word(samples), ")")
            case nodes.Path():
                return spelling.path(node)
            case (
                nodes.Number()
                | nodes.Duration()
                | nodes.Date()
                | nodes.Instant()
                | nodes.String()
                | nodes.Boolean()
            ):
                return spelling.literal(node, self.source)
            case _:
                assert_never(node)

    def _chain(self, operator: str, items: tuple[nodes.Expression, ...], least: _Binding) -> Doc:
        """``a and b and c``; over several lines, each begins with its operator."""
        docs = [self.within(item, least) for item in items]
        # A chain inside a chain is indented, so that its operators do not read as the outer one's.
        docs = [Nest(doc) if is_chain(item) else doc for item, doc in zip(items, docs, strict=True)]
        return Group(joined(docs, (LINE, operator)))

    def _operand(self, node: nodes.Expression) -> Doc:
        """A side of a comparison; a sum on several lines stays behind the comparison's own lines."""
        doc = self.within(node, _Binding.SUM)
        return Nest(doc) if isinstance(node, nodes.Arithmetic) else doc

    def _test(self, item: nodes.Expression, verb: str, values: nodes.ListOf | nodes.Name) -> Doc:
        return (self.within(item, _Binding.SUM), verb, spelling.literal(values, self.source))

    def _arithmetic(self, node: nodes.Arithmetic) -> Doc:
        """``a + b - c`` as one group, though its tree leans to the left."""
        binding = _binding(node)
        tighter = _Binding(binding + 1)
        rest: list[Doc] = []
        left: nodes.Expression = node
        while isinstance(left, nodes.Arithmetic) and _binding(left) is binding:
            rest.append((LINE, f"{left.operator} ", self.within(left.right, tighter)))
            left = left.left
        return Group((self.within(left, binding), Nest(tuple(reversed(rest)))))
