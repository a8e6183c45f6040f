"""Events that somebody made up to do harm: each is refused in words, or decided and told whole."""

from __future__ import annotations

import json
from typing import Any

import pytest

from clausal.compiler.ir import Bilingual
from clausal.compiler.pipeline import compile_sources
from clausal.compiler.text.surrogates import well_formed
from clausal.engine.evaluator import Bundle
from tests.support.every_slot import LIBRARY, RULES

BUNDLE = Bundle(compile_sources([LIBRARY, RULES]))
"""It has a slot of every type and source."""

TIME = "2024-05-20T09:00:00+08:00"


def event(**groups: object) -> dict[str, Any]:
    return {"act": {"id": "e1", "time": TIME}, **groups}


@pytest.mark.parametrize("half", ["\ud800", "a\udc00b", "\udfff\ud800"])
def test_half_characters_in_identifiers_do_not_stop_the_decision_from_being_told(half: str) -> None:
    harmed = event(
        post={"id": half, "text": half, "title": half, "links": [half, "t.me", "vx"]},
        member={"id": half, "alias": half, "bot": True, "posts": 1, "karma": 1},
    )
    harmed["act"]["id"] = half
    decision = BUNDLE.evaluate(harmed, bounds=True)
    told = json.loads(decision.to_json())
    assert told["event_id"] == well_formed(half)
    assert {measure["target"]["id"] for measure in told["measures"]} == {well_formed(half)}
    assert decision == BUNDLE.evaluate_json(json.dumps(harmed), bounds=True)
    json.loads(BUNDLE.explain(harmed).to_json())


def test_a_set_with_many_texts_does_not_make_a_long_reason() -> None:
    links = [f"link-{number}" for number in range(10_000)]
    few, many = (reason(event(post={"links": some}), "sets") for some in (links[:20], links))
    assert all(link in few.en for link in links[:20])
    assert "…" not in few.en
    assert many.en.endswith(", ….")
    assert max(len(many.zh), len(many.en)) < 20 * 102


def reason(about: dict[str, Any], rule: str) -> Bilingual:
    (found,) = [one for one in BUNDLE.evaluate(about).findings if one.rule == rule]
    return found.reason
