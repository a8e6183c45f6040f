"""Arithmetic: which quantities are added, multiplied and divided, and what comes of it."""

from __future__ import annotations

from typing import Final, Literal, cast

from clausal.compiler import ir
from clausal.compiler.checking.amounts import Dimension, fits
from clausal.compiler.checking.comparisons import Comparer
from clausal.compiler.checking.operands import Amount, constant_value, describe
from clausal.dsl import nodes

_PLAIN, _NUMBER, _SHARE = Dimension.PLAIN, Dimension.NUMBER, Dimension.SHARE
_DURATION, _INSTANT, _DATE = Dimension.DURATION, Dimension.INSTANT, Dimension.DATE
_MOMENTS: Final = (_INSTANT, _DATE)

_HALF_OF_PRODUCTS: Final = {
    (_PLAIN, _PLAIN): _PLAIN,
    (_PLAIN, _NUMBER): _NUMBER,
    (_PLAIN, _SHARE): _SHARE,
    (_PLAIN, _DURATION): _DURATION,
    (_NUMBER, _NUMBER): _NUMBER,
    (_NUMBER, _SHARE): _NUMBER,
    (_NUMBER, _DURATION): _DURATION,
    (_SHARE, _SHARE): _SHARE,
    (_SHARE, _DURATION): _DURATION,
}
_PRODUCTS: Final = _HALF_OF_PRODUCTS | {
    (right, left): product for (left, right), product in _HALF_OF_PRODUCTS.items()
}
"""What two dimensions give when multiplied; those that are lacking do not multiply."""

_QUOTIENTS: Final = {
    (_PLAIN, _PLAIN): _PLAIN,
    (_PLAIN, _NUMBER): _NUMBER,
    (_PLAIN, _SHARE): _NUMBER,
    (_NUMBER, _PLAIN): _NUMBER,
    (_NUMBER, _NUMBER): _PLAIN,
    (_NUMBER, _SHARE): _NUMBER,
    (_SHARE, _PLAIN): _SHARE,
    (_SHARE, _NUMBER): _NUMBER,
    (_SHARE, _SHARE): _PLAIN,
    (_DURATION, _PLAIN): _DURATION,
    (_DURATION, _NUMBER): _DURATION,
    (_DURATION, _SHARE): _DURATION,
    (_DURATION, _DURATION): _PLAIN,
}
"""What a dimension gives when it is divided by another. Like by like is a plain number: a ratio."""


def negate(comparer: Comparer, node: nodes.Minus, amount: Amount) -> Amount | None:
    """``-amount``; a point in time has no opposite (E0302)."""
    if amount.dimension in _MOMENTS:
        comparer.report.add(
            "E0302",
            f"`-` does not apply to {describe(amount)}",
            amount.span,
            f"this is {describe(amount)}",
        )
        return None
    quantity = ir.Arithmetic("-", ir.Constant(0.0), amount.quantity)
    return Amount(quantity, amount.dimension, node.span)


def calculate(
    comparer: Comparer, node: nodes.Arithmetic, left: Amount, right: Amount
) -> Amount | None:
    """``left operator right``; None after reporting units that do not fit, or a zero to divide by."""
    if node.operator in ("+", "-"):
        return _sum(comparer, node, left, right)
    return _product(comparer, node, left, right)


def _sum(comparer: Comparer, node: nodes.Arithmetic, left: Amount, right: Amount) -> Amount | None:
    """Like is added to like; points in time differ by durations, which move them."""
    aligned = comparer.aligned(left, right)
    if aligned is None:
        return None
    left, right = aligned
    one, two = left.dimension, right.dimension
    minus = node.operator == "-"
    if one is two and one in _MOMENTS and minus:
        difference: ir.Quantity = ir.Arithmetic("-", left.quantity, right.quantity)
        if one is _DATE:
            difference = ir.Arithmetic("*", difference, ir.Constant(float(ir.DAY)))
        return Amount(difference, _DURATION, node.span)
    if one in _MOMENTS and two is _DURATION:
        return _moved(node, left, right.quantity, minus=minus)
    if one is _DURATION and two in _MOMENTS and not minus:
        return _moved(node, right, left.quantity, minus=False)
    if not fits(one, two) or one in _MOMENTS:
        comparer.mismatch(left, right, node.span, "subtracted" if minus else "added")
        return None
    return _built(node, left.quantity, right.quantity, two if one is _PLAIN else one)


def _moved(node: nodes.Arithmetic, moment: Amount, length: ir.Quantity, *, minus: bool) -> Amount:
    """A point in time, later or earlier by a duration. Dates are days, durations microseconds."""
    if moment.dimension is _INSTANT:
        return _built(node, moment.quantity, length, _INSTANT)
    # The duration stands first, so that a program's stack is no deeper than the author's nesting.
    days = ir.Arithmetic("/", length, ir.Constant(float(-ir.DAY if minus else ir.DAY)))
    return Amount(ir.Arithmetic("+", days, moment.quantity), _DATE, node.span)


def _product(
    comparer: Comparer, node: nodes.Arithmetic, left: Amount, right: Amount
) -> Amount | None:
    if node.operator == "/" and constant_value(right.quantity, comparer.params) == 0:
        comparer.report.add(
            "E0309", "this divides by zero", node.right.span, notes=["it has no value"]
        )
        return None
    table = _PRODUCTS if node.operator == "*" else _QUOTIENTS
    dimension = table.get((left.dimension, right.dimension))
    if dimension is None:
        doing = "multiplied" if node.operator == "*" else "divided"
        comparer.mismatch(left, right, node.span, doing)
        return None
    return _built(node, left.quantity, right.quantity, dimension)


def _built(
    node: nodes.Arithmetic, left: ir.Quantity, right: ir.Quantity, dimension: Dimension
) -> Amount:
    operator = cast('Literal["+", "-", "*", "/"]', node.operator)
    return Amount(ir.Arithmetic(operator, left, right), dimension, node.span)
