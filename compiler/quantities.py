"""Arithmetic on what is known when a bundle is compiled, or when its params are bound anew."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from typing import Final, Literal, assert_never

from clausal.compiler.ir import Arithmetic, Constant, Count, Param, Quantity, Reading

_Operator = Literal["+", "-", "*", "/"]

_ARITHMETIC: Final[dict[_Operator, Callable[[float, float], float]]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
}


POINTS_LIMIT: Final = 1_000_000
"""No strike weighs more."""


def is_weight(value: float) -> bool:
    """Whether a number is one of points, as a strike may have them: whole, and not below 0."""
    return 0 <= value <= POINTS_LIMIT and value.is_integer()


def fold(quantity: Quantity, params: Sequence[float]) -> Quantity:
    """The quantity with each part that no event can change made one constant.

    Parts are folded as they stand, never re-associated, so that the engine and the compiler do the
    same operations on the same floats. A result that is not finite is unknown, which no constant
    can say: such a part keeps its operation, and the engine finds it unknown for every event.

    >>> fold(Arithmetic("*", Constant(2.0), Param(0)), [0.5])
    Constant(value=1.0, origin=Arithmetic(operator='*', left=Constant(value=2.0, origin=None), \
right=Param(index=0)))
    >>> fold(Arithmetic("/", Constant(1.0), Constant(0.0)), [])
    Arithmetic(operator='/', left=Constant(value=1.0, origin=None), \
right=Constant(value=0.0, origin=None))
    """
    match quantity:
        case Constant(value=value, origin=None):
            return Constant(_plain(value))
        case Constant(origin=origin):
            assert origin is not None
            return fold(origin, params)
        case Param(index=index):
            return Constant(_plain(params[index]), quantity)
        case Reading() | Count():
            return quantity
        case Arithmetic(operator=name, left=left, right=right):
            left, right = fold(left, params), fold(right, params)
            if isinstance(left, Constant) and isinstance(right, Constant):
                value_or_none = _apply(name, left.value, right.value)
                if value_or_none is not None:
                    return Constant(value_or_none, _origin(name, left, right))
            return Arithmetic(name, left, right)
        case _:
            assert_never(quantity)


def _origin(name: _Operator, left: Constant, right: Constant) -> Quantity | None:
    if left.origin is None and right.origin is None:
        return None
    return Arithmetic(name, left.origin or left, right.origin or right)


def _apply(name: _Operator, left: float, right: float) -> float | None:
    """The result in 64-bit floats, or None when it is not finite."""
    try:
        value = _ARITHMETIC[name](left, right)
    except ZeroDivisionError:
        return None
    return _plain(value) if math.isfinite(value) else None


def _plain(value: float) -> float:
    """A float without the sign of a zero: no comparison tells the two apart, but bytes would."""
    return float(value) + 0.0
