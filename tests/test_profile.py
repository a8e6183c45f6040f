"""What a profile counts, against the reference interpreter."""

from __future__ import annotations

from collections import Counter
from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from clausal.compiler.pipeline import compile_sources, optimise
from clausal.dsl.source import Source
from clausal.engine.evaluator import Bundle
from clausal.profile import profile
from tests.engine.test_texts_on_demand import HEADER, LIBRARY, rules

BUNDLE = Bundle(
    compile_sources([Source("fields.policy", LIBRARY), Source("texts.policy", HEADER + rules())])
)

posts = st.fixed_dictionaries(
    {},
    optional={
        "board": st.sampled_from(["news", "trade", "cats"]),
        "views": st.sampled_from([0, 100, 101, 1_001]),
        "text": st.sampled_from(["刚刚突发", "vx", "13800000000", "猫"]),
        "title": st.sampled_from(["突发", "加微信", "猫"]),
        "code": st.sampled_from(["A1", "B"]),
    },
)
times = st.sampled_from(["2024-05-01T00:00:00Z", "2023-05-01T00:00:00Z"])
events = st.lists(
    st.builds(lambda post, time: {"act": {"time": time, "id": "1"}, "post": post}, posts, times),
    min_size=1,
    max_size=8,
)


@given(events)
def test_counts_are_those_of_decisions(some: list[dict[str, object]]) -> None:
    found = profile(BUNDLE.artifact, some)
    fired: Counter[str] = Counter()
    undetermined: Counter[str] = Counter()
    pairs: Counter[tuple[str, str]] = Counter()
    in_force = 0
    for event in some:
        decision = BUNDLE.evaluate(event)
        names = sorted(finding.rule for finding in decision.findings)
        fired.update(names)
        pairs.update(combinations(names, 2))
        undetermined.update(one.rule for one in decision.undetermined)
        in_force += bool(BUNDLE.in_force(str(event["act"]["time"])))  # type: ignore[index]
    for rule in found.rules:
        assert rule.fired == fired[rule.rule]
        assert rule.undetermined == undetermined[rule.rule]
        assert rule.in_force == in_force
        assert rule.alive <= in_force
        assert (rule.tests > 0) == (rule.alive > 0)
    for pair in found.pairs:
        one, other = sorted((found.rules[pair.first].rule, found.rules[pair.second].rule))
        assert pair.together == pairs[one, other]
        assert pair.lift > 1
        assert pair.always == (pair.together == fired[one] == fired[other])
    assert sum(rule.tests for rule in found.rules) == sum(p.tests for p in found.predicates)


@given(events)
def test_predicates_are_counted_for_every_event(some: list[dict[str, object]]) -> None:
    found = profile(BUNDLE.artifact, some)
    assert len(found.predicates) == len(optimise(BUNDLE.artifact.corpus).predicates)
    posts_of = [event["post"] for event in some]
    by_text = {predicate.text: predicate for predicate in found.predicates}
    news = by_text["post.board == news"]
    assert isinstance(posts_of[0], dict)
    boards = [post.get("board") for post in posts_of if isinstance(post, dict)]
    assert news.true == boards.count("news")
    assert news.unknown == boards.count(None)
    assert news.false == len(some) - news.true - news.unknown
    absent, failed = found.missing["post.board"]
    assert (absent, failed) == (boards.count(None), 0)
