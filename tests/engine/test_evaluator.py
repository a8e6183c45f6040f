"""`Bundle`: every way in, and what it refuses."""

from __future__ import annotations

import dataclasses
import gc
import json
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import pytest
from pydantic import BaseModel

import clausal
from clausal.compiler.bundle import BundleError, assemble, pack
from clausal.compiler.emit import emit
from clausal.compiler.ir import Comparison, Constant, Corpus, Param, ParamDef, Reading
from clausal.compiler.pipeline import optimise
from clausal.compiler.rebind import BindingError
from clausal.engine.decision import Decision
from clausal.engine.evaluator import Bundle
from clausal.engine.event import EventError, History
from tests.support.corpora import (
    ACT,
    LIMIT,
    STAGED,
    TWO_VERSIONS,
    at,
    corpus,
    decide,
    event,
    limit,
    measure,
    no_topic,
    not_labelled,
    rule,
    verified,
    version,
    viral,
)


def bundle_of(some: Corpus) -> Bundle:
    return Bundle(assemble(some, emit(optimise(some)), ()))


CORPUS = corpus(
    rule("a", not_labelled, limit(0.5, 7)),
    rule("b", viral(1e5), limit(0.3, 30), ladder=True),
    rule("c", verified, measure(LIMIT, 0.9, days=1)),
)
BUNDLE = bundle_of(CORPUS)
HISTORY = History(strikes={"fabrication": 1})
QUIET = event(content__labelled=True, traffic__views=1)


def expected(given: dict[str, object], history: History | None = None) -> Decision:
    return decide(CORPUS, given, history).replace(bundle=BUNDLE.digest)


# ── Ways in ──────────────────────────────────────────────────────────────────────────────────────


@dataclasses.dataclass
class Content:
    id: str
    labelled: bool


def test_every_way_in_gives_the_same_decision() -> None:
    given = event()
    decision = expected(given, HISTORY)
    assert decision.measures
    carrying = {**given, "$history": {"strikes": {"p.fabrication": 1}}}
    text = json.dumps(carrying, ensure_ascii=False)
    for got in (
        BUNDLE.evaluate(given, history=HISTORY),
        BUNDLE.evaluate(given, history={"strikes": {"fabrication": 1}}),
        BUNDLE.evaluate(carrying),
        BUNDLE.evaluate(BUNDLE.event_model.model_validate(carrying)),
        BUNDLE.evaluate(BUNDLE.event_model.model_validate(given), history=HISTORY),
        BUNDLE.evaluate_json(text),
        BUNDLE.evaluate_json(text.encode()),
        BUNDLE.evaluate_json(bytearray(text.encode())),
        BUNDLE.evaluate_json(json.dumps(given), history=HISTORY),
        *BUNDLE.evaluate_many([carrying, text, text.encode()]),
        BUNDLE.explain(given, history=HISTORY).decision,
    ):
        assert got == decision


def test_objects_within_an_event_may_be_models_and_dataclasses() -> None:
    class Account(BaseModel):
        id: str
        verified: bool

    mixed = {
        **event(),
        "account": Account(id="a1", verified=False),
        "content": Content("c1", labelled=False),
    }
    assert BUNDLE.evaluate(mixed) == expected(event())


def test_an_event_that_satisfies_no_rule() -> None:
    assert BUNDLE.evaluate(QUIET) == Decision(
        event_id=None, acted_at=ACT, decided_at=ACT, bundle=BUNDLE.digest
    )


def test_a_decision_keeps_of_the_event_what_it_needs() -> None:
    name = "c-" + str(object())
    before = sys.getrefcount(name)
    quiet = BUNDLE.evaluate(event(content__id=name, content__labelled=True, traffic__views=1))
    assert quiet == expected(QUIET)
    assert sys.getrefcount(name) == before
    telling = BUNDLE.evaluate(event(content__id=name))
    assert sys.getrefcount(name) == before + 1
    # Nothing leads from it back to it, so that the collector has no work with it.
    assert not gc.is_tracked(telling)
    del telling
    assert sys.getrefcount(name) == before


def test_bounds_are_given_on_request() -> None:
    lacking = event(traffic__views=None)
    assert BUNDLE.evaluate(lacking).bounds is None
    bounds = BUNDLE.evaluate(lacking, bounds=True).bounds
    assert bounds is not None
    assert bounds.fetch_next == "traffic.views"
    assert BUNDLE.evaluate(QUIET, bounds=True).bounds is not None
    many = list(BUNDLE.evaluate_many([lacking], bounds=True))
    assert many[0].bounds == bounds


def test_what_is_fetched_next_may_be_what_a_rule_says_is_missing() -> None:
    bundle = bundle_of(corpus(rule("a", no_topic, limit(0.5, 1))))
    bounds = bundle.evaluate(event(content__topic=None), bounds=True).bounds
    assert bounds is not None
    assert (bounds.lightest, bounds.fetch_next) == ((), "content.topic")


