"""The sanction algebra: how measures of several rules become one outcome, whatever their order.

**Segments and circumstances.** Measures are compared in pieces (`clausal.engine.segments`). Whether
a segment is in effect depends on the *circumstances*: the instant, how many people have decided,
which rules still fire, and whether the suspicion still stands. A segment is in effect when the
instant lies in its interval, as many people have decided as its review asks for, the rule that it
lasts "until fixed" for still fires, and, if it is interim, the suspicion stands.

**The order.** A segment ``b`` covers ``a``, written ``a <= b``, when in every circumstance in which
``a`` is in effect ``b`` is in effect too and brings about at least as much:

* both are enforced, or both are shadow, and they are about the same target;
* ``b`` has the sanction and the atom of ``a`` and is at least as strict; or the sanction of ``b``
  implies that of ``a``, directly or by steps (see *Implied sanctions*);
* the interval of ``a`` lies within that of ``b``;
* ``b`` asks for no more people than ``a``: what waits for a review covers nothing that does not;
* if ``b`` lasts until a rule is silent, ``a`` does too, and until the same rule;
* if ``b`` is interim, ``a`` is too: a suspicion covers nothing that is final.

Each line is reflexive and transitive, and so is their conjunction. Segments that cover each other
are equal, because sanctions do not imply each other in a circle, and because an atom and a strength
together hold every argument. So ``<=`` is a partial order.

**The join.** The join of two sets of segments is the set of the maximal segments of their union:
``join(A, B) = max(A | B)``. Of the laws, *commutative* and *idempotent on antichains* are those of
set union (``max(A | A) = max(A) = A``). For *associative*, note that ``max(max(X) | Y) = max(X | Y)``
for finite sets: what ``max(X)`` leaves out is covered by a member of ``max(X)``, so it is not maximal
in ``X | Y``; and whatever it covers is covered by that member as well, by transitivity, so its
absence makes nothing else maximal. Then ``max(max(A | B) | C) = max(A | B | C)``, in which no order
and no grouping shows. So outcomes are a join-semilattice: it is the lattice of sets that contain all
that their members cover, each written down as its maximal members.

**Nothing is lost.** In all circumstances the joined segments bring about what all segments together
did (`Algebra.strength`): a segment is left out only for one that is in effect whenever it is, and at
least as strict. In particular a short strict limit and a long mild one are both maximal, and the
strict one never inherits the long end.

**Nothing is forgotten.** Covered segments stay in the record, each with a maximal one that covers it
(`Algebra.covers_of`); the record without a segment is the record that would have been without it, so
reversing a heavier measure restores the lighter one.

**Implied sanctions.** Closing an account silences it: there is nothing for a mute to do. But
revoking the income from ads does not settle a pause on tips: where two sanctions on a path of
implications have a parameter of the same name, one covers the other only where it has the same
value. A parameter that some sanction on the path does not have binds nothing, as that sanction is
about all values at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from clausal.compiler.ir import SanctionDef
from clausal.engine.decision import Mode, TargetRef
from clausal.engine.segments import Element, Segment, Shape, order

EVERYTHING: Final = float("inf")
"""The strength of a sanction that another one implies: stricter than any of its own."""


class Circumstances(msgspec.Struct, frozen=True):
    """What the effect of a segment depends on.

    ``firing`` are the rules that still fire, "policy.rule"; None: all of them. ``reviewed`` is how
    many people have decided, and ``suspicion`` whether it still stands.
    """

    at: int
    reviewed: int = 2
    firing: frozenset[str] | None = None
    suspicion: bool = True

    def in_effect(self, segment: Segment) -> bool:
        """Whether a segment has effect."""
        return (
            segment.start <= self.at < segment.end
            and segment.review <= self.reviewed
            and (self.suspicion or not segment.interim)
            and (
                not segment.until_fixed or self.firing is None or segment.until_fixed in self.firing
            )
        )


class Place(msgspec.Struct, frozen=True):
    """Something that can be in effect: a sanction on a target, about one thing."""

    mode: Mode
    target: TargetRef
    sanction: int
    atom: tuple[Element, ...]


Links = tuple[tuple[int, int], ...]
"""Positions of parameters that must have equal elements: (in the heavier, in the lighter)."""


class Algebra:
    """The order and the join for one vocabulary of sanctions.

    Raises:
        ValueError: The sanctions imply each other in a circle.
    """

    def __init__(self, sanctions: Sequence[SanctionDef]) -> None:
        self._grades = tuple(sanction.grade for sanction in sanctions)
        self.shapes = tuple(Shape(sanction) for sanction in sanctions)
        self._implied = _closure(sanctions, self.shapes)
        self._impliers: tuple[tuple[int, ...], ...] = tuple(
            tuple(b for b in range(len(sanctions)) if a in self._implied[b])
            for a in range(len(sanctions))
        )

    def covers(self, heavier: Segment, lighter: Segment) -> bool:
        """Whether ``lighter <= heavier``; a segment covers itself."""
        return (
            heavier.mode == lighter.mode
            and heavier.start <= lighter.start
            and lighter.end <= heavier.end
            and heavier.review <= lighter.review
            and (lighter.interim or not heavier.interim)
            and (not heavier.until_fixed or heavier.until_fixed == lighter.until_fixed)
            and self._brings_about(heavier, lighter)
            and heavier.target == lighter.target
        )

    def _brings_about(self, heavier: Segment, lighter: Segment) -> bool:
        if heavier.sanction == lighter.sanction:
            return heavier.strength >= lighter.strength and heavier.atom == lighter.atom
        return self._implies(heavier, lighter.sanction, lighter.atom)

    def _implies(self, heavier: Segment, sanction: int, atom: tuple[Element, ...]) -> bool:
        return any(
            all(heavier.atom[i] == atom[j] for i, j in links)
            for links in self._implied[heavier.sanction].get(sanction, ())
        )

    def covers_of(self, segments: Iterable[Segment]) -> dict[Segment, Segment | None]:
        """For each segment a maximal one that covers it, or None for those that are maximal.

        Of several that cover it, one of the same sanction is named rather than one that implies
        it, then the one of the highest grade, then the first in the order of segments.
        """
        unique = sorted(set(segments), key=order)
        alike: dict[Place, list[Segment]] = {}
        there: dict[tuple[Mode, TargetRef, int], list[Segment]] = {}
        for segment in unique:
            alike.setdefault(_place(segment), []).append(segment)
            there.setdefault((segment.mode, segment.target, segment.sanction), []).append(segment)
        above: dict[Segment, list[Segment]] = {}
        for segment in unique:
            others = [alike[_place(segment)]]
            others += [
                there.get((segment.mode, segment.target, implier), [])
                for implier in self._impliers[segment.sanction]
            ]
            above[segment] = [
                other
                for some in others
                for other in some
                if other is not segment and self.covers(other, segment)
            ]
        return {
            segment: min(
                (other for other in heavier if not above[other]),
                key=lambda other: (
                    other.sanction != segment.sanction,
                    -self._grades[other.sanction],
                    order(other),
                ),
            )
            if heavier
            else None
            for segment, heavier in above.items()
        }

    def join(self, segments: Iterable[Segment]) -> frozenset[Segment]:
        """The maximal segments."""
        return frozenset(
            segment for segment, cover in self.covers_of(segments).items() if cover is None
        )

    def at_most(self, lighter: Iterable[Segment], heavier: Iterable[Segment]) -> bool:
        """Whether each of the lighter segments is covered by one of the heavier ones.

        On joins this is the order of the semilattice: ``join(L, H) == H``.
        """
        bounds = tuple(heavier)
        return all(any(self.covers(bound, one) for bound in bounds) for one in lighter)

    def strength(
        self, segments: Iterable[Segment], place: Place, now: Circumstances
    ) -> float | None:
        """How strict the sanction at a place is under some circumstances; None: not in effect.

        It is the strictest of the segments in effect there, and `EVERYTHING` where a segment in
        effect implies it. This is the meaning of a set of segments: the join has the same.
        """
        strictest: float | None = None
        for segment in segments:
            if (
                segment.mode != place.mode
                or segment.target != place.target
                or not now.in_effect(segment)
            ):
                continue
            if segment.sanction != place.sanction:
                if self._implies(segment, place.sanction, place.atom):
                    return EVERYTHING
            elif segment.atom == place.atom and (strictest is None or segment.strength > strictest):
                strictest = segment.strength
        return strictest


def _place(segment: Segment) -> Place:
    return Place(segment.mode, segment.target, segment.sanction, segment.atom)


def _closure(
    sanctions: Sequence[SanctionDef], shapes: Sequence[Shape]
) -> tuple[dict[int, tuple[Links, ...]], ...]:
    """For each sanction those that it implies, by steps too, and what must agree between them.

    Several paths may lead to a sanction; each gives a set of parameter names that it carries
    through. A path that binds less covers more, so only the smallest sets are kept.
    """
    carried: list[dict[int, set[frozenset[str]]]] = [{} for _ in sanctions]
    for start in range(len(sanctions)):
        found = carried[start]
        waiting = [(start, shapes[start].identity)]
        while waiting:
            at, names = waiting.pop()
            for implied in sanctions[at].implies:
                kept = names & shapes[implied].identity
                known = found.setdefault(implied, set())
                if any(other <= kept for other in known):
                    continue
                known.difference_update({other for other in known if kept < other})
                known.add(kept)
                waiting.append((implied, kept))
        if start in found:
            raise ValueError(f"the sanction `{sanctions[start].name}` implies itself")
    return tuple(
        {
            implied: tuple(
                tuple(
                    (shapes[start].names.index(name), shapes[implied].names.index(name))
                    for name in sorted(names)
                )
                for names in sorted(sets, key=sorted)
            )
            for implied, sets in found.items()
        }
        for start, found in enumerate(carried)
    )
