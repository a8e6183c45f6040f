"""What is awaited of measures: that their target is mended, that people look at them.

Folded like a record, from the facts of the party `WAITING`, but it forgets what nothing is awaited
of any more: however old a ledger is, this is as large as what is open.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from clausal.enforcement.facts import (
    AnyFact,
    Appealed,
    Applied,
    Case,
    Ended,
    Finding,
    Judged,
    Measure,
    Reviewed,
    name,
)
from clausal.enforcement.reading import raw
from clausal.enforcement.record import is_target


@dataclass(slots=True)
class Open:
    """A measure of which something is awaited.

    Attributes:
        fact: The measure.
        acted_at: The instant of the act that it follows from.
        bundle: The digest of the bundle that decided it; empty if that is not known.
        rules: Those of which the silence ends it, "policy.rule".
        item: The parties that an event must be about to tell something of it.
        applied: How it took effect after a review.
        agreed: How many people who looked at it let it be, or agree to it.
    """

    fact: Measure
    acted_at: int
    bundle: str
    rules: frozenset[str]
    item: frozenset[str]
    applied: Applied | None = None
    agreed: int = 0

    @property
    def in_effect(self) -> bool:
        """Whether it was told to the platform."""
        return self.fact.review == 0 or self.applied is not None

    @property
    def end(self) -> int | None:
        """When it ends by itself; None: not at all, or nobody knows yet."""
        if self.applied is not None:
            return self.applied.end
        return self.fact.end if self.fact.review == 0 else None


@dataclass(slots=True)
class Waiting:
    """All open measures, by name and by what they are about.

    ``about`` holds, for one party of each measure that an event may mend, the names of the measures;
    ``ids`` the ids of these parties, as `clausal.enforcement.reading.raw` has them, each with the
    number of its parties.
    """

    measures: dict[str, Open] = field(default_factory=dict)
    appeals: dict[str, Appealed] = field(default_factory=dict)
    about: dict[str, dict[str, None]] = field(default_factory=dict)
    ids: dict[bytes, int] = field(default_factory=dict)

    _case: Case | None = None
    _rules: dict[str, str] = field(default_factory=dict)

    def fold(self, facts: Iterable[AnyFact]) -> None:
        """Add facts that name the party, in the order of the ledger."""
        for fact in facts:
            self.add(fact)

    def add(self, fact: AnyFact) -> None:
        """Add the next fact. The facts of one case follow each other."""
        match fact:
            case Case():
                self._case, self._rules = fact, {}
            case Finding():
                self._rules[fact.id] = f"{fact.policy}.{fact.rule}"
            case Measure():
                self._measure(fact)
            case Applied():
                known = self.measures.get(fact.measure)
                if known is not None:
                    known.applied = fact
            case Reviewed():
                known = self.measures.get(fact.measure)
                if known is not None and fact.verdict == "approve":
                    known.agreed += 1
            case Ended():
                self.forget(fact.measure)
            case Appealed():
                self.appeals[fact.id] = fact
            case Judged():
                self.appeals.pop(fact.appeal, None)
            case _:
                pass

    def _measure(self, fact: Measure) -> None:
        if not (fact.until_fixed or fact.interim or fact.review):
            return
        if fact.until_fixed:
            rules, item = frozenset(fact.until_fixed), frozenset({fact.target})
        elif fact.interim:
            # Another item of the same account says nothing about the suspicion.
            rules = frozenset(self._rules[one] for one in fact.findings if one in self._rules)
            item = frozenset(filter(is_target, fact.parties))
        else:
            rules, item = frozenset(), frozenset()
        acted_at, bundle = fact.at, ""
        if self._case is not None and self._case.id == fact.case:
            acted_at, bundle = self._case.acted_at, self._case.bundle
        self.measures[fact.id] = Open(fact, acted_at, bundle, rules, item)
        if rules and item:
            party = min(item)
            if party not in self.about:
                self.about[party] = {}
                self.ids[raw(party)] = self.ids.get(raw(party), 0) + 1
            self.about[party][fact.id] = None

    def forget(self, measure: str) -> None:
        """Nothing is awaited of a measure any more."""
        known = self.measures.pop(measure, None)
        if known is None or not known.rules or not known.item:
            return
        party = min(known.item)
        there = self.about.get(party)
        if there is not None:
            there.pop(measure, None)
            if not there:
                del self.about[party]
                self.ids[raw(party)] -= 1
                if not self.ids[raw(party)]:
                    del self.ids[raw(party)]

    def touched(self, parties: Iterable[str]) -> bool:
        """Whether an event about some parties may mend anything."""
        return not self.about.keys().isdisjoint(parties)

    def mended(
        self, parties: Collection[str], acted_at: int, at: int, standing: Collection[str]
    ) -> list[Open]:
        """The measures that an event ends: it is later than their act, and their rules are silent.

        Args:
            parties: Whom and what the event is about.
            acted_at: When that was.
            at: When it is decided.
            standing: The rules that fired or are undetermined, "policy.rule".
        """
        found = []
        for party in parties:
            for measure in tuple(self.about.get(party, ())):
                one = self.measures[measure]
                if one.end is not None and one.end <= at:
                    self.forget(measure)
                elif (
                    acted_at > one.acted_at
                    and one.item.issubset(parties)
                    and one.rules.isdisjoint(standing)
                ):
                    found.append(one)
        return sorted(found, key=lambda one: one.fact.id)


def ended(one: Open, at: int, why: str, by: str = "") -> Ended:
    """The fact that an open measure ends."""
    assert why in {"fixed", "lapsed"}
    return Ended(
        id=name("ended", one.fact.id),
        at=at,
        parties=one.fact.parties,
        measure=one.fact.id,
        why="fixed" if why == "fixed" else "lapsed",
        by=by,
    )
