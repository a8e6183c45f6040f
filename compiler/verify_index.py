"""Hold an index against what the evaluator relies on without looking.

Only its structure is checked: whether it drops a rule that could fire is not seen here. That follows
from how it is built; `clausal inspect --verify` builds it again and compares.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from clausal.compiler.cells import (
    ALL,
    ANY,
    BETWEEN,
    CELL_LIMIT,
    FIRST,
    MEMBER,
    MISSING,
    NONE,
    NOT_ALL,
    OUTSIDE,
    PRESENT,
    TIME,
    TRUE,
)
from clausal.compiler.conjunctions import WORD
from clausal.compiler.index import LEAF_LIMIT, LEVEL_LIMIT, Index
from clausal.compiler.program import (
    Program,
    ProgramError,
    SlotKind,
    floats,
    integers,
    mask_words,
)

_NUMBER_CHECKS: Final = frozenset({BETWEEN, OUTSIDE, PRESENT, MISSING})
_CHECKS: Final = {
    SlotKind.FLAG: _NUMBER_CHECKS,
    SlotKind.QUANTITY: _NUMBER_CHECKS,
    SlotKind.SYMBOL: _NUMBER_CHECKS | {MEMBER},
    SlotKind.TEXT: _NUMBER_CHECKS | {MEMBER},
    SlotKind.SET: frozenset({ANY, NONE, ALL, NOT_ALL, PRESENT, MISSING}),
}


def verify_index(index: Index, program: Program) -> None:
    """Check that the index is sound, and that it is one of this program.

    Raises:
        ProgramError: naming what is wrong.
    """
    try:
        cells = _check_dimensions(index, program)
        conjunctions = _check_conjunctions(index, program)
        _check_tree(index, conjunctions, cells)
        _check_checks(index, program)
    except ValueError as error:
        if isinstance(error, ProgramError):
            raise
        raise ProgramError(f"an array is cut short: {error}") from None


def _check_dimensions(index: Index, program: Program) -> Sequence[int]:
    """Returns how many cells each dimension has."""
    slots = integers("i", index.dim_slot)
    cells = integers("i", index.dim_cells)
    firsts = integers("i", index.dim_first)
    counts = integers("i", index.dim_count)
    if not len(slots) == len(cells) == len(firsts) == len(counts):
        raise ProgramError("the arrays of the dimensions are not of one length")
    if len(set(slots)) != len(slots):
        raise ProgramError("a slot has two dimensions")
    cuts = floats(index.cuts)
    for slot, count_of_cells, first, count in zip(slots, cells, firsts, counts, strict=True):
        if not TIME <= slot < len(program.slot_kinds):
            raise ProgramError("a dimension is of a slot that does not exist")
        if not FIRST < count_of_cells <= CELL_LIMIT:
            raise ProgramError("a dimension has no cells, or too many")
        if first < 0 or count < 0:
            raise ProgramError("a dimension has no beginning or no length")
        kind = SlotKind.QUANTITY if slot == TIME else SlotKind(program.slot_kinds[slot])
        if kind is SlotKind.FLAG:
            needed = FIRST + 2
        elif kind is SlotKind.QUANTITY:
            own = cuts[first : first + count]
            if len(own) != count or not all(one < two for one, two in pairwise(own)):
                raise ProgramError("the cuts of a dimension do not ascend")
            needed = FIRST + 1 + count
        else:
            symbols = len(program.symbols[slot]) + (kind is not SlotKind.SET)
            own_codes = index.codes[first : first + count]
            if not len(own_codes) == count == symbols:
                raise ProgramError("a dimension does not have a cell for each symbol")
            needed = 1 + max(own_codes, default=FIRST)
        if needed > count_of_cells:
            raise ProgramError("a value lies in a cell that does not exist")
    return cells


def _check_conjunctions(index: Index, program: Program) -> int:
    """Returns how many there are."""
    rules = integers("i", index.conjunction_rule)
    count = len(rules)
    if rules and not (min(rules) >= 0 and max(rules) < len(integers("i", program.rule_root))):
        raise ProgramError("a conjunction belongs to a rule that does not exist")
    if len(index.conjunction_rest) != count:
        raise ProgramError("the arrays of the conjunctions are not of one length")
    checks = integers("i", index.conjunction_checks)
    if checks and not (min(checks) >= 0 and max(checks) < len(index.check_kind)):
        raise ProgramError("a conjunction has a check that does not exist")
    _check_ranges(integers("i", index.conjunction_first), count, len(checks), "checks")
    return count


def _check_ranges(firsts: Sequence[int], ranges: int, end: int, what: str) -> None:
    """Check that an array divides another one from its beginning to its end."""
    if len(firsts) != ranges + 1 or firsts[0] != 0 or firsts[-1] != end:
        raise ProgramError(f"the {what} are not all somebody's")
    if not all(one <= two for one, two in pairwise(firsts)):
        raise ProgramError(f"somebody's {what} end before they begin")


def _check_tree(index: Index, conjunctions: int, cells: Sequence[int]) -> None:
    if not (2 <= index.leaf <= LEAF_LIMIT and 2 <= index.width <= WORD):
        raise ProgramError("a node has too few members, or too many")
    if len(index.levels) > LEVEL_LIMIT:
        raise ProgramError("the tree has too many levels")
    below, most = conjunctions, index.leaf
    for nodes in reversed(index.levels):
        if nodes != (below + most - 1) // most:
            raise ProgramError("a level does not have as many nodes as those below it need")
        below, most = nodes, index.width
    if bool(index.levels) != bool(conjunctions):
        raise ProgramError("there are conjunctions without a tree, or a tree without any")
    dims = integers("i", index.test_dim)
    maps = integers("i", index.test_map)
    words = integers("i", index.test_word)
    if not len(dims) == len(maps) == len(words):
        raise ProgramError("the arrays of the tests are not of one length")
    _check_ranges(integers("i", index.node_tests), sum(index.levels), len(dims), "tests")
    if not dims:
        return
    if not (min(dims) >= 0 and max(dims) < len(cells)):
        raise ProgramError("a test is on a dimension that does not exist")
    # The bytes of the maps need no look: behind the last word there is room for all that they say.
    if not (min(words) >= 0 and max(words) <= len(integers("Q", index.words))):
        raise ProgramError("a test has words that do not exist")
    if min(maps) < 0 or any(
        at + cells[dim] > len(index.maps) for at, dim in zip(maps, dims, strict=True)
    ):
        raise ProgramError("a test has a map that does not exist")


def _check_checks(index: Index, program: Program) -> None:
    slots = integers("i", index.dim_slot)
    dims = integers("i", index.check_dim)
    places = integers("i", index.check_mask)
    lows, highs = floats(index.check_low), floats(index.check_high)
    if (
        not len(dims)
        == len(places)
        == len(lows)
        == len(highs)
        == len(index.check_kind)
        == len(index.check_absent)
    ):
        raise ProgramError("the arrays of the checks are not of one length")
    if max(index.check_absent, default=0) > TRUE:
        raise ProgramError("a check leaves something that is no verdict")
    masks = len(integers("Q", index.masks))
    if dims and not (min(dims) >= 0 and max(dims) < len(slots)):
        raise ProgramError("a check is on a dimension that does not exist")
    allowed: list[frozenset[int]] = []
    needed: list[int] = []
    for slot in slots:
        kind = SlotKind.QUANTITY if slot == TIME else SlotKind(program.slot_kinds[slot])
        allowed.append(_CHECKS[kind])
        masked = kind in (SlotKind.SYMBOL, SlotKind.TEXT, SlotKind.SET)
        needed.append(mask_words(kind, len(program.symbols[slot])) if masked else 0)
    for dim, kind_of_check, place in zip(dims, index.check_kind, places, strict=True):
        if kind_of_check not in allowed[dim]:
            raise ProgramError("a check is not one of its slot")
        if place < 0 or (kind_of_check not in _NUMBER_CHECKS and place + needed[dim] > masks):
            raise ProgramError("a check has a mask that does not exist")
