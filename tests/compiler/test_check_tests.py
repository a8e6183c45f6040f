"""``test`` blocks: the event and history that they give, and what they expect."""

from __future__ import annotations

import json

import pytest

from clausal.compiler import ir
from clausal.compiler.ir import (
    Constant,
    ExpectedMeasure,
    ExpectedOnly,
    ExpectedRule,
    ExpectedStep,
)
from tests.support.checking import codes, corpus, policy, rule

DECLARED = (
    """
ladder prices by account within 90d {
  1  => warn for 1d
  2+ => dim 50% for 2d
}
tally posts = count by seller.id over 10m where offer.first
samples known = ["最低价"] on offer.title
"""
    + rule(
        "strikes of prices > 1 or posts > 5 or similarity(offer.title, known) > 0.9",
        then="ladder prices",
    )
    + rule("offer.first", name="first", then="dim 10%, warn for 1d")
)


def block(given: str = "offer.first = true", expect: str = "r", extra: str = "") -> str:
    return f"""
test "t" {{
  at 2024-05-01T12:00
  {extra}
  given {given}
  expect {expect}
}}
"""


def made(given: str = "offer.first = true", expect: str = "r", extra: str = "") -> ir.TestDef:
    (found,) = corpus(policy(DECLARED + block(given, expect, extra))).tests
    return found


@pytest.mark.parametrize(
    ("given", "event"),
    [
        ("offer.kind = sale", {"offer": {"kind": "sale"}}),
        ("offer.tags = [new, rare]", {"offer": {"tags": ["new", "rare"]}}),
        ("offer.tags = []", {"offer": {"tags": []}}),
        ('offer.words = ["b", "a"]', {"offer": {"words": ["a", "b"]}}),
        ("offer.labelled = false", {"offer": {"labelled": False}}),
        ('offer.title = "x"', {"offer": {"title": "x"}}),
        ("offer.price = 1.5k", {"offer": {"price": 1500}}),
        ("offer.price = -0.5", {"offer": {"price": -0.5}}),
        ("offer.copies = 12万", {"offer": {"copies": 120_000}}),
        ("offer.doubt = 85%", {"offer": {"doubt": 0.85}}),
        ("offer.doubt = 1", {"offer": {"doubt": 1}}),
        ("offer.score.fake = 0.5", {"offer": {"score": {"fake": 0.5}}}),
        ('offer.score["a-b"] = 0.5', {"offer": {"score": {"a-b": 0.5}}}),
        ("offer.waits = 90m", {"offer": {"waits": 5400}}),
        ("offer.waits = 0.5s", {"offer": {"waits": 0.5}}),
        ("offer.day = 2024-02-29", {"offer": {"day": "2024-02-29"}}),
        ("offer.posted = 2024-02-29", {"offer": {"posted": "2024-02-28T16:00:00+00:00"}}),
        ("offer.posted = 2024-02-29T01:00Z", {"offer": {"posted": "2024-02-29T01:00:00+00:00"}}),
        ("offer.title = missing, offer.kind = sale", {"offer": {"kind": "sale"}}),
        ("offer.title = failed", {"offer": {"title": {"$failed": "test"}}}),
        ("offer.score = failed", {"offer": {"score": {"$failed": "test"}}}),
        ("offer.review = failed", {"offer": {"review": {"$failed": "test"}}}),
        ("seller = missing", {"offer": {}}),
    ],
)
def test_a_field_is_given_as_a_platform_would_send_it(given: str, event: object) -> None:
    found = json.loads(made(given).event)
    # The time of the act is filled in.
    assert found["offer"].pop("time") == "2024-05-01T04:00:00+00:00"
    assert found == event


def test_the_time_of_the_act_may_be_given_or_taken_away() -> None:
    given = made("offer.time = 2024-01-01T00:00Z")
    assert json.loads(given.event) == {"offer": {"time": "2024-01-01T00:00:00+00:00"}}
    assert given.acted_at == given.decided_at == 1_714_536_000_000_000
    assert json.loads(made("offer.time = missing").event) == {"offer": {}}
    assert json.loads(made("offer = missing").event) == {}
    later = made(extra="decided 2024-05-02")
    assert later.decided_at - later.acted_at == 12 * 3_600_000_000


