"""Explanations: what is told about rules, values and versions."""

from __future__ import annotations

import json
from collections.abc import Sequence
from random import Random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clausal.compiler.bundle import assemble
from clausal.compiler.emit import emit
from clausal.compiler.ir import (
    ALWAYS,
    All,
    Any,
    Arithmetic,
    Comparison,
    Condition,
    Constant,
    Corpus,
    Member,
    Mentions,
    Negation,
    Param,
    ParamDef,
    Pattern,
    Reading,
    Slot,
    TermsDef,
    Truth,
)
from clausal.compiler.pipeline import optimise
from clausal.compiler.types import Scalar
from clausal.engine.evaluator import Bundle
from clausal.engine.event import EventError, EventReader
from clausal.engine.explain import Explanation, Match, ParamSeen, Part, Seen
from clausal.engine.phrase import phrase
from clausal.engine.reference import Evaluation, slots_of
from clausal.engine.values import Missing, Value
from tests.strategies.events import EventWriter
from tests.strategies.ir import CorpusWriter
from tests.support.corpora import (
    STAGED,
    TIME,
    TITLE,
    TOPIC,
    TWO_VERSIONS,
    about_health,
    corpus,
    event,
    labelled,
    limit,
    no_topic,
    not_labelled,
    rule,
    staged,
    verified,
    viral,
)

NEXT = "2024-05-10T12:00:00+08:00"


def bundle_of(some: Corpus) -> Bundle:
    return Bundle(assemble(some, emit(optimise(some)), ()))


def statuses(told: Explanation) -> dict[str, str]:
    return {trace.rule: trace.status for trace in told.rules}


# ── Which rules are told about ───────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("when", "unless", "status"),
    [
        (not_labelled, Truth(False), "fired"),
        (All((not_labelled, viral(1))), labelled, "fired"),
        (All((not_labelled, staged(0.99))), Truth(False), "nearly"),
        (All((not_labelled, viral(1))), about_health, "fired"),
        (not_labelled, viral(1), "nearly"),
        (All((not_labelled, All((viral(1), staged(0.99))))), Truth(False), "nearly"),
        (All((labelled, staged(0.99), viral(1))), Truth(False), None),
        (labelled, Truth(False), None),
        (Any((labelled, staged(0.99))), Truth(False), None),
        (labelled, not_labelled, None),
    ],
)
def test_rules_are_told_about_that_fired_or_nearly_did(
    when: Condition, unless: Condition, status: str | None
) -> None:
    told = bundle_of(corpus(rule("a", when, unless=unless))).explain(event(), nearly=True)
    assert statuses(told).get("a") == status


def test_an_undetermined_rule_is_told_about() -> None:
    some = corpus(rule("a", viral(1)), rule("b", All((viral(1), labelled, not_labelled))))
    lacking = event(traffic__views=None)
    told = bundle_of(some).explain(lacking, nearly=True)
    assert statuses(told) == {"a": "undetermined", "b": "nearly"}
    assert statuses(bundle_of(some).explain(lacking)) == {"a": "undetermined"}
    assert statuses(bundle_of(some).explain(lacking, rules=["b"])) == {
        "a": "undetermined",
        "b": "nearly",
    }


@pytest.mark.parametrize("name", ["a", "p.a"])
def test_any_rule_is_told_about_on_request(name: str) -> None:
    told = bundle_of(corpus(rule("a", labelled), rule("b", labelled))).explain(
        event(), rules=[name]
    )
    assert statuses(told) == {"a": "silent"}


@given(st.integers(0, 2**63).map(Random))
def test_what_is_told_agrees_with_the_decision(random: Random) -> None:
    some = CorpusWriter(random, 4).corpus()
    bundle = bundle_of(some)
    try:
        told = bundle.explain(EventWriter(random, some).event())
    except EventError:
        return
    for status, reported in (
        ("fired", told.decision.findings),
        ("undetermined", told.decision.undetermined),
    ):
        assert [
            (trace.policy, trace.version, trace.rule)
            for trace in told.rules
            if trace.status == status and trace.applied
        ] == [(one.policy, one.version, one.rule) for one in reported]
    for trace in told.rules:
        check(trace.when)
        if trace.unless is not None:
            check(trace.unless)
    assert Explanation.from_json(told.to_json()) == told
    assert json.loads(told.to_json()) == json.loads(json.dumps(told.to_dict()))


def check(part: Part) -> None:
    """The verdict of a part follows from those of its parts."""
    verdicts = [one.verdict for one in part.parts]
    match part.kind:
        case "all":
            order = ["false", "unknown", "true"]
            assert part.verdict == min([*verdicts, "true"], key=order.index)
        case "any":
            order = ["true", "unknown", "false"]
            assert part.verdict == min([*verdicts, "false"], key=order.index)
        case "not":
            opposite = {"true": "false", "false": "true", "unknown": "unknown"}
            assert part.verdict == opposite[verdicts[0]]
        case "test":
            assert not part.parts
            assert part.text
    for one in part.parts:
        check(one)


# ── What is told ─────────────────────────────────────────────────────────────────────────────────


