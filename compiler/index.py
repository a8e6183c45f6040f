"""The index of a decision program: a tree of bit vectors that finds the rules that may fire.

Trying every rule in force is the wrong cost: an event satisfies two or three of thousands. Each
condition is written as a few *conjunctions* of literals. A literal on one slot divides the values of
that slot into *cells* (the intervals between thresholds, the symbols, absent, failed), and in each
cell it is either false for certain or not. For each slot and cell a *row* of bits, one for each
conjunction, says which are not yet false; the AND of an event's rows leaves the *candidates*, whose
rules are then evaluated in full. So the index only ever narrows down: what it keeps may still be
false, what it drops is false for certain, and the outcome is that of the plain walk.

The bits are the leaves of a tree with 64 branches a node: bit i of a row's *summary* says whether
its word i has any bit. Conjunctions are sorted by their most selective literals, so that most words
of most rows are empty, and the AND of the summaries visits only the words that can have candidates.

Bit vectors over interned predicates are after Whang et al., "Indexing Boolean Expressions" (VLDB
2009) and Fabret et al. (SIGMOD 2001), who count satisfied predicates instead; clustering conjunctions
under their most selective predicate is after BE-Tree (Sadoghi and Jacobsen, SIGMOD 2011).

Bounds: a condition becomes at most `CONJUNCTION_LIMIT` conjunctions (beyond that its alternatives
are left to the full evaluation), and a slot has at most `CELL_LIMIT` cells (beyond that neighbours
share a row), so the index grows with the number of rules and never blows up.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, product
from operator import xor
from typing import Final

import msgspec

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
    pack_floats,
    pack_integers,
)

CONJUNCTION_LIMIT: Final = 16
"""The most conjunctions that one condition is written as."""

CELL_LIMIT: Final = 128
"""The most thresholds, or rows of symbols, that one slot is divided by."""

WORD: Final = 64


class Index(msgspec.Struct, frozen=True, kw_only=True):
    """Rows of bits over conjunctions, and how a value leads to its row.

    ``words`` is the length of a row in 64-bit words, ``summary_words`` that of its summary. A
    *dimension* is a slot by which conjunctions are told apart. For dimension d its rows are
    numbers ``dim_row[d]`` and up: first the row of an absent value, then of a failed one, then by
    cell. The cell of a value is

    * FLAG: 0 for false, 1 for true;
    * QUANTITY: among the thresholds ``thresholds[dim_first[d]:][:dim_count[d]]``, ascending: twice
      the number of those that are less, and 1 more if the next one is equal;
    * SYMBOL, TEXT: ``cells[dim_first[d] + code]``;
    * SET: cell 0 holds what needs no element, cell 1 + b what is satisfied by the element with
      bit b; the row of a set is the OR of cell 0 and those of its elements.

    Attributes:
        dim_slot: int32, the slot of each dimension; the most selective dimension comes first.
        dim_row, dim_first, dim_count: int32, as above.
        thresholds: float64.
        cells: int32, the cell of each code of symbols.
        rows: uint64, ``words`` for each row.
        conjunction_rule: int32, the rule that a conjunction belongs to.
        segments: uint64, ``words`` for each segment of the program: the conjunctions of the rules
            in force. (Summaries are worked out when a program is loaded.)
    """

    words: int
    summary_words: int
    dim_slot: bytes
    dim_row: bytes
    dim_first: bytes
    dim_count: bytes
    thresholds: bytes
    cells: bytes
    rows: bytes
    conjunction_rule: bytes
    segments: bytes


Literal = tuple[int, bool]
"""A predicate, and whether it is negated."""

_INDEXED: Final = frozenset(
    {Op.FLAG, Op.LT, Op.LE, Op.EQ, Op.IS, Op.MEMBER, Op.ANY, Op.ALL, Op.HAS, Op.ABSENT}
)


def build_index(program: Program) -> Index:
    """The index of a program that was verified; equal programs give equal indices."""
    tables = _Tables(program)
    conjunctions = _conjunctions(tables)
    dimensions = _Dimensions(tables, conjunctions)
    return _lay_out(tables, dimensions, _clustered(tables, dimensions, conjunctions))


# ── Conjunctions ─────────────────────────────────────────────────────────────────────────────────

Alternative = frozenset[Literal]
"""Literals on one slot that must all hold."""

Constraint = tuple[int, tuple[Alternative, ...]]
"""A slot, and the alternatives of which one must hold."""


@dataclass(frozen=True, slots=True)
class Conjunction:
    """Constraints that must all hold for a rule to be anything but false."""

    rule: int
    constraints: tuple[Constraint, ...]


class _Tables:
    """The arrays of a program as numbers."""

    def __init__(self, program: Program) -> None:
        self.kinds = [SlotKind(kind) for kind in program.slot_kinds]
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
        first = integers("i", program.segment_first)
        count = integers("i", program.segment_count)
        versions = integers("i", program.segment_versions)
        self.segments = [versions[f : f + c] for f, c in zip(first, count, strict=True)]

    def mask(self, predicate: int) -> int:
        """The mask of a MEMBER, ANY or ALL predicate, as one number."""
        slot, first = self.a[predicate], self.b[predicate]
        words = self.masks[first : first + mask_words(self.kinds[slot], self.symbols[slot])]
        return sum(word << (WORD * place) for place, word in enumerate(words))


def _conjunctions(tables: _Tables) -> list[Conjunction]:
    """The conjunctions of all rules; a rule that is always false has none."""
    written = _Writer(tables)
    found = []
    for rule, root in enumerate(tables.roots):
        if root == NEVER:
            continue
        alternatives = ((),) if root == ALWAYS else written.alternatives(root)
        found += [Conjunction(rule, constraints) for constraints in alternatives]
    return found


class _Writer:
    """Writes nodes as alternatives of constraints: each node once, however many rules share it."""

    def __init__(self, tables: _Tables) -> None:
        self.tables = tables
        # A node's children come before it, so this loop needs no recursion.
        self.nodes: list[tuple[tuple[Constraint, ...], ...]] = []
        for node in range(len(tables.node_kind)):
            first = tables.node_first[node]
            refs = tables.children[first : first + tables.node_count[node]]
            parts = [self.alternatives(ref) for ref in refs]
            write = _all_of if tables.node_kind[node] == NodeKind.ALL else _any_of
            self.nodes.append(write(parts))

    def alternatives(self, ref: int) -> tuple[tuple[Constraint, ...], ...]:
        """What a condition is written as: one of the alternatives holds, unless it is false."""
        if ref >= 0:
            return self.nodes[ref]
        predicate, negated = ~ref >> 1, bool(~ref & 1)
        if self.tables.op[predicate] not in _INDEXED:
            return ((),)
        slot = self.tables.a[predicate]
        return (((slot, (frozenset({(predicate, negated)}),)),),)


_Alternatives = tuple[tuple[Constraint, ...], ...]


def _all_of(parts: Sequence[_Alternatives]) -> _Alternatives:
    """The product of the parts; a part that would make it too large is left out, or merged."""
    results: _Alternatives = ((),)
    for part in sorted(parts, key=len):
        chosen = part if len(results) * len(part) <= CONJUNCTION_LIMIT else (_merged(part),)
        results = tuple([(*left, *right) for left, right in product(results, chosen)])
    return results


def _any_of(parts: Sequence[_Alternatives]) -> _Alternatives:
    """The parts side by side; merged into one when there are too many."""
    results = tuple([alternative for part in parts for alternative in part])
    return results if len(results) <= CONJUNCTION_LIMIT else (_merged(results),)


def _merged(alternatives: _Alternatives) -> tuple[Constraint, ...]:
    """What all alternatives have in common: the slots that each of them constrains."""
    by_slot: dict[int, list[Alternative]] = defaultdict(list)
    seen: Counter[int] = Counter()
    for constraints in alternatives:
        one_each: dict[int, tuple[Alternative, ...]] = {}
        for slot, options in constraints:
            # Of several constraints on one slot, the one with fewer alternatives tells more.
            if slot not in one_each or len(options) < len(one_each[slot]):
                one_each[slot] = options
        for slot, options in one_each.items():
            by_slot[slot] += options
            seen[slot] += 1
    return tuple(
        [
            (slot, tuple(dict.fromkeys(by_slot[slot])))
            for slot in sorted(by_slot)
            if seen[slot] == len(alternatives)
        ]
    )


# ── Cells ────────────────────────────────────────────────────────────────────────────────────────


class _Dimension:
    """The cells of one slot, and which literals can hold in each."""

    def __init__(self, tables: _Tables, slot: int, literals: Iterable[Literal]) -> None:
        self.tables = tables
        self.slot = slot
        self.kind = tables.kinds[slot]
        self.thresholds: list[float] = []
        self.cell_of_code: list[int] = []
        match self.kind:
            case SlotKind.FLAG:
                self.cells = 2
            case SlotKind.QUANTITY:
                self.thresholds = self._chosen_thresholds(literals)
                self.cells = 2 * len(self.thresholds) + 1
            case SlotKind.SYMBOL | SlotKind.TEXT:
                codes = tables.symbols[slot] + 1
                self.cells = min(codes, CELL_LIMIT)
                self.cell_of_code = [code % CELL_LIMIT for code in range(codes)]
            case SlotKind.SET:
                self.cells = 1 + tables.symbols[slot]

    def _chosen_thresholds(self, literals: Iterable[Literal]) -> list[float]:
        """All thresholds, or, of too many, those at equal shares of their uses."""
        tables = self.tables
        values = sorted(
            tables.constants[tables.b[predicate]]
            for predicate, _ in literals
            if tables.op[predicate] in (Op.LT, Op.LE, Op.EQ)
        )
        distinct = sorted(set(values))
        if len(distinct) <= CELL_LIMIT:
            return distinct
        places = [len(values) * part // CELL_LIMIT for part in range(CELL_LIMIT)]
        return sorted({values[place] for place in places})

    def allowed(self, options: Sequence[Alternative]) -> frozenset[int]:
        """The cells in which one of the alternatives may hold."""
        if self.kind is SlotKind.SET:
            return self._allowed_elements(options)
        found: set[int] = set()
        for option in options:
            cells: set[int] | range = range(self.cells)
            for predicate, negated in option:
                possible = self._possible(predicate, negated)
                cells = possible if isinstance(cells, range) else cells & possible
            found.update(cells)
        return frozenset(found)

    def allowed_absent(self, options: Sequence[Alternative]) -> bool:
        """Whether one of the alternatives may hold, or be unknown, for an absent value."""
        absent = Op.ABSENT
        return any(
            not any(
                self.tables.op[predicate] == absent and negated for predicate, negated in option
            )
            for option in options
        )

    def _allowed_elements(self, options: Sequence[Alternative]) -> frozenset[int]:
        """For a set: 0 if some alternative needs no element, else the elements that may do."""
        found: set[int] = set()
        for option in options:
            needed: set[int] | None = None
            impossible = False
            for predicate, negated in sorted(option):
                op = self.tables.op[predicate]
                if op == Op.ABSENT:
                    impossible = impossible or not negated
                elif not negated:
                    elements = self._elements(predicate)
                    # Of several needs, the one with the fewest elements tells the most. For ALL,
                    # one element is as good as any.
                    if op == Op.ALL:
                        elements = {min(elements)} if elements else set()
                    if elements and (needed is None or len(elements) < len(needed)):
                        needed = elements
            if impossible:
                continue
            found |= {0} if needed is None else {1 + element for element in needed}
        return frozenset({0} if 0 in found else found)

    def _elements(self, predicate: int) -> set[int]:
        if self.tables.op[predicate] == Op.HAS:
            return {self.tables.b[predicate]}
        mask = self.tables.mask(predicate)
        return {bit for bit in range(self.tables.symbols[self.slot]) if mask >> bit & 1}

    def _possible(self, predicate: int, negated: bool) -> set[int]:
        """The cells in which a literal holds for some value; more where that is not certain."""
        tables = self.tables
        op = Op(tables.op[predicate])
        if op is Op.ABSENT:
            return set(range(self.cells)) if negated else set()
        match self.kind:
            case SlotKind.FLAG:
                return {int(not negated)}
            case SlotKind.QUANTITY:
                return set(
                    self._possible_numbers(op, tables.constants[tables.b[predicate]], negated)
                )
            case _:
                codes = range(tables.symbols[self.slot] + 1)
                if op is Op.IS:
                    held = {tables.b[predicate]}
                else:
                    mask = tables.mask(predicate)
                    held = {code for code in codes if mask >> code & 1}
                return {code % CELL_LIMIT for code in (set(codes) - held if negated else held)}

    def _possible_numbers(self, op: Op, constant: float, negated: bool) -> Iterable[int]:
        """Cell 2i lies between two thresholds, both left out; cell 2i + 1 is threshold i."""
        place = bisect_left(self.thresholds, constant)
        chosen = place < len(self.thresholds) and self.thresholds[place] == constant
        # The cell that holds the constant; beside a threshold, values on both sides share it.
        cell = 2 * place + chosen
        if op is Op.EQ and not negated:
            return (cell,)
        if op is Op.EQ:
            return (other for other in range(self.cells) if not chosen or other != cell)
        # Where the constant is no threshold, its cell has values on both sides of it.
        if op is Op.LT:
            return range(cell, self.cells) if negated else range(cell + (not chosen))
        return range(cell + chosen, self.cells) if negated else range(cell + 1)


class _Dimensions:
    """The dimensions of all slots that conjunctions constrain, and the cells of each constraint."""

    def __init__(self, tables: _Tables, conjunctions: Iterable[Conjunction]) -> None:
        constraints: dict[Constraint, int] = Counter(
            constraint for conjunction in conjunctions for constraint in conjunction.constraints
        )
        literals: dict[int, list[Literal]] = defaultdict(list)
        self.weight: Counter[int] = Counter()
        for (slot, options), uses in constraints.items():
            self.weight[slot] += uses
            for option in options:
                literals[slot] += sorted(option)
        self.by_slot = {slot: _Dimension(tables, slot, found) for slot, found in literals.items()}
        self.allowed = {
            (slot, options): self.by_slot[slot].allowed(options) for slot, options in constraints
        }

    def share(self, constraint: Constraint) -> float:
        """A guess at the share of values that satisfy a constraint: that of the cells.

        Thresholds are where authors found it worth telling values apart, so their ranks say more
        about how often they are passed than their sizes do.
        """
        return len(self.allowed[constraint]) / self.by_slot[constraint[0]].cells


# ── Order ────────────────────────────────────────────────────────────────────────────────────────


def _clustered(
    tables: _Tables, dimensions: _Dimensions, conjunctions: Iterable[Conjunction]
) -> list[Conjunction]:
    """Conjunctions by version, then under their most selective constraints."""
    version_of = [0] * len(tables.roots)
    for version in range(len(tables.version_rules) - 1):
        for rule in range(tables.version_rules[version], tables.version_rules[version + 1]):
            version_of[rule] = version
    keys = {
        constraint: (dimensions.share(constraint), constraint[0], sorted(cells))
        for constraint, cells in dimensions.allowed.items()
    }

    def place(conjunction: Conjunction) -> tuple[object, ...]:
        best = sorted(keys[constraint] for constraint in conjunction.constraints)
        # By slot first, so that neighbours are told apart by the same slot, then by its cells.
        return (
            version_of[conjunction.rule],
            [(slot, cells[:1]) for _, slot, cells in best[:3]],
            conjunction.rule,
        )

    return sorted(conjunctions, key=place)


# ── Layout ───────────────────────────────────────────────────────────────────────────────────────


def _lay_out(
    tables: _Tables, dimensions: _Dimensions, conjunctions: Sequence[Conjunction]
) -> Index:
    """The rows of every dimension, and the segments, over the conjunctions in their order."""
    count = len(conjunctions)
    words = max(1, (count + WORD - 1) // WORD)
    everything = (1 << count) - 1
    rows: list[int] = []
    by_slot: dict[int, dict[tuple[tuple[Alternative, ...], ...], int]] = defaultdict(
        lambda: defaultdict(int)
    )
    for number, conjunction in enumerate(conjunctions):
        on_slot: dict[int, list[tuple[Alternative, ...]]] = defaultdict(list)
        for slot, options in conjunction.constraints:
            on_slot[slot].append(options)
        for slot, together in on_slot.items():
            by_slot[slot][tuple(together)] |= 1 << number
    # The slot that most conjunctions constrain empties the most words first.
    slots = sorted(by_slot, key=lambda slot: (-dimensions.weight[slot], slot))
    dim_row, dim_first, dim_count = [], [], []
    thresholds: list[float] = []
    cells: list[int] = []
    for slot in slots:
        dimension = dimensions.by_slot[slot]
        dim_row.append(len(rows))
        if dimension.kind is SlotKind.QUANTITY:
            dim_first.append(len(thresholds))
            dim_count.append(len(dimension.thresholds))
            thresholds += dimension.thresholds
        else:
            dim_first.append(len(cells))
            dim_count.append(len(dimension.cell_of_code))
            cells += dimension.cell_of_code
        rows += _rows(dimension, by_slot[slot], everything)
    segments = _segment_rows(tables, conjunctions)
    data = b"".join(row.to_bytes(words * 8, "little") for row in rows)
    segment_data = b"".join(row.to_bytes(words * 8, "little") for row in segments)
    summary_words = (words + WORD - 1) // WORD
    return Index(
        words=words,
        summary_words=summary_words,
        dim_slot=pack_integers("i", slots),
        dim_row=pack_integers("i", dim_row),
        dim_first=pack_integers("i", dim_first),
        dim_count=pack_integers("i", dim_count),
        thresholds=pack_floats(thresholds),
        cells=pack_integers("i", cells),
        rows=data,
        conjunction_rule=pack_integers("i", [conjunction.rule for conjunction in conjunctions]),
        segments=segment_data,
    )


def _rows(
    dimension: _Dimension,
    groups: dict[tuple[tuple[Alternative, ...], ...], int],
    everything: int,
) -> list[int]:
    """The rows of a dimension: absent, failed, then one for each cell."""
    absent = unconstrained = everything
    if dimension.kind is SlotKind.SET:
        # The row of a set is the OR of what its elements allow: begin with nothing.
        cells = [0] * dimension.cells
        for constraints, members in groups.items():
            unconstrained &= ~members
            # Rows of elements can say one constraint of a conjunction: the first that asks for any.
            allowed = [dimension.allowed(options) for options in constraints]
            asking = [cells_ for cells_ in allowed if 0 not in cells_]
            for cell in asking[0] if asking else (0,):
                cells[cell] |= members
            if not all(dimension.allowed_absent(options) for options in constraints):
                absent &= ~members
        cells[0] |= unconstrained
        return [absent, everything, *cells]
    # Conjunctions enter and leave as the cells go by: most are allowed in one run of cells, so this
    # costs a few operations for each instead of one for every cell.
    changes = [0] * (dimension.cells + 1)
    for constraints, members in groups.items():
        allowed_cells = frozenset.intersection(*map(dimension.allowed, constraints))
        for cell in allowed_cells:
            if cell - 1 not in allowed_cells:
                changes[cell] ^= members
            if cell + 1 not in allowed_cells:
                changes[cell + 1] ^= members
        unconstrained &= ~members
        if not all(dimension.allowed_absent(options) for options in constraints):
            absent &= ~members
    cells = list(accumulate(changes[:-1], xor))
    return [absent, everything, *[cell | unconstrained for cell in cells]]


def _segment_rows(tables: _Tables, conjunctions: Sequence[Conjunction]) -> list[int]:
    """For each segment, the conjunctions of the rules that are in force."""
    by_version = [0] * (len(tables.version_rules) - 1)
    starts = tables.version_rules
    for number, conjunction in enumerate(conjunctions):
        version = bisect_right(starts, conjunction.rule) - 1
        by_version[version] |= 1 << number
    rows = []
    for versions in tables.segments:
        row = 0
        for version in versions:
            row |= by_version[version]
        rows.append(row)
    return rows
