"""The values of a slot divided into a few cells, and in which of them a constraint may hold.

A *dimension* is a slot that conjunctions are told apart by, or the time: the segment of the program.
Its cells are numbered; sets of cells are numbers with a bit for each. Cell 0 is an absent value,
cell 1 a failed one. A value that is there lies

* FLAG: in cell 2 if false, in cell 3 if true;
* QUANTITY: in cell 2 + the number of *cuts* that are not greater;
* SYMBOL, TEXT: in the cell of its code;
* SET: in cell 2, and in the cell of each of its elements.

What the cells do not tell apart is decided by *checks*: a check is one literal, decided exactly from
the value. So thousands of thresholds need no more cells than `CELL_LIMIT`.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from clausal.compiler.conjunctions import Conjunction, Constraint, Literal, Tables
from clausal.compiler.profile import Profile
from clausal.compiler.program import Op, SlotKind

CELL_LIMIT: Final = 64
"""The most cells that a dimension has."""

ABSENT: Final = 0
FAILED: Final = 1
FIRST: Final = 2
"""The first cell of values that are there."""

TIME: Final = -1
"""What stands for a slot where a dimension is the time."""

FALSE: Final = 0
UNKNOWN: Final = 1
TRUE: Final = 2

BETWEEN: Final = 0
"""low <= value <= high; a symbol's value is its code, that of a flag 0 or 1"""
OUTSIDE: Final = 1
"""not BETWEEN"""
MEMBER: Final = 2
"""the bit of the code is in the mask"""
ANY: Final = 3
"""an element is in the mask"""
NONE: Final = 4
"""not ANY"""
ALL: Final = 5
"""every element of the mask is there"""
NOT_ALL: Final = 6
"""not ALL"""
PRESENT: Final = 7
"""always, as the value is there"""
MISSING: Final = 8
"""never, as the value is there"""

BOUNDLESS: Final = math.inf


class Check(NamedTuple):
    """A literal on a dimension. A failed value leaves it unknown.

    Attributes:
        slot: The slot, or `TIME`.
        kind: What must hold for a value that is there.
        absent: The verdict for an absent value.
        low: The least value, if BETWEEN or OUTSIDE.
        high: The greatest.
        mask: Bits by code or element.
    """

    slot: int
    kind: int
    absent: int
    low: float = 0.0
    high: float = 0.0
    mask: int = 0


class Span(NamedTuple):
    """The segments in which a rule is in force, both included."""

    first: int
    last: int


def check_of(tables: Tables, slot: int, literal: Literal) -> Check:
    """The check of a literal on a slot."""
    predicate, negated = literal
    op = Op(tables.op[predicate])
    if op is Op.ABSENT:
        kind, absent = (PRESENT, FALSE) if negated else (MISSING, TRUE)
        return Check(slot, kind, absent)
    if op is Op.FLAG:
        wanted = float(not negated)
        return Check(slot, BETWEEN, UNKNOWN, wanted, wanted)
    if op in (Op.LT, Op.LE, Op.EQ):
        low, high = _interval(op, tables.constants[tables.b[predicate]])
        if not negated:
            return Check(slot, BETWEEN, UNKNOWN, low, high)
        if op is Op.EQ:
            return Check(slot, OUTSIDE, UNKNOWN, low, high)
        return Check(slot, BETWEEN, UNKNOWN, math.nextafter(high, math.inf), BOUNDLESS)
    mask = tables.mask(predicate)
    if op in (Op.ANY, Op.HAS):
        return Check(slot, NONE if negated else ANY, UNKNOWN, mask=mask)
    if op is Op.ALL:
        return Check(slot, NOT_ALL if negated else ALL, UNKNOWN, mask=mask)
    if op is Op.IS:
        code = float(tables.b[predicate])
        return Check(slot, OUTSIDE if negated else BETWEEN, UNKNOWN, code, code)
    everything = (1 << tables.symbols[slot] + 1) - 1
    return Check(slot, MEMBER, UNKNOWN, mask=everything & ~mask if negated else everything & mask)


def _interval(op: Op, constant: float) -> tuple[float, float]:
    """The values for which a comparison holds, both ends included."""
    if op is Op.EQ:
        return constant, constant
    return -BOUNDLESS, math.nextafter(constant, -math.inf) if op is Op.LT else constant


