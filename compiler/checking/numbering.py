"""The final numbers of slots and term lists: only those that are read, in one fixed order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar, assert_never, cast

import msgspec

from clausal.compiler import ir

_C = TypeVar("_C", bound="ir.Condition | ir.Quantity")


def leaves(condition: ir.Condition) -> Iterator[ir.Condition]:
    """The conditions in ``condition`` that hold no others."""
    pending = [condition]
    while pending:
        item = pending.pop()
        match item:
            case ir.All(items=items) | ir.Any(items=items):
                pending += items
            case ir.Negation(item=inner):
                pending.append(inner)
            case _:
                yield item


def quantity_slots(quantity: ir.Quantity) -> Iterator[int]:
    """The slots that a quantity reads."""
    pending = [quantity]
    while pending:
        item = pending.pop()
        match item:
            case ir.Reading(slot=slot) | ir.Count(slot=slot):
                yield slot
            case ir.Arithmetic(left=left, right=right):
                pending += [left, right]
            case ir.Constant() | ir.Param():
                pass
            case _:
                assert_never(item)


def slots_of(condition: ir.Condition) -> Iterator[int]:
    """The slots that a condition reads."""
    for leaf in leaves(condition):
        match leaf:
            case ir.Comparison(left=left, right=right):
                yield from quantity_slots(left)
                yield from quantity_slots(right)
            case ir.Same(left=one, right=two):
                yield one
                yield two
            case (
                ir.Flag(slot=slot)
                | ir.Member(slot=slot)
                | ir.Overlap(slot=slot)
                | ir.Absent(slot=slot)
                | ir.WallClock(slot=slot)
                | ir.Mentions(slot=slot)
                | ir.Pattern(slot=slot)
            ):
                yield slot
            case _:
                pass


def terms_in(condition: ir.Condition) -> Iterator[int]:
    """The lists of terms that a condition searches for."""
    return (leaf.terms for leaf in leaves(condition) if isinstance(leaf, ir.Mentions))


class Renumbering:
    """Gives slots and term lists their final numbers, wherever they are mentioned.

    A condition that several rules share by ``let`` is rewritten once.
    """

    def __init__(self, slots: dict[int, int], terms: dict[int, int]) -> None:
        self.slots = slots
        self._terms = terms
        self._known: dict[int, ir.Condition | ir.Quantity] = {}
        # What is in `_known` must stay alive, or its identity could be taken by another.
        self._kept: list[object] = []

    def condition(self, condition: ir.Condition) -> ir.Condition:
        """The condition with final numbers."""
        known = self._known.get(id(condition))
        if known is not None:
            return cast("ir.Condition", known)
        return self._remember(condition, self._condition(condition))

    def quantity(self, quantity: ir.Quantity) -> ir.Quantity:
        """The quantity with final numbers."""
        known = self._known.get(id(quantity))
        if known is not None:
            return cast("ir.Quantity", known)
        return self._remember(quantity, self._quantity(quantity))

    def template(self, template: ir.Template) -> ir.Template:
        """The text with final numbers in its holes."""
        return tuple(
            [
                ir.Hole(self.slots[piece.slot]) if isinstance(piece, ir.Hole) else piece
                for piece in template
            ]
        )

    def _remember(self, old: object, new: _C) -> _C:
        self._known[id(old)] = new
        self._kept.append(old)
        return new

    def _condition(self, condition: ir.Condition) -> ir.Condition:
        match condition:
            case ir.Truth():
                return condition
            case ir.All(items=items):
                return ir.All(tuple([self.condition(item) for item in items]))
            case ir.Any(items=items):
                return ir.Any(tuple([self.condition(item) for item in items]))
            case ir.Negation(item=item):
                return ir.Negation(self.condition(item))
            case ir.Comparison(operator=operator, left=left, right=right):
                return ir.Comparison(operator, self.quantity(left), self.quantity(right))
            case ir.Same(left=left_slot, right=right_slot):
                one, two = sorted((self.slots[left_slot], self.slots[right_slot]))
                return ir.Same(one, two)
            case ir.Mentions(slot=slot, terms=terms):
                return ir.Mentions(self.slots[slot], self._terms[terms])
            case (
                ir.Flag(slot=slot)
                | ir.Member(slot=slot)
                | ir.Overlap(slot=slot)
                | ir.Absent(slot=slot)
                | ir.WallClock(slot=slot)
                | ir.Pattern(slot=slot)
            ):
                return msgspec.structs.replace(condition, slot=self.slots[slot])
            case ir.Predicate() | ir.Shared():
                raise AssertionError("only passes make these")
            case _:
                assert_never(condition)

    def _quantity(self, quantity: ir.Quantity) -> ir.Quantity:
        match quantity:
            case ir.Constant() | ir.Param():
                return quantity
            case ir.Reading(slot=slot):
                return ir.Reading(self.slots[slot])
            case ir.Count(slot=slot):
                return ir.Count(self.slots[slot])
            case ir.Arithmetic(operator=operator, left=left, right=right):
                return ir.Arithmetic(operator, self.quantity(left), self.quantity(right))
            case _:
                assert_never(quantity)


def number_slots(slots: Sequence[ir.Slot], used: Iterable[int]) -> dict[int, int]:
    """Old number to new: the slots in use, sorted by source and path."""
    order = sorted(set(used), key=lambda number: (slots[number].source, slots[number].path))
    return {old: new for new, old in enumerate(order)}


def number_terms(
    terms: Sequence[tuple[str, tuple[str, ...]]], used: Iterable[int]
) -> dict[int, int]:
    """Old number to new: the term lists in use, sorted by name."""
    order = sorted(set(used), key=lambda number: terms[number])
    return {old: new for new, old in enumerate(order)}
