"""Lay predicates and what they refer to out as the flat tables of the decision program."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Final, Generic, Literal, TypeVar, assert_never

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
from clausal.compiler.program import MINUTES, Code, Op, SlotKind, mask_words
from clausal.compiler.types import Enum, MapOf, Scalar, SetOf, is_quantity

_T = TypeVar("_T", bound=Hashable)

_COMPARISONS: Final = {"<": (Op.LT, Code.LT), "<=": (Op.LE, Code.LE), "==": (Op.EQ, Code.EQ)}

_ARITHMETIC: Final[dict[Literal["+", "-", "*", "/"], Code]] = {
    "+": Code.ADD,
    "-": Code.SUBTRACT,
    "*": Code.MULTIPLY,
    "/": Code.DIVIDE,
}


class Pool(Generic[_T]):
    """Values that are numbered when they are first asked for, equal ones once."""

    def __init__(self) -> None:
        self._numbers: dict[_T, int] = {}

    def number(self, value: _T) -> int:
        """The number of the value."""
        return self._numbers.setdefault(value, len(self._numbers))

    @property
    def values(self) -> tuple[_T, ...]:
        """All values, in the order of their numbers."""
        return tuple(self._numbers)


class SlotTable:
    """How each slot is held, which follows from its type and from what predicates ask of it."""

    def __init__(self, corpus: Corpus) -> None:
        matched, told_apart, named = _demands(corpus.predicates)
        self.strings = [int(index in told_apart) for index in range(len(corpus.slots))]
        self.kinds = [
            SlotKind.TEXT if index in matched else _kind(slot)
            for index, slot in enumerate(corpus.slots)
        ]
        self.symbols = tuple(
            [_symbols(slot, named.get(index, set())) for index, slot in enumerate(corpus.slots)]
        )
        self._codes = [
            {name: code for code, name in enumerate(symbols)} for symbols in self.symbols
        ]

    def indices(self, slot: int, values: Iterable[str]) -> list[int]:
        """The index of each value among the slot's symbols."""
        codes = self._codes[slot]
        return [codes[value] for value in values]

    def words(self, slot: int) -> int:
        """How many words a mask for the slot has."""
        return mask_words(self.kinds[slot], len(self.symbols[slot]))


def _demands(
    predicates: Iterable[Condition],
) -> tuple[set[int], set[int], dict[int, set[str]]]:
    """The slots whose text is matched, those that are compared with others, and named values."""
    matched: set[int] = set()
    told_apart: set[int] = set()
    named: dict[int, set[str]] = {}
    for predicate in predicates:
        match predicate:
            case Mentions(slot=slot) | Pattern(slot=slot):
                matched.add(slot)
            case Same(left=left, right=right):
                told_apart |= {left, right}
            case Member(slot=slot, values=values) | Overlap(slot=slot, values=values):
                named.setdefault(slot, set()).update(values)
            case _:
                pass
    return matched, told_apart, named


def _kind(slot: Slot) -> SlotKind:
    match slot.type:
        case Enum():
            return SlotKind.SYMBOL
        case SetOf():
            return SlotKind.SET
        case Scalar(name="bool"):
            return SlotKind.FLAG
        case Scalar():
            return SlotKind.QUANTITY if is_quantity(slot.type) else SlotKind.SYMBOL
        case MapOf():
            raise ValueError(f"slot `{slot.name}` is a map, which is never a value by itself")
        case _:
            assert_never(slot.type)


def _symbols(slot: Slot, named: set[str]) -> tuple[str, ...]:
    """For an enum all its values as declared, else those that predicates name, sorted."""
    item = slot.type.item if isinstance(slot.type, SetOf) else slot.type
    return item.names if isinstance(item, Enum) else tuple(sorted(named))


