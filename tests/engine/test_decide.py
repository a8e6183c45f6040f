"""Decisions: what follows from the rules that fired."""

from __future__ import annotations

import json
from collections.abc import Iterable

import msgspec
import pytest

from clausal.compiler.ir import (
    Bilingual,
    Corpus,
    Hole,
    MeasureDef,
    RuleDef,
)
from clausal.engine.consequences import draw
from clausal.engine.decision import Decision, Lack, Measure, Step, TargetRef
from clausal.engine.event import History
from tests.support.corpora import (
    ACT,
    CLOSE,
    FIX,
    LIMIT,
    MUTE,
    STAGED,
    TITLE,
    TOPIC,
    TWO_VERSIONS,
    VIEWS,
    always,
    corpus,
    decide,
    event,
    exclude,
    labelled,
    limit,
    measure,
    rule,
    version,
    viral,
)

NEXT = "2024-05-10T12:00:00+08:00"
"""An instant when the second version is in force."""


def named(measures: Iterable[Measure]) -> list[str]:
    return [one.sanction for one in measures]


def fired(decision: Decision) -> list[str]:
    return [finding.rule for finding in decision.findings]


# ── Findings ─────────────────────────────────────────────────────────────────────────────────────


def test_an_event_that_satisfies_no_rule() -> None:
    decision = decide(corpus(rule("a", labelled, limit(0.5, 1))), event())
    assert decision == Decision(event_id=None, acted_at=ACT, decided_at=ACT, bundle="test")


def test_findings_are_sorted_and_cite_their_clauses() -> None:
    both = (version("p", "1.0.0"), version("q", "1.0.0"))
    decision = decide(
        corpus(rule("b", always), rule("a", always), rule("0", always, version=1), versions=both),
        event(),
    )
    assert [(one.policy, one.rule) for one in decision.findings] == [
        ("p", "a"),
        ("p", "b"),
        ("q", "0"),
    ]
    assert [one.clauses[0].notice for one in decision.findings] == ["p.txt", "p.txt", "q.txt"]
    assert decision.findings[2].clauses[0].quote == "第2条"


def test_a_reason_has_the_values_of_the_event_and_no_language_is_made_up() -> None:
    reason = ("话题：", Hole(TOPIC), "，评分", Hole(STAGED), "，播放", Hole(VIEWS))
    decision = decide(corpus(rule("a", always, because=reason)), event())
    assert decision.findings[0].reason == Bilingual(zh="话题：社会，评分90%，播放12万")


def test_a_reason_says_that_a_value_is_unknown() -> None:
    decision = decide(
        corpus(rule("a", always, because=("话题：", Hole(TOPIC)))), event(content__topic=None)
    )
    assert decision.findings[0].reason.zh == "话题：未知"


def test_a_users_text_in_a_reason_neither_acts_nor_hides() -> None:
    decision = decide(
        corpus(rule("a", always, because=("《", Hole(TITLE), "》"))),
        event(content__title="a\u202eb\u200bc\x1b[31m\n{item}"),
    )
    assert decision.findings[0].reason.zh == "《abc[31m {item}》"


# ── Measures ─────────────────────────────────────────────────────────────────────────────────────


def test_measures_start_at_the_decision_and_name_their_causes() -> None:
    decision = decide(
        corpus(rule("a", always, limit(0.5, 2)), rule("b", always, limit(0.5, 2))),
        event(),
        decided=NEXT,
    )
    (only,) = decision.measures
    assert (only.start, only.end) == (NEXT, "2024-05-12T12:00:00+08:00")
    assert only.findings == (0, 1)
    assert only.target == TargetRef("content", "c1")
    assert only.arguments == {"cut": 0.5}