def only(when: Condition, given: dict[str, object], **parts: object) -> Part:
    some = msgspec.structs.replace(corpus(rule("a", when)), **parts)
    (trace,) = bundle_of(some).explain(given, rules=["a"]).rules
    return trace.when


def test_values_that_were_seen() -> None:
    fields = [
        (labelled, event(), Seen("content.labelled", "present", False)),
        (staged(0.5), event(), Seen("content.score.staged", "present", 0.9)),
        (Member(TOPIC, ("society",)), event(), Seen("content.topic", "present", "society")),
        (
            about_health,
            event(content__declared=["society", "health"]),
            Seen("content.declared", "present", ("health", "society")),
        ),
        (no_topic, event(content__topic=None), Seen("content.topic", "absent", None)),
        (
            viral(1),
            event(traffic__views={"$failed": "x"}),
            Seen("traffic.views", "failed", None),
        ),
        (
            Comparison("<", Reading(TIME), Constant(0.0)),
            event(),
            Seen("time", "present", "2024-04-10T12:00:00+08:00"),
        ),
    ]
    for when, given_event, seen in fields:
        assert only(when, given_event).seen == (seen,)


def test_a_long_text_is_cut_and_cleaned() -> None:
    (seen,) = only(Pattern(TITLE, "x"), event(content__title="\u202e" + "x" * 1000)).seen
    assert seen.value == "x" * 300 + "…"


def test_params_that_were_compared_with() -> None:
    when = Comparison(">=", Reading(STAGED), Arithmetic("*", Param(0), Constant(2.0)))
    part = only(when, event(), params=(ParamDef("p.cutoff", "share", 0.25),))
    assert part.text == "content.score.staged >= (cutoff * 2)"
    assert part.params == (ParamSeen("p.cutoff", "0.25"),)


def test_where_terms_and_patterns_matched_in_the_text_as_it_was_sent() -> None:
    terms = (TermsDef("p.words", ("刚刚", "ab", "nowhere")),)
    part = only(Mentions(TITLE, 0), event(content__title="x 刚\u200b刚 ＡＢ"), terms=terms)
    assert part.text == "content.title contains any p.words"
    assert part.matches == (
        Match("content.title", "刚刚", 2, 5, "刚刚"),
        Match("content.title", "ab", 6, 8, "ＡＢ"),
    )
    part = only(Pattern(TITLE, r"\d+"), event(content__title="no １２ yes"))
    assert part.matches == (Match("content.title", r"\d+", 3, 5, "１２"),)


def test_a_condition_that_is_always_true_saw_nothing() -> None:
    part = only(ALWAYS, event())
    assert (part.text, part.verdict, part.seen) == ("always", "true", ())


def test_negations_and_joins_have_parts() -> None:
    part = only(All((not_labelled, Any((verified, viral(1))))), event())
    assert [one.kind for one in part.parts] == ["not", "any"]
    assert part.parts[0].parts[0].text == "content.labelled"
    assert [one.verdict for one in part.parts[1].parts] == ["false", "true"]


# ── Conditions as text ───────────────────────────────────────────────────────────────────────────

TIMES = corpus()
AGE, BORN = len(TIMES.slots), len(TIMES.slots) + 1
TIMES = msgspec.structs.replace(
    TIMES,
    slots=(
        *TIMES.slots,
        Slot(("account", "age"), Scalar("duration")),
        Slot(("account", "born"), Scalar("date")),
    ),
    params=(ParamDef("p.young", "duration", 86_400e6),),
)


@pytest.mark.parametrize(
    ("condition", "text"),
    [
        (Comparison("<", Reading(AGE), Constant(48 * 3600e6)), "account.age < 2d"),
        (Comparison("<", Reading(AGE), Constant(36 * 3600e6)), "account.age < 36h"),
        (Comparison("<", Constant(0.0), Reading(AGE)), "0s < account.age"),
        (Comparison("<", Reading(AGE), Param(0)), "account.age < young"),
        (Comparison("<", Reading(AGE), Constant(1.0, Param(0))), "account.age < young"),
        (
            Comparison("<", Arithmetic("*", Reading(AGE), Constant(2.0)), Constant(60e6)),
            "(account.age * 2) < 1m",
        ),
        (Comparison(">=", Reading(BORN), Constant(19_844.0)), "account.born >= 2024-05-01"),
        (
            Comparison(">", Reading(TIME), Constant(1714536000e6)),
            "time > 2024-05-01T12:00:00+08:00",
        ),
        (
            Comparison(
                "<", Arithmetic("-", Reading(TIME), Constant(1714536000e6)), Constant(3600e6)
            ),
            "(time - 2024-05-01T12:00:00+08:00) < 1h",
        ),
        (
            Comparison("<", Constant(0.0), Arithmetic("-", Reading(TIME), Constant(3600e6))),
            "1970-01-01T08:00:00+08:00 < (time - 1h)",
        ),
        (staged(0.85), "content.score.staged >= 0.85"),
        (viral(50_000), "traffic.views > 50000"),
        (no_topic, "content.topic is missing"),
        (Negation(labelled), "not content.labelled"),
    ],
)
def test_conditions_read_as_an_author_writes_them(condition: Condition, text: str) -> None:
    assert phrase(condition, TIMES, "Asia/Shanghai") == text


