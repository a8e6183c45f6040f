"""Conditions that no value can meet, or that every value meets."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from clausal.compiler import ir, types
from clausal.compiler.checking.operands import constant_value, reads_param
from clausal.compiler.checking.report import Report
from clausal.dsl.source import Span

MIRRORED: Final[dict[str, str]] = {
    "<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!=",
}  # fmt: skip
"""The operator that says the same with its operands exchanged."""


@dataclass(frozen=True, slots=True)
class Interval:
    """The numbers between two ends; ``low_open`` and ``high_open`` say that an end is left out."""

    low: float = -math.inf
    high: float = math.inf
    low_open: bool = False
    high_open: bool = False

    @property
    def empty(self) -> bool:
        """Whether no number lies in it."""
        return self.low > self.high or (self.low == self.high and (self.low_open or self.high_open))

    def __and__(self, other: Interval) -> Interval:
        low, low_open = max((self.low, self.low_open), (other.low, other.low_open))
        high, high_closed = min((self.high, not self.high_open), (other.high, not other.high_open))
        return Interval(low, high, low_open, not high_closed)

    def within(self, other: Interval) -> bool:
        """Whether every number of it lies in ``other``."""
        return (self & other) == self


EVERYTHING: Final = Interval()


def meets(operator: str, value: float) -> Interval:
    """The numbers x for which ``x operator value`` holds; for ``!=`` all, which is close enough."""
    match operator:
        case "<":
            return Interval(high=value, high_open=True)
        case "<=":
            return Interval(high=value)
        case ">":
            return Interval(low=value, low_open=True)
        case ">=":
            return Interval(low=value)
        case "==":
            return Interval(value, value)
        case _:
            return EVERYTHING


def holds(left: float, operator: str, right: float) -> bool:
    """Whether the comparison of two numbers is true."""
    match operator:
        case "<":
            return left < right
        case "<=":
            return left <= right
        case ">":
            return left > right
        case ">=":
            return left >= right
        case "==":
            return left == right
        case _:
            return left != right


def domain(quantity: ir.Quantity, slots: Sequence[ir.Slot]) -> Interval:
    """Where the values of a quantity lie, as far as its type says."""
    match quantity:
        case ir.Count():
            return Interval(low=0)
        case ir.Reading(slot=slot):
            if slots[slot].type == types.Scalar("share"):
                return Interval(0, 1)
            if slots[slot].source == "strikes":
                return Interval(low=0)
        case _:
            pass
    return EVERYTHING


def check_together(
    report: Report,
    items: Iterable[tuple[ir.Condition, Span]],
    params: Sequence[float],
    slots: Sequence[ir.Slot],
) -> bool:
    """Whether the items can all be true at once; if their bounds exclude each other, report it.

    Bounds of one quantity that exclude each other are the error E0305, values of one field that do
    are the warning W0907, and so is an item beside its own negation.
    """
    intervals: dict[ir.Quantity, tuple[Interval, Span]] = {}
    members: dict[int, tuple[frozenset[str], Span]] = {}
    seen: dict[ir.Condition, Span] = {}
    for condition, span in _flat(items):
        opposite = condition.item if isinstance(condition, ir.Negation) else ir.Negation(condition)
        if opposite in seen:
            _never(report, span, seen[opposite], "this and its opposite are never both true")
        seen.setdefault(condition, span)
        match condition:
            case ir.Comparison(operator=operator, left=left, right=right):
                value = constant_value(right, params)
                if value is None or constant_value(left, params) is not None:
                    continue
                before, first = intervals.get(left, (domain(left, slots), span))
                after = before & meets(operator, value)
                if after.empty and not before.empty:
                    _report_empty(report, span, first, reads_param(right))
                    return False
                intervals[left] = after, span
            case ir.Member(slot=slot, values=values):
                allowed, first = members.get(slot, (frozenset(values), span))
                both = allowed & frozenset(values)
                if allowed and not both:
                    _never(report, span, first, "one field never has both values")
                members[slot] = both, span
            case _:
                pass
    return True


def _flat(items: Iterable[tuple[ir.Condition, Span]]) -> Iterator[tuple[ir.Condition, Span]]:
    for condition, span in items:
        if isinstance(condition, ir.All):
            yield from _flat((inner, span) for inner in condition.items)
        else:
            yield condition, span


def _report_empty(report: Report, span: Span, first: Span, depends: bool) -> None:
    apart = first.end <= span.start or span.end <= first.start
    report.add(
        "E0305",
        "no value lies between these bounds",
        span if apart else span.cover(first),
        "",
        others=[report.label(first, "and this")] if apart else (),
        notes=["the value of a `param` is taken as it is declared"] if depends else (),
    )


def _never(report: Report, span: Span, first: Span, message: str) -> None:
    report.add(
        "W0907",
        message,
        span,
        "",
        others=[] if first == span else [report.label(first, "and this")],
        notes=["the condition is never true"],
    )


def check_alternatives(report: Report, items: Iterable[tuple[ir.Condition, Span]]) -> None:
    """Warn (W0907) of alternatives of which one is always true: a condition and its opposite."""
    seen: dict[ir.Condition, Span] = {}
    for condition, span in items:
        opposite = condition.item if isinstance(condition, ir.Negation) else ir.Negation(condition)
        if opposite in seen:
            report.add(
                "W0907",
                "this or its opposite is true whenever it is known",
                span,
                "",
                others=[report.label(seen[opposite], "its opposite")],
            )
        seen.setdefault(condition, span)
