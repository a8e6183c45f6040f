"""What the rules and predicates of a bundle do with events, and what that costs.

Counts are exact: every verdict is the engine's. `Probe` runs the predicates of a bundle as if each
were a rule; rules are then walked as the engine walks them, with those verdicts. What a test costs is
measured, for each kind of test; a rule's cost is the tests that it made times what such a test costs.
"""

from __future__ import annotations

import math
import time
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Final

import msgspec

from clausal.compiler.dump import condition_text
from clausal.compiler.pipeline import optimise
from clausal.compiler.program import (
    ALWAYS,
    NEVER,
    NodeKind,
    Op,
    Program,
    integers,
    pack_integers,
)
from clausal.engine._core import Core
from clausal.engine.layout import lay_out
from clausal.engine.values import ABSENT, FAILED

if TYPE_CHECKING:
    from clausal.compiler.bundle import Artifact
    from clausal.engine._frame import Frame

MOST_PAIRS: Final = 300
"""Of an event that more rules fire for, no pairs are counted: there would be too many."""

_FALSE, _UNKNOWN, _TRUE = 0, 1, 2
_TIMED: Final = 400
"""So many events are timed for what tests cost, in so many rounds, of which the fastest counts."""
_ROUNDS: Final = 5

KINDS: Final = {
    Op.FLAG: "flag", Op.LT: "number", Op.LE: "number", Op.EQ: "number", Op.QUANTITY: "arithmetic",
    Op.MEMBER: "value", Op.SAME: "same text", Op.ANY: "set", Op.ALL: "set", Op.ABSENT: "missing",
    Op.CLOCK: "time of day", Op.TERMS: "terms", Op.PATTERN: "pattern", Op.IS: "value",
    Op.HAS: "set",
}  # fmt: skip
"""The kinds of tests whose cost is told apart."""

_SEARCHES: Final = frozenset({"terms", "pattern"})


@dataclass(slots=True)
class RuleProfile:
    """What became of a rule.

    Attributes:
        policy, version, rule: Its name.
        in_force: For how many events it was in force at the act.
        alive: For how many events its condition had to be looked at, because the index left it open.
        fired, undetermined: For how many events it was so.
        tests: How many tests of predicates it made.
        cost: Nanoseconds for all events: tests times what a test of the kind costs.
    """

    policy: str
    version: str
    rule: str
    in_force: int = 0
    alive: int = 0
    fired: int = 0
    undetermined: int = 0
    tests: int = 0
    cost: float = 0.0

    @property
    def name(self) -> str:
        """The rule with its policy."""
        return f"{self.policy}.{self.rule}"


@dataclass(slots=True)
class PredicateProfile:
    """What became of a predicate.

    Attributes:
        text: What it asks.
        kind: One of `KINDS`.
        true, false, unknown: For how many events it is so, whether or not it was asked.
        tests: How often a rule asked for it.
        cost: Nanoseconds for all events, as of a rule.
    """

    text: str
    kind: str
    true: int = 0
    false: int = 0
    unknown: int = 0
    tests: int = 0
    cost: float = 0.0


@dataclass(frozen=True, slots=True)
class Pair:
    """Two rules that fire together.

    Attributes:
        first, second: Numbers of rules.
        together: For how many events both fired.
        lift: How many times as often as if they had nothing to do with each other.
        always: Neither fired without the other.
    """

    first: int
    second: int
    together: int
    lift: float
    always: bool


@dataclass(frozen=True, slots=True)
class Profile:
    """What a bundle does with events.

    Attributes:
        events: How many.
        rules: By number, the rules that are in force for an event or not.
        predicates: By number.
        pairs: Of rules that fire together more often than by chance, what stands out first.
        crowded: For how many events more rules fired than pairs are counted of.
        missing: Fields that rules read, and for how many events they are absent and failed.
        costs: Nanoseconds of one test, by kind; of terms and patterns, of one search of a text.
        reading, deciding: Nanoseconds an event: reading a dictionary, and finding its rules.
    """

    events: int
    rules: tuple[RuleProfile, ...]
    predicates: tuple[PredicateProfile, ...]
    pairs: tuple[Pair, ...]
    crowded: int
    missing: dict[str, tuple[int, int]]
    costs: dict[str, float]
    reading: float
    deciding: float


