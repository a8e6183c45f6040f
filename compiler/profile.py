"""What the values of events look like: how often each is there, and which are frequent.

A profile is taken from a sample of events. The index is laid out by it, so that what tells rules
apart for most events comes first; no decision depends on it. It holds no event: of numbers so many
that divide the sample into equal parts, of names how often they are used, of texts nothing but those
that policies name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import chain
from math import isfinite
from typing import Final

import msgspec

from clausal.compiler.program import Program, ProgramError, SlotKind

QUANTILES: Final = 127
"""The most numbers of one slot that a profile keeps."""

FAILED: Final = object()
"""What stands for a value that failed; None stands for an absent one."""


class SlotProfile(msgspec.Struct, frozen=True):
    """The values of one slot.

    Attributes:
        absent: The share of events without a value.
        failed: The share of events whose value failed.
        numbers: Of a quantity (0 and 1 of a flag), numbers at equal distances among all, ascending.
        names: Of a symbol or set, the share of the values that are it, or have it as an element.
    """

    absent: float
    failed: float
    numbers: tuple[float, ...] = ()
    names: dict[str, float] = {}


class Profile(msgspec.Struct, frozen=True):
    """The values of all slots, from a sample of events; without events, nothing is known of them.

    Attributes:
        events: How many events were looked at.
        instants: When acts were, in microseconds since 1970, at equal distances among all.
        slots: By slot.
    """

    events: int = 0
    instants: tuple[float, ...] = ()
    slots: tuple[SlotProfile, ...] = ()


UNKNOWN: Final = Profile()
"""The profile of events of which nothing is known."""


def profile_of(
    program: Program, rows: Iterable[Sequence[object]], instants: Iterable[float]
) -> Profile:
    """The profile of a sample of events.

    Args:
        program: The program whose slots the values are of.
        rows: For each event the values by slot: numbers, names, sets of names, None, `FAILED`.
        instants: For each event when the act was, in microseconds since 1970.
    """
    slots = len(program.slot_kinds)
    columns: list[list[object]] = [[] for _ in range(slots)]
    events = 0
    for row in rows:
        events += 1
        for column, value in zip(columns, row, strict=True):
            column.append(value)
    if not events:
        return UNKNOWN
    return Profile(
        events,
        _quantiles(sorted(instants)),
        tuple(
            [
                _slot(SlotKind(kind), frozenset(symbols), column)
                for kind, symbols, column in zip(
                    program.slot_kinds, program.symbols, columns, strict=True
                )
            ]
        ),
    )


def _slot(kind: SlotKind, symbols: frozenset[str], column: Sequence[object]) -> SlotProfile:
    there = [value for value in column if value is not None and value is not FAILED]
    absent = sum(value is None for value in column) / len(column)
    failed = sum(value is FAILED for value in column) / len(column)
    if kind in (SlotKind.FLAG, SlotKind.QUANTITY):
        numbers = sorted(float(value) for value in there if isinstance(value, int | float))
        return SlotProfile(absent, failed, _quantiles(numbers))
    uses: Counter[str] = Counter()
    for value in there:
        uses.update(value if isinstance(value, frozenset | set) else (str(value),))
    count = max(1, len(there))
    names = {name: round(uses[name] / count, 6) for name in sorted(symbols & uses.keys())}
    return SlotProfile(absent, failed, names=names)


def _quantiles(numbers: Sequence[float]) -> tuple[float, ...]:
    if len(numbers) <= QUANTILES:
        return tuple(numbers)
    return tuple(
        [numbers[(2 * part + 1) * len(numbers) // (2 * QUANTILES)] for part in range(QUANTILES)]
    )


def verify_profile(profile: Profile, program: Program) -> None:
    """Check that a profile is one of this program.

    Raises:
        ProgramError: naming what is wrong.
    """
    if profile.events < 0 or (profile.events and len(profile.slots) != len(program.slot_kinds)):
        raise ProgramError("it is not about the slots of the program")
    for slot, symbols in zip(profile.slots, program.symbols, strict=False):
        shares = (slot.absent, slot.failed, *slot.names.values())
        if not all(0 <= share <= 1 for share in shares) or not slot.names.keys() <= set(symbols):
            raise ProgramError("a share is none, or of a name that the program does not know")
    numbers = chain(profile.instants, *[slot.numbers for slot in profile.slots])
    if not all(map(isfinite, numbers)):
        raise ProgramError("a number is not finite")
