"""What a strike comes to: how much it weighs, and to which step of its ladder it leads.

A ladder that counts strikes leads one step further with each of them. On a ladder of points the
points of a strike are added to those that are active, and the step is the last one that holds from no
more than what then counts, such as the greater of the points of the family and of half of all points.
A strike of no points leads nowhere.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from clausal.compiler.ir import (
    ALWAYS,
    Condition,
    Constant,
    Corpus,
    LadderDef,
    PointsDef,
    Severity,
    StrikeDef,
)
from clausal.compiler.quantities import fold
from clausal.engine.decision import Mode
from clausal.engine.reference import Evaluation
from clausal.engine.values import ABSENT, FAILED, Missing
from clausal.engine.values import Value as SlotValue

Values = Callable[[int], SlotValue | Missing]
"""The value of a slot of the event that is being decided."""


@dataclass(frozen=True, slots=True)
class Strike:
    """What the rules of one event do to a ladder: one strike, however many of them name it.

    On a ladder of points it has the points of the rule that gives the most, and the family of that
    rule; among those that give as many, of the one whose severity jumps farthest, and then of the
    first by name. Where it leads, all rules that give points have a say in: a further rule never
    makes it lighter, though it may have another family.

    Attributes:
        ladder: The number of the ladder.
        mode: Whether it is enforced.
        rules: The rules that strike, by number.
        causes: Those of them from which the step follows: a rule that gives no points is none.
        active: The number of active strikes before it, or of active points of all families; None
            when that is not known.
        step: The step that it leads to, 0 for none; None when that is not known.
        clean: The step that an empty history would give; None when its points are not known.
        lacks: The slots without a value that could make the step another one.
        family: The number of its family, on a ladder of points whose strike has known points.
        points: Its own points; None when they are not known, and where strikes have none.
        counts: The points that count after it.
    """

    ladder: int
    mode: Mode
    rules: tuple[int, ...]
    causes: tuple[int, ...]
    active: int | None
    step: int | None
    clean: int | None
    lacks: tuple[int, ...] = ()
    family: int | None = None
    points: int | None = None
    counts: int | None = None


def step_after(ladder: LadderDef, active: int) -> int:
    """The step that a strike leads to after so many active ones; the last step has no end."""
    return min(active + 1, len(ladder.steps))


def whole(value: SlotValue | Missing) -> int | None:
    """A figure of the history as a whole number; None when it is missing."""
    if isinstance(value, Missing):
        return None
    assert isinstance(value, float)
    return int(value)


def life_of(ladder: LadderDef, points: int | None) -> int | None:
    """How long a strike is active, in microseconds; None: for ever, or not known."""
    if ladder.points is None:
        return ladder.within
    if points is None:
        return None
    lives = ladder.points.lives
    return lives[bisect_right(lives, points, key=lambda life: life.points) - 1].length


def next_step_at(ladder: LadderDef, strike: Strike) -> int | None:
    """The points from which the next step after a strike holds; None if there is none."""
    if strike.counts is None or strike.step is None:
        return None
    reached = max(strike.step, step_of(ladder, strike.counts))
    return ladder.steps[reached].since if reached < len(ladder.steps) else None


def step_of(ladder: LadderDef, points: int) -> int:
    """The last step that holds from no more than so many points; 0 if there is none."""
    return bisect_right(ladder.steps, points, key=lambda step: step.since)


def climb(
    ladder: LadderDef,
    points: int,
    family: str,
    severity: Severity,
    active: Mapping[str, int],
    served: int = 0,
) -> tuple[int, int]:
    """The points that count after one strike on a ladder of points, and the step that it leads to.

    Args:
        ladder: The ladder.
        points: Of the strike.
        family: Of the strike; one that the ladder does not have has no points beside its own.
        severity: Of the rule that strikes.
        active: The active points before it, by family.
        served: The highest step of the family that is on probation; 0: none.
    """
    assert ladder.points is not None
    jump = dict(ladder.points.jumps).get(severity, 0)
    weight = _Weight(points, jump, 0, 0)
    past = _Past(sum(active.values()), lambda _: active.get(family, 0), lambda _: served)
    return _climb(ladder, ladder.points, (weight,) if points else (), (0,), past)


class _Weight(NamedTuple):
    """What one rule gives: more than no points, in a family, and the step that it jumps to."""

    points: int
    jump: int
    family: int
    rule: int


class _Past(NamedTuple):
    """What is active before the event: all points, those of a family, and its step on probation."""

    total: int
    of_family: Callable[[int], int]
    served: Callable[[int], int]


_CLEAN: Final = _Past(0, lambda _: 0, lambda _: 0)
"""An empty history."""

Weights = tuple[tuple[Condition, int], ...]
"""Conditions, and the points of a strike where each of them is true."""


class Weigher:
    """Weighs the strikes of one corpus on ladders of points."""

    def __init__(self, corpus: Corpus) -> None:
        """Fold the params in, as they are bound."""
        self._corpus = corpus
        params = [param.value for param in corpus.params]
        self._weights: dict[int, dict[StrikeDef, Weights]] = {
            number: {strike: _folded(strike, params) for strike in rule.strikes}
            for number, rule in enumerate(corpus.rules)
            if rule.strikes
        }

    def fixed(self, rule: int) -> bool:
        """Whether the points of a rule are the same for all events."""
        return all(
            condition is ALWAYS or condition == ALWAYS
            for weights in self._weights.get(rule, {}).values()
            for condition, _ in weights
        )

    def strike(
        self,
        number: int,
        ladder: LadderDef,
        points: PointsDef,
        mode: Mode,
        struck: Iterable[tuple[int, Severity, StrikeDef]],
        values: Values,
        blind: bool,
    ) -> Strike:
        """The strike of some rules on a ladder, as of `Consequences.strikes`.

        Args:
            number: Of the ladder.
            ladder: The ladder.
            points: How it adds points up.
            mode: Of the rules.
            struck: The rules with their severities, and what they do to this ladder.
            values: The values of the event, and of its history.
            blind: Whether an absent value might be there after all.
        """
        evaluation = Evaluation(self._corpus, _Seen(values, blind))
        jumps = dict(points.jumps)
        rules: dict[int, None] = {}
        weights: list[_Weight] = []
        without: list[int] = []
        lacks: set[int] = set()
        for rule, severity, strike in struck:
            rules[rule] = None
            weight, lacking = _weight(self._weights[rule][strike], evaluation)
            lacks |= lacking
            if weight:
                weights.append(_Weight(weight, jumps.get(severity, 0), strike.family, rule))
            elif weight == 0:
                without.append(strike.family)
        weights.sort(key=lambda one: (-one.points, -one.jump, one.family, one.rule))
        known = bool(weights or without)
        unknown = _unknown(ladder, points, values)
        lacks |= unknown
        past = None if unknown else _past(ladder, points, values)
        step = counts = None
        if past is not None and known:
            counts, step = _climb(ladder, points, weights, without, past)
        return Strike(
            number,
            mode,
            tuple(rules),
            tuple(sorted({one.rule for one in weights})),
            None if past is None else past.total,
            step,
            _climb(ladder, points, weights, without, _CLEAN)[1] if known else None,
            tuple(sorted(lacks)),
            (weights[0].family if weights else min(without)) if known else None,
            (weights[0].points if weights else 0) if known else None,
            counts,
        )


def _past(ladder: LadderDef, points: PointsDef, values: Values) -> _Past:
    """What is active before the event, where it is known."""
    families = points.families

    def served(family: int) -> int:
        slot = families[family].served
        return 0 if slot is None else whole(values(slot)) or 0

    return _Past(
        whole(values(ladder.slot)) or 0,
        lambda family: whole(values(families[family].slot)) or 0,
        served,
    )


def _unknown(ladder: LadderDef, points: PointsDef, values: Values) -> set[int]:
    """The slots of the history that have no value; if it has none at all, the first."""
    if isinstance(values(ladder.slot), Missing):
        return {ladder.slot}
    slots = [slot for family in points.families for slot in (family.slot, family.served)]
    return {slot for slot in slots if slot is not None and isinstance(values(slot), Missing)}


def _folded(strike: StrikeDef, params: Sequence[float]) -> Weights:
    folded = []
    for weight in strike.weights:
        points = fold(weight.points, params)
        assert isinstance(points, Constant)
        folded.append((weight.condition, int(points.value)))
    return tuple(folded)


def _weight(weights: Weights, evaluation: Evaluation) -> tuple[int | None, frozenset[int]]:
    """The points, or None and the slots that are lacking.

    Where all that may fit give the same points, what is missing makes no difference.
    """
    possible: set[int] = set()
    lacking: frozenset[int] = frozenset()
    for condition, points in weights:
        verdict = evaluation.verdict(condition)
        if verdict:
            return points, frozenset()
        if verdict is None:
            possible.add(points)
            lacking |= evaluation.lacking(condition)
    return (possible.pop(), frozenset()) if len(possible) == 1 else (None, lacking)


def _climb(
    ladder: LadderDef,
    points: PointsDef,
    weights: Sequence[_Weight],
    without: Sequence[int],
    past: _Past,
) -> tuple[int, int]:
    """The points that count after a strike, and the step that it leads to.

    All of it is the greatest of what the rules give one by one, so that a rule more, a point more
    or a strike more in the past never leads to a lower step.
    """
    total = past.total + (weights[0].points if weights else 0)
    of_family = [past.of_family(one.family) + one.points for one in weights]
    of_family = of_family or [past.of_family(family) for family in without]
    sums = {"family": max(of_family), "all": total, "half of all": (total + 1) // 2}
    counts = max(sums[one] for one in points.sums)
    if not weights:
        return counts, 0
    steps = [step_of(ladder, counts)]
    steps += [one.jump for one in weights]
    steps += [min(past.served(one.family), len(ladder.steps)) for one in weights]
    return counts, max(steps)


class _Seen:
    """The values of an event by slot."""

    __slots__ = ("_blind", "_values")

    def __init__(self, values: Values, blind: bool) -> None:
        self._values = values
        self._blind = blind

    def __getitem__(self, slot: int, /) -> SlotValue | Missing:
        value = self._values(slot)
        return FAILED if self._blind and value is ABSENT else value
