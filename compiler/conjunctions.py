"""The conditions of a program as conjunctions, which is how the index holds them.

Each condition is written as a few conjunctions, of which one must hold. A conjunction has
*constraints*, each on one slot, that must all hold. Kleene's logic is a distributive lattice, so
that a condition written so has the same verdict, also where values are missing.

A condition becomes at most `CONJUNCTION_LIMIT` conjunctions. Beyond that, and for predicates that
are about more than the value of one slot, the conjunction has a *rest*: it only says when the
condition is false for certain, and the rule must be settled in full.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Final

from clausal.compiler.program import (
    ALWAYS,
    NEVER,
    NodeKind,
    Op,
    Program,
    SlotKind,
    floats,
    integers,
    mask_words,
)

CONJUNCTION_LIMIT: Final = 16
"""The most conjunctions that one condition is written as."""

TOTAL_LIMIT: Final = 1 << 17
"""Beyond so many conjunctions, and four for each rule, all conditions are written as fewer."""

WORD: Final = 64

INDEXED: Final = frozenset(
    {Op.FLAG, Op.LT, Op.LE, Op.EQ, Op.IS, Op.MEMBER, Op.ANY, Op.ALL, Op.HAS, Op.ABSENT}
)
"""The predicates on the value of one slot."""

Literal = tuple[int, bool]
"""A predicate, and whether it is negated."""

Constraint = tuple[int, tuple[Literal, ...]]
"""A slot, and the literals on it of which one must hold."""

REST: Final[Constraint] = (-1, ())
"""What the constraints of a conjunction leave out."""


@dataclass(frozen=True, slots=True)
class Conjunction:
    """Constraints that must all hold for a rule to be anything but false.

    Attributes:
        rule: The rule.
        constraints: On slots. A slot may have several.
        rest: Whether there is more to the rule than the constraints say.
    """

    rule: int
    constraints: tuple[Constraint, ...]
    rest: bool


class Tables:
    """The arrays of a program as numbers."""

    def __init__(self, program: Program) -> None:
        self.kinds = [SlotKind(kind) for kind in program.slot_kinds]
        self.names = program.symbols
        self.symbols = [len(symbols) for symbols in program.symbols]
        self.constants = floats(program.constants)
        self.masks = integers("Q", program.masks)
        self.op = integers("i", program.op)
        self.a = integers("i", program.a)
        self.b = integers("i", program.b)
        self.node_kind = program.node_kind
        self.node_first = integers("i", program.node_first)
        self.node_count = integers("i", program.node_count)
        self.children = integers("i", program.children)
        self.roots = integers("i", program.rule_root)
        self.version_rules = integers("i", program.version_rules)
        self.boundaries = integers("q", program.boundaries)
        first = integers("i", program.segment_first)
        count = integers("i", program.segment_count)
        versions = integers("i", program.segment_versions)
        self.segments = [versions[f : f + c] for f, c in zip(first, count, strict=True)]

    def mask(self, predicate: int) -> int:
        """The mask of a MEMBER, IS, HAS, ANY or ALL predicate, as one number."""
        if self.op[predicate] in (Op.IS, Op.HAS):
            return 1 << self.b[predicate]
        slot, first = self.a[predicate], self.b[predicate]
        words = self.masks[first : first + mask_words(self.kinds[slot], self.symbols[slot])]
        return sum(word << (WORD * place) for place, word in enumerate(words))


def conjunctions_of(tables: Tables) -> list[Conjunction]:
    """The conjunctions of all rules; a rule that is always false has none."""
    limit = CONJUNCTION_LIMIT
    while True:
        written = _Writer(tables, limit)
        found = []
        for rule, root in enumerate(tables.roots):
            if root == NEVER:
                continue
            alternatives = ((),) if root == ALWAYS else written.alternatives(root)
            for constraints in alternatives:
                distinct = dict.fromkeys(constraints)
                rest = REST in distinct
                distinct.pop(REST, None)
                found.append(Conjunction(rule, tuple(distinct), rest))
        if limit == 1 or len(found) <= max(TOTAL_LIMIT, 4 * len(tables.roots)):
            return found
        limit //= 2


_Alternatives = tuple[tuple[Constraint, ...], ...]


class _Writer:
    """Writes nodes as alternatives of constraints: each node once, however many rules share it."""

    def __init__(self, tables: Tables, limit: int) -> None:
        self.tables = tables
        self.limit = limit
        # A node's children come before it, so this loop needs no recursion.
        self.nodes: list[_Alternatives] = []
        for node in range(len(tables.node_kind)):
            first = tables.node_first[node]
            refs = tables.children[first : first + tables.node_count[node]]
            parts = [self.alternatives(ref) for ref in refs]
            write = self._all_of if tables.node_kind[node] == NodeKind.ALL else self._any_of
            self.nodes.append(write(parts))

    def alternatives(self, ref: int) -> _Alternatives:
        """What a condition is written as: one of the alternatives holds, unless it is false."""
        if ref >= 0:
            return self.nodes[ref]
        predicate, negated = ~ref >> 1, bool(~ref & 1)
        if self.tables.op[predicate] not in INDEXED:
            return ((REST,),)
        return (((self.tables.a[predicate], ((predicate, negated),)),),)

    def _all_of(self, parts: Sequence[_Alternatives]) -> _Alternatives:
        """The product of the parts; a part that would make it too large is merged first."""
        results: _Alternatives = ((),)
        for part in sorted(parts, key=len):
            chosen = part if len(results) * len(part) <= self.limit else (_merged(part),)
            results = tuple([(*left, *right) for left, right in product(results, chosen)])
        return results

    def _any_of(self, parts: Sequence[_Alternatives]) -> _Alternatives:
        """The parts side by side; merged into one when there are too many."""
        results = tuple([alternative for part in parts for alternative in part])
        return results if len(results) <= self.limit else (_merged(results),)


def _merged(alternatives: _Alternatives) -> tuple[Constraint, ...]:
    """What all alternatives have in common: the slots that each of them constrains."""
    by_slot: dict[int, list[Literal]] = defaultdict(list)
    seen: Counter[int] = Counter()
    for constraints in alternatives:
        one_each: dict[int, tuple[Literal, ...]] = {}
        for slot, options in constraints:
            if slot < 0:
                continue
            # Of several constraints on one slot, the one with fewer alternatives tells more.
            if slot not in one_each or len(options) < len(one_each[slot]):
                one_each[slot] = options
        for slot, options in one_each.items():
            by_slot[slot] += options
            seen[slot] += 1
    common = [
        (slot, tuple(dict.fromkeys(by_slot[slot])))
        for slot in sorted(by_slot)
        if seen[slot] == len(alternatives)
    ]
    return (*common, REST)
