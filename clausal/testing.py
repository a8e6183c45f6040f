"""The `test` blocks of policies, run: what was expected, and what came of it.

A test decides its event with its own policy alone, so that no other policy in the bundle can make it
pass or fail; a policy whose dates are unknown is tried as if it were in force. Each expectation is
held against the decision by itself, and only what it says is compared:

* a rule fires, does not fire, or is undetermined;
* a measure is (or is not) among the effective ones: enforced, and yielding to no other;
* a strike leads to a step of a ladder;
* of the rules of the test's own policy, exactly these fire.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, assert_never

import msgspec

from clausal.compiler.ir import (
    ArgumentValue,
    Constant,
    Corpus,
    Expected,
    ExpectedMeasure,
    ExpectedOnly,
    ExpectedRule,
    ExpectedStep,
    SanctionDef,
    SanctionParam,
    TestDef,
)
from clausal.compiler.quantities import fold
from clausal.compiler.types import MICROSECONDS, Scalar
from clausal.engine.decision import Decision, Measure
from clausal.engine.history import History
from clausal.engine.phrase import call
from clausal.engine.problem import EventError

if TYPE_CHECKING:
    from clausal.engine.evaluator import Bundle

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_OPERATORS: Final[dict[str, Callable[[float, float], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}


@dataclass(frozen=True, slots=True)
class Miss:
    """An expectation that was not met.

    Attributes:
        expected: What the policy says, as its author wrote it.
        got: What came instead, in words.
        line: Where it stands in the policy.
        rules: The rules (numbers in the corpus) that may tell why.
    """

    expected: str
    got: str
    line: int
    rules: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a test: it passed when nothing was missed and its event could be decided."""

    test: TestDef
    decision: Decision | None
    misses: tuple[Miss, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether all that was expected came."""
        return not self.misses


def event_of(test: TestDef) -> dict[str, object]:
    """The event of a test, its history not in it."""
    event: dict[str, object] = msgspec.json.decode(test.event)
    return event


def history_of(test: TestDef) -> History | None:
    """The history of a test; None when it gives none."""
    history = msgspec.json.decode(test.history) if test.history else None
    return History.parse(history) if history else None


def decided_at(test: TestDef) -> datetime:
    """The instant at which a test wants its event decided."""
    return _EPOCH + timedelta(microseconds=test.decided_at)


def run_test(bundle: Bundle, corpus: Corpus, test: TestDef) -> Outcome:
    """Decide the event of a test and compare."""
    try:
        decision = bundle.trial(
            test.version, event_of(test), history=history_of(test), at=decided_at(test)
        )
    except EventError as error:
        problems = "; ".join(str(error).splitlines())
        return Outcome(test, None, (Miss("an event that can be decided", problems, test.line),))
    judge = _Judge(corpus, test, decision)
    misses = (judge.miss(expected) for expected in test.expected)
    return Outcome(test, decision, tuple(miss for miss in misses if miss is not None))


def run_tests(bundle: Bundle) -> Iterator[Outcome]:
    """The outcome of each test of a bundle, one after the other."""
    corpus = bundle.artifact.corpus
    for test in corpus.tests:
        yield run_test(bundle, corpus, test)


class _Judge:
    """Holds expectations against one decision."""

    def __init__(self, corpus: Corpus, test: TestDef, decision: Decision) -> None:
        self._corpus = corpus
        self._decision = decision
        self._policy = corpus.versions[test.version].policy
        self._params = [param.value for param in corpus.params]
        self._fired = {(finding.policy, finding.rule) for finding in decision.findings}
        self._unsettled = {(one.policy, one.rule): one for one in decision.undetermined}

    def miss(self, expected: Expected) -> Miss | None:
        """What was missed; None when the expectation was met."""
        match expected:
            case ExpectedRule():
                return self._rule(expected)
            case ExpectedMeasure():
                return self._measure(expected)
            case ExpectedStep():
                return self._step(expected)
            case ExpectedOnly():
                return self._only(expected)
            case _:
                assert_never(expected)

    # ── Rules ────────────────────────────────────────────────────────────────────────────────────

    def _key(self, rule: int) -> tuple[str, str]:
        definition = self._corpus.rules[rule]
        return self._corpus.versions[definition.version].policy, definition.name

    def _rule(self, expected: ExpectedRule) -> Miss | None:
        key = self._key(expected.rule)
        state = (
            "fires"
            if key in self._fired
            else "undetermined"
            if key in self._unsettled
            else "does not fire"
        )
        met = state == expected.state or (expected.state == "silent" and state != "fires")
        if met:
            return None
        return Miss(expected.text, self._state(key, state), expected.line, (expected.rule,))

    def _state(self, key: tuple[str, str], state: str) -> str:
        name = f"`{key[1]}`"
        if state == "fires":
            return f"{name} fires"
        if state == "undetermined":
            lacks = ", ".join(f"`{lack.field}`" for lack in self._unsettled[key].lacks)
            return f"{name} is undetermined, for want of {lacks}"
        return f"{name} does not fire"

    def _only(self, expected: ExpectedOnly) -> Miss | None:
        wanted = {self._key(rule): rule for rule in expected.rules}
        fired = {key for key in self._fired if key[0] == self._policy}
        if fired == wanted.keys():
            return None
        lacking = sorted(wanted.keys() - fired)
        more = sorted(fired - wanted.keys())
        parts = [self._state(key, "fires") + ", too" for key in more]
        parts += [
            self._state(key, "undetermined" if key in self._unsettled else "does not fire")
            for key in lacking
        ]
        rules = [wanted[key] for key in lacking]
        rules += [index for index in range(len(self._corpus.rules)) if self._key(index) in more]
        return Miss(expected.text, "; ".join(parts), expected.line, tuple(rules))

    # ── Ladders ──────────────────────────────────────────────────────────────────────────────────

    def _step(self, expected: ExpectedStep) -> Miss | None:
        name = self._corpus.ladders[expected.ladder].name
        standings = [s for s in self._decision.ladders if s.ladder == name]
        if any(standing.step == expected.step for standing in standings):
            return None
        if not standings:
            got = f"no strike on `{name}`"
        elif standings[0].step is None:
            got = f"a strike on `{name}`, whose history is not given"
            if standings[0].if_clean is None:
                lacking = ", ".join(f"`{lack.field}`" for lack in standings[0].lacks)
                got = f"a strike on `{name}` of unknown points, for want of {lacking}"
        else:
            got = f"step {standings[0].step} of `{name}`"
        rules = tuple(
            index
            for index, rule in enumerate(self._corpus.rules)
            if any(self._corpus.ladders[ladder].name == name for ladder in rule.struck)
        )
        return Miss(expected.text, got, expected.line, rules)

    # ── Measures ─────────────────────────────────────────────────────────────────────────────────

    def _measure(self, expected: ExpectedMeasure) -> Miss | None:
        sanction = self._corpus.sanctions[expected.sanction]
        of_kind = [m for m in self._decision.effective if m.sanction == sanction.name]
        alike = [m for m in of_kind if self._alike(expected, sanction, m)]
        if self._holds(expected, sanction, alike) != expected.negated:
            return None
        rules = tuple(
            index
            for index, rule in enumerate(self._corpus.rules)
            if self._imposes(index, expected.sanction)
            and self._corpus.versions[rule.version].policy == self._policy
        )
        shown = alike if expected.negated else of_kind
        got = "; ".join(measure_text(measure, self._corpus) for measure in shown)
        return Miss(expected.text, got or f"no effective `{sanction.name}`", expected.line, rules)

    def _imposes(self, rule: int, sanction: int) -> bool:
        definition = self._corpus.rules[rule]
        steps = [
            step for ladder in definition.struck for step in self._corpus.ladders[ladder].steps
        ]
        measures = [*definition.measures, *(m for step in steps for m in step.measures)]
        return any(measure.sanction == sanction for measure in measures)

    def _holds(
        self, expected: ExpectedMeasure, sanction: SanctionDef, alike: Sequence[Measure]
    ) -> bool:
        """Whether measures that agree in all else have the elements that are expected of sets.

        Elements of a set are joined one by one, so several measures may hold them together: all
        must be there, or, for what must not be, any is too many.
        """
        sets = [
            (param.name, value)
            for param, value in zip(sanction.params, expected.arguments, strict=False)
            if isinstance(value, tuple)
        ]
        wanted = [(name, item) for name, items in sets for item in items]
        if not wanted:
            return bool(alike)
        there = [any(item in _elements(m, name) for m in alike) for name, item in wanted]
        return any(there) if expected.negated else all(there)

    def _alike(self, expected: ExpectedMeasure, sanction: SanctionDef, measure: Measure) -> bool:
        """Whether a measure has all that is expected but for the elements of sets."""
        if expected.target and measure.target.kind != expected.target:
            return False
        if expected.duration is not None and _duration(measure) != expected.duration:
            return False
        if expected.until_fixed and not measure.until_fixed:
            return False
        if expected.interim and not measure.interim:
            return False
        if expected.review and measure.review != expected.review:
            return False
        return self._bounded(expected, sanction, measure) and all(
            self._same(param, value, measure)
            for param, value in zip(sanction.params, expected.arguments, strict=False)
        )

    def _bounded(self, expected: ExpectedMeasure, sanction: SanctionDef, measure: Measure) -> bool:
        if expected.bound is None or sanction.law.strength is None:
            return True
        param = sanction.params[sanction.law.strength]
        sign, limit = expected.bound
        value = measure.arguments.get(param.name)
        if not isinstance(value, (int, float)):
            return False
        return _OPERATORS[sign](value, limit / _unit(param))

    def _same(self, param: SanctionParam, value: ArgumentValue | None, measure: Measure) -> bool:
        if value is None or isinstance(value, tuple):
            return True
        got = measure.arguments.get(param.name)
        if isinstance(value, Constant):
            return got == self._number(value) / _unit(param)
        return got == value

    def _number(self, constant: Constant) -> float:
        if constant.origin is None:
            return constant.value
        folded = fold(constant.origin, self._params)
        return folded.value if isinstance(folded, Constant) else constant.value


def _unit(param: SanctionParam) -> int:
    """Decisions tell durations in seconds, policies are compiled to microseconds."""
    is_duration = isinstance(param.type, Scalar) and param.type.name == "duration"
    return MICROSECONDS if is_duration else 1


def _elements(measure: Measure, param: str) -> Sequence[str]:
    value = measure.arguments.get(param)
    return value if isinstance(value, (tuple, list)) else ()


def _duration(measure: Measure) -> int | None:
    """How long a measure runs, in microseconds; None when it does not end by itself."""
    if measure.end is None:
        return None
    length = datetime.fromisoformat(measure.end) - datetime.fromisoformat(measure.start)
    return length // timedelta(microseconds=1)


def measure_text(measure: Measure, corpus: Corpus) -> str:
    """A measure in one line, close to how a policy states it."""
    params = [
        param
        for sanction in corpus.sanctions
        if sanction.name == measure.sanction
        for param in sanction.params
    ]
    parts = [call(measure.sanction, params, measure.arguments)]
    target = measure.target
    parts.append(f"on {target.kind}" if target.id is None else f"on {target.kind} {target.id}")
    if measure.until_fixed:
        parts.append("until fixed")
    if measure.end is not None:
        parts.append(f"until {measure.end}")
    if measure.permanent:
        parts.append("permanent")
    if measure.interim:
        parts.append("interim")
    if measure.review:
        parts.append("after review" if measure.review == 1 else "after review by two")
    return " ".join(parts)
