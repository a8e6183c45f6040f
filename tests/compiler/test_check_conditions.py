"""What each kind of condition becomes, and which conditions have no meaning."""

from __future__ import annotations

import pytest

from clausal.compiler.dump import condition_text
from clausal.compiler.emit import emit
from clausal.compiler.pipeline import optimise
from tests.support.checking import codes, corpus, only_rule, policy, rule, when

MEANINGS = [
    # Enums, strings and sets
    ("offer.kind == sale", "offer.kind == sale"),
    ("sale == offer.kind", "offer.kind == sale"),
    ("offer.kind != sale", "not (offer.kind == sale)"),
    ("offer.kind in [gift, sale]", "offer.kind in [gift, sale]"),
    ("offer.kind not in [sale]", "not (offer.kind == sale)"),
    ("offer.kind == offer.was_kind", "offer.kind == offer.was_kind"),
    ('seller.name == "x"', 'seller.name == "x"'),
    ("seller.other == seller.name", "seller.name == seller.other"),
    ("offer.tags has any [stolen, new]", "offer.tags has any [new, stolen]"),
    ("offer.tags has all [new]", "offer.tags has all [new]"),
    ('offer.words has any ["a"]', 'offer.words has any ["a"]'),
    # Conditions as values
    ("offer.labelled == true", "offer.labelled"),
    ("offer.labelled != true", "not offer.labelled"),
    ("false == offer.labelled", "not offer.labelled"),
    ("(offer.copies > 1) == true", "offer.copies > 1"),
    (
        "offer.labelled == offer.first",
        "(offer.labelled and offer.first) or (not offer.labelled and not offer.first)",
    ),
    # Texts
    ('offer.title contains any ["b", "a"]', 'offer.title contains any ["a", "b"]'),
    ("offer.title matches /a+/", 'offer.title matches "a+"'),
    ("seller.name matches /b/", 'seller.name matches "b"'),
    # Presence and time of day
    ("offer.title is missing", "offer.title is missing"),
    ("offer.title is not missing", "not (offer.title is missing)"),
    (
        "offer.posted between 22:00 and 06:00",
        'offer.posted between 22:00 and 06:00 "Asia/Shanghai"',
    ),
    (
        "offer.posted between 24:00 and 06:00",
        'offer.posted between 00:00 and 06:00 "Asia/Shanghai"',
    ),
    # Numbers and their units
    ("0.2 <= offer.doubt < 0.5", "offer.doubt >= 0.2 and offer.doubt < 0.5"),
    ("85% < offer.doubt", "offer.doubt > 0.85"),
    ("offer.score.fake > 0.5", "offer.score.fake > 0.5"),
    ('offer.score["a-b"] > 0.5', 'offer.score["a-b"] > 0.5'),
    ("offer.copies > 5万", "offer.copies > 50000"),
    ("offer.price >= 1.5k", "offer.price >= 1500"),
    ("offer.copies > 2亿", "offer.copies > 200000000"),
    ("offer.copies > 3百万", "offer.copies > 3000000"),
    ("offer.copies in [1, 2]", "offer.copies == 1 or offer.copies == 2"),
    ("count of offer.tags >= 2", "count of offer.tags >= 2"),
    ("offer.price == offer.copies", "offer.price == offer.copies"),
    # Durations, dates and instants
    ("offer.waits > 2天", "offer.waits > 2d"),
    ("offer.waits > 1.5个小时", "offer.waits > 90m"),
    ("offer.time > 2024-05-01", "offer.time > 2024-04-30T16:00:00+00:00"),
    ("offer.time > 2024-05-01T12:00", "offer.time > 2024-05-01T04:00:00+00:00"),
    ("offer.time > 2024-05-01T12:00Z", "offer.time > 2024-05-01T12:00:00+00:00"),
    ("offer.day > 2024-05-01", "offer.day > 19844"),
    # Arithmetic
    ("offer.time - offer.posted > 1h", "(offer.time - offer.posted) > 3600000000"),
    ("1d + offer.posted < offer.time", "(offer.posted + 86400000000) < offer.time"),
    ("offer.day + 7d > 2024-05-01", "((604800000000 / 86400000000) + offer.day) > 19844"),
    ("offer.day - 7d > 2024-05-01", "((604800000000 / -86400000000) + offer.day) > 19844"),
    ("1d + offer.day > 2024-05-01", "((86400000000 / 86400000000) + offer.day) > 19844"),
    ("offer.day - 2024-04-01 > 7d", "((offer.day - 19814) * 86400000000) > 604800000000"),
    ("offer.waits / 1h > 3", "(offer.waits / 3600000000) > 3"),
    ("offer.copies / offer.price > 50%", "(offer.copies / offer.price) > 0.5"),
    ("offer.copies * 50% > 3", "(offer.copies * 0.5) > 3"),
    ("-offer.price < -3", "(0 - offer.price) < -3"),
    ("offer.doubt + 10% > 0.5", "(offer.doubt + 0.1) > 0.5"),
]


@pytest.mark.parametrize(("written", "meaning"), MEANINGS)
def test_a_condition_becomes(written: str, meaning: str) -> None:
    condition, found = when(written)
    assert condition_text(condition, found) == meaning


