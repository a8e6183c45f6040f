"""Reviews: people look at what a machine proposed, before it takes effect or soon after.

A measure that needs one person or two takes effect when that many *different* people have agreed to
it, from that moment and for as long as it was to last. A single "no" drops it. An interim measure is
in effect already: a "yes" lets it be, a "no" ends it at once. So does a "no" to one that no person was
asked about; what people agreed to is for an appeal to undo. Nobody reviews a case that is about
themselves, and nobody says a second word on one measure.

A review of which the time is over is none: the measure has lapsed then, whether or not somebody
swept it up.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import msgspec

from clausal.compiler.ir import ProcedureDef
from clausal.enforcement.facts import AnyFact, Finding, Judged, Measure, Reviewed, name
from clausal.enforcement.ledger import Ledger
from clausal.enforcement.people import (
    Desk,
    RefusedError,
    identity,
    in_effect,
    is_over,
    is_party,
    person,
    words,
)
from clausal.enforcement.record import WAITING, CaseState, MeasureState, Record, is_target
from clausal.enforcement.replay import replay, void
from clausal.enforcement.statements import appeal_until

Verdict = Literal["approve", "reject"]


class Open(msgspec.Struct, frozen=True, kw_only=True):
    """A measure that waits for people.

    Attributes:
        measure: The proposal, or the interim measure that runs.
        event: The platform's name of the event.
        concerns: Whom and what the event is about.
        needs: How many people must agree; 1 for an interim measure.
        agreed: Who has.
        runs: Whether it is in effect: it is an interim measure.
        overdue: Whether its time is over.
        findings: What it follows from, with what the rules saw.
    """

    measure: Measure
    event: str
    concerns: tuple[str, ...]
    needs: int
    agreed: tuple[str, ...]
    runs: bool
    overdue: bool
    findings: tuple[Finding, ...]


def queue(ledger: Ledger, at: int) -> list[Open]:
    """What waits for people at an instant: the most urgent first, of equal ones the gravest.

    Args:
        ledger: What holds the measures.
        at: In microseconds since 1970.
    """
    record = Record.of(WAITING, (one for one in ledger.about(WAITING) if one.at <= at))
    found = [
        describe(record, state, at) for state in record.measures.values() if _is_open(state, at)
    ]
    return sorted(found, key=_urgency)


def _urgency(one: Open) -> tuple[float, int, str]:
    deadline = one.measure.deadline
    return math.inf if deadline is None else deadline, -one.measure.grade, one.measure.id


def _is_open(state: MeasureState, at: int) -> bool:
    if is_over(state, at):
        return False
    if not in_effect(state):
        return True
    return state.fact.interim and state.fact.review == 0 and not state.approvals


def describe(record: Record, state: MeasureState, at: int) -> Open:
    """What there is to decide a measure by, from the record of a party that has it."""
    measure = state.fact
    case = record.cases.get(measure.case)
    return Open(
        measure=measure,
        event=case.fact.event if case else "",
        concerns=tuple(filter(is_target, measure.parties)),
        needs=max(1, measure.review),
        agreed=state.approvals,
        runs=in_effect(state),
        overdue=measure.deadline is not None and measure.deadline <= at,
        findings=tuple(record.findings[one] for one in measure.findings if one in record.findings),
    )


def review(
    ledger: Ledger,
    measure: str,
    reviewer: str,
    verdict: Verdict,
    at: int,
    *,
    note: str = "",
    wrong: bool = False,
) -> Sequence[AnyFact]:
    """Take down what a person says of a measure, and do what follows.

    Args:
        ledger: What holds it.
        measure: Its name.
        reviewer: Who says so.
        verdict: What they say.
        at: When, in microseconds since 1970.
        note: Why, for colleagues.
        wrong: With "reject": what was found was wrong. Then the strikes of the case never were, all
            its measures end, and cases that counted the strikes are worked out anew.

    Returns:
        The facts that were added.

    Raises:
        RefusedError: if that cannot be. Nothing was recorded.
        LedgerError: if the ledger cannot be written.
    """
    who, told = person(reviewer), words(note)
    if wrong and verdict == "approve":
        raise RefusedError("what was wrong cannot be approved")
    with ledger.transaction() as transaction:
        fact = transaction.facts([measure]).get(measure)
        if not isinstance(fact, Measure):
            raise RefusedError("there is no measure of that name")
        desk = Desk(transaction, fact.case)
        state = desk.record.measures[measure]
        _check(desk, state, who, verdict, at)
        desk.add(
            Reviewed(
                id=name("reviewed", measure, identity(who)),
                at=at,
                parties=fact.parties,
                measure=measure,
                reviewer=who,
                verdict=verdict,
                note=told,
            )
        )
        if verdict == "reject":
            desk.end(state, at, "rejected", who)
            if wrong:
                for other in desk.measures():
                    desk.end(other, at, "rejected", who)
                strikes = void(desk, "rejected", who, at)
                replay(desk, strikes, measure, who, at)
        elif not in_effect(state) and is_agreed(state) and not is_delayed(desk, state, at):
            desk.apply(fact, at)
        return desk.write()


def is_agreed(state: MeasureState) -> bool:
    """Whether as many different people agree to a measure as it needs."""
    return len({identity(one) for one in state.approvals}) >= state.fact.review


def is_delayed(desk: Desk, state: MeasureState, at: int) -> bool:
    """Whether a measure has to wait until nobody can appeal any more, as the procedure says of some."""
    if state.fact.sanction not in desk.procedure.waiting:
        return False
    over = appeal_until(desk.record, desk.state, desk.procedure)
    return at < over or desk.state.under_appeal


def _check(desk: Desk, state: MeasureState, who: str, verdict: Verdict, at: int) -> None:
    """Refuse what cannot be.

    Raises:
        RefusedError: if a person may not say a word on a measure, or not any more.
    """
    fact = state.fact
    if fact.review == 0 and not fact.interim and verdict == "approve":
        raise RefusedError("the measure needs nobody's word")
    if at < max([fact.at, *(one.at for one in state.reviews.values())]):
        raise RefusedError("the review would lie before what it is about")
    if state.ended is not None:
        raise RefusedError(f"the measure has ended: {state.ended.why}")
    if state.applied is not None or is_over(state, at):
        raise RefusedError("the measure was decided already, or is over")
    if lapsed(state, desk.procedure, at):
        raise RefusedError("the time for a review is over, and the measure has lapsed")
    if is_party(who, fact.parties):
        raise RefusedError("nobody reviews a case that is about themselves")
    if identity(who) in {identity(one) for one in state.reviews}:
        raise RefusedError("this person has said a word on the measure already")


def lapsed(state: MeasureState, procedure: ProcedureDef, at: int) -> bool:
    """Whether nobody looked at a measure in time, and the procedure says that it ends then."""
    deadline = state.fact.deadline
    if deadline is None or at < deadline:
        return False
    if in_effect(state):
        return state.fact.interim and not state.approvals and "interim" in procedure.lapse
    return "proposed" in procedure.lapse


class History(msgspec.Struct, frozen=True, kw_only=True):
    """What a reviewer may want to know of one of those that a case is about."""

    party: str
    cases: int
    strikes: int
    void: int
    measures: tuple[str, ...]
    appeals: int


def history(ledger: Ledger, case: CaseState, at: int) -> list[History]:
    """The history of the parties of a case, apart from the case itself, up to an instant."""
    told = []
    for party in filter(is_target, case.fact.parties):
        record = Record.of(party, (one for one in ledger.about(party) if one.at <= at))
        others = [one for one in record.strikes.values() if one.fact.case != case.fact.id]
        told.append(
            History(
                party=party,
                cases=len(record.cases) - (case.fact.id in record.cases),
                strikes=sum(one.active(at) and not one.void for one in others),
                void=sum(one.void for one in others),
                measures=tuple(one.fact.id for one in record.targets(at)),
                appeals=len(record.appeals),
            )
        )
    return told


class Precision(msgspec.Struct, frozen=True, kw_only=True):
    """How often people found a rule right: of the cases that they decided, how many stood.

    An appeal has the last word on its case; where there was none, the reviews have.
    """

    rule: str
    decided: int
    stood: int

    @property
    def share(self) -> float:
        """From 0 to 1."""
        return self.stood / self.decided


def precision(ledger: Ledger) -> list[Precision]:
    """What people's decisions say of each rule, "policy.rule", sorted by name.

    Rules of which people decided nothing are left out. It reads the whole ledger.
    """
    rules: dict[str, set[str]] = {}
    measures: dict[str, str] = {}
    reviews: dict[str, list[bool]] = {}
    appeals: dict[str, bool] = {}
    for entry in ledger.entries():
        fact = entry.fact
        match fact:
            case Finding() if fact.mode == "enforced":
                rules.setdefault(fact.case, set()).add(f"{fact.policy}.{fact.rule}")
            case Measure():
                measures[fact.id] = fact.case
            case Reviewed() if fact.measure in measures:
                said = reviews.setdefault(measures[fact.measure], [])
                said.append(fact.verdict == "approve")
            case Judged() if fact.outcome != "out_of_time":
                appeals[fact.case] = fact.outcome == "upheld"
            case _:
                pass
    stood = {case: all(said) for case, said in reviews.items()} | appeals
    counts: dict[str, list[int]] = {}
    for case, right in stood.items():
        for rule in rules.get(case, ()):
            count = counts.setdefault(rule, [0, 0])
            count[0] += 1
            count[1] += right
    return [
        Precision(rule=rule, decided=decided, stood=right)
        for rule, (decided, right) in sorted(counts.items())
    ]