class PredicateTable:
    """The predicates as numbers, and the pools that these point into."""

    def __init__(self, corpus: Corpus, slots: SlotTable) -> None:
        """Lay out ``corpus.predicates``.

        Raises:
            ValueError: if they are not in the form that ``intern_predicates`` leaves.
        """
        self._corpus = corpus
        self._slots = slots
        self._mask_starts: dict[tuple[int, ...], int] = {}
        self.constants = Pool[Constant]()
        self.masks: list[int] = []
        self.code: list[int] = []
        self.zones = Pool[str]()
        self.terms = Pool[tuple[str, ...]]()
        self.patterns = Pool[tuple[str, bool]]()
        self.rows = [self._row(predicate) for predicate in corpus.predicates]

    def _row(self, predicate: Condition) -> tuple[Op, int, int, int]:
        """The op of a predicate and its operands."""
        match predicate:
            case Flag(slot=slot):
                return Op.FLAG, slot, 0, 0
            case Comparison():
                return self._comparison(predicate)
            case Member(slot=slot, values=values):
                codes = [index + 1 for index in self._slots.indices(slot, values)]
                if len(codes) == 1:
                    return Op.IS, slot, codes[0], 0
                return Op.MEMBER, slot, self._mask(slot, codes), 0
            case Same(left=left, right=right):
                return Op.SAME, left, right, 0
            case Overlap(slot=slot, values=values, every=every):
                bits = self._slots.indices(slot, values)
                if len(bits) == 1:
                    return Op.HAS, slot, bits[0], 0
                return Op.ALL if every else Op.ANY, slot, self._mask(slot, bits), 0
            case Absent(slot=slot):
                return Op.ABSENT, slot, 0, 0
            case WallClock(slot=slot, zone=zone, start=start, end=end):
                return Op.CLOCK, slot, start * MINUTES + end, self.zones.number(zone)
            case Mentions(slot=slot, terms=terms):
                words = self._corpus.terms[terms].terms
                return Op.TERMS, slot, self.terms.number(words), 0
            case Pattern(slot=slot, pattern=pattern):
                folded = self._corpus.slots[slot].type == Scalar("text")
                return Op.PATTERN, slot, self.patterns.number((pattern, folded)), 0
            case Truth() | All() | Any() | Negation() | Predicate() | Shared():
                raise ValueError(f"`{type(predicate).__name__}` is not a predicate")
            case _:
                assert_never(predicate)

    def _comparison(self, predicate: Comparison) -> tuple[Op, int, int, int]:
        if predicate.operator not in _COMPARISONS:
            raise ValueError(f"`{predicate.operator}` is not the operator of a predicate")
        op, code = _COMPARISONS[predicate.operator]
        left, right = predicate.left, predicate.right
        if isinstance(left, Reading) and isinstance(right, Constant):
            return op, left.slot, self.constants.number(right), 0
        first = len(self.code) // 2
        self._quantity(left)
        self._quantity(right)
        self.code += [code, 0]
        return Op.QUANTITY, first, len(self.code) // 2, 0

    def _quantity(self, quantity: Quantity) -> None:
        """Append the postfix code that pushes the quantity."""
        match quantity:
            case Constant():
                self.code += [Code.CONSTANT, self.constants.number(quantity)]
            case Reading(slot=slot):
                self.code += [Code.READING, slot]
            case Count(slot=slot):
                self.code += [Code.COUNT, slot]
            case Arithmetic(operator=operator, left=left, right=right):
                self._quantity(left)
                self._quantity(right)
                self.code += [_ARITHMETIC[operator], 0]
            case Param():
                raise ValueError("a param was not folded")
            case _:
                assert_never(quantity)

    def _mask(self, slot: int, bits: Iterable[int]) -> int:
        """The first word of a mask with these bits; equal masks of one width are kept once."""
        words = [0] * self._slots.words(slot)
        for bit in bits:
            words[bit // 64] |= 1 << bit % 64
        start = self._mask_starts.setdefault(tuple(words), len(self.masks))
        if start == len(self.masks):
            self.masks += words
        return start
