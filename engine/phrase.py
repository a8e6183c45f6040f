"""Conditions and sanctions as an author would write them, for explanations.

Like `clausal.compiler.dump`, which is made for goldens and stable order, but for people: params are
named as the policy names them, and instants, durations and dates are written as such.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Final, assert_never

from clausal.compiler.dump import condition_text
from clausal.compiler.ir import (
    Arithmetic,
    Comparison,
    Condition,
    Constant,
    Corpus,
    Count,
    Param,
    Quantity,
    Reading,
    SanctionParam,
)
from clausal.compiler.types import MICROSECONDS, Scalar, Type
from clausal.engine.decision import Arguments
from clausal.engine.render import rfc3339, share

_LENGTHS: Final = (
    (86_400 * MICROSECONDS, "d"),
    (3_600 * MICROSECONDS, "h"),
    (60 * MICROSECONDS, "m"),
    (MICROSECONDS, "s"),
)


_FIRST_DAY: Final = (date.min - date(1970, 1, 1)).days
_LAST_DAY: Final = (date.max - date(1970, 1, 1)).days

_FAR: Final = 5 * 365 * 86_400 * MICROSECONDS
"""Constants do not say what they are; no rule is about five years, or about 1974."""


def phrase(condition: Condition, corpus: Corpus, zone: str) -> str:
    """A condition without parts, as text.

    Args:
        condition: A predicate.
        corpus: The names that it refers to.
        zone: The IANA name of the zone in which instants are written.
    """
    if not isinstance(condition, Comparison):
        return condition_text(condition, corpus)
    kind = _kind(condition.left, corpus) or _kind(condition.right, corpus)
    left = _quantity(condition.left, kind, corpus, zone)
    right = _quantity(condition.right, kind, corpus, zone)
    return f"{left} {condition.operator} {right}"


def params_of(condition: Condition) -> frozenset[int]:
    """The params that a predicate compares with."""
    if not isinstance(condition, Comparison):
        return frozenset()
    return _params(condition.left) | _params(condition.right)


def _params(quantity: Quantity) -> frozenset[int]:
    match quantity:
        case Param(index=index):
            return frozenset({index})
        case Constant(origin=origin):
            return frozenset() if origin is None else _params(origin)
        case Arithmetic(left=left, right=right):
            return _params(left) | _params(right)
        case Reading() | Count():
            return frozenset()
        case _:
            assert_never(quantity)


def _kind(quantity: Quantity, corpus: Corpus) -> str | None:
    """The name of the type that a quantity has; None for a constant, which has that beside it."""
    match quantity:
        case Reading(slot=slot):
            of = corpus.slots[slot].type
            return of.name if isinstance(of, Scalar) else None
        case Param(index=index):
            return corpus.params[index].type
        case Count():
            return "integer"
        case Constant():
            return None
        case Arithmetic(operator=operator):
            left, right = _sides(quantity, corpus)
            if "instant" in (left, right):
                return "duration" if operator == "-" and left == right else "instant"
            return "duration" if "duration" in (left, right) else (left or right)
        case _:
            assert_never(quantity)


def _sides(quantity: Arithmetic, corpus: Corpus) -> tuple[str | None, str | None]:
    """The kinds of both sides. Beside an instant, a constant is an instant if it is far from 0."""
    kinds = (_kind(quantity.left, corpus), _kind(quantity.right, corpus))
    if "instant" not in kinds:
        return kinds
    left, right = (
        ("instant" if abs(side.value) > _FAR else "duration")
        if isinstance(side, Constant)
        else kind
        for side, kind in zip((quantity.left, quantity.right), kinds, strict=True)
    )
    return left, right


def _quantity(quantity: Quantity, kind: str | None, corpus: Corpus, zone: str) -> str:
    match quantity:
        case Reading(slot=slot):
            return corpus.slots[slot].name
        case Count(slot=slot):
            return f"count of {corpus.slots[slot].name}"
        case Param(index=index):
            return corpus.params[index].name.rpartition(".")[2]
        case Constant(value=value, origin=origin):
            if origin is not None:
                return _quantity(origin, kind, corpus, zone)
            return constant(value, kind, zone)
        case Arithmetic(operator=operator, left=left, right=right):
            inner = kind if operator in {"+", "-"} else None
            kinds = _sides(quantity, corpus)
            sides = [
                _quantity(side, own or inner, corpus, zone)
                for side, own in zip((left, right), kinds, strict=True)
            ]
            return f"({sides[0]} {operator} {sides[1]})"
        case _:
            assert_never(quantity)


def constant(value: float, kind: str | None, zone: str) -> str:
    """A value of a quantity type as a literal of the language; None: a plain number."""
    match kind:
        case "duration":
            for size, unit in _LENGTHS:
                if value and value % size == 0:
                    return f"{value / size:g}{unit}"
            return f"{value / MICROSECONDS:g}s"
        case "instant":
            return rfc3339(int(value), zone)
        case "date" if _FIRST_DAY <= value <= _LAST_DAY:
            return (date(1970, 1, 1) + timedelta(days=value)).isoformat()
        case _:
            return repr(value).removesuffix(".0")


def call(sanction: str, params: Iterable[SanctionParam], arguments: Arguments) -> str:
    """A sanction with its arguments, close to how a policy states them.

    Args:
        sanction: Its name.
        params: What it takes.
        arguments: As of a decision: shares are 0..1, durations seconds.
    """
    types: dict[str, Type | None] = {
        param.name: param.type for param in params if param.name in arguments
    }
    types |= dict.fromkeys(name for name in arguments if name not in types)
    return " ".join((sanction, *(_argument(types[name], arguments[name]) for name in types)))


def _argument(type: Type | None, value: float | bool | str | tuple[str, ...]) -> str:
    match value:
        case bool():
            return str(value).lower()
        case str():
            return value
        case tuple():
            return f"[{', '.join(value)}]"
        case _:
            if type == Scalar("share"):
                return share(value)
            if type == Scalar("duration"):
                return constant(value * MICROSECONDS, "duration", "UTC")
            return f"{value:.15g}"
