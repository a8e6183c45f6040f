"""Pydantic models of decisions and events, and the JSON Schemas that are published."""

from __future__ import annotations

import inspect
import json
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from clausal.compiler.ir import Bilingual, SchemaField
from clausal.compiler.types import Enum, EnumValue, MapOf, Scalar, SetOf
from clausal.engine import decision as decisions
from clausal.engine import models
from clausal.engine.decision import Decision
from clausal.engine.event import EventReader, History
from clausal.engine.models import DecisionModel, Failed, decision_schema, event_model
from tests.strategies.events import EventWriter
from tests.strategies.ir import CorpusWriter
from tests.strategies.spoiled import spoil
from tests.support.corpora import (
    CLOSE,
    always,
    corpus,
    decide,
    event,
    exclude,
    limit,
    measure,
    rule,
    viral,
)
from tests.support.golden import assert_golden

randoms = st.integers(0, 2**63).map(Random)

# ── Decisions ────────────────────────────────────────────────────────────────────────────────────

RICH = corpus(
    rule("a", always, limit(0.5, 7), exclude("push", "trending", until_fixed=True), ladder=True),
    rule("b", always, measure(CLOSE), shadow=True),
    rule("c", viral(1)),
)
PARTS = [
    "Bilingual",
    "ClauseRef",
    "Finding",
    "TargetRef",
    "Step",
    "Measure",
    "Lack",
    "Undetermined",
    "Standing",
    "Bounds",
    "Decision",
]


def rich() -> Decision:
    lacking = event(traffic__views=None, content__id=None)
    return decide(RICH, lacking, History(strikes={"fabrication": 1}), bounds=True)


@pytest.mark.parametrize("name", PARTS)
def test_models_have_the_fields_of_decisions(name: str) -> None:
    fields = inspect.signature(getattr(decisions, name)).parameters
    model: type[BaseModel] = getattr(models, f"{name}Model")
    assert list(fields) == list(model.model_fields)
    for field in fields.values():
        required = field.default is field.empty
        assert model.model_fields[field.name].is_required() == required


def test_a_decision_and_its_model_are_the_same_json() -> None:
    decision = rich()
    assert decision.bounds is not None
    model = DecisionModel.model_validate_json(decision.to_json())
    assert model == DecisionModel.of(decision)
    assert model.to_decision() == decision
    assert json.loads(model.model_dump_json()) == json.loads(decision.to_json())


def test_the_schema_of_decisions_is_kept() -> None:
    """A change of it is a change for everybody who reads decisions."""
    schema = json.dumps(decision_schema(), ensure_ascii=False, indent=2)
    assert_golden("decisions/schema.json", schema)


@pytest.mark.parametrize("bounds", [False, True])
def test_decisions_fit_the_published_schema(bounds: bool) -> None:
    validator = jsonschema.Draft202012Validator(decision_schema())
    validator.check_schema(decision_schema())
    validator.validate(json.loads(decide(RICH, event(), bounds=bounds).to_json()))
    validator.validate(json.loads(rich().to_json()))


@pytest.mark.parametrize(
    "change",
    [
        {"bundle": 1},
        {"findings": [{}]},
        {"extra": 1},
        {"measures": [{"sanction": "x"}]},
    ],
)
def test_what_is_no_decision_does_not_fit_the_schema(change: dict[str, Any]) -> None:
    broken = json.loads(rich().to_json()) | change
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(broken, decision_schema())
    with pytest.raises(ValidationError):
        DecisionModel.model_validate(broken)


# ── Events ───────────────────────────────────────────────────────────────────────────────────────

TOPIC = Enum((EnumValue("news", "新闻", "news"), EnumValue("other")))
FIELDS = (
    SchemaField(("at",), Scalar("instant"), required=True),
    SchemaField(("content", "age"), Scalar("duration")),
    SchemaField(("content", "copy"), Scalar("bool")),
    SchemaField(("content", "day"), Scalar("date")),
    SchemaField(("content", "score"), MapOf(Scalar("share"))),
    SchemaField(("content", "topic"), TOPIC, label=Bilingual("话题", "topic")),
    SchemaField(("content", "topics"), SetOf(TOPIC)),
    SchemaField(("content", "views"), Scalar("integer")),
    SchemaField(("history",), Scalar("string")),
    SchemaField(("标题",), Scalar("text")),
)
NOW = "2024-05-01T12:00:00+08:00"
Event: Any = event_model(FIELDS)


def test_values_become_python_values() -> None:
    made = Event.model_validate(
        {
            "at": NOW,
            "content": {
                "age": "48h",
                "day": "2024-05-01",
                "score": {"ai": 1, "staged": None},
                "topics": ["news"],
                "views": 3.0,
            },
            "history": "a field of that name",
            "标题": "文",
        }
    )
    assert made.at == datetime(2024, 5, 1, 4, tzinfo=UTC)
    assert made.content.age == timedelta(hours=48)
    assert made.content.day == date(2024, 5, 1)
    assert made.content.score == {"ai": 1.0, "staged": None}
    assert (made.content.topic, made.content.topics) == (None, ["news"])
    assert made.content.views == 3
    assert made.history == "a field of that name"
    assert made.标题 == "文"


