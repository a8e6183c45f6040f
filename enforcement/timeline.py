"""The story of a party: all that happened to it, as it stood at an instant.

    told = story(ledger, "account:a-1", at)
    told.moments        # what happened, in order
    told.held           # what is in effect then

A story is told to whoever runs the platform: it names who reviewed and what they noted.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import msgspec

from clausal.compiler.ir import Bilingual, ProcedureDef
from clausal.enforcement.effective import Covered, Held, Vocabulary
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
from clausal.enforcement.ledger import Ledger
from clausal.enforcement.record import EVERYWHERE, MeasureState, Record
from clausal.enforcement.strikes import counting


class UnknownPartyError(LookupError):
    """The ledger knows nothing of a party; ``others`` are those that could be meant."""

    def __init__(self, text: str, others: tuple[str, ...] = ()) -> None:
        super().__init__(text)
        self.others = others


What = Literal[
    "incident",
    "case",
    "finding",
    "strike",
    "measure",
    "applied",
    "ended",
    "voided",
    "replayed",
    "review",
    "appeal",
    "outcome",
    "listed",
]


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened.

    Attributes:
        at: When it was decided, in microseconds since 1970.
        what: What it is.
        id: The name of the fact.
        of: The case, measure, strike or appeal that it is of; "" if of none.
        title: What it is about, if a policy or a library has a title for it.
        said: The rest, in English.
        on: The party that a strike or a measure is on; "" for others.
        until: When a strike expires or a measure ends, as far as is known then; None: not by itself.
        over: Whether that is so already, or it is void.
        grade: Of a measure.
        shadow: Whether it was only tried out.
    """

    at: int
    what: What
    id: str
    of: str = ""
    title: Bilingual = Bilingual()
    said: str = ""
    on: str = ""
    start: int | None = None
    until: int | None = None
    over: bool = False
    grade: int | None = None
    shadow: bool = False


class Points(msgspec.Struct, frozen=True, kw_only=True):
    """What counts on a ladder."""

    ladder: str
    title: Bilingual
    strikes: int
    points: float


class Story(msgspec.Struct, frozen=True, kw_only=True):
    """All that is known of a party at an instant.

    Attributes:
        party: Whose story it is.
        at: The instant, in microseconds since 1970.
        zone: The IANA name of the zone of its last case; UTC if it has none.
        moments: What happened, in order.
        held: What is in effect on it.
        covered: The measures that run and change nothing.
        until: When what is in effect changes by itself.
        points: What counts on ladders.
        waits: The names of measures that wait for people.
    """

    party: str
    at: int
    zone: str
    moments: tuple[Moment, ...]
    held: tuple[Held, ...]
    covered: tuple[Covered, ...]
    until: int | None
    points: tuple[Points, ...]
    waits: tuple[str, ...]


def party_of(ledger: Ledger, text: str) -> str:
    """The party that a text names: ``account:a-1``, or ``a-1`` where one kind alone has it.

    Raises:
        UnknownPartyError: if there is none, or more than one.
    """
    kinds = _kinds(ledger)
    if text.partition(":")[0] in kinds and ledger.about(text):
        return text
    found = tuple(f"{kind}:{text}" for kind in kinds if ledger.about(f"{kind}:{text}"))
    if len(found) != 1:
        raise UnknownPartyError(text, found)
    return found[0]


def _kinds(ledger: Ledger) -> list[str]:
    kinds = {
        target.name
        for fact in ledger.about(EVERYWHERE)
        if isinstance(fact, Known)
        for target in fact.targets
    }
    return sorted(kinds)


def story(ledger: Ledger, party: str, at: int) -> Story:
    """The story of a party, by the facts up to an instant.

    Args:
        ledger: What holds them.
        party: Whose, ``kind:id``.
        at: In microseconds since 1970.
    """
    facts = [fact for fact in ledger.about(party) if fact.at <= at]
    record = Record.of(party, facts)
    everywhere = Record.of(EVERYWHERE, ledger.about(EVERYWHERE))
    vocabulary = Vocabulary.of(everywhere)
    state = vocabulary.effective(record, at)
    zones = [case.fact.zone for case in record.cases.values()]
    return Story(
        party=party,
        at=at,
        zone=zones[-1] if zones else "UTC",
        moments=tuple(_moments(record, facts, at, vocabulary)),
        held=state.held,
        covered=state.covered,
        until=state.until,
        points=tuple(_points(record, everywhere, at)),
        waits=tuple(one.fact.id for one in record.proposals() if one.fact.target == party),
    )


def _points(record: Record, everywhere: Record, at: int) -> Iterator[Points]:
    titles = {
        ladder.name: ladder.label
        for known in everywhere.bundles.values()
        for ladder in known.ladders
    }
    procedure = next(
        (known.procedure for known in reversed(everywhere.bundles.values())), ProcedureDef()
    )
    for name in sorted(record.struck):
        counted = [one for one in counting(record, name, at, None, procedure) if one.active(at)]
        yield Points(
            ladder=name,
            title=titles.get(name.partition("@")[0], Bilingual()),
            strikes=len({one.fact.incident for one in counted}),
            points=sum(one.fact.points for one in counted),
        )


