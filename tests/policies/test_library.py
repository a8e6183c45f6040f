"""The shipped policies as one bundle: sound, tested, accounted for, and in force when they say so."""

from __future__ import annotations

import functools

import pytest

from clausal.compiler.ir import DAY, SEVERITIES, UNKNOWN
from clausal.compiler.library import load_sources, shipped
from clausal.compiler.pipeline import check_sources, compile_sources
from clausal.coverage import measure_coverage
from clausal.duties import State, columns_needed, period_of, tell
from clausal.engine.decision import Decision
from clausal.engine.evaluator import Bundle
from clausal.testing import run_tests


@functools.cache
def library() -> Bundle:
    sources, diagnostics = load_sources([shipped()])
    assert not list(diagnostics)
    return Bundle(compile_sources(sources))


def decided(time: str, **fields: dict[str, object]) -> Decision:
    return library().evaluate({"context": {"time": time, "event_id": "e1"}, **fields})


def fired(decision: Decision) -> list[str]:
    return [f"{finding.policy}.{finding.rule}" for finding in decision.findings]


def test_the_library_compiles_without_a_complaint() -> None:
    sources, _ = load_sources([shipped()])
    corpus, diagnostics = check_sources(sources)
    assert corpus is not None
    assert [str(diagnostic) for diagnostic in diagnostics] == []


def test_every_test_passes_in_the_whole_library() -> None:
    outcomes = list(run_tests(library()))
    assert [
        (outcome.test.title, outcome.misses) for outcome in outcomes if not outcome.passed
    ] == []
    assert outcomes


def test_every_clause_is_accounted_for_and_every_enforced_one_is_tested() -> None:
    corpus = library().artifact.corpus
    coverage = measure_coverage(corpus, run_tests(library()))
    assert coverage.unaccounted == ()
    assert coverage.unreached_rules == ()
    assert coverage.unreached_steps == ()


def test_every_reason_is_given_in_both_languages() -> None:
    corpus = library().artifact.corpus
    for rule in corpus.rules:
        assert rule.because_zh, rule.name
        assert rule.because_en, rule.name
    for clause in corpus.clauses:
        assert bool(clause.status) == bool(clause.reason.zh and clause.reason.en), clause.id


FALSE = {
    "fact_verdict": "false_claim",
    "verdict_source": "authority",
    "second_source": False,
    "fiction_label": False,
    "id": "c1",
}


@pytest.mark.parametrize(
    ("time", "rules"),
    [
        ("2022-09-01T23:59:59+08:00", []),
        ("2022-09-02T00:00:00+08:00", ["cn.rumours.verified_rumour"]),
        ("2022-12-01T23:59:59+08:00", ["cn.rumours.verified_rumour"]),
        ("2022-12-02T00:00:00+08:00", ["standing.rumours.verified_rumour"]),
        (
            "2024-05-15T12:00:00+08:00",
            ["cn.self_media_traffic.kept_out_of_search", "standing.rumours.verified_rumour"],
        ),
        (
            "2025-02-01T12:00:00+08:00",
            ["cn.spring_festival_2025.false_information", "standing.rumours.verified_rumour"],
        ),
        ("2025-02-19T00:00:00+08:00", ["standing.rumours.verified_rumour"]),
    ],
)
def test_a_day_is_judged_by_what_was_in_force(time: str, rules: list[str]) -> None:
    assert fired(decided(time, content=FALSE)) == rules


def test_a_policy_without_dates_never_has_a_say() -> None:
    bundle = library()
    undated = {
        version.policy for version in bundle.artifact.corpus.versions if version.start == UNKNOWN
    }
    assert "cn.ai_misuse" in undated
    for time in ("1700-01-01T00:00Z", "2025-06-01T00:00Z", "2254-12-31T23:59:59Z"):
        assert not undated & {version.policy for version in bundle.in_force(time)}
    decision = decided(
        "2025-06-01T12:00:00+08:00", content={"ai_score": 0.99, "ai_label": "absent"}
    )
    assert fired(decision) == []
    explained = bundle.explain(
        {"context": {"time": "2025-06-01T12:00:00+08:00"}, "content": {"ai_score": 0.99}}
    )
    [trace] = [one for one in explained.versions if one.policy == "cn.ai_misuse"]
    assert (trace.start, trace.applied) == (None, False)
    assert "not known" in trace.why.en


