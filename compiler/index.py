"""The index of a decision program: a tree of bit vectors that finds the rules that may fire.

Trying every rule in force is the wrong cost: an event satisfies two or three of thousands. Each
condition is written as a few conjunctions (`conjunctions.py`), and each slot's values are divided
into a few cells (`cells.py`). Then

* a *leaf* holds up to 512 conjunctions. It has *tests*: a test is on one dimension, and has for each
  cell the bits of those conjunctions that are not false for values in it. The AND over the tests,
  the one that tells most first, leaves the few conjunctions that an event nearly satisfies;
* an inner *node* has up to 64 nodes below it, and is tested the same way: a node is not false where
  a conjunction below it is not. So conjunctions that ask for like things lie under one node, which
  is dropped as soon as what they have in common is false (`cluster.py`);
* a conjunction that is left is decided exactly, by its *checks*. It is true, unknown or false; a
  rule is what the greatest of its conjunctions is. Only where a conjunction has a rest (texts,
  arithmetic, times of day, too many alternatives) must the rule be settled in full.

Tests only spare work: whichever are left out, the outcome is the same. So the layout is free to be
what costs least, by the shares of events in each cell that a profile gives or that are guessed.

Bit vectors over predicates are after Whang et al., "Indexing Boolean Expressions" (VLDB 2009) and
Fabret et al. (SIGMOD 2001), who count satisfied predicates instead; the tree that hangs conjunctions
under their most selective predicates is after BE-Tree (Sadoghi and Jacobsen, SIGMOD 2011).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain
from typing import Final

import msgspec

from clausal.compiler.cells import (
    ALL,
    ANY,
    BETWEEN,
    CELL_LIMIT,
    MEMBER,
    NONE,
    NOT_ALL,
    TIME,
    UNKNOWN,
    Check,
    Dimension,
    constraint_checks,
)
from clausal.compiler.cluster import Cells, Costs, clustered, tests_of
from clausal.compiler.conjunctions import WORD, Conjunction, Constraint, Tables, conjunctions_of
from clausal.compiler.profile import UNKNOWN as NO_PROFILE
from clausal.compiler.profile import Profile
from clausal.compiler.program import (
    Program,
    SlotKind,
    mask_words,
    pack_floats,
    pack_integers,
)

ROOTS: Final = 4
"""Levels are added until one has no more nodes than this: each of them is visited."""


LEVEL_LIMIT: Final = 20
"""The most levels of a tree."""


LEAF_LIMIT: Final = 512
"""The most conjunctions of a leaf: as many bits as a line of a processor's cache."""


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """How the tree is laid out; no outcome depends on it.

    Attributes:
        leaf: How many conjunctions a leaf holds, from 2 to `LEAF_LIMIT`.
        width: How many nodes an inner node holds, from 2 to 64.
        cells: The most cells of a dimension, from 4 to `CELL_LIMIT`.
        tests: The most tests of a node.
        clustered: Whether conjunctions that ask for like things lie together; otherwise they lie in
            the order of the rules.
    """

    leaf: int = LEAF_LIMIT
    width: int = WORD
    cells: int = CELL_LIMIT
    tests: int = 32
    clustered: bool = True


class Expected(msgspec.Struct, frozen=True):
    """What an event is expected to cost, if its values were independent of each other.

    Attributes:
        nodes: How many nodes are visited.
        tests: How many tests are made.
        conjunctions: How many conjunctions are left to be checked.
    """

    nodes: float
    tests: float
    conjunctions: float


