"""What is in effect on a target at an instant.

Measures that run side by side join as those of one decision do (`clausal.engine.join`), read at one
instant: of the same sanction about the same thing the strictest holds, and a sanction holds for all
that it implies. What is covered so runs all the same: when the heavier one ends, however that comes
about, the lighter one holds again. Nothing has to be done for that, for nothing was taken away.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

import msgspec

from clausal.compiler.ir import SanctionDef
from clausal.compiler.types import MICROSECONDS, Scalar
from clausal.enforcement.facts import Measure
from clausal.enforcement.record import MeasureState, Record
from clausal.engine.decision import Arguments, TargetRef
from clausal.engine.join import Algebra
from clausal.engine.phrase import call
from clausal.engine.segments import Cause, Group, Segment, Value, order, regroup, split


class Held(msgspec.Struct, frozen=True):
    """Something that is in effect.

    Attributes:
        sanction: Its name.
        grade: How heavy the sanction is.
        arguments: By the names of the sanction's parameters; as of a decision.
        said: The sanction with its arguments, close to how policies state them.
        measures: The names of the measures by which it holds, each of them enough; sorted.
    """

    sanction: str
    grade: int
    arguments: Arguments
    said: str
    measures: tuple[str, ...]


class Covered(msgspec.Struct, frozen=True):
    """A measure that runs and changes nothing as long as others do, all of them together."""

    measure: str
    by: tuple[str, ...]


class State(msgspec.Struct, frozen=True):
    """What is in effect on a target.

    Attributes:
        target: The party.
        at: The instant.
        held: What holds, heaviest first; what a sanction in it implies is not named.
        running: The names of all measures that run.
        covered: Those of which nothing shows.
        until: When this changes by itself; None: never, as far as is known.
    """

    target: str
    at: int
    held: tuple[Held, ...]
    running: tuple[str, ...]
    covered: tuple[Covered, ...]
    until: int | None


class Vocabulary:
    """The sanctions that the measures of a ledger speak of. Immutable."""

    def __init__(self, *known: Sequence[SanctionDef]) -> None:
        """Take the sanctions of some bundles, the latest first, whose word counts where they differ.

        Raises:
            ValueError: if they imply each other in a circle.
        """
        by_name: dict[str, tuple[SanctionDef, Sequence[SanctionDef]]] = {}
        for sanctions in known:
            for one in sanctions:
                by_name.setdefault(one.name, (one, sanctions))
        self._numbers = {name: number for number, name in enumerate(by_name)}
        self._sanctions = tuple(
            msgspec.structs.replace(
                one, implies=tuple(self._numbers[among[other].name] for other in one.implies)
            )
            for one, among in by_name.values()
        )
        self._algebra = Algebra(self._sanctions)

    @classmethod
    def of(cls, everywhere: Record) -> Vocabulary:
        """The vocabulary of all bundles that decided in a ledger, from its record `EVERYWHERE`."""
        return cls(*(known.sanctions for known in reversed(everywhere.bundles.values())))

    def call(self, sanction: str, arguments: Arguments) -> str:
        """A sanction with its arguments, close to how policies state them."""
        number = self._numbers.get(sanction)
        params = () if number is None else self._sanctions[number].params
        return call(sanction, params, arguments)

    def effective(self, record: Record, at: int) -> State:
        """What is in effect on a party at an instant."""
        return self.of_measures(record.party, record.targets(at), at)

    def of_measures(self, target: str, running: Iterable[MeasureState], at: int) -> State:
        """What is in effect on a target by some measures that run on it at an instant."""
        holders: dict[Segment, set[str]] = {}
        segments: dict[str, list[Segment]] = {}
        ends = []
        for state in running:
            measure = state.fact
            segments[measure.id] = self._segments(measure)
            for segment in segments[measure.id]:
                holders.setdefault(segment, set()).add(measure.id)
            span = state.span
            if span is not None and span[1] is not None:
                ends.append(span[1])
        covers = self._algebra.covers_of(holders)
        maximal = [segment for segment, by in covers.items() if by is None]
        covered = []
        for measure_id, own in sorted(segments.items()):
            if all(covers[segment] is not None for segment in own):
                by: set[str] = set()
                for segment in own:
                    cover = covers[segment]
                    assert cover is not None
                    by.add(min(holders[cover]))
                covered.append(Covered(measure_id, tuple(sorted(by))))
        return State(
            target=target,
            at=at,
            held=self._held(maximal, holders),
            running=tuple(sorted(segments)),
            covered=tuple(covered),
            until=min(ends, default=None),
        )

    def covers(self, heavier: Measure, lighter: Measure) -> bool:
        """Whether a measure, while it runs, leaves another one on its target nothing to do."""
        return heavier.target == lighter.target and self._algebra.at_most(
            self._segments(lighter), self._segments(heavier)
        )

    def _segments(self, measure: Measure) -> list[Segment]:
        """The segments of a measure as they are at an instant at which it runs.

        Why it may end, and whether people agreed, is no matter while it does.
        """
        number = self._numbers[measure.sanction]
        arguments = tuple(
            _held(measure.arguments.get(param.name), param.type)
            for param in self._sanctions[number].params
        )
        return split(
            self._algebra.shapes[number],
            arguments,
            (),
            mode="enforced",
            sanction=number,
            target=TargetRef("", None),
            start=0,
            end=1,
            interim=False,
            review=0,
        )

    def _held(
        self, maximal: Iterable[Segment], holders: dict[Segment, set[str]]
    ) -> tuple[Held, ...]:
        groups = regroup(
            self._algebra.shapes,
            [(segment, Cause()) for segment in maximal],
            apart=lambda segment: tuple(sorted(holders[segment])),
        )
        groups.sort(
            key=lambda group: (
                -self._sanctions[group.segment.sanction].grade,
                self._sanctions[group.segment.sanction].name,
                order(group.segment),
            )
        )
        return tuple(self._as_held(group, holders) for group in groups)

    def _as_held(self, group: Group, holders: Mapping[Segment, Collection[str]]) -> Held:
        sanction = self._sanctions[group.segment.sanction]
        arguments: Arguments = {
            param.name: value / MICROSECONDS
            if isinstance(value, float) and param.type == Scalar("duration")
            else value
            for param, value in zip(sanction.params, group.arguments, strict=True)
            if value is not None
        }
        return Held(
            sanction=sanction.name,
            grade=sanction.grade,
            arguments=arguments,
            said=call(sanction.name, sanction.params, arguments),
            measures=tuple(sorted(holders[group.segment])),
        )


def _held(value: object, type: object) -> Value:
    """An argument as segments have it, of one as decisions have it."""
    if isinstance(value, list):
        return tuple(value)
    if isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if isinstance(value, float) and type == Scalar("duration"):
        return value * MICROSECONDS
    assert value is None or isinstance(value, float | bool | str | tuple)
    return value
