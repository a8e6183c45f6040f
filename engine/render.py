"""Values as the affected user reads them, in Chinese and in English.

Reasons and notices are written by people, in policies and libraries; here only values are put into
them. Nothing is translated: where the author wrote one language, the other stays empty.

What a user typed may end up in a text that another user reads (a title in a reason). So such text
is stripped of everything that acts on a reader's screen or hides on it, and cut short. It is not
escaped for HTML: that is for whoever makes a page of it.
"""

from __future__ import annotations

import functools
import heapq
import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Final, Literal, assert_never
from zoneinfo import ZoneInfo

from clausal.compiler.ir import Bilingual
from clausal.compiler.types import (
    LARGEST_INTEGER,
    MICROSECONDS,
    Enum,
    MapOf,
    Scalar,
    SetOf,
    Type,
)
from clausal.dsl.render.visible import is_hidden
from clausal.engine.values import Missing, Value

Language = Literal["zh", "en"]

LONGEST_TEXT: Final = 100
"""As many characters of a user's text are shown."""

MOST_ITEMS: Final = 20
"""As many texts of a user's set are shown, the first in their order."""

_MOST_MARKS: Final = 4
"""As many combining marks may follow each other; more make a tower over the lines above."""

UNKNOWN: Final[Mapping[Language, str]] = {"zh": "未知", "en": "unknown"}
"""What stands for a value that an event does not have."""

_NONE: Final[Mapping[Language, str]] = {"zh": "无", "en": "none"}
_FLAGS: Final[Mapping[Language, tuple[str, str]]] = {"zh": ("否", "是"), "en": ("no", "yes")}
_COMMA: Final[Mapping[Language, str]] = {"zh": "、", "en": ", "}

_MONTHS: Final = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]