def _moments(
    record: Record, facts: list[AnyFact], at: int, vocabulary: Vocabulary
) -> Iterator[Moment]:
    for fact in sorted(facts, key=lambda one: one.at):
        match fact:
            case Incident():
                said = f"of {fact.by}" if fact.by else ""
                yield Moment(at=fact.at, what="incident", id=fact.id, said=said)
            case Case():
                yield Moment(
                    at=fact.at,
                    what="case",
                    id=fact.id,
                    of=fact.incident,
                    said=f"event {fact.event}" + (f", {fact.found_by}" if fact.found_by else ""),
                )
            case Finding():
                clauses = ", ".join(clause.id for clause in fact.clauses)
                yield Moment(
                    at=fact.at,
                    what="finding",
                    id=fact.id,
                    of=fact.case,
                    title=fact.title,
                    said=f"{fact.policy}.{fact.rule} {fact.version}, clause {clauses}, "
                    f"{fact.severity}{', braked' if fact.braked else ''}",
                    shadow=fact.mode == "shadow",
                )
            case Strike():
                yield _struck(record, fact, at)
            case Measure():
                yield _measured(record.measures[fact.id], at, vocabulary)
            case Applied():
                measure = record.measures[fact.measure]
                people = ", ".join(measure.approvals)
                yield Moment(
                    at=fact.at,
                    what="applied",
                    id=fact.id,
                    of=fact.measure,
                    title=measure.fact.title,
                    said=f"agreed to by {people}" if people else "",
                    on=measure.fact.target,
                    start=fact.start,
                    until=fact.end,
                    grade=measure.fact.grade,
                )
            case Ended():
                measure = record.measures[fact.measure]
                yield Moment(
                    at=fact.at,
                    what="ended",
                    id=fact.id,
                    of=fact.measure,
                    title=measure.fact.title,
                    said=f"{fact.why}{f' by {fact.by}' if fact.by else ''}",
                    on=measure.fact.target,
                )
            case Voided():
                yield Moment(
                    at=fact.at,
                    what="voided",
                    id=fact.id,
                    of=fact.strike,
                    said=f"the strike never was: {fact.why}{f' by {fact.by}' if fact.by else ''}",
                )
            case Replayed():
                yield Moment(
                    at=fact.at,
                    what="replayed",
                    id=fact.id,
                    of=fact.strike,
                    said=f"{fact.counts:g} count, step {fact.step}",
                )
            case Reviewed():
                yield Moment(
                    at=fact.at,
                    what="review",
                    id=fact.id,
                    of=fact.measure,
                    title=record.measures[fact.measure].fact.title,
                    said=_by(f"{fact.verdict} by {fact.reviewer}", fact.note),
                )
            case Appealed():
                evidence = ", with new evidence" if fact.evidence else ""
                yield Moment(
                    at=fact.at,
                    what="appeal",
                    id=fact.id,
                    of=fact.case,
                    said=_by(f"by {fact.by}{evidence}", fact.text),
                    until=fact.due,
                )
            case Judged():
                by = f" by {fact.reviewer}" if fact.reviewer else ""
                yield Moment(
                    at=fact.at,
                    what="outcome",
                    id=fact.id,
                    of=fact.appeal,
                    said=_by(f"{fact.outcome.replace('_', ' ')}{by}", fact.note),
                )
            case Listed():
                yield Moment(
                    at=fact.at,
                    what="listed",
                    id=fact.id,
                    title=fact.reason,
                    said=f"on the list of {fact.issuer}",
                    until=fact.until,
                )
            case Known() | Braked() | Released():
                pass


def _by(said: str, note: str) -> str:
    return f"{said}: {note}" if note else said


def _struck(record: Record, fact: Strike, at: int) -> Moment:
    state = record.strikes[fact.id]
    family = f" ({fact.family})" if fact.family else ""
    said = f"{fact.points:g} on {fact.ladder}{family}; {fact.counts:g} count, step {fact.step}"
    return Moment(
        at=fact.at,
        what="strike",
        id=fact.id,
        of=fact.case,
        said=said + (", void" if state.void else ""),
        on=fact.on,
        start=fact.at,
        until=fact.expires,
        over=state.void or at >= fact.expires,
        shadow=fact.mode == "shadow",
    )


def _measured(state: MeasureState, at: int, vocabulary: Vocabulary) -> Moment:
    fact = state.fact
    told = state.state(at)
    said = f"{len(state.approvals)} of {fact.review} agree" if told == "proposed" else str(told)
    span = state.span
    return Moment(
        at=fact.at,
        what="measure",
        id=fact.id,
        of=fact.case,
        title=fact.title,
        said=f"{vocabulary.call(fact.sanction, fact.arguments)}, {said}{', interim' if fact.interim else ''}",
        on=fact.target,
        start=span[0] if span else None,
        until=span[1] if span else fact.deadline,
        over=told in {"ended", "dropped"},
        grade=fact.grade,
    )
