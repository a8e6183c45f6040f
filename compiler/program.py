"""The decision program: flat arrays that the evaluator walks, and the verifier of their structure.

Arrays are little-endian bytes, so that a program is loaded without being parsed. A *reference*
(``ref``) is how nodes and rules name a condition: a number of 0 or more is a node; a negative one is
a literal, ``~ref == 2 * predicate + negated``.

Comparisons come in three kinds only. On finite floats ``x >= y`` is ``not x < y``, also when one of
them is unknown, so a comparison and its negation are one predicate and two literals.
"""

from __future__ import annotations

import enum
import sys
from array import array
from collections.abc import Iterable
from typing import Final, Literal, TypeVar

import msgspec

from clausal.compiler.ir import Quantity

_Number = TypeVar("_Number", int, float)


class SlotKind(enum.IntEnum):
    """How a slot's value is held."""

    FLAG = 0
    """A bool."""
    QUANTITY = 1
    """A float."""
    SYMBOL = 2
    """An enum or string: 1 + its index in the slot's symbols, 0 for any other."""
    SET = 3
    """A set: one bit for each of the slot's symbols, and the number of elements."""
    TEXT = 4
    """As SYMBOL, and the text itself is kept for matching."""


class Op(enum.IntEnum):
    """What a predicate tests; its operands are ``a``, ``b`` and ``c``."""

    FLAG = 0
    """slot a is true"""
    LT = 1
    """quantity slot a < constant b"""
    LE = 2
    """quantity slot a <= constant b"""
    EQ = 3
    """quantity slot a == constant b"""
    QUANTITY = 4
    """the postfix code, pairs [a, b), compares two quantities; it ends in a Code comparison"""
    MEMBER = 5
    """the symbol of slot a is in the mask at word b"""
    SAME = 6
    """slots a and b (SYMBOL or TEXT) hold the same text"""
    ANY = 7
    """set slot a has an element in the mask at word b"""
    ALL = 8
    """set slot a has every element in the mask at word b"""
    ABSENT = 9
    """slot a is absent"""
    CLOCK = 10
    """the local time of slot a in zone c is in [b // MINUTES, b % MINUTES) minutes"""
    TERMS = 11
    """text slot a, folded, contains a term of list b"""
    PATTERN = 12
    """slot a matches pattern b"""
    IS = 13
    """the symbol of slot a is b: MEMBER of one value"""
    HAS = 14
    """set slot a has the element with bit b: ANY and ALL of one value"""


class Code(enum.IntEnum):
    """Postfix code of quantities: pairs (opcode, operand) of int32; operand 0 where unused.

    An operation whose result is not finite makes the predicate unknown at once: what follows might
    make it finite again.
    """

    CONSTANT = 0
    """push constants[operand]"""
    READING = 1
    """push the value of quantity slot ``operand``"""
    COUNT = 2
    """push the number of elements of set slot ``operand``"""
    ADD = 3
    SUBTRACT = 4
    MULTIPLY = 5
    DIVIDE = 6
    LT = 7
    """pop the right and the left operand and compare them; the last code, leaves an empty stack"""
    LE = 8
    EQ = 9


class NodeKind(enum.IntEnum):
    """How a node combines its children."""

    ALL = 0
    ANY = 1


MINUTES: Final = 1441
"""How many minutes can bound a time of day: 00:00 to 24:00, both included."""

STACK_LIMIT: Final = 64
"""The deepest stack that quantity code may need."""

DEPTH_LIMIT: Final = 256
"""How deep nodes may be nested, a node without nodes in it being 1 deep: the evaluator recurses."""

ALWAYS: Final = 2**31 - 1
"""The ref of a condition that is always true; as a rule's root only."""

NEVER: Final = 2**31 - 2
"""The ref of a condition that is never true; as a rule's root only."""


class Program(msgspec.Struct, frozen=True, kw_only=True):
    """A compiled bundle of rules.

    Attributes:
        slot_kinds: uint8 for each slot of the corpus, a `SlotKind`.
        slot_strings: uint8 for each slot: 1 if texts outside the symbols must be told apart (the
            slot takes part in a SAME predicate).
        symbols: For each slot, the texts that have codes; empty for FLAG and QUANTITY.
        constants: float64.
        origins: For each constant, what to evaluate when params are bound anew; None: fixed.
        masks: uint64 words; a mask has ceil((1 + symbols) / 64) words for SYMBOL and TEXT slots
            (bit = code) and max(1, ceil(symbols / 64)) for SET slots (bit = index).
        op, a, b, c: int32, one of each for each predicate.
        code: int32 pairs (opcode, operand).
        node_kind: uint8; node_first, node_count: int32 into ``children``.
        children: int32 refs. INVARIANT: a child that is a node has a smaller number.
        rule_root: int32 refs, one for each rule; ALWAYS or NEVER for conditions without predicates.
        boundaries: int64 microseconds, strictly ascending. Segment 0 lies before the first,
            segment i from boundaries[i-1] to boundaries[i].
        version_rules: int32, one more than there are versions: the rules of version v are those
            from version_rules[v] up to version_rules[v + 1].
        segment_first, segment_count: int32 into ``segment_versions``.
        segment_versions: int32 version numbers, ascending within a segment: the versions in force
            there.
        zones: IANA names, for CLOCK predicates.
        terms: Term lists, for TERMS predicates.
        patterns: (regular expression, whether it is matched against the folded text).
        steps_bound: The most refs that one event can make the evaluator follow, over all segments:
            the root of each rule in force, and each child of each node that those rules reach. A
            node is settled at most once for an event, so this bounds both the visits of nodes and
            the tests of predicates.
    """

    slot_kinds: bytes
    slot_strings: bytes
    symbols: tuple[tuple[str, ...], ...]
    constants: bytes
    origins: tuple[Quantity | None, ...]
    masks: bytes
    op: bytes
    a: bytes
    b: bytes
    c: bytes
    code: bytes
    node_kind: bytes
    node_first: bytes
    node_count: bytes
    children: bytes
    rule_root: bytes
    version_rules: bytes
    boundaries: bytes
    segment_first: bytes
    segment_count: bytes
    segment_versions: bytes
    zones: tuple[str, ...]
    terms: tuple[tuple[str, ...], ...]
    patterns: tuple[tuple[str, bool], ...]
    steps_bound: int


class ProgramError(ValueError):
    """A program whose structure is not what the evaluator relies on."""


def mask_words(kind: SlotKind, symbols: int) -> int:
    """How many 64-bit words a mask has for a slot with so many symbols."""
    bits = symbols if kind is SlotKind.SET else symbols + 1
    return max(1, (bits + 63) // 64)


def pack_floats(values: Iterable[float]) -> bytes:
    """The values as an array of a program."""
    return _little_endian(array("d", values)).tobytes()


def pack_integers(kind: Literal["B", "i", "q", "Q"], values: Iterable[int]) -> bytes:
    """The values as an array of a program: uint8, int32, int64 or uint64."""
    return _little_endian(array(kind, values)).tobytes()


def floats(data: bytes) -> array[float]:
    """The values of an array of float64.

    Raises:
        ValueError: if the size is not a multiple of that of an element; as of `integers`.
    """
    return _little_endian(array("d", data))


def integers(kind: Literal["B", "i", "q", "Q"], data: bytes) -> array[int]:
    """The values of an array of uint8, int32, int64 or uint64."""
    return _little_endian(array(kind, data))


def _little_endian(values: array[_Number]) -> array[_Number]:
    if sys.byteorder == "big":
        values.byteswap()
    return values