def test_names_that_pydantic_uses_keep_their_keys() -> None:
    made = Event(at=NOW, content={"copy": True})
    assert made.content.copy_ is True
    assert made.model_dump(mode="json", by_alias=True, exclude_none=True) == {
        "at": "2024-05-01T04:00:00Z",
        "content": {"copy": True},
    }


@pytest.mark.parametrize(
    "content",
    [
        {"topic": "nothing"},
        {"topics": ["nothing"]},
        {"views": "3"},
        {"views": True},
        {"views": 1.5},
        {"views": 2**53 + 1},
        {"score": {"ai": 1.5}},
        {"score": {"ai": float("nan")}},
        {"copy": 1},
        {"age": "two days"},
        {"day": "2024-02-30"},
        {"topic": {"$failed": 1}},
        3,
    ],
)
def test_what_the_engine_refuses_the_model_refuses(content: object) -> None:
    with pytest.raises(ValidationError):
        Event.model_validate({"at": NOW, "content": content})


def test_a_required_field_is_required() -> None:
    with pytest.raises(ValidationError, match="at"):
        Event.model_validate({})
    nested = event_model([SchemaField(("a", "b"), Scalar("bool"), required=True)])
    with pytest.raises(ValidationError, match="a"):
        nested.model_validate({})


def test_a_failed_value_and_a_failed_group() -> None:
    made = Event.model_validate({"at": NOW, "content": {"topic": {"$failed": "timeout"}}})
    assert made.content.topic == Failed(reason="timeout")
    assert Event.model_validate({"at": NOW, "content": {"$failed": "x"}}).content == Failed(
        reason="x"
    )


def test_history_rides_along() -> None:
    made = Event.model_validate(
        {"at": NOW, "$history": {"strikes": {"p.x": 1, "p.y": [NOW]}, "tallies": {"p.n": 2}}}
    )
    assert made.history_.strikes == {"p.x": 1, "p.y": [datetime(2024, 5, 1, 4, tzinfo=UTC)]}
    with pytest.raises(ValidationError):
        Event.model_validate({"at": NOW, "$history": {"strikes": {"p.x": -1}}})
    with pytest.raises(ValidationError):
        Event.model_validate({"at": NOW, "$history": {"strike": {}}})


def test_unknown_keys_are_ignored_forbidden_or_kept() -> None:
    given = {"at": NOW, "extra": 1, "content": {"lable": True}}
    assert not Event.model_validate(given).model_extra
    with pytest.raises(ValidationError, match="lable"):
        event_model(FIELDS, unknown="forbid").model_validate(given)
    kept: Any = event_model(FIELDS, unknown="allow").model_validate(given)
    assert kept.extra == 1
    assert kept.content.lable is True


def test_the_schema_has_types_and_labels_in_both_languages() -> None:
    topic = Event.model_json_schema()["$defs"]["EventContent"]["properties"]["topic"]
    assert topic["description"] == "话题 · topic (enum [news, other])"
    assert topic["x-label"] == {"zh": "话题", "en": "topic"}
    assert topic["x-labels"] == {"news": {"zh": "新闻", "en": "news"}}


def json_form(model: BaseModel) -> Any:
    return json.loads(model.model_dump_json(by_alias=True))


FEWER = settings(max_examples=max(10, settings().max_examples // 4))
"""Making a model takes as long as reading hundreds of events."""


@FEWER
@given(randoms)
def test_an_instance_means_what_the_event_means(random: Random) -> None:
    some = CorpusWriter(random, 1).corpus()
    model = event_model(some.fields)
    validator = jsonschema.Draft202012Validator(model.model_json_schema())
    reader = EventReader(some.slots, some.time_slot, some.ladders)
    for _ in range(3):
        raw = EventWriter(random, some).event()
        values = reader.read(raw)
        validator.validate(raw)
        made = model.model_validate(raw)
        assert reader.read(made) == values
        assert reader.read(model.model_validate_json(json.dumps(raw))) == values
        again = json_form(made)
        assert reader.read(again) == values
        validator.validate(again)


@FEWER
@given(randoms)
def test_what_a_model_accepts_the_engine_accepts(random: Random) -> None:
    some = CorpusWriter(random, 1).corpus()
    model = event_model(some.fields)
    reader = EventReader(some.slots, some.time_slot, some.ladders)
    for _ in range(3):
        raw = spoil(random, EventWriter(random, some).event(), some)
        try:
            made = model.model_validate(raw)
        except ValidationError:
            continue
        # The model says nothing of reserved names and of keys that are no texts: it drops them.
        assert reader.read(made)
