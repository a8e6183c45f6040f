"""Facts: what the ledger holds. They are added, never changed and never taken away.

A fact has a name of its own that follows from what it is about (`name`), so that whoever records the
same thing twice records it once. All instants are microseconds since 1970 in UTC, and intervals are
half-open. ``parties`` names everybody and everything that a fact is about, ``kind:id``, sorted: a
party's state is what follows from the facts that name it.
"""

from __future__ import annotations

import hashlib
from typing import Any, Final, Literal, Self

import msgspec

from clausal.compiler.ir import (
    Bilingual,
    Corpus,
    LadderDef,
    ProcedureDef,
    SanctionDef,
    SchemaField,
    Severity,
    TargetDef,
    VersionDef,
)
from clausal.engine.decision import Arguments, ClauseRef, Mode, Step

Values = dict[str, Any]
"""JSON values by the names of fields."""

_DIGITS: Final = 20
"""Hex digits of a name: 80 bits, so that two events do not share one by chance."""


class Fact(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", gc=False):
    """What all facts have. None is part of a cycle, so the garbage collector is spared them.

    Attributes:
        id: Its name; no two facts of a ledger share one.
        at: When it was decided.
        parties: Whom and what it is about.
    """

    id: str
    at: int
    parties: tuple[str, ...]


class Known(Fact, frozen=True, tag="known"):
    """A bundle decided here for the first time: what a ledger needs to explain itself without it.

    ``fields`` and ``targets`` are there for what they are called. ``rules`` are digests of the rules
    whose brakes look at when they were changed.
    """

    bundle: str
    sanctions: tuple[SanctionDef, ...]
    ladders: tuple[LadderDef, ...]
    versions: tuple[VersionDef, ...]
    procedure: ProcedureDef = ProcedureDef()
    fields: tuple[SchemaField, ...] = ()
    targets: tuple[TargetDef, ...] = ()
    rules: dict[str, str] = {}

    @classmethod
    def of(
        cls,
        bundle: str,
        corpus: Corpus,
        at: int,
        parties: tuple[str, ...],
        rules: dict[str, str] | None = None,
    ) -> Self:
        """What is to be known of a bundle.

        Args:
            bundle: Its digest.
            corpus: What it holds.
            at: When it first decided.
            parties: Whom that is about: the ledger as a whole.
            rules: See the class.
        """
        return cls(
            id=name("known", bundle),
            at=at,
            parties=parties,
            bundle=bundle,
            sanctions=corpus.sanctions,
            ladders=corpus.ladders,
            versions=corpus.versions,
            procedure=corpus.procedure,
            fields=corpus.fields,
            targets=corpus.targets,
            rules=rules or {},
        )


# ── What was found ───────────────────────────────────────────────────────────────────────────────


class Incident(Fact, frozen=True, tag="incident"):
    """Something that happened, which several events may be about: at most one strike on a ladder.

    ``by`` is the party that it is of. What makes later findings part of it stands in its cases.
    """

    by: str


class Case(Fact, frozen=True, tag="case"):
    """What was decided about one event; its statement of reasons goes by this name.

    ``event`` is the platform's name of the event. ``at`` is the instant of the decision, ``acted_at``
    that of the act. ``found_by`` tells where the tip came from, as the event says it; ``about`` are
    further values of the event that a statement may tell (the kind of content, its date), none of
    which is the content itself. ``keys`` are what makes later findings part of the same incident.
    """

    event: str
    incident: str
    acted_at: int
    zone: str
    bundle: str
    found_by: str = ""
    about: Values = {}
    keys: tuple[str, ...] = ()


class Finding(Fact, frozen=True, tag="finding"):
    """A rule that fired in a case.

    ``saw`` holds the values that it read, by the names of their fields: quantities, instants, flags
    and declared names. Strings and texts are left out, for they may be the content, or name others.
    ``braked`` says that the rule would be enforced, had it not fired too often.
    """

    case: str
    policy: str
    version: str
    rule: str
    severity: Severity
    mode: Mode
    clauses: tuple[ClauseRef, ...]
    title: Bilingual
    reason: Bilingual
    saw: Values = {}
    braked: bool = False


class Strike(Fact, frozen=True, tag="strike"):
    """A strike on a ladder, issued ``at`` the decision: active while ``at <= t < expires``.

    Several strikes of one incident on one ladder are one, of the points of them together: the later
    ones hold the difference. ``on`` is the party that it counts for. ``active`` is what counted before
    it, ``counts`` what counts with it, ``step`` where it leads, ``next_at`` where the next step begins
    (None: there is none). Points of a ladder that counts strikes are 1 each.
    """

    case: str
    incident: str
    ladder: str
    on: str
    mode: Mode
    family: str
    severity: Severity
    points: float
    expires: int
    active: float
    counts: float
    step: int
    next_at: float | None
    findings: tuple[str, ...]


# ── What was done ────────────────────────────────────────────────────────────────────────────────


class Measure(Fact, frozen=True, tag="measure"):
    """A measure, in force from ``start`` if ``review`` is 0, and else a proposal until `Applied`.

    Attributes:
        case: Whose consequence it is.
        target: The party that it is on.
        start: When it begins; of a proposal, if it were applied at once.
        end: When it ends by itself; None: not at all.
        length: Microseconds from start to end, which a proposal keeps when it is applied later.
        until_fixed: The rules, "policy.rule", whose silence ends it.
        review: How many people must agree before it takes effect.
        deadline: Until when a person is to look at it; None: it needs nobody, or there is no deadline.
        findings, strikes: The facts that it follows from.
        steps: Those of ladders that it comes from.
        yields_to: The measure of the same case that covers it.
        replays: The measure in whose place it stands after an appeal; "" otherwise.
    """

    case: str
    incident: str
    sanction: str
    title: Bilingual
    grade: int
    dsa: str
    target: str
    arguments: Arguments
    start: int
    end: int | None
    length: int | None
    permanent: bool
    once: bool
    until_fixed: tuple[str, ...]
    interim: bool
    review: int
    deadline: int | None
    findings: tuple[str, ...]
    strikes: tuple[str, ...]
    steps: tuple[Step, ...]
    yields_to: str | None
    notice: Bilingual
    replays: str = ""


class Applied(Fact, frozen=True, tag="applied"):
    """A proposed measure takes effect."""

    measure: str
    start: int
    end: int | None


Why = Literal["fixed", "rejected", "lapsed", "overturned", "changed", "replayed", "brake", "lifted"]
"""Why a measure ended before its time."""


class Ended(Fact, frozen=True, tag="ended"):
    """A measure ends early, or a proposal is dropped. ``by`` is who or what ended it."""

    measure: str
    why: Why
    by: str = ""


class Voided(Fact, frozen=True, tag="voided"):
    """A strike that never was: it is void from its issue."""

    strike: str
    why: Literal["overturned", "changed", "rejected"]
    by: str = ""


class Replayed(Fact, frozen=True, tag="replayed"):
    """Where a strike leads since one that counted before it is void: as of `Strike`, and never higher."""

    strike: str
    active: float
    counts: float
    step: int
    next_at: float | None
    by: str = ""


# ── People ───────────────────────────────────────────────────────────────────────────────────────


class Reviewed(Fact, frozen=True, tag="reviewed"):
    """A person's word on one proposed measure."""

    measure: str
    reviewer: str
    verdict: Literal["approve", "reject"]
    note: str = ""


class Appealed(Fact, frozen=True, tag="appealed"):
    """An appeal against the decision of a case; ``due`` is when it must be decided, if it must."""

    case: str
    by: str
    text: str
    evidence: bool = False
    due: int | None = None


class Judged(Fact, frozen=True, tag="judged"):
    """How an appeal was decided. What follows from it (`Ended`, `Voided`, `Measure`) are other facts."""

    appeal: str
    case: str
    reviewer: str
    outcome: Literal["upheld", "changed", "overturned", "out_of_time"]
    note: str = ""


# ── The rest ─────────────────────────────────────────────────────────────────────────────────────


class Braked(Fact, frozen=True, tag="braked"):
    """A rule fired above what its brake allows, and is in shadow until it is `Released`.

    It is so from ``at`` on. What it did from ``since`` until then stays, and wants to be looked at:
    that is when it fired for ``counted`` targets, more than ``limit`` allows.
    """

    rule: str
    limit: str
    counted: int
    since: int


class Released(Fact, frozen=True, tag="released"):
    """A person let a braked rule go on."""

    rule: str
    by: str
    note: str = ""


class Listed(Fact, frozen=True, tag="listed"):
    """An entry of a blacklist that another platform issued: nothing follows before it is reviewed."""

    issuer: str
    subject: str
    reason: Bilingual
    since: int
    until: int | None
    evidence: str = ""


AnyFact = (
    Known
    | Incident
    | Case
    | Finding
    | Strike
    | Measure
    | Applied
    | Ended
    | Voided
    | Replayed
    | Reviewed
    | Appealed
    | Judged
    | Braked
    | Released
    | Listed
)

_encoder: Final = msgspec.json.Encoder(order="sorted")
_decoder: Final = msgspec.json.Decoder(AnyFact)


def encode(fact: AnyFact) -> bytes:
    """A fact as JSON in its one form: keys sorted, no white space."""
    return _encoder.encode(fact)


def decode(data: bytes | str) -> AnyFact:
    """The fact that `encode` wrote.

    Raises:
        msgspec.DecodeError: if it is not JSON.
        msgspec.ValidationError: if it is no fact.
    """
    fact: AnyFact = _decoder.decode(data)
    return fact


def name(kind: str, *parts: str) -> str:
    """A name that follows from what it names: a word of the kind and hex digits."""
    digest = hashlib.sha256("\0".join((kind, *parts)).encode("utf-8", "surrogatepass"))
    return f"{kind}-{digest.hexdigest()[:_DIGITS]}"


def party(kind: str, id: str) -> str:
    """How facts name a target."""
    return f"{kind}:{id}"