def test_a_short_strict_limit_and_a_long_mild_one_both_stand() -> None:
    decision = decide(
        corpus(rule("a", always, limit(0.9, 1)), rule("b", always, limit(0.3, 7))), event()
    )
    assert [(m.arguments["cut"], m.end, m.yields_to) for m in decision.measures] == [
        (0.3, "2024-04-17T12:00:00+08:00", None),
        (0.9, "2024-04-11T12:00:00+08:00", None),
    ]


def test_a_covered_measure_stays_in_the_record_and_comes_back() -> None:
    mute, close = (
        rule("mute", always, measure(MUTE, days=30, review=2)),
        rule("z", always, measure(CLOSE)),
    )
    decision = decide(corpus(mute, close), event())
    assert [(m.sanction, m.yields_to) for m in decision.measures] == [
        ("close_account", None),
        ("mute", 0),
    ]
    assert named(decision.effective) == ["close_account"]
    assert named(decide(corpus(mute), event()).effective) == ["mute"]


def test_elements_of_a_set_are_joined_one_by_one() -> None:
    decision = decide(
        corpus(
            rule("a", always, exclude("recommended", "trending", days=7)),
            rule("b", always, exclude("trending", "push", days=30)),
        ),
        event(),
    )
    assert [(m.arguments["surfaces"], m.findings, m.yields_to) for m in decision.measures] == [
        (("recommended",), (0,), None),
        (("trending",), (0,), 2),
        (("trending", "push"), (1,), None),
    ]


def test_measures_yield_only_to_measures_that_do_not() -> None:
    decision = decide(
        corpus(
            rule("a", always, limit(0.3, 1)),
            rule("b", always, limit(0.5, 2)),
            rule("c", always, limit(0.7, 3)),
        ),
        event(),
    )
    assert [m.yields_to for m in decision.measures] == [2, 2, None]


def test_until_fixed_names_all_rules_that_keep_it() -> None:
    decision = decide(
        corpus(
            rule("a", always, exclude("trending", until_fixed=True)),
            rule("b", always, exclude("trending", until_fixed=True)),
        ),
        event(),
    )
    (only,) = decision.measures
    assert only.until_fixed == ("p.a", "p.b")
    assert (only.end, only.findings) == (None, (0, 1))


def test_measures_until_fixed_that_yield_to_different_ones_stay_apart() -> None:
    def until_fixed(cut: float) -> MeasureDef:
        return measure(LIMIT, cut, target="content", until_fixed=True)

    decision = decide(
        corpus(
            rule("a", always, until_fixed(0.3), until_fixed(0.9)),
            rule("b", always, until_fixed(0.3), until_fixed(0.8)),
        ),
        event(),
    )
    assert [(m.arguments["cut"], m.until_fixed, m.yields_to) for m in decision.measures] == [
        (0.3, ("p.a",), 3),
        (0.3, ("p.b",), 2),
        (0.8, ("p.b",), None),
        (0.9, ("p.a",), None),
    ]


def test_until_fixed_within_a_time_ends_at_the_latest_then() -> None:
    fix = measure(FIX, 3600e6, target="content", until_fixed=True, within=1)
    (only,) = decide(corpus(rule("a", always, fix)), event()).measures
    assert only.end == "2024-04-11T12:00:00+08:00"
    assert only.until_fixed == ("p.a",)
    assert only.arguments == {"deadline": 3600.0}
    assert only.notice == Bilingual(zh="请在1小时内改正。")


def test_the_nearest_deadline_stands() -> None:
    decision = decide(
        corpus(
            rule("a", always, measure(FIX, 7200e6, target="content")),
            rule("b", always, measure(FIX, 3600e6, target="content")),
        ),
        event(),
    )
    assert [one.arguments["deadline"] for one in decision.effective] == [3600.0]


def test_an_interim_measure_does_not_swallow_a_final_one() -> None:
    suspicion = measure(LIMIT, 0.9, days=30, target="content", interim=True)
    decision = decide(
        corpus(rule("a", always, suspicion), rule("b", always, limit(0.5, 7))), event()
    )
    assert [(m.interim, m.yields_to) for m in decision.measures] == [(False, None), (True, None)]


