"""What the compiled core looks up while it reads and evaluates, worked out once from a program.

A `Layout` adds to the program's arrays what follows from the types of the slots and from the
predicates: how each slot is read, where the bits of its sets lie, what matches its texts. The core
walks it without looking twice, so everything that it relies on is checked here.
"""

from __future__ import annotations

import enum
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, islice
from typing import Final
from zoneinfo import ZoneInfo

from clausal.compiler.ir import Slot
from clausal.compiler.program import Op, Program, ProgramError, SlotKind, integers, mask_words
from clausal.compiler.text._terms import TermIndex
from clausal.compiler.text.patterns import PatternGroup, PatternSet
from clausal.compiler.text.terms import TermMatcher
from clausal.compiler.types import Enum, Scalar, ScalarName, SetOf, Type

DEPTH_LIMIT: Final = 64
"""The longest path of a field: the core recurses from object to object."""


class Form(enum.IntEnum):
    """What the values of a slot look like in an event."""

    BOOL = 0
    INTEGER = 1
    NUMBER = 2
    SHARE = 3
    INSTANT = 4
    DURATION = 5
    DATE = 6
    NAME = 7
    """A value of an enum."""
    STRING = 8
    """A string or text."""
    NAMES = 9
    """A set of values of an enum."""
    STRINGS = 10
    """A set of strings."""


_FORMS: Final[Mapping[ScalarName, Form]] = {
    "bool": Form.BOOL,
    "integer": Form.INTEGER,
    "number": Form.NUMBER,
    "share": Form.SHARE,
    "instant": Form.INSTANT,
    "duration": Form.DURATION,
    "date": Form.DATE,
    "string": Form.STRING,
    "text": Form.STRING,
}


@dataclass(slots=True)
class Tree:
    """An object of the event: its keys in the order of the slots, each a slot or a tree."""

    below: dict[str, int | Tree] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Layout:
    """Tables by slot, by predicate, and by clock.

    Attributes:
        forms: uint8 for each slot, a `Form`.
        codes: For each slot, 1 + the index of each of its symbols.
        word_first, word_count: int32, the words of a SET slot among those of all; no words else.
        words: How many words all sets have together.
        clock_of: int32 for each predicate: the number of a CLOCK predicate's clock, else -1.
        clocks: The slot and the time zone of each clock.
        terms: For each slot the term lists that it is searched for; None if for none.
        terms_first: int32 for each slot: where in ``asking`` the predicates of its lists stand.
        groups: The patterns that a slot is searched for together. Such a search has a number.
        search_of: int32 for each predicate: the search that answers it, -1 if none does.
        search_first: int32 for each search: where in ``asking`` the predicates of its patterns
            stand; behind the last, where they end.
        asking: int32, the predicates that ask for a list or a pattern, in the order of those.
        tree: Where in an event the slots that are fields lie.
        required: int32, the slots that are fields and must have a value.
    """

    forms: array[int]
    codes: tuple[dict[str, int], ...]
    word_first: array[int]
    word_count: array[int]
    words: int
    clock_of: array[int]
    clocks: tuple[tuple[int, ZoneInfo], ...]
    terms: tuple[TermIndex | None, ...]
    terms_first: array[int]
    groups: tuple[PatternGroup, ...]
    search_of: array[int]
    search_first: array[int]
    asking: array[int]
    tree: Tree
    required: array[int]


def lay_out(program: Program, slots: Sequence[Slot]) -> Layout:
    """The layout of a program that was verified with these slots.

    Raises:
        ProgramError: if the paths of fields do not form a tree, if a slot of history is no figure,
            or if a term list, pattern or time zone is not one.
    """
    forms = [form_of(slot.type) for slot in slots]
    _check_figures(slots, forms)
    counts = [
        mask_words(SlotKind.SET, len(symbols)) if form in {Form.NAMES, Form.STRINGS} else 0
        for form, symbols in zip(forms, program.symbols, strict=True)
    ]
    firsts = list(accumulate(counts, initial=0))[:-1]
    clock_of, clocks = _clocks(program)
    try:
        asking: array[int] = array("i")
        terms, terms_first = _terms(program, asking)
        groups, search_of, search_first = _searches(program, asking)
    except ValueError as error:
        raise ProgramError(str(error)) from None
    return Layout(
        forms=array("B", forms),
        codes=tuple(
            [{name: code for code, name in enumerate(names, 1)} for names in program.symbols]
        ),
        word_first=array("i", firsts),
        word_count=array("i", counts),
        words=sum(counts),
        clock_of=array("i", clock_of),
        clocks=clocks,
        terms=terms,
        terms_first=terms_first,
        groups=groups,
        search_of=search_of,
        search_first=search_first,
        asking=asking or array("i", [0]),
        tree=_tree(slots),
        required=array(
            "i",
            [i for i, slot in enumerate(slots) if slot.required and slot.source == "field"],
        ),
    )


