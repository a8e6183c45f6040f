"""Hold an index against what the evaluator relies on without looking.

Only its structure is checked: whether it drops a rule that could fire is not seen here. That follows
from how it is built, as the program does; neither can be forged without changing the digest.
"""

from __future__ import annotations

from itertools import pairwise

from clausal.compiler.index import WORD, Index
from clausal.compiler.program import Program, ProgramError, SlotKind, floats, integers


def verify_index(index: Index, program: Program) -> None:
    """Check that the index is sound, and that it is one of this program.

    Raises:
        ProgramError: naming what is wrong.
    """
    try:
        _check(index, program)
    except ValueError as error:
        if isinstance(error, ProgramError):
            raise
        raise ProgramError(f"an array is cut short: {error}") from None


def _check(index: Index, program: Program) -> None:
    rules = integers("i", index.conjunction_rule)
    roots = len(integers("i", program.rule_root))
    if rules and not (min(rules) >= 0 and max(rules) < roots):
        raise ProgramError("a conjunction belongs to a rule that does not exist")
    if index.words != max(1, (len(rules) + WORD - 1) // WORD):
        raise ProgramError("the rows are not as long as there are conjunctions")
    segments = len(integers("q", program.boundaries)) + 1
    row_bytes = index.words * (WORD // 8)
    if len(index.segments) != segments * row_bytes:
        raise ProgramError(f"there are not {segments} rows of segments")
    if len(index.rows) % row_bytes:
        raise ProgramError("the last row is cut short")
    _check_last_words(index, len(rules))
    _check_dimensions(index, program, len(index.rows) // row_bytes)


def _check_last_words(index: Index, conjunctions: int) -> None:
    """A segment may have no bit beyond the last conjunction: it is where every search begins."""
    used = conjunctions - (index.words - 1) * WORD
    words = integers("Q", index.segments)
    if any(word >> used for word in words[index.words - 1 :: index.words]):
        raise ProgramError("a segment has a conjunction that does not exist")


def _check_dimensions(index: Index, program: Program, rows: int) -> None:
    slots = integers("i", index.dim_slot)
    bases = integers("i", index.dim_row)
    firsts = integers("i", index.dim_first)
    counts = integers("i", index.dim_count)
    if not len(slots) == len(bases) == len(firsts) == len(counts):
        raise ProgramError("the arrays of the dimensions are not of one length")
    if len(set(slots)) != len(slots):
        raise ProgramError("a slot has two dimensions")
    thresholds = floats(index.thresholds)
    cells = integers("i", index.cells)
    for slot, base, first, count in zip(slots, bases, firsts, counts, strict=True):
        if not 0 <= slot < len(program.slot_kinds):
            raise ProgramError("a dimension is of a slot that does not exist")
        symbols = len(program.symbols[slot])
        kind = SlotKind(program.slot_kinds[slot])
        if first < 0 or count < 0:
            raise ProgramError("a dimension has no beginning or no length")
        if kind is SlotKind.FLAG:
            needed = 2
        elif kind is SlotKind.SET:
            needed = 1 + symbols
        elif kind is SlotKind.QUANTITY:
            own = thresholds[first : first + count]
            if len(own) != count or any(one >= two for one, two in pairwise(own)):
                raise ProgramError("the thresholds of a dimension do not ascend")
            needed = 2 * count + 1
        else:
            own_cells = cells[first : first + count]
            if count != symbols + 1 or len(own_cells) != count or min(own_cells) < 0:
                raise ProgramError("a dimension does not have a cell for each symbol")
            needed = max(own_cells) + 1
        if base < 0 or base + 2 + needed > rows:
            raise ProgramError("a dimension has rows that do not exist")
