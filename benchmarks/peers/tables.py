"""Events as columns, for those that take columns.

Names of enum values and of elements of the set are held as bits, so that a test of any number of
them is one AND: a form that favours whoever computes on columns, and whose making is not timed.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any, Final

from benchmarks.peers.peer import Event
from benchmarks.workload import (
    ENUMS,
    FIELDS,
    FLAGS,
    NUMBERS,
    SCORES,
    SURFACES,
    Predicate,
    flat,
)

arrow: Any = import_module("pyarrow")  # it ships no types

SET: Final = "context.surface"
WIDTH: Final = {
    **{field: 8 if size <= 8 else 16 if size <= 16 else 32 for field, size in ENUMS.items()},
    SET: 16,
}
"""How many bits hold a field's names, by the field."""


def bits(field: str, names: Sequence[str]) -> int:
    """The bits of some names of an enum's values, or of the set's elements."""
    if field == SET:
        return sum(1 << SURFACES.index(name) for name in names)
    return sum(1 << int(name[1:]) for name in names)


def mask(predicate: Predicate) -> int:
    """The bits of an "in" or "has any", those of the other values where it is negated."""
    assert isinstance(predicate.operand, tuple)
    chosen = bits(predicate.field, predicate.operand)
    return (1 << ENUMS[predicate.field]) - 1 - chosen if predicate.negated else chosen


def coded(events: Sequence[Event]) -> Any:
    """Flat columns by field: numbers, Booleans, and bits for names; null where missing."""
    rows = [flat(event) for event in events]
    columns: dict[str, Any] = {}
    for field in FIELDS:
        values: list[Any] = [row.get(field) for row in rows]
        if field in ENUMS:
            codes = [None if value is None else bits(field, (value,)) for value in values]
            columns[field] = arrow.array(codes, f"uint{WIDTH[field]}")
        elif field == SET:
            codes = [None if value is None else bits(field, value) for value in values]
            columns[field] = arrow.array(codes, f"uint{WIDTH[field]}")
        elif field in SCORES:
            columns[field] = arrow.array(values, arrow.float64())
        elif field in NUMBERS:
            columns[field] = arrow.array(values, arrow.int64())
        else:
            assert field in FLAGS
            columns[field] = arrow.array(values, arrow.bool_())
    return arrow.table(columns)


def named(firing: Sequence[tuple[str, Sequence[int]]], events: int) -> list[set[str]]:
    """The names of the rules for each event, from the events of each rule."""
    answers: list[set[str]] = [set() for _ in range(events)]
    for name, places in firing:
        for place in places:
            answers[int(place)].add(name)
    return answers
