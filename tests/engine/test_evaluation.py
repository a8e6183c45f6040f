"""What each condition means: the reference and the compiled core against truths written by hand."""

from __future__ import annotations

import math
from itertools import product

import pytest

from clausal.compiler import ir
from clausal.compiler.ir import (
    ALWAYS,
    NEVER,
    Absent,
    All,
    Arithmetic,
    Comparison,
    Condition,
    Constant,
    Count,
    Flag,
    Member,
    Mentions,
    Negation,
    Overlap,
    Pattern,
    Quantity,
    Reading,
    Same,
    Slot,
    WallClock,
)
from clausal.compiler.types import Enum, EnumValue, Scalar, SetOf
from clausal.engine.reference import Reference
from tests.support.tables import core_of, corpus_of

WIDE = Enum(tuple(EnumValue(f"v{number}") for number in range(130)))
KIND = Enum((EnumValue("person"), EnumValue("newsroom")))
SLOTS = [
    Slot(("a",), Scalar("bool")),
    Slot(("b",), Scalar("bool")),
    Slot(("x",), Scalar("number")),
    Slot(("y",), Scalar("number")),
    Slot(("wide",), WIDE),
    Slot(("wides",), SetOf(WIDE)),
    Slot(("kind",), KIND),
    Slot(("other",), KIND),
    Slot(("name",), Scalar("string")),
    Slot(("alias",), Scalar("string")),
    Slot(("tags",), SetOf(Scalar("string"))),
    Slot(("text",), Scalar("text")),
]
TIME, A, B, X, Y, WIDE_SLOT, WIDES, KIND_SLOT, OTHER, NAME, ALIAS, TAGS, TEXT = range(13)
TERMS = [("刚刚", "ad"), ("突发", "ＶＸ")]
FAILED = {"$failed": "timeout"}
NOW = 1_714_536_000_000_000


def verdict(condition: Condition, *, blind: bool = False, **event: object) -> bool | None:
    """What both say about a condition, and about its negation."""
    corpus = corpus_of(SLOTS, condition, Negation(condition), terms=TERMS)
    plain = Reference(corpus).run(event, None, NOW, blind=blind)
    core = core_of(corpus)
    values = core.read(event)
    fired, undetermined = core.run(values, NOW, blind=blind)
    assert (tuple(fired), undetermined) == (plain.fired, list(plain.undetermined))
    for rule in undetermined:
        assert core.lacking(values, rule, blind=blind) == sorted(plain.undetermined[rule])
    if undetermined:
        assert undetermined == [0, 1]
        return None
    assert len(fired) == 1
    return fired == [0]


def lacking(condition: Condition, *, blind: bool = False, **event: object) -> list[int]:
    """The slots that both say a condition lacks."""
    corpus = corpus_of(SLOTS, condition, terms=TERMS)
    core = core_of(corpus)
    values = core.read(event)
    found = core.lacking(values, 0, blind=blind)
    plain = Reference(corpus).run(event, None, NOW, blind=blind).undetermined
    assert frozenset(found) == plain.get(0, frozenset())
    return found


@pytest.mark.parametrize(("a", "b"), list(product([True, False, None], repeat=2)))
def test_kleene(a: bool | None, b: bool | None) -> None:
    both, either = (
        verdict(All((Flag(A), Flag(B))), a=a, b=b),
        verdict(ir.Any((Flag(A), Flag(B))), a=a, b=b),
    )
    assert both is (False if False in (a, b) else None if None in (a, b) else True)
    assert either is (True if True in (a, b) else None if None in (a, b) else False)
    assert verdict(Flag(A), a=a) is a


def test_joins_of_one_and_of_constants() -> None:
    assert verdict(All((Flag(A),)), a=True) is True
    assert verdict(All((Flag(A), NEVER))) is False
    assert verdict(ir.Any((Flag(A), ALWAYS))) is True
    assert verdict(All((Flag(A), ALWAYS))) is None


def test_absent_is_not_failed() -> None:
    assert verdict(Absent(A)) is True
    assert verdict(Absent(A), a=None) is True
    assert verdict(Absent(A), a=False) is False
    assert verdict(Absent(A), a=FAILED) is None
    assert verdict(Flag(A), a=FAILED) is None


def test_blind_takes_nothing_for_missing() -> None:
    assert verdict(Absent(A), blind=True) is None
    assert verdict(Absent(A), blind=True, a=True) is False
    assert lacking(Absent(A), blind=True) == [A]
    assert lacking(Absent(A)) == []
    assert lacking(Absent(A), a=FAILED) == [A]