class Dimension:
    """The cells of a slot or of the time.

    Attributes:
        cells: How many there are.
        cuts: Of a QUANTITY or the time, ascending.
        cell_of_code: Of a SYMBOL or TEXT by code, of a SET by element.
        weights: By cell, the share of events whose value lies in it; those of elements overlap.
    """

    def __init__(
        self, tables: Tables, slot: int, checks: Mapping[Check, int], limit: int, profile: Profile
    ) -> None:
        self.slot = slot
        self.kind = SlotKind.QUANTITY if slot == TIME else tables.kinds[slot]
        self.cuts: list[float] = []
        self.cell_of_code: list[int] = []
        room = limit - FIRST
        match self.kind:
            case SlotKind.FLAG:
                self.cells = FIRST + 2
            case SlotKind.QUANTITY:
                self.cuts = _cuts(checks, room - 1)
                self.cells = FIRST + 1 + len(self.cuts)
            case SlotKind.SYMBOL | SlotKind.TEXT:
                codes = tables.symbols[slot] + 1
                self.cell_of_code = _cells_of_codes(codes, checks, FIRST, room)
                self.cells = FIRST + min(codes, room)
            case SlotKind.SET:
                elements = tables.symbols[slot]
                self.cell_of_code = _cells_of_codes(elements, checks, FIRST + 1, room - 1)
                self.cells = FIRST + 1 + min(elements, room - 1)
        self.full = (1 << self.cells) - 1
        self.weights = _weights(tables, self, profile)
        self._shares: dict[int, float] = {}

    def may_hold(self, check: Check) -> int:
        """The cells in which a check is not false for certain."""
        failed_or_absent = 1 << FAILED | (check.absent != FALSE) << ABSENT
        return failed_or_absent | self._may_hold(check) << FIRST & self.full

    def _may_hold(self, check: Check) -> int:
        everything = self.full >> FIRST
        if check.kind == PRESENT:
            return everything
        if check.kind == MISSING:
            return 0
        if self.kind is SlotKind.FLAG:
            return 1 << int(check.low)
        if self.kind is SlotKind.QUANTITY:
            if check.kind == OUTSIDE:
                below = self._between(-BOUNDLESS, math.nextafter(check.low, -math.inf))
                return below | self._between(math.nextafter(check.high, math.inf), BOUNDLESS)
            return self._between(check.low, check.high)
        if self.kind is SlotKind.SET:
            if check.kind in (NONE, NOT_ALL):
                return everything
            mask = check.mask
            if check.kind == ALL:
                # One element is as good as any; without one, everything is right.
                mask &= -mask
                if not mask:
                    return everything
            return self._cells_of(mask)
        mask = 1 << int(check.low) if check.kind in (BETWEEN, OUTSIDE) else check.mask
        if check.kind == OUTSIDE:
            mask = ((1 << len(self.cell_of_code)) - 1) & ~mask
        return self._cells_of(mask)

    def _between(self, low: float, high: float) -> int:
        """Cells with a value in an interval: cell i lies from cut i - 1 to before cut i."""
        if low > high:
            return 0
        # The first cell that does not end at or before `low`, and the last that begins by `high`.
        first, last = bisect_right(self.cuts, low), bisect_right(self.cuts, high)
        return ((1 << last + 1) - 1) & ~((1 << first) - 1)

    def _cells_of(self, mask: int) -> int:
        found = 0
        while mask:
            bit = mask & -mask
            found |= 1 << self.cell_of_code[bit.bit_length() - 1] - FIRST
            mask ^= bit
        return found

    def share(self, cells: int) -> float:
        """The share of events whose value lies in one of the cells."""
        found = self._shares.get(cells)
        if found is None:
            found = self._shares[cells] = self._share(cells)
        return found

    def _share(self, cells: int) -> float:
        missing = sum(self.weights[cell] for cell in (ABSENT, FAILED) if cells >> cell & 1)
        if self.kind is not SlotKind.SET:
            there = range(FIRST, self.cells)
            return min(
                1.0, missing + sum(self.weights[cell] for cell in there if cells >> cell & 1)
            )
        if cells >> FIRST & 1:
            return min(1.0, missing + self.weights[FIRST])
        without = 1.0
        for cell in range(FIRST + 1, self.cells):
            if cells >> cell & 1:
                without *= 1 - self.weights[cell]
        return missing + self.weights[FIRST] * (1 - without)


