"""The reference interpreter: what a bundle means, written to be read.

It walks the conditions as the checker left them, for one event at a time, and knows nothing of the
decision program. The compiled core must agree with it on every event. It shares with the core what
an event may look like (`clausal.engine.event`) and what a text folds to (`clausal.compiler.text`).

A condition is true, false or unknown, after Kleene; unknown is None here.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol, assert_never
from zoneinfo import ZoneInfo

from clausal.compiler import ir
from clausal.compiler.text.fold import fold
from clausal.compiler.text.patterns import PatternSet
from clausal.compiler.text.terms import find_term
from clausal.compiler.types import Scalar
from clausal.engine.event import ABSENT, FAILED, EventReader, History, Missing, Value

Verdict = bool | None
"""A truth value after Kleene."""

_ARITHMETIC: Final[Mapping[str, Callable[[float, float], float]]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
}
_COMPARISONS: Final[Mapping[str, Callable[[float, float], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the rules in force say about one event.

    Attributes:
        fired: The rules whose condition is true, ascending.
        undetermined: The rules whose condition is unknown, each with the slots that it lacked.
    """

    fired: tuple[int, ...]
    undetermined: Mapping[int, frozenset[int]]


class Reference:
    """Decides events by the plain meaning of a corpus."""

    def __init__(self, corpus: ir.Corpus) -> None:
        """Take a corpus as the checker left it."""
        self.corpus = corpus
        self.reader = EventReader(corpus.slots, corpus.time_slot, corpus.ladders)

    def run(
        self, event: object, history: History | None, instant: int, *, blind: bool = False
    ) -> Outcome:
        """Evaluate the rules of the versions in force.

        Args:
            event: The event; `EventReader` says what it may be.
            history: What is known of the past, if the event does not carry it.
            instant: Selects the versions, in microseconds since 1970.
            blind: Whether an absent value might be there after all: ``is missing`` is then unknown.

        Raises:
            EventError: if the event cannot be read.
        """
        values = self.reader.read(event, history)
        if blind:
            values = [FAILED if value is ABSENT else value for value in values]
        evaluation = Evaluation(self.corpus, values)
        fired: list[int] = []
        undetermined: dict[int, frozenset[int]] = {}
        for number, rule in enumerate(self.corpus.rules):
            version = self.corpus.versions[rule.version]
            if version.start <= instant and (version.end is None or instant < version.end):
                condition = ir.All((rule.when, ir.Negation(rule.unless)))
                verdict = evaluation.verdict(condition)
                if verdict:
                    fired.append(number)
                elif verdict is None:
                    undetermined[number] = evaluation.lacking(condition)
        return Outcome(tuple(fired), undetermined)


