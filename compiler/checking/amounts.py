"""Literals as numbers of one dimension: shares, durations and instants in the engine's units."""

from __future__ import annotations

import datetime
import enum
import math
from dataclasses import dataclass
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from clausal.compiler.checking.report import Report
from clausal.compiler.types import LARGEST_INTEGER, MICROSECONDS, Scalar, Type
from clausal.dsl import nodes
from clausal.dsl.source import Span


class Dimension(enum.StrEnum):
    """What a number measures. Numbers of unlike dimensions are neither compared nor added."""

    PLAIN = "plain number"
    """A literal without a unit, or a quotient of like quantities: fits numbers and shares."""
    NUMBER = "number"
    SHARE = "share"
    DURATION = "duration"
    INSTANT = "instant"
    DATE = "date"


_DIMENSIONS: Final = {
    "integer": Dimension.NUMBER,
    "number": Dimension.NUMBER,
    "share": Dimension.SHARE,
    "duration": Dimension.DURATION,
    "instant": Dimension.INSTANT,
    "date": Dimension.DATE,
}

_SUFFIXES: Final = {
    "": Decimal(1),
    "%": Decimal(1) / 100,
    "k": Decimal(10) ** 3,
    "千": Decimal(10) ** 3,
    "万": Decimal(10) ** 4,
    "M": Decimal(10) ** 6,
    "百万": Decimal(10) ** 6,
    "亿": Decimal(10) ** 8,
}

_UNITS: Final = {
    "毫秒": MICROSECONDS // 1000,
    "s": MICROSECONDS,
    "秒": MICROSECONDS,
    "秒钟": MICROSECONDS,
    "m": 60 * MICROSECONDS,
    "分钟": 60 * MICROSECONDS,
    "h": 3600 * MICROSECONDS,
    "小时": 3600 * MICROSECONDS,
    "个小时": 3600 * MICROSECONDS,
    "d": 86_400 * MICROSECONDS,
    "天": 86_400 * MICROSECONDS,
    "日": 86_400 * MICROSECONDS,
    "w": 7 * 86_400 * MICROSECONDS,
    "周": 7 * 86_400 * MICROSECONDS,
}
"""Microseconds of each unit. A day is 24 hours, also where clocks change."""

_EPOCH: Final = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
_MICROSECOND: Final = datetime.timedelta(microseconds=1)
_YEARS: Final = (1685, 2255)
"""The first and the last year whose microseconds a 64-bit float holds exactly."""


_FITS_PLAIN: Final = (Dimension.NUMBER, Dimension.SHARE)


def fits(left: Dimension, right: Dimension) -> bool:
    """Whether two dimensions are compared and added: equal ones, or a plain number beside one."""
    return (
        left is right
        or (left is Dimension.PLAIN and right in _FITS_PLAIN)
        or (right is Dimension.PLAIN and left in _FITS_PLAIN)
    )


@dataclass(frozen=True, slots=True)
class Measured:
    """The value of a literal and what it measures."""

    value: float
    dimension: Dimension


def dimension_of(type: Type) -> Dimension | None:
    """The dimension of a type's values; None for types that are no quantities."""
    return _DIMENSIONS.get(type.name) if isinstance(type, Scalar) else None


def number(report: Report, node: nodes.Number) -> Measured | None:
    """A number with its suffix applied; a percentage is a share."""
    value = float(node.digits * _SUFFIXES[node.suffix])
    if not math.isfinite(value):
        report.add("E0318", f"`{report.text(node.span)}` is too large a number", node.span)
        return None
    # Adding zero takes the sign of a negative zero away, which no comparison could tell.
    return Measured(value + 0.0, Dimension.SHARE if node.suffix == "%" else Dimension.PLAIN)


def duration(report: Report, node: nodes.Duration) -> int | None:
    """A length of time in microseconds."""
    value = (node.amount * _UNITS[node.unit]).to_integral_value()
    if value > LARGEST_INTEGER:
        report.add(
            "E0318",
            f"`{report.text(node.span)}` is longer than 285 years",
            node.span,
        )
        return None
    return int(value)


class Calendar:
    """The wall clock of a policy or library: what its dates and times without an offset mean.

    Without a zone, dates that are days still have a meaning, and instants have one if they name
    their offset. ``excused`` says that the lack of a zone was reported already.
    """

    def __init__(self, zone: ZoneInfo | None, *, excused: bool = False) -> None:
        self.zone = zone
        self._excused = excused

    def zone_name(self, report: Report, span: Span, what: str) -> str | None:
        """The name of the zone; None after reporting that ``what`` needs one (E0511)."""
        if self.zone is not None:
            return self.zone.key
        if not self._excused:
            report.add(
                "E0511",
                f"{what} needs a time zone, and this library names none",
                span,
                "",
                help=['write `time zone "Asia/Shanghai"` in the header of the library'],
            )
        return None

    def instant(self, report: Report, node: nodes.Date | nodes.Instant) -> int | None:
        """Microseconds since 1970, UTC; a date is its midnight."""
        moment = self.moment(report, node)
        return None if moment is None else (moment - _EPOCH) // _MICROSECOND

    def moment(self, report: Report, node: nodes.Date | nodes.Instant) -> datetime.datetime | None:
        """The point in time with its offset; None after reporting."""
        try:
            moment = datetime.datetime.fromisoformat(node.text)
        except ValueError:
            return None  # the parser has said so
        if not _YEARS[0] <= moment.year <= _YEARS[1]:
            report.add(
                "E0318",
                f"the year of `{node.text}` is not between {_YEARS[0]} and {_YEARS[1]}",
                node.span,
                "",
                notes=["instants are counted in microseconds, exactly, within these years"],
            )
            return None
        if moment.tzinfo is None:
            name = self.zone_name(report, node.span, f"`{node.text}`")
            if name is None or self.zone is None:
                return None
            moment = moment.replace(tzinfo=self.zone)
        return moment

    @staticmethod
    def date(node: nodes.Date) -> int | None:
        """Days since 1970-01-01; None for a day that is not in the calendar."""
        try:
            return (datetime.date.fromisoformat(node.text) - _EPOCH.date()).days
        except ValueError:
            return None  # the parser has said so

    def measured(self, report: Report, node: nodes.Literal) -> Measured | None:
        """The value of a literal that is a quantity; None after reporting.

        The caller has made sure that it is one (`is_quantity`).
        """
        match node:
            case nodes.Number():
                return number(report, node)
            case nodes.Duration():
                length = duration(report, node)
                return None if length is None else Measured(float(length), Dimension.DURATION)
            case nodes.Instant():
                point = self.instant(report, node)
                return None if point is None else Measured(float(point), Dimension.INSTANT)
            case nodes.Date():
                day = self.date(node)
                return None if day is None else Measured(float(day), Dimension.DATE)
            case _:
                raise AssertionError(f"{node!r} is not a quantity")


def is_quantity(node: object) -> bool:
    """Whether a literal is a number, duration, date or instant."""
    return isinstance(node, nodes.Number | nodes.Duration | nodes.Date | nodes.Instant)