def form_of(type: Type) -> Form:
    """What the values of a type look like in an event.

    Raises:
        ProgramError: if no value of an event has the type.
    """
    match type:
        case Scalar(name=name):
            return _FORMS[name]
        case Enum():
            return Form.NAME
        case SetOf(item=Enum()):
            return Form.NAMES
        case SetOf(item=Scalar(name="string")):
            return Form.STRINGS
        case _:
            raise ProgramError("a slot has a type that no value has")


def _check_figures(slots: Sequence[Slot], forms: Sequence[Form]) -> None:
    for slot, form in zip(slots, forms, strict=True):
        if slot.source == "field":
            continue
        # A ladder of points has figures for its families, too.
        longest = 3 if slot.source == "strikes" else 1
        if not 1 <= len(slot.path) <= longest or form not in _FIGURES:
            raise ProgramError(f"slot `{slot.name}` is no figure of the history")


_FIGURES: Final = frozenset({Form.INTEGER, Form.NUMBER, Form.SHARE})


def _clocks(program: Program) -> tuple[list[int], tuple[tuple[int, ZoneInfo], ...]]:
    """Number the pairs of slot and time zone that predicates ask the time of."""
    numbers: dict[tuple[int, int], int] = {}
    clock_of: list[int] = []
    rows = zip(
        integers("i", program.op), integers("i", program.a), integers("i", program.c), strict=True
    )
    for op, slot, zone in rows:
        if op == Op.CLOCK:
            clock_of.append(numbers.setdefault((slot, zone), len(numbers)))
        else:
            clock_of.append(-1)
    try:
        zones = [ZoneInfo(name) for name in program.zones]
    except (ValueError, KeyError, OSError):
        raise ProgramError("a time zone is not known here") from None
    return clock_of, tuple([(slot, zones[zone]) for slot, zone in numbers])


def _terms(program: Program, asking: array[int]) -> tuple[tuple[TermIndex | None, ...], array[int]]:
    """The lists that each slot is searched for, laid out once for all slots that share them."""
    indexes: dict[tuple[int, ...], TermIndex] = {}
    found: list[TermIndex | None] = [None] * len(program.slot_kinds)
    firsts = array("i", [0]) * max(len(found), 1)
    for slot, pairs in _asked(program, Op.TERMS).items():
        key = tuple([list_ for list_, _ in pairs])
        if key not in indexes:
            indexes[key] = TermMatcher([program.terms[list_] for list_ in key]).index
        found[slot] = indexes[key]
        firsts[slot] = len(asking)
        asking.extend([predicate for _, predicate in pairs])
    return tuple(found), firsts


def _searches(
    program: Program, asking: array[int]
) -> tuple[tuple[PatternGroup, ...], array[int], array[int]]:
    """The patterns that each slot is searched for, in groups that slots may share."""
    patterns = PatternSet(program.patterns)
    made: dict[tuple[int, ...], list[PatternGroup]] = {}
    groups: list[PatternGroup] = []
    search_of = array("i", [-1]) * max(len(program.op) // 4, 1)
    firsts = array("i", [len(asking)])
    for pairs in _asked(program, Op.PATTERN).values():
        key = tuple([pattern for pattern, _ in pairs])
        if key not in made:
            made[key] = patterns.groups(key)
        predicates = iter([predicate for _, predicate in pairs])
        for group in made[key]:
            of_group = list(islice(predicates, len(group)))
            for predicate in of_group:
                search_of[predicate] = len(groups)
            groups.append(group)
            asking.extend(of_group)
            firsts.append(len(asking))
    return tuple(groups), search_of, firsts


def _asked(program: Program, wanted: Op) -> dict[int, list[tuple[int, int]]]:
    """By slot: what predicates of a kind ask it for, and those predicates."""
    asked: dict[int, list[tuple[int, int]]] = {}
    rows = zip(
        integers("i", program.op), integers("i", program.a), integers("i", program.b), strict=True
    )
    for predicate, (op, slot, operand) in enumerate(rows):
        if op == wanted:
            asked.setdefault(slot, []).append((operand, predicate))
    return asked


def _tree(slots: Sequence[Slot]) -> Tree:
    root = Tree()
    for index, slot in enumerate(slots):
        if slot.source != "field":
            continue
        if not slot.path:
            raise ProgramError("a slot has no path")
        *groups, last = slot.path
        if len(groups) >= DEPTH_LIMIT:
            raise ProgramError(f"a path has more than {DEPTH_LIMIT} names")
        tree = root
        for name in groups:
            inner = tree.below.setdefault(name, Tree())
            if not isinstance(inner, Tree):
                raise ProgramError(f"slot `{slot.name}` lies inside of another slot")
            tree = inner
        if last in tree.below:
            raise ProgramError(f"slot `{slot.name}` occurs twice, or has others inside of it")
        tree.below[last] = index
    return root
