"""The compiled program equals the plain meaning, for random corpora and random events.

Each corpus goes the whole way: through the passes, laid out as a program, packed into a bundle and
unpacked again. Then the compiled core and the reference interpreter see the same events, sound and
spoiled, as dictionaries and as JSON, with and without what is missing being taken for unknown.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from random import Random
from typing import Final

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clausal.compiler.bundle import assemble, pack, unpack
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
from clausal.compiler.pipeline import PASSES, optimise
from clausal.engine._core import Core
from clausal.engine.decode import decode_json
from clausal.engine.event import EventError, EventReader, Missing, Problem, Value
from clausal.engine.reference import Evaluation, Outcome, Reference
from tests.strategies.events import EventWriter
from tests.strategies.ir import corpora, write_corpus
from tests.strategies.spoiled import spoil

EVENTS: Final = 200
"""Events for each corpus: 200 examples make 22,000 pairs in the profile `ci`."""

seeds = st.integers(0, 2**32)
any_corpora = st.one_of(corpora(), seeds.map(lambda seed: write_corpus(Random(seed), 8)))
"""Corpora that shrink, and corpora that are larger."""

Result = Outcome | tuple[Problem, ...]
"""What an event leads to: the rules, or the problems with it."""


def compiled(corpus: Corpus, *, indexed: bool = True) -> Core:
    """The corpus after the whole way to a loaded bundle."""
    artifact = unpack(pack(assemble(corpus, emit(optimise(corpus)), ())))
    return Core(
        artifact.program,
        artifact.meta.slots,
        time_slot=artifact.meta.time_slot,
        ladders=artifact.corpus.ladders,
        index=artifact.index if indexed else None,
    )


def run(core: Core, event: object, instant: int, *, blind: bool = False) -> Result:
    """What the core makes of an event, an object or JSON."""
    try:
        values = core.read_json(event) if isinstance(event, bytes) else core.read(event)
    except EventError as error:
        return error.problems
    fired, undetermined = core.run(values, instant, blind=blind)
    lacks = {rule: frozenset(core.lacking(values, rule, blind=blind)) for rule in undetermined}
    return Outcome(tuple(fired), lacks)


def mean(reference: Reference, event: object, instant: int, *, blind: bool = False) -> Result:
    """What the reference makes of it."""
    try:
        return reference.run(event, None, instant, blind=blind)
    except EventError as error:
        return error.problems


class Sample:
    """Events for one corpus, of every kind, each with an instant."""

    def __init__(self, corpus: Corpus, seed: int) -> None:
        self.random = Random(seed)
        self._corpus = corpus
        self._writer = EventWriter(self.random, corpus)

    def __iter__(self) -> Iterator[tuple[dict[str, object], int]]:
        while True:
            event = self._writer.event()
            if self.random.random() < 0.3:
                event = spoil(self.random, event, self._corpus)
            yield event, self._writer.instant()

    def take(self, count: int) -> list[tuple[dict[str, object], int]]:
        return [pair for pair, _ in zip(self, range(count), strict=False)]


# ── Law 3: the compiled program equals the plain meaning ─────────────────────────────────────────


@given(corpus=any_corpora, seed=seeds)
def test_the_core_equals_the_reference(corpus: Corpus, seed: int) -> None:
    core, plain, reference = compiled(corpus), compiled(corpus, indexed=False), Reference(corpus)
    for event, instant in Sample(corpus, seed).take(EVENTS):
        meaning = mean(reference, event, instant)
        assert run(core, event, instant) == meaning
        assert run(plain, event, instant) == meaning


def test_the_profile_for_ci_compares_twenty_thousand_pairs() -> None:
    assert settings.get_profile("ci").max_examples * EVENTS >= 20_000


@given(corpus=any_corpora, seed=seeds)
def test_the_core_equals_the_reference_when_blind(corpus: Corpus, seed: int) -> None:
    core, reference = compiled(corpus), Reference(corpus)
    for event, instant in Sample(corpus, seed).take(10):
        expected = mean(reference, event, instant, blind=True)
        assert run(core, event, instant, blind=True) == expected


@given(corpus=any_corpora, seed=seeds)
def test_the_same_values_are_seen_blind_and_not_in_any_order(corpus: Corpus, seed: int) -> None:
    core = compiled(corpus)
    for event, instant in Sample(corpus, seed).take(10):
        try:
            values = core.read(event)
        except EventError:
            continue
        for blind in (True, False, True, True, False):
            fired, undetermined = core.run(values, instant, blind=blind)
            lacks = {
                rule: frozenset(core.lacking(values, rule, blind=blind)) for rule in undetermined
            }
            assert Outcome(tuple(fired), lacks) == run(core, event, instant, blind=blind)


@pytest.mark.parametrize("number", range(len(PASSES)), ids=[step.__name__ for step in PASSES])
@given(corpus=corpora(), seed=seeds)
def test_each_pass_keeps_what_undetermined_rules_lack(
    number: int, corpus: Corpus, seed: int
) -> None:
    before = corpus
    for step in PASSES[:number]:
        before = step(before)
    after = PASSES[number](before)
    writer = EventWriter(Random(seed), corpus)
    for _ in range(3):
        values = writer.values()
        for old, new in zip(before.rules, after.rules, strict=True):
            assert lacks(before, old, values) == lacks(after, new, values)


def lacks(
    corpus: Corpus, rule: RuleDef, values: list[Value | Missing]
) -> tuple[bool | None, frozenset[int]]:
    """The verdict of a rule in any state between two passes, and what it lacks."""
    evaluation = Evaluation(corpus, values)
    written: Condition = All((rule.when, Negation(rule.unless)))
    condition = written if rule.condition == NEVER else rule.condition
    return evaluation.verdict(condition), evaluation.lacking(condition)


# ── The ways in ──────────────────────────────────────────────────────────────────────────────────


@given(corpus=any_corpora, seed=seeds)
def test_values_are_those_of_the_plain_reader(corpus: Corpus, seed: int) -> None:
    core = compiled(corpus)
    reader = EventReader(corpus.slots, corpus.time_slot, corpus.ladders)
    for event, _ in Sample(corpus, seed).take(30):
        assert values_or_problems(core, event, len(corpus.slots)) == plain_or_problems(
            reader, event
        )


def values_or_problems(
    core: Core, event: object, slots: int
) -> list[Value | Missing] | tuple[Problem, ...]:
    try:
        values = core.read(event)
    except EventError as error:
        return error.problems
    return [values.value(slot) for slot in range(slots)]


def plain_or_problems(
    reader: EventReader, event: object
) -> list[Value | Missing] | tuple[Problem, ...]:
    try:
        return reader.read(event)
    except EventError as error:
        return error.problems


@given(corpus=any_corpora, seed=seeds)
def test_json_is_read_as_dictionaries_are(corpus: Corpus, seed: int) -> None:
    core = compiled(corpus)
    for event, instant in Sample(corpus, seed).take(20):
        data = json.dumps(event, ensure_ascii=bool(seed % 2)).encode("utf-8", "surrogatepass")
        if seed % 2 == 0 and b"\xed\xa0" in data:
            # A lone surrogate as bytes is not UTF-8; as an escape it is JSON.
            continue
        meant = run(core, event, instant)
        assert run(core, decode_json(data), instant) == meant
        assert run(core, data, instant) == meant


@given(corpus=corpora(), seed=seeds)
def test_no_order_of_keys_shows(corpus: Corpus, seed: int) -> None:
    core = compiled(corpus)
    sample = Sample(corpus, seed)
    for event, instant in sample.take(10):
        assert run(core, shuffled(event, sample.random), instant) == run(core, event, instant)


def shuffled(value: object, random: Random) -> object:
    """The same objects with their keys in another order."""
    if not isinstance(value, dict):
        return value
    keys = random.sample(list(value), len(value))
    return {key: shuffled(value[key], random) for key in keys}


@given(corpus=corpora(), seed=seeds)
def test_no_object_is_changed(corpus: Corpus, seed: int) -> None:
    core = compiled(corpus)
    for event, instant in Sample(corpus, seed).take(10):
        before = json.dumps(event)
        run(core, event, instant)
        assert json.dumps(event) == before


# ── Law 1: order never matters ───────────────────────────────────────────────────────────────────


@given(corpus=corpora(), seed=seeds)
def test_the_order_of_rules_and_conditions_changes_nothing(corpus: Corpus, seed: int) -> None:
    sample = Sample(corpus, seed)
    other = permuted(corpus, sample.random)
    core, permuted_core = compiled(corpus), compiled(other)
    for event, instant in sample.take(10):
        one = run(core, event, instant)
        assert named(corpus, one) == named(other, run(permuted_core, event, instant))


def permuted(corpus: Corpus, random: Random) -> Corpus:
    """The corpus with the rules of each version, and the items of each condition, in any order."""
    rules = sorted(random.sample(corpus.rules, len(corpus.rules)), key=lambda rule: rule.version)
    return msgspec.structs.replace(
        corpus,
        rules=tuple(
            msgspec.structs.replace(
                rule,
                when=permuted_condition(rule.when, random),
                unless=permuted_condition(rule.unless, random),
            )
            for rule in rules
        ),
    )


def permuted_condition(condition: Condition, random: Random) -> Condition:
    match condition:
        case All(items=items) | Any(items=items):
            parts = [permuted_condition(item, random) for item in items]
            random.shuffle(parts)
            return type(condition)(tuple(parts))
        case Negation(item=item):
            return Negation(permuted_condition(item, random))
        case _:
            return condition


def named(corpus: Corpus, result: Result) -> object:
    """A result with rules by name instead of by number."""
    if not isinstance(result, Outcome):
        return result
    names = [(rule.version, rule.name) for rule in corpus.rules]
    fired = {names[rule] for rule in result.fired}
    return fired, {names[rule]: lacks for rule, lacks in result.undetermined.items()}


# ── Law 2: missing is never evidence ─────────────────────────────────────────────────────────────


@given(corpus=any_corpora, seed=seeds)
def test_taking_a_value_away_settles_nothing(corpus: Corpus, seed: int) -> None:
    core = compiled(corpus)
    asking = {
        number
        for number, rule in enumerate(corpus.rules)
        if asks_for_absence(rule.when) or asks_for_absence(rule.unless)
    }
    sample = Sample(corpus, seed)
    for event, instant in sample.take(20):
        before = run(core, event, instant)
        poorer = without_one_value(event, sample.random)
        after = run(core, poorer, instant)
        if not isinstance(before, Outcome) or not isinstance(after, Outcome):
            continue
        fired, undetermined = set(before.fired) - asking, set(before.undetermined) - asking
        # What was settled stays settled the same way, or becomes undetermined.
        assert set(after.fired) - asking <= fired
        assert undetermined <= set(after.undetermined) - asking
        assert fired <= set(after.fired) | set(after.undetermined)


def asks_for_absence(condition: Condition) -> bool:
    match condition:
        case Absent():
            return True
        case All(items=items) | Any(items=items):
            return any(map(asks_for_absence, items))
        case Negation(item=item):
            return asks_for_absence(item)
        case _:
            return False


def without_one_value(event: Mapping[str, object], random: Random) -> dict[str, object]:
    """The event without one key, at whatever depth, or with a failure in its place."""
    fields = dict(event)
    keys = [key for key in fields if key != "time"]
    if not keys:
        return fields
    key = random.choice(keys)
    value = fields[key]
    if isinstance(value, dict) and value and random.random() < 0.8:
        fields[key] = without_one_value(value, random)
    elif random.random() < 0.3 and not key.startswith("$"):
        fields[key] = {"$failed": "gone"}
    else:
        del fields[key]
    return fields


# ── Law 6: in force means in force ───────────────────────────────────────────────────────────────


@given(corpus=any_corpora)
def test_exactly_the_rules_in_force_are_tried(corpus: Corpus) -> None:
    rules = tuple(msgspec.structs.replace(r, when=ALWAYS, unless=NEVER) for r in corpus.rules)
    core = compiled(msgspec.structs.replace(corpus, rules=rules))
    values = core.read({"time": "2024-05-01T12:00:00Z"})
    ends = {version.end for version in corpus.versions if version.end is not None}
    for end in ends | {version.start for version in corpus.versions}:
        for instant in (end - 1, end, end + 1):
            in_force = [
                number
                for number, rule in enumerate(rules)
                for version in [corpus.versions[rule.version]]
                if version.start <= instant and (version.end is None or instant < version.end)
            ]
            assert core.run(values, instant) == (in_force, [])


# ── Law 7: deterministic ─────────────────────────────────────────────────────────────────────────


def many() -> tuple[Core, list[tuple[dict[str, object], int]], list[Result]]:
    """One core, many events, and what each leads to when nothing else runs."""
    corpus = write_corpus(Random(12), 40)
    core = compiled(corpus)
    sample = Sample(corpus, 5).take(300)
    return core, sample, [run(core, event, instant) for event, instant in sample]


def test_threads_share_a_core() -> None:
    core, sample, expected = many()
    found: list[list[Result]] = []

    def work() -> None:
        found.append([run(core, event, instant) for event, instant in sample])

    in_threads(work, 4)
    assert found == [expected] * 4


def in_threads(work: Callable[[], None], count: int) -> None:
    threads = [threading.Thread(target=work) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_values_do_not_mix() -> None:
    core, sample, expected = many()
    sound = [
        (core.read(event), instant, result)
        for (event, instant), result in zip(sample, expected, strict=True)
        if isinstance(result, Outcome)
    ]
    Random(1).shuffle(sound)
    for values, instant, result in sound:
        assert core.run(values, instant) == (list(result.fired), sorted(result.undetermined))


def test_memory_is_used_again_and_remembers_nothing() -> None:
    core, sample, expected = many()
    for _ in range(3):
        assert [run(core, event, instant) for event, instant in sample] == expected
        sample.reverse()
        expected.reverse()
