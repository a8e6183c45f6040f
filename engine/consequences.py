"""From rules that fired to what follows from them, before anything is joined."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from clausal.compiler.ir import ArgumentValue, Constant, Corpus, LadderDef, MeasureDef
from clausal.compiler.text.surrogates import well_formed
from clausal.engine.decision import Mode, TargetRef
from clausal.engine.join import Algebra
from clausal.engine.segments import FOREVER, Cause, Segment, Value, split
from clausal.engine.values import Missing
from clausal.engine.values import Value as SlotValue

Values = Callable[[int], SlotValue | Missing]
"""The value of a slot of the event that is being decided."""

Record = dict[Segment, Cause]
"""Segments, each with all that caused it; findings stand in it as numbers of rules."""


@dataclass(frozen=True, slots=True)
class Matches:
    """What the rules in force at some instant said about an event.

    Attributes:
        fired: The rules that fired, in any order.
        undetermined: The rules that could not be settled.
        lacking: The slots that an undetermined rule lacked a value of.
    """

    fired: Sequence[int]
    undetermined: Sequence[int]
    lacking: Callable[[int], Iterable[int]]


@dataclass(frozen=True, slots=True)
class Strike:
    """What the rules of one event do to a ladder: one strike, however many of them name it.

    ``active`` is the number of active strikes before it, None when that is not known.
    """

    ladder: int
    mode: Mode
    rules: tuple[int, ...]
    active: int | None


class Consequences:
    """What follows from each rule of a corpus, worked out as far as it can be without an event."""

    def __init__(self, corpus: Corpus) -> None:
        self._corpus = corpus
        self.algebra: Final = Algebra(corpus.sanctions)
        self._target_slots = {target.name: target.slot for target in corpus.targets}
        self.names: Final = tuple(
            f"{corpus.versions[rule.version].policy}.{rule.name}" for rule in corpus.rules
        )
        self._rules = tuple(self._prepare(rule.measures) for rule in corpus.rules)
        self._steps = tuple(
            tuple(self._prepare(step.measures) for step in ladder.steps)
            for ladder in corpus.ladders
        )

    def _prepare(self, measures: Sequence[MeasureDef]) -> tuple[_Prepared, ...]:
        return tuple(
            _Prepared(
                measure,
                tuple(_value(argument) for argument in measure.arguments),
                self._review(measure),
            )
            for measure in measures
        )

    def _review(self, measure: MeasureDef) -> int:
        """As many people as the measure or its sanction asks for, one at least for what is final.

        The compiler refuses a rule that would do with fewer; this holds for any bundle.
        """
        sanction = self._corpus.sanctions[measure.sanction]
        return max(measure.review, sanction.review, int(sanction.permanent))

    def target(self, kind: str, values: Values) -> TargetRef:
        """What a measure on such a target applies to; a target that is not known has no id."""
        return TargetRef(kind, identifier(values(self._target_slots[kind])))

    def mode(self, rule: int, values: Values) -> Mode | Literal["unknown"]:
        """Whether a rule is enforced for this event, or "unknown" if that hangs on a missing key.

        A rule with a rollout is enforced for its share of the keys: the same ones for each of its
        versions, and more of them, never others, when the share grows.
        """
        definition = self._corpus.rules[rule]
        if definition.shadow:
            return "shadow"
        if definition.rollout is None or definition.rollout_slot is None:
            return "enforced"
        key = identifier(values(definition.rollout_slot))
        if key is None:
            return "unknown"
        # The product is exact, and so is the comparison: a share of 1 takes in every key.
        below = definition.rollout * 2**64
        return "enforced" if draw(self.names[rule], key) < below else "shadow"

    def strikes(self, fired: Iterable[tuple[int, Mode]], values: Values) -> list[Strike]:
        """The strikes of some rules, one for each ladder and mode, sorted."""
        struck: dict[tuple[int, Mode], list[int]] = {}
        for rule, mode in fired:
            for ladder in self._corpus.rules[rule].ladders:
                struck.setdefault((ladder, mode), []).append(rule)
        return [
            Strike(ladder, mode, tuple(sorted(rules)), self._active(ladder, values))
            for (ladder, mode), rules in sorted(struck.items())
        ]

    def _active(self, ladder: int, values: Values) -> int | None:
        count = values(self._corpus.ladders[ladder].slot)
        if isinstance(count, Missing):
            return None
        assert isinstance(count, float)
        return int(count)

    def milder(self, later: Record, earlier: Record) -> bool:
        """Whether the later outcome differs from the earlier one and is covered by it."""
        at_most = self.algebra.at_most
        return at_most(later, earlier) and not at_most(earlier, later)

    def record(
        self,
        fired: Iterable[tuple[int, Mode]],
        strikes: Iterable[Strike],
        values: Values,
        start: int,
        *,
        any_step: bool = False,
    ) -> Record:
        """The segments of all measures of some rules and strikes, each with its causes.

        A strike whose ladder has no known history leads nowhere, or with `any_step` everywhere:
        that is the heaviest that its history could lead to.
        """
        record: Record = {}
        for rule, mode in fired:
            for prepared in self._rules[rule]:
                self._add(record, prepared, mode, (rule,), None, values, start)
        for strike in strikes:
            ladder = self._corpus.ladders[strike.ladder]
            for number in _steps_of(ladder, strike.active, any_step):
                for prepared in self._steps[strike.ladder][number - 1]:
                    step = (ladder.name, number)
                    self._add(record, prepared, strike.mode, strike.rules, step, values, start)
        return record

    def _add(
        self,
        record: Record,
        prepared: _Prepared,
        mode: Mode,
        rules: tuple[int, ...],
        step: tuple[str, int] | None,
        values: Values,
        start: int,
    ) -> None:
        measure = prepared.measure
        length = measure.within if measure.until_fixed else measure.duration
        names = tuple(self.names[rule] for rule in rules) if measure.until_fixed else ()
        cause = Cause(frozenset(rules), frozenset() if step is None else frozenset((step,)))
        for segment in split(
            self.algebra.shapes[measure.sanction],
            prepared.arguments,
            names,
            mode=mode,
            sanction=measure.sanction,
            target=self.target(measure.target, values),
            start=start,
            end=FOREVER if length is None else start + length,
            interim=measure.interim,
            review=prepared.review,
        ):
            known = record.get(segment)
            record[segment] = cause if known is None else known | cause


@dataclass(frozen=True, slots=True)
class _Prepared:
    measure: MeasureDef
    arguments: tuple[Value, ...]
    review: int


def _value(argument: ArgumentValue | None) -> Value:
    return argument.value if isinstance(argument, Constant) else argument


def _steps_of(ladder: LadderDef, active: int | None, any_step: bool) -> Iterable[int]:
    if active is not None:
        return (step_after(ladder, active),)
    return range(1, len(ladder.steps) + 1) if any_step else ()


def step_after(ladder: LadderDef, active: int) -> int:
    """The step that a strike leads to after so many active ones; the last step has no end."""
    return min(active + 1, len(ladder.steps))


def draw(rule: str, key: str) -> int:
    """A number from 0 to 2**64 - 1 for a rule, "policy.rule", and a key: the same one for ever."""
    text = f"{rule}\0{key}".encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(text).digest()[:8], "big")


def identifier(value: SlotValue | Missing) -> str | None:
    """The value of an identifying field as text; None when it is missing.

    A lone surrogate, which an event may hold and no JSON in UTF-8 can, becomes U+FFFD.
    """
    match value:
        case Missing():
            return None
        case str():
            return well_formed(value)
        case bool():
            return "true" if value else "false"
        case float():
            return repr(value).removesuffix(".0")
        case _:
            return well_formed(",".join(sorted(value)))
