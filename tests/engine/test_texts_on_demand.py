"""Texts are folded and searched once, and only if a rule that is still alive asks."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from clausal.compiler.pipeline import compile_sources
from clausal.compiler.text.fold import fold
from clausal.compiler.text.patterns import PatternGroup
from clausal.dsl.source import Source
from clausal.engine.evaluator import Bundle

LIBRARY = """library shop.fields 1.0.0

event {
  time act.time
  id   act.id
}

target post by act.id

schema act {
  time instant required
  id   string
}

schema post {
  board enum [news, trade, cats]
  views integer
  text  text
  title text
  code  string
}

sanction slow(cut share) {
  title   zh "限流" en "Slowed"
  on      post
  grade   2
  needs   duration
  joins   strictest at each instant
  wording zh "限流" en "Slowed"
}
"""
HEADER = """policy shop.texts 1.0.0 {
  title  zh "文本"  en "Texts"
  in force 2024-01-01 .. 2025-01-01
  time zone "Asia/Shanghai"
  use shop.fields 1
}

clause 1 "文本。"

terms breaking = ["刚刚", "突发"]
terms offers   = ["加微信", "vx"]
"""
CONDITIONS = {
    "breaking": "post.board == news and post.text contains any breaking",
    "offers": "post.board == news and post.text contains any offers",
    "phone": "post.board == news and post.text matches /[0-9]{11}/",
    "near": "post.board == news and post.text matches /刚刚.{0,6}突发/",
    "title": "post.board == trade and post.views > 100 and post.title contains any offers",
    "code": "post.board == cats and post.code matches /^A[0-9]/",
    "either": "post.views > 1_000 or post.title contains any breaking and post.board == trade",
}


def rules() -> str:
    return "".join(
        f"\nrule {name} {{\n  cites 1\n  when {condition}\n  then slow 10% on post for 1d\n"
        f'  because zh "。" en "."\n}}\n'
        for name, condition in CONDITIONS.items()
    )


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    sources = [Source("fields.policy", LIBRARY), Source("texts.policy", HEADER + rules())]
    return Bundle(compile_sources(sources))


class Work:
    """What was folded, and how often patterns were looked for."""

    def __init__(self) -> None:
        self.folded: list[str] = []
        self.searched: list[int] = []


@pytest.fixture
def work() -> Iterator[Work]:
    done = Work()
    matches = PatternGroup.matches

    def counted_fold(text: str) -> str:
        done.folded.append(text)
        return fold(text)

    def counted_matches(group: PatternGroup, text: str) -> list[int]:
        done.searched.append(len(group))
        return matches(group, text)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("clausal.engine._core.fold", counted_fold)
        patch.setattr(PatternGroup, "matches", counted_matches)
        yield done


def fired(bundle: Bundle, **post: object) -> set[str]:
    event = {"act": {"time": "2024-05-01T00:00:00Z", "id": "1"}, "post": post}
    return {finding.rule for finding in bundle.evaluate(event).findings}


def test_a_rule_that_the_index_drops_never_asks_for_a_text(bundle: Bundle, work: Work) -> None:
    assert fired(bundle, board="cats", views=5, text="刚刚突发", title="vx", code="B") == set()
    # The code is no `text` field, and is looked into as it is.
    assert (work.folded, work.searched) == ([], [1])


def test_a_number_that_settles_a_rule_spares_its_text(bundle: Bundle, work: Work) -> None:
    assert fired(bundle, board="trade", views=1_001, title="突发") == {"either"}
    # The other rule on the title is still alive.
    assert work.folded == ["突发"]
    work.folded.clear()
    assert fired(bundle, board="trade", views=50, text="突发", title="猫") == set()
    assert (work.folded, work.searched) == (["猫"], [])


def test_each_text_is_folded_once_and_its_patterns_are_one_search(
    bundle: Bundle, work: Work
) -> None:
    text = "刚刚，某地ＶＸ突发 13800000000"
    assert fired(bundle, board="news", views=5, text=text, title="猫", code="A1") == {
        "breaking",
        "offers",
        "phone",
        "near",
    }
    assert (work.folded, work.searched) == ([text], [2])


def test_what_was_found_out_about_one_event_is_not_taken_for_another(
    bundle: Bundle, work: Work
) -> None:
    assert fired(bundle, board="news", text="刚刚") == {"breaking"}
    assert fired(bundle, board="news", text="vx") == {"offers"}
    assert fired(bundle, board="news") == set()
    assert work.folded == ["刚刚", "vx"]


def test_a_text_that_is_missing_is_not_searched(bundle: Bundle, work: Work) -> None:
    event = {"act": {"time": "2024-05-01T00:00:00Z", "id": "1"}, "post": {"board": "news"}}
    undetermined = {rule.rule for rule in bundle.evaluate(event).undetermined}
    assert {"breaking", "offers", "phone", "near"} <= undetermined
    assert (work.folded, work.searched) == ([], [])


def test_an_error_while_a_text_is_folded_leaves_no_verdict_behind(bundle: Bundle) -> None:
    def broken(text: str) -> str:
        raise MemoryError(text)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("clausal.engine._core.fold", broken)
        with pytest.raises(MemoryError):
            fired(bundle, board="news", text="刚刚")
    assert fired(bundle, board="news", text="刚刚 13800000000") == {"breaking", "phone"}