_REMEMBERED: Final = 4096
"""As many values of each kind are remembered in words: events tend to have the same ones."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST: Final = datetime(1, 1, 2, tzinfo=UTC)
_LAST: Final = datetime(9999, 12, 30, 23, 59, 59, tzinfo=UTC)
"""Instants before and after are written as these: they are the last whose day every zone has."""
_FIRST_DAY: Final = (_FIRST - _EPOCH).days
_LAST_DAY: Final = (_LAST - _EPOCH).days


def pick(texts: Bilingual, language: Language) -> str:
    """The text in one language; empty if it was not written."""
    return texts.zh if language == "zh" else texts.en


# ── Values ───────────────────────────────────────────────────────────────────────────────────────


def value_text(
    type: Type, value: Value | tuple[str, ...] | Missing | None, language: Language, zone: str
) -> str:
    """A value of an event or an argument of a measure, in words.

    Args:
        type: Its type; quantities are held as `clausal.compiler.types` says.
        value: A missing one, or None, is written as unknown.
        language: The language of the text that it stands in.
        zone: The IANA name of the zone in which instants are told.
    """
    if value is None or isinstance(value, Missing):
        return UNKNOWN[language]
    match type:
        case SetOf(item=item):
            assert isinstance(value, frozenset | tuple)
            return _set(item, value, language)
        case Enum():
            assert isinstance(value, str)
            return _label(type, value, language)
        case MapOf():
            raise AssertionError("a map is not a value")
        case Scalar(name=name):
            assert not isinstance(value, frozenset | tuple)
            match name:
                case "string" | "text":
                    return clean(str(value))
                case "bool":
                    return _FLAGS[language][bool(value)]
                case "share":
                    return share(float(value))
                case "integer" | "number":
                    return number(float(value), language)
                case "duration":
                    return duration(float(value), language)
                case "date":
                    return _day(date(1970, 1, 1) + timedelta(days=float(value)), language)
                case "instant":
                    return instant(int(value), zone, language)
                case _:
                    assert_never(name)
        case _:
            assert_never(type)


def _label(type: Enum, name: str, language: Language) -> str:
    for value in type.values:
        if value.name == name:
            return (value.zh if language == "zh" else value.en) or name
    return clean(name)


def _set(item: Scalar | Enum, value: Collection[str], language: Language) -> str:
    if isinstance(item, Enum):
        places = {name: at for at, name in enumerate(item.names)}
        names = sorted(value, key=lambda name: (places.get(name, len(places)), name))
        shown = [_label(item, name, language) for name in names]
    else:
        shown = [clean(text) for text in heapq.nsmallest(MOST_ITEMS, value)]
        if len(value) > MOST_ITEMS:
            shown.append("…")
    return listed(shown, language) or _NONE[language]


def listed(texts: Iterable[str], language: Language) -> str:
    """Texts in a row, each once: with the Chinese enumeration comma or with plain ones."""
    return _COMMA[language].join(dict.fromkeys(texts))


def clean(text: str, longest: int = LONGEST_TEXT) -> str:
    """A user's text on one line, without what acts or hides, cut to so many characters.

    Controls, bidirectional overrides, zero-width and unpaired surrogate characters are left out,
    white space of any kind becomes one space, and what is cut off is shown by an ellipsis.
    """
    if text.isascii() and text.isprintable() and len(text) <= longest:
        return " ".join(text.split())
    # However long the text, only so much of it is looked at.
    start = text[: 8 * longest]
    harmless = "".join(one for one in start if one.isspace() or not is_hidden(one))
    kept: list[str] = []
    marks = 0
    cut = False
    for character in " ".join(harmless.split()):
        marks = marks + 1 if unicodedata.combining(character) else 0
        if marks > _MOST_MARKS:
            continue
        if len(kept) == longest:
            cut = True
            break
        kept.append(character)
    cut = cut or len(text) > 8 * longest
    return "".join(kept).rstrip() + ("…" if cut else "")


def share(value: float) -> str:
    """A share as a percentage with at most two decimals: ``92.5%``.

    Only 0 and 1 themselves are 0% and 100%: 0.99999 is 99.99%.
    """
    return _share(repr(value))


# By their digits, as numbers that are equal may be written differently: 0 and -0.
@functools.lru_cache(maxsize=_REMEMBERED)
def _share(digits: str) -> str:
    exact = Decimal(digits) * 100
    shown = exact.quantize(Decimal("0.01"), ROUND_HALF_UP)
    if shown in (0, 100) and exact != shown:
        shown += Decimal("0.01") if exact > shown else Decimal("-0.01")
    return f"{_plain(shown)}%"


def number(value: float, language: Language) -> str:
    """A number with its digits grouped, ``12,000``; round ones in Chinese by 万 and 亿: ``1.2万``.

    Figures are not rounded to fit a unit: 12,345 has more decimals in 万 than a reader wants, and
    stays 12,345. Fractions are given to four decimals.
    """
    if abs(value) > LARGEST_INTEGER or (value and abs(value) < 1e-4):
        return f"{value:.6g}"
    return _number(repr(value), language)


@functools.lru_cache(maxsize=_REMEMBERED)
def _number(digits: str, language: Language) -> str:
    exact = Decimal(digits)
    if language == "zh":
        for unit, size in (("亿", 100_000_000), ("万", 10_000)):
            scaled = exact / size
            if abs(scaled) >= 1 and scaled == scaled.quantize(Decimal("0.01")):
                return _plain(scaled) + unit
    return _plain(exact.quantize(Decimal("0.0001"), ROUND_HALF_UP))


def _plain(value: Decimal) -> str:
    text = f"{value:,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


_UNITS: Final = (
    (86_400 * MICROSECONDS, "天", "day"),
    (3_600 * MICROSECONDS, "小时", "hour"),
    (60 * MICROSECONDS, "分钟", "minute"),
    (MICROSECONDS, "秒", "second"),
)


@functools.lru_cache(maxsize=1024)
def duration(microseconds: float, language: Language) -> str:
    """A duration in words: ``2 days 12 hours``, ``2天12小时``; parts of a second as a fraction."""
    rest = round(abs(microseconds))
    parts: list[str] = []
    for size, zh, en in _UNITS:
        if size == MICROSECONDS:
            amount = Decimal(rest) / MICROSECONDS
        else:
            whole, rest = divmod(rest, size)
            amount = Decimal(whole)
        if amount or (size == MICROSECONDS and not parts):
            shown = _plain(amount)
            parts.append(shown + zh if language == "zh" else f"{shown} {en}{_plural(amount)}")
    text = ("" if language == "zh" else " ").join(parts)
    return f"-{text}" if microseconds < 0 else text


def _plural(amount: Decimal) -> str:
    return "" if amount == 1 else "s"


# ── Time ─────────────────────────────────────────────────────────────────────────────────────────


@functools.lru_cache(maxsize=256)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def _local(microseconds: int, zone: str) -> datetime:
    """An instant in a zone; in UTC where the zone's offset is not one of whole minutes.

    Before standard time offsets were the sun's, to the second, which RFC 3339 has no form for.
    """
    try:
        moment = _EPOCH + timedelta(microseconds=microseconds)
    except OverflowError:
        moment = _FIRST if microseconds < 0 else _LAST
    moment = max(_FIRST, min(moment, _LAST))
    local = moment.astimezone(_zone(zone))
    offset = local.utcoffset()
    assert offset is not None
    return moment if offset % timedelta(minutes=1) else local


_DAY: Final = 86_400 * MICROSECONDS


@functools.lru_cache(maxsize=_REMEMBERED)
def _offset(day: int, zone: str) -> tuple[int, str] | None:
    """What a zone adds to UTC on a day of UTC, in microseconds and as RFC 3339 has it.

    None for the few days on which that changes, and for those that no calendar has.
    """
    first, last = day * _DAY, (day + 1) * _DAY - 1
    if not _FIRST_DAY < day < _LAST_DAY:
        return None
    # A zone that changed twice in a day, and back again, would be told wrong: none ever did.
    morning, evening = _local(first, zone), _local(last, zone)
    offset = morning.utcoffset()
    if offset is None or offset != evening.utcoffset():
        return None
    return offset // timedelta(microseconds=1), morning.isoformat()[-6:]


@functools.lru_cache(maxsize=_REMEMBERED)
def _date(day: int) -> str:
    return (date(1970, 1, 1) + timedelta(days=day)).isoformat()


def rfc3339(microseconds: int, zone: str) -> str:
    """An instant as decisions have it: ``2024-05-01T12:00:00+08:00``."""
    told = _offset(microseconds // _DAY, zone)
    if told is None:
        return _local(microseconds, zone).isoformat()
    offset, suffix = told
    day, rest = divmod(microseconds + offset, _DAY)
    seconds, fraction = divmod(rest, MICROSECONDS)
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    clock = f"{hour:02}:{minute:02}:{second:02}"
    if fraction:
        clock = f"{clock}.{fraction:06}"
    return f"{_date(day)}T{clock}{suffix}"


@functools.lru_cache(maxsize=_REMEMBERED)
def instant(microseconds: int, zone: str, language: Language) -> str:
    """An instant as people read it: ``1 May 2024, 12:00 (UTC+08:00)``; seconds if there are any."""
    local = _local(microseconds, zone)
    clock = f"{local.hour:02}:{local.minute:02}"
    if local.second or local.microsecond:
        clock = f"{clock}:{local.second:02}"
    offset = f"UTC{local.isoformat()[-6:]}"
    if language == "zh":
        return f"{_day(local.date(), language)}{clock}（{offset}）"
    return f"{_day(local.date(), language)}, {clock} ({offset})"


def _day(day: date, language: Language) -> str:
    if language == "zh":
        return f"{day.year}年{day.month}月{day.day}日"
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


def until(
    end: int | None, until_fixed: bool, permanent: bool, zone: str, language: Language
) -> str:
    """What follows "until" in a notice: when a measure ends, in words."""
    if end is None:
        if until_fixed:
            return "改正为止" if language == "zh" else "it is corrected"
        if permanent:
            return "永久" if language == "zh" else "further notice (there is no end date)"
        return "另行通知" if language == "zh" else "further notice"
    moment = instant(end, zone, language)
    if until_fixed:
        zh, en = f"改正为止，最迟{moment}", f"it is corrected, {moment} at the latest"
        return zh if language == "zh" else en
    return moment


# ── Texts with slots ─────────────────────────────────────────────────────────────────────────────

_PIECE: Final = re.compile(r"\{\{|\}\}|\{\s*[^{}\s]+\s*\}")


@functools.lru_cache(maxsize=1024)
def pieces(wording: str) -> tuple[tuple[str, bool], ...]:
    """Fixed parts, and the names of slots (with True); ``{{`` and ``}}`` are single braces."""
    found: list[tuple[str, bool]] = []
    at = 0
    for match in _PIECE.finditer(wording):
        found.append((wording[at : match.start()], False))
        piece = match.group()
        single = piece in ("{{", "}}")
        found.append((piece[0], False) if single else (piece[1:-1].strip(), True))
        at = match.end()
    found.append((wording[at:], False))
    return tuple(found)
