"""A decision program walked in plain Python, straight from what `clausal.compiler.program` says.

It holds `emit` against the reference interpreter without the compiled core, and it trusts nothing:
every index is looked at before it is used, so that it shows what `verify` let through.
"""

from __future__ import annotations

import math
import operator
from bisect import bisect_right
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, TypeVar
from zoneinfo import ZoneInfo

from clausal.compiler.program import (
    ALWAYS,
    MINUTES,
    NEVER,
    STACK_LIMIT,
    Code,
    NodeKind,
    Op,
    Program,
    SlotKind,
    floats,
    integers,
    mask_words,
)
from clausal.compiler.text.fold import fold
from clausal.compiler.text.patterns import PatternSet
from clausal.compiler.text.terms import find_term
from clausal.engine.values import ABSENT, FAILED, Missing, Value

Verdict = bool | None

_T = TypeVar("_T")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_COMPARISONS: Final[dict[int, Callable[[float, float], bool]]] = {
    Op.LT: operator.lt,
    Op.LE: operator.le,
    Op.EQ: operator.eq,
}
_CODE_COMPARISONS: Final[dict[int, Callable[[float, float], bool]]] = {
    Code.LT: operator.lt,
    Code.LE: operator.le,
    Code.EQ: operator.eq,
}
_ARITHMETIC: Final[dict[int, Callable[[float, float], float]]] = {
    Code.ADD: operator.add,
    Code.SUBTRACT: operator.sub,
    Code.MULTIPLY: operator.mul,
    Code.DIVIDE: operator.truediv,
}


class OutOfBoundsError(Exception):
    """The program points outside of one of its arrays: `verify` should have refused it."""


def at(values: Sequence[_T], index: int) -> _T:
    """An element, where a negative index is as wrong as one beyond the end."""
    if not 0 <= index < len(values):
        raise OutOfBoundsError(f"{index} of {len(values)}")
    return values[index]