class Slots(Protocol):
    """The values of an event by slot: a list is one."""

    def __getitem__(self, slot: int, /) -> Value | Missing: ...


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Conditions on the values of one event."""

    corpus: ir.Corpus
    values: Slots

    def verdict(self, condition: ir.Condition) -> Verdict:
        """Whether the condition holds; None when that is unknown."""
        match condition:
            case ir.Truth(value=value):
                return value
            case ir.All(items=items):
                verdicts = [self.verdict(item) for item in items]
                return False if False in verdicts else None if None in verdicts else True
            case ir.Any(items=items):
                verdicts = [self.verdict(item) for item in items]
                return True if True in verdicts else None if None in verdicts else False
            case ir.Negation(item=item):
                verdict = self.verdict(item)
                return None if verdict is None else not verdict
            case ir.Predicate(index=index, negated=negated):
                predicate = self.corpus.predicates[index]
                return self.verdict(ir.Negation(predicate) if negated else predicate)
            case ir.Shared(index=index):
                return self.verdict(self.corpus.shared[index])
            case ir.Absent(slot=slot):
                return None if self.values[slot] is FAILED else self.values[slot] is ABSENT
            case ir.Comparison(operator=name, left=left, right=right):
                one, other = self.quantity(left), self.quantity(right)
                return None if one is None or other is None else _COMPARISONS[name](one, other)
            case _:
                if any(isinstance(self.values[slot], Missing) for slot in slots_of(condition)):
                    return None
                return self.holds(condition)

    def holds(self, condition: ir.Condition) -> bool:
        """Whether a predicate holds whose slots all have values."""
        match condition:
            case ir.Flag(slot=slot):
                return bool(self.values[slot])
            case ir.Member(slot=slot, values=values):
                return self.values[slot] in values
            case ir.Same(left=left, right=right):
                return self.values[left] == self.values[right]
            case ir.Overlap(slot=slot, values=values, every=every):
                found = [value in self.set(slot) for value in values]
                return all(found) if every else any(found)
            case ir.WallClock(slot=slot, zone=zone, start=start, end=end):
                now = _EPOCH + timedelta(microseconds=self.number(slot))
                local = now.astimezone(ZoneInfo(zone))
                minute = local.hour * 60 + local.minute
                if start < end:
                    return start <= minute < end
                return minute >= start or minute < end
            case ir.Mentions(slot=slot, terms=terms):
                text = fold(self.text(slot))
                return any(
                    find_term(text, fold(term)) >= 0 for term in self.corpus.terms[terms].terms
                )
            case ir.Pattern(slot=slot, pattern=pattern):
                folded = self.corpus.slots[slot].type == Scalar("text")
                text = fold(self.text(slot)) if folded else self.text(slot)
                return PatternSet([(pattern, folded)]).search(0, text)
            case _:
                raise AssertionError(f"not a predicate: {condition}")

    def quantity(self, quantity: ir.Quantity) -> float | None:
        """A number; None if it, or any part of it, is unknown or not finite."""
        match quantity:
            case ir.Constant(value=value):
                return value
            case ir.Param(index=index):
                return self.corpus.params[index].value
            case ir.Reading(slot=slot):
                return None if isinstance(self.values[slot], Missing) else self.number(slot)
            case ir.Count(slot=slot):
                return (
                    None if isinstance(self.values[slot], Missing) else float(len(self.set(slot)))
                )
            case ir.Arithmetic(operator=name, left=left, right=right):
                one, other = self.quantity(left), self.quantity(right)
                if one is None or other is None:
                    return None
                try:
                    result = _ARITHMETIC[name](one, other)
                except ZeroDivisionError:
                    return None
                return result if math.isfinite(result) else None
            case _:
                assert_never(quantity)

    def lacking(self, condition: ir.Condition) -> frozenset[int]:
        """The slots without a value that leave an unknown condition unknown.

        What is settled lacks nothing; nor does a quantity that is not finite.
        """
        if self.verdict(condition) is not None:
            return frozenset()
        match condition:
            case ir.All(items=items) | ir.Any(items=items):
                return frozenset().union(*map(self.lacking, items))
            case ir.Negation(item=item):
                return self.lacking(item)
            case ir.Predicate(index=index):
                return self.lacking(self.corpus.predicates[index])
            case ir.Shared(index=index):
                return self.lacking(self.corpus.shared[index])
            case _:
                return frozenset(
                    slot for slot in slots_of(condition) if isinstance(self.values[slot], Missing)
                )

    def number(self, slot: int) -> float:
        """The value of a quantity slot."""
        value = self.values[slot]
        assert isinstance(value, float)
        return value

    def text(self, slot: int) -> str:
        """The value of a text, string or enum slot."""
        value = self.values[slot]
        assert isinstance(value, str)
        return value

    def set(self, slot: int) -> frozenset[str]:
        """The value of a set slot."""
        value = self.values[slot]
        assert isinstance(value, frozenset)
        return value


def slots_of(predicate: ir.Condition) -> tuple[int, ...]:
    """The slots that a predicate reads."""
    match predicate:
        case ir.Comparison(left=left, right=right):
            return (*_slots_of_quantity(left), *_slots_of_quantity(right))
        case ir.Same(left=left, right=right):
            return (left, right)
        case (
            ir.Flag(slot=slot)
            | ir.Member(slot=slot)
            | ir.Overlap(slot=slot)
            | ir.Absent(slot=slot)
            | ir.WallClock(slot=slot)
            | ir.Mentions(slot=slot)
            | ir.Pattern(slot=slot)
        ):
            return (slot,)
        case _:
            raise AssertionError(f"not a predicate: {predicate}")


def _slots_of_quantity(quantity: ir.Quantity) -> tuple[int, ...]:
    match quantity:
        case ir.Reading(slot=slot) | ir.Count(slot=slot):
            return (slot,)
        case ir.Arithmetic(left=left, right=right):
            return (*_slots_of_quantity(left), *_slots_of_quantity(right))
        case _:
            return ()
