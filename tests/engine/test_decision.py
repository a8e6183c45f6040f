"""Decisions work out their parts when asked: nobody can tell, whatever is asked for and when."""

from __future__ import annotations

import copy
import json
import pickle  # noqa: TID251 - what users may do with a decision
import threading
from datetime import datetime, timedelta
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clausal.compiler.bundle import assemble
from clausal.compiler.emit import emit
from clausal.compiler.ir import Bilingual, Corpus
from clausal.compiler.pipeline import optimise
from clausal.engine.decision import Decision, Finding, Measure, Record
from clausal.engine.evaluator import Bundle
from clausal.engine.event import EventError
from tests.strategies.conditions import DAY
from tests.strategies.events import EventWriter
from tests.strategies.ir import CorpusWriter
from tests.support.corpora import (
    CLOSE,
    always,
    corpus,
    event,
    limit,
    measure,
    no_topic,
    rule,
    viral,
)

randoms = st.integers(0, 2**63).map(Random)
EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")

QUESTIONS = (*Decision.FIELDS, "effective", "to_json", "to_dict", "__hash__", "__repr__")


def bundle_of(some: Corpus) -> Bundle:
    return Bundle(assemble(some, emit(optimise(some)), ()))


RICH = bundle_of(
    corpus(
        rule("a", always, limit(0.5, 7), ladder=True),
        rule("b", no_topic, measure(CLOSE), shadow=True),
        rule("c", viral(1)),
    )
)


def ask(thing: Record, name: str) -> object:
    """An attribute, or what a method without arguments gives."""
    found = getattr(thing, name)
    if not callable(found):
        return found
    try:
        return found()
    except TypeError as error:  # what holds dictionaries has no hash
        return str(error)


def fields_of(thing: object) -> object:
    """All that a decision says, without its classes."""
    if isinstance(thing, Record):
        return {name: fields_of(getattr(thing, name)) for name in thing.FIELDS}
    if isinstance(thing, tuple):
        return [fields_of(one) for one in thing]
    return msgspec.to_builtins(thing, enc_hook=fields_of)


def some_decision(random: Random) -> tuple[Decision, Decision] | None:
    """One event decided twice."""
    some = CorpusWriter(random, 5).corpus()
    bundle = bundle_of(some)
    given_event = EventWriter(random, some).event()
    bounds = random.random() < 0.3
    later = timedelta(microseconds=random.choice([0, 0, 1, DAY, 400 * DAY]))
    try:
        acted = bundle.evaluate(given_event)
        at = datetime.fromisoformat(acted.acted_at) + later
        one, other = (bundle.evaluate(given_event, at=at, bounds=bounds) for _ in range(2))
    except EventError:
        return None
    return one, other


@given(randoms)
def test_the_order_of_asking_changes_nothing(random: Random) -> None:
    pair = some_decision(random)
    if pair is None:
        return
    one, other = pair
    plain = {name: ask(other, name) for name in QUESTIONS}
    for _ in range(2):
        for name in random.sample(QUESTIONS, len(QUESTIONS)):
            assert ask(one, name) == plain[name], name
            things: list[Finding | Measure] = [*one.findings, *one.measures]
            for thing in random.sample(things, min(2, len(things))):
                for field in random.sample(thing.FIELDS, 3):
                    ask(thing, field)
    assert one == other


@given(randoms)
def test_all_ways_to_read_a_decision_say_the_same(random: Random) -> None:
    pair = some_decision(random)
    if pair is None:
        return
    one, other = pair
    # The JSON first, before any part was asked for.
    data = one.to_json()
    assert data == msgspec.json.encode(fields_of(other))
    assert data == msgspec.json.encode(other.to_dict())
    assert json.loads(data) == json.loads(json.dumps(other.to_dict()))
    for again in (
        Decision.from_json(data),
        Decision.from_dict(json.loads(data)),
        copy.copy(one),
        copy.deepcopy(one),
        pickle.loads(pickle.dumps(one)),  # noqa: S301 - its own
    ):
        assert again == other
        assert again.to_json() == data
        assert repr(again) == repr(other)
    assert one.replace(bundle="x") != other
    assert one.replace(bundle="x").replace(bundle=one.bundle) == other


def test_parts_are_worked_out_once() -> None:
    decision = RICH.evaluate(event(topic=None))
    assert decision.findings is decision.findings
    assert decision.findings[0].reason is decision.findings[0].reason
    assert decision.measures[0].notice is decision.measures[0].notice
    assert decision.measures[0].arguments is decision.measures[0].arguments


def test_decisions_do_not_share_what_can_be_changed() -> None:
    given_event = event()
    decision = RICH.evaluate(given_event)
    decision.measures[0].arguments["cut"] = 1.0
    assert RICH.evaluate(given_event).measures[0].arguments == {"cut": 0.5}


def test_a_decision_is_of_the_event_as_it_was() -> None:
    given_event: dict[str, Any] = event(content__topic=None, content__declared=["health"])
    expected = RICH.evaluate(copy.deepcopy(given_event), bounds=True).to_json()
    decision = RICH.evaluate(given_event, bounds=True)
    given_event["content"]["declared"].append("finance")
    given_event["content"]["id"] = "other"
    given_event["account"].clear()
    del given_event["traffic"], given_event["time"]
    assert decision.to_json() == expected


def test_fields_cannot_be_set() -> None:
    decision = RICH.evaluate(event())
    for thing in (decision, decision.findings[0], decision.measures[0]):
        for name in thing.FIELDS:
            with pytest.raises(AttributeError):
                setattr(thing, name, None)
        with pytest.raises(AttributeError):
            thing.other = None  # type: ignore[union-attr]


def test_equality_is_of_fields_and_kinds() -> None:
    first, second = (RICH.evaluate(event()) for _ in range(2))
    assert first.findings == second.findings
    assert hash(first.findings[0]) == hash(second.findings[0])
    assert first.findings[0] != first.measures[0]
    assert first.findings[0] != first.findings[0].replace(reason=Bilingual("x", "y"))
    assert first.measures[0] != first.measures[0].replace(start="")
    with pytest.raises(TypeError):
        first.findings[0].replace(other=1)


@pytest.mark.parametrize("data", [b"[]", b"{}", b'{"event_id": 1}', b'{"bundle": null}'])
def test_what_is_no_decision_is_refused(data: bytes) -> None:
    with pytest.raises(msgspec.ValidationError):
        Decision.from_json(data)


def test_threads_may_share_a_decision() -> None:
    """Each sees whole parts, whoever worked them out."""
    lacking = event(content__topic=None, traffic__views=None)
    expected = RICH.evaluate(lacking, bounds=True)
    texts = {name: repr(ask(expected, name)) for name in QUESTIONS}
    wrong: list[str] = []

    def read(decision: Decision, barrier: threading.Barrier, seed: int) -> None:
        names = Random(seed).sample(QUESTIONS, len(QUESTIONS))
        barrier.wait()
        wrong.extend(name for name in names if repr(ask(decision, name)) != texts[name])

    for turn in range(20):
        decision, barrier = RICH.evaluate(lacking, bounds=True), threading.Barrier(4)
        threads = [
            threading.Thread(target=read, args=(decision, barrier, 4 * turn + number))
            for number in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert wrong == []