@pytest.mark.parametrize(
    ("given", "history"),
    [
        ("prices = 2", {"strikes": {"shop.rules.prices": 2}}),
        (
            "prices = [2024-04-01T00:00Z, 2024-03-01]",
            {
                "strikes": {
                    "shop.rules.prices": ["2024-02-29T16:00:00+00:00", "2024-04-01T00:00:00+00:00"]
                }
            },
        ),
        ("prices = []", {"strikes": {"shop.rules.prices": []}}),
        ("posts = 2.5", {"tallies": {"shop.rules.posts": 2.5}}),
        ("known = 90%", {"similarity": {"shop.rules.known": 0.9}}),
        ("posts = missing", {}),
        ("offer.first = true", {}),
    ],
)
def test_history_is_given_under_its_qualified_name(given: str, history: object) -> None:
    assert json.loads(made(given).history) == history


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ("offer.kind = sail", "E0205"),
        ('offer.kind = "sale"', "E0603"),
        ("offer.tags = new", "E0603"),
        ("offer.tags = [old]", "E0205"),
        ('offer.tags = ["new"]', "E0603"),
        ("offer.labelled = 1", "E0603"),
        ("offer.title = 5", "E0603"),
        ("offer.title = abc", "E0603"),
        ("offer.copies = 1.5", "E0603"),
        ("offer.copies = 1e16", "E0603"),
        ("offer.copies = 5%", "E0603"),
        ("offer.doubt = 5", "E0304"),
        ("offer.doubt = -5%", "E0304"),
        ("offer.price = 1h", "E0603"),
        ("offer.waits = 5", "E0603"),
        ("offer.day = 2024-01-01T00:00", "E0603"),
        ("offer.posted = 5", "E0603"),
        ("offer.posted = 1500-01-01", "E0318"),
        ("offer.nothing = 5", "E0204"),
        ("offer.nothing = missing", "E0204"),
        ("offer = 5", "E0603"),
        ("offer.score = 5", "E0310"),
        ("offer.review = none", "E0310"),
        ("prices = -1", "E0603"),
        ("prices = 1.5", "E0603"),
        ("prices = [1]", "E0603"),
        ("prices = 5%", "E0603"),
        ("prices = failed", "E0603"),
        ("posts = true", "E0603"),
        ("known = 5", "E0603"),
        ("nothing = 5", "E0203"),
        ("offer.kind = sale, offer.kind = gift", "E0604"),
        ("offer.kind = sale, offer = missing", "E0604"),
        ("offer = missing, offer.kind = sale", "E0604"),
        ("posts = 5, posts = 6", "E0604"),
    ],
)
def test_what_cannot_be_given_is_one_complaint(given: str, code: str) -> None:
    wanted = "E0310" if given == "offer = 5" else code
    assert codes(policy(DECLARED + block(given))) == [wanted]


def test_expectations() -> None:
    expect = (
        "r, not first, undetermined first, only [r, first, r], nothing, ladder prices step 2, "
        "dim >= 10%, not warn, dim 10% places = home on account for 2d after review, "
        "warn until fixed interim, dim until fixed within 3h"
    )
    rules = {"first": 0, "r": 1}
    found = made(expect=expect)
    dim, warn = 0, 5
    none = (None, None)
    assert [(one, type(one)) for one in found.expected] == [
        (one, type(one))
        for one in (
            ExpectedRule(rules["r"], "fires", found.line + 4, "r"),
            ExpectedRule(rules["first"], "silent", found.line + 4, "not first"),
            ExpectedRule(rules["first"], "undetermined", found.line + 4, "undetermined first"),
            ExpectedOnly((0, 1), found.line + 4, "only [r, first, r]"),
            ExpectedOnly((), found.line + 4, "nothing"),
            ExpectedStep(0, 2, found.line + 4, "ladder prices step 2"),
            ExpectedMeasure(
                dim, bound=(">=", 0.1), arguments=none, line=found.line + 4, text="dim >= 10%"
            ),
            ExpectedMeasure(warn, negated=True, line=found.line + 4, text="not warn"),
            ExpectedMeasure(
                dim,
                arguments=(Constant(0.1), ("home",)),
                target="account",
                duration=2 * 86_400_000_000,
                review=1,
                line=found.line + 4,
                text="dim 10% places = home on account for 2d after review",
            ),
            ExpectedMeasure(
                warn,
                until_fixed=True,
                interim=True,
                line=found.line + 4,
                text="warn until fixed interim",
            ),
            ExpectedMeasure(
                dim,
                arguments=none,
                until_fixed=True,
                duration=3 * 3_600_000_000,
                line=found.line + 4,
                text="dim until fixed within 3h",
            ),
        )
    ]


