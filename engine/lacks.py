"""What undetermined rules lack, told from the fields that are there, whatever their values are.

A condition that is unknown lacks what those of its parts lack that are unknown (as of `Core.lacking`).
Which parts are so depends on all values, but mostly it can be told without them: a predicate without
its value is unknown, and where a condition is unknown, one of its parts must be. So events that lack
the same fields, and leave the same rule open, have the same to tell.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from clausal.compiler.program import ALWAYS, NEVER, Code, Op, Program, integers

Slots = frozenset[int]

_ARITHMETIC: Final = frozenset({Code.ADD, Code.SUBTRACT, Code.MULTIPLY, Code.DIVIDE})
"""What may have no finite result, which is unknown though nothing is lacking."""


class Lacks:
    """What the rules of a program lack."""

    def __init__(self, program: Program) -> None:
        """Take a program that was verified."""
        self._op = integers("i", program.op)
        self._operands = [integers("i", values) for values in (program.a, program.b)]
        self._code = integers("i", program.code)
        first, count = integers("i", program.node_first), integers("i", program.node_count)
        children = integers("i", program.children)
        self._children = [
            children[start : start + number] for start, number in zip(first, count, strict=True)
        ]
        self._roots = integers("i", program.rule_root)
        self._open: Final[dict[int, Slots]] = {}
        self._reads: Final[dict[int, Slots]] = {}

    def slots(self, rule: int) -> list[int]:
        """The slots without whose values the rule may be undetermined, ascending."""
        root = self._roots[rule]
        return [] if root in {ALWAYS, NEVER} else sorted(self._slots(root))

    def reads(self, rule: int) -> Slots:
        """All slots that have a say in the rule."""
        known = self._reads.get(rule)
        if known is None:
            refs, read = [self._roots[rule]], set(self.slots(rule))
            while refs:
                ref = refs.pop()
                if ref in {ALWAYS, NEVER}:
                    continue
                if ref >= 0:
                    refs += self._children[ref]
                elif self._op[~ref >> 1] == Op.ABSENT:
                    read.add(self._operands[0][~ref >> 1])
            known = self._reads[rule] = frozenset(read)
        return known

    def of(self, rule: int, absent: Slots) -> list[int] | None:
        """The slots that an undetermined rule lacks, ascending; None: that depends on the values.

        Args:
            rule: The rule, which is undetermined.
            absent: Those of its slots that are absent; it has not failed to get any other.
        """
        found = self._lacks(self._roots[rule], absent)
        return None if found is None else sorted(found)

    def _lacks(self, ref: int, absent: Slots) -> Slots | None:
        """What a condition lacks that is unknown."""
        if ref < 0:
            return self._slots(ref) & absent
        sure: Slots = frozenset()
        maybe: list[int] = []
        certain = False
        for child in self._children[ref]:
            lacking = self._slots(child) & absent
            if child < 0 and lacking:
                sure |= lacking
                certain = True
            elif lacking or self._calculates(child):
                maybe.append(child)
        if len(maybe) == 1 and not certain:
            return self._lacks(maybe[0], absent)
        # Whether these are unknown makes no difference if they lack nothing else.
        return sure if all(self._slots(child) & absent <= sure for child in maybe) else None

    def _slots(self, ref: int) -> Slots:
        """The slots without whose values a condition may be unknown."""
        if ref < 0:
            return frozenset(self._read(~ref >> 1))
        known = self._open.get(ref)
        if known is None:
            known = frozenset().union(*map(self._slots, self._children[ref]))
            self._open[ref] = known
        return known

    def _read(self, predicate: int) -> Iterator[int]:
        op = self._op[predicate]
        first, second = (operand[predicate] for operand in self._operands)
        if op == Op.QUANTITY:
            for pair in range(first, second):
                if self._code[2 * pair] in {Code.READING, Code.COUNT}:
                    yield self._code[2 * pair + 1]
        elif op != Op.ABSENT:
            yield first
            if op == Op.SAME:
                yield second

    def _calculates(self, ref: int) -> bool:
        """Whether a condition may be unknown though nothing is lacking."""
        if ref >= 0:
            return any(map(self._calculates, self._children[ref]))
        predicate = ~ref >> 1
        if self._op[predicate] != Op.QUANTITY:
            return False
        first, second = (operand[predicate] for operand in self._operands)
        return any(self._code[2 * pair] in _ARITHMETIC for pair in range(first, second))
