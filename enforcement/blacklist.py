"""Blacklists: who is on ours, whose entry is to be looked at again, and entries of others.

Subjects are on the list as long as a measure `blacklist_subject` is in effect on them; one of
`registration_ban` keeps them from new accounts. Each entry is looked at again every year: what is *due* is
shown, and a person keeps it or lifts it. Entries of other platforms become proposals, each of which two
people here must agree to before anything follows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

import msgspec

from clausal.compiler.ir import DAY, SEVERITIES, Bilingual, ProcedureDef
from clausal.enforcement.brakes import Brakes
from clausal.enforcement.facts import (
    AnyFact,
    Case,
    Ended,
    Known,
    Listed,
    Measure,
    Reviewed,
    name,
    party,
)
from clausal.enforcement.ledger import Ledger, Message, Transaction
from clausal.enforcement.messages import end
from clausal.enforcement.people import RefusedError, identity, is_party, person, words
from clausal.enforcement.plan import Plan
from clausal.enforcement.record import EVERYWHERE, WAITING, CaseState, MeasureState, Record
from clausal.enforcement.signed_list import FORMAT, ListError, Listing, Reason, SignedList
from clausal.enforcement.statements import appeal_until
from clausal.engine.evaluator import Bundle

BLACKLIST: Final = "blacklist_subject"
BAN: Final = "registration_ban"
"""The sanctions by their names in the standard library."""

YEAR: Final = 365 * DAY
_SUBJECT: Final = "subject"


class Entry(msgspec.Struct, frozen=True):
    """A subject on the list.

    Attributes:
        subject: The id.
        measure: The measure that it is there by.
        since, until: In microseconds since 1970; an end of None: there is none.
        due: When it is to be looked at again.
        reviewed_by: Who did so last; empty: nobody yet.
        reason: Why; None where the findings are not known.
        appeals_end: Until when somebody may appeal; None while an appeal is undecided.
    """

    subject: str
    measure: str
    since: int
    until: int | None
    due: int
    reviewed_by: str
    reason: Reason | None
    appeals_end: int | None

    def is_due(self, at: int) -> bool:
        """Whether it should be looked at, at an instant."""
        return self.due <= at


class Standing(msgspec.Struct, frozen=True):
    """What holds for a subject at an instant: whether it is on the list, and may register."""

    blacklisted: bool
    banned: bool
    until: int | None
    measures: tuple[str, ...]


def entries(ledger: Ledger, at: int) -> list[Entry]:
    """Who is on the list at an instant, by subject; of several measures on one, the longest.

    Args:
        ledger: What holds the measures.
        at: In microseconds since 1970.
    """
    books = _Books(ledger.about, at)
    found: dict[str, Entry] = {}
    for state in books.running():
        made = books.entry(state)
        before = found.get(made.subject)
        if before is None or _longer(made.until, before.until):
            found[made.subject] = made
    return [found[subject] for subject in sorted(found)]


def check(ledger: Ledger, subject: str, at: int) -> Standing:
    """What holds for a subject at an instant; a subject of whom nothing is known may register."""
    facts = (one for one in ledger.about(party(_SUBJECT, subject)) if one.at <= at)
    running = [
        one
        for one in Record.of(party(_SUBJECT, subject), facts).targets(at)
        if one.fact.sanction in {BLACKLIST, BAN}
    ]
    ends = [one.span[1] for one in running if one.span is not None]
    return Standing(
        blacklisted=any(one.fact.sanction == BLACKLIST for one in running),
        banned=any(one.fact.sanction == BAN for one in running),
        until=None if None in ends else max((one for one in ends if one is not None), default=None),
        measures=tuple(one.fact.id for one in running),
    )


def keep(ledger: Ledger, subject: str, by: str, at: int, note: str = "") -> list[AnyFact]:
    """Take down that a person looked at an entry again, and it stays: for a year, if it is as long.

    Args:
        ledger: What holds it.
        subject: Whose it is.
        by: Who looked at it.
        at: When, in microseconds since 1970.
        note: Why.

    Returns:
        The facts that were added.

    Raises:
        RefusedError: if the subject is not on the list, or looks at their own entry.
        LedgerError: if the ledger cannot be written.
    """
    who, told = person(by), words(note)
    with ledger.transaction() as writing:
        made: list[AnyFact] = [
            Reviewed(
                id=name("reviewed", state.fact.id, identity(who), str(at)),
                at=at,
                parties=state.fact.parties,
                measure=state.fact.id,
                reviewer=who,
                verdict="approve",
                note=told,
            )
            for state in _of(_Books(_reader(writing), at), subject, who)
        ]
        writing.append(made)
    return made


def lift(ledger: Ledger, subject: str, by: str, at: int) -> list[AnyFact]:
    """Take a subject off the list.

    Args:
        ledger: What holds the entry.
        subject: Whose it is.
        by: Who says so.
        at: When, in microseconds since 1970.

    Returns:
        The facts that were added.

    Raises:
        RefusedError: if the subject is not on the list, or takes themselves off.
        LedgerError: if the ledger cannot be written.
    """
    who = person(by)
    with ledger.transaction() as writing:
        made: list[AnyFact] = []
        told: list[Message] = []
        for state in _of(_Books(_reader(writing), at), subject, who):
            fact = Ended(
                id=name("ended", state.fact.id),
                at=at,
                parties=state.fact.parties,
                measure=state.fact.id,
                why="lifted",
                by=who,
            )
            made.append(fact)
            told.append(end(state.fact, fact))
        writing.append(made, told)
    return made


def draw_up(ledger: Ledger, issuer: str, at: int, life: int) -> SignedList:
    """Our list as others may have it, yet to be signed.

    Only entries against which nobody can appeal any more are on it, and only those that rest on findings
    of our own.

    Args:
        ledger: What holds the measures.
        issuer: Our name.
        at: Now, in microseconds since 1970.
        life: For how many microseconds the list may be used.
    """
    return SignedList(
        format=FORMAT,
        issuer=issuer,
        created=at,
        expires=at + life,
        entries=tuple(
            Listing(one.subject, one.reason, one.since, one.until)
            for one in entries(ledger, at)
            if one.reason is not None and one.appeals_end is not None and one.appeals_end <= at
        ),
    )


class Taken(msgspec.Struct, frozen=True):
    """What came of a list.

    Attributes:
        new: The subjects that people here are to look at now.
        known: Those of an earlier list.
        over: Those whose term is over.
        gone: Those of earlier lists of the issuer that are not on it any more.
    """

    new: tuple[str, ...]
    known: tuple[str, ...]
    over: tuple[str, ...]
    gone: tuple[str, ...]


def take_in(ledger: Ledger, bundle: Bundle, signed: SignedList, at: int) -> Taken:
    """Record the entries of a list that was verified, and propose to follow each.

    Nothing follows before two people here agreed to it.

    Args:
        ledger: What remembers them.
        bundle: Says what the measure is, and how long people have.
        signed: The list.
        at: Now, in microseconds since 1970.

    Raises:
        ListError: if it was taken in before, or a newer one of its issuer was, or the bundle knows no
            blacklist.
        LedgerError: if the ledger cannot be written.
    """
    proposing = _Proposing(bundle, signed.issuer, at)
    source = f"blacklist:{signed.issuer}"
    with ledger.transaction() as writing:
        before = int(ledger.position(source) or 0)
        if signed.created == before:
            raise ListError("the list was imported before")
        if signed.created < before:
            raise ListError("a newer list of this issuer was imported before")
        about = writing.about((EVERYWHERE, WAITING))
        everywhere = Record.of(EVERYWHERE, about.get(EVERYWHERE, ()))
        earlier = Record.of(WAITING, about.get(WAITING, ())).listings
        made: list[AnyFact] = []
        new, known, over = [], [], []
        for entry in signed.entries:
            if entry.until is not None and entry.until <= at:
                over.append(entry.subject)
            elif proposing.name_of(entry) in earlier:
                known.append(entry.subject)
            else:
                new.append(entry.subject)
                made += proposing.facts(entry)
        if made and bundle.digest not in everywhere.bundles:
            made.insert(0, proposing.known())
        writing.append(made)
        writing.move(source, str(signed.created))
    there = {entry.subject for entry in signed.entries}
    gone = sorted({one.subject for one in earlier.values() if one.issuer == signed.issuer} - there)
    return Taken(tuple(new), tuple(known), tuple(over), tuple(gone))


# ── Ours ─────────────────────────────────────────────────────────────────────────────────────────


class _Books:
    """What the ledger says at an instant of all that needs people, as blacklists always do."""

    def __init__(self, about: Callable[[str], Iterable[AnyFact]], at: int) -> None:
        self._at = at
        self._record = Record.of(WAITING, (one for one in about(WAITING) if one.at <= at))
        self._bundles = Record.of(EVERYWHERE, about(EVERYWHERE)).bundles

    def running(self) -> list[MeasureState]:
        """The measures that somebody is on the list by."""
        return [
            one
            for one in self._record.measures.values()
            if one.fact.sanction == BLACKLIST
            and one.fact.target.startswith(f"{_SUBJECT}:")
            and one.runs(self._at)
        ]

    def entry(self, state: MeasureState) -> Entry:
        """What is to be said of one."""
        span = state.span
        assert span is not None
        begun = span[0] if state.applied is None else state.applied.at
        later = [one for one in state.reviews.values() if one.at > begun]
        last = max(later, key=lambda one: one.at, default=None)
        case = self._record.cases.get(state.fact.case)
        return Entry(
            subject=state.fact.target.partition(":")[2],
            measure=state.fact.id,
            since=span[0],
            until=span[1],
            due=(begun if last is None else last.at) + YEAR,
            reviewed_by="" if last is None else last.reviewer,
            reason=self._reason(state),
            appeals_end=None if case is None else self._appeals_end(case),
        )

    def _reason(self, state: MeasureState) -> Reason | None:
        findings = [
            self._record.findings[one]
            for one in state.fact.findings
            if one in self._record.findings
        ]
        if not findings:
            return None
        gravest = max(findings, key=lambda one: SEVERITIES.index(one.severity))
        return Reason(
            policy=gravest.policy,
            version=gravest.version,
            clauses=tuple(clause.id for clause in gravest.clauses),
            text=gravest.reason,
        )

    def _appeals_end(self, case: CaseState) -> int | None:
        if case.under_appeal:
            return None
        known = self._bundles.get(case.fact.bundle)
        return appeal_until(self._record, case, known.procedure if known else ProcedureDef())


def _reader(writing: Transaction) -> Callable[[str], Iterable[AnyFact]]:
    return lambda wanted: writing.about((wanted,)).get(wanted, ())


def _of(books: _Books, subject: str, by: str) -> list[MeasureState]:
    """The measures that a subject is on the list by, for a person to look at.

    Raises:
        RefusedError: if there are none, or that person is no other.
    """
    found = [one for one in books.running() if one.fact.target == party(_SUBJECT, subject)]
    if not found:
        raise RefusedError(f"the subject `{subject}` is not on the list")
    if is_party(by, (party(_SUBJECT, subject),)):
        raise RefusedError("nobody decides about themselves")
    return found


def _longer(one: int | None, other: int | None) -> bool:
    return other is not None and (one is None or one > other)


# ── Those of others ──────────────────────────────────────────────────────────────────────────────


class _Proposing:
    """Makes proposals of the entries of another platform's list."""

    def __init__(self, bundle: Bundle, issuer: str, at: int) -> None:
        corpus = bundle.artifact.corpus
        sanction = next(
            (one for one in corpus.sanctions if one.name == BLACKLIST and _SUBJECT in one.targets),
            None,
        )
        if sanction is None:
            raise ListError(
                f"the bundle has no sanction `{BLACKLIST}` on a `{_SUBJECT}`",
                hint="the library `standard.sanctions` declares it",
            )
        self._bundle = bundle
        self._sanction = sanction
        self._issuer = issuer
        self._at = at
        review = corpus.procedure.review
        self._deadline = None if review is None else at + review.of(sanction.grade)

    def name_of(self, entry: Listing) -> str:
        """The name of an entry: it is the same in each list of the issuer."""
        return name("listed", self._issuer, entry.subject, str(entry.since), str(entry.until))

    def known(self) -> Known:
        """What is to be known of the bundle."""
        plan = Plan(self._bundle)
        changes = Brakes(plan.corpus, plan.rules).changes
        return Known.of(self._bundle.digest, plan.corpus, self._at, (EVERYWHERE,), changes)

    def facts(self, entry: Listing) -> list[AnyFact]:
        """The entry, a case of its own, and the proposal."""
        listed = self.name_of(entry)
        case = name("case", listed)
        parties = tuple(sorted((party(_SUBJECT, entry.subject), WAITING)))
        sanction = self._sanction
        text = entry.reason.text
        return [
            Listed(
                id=listed,
                at=self._at,
                parties=parties,
                issuer=self._issuer,
                subject=entry.subject,
                reason=text,
                since=entry.since,
                until=entry.until,
                evidence=f"{entry.reason.policy} {entry.reason.version}: "
                + ", ".join(entry.reason.clauses),
            ),
            Case(
                id=case,
                at=self._at,
                parties=parties,
                event=listed,
                incident="",
                acted_at=entry.since,
                zone="UTC",
                bundle=self._bundle.digest,
            ),
            Measure(
                id=name("measure", case, "0"),
                at=self._at,
                parties=parties,
                case=case,
                incident="",
                sanction=sanction.name,
                title=sanction.title,
                grade=sanction.grade,
                dsa=sanction.dsa,
                target=party(_SUBJECT, entry.subject),
                arguments={},
                start=self._at,
                end=entry.until,
                length=None if entry.until is None else entry.until - self._at,
                permanent=False,
                once=False,
                until_fixed=(),
                interim=False,
                review=max(2, sanction.review),
                deadline=self._deadline,
                findings=(),
                strikes=(),
                steps=(),
                yields_to=None,
                notice=Bilingual(
                    zh=f"{sanction.title.zh}：“{self._issuer}”的名单，{text.zh}",
                    en=f"{sanction.title.en}: on the list of {self._issuer}. {text.en}",
                ),
            ),
        ]
