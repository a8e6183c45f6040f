"""Which conjunctions lie together in the tree of the index, and what tells them apart.

Both are chosen by the expected cost, taken as if the values of an event were independent of each
other. Cells are sets of cells by slot, as numbers with a bit for each; a slot that is not there is
all the same to a member.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from clausal.compiler.cells import FIRST, Dimension

Cells = dict[int, int]
"""By slot, the cells in which something is not false."""

_T = TypeVar("_T")

CHECK_COST: Final = 12.0
"""What it costs to check a conjunction that is left, if a test costs 1."""

VISIT_COST: Final = 4.0
"""What it costs to visit a node that is left."""

_EVEN: Final = 16
"""From so many leaves on, neither side of a split is less than an eighth: it would be too deep."""


def clustered(
    placed: Sequence[tuple[_T, Cells]], dimensions: Mapping[int, Dimension], width: int
) -> list[tuple[_T, Cells]]:
    """Conjunctions in an order in which each so many neighbours ask for like things.

    They are divided again and again, by the dimension and at the place that let the most of them be
    dropped at once.
    """
    done: list[tuple[_T, Cells]] = []
    pending = [list(placed)]
    while pending:
        items = pending.pop()
        parts = _split(items, dimensions, width) if len(items) > width else None
        if parts is None:
            done += items
        else:
            pending += [parts[1], parts[0]]
    return done


def _split(
    items: list[tuple[_T, Cells]], dimensions: Mapping[int, Dimension], width: int
) -> tuple[list[tuple[_T, Cells]], list[tuple[_T, Cells]]] | None:
    """The two parts whose expected cost is least; the first fills whole leaves."""
    count = len(items)
    least = width if count < _EVEN * width else count // 8 // width * width
    by_slot: dict[int, dict[int, int]] = {}
    for _, cells in items:
        for slot, mask in cells.items():
            groups = by_slot.setdefault(slot, {})
            groups[mask] = groups.get(mask, 0) + 1
    best: tuple[float, int, int] | None = None
    for slot in sorted(by_slot):
        dimension = dimensions[slot]
        found = _best_place(dimension, by_slot[slot], count, width, least)
        if found is not None and (best is None or (found[0], slot) < best[:2]):
            best = (found[0], slot, found[1])
    if best is None:
        return None
    _, slot, place = best
    full = dimensions[slot].full
    items.sort(key=lambda item: _rank(item[1].get(slot, full), full))
    return items[:place], items[place:]


def _rank(mask: int, full: int) -> tuple[bool, int, int]:
    """Sets of cells in the order of the first cell of values that are there; everything is last."""
    there = mask >> FIRST
    return mask == full, there & -there, mask


def _best_place(
    dimension: Dimension, groups: Mapping[int, int], count: int, width: int, least: int
) -> tuple[float, int] | None:
    """The expected cost, and the place, of the best split by one dimension; None if none pays."""
    full = dimension.full
    rest = count - sum(groups.values())
    ordered = sorted(groups.items(), key=lambda group: _rank(group[0], full))
    if rest:
        ordered.append((full, rest))
    # What those from a group on ask for together.
    after = [0] * (len(ordered) + 1)
    for at in range(len(ordered) - 1, -1, -1):
        after[at] = after[at + 1] | ordered[at][0]
    share = dimension.share
    best = (count * share(after[0]) * 0.999, 0)
    before, end, begin = 0, 0, 0
    for at, (mask, size) in enumerate(ordered):
        begin, end = end, end + size
        # Places within this group, and its edges, that fill whole leaves.
        for place in {(begin // width + 1) * width, end // width * width}:
            if begin < place <= end and least <= place <= count - min(least, width):
                left = share(before | mask)
                right = share(after[at + 1] if place == end else after[at])
                cost = place * left + (count - place) * right
                best = min(best, (cost, place))
        before |= mask
    return best if best[1] else None


@dataclass(frozen=True, slots=True)
class Costs:
    """What is known of a node before its tests: how often it is reached, and what was tested above.

    Attributes:
        reach: The share of events that reach it.
        passed: By slot that was tested above, the share of events that passed.
    """

    reach: float
    passed: Mapping[int, float]


@dataclass(frozen=True, slots=True)
class Chosen:
    """The tests of a node: their slots in order, how many are made for an event, and what is left."""

    slots: tuple[int, ...]
    made: float
    members: list[Costs]


def tests_of(
    members: Sequence[Cells],
    dimensions: Mapping[int, Dimension],
    costs: Costs,
    *,
    leaf: bool,
    most: int,
) -> Chosen:
    """The tests that pay, the one that saves most first."""
    member_cost = CHECK_COST if leaf else VISIT_COST
    shares: dict[int, list[tuple[int, float]]] = {}
    together: dict[int, int] = {}
    for number, cells in enumerate(members):
        for slot, mask in cells.items():
            passed = costs.passed.get(slot, 1.0)
            share = min(1.0, dimensions[slot].share(mask) / passed) if passed else 0.0
            shares.setdefault(slot, []).append((number, share))
            together[slot] = together.get(slot, 0) | mask
    any_share = {
        slot: min(
            1.0, dimensions[slot].share(together[slot]) / (costs.passed.get(slot, 1.0) or 1.0)
        )
        if len(found) == len(members)
        else 1.0
        for slot, found in shares.items()
    }
    left = [1.0] * len(members)
    alive = 1.0
    made = 0.0
    chosen: list[int] = []
    while shares and len(chosen) < most:
        gains = {
            slot: member_cost * sum(left[number] * (1 - share) for number, share in found)
            + 2 * alive * (1 - any_share[slot])
            for slot, found in shares.items()
        }
        slot = max(gains, key=lambda slot: (gains[slot], -slot))
        if gains[slot] < alive:
            break
        made += alive
        for number, share in shares.pop(slot):
            left[number] *= share
        chosen.append(slot)
        alive = min(alive * any_share[slot], sum(left))
    passed_by = [
        {
            slot: dimensions[slot].share(cells[slot])
            for slot in (*costs.passed, *chosen)
            if slot in cells
        }
        if not leaf
        else {}
        for cells in members
    ]
    below = [
        Costs(costs.reach * share, passed) for share, passed in zip(left, passed_by, strict=True)
    ]
    return Chosen(tuple(chosen), costs.reach * made, below)
