"""Ladders of points: what a strike comes to, by the ladder that ships and by small ones."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clausal.compiler.pipeline import compile_sources
from clausal.dsl.source import Source
from clausal.engine.decision import Decision, Standing
from clausal.engine.evaluator import Bundle
from clausal.engine.history import History, PastStrike, Served
from clausal.engine.problem import EventError

HEAD = """
policy demo.points 1.0.0 {
  title     zh "计分"  en "Points"
  in force  2024-01-01 ..
  time zone "UTC"
  use       standard.platform 1
  use       standard.sanctions 1
  use       standard.strikes 1
}
clause 1 "不得造假。"
table by_reposts by traffic.reposts, content.first_post {
  .. 100,      true  => 1
  100 .. 1000, true  => 4
  1000 ..,     true  => 8
  any,         false => 0
}
param weight = 3 range 0 .. 9
"""
RULES = (
    ("staged", "content.staged_verdict == confirmed", "medium", "truth"),
    ("posed", "content.staged_verdict == confirmed", "low", "identity"),
    ("spread", "content.fiction_label", "medium", "truth with by_reposts points"),
    ("weighed", "content.news_like", "medium", "fraud with weight points"),
    ("grave", "account.monetised", "severe", "safety"),
)


def rule(name: str, when: str, severity: str, strike: str) -> str:
    return f"""