class Walk:
    """One program and one event: a value for each slot, or why there is none."""

    def __init__(self, program: Program, values: Sequence[Value | Missing]) -> None:
        self._program = program
        self._values = values
        self._kinds = integers("B", program.slot_kinds)
        self._strings = integers("B", program.slot_strings)
        self._constants = floats(program.constants)
        self._masks = integers("Q", program.masks)
        self._rows = [integers("i", c) for c in (program.op, program.a, program.b, program.c)]
        self._code = integers("i", program.code)
        self._children = integers("i", program.children)
        self._node_kinds = integers("B", program.node_kind)
        self._first = integers("i", program.node_first)
        self._count = integers("i", program.node_count)
        self._settled: dict[int, Verdict] = {}
        self.steps = 0
        """How many refs were followed: never more than ``steps_bound``."""

    def in_force(self, instant: int) -> list[int]:
        """The rules of the versions in force."""
        program = self._program
        segment = bisect_right(integers("q", program.boundaries), instant)
        first = at(integers("i", program.segment_first), segment)
        count = at(integers("i", program.segment_count), segment)
        versions = integers("i", program.segment_versions)
        starts = integers("i", program.version_rules)
        rules: list[int] = []
        for version in [at(versions, index) for index in range(first, first + count)]:
            rules += range(at(starts, version), at(starts, version + 1))
        return rules

    def rule(self, rule: int) -> Verdict:
        """The verdict on a rule."""
        root = at(integers("i", self._program.rule_root), rule)
        if root in {ALWAYS, NEVER}:
            self.steps += 1
            return root == ALWAYS
        return self._ref(root)

    def _ref(self, ref: int) -> Verdict:
        self.steps += 1
        if ref < 0:
            predicate, negated = divmod(~ref, 2)
            verdict = self._predicate(predicate)
            return verdict if verdict is None else verdict is not bool(negated)
        if ref not in self._settled:
            self._settled[ref] = self._node(ref)
        return self._settled[ref]

    def _node(self, node: int) -> Verdict:
        first, count = at(self._first, node), at(self._count, node)
        refs = [at(self._children, index) for index in range(first, first + count)]
        if any(ref >= node for ref in refs):
            raise OutOfBoundsError(f"node {node} is not above its children")
        settling = at(self._node_kinds, node) == NodeKind.ANY
        verdict: Verdict = not settling
        for ref in refs:
            one = self._ref(ref)
            if one is settling:
                return settling
            if one is None:
                verdict = None
        return verdict

    def _predicate(self, predicate: int) -> Verdict:
        op, a, b, c = (at(column, predicate) for column in self._rows)
        if op == Op.QUANTITY:
            return self._quantities(a, b)
        value = at(self._values, a)
        if op == Op.ABSENT:
            return None if value is FAILED else value is ABSENT
        if isinstance(value, Missing):
            return None
        if op == Op.SAME:
            other = at(self._values, b)
            if not (self._strings[a] and self._strings[b]):
                raise OutOfBoundsError("a slot that keeps no text")
            return None if isinstance(other, Missing) else value == other
        kind = SlotKind(self._kinds[a])
        if op in _COMPARISONS:
            assert kind is SlotKind.QUANTITY
            assert isinstance(value, float)
            return _COMPARISONS[op](value, at(self._constants, b))
        if op == Op.FLAG:
            assert kind is SlotKind.FLAG
            return bool(value)
        if op == Op.CLOCK:
            assert isinstance(value, float)
            return self._clock(value, b, c)
        if op in {Op.TERMS, Op.PATTERN}:
            assert kind is SlotKind.TEXT
            assert isinstance(value, str)
            return self._matches(Op(op), value, b)
        return self._symbols(Op(op), kind, a, b)

    def _symbols(self, op: Op, kind: SlotKind, slot: int, operand: int) -> bool:
        value = self._values[slot]
        symbols = self._program.symbols[slot]
        if isinstance(value, frozenset):
            assert kind is SlotKind.SET
            bits = sum(1 << symbols.index(item) for item in value if item in symbols)
        else:
            assert kind in {SlotKind.SYMBOL, SlotKind.TEXT}
            bits = 1 << (symbols.index(value) + 1 if value in symbols else 0)
        if op in {Op.IS, Op.HAS}:
            return bool(bits >> operand & 1)
        mask = 0
        for word in reversed(range(mask_words(kind, len(symbols)))):
            mask = mask << 64 | at(self._masks, operand + word)
        return bits & mask == mask if op is Op.ALL else bits & mask != 0

    def _clock(self, instant: float, times: int, zone: int) -> bool:
        local = (_EPOCH + timedelta(microseconds=instant)).astimezone(
            ZoneInfo(at(self._program.zones, zone))
        )
        minute = local.hour * 60 + local.minute
        start, end = divmod(times, MINUTES)
        return start <= minute < end if start < end else minute >= start or minute < end

    def _matches(self, op: Op, text: str, operand: int) -> bool:
        if op is Op.TERMS:
            terms = at(self._program.terms, operand)
            return any(find_term(fold(text), fold(term)) >= 0 for term in terms)
        pattern, folded = at(self._program.patterns, operand)
        return PatternSet([(pattern, folded)]).search(0, fold(text) if folded else text)

    def _quantities(self, start: int, end: int) -> Verdict:
        stack: list[float] = []
        for pair in range(start, end):
            opcode, operand = at(self._code, 2 * pair), at(self._code, 2 * pair + 1)
            if opcode == Code.CONSTANT:
                stack.append(at(self._constants, operand))
            elif opcode in {Code.READING, Code.COUNT}:
                value = at(self._values, operand)
                if isinstance(value, Missing):
                    return None
                counted = isinstance(value, frozenset)
                assert counted is (opcode == Code.COUNT)
                stack.append(float(len(value)) if isinstance(value, frozenset) else float(value))
            else:
                if len(stack) < 2:
                    raise OutOfBoundsError("the stack")
                right, left = stack.pop(), stack.pop()
                if opcode in _CODE_COMPARISONS:
                    assert pair == end - 1
                    assert not stack
                    return _CODE_COMPARISONS[opcode](left, right)
                try:
                    stack.append(_ARITHMETIC[opcode](left, right))
                except ZeroDivisionError:
                    return None
                if not math.isfinite(stack[-1]):
                    return None
            if len(stack) > STACK_LIMIT:
                raise OutOfBoundsError("the stack")
        raise OutOfBoundsError("code without a comparison")