class Index(msgspec.Struct, frozen=True, kw_only=True):
    """The tree. A *dimension* is a slot that conjunctions are told apart by, or the time.

    Nodes are numbered by level, the roots first and the leaves last. The members of node i of a
    level are the nodes i * width and up of the next level, those of leaf i the conjunctions
    i * leaf and up. `clausal.compiler.cells` says what cells and checks mean.

    Attributes:
        leaf: The most members of a leaf.
        width: The most members of an inner node.
        levels: How many nodes each level has; none if there is no conjunction.
        dim_slot: int32, the slot of each dimension; -1: the time, whose value is the segment.
        dim_cells: int32, how many cells a dimension has.
        dim_first, dim_count: int32, its cuts (QUANTITY and time) or its codes (the others).
        cuts: float64.
        codes: uint8, the cell of each code or element.
        node_tests: int32, one more than there are nodes: node i has the tests from node_tests[i] up
            to node_tests[i + 1].
        test_dim: int32; test_map: int32 into ``maps``; test_word: int32 into ``words``. The row for
            cell c begins at ``words[test_word + maps[test_map + c] * lanes]``; that of a set is the
            OR over cells. A row has `lanes_of(leaf)` words in a leaf, and one in an inner node.
        maps: uint8.
        words: uint64, by member.
        conjunction_rule: int32, the rule that a conjunction belongs to.
        conjunction_rest: uint8, 1 if the rule must be settled where the conjunction is not false.
        conjunction_first: int32, one more than there are conjunctions, into ``conjunction_checks``.
        conjunction_checks: int32, numbers of checks, the most selective first.
        check_dim: int32; check_kind, check_absent: uint8; check_low, check_high: float64;
            check_mask: int32 into ``masks``.
        masks: uint64, as those of a program.
        weights: float64, the share of events by dimension and cell that the layout is made for.
        expected: What follows from them.
        shape: How the tree was to be laid out.
    """

    leaf: int
    width: int
    levels: tuple[int, ...]
    dim_slot: bytes
    dim_cells: bytes
    dim_first: bytes
    dim_count: bytes
    cuts: bytes
    codes: bytes
    node_tests: bytes
    test_dim: bytes
    test_map: bytes
    test_word: bytes
    maps: bytes
    words: bytes
    conjunction_rule: bytes
    conjunction_rest: bytes
    conjunction_first: bytes
    conjunction_checks: bytes
    check_dim: bytes
    check_kind: bytes
    check_absent: bytes
    check_low: bytes
    check_high: bytes
    check_mask: bytes
    masks: bytes
    weights: bytes
    expected: Expected
    shape: Shape


def lanes_of(leaf: int) -> int:
    """How many words a row of a leaf has: enough for its members, and 1, 2, 4 or 8."""
    words = (leaf + WORD - 1) // WORD
    return 1 << (words - 1).bit_length()


def build_index(
    program: Program, profile: Profile = NO_PROFILE, shape: Shape | None = None
) -> Index:
    """The index of a program that was verified; equal arguments give equal indices."""
    shape = shape or Shape()
    tables = Tables(program)
    spans = _spans(tables)
    conjunctions = [one for one in conjunctions_of(tables) if spans[one.rule] is not None]
    of_constraint = constraint_checks(tables, conjunctions)
    times = {one.rule: _time_check(spans[one.rule]) for one in conjunctions}
    dimensions = _dimensions(tables, conjunctions, of_constraint, times, shape, profile)
    cells_of_check = {
        check: dimensions[check.slot].may_hold(check)
        for check in chain(chain.from_iterable(of_constraint.values()), times.values())
    }
    members = _Members(dimensions, of_constraint, times, cells_of_check)
    placed = [(one, members.cells(one)) for one in conjunctions]
    if shape.clustered:
        placed = clustered(placed, dimensions, shape.leaf)
    return _lay_out(tables, dimensions, members, placed, shape)


def _spans(tables: Tables) -> list[tuple[int, int] | None]:
    """For each rule the first and the last segment in which it is in force."""
    of_version: dict[int, list[int]] = defaultdict(list)
    for segment, versions in enumerate(tables.segments):
        for version in versions:
            of_version[version].append(segment)
    spans: list[tuple[int, int] | None] = []
    starts = tables.version_rules
    for version in range(len(starts) - 1):
        found = of_version[version]
        if found and found[-1] - found[0] + 1 != len(found):
            raise ValueError("a version is not in force without a break")
        span = (found[0], found[-1]) if found else None
        spans += [span] * (starts[version + 1] - starts[version])
    return spans


def _time_check(span: tuple[int, int] | None) -> Check:
    assert span is not None
    return Check(TIME, BETWEEN, UNKNOWN, float(span[0]), float(span[1]))


def _dimensions(
    tables: Tables,
    conjunctions: Sequence[Conjunction],
    of_constraint: Mapping[Constraint, Sequence[Check]],
    times: Mapping[int, Check],
    shape: Shape,
    profile: Profile,
) -> dict[int, Dimension]:
    """The dimension of each slot, and of the time, by slot."""
    uses: dict[int, dict[Check, int]] = defaultdict(lambda: defaultdict(int))
    for conjunction in conjunctions:
        uses[TIME][times[conjunction.rule]] += 1
        for constraint in conjunction.constraints:
            for check in of_constraint[constraint]:
                uses[check.slot][check] += 1
    return {
        slot: Dimension(tables, slot, uses[slot], shape.cells, profile) for slot in sorted(uses)
    }


