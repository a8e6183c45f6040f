"""Events in every form in which Python code has them, and the keys that nothing declares."""

from __future__ import annotations

import dataclasses
import enum
import functools
from collections import ChainMap, OrderedDict, UserDict, defaultdict
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from types import MappingProxyType
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict, Field

from clausal.compiler.ir import SchemaField, Slot
from clausal.compiler.types import Enum, EnumValue, MapOf, Scalar, SetOf
from clausal.engine.event import ABSENT, FAILED, EventError, EventReader, KnownFields
from tests.support.tables import core_of, corpus_of

KIND = Enum((EnumValue("person"), EnumValue("newsroom")))
SLOTS = [
    Slot(("account", "age"), Scalar("duration")),
    Slot(("account", "born"), Scalar("date")),
    Slot(("account", "kind"), KIND),
    Slot(("account", "tags"), SetOf(KIND)),
    Slot(("content", "score", "ai-生成"), Scalar("share")),
    Slot(("content", "title"), Scalar("text")),
]
CORPUS = corpus_of(SLOTS)
CORE = core_of(CORPUS)
READER = EventReader(CORPUS.slots, CORPUS.time_slot)

PLAIN: dict[str, Any] = {
    "time": "2024-05-01T12:00:00Z",
    "account": {"age": 3600, "born": "2000-01-31", "kind": "person", "tags": ["newsroom"]},
    "content": {"score": {"ai-生成": 0.5}, "title": "刚刚"},
}


class Kind(enum.Enum):
    PERSON = "person"
    NEWSROOM = "newsroom"


class Account(BaseModel):
    age: timedelta | None = None
    born: date | None = None
    kind: Kind | None = None
    tags: frozenset[Kind] = frozenset()


class Score(BaseModel):
    ai: float = Field(alias="ai-生成")


class Content(BaseModel):
    model_config = ConfigDict(extra="allow")

    score: Score | dict[str, str] | None = None


class Event(BaseModel):
    time: datetime
    account: Account
    content: Content


@dataclasses.dataclass(frozen=True, slots=True)
class AccountData:
    age: timedelta
    born: date
    kind: Kind
    tags: tuple[Kind, ...]


@dataclasses.dataclass
class EventData:
    time: datetime
    account: AccountData
    content: Mapping[str, object]


WHEN = datetime(2024, 5, 1, 12, tzinfo=UTC)
HOUR, BORN = timedelta(hours=1), date(2000, 1, 31)