# ── Instants ─────────────────────────────────────────────────────────────────────────────────────

LATER = "2024-04-11T12:00:00+08:00"


@pytest.mark.parametrize(
    "instant",
    [
        LATER,
        "2024-04-11T04:00:00Z",
        datetime(2024, 4, 11, 4, tzinfo=UTC),
        datetime(2024, 4, 11, 12, tzinfo=timezone(timedelta(hours=8))),
    ],
)
def test_the_instant_of_the_decision(instant: str | datetime) -> None:
    decision = BUNDLE.evaluate(event(), at=instant)
    assert (decision.acted_at, decision.decided_at) == (ACT, LATER)
    assert {one.start for one in decision.measures} == {LATER}
    assert BUNDLE.evaluate(QUIET, at=instant).decided_at == LATER


@pytest.mark.parametrize(
    ("instant", "message"),
    [
        (datetime(2024, 4, 11), "a datetime without a time zone"),  # noqa: DTZ001 - the case
        ("2024-04-11T12:00:00", "with an offset"),
        ("yesterday", "expected an instant"),
    ],
)
def test_an_instant_without_an_offset_is_refused(instant: str | datetime, message: str) -> None:
    with pytest.raises(ValueError, match=f"`at`: .*{message}"):
        BUNDLE.evaluate(event(), at=instant)
    with pytest.raises(ValueError, match=message):
        list(BUNDLE.evaluate_many([], at=instant))
    with pytest.raises(ValueError, match=message):
        BUNDLE.in_force(instant)


def test_a_decision_before_its_act_is_refused() -> None:
    with pytest.raises(EventError) as caught:
        BUNDLE.evaluate(event(), at="2024-04-10T11:59:59.999999+08:00")
    assert str(caught.value) == (
        "`time`: expected an act at or before the decision, 2024-04-10T03:59:59.999999+00:00, got "
        "one at 2024-04-10T04:00:00+00:00"
    )
    assert BUNDLE.evaluate(event(), at=ACT).decided_at == ACT


def test_an_act_whose_instant_failed_is_refused() -> None:
    with pytest.raises(EventError, match="the instant of the act, got one that failed"):
        BUNDLE.evaluate(event(time={"$failed": "no clock"}))


def test_versions_side_by_side() -> None:
    both = bundle_of(
        corpus(
            rule("a", not_labelled, limit(0.9, 9)),
            rule("a", not_labelled, limit(0.3, 1), version=1),
            versions=TWO_VERSIONS,
        )
    )
    first = both.evaluate(event())
    replayed = both.evaluate(event(), at="2024-05-10T12:00:00+08:00")
    second = both.evaluate(event(time="2024-05-10T12:00:00+08:00"))
    assert [d.findings[0].version for d in (first, replayed, second)] == ["1.0.0", "2.0.0", "2.0.0"]
    assert both.evaluate(event(time="2024-06-01T00:00:00+08:00")).findings == ()


def test_what_is_in_force() -> None:
    both = bundle_of(corpus(versions=(*TWO_VERSIONS, version("q", "1.0.0", at(ACT), None))))
    names = [
        [f"{v.policy} {v.version}" for v in both.in_force(instant)]
        for instant in ("2024-03-31T23:59:59+08:00", ACT, "2024-05-01T00:00:00+08:00")
    ]
    assert names == [[], ["p 1.0.0", "q 1.0.0"], ["p 2.0.0", "q 1.0.0"]]
    assert [v.policy for v in both.in_force(datetime(2030, 1, 1, tzinfo=UTC))] == ["q"]


# ── Events that cannot be decided ────────────────────────────────────────────────────────────────


def test_all_problems_of_an_event_are_told_at_once() -> None:
    bad = event(content__labelled="no", traffic__views=True, time="now")
    with pytest.raises(EventError) as caught:
        BUNDLE.evaluate(bad)
    assert [problem.path for problem in caught.value.problems] == [
        "content.labelled",
        "time",
        "traffic.views",
    ]


@pytest.mark.parametrize("bad", [None, 3, [], "text", b"{", b'{"a":1,"a":2}', b"\xff", [("a", 1)]])
def test_what_is_no_event_is_refused(bad: object) -> None:
    with pytest.raises(EventError):
        list(BUNDLE.evaluate_many([bad]))  # type: ignore[list-item] # that is the point


def test_errors_keep_their_place_among_many_events() -> None:
    results = list(BUNDLE.evaluate_many([event(), {}, b"[", QUIET], errors="yield"))
    assert [type(result) for result in results] == [Decision, EventError, EventError, Decision]