@dataclass(frozen=True)
class _Members:
    """What a conjunction asks of each dimension."""

    dimensions: Mapping[int, Dimension]
    of_constraint: Mapping[Constraint, Sequence[Check]]
    times: Mapping[int, Check]
    cells_of_check: Mapping[Check, int]

    def cells(self, conjunction: Conjunction) -> Cells:
        """By slot, the cells in which the conjunction is not false; other slots are all the same."""
        found: Cells = {TIME: self.cells_of_check[self.times[conjunction.rule]]}
        for constraint in conjunction.constraints:
            slot = constraint[0]
            dimension = self.dimensions[slot]
            cells = 0
            for check in self.of_constraint[constraint]:
                cells |= self.cells_of_check[check]
            if slot not in found:
                found[slot] = cells
            elif dimension.kind is SlotKind.SET:
                # An element for each need: one of them stands for all.
                found[slot] = min(found[slot], cells, key=lambda one: (dimension.share(one), one))
            else:
                found[slot] &= cells
        return {slot: cells for slot, cells in found.items() if cells != self.dimensions[slot].full}

    def checks(self, conjunction: Conjunction) -> list[Check]:
        """The checks of a conjunction, the most selective first."""
        found = [self.times[conjunction.rule]]
        for constraint in conjunction.constraints:
            checks = self.of_constraint[constraint]
            # Alternatives are left to the rest, which a conjunction with alternatives has.
            if len(checks) == 1:
                found += checks
        return sorted(found, key=self._share)

    def _share(self, check: Check) -> tuple[float, Check]:
        return self.dimensions[check.slot].share(self.cells_of_check[check]), check


# ── Layout ───────────────────────────────────────────────────────────────────────────────────────


def _lay_out(
    tables: Tables,
    dimensions: Mapping[int, Dimension],
    members: _Members,
    placed: Sequence[tuple[Conjunction, Cells]],
    shape: Shape,
) -> Index:
    """The arrays, over the conjunctions in their order."""
    # No wider than there is something to hold, so that small bundles have short rows.
    leaf = min(shape.leaf, max(2, len(placed)))
    tests = _Tests(dimensions, lanes_of(leaf))
    levels = _levels([cells for _, cells in placed], dimensions, leaf, shape.width)
    expected = _add_tests(tests, levels, dimensions, shape)
    checks = _Checks(tables, dimensions)
    lists = [checks.numbers(members.checks(conjunction)) for conjunction, _ in placed]
    dims = list(dimensions.values())
    codes = [len(dim.cell_of_code) for dim in dims]
    cuts = [len(dim.cuts) for dim in dims]
    return Index(
        leaf=leaf,
        width=shape.width,
        levels=tuple([len(level) for level in levels]),
        dim_slot=pack_integers("i", [dim.slot for dim in dims]),
        dim_cells=pack_integers("i", [dim.cells for dim in dims]),
        dim_first=pack_integers(
            "i",
            [
                cut if dim.kind is SlotKind.QUANTITY else code
                for dim, cut, code in zip(
                    dims, accumulate(cuts, initial=0), accumulate(codes, initial=0), strict=False
                )
            ],
        ),
        dim_count=pack_integers("i", [cut or code for cut, code in zip(cuts, codes, strict=True)]),
        cuts=pack_floats(chain.from_iterable(dim.cuts for dim in dims)),
        codes=bytes(chain.from_iterable(dim.cell_of_code for dim in dims)),
        node_tests=pack_integers("i", tests.first),
        test_dim=pack_integers("i", tests.dim),
        test_map=pack_integers("i", tests.map),
        test_word=pack_integers("i", tests.word),
        maps=bytes(tests.maps),
        words=pack_integers("Q", tests.words),
        conjunction_rule=pack_integers("i", [one.rule for one, _ in placed]),
        conjunction_rest=bytes([one.rest for one, _ in placed]),
        conjunction_first=pack_integers("i", accumulate(map(len, lists), initial=0)),
        conjunction_checks=pack_integers("i", chain.from_iterable(lists)),
        check_dim=pack_integers("i", checks.dim),
        check_kind=bytes([check.kind for check in checks.found]),
        check_absent=bytes([check.absent for check in checks.found]),
        check_low=pack_floats([check.low for check in checks.found]),
        check_high=pack_floats([check.high for check in checks.found]),
        check_mask=pack_integers("i", checks.mask),
        masks=pack_integers("Q", checks.masks),
        weights=pack_floats(chain.from_iterable(dim.weights for dim in dims)),
        expected=expected,
        shape=shape,
    )


