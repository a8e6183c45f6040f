"""What each type takes, what it becomes, and what is said of anything else.

The compiled core reads the common forms by itself: every example here is held against it too.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from itertools import product

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from clausal.compiler.ir import Slot
from clausal.compiler.types import Enum, EnumValue, MapOf, Scalar, ScalarName, SetOf, Type
from clausal.engine.event import ConversionError, EventError, EventReader, Missing, Value, convert
from clausal.engine.values import FIRST_INSTANT, LAST_INSTANT
from tests.support.tables import core_of, corpus_of, read

COLOUR = Enum((EnumValue("red"), EnumValue("green"), EnumValue("blue")))
MANY = Enum(tuple(EnumValue(f"v{number}") for number in range(100)))
BEIJING = timezone(timedelta(hours=8))


class Hue(enum.Enum):
    RED = "red"


class Shade(enum.StrEnum):
    RED = "red"


class Level(enum.IntEnum):
    TWO = 2


class Text(str):
    __slots__ = ()

    def __str__(self) -> str:
        return "something else"


class Half(float):
    __slots__ = ()


def micro(text: str) -> float:
    """Microseconds since 1970 of an ISO 8601 text, by Python's own reckoning."""
    delta = datetime.fromisoformat(text) - datetime(1970, 1, 1, tzinfo=UTC)
    return float(delta // timedelta(microseconds=1))


TAKEN: list[tuple[Type, object, Value]] = [
    (Scalar("bool"), True, True),
    (Scalar("bool"), False, False),
    (Scalar("integer"), 0, 0.0),
    (Scalar("integer"), -7, -7.0),
    (Scalar("integer"), 3.0, 3.0),
    (Scalar("integer"), 2**53, 2.0**53),
    (Scalar("integer"), -(2**53), -(2.0**53)),
    (Scalar("integer"), 2.0**53, 2.0**53),
    (Scalar("integer"), Level.TWO, 2.0),
    (Scalar("number"), 0.1, 0.1),
    (Scalar("number"), -1, -1.0),
    (Scalar("number"), 5e-324, 5e-324),
    (Scalar("number"), 1.7976931348623157e308, 1.7976931348623157e308),
    (Scalar("number"), 2**53 + 1, 2.0**53),
    (Scalar("number"), 2**53 + 3, 2.0**53 + 4),
    (Scalar("number"), 10**300, 1e300),
    (Scalar("number"), Half(0.5), 0.5),
    (Scalar("number"), Fraction(1, 4), 0.25),
    (Scalar("share"), 0, 0.0),
    (Scalar("share"), 1, 1.0),
    (Scalar("share"), 0.85, 0.85),
    (Scalar("instant"), "1970-01-01T00:00:00Z", 0.0),
    (Scalar("instant"), "2024-05-01T12:00:00+08:00", micro("2024-05-01T12:00:00+08:00")),
    (Scalar("instant"), "2024-05-01T12:00+08:00", micro("2024-05-01T12:00:00+08:00")),
    (Scalar("instant"), "2024-05-01t12:00:00.5z", micro("2024-05-01T12:00:00.500000+00:00")),
    (Scalar("instant"), "2024-05-01 12:00:00-05:30", micro("2024-05-01T12:00:00-05:30")),
    (Scalar("instant"), "2024-05-01T12:00:00-00:00", micro("2024-05-01T12:00:00+00:00")),
    (Scalar("instant"), "2024-02-29T23:59:59.999999Z", micro("2024-02-29T23:59:59.999999+00:00")),
    # What is finer than a microsecond is cut off: rounding would move it into the next day.
    (Scalar("instant"), "2024-02-29T23:59:59.9999999Z", micro("2024-02-29T23:59:59.999999+00:00")),
    (Scalar("instant"), "1969-12-31T23:59:59.9999999Z", -1.0),
    (Scalar("instant"), "1685-01-01T00:00:00Z", float(FIRST_INSTANT)),
    (Scalar("instant"), "2254-12-31T23:59:59.999999Z", float(LAST_INSTANT)),
    (Scalar("instant"), "1684-12-31T20:00:00-05:00", float(FIRST_INSTANT + 3_600_000_000)),
    (Scalar("instant"), datetime(2024, 5, 1, 12, tzinfo=BEIJING), micro("2024-05-01T12:00+08:00")),
    (Scalar("duration"), 90, 90e6),
    (Scalar("duration"), 0.1234567, 123_457.0),
    (Scalar("duration"), 0.0000005, 0.0),
    (Scalar("duration"), 0.0000015, 2.0),
    (Scalar("duration"), -5, -5e6),
    (Scalar("duration"), "48h", 172_800e6),
    (Scalar("duration"), "1.5 d", 129_600e6),
    (Scalar("duration"), "7天", 604_800e6),
    (Scalar("duration"), "30分钟", 1_800e6),
    (Scalar("duration"), "250毫秒", 250_000.0),
    (Scalar("duration"), timedelta(days=1, microseconds=1), 86_400e6 + 1),
    (Scalar("date"), "1970-01-01", 0.0),
    (Scalar("date"), "2024-02-29", 19_782.0),
    (Scalar("date"), "0001-01-01", -719_162.0),
    (Scalar("date"), "9999-12-31", 2_932_896.0),
    (Scalar("date"), date(2024, 4, 23), 19_836.0),
    (Scalar("string"), "", ""),
    (Scalar("string"), "\x00\ud800刘🙂", "\x00\ud800刘🙂"),
    (Scalar("string"), Text("a"), "a"),
    (Scalar("text"), Shade.RED, "red"),
    (Scalar("text"), Hue.RED, "red"),
    (COLOUR, "green", "green"),
    (COLOUR, Hue.RED, "red"),
    (COLOUR, Text("blue"), "blue"),
    (SetOf(COLOUR), [], frozenset()),
    (SetOf(COLOUR), ["red", "green", "red"], frozenset({"red", "green"})),
    (SetOf(COLOUR), ("red",), frozenset({"red"})),
    (SetOf(COLOUR), {"red", "blue"}, frozenset({"red", "blue"})),
    (SetOf(COLOUR), [Hue.RED], frozenset({"red"})),
    (SetOf(MANY), ["v0", "v63", "v64", "v99"], frozenset({"v0", "v63", "v64", "v99"})),
    (SetOf(Scalar("string")), ["a", "b", "a"], frozenset({"a", "b"})),
    (SetOf(Scalar("string")), [Text("a"), "a"], frozenset({"a"})),
]

A_TIME = "an instant such as `2024-05-01T12:00:00+08:00`"
A_LENGTH = "seconds, or a duration such as `48h`"
A_DAY = "a date such as `2024-04-23`"
A_COLOUR = "one of `red`, `green`, `blue`"

REFUSED: list[tuple[Type, object, str, str]] = [
    (Scalar("bool"), 1, "`true` or `false`", "`1`"),
    (Scalar("bool"), "true", "`true` or `false`", "the text `true`"),
    (Scalar("integer"), True, "a whole number", "`true`"),
    (Scalar("integer"), "1", "a whole number", "the text `1`"),
    (Scalar("integer"), 3.5, "a whole number", "`3.5`"),
    (Scalar("integer"), 2**53 + 1, "a whole number from -2**53 to 2**53", "`9007199254740993`"),
    (Scalar("integer"), -(2**63), "a whole number from -2**53 to 2**53", f"`{-(2**63)}`"),
    (Scalar("integer"), 1e16, "a whole number from -2**53 to 2**53", "`1e+16`"),
    (
        Scalar("integer"),
        10**5000,
        "a whole number from -2**53 to 2**53",
        "a whole number beyond 2**128",
    ),
    (Scalar("number"), False, "a number", "`false`"),
    (Scalar("number"), math.nan, "a number that is finite", "NaN"),
    (Scalar("number"), math.inf, "a number that is finite", "infinity"),
    (Scalar("number"), -math.inf, "a number that is finite", "minus infinity"),
    (
        Scalar("number"),
        -(10**400),
        "a number that a 64-bit float can hold",
        "a whole number beyond -2**128",
    ),
    (Scalar("number"), 1j, "a number", "a value of type `complex`"),
    (Scalar("number"), Decimal(1), "a number", "a value of type `Decimal`"),
    (Scalar("share"), 1.0000001, "a share from 0 to 1", "`1.0000001`"),
    (Scalar("share"), -5e-324, "a share from 0 to 1", "`-5e-324`"),
    (Scalar("share"), "85%", "a share from 0 to 1", "the text `85%`"),
    (Scalar("share"), math.nan, "a share from 0 to 1 that is finite", "NaN"),
    (Scalar("instant"), 1_714_500_000, A_TIME, "`1714500000`"),
    (
        Scalar("instant"),
        "2024-05-01T12:00:00",
        f"{A_TIME}, with an offset",
        "the text `2024-05-01T12:00:00`",
    ),
    (Scalar("instant"), "2024-05-01", f"{A_TIME}, with an offset", "the text `2024-05-01`"),
    (
        Scalar("instant"),
        datetime(2024, 5, 1),  # noqa: DTZ001 - it is what is refused
        f"{A_TIME}, with an offset",
        "a datetime without a time zone",
    ),
    (
        Scalar("instant"),
        "2016-12-31T23:59:60Z",
        f"{A_TIME}, seconds up to 59",
        "the text `2016-12-31T23:59:60Z`",
    ),
    (
        Scalar("instant"),
        "2024-02-30T12:00:00Z",
        f"{A_TIME}, on a day of the calendar",
        "the text `2024-02-30T12:00:00Z`",
    ),
    (
        Scalar("instant"),
        "2024-05-01T24:00:00Z",
        f"{A_TIME}, at a time of day",
        "the text `2024-05-01T24:00:00Z`",
    ),
    (
        Scalar("instant"),
        "2024-05-01T12:00:00+24:00",
        f"{A_TIME}, with an offset below 24 hours",
        "the text `2024-05-01T12:00:00+24:00`",
    ),
    (
        Scalar("instant"),
        "1684-12-31T23:59:59.999999Z",
        "an instant in the years 1685 to 2254",
        "the text `1684-12-31T23:59:59.999999Z`",
    ),
    (
        Scalar("instant"),
        "2255-01-01T00:00:00Z",
        "an instant in the years 1685 to 2254",
        "the text `2255-01-01T00:00:00Z`",
    ),
    (
        Scalar("instant"),
        datetime.min.replace(tzinfo=UTC),
        "an instant in the years 1685 to 2254",
        "`0001-01-01 00:00:00+00:00`",
    ),
    (Scalar("instant"), "２０24-05-01T12:00:00Z", A_TIME, "the text `２０24-05-01T12:00:00Z`"),
    (Scalar("instant"), "2024-05-01T12:00:00.Z", A_TIME, "the text `2024-05-01T12:00:00.Z`"),
    (
        Scalar("instant"),
        "2024-05-01T12:00:00Z\n",
        A_TIME,
        "the text `2024-05-01T12:00:00Z<U+000A>`",
    ),
    (Scalar("duration"), "1e3s", A_LENGTH, "the text `1e3s`"),
    (Scalar("duration"), "-48h", A_LENGTH, "the text `-48h`"),
    (Scalar("duration"), "48H", A_LENGTH, "the text `48H`"),
    (Scalar("duration"), "9" * 400 + "s", A_LENGTH, f"the text `{'9' * 40}…`"),
    (Scalar("duration"), math.nan, f"{A_LENGTH} that is finite", "NaN"),
    (Scalar("duration"), 1e300, "a duration of at most 285 years", "`1e+300`"),
    (
        Scalar("duration"),
        timedelta.max,
        "a duration of at most 285 years",
        "`999999999 days, 23:59:59.999999`",
    ),
    (Scalar("date"), "2023-02-29", f"{A_DAY}, on a day of the calendar", "the text `2023-02-29`"),
    (Scalar("date"), "2024-4-23", A_DAY, "the text `2024-4-23`"),
    (Scalar("date"), 20_240_423, A_DAY, "`20240423`"),
    (Scalar("date"), datetime(2024, 4, 23, tzinfo=UTC), A_DAY, "`2024-04-23 00:00:00+00:00`"),
    (Scalar("text"), 5, "text", "`5`"),
    (Scalar("text"), b"x", "text", "bytes"),
    (Scalar("text"), ["x"], "text", "a list of 1 item"),
    (Scalar("string"), {"a": 1}, "text", "an object"),
    (Scalar("string"), object(), "text", "a value of type `object`"),
    (COLOUR, "gren", f"{A_COLOUR} (did you mean `green`?)", "the text `gren`"),
    (COLOUR, "RED", f"{A_COLOUR} (did you mean `red`?)", "the text `RED`"),
    (COLOUR, "\x1b[31m\u202e`", A_COLOUR, "the text `<U+001B>[31m<U+202E>'`"),
    (COLOUR, 1, A_COLOUR, "`1`"),
    (
        MANY,
        "x" * 100,
        "one of `v0`, `v1`, `v2`, `v3`, `v4`, `v5`, `v6`, `v7` and 92 more",
        f"the text `{'x' * 40}…`",
    ),
    (SetOf(COLOUR), "red", "a list of enum [red, green, blue]", "the text `red`"),
    (SetOf(COLOUR), {"red": 1}, "a list of enum [red, green, blue]", "an object"),
    (SetOf(COLOUR), {"zz", "yy", "red"}, A_COLOUR, "the text `yy`"),
    (MapOf(Scalar("share")), {}, "a field of the map", "the map"),
]


@pytest.mark.parametrize("case", TAKEN)
def test_values_that_a_type_takes(case: tuple[Type, object, Value]) -> None:
    of, given, expected = case
    converted = convert(of, given)
    assert converted == expected
    assert converted.__class__ in {bool, float, str, frozenset}
    assert converted.__class__ is expected.__class__
    core = core_of(corpus_of([Slot(("value",), of)]))
    assert read(core, {"value": given}) == expected


@pytest.mark.parametrize("case", REFUSED)
def test_values_that_a_type_refuses(case: tuple[Type, object, str, str]) -> None:
    of, given, expected, got = case
    with pytest.raises(ConversionError) as refusal:
        convert(of, given)
    assert (refusal.value.expected, refusal.value.got) == (expected, got)
    assert str(refusal.value) == f"expected {expected}, got {got}"
    if isinstance(of, MapOf):
        return
    core = core_of(corpus_of([Slot(("value",), of)]))
    with pytest.raises(EventError) as error:
        core.read({"value": given})
    assert str(error.value) == f"`value`: expected {expected}, got {got}"


@pytest.mark.parametrize("item", [COLOUR, Scalar("string")])
def test_a_wrong_item_of_a_list_is_named_by_its_place(item: Enum | Scalar) -> None:
    with pytest.raises(ConversionError) as refusal:
        convert(SetOf(item), ["red", 3, None])
    assert refusal.value.item == 1


@pytest.mark.parametrize("name", ["integer", "number", "share", "duration"])
def test_zero_has_no_sign(name: ScalarName) -> None:
    converted = convert(Scalar(name), -0.0)
    assert isinstance(converted, float)
    assert math.copysign(1, converted) == 1
    value = read(core_of(corpus_of([Slot(("value",), Scalar(name))])), {"value": -0.0})
    assert isinstance(value, float)
    assert math.copysign(1, value) == 1


# ── The core reads as `convert` does ─────────────────────────────────────────────────────────────

SCALARS: tuple[ScalarName, ...] = (
    "bool",
    "integer",
    "number",
    "share",
    "instant",
    "duration",
    "date",
    "string",
)
TABLE = corpus_of([Slot((name,), Scalar(name)) for name in SCALARS])
CORE = core_of(TABLE)
READER = EventReader(TABLE.slots, TABLE.time_slot)

pieces = st.sampled_from(
    [
        "2024-05-01",
        "2023-02-29",
        "1900-02-29",
        "2000-02-29",
        "0000-01-01",
        "1685-01-01",
        "2254-12-31",
        "T",
        "t",
        " ",
        "12:00",
        "23:59",
        "24:00",
        "12:60",
        ":00",
        ":59",
        ":60",
        ".5",
        ".1234567",
        ".",
        "Z",
        "z",
        "+08:00",
        "-23:59",
        "+24:00",
        "-00:00",
        "+0800",
        "x",
        "0",
        "48h",
        "7天",
        "1.5",
        "\x00",
        "\n",
        "１",
        "-",
        "+",
    ]
)
texts = st.lists(pieces, max_size=6).map("".join) | st.text(max_size=12)
times = st.datetimes(datetime(1600, 1, 1), datetime(2300, 1, 1)).flatmap(  # noqa: DTZ001
    lambda when: st.sampled_from(["Z", "+08:00", "-05:30", "+23:59", ""]).map(
        lambda offset: when.isoformat() + offset
    )
)
values = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-(2**54), 2**54)
    | st.floats()
    | st.floats(0, 1)
    | st.integers(-100, 100).map(lambda n: n / 2)
    | st.integers(-10, 10).map(lambda n: 2.0**53 + n)
    | texts
    | times
    | st.dates().map(str)
    | st.timedeltas()
)