# ── Versions ─────────────────────────────────────────────────────────────────────────────────────


def versions_told(
    first: float, second: float, decided: str = NEXT, acted: str = "2024-04-10T12:00:00+08:00"
) -> list[tuple[str, str, bool, str]]:
    bundle = bundle_of(
        corpus(
            rule("a", not_labelled, limit(first, 1)),
            rule("a", not_labelled, limit(second, 1), version=1),
            versions=TWO_VERSIONS,
        )
    )
    told = bundle.explain(event(time=acted), at=decided)
    return [(v.at_act, v.at_decision, v.applied, v.why.en) for v in told.versions]


def test_the_version_of_the_act_and_a_harsher_one() -> None:
    assert versions_told(0.3, 0.9) == [
        ("in force", "no longer", True, "in force at the act"),
        (
            "not yet",
            "in force",
            False,
            "it began after the act, and is not milder than the version of the act",
        ),
    ]


def test_a_milder_version_in_its_place() -> None:
    assert versions_told(0.9, 0.3) == [
        (
            "in force",
            "no longer",
            False,
            "in force at the act, but the version in force at the decision is milder",
        ),
        (
            "not yet",
            "in force",
            True,
            "in force at the decision, and milder than the version of the act",
        ),
    ]


def test_versions_that_are_not_in_force() -> None:
    assert versions_told(0.3, 0.9, decided="2024-04-11T00:00:00Z") == [
        ("in force", "in force", True, "in force at the act"),
        ("not yet", "not yet", False, "it began after the act"),
    ]
    assert versions_told(0.3, 0.9, acted=NEXT)[0] == (
        "no longer",
        "no longer",
        False,
        "it ended before the act",
    )


def test_rules_of_both_versions_are_told_about_when_the_milder_one_applies() -> None:
    bundle = bundle_of(
        corpus(
            rule("a", not_labelled, limit(0.9, 1)),
            rule("b", not_labelled, limit(0.3, 1), version=1),
            versions=TWO_VERSIONS,
        )
    )
    told = bundle.explain(event(), at=NEXT)
    assert [(r.rule, r.version, r.applied) for r in told.rules] == [
        ("a", "1.0.0", False),
        ("b", "2.0.0", True),
    ]


# ── Against the plain meaning ────────────────────────────────────────────────────────────────────


def plain_tree(some: Corpus, seen: Sequence[Value | Missing], condition: Condition) -> object:
    """Kind, verdict and parts of a condition, or for a test the states of what it reads."""
    verdict = {True: "true", False: "false", None: "unknown"}[
        Evaluation(some, seen).verdict(condition)
    ]
    match condition:
        case All(items=items):
            return ("all", verdict, [plain_tree(some, seen, item) for item in items])
        case Any(items=items):
            return ("any", verdict, [plain_tree(some, seen, item) for item in items])
        case Negation(item=item):
            return ("not", verdict, [plain_tree(some, seen, item)])
        case _:
            slots = () if isinstance(condition, Truth) else slots_of(condition)
            states = [
                (some.slots[slot].name, value.value if isinstance(value, Missing) else "present")
                for slot in dict.fromkeys(slots)
                for value in [seen[slot]]
            ]
            return ("test", verdict, states)


def told_tree(part: Part) -> object:
    if part.kind == "test":
        return ("test", part.verdict, [(one.field, one.state) for one in part.seen])
    return (part.kind, part.verdict, [told_tree(one) for one in part.parts])


@given(st.integers(0, 2**63).map(Random))
def test_trees_are_those_of_the_plain_meaning(random: Random) -> None:
    """Of all rules, as each is asked for by its name; twice, with what was remembered."""
    some = CorpusWriter(random, 4).corpus()
    bundle = bundle_of(some)
    names = [rule.name for rule in some.rules]
    rules = {
        (some.versions[one.version].policy, some.versions[one.version].version, one.name): one
        for one in some.rules
    }
    for _ in range(2):
        given_event = EventWriter(random, some).event()
        try:
            told = bundle.explain(given_event, rules=names)
            seen = EventReader(some.slots, some.time_slot, some.ladders).read(given_event)
        except EventError:
            continue
        assert told.to_json() == told.replace().to_json()
        for trace in told.rules:
            rule = rules[trace.policy, trace.version, trace.rule]
            assert told_tree(trace.when) == plain_tree(some, seen, rule.when)
            if trace.unless is None:
                assert rule.unless == Truth(False)
            else:
                assert told_tree(trace.unless) == plain_tree(some, seen, rule.unless)


def test_rules_are_told_about_lazily() -> None:
    told = bundle_of(corpus(rule("a", not_labelled))).explain(event())
    assert told.rules is told.rules
    assert told.versions is told.versions
    assert told.decision is told.decision
    assert [trace.rule for trace in told.rules] == [one.rule for one in told.decision.findings]
