"""What reviews and appeals share: who a person is, and a case laid out for one to decide.

Two spellings are one person where they differ in case, width, white space or characters that nobody
sees. Letters of two alphabets that look alike are two persons to this program: who somebody is, the
platform's sign-on has to say.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from typing import Final

import msgspec

from clausal.compiler.ir import ProcedureDef
from clausal.dsl.render.visible import is_hidden
from clausal.enforcement.facts import (
    AnyFact,
    Applied,
    Case,
    Ended,
    Known,
    Measure,
    Reviewed,
    Why,
    name,
)
from clausal.enforcement.ledger import Message, Transaction
from clausal.enforcement.messages import begin, end
from clausal.enforcement.notices import notice
from clausal.enforcement.record import CaseState, MeasureState, Record, is_target

LONGEST_NAME: Final = 200
"""Characters in the name of a person."""

LONGEST_TEXT: Final = 10_000
"""Characters in a note or an appeal."""


class RefusedError(Exception):
    """Something that a person may not do, or not any more: nothing was recorded.

    ``hint`` says what can be done instead, if anything.
    """

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


def identity(person: str) -> str:
    """What the spellings of one person have in common; empty if nothing of a name can be seen."""
    seen = "".join(
        one
        for one in unicodedata.normalize("NFKC", person)
        if not (is_hidden(one) or one.isspace())
    )
    return unicodedata.normalize("NFKC", seen.casefold())


def person(text: str) -> str:
    """The name of a person as it is recorded: without blanks around it, in one form of Unicode.

    Raises:
        RefusedError: if it is empty, too long, or has characters that nobody sees.
    """
    told = unicodedata.normalize("NFKC", text).strip()
    if not identity(told):
        raise RefusedError("a person has a name, and this one is empty")
    if len(told) > LONGEST_NAME:
        raise RefusedError(f"the name of a person has at most {LONGEST_NAME} characters")
    if any(map(is_hidden, told)):
        raise RefusedError("the name of a person has characters that nobody can see")
    return told


def words(text: str) -> str:
    """A note or an appeal as it is recorded.

    Raises:
        RefusedError: if it is too long, or cannot be written in UTF-8.
    """
    if len(text) > LONGEST_TEXT:
        raise RefusedError(f"a text has at most {LONGEST_TEXT:,} characters")
    if any("\ud800" <= one <= "\udfff" for one in text):
        raise RefusedError("the text is not valid Unicode")
    return text.strip()


def is_party(somebody: str, parties: Iterable[str]) -> bool:
    """Whether a person is one of those that a case is about, by their id or as ``kind:id``."""
    who = identity(somebody)
    return any(
        who in {identity(one), identity(one.partition(":")[2])} for one in parties if is_target(one)
    )


class Desk:
    """A case laid out inside a transaction, and what is decided of it.

    What is decided is added with `add`, and seen at once; `write` appends it to the ledger.

    Attributes:
        case: The case.
        record: That of one of its parties, with all facts of the case.
        procedure: As of the bundle that decided the case.
        facts, messages: What was decided, and what the platform is to be told.
    """

    def __init__(self, transaction: Transaction, case: str) -> None:
        """Lay out a case.

        Raises:
            RefusedError: if there is none of that name.
        """
        fact = transaction.facts([case]).get(case)
        if not isinstance(fact, Case):
            raise RefusedError("there is no case of that name")
        self.transaction: Final = transaction
        self.case: Final = fact
        party = next(filter(is_target, fact.parties), None) or next(iter(fact.parties), None)
        if party is None:
            raise RefusedError("the case is about nobody that the event told")
        self.record: Final = Record.of(party, transaction.about([party]).get(party, ()))
        known = name("known", fact.bundle)
        found = transaction.facts([known]).get(known)
        self.known: Final = found if isinstance(found, Known) else None
        self.procedure: Final = ProcedureDef() if self.known is None else self.known.procedure
        self._records: dict[str, Record] = {party: self.record}
        self.facts: list[AnyFact] = []
        self.messages: list[Message] = []

    @property
    def state(self) -> CaseState:
        """What the case came to."""
        return self.record.cases[self.case.id]

    def measures(self) -> list[MeasureState]:
        """The measures of the case."""
        return [self.record.measures[one] for one in self.state.measures]

    def record_of(self, party: str) -> Record:
        """The record of another party, with what was decided here."""
        known = self._records.get(party)
        if known is None:
            known = Record.of(party, self.transaction.about([party]).get(party, ()))
            for fact in self.facts:
                if party in fact.parties:
                    known.add(fact)
            self._records[party] = known
        return known

    def event_of(self, case: str) -> str:
        """The platform's name of the event of a case."""
        if case == self.case.id:
            return self.case.event
        fact = self.transaction.facts([case]).get(case)
        return fact.event if isinstance(fact, Case) else ""

    def add(self, fact: AnyFact, *messages: Message) -> None:
        """Decide something, and what the platform is to be told of it."""
        self.facts.append(fact)
        self.messages += messages
        for party in fact.parties:
            if party in self._records:
                self._records[party].add(fact)

    def write(self) -> tuple[AnyFact, ...]:
        """Append all that was decided; returns it."""
        self.transaction.append(self.facts, self.messages)
        return tuple(self.facts)

    # ── What may be decided of a measure ─────────────────────────────────────────────────────────

    def apply(self, measure: Measure, at: int) -> None:
        """A proposal takes effect, for as long as it was to last."""
        applied = Applied(
            id=name("applied", measure.id),
            at=at,
            parties=measure.parties,
            measure=measure.id,
            start=at,
            end=None if measure.length is None else at + measure.length,
        )
        told = measure
        if self.known is not None:
            found = self.record.findings
            findings = [found[one] for one in measure.findings if one in found]
            fresh = notice(self.known, measure, applied.end, findings, self.case.zone)
            told = msgspec.structs.replace(measure, notice=fresh)
        self.add(applied, begin(told, self.event_of(measure.case), applied))

    def end(self, state: MeasureState, at: int, why: Why, by: str) -> None:
        """A measure ends, or a proposal is dropped; one that is over already stays as it is."""
        if is_over(state, at):
            return
        measure = state.fact
        ended = Ended(
            id=name("ended", measure.id),
            at=at,
            parties=measure.parties,
            measure=measure.id,
            why=why,
            by=by,
        )
        told = in_effect(state) and not measure.once
        self.add(ended, *([end(measure, ended)] if told else ()))

    def reviewers(self) -> list[Reviewed]:
        """What people said of measures of the case."""
        return [review for one in self.measures() for review in one.reviews.values()]


def in_effect(state: MeasureState) -> bool:
    """Whether the platform was told that a measure begins."""
    return state.fact.review == 0 or state.applied is not None


def is_over(state: MeasureState, at: int) -> bool:
    """Whether nothing is left of a measure that could end."""
    if state.ended is not None:
        return True
    if not in_effect(state):
        return False
    over = state.applied.end if state.applied else state.fact.end
    return over is not None and over <= at
