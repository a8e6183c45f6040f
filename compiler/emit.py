"""Lay the rules out as the decision program.

The rules of each version lie side by side and are tried one after the other, so an event costs what
all rules in force cost together. The place for better is `_Layout.rules`, the last stage: it alone
decides how the evaluator comes from a segment to the rules that may fire. An index over the
predicates (thresholds sorted by slot, conjunctions under their most selective predicate) would be
laid out there for each segment, in arrays of its own beside ``segment_versions``; predicates, nodes
and roots stay what they are, and the plain walk stays as the check of the index.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import Final, Literal, TypeVar, assert_never

from clausal.compiler.ir import (
    Absent,
    All,
    Any,
    Arithmetic,
    Comparison,
    Condition,
    Constant,
    Corpus,
    Count,
    Flag,
    Member,
    Mentions,
    Negation,
    Overlap,
    Param,
    Pattern,
    Predicate,
    Quantity,
    Reading,
    Same,
    Shared,
    Slot,
    Truth,
    WallClock,
)
from clausal.compiler.program import ALWAYS, NEVER, Code, NodeKind, Op, Program, SlotKind
from clausal.compiler.types import Enum, MapOf, Scalar, SetOf, is_quantity

_T = TypeVar("_T")

_COMPARISONS: Final = {"<": (Op.LT, Code.LT), "<=": (Op.LE, Code.LE), "==": (Op.EQ, Code.EQ)}
_ARITHMETIC: Final = {
    "+": Code.ADD,
    "-": Code.SUBTRACT,
    "*": Code.MULTIPLY,
    "/": Code.DIVIDE,
}


def emit(corpus: Corpus) -> Program:
    """The program of a corpus that went through all passes.

    Raises:
        ValueError: if the conditions are not in the form that the passes leave.
    """
