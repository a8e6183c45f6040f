"""Conditions as text, close to how an author writes them: for goldens, `inspect` and stable order.

The text of a condition depends on names alone. It is the same whatever numbers slots, params and
terms have, and equal texts in one corpus mean equal conditions, so it also serves as a sort key.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final, assert_never

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
    Truth,
    WallClock,
)
from clausal.compiler.types import MICROSECONDS, Enum, Scalar, SetOf

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_UNITS: Final = (
    ("d", 86_400 * MICROSECONDS),
    ("h", 3_600 * MICROSECONDS),
    ("m", 60 * MICROSECONDS),
    ("s", MICROSECONDS),
)


def quantity_text(quantity: Quantity, corpus: Corpus, type: str = "number") -> str:
    """The quantity as text, a constant as one of the named type.

    A constant that was folded from params shows what it was folded from, in braces, and not its
    value: ``{cn.example.cutoff * 2}``.
    """
    match quantity:
        case Constant(value=value, origin=None):
            return constant_text(value, type)
        case Constant(origin=origin):
            assert origin is not None
            return f"{{{quantity_text(origin, corpus)}}}"
        case Param(index=index):
            return corpus.params[index].name
        case Reading(slot=slot):
            return _slot(slot, corpus)
        case Count(slot=slot):
            return f"count of {_slot(slot, corpus)}"
        case Arithmetic(operator=operator, left=left, right=right):
            return f"({quantity_text(left, corpus)} {operator} {quantity_text(right, corpus)})"
        case _:
            assert_never(quantity)


def condition_text(condition: Condition, corpus: Corpus) -> str:
    """The condition as text on one line; predicates are ``p0``, shared conditions ``s0``."""
    match condition:
        case Truth(value=value):
            return "always" if value else "never"
        case All(items=items):
            return " and ".join([_item(item, corpus) for item in items])
        case Any(items=items):
            return " or ".join([_item(item, corpus) for item in items])
        case Negation(item=item):
            bare = isinstance(item, Truth | Flag | Predicate | Shared)
            text = condition_text(item, corpus)
            return f"not {text}" if bare else f"not ({text})"
        case Flag(slot=slot):
            return _slot(slot, corpus)
        case Comparison(operator=operator, left=left, right=right):
            of = _type(left, corpus) or _type(right, corpus) or "number"
            sides = quantity_text(left, corpus, of), quantity_text(right, corpus, of)
            return f" {operator} ".join(sides)
        case Member(slot=slot, values=(_,) as values):
            return f"{_slot(slot, corpus)} == {_value(slot, values[0], corpus)}"
        case Member(slot=slot, values=values):
            return f"{_slot(slot, corpus)} in {_values(slot, values, corpus)}"
        case Same(left=one, right=other):
            return f"{_slot(one, corpus)} == {_slot(other, corpus)}"
        case Overlap(slot=slot, values=values, every=every):
            verb = "has all" if every else "has any"
            return f"{_slot(slot, corpus)} {verb} {_values(slot, values, corpus)}"
        case Absent(slot=slot):
            return f"{_slot(slot, corpus)} is missing"
        case WallClock(slot=slot, zone=zone, start=start, end=end):
            return f'{_slot(slot, corpus)} between {_time(start)} and {_time(end)} "{zone}"'
        case Mentions(slot=slot, terms=terms):
            return f"{_slot(slot, corpus)} contains any {corpus.terms[terms].name}"
        case Pattern(slot=slot, pattern=pattern):
            return f"{_slot(slot, corpus)} matches {_quoted(pattern)}"
        case Predicate(index=index, negated=negated):
            return f"not p{index}" if negated else f"p{index}"
        case Shared(index=index):
            return f"s{index}"
        case _:
            assert_never(condition)


def dump_parts(corpus: Corpus) -> str:
    """Each rule with its ``when`` and ``unless``, as the checker and `fold_constants` leave them."""
    lines: list[str] = []
    for rule in corpus.rules:
        lines += [_heading(rule.version, rule.name, corpus), *_clause("when", rule.when, corpus)]
        if rule.unless != Truth(False):
            lines += _clause("unless", rule.unless, corpus)
    return "".join(f"{line}\n" for line in lines)


def dump_conditions(corpus: Corpus) -> str:
    """Predicates, shared conditions and each rule's condition, as the later passes leave them."""
    lines = [f"p{i}: {condition_text(item, corpus)}" for i, item in enumerate(corpus.predicates)]
    lines += [f"s{i}: {condition_text(item, corpus)}" for i, item in enumerate(corpus.shared)]
    for rule in corpus.rules:
        lines += [_heading(rule.version, rule.name, corpus), *_clause("if", rule.condition, corpus)]
    return "".join(f"{line}\n" for line in lines)


def _heading(version: int, rule: str, corpus: Corpus) -> str:
    of = corpus.versions[version]
    return f"rule {of.policy} {of.version} {rule}"


def _clause(word: str, condition: Condition, corpus: Corpus) -> Iterator[str]:
    """On one line if it is short, else with each item of the outermost join on its own."""
    text = condition_text(condition, corpus)
    if len(text) <= 80 or not isinstance(condition, All | Any):
        yield f"  {word} {text}"
        return
    join = "and" if isinstance(condition, All) else "or"
    for i, item in enumerate(condition.items):
        yield f"  {join if i else word} {_item(item, corpus)}"


def _item(condition: Condition, corpus: Corpus) -> str:
    """An item of a join as text."""
    text = condition_text(condition, corpus)
    return f"({text})" if isinstance(condition, All | Any) else text


def _type(quantity: Quantity, corpus: Corpus) -> str | None:
    """The type of a slot or param, where a quantity is nothing more."""
    match quantity:
        case Reading(slot=slot):
            of = corpus.slots[slot].type
            return of.name if isinstance(of, Scalar) else None
        case Param(index=index):
            return corpus.params[index].type
        case _:
            return None


def constant_text(value: float, type: str) -> str:
    """A value of the named quantity type, times as people write them where that says it exactly."""
    if type == "duration":
        for unit, size in _UNITS:
            if value and value % size == 0:
                return f"{value / size:.0f}{unit}"
    if type == "instant" and value.is_integer():
        try:
            return (_EPOCH + timedelta(microseconds=int(value))).isoformat()
        except OverflowError:
            return repr(value)
    return repr(value).removesuffix(".0")


def _slot(index: int, corpus: Corpus) -> str:
    slot = corpus.slots[index]
    return slot.name if slot.source == "field" else f"{slot.source}({slot.name})"


def _values(slot: int, values: tuple[str, ...], corpus: Corpus) -> str:
    return f"[{', '.join([_value(slot, value, corpus) for value in values])}]"


def _value(slot: int, value: str, corpus: Corpus) -> str:
    of = corpus.slots[slot].type
    item = of.item if isinstance(of, SetOf) else of
    return value if isinstance(item, Enum) else _quoted(value)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _time(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"
