"""Conditions of every kind over a given table of slots, written by one random generator.

Constants come from small stocks, so that predicates meet again in other rules, in other forms and
on either side of a comparison. `random.Random` is all that is asked for: Hypothesis brings its own,
which shrinks, and long runs bring a quick one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Literal

from clausal.compiler.ir import (
    ALWAYS,
    NEVER,
    Absent,
    All,
    Any,
    Arithmetic,
    Comparison,
    Condition,
    Constant,
    Count,
    Flag,
    Member,
    Mentions,
    Negation,
    Overlap,
    Param,
    ParamDef,
    Pattern,
    Quantity,
    Reading,
    Same,
    Slot,
    WallClock,
)
from clausal.compiler.types import Enum, Scalar, SetOf, Type, is_quantity

HOUR = 3_600_000_000
DAY = 24 * HOUR
START = 1_700_000_000_000_000
"""An instant in November 2023, in microseconds."""

ZONES = ["Asia/Shanghai", "UTC", "America/New_York", "Asia/Kathmandu"]
STRINGS = ["", "a", "A", "ａ", "b", "刘", "a\u200bb", "ab", "newsroom", "x" * 40]
PATTERNS = ["a", "^a.*b$", r"\d+", "(?i)AB", "刘|liu", "^$", "[^a]"]

_NUMBERS = [0.0, -0.0, 1.0, 2.0, 3.0, 0.5, -1.0, 0.85, 100.0, 5e4, 1e308, 1e-300, float(2**53)]
CONSTANTS = {
    "number": _NUMBERS,
    "duration": [0.0, float(HOUR), float(DAY), 7.0 * DAY, 1.0],
    "instant": [float(START), float(START + 100 * DAY), float(START + 100 * DAY + 1)],
    "date": [0.0, 19_000.0, 20_000.0],
}
"""Thresholds by dimension. Shares, integers and numbers compare with each other."""


Operator = Literal["+", "-", "*", "/"]
_ARITHMETIC: list[Operator] = ["+", "-", "*", "/"]
_SCALE: list[Operator] = ["*", "/"]
_SHIFT: list[Operator] = ["+", "-"]
_COMPARISONS: list[Literal["<", "<=", ">", ">=", "==", "!="]] = ["<", "<=", ">", ">=", "==", "!="]


def dimension(quantity: str) -> str:
    """What a quantity type, given by its name, compares with."""
    return "number" if quantity in {"integer", "share", "number"} else quantity


class ConditionWriter:
    """Writes conditions at random."""

    def __init__(
        self, random: Random, slots: Sequence[Slot], params: Sequence[ParamDef], terms: int
    ) -> None:
        self.random = random
        self._params = params
        self._terms = terms
        self._slots = slots
        self._quantities: dict[str, list[int]] = {}
        for index, slot in enumerate(slots):
            if is_quantity(slot.type):
                assert isinstance(slot.type, Scalar)
                self._quantities.setdefault(dimension(slot.type.name), []).append(index)
        self._flags = self._of(lambda of: of == Scalar("bool"))
        self._names = self._of(_is_name)
        self._sets = self._of(lambda of: isinstance(of, SetOf))
        self._texts = self._of(lambda of: of == Scalar("text"))
        self._matched = self._of(lambda of: of in {Scalar("text"), Scalar("string")})
        self._instants = self._of(lambda of: of == Scalar("instant"))
        self._earlier: list[Condition] = []

    def _of(self, wanted: Callable[[Type], bool]) -> list[int]:
        return [index for index, slot in enumerate(self._slots) if wanted(slot.type)]

    def condition(self, depth: int = 4) -> Condition:
        """A condition that is nested at most so deep; now and then one that was written before."""
        random = self.random
        if self._earlier and random.random() < 0.15:
            return random.choice(self._earlier)
        if depth == 0 or random.random() < 0.35:
            made = self.leaf()
        elif random.random() < 0.25:
            made = Negation(self.condition(depth - 1))
        else:
            items = tuple([self.condition(depth - 1) for _ in range(random.randint(2, 4))])
            made = All(items) if random.random() < 0.5 else Any(items)
        self._earlier.append(made)
        return made

    def leaf(self) -> Condition:
        """A condition without parts, about slots that there are."""
        random = self.random
        makers = [self._comparison, self._comparison, self._comparison, self._absent]
        if self._flags:
            makers.append(lambda: Flag(random.choice(self._flags)))
        if self._names:
            makers += [self._member, self._member, self._same]
        if self._sets:
            makers += [self._overlap, self._overlap]
        if self._texts and self._terms:
            makers.append(
                lambda: Mentions(random.choice(self._texts), random.randrange(self._terms))
            )
        if self._matched:
            makers.append(lambda: Pattern(random.choice(self._matched), random.choice(PATTERNS)))
        makers.append(self._clock)
        if random.random() < 0.04:
            return random.choice([ALWAYS, NEVER])
        return random.choice(makers)()

    def _absent(self) -> Condition:
        return Absent(self.random.randrange(len(self._slots)))

    def _member(self) -> Condition:
        slot = self.random.choice(self._names)
        return Member(slot, self._values(self._slots[slot].type))

    def _same(self) -> Condition:
        slot = self.random.choice(self._names)
        alike = isinstance(self._slots[slot].type, Enum)
        others = [
            other
            for other in self._names
            if other != slot and isinstance(self._slots[other].type, Enum) is alike
        ]
        if not others:
            return Member(slot, self._values(self._slots[slot].type))
        left, right = sorted([slot, self.random.choice(others)])
        return Same(left, right)

    def _overlap(self) -> Condition:
        slot = self.random.choice(self._sets)
        of = self._slots[slot].type
        assert isinstance(of, SetOf)
        return Overlap(slot, self._values(of.item), self.random.random() < 0.5)

    def _values(self, type: Type) -> tuple[str, ...]:
        stock = type.names if isinstance(type, Enum) else tuple(STRINGS)
        count = min(self.random.choice([1, 1, 2, 3]), len(stock))
        return tuple(sorted(self.random.sample(stock, count)))

    def _clock(self) -> Condition:
        times = [0, 1, 360, 720, 1320, 1439, 1440]
        return WallClock(
            self.random.choice(self._instants),
            self.random.choice(ZONES),
            self.random.choice(times),
            self.random.choice(times),
        )

    # ── Quantities ───────────────────────────────────────────────────────────────────────────────

    def _comparison(self) -> Condition:
        random = self.random
        of = random.choice(sorted(CONSTANTS))
        left, right = self._quantity(of, 2), self._quantity(of, 2)
        if random.random() < 0.5 and of in self._quantities:
            # The common case: one field against a threshold.
            left, right = Reading(random.choice(self._quantities[of])), self._fixed(of)
            if random.random() < 0.3:
                left, right = right, left
        return Comparison(random.choice(_COMPARISONS), left, right)

    def _fixed(self, of: str) -> Quantity:
        params = [i for i, param in enumerate(self._params) if dimension(param.type) == of]
        if params and self.random.random() < 0.4:
            return Param(self.random.choice(params))
        return Constant(self.random.choice(CONSTANTS[of]))

    def _quantity(self, of: str, depth: int) -> Quantity:
        """A quantity of a dimension."""
        random = self.random
        choice = random.random()
        if depth == 0 or choice < 0.5:
            if of == "number" and self._sets and choice < 0.1:
                return Count(random.choice(self._sets))
            if of in self._quantities and choice < 0.35:
                return Reading(random.choice(self._quantities[of]))
            return self._fixed(of)
        inner = depth - 1
        match of:
            case "number":
                operator = random.choice(_ARITHMETIC)
                return Arithmetic(
                    operator, self._quantity("number", inner), self._quantity("number", inner)
                )
            case "duration":
                if random.random() < 0.5:
                    instant = self._quantity("instant", inner)
                    return Arithmetic("-", instant, self._quantity("instant", inner))
                duration = self._quantity("duration", inner)
                operator = random.choice(_SCALE)
                return Arithmetic(operator, duration, self._quantity("number", inner))
            case "instant":
                instant = self._quantity("instant", inner)
                operator = random.choice(_SHIFT)
                return Arithmetic(operator, instant, self._quantity("duration", inner))
            case _:
                return self._fixed(of)


def _is_name(type: Type) -> bool:
    return isinstance(type, Enum) or type in {Scalar("string"), Scalar("text")}