def test_many_events_are_decided_as_they_are_asked_for() -> None:
    taken: list[int] = []

    def events() -> Iterator[dict[str, object]]:
        for number in range(3):
            taken.append(number)
            yield event()

    decisions = BUNDLE.evaluate_many(events())
    assert taken == []
    next(decisions)
    assert taken == [0]


def test_history_in_two_places_is_refused() -> None:
    twice = {**event(), "$history": {"strikes": {"fabrication": 1}}}
    with pytest.raises(EventError):
        BUNDLE.evaluate(twice, history=HISTORY)


def test_unknown_keys_are_ignored_and_can_be_asked_for() -> None:
    typo = event(content__lable=True, extra=1)
    assert BUNDLE.evaluate(typo) == BUNDLE.evaluate(event())
    assert BUNDLE.unknown_keys(typo) == ("content.lable", "extra")


# ── Params ───────────────────────────────────────────────────────────────────────────────────────

PARAMS = (
    ParamDef("p.cut", "share", 0.5, 0.1, 0.9),
    ParamDef("p.cutoff", "share", 0.95, 0.5, 0.99),
    ParamDef("p.since", "date", 0.0),
    ParamDef("p.wait", "duration", 0.0),
)
BINDING = corpus(
    rule(
        "a",
        Comparison(">=", Reading(STAGED), Param(1)),
        measure(LIMIT, Constant(0.5, Param(0)), days=1, target="content"),
    ),
    params=PARAMS,
)


def test_params_are_bound_anew_without_compiling() -> None:
    bundle = bundle_of(BINDING)
    assert bundle.evaluate(event()).findings == ()
    lower = bundle.rebind(cutoff=0.9, **{"p.cut": 0.8})
    assert [m.arguments["cut"] for m in lower.evaluate(event()).measures] == [0.8]
    assert bundle.evaluate(event()).findings == ()
    assert lower.digest != bundle.digest
    assert lower.rebind(cutoff=0.95, cut=0.5).digest == bundle.digest
    assert lower.evaluate(event()).bundle == lower.digest


def test_params_may_be_given_as_python_values() -> None:
    bundle = bundle_of(BINDING).rebind(wait=timedelta(hours=1), since=date(1970, 1, 11))
    values = {param.name: param.value for param in bundle.artifact.corpus.params}
    assert values["p.wait"] == 3.6e9
    assert values["p.since"] == 10.0


@pytest.mark.parametrize(
    "params",
    [{"cutoff": 1.5}, {"nothing": 1.0}, {"since": datetime(2024, 1, 1)}],  # noqa: DTZ001
)
def test_params_that_cannot_be_bound(params: dict[str, float]) -> None:
    with pytest.raises(BindingError):
        bundle_of(BINDING).rebind(**params)


# ── The bundle ───────────────────────────────────────────────────────────────────────────────────


def test_a_bundle_names_itself() -> None:
    assert BUNDLE.digest == BUNDLE.artifact.digest
    assert repr(BUNDLE) == f"<Bundle {BUNDLE.digest[:19]} of 3 rules>"


def test_a_bundle_is_loaded_from_bytes_and_from_files(tmp_path: Path) -> None:
    data = pack(BUNDLE.artifact)
    file = tmp_path / "policies.clausal"
    file.write_bytes(data)
    for loaded in (clausal.load(data), clausal.load(file), clausal.load(str(file))):
        assert loaded.evaluate(event(), history=HISTORY) == expected(event(), HISTORY)
    with pytest.raises(BundleError):
        clausal.load(data[:-1])


def test_a_bundle_is_saved_as_it_is_loaded(tmp_path: Path) -> None:
    file = tmp_path / "saved.clausal"
    BUNDLE.save(file)
    assert file.read_bytes() == BUNDLE.to_bytes() == pack(BUNDLE.artifact)
    assert clausal.load(file).digest == BUNDLE.digest


def test_the_facade_has_what_it_says() -> None:
    for name in clausal.__all__:
        assert getattr(clausal, name) is not None
        assert name in dir(clausal)
    with pytest.raises(AttributeError, match="no attribute `nothing`"):
        clausal.nothing  # noqa: B018 - that is the point


def test_threads_share_a_bundle() -> None:
    bundle = bundle_of(CORPUS)
    events = [
        event(traffic__views=views, content__labelled=labelled, account__id=f"a{views}")
        for views in (None, 1, 10**6)
        for labelled in (None, True, False)
    ]
    alone = [bundle_of(CORPUS).evaluate(one, history=HISTORY, bounds=True) for one in events]
    wrong: list[Decision] = []
    ready = threading.Barrier(8)

    def work() -> None:
        ready.wait()
        for _ in range(30):
            for given, decision in zip(events, alone, strict=True):
                got = bundle.evaluate(given, history=HISTORY, bounds=True)
                if got != decision:
                    wrong.append(got)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
