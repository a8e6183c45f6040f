"""What follows for other cases when a strike turns out never to have been one.

A strike that is void was counted, perhaps, when later strikes were issued, and led them to a higher
step than they deserved. So each later strike of the same party on the same ladder is worked out anew
with the void ones left out, by the ladder of the bundle that decided its case. Where it leads to a
lower step now, what came of the old step ends, and what the lower step says takes its place.

**A replay can only lower.** Say that a measure ``n`` is *at most* a measure ``o`` on the same target if
``o`` leaves ``n`` nothing to do (`Vocabulary.covers`: the same sanction about the same thing and at
least as strict, or one that implies it), or if the grade of ``n`` is below that of ``o``. This is
reflexive, by the first half, and transitive: a sanction never implies one of a higher grade, so that
"covers" never raises the grade, and each of the four ways to put two such steps together is one again.
Say that a state, the set of measures in effect at an instant, is at most another if each of its
measures is at most one of the other's. Then for every instant the state after a replay is at most the
state before it. For what is taken away only takes from the state; and a measure ``n`` of the lower step
is given only for those instants at which a measure ``o`` of the old step, which it is at most, was in
effect (`_spans` cuts its time to them), whatever its own length. What was there before and stays is
at most itself. The same holds of what waits for people: where all that covers ``n`` still waits, so
does ``n``, for as many people at least and with the same deadline, and never for longer. And the step
itself is the lower one of that which was recorded and that which is worked out, so that nothing that was
decided since (an appeal that was lost, say) can raise it.

A lesser measure that the old step covered was there all the time, and holds again by itself.

A measure that followed from a rule *and*, to the letter, from the old step is one fact of both; it ends
with the step. The doubt is decided for the person.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, Literal

import msgspec

from clausal.compiler.ir import (
    Bilingual,
    Constant,
    LadderDef,
    MeasureDef,
    SanctionDef,
)
from clausal.compiler.types import MICROSECONDS, Scalar
from clausal.enforcement.effective import Vocabulary
from clausal.enforcement.facts import (
    Applied,
    Case,
    Finding,
    Known,
    Measure,
    Replayed,
    Voided,
    name,
)
from clausal.enforcement.messages import begin
from clausal.enforcement.notices import notice
from clausal.enforcement.people import Desk, in_effect
from clausal.enforcement.record import MeasureState, Record, StrikeState
from clausal.enforcement.strikes import ladder_of, served
from clausal.engine.decision import Arguments, Step
from clausal.engine.strikes import climb, step_after

Span = tuple[int, int]
"""Half-open, in microseconds since 1970; an open end is `_NEVER`."""

_NEVER: Final = 2**62


def void(
    desk: Desk, why: Literal["overturned", "changed", "rejected"], by: str, at: int
) -> list[StrikeState]:
    """The strikes of a case never were.

    Returns:
        Those that were valid until now.
    """
    gone = []
    for one in desk.state.strikes:
        state = desk.record.strikes[one]
        if state.void or state.fact.mode != "enforced":
            continue
        gone.append(state)
        desk.add(
            Voided(
                id=name("voided", one),
                at=at,
                parties=state.fact.parties,
                strike=one,
                why=why,
                by=by,
            )
        )
    return gone


def replay(desk: Desk, strikes: Iterable[StrikeState], cause: str, by: str, at: int) -> None:
    """Work out anew what void strikes led other cases to.

    Args:
        desk: Takes down what follows; the strikes are void on it.
        strikes: Those that were voided.
        cause: What made them void: the name of an appeal or a measure.
        by: Who decided that.
        at: When, in microseconds since 1970.
    """
    ladders = dict.fromkeys((one.fact.on, one.fact.ladder) for one in strikes)
    for party, ladder in ladders:
        struck = desk.record_of(party).struck.get(ladder, ())
        first = next((place for place, one in enumerate(struck) if one.void), len(struck))
        for place in range(first + 1, len(struck)):
            later = struck[place]
            if later.fact.mode == "enforced" and not later.void:
                _Replay(desk, desk.record_of(party), later, struck[:place]).run(cause, by, at)


class _Replay:
    """One later strike, and what it leads to now."""

    def __init__(
        self, desk: Desk, record: Record, strike: StrikeState, before: Sequence[StrikeState]
    ) -> None:
        """Take a strike and those that its bearer had on the ladder before it."""
        self._desk = desk
        self._record = record
        self._strike = strike
        self._before = before
        self._case: Case = record.cases[strike.fact.case].fact
        named = name("known", self._case.bundle)
        found = desk.transaction.facts([named]).get(named)
        self._known = found if isinstance(found, Known) else None

    def run(self, cause: str, by: str, at: int) -> None:
        """Take down what follows, if anything does."""
        known = self._known
        fact = self._strike.fact
        ladder = None if known is None else ladder_of(known, fact)
        if known is None or ladder is None:
            return
        active = min(self._active(), self._was())
        counts, step = self._led(ladder, active)
        step = min(step, self._strike.step)
        if active == self._was() and step == self._strike.step:
            return
        old = self._strike.step
        self._desk.add(
            Replayed(
                id=name("replayed", fact.id, cause),
                at=at,
                parties=fact.parties,
                strike=fact.id,
                active=active,
                counts=min(counts, self._counted()),
                step=step,
                next_at=_next(ladder, step),
                by=by,
            )
        )
        if step < old:
            self._lower(known, ladder, old, step, cause, by, at)

    def _led(self, ladder: LadderDef, active: float) -> tuple[float, int]:
        """What counts with the strike after so many active ones, or points, and where that leads."""
        fact = self._strike.fact
        if ladder.points is None:
            return active + fact.counts - fact.active, step_after(ladder, int(active))
        by_family: dict[str, int] = {}
        on_probation = own = 0
        for one in self._before:
            if one.fact.mode != "enforced":
                continue
            if one.fact.incident == fact.incident:
                # It holds the difference to those of its incident that stood when it was issued.
                if not self._was_void(one):
                    own += int(one.fact.points)
            elif not one.void and not self._suspended(one):
                family, acted_at = one.fact.family, self._case.acted_at
                if one.active(acted_at):
                    by_family[family] = by_family.get(family, 0) + int(one.fact.points)
                past = (
                    served(self._record, one, ladder.points.after, acted_at)
                    if ladder.points.probation and family == fact.family
                    else None
                )
                if past is not None and acted_at < past.until + ladder.points.probation:
                    on_probation = max(on_probation, past.step)
        points = own + int(fact.points)
        return climb(ladder, points, fact.family, fact.severity, by_family, on_probation)

    def _was(self) -> float:
        replayed = self._strike.replayed
        return self._strike.fact.active if replayed is None else replayed.active

    def _counted(self) -> float:
        replayed = self._strike.replayed
        return self._strike.fact.counts if replayed is None else replayed.counts

    def _active(self) -> float:
        """How many strikes counted before it, those left out that are void now.

        It is what was counted then, less what is void since: which strikes an appeal suspended
        at that time does not come up again.
        """
        fact = self._strike.fact
        gone = sum(
            one.fact.points
            for one in self._before
            if one.void
            and not self._was_void(one)
            and one.fact.mode == "enforced"
            and one.fact.incident != fact.incident
            and one.active(self._case.acted_at)
            and not self._suspended(one)
        )
        return max(0.0, fact.active - gone)

    def _was_void(self, strike: StrikeState) -> bool:
        """Whether a strike was void when the later one was issued."""
        return strike.void and strike.void_number < self._strike.number

    def _suspended(self, strike: StrikeState) -> bool:
        """Whether an appeal kept a strike from counting when the later one was issued."""
        case = self._record.cases.get(strike.fact.case)
        issued = self._strike.number
        return (
            case is not None
            and self._known is not None
            and strike.fact.severity in self._known.procedure.pauses
            and any(
                one.number < issued and (one.judged is None or one.judged_number > issued)
                for one in case.appeals
            )
        )

    # ── From one step to a lower one ─────────────────────────────────────────────────────────────

    def _lower(
        self,
        known: Known,
        ladder: LadderDef,
        old: int,
        new: int,
        cause: str,
        by: str,
        at: int,
    ) -> None:
        from_old = [one for one in self._of_step(ladder, old) if one.ended is None]
        # As it would have been: measured before anything ends.
        spans = [(one, _span(one)) for one in from_old]
        vocabulary = Vocabulary(known.sanctions)
        for state in from_old:
            self._desk.end(state, at, "replayed", by)
        if new == 0:
            return
        for place, definition in enumerate(ladder.steps[new - 1].measures):
            sanction = known.sanctions[definition.sanction]
            if sanction.once:
                continue  # it would be done anew
            for target in sorted({one.fact.target for one in from_old}):
                if target.partition(":")[0] == definition.target:
                    parts = (cause, str(place))
                    made = self._measure(ladder, sanction, definition, target, new, parts)
                    for one in self._given(made, spans, vocabulary, at):
                        told = notice(known, one, one.end, self._findings(), self._case.zone)
                        self._begin(msgspec.structs.replace(one, notice=told), at)

    def _of_step(self, ladder: LadderDef, step: int) -> list[MeasureState]:
        """The measures that the strike brought by a step, and nothing but that step."""
        wanted = (Step(ladder.name, step),)
        return [
            state
            for one in self._record.cases[self._case.id].measures
            if (state := self._record.measures[one]).fact.steps == wanted
            and self._strike.fact.id in state.fact.strikes
        ]

    def _given(
        self,
        made: Measure,
        old: Sequence[tuple[MeasureState, Span | None]],
        vocabulary: Vocabulary,
        at: int,
    ) -> Iterator[Measure]:
        """A measure of the lower step in the place of those of the old one that it is at most."""
        above = [
            (state, span)
            for state, span in old
            if state.fact.target == made.target
            and (made.grade < state.fact.grade or vocabulary.covers(state.fact, made))
        ]
        # People agreed to what was graver, and as many of them as this needs.
        ran = [(state, span) for state, span in above if span and state.fact.review >= made.review]
        waits = [state.fact for state, _ in above if not in_effect(state)]
        if ran:
            length = _NEVER if made.length is None else made.length
            for number, (start, end) in enumerate(_spans([span for _, span in ran], length)):
                yield msgspec.structs.replace(
                    made,
                    id=name("measure", made.id, str(number)),
                    at=at,
                    start=start,
                    end=None if end == _NEVER else end,
                    length=None if end == _NEVER else end - start,
                    replays=ran[0][0].fact.id,
                )
        elif waits:
            nearest = min(waits, key=lambda one: (one.review, one.id))
            lengths = [one for one in (made.length, nearest.length) if one is not None]
            length = min(lengths, default=-1)
            yield msgspec.structs.replace(
                made,
                at=at,
                start=at,
                end=None if length < 0 else at + length,
                length=None if length < 0 else length,
                review=max(made.review, nearest.review),
                deadline=nearest.deadline,
                replays=nearest.id,
            )

    def _begin(self, given: Measure, at: int) -> None:
        """A measure of the lower step takes effect from when the old one did, or waits as that did."""
        replaced = self._record.measures[given.replays]
        over = given.end is not None and given.end <= at
        event = self._desk.event_of(given.case)
        if given.review == 0:
            self._desk.add(given, *(() if over else (begin(given, event),)))
            return
        self._desk.add(given)
        if not in_effect(replaced):
            return
        applied = Applied(
            id=name("applied", given.id),
            at=at,
            parties=given.parties,
            measure=given.id,
            start=given.start,
            end=given.end,
        )
        self._desk.add(applied, *(() if over else (begin(given, event, applied),)))

    def _findings(self) -> list[Finding]:
        """What the strike follows from."""
        found = self._record.findings
        return [found[one] for one in self._strike.fact.findings if one in found]

    def _measure(
        self,
        ladder: LadderDef,
        sanction: SanctionDef,
        definition: MeasureDef,
        target: str,
        step: int,
        parts: tuple[str, ...],
    ) -> Measure:
        """What a step says, as if it began with the decision, and without its notice."""
        fact = self._strike.fact
        length = definition.within if definition.until_fixed else definition.duration
        rules = self._findings()
        end = None if length is None else fact.at + length
        return Measure(
            id=name("measure", fact.id, target, *parts),
            at=fact.at,
            parties=fact.parties,
            case=fact.case,
            incident=fact.incident,
            sanction=sanction.name,
            title=sanction.title,
            grade=sanction.grade,
            dsa=sanction.dsa,
            target=target,
            arguments=_arguments(sanction, definition),
            start=fact.at,
            end=end,
            length=length,
            permanent=sanction.permanent,
            once=sanction.once,
            until_fixed=tuple(sorted(f"{one.policy}.{one.rule}" for one in rules))
            if definition.until_fixed
            else (),
            interim=definition.interim,
            review=max(definition.review, sanction.review),
            deadline=None,
            findings=fact.findings,
            strikes=(fact.id,),
            steps=(Step(ladder.name, step),),
            yields_to=None,
            notice=Bilingual(),
        )


def _next(ladder: LadderDef, step: int) -> float | None:
    """The strikes or points from which the next step holds; None: there is none."""
    if step >= len(ladder.steps):
        return None
    return float(step + 1 if ladder.points is None else ladder.steps[step].since)


def _span(state: MeasureState) -> Span | None:
    """When a measure runs, or would have run, half-open; None: it does not, or happened once."""
    span = None if state.fact.once else state.span
    return None if span is None else (span[0], _NEVER if span[1] is None else span[1])


def _spans(old: Iterable[Span], length: int) -> Iterator[Span]:
    """The instants of some spans, up to a length from the first of them, as few spans as may be."""
    merged: list[list[int]] = []
    for start, end in sorted(old):
        if merged and start <= merged[-1][1]:
            merged[-1][1] = max(merged[-1][1], end)
        else:
            merged.append([start, end])
    last = min(_NEVER, merged[0][0] + length)
    for start, end in merged:
        if start < min(end, last):
            yield start, min(end, last)


def _arguments(sanction: SanctionDef, definition: MeasureDef) -> Arguments:
    """The arguments of a measure as decisions have them."""
    found: Arguments = {}
    for param, value in zip(sanction.params, definition.arguments, strict=True):
        if isinstance(value, Constant):
            seconds = param.type == Scalar("duration")
            found[param.name] = value.value / MICROSECONDS if seconds else value.value
        elif value is not None:
            found[param.name] = value
    return found