@pytest.mark.parametrize(
    ("operator", "below", "at", "above"),
    [
        ("<", True, False, False),
        ("<=", True, True, False),
        (">", False, False, True),
        (">=", False, True, True),
        ("==", False, True, False),
        ("!=", True, False, True),
    ],
)
def test_comparisons(operator: str, below: bool, at: bool, above: bool) -> None:
    threshold = 0.85
    near = math.nextafter(threshold, 0), threshold, math.nextafter(threshold, 1)
    forms: list[tuple[Quantity, Quantity]] = [
        (Reading(X), Constant(threshold)),
        (Reading(X), Reading(Y)),
        (Arithmetic("+", Reading(X), Constant(0.0)), Reading(Y)),
    ]
    for left, right in forms:
        condition = Comparison(operator, left, right)  # type: ignore[arg-type] # from the table
        assert [verdict(condition, x=x, y=threshold) for x in near] == [below, at, above]
        assert verdict(condition, y=threshold) is None


def test_arithmetic() -> None:
    def equals(operator: str, result: float) -> Condition:
        quantity = Arithmetic(operator, Reading(X), Reading(Y))  # type: ignore[arg-type] # as above
        return Comparison("==", quantity, Constant(result))

    assert verdict(equals("+", 0.30000000000000004), x=0.1, y=0.2) is True
    assert verdict(equals("-", 4.0), x=7, y=3) is True
    assert verdict(equals("*", 21.0), x=7, y=3) is True
    assert verdict(equals("/", 3.5), x=7, y=2) is True


@pytest.mark.parametrize(
    ("operator", "x", "y"), [("/", 1, 0), ("/", 0, 0), ("*", 1e200, 1e200), ("-", -1e308, 1e308)]
)
def test_what_is_not_finite_is_unknown_and_lacks_nothing(operator: str, x: float, y: float) -> None:
    quantity = Arithmetic(operator, Reading(X), Reading(Y))  # type: ignore[arg-type] # from the table
    condition = Comparison(">", quantity, Constant(0.0))
    assert verdict(condition, x=x, y=y) is None
    assert lacking(condition, x=x, y=y) == []
    assert lacking(condition, x=x) == [Y]
    # An infinity on the way is not made finite again by what follows.
    inner = Comparison("==", Arithmetic("/", Constant(1.0), quantity), Constant(0.0))
    assert verdict(inner, x=x, y=y) is None


@pytest.mark.parametrize("value", ["v0", "v62", "v63", "v64", "v127", "v128", "v129"])
def test_members_and_overlaps_across_words(value: str) -> None:
    some = tuple(sorted(("v0", "v63", "v128")))
    assert verdict(Member(WIDE_SLOT, some), wide=value) is (value in some)
    assert verdict(Member(WIDE_SLOT, (value,)), wide=value) is True
    assert verdict(Overlap(WIDES, some, every=False), wides=["v1", value]) is (value in some)
    assert verdict(Overlap(WIDES, some, every=True), wides=[*some, value]) is True
    assert verdict(Overlap(WIDES, (value,), every=False), wides=["v1"]) is False
    assert verdict(Overlap(WIDES, tuple(sorted({*some, value})), every=True), wides=some) is (
        value in some
    )


def test_empty_sets() -> None:
    assert verdict(Overlap(TAGS, ("a",), every=False), tags=[]) is False
    assert verdict(Overlap(TAGS, ("a",), every=True), tags=[]) is False
    assert verdict(Comparison("==", Count(TAGS), Constant(0.0)), tags=[]) is True
    assert verdict(Comparison("==", Count(TAGS), Constant(0.0))) is None


def test_elements_are_counted_once() -> None:
    count = Comparison("==", Count(TAGS), Constant(2.0))
    assert verdict(count, tags=["a", "b", "a"]) is True
    assert verdict(All((count, Overlap(TAGS, ("a",), every=False))), tags=["a", "z", "z"]) is True
    assert verdict(Comparison("==", Count(WIDES), Constant(1.0)), wides=["v9", "v9"]) is True


def test_strings_are_compared_as_they_are() -> None:
    assert verdict(Member(NAME, ("a",)), name="a") is True
    assert verdict(Member(NAME, ("a",)), name="A") is False
    assert verdict(Member(TEXT, ("a",)), text="ａ") is False
    assert verdict(Member(NAME, ("a",)), name="") is False


