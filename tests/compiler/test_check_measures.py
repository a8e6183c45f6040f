"""Measures, ladders and sanctions: defaults, safeguards, and what does not fit."""

from __future__ import annotations

import pytest

from clausal.compiler.ir import Constant, Law, MeasureDef, Param
from tests.support.checking import (
    FIELDS,
    MEASURES,
    codes,
    corpus,
    messages,
    only_rule,
    policy,
    rule,
)

HOUR = 3_600_000_000
DAY = 24 * HOUR


def measures(then: str, declared: str = "") -> list[MeasureDef]:
    """The measures of a rule."""
    return list(only_rule(corpus(policy(declared + rule("offer.first", then=then)))).measures)


def sanction(name: str) -> int:
    return [s.name for s in corpus(policy(rule("offer.first"))).sanctions].index(name)


def test_a_measure_takes_the_first_target_of_its_sanction() -> None:
    (measure,) = measures("dim 70% for 48h")
    assert measure == MeasureDef(
        sanction=sanction("dim"),
        target="offer",
        arguments=(Constant(0.7), ("home", "search")),
        duration=48 * HOUR,
    )
    (measure,) = measures("dim 70% on account for 48h")
    assert measure.target == "account"


def test_arguments_come_by_position_then_by_name_then_from_defaults() -> None:
    (measure,) = measures("dim places = search cut = 20% for 1h")
    assert measure.arguments == (Constant(0.2), ("search",))
    (measure,) = measures("hold 24h high")
    assert measure.arguments == (Constant(24 * HOUR), "high")
    (measure,) = measures('hint "prices"')
    assert measure.arguments == ("prices",)


def test_an_argument_remembers_its_param() -> None:
    (measure,) = measures("dim strength for 1h", "param strength = 40% range 10% .. 90%\n")
    assert measure.arguments[0] == Constant(0.4, Param(0))
    assert messages(policy("param strength = 40\n" + rule("offer.first", then="dim strength"))) == [
        "E0304 `strength` does not fit `cut` of `dim`"
    ]


def test_periods() -> None:
    assert [(m.duration, m.until_fixed, m.within) for m in measures("warn for 30d")] == [
        (30 * DAY, False, None)
    ]
    assert [(m.duration, m.until_fixed, m.within) for m in measures("warn until fixed")] == [
        (None, True, None)
    ]
    (measure,) = measures("dim 1% until fixed within 72h interim")
    assert (measure.within, measure.interim) == (72 * HOUR, True)


WRONG = [
    ("wran for 1d", "E0212"),
    ("warn", "E0411"),
    ("warn for 0h", "E0412"),
    ("warn for 300000d", "E0318"),
    ("warn until fixed within 0h", "E0412"),
    ("hint for 1d", "E0412"),
    ("expel for 1d after review by two", "E0412"),
    ("expel", "E0413"),
    ("expel after review", "E0413"),
    ("mute for 1d", "E0413"),
    ("dim 10% interim", "E0414"),
    ("dim 10% until fixed interim", "E0414"),
    ("hint interim", "E0414"),
    ("expel interim after review by two", "E0414"),
    ("dim for 1d", "E0408"),
    ("dim 10% [home] 5 for 1d", "E0409"),
    ("dim cut = 10% cut = 20%", "E0409"),
    ("dim 10% cut = 20%", "E0409"),
    ("dim kut = 10%", "E0409"),
    ("warn 5 for 1d", "E0409"),
    ("dim 10", "E0304"),
    ("dim 10h", "E0303"),
    ('dim "10%"', "E0407"),
    ("dim 10% [shop]", "E0205"),
    ('dim 10% ["home"]', "E0407"),
    ("dim 10% []", "E0306"),
    ("dim 10% [home, home]", "W0904"),
    ("hold 5", "E0303"),
    ("hold 5h 5", "E0407"),
    ("hint 5", "E0407"),
    ("dim 10% on seller", "E0211"),
    ("warn on offer for 1d", "E0410"),
    ("ladder nothing", "E0213"),
]


@pytest.mark.parametrize(("then", "code"), WRONG)
def test_a_measure_that_does_not_fit_is_one_complaint(then: str, code: str) -> None:
    assert codes(policy(rule("offer.first", then=then))) == [code]


