"""Appeals: whoever a decision is about can have it looked at by a person who took no part in it.

An appeal can be filed until so long after the notice as the procedure says, once, and once more with
new evidence. One that comes too late is recorded, and decided as that. While one that came in time is
undecided, its strikes make nothing heavier (but for grave ones, as the procedure says); one that is not
decided in time lifts what the procedure names.

*Upheld*: the decision stands. *Changed*: some of its measures end, or its strikes were none.
*Overturned*: its strikes never were, its measures end, and what later cases took from the strikes is
worked out anew, which can only lower it (`clausal.enforcement.replay`). Nothing is taken out of the
ledger: the statements of before are superseded.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Literal

from clausal.enforcement.facts import AnyFact, Appealed, Case, Judged, name
from clausal.enforcement.ledger import Ledger, Message, Transaction
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
from clausal.enforcement.record import WAITING, AppealState, MeasureState, Record
from clausal.enforcement.replay import replay, void
from clausal.enforcement.review import is_agreed, is_delayed
from clausal.enforcement.statements import appeal_until
from clausal.enforcement.waiting import Waiting

Outcome = Literal["upheld", "changed", "overturned"]


def file(
    ledger: Ledger, case: str, by: str, text: str, at: int, *, evidence: bool = False
) -> Sequence[AnyFact]:
    """Take down an appeal.

    Args:
        ledger: What holds the case.
        case: Its name, which stands on the statement of reasons.
        by: Who appeals: one of those that the case is about, by id or as ``kind:id``.
        text: Why.
        at: When, in microseconds since 1970.
        evidence: Whether it brings new evidence.

    Returns:
        The facts that were added: the appeal, and that it came too late if it did.

    Raises:
        RefusedError: if that cannot be. Nothing was recorded.
        LedgerError: if the ledger cannot be written.
    """
    who, told = person(by), words(text)
    if not told:
        raise RefusedError("an appeal says why, and this one is empty")
    with ledger.transaction() as transaction:
        desk = Desk(transaction, case)
        if at < desk.case.at:
            raise RefusedError("the appeal would lie before the decision")
        if not is_party(who, desk.case.parties):
            raise RefusedError("whoever appeals is one of those that the case is about")
        number = _number(desk, evidence=evidence)
        appeal = name("appeal", case, str(number))
        parties = tuple(sorted({*desk.case.parties, WAITING}))
        late = at >= appeal_until(desk.record, desk.state, desk.procedure)
        desk.add(
            Appealed(
                id=appeal,
                at=at,
                parties=parties,
                case=case,
                by=who,
                text=told,
                evidence=evidence,
                due=None if late else _due(desk, at),
            )
        )
        if late:
            desk.add(
                Judged(
                    id=name("judged", appeal),
                    at=at,
                    parties=parties,
                    appeal=appeal,
                    case=case,
                    reviewer="",
                    outcome="out_of_time",
                )
            )
        return desk.write()


def _number(desk: Desk, *, evidence: bool) -> int:
    """Which appeal against the case it is, from 1.

    Raises:
        RefusedError: if it would be one too many.
    """
    before = desk.state.appeals
    if not before:
        return 1
    if desk.state.under_appeal:
        raise RefusedError("an appeal against the case is undecided")
    if before[-1].judged is not None and before[-1].judged.outcome == "overturned":
        raise RefusedError("the decision was overturned already")
    if len(before) > 1 or not desk.procedure.again:
        raise RefusedError("there is no further appeal against the case")
    if not evidence:
        raise RefusedError(
            "an appeal against the case was decided",
            hint="there may be one more, with new evidence: `--evidence`",
        )
    return 2


def _due(desk: Desk, at: int) -> int | None:
    """When an appeal is to be decided, by the gravest measure of the case."""
    limits = desk.procedure.decide
    if limits is None:
        return None
    open_ones = [one for one in desk.measures() if not is_over(one, at)]
    grade = max((one.fact.grade for one in open_ones), default=0)
    interim = any(one.fact.interim for one in open_ones)
    return at + limits.of(grade, interim=interim)


def decide(
    ledger: Ledger,
    appeal: str,
    reviewer: str,
    outcome: Outcome,
    at: int,
    *,
    note: str = "",
    end: Collection[str] = (),
    no_strike: bool = False,
) -> Sequence[AnyFact]:
    """Decide an appeal, and do what follows.

    Args:
        ledger: What holds it.
        appeal: Its name.
        reviewer: Who decides: a person who took no part in the decision.
        outcome: What they decide.
        at: When, in microseconds since 1970.
        note: Why, for colleagues.
        end: If it is "changed": the names of the measures that end.
        no_strike: If it is "changed": the case carries no strikes, and the measures of their steps end.

    Returns:
        The facts that were added.

    Raises:
        RefusedError: if that cannot be. Nothing was recorded.
        LedgerError: if the ledger cannot be written.
    """
    who, told = person(reviewer), words(note)
    if outcome == "changed" and not end and not no_strike:
        raise RefusedError("what is changed has to be said: measures that end, or no strike")
    if outcome != "changed" and (end or no_strike):
        raise RefusedError(f"a decision that is {outcome} changes no single measure")
    with ledger.transaction() as transaction:
        fact = transaction.facts([appeal]).get(appeal)
        if not isinstance(fact, Appealed):
            raise RefusedError("there is no appeal of that name")
        desk = Desk(transaction, fact.case)
        state = desk.record.appeals[appeal]
        _check(desk, state, who, at)
        unknown = set(end) - {one.fact.id for one in desk.measures() if not is_over(one, at)}
        if unknown:
            raise RefusedError(f"there is no measure of the case to end: {min(unknown)}")
        desk.add(
            Judged(
                id=name("judged", appeal),
                at=at,
                parties=fact.parties,
                appeal=appeal,
                case=fact.case,
                reviewer=who,
                outcome=outcome,
                note=told,
            )
        )
        if outcome == "overturned":
            for one in desk.measures():
                desk.end(one, at, "overturned", who)
            replay(desk, void(desk, "overturned", who, at), appeal, who, at)
        elif outcome == "changed":
            for one in desk.measures():
                of_steps = no_strike and one.fact.strikes
                if one.fact.id in end or of_steps:
                    desk.end(one, at, "changed", who)
            if no_strike:
                replay(desk, void(desk, "changed", who, at), appeal, who, at)
        return desk.write()


def _check(desk: Desk, state: AppealState, who: str, at: int) -> None:
    """Refuse what cannot be.

    Raises:
        RefusedError: if a person may not decide an appeal, or nobody any more.
    """
    if state.judged is not None:
        raise RefusedError(f"the appeal was decided already: {state.judged.outcome}")
    if at < state.fact.at:
        raise RefusedError("the decision would lie before the appeal")
    if is_party(who, desk.case.parties) or identity(who) == identity(state.fact.by):
        raise RefusedError("nobody decides an appeal that is about themselves")
    took_part = {identity(one.reviewer) for one in desk.reviewers()}
    took_part |= {identity(one.judged.reviewer) for one in desk.state.appeals if one.judged}
    if identity(who) in took_part:
        raise RefusedError("this person took part in the decision")


def undecided(ledger: Ledger, at: int) -> list[tuple[AppealState, Case | None]]:
    """The appeals that wait at an instant, the most urgent first, each with its case."""
    facts = [one for one in ledger.about(WAITING) if one.at <= at]
    record = Record.of(WAITING, facts)
    found = [one for one in record.appeals.values() if one.judged is None]
    found.sort(key=lambda one: (one.fact.due is None, one.fact.due or 0, one.fact.id))
    cases = ledger.facts([one.fact.case for one in found])
    return [
        (one, case if isinstance(case := cases.get(one.fact.case), Case) else None) for one in found
    ]


def due(transaction: Transaction, waiting: Waiting, at: int) -> tuple[list[AnyFact], list[Message]]:
    """What time brings about by an instant, of what people have in hand.

    Appeals that were not decided in time lift what the procedure names, as of when their time was
    over. Measures that people agreed to, and that had to wait until nobody can appeal any more, take
    effect. To ask again comes to the same.

    Args:
        transaction: Says what there is; nothing is appended to it.
        waiting: What is awaited.
        at: In microseconds since 1970.
    """
    facts: list[AnyFact] = []
    messages: list[Message] = []
    late = {
        one.case: one for one in waiting.appeals.values() if one.due is not None and one.due <= at
    }
    agreed = {
        one.fact.case
        for one in waiting.measures.values()
        if not one.in_effect and one.agreed >= one.fact.review
    }
    for case in sorted({*late, *agreed}):
        desk = Desk(transaction, case)
        for one in desk.measures():
            if in_effect(one):
                if case in late and one.fact.sanction in desk.procedure.lifted:
                    desk.end(one, _lifted_at(one, late[case]), "lifted", late[case].id)
            elif is_agreed(one) and not is_over(one, at) and not is_delayed(desk, one, at):
                desk.apply(one.fact, at)
        facts += desk.facts
        messages += desk.messages
    return facts, messages


def _lifted_at(state: MeasureState, appeal: Appealed) -> int:
    """When a measure is lifted: when the time for the appeal was over, or as soon as it began."""
    start = state.applied.start if state.applied else state.fact.start
    return max(start, appeal.due or 0)


def sweep(ledger: Ledger, at: int) -> Sequence[AnyFact]:
    """Do what is `due`, without a bundle; returns what was added.

    Raises:
        LedgerError: if the ledger cannot be written.
    """
    with ledger.transaction() as transaction:
        waiting = Waiting()
        waiting.fold(transaction.about([WAITING]).get(WAITING, ()))
        facts, messages = due(transaction, waiting, at)
        transaction.append(facts, messages)
        return tuple(facts)