WRONG = [
    ("offer.kind == sail", "E0205"),
    ("offer.kind == 5", "E0301"),
    ('offer.kind == "sale"', "E0301"),
    ("offer.kind < sale", "E0317"),
    ("offer.kind == true", "E0301"),
    ("offer.tags == new", "E0302"),
    ("offer.tags in [new]", "E0302"),
    ("offer.kind has any [sale]", "E0302"),
    ("offer.tags has any [old]", "E0205"),
    ('seller.name contains any ["a"]', "E0302"),
    ("offer.price matches /a/", "E0302"),
    ("offer.title matches /(a/", "E0308"),
    ("offer.day between 01:00 and 02:00", "E0302"),
    ("(offer.time + 1h) between 01:00 and 02:00", "E0302"),
    ("offer.title < offer.title", "E0317"),
    ("offer.title == offer.title", "E0302"),
    ("offer.labelled > false", "E0317"),
    ("(offer.copies > 1) == (offer.copies < 5)", "E0302"),
    ("offer.kind == offer.tags", "E0302"),
    ("seller.name == offer.kind", "E0301"),
    ("offer.copies", "E0307"),
    ("offer.copies and offer.labelled", "E0307"),
    ('"a"', "E0307"),
    ("nobody", "E0203"),
    ("not nobody", "E0203"),
    ("nobody > 5", "E0203"),
    ("offer.nothing > 5", "E0204"),
    ("offer.kind.deeper == sale", "E0204"),
    ("offer.score > 0.5", "E0310"),
    ("offer.review == none", "E0310"),
    ("offer > 5", "E0310"),
    ("offer.title == missing", "E0311"),
    ("offer.kind in []", "E0306"),
    ("offer.doubt > 1.5", "E0304"),
    ("offer.doubt in [0.5, 2]", "E0304"),
    ("offer.doubt > -1%", "E0304"),
    ("offer.copies > 50%", "E0303"),
    ("offer.copies > 2h", "E0303"),
    ("offer.doubt > offer.copies", "E0303"),
    ("offer.doubt + offer.copies > 1", "E0303"),
    ("offer.copies / 1h > 1", "E0303"),
    ("offer.waits * offer.waits > 1h", "E0303"),
    ("offer.time > 5", "E0301"),
    ("offer.time > offer.day", "E0301"),
    ("offer.time + offer.posted > offer.time", "E0303"),
    ("1d - offer.time > 1d", "E0303"),
    ("offer.time * 2 > offer.time", "E0303"),
    ("-offer.time > offer.time", "E0302"),
    ("offer.title + 1 > 2", "E0302"),
    ("offer.copies / 0 > 1", "E0309"),
    ("offer.copies / (1 - 1) > 1", "E0309"),
    ("0.5 <= offer.doubt < 0.2", "E0305"),
    ("0.5 < offer.doubt <= 0.5", "E0305"),
    ("offer.copies > 5 and offer.labelled and offer.copies < 3", "E0305"),
    ("offer.doubt > 1", "E0305"),
    ("offer.doubt < 0", "E0305"),
    ("count of offer.tags < 0", "E0305"),
    ("offer.time between 06:00 and 06:00", "E0305"),
    ("offer.time between 24:00 and 00:00", "E0305"),
    ("offer.time > 1600-01-01", "E0318"),
    ("(offer.copies > 1) is missing", "E0302"),
    ("strikes of nothing > 1", "E0213"),
    ("count of offer.kind > 1", "E0302"),
    # Warnings
    ("true", "W0907"),
    ("1 < 2 or offer.first", "W0907"),
    ("offer.copies == 0.5 or offer.first", "W0907"),
    ("offer.copies <= offer.copies", "W0907"),
    ("offer.doubt >= 0", "W0907"),
    ("offer.time is missing", "W0907"),
    ("offer.first or not offer.first", "W0907"),
    ("offer.first and not offer.first", "W0907"),
    ("offer.kind == sale and offer.kind == gift", "W0907"),
    ("offer.kind in [sale, sale]", "W0904"),
]


@pytest.mark.parametrize(("written", "code"), WRONG)
def test_a_condition_without_a_meaning_is_one_complaint(written: str, code: str) -> None:
    assert codes(policy(rule(written))) == [code]


@pytest.mark.parametrize(
    "written",
    [
        "offer.doubt >= 0.5 and offer.doubt <= 0.5",
        "0 < offer.doubt < 1",
        "offer.doubt == 1",
        "offer.copies != 0.5",
        "offer.kind in [sale, gift] and offer.kind in [gift, auction]",
        "offer.copies > 5 or offer.copies < 3",
        "offer.time between 00:00 and 24:00",
    ],
)
def test_bounds_that_leave_a_value_are_fine(written: str) -> None:
    assert codes(policy(rule(written))) == []


