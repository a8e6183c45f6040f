"""The record of a party: its state, folded from the facts that name it, one after the other.

A record is nothing but its facts: the same facts in the order of the ledger give the same record,
and a fact is never looked at twice. What was decided but never took effect, what ended and what was
void all along stays in it; whoever asks for a state names the instant.

    record = Record.of("account:a1", ledger.about("account:a1"))
    record.measures["measure-…"].runs(at)

Parties whose kind is `EVERYWHERE`'s are no targets: they gather what concerns the whole ledger.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, Literal, assert_never

from clausal.enforcement.facts import (
    AnyFact,
    Appealed,
    Applied,
    Braked,
    Case,
    Ended,
    Finding,
    Incident,
    Judged,
    Known,
    Listed,
    Measure,
    Released,
    Replayed,
    Reviewed,
    Strike,
    Voided,
)

EVERYWHERE: Final = "ledger:all"
"""The party of facts about the ledger as a whole: bundles that decided, rules that were braked."""

WAITING: Final = "ledger:waiting"
"""The further party of cases of which something is awaited, and of all facts about these: that a
proposal or an interim measure is reviewed, that a target is mended, that an appeal is decided."""


def is_target(party: str) -> bool:
    """Whether a party of a fact is somebody or something that measures can be about."""
    return not party.startswith("ledger:")


@dataclass(slots=True)
class MeasureState:
    """A measure and what became of it.

    Attributes:
        fact: As it was decided.
        applied: How it took effect after a review.
        ended: How it ended before its time, or was dropped.
        reviews: What people said of it, each person's last word.
    """

    fact: Measure
    applied: Applied | None = None
    ended: Ended | None = None
    reviews: dict[str, Reviewed] = field(default_factory=dict)

    @property
    def span(self) -> tuple[int, int | None] | None:
        """From when until when it is in effect, half-open, as far as is known; None: it is not.

        None stands for an end that nobody set. A measure that ended before it began has no span.
        """
        fact = self.fact
        if self.applied is not None:
            start, end = self.applied.start, self.applied.end
        elif fact.review == 0:
            start, end = fact.start, fact.end
        else:
            return None
        if self.ended is not None and (end is None or self.ended.at < end):
            end = self.ended.at
        return None if end is not None and end <= start else (start, end)

    def runs(self, at: int) -> bool:
        """Whether it is in effect at an instant; what happens once is not, at any."""
        span = None if self.fact.once else self.span
        return span is not None and span[0] <= at and (span[1] is None or at < span[1])

    def state(self, at: int) -> Literal["proposed", "dropped", "running", "ended", "done"]:
        """What is to be said of it at an instant, by the facts that the record has.

        A measure that happens once is "done" when it took effect; what is to begin yet is "running".
        """
        if self.fact.review > 0 and self.applied is None:
            return "proposed" if self.ended is None else "dropped"
        if self.fact.once:
            return "done"
        span = self.span
        return "ended" if span is None or (span[1] is not None and span[1] <= at) else "running"

    @property
    def approvals(self) -> tuple[str, ...]:
        """The people whose last word was to let it take effect, in the order of their words."""
        return tuple(who for who, one in self.reviews.items() if one.verdict == "approve")


@dataclass(slots=True)
class StrikeState:
    """A strike, and how it came to be void if it did: then it never counted.

    ``latest`` is when the last of the strikes expires that the party had on the ladder with it, and
    ``replayed`` where it leads since others are void. ``number`` is its place among the facts of the
    party, and ``void_number`` that of its end.
    """

    fact: Strike
    voided: Voided | None = None
    replayed: Replayed | None = None
    number: int = 0
    void_number: int = 0
    latest: int = 0

    @property
    def void(self) -> bool:
        """Whether it never was."""
        return self.voided is not None

    @property
    def step(self) -> int:
        """The step that it leads to, with what was found out since."""
        return self.fact.step if self.replayed is None else self.replayed.step

    def active(self, at: int) -> bool:
        """Whether its life covers an instant, whatever else: half-open, from its issue."""
        return self.fact.at <= at < self.fact.expires


@dataclass(slots=True)
class AppealState:
    """An appeal, and how it was decided if it was; the numbers are places as of `StrikeState`."""

    fact: Appealed
    judged: Judged | None = None
    number: int = 0
    judged_number: int = 0


@dataclass(slots=True)
class IncidentState:
    """An incident with its cases, by name, and all that makes further findings part of it.

    ``keys`` tells for each key the instants of the acts that brought it.
    """

    fact: Incident
    cases: list[str] = field(default_factory=list)
    keys: dict[str, list[int]] = field(default_factory=dict)

    opened_at: int | None = None
    """The instant of the act of its first case."""


@dataclass(slots=True)
class CaseState:
    """A case and what was found, struck and done in it, by name."""

    fact: Case
    findings: list[Finding] = field(default_factory=list)
    strikes: list[str] = field(default_factory=list)
    measures: list[str] = field(default_factory=list)
    appeals: list[AppealState] = field(default_factory=list)

    @property
    def under_appeal(self) -> bool:
        """Whether an appeal against it is undecided."""
        return any(one.judged is None for one in self.appeals)


class Record:
    """The state of one party. It grows with `add`, and is otherwise to be left as it is.

    Attributes:
        party: Whose it is.
        count: How many facts it holds.
        incidents: By name, in the order of the ledger; so are the others.
        cases: What was decided about the party, or about others in the same breath.
        findings: By name.
        strikes: Those on the party, and those on others that cases about it brought.
        measures: Likewise; ``fact.target`` says on whom.
        appeals: By name.
        listings: Entries of blacklists.
        bundles: Bundles that decided; only `EVERYWHERE` knows of some.
        braked: The rules in shadow for having fired too often, likewise.
        released: How often each rule was released, likewise.
        by_key: The incidents that a key belongs to: the instant of the act that opened each, and its
            name; ascending.
    """

    __slots__ = (
        "appeals",
        "braked",
        "bundles",
        "by_key",
        "cases",
        "count",
        "findings",
        "incidents",
        "listings",
        "measures",
        "party",
        "released",
        "strikes",
        "struck",
    )

    def __init__(self, party: str) -> None:
        """The record of a party of which nothing is known."""
        self.party = party
        self.count = 0
        self.incidents: dict[str, IncidentState] = {}
        self.cases: dict[str, CaseState] = {}
        self.findings: dict[str, Finding] = {}
        self.strikes: dict[str, StrikeState] = {}
        self.measures: dict[str, MeasureState] = {}
        self.appeals: dict[str, AppealState] = {}
        self.listings: dict[str, Listed] = {}
        self.bundles: dict[str, Known] = {}
        self.braked: dict[str, Braked] = {}
        self.released: dict[str, int] = {}
        self.by_key: dict[str, list[tuple[int, str]]] = {}
        self.struck: dict[str, list[StrikeState]] = {}
        """The strikes on the party itself, by ladder."""

    @classmethod
    def of(cls, party: str, facts: Iterable[AnyFact]) -> Record:
        """The record of a party, of the facts that name it in the order of the ledger."""
        made = cls(party)
        made.fold(facts)
        return made

    def fold(self, facts: Iterable[AnyFact]) -> None:
        """Add facts that name the party, in the order of the ledger."""
        for fact in facts:
            self.add(fact)

    def add(self, fact: AnyFact) -> None:
        """Add the next fact that names the party."""
        self.count += 1
        # The frequent ones first.
        match fact:
            case Finding():
                self._finding(fact)
            case Case():
                self._case(fact)
            case Measure():
                self._measure(fact)
            case Incident():
                self.incidents[fact.id] = IncidentState(fact)
            case Strike():
                self._strike(fact)
            case Applied():
                self._applied(fact)
            case Ended():
                self._ended(fact)
            case Reviewed():
                self._reviewed(fact)
            case Voided():
                self._voided(fact)
            case Replayed():
                self._replayed(fact)
            case Appealed():
                self._appealed(fact)
            case Judged():
                self._judged(fact)
            case Known():
                self.bundles[fact.bundle] = fact
            case Braked():
                self.braked[fact.rule] = fact
            case Released():
                self.braked.pop(fact.rule, None)
                self.released[fact.rule] = self.released.get(fact.rule, 0) + 1
            case Listed():
                self.listings[fact.id] = fact
            case _:
                assert_never(fact)

    def targets(self, at: int) -> list[MeasureState]:
        """The measures on the party itself that are in effect at an instant."""
        return [
            one for one in self.measures.values() if one.fact.target == self.party and one.runs(at)
        ]

    def proposals(self) -> list[MeasureState]:
        """The measures that wait for people."""
        return [
            one
            for one in self.measures.values()
            if one.fact.review > 0 and one.applied is None and one.ended is None
        ]

    # ── One of each kind ─────────────────────────────────────────────────────────────────────────

    def _case(self, fact: Case) -> None:
        self.cases[fact.id] = CaseState(fact)
        incident = self.incidents.get(fact.incident)
        if incident is None:
            return
        incident.cases.append(fact.id)
        if incident.opened_at is None:
            incident.opened_at = fact.acted_at
        for key in fact.keys:
            acts = incident.keys.get(key)
            if acts is None:
                acts = incident.keys[key] = []
                insort(self.by_key.setdefault(key, []), (incident.opened_at, fact.incident))
            acts.append(fact.acted_at)

    def _finding(self, fact: Finding) -> None:
        self.findings[fact.id] = fact
        case = self.cases.get(fact.case)
        if case is not None:
            case.findings.append(fact)

    def _strike(self, fact: Strike) -> None:
        made = self.strikes[fact.id] = StrikeState(fact, number=self.count)
        if fact.on == self.party:
            struck = self.struck.setdefault(fact.ladder, [])
            made.latest = max(fact.expires, struck[-1].latest) if struck else fact.expires
            struck.append(made)
        case = self.cases.get(fact.case)
        if case is not None:
            case.strikes.append(fact.id)

    def _measure(self, fact: Measure) -> None:
        self.measures[fact.id] = MeasureState(fact)
        case = self.cases.get(fact.case)
        if case is not None:
            case.measures.append(fact.id)

    def _applied(self, fact: Applied) -> None:
        measure = self.measures.get(fact.measure)
        if measure is not None:
            measure.applied = fact

    def _ended(self, fact: Ended) -> None:
        measure = self.measures.get(fact.measure)
        # The first end stands: what ended cannot end again.
        if measure is not None and measure.ended is None:
            measure.ended = fact

    def _voided(self, fact: Voided) -> None:
        strike = self.strikes.get(fact.strike)
        if strike is not None and strike.voided is None:
            strike.voided, strike.void_number = fact, self.count

    def _replayed(self, fact: Replayed) -> None:
        strike = self.strikes.get(fact.strike)
        if strike is not None:
            strike.replayed = fact

    def _reviewed(self, fact: Reviewed) -> None:
        measure = self.measures.get(fact.measure)
        if measure is not None:
            measure.reviews.pop(fact.reviewer, None)
            measure.reviews[fact.reviewer] = fact

    def _appealed(self, fact: Appealed) -> None:
        made = self.appeals[fact.id] = AppealState(fact, number=self.count)
        case = self.cases.get(fact.case)
        if case is not None:
            case.appeals.append(made)

    def _judged(self, fact: Judged) -> None:
        appeal = self.appeals.get(fact.appeal)
        if appeal is not None and appeal.judged is None:
            appeal.judged, appeal.judged_number = fact, self.count
