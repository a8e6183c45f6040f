"""Lay the rules out as the decision program.

The rules of each version lie side by side and are tried one after the other, so an event costs what
all rules in force cost together. Whatever does better comes from here: `segments_of` alone decides
how the evaluator gets from a segment to the rules that may fire. An index over the predicates
(thresholds sorted by slot, conjunctions under their most selective predicate) is to be laid out for
each segment, in arrays of its own beside ``segment_versions``; predicates, nodes and roots stay as
they are, and the plain walk over them stays as what the index is held against.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise

from clausal.compiler.ir import All, Any, Condition, Corpus, Predicate, Shared, Truth, VersionDef
from clausal.compiler.predicates import PredicateTable, SlotTable
from clausal.compiler.program import (
    ALWAYS,
    NEVER,
    NodeKind,
    Program,
    pack_floats,
    pack_integers,
)


def emit(corpus: Corpus) -> Program:
    """The program of a corpus that went through all passes.

    Raises:
        ValueError: if its conditions are not in the form that the passes leave, or its rules are
            not sorted by version.
    """
    slots = SlotTable(corpus)
    tests = PredicateTable(corpus, slots)
    constants = tests.constants.values
    nodes = _Nodes(corpus.shared)
    roots = [nodes.root(rule.condition) for rule in corpus.rules]
    version_rules = _version_rules(corpus)
    boundaries, segments = segments_of(corpus.versions)
    return Program(
        slot_kinds=pack_integers("B", slots.kinds),
        slot_strings=pack_integers("B", slots.strings),
        symbols=slots.symbols,
        constants=pack_floats(constant.value for constant in constants),
        origins=tuple([constant.origin for constant in constants]),
        masks=pack_integers("Q", tests.masks),
        op=pack_integers("i", [row[0] for row in tests.rows]),
        a=pack_integers("i", [row[1] for row in tests.rows]),
        b=pack_integers("i", [row[2] for row in tests.rows]),
        c=pack_integers("i", [row[3] for row in tests.rows]),
        code=pack_integers("i", tests.code),
        node_kind=pack_integers("B", nodes.kinds),
        node_first=pack_integers("i", _starts(nodes.items)),
        node_count=pack_integers("i", map(len, nodes.items)),
        children=pack_integers("i", [ref for items in nodes.items for ref in items]),
        rule_root=pack_integers("i", roots),
        version_rules=pack_integers("i", version_rules),
        boundaries=pack_integers("q", boundaries),
        segment_first=pack_integers("i", _starts(segments)),
        segment_count=pack_integers("i", map(len, segments)),
        segment_versions=pack_integers("i", [v for segment in segments for v in segment]),
        zones=tests.zones.values,
        terms=tests.terms.values,
        patterns=tests.patterns.values,
        steps_bound=_steps_bound(nodes.items, roots, version_rules, segments),
    )


class _Nodes:
    """Conditions as nodes, each after the nodes that it is made of."""

    def __init__(self, shared: Sequence[Condition]) -> None:
        self.kinds: list[NodeKind] = []
        self.items: list[list[int]] = []
        self._shared: list[int] = []
        for condition in shared:
            self._shared.append(self._ref(condition))

    def root(self, condition: Condition) -> int:
        """The ref of a rule's condition."""
        if isinstance(condition, Truth):
            return ALWAYS if condition.value else NEVER
        return self._ref(condition)

    def _ref(self, condition: Condition) -> int:
        match condition:
            case Predicate(index=index, negated=negated):
                return ~(2 * index + negated)
            case Shared(index=index):
                return self._shared[index]
            case All(items=items) | Any(items=items):
                refs = [self._ref(item) for item in items]
                self.items.append(refs)
                self.kinds.append(NodeKind.ALL if isinstance(condition, All) else NodeKind.ANY)
                return len(self.items) - 1
            case _:
                raise ValueError(f"`{type(condition).__name__}` was not interned")


def _starts(lists: Sequence[Sequence[int]]) -> list[int]:
    """Where each list begins once they are laid end to end."""
    return list(accumulate(map(len, lists), initial=0))[:-1]


def _version_rules(corpus: Corpus) -> list[int]:
    """Where the rules of each version begin, and at last the number of rules."""
    versions = [rule.version for rule in corpus.rules]
    if versions != sorted(versions):
        raise ValueError("the rules are not sorted by version")
    counts = [0] * len(corpus.versions)
    for version in versions:
        counts[version] += 1
    return list(accumulate(counts, initial=0))


def segments_of(versions: Sequence[VersionDef]) -> tuple[list[int], list[list[int]]]:
    """The instants where the set of versions in force changes, and the sets between them."""
    ends = {version.end for version in versions if version.end is not None}
    boundaries = sorted(ends | {version.start for version in versions})
    segments: list[list[int]] = [[]]
    for instant in boundaries:
        in_force = [
            number
            for number, version in enumerate(versions)
            if version.start <= instant and (version.end is None or instant < version.end)
        ]
        segments.append(in_force)
    return boundaries, segments


def _steps_bound(
    nodes: Sequence[Sequence[int]],
    roots: Sequence[int],
    version_rules: Sequence[int],
    segments: Sequence[Sequence[int]],
) -> int:
    """See `Program.steps_bound`."""
    reached = [_reached(nodes, roots[first:last]) for first, last in pairwise(version_rules)]
    bound = 0
    for segment in segments:
        rules = sum(version_rules[version + 1] - version_rules[version] for version in segment)
        union: set[int] = set()
        union.update(*[reached[version] for version in segment])
        bound = max(bound, rules + sum(len(nodes[node]) for node in union))
    return bound


def _reached(nodes: Sequence[Sequence[int]], roots: Sequence[int]) -> set[int]:
    """The nodes that are part of any of the conditions."""
    found: set[int] = set()
    pending = [ref for ref in roots if 0 <= ref < len(nodes)]
    while pending:
        node = pending.pop()
        if node not in found:
            found.add(node)
            pending += [ref for ref in nodes[node] if ref >= 0]
    return found
