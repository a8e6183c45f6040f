"""Where strikes lead, worked out once more and in the plainest way: what the engine is held against."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from clausal.compiler.ir import Constant, Corpus, LadderDef, PointsDef
from clausal.engine.reference import Evaluation
from clausal.engine.values import Missing, Value

Values = Sequence[Value | Missing]


def plain_step(
    corpus: Corpus, number: int, rules: Iterable[int], values: Values
) -> tuple[int, list[int]]:
    """The step that a strike of some rules leads to, 0 for none, and the rules that lead there."""
    ladder = corpus.ladders[number]
    if ladder.points is not None:
        return _by_points(corpus, number, ladder, ladder.points, rules, values)
    active = values[ladder.slot]
    if isinstance(active, Missing):
        return 0, []
    assert isinstance(active, float)
    return min(int(active) + 1, len(ladder.steps)), sorted(rules)


def _by_points(
    corpus: Corpus,
    number: int,
    ladder: LadderDef,
    points: PointsDef,
    rules: Iterable[int],
    values: Values,
) -> tuple[int, list[int]]:
    evaluation = Evaluation(corpus, values)
    given = []
    for rule in rules:
        for strike in corpus.rules[rule].strikes:
            if strike.ladder != number:
                continue
            verdicts = [evaluation.verdict(weight.condition) for weight in strike.weights]
            fitting = set()
            for weight, verdict in zip(strike.weights, verdicts, strict=True):
                assert isinstance(weight.points, Constant)
                if verdict is not False and True not in verdicts[: strike.weights.index(weight)]:
                    fitting.add(int(weight.points.value))
            if True in verdicts:
                weight = strike.weights[verdicts.index(True)]
                assert isinstance(weight.points, Constant)
                fitting = {int(weight.points.value)}
            if len(fitting) == 1 and fitting != {0}:
                given.append((fitting.pop(), strike.family, rule))
    figures = [values[ladder.slot]]
    for of in points.families:
        figures += [values[slot] for slot in (of.slot, of.served) if slot is not None]
    if not given or any(isinstance(figure, Missing) for figure in figures):
        return 0, []

    def figure(slot: int | None) -> int:
        value = 0.0 if slot is None else values[slot]
        assert isinstance(value, float)
        return int(value)

    best = 0
    heaviest = max(weight for weight, _, _ in given)
    everything = figure(ladder.slot) + heaviest
    for more, family, rule in given:
        sums = {
            "family": figure(points.families[family].slot) + more,
            "all": everything,
            "half of all": math.ceil(everything / 2),
        }
        counts = max(sums[name] for name in points.sums)
        best = max(best, *(step.number for step in ladder.steps if step.since <= counts), 0, 0)
        best = max(best, dict(points.jumps).get(corpus.rules[rule].severity, 0))
        best = max(best, min(figure(points.families[family].served), len(ladder.steps)))
    return best, sorted({rule for _, _, rule in given})