# ── Bundles ──────────────────────────────────────────────────────────────────────────────────────


def test_a_bundle_is_its_measures() -> None:
    found = measures("quiet", "bundle quiet = warn for 2d, dim 10% on account\n")
    assert [(m.target, m.duration) for m in found] == [("account", 2 * DAY), ("account", None)]


def test_what_is_said_at_the_use_fills_in_what_a_bundle_leaves_open() -> None:
    bundle = "bundle quiet = warn, mute for 1d, hint, dim 10%\n"
    found = measures("quiet on account for 3d after review", bundle)
    assert [(m.duration, m.review, m.target) for m in found] == [
        (3 * DAY, 1, "account"),
        (DAY, 1, "account"),
        (None, 1, "account"),
        (3 * DAY, 1, "account"),
    ]


@pytest.mark.parametrize(
    ("bundle", "then", "code"),
    [
        ("warn", "quiet", "E0411"),
        ("mute for 1d", "quiet", "E0413"),
        ("dim 10%", "quiet interim", "E0414"),
        ("warn for 1d", "quiet on offer", "E0410"),
        ("warn for 1d", "quiet 5", "E0409"),
        ("warn for 1d, dim 10h", "quiet", "E0303"),
        ("wran for 1d", "quiet", "E0212"),
    ],
)
def test_what_a_bundle_lacks_is_said_once(bundle: str, then: str, code: str) -> None:
    body = f"bundle quiet = {bundle}\n" + rule("offer.first", then=then)
    assert codes(policy(body)) == [code]


def test_a_bundle_holds_no_bundle() -> None:
    body = "bundle a = warn for 1d\nbundle b = a\n"
    assert codes(policy(body + rule("offer.first", then="b"))) == ["E0415"]


def test_a_library_may_declare_a_bundle() -> None:
    library = MEASURES + "\nparam strength = 30%\nbundle usual = dim strength, warn\n"
    found = corpus(policy(rule("offer.first", then="usual for 1d")), libraries=(FIELDS, library))
    assert [m.duration for m in only_rule(found).measures] == [DAY, DAY]
    assert [param.name for param in found.params] == ["shop.measures.strength"]


# ── Ladders ──────────────────────────────────────────────────────────────────────────────────────

LADDER = """
ladder prices by account within 90d zh "价格" en "Prices" {
  1  => warn for 1d
  2+ => dim 50% for 2d, mute for 3d after review
}
"""


def test_a_step_prefers_the_target_of_its_ladder() -> None:
    found = corpus(policy(LADDER + rule("offer.first", then="ladder prices")))
    (ladder,) = found.ladders
    assert (ladder.name, ladder.target, ladder.within) == ("shop.rules.prices", "account", 90 * DAY)
    assert [[m.target for m in step.measures] for step in ladder.steps] == [
        ["account"],
        ["account", "account"],
    ]
    assert [(step.number, step.and_above) for step in ladder.steps] == [(1, False), (2, True)]
    slot = found.slots[ladder.slot]
    assert (slot.source, slot.path) == ("strikes", ("shop.rules.prices",))
    assert only_rule(found).ladders == (0,)


def test_the_order_of_steps_does_not_matter() -> None:
    ladder = "ladder l by account within 9d {\n 2+ => warn for 2d\n 1 => warn for 1d\n}\n"
    (found,) = corpus(policy(ladder + rule("offer.first", then="ladder l"))).ladders
    assert [step.number for step in found.steps] == [1, 2]


@pytest.mark.parametrize(
    ("steps", "code"),
    [
        ("", "E0416"),
        ("1 => warn for 1d", "E0416"),
        ("2+ => warn for 1d", "E0416"),
        ("0 => warn for 1d\n1+ => warn for 1d", "E0416"),
        ("1 => warn for 1d\n1 => warn for 1d\n2+ => warn for 1d", "E0416"),
        ("1+ => warn for 1d\n2+ => warn for 1d", "E0416"),
        ("1+ => ladder l", "E0415"),
        ("1+ => dim 1% for 1d interim", "E0415"),
        ("1+ => dim 1% until fixed", "E0415"),
        ("1+ => mute for 1d", "E0413"),
    ],
)
def test_steps_that_do_not_fit_are_one_complaint(steps: str, code: str) -> None:
    body = f"ladder l by account within 9d {{\n{steps}\n}}\n"
    assert codes(policy(body + rule("offer.first", then="ladder l"))) == [code]