def test_a_trial_is_not_changed_by_other_policies() -> None:
    bundle = library()
    versions = bundle.artifact.corpus.versions
    number = next(i for i, one in enumerate(versions) if one.policy == "cn.ai_misuse")
    event = {
        "context": {"time": "2024-05-15T12:00:00+08:00"},
        "content": {"ai_score": 0.99, "ai_label": "absent", "fiction_label": False},
    }
    assert fired(bundle.evaluate(event)) == ["cn.self_media_traffic.unlabelled_ai"]
    assert fired(bundle.trial(number, event)) == ["cn.ai_misuse.ai_label_missing"]


def test_the_procedure_of_the_library_holds_for_all_of_it() -> None:
    corpus = library().artifact.corpus
    procedure, hour = corpus.procedure, DAY // 24
    assert procedure.library == "standard.procedure"
    assert corpus.incident is not None
    assert corpus.incident.target == "account"
    review, decide, old = procedure.review, procedure.decide, procedure.old
    assert review is not None
    assert decide is not None
    assert old is not None
    assert [review.of(3), review.of(4), review.of(0, interim=True)] == [3 * DAY, DAY, DAY]
    assert [decide.of(3), decide.of(5), decide.of(5, interim=True)] == [7 * DAY, 2 * DAY, DAY]
    assert (procedure.appeal, procedure.keep) == (180 * DAY, 180 * DAY)
    # What cannot be undone can be appealed against for as long as its data are there.
    assert procedure.keep is not None
    assert procedure.appeal <= procedure.keep
    severities = dict(zip(SEVERITIES, old.limits, strict=True))
    assert (severities["high"], severities["severe"]) == (90, 4 * 365)
    assert set(SEVERITIES) - set(procedure.pauses) == {"severe", "critical"}
    # Nobody silenced waits longer for a decision than a mute of the first step lasts.
    assert {"mute", "suspend"} == set(procedure.lifted)
    assert decide.of(4) <= 72 * hour


def test_rules_that_act_on_suspicion_have_brakes_in_the_campaign_on_traffic() -> None:
    corpus = library().artifact.corpus
    for rule in corpus.rules:
        if corpus.versions[rule.version].policy == "cn.self_media_traffic":
            suspects = any(measure.interim for measure in rule.measures)
            assert bool(rule.brakes) == suspects, rule.name


OWED = {
    "ai_label_rate", "app_review", "case_publication", "debunk_pinned", "debunk_reach",
    "debunk_search", "fake_follower_purged", "group_alert", "hotlist_review_rate", "identity_rate",
    "kids_device_clean", "label_display", "mcn_disclosure", "mcn_graded", "minor_mode",
    "offtopic_rate", "price_bias", "push_compliance", "rank_integrity", "rec_diversity",
    "rename_check_rate", "report_entry", "rumour_label_rate", "rumour_latency",
    "sample_library_age", "search_suggest_clean", "source_label_rate", "tip_limits", "trace_rate",
    "verify_latency",
}  # fmt: skip
"""What platforms owe over a period, each as a duty of the policy that has its clause."""


def test_every_figure_that_platforms_owe_is_a_duty() -> None:
    duties = library().artifact.corpus.duties
    assert {duty.name for duty in duties} >= OWED
    for duty in duties:
        assert duty.title.zh, duty.name
        assert duty.title.en, duty.name


def test_duties_of_one_name_are_told_alike() -> None:
    """A platform hands in one table for all policies that ask for a figure."""
    columns: dict[tuple[str, str], str] = {}
    figures: dict[str, tuple[object, ...]] = {}
    for duty in library().artifact.corpus.duties:
        told = duty.figure, duty.table, duty.time, duty.bound
        assert figures.setdefault(duty.name, told) == told, duty.name
        for column, kind in columns_needed(duty):
            assert columns.setdefault((duty.table, column), kind) == kind, column


def test_a_month_is_told_by_the_duties_that_were_in_force_in_it() -> None:
    corpus = library().artifact.corpus
    told = list(tell(corpus, period_of("2024-05"), {}))
    policies = {corpus.versions[one.duty.version].policy for one in told}
    assert policies == {"cn.self_media_traffic", "standing.rumours"}
    assert {one.state for one in told} == {State.UNKNOWN}