def _cuts(checks: Mapping[Check, int], most: int) -> list[float]:
    """The cuts that the checks ask for; of too many, those at equal shares of their uses."""
    uses: Counter[float] = Counter()
    for check, count in checks.items():
        if check.kind in (BETWEEN, OUTSIDE):
            for cut in (check.low, math.nextafter(check.high, math.inf)):
                if math.isfinite(cut):
                    uses[cut] += count
    if len(uses) <= most:
        return sorted(uses)
    ordered = sorted(uses.elements())
    return sorted({ordered[len(ordered) * (part + 1) // (most + 1)] for part in range(most)})


def _cells_of_codes(codes: int, checks: Mapping[Check, int], first: int, room: int) -> list[int]:
    """A cell for each code; of too many, one for each that is asked for most, the rest share."""
    if codes <= room:
        return [first + code for code in range(codes)]
    uses: Counter[int] = Counter()
    for check, count in checks.items():
        mask = check.mask
        if check.kind in (BETWEEN, OUTSIDE):
            mask = 1 << int(check.low)
        # Large masks tell little about each of their codes.
        for code in _bits(mask) if mask.bit_count() <= CELL_LIMIT else ():
            uses[code] += count
    ordered = sorted(range(codes), key=lambda code: (-uses[code], code))
    own = room // 2
    cells = [0] * codes
    for place, code in enumerate(ordered):
        cells[code] = first + (place if place < own else own + place % (room - own))
    return cells


def _bits(mask: int) -> Iterable[int]:
    while mask:
        bit = mask & -mask
        yield bit.bit_length() - 1
        mask ^= bit


def _weights(tables: Tables, dimension: Dimension, profile: Profile) -> list[float]:
    """The share of events in each cell: a guess, and the more events were seen, what was seen."""
    guess = _guessed(dimension)
    if not profile.events:
        return guess
    seen = [0.0] * dimension.cells
    if dimension.slot == TIME:
        for instant in profile.instants:
            segment = bisect_right(tables.boundaries, instant)
            seen[FIRST + bisect_right(dimension.cuts, segment)] += 1 / len(profile.instants)
    else:
        slot = profile.slots[dimension.slot]
        seen[ABSENT], seen[FAILED] = slot.absent, slot.failed
        there = max(0.0, 1 - slot.absent - slot.failed)
        for number in slot.numbers:
            at = (
                int(number != 0)
                if dimension.kind is SlotKind.FLAG
                else bisect_right(dimension.cuts, number)
            )
            seen[FIRST + at] += there / len(slot.numbers)
        codes = {name: code for code, name in enumerate(tables.names[dimension.slot])}
        if dimension.kind is SlotKind.SET:
            seen[FIRST] = there
            for name, share in slot.names.items():
                cell = dimension.cell_of_code[codes[name]]
                seen[cell] = 1 - (1 - seen[cell]) * (1 - share)
        elif dimension.cell_of_code:
            named = 0.0
            for name, share in slot.names.items():
                seen[dimension.cell_of_code[1 + codes[name]]] += there * share
                named += share
            seen[dimension.cell_of_code[0]] += there * max(0.0, 1 - named)
    # As if one event more had been seen, which is like the guess.
    total = profile.events + 1
    return [(s * profile.events + g) / total for s, g in zip(seen, guess, strict=True)]


def _guessed(dimension: Dimension) -> list[float]:
    """The share of events in each cell if nothing is known of them.

    Thresholds are where authors found it worth telling values apart, so their ranks say more about
    how often they are passed than their sizes do.
    """
    missing = [0.0, 0.0] if dimension.slot == TIME else [0.05, 0.005]
    there = 1 - sum(missing)
    own = dimension.cells - FIRST
    if dimension.kind is SlotKind.SET:
        return [*missing, there, *[min(0.5, 2 / max(1, own - 1))] * (own - 1)]
    uses = Counter(dimension.cell_of_code)
    if uses:
        codes = len(dimension.cell_of_code)
        return [*missing, *[there * uses[FIRST + cell] / codes for cell in range(own)]]
    return [*missing, *[there / own] * own]


def constraint_checks(
    tables: Tables, conjunctions: Sequence[Conjunction]
) -> dict[Constraint, tuple[Check, ...]]:
    """The checks of each constraint: one of them must hold."""
    found: dict[Constraint, tuple[Check, ...]] = {}
    for conjunction in conjunctions:
        for constraint in conjunction.constraints:
            if constraint not in found:
                slot, options = constraint
                found[constraint] = tuple([check_of(tables, slot, one) for one in options])
    return found