def test_an_interim_measure_carries_no_strike() -> None:
    then = "dim 10% for 1d interim, ladder prices"
    assert codes(policy(LADDER + rule("offer.first", then=then))) == ["E0418"]


def test_ladders_that_count_alike_share_their_strikes() -> None:
    body = LADDER + rule("strikes of prices > 1", then="ladder prices")
    first = policy(body, force="2024-01-01 .. 2024-02-01")
    alike = policy(body, version="1.1.0", force="2024-02-01 ..")
    other = policy(body.replace("90d", "30d"), version="1.1.0", force="2024-02-01 ..")
    strikes = [s.path for s in corpus(first, alike).slots if s.source == "strikes"]
    assert strikes == [("shop.rules.prices",)]
    strikes = [s.path for s in corpus(first, other).slots if s.source == "strikes"]
    assert strikes == [("shop.rules.prices@1.0.0",), ("shop.rules.prices@1.1.0",)]


# ── Sanctions ────────────────────────────────────────────────────────────────────────────────────


def test_sanctions_as_declared() -> None:
    found = {s.name: s for s in corpus(policy(rule("offer.first"))).sanctions}
    assert list(found) == ["dim", "expel", "hint", "hold", "mute", "warn"]
    assert found["dim"].law == Law("strictest", 0)
    assert found["hold"].law == Law("strictest", 0, lowest=True)
    assert found["warn"].law == Law("latest")
    assert found["expel"].implies == (0, 4)
    assert (found["expel"].permanent, found["expel"].review) == (True, 2)
    assert (found["hint"].once, found["mute"].needs_duration) == (True, True)
    assert found["dim"].library == "shop.measures"


SANCTION = """
sanction s{parameters} {{
  title zh "一" en "One"
  {entries}
}}
"""


@pytest.mark.parametrize(
    ("parameters", "entries", "wanted"),
    [
        ("", "grade 1", ["E0112"]),
        ("", "on account", ["E0112"]),
        ("", "on account grade 10", ["E0405"]),
        ("", "on account grade 1 on offer", ["E0111"]),
        ("", "on account grade 1 needs review needs review by two", ["E0111"]),
        ("", "on account, account grade 1", ["W0904"]),
        ("", "on nobody grade 1", ["E0211"]),
        ("", "on account grade 1 permanent needs duration", ["E0405", "E0405"]),
        ("", "on account grade 1 once needs duration", ["E0405"]),
        ("", "on account grade 1 joins union", ["E0404"]),
        ("", "on account grade 1 joins strictest at each instant", ["E0404"]),
        ("(a share, b share)", "on account grade 1 joins strictest at each instant", ["E0404"]),
        ("(a string)", "on account grade 1 joins highest a at each instant", ["E0404"]),
        ("(a share)", "on account grade 1 joins highest b at each instant", ["E0404"]),
        ("(a share, a share)", "on account grade 1", ["E0202"]),
        ("(a text)", "on account grade 1", ["E0316"]),
        ("(a share = 5)", "on account grade 1", ["E0304"]),
        ("(a enum [x, x])", "on account grade 1", ["E0202"]),
        ("", "on account grade 1 implies s", ["E0406"]),
        ("", "on account grade 1 implies warn", []),
        ("", "on account grade 1 implies expel", ["E0406"]),
        ("", "on account grade 3 implies hold", ["E0406"]),
        ("(a share)", 'on account grade 1 wording zh "{a}至{until}" en "{a}, {until}"', []),
        ("(a share)", 'on account grade 1 wording zh "{b}" en "{offer.id}"', ["E0203", "E0203"]),
        ("", 'on account grade 1 wording zh "{" en "x"', ["E0110"]),
    ],
)
def test_a_sanction_is_checked(parameters: str, entries: str, wanted: list[str]) -> None:
    library = MEASURES + SANCTION.format(parameters=parameters, entries=entries)
    assert codes(policy(rule("offer.first")), libraries=(FIELDS, library)) == wanted
