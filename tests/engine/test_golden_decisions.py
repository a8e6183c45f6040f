"""Decisions as they are written out, kept as goldens: from policy files to JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest

import clausal
from clausal.engine.evaluator import Bundle
from tests.support.golden import GOLDENS, assert_golden

HERE = GOLDENS / "decisions"
NOW = "2024-05-01T12:00:00+08:00"


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return clausal.compile([HERE / "traffic.policy", HERE / "traffic_2.policy"])


def event(**content: object) -> dict[str, Any]:
    """A sourced item on daily life, with a verdict on nothing; fields of `content` on top."""
    given = {
        "id": "c-7",
        "title": "标题",
        "topic": "daily",
        "source_label": "present",
        "ai_score": 0.2,
        "ai_label": "absent",
        "staged_verdict": "none",
        "first_post": False,
    } | content
    return {
        "context": {"event_id": "e-1", "time": NOW},
        "content": {key: value for key, value in given.items() if value is not None},
        "account": {
            "id": "a-1",
            "subject_id": "s-1",
            "kind": "self_media",
            "identity_verified": False,
        },
    }


def strikes(number: int) -> dict[str, object]:
    return {"strikes": {"fabrication": number}}


CASES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "nothing": (event(), {}),
    "until_fixed": (event(topic="current_affairs", source_label="absent"), {}),
    "joined": (
        event(topic="current_affairs", source_label="absent", ai_score=0.925),
        {},
    ),
    "interim": (event(title="刚刚！\u202e突发", staged_verdict="suspected"), {}),
    "first_strike": (event(staged_verdict="confirmed"), {"history": strikes(0)}),
    "second_strike_and_shadow": (
        event(staged_verdict="confirmed", first_post=True),
        {"history": strikes(1)},
    ),
    "fourth_strike": (event(staged_verdict="confirmed"), {"history": strikes(3)}),
    "strike_without_history": (event(staged_verdict="confirmed"), {}),
    "undetermined": (
        event(topic="current_affairs", source_label=None, ai_score={"$failed": "timeout"}),
        {},
    ),
    "bounds": (
        event(topic="current_affairs", source_label=None, staged_verdict="confirmed"),
        {"bounds": True},
    ),
    "milder_version": (
        event(ai_score=0.9),
        {"at": "2024-07-01T09:00:00+08:00"},
    ),
    "harsher_version": (
        event(topic="current_affairs", source_label="absent"),
        {"at": "2024-07-01T09:00:00+08:00"},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_decision(bundle: Bundle, name: str) -> None:
    given, options = CASES[name]
    decision = bundle.evaluate(given, **options).to_dict()
    assert decision.pop("bundle") == bundle.digest
    # The digest changes with the libraries, which these decisions do not show.
    assert_golden(f"decisions/{name}.json", json.dumps(decision, ensure_ascii=False, indent=2))


def test_explanation(bundle: Bundle) -> None:
    given = event(title="刚刚！ＪＵＳＴ in", topic="current_affairs", source_label=None)
    given["account"]["identity_verified"] = {"$failed": "registry"}
    told = bundle.explain(
        given, at="2024-07-01T09:00:00+08:00", rules=["made_by_ai"], nearly=True
    ).to_dict()
    told.pop("decision")
    assert_golden("decisions/explanation.json", json.dumps(told, ensure_ascii=False, indent=2))


def test_each_golden_has_a_case() -> None:
    assert {path.stem for path in HERE.glob("*.json")} == {*CASES, "schema", "explanation"}