def outcome(read: Callable[[object, int], Value | Missing], event: object, slot: int) -> object:
    """What reading leads to; a float with its sign, which a zero must not have."""
    try:
        value = read(event, slot)
    except EventError as error:
        return error.problems
    return value.__class__, value, math.copysign(1, value) if isinstance(value, float) else 0


@given(values)
def test_the_core_reads_scalars_as_they_are_converted(value: object) -> None:
    for slot, name in enumerate(SCALARS, 1):
        event = {name: value}
        assert outcome(by_core, event, slot) == outcome(by_reader, event, slot)


def by_core(event: object, slot: int) -> Value | Missing:
    return CORE.read(event).value(slot)


def by_reader(event: object, slot: int) -> Value | Missing:
    return READER.read(event)[slot]


@given(
    st.datetimes(datetime(1685, 1, 1), datetime(2254, 12, 31)),  # noqa: DTZ001
    st.integers(-1439, 1439),
    st.booleans(),
)
def test_instants_are_those_of_the_calendar(when: datetime, offset: int, written: bool) -> None:
    aware = when.replace(tzinfo=timezone(timedelta(minutes=offset)))
    expected = (aware - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    assume(FIRST_INSTANT <= expected <= LAST_INSTANT)
    value = aware.isoformat() if written else aware
    assert CORE.read({"instant": value}).value(SCALARS.index("instant") + 1) == expected


@pytest.mark.parametrize("year", [1900, 2000, 2023, 2024, 2100])
def test_only_days_of_the_calendar_are_read(year: int) -> None:
    for month, day in product(range(14), range(33)):
        text = f"{year:04}-{month:02}-{day:02}"
        for event in ({"date": text}, {"instant": f"{text}T00:00:00Z"}):
            try:
                date(year, month, day)
            except ValueError:
                with pytest.raises(EventError, match="on a day of the calendar"):
                    CORE.read(event)
            else:
                CORE.read(event)


@given(st.dates())
def test_dates_are_days_of_the_calendar(day: date) -> None:
    index = SCALARS.index("date") + 1
    expected = (day - date(1970, 1, 1)).days
    assert CORE.read({"date": day.isoformat()}).value(index) == expected
    assert CORE.read({"date": day}).value(index) == expected