rule {name} {{
  cites 1
  when {when}
  severity {severity}
  then ladder standing in {strike}
  because zh "造假。" en "Faked."
}}
"""


def bundle(rules: tuple[tuple[str, str, str, str], ...] = RULES) -> Bundle:
    text = HEAD + "".join(rule(*one) for one in rules)
    return Bundle(compile_sources([Source("demo.policy", text)]))


BUNDLE = bundle()
WEIGHED = [BUNDLE.rebind(weight=points) for points in range(10)]
"""With a param that gives the points of a rule, by these."""

LADDER = "standard.strikes.standing"
NOW = datetime(2024, 6, 1, tzinfo=UTC)
FAMILIES = ("fraud", "identity", "persons", "safety", "traffic", "truth")
STAGED: dict[str, Any] = {"staged_verdict": "confirmed"}


def decide(
    strikes: object,
    content: dict[str, Any] = STAGED,
    on: Bundle = BUNDLE,
    reposts: int | None = None,
    monetised: bool = False,
) -> Decision:
    event: dict[str, Any] = {
        "context": {"time": NOW.isoformat()},
        "content": content,
        "account": {"id": "a", "monetised": monetised},
    }
    if reposts is not None:
        event["traffic"] = {"reposts": reposts}
    if strikes is not None:
        event["$history"] = {"strikes": {LADDER: strikes}}
    return on.evaluate(event)


def standing(*args: Any, **named: Any) -> Standing:
    (found,) = decide(*args, **named).ladders
    return found


def step(*args: Any, **named: Any) -> int:
    found = standing(*args, **named).step
    assert found is not None
    return found


def past(days: float, points: int = 2, family: str = "truth", **more: object) -> dict[str, object]:
    issued = NOW - timedelta(days=days)
    return {"issued": issued.isoformat(), "points": points, "family": family, **more}


def served(days: float, number: int) -> dict[str, object]:
    return {"step": number, "until": (NOW - timedelta(days=days)).isoformat()}


SECOND = 1 / 86_400
strikes = st.lists(
    st.builds(
        past,
        st.floats(-5, 400).map(lambda days: round(days, 3)),
        st.integers(0, 12),
        st.sampled_from(FAMILIES),
        served=st.none() | st.builds(served, st.integers(-5, 60), st.integers(0, 6)),
    ),
    max_size=6,
)
contents = st.fixed_dictionaries(
    {
        "staged_verdict": st.sampled_from(["confirmed", "none"]),
        "fiction_label": st.booleans(),
        "first_post": st.booleans(),
        "news_like": st.booleans(),
    }
)


# ── By hand ──────────────────────────────────────────────────────────────────────────────────────


def test_points_add_up_by_family_and_by_half_of_all() -> None:
    truth = past(1, 2), past(2, 1)
    assert standing(list(truth)).counts == 5
    found = standing([past(1, 5, "fraud"), past(1, 4, "safety")])
    # 2 of truth and 1 + 0 of identity weigh less than half of 9 + 2, which is rounded up.
    assert (found.active, found.points, found.family, found.counts) == (9, 2, "truth", 6)
    assert (found.step, found.next_step_at) == (4, 8)
    assert found.expires == "2024-08-30T00:00:00+00:00"


def test_the_lighter_rule_may_lead_higher() -> None:
    """Staging weighs 2 in truth, the pose 1 in identity, where there are 9 points already."""
    found = standing({"identity": 9})
    assert (found.family, found.points, found.counts, found.step) == ("truth", 2, 10, 5)


@pytest.mark.parametrize(
    ("points", "life"), [(1, 90), (2, 90), (3, 365), (4, 365), (8, 365), (11, 365)]
)
def test_at_exactly_the_end_of_its_life_a_strike_is_not_active(points: int, life: int) -> None:
    assert standing([past(life, points)]).active == 0
    assert standing([past(life - SECOND, points)]).active == points
    assert standing([past(0, points)]).active == points
    assert standing([past(-SECOND, points)]).active == 0


def test_twelve_points_never_lapse() -> None:
    assert standing([past(10_000, 12)]).active == 12
    assert standing([], {}, monetised=True).expires is not None


def test_a_strike_says_itself_when_it_expires() -> None:
    assert standing([past(1, expires=NOW.isoformat())]).active == 0
    later = (NOW + timedelta(seconds=1)).isoformat()
    assert standing([past(1000, expires=later)]).active == 2


def test_probation_leads_to_the_step_that_was_served() -> None:
    assert step([past(400, served=served(1, 4))]) == 4
    assert step([past(400, served=served(30 - SECOND, 4))]) == 4
    assert step([past(400, served=served(30, 4))]) == 2
    assert step([past(400, served=served(-SECOND, 4))]) == 2, "it has not ended yet"
    assert step([past(400, family="fraud", served=served(1, 4))]) == 2
    assert step([past(400, served=served(1, 4)), past(300, served=served(2, 5))]) == 5
    assert step([past(400, served=served(2, 5)), past(300, served=served(1, 4))]) == 5
    assert step([past(400, served=served(1, 99))]) == 6


def test_a_jump_is_a_step_at_least() -> None:
    assert step([], {}, monetised=True) == 5
    assert step({"safety": 11}, {}, monetised=True) == 6


def test_points_of_a_table_that_are_not_known_measure_nothing() -> None:
    content = {"fiction_label": True, "first_post": True}
    found = standing([past(1)], content)
    assert (found.points, found.step, found.if_clean, found.active) == (None, None, None, 2)
    assert [(lack.field, lack.cause) for lack in found.lacks] == [("traffic.reposts", "absent")]
    assert not decide([past(1)], content).measures
    # Each row that may fit says 0, or what another rule gives is known.
    assert standing([past(1)], {"fiction_label": True, "first_post": False}).points == 0
    both = standing([past(1)], {**content, **STAGED})
    assert (both.points, both.counts, both.step) == (2, 4, 3)
    assert [lack.field for lack in both.lacks] == ["traffic.reposts"]


def test_a_strike_of_no_points_leads_nowhere() -> None:
    found = decide({"truth": 10}, {"fiction_label": True, "first_post": False})
    assert found.ladders[0].step == 0
    assert not found.measures


def test_a_strike_without_history_measures_nothing() -> None:
    found = standing(None)
    assert (found.active, found.step, found.if_clean, found.points) == (None, None, 2, 2)
    assert [(lack.field, lack.cause) for lack in found.lacks] == [(LADDER, "absent")]
    assert not decide(None).measures


def test_a_family_that_nobody_knows_counts_among_all() -> None:
    assert standing({"hearsay": 6}).counts == 4


def test_params_may_give_points() -> None:
    assert standing({}, {"news_like": True}).points == 3
    assert standing({}, {"news_like": True}, on=WEIGHED[8]).points == 8
    with pytest.raises(ValueError, match="no whole number of points"):
        BUNDLE.rebind(weight=2.5)


def test_a_history_may_hold_strikes_as_objects() -> None:
    issued = int((NOW - timedelta(days=1)).timestamp() * 1_000_000)
    one = PastStrike(
        issued=issued, points=2, family="truth", served=Served(step=3, until=issued + 1)
    )
    event = {"context": {"time": NOW.isoformat()}, "content": STAGED, "account": {"id": "a"}}
    found = BUNDLE.evaluate(event, history=History(strikes={LADDER: (one,)}))
    assert (found.ladders[0].active, found.ladders[0].step) == (2, 3)


@pytest.mark.parametrize(
    ("given", "path"),
    [
        (3, ""),
        (["2024-05-01T00:00:00Z"], ""),
        ([past(1), "2024-05-01T00:00:00Z"], "[1]"),
        ([past(1, -1)], "[0]"),
        ([{**past(1), "points": 1.5}], "[0]"),
        ([{**past(1), "weight": 1}], "[0]"),
        ([{"points": 1, "family": "truth"}], "[0]"),
        ([{**past(1), "family": 3}], "[0]"),
        ([{**past(1), "served": {"step": 1}}], "[0]"),
        ({"truth": -1}, ""),
        ({"truth": "2"}, ""),
    ],
)
def test_a_history_of_another_form_is_refused(given: object, path: str) -> None:
    with pytest.raises(EventError) as refused:
        decide(given)
    (problem,) = refused.value.problems
    assert problem.path == f'$history.strikes["{LADDER}"]{path}'


# ── For all histories ────────────────────────────────────────────────────────────────────────────


@given(strikes, contents, st.none() | st.integers(0, 2000), st.data())
def test_a_strike_less_in_the_past_never_leads_higher(
    history: list[dict[str, object]], content: dict[str, Any], reposts: int | None, data: Any
) -> None:
    before = decide(history, content, reposts=reposts).ladders
    if history:
        gone = data.draw(st.integers(0, len(history) - 1))
        history = [*history[:gone], *history[gone + 1 :]]
    after = decide(history, content, reposts=reposts).ladders
    for one, other in zip(before, after, strict=True):
        assert (other.step or 0) <= (one.step or 0)
        assert (other.counts or 0) <= (one.counts or 0)


@given(strikes, st.integers(0, 9), st.integers(0, 9))
def test_more_points_never_lead_lower(history: object, one: int, other: int) -> None:
    low, high = sorted((one, other))
    found = [step(history, {"news_like": True}, on=WEIGHED[points]) for points in (low, high)]
    assert found == sorted(found)


@given(strikes, contents)
def test_with_every_strike_void_all_is_as_with_an_empty_history(
    history: list[dict[str, object]], content: dict[str, Any]
) -> None:
    for found in decide(history, content, reposts=500).ladders:
        assert found.if_clean is not None
        for empty in decide([], content, reposts=500).ladders:
            assert empty.step == found.if_clean
            assert (found.step or 0) >= found.if_clean


@given(strikes, contents, st.randoms())
def test_the_order_of_strikes_never_matters(
    history: list[dict[str, object]], content: dict[str, Any], random: Any
) -> None:
    shuffled = random.sample(history, len(history))
    assert decide(history, content).to_dict() == decide(shuffled, content).to_dict()


ORDERS = [bundle(tuple(order)) for order in list(permutations(RULES))[::29]]


@given(strikes, contents, st.booleans(), st.integers(0, 2000), st.sampled_from(ORDERS))
def test_the_order_of_rules_that_strike_one_ladder_never_matters(
    history: object, content: dict[str, Any], monetised: bool, reposts: int, other: Bundle
) -> None:
    found = [
        decide(history, content, one, reposts, monetised).to_dict() | {"bundle": ""}
        for one in (BUNDLE, other)
    ]
    assert found[0] == found[1]
    assert len(decide(history, content, other, reposts, monetised).ladders) <= 1


@given(strikes, contents, st.booleans(), st.integers(0, 2000))
def test_a_rule_more_never_leads_lower(
    history: object, content: dict[str, Any], monetised: bool, reposts: int
) -> None:
    alone = [
        decide(history, content, bundle_of, reposts, monetised).ladders for bundle_of in SINGLE
    ]
    together = decide(history, content, BUNDLE, reposts, monetised).ladders
    steps = [one.step or 0 for found in alone for one in found]
    assert (together[0].step or 0) >= max(steps, default=0) if together else not steps


SINGLE = [bundle((one,)) for one in RULES]
