"""Comparisons: which operands fit each other, and the condition that they make."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal, cast

from clausal.compiler import ir, types
from clausal.compiler.checking.amounts import Dimension, fits
from clausal.compiler.checking.bounds import MIRRORED, domain, holds, meets
from clausal.compiler.checking.inputs import Inputs
from clausal.compiler.checking.operands import (
    Amount,
    Lookup,
    Operand,
    Quoted,
    Statement,
    Stored,
    Word,
    constant_value,
    describe,
    reads_param,
)
from clausal.compiler.checking.report import Report, suggest
from clausal.compiler.checking.scopes import Scope
from clausal.dsl import nodes
from clausal.dsl.source import Span

Operator = Literal["<", "<=", ">", ">=", "==", "!="]

_EQUALITY: Final = ("==", "!=")
_MOMENTS: Final = (Dimension.INSTANT, Dimension.DATE)
_ABSENCE: Final = ("missing", "null", "unknown", "undefined", "nothing")


@dataclass(frozen=True, slots=True)
class Comparer:
    """Compares operands of one document.

    ``params`` are the values of all params as declared; ``ranges`` their bounds, where given.
    """

    scope: Scope
    inputs: Inputs
    params: Sequence[float]
    ranges: Sequence[tuple[float, float] | None]

    @property
    def report(self) -> Report:
        """Where to say what does not fit."""
        return self.scope.report

    def compare(
        self, left: Operand, operator: str, right: Operand, span: Span
    ) -> ir.Condition | None:
        """The condition ``left operator right``; None after reporting why there is none."""
        match left, right:
            case Word(), _:
                return self._with_word(right, MIRRORED[operator], left, span)
            case _, Word():
                return self._with_word(left, operator, right, span)
            case Lookup(), _:
                return left.table.compare(self, operator, right, span)
            case _, Lookup():
                return right.table.compare(self, MIRRORED[operator], left, span)
            case Amount(), Amount():
                return self._amounts(left, cast("Operator", operator), right, span)
            case Statement(), Statement():
                return self._statements(left, operator, right, span)
            case Stored(), _:
                return self._stored(left, operator, right, span)
            case _, Stored():
                return self._stored(right, MIRRORED[operator], left, span)
            case Quoted(), Quoted():
                return self._always((left.text == right.text) == (operator == "=="), span)
            case _:
                self.unlike(left, right, span)
                return None

    def unlike(self, left: Operand, right: Operand, span: Span, hints: Sequence[str] = ()) -> None:
        """Report that the two cannot be compared (E0301)."""
        quoted = isinstance(left, Quoted) or isinstance(right, Quoted)
        if not hints and quoted and (isinstance(left, Amount) or isinstance(right, Amount)):
            hints = ["write numbers, durations, dates and times without quotes"]
        if not hints and any(map(_has_truth_value, (left, right))):
            hints = ["`true` and `false` are conditions: give the values of the enum other names"]
        self.report.add(
            "E0301",
            f"{describe(left)} cannot be compared with {describe(right)}",
            span,
            "",
            others=[
                self.report.label(left.span, f"this is {describe(left)}"),
                self.report.label(right.span, f"this is {describe(right)}"),
            ],
            help=hints,
        )

    def _always(
        self, value: bool, span: Span, label: str = "does not depend on the event"
    ) -> ir.Truth:
        self.report.add("W0907", f"this is always {str(value).lower()}", span, label)
        return ir.Truth(value)

    # ── Names ────────────────────────────────────────────────────────────────────────────────────

    def _with_word(
        self, other: Operand, operator: str, word: Word, span: Span
    ) -> ir.Condition | None:
        if isinstance(other, Stored) and isinstance(other.type, types.Enum):
            if word.name.text in _ABSENCE and word.name.text not in other.type.names:
                self.unknown(word.name, other)
                return None
            if not self._is_equality(operator, other, span):
                return None
            values = self.values(other, (word.name,))
            return None if values is None else _negated_if(operator, ir.Member(other.slot, values))
        if isinstance(other, Stored) and isinstance(other.type, types.SetOf):
            return self._stored(other, operator, word, span)
        if isinstance(other, Word):
            self.unknown(other.name)
        self.unknown(word.name, other)
        return None

    def unknown(self, name: nodes.Name, beside: Operand | None = None) -> None:
        """Report a bare name that means nothing here (E0203, E0310 or E0311)."""
        if self.scope.excuses(name.text):
            return
        if (name.text,) in self.scope.schema.groups:
            self.scope.schema.complain(self.report, (name.text,), name.span)
            return
        if name.text in _ABSENCE and beside is not None:
            self.report.add(
                "E0311",
                f"nothing equals `{name.text}`",
                name.span,
                "",
                help=[f"write `{self.report.text(beside.span)} is missing`"],
                notes=["a field that is missing has no value, and a comparison with it is unknown"],
            )
            return
        known = self.scope.known(nodes.Let, nodes.Param, nodes.Tally, nodes.Table)
        hints = suggest(name.text, [*known, *self.scope.schema.names()])
        if isinstance(beside, Stored) and not hints:
            hints = (f'write a text in quotes: `"{name.text}"`',)
        self.report.add("E0203", f"there is no `{name.text}`", name.span, "", help=hints)

    def values(self, stored: Stored, names: Sequence[nodes.Name]) -> tuple[str, ...] | None:
        """The values of an enum (or a set of one) that are named; None after reporting (E0205)."""
        item = stored.type.item if isinstance(stored.type, types.SetOf) else stored.type
        assert isinstance(item, types.Enum)
        known = item.names
        sound = True
        for name in names:
            if name.text not in known:
                sound = False
                shown = ", ".join(f"`{one}`" for one in known[:12])
                self.report.add(
                    "E0205",
                    f"`{stored.name}` has no value `{name.text}`",
                    name.span,
                    "",
                    help=suggest(name.text, known)
                    or [f"its values are {shown}{', …' if len(known) > 12 else ''}"],
                )
        return tuple(sorted({name.text for name in names})) if sound else None

    # ── Stored values ────────────────────────────────────────────────────────────────────────────

    def _stored(
        self, left: Stored, operator: str, right: Operand, span: Span
    ) -> ir.Condition | None:
        if isinstance(left.type, types.SetOf) or (
            isinstance(right, Stored) and isinstance(right.type, types.SetOf)
        ):
            name = left.name if isinstance(left.type, types.SetOf) else self.report.text(right.span)
            self.report.add(
                "E0302",
                f"`{name}` is a set, which `{operator}` does not compare",
                span,
                "",
                help=["write `has any […]` or `has all […]`"],
            )
            return None
        if not isinstance(right, Stored | Quoted):
            self.unlike(left, right, span)
            return None
        if not self._is_equality(operator, left, span):
            return None
        if isinstance(right, Quoted):
            return self._quoted(left, operator, right, span)
        if _kind(left.type) != _kind(right.type):
            self.unlike(left, right, span)
            return None
        if left.slot == right.slot or left.type == types.Scalar("text"):
            same = "a field is not compared with itself"
            self.report.add(
                "E0302",
                same if left.slot == right.slot else "two texts are not compared",
                span,
                "",
            )
            return None
        slots = sorted((left.slot, right.slot))
        return _negated_if(operator, ir.Same(slots[0], slots[1]))

    def _quoted(
        self, left: Stored, operator: str, right: Quoted, span: Span
    ) -> ir.Condition | None:
        if isinstance(left.type, types.Enum):
            known = right.text in left.type.names
            hints = [f"write `{right.text}` without quotes"] if known else []
            self.unlike(left, right, span, hints or suggest(right.text, left.type.names))
            return None
        return _negated_if(operator, ir.Member(left.slot, (right.text,)))

    def _is_equality(self, operator: str, operand: Operand, span: Span) -> bool:
        if operator in _EQUALITY:
            return True
        self.report.add(
            "E0317",
            f"{describe(operand)} has no order for `{operator}` to follow",
            span,
            "",
            others=[self.report.label(operand.span, f"this is {describe(operand)}")],
            help=["compare with `==` or `!=`, or list values with `in […]`"]
            if isinstance(operand, Stored)
            else (),
        )
        return False

    # ── Conditions ───────────────────────────────────────────────────────────────────────────────

    def _statements(
        self, left: Statement, operator: str, right: Statement, span: Span
    ) -> ir.Condition | None:
        if not self._is_equality(operator, left, span):
            return None
        if left.literal is not None and right.literal is not None:
            return self._always((left.literal == right.literal) == (operator == "=="), span)
        literal = right.literal if right.literal is not None else left.literal
        other = left if right.literal is not None else right
        if literal is not None:
            wanted = literal == (operator == "==")
            return other.condition if wanted else ir.Negation(other.condition)
        one, two = left.condition, right.condition
        if isinstance(one, ir.Flag) and isinstance(two, ir.Flag):
            both = ir.All((one, two))
            neither = ir.All((ir.Negation(one), ir.Negation(two)))
            return _negated_if(operator, ir.Any((both, neither)))
        self.report.add(
            "E0302",
            f"`{operator}` does not compare conditions",
            span,
            "",
            help=["join them with `and`, `or` and `not`"],
        )
        return None

    # ── Numbers ──────────────────────────────────────────────────────────────────────────────────

    def aligned(self, left: Amount, right: Amount) -> tuple[Amount, Amount] | None:
        """Both amounts, a date beside an instant made its midnight; None after reporting."""
        one = self._at_midnight(left, right)
        two = self._at_midnight(right, left)
        return None if one is None or two is None else (one, two)

    def _at_midnight(self, amount: Amount, other: Amount) -> Amount | None:
        if amount.date is None or other.dimension is not Dimension.INSTANT:
            return amount
        point = self.scope.calendar.instant(self.report, amount.date)
        if point is None:
            return None
        quantity = ir.Constant(float(point))
        return replace(amount, quantity=quantity, dimension=Dimension.INSTANT, date=None)

    def mismatch(self, left: Amount, right: Amount, span: Span, doing: str) -> None:
        """Report two amounts that measure unlike things: E0303, or E0301 for points in time."""
        if doing == "compared" and (left.dimension in _MOMENTS or right.dimension in _MOMENTS):
            self.unlike(left, right, span)
            return
        hints: list[str] = []
        dimensions = {left.dimension, right.dimension}
        if Dimension.SHARE in dimensions and Dimension.NUMBER in dimensions:
            hints.append("a percentage is a share of something: write a number, or divide first")
        elif Dimension.DURATION in dimensions:
            hints.append("write a duration such as `48h`, or divide by one: `x / 1h`")
        self.report.add(
            "E0303",
            f"{describe(left)} and {describe(right)} are not {doing}",
            span,
            "",
            others=[
                self.report.label(left.span, f"this is {describe(left)}"),
                self.report.label(right.span, f"this is {describe(right)}"),
            ],
            help=hints,
        )

    def _amounts(
        self, left: Amount, operator: Operator, right: Amount, span: Span
    ) -> ir.Condition | None:
        aligned = self.aligned(left, right)
        if aligned is None:
            return None
        left, right = aligned
        if not self.comparable(left, right, span):
            return None
        fixed_left = constant_value(left.quantity, self.params)
        fixed_right = constant_value(right.quantity, self.params)
        if fixed_left is not None and fixed_right is None:
            left, right = right, left
            operator = cast("Operator", MIRRORED[operator])
            fixed_left, fixed_right = fixed_right, fixed_left
        if fixed_right is not None:
            tunable = reads_param(left.quantity) or reads_param(right.quantity)
            if fixed_left is not None and not tunable:
                return self._always(holds(fixed_left, operator, fixed_right), span)
            if fixed_left is None and not self._in_range(left, operator, fixed_right, span):
                return None
        elif left.quantity == right.quantity:
            return self._always(operator in ("<=", ">=", "=="), span, "a value beside itself")
        return ir.Comparison(operator, left.quantity, right.quantity)

    def _in_range(self, left: Amount, operator: str, value: float, span: Span) -> bool:
        """Whether some value that the left side can have meets the comparison, and not every one."""
        within = domain(left.quantity, self.inputs.slots)
        meeting = meets(operator, value)
        if (within & meeting).empty:
            self.report.add(
                "E0305",
                "this is never true",
                span,
                f"{_range_of(left)}",
            )
            return False
        whole = left.type == types.Scalar("integer") and value != int(value)
        if (whole and operator == "==") or (operator != "!=" and within.within(meeting)):
            self.report.add(
                "W0907",
                f"this is {'never' if whole and operator == '==' else 'always'} true where "
                f"`{self.report.text(left.span)}` is known",
                span,
                "a whole number" if whole and operator == "==" else _range_of(left),
            )
        return True

    def comparable(self, left: Amount, right: Amount, span: Span) -> bool:
        """Whether two amounts measure the same, and no share is held against a number over 1."""
        if not fits(left.dimension, right.dimension):
            self.mismatch(left, right, span, "compared")
            return False
        for share, other in ((left, right), (right, left)):
            value = constant_value(other.quantity, self.params)
            if share.type == types.Scalar("share") and value is not None:
                return self._is_share(share, other, value)
        return True

    def _is_share(self, left: Amount, right: Amount, value: float) -> bool:
        ends = [value]
        if isinstance(right.quantity, ir.Param):
            ends += self.ranges[right.quantity.index] or ()
        wrong = next((end for end in ends if not 0 <= end <= 1), None)
        if wrong is None:
            return True
        text = self.report.text(right.span)
        bare = isinstance(right.quantity, ir.Constant) and not text.endswith(("%", "％"))
        percent = bare and 1 < value <= 100
        self.report.add(
            "E0304",
            f"`{text}` {'can be' if wrong is not value else 'is'} "
            f"{'over 1' if wrong > 1 else 'below 0'}, and a share lies between 0 and 1",
            right.span,
            "",
            others=[self.report.label(left.span, "this is a share")],
            help=[f"for {value:g} percent write `{value:g}%`"] if percent else (),
        )
        return False


def _range_of(amount: Amount) -> str:
    if amount.type == types.Scalar("share"):
        return "a share lies between 0 and 1"
    return "a count is never below 0"


def _kind(type: types.Type) -> object:
    return frozenset(type.names) if isinstance(type, types.Enum) else type


def _negated_if(operator: str, condition: ir.Condition) -> ir.Condition:
    return ir.Negation(condition) if operator == "!=" else condition


def _has_truth_value(operand: Operand) -> bool:
    """Whether it is of an enum that has a value which cannot be written."""
    return (
        isinstance(operand, Stored)
        and isinstance(operand.type, types.Enum)
        and not {"true", "false"}.isdisjoint(operand.type.names)
    )