@pytest.mark.parametrize(
    ("expect", "code"),
    [
        ("nobody", "E0601"),
        ("only [nobody]", "E0601"),
        ("undetermined nobody", "E0601"),
        ("undetermined warn", "E0601"),
        ("nobody for 1d", "E0601"),
        ("r for 1d", "E0607"),
        ("warn >= 5", "E0607"),
        ("dim >= 5", "E0304"),
        ("hold >= 5", "E0607"),
        ("dim 10h", "E0303"),
        ("dim on seller", "E0211"),
        ("warn on offer", "E0410"),
        ("ladder prices step 3", "E0607"),
        ("ladder prices step 0", "E0607"),
        ("ladder nothing step 1", "E0213"),
    ],
)
def test_what_cannot_be_expected_is_one_complaint(expect: str, code: str) -> None:
    assert codes(policy(DECLARED + block(expect=expect))) == [code]


def test_a_name_in_a_test_means_one_thing() -> None:
    body = rule("offer.first", name="warn")
    assert codes(policy(body + block(expect="warn"))) == ["E0602"]
    # With a period it can only be the measure.
    (found,) = corpus(policy(body + block(expect="warn for 1d"))).tests
    assert isinstance(found.expected[0], ExpectedMeasure)


def test_what_a_test_must_have() -> None:
    assert codes(policy(rule("offer.first") + 'test "t" {\n expect r\n}\n')) == ["E0112"]
    assert codes(policy(rule("offer.first") + 'test "t" {\n at 2024-05-01\n}\n')) == ["E0112"]
    twice = 'test "t" {\n at 2024-05-01\n at 2024-05-01\n expect r\n}\n'
    assert codes(policy(rule("offer.first") + twice)) == ["E0111"]
    assert codes(policy(rule("offer.first") + block() + block())) == ["E0202"]


# ── History ──────────────────────────────────────────────────────────────────────────────────────


def test_tallies_and_samples() -> None:
    found = corpus(policy(DECLARED))
    (tally,) = found.tallies
    assert (tally.name, tally.kind, tally.of, tally.by, tally.over) == (
        "shop.rules.posts",
        "count",
        None,
        ("seller", "id"),
        600_000_000,
    )
    assert tally.slot is not None
    assert (found.slots[tally.slot].source, found.slots[tally.slot].name) == (
        "tally",
        "shop.rules.posts",
    )
    (samples,) = found.samples
    assert samples.slot is not None
    assert found.slots[samples.slot].source == "similarity"


@pytest.mark.parametrize(
    ("declared", "code"),
    [
        ("count by offer.copies over 1h", "E0605"),
        ("count by offer.kind over 1h", ""),
        ("count by offer.nothing over 1h", "E0204"),
        ("count by seller.id over 0h", "E0605"),
        ("sum offer.price by seller.id over 1h", ""),
        ("sum offer.doubt by seller.id over 1h", "E0605"),
        ("distinct offer.id by seller.id over 1h", ""),
        ("distinct offer.title by seller.id over 1h", "E0605"),
        ("rate by seller.id over 1h", ""),
        ("count by seller.id over 1h where offer.copies", "E0307"),
        ("count by seller.id over 1h where t > 1", "E0605"),
    ],
)
def test_a_tally_is_checked(declared: str, code: str) -> None:
    found = codes(policy(f"tally t = {declared}\n" + rule("t > 5 or t is missing")))
    assert found == ([code] if code else [])


@pytest.mark.parametrize(
    ("declared", "condition", "code"),
    [
        ('["a"] on offer.id', "similarity(offer.title, s) > 0.9", "E0606"),
        ('["a"] on offer.title', "similarity(offer.id, s) > 0.9", "E0606"),
        ('["a"] on offer.title', "similarity(offer.title, s) > 9", "E0304"),
        ("[] on offer.title", "similarity(offer.title, s) > 0.9", "E0306"),
        ('["a"] on offer.title', "s", "E0203"),
    ],
)
def test_samples_are_checked(declared: str, condition: str, code: str) -> None:
    assert codes(policy(f"samples s = {declared}\n" + rule(condition))) == [code]


def test_history_of_one_name_is_declared_alike_in_all_versions() -> None:
    one = policy(DECLARED, force="2024-01-01 .. 2024-02-01")
    two = policy(DECLARED, version="2", force="2024-02-01 ..")
    assert codes(one, two) == []
    assert codes(one, two.replace("over 10m", "over 20m")) == ["E0512"]
    assert codes(one, two.replace("最低价", "最高价")) == ["E0512"]
