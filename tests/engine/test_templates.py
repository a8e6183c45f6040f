"""Templates say what the plain computation says: with the ids and instants of the event from the start."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from clausal.compiler.ir import Constant, Corpus, MeasureDef
from clausal.compiler.types import MICROSECONDS, Scalar
from clausal.engine.consequences import Consequences, Matches, identifier
from clausal.engine.decision import Measure, Mode, TargetRef
from clausal.engine.join import Algebra
from clausal.engine.render import rfc3339
from clausal.engine.segments import FOREVER, Cause, Group, Segment, order, regroup, split
from clausal.engine.templates import Templates
from clausal.engine.values import FIRST_INSTANT, LAST_INSTANT, Missing, Value
from tests.engine.test_laws import event_values, write
from tests.support.corpora import decision_of
from tests.support.strikes import plain_step

randoms = st.integers(0, 2**63).map(Random)


def plain_measures(
    corpus: Corpus, values: list[Value | Missing], fired: list[int], start: int
) -> list[dict[str, object]]:
    """The measures by the laws as they are written: absolute times, targets by their ids."""
    consequences = Consequences(corpus)
    algebra = Algebra(corpus.sanctions)
    slots = {target.name: target.slot for target in corpus.targets}
    pairs = [(rule, consequences.mode(rule, values.__getitem__)) for rule in sorted(fired)]
    modes: dict[int, Mode] = {
        rule: "enforced" if mode == "enforced" else "shadow" for rule, mode in pairs
    }
    record: dict[Segment, Cause] = {}

    def add(
        measure: MeasureDef, mode: Mode, rules: Sequence[int], step: tuple[str, int] | None = None
    ) -> None:
        sanction = corpus.sanctions[measure.sanction]
        length = measure.within if measure.until_fixed else measure.duration
        for segment in split(
            algebra.shapes[measure.sanction],
            [one.value if isinstance(one, Constant) else one for one in measure.arguments],
            [consequences.names[rule] for rule in rules] if measure.until_fixed else [],
            mode=mode,
            sanction=measure.sanction,
            target=TargetRef(measure.target, identifier(values[slots[measure.target]])),
            start=start,
            end=FOREVER if length is None else start + length,
            interim=measure.interim,
            review=max(measure.review, sanction.review, int(sanction.permanent)),
        ):
            cause = Cause(frozenset(rules), frozenset([step] if step else []))
            record[segment] = record[segment] | cause if segment in record else cause

    struck: dict[tuple[int, Mode], list[int]] = {}
    for rule, mode in modes.items():
        for measure in corpus.rules[rule].measures:
            add(measure, mode, [rule])
        for number in corpus.rules[rule].struck:
            struck.setdefault((number, mode), []).append(rule)
    for (number, mode), rules in struck.items():
        ladder = corpus.ladders[number]
        step, causes = plain_step(corpus, number, rules, values)
        if step:
            for measure in ladder.steps[step - 1].measures:
                add(measure, mode, causes, (ladder.name, step))
    covers = algebra.covers_of(record)
    maximal = regroup(algebra.shapes, [(s, record[s]) for s, by in covers.items() if by is None])
    group_of = {segment: group for group in maximal for segment in group.members}
    cover_of = {segment: group_of[by] for segment, by in covers.items() if by is not None}
    covered = regroup(
        algebra.shapes,
        [(segment, record[segment]) for segment in cover_of],
        apart=lambda segment: cover_of[segment].segment,
    )
    groups = sorted([*maximal, *covered], key=lambda group: order(group.segment))
    places = {rule: place for place, rule in enumerate(modes)}
    return [
        told(corpus, group, places)
        | {
            "yields_to": groups.index(cover_of[group.segment])
            if group.segment in cover_of
            else None
        }
        for group in groups
    ]


def told(corpus: Corpus, group: Group, places: dict[int, int]) -> dict[str, object]:
    segment, sanction = group.segment, corpus.sanctions[group.segment.sanction]
    first = min(group.cause.findings)
    zone = corpus.versions[corpus.rules[first].version].zone
    arguments: dict[str, object] = {}
    for param, value in zip(sanction.params, group.arguments, strict=True):
        if value is not None:
            seconds = param.type == Scalar("duration") and isinstance(value, float)
            arguments[param.name] = value / MICROSECONDS if seconds else value  # type: ignore[operator]
    return {
        "sanction": sanction.name,
        "target": segment.target,
        "mode": segment.mode,
        "arguments": arguments,
        "start": rfc3339(segment.start, zone),
        "end": None if segment.end >= FOREVER else rfc3339(segment.end, zone),
        "until_fixed": group.until_fixed,
        "interim": segment.interim,
        "review": segment.review,
        "findings": tuple(sorted(places[rule] for rule in group.cause.findings)),
        "steps": sorted(group.cause.steps),
    }


def of_measure(measure: Measure) -> dict[str, object]:
    fields = {name: getattr(measure, name) for name in Measure.FIELDS}
    for name in ("title", "grade", "permanent", "once", "notice"):
        del fields[name]
    return fields | {"steps": [(step.ladder, step.step) for step in measure.steps]}


@given(randoms)
def test_templates_say_what_the_plain_computation_says(random: Random) -> None:
    """At any instant, the ends of time included, and whether targets are known or not."""
    corpus, values = write(random, rules=random.randint(1, 7))
    held = list(values)
    fired = sorted(
        random.sample(range(len(corpus.rules)), random.randint(0, min(5, len(corpus.rules))))
    )
    fired = [rule for rule in fired if corpus.rules[rule].version == corpus.rules[fired[0]].version]
    for start in (
        0,
        random.randint(FIRST_INSTANT, LAST_INSTANT),
        random.choice([FIRST_INSTANT, LAST_INSTANT]),
    ):
        decision = decision_of(corpus, held, start, start, Matches(fired, [], lambda _: ()))
        assert [of_measure(one) for one in decision.measures] == plain_measures(
            corpus, held, fired, start
        )


@given(randoms)
def test_a_template_is_the_same_for_all_events(random: Random) -> None:
    """One that is remembered says of the next event what a new one would say."""
    corpus, _ = write(random, rules=6)
    some = Templates(corpus, Consequences(corpus))
    rules = [rule for rule in range(len(corpus.rules)) if corpus.rules[rule].version == 0]
    for _ in range(6):
        values = event_values(random, corpus)
        fired = sorted(random.sample(rules, random.randint(0, len(rules))))
        consequences = Consequences(corpus)
        modes = [consequences.mode(rule, values.__getitem__) for rule in fired]
        pairs = tuple(
            (rule, mode) for rule, mode in zip(fired, modes, strict=True) if mode != "unknown"
        )
        strikes = consequences.strikes(pairs, values.__getitem__)
        for template in (some.of(pairs, strikes), some.of(pairs, strikes)):
            fresh = Templates(corpus, consequences).of(pairs, strikes)
            assert [one.head for one in template.measures] == [one.head for one in fresh.measures]
            assert [one.head for one in template.findings] == [one.head for one in fresh.findings]
            for one, other in zip(template.measures, fresh.measures, strict=True):
                assert (one.kind, one.length, one.zone) == (other.kind, other.length, other.zone)
                assert one.notice.fill("x", 5) == other.notice.fill("x", 5)
        assert some.of(pairs, strikes) is some.of(pairs, strikes)