def test_beside_an_enum_a_bare_name_is_its_value_whatever_else_it_names() -> None:
    condition, found = when("offer.kind == sale and gift", declared="let gift = offer.copies > 1\n")
    assert condition_text(condition, found) == "offer.kind == sale and offer.copies > 1"
    condition, found = when(
        "offer.kind == gift or gift", declared="let gift = offer.kind == gift\n"
    )
    assert condition_text(condition, found) == "offer.kind == gift or offer.kind == gift"


def test_a_let_stands_for_what_it_names() -> None:
    condition, found = when(
        "cheap and ratio > 50%",
        declared="let cheap = offer.price < limit\nlet ratio = offer.copies / offer.price\n"
        "param limit = 10 range 1 .. 20\n",
    )
    assert condition_text(condition, found) == (
        "offer.price < shop.rules.limit and (offer.copies / offer.price) > 0.5"
    )


def test_an_exception_that_takes_back_the_rule_is_a_warning() -> None:
    assert codes(policy(rule("offer.first and offer.labelled", extra="unless offer.first"))) == [
        "W0907"
    ]
    assert codes(policy(rule("offer.first", extra="unless offer.labelled"))) == []


# ── Params ───────────────────────────────────────────────────────────────────────────────────────


def test_a_param_keeps_its_place_in_a_condition() -> None:
    condition, found = when(
        "offer.doubt >= cutoff", declared="param cutoff = 0.85 range 0.50 .. 0.99\n"
    )
    assert condition_text(condition, found) == "offer.doubt >= shop.rules.cutoff"
    (param,) = found.params
    assert (param.name, param.type, param.value) == ("shop.rules.cutoff", "number", 0.85)
    assert (param.low, param.high) == (0.5, 0.99)


@pytest.mark.parametrize(
    ("declared", "condition", "code"),
    [
        ("param p = 85", "offer.doubt > p", "E0304"),
        ("param p = 0.5 range 0 .. 2", "offer.doubt > p", "E0304"),
        ("param p = 50%", "offer.copies > p", "E0303"),
        ("param p = 1h", "offer.copies > p", "E0303"),
        ("param p = 0.5", "offer.doubt > p and offer.doubt < 0.4", "E0305"),
        ("param p = 0", "offer.copies / p > 1", "E0309"),
        ("param p = 2024-05-01", "offer.time > p", "E0301"),
    ],
)
def test_a_param_is_held_to_its_unit(declared: str, condition: str, code: str) -> None:
    assert codes(policy(f"{declared}\n{rule(condition)}")) == [code]


def test_a_comparison_of_params_alone_is_a_switch() -> None:
    assert codes(policy("param on = 1 range 0 .. 1\n" + rule("on == 1 and offer.first"))) == []


# ── Lets and their limits ────────────────────────────────────────────────────────────────────────


def test_a_circle_of_lets_is_one_complaint() -> None:
    body = "let a = b or offer.first\nlet b = c\nlet c = a\nlet d = a and offer.labelled\n"
    assert codes(policy(body + rule("d or b"))) == ["E0210"]


def test_a_chain_of_lets_may_be_long_but_not_deep() -> None:
    flat = "let a0 = offer.first\n" + "".join(f"let a{i} = a{i - 1}\n" for i in range(1, 60))
    assert codes(policy(flat + rule("a59"))) == []
    deep = "let a0 = offer.first\n" + "".join(f"let a{i} = not a{i - 1}\n" for i in range(1, 3000))
    assert set(codes(policy(deep + rule("a2999")))) == {"E0109"}


def test_lets_that_double_each_other_are_refused() -> None:
    body = "let a0 = offer.copies\n" + "".join(
        f"let a{i} = a{i - 1} + a{i - 1}\n" for i in range(1, 40)
    )
    assert codes(policy(body + rule("a39 > 1"))) == ["E0219"]


def test_a_let_that_is_in_error_is_not_blamed_twice() -> None:
    assert codes(policy("let a = offer.nothing > 1\n" + rule("a and not a or a == true"))) == [
        "E0204"
    ]


def test_two_rules_share_the_condition_of_a_let() -> None:
    found = corpus(
        policy("let a = offer.first and offer.copies > 1\n" + rule("a") + rule("a", name="s"))
    )
    assert found.rules[0].when == found.rules[1].when


def test_only_what_is_read_has_a_slot() -> None:
    found = corpus(policy(rule("offer.first") + "let unread = offer.labelled\n"), warnings=True)
    names = [slot.name for slot in found.slots]
    assert names == ["offer.first", "offer.id", "offer.time", "seller.id"]
    assert [slot.required for slot in found.slots] == [False, False, True, False]
    assert only_rule(found).line == 11


# ── Down to the program ──────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "inner",
    ["1", "offer.copies", "(offer.day - (offer.day - offer.waits)) / 1d", "offer.waits / 1h"],
)
@pytest.mark.parametrize("around", ["(1 - {})", "-{}", "(offer.price * {})"])
def test_what_the_parser_lets_nest_has_room_on_the_stack(around: str, inner: str) -> None:
    deepest = ""
    written = inner
    while "E0109" not in codes(policy(rule(f"offer.copies < {written}"))):
        deepest = written
        written = around.format(f"({written})")
    emit(optimise(corpus(policy(rule(f"offer.copies < {deepest}")))))
