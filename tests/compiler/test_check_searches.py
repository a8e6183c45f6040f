"""How much the texts of a bundle may be searched for."""

from __future__ import annotations

import pytest

from clausal.compiler.text.patterns import MAX_TOTAL_STEPS, PatternSet
from clausal.compiler.text.terms import TermMatcher
from tests.support.checking import codes, messages, policy, rule

SEARCHES = "clausal.compiler.checking.searches"


def lists(*terms: str) -> str:
    return "\n".join(
        rule(f"offer.title contains any [{words}]", name=f"r{number}")
        for number, words in enumerate(terms)
    )


def test_terms_are_bounded_over_all_rules_and_reported_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(f"{SEARCHES}.MAX_TERMS", 3)
    assert codes(policy(lists('"甲", "乙"', '"丙"'))) == []
    # What is searched for twice counts once.
    assert codes(policy(lists('"甲", "乙"', '"乙", "甲"', '"丙"'))) == []
    (message,) = messages(policy(lists('"甲", "乙"', '"丙", "丁"', '"戊"')))
    assert "4 terms; at most 3 are allowed" in message


def test_characters_of_terms_count_as_they_are_folded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{SEARCHES}.MAX_CHARACTERS", 18)
    assert codes(policy(lists('"\ufdfa"'))) == []
    assert codes(policy(lists('"\ufdfa"', '"甲"'))) == ["E0220"]


def test_patterns_are_bounded_over_all_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    steps = PatternSet([("甲+", True), ("乙+", True)])
    room = steps.steps(0) + steps.steps(1)
    both = rule("offer.title matches /甲+/ or offer.title matches /乙+/")
    again = rule("offer.title matches /甲+/", name="again")
    monkeypatch.setattr(f"{SEARCHES}.MAX_TOTAL_STEPS", room)
    assert codes(policy(both + again)) == []
    monkeypatch.setattr(f"{SEARCHES}.MAX_TOTAL_STEPS", room - 1)
    assert codes(policy(both + again)) == ["E0220"]


def test_a_list_that_no_rule_searches_for_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{SEARCHES}.MAX_TERMS", 1)
    assert codes(policy('terms many = ["甲", "乙"]\n' + lists('"甲"'))) == ["W0903"]


def test_a_forged_bundle_is_bounded_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    heavy = [(f"{chr(0x4E00 + i)}\\p{{Han}}{{1,100}}", True) for i in range(13)]
    assert sum(PatternSet(heavy[:6]).steps(i) for i in range(6)) * 13 / 6 > MAX_TOTAL_STEPS
    with pytest.raises(ValueError, match="100,000 steps together"):
        PatternSet(heavy)
    monkeypatch.setattr("clausal.compiler.text.terms.MAX_TERMS", 2)
    assert len(TermMatcher([["甲", "乙"], ["甲"]])) == 2
    with pytest.raises(ValueError, match="more than 2 terms"):
        TermMatcher([["甲", "乙"], ["丙"]])
    monkeypatch.setattr("clausal.compiler.text.terms.MAX_CHARACTERS", 3)
    with pytest.raises(ValueError, match="3 characters"):
        TermMatcher([["甲乙"], ["甲乙丙"]])