def test_a_target_that_is_not_named_has_no_id() -> None:
    (only,) = decide(corpus(rule("a", always, limit(0.5, 1))), event(content__id=None)).measures
    assert only.target == TargetRef("content", None)


def test_permanent_measures_wait_for_a_person_whatever_a_bundle_says() -> None:
    careless = msgspec.structs.replace(measure(CLOSE), review=0)
    (only,) = decide(corpus(rule("a", always, careless)), event()).measures
    assert (only.permanent, only.review) == (True, 2)


def test_the_notice_fills_in_the_words_of_the_sanction() -> None:
    (only,) = decide(
        corpus(rule("a", always, exclude("push", "trending", until_fixed=True))), event()
    ).measures
    assert only.notice.zh == ("内容c1暂不在热搜榜单、弹窗推送呈现，至改正为止。依据政策p第1.1条。")
    assert only.notice.en == (
        "Item c1 is not shown on trending, pushes until it is corrected; Policy p, clause 1.1."
    )


# ── Ladders ──────────────────────────────────────────────────────────────────────────────────────

STRIKING = corpus(rule("a", always, ladder=True), rule("b", always, ladder=True))


@pytest.mark.parametrize(
    ("active", "step", "sanctions"),
    [
        (0, 1, ["warn"]),
        (1, 2, ["demonetise", "limit_reach"]),
        (2, 3, ["mute"]),
        (3, 4, ["close_account"]),
        (50, 4, ["close_account"]),
    ],
)
def test_all_rules_that_strike_a_ladder_are_one_strike(
    active: int, step: int, sanctions: list[str]
) -> None:
    decision = decide(STRIKING, event(), History(strikes={"fabrication": active}))
    (standing,) = decision.ladders
    assert (standing.active, standing.step, standing.if_clean) == (active, step, 1)
    assert standing.findings == (0, 1)
    assert standing.target == TargetRef("account", "a1")
    assert named(decision.measures) == sanctions
    for one in decision.measures:
        assert one.steps == (Step("p.fabrication", step),)
        assert one.findings == (0, 1)


def test_without_history_a_ladder_measures_nothing_and_says_so() -> None:
    decision = decide(STRIKING, event())
    (standing,) = decision.ladders
    assert (standing.active, standing.step, standing.if_clean) == (None, None, 1)
    assert decision.measures == ()


def test_strikes_are_active_for_the_window_of_the_ladder_half_open() -> None:
    day = 24 * 3600 * 1_000_000
    now = 1712721600 * 1_000_000
    issued = (now - 90 * day, now - 90 * day + 1, now, now + 1)
    decision = decide(STRIKING, event(), History(strikes={"p.fabrication": issued}))
    assert decision.ladders[0].active == 2


def test_a_shadow_strike_stands_apart() -> None:
    both = corpus(rule("a", always, ladder=True), rule("b", always, ladder=True, shadow=True))
    decision = decide(both, event(), History(strikes={"fabrication": 2}))
    assert [(s.mode, s.findings) for s in decision.ladders] == [
        ("enforced", (0,)),
        ("shadow", (1,)),
    ]
    assert [(m.sanction, m.mode, m.yields_to) for m in decision.measures] == [
        ("mute", "enforced", None),
        ("mute", "shadow", None),
    ]


def test_a_measure_of_a_rule_and_of_a_ladder_is_one() -> None:
    muting = corpus(rule("a", always, measure(MUTE, days=30)), rule("b", always, ladder=True))
    (only,) = decide(muting, event(), History(strikes={"fabrication": 2})).measures
    assert only.findings == (0, 1)
    assert only.steps == (Step("p.fabrication", 3),)


# ── Shadow and rollout ───────────────────────────────────────────────────────────────────────────


