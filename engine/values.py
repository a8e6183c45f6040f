"""Values of events: what each type of the language takes, and what the engine holds for it.

This is the only place that says so (`clausal.compiler.types` has the table). The compiled core
reads the common forms by itself and leaves everything else, with every refusal, to `convert`.
"""

from __future__ import annotations

import enum
import math
import re
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from numbers import Integral, Real
from typing import Final, Literal, assert_never

from clausal.compiler.types import (
    LARGEST_INTEGER,
    MICROSECONDS,
    Enum,
    MapOf,
    Scalar,
    ScalarName,
    SetOf,
    Type,
)
from clausal.compiler.types import describe as describe_type
from clausal.dsl.suggest import nearest
from clausal.engine.problem import describe

Value = bool | float | str | frozenset[str]
"""A value inside the engine: of a bool, a quantity, a text or name, a set."""


class Missing(enum.Enum):
    """Why a slot has no value. Both make a condition unknown; only the first is ``missing``."""

    ABSENT = "absent"
    """The event does not have it."""
    FAILED = "failed"
    """It was asked for, and could not be had."""


_SHOWN_NAMES: Final = 8
"""As many values of an enum are listed where another was given."""

ABSENT: Final[Literal[Missing.ABSENT]] = Missing.ABSENT
FAILED: Final[Literal[Missing.FAILED]] = Missing.FAILED


class ConversionError(ValueError):
    """A value that a type does not take; ``item`` is its place in a list, if it is in one."""

    def __init__(self, expected: str, got: str, item: int | None = None) -> None:
        self.expected = expected
        self.got = got
        self.item = item
        super().__init__(expected, got, item)

    def __str__(self) -> str:
        return f"expected {self.expected}, got {self.got}"


def convert(type: Type, value: object) -> Value:
    """The value inside the engine for a value of an event.

    Quantities become floats: instants and durations microseconds, dates days since 1970-01-01.
    Zero has no sign. Texts become `str` itself, whatever subclass of it they were.

    Raises:
        ConversionError: if the type does not take the value.
    """
    match type:
        case Scalar(name=name):
            return _SCALARS[name](value)
        case Enum():
            return _enum(type, value)
        case SetOf(item=item):
            return _set(item, value)
        case MapOf():
            # Each key of a map is a field of its own, so that no slot has the type.
            raise ConversionError("a field of the map", "the map")
        case _:
            assert_never(type)


def _bool(value: object) -> bool:
    if isinstance(value, bool):
        return value
    raise ConversionError("`true` or `false`", describe(value))


# ── Numbers ──────────────────────────────────────────────────────────────────────────────────────


def _number(value: object, expected: str = "a number") -> float:
    """A finite float; whole numbers beyond 2**53 become the nearest one."""
    if isinstance(value, bool) or not isinstance(value, Real):
        raise ConversionError(expected, describe(value))
    try:
        number = float(value)
    except OverflowError:
        raise ConversionError(f"{expected} that a 64-bit float can hold", describe(value)) from None
    if not math.isfinite(number):
        raise ConversionError(f"{expected} that is finite", describe(number))
    return number + 0.0


def _integer(value: object) -> float:
    expected = "a whole number"
    # Compared before it becomes a float: 2**53 + 1 would become 2**53.
    if isinstance(value, Integral) and abs(int(value)) > LARGEST_INTEGER:
        raise ConversionError(f"{expected} from -2**53 to 2**53", describe(value))
    number = _number(value, expected)
    if not number.is_integer():
        raise ConversionError(expected, describe(value))
    if abs(number) > LARGEST_INTEGER:
        raise ConversionError(f"{expected} from -2**53 to 2**53", describe(value))
    return number


def _share(value: object) -> float:
    expected = "a share from 0 to 1"
    number = _number(value, expected)
    if not 0 <= number <= 1:
        raise ConversionError(expected, describe(value))
    return number


# ── Time ─────────────────────────────────────────────────────────────────────────────────────────

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_DAY: Final = date(1970, 1, 1)
_MICROSECOND: Final = timedelta(microseconds=1)

FIRST_INSTANT: Final = (datetime(1685, 1, 1, tzinfo=UTC) - _EPOCH) // _MICROSECOND
"""The first instant that an event may have: all microseconds after it are exact floats."""

LAST_INSTANT: Final = (datetime(2255, 1, 1, tzinfo=UTC) - _EPOCH) // _MICROSECOND - 1
"""The last one."""

_INSTANT: Final = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ]"
    r"([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:\.([0-9]+))?)?"
    r"(?:[Zz]|([+-])([0-9]{2}):([0-9]{2}))"
)
_WITHOUT_OFFSET: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[Tt ][0-9:.]*)?")
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")

_AN_INSTANT: Final = "an instant such as `2024-05-01T12:00:00+08:00`"
_A_DURATION: Final = "seconds, or a duration such as `48h`"
_A_DATE: Final = "a date such as `2024-04-23`"


def _instant(value: object) -> float:
    """Microseconds since 1970; what is finer is cut off, so that no instant moves to a later one."""
    if isinstance(value, datetime):
        if value.utcoffset() is None:
            raise ConversionError(
                f"{_AN_INSTANT}, with an offset", "a datetime without a time zone"
            )
        microseconds = (value - _EPOCH) // _MICROSECOND
    elif isinstance(value, str):
        microseconds = _parse_instant(value)
    else:
        raise ConversionError(_AN_INSTANT, describe(value))
    if not FIRST_INSTANT <= microseconds <= LAST_INSTANT:
        raise ConversionError("an instant in the years 1685 to 2254", describe(value))
    return float(microseconds)