def _levels(
    conjunctions: Sequence[Cells], dimensions: Mapping[int, Dimension], leaf: int, width: int
) -> list[list[Sequence[Cells]]]:
    """The nodes of each level, the roots first: what each of their members asks for."""
    levels: list[list[Sequence[Cells]]] = []
    members = conjunctions
    while members and (not levels or len(members) > ROOTS):
        most = width if levels else leaf
        nodes = [members[at : at + most] for at in range(0, len(members), most)]
        levels.append(nodes)
        members = [_union(node, dimensions) for node in nodes]
    return levels[::-1]


def _union(members: Sequence[Cells], dimensions: Mapping[int, Dimension]) -> Cells:
    """The cells in which some member is not false."""
    found = dict(members[0])
    for cells in members[1:]:
        for slot in list(found):
            if slot in cells:
                found[slot] |= cells[slot]
            else:
                del found[slot]
    return {slot: cells for slot, cells in found.items() if cells != dimensions[slot].full}


class _Tests:
    """The tests of all nodes, and their tables."""

    def __init__(self, dimensions: Mapping[int, Dimension], lanes: int) -> None:
        self.dimensions = dimensions
        self.lanes = lanes
        self.number = {slot: number for number, slot in enumerate(dimensions)}
        self.first = [0]
        self.dim: list[int] = []
        self.map: list[int] = []
        self.word: list[int] = []
        self.maps = bytearray()
        self.words: list[int] = []
        self.places: dict[tuple[int, ...], int] = {}

    def add(self, slot: int, members: Sequence[Cells], *, leaf: bool) -> None:
        """Add a test of the node that is being laid out."""
        dimension = self.dimensions[slot]
        groups: dict[int, int] = defaultdict(int)
        everybody = 0
        for number, cells in enumerate(members):
            if slot in cells:
                groups[cells[slot]] |= 1 << number
            else:
                everybody |= 1 << number
        by_cell = [everybody] * dimension.cells
        for mask, group in groups.items():
            for cell in range(dimension.cells):
                if mask >> cell & 1:
                    by_cell[cell] |= group
        palette = {word: place for place, word in enumerate(dict.fromkeys(by_cell))}
        self.dim.append(self.number[slot])
        self.map.append(len(self.maps))
        self.word.append(len(self.words))
        self.maps += bytes([palette[word] for word in by_cell])
        for row in palette:
            self.words += [
                row >> WORD * lane & 2**WORD - 1 for lane in range(self.lanes if leaf else 1)
            ]

    def end(self) -> None:
        """End the tests of a node."""
        self.first.append(len(self.dim))


def _add_tests(
    tests: _Tests,
    levels: Sequence[Sequence[Sequence[Cells]]],
    dimensions: Mapping[int, Dimension],
    shape: Shape,
) -> Expected:
    """Choose the tests of every node, from the roots to the leaves."""
    nodes = made = checked = 0.0
    above = [Costs(1.0, {})] * (len(levels[0]) if levels else 0)
    for depth, level in enumerate(levels):
        leaf = depth == len(levels) - 1
        below: list[Costs] = []
        for members, costs in zip(level, above, strict=True):
            chosen = tests_of(members, dimensions, costs, leaf=leaf, most=shape.tests)
            for slot in chosen.slots:
                tests.add(slot, members, leaf=leaf)
            tests.end()
            nodes += costs.reach
            made += chosen.made
            below += chosen.members
        if leaf:
            checked = sum(costs.reach for costs in below)
        above = below
    return Expected(round(nodes, 3), round(made, 3), round(checked, 3))


class _Checks:
    """The distinct checks, and the masks that they look into."""

    def __init__(self, tables: Tables, dimensions: Mapping[int, Dimension]) -> None:
        self.tables = tables
        self.number = {slot: number for number, slot in enumerate(dimensions)}
        self.found: dict[Check, int] = {}
        self.dim: list[int] = []
        self.mask: list[int] = []
        self.masks: list[int] = []
        self.places: dict[tuple[int, int], int] = {}

    def numbers(self, checks: Sequence[Check]) -> list[int]:
        """The numbers of checks, which are listed if they are new."""
        for check in checks:
            if check not in self.found:
                self.found[check] = len(self.found)
                self.dim.append(self.number[check.slot])
                self.mask.append(self._place(check))
        return [self.found[check] for check in checks]

    def _place(self, check: Check) -> int:
        if check.kind not in (MEMBER, ANY, NONE, ALL, NOT_ALL):
            return 0
        words = mask_words(self.tables.kinds[check.slot], self.tables.symbols[check.slot])
        key = (check.mask, words)
        if key not in self.places:
            self.places[key] = len(self.masks)
            self.masks += [check.mask >> WORD * word & 2**WORD - 1 for word in range(words)]
        return self.places[key]