def test_shadow_measures_join_among_themselves_only() -> None:
    decision = decide(
        corpus(
            rule("a", always, limit(0.3, 1)),
            rule("b", always, limit(0.9, 9), shadow=True),
            rule("c", always, limit(0.5, 5), shadow=True),
        ),
        event(),
    )
    assert [(m.mode, m.arguments["cut"], m.yields_to) for m in decision.measures] == [
        ("enforced", 0.3, None),
        ("shadow", 0.5, 2),
        ("shadow", 0.9, None),
    ]
    assert [m.arguments["cut"] for m in decision.effective] == [0.3]
    assert [f.mode for f in decision.findings] == ["enforced", "shadow", "shadow"]


def modes_of(share: float, keys: Iterable[str]) -> list[str]:
    rolled = corpus(rule("a", always, limit(0.5, 1), rollout=share))
    return [decide(rolled, event(account__id=key)).findings[0].mode for key in keys]


def test_a_rollout_reaches_its_share_of_the_keys_and_keeps_them_when_it_grows() -> None:
    keys = [f"account-{n}" for n in range(400)]
    tenth, half, all_ = (modes_of(share, keys) for share in (0.1, 0.5, 1.0))
    assert 15 <= tenth.count("enforced") <= 70
    assert 150 <= half.count("enforced") <= 250
    assert set(all_) == {"enforced"}
    assert all(h == "enforced" for t, h in zip(tenth, half, strict=True) if t == "enforced")
    assert set(modes_of(0.0, keys)) == {"shadow"}


def test_the_draw_of_a_key_never_changes() -> None:
    """Stored: another draw would enforce a rule on other accounts than yesterday."""
    assert draw("p.a", "account-1") == 11753445533680849390
    assert draw("p.a", "账号") == 6606673820268883457


def test_without_its_key_a_rollout_does_not_reach_the_event() -> None:
    rolled = corpus(rule("a", always, limit(0.5, 1), rollout=1.0))
    assert decide(rolled, event(account__id=None)).findings[0].mode == "shadow"


# ── Undetermined rules ───────────────────────────────────────────────────────────────────────────


def test_an_undetermined_rule_says_what_it_lacked_and_why() -> None:
    decision = decide(
        corpus(rule("a", viral(10), unless=labelled, shadow=True)),
        event(content__labelled=None, traffic__views={"$failed": "timeout"}),
    )
    (only,) = decision.undetermined
    assert (only.policy, only.version, only.rule, only.mode) == ("p", "1.0.0", "a", "shadow")
    assert only.lacks == (Lack("content.labelled", "absent"), Lack("traffic.views", "failed"))
    assert not decision.findings
    assert not decision.measures


def test_equal_lacks_of_different_causes_are_told_apart() -> None:
    """What undetermined rules lacked is remembered between events."""
    one = corpus(rule("a", viral(10)))
    first = decide(one, event(traffic__views=None))
    second = decide(one, event(traffic__views={"$failed": "x"}))
    assert first.undetermined[0].lacks != second.undetermined[0].lacks


# ── Versions ─────────────────────────────────────────────────────────────────────────────────────


def versions(*rules: RuleDef) -> Corpus:
    return corpus(*rules, versions=TWO_VERSIONS)


def of_version(decision: Decision) -> list[str]:
    return [finding.version for finding in decision.findings]


def test_the_version_of_the_act_decides_when_the_later_one_is_harsher() -> None:
    decision = decide(
        versions(rule("a", always, limit(0.3, 1)), rule("a", always, limit(0.9, 9), version=1)),
        event(),
        decided=NEXT,
    )
    assert of_version(decision) == ["1.0.0"]
    assert [m.arguments["cut"] for m in decision.measures] == [0.3]
    assert (decision.acted_at, decision.decided_at) == (ACT, NEXT)
    assert decision.measures[0].start == NEXT


def test_the_later_version_applies_where_it_is_milder() -> None:
    decision = decide(
        versions(rule("a", always, limit(0.9, 9)), rule("b", always, limit(0.3, 1), version=1)),
        event(),
        decided=NEXT,
    )
    assert of_version(decision) == ["2.0.0"]
    assert [m.arguments["cut"] for m in decision.measures] == [0.3]