FORMS: dict[str, object] = {
    "dict": PLAIN,
    "OrderedDict": OrderedDict(PLAIN),
    "defaultdict": defaultdict(dict, PLAIN),
    "MappingProxyType": MappingProxyType(PLAIN),
    "UserDict": UserDict(PLAIN),
    "ChainMap": ChainMap({"time": PLAIN["time"]}, PLAIN),
    "mapping inside": PLAIN | {"content": MappingProxyType(PLAIN["content"])},
    "model": Event(
        time=WHEN,
        account=Account(age=HOUR, born=BORN, kind=Kind.PERSON, tags=frozenset({Kind.NEWSROOM})),
        content=Content(score=Score(**{"ai-生成": 0.5}), title="刚刚"),  # type: ignore[call-arg] # an extra
    ),
    "validated model": Event.model_validate(PLAIN),
    "dataclass": EventData(
        WHEN,
        AccountData(HOUR, BORN, Kind.PERSON, (Kind.NEWSROOM,)),
        {"score": Score(**{"ai-生成": 0.5}), "title": "刚刚"},
    ),
    "model in a dictionary": PLAIN | {"account": Account.model_validate(PLAIN["account"])},
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_an_event_is_the_same_event(form: str) -> None:
    expected = READER.read(PLAIN)
    assert READER.read(FORMS[form]) == expected
    values = CORE.read(FORMS[form])
    assert [values.value(slot) for slot in range(len(CORPUS.slots))] == expected


class Derived(BaseModel):
    """Members that are not where others are: cached, computed, given by the class."""

    title: str | None = None

    @functools.cached_property
    def score(self) -> dict[str, float]:
        return {"ai-生成": 0.5}


class Told(BaseModel):
    title: str | None = None

    def __getattribute__(self, name: str) -> Any:
        return "told" if name == "title" else super().__getattribute__(name)


class Renamed(BaseModel):
    title: Any = Field(serialization_alias="score")
    body: str = Field(serialization_alias="title")


class Twice(BaseModel):
    first: str | None = Field(serialization_alias="title")
    second: str | None = Field(serialization_alias="title")


class Reserved(BaseModel):
    title: str = "x"
    reason: str = Field(serialization_alias="$failed")


class Alone(BaseModel):
    reason: str = Field(serialization_alias="$failed")


class Carrier(BaseModel):
    title: str = "x"
    past: Any = Field(default=None, serialization_alias="$history")


@dataclasses.dataclass
class Data:
    title: str | None = "of the class"


class Both(Data, UserDict[str, object]):
    def __init__(self) -> None:
        UserDict.__init__(self, {"title": "of the mapping"})


def without_its_own() -> Data:
    made = Data()
    del made.title
    return made


def with_a_score() -> Derived:
    made = Derived(title="x")
    assert made.score
    return made


@pytest.mark.parametrize(
    "content",
    [
        with_a_score(),
        Told(),
        Renamed.model_construct(title="5", body="x"),
        Renamed.model_construct(title={"ai-生成": 0.25}, body="x"),
        Twice.model_construct(first="x", second=None),
        Reserved(reason="gone"),
        Alone(reason="gone"),
        Carrier(),
        Carrier(past={}),
        without_its_own(),
        Data(None),
        Data("x"),
        Data(5),  # type: ignore[arg-type] # the reader sees it
        Both(),
    ],
    ids=lambda content: type(content).__name__,
)
def test_objects_of_every_class_mean_what_the_plain_reader_reads(content: object) -> None:
    account: Any = PLAIN["account"]
    within: Any = content
    for event in (PLAIN | {"content": content}, EventData(WHEN, account, within)):
        for _ in range(2):
            assert outcome(by_core, event) == outcome(READER.read, event)


def by_core(event: object) -> list[object]:
    values = CORE.read(event)
    return [values.value(slot) for slot in range(len(CORPUS.slots))]


def outcome(read: Callable[[object], object], event: object) -> object:
    try:
        return read(event)
    except EventError as error:
        return error.problems


@pytest.mark.parametrize("past", [None, {}, {"strikes": {}}, 5, FAILED, ABSENT])
def test_a_history_rides_on_models(past: object) -> None:
    class Root(BaseModel):
        time: str = "2024-05-01T12:00:00Z"
        past: Any = Field(default=None, serialization_alias="$history")

    event = Root.model_construct(past=past)
    assert outcome(by_core, event) == outcome(READER.read, event)


def test_a_model_can_say_that_a_signal_failed() -> None:
    event = Event(time=WHEN, account=Account(), content=Content(score={"$failed": "timeout"}))
    values = CORE.read(event)
    assert [values.value(slot) for slot in (1, 5, 6)] == [ABSENT, FAILED, ABSENT]
    assert READER.read(event)[5] is FAILED


def test_failures_and_absences_of_python_code_stand_for_themselves() -> None:
    event: dict[str, Any] = {"account": FAILED, "content": {"title": FAILED, "score": ABSENT}}
    values = CORE.read(event)
    found = [values.value(slot) for slot in range(1, 7)]
    assert found == [FAILED, FAILED, FAILED, FAILED, ABSENT, FAILED]
    assert READER.read(event)[1:] == found


def test_a_class_is_no_object() -> None:
    for event in (Event, EventData, {"account": Account}):
        with pytest.raises(EventError, match="got a value of type"):
            CORE.read(event)


FIELDS = [
    SchemaField(("time",), Scalar("instant")),
    SchemaField(("content", "id"), Scalar("string")),
    SchemaField(("content", "score"), MapOf(Scalar("share"))),
    SchemaField(("content", "source", "labelled"), Scalar("bool")),
]


@pytest.mark.parametrize(
    ("event", "unknown"),
    [
        ({}, ()),
        ({"time": 1, "content": {"id": 2, "source": {"labelled": 3}}, "$history": {"x": 1}}, ()),
        ({"content": {"score": {"anything": {"at": "all"}}}}, ()),
        (
            {"tiem": 1, "content": {"Id": 1, "source": {"label": 1, "a b": 2}}, "a": {"b": 1}},
            ("a", "content.Id", "content.source.label", 'content.source["a b"]', "tiem"),
        ),
        ({"content": {"id": {"x": 1}, "source": 5}, 3: 4, "\x1b": 1}, ("<U+001B>",)),
        (Event(time=WHEN, account=Account(), content=Content()), ("account",)),
        ([1], ()),
    ],
)
def test_unknown_keys(event: object, unknown: tuple[str, ...]) -> None:
    assert KnownFields(FIELDS).unknown_keys(event) == unknown