class Probe:
    """A bundle's predicates, asked as if each were a rule."""

    def __init__(self, artifact: Artifact, predicates: Sequence[int] | None = None) -> None:
        """Get ready to ask some predicates, by default all."""
        program = artifact.program
        chosen = range(len(program.op) // 4) if predicates is None else predicates
        roots = [~(2 * predicate) for predicate in chosen]
        self._core = core_of(artifact, _program_of(program, roots), indexed=False)

    def read(self, event: dict[str, object]) -> Frame:
        """The values of an event."""
        return self._core.read(event)

    def ask(self, values: Frame) -> tuple[list[int], list[int]]:
        """The predicates that are true, and those that are unknown, by their places."""
        return self._core.run(values, 0)


def _program_of(program: Program, roots: Sequence[int]) -> Program:
    """The program with other rules, always in force, in one version."""
    return msgspec.structs.replace(
        program,
        rule_root=pack_integers("i", roots),
        version_rules=pack_integers("i", [0, len(roots)]),
        boundaries=b"",
        segment_first=pack_integers("i", [0]),
        segment_count=pack_integers("i", [1]),
        segment_versions=pack_integers("i", [0]),
    )


def core_of(artifact: Artifact, program: Program, *, indexed: bool = True) -> Core:
    """A core for the bundle, with its own program or another over the same slots."""
    meta = artifact.meta
    counts_strikes = any(slot.source == "strikes" for slot in meta.slots)
    return Core(
        program,
        meta.slots,
        time_slot=meta.time_slot,
        ladders=artifact.corpus.ladders if counts_strikes else (),
        verified=True,
        index=artifact.index if indexed else None,
    )


class _Walk:
    """The rules of a program, walked as the engine walks them, with the tests counted."""

    def __init__(self, artifact: Artifact) -> None:
        program = artifact.program
        self.roots = integers("i", program.rule_root)
        self._kinds = integers("B", program.node_kind)
        firsts = integers("i", program.node_first)
        counts = integers("i", program.node_count)
        children = integers("i", program.children)
        self._children = [
            children[first : first + count] for first, count in zip(firsts, counts, strict=True)
        ]
        self.kinds = [KINDS[Op(op)] for op in integers("i", program.op)]
        layout = lay_out(program, artifact.meta.slots)
        slots = integers("i", program.a)
        # A search settles all predicates with the same key.
        self.search = [
            (kind, slots[number] if kind == "terms" else layout.search_of[number])
            for number, kind in enumerate(self.kinds)
        ]
        self.used = _used(self.roots, self._children)

    def begin(self, true: Sequence[int], unknown: Sequence[int]) -> None:
        """Take the verdicts of an event."""
        self._verdicts = bytearray(len(self.kinds))
        for predicate in true:
            self._verdicts[predicate] = _TRUE
        for predicate in unknown:
            self._verdicts[predicate] = _UNKNOWN
        self._nodes: dict[int, int] = {}
        self._searched: set[tuple[str, int]] = set()

    def settle(self, ref: int, tests: list[int], searches: list[int]) -> int:
        """The verdict of a condition; adds the predicates that are tested, and that search."""
        if ref < 0:
            predicate = ~ref >> 1
            verdict = self._verdicts[predicate]
            tests.append(predicate)
            key = self.search[predicate]
            if key[0] in _SEARCHES and verdict != _UNKNOWN and key not in self._searched:
                self._searched.add(key)
                searches.append(predicate)
            return 2 - verdict if ~ref & 1 else verdict
        if ref == ALWAYS:
            return _TRUE
        if ref == NEVER:
            return _FALSE
        known = self._nodes.get(ref)
        if known is not None:
            return known
        decisive = _FALSE if self._kinds[ref] == NodeKind.ALL else _TRUE
        found = 2 - decisive
        for child in self._children[ref]:
            verdict = self.settle(child, tests, searches)
            if verdict == decisive:
                found = decisive
                break
            if verdict == _UNKNOWN:
                found = _UNKNOWN
        self._nodes[ref] = found
        return found


def _used(roots: Sequence[int], children: Sequence[Sequence[int]]) -> set[int]:
    """The predicates that rules ask for."""
    left = [ref for ref in roots if ref not in (ALWAYS, NEVER)]
    seen: set[int] = set()
    while left:
        ref = left.pop()
        if ref not in seen:
            seen.add(ref)
            left.extend(children[ref] if ref >= 0 else ())
    return {~ref >> 1 for ref in seen if ref < 0}


def profile(artifact: Artifact, events: Sequence[dict[str, object]]) -> Profile:
    """Decide events, and count what became of each rule and predicate.

    Args:
        artifact: The bundle.
        events: Events that it can decide; at least one.
    """
    corpus = artifact.corpus
    versions = corpus.versions
    rules = tuple(
        [
            RuleProfile(versions[rule.version].policy, versions[rule.version].version, rule.name)
            for rule in corpus.rules
        ]
    )
    rules_of: dict[int, list[RuleProfile]] = defaultdict(list)
    for number, definition in enumerate(corpus.rules):
        rules_of[definition.version].append(rules[number])
    optimised = optimise(corpus)
    walk = _Walk(artifact)
    predicates = tuple(
        [
            PredicateProfile(condition_text(predicate, optimised), kind)
            for predicate, kind in zip(optimised.predicates, walk.kinds, strict=True)
        ]
    )
    core, probe = core_of(artifact, artifact.program), Probe(artifact)
    time_slot = artifact.meta.time_slot
    slots = [
        (number, slot) for number, slot in enumerate(artifact.meta.slots) if number != time_slot
    ]
    states: dict[int, list[int]] = {number: [0, 0] for number, _ in slots}
    fired_of: Counter[int] = Counter()
    pairs: Counter[tuple[int, int]] = Counter()
    true_of: Counter[int] = Counter()
    unknown_of: Counter[int] = Counter()
    tests_of: Counter[int] = Counter()
    rule_tests: list[tuple[Counter[str], Counter[str]]] = [(Counter(), Counter()) for _ in rules]
    searches_of: Counter[int] = Counter()
    boundaries = integers("q", artifact.program.boundaries)
    segments: Counter[int] = Counter()
    crowded = 0
    for event in events:
        values = core.read(event)
        instant = values.value(time_slot)
        at = int(instant) if isinstance(instant, float) else 0
        segments[bisect_right(boundaries, at)] += 1
        open_ = core.left_open(values, at)
        fired, undetermined = core.run(values, at)
        true, unknown = probe.ask(probe.read(event))
        true_of.update(true)
        unknown_of.update(unknown)
        fired_of.update(fired)
        for rule in undetermined:
            rules[rule].undetermined += 1
        walk.begin(true, unknown)
        for rule in open_:
            tests: list[int] = []
            searches: list[int] = []
            walk.settle(walk.roots[rule], tests, searches)
            rules[rule].alive += 1
            rules[rule].tests += len(tests)
            tests_of.update(tests)
            searches_of.update(searches)
            rule_tests[rule][0].update([walk.kinds[test] for test in tests])
            rule_tests[rule][1].update([walk.kinds[test] for test in searches])
        if len(fired) <= MOST_PAIRS:
            pairs.update(combinations(fired, 2))
        else:
            crowded += 1
        for number, counts in states.items():
            value = values.value(number)
            if value is ABSENT:
                counts[0] += 1
            elif value is FAILED:
                counts[1] += 1
    costs, reading, deciding = _measure(artifact, walk, events)
    for number, counted in enumerate(rules):
        counted.fired = fired_of[number]
        tested, searched = rule_tests[number]
        counted.cost = sum(
            (searched if kind in _SEARCHES else tested)[kind] * costs.get(kind, 0.0)
            for kind in tested
        )
    for number, predicate in enumerate(predicates):
        predicate.true, predicate.unknown = true_of[number], unknown_of[number]
        predicate.false = len(events) - predicate.true - predicate.unknown
        predicate.tests = tests_of[number]
        asked = searches_of if predicate.kind in _SEARCHES else tests_of
        predicate.cost = asked[number] * costs.get(predicate.kind, 0.0)
    for version, count in _in_force(artifact.program, segments).items():
        for one in rules_of[version]:
            one.in_force = count
    names = {number: slot.name for number, slot in slots}
    return Profile(
        events=len(events),
        rules=rules,
        predicates=predicates,
        pairs=_ranked(pairs, fired_of, len(events) - crowded),
        crowded=crowded,
        missing={names[number]: (absent, failed) for number, (absent, failed) in states.items()},
        costs=costs,
        reading=reading,
        deciding=deciding,
    )


def _in_force(program: Program, segments: Counter[int]) -> Counter[int]:
    """For how many events each version was in force."""
    first = integers("i", program.segment_first)
    count = integers("i", program.segment_count)
    versions = integers("i", program.segment_versions)
    found: Counter[int] = Counter()
    for segment, events in segments.items():
        for version in versions[first[segment] : first[segment] + count[segment]]:
            found[version] += events
    return found


def _ranked(pairs: Counter[tuple[int, int]], fired: Counter[int], events: int) -> tuple[Pair, ...]:
    """Pairs above chance, by how surprising they are: how often, times the logarithm of the lift."""
    found = []
    for (first, second), together in pairs.items():
        lift = together * events / (fired[first] * fired[second])
        if lift > 1:
            always = together == fired[first] == fired[second]
            found.append(Pair(first, second, together, lift, always))
    found.sort(key=lambda pair: (-pair.together * math.log(pair.lift), pair.first, pair.second))
    return tuple(found)


def _measure(
    artifact: Artifact, walk: _Walk, events: Sequence[dict[str, object]]
) -> tuple[dict[str, float], float, float]:
    """What a test of each kind costs, and what reading and finding the rules of an event costs."""
    some = events[:_TIMED]
    by_kind: dict[str, list[int]] = {}
    for predicate in sorted(walk.used):
        by_kind.setdefault(walk.kinds[predicate], []).append(predicate)
    nothing = core_of(artifact, _program_of(artifact.program, [NEVER]), indexed=False)
    costs: dict[str, float] = {}
    for kind, predicates in by_kind.items():
        roots = [~(2 * predicate) for predicate in predicates]
        core = core_of(artifact, _program_of(artifact.program, roots), indexed=False)
        made = len(predicates) * len(some)
        if kind in _SEARCHES:
            made = 0
            for event in some:
                _, unknown = core.run(core.read(event), 0)
                open_ = set(unknown)
                made += len({walk.search[p] for i, p in enumerate(predicates) if i not in open_})
        if made:
            spent = _fastest(core, some) - _fastest(nothing, some)
            costs[kind] = max(spent, 0) / made
    core = core_of(artifact, artifact.program)
    start = time.perf_counter_ns()
    for event in some:
        core.read(event)
    reading = (time.perf_counter_ns() - start) / len(some)
    return costs, reading, _fastest(core, some, acted=artifact.meta.time_slot) / len(some)


def _fastest(core: Core, events: Sequence[dict[str, object]], *, acted: int | None = None) -> float:
    """Nanoseconds that running the events takes, reading them left out; the least of some rounds."""
    best = math.inf
    for _ in range(_ROUNDS):
        # Read anew: what was found out about values is remembered with them.
        read = [core.read(event) for event in events]
        instants = [0] * len(read)
        if acted is not None:
            found = [values.value(acted) for values in read]
            instants = [int(one) if isinstance(one, float) else 0 for one in found]
        start = time.perf_counter_ns()
        for values, instant in zip(read, instants, strict=True):
            core.run(values, instant)
        best = min(best, time.perf_counter_ns() - start)
    return best
