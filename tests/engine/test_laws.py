"""The laws of the language, as far as they are about decisions, each a property of random corpora.

`tests/engine/test_join_laws.py` holds the laws of the join alone; here whole decisions are made.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from random import Random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clausal.compiler.bundle import assemble
from clausal.compiler.emit import emit
from clausal.compiler.ir import (
    ALWAYS,
    NEVER,
    Absent,
    All,
    Any,
    Condition,
    Corpus,
    Negation,
    RuleDef,
)
from clausal.compiler.pipeline import optimise
from clausal.compiler.types import MICROSECONDS, Scalar
from clausal.engine.consequences import Consequences, Matches
from clausal.engine.decide import in_force
from clausal.engine.decision import Decision, Measure
from clausal.engine.evaluator import Bundle
from clausal.engine.event import EventError, EventReader
from clausal.engine.join import Algebra
from clausal.engine.reference import Evaluation
from clausal.engine.segments import FOREVER, Segment, Value, split
from clausal.engine.values import ABSENT, FAILED, Missing
from clausal.engine.values import Value as SlotValue
from tests.strategies.conditions import DAY
from tests.strategies.events import EventWriter
from tests.strategies.ir import CorpusWriter
from tests.support.corpora import decision_of

Values = Sequence[SlotValue | Missing]

# From a seed rather than Hypothesis' own generator: a failing example shrinks less, and far more of
# them can be tried.
randoms = st.integers(0, 2**63).map(Random)

EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


def event_values(random: Random, corpus: Corpus) -> list[SlotValue | Missing]:
    """The values of an event; no subject has less than no strike."""
    return [
        abs(value) if slot.source == "strikes" and isinstance(value, float) else value
        for slot, value in zip(corpus.slots, EventWriter(random, corpus).values(), strict=True)
    ]


def write(random: Random, rules: int = 3) -> tuple[Corpus, Values]:
    """A corpus, and the values of an event of a time when some version of it is in force."""
    corpus = CorpusWriter(random, rules).corpus()
    values = event_values(random, corpus)
    if random.random() < 0.8:
        version = random.choice(corpus.versions)
        last = version.end - 1 if version.end is not None else version.start + 10 * DAY
        values[corpus.time_slot] = float(random.choice([version.start, last]))
    return corpus, values


def later_than(random: Random, corpus: Corpus, acted_at: int) -> int:
    """An instant after an act, most often one when other versions are in force."""
    changes = [version.start for version in corpus.versions if version.start > acted_at]
    return random.choice([*changes, *changes, acted_at + DAY])


# ── Decisions by the plain meaning ───────────────────────────────────────────────────────────────


def matches(corpus: Corpus, values: Values, instant: int, *, blind: bool = False) -> Matches:
    """What the rules in force say; absent values may be taken for unknown ones."""
    known = [FAILED if blind and value is ABSENT else value for value in values]
    evaluation = Evaluation(corpus, known)
    fired: list[int] = []
    undetermined: dict[int, frozenset[int]] = {}
    for index, rule in enumerate(corpus.rules):
        version = corpus.versions[rule.version]
        if version.start <= instant and (version.end is None or instant < version.end):
            condition = All((rule.when, Negation(rule.unless)))
            verdict = evaluation.verdict(condition)
            if verdict:
                fired.append(index)
            elif verdict is None:
                undetermined[index] = evaluation.lacking(condition)
    return Matches(fired, list(undetermined), undetermined.__getitem__)


def act_of(corpus: Corpus, values: Values) -> int:
    acted_at = values[corpus.time_slot]
    assert isinstance(acted_at, float)
    return int(acted_at)


def decide(
    corpus: Corpus, values: Values, decided_at: int | None = None, *, bounds: bool = False
) -> Decision:
    acted_at = act_of(corpus, values)
    now = acted_at if decided_at is None else decided_at
    later = matches(corpus, values, now)
    blind = (
        matches(corpus, values, acted_at, blind=True),
        matches(corpus, values, now, blind=True),
    )
    act = matches(corpus, values, acted_at)
    return decision_of(corpus, values, acted_at, now, act, later, blind if bounds else None)


def instant(text: str) -> int:
    return (datetime.fromisoformat(text) - EPOCH) // timedelta(microseconds=1)


def segments(corpus: Corpus, measures: Iterable[Measure]) -> frozenset[Segment]:
    """Measures taken apart, read from what a decision says; targets by their kind alone."""
    algebra = Algebra(corpus.sanctions)
    names = [sanction.name for sanction in corpus.sanctions]
    found: set[Segment] = set()
    for measure in measures:
        index = names.index(measure.sanction)
        arguments: list[Value] = []
        for param in corpus.sanctions[index].params:
            value = measure.arguments.get(param.name)
            if param.type == Scalar("duration") and isinstance(value, float):
                value = value * MICROSECONDS
            arguments.append(value)
        found.update(
            split(
                algebra.shapes[index],
                arguments,
                measure.until_fixed,
                mode=measure.mode,
                sanction=index,
                target=msgspec.structs.replace(measure.target, id=None),
                start=instant(measure.start),
                end=FOREVER if measure.end is None else instant(measure.end),
                interim=measure.interim,
                review=measure.review,
            )
        )
    return frozenset(found)


def at_most(corpus: Corpus, lighter: Iterable[Measure], heavier: Iterable[Measure]) -> bool:
    return Algebra(corpus.sanctions).at_most(segments(corpus, lighter), segments(corpus, heavier))


def enforced(decision: Decision) -> list[Measure]:
    return [measure for measure in decision.measures if measure.mode == "enforced"]


# ── 1 Order never matters ────────────────────────────────────────────────────────────────────────


def shuffled(random: Random, condition: Condition) -> Condition:
    match condition:
        case All(items=items) | Any(items=items):
            mixed = [shuffled(random, item) for item in items]
            random.shuffle(mixed)
            return type(condition)(tuple(mixed))
        case Negation(item=item):
            return Negation(shuffled(random, item))
        case _:
            return condition


def shuffled_rule(random: Random, rule: RuleDef) -> RuleDef:
    return msgspec.structs.replace(
        rule,
        when=shuffled(random, rule.when),
        unless=shuffled(random, rule.unless),
        measures=tuple(random.sample(rule.measures, len(rule.measures))),
    )


@given(randoms)
def test_order_never_matters(random: Random) -> None:
    """Neither of conditions, nor of measures, nor of the rules that fired."""
    corpus, values = write(random)
    mixed = msgspec.structs.replace(
        corpus, rules=tuple(shuffled_rule(random, rule) for rule in corpus.rules)
    )
    acted_at = act_of(corpus, values)
    ordered = matches(mixed, values, acted_at)
    any_order = Matches(
        random.sample(ordered.fired, len(ordered.fired)),
        random.sample(ordered.undetermined, len(ordered.undetermined)),
        ordered.lacking,
    )
    assert decision_of(mixed, values, acted_at, acted_at, any_order) == decide(corpus, values)


@given(randoms)
def test_a_rule_less_never_makes_an_outcome_heavier(random: Random) -> None:
    """And so a rule more never makes it lighter."""
    corpus, values = write(random, rules=5)
    decision = decide(corpus, values)
    if not decision.findings:
        return
    dropped = random.choice(matches(corpus, values, act_of(corpus, values)).fired)
    silent = msgspec.structs.replace(corpus.rules[dropped], when=NEVER)
    fewer = decide(
        msgspec.structs.replace(
            corpus,
            rules=(*corpus.rules[:dropped], silent, *corpus.rules[dropped + 1 :]),
        ),
        values,
    )
    # A measure that lasts until rules are silent names fewer of them, which is no other measure.
    assert at_most(corpus, fewer.effective, decision.effective)
    assert segments(corpus, fewer.measures) <= segments(corpus, decision.measures)


@given(randoms)
def test_what_yields_stays_in_the_record(random: Random) -> None:
    corpus, values = write(random, rules=6)
    decision = decide(corpus, values)
    for measure in decision.measures:
        if measure.yields_to is not None:
            heavier = decision.measures[measure.yields_to]
            assert heavier.yields_to is None
            assert heavier.mode == measure.mode
            assert at_most(corpus, [measure], [heavier])
    everything = segments(corpus, decision.measures)
    assert Algebra(corpus.sanctions).join(everything) == segments(
        corpus, [m for m in decision.measures if m.yields_to is None]
    )


# ── 2 Missing is never evidence ──────────────────────────────────────────────────────────────────


def without_is_missing(condition: Condition) -> Condition:
    match condition:
        case Absent():
            return ALWAYS
        case All(items=items) | Any(items=items):
            return type(condition)(tuple(without_is_missing(item) for item in items))
        case Negation(item=item):
            return Negation(without_is_missing(item))
        case _:
            return condition


@given(randoms)
def test_taking_a_field_away_never_makes_a_rule_fire(random: Random) -> None:
    corpus, values = write(random)
    corpus = msgspec.structs.replace(
        corpus,
        rules=tuple(
            msgspec.structs.replace(
                rule, when=without_is_missing(rule.when), unless=without_is_missing(rule.unless)
            )
            for rule in corpus.rules
        ),
    )
    poorer = [
        random.choice([value, ABSENT, FAILED]) if slot != corpus.time_slot else value
        for slot, value in enumerate(values)
    ]
    names = {(f.version, f.rule) for f in decide(corpus, values).findings}
    assert {(f.version, f.rule) for f in decide(corpus, poorer).findings} <= names


@given(randoms)
def test_an_undetermined_rule_is_reported_with_what_it_lacked(random: Random) -> None:
    corpus, values = write(random)
    decision = decide(corpus, values)
    why = {
        slot.name: value.value
        for slot, value in zip(corpus.slots, values, strict=True)
        if isinstance(value, Missing)
    }
    found = {(f.policy, f.version, f.rule) for f in decision.findings}
    for undetermined in decision.undetermined:
        assert (undetermined.policy, undetermined.version, undetermined.rule) not in found
        assert {lack.field: lack.cause for lack in undetermined.lacks}.items() <= why.items()
        assert list(undetermined.lacks) == sorted(undetermined.lacks, key=lambda one: one.field)


def completed(random: Random, corpus: Corpus, values: Values) -> Values:
    """The event with a value for everything that was missing."""
    full = list(values)
    while any(isinstance(value, Missing) for value in full):
        more = event_values(random, corpus)
        full = [
            new if isinstance(old, Missing) else old for old, new in zip(full, more, strict=True)
        ]
    return full


@given(randoms, st.booleans())
def test_the_bounds_hold_whatever_the_missing_values_are(random: Random, late: bool) -> None:
    corpus, values = write(random, rules=5)
    acted_at = act_of(corpus, values)
    decided_at = later_than(random, corpus, acted_at) if late else acted_at
    decision = decide(corpus, values, decided_at, bounds=True)
    bounds = decision.bounds
    assert bounds is not None
    full = completed(random, corpus, values)
    for outcome in (decision, decide(corpus, full, decided_at)):
        assert at_most(corpus, bounds.lightest, outcome.effective)
        assert at_most(corpus, outcome.effective, bounds.heaviest)


@given(randoms)
def test_with_nothing_missing_nothing_need_be_fetched(random: Random) -> None:
    corpus, values = write(random)
    decision = decide(corpus, completed(random, corpus, values), bounds=True)
    assert decision.bounds is not None
    assert decision.bounds.fetch_next is None


@given(randoms)
def test_what_to_fetch_is_missing(random: Random) -> None:
    corpus, values = write(random)
    decision = decide(corpus, values, bounds=True)
    assert decision.bounds is not None
    missing = {
        slot.name
        for slot, value in zip(corpus.slots, values, strict=True)
        if isinstance(value, Missing)
    }
    assert decision.bounds.fetch_next is None or decision.bounds.fetch_next in missing


def test_failed_and_absent_are_told_apart() -> None:
    """`is missing` is true of what is absent, and unknown of what failed."""
    evaluation = [Evaluation(EMPTY, [why]).verdict(Absent(0)) for why in (ABSENT, FAILED)]
    assert evaluation == [True, None]


EMPTY = Corpus((), 0, None, (), (), (), (), (), (), (), (), (), (), ())


# ── 3 The compiled program equals the plain meaning ─────────────────────────────────────────────


@given(randoms, st.booleans(), st.booleans())
def test_the_compiled_program_decides_as_the_plain_meaning_does(
    random: Random, late: bool, bounds: bool
) -> None:
    """Whole decisions, reasons and notices and all."""
    corpus = CorpusWriter(random, 4).corpus()
    bundle = Bundle(assemble(corpus, emit(optimise(corpus)), ()))
    for _ in range(3):
        event = EventWriter(random, corpus).event()
        try:
            values = EventReader(corpus.slots, corpus.time_slot, corpus.ladders).read(event)
        except EventError:
            with pytest.raises(EventError):
                bundle.evaluate(event)
            continue
        acted_at = act_of(corpus, values)
        decided_at = later_than(random, corpus, acted_at) if late else acted_at
        plain = decide(corpus, values, decided_at, bounds=bounds)
        at = EPOCH + timedelta(microseconds=decided_at)
        decided = bundle.evaluate(event, at=at, bounds=bounds)
        assert decided == plain.replace(bundle=bundle.digest)
        text = json.dumps(event)
        assert bundle.evaluate_json(text, at=at, bounds=bounds) == decided
        assert bundle.explain(event, at=at, bounds=bounds).decision == decided


# ── 4 Every measure has its reason ───────────────────────────────────────────────────────────────


@given(randoms)
def test_every_measure_has_its_reason(random: Random) -> None:
    corpus, values = write(random, rules=5)
    decision = decide(corpus, values)
    for measure in decision.measures:
        assert measure.findings
        for index in measure.findings:
            finding = decision.findings[index]
            assert finding.mode == measure.mode
            assert finding.policy
            assert finding.version
            assert finding.clauses
    for standing in decision.ladders:
        assert standing.findings


# ── 5 What cannot be undone waits for a person ───────────────────────────────────────────────────


@given(randoms)
def test_what_cannot_be_undone_waits_for_a_person(random: Random) -> None:
    """Even if a bundle says otherwise."""
    corpus, values = write(random, rules=5)
    careless = msgspec.structs.replace(
        corpus,
        sanctions=tuple(msgspec.structs.replace(s, review=0) for s in corpus.sanctions),
        rules=tuple(
            msgspec.structs.replace(
                rule,
                when=ALWAYS,
                unless=NEVER,
                measures=tuple(msgspec.structs.replace(m, review=0) for m in rule.measures),
            )
            for rule in corpus.rules
        ),
    )
    for measure in decide(careless, values).measures:
        assert measure.review > 0 or not measure.permanent


# ── 6 In force means in force ────────────────────────────────────────────────────────────────────


def versions_at(corpus: Corpus, at: int) -> set[tuple[str, str]]:
    return {
        (version.policy, version.version)
        for version in corpus.versions
        if version.start <= at and (version.end is None or at < version.end)
    }


@given(randoms)
def test_only_versions_in_force_at_the_act_decide(random: Random) -> None:
    corpus, values = write(random)
    decision = decide(corpus, values)
    allowed = versions_at(corpus, act_of(corpus, values))
    assert {(one.policy, one.version) for one in decision.findings} <= allowed
    assert {(one.policy, one.version) for one in decision.undetermined} <= allowed


@given(randoms)
def test_a_later_version_applies_only_where_it_is_milder(random: Random) -> None:
    corpus, values = write(random, rules=5)
    acted_at = act_of(corpus, values)
    decided_at = later_than(random, corpus, acted_at)
    decision = decide(corpus, values, decided_at)
    said = matches(corpus, values, acted_at)
    by_the_act = decision_of(corpus, values, acted_at, decided_at, said)
    assert at_most(corpus, enforced(decision), enforced(by_the_act))
    act, later = versions_at(corpus, acted_at), versions_at(corpus, decided_at)
    policies = {policy for policy, _ in act}
    for finding in decision.findings:
        assert finding.policy in policies
        assert (finding.policy, finding.version) in act | later


@given(randoms)
def test_the_instant_of_the_decision_moves_measures_and_changes_nothing_else(
    random: Random,
) -> None:
    corpus, values = write(random)
    acted_at = act_of(corpus, values)
    decided_at = acted_at + random.choice([1, DAY])
    if versions_at(corpus, acted_at) != versions_at(corpus, decided_at):
        return
    first, second = decide(corpus, values), decide(corpus, values, decided_at)
    assert first.findings == second.findings
    for one, other in zip(first.measures, second.measures, strict=True):
        assert instant(other.start) - instant(one.start) == decided_at - acted_at
        if one.end is not None and other.end is not None:
            assert instant(other.end) - instant(one.end) == decided_at - acted_at
        gone = {"start": "", "end": "", "notice": one.notice}
        assert one.replace(**gone) == other.replace(**gone)


@given(randoms)
def test_intervals_are_half_open(random: Random) -> None:
    corpus, _ = write(random)
    for index, version in enumerate(corpus.versions):
        assert index in in_force(corpus.versions, version.start)
        assert index not in in_force(corpus.versions, version.start - 1)
        if version.end is not None:
            assert index in in_force(corpus.versions, version.end - 1)
            assert index not in in_force(corpus.versions, version.end)


# ── 7 Bounded and deterministic ──────────────────────────────────────────────────────────────────


@given(randoms)
def test_the_same_inputs_give_the_same_decision(random: Random) -> None:
    corpus, values = write(random)
    again = msgspec.msgpack.decode(msgspec.msgpack.encode(corpus), type=Corpus)
    assert decide(corpus, values, bounds=True).to_json() == (
        decide(again, values, bounds=True).to_json()
    )


@given(randoms)
def test_instants_are_those_of_the_event(random: Random) -> None:
    corpus, values = write(random)
    decision = decide(corpus, values)
    assert instant(decision.acted_at) == act_of(corpus, values)
    assert decision.acted_at == decision.decided_at
    assert Consequences(corpus).names == tuple(
        f"{corpus.versions[rule.version].policy}.{rule.name}" for rule in corpus.rules
    )
