"""What an expression is worth before it is compared: numbers, stored values, words, conditions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from clausal.compiler import ir, types
from clausal.compiler.checking.amounts import Dimension
from clausal.compiler.quantities import fold
from clausal.dsl import nodes
from clausal.dsl.source import Span

if TYPE_CHECKING:
    from clausal.compiler.checking.tables import TableRows


@dataclass(frozen=True, slots=True)
class Amount:
    """A number of some dimension.

    Attributes:
        type: The type of the field, when it is nothing but the value of one.
        date: The literal, when it is nothing but a date: beside an instant it means its midnight.
        span: Where it is written.
    """

    quantity: ir.Quantity
    dimension: Dimension
    span: Span
    type: types.Type | None = None
    date: nodes.Date | None = None


@dataclass(frozen=True, slots=True)
class Statement:
    """A condition. ``literal`` is set for ``true`` and ``false`` as written."""

    condition: ir.Condition
    span: Span
    literal: bool | None = None


@dataclass(frozen=True, slots=True)
class Stored:
    """The value of a field that is an enum, a string, a text or a set."""

    slot: int
    type: types.Scalar | types.Enum | types.SetOf
    name: str
    span: Span


@dataclass(frozen=True, slots=True)
class Word:
    """A name that nothing declares: a value of an enum, if it stands beside one."""

    name: nodes.Name

    @property
    def span(self) -> Span:
        """Where it is written."""
        return self.name.span


@dataclass(frozen=True, slots=True)
class Quoted:
    """A text as written."""

    text: str
    span: Span


@dataclass(frozen=True, slots=True)
class Lookup:
    """The result of a decision table."""

    table: TableRows
    span: Span


Operand = Amount | Statement | Stored | Word | Quoted | Lookup


def describe(operand: Operand) -> str:
    """The operand's kind as a message names it, with its article."""
    match operand:
        case Amount(type=types.Scalar(name=name)):
            return _with_article(name)
        case Amount(dimension=dimension):
            return _with_article(dimension.value)
        case Statement():
            return "a condition"
        case Stored(type=type):
            return _with_article(types.describe(type))
        case Word():
            return "a name"
        case Quoted():
            return "a text"
        case Lookup():
            return "a table"


def _with_article(noun: str) -> str:
    return f"an {noun}" if noun[0] in "aeiou" else f"a {noun}"


def constant_value(quantity: ir.Quantity, params: Sequence[float]) -> float | None:
    """The value of a quantity that no event can change, with params as declared; else None."""
    folded = fold(quantity, params)
    return folded.value if isinstance(folded, ir.Constant) else None


def reads_param(quantity: ir.Quantity) -> bool:
    """Whether the quantity depends on a param."""
    pending = [quantity]
    while pending:
        item = pending.pop()
        match item:
            case ir.Param():
                return True
            case ir.Constant(origin=origin):
                if origin is not None:
                    return True
            case ir.Arithmetic(left=left, right=right):
                pending += [left, right]
            case ir.Reading() | ir.Count():
                pass
    return False
