"""From rules that fired to what follows from them, before anything is joined.

Records are relative: they begin at 0, the instant of the decision, and name the kinds of targets, not
the targets. Nothing is lost by that. An event has one target of a kind, and what is about targets of
different kinds never meets; all measures of a decision begin with it, so that it moves their ends
alike. The verifier holds periods and instants to 2**53 microseconds, far from `FOREVER`.
"""

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
from clausal.engine.strikes import Strike, Values, Weigher, step_after, whole
from clausal.engine.values import Missing
from clausal.engine.values import Value as SlotValue

_FEW: Final = 32
"""Rules with no more segments than this have theirs remembered."""

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


class Consequences:
    """What follows from each rule of a corpus, worked out as far as it can be without an event."""

    def __init__(self, corpus: Corpus) -> None:
        self._corpus = corpus
        self.algebra: Final = Algebra(corpus.sanctions)
        self._target_slots = {target.name: target.slot for target in corpus.targets}
        self.names: Final = tuple(
            f"{corpus.versions[rule.version].policy}.{rule.name}" for rule in corpus.rules
        )
        self._weigher = Weigher(corpus)
        self._alone: dict[tuple[int, Mode], tuple[tuple[Segment, Cause], ...]] = {}
        self._modes: tuple[Mode | None, ...] = tuple(
            "shadow"
            if rule.shadow
            else "enforced"
            if rule.rollout is None or rule.rollout_slot is None
            else None
            for rule in corpus.rules
        )

    def _review(self, measure: MeasureDef) -> int:
        """As many people as the measure or its sanction asks for, one at least for what is final.

        The compiler refuses a rule that would do with fewer; this holds for any bundle.
        """
        sanction = self._corpus.sanctions[measure.sanction]
        return max(measure.review, sanction.review, int(sanction.permanent))

    def fixed(self, rule: int) -> bool:
        """Whether the points of the strikes of a rule are the same for all events."""
        return self._weigher.fixed(rule)

    def target(self, kind: str, values: Values) -> TargetRef:
        """What a measure on such a target applies to; a target that is not known has no id."""
        return TargetRef(kind, identifier(values(self._target_slots[kind])))

    def mode(self, rule: int, values: Values) -> Mode | Literal["unknown"]:
        """Whether a rule is enforced for this event, or "unknown" if that hangs on a missing key.

        A rule with a rollout is enforced for its share of the keys: the same ones for each of its
        versions, and more of them, never others, when the share grows.
        """
        mode = self._modes[rule]
        if mode is not None:
            return mode
        definition = self._corpus.rules[rule]
        assert definition.rollout is not None
        assert definition.rollout_slot is not None
        key = identifier(values(definition.rollout_slot))
        if key is None:
            return "unknown"
        # The product is exact, and so is the comparison: a share of 1 takes in every key.
        below = definition.rollout * 2**64
        return "enforced" if draw(self.names[rule], key) < below else "shadow"

    def strikes(
        self, fired: Iterable[tuple[int, Mode]], values: Values, *, blind: bool = False
    ) -> list[Strike]:
        """The strikes of some rules, one for each ladder and mode, sorted.

        Args:
            fired: The rules, each with its mode.
            values: The values of the event, and of its history.
            blind: Whether an absent value might be there after all.
        """
        struck: dict[tuple[int, Mode], list[int]] = {}
        for rule, mode in fired:
            for ladder in self._corpus.rules[rule].struck:
                struck.setdefault((ladder, mode), []).append(rule)
        return [
            self._strike(ladder, mode, sorted(rules), values, blind)
            for (ladder, mode), rules in sorted(struck.items())
        ]

    def _strike(
        self, number: int, mode: Mode, rules: Sequence[int], values: Values, blind: bool
    ) -> Strike:
        ladder = self._corpus.ladders[number]
        if ladder.points is not None:
            weighed = [
                (rule, self._corpus.rules[rule].severity, strike)
                for rule in rules
                for strike in self._corpus.rules[rule].strikes
                if strike.ladder == number
            ]
            return self._weigher.strike(number, ladder, ladder.points, mode, weighed, values, blind)
        active = whole(values(ladder.slot))
        return Strike(
            number,
            mode,
            tuple(rules),
            tuple(rules),
            active,
            None if active is None else step_after(ladder, active),
            step_after(ladder, 0),
            (ladder.slot,) if active is None else (),
        )

    def milder(self, later: Record, earlier: Record) -> bool:
        """Whether the later outcome differs from the earlier one and is covered by it."""
        at_most = self.algebra.at_most
        return at_most(later, earlier) and not at_most(earlier, later)

    def record(
        self,
        fired: Iterable[tuple[int, Mode]],
        strikes: Iterable[Strike],
        *,
        any_step: bool = False,
    ) -> Record:
        """The segments of all measures of some rules and strikes, each with its causes.

        A strike of which something is not known leads as far as that is certain, or with `any_step`
        everywhere: that is the heaviest that it could come to.
        """
        record: Record = {}
        for pair in fired:
            alone = self._alone.get(pair)
            if alone is None:
                rule, mode = pair
                alone = tuple(
                    part
                    for measure in self._corpus.rules[rule].measures
                    for part in self._segments(measure, mode, (rule,), None)
                )
                if len(alone) <= _FEW:
                    self._alone[pair] = alone
            for segment, cause in alone:
                known = record.get(segment)
                record[segment] = cause if known is None else known | cause
        for strike in strikes:
            ladder = self._corpus.ladders[strike.ladder]
            anywhere = any_step and bool(strike.lacks)
            causes = strike.rules if anywhere else strike.causes
            for number in _steps_of(ladder, None if anywhere else strike.step or 0):
                step = (ladder.name, number)
                for measure in ladder.steps[number - 1].measures:
                    for segment, cause in self._segments(measure, strike.mode, causes, step):
                        known = record.get(segment)
                        record[segment] = cause if known is None else known | cause
        return record

    def _segments(
        self,
        measure: MeasureDef,
        mode: Mode,
        rules: tuple[int, ...],
        step: tuple[str, int] | None,
    ) -> list[tuple[Segment, Cause]]:
        length = measure.within if measure.until_fixed else measure.duration
        names = tuple(self.names[rule] for rule in rules) if measure.until_fixed else ()
        cause = Cause(frozenset(rules), frozenset() if step is None else frozenset((step,)))
        segments = split(
            self.algebra.shapes[measure.sanction],
            tuple(_value(argument) for argument in measure.arguments),
            names,
            mode=mode,
            sanction=measure.sanction,
            target=TargetRef(measure.target, None),
            start=0,
            end=FOREVER if length is None else length,
            interim=measure.interim,
            review=self._review(measure),
        )
        return [(segment, cause) for segment in segments]


def _value(argument: ArgumentValue | None) -> Value:
    return argument.value if isinstance(argument, Constant) else argument


def _steps_of(ladder: LadderDef, step: int | None) -> Iterable[int]:
    """The numbers of one step, of none where that is 0, or of all."""
    if step is None:
        return range(1, len(ladder.steps) + 1)
    return (step,) if step else ()


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