def test_same() -> None:
    names = Same(NAME, ALIAS)
    assert verdict(names, name="x", alias="x") is True
    assert verdict(names, name="x", alias="y") is False
    assert verdict(names, name="\ud800", alias="\ud800") is True
    assert verdict(names, name="x") is None
    assert verdict(names, alias="x") is None
    assert lacking(names, name="x", alias=FAILED) == [ALIAS]
    assert lacking(names) == [NAME, ALIAS]
    assert verdict(Same(KIND_SLOT, OTHER), kind="person", other="person") is True
    assert verdict(Same(KIND_SLOT, OTHER), kind="person", other="newsroom") is False
    both = All((names, Member(NAME, ("x",)), Negation(Member(ALIAS, ("y",)))))
    assert verdict(both, name="x", alias="x") is True


@pytest.mark.parametrize(
    ("time", "start", "end", "holds"),
    [
        ("2024-05-01T22:00:00+08:00", 1320, 360, True),
        ("2024-05-01T21:59:59.999999+08:00", 1320, 360, False),
        ("2024-05-01T05:59:59.999999+08:00", 1320, 360, True),
        ("2024-05-01T06:00:00+08:00", 1320, 360, False),
        ("2024-05-01T12:00:00Z", 1200, 1260, True),
        ("2024-05-01T12:00:00Z", 720, 721, False),
        ("2024-05-01T12:00:00+08:00", 660, 720, False),
        ("2024-05-01T11:59:59.999999+08:00", 660, 720, True),
        ("2024-05-01T00:00:00+08:00", 0, 1440, True),
        ("2024-05-01T23:59:59+08:00", 0, 1440, True),
        ("2024-05-01T12:00:00+08:00", 720, 720, True),
        ("2024-05-01T00:00:00+08:00", 1440, 1, True),
        ("2024-05-01T00:01:00+08:00", 1440, 1, False),
        # Before 1901 Shanghai was 8:05:43 ahead of Greenwich.
        ("1890-01-01T00:00:00Z", 485, 486, True),
        # In 1986 China had summer time.
        ("1986-07-01T00:00:00Z", 540, 541, True),
        ("1700-01-01T00:00:00Z", 485, 486, True),
        ("2254-12-31T00:00:00Z", 480, 481, True),
    ],
)
def test_the_clock_on_the_wall(time: str, start: int, end: int, holds: bool) -> None:
    assert verdict(WallClock(TIME, "Asia/Shanghai", start, end), time=time) is holds


def test_clocks_of_several_zones() -> None:
    at_noon = [
        WallClock(TIME, zone, 720, 721) for zone in ("UTC", "Asia/Shanghai", "America/New_York")
    ]
    assert [verdict(clock, time="2024-07-01T12:00:00Z") for clock in at_noon] == [
        True,
        False,
        False,
    ]
    assert verdict(ir.Any(tuple(at_noon)), time="2024-07-01T16:00:00Z") is True
    assert verdict(ir.Any(tuple(at_noon))) is None


def test_terms_are_found_in_the_folded_text() -> None:
    first, second = Mentions(TEXT, 0), Mentions(TEXT, 1)
    assert verdict(first, text="刚\u200b刚发生") is True
    assert verdict(first, text="an ＡＤ here") is True
    assert verdict(first, text="made") is False
    assert verdict(second, text="加vx") is True
    assert verdict(second, text="") is False
    assert verdict(first) is None
    assert verdict(All((first, Negation(second))), text="刚刚") is True
    assert verdict(ir.Any((first, second)), text="网传突发") is True
    assert lacking(All((first, second))) == [TEXT]


def test_patterns_are_matched_in_the_folded_text_and_in_the_plain_string() -> None:
    assert verdict(Pattern(TEXT, r"v\s*x\d+"), text="加Ｖ Ｘ１２３") is True
    assert verdict(Pattern(TEXT, "^ＡＢＣ$"), text="abc") is True
    assert verdict(Pattern(NAME, "^abc$"), name="ABC") is False
    assert verdict(Pattern(NAME, "^abc$"), name="abc") is True
    assert verdict(Pattern(NAME, "b"), name="\ud800b") is True
    assert verdict(Pattern(NAME, "b")) is None


def test_only_unknown_operands_are_lacking() -> None:
    condition = All((ir.Any((Flag(A), Flag(B))), Comparison(">", Reading(X), Reading(Y)), Flag(B)))
    assert lacking(condition) == [A, B, X, Y]
    assert lacking(condition, a=True) == [B, X, Y]
    assert lacking(condition, b=True) == [X, Y]
    assert lacking(condition, b=True, x=1) == [Y]
    assert lacking(condition, b=False) == []
    assert lacking(Negation(condition), a=False, x=1, y=0) == [B]
