"""Segments: measures taken apart into pieces that can be compared, and put together again.

A measure may speak of several things at once: ``exclude_from [trending, push] for 7d`` is about two
surfaces, and another measure may hold one of them for longer. So a measure is split into segments,
one for each element of its set-valued arguments and for each rule whose silence would end it; the
algebra of ``clausal.engine.join`` compares segments, and `regroup` puts what is left together for
people to read. Splitting loses nothing: a measure is in effect for an element when one of its
segments is, and `regroup` gives back the measure that was split.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import msgspec

from clausal.compiler.ir import SanctionDef
from clausal.compiler.types import Enum, Scalar, SetOf
from clausal.engine.decision import Mode, TargetRef

_T = TypeVar("_T")

FOREVER: Final = 2**63 - 1
"""The end, in microseconds, of what does not end by itself."""

Value = float | bool | str | tuple[str, ...] | None
"""An argument of a measure: a quantity, a flag, a name, a set of names; None: not given."""

Element = float | bool | str | None
"""What is left of an argument in a segment: one element of a set (None: it was empty), or the value
itself; None in the place of the strength, which a segment holds apart."""


class Segment(msgspec.Struct, frozen=True):
    """One piece of a measure, about one thing, with one reason to end early.

    Attributes:
        mode: Enforced and shadow segments never meet.
        sanction: Index of the sanction.
        target: What it applies to.
        atom: One element for each parameter of the sanction.
        strength: More is stricter; 0 where the sanction compares nothing.
        start, end: Microseconds since 1970, half-open; an open end is `FOREVER`.
        until_fixed: The rule whose silence ends it, "policy.rule"; "" if it does not end so.
        interim: Whether it rests on a suspicion, and goes when the suspicion does.
        review: How many people must decide before it takes effect.
    """

    mode: Mode
    sanction: int
    target: TargetRef
    atom: tuple[Element, ...]
    strength: float
    start: int
    end: int
    until_fixed: str = ""
    interim: bool = False
    review: int = 0


class Cause(msgspec.Struct, frozen=True):
    """Where a segment comes from: the findings, by index, and the ladder steps."""

    findings: frozenset[int] = frozenset()
    steps: frozenset[tuple[str, int]] = frozenset()

    def __or__(self, other: Cause) -> Cause:
        return Cause(self.findings | other.findings, self.steps | other.steps)


@dataclass(frozen=True, slots=True)
class Group:
    """Segments that are shown as one measure.

    ``segment`` is one of them, and stands for what they have in common; ``arguments`` and
    ``until_fixed`` hold what they differ in, sorted.
    """

    segment: Segment
    arguments: tuple[Value, ...]
    until_fixed: tuple[str, ...]
    cause: Cause
    members: tuple[Segment, ...]


def order(segment: Segment) -> tuple[Any, ...]:
    """A sort key: by target, sanction, mode, strength and end, then by all else.

    Two segments have equal keys only if they are equal, so a sorted list shows no earlier order.
    """
    target = segment.target
    return (
        target.kind,
        target.id is not None,
        target.id or "",
        segment.sanction,
        segment.mode,
        segment.strength,
        segment.end,
        segment.start,
        segment.review,
        segment.interim,
        tuple((element is not None, element) for element in segment.atom),
        segment.until_fixed,
    )


class Shape:
    """How measures of one sanction are split: which parameters are sets, which is the strength."""

    __slots__ = ("_enums", "_flag", "_levels", "_lowest", "_sets", "_strength", "names")

    def __init__(self, sanction: SanctionDef) -> None:
        types = [param.type for param in sanction.params]
        self.names = tuple(param.name for param in sanction.params)
        self._sets = tuple(i for i, kind in enumerate(types) if isinstance(kind, SetOf))
        self._strength = sanction.law.strength
        self._lowest = sanction.law.lowest
        self._levels: tuple[str, ...] = ()
        self._flag = False
        if self._strength is not None:
            kind = types[self._strength]
            self._levels = kind.names if isinstance(kind, Enum) else ()
            self._flag = isinstance(kind, Scalar) and kind.name == "bool"
        self._enums = {
            i: {name: at for at, name in enumerate(kind.item.names)}
            for i, kind in enumerate(types)
            if isinstance(kind, SetOf) and isinstance(kind.item, Enum)
        }

    @property
    def identity(self) -> frozenset[str]:
        """The names of the parameters that say what a measure is about, and not how strict it is."""
        return frozenset(n for i, n in enumerate(self.names) if i != self._strength)

    def strength(self, arguments: Sequence[Value]) -> float:
        """How strict a measure is; minus infinity where the argument was not given."""
        if self._strength is None:
            return 0.0
        value = arguments[self._strength]
        if value is None:
            return -math.inf
        if self._levels:
            assert isinstance(value, str)
            level = float(self._levels.index(value))
        else:
            assert not isinstance(value, str | tuple)
            level = float(value)
        # 0.0 - x rather than -x: a negative zero would be another value to a reader.
        return 0.0 - level if self._lowest else level

    def _argument(self, strength: float) -> Value:
        """The argument that has this strength: the inverse of `strength`."""
        if strength == -math.inf:
            return None
        level = 0.0 - strength if self._lowest else strength
        if self._levels:
            return self._levels[int(level)]
        return bool(level) if self._flag else level

    def atoms(self, arguments: Sequence[Value]) -> Iterator[tuple[Element, ...]]:
        """One tuple for each combination of elements of the set-valued arguments."""
        choices: list[tuple[Element, ...]] = []
        for position, value in enumerate(arguments):
            if position == self._strength:
                choices.append((None,))
            elif isinstance(value, tuple):
                choices.append(value or (None,))
            elif position in self._sets:
                choices.append((None,))
            else:
                choices.append((value,))
        return itertools.product(*choices)

    def arguments(self, atoms: Sequence[Sequence[Element]], strength: float) -> tuple[Value, ...]:
        """The arguments of a measure whose atoms are the product of the elements at each place."""
        values: list[Value] = []
        for position in range(len(self.names)):
            if position == self._strength:
                values.append(self._argument(strength))
                continue
            elements = {atom[position] for atom in atoms}
            if position not in self._sets:
                values.append(next(iter(elements)))
                continue
            names = [str(element) for element in elements if element is not None]
            declared = self._enums.get(position, {})
            values.append(tuple(sorted(names, key=lambda name: (declared.get(name, 0), name))))
        return tuple(values)

    @property
    def sets(self) -> tuple[int, ...]:
        """The positions of the set-valued parameters."""
        return self._sets


def split(
    shape: Shape,
    arguments: Sequence[Value],
    rules: Sequence[str],
    *,
    mode: Mode,
    sanction: int,
    target: TargetRef,
    start: int,
    end: int,
    interim: bool,
    review: int,
) -> list[Segment]:
    """The segments of a measure.

    Args:
        shape: How its sanction is split.
        arguments: One for each parameter of the sanction.
        rules: The rules whose silence, all of them together, ends the measure; none: it does not
            end so.
        mode: This and the others are as in `Segment`.
        sanction: Index of the sanction.
        target: What the measure applies to.
        start: Microseconds since 1970.
        end: Microseconds since 1970, or `FOREVER`.
        interim: Whether it rests on a suspicion.
        review: How many people must decide.
    """
    strength = shape.strength(arguments)
    return [
        Segment(mode, sanction, target, atom, strength, start, end, rule, interim, review)
        for atom in shape.atoms(arguments)
        for rule in (rules or ("",))
    ]


def regroup(
    shapes: Sequence[Shape],
    segments: Iterable[tuple[Segment, Cause]],
    apart: Callable[[Segment], object] = lambda _: None,
) -> list[Group]:
    """Put segments together into as few measures as say the same, in a settled order.

    Segments of one measure share everything but the elements of their sets, and the rules whose
    silence ends them. What has another cause stays another measure, so that each measure has
    exactly its reasons; segments that end with different rules do become one measure, which lasts
    until all of those rules are silent. Segments for which `apart` differs are never put together.
    """
    pairs = sorted(segments, key=lambda pair: order(pair[0]))
    if not pairs:
        return []
    boxes = [
        _Box((segment,), (segment.atom,), (segment.until_fixed,), cause) for segment, cause in pairs
    ]
    boxes = _merge(boxes, lambda box: (box.common, apart(box.first), box.atoms), causes=True)
    deepest = max(len(shapes[box.first.sanction].sets) for box in boxes)
    for turn in range(deepest):

        def others(box: _Box, turn: int = turn) -> object:
            sets = shapes[box.first.sanction].sets
            free = sets[turn] if turn < len(sets) else None
            rest = frozenset(
                tuple(element for i, element in enumerate(atom) if i != free) for atom in box.atoms
            )
            # One that was not to be merged along this parameter differs from all others.
            tied = box.atoms if free is None else ()
            return (box.common, apart(box.first), box.rules, box.cause, rest, tied)

        boxes = _merge(boxes, others)
    return [
        Group(
            box.first,
            shapes[box.first.sanction].arguments(box.atoms, box.first.strength),
            tuple(sorted(rule for rule in box.rules if rule)),
            box.cause,
            box.members,
        )
        for box in boxes
    ]


@dataclass(frozen=True, slots=True)
class _Box:
    """Segments whose atoms are a product of sets, and which have all else in common."""

    members: tuple[Segment, ...]
    atoms: tuple[tuple[Element, ...], ...]
    rules: tuple[str, ...]
    cause: Cause

    @property
    def first(self) -> Segment:
        return self.members[0]

    @property
    def common(self) -> tuple[object, ...]:
        first = self.first
        return (
            first.mode,
            first.sanction,
            first.target,
            first.strength,
            first.start,
            first.end,
            bool(first.until_fixed),
            first.interim,
            first.review,
            # A measure about no element at all is not a part of one about some.
            tuple(element is None for element in first.atom),
        )


def _merge(
    boxes: Sequence[_Box], key: Callable[[_Box], object], *, causes: bool = False
) -> list[_Box]:
    merged: dict[object, _Box] = {}
    for box in boxes:
        at = key(box)
        other = merged.get(at)
        if other is None:
            merged[at] = box
        else:
            merged[at] = _Box(
                other.members + box.members,
                _union(other.atoms, box.atoms),
                _union(other.rules, box.rules),
                other.cause | box.cause if causes else other.cause,
            )
    return list(merged.values())


def _union(left: tuple[_T, ...], right: tuple[_T, ...]) -> tuple[_T, ...]:
    return tuple(dict.fromkeys(left + right))
