"""Between which outcomes the missing values leave a decision."""

from __future__ import annotations

from collections.abc import Iterable

from clausal.compiler.ir import Corpus, RuleDef
from clausal.engine.decision import Decision, Measure
from clausal.engine.event import History
from tests.support.corpora import (
    ACT,
    MUTE,
    TWO_VERSIONS,
    always,
    corpus,
    decide,
    event,
    labelled,
    limit,
    measure,
    no_topic,
    not_labelled,
    rule,
    staged,
    viral,
)

NEXT = "2024-05-10T12:00:00+08:00"
"""An instant when the second version is in force."""

STRIKING = corpus(rule("a", always, ladder=True), rule("b", always, ladder=True))


def named(measures: Iterable[Measure]) -> list[str]:
    return [one.sanction for one in measures]


def versions(*rules: RuleDef) -> Corpus:
    return corpus(*rules, versions=TWO_VERSIONS)


def of_version(decision: Decision) -> list[str]:
    return [finding.version for finding in decision.findings]


def bounds_of(
    some: Corpus, given: dict[str, object], history: History | None = None, decided: str = ACT
) -> tuple[list[str], list[str], str | None]:
    bounds = decide(some, given, history, decided=decided, bounds=True).bounds
    assert bounds is not None
    assert all(m.mode == "enforced" for m in (*bounds.lightest, *bounds.heaviest))
    return named(bounds.lightest), named(bounds.heaviest), bounds.fetch_next


def test_bounds_are_given_on_request_only() -> None:
    assert decide(corpus(rule("a", always)), event()).bounds is None


def test_with_nothing_missing_both_bounds_are_the_outcome() -> None:
    some = corpus(rule("a", not_labelled, limit(0.5, 1)), rule("b", labelled, measure(MUTE)))
    assert bounds_of(some, event()) == (["limit_reach"], ["limit_reach"], None)


def test_undetermined_rules_make_the_heaviest_outcome() -> None:
    some = corpus(rule("a", not_labelled, limit(0.5, 1)), rule("b", viral(1), measure(MUTE)))
    assert bounds_of(some, event(traffic__views=None)) == (
        ["limit_reach"],
        ["mute", "limit_reach"],
        "traffic.views",
    )


def test_a_rule_that_fires_because_a_field_is_missing_is_not_certain() -> None:
    some = corpus(rule("a", no_topic, limit(0.5, 1)))
    given = event(content__topic=None)
    assert [one.rule for one in decide(some, given).findings] == ["a"]
    assert bounds_of(some, given) == ([], ["limit_reach"], "content.topic")


def test_a_ladder_without_history_could_lead_to_any_step() -> None:
    light, heavy, fetch = bounds_of(STRIKING, event())
    assert light == []
    assert heavy == ["close_account", "demonetise", "limit_reach", "mute", "warn"]
    assert fetch == "p.fabrication"


def test_a_rollout_without_its_key_is_open() -> None:
    some = corpus(rule("a", always, limit(0.5, 1), rollout=0.5))
    assert bounds_of(some, event(account__id=None)) == ([], ["limit_reach"], "account.id")


def test_the_gravest_rule_is_settled_first_then_the_most_rules() -> None:
    grave = corpus(
        rule("a", labelled, severity="low"),
        rule("b", labelled, severity="low"),
        rule("c", viral(1), severity="high"),
        rule("d", staged(0.5), severity="critical", shadow=True),
    )
    empty = event(content__labelled=None, traffic__views=None, content__score=None)
    assert bounds_of(grave, empty)[2] == "traffic.views"
    many = corpus(rule("a", labelled), rule("b", labelled), rule("c", viral(1)))
    assert bounds_of(many, empty)[2] == "content.labelled"
    alike = corpus(rule("a", labelled), rule("c", viral(1)))
    assert bounds_of(alike, empty)[2] == "content.labelled"


def test_bounds_with_a_later_version_reach_from_the_mildest_of_both_to_the_act() -> None:
    some = versions(
        rule("a", always, limit(0.9, 9)),
        rule("a", viral(1), limit(0.3, 1), version=1),
    )
    given = event(traffic__views=None)
    bounds = decide(some, given, decided=NEXT, bounds=True).bounds
    assert bounds is not None
    assert bounds.lightest == ()
    assert [m.arguments["cut"] for m in bounds.heaviest] == [0.9]
    assert bounds.fetch_next == "traffic.views"


def test_what_versions_that_cannot_be_compared_have_in_common_is_the_lightest() -> None:
    """With views it is the act's version; without, the later one is milder as well."""
    some = versions(
        rule("a", always, limit(0.9, 1)),
        rule("b", always, measure(MUTE, days=1)),
        rule("c", viral(1), limit(0.3, 9)),
        rule("a", always, limit(0.3, 9), version=1),
        rule("b", always, measure(MUTE, days=1), version=1),
    )
    bounds = decide(some, event(traffic__views=None), decided=NEXT, bounds=True).bounds
    assert bounds is not None
    assert named(bounds.lightest) == ["mute"]
    full = decide(some, event(traffic__views=0), decided=NEXT)
    assert of_version(full) == ["1.0.0", "1.0.0"]


def test_bounds_follow_a_milder_version_when_nothing_is_open() -> None:
    some = versions(rule("a", always, limit(0.9, 9)), rule("a", always, limit(0.3, 1), version=1))
    bounds = decide(some, event(), decided=NEXT, bounds=True).bounds
    assert bounds is not None
    assert [m.arguments["cut"] for m in bounds.lightest] == [0.3]
    assert bounds.lightest == bounds.heaviest
