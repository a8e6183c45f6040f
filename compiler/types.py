"""The types of the language, and what each holds once it has been read.

=========  ==============================================  ================================
type       value in an event                               value inside the engine
=========  ==============================================  ================================
bool       true, false                                     bool
integer    whole number, magnitude at most 2**53           float
number     finite number                                   float
share      finite number from 0 to 1                       float
instant    RFC 3339 text with an offset                    float: microseconds since 1970, UTC
duration   seconds, or text such as "48h"                  float: microseconds
date       text "2024-04-23"                               float: days since 1970-01-01
string     text                                            str
text       text, searched folded                           str
enum       one of its values                               str
set of T   list of values of T                             frozenset
=========  ==============================================  ================================

A ``map of T`` is never a value by itself: each key that a policy names is a field of type T.
Every quantity is a 64-bit float, which holds whole numbers to 2**53 and microseconds for 285 years
around 1970 exactly.
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec

ScalarName = Literal[
    "bool", "integer", "number", "share", "string", "text", "instant", "duration", "date"
]

LARGEST_INTEGER: Final = 2**53
"""Whole numbers up to this magnitude are exact as a 64-bit float."""

MICROSECONDS: Final = 1_000_000
"""Microseconds in a second: instants and durations are counted in them."""


class Scalar(msgspec.Struct, frozen=True, gc=False, tag=True):
    """A type without parts."""

    name: ScalarName


class EnumValue(msgspec.Struct, frozen=True, gc=False):
    """One value of an enum; the labels are empty where the library gives none."""

    name: str
    zh: str = ""
    en: str = ""


class Enum(msgspec.Struct, frozen=True, gc=False, tag=True):
    """One of a closed list of names."""

    values: tuple[EnumValue, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The values, in the order of the declaration."""
        return tuple(value.name for value in self.values)


class SetOf(msgspec.Struct, frozen=True, gc=False, tag=True):
    """An unordered set; the item is an enum or a string."""

    item: Scalar | Enum


class MapOf(msgspec.Struct, frozen=True, gc=False, tag=True):
    """Open keys, such as the names of classifiers, each with a value of the same type."""

    item: Scalar | Enum


Type = Scalar | Enum | SetOf | MapOf

QUANTITIES: Final = frozenset({"integer", "number", "share", "instant", "duration", "date"})
"""Scalar types whose values are ordered and are held as floats."""


def is_quantity(type: Type) -> bool:
    """Whether values of the type are floats inside the engine."""
    return isinstance(type, Scalar) and type.name in QUANTITIES


def describe(type: Type) -> str:
    """The type as an author writes it, long enums cut short."""
    match type:
        case Scalar(name=name):
            return name
        case Enum():
            shown = ", ".join(type.names[:4]) + (", …" if len(type.names) > 4 else "")
            return f"enum [{shown}]"
        case SetOf(item=item):
            return f"set of {describe(item)}"
        case MapOf(item=item):
            return f"map of {describe(item)}"