def test_no_measure_at_all_is_the_mildest() -> None:
    decision = decide(versions(rule("a", always, limit(0.9, 9))), event(), decided=NEXT)
    assert not decision.findings
    assert not decision.measures


def test_measures_that_cannot_be_compared_leave_the_version_of_the_act() -> None:
    decision = decide(
        versions(rule("a", always, limit(0.9, 1)), rule("a", always, limit(0.3, 9), version=1)),
        event(),
        decided=NEXT,
    )
    assert of_version(decision) == ["1.0.0"]


def test_equal_measures_leave_the_version_of_the_act() -> None:
    decision = decide(
        versions(rule("a", always, limit(0.3, 1)), rule("b", always, limit(0.3, 1), version=1)),
        event(),
        decided=NEXT,
    )
    assert of_version(decision) == ["1.0.0"]


def test_shadow_measures_do_not_decide_which_version_is_milder() -> None:
    decision = decide(
        versions(
            rule("a", always, limit(0.3, 1)),
            rule("a", always, limit(0.3, 1), version=1),
            rule("b", always, limit(0.9, 9), version=1, shadow=True),
        ),
        event(),
        decided=NEXT,
    )
    assert of_version(decision) == ["1.0.0"]


def test_a_version_is_milder_whatever_its_shadow_rules_say() -> None:
    decision = decide(
        versions(
            rule("a", always, limit(0.9, 9)),
            rule("a", always, limit(0.3, 1), version=1),
            rule("b", always, limit(0.95, 99), version=1, shadow=True),
        ),
        event(),
        decided=NEXT,
    )
    assert of_version(decision) == ["2.0.0", "2.0.0"]


def test_a_policy_that_is_no_longer_in_force_still_judges_what_was_done_under_it() -> None:
    decision = decide(
        corpus(rule("a", always, limit(0.9, 9)), versions=TWO_VERSIONS[:1]),
        event(),
        decided=NEXT,
    )
    assert of_version(decision) == ["1.0.0"]


def test_a_policy_that_was_not_in_force_at_the_act_has_no_say() -> None:
    decision = decide(
        corpus(rule("a", always, limit(0.9, 9)), versions=TWO_VERSIONS[1:]),
        event(),
        decided=NEXT,
    )
    assert decision.findings == ()


def test_each_policy_is_judged_by_its_own_milder_version() -> None:
    four = (
        *TWO_VERSIONS,
        *(msgspec.structs.replace(one, policy="q") for one in TWO_VERSIONS),
    )
    decision = decide(
        corpus(
            rule("a", always, limit(0.9, 9)),
            rule("a", always, limit(0.3, 1), version=1),
            rule("b", always, limit(0.3, 1), version=2),
            rule("b", always, limit(0.9, 9), version=3),
            versions=four,
        ),
        event(),
        decided=NEXT,
    )
    assert [(f.policy, f.version) for f in decision.findings] == [("p", "2.0.0"), ("q", "1.0.0")]


def test_undetermined_rules_are_those_of_the_version_that_applies() -> None:
    decision = decide(
        versions(
            rule("a", always, limit(0.9, 9)),
            rule("b", viral(1), version=0),
            rule("c", viral(1), version=1),
        ),
        event(traffic__views=None),
        decided=NEXT,
    )
    assert [(u.version, u.rule) for u in decision.undetermined] == [("2.0.0", "c")]


# ── The form ─────────────────────────────────────────────────────────────────────────────────────


def test_a_decision_is_json() -> None:
    decision = decide(STRIKING, event(), History(strikes={"fabrication": 1}), bounds=True)
    assert Decision.from_json(decision.to_json()) == decision
    assert json.loads(decision.to_json()) == json.loads(json.dumps(decision.to_dict()))