def _parse_instant(text: str) -> int:
    """RFC 3339, where the seconds may be left out; a leap second is no instant of its own."""
    match = _INSTANT.fullmatch(text)
    if match is None:
        expected = (
            f"{_AN_INSTANT}, with an offset" if _WITHOUT_OFFSET.fullmatch(text) else _AN_INSTANT
        )
        raise ConversionError(expected, describe(text))
    day, hour, minute, second, fraction, sign, offset_hours, offset_minutes = match.groups()
    if second == "60":
        raise ConversionError(f"{_AN_INSTANT}, seconds up to 59", describe(text))
    if hour > "23" or minute > "59" or (second or "0") > "59":
        raise ConversionError(f"{_AN_INSTANT}, at a time of day", describe(text))
    offset = 0
    if sign:
        if offset_hours > "23" or offset_minutes > "59":
            raise ConversionError(f"{_AN_INSTANT}, with an offset below 24 hours", describe(text))
        offset = int(offset_hours) * 60 + int(offset_minutes)
        offset = -offset if sign == "-" else offset
    minutes = (_days(day, _AN_INSTANT, text) * 24 + int(hour)) * 60 + int(minute) - offset
    seconds = minutes * 60 + int(second or 0)
    return seconds * MICROSECONDS + int((fraction or "")[:6].ljust(6, "0"))


def _days(day: str, expected: str, text: str) -> int:
    """Days since 1970 of a day of the calendar."""
    try:
        return (date.fromisoformat(day) - _EPOCH_DAY).days
    except ValueError:
        raise ConversionError(f"{expected}, on a day of the calendar", describe(text)) from None


_DURATION: Final = re.compile(
    r"([0-9]{1,16}(?:\.[0-9]{1,16})?) ?(毫秒|s|秒钟|秒|m|分钟|h|个小时|小时|d|天|日|w|周)"
)
_UNITS: Final = {
    "毫秒": MICROSECONDS // 1000,
    **dict.fromkeys(("s", "秒钟", "秒"), MICROSECONDS),
    **dict.fromkeys(("m", "分钟"), 60 * MICROSECONDS),
    **dict.fromkeys(("h", "个小时", "小时"), 3_600 * MICROSECONDS),
    **dict.fromkeys(("d", "天", "日"), 86_400 * MICROSECONDS),
    **dict.fromkeys(("w", "周"), 604_800 * MICROSECONDS),
}
"""The units of the language, in microseconds."""


def _duration(value: object) -> float:
    """Microseconds, rounded to a whole number, half to even as `timedelta` does."""
    microseconds: float
    if isinstance(value, timedelta):
        microseconds = value // _MICROSECOND
    elif isinstance(value, str):
        match = _DURATION.fullmatch(value)
        if match is None:
            raise ConversionError(_A_DURATION, describe(value))
        microseconds = round(Decimal(match[1]) * _UNITS[match[2]])
    else:
        microseconds = _number(value, _A_DURATION) * MICROSECONDS
        if math.isfinite(microseconds):
            microseconds = round(microseconds)
    if abs(microseconds) > LARGEST_INTEGER:
        raise ConversionError("a duration of at most 285 years", describe(value))
    return float(microseconds)


def _date(value: object) -> float:
    """Days since 1970-01-01."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return float((value - _EPOCH_DAY).days)
    if isinstance(value, str) and _DATE.fullmatch(value):
        return float(_days(value, _A_DATE, value))
    raise ConversionError(_A_DATE, describe(value))


# ── Texts and names ──────────────────────────────────────────────────────────────────────────────


def _plain_text(value: object) -> str | None:
    """The text that a value is, also as a member of an enumeration; None if it is no text."""
    if isinstance(value, enum.Enum) and not isinstance(value, str):
        value = value.value
    return str.__str__(value) if isinstance(value, str) else None


def _text(value: object) -> str:
    text = _plain_text(value)
    if text is None:
        raise ConversionError("text", describe(value))
    return text


def _enum(type: Enum, value: object) -> str:
    name = _plain_text(value)
    if name is None:
        raise ConversionError(f"one of {_choices(type)}", describe(value))
    if name in type.names:
        return name
    likely = nearest(name, type.names)
    hint = f" (did you mean `{likely}`?)" if likely else ""
    raise ConversionError(f"one of {_choices(type)}{hint}", describe(name))


def _choices(type: Enum) -> str:
    names = type.names
    first = ", ".join(f"`{name}`" for name in names[:_SHOWN_NAMES])
    return first if len(names) <= _SHOWN_NAMES else f"{first} and {len(names) - _SHOWN_NAMES} more"


def _set(item: Scalar | Enum, value: object) -> frozenset[str]:
    """The elements, each once. Of several wrong items one is reported: the first of a list."""
    if not isinstance(value, (list, tuple, AbstractSet)):
        raise ConversionError(f"a list of {describe_type(item)}", describe(value))
    found: set[str] = set()
    problems: list[ConversionError] = []
    for index, one in enumerate(value):
        try:
            found.add(_enum(item, one) if isinstance(item, Enum) else _text(one))
        except ConversionError as problem:
            if not isinstance(value, AbstractSet):
                raise ConversionError(problem.expected, problem.got, index) from None
            problems.append(problem)
    if problems:
        # A set has no order that another run would repeat: its items have no places.
        raise min(problems, key=lambda problem: (problem.got, problem.expected))
    return frozenset(found)


_SCALARS: Final[Mapping[ScalarName, Callable[[object], Value]]] = {
    "bool": _bool,
    "integer": _integer,
    "number": _number,
    "share": _share,
    "string": _text,
    "text": _text,
    "instant": _instant,
    "duration": _duration,
    "date": _date,
}
