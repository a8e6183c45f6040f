"""Statements of reasons: what was decided in a case, why, until when, and what can be done about it.

A statement is told from the facts alone, as they stood at an instant: the ledger holds the texts of
the policy, in Chinese and in English, and the vocabulary that they are written in. It says nothing
about other people, and nothing of what a text said; who reviewed is for the platform to know.

A statement has *editions*. The first is that of the decision; each later decision of the case (a
measure takes effect or ends early, a strike is void, an appeal is decided) makes the next. An
edition that was superseded can be told again at any time, and says by when it was.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, Literal

import msgspec

from clausal.compiler.ir import (
    SEVERITIES,
    Bilingual,
    LadderDef,
    ProcedureDef,
    Severity,
    VersionDef,
)
from clausal.enforcement.facts import (
    AnyFact,
    Applied,
    Case,
    Ended,
    Finding,
    Judged,
    Known,
    Measure,
    Strike,
    Values,
    Voided,
    Why,
    name,
)
from clausal.enforcement.ledger import Ledger
from clausal.enforcement.notices import notice
from clausal.enforcement.record import CaseState, MeasureState, Record, is_target
from clausal.enforcement.strikes import counting, ladder_of
from clausal.engine.decision import ClauseRef
from clausal.engine.render import duration, rfc3339, until
from clausal.engine.strikes import climb


class UnknownCaseError(LookupError):
    """The ledger has no such case, or had none yet at the instant that is asked about."""


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """A rule that fired. ``title`` is the rule's, ``reason`` the policy's text with its values.

    ``notice`` is the name of the notice that the policy makes exact.
    """

    policy: str
    version: str
    policy_title: Bilingual
    notice: str
    rule: str
    title: Bilingual
    severity: Severity
    reason: Bilingual
    clauses: tuple[ClauseRef, ...]
    saw: Values


State = Literal["proposed", "dropped", "running", "ended", "done"]


class Imposed(msgspec.Struct, frozen=True, kw_only=True):
    """A measure and where it stands.

    Attributes:
        measure: Its name in the ledger.
        target: What it is on: the kind and its name.
        target_label: What the kind is called.
        state: At the instant of the statement: "proposed" waits for people, "dropped" never took
            effect, "done" happened once.
        start, end: In microseconds since 1970; an end of None is explained by ``until``.
        until: How long it lasts, in words; never empty.
        notice: What the sanction's wording says.
        people: How many people agreed to it, and ``needs`` how many have to.
        why: Why it ended before its time; "" if it did not.
        ended_at: When that was.
        covered_by: The title of the measure that covers it; both languages empty if none does.
    """

    measure: str
    sanction: str
    title: Bilingual
    grade: int
    dsa: str
    target: tuple[str, str]
    target_label: Bilingual
    state: State
    start: int
    end: int | None
    until: Bilingual
    notice: Bilingual
    interim: bool
    needs: int
    people: int
    why: Why | Literal[""]
    ended_at: int | None
    covered_by: Bilingual
    replays: bool


class Counted(msgspec.Struct, frozen=True, kw_only=True):
    """A strike of the case on a ladder, and how its bearer stands there now.

    Attributes:
        points: Of the strike; ``active`` counted before it and ``counts`` with it.
        step: Where it led; 0: nowhere.
        gap: How much was left to the next step; None: it was the last.
        anew: What counts with it, and where it leads, since strikes that counted before it are void;
            None: nothing of that kind happened.
        expires: From when it no longer counts, in microseconds since 1970.
        void: Whether it never was.
        now: What counts at the instant of the statement.
        now_gap: What is left to the next step then.
    """

    ladder: str
    title: Bilingual
    family: str
    points: float
    active: float
    counts: float
    step: int
    gap: float | None
    anew: tuple[float, int] | None
    expires: int
    void: bool
    now: float
    now_gap: float | None


class AppealTold(msgspec.Struct, frozen=True, kw_only=True):
    """An appeal against the case. ``outcome`` is "" while it is undecided."""

    appeal: str
    at: int
    due: int | None
    outcome: Literal["", "upheld", "changed", "overturned", "out_of_time"]
    decided_at: int | None


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """All that a statement of reasons says; instants are microseconds since 1970.

    Attributes:
        case: Its name. ``edition`` counts from 1.
        told_at: The instant that it speaks of.
        superseded_at: When the next edition took its place; None: it is the last.
        event: The platform's name of the event.
        concerns: Whom and what the event is about, ``kind:id``.
        found_by: Where the tip came from, in the event's word; "" if it does not say.
        decision: How the measures came about: all by the machine alone, some, or each with a
            person who agreed.
        found: The gravest first; no rule that was only tried out.
        appeal_until: Until when an appeal can be filed, exclusive.
        appeal_again: Whether a second one, with new evidence, is possible.
    """

    case: str
    edition: int
    told_at: int
    decided_at: int
    acted_at: int
    superseded_at: int | None
    zone: str
    event: str
    incident: str
    bundle: str
    concerns: tuple[str, ...]
    found_by: str
    about: Values
    decision: Literal["automated", "partly", "person"]
    found: tuple[Found, ...]
    measures: tuple[Imposed, ...]
    points: tuple[Counted, ...]
    appeal_until: int
    appeal_again: bool
    appeals: tuple[AppealTold, ...]


def tell(ledger: Ledger, case: str, at: int | None = None) -> Statement:
    """The statement of reasons of a case, as it stood at an instant.

    Args:
        ledger: What holds the case.
        case: Its name.
        at: In microseconds since 1970; None: after the last decision of the case.

    Raises:
        UnknownCaseError: if there is no such case, or was none yet.
    """
    fact = ledger.facts([case]).get(case)
    if not isinstance(fact, Case):
        raise UnknownCaseError(case)
    parties = [party for party in fact.parties if is_target(party)]
    # A case about nobody that the event told can only be found by looking everywhere.
    facts: dict[str, Sequence[AnyFact]] = {party: ledger.about(party) for party in parties} or {
        "": [entry.fact for entry in ledger.entries()]
    }
    changes = editions(next(iter(facts.values())), fact)
    told_at = changes[-1] if at is None else at
    if told_at < fact.at:
        raise UnknownCaseError(case)
    bundle = name("known", fact.bundle)
    known = ledger.facts([bundle]).get(bundle)
    records = {
        party: Record.of(party, (one for one in some if one.at <= told_at))
        for party, some in facts.items()
    }
    return _Telling(fact, known, records, changes, told_at).statement()


_INSTANTS: Final = frozenset(
    [
        "told_at",
        "decided_at",
        "acted_at",
        "superseded_at",
        "appeal_until",
        "start",
        "end",
        "ended_at",
        "expires",
        "at",
        "due",
    ]
)


def to_builtins(statement: Statement) -> dict[str, object]:
    """A statement as JSON-ready values; instants are RFC 3339 texts in the zone of the policy."""

    def told(value: object) -> object:
        if isinstance(value, list):
            return [told(one) for one in value]
        if not isinstance(value, dict):
            return value
        return {
            key: rfc3339(one, statement.zone)
            if key in _INSTANTS and isinstance(one, int)
            # What an event said is told as it said it.
            else one
            if key in {"about", "saw"}
            else told(one)
            for key, one in value.items()
        }

    found = told(msgspec.to_builtins(statement))
    assert isinstance(found, dict)
    return found


def editions(facts: Iterable[AnyFact], case: Case) -> list[int]:
    """The instants at which the editions of a statement begin; the first is that of the decision.

    Args:
        facts: Those that name one of the case's parties.
        case: Whose statement it is.
    """
    owner: dict[str, str] = {}
    begun = {case.at}
    for fact in facts:
        match fact:
            case Measure() | Strike():
                owner[fact.id] = fact.case
                if fact.case == case.id:
                    begun.add(fact.at)
            case Applied() | Ended():
                if owner.get(fact.measure) == case.id:
                    begun.add(fact.at)
            case Voided():
                if owner.get(fact.strike) == case.id:
                    begun.add(fact.at)
            case Judged() if fact.case == case.id:
                begun.add(fact.at)
            case _:
                pass
    return sorted(begun)


class _Telling:
    """A case, with all that its statement is told from."""

    def __init__(
        self,
        case: Case,
        known: AnyFact | None,
        records: dict[str, Record],
        changes: list[int],
        told_at: int,
    ) -> None:
        self._case = case
        # A ledger that was cut short may lack it: then there are fewer titles.
        self._known = known if isinstance(known, Known) else None
        self._procedure = ProcedureDef() if self._known is None else self._known.procedure
        self._records = records
        self._record = next(iter(records.values()))
        self._state: CaseState = self._record.cases[case.id]
        self._changes = changes
        self._at = told_at

    def statement(self) -> Statement:
        """What is to be told."""
        case = self._case
        measures = tuple(self._imposed(one) for one in self._measures())
        until_when = appeal_until(self._record, self._state, self._procedure)
        return Statement(
            case=case.id,
            edition=sum(begun <= self._at for begun in self._changes),
            told_at=self._at,
            decided_at=case.at,
            acted_at=case.acted_at,
            superseded_at=next((begun for begun in self._changes if begun > self._at), None),
            zone=case.zone,
            event=case.event,
            incident=case.incident,
            bundle=case.bundle,
            concerns=tuple(party for party in case.parties if is_target(party)),
            found_by=case.found_by,
            about=case.about,
            decision=_decision(measures),
            found=self._found(),
            measures=measures,
            points=tuple(self._points()),
            appeal_until=until_when,
            appeal_again=self._procedure.again,
            appeals=tuple(
                AppealTold(
                    appeal=one.fact.id,
                    at=one.fact.at,
                    due=one.fact.due,
                    outcome=one.judged.outcome if one.judged else "",
                    decided_at=one.judged.at if one.judged else None,
                )
                for one in self._state.appeals
            ),
        )

    # ── What was found ───────────────────────────────────────────────────────────────────────────

    def _found(self) -> tuple[Found, ...]:
        told = [
            (finding, self._version(finding))
            for finding in self._state.findings
            if finding.mode == "enforced"
        ]
        # A total order: the gravest, then the campaign that began last, then by name.
        told.sort(
            key=lambda pair: (
                -SEVERITIES.index(pair[0].severity),
                -pair[1].start if pair[1] else 0,
                pair[0].policy,
                pair[0].rule,
            )
        )
        return tuple(
            Found(
                policy=finding.policy,
                version=finding.version,
                policy_title=version.title if version else Bilingual(),
                notice=version.notice if version else "",
                rule=finding.rule,
                title=finding.title,
                severity=finding.severity,
                reason=finding.reason,
                clauses=finding.clauses,
                saw=finding.saw,
            )
            for finding, version in told
        )

    def _version(self, finding: Finding) -> VersionDef | None:
        versions = () if self._known is None else self._known.versions
        return next(
            (
                one
                for one in versions
                if one.policy == finding.policy and one.version == finding.version
            ),
            None,
        )

    # ── What was done ────────────────────────────────────────────────────────────────────────────

    def _measures(self) -> list[MeasureState]:
        """The measures of the case, the gravest first."""
        states = [self._record.measures[one] for one in self._state.measures]
        return sorted(states, key=lambda one: (-one.fact.grade, one.fact.sanction, one.fact.id))

    def _imposed(self, state: MeasureState) -> Imposed:
        fact = state.fact
        applied = state.applied
        start, end = (applied.start, applied.end) if applied else (fact.start, fact.end)
        kind, _, target = fact.target.partition(":")
        told = state.state(self._at)
        cover = self._record.measures.get(fact.yields_to or "")
        return Imposed(
            measure=fact.id,
            sanction=fact.sanction,
            title=fact.title,
            grade=fact.grade,
            dsa=fact.dsa,
            target=(kind, target),
            target_label=self._target_label(kind),
            state=told,
            start=start,
            end=end,
            until=duration_told(fact, end, told, self._case.zone),
            notice=self._notice(state),
            interim=fact.interim,
            needs=fact.review,
            people=len(self._agreed(state)),
            why=state.ended.why if state.ended else "",
            ended_at=state.ended.at if state.ended else None,
            covered_by=cover.fact.title if cover else Bilingual(),
            replays=bool(fact.replays),
        )

    def _notice(self, state: MeasureState) -> Bilingual:
        """The notice, with the times of a measure that people agreed to later."""
        if state.applied is None or self._known is None:
            return state.fact.notice
        found = self._record.findings
        findings = [found[one] for one in state.fact.findings if one in found]
        return notice(self._known, state.fact, state.applied.end, findings, self._case.zone)

    def _agreed(self, state: MeasureState) -> tuple[str, ...]:
        """Who agreed to a measure, or to the graver one in whose place it stands."""
        replaced = self._record.measures.get(state.fact.replays)
        if state.approvals or replaced is None:
            return state.approvals
        return self._agreed(replaced)

    def _target_label(self, kind: str) -> Bilingual:
        targets = () if self._known is None else self._known.targets
        return next((one.label for one in targets if one.name == kind), Bilingual())

    # ── What counts ──────────────────────────────────────────────────────────────────────────────

    def _points(self) -> Iterator[Counted]:
        for one in self._state.strikes:
            state = self._record.strikes[one]
            fact = state.fact
            if fact.mode != "enforced":
                continue
            ladder = None if self._known is None else ladder_of(self._known, fact)
            record = self._records.get(fact.on, self._record)
            now = self._now(record, ladder, fact)
            again = state.replayed
            yield Counted(
                ladder=fact.ladder,
                title=ladder.label if ladder else Bilingual(),
                family=fact.family,
                points=fact.points,
                active=fact.active,
                counts=fact.counts,
                step=fact.step,
                gap=None if fact.next_at is None else fact.next_at - fact.counts,
                anew=(again.counts, again.step) if again else None,
                expires=fact.expires,
                void=state.void,
                now=now,
                now_gap=_gap(ladder, now),
            )

    def _now(self, record: Record, ladder: LadderDef | None, strike: Strike) -> float:
        """What counts for the bearer of a strike, on a ladder of points for its family."""
        counted = [
            one.fact
            for one in counting(record, strike.ladder, self._at, None, self._procedure)
            if one.active(self._at)
        ]
        if ladder is None or ladder.points is None:
            return sum(one.points for one in counted)
        by_family: dict[str, int] = {}
        for one in counted:
            by_family[one.family] = by_family.get(one.family, 0) + int(one.points)
        return climb(ladder, 0, strike.family, strike.severity, by_family)[0]


def _gap(ladder: LadderDef | None, points: float) -> float | None:
    """How far it is from some points to the next step of a ladder; None: there is none."""
    if ladder is None:
        return None
    since = [one.number if ladder.points is None else one.since for one in ladder.steps]
    return min((one - points for one in since if one > points), default=None)


def _decision(measures: Iterable[Imposed]) -> Literal["automated", "partly", "person"]:
    """How the measures that took effect came about."""
    took = [one for one in measures if one.state not in {"proposed", "dropped"}]
    reviewed = [one for one in took if one.people]
    if not reviewed:
        return "automated"
    return "person" if len(reviewed) == len(took) else "partly"


def duration_told(measure: Measure, end: int | None, state: State, zone: str) -> Bilingual:
    """Until when a measure lasts, in words; an end that nobody set is said to be none.

    Args:
        measure: The measure.
        end: When it ends by itself, in microseconds since 1970.
        state: Where it stands; that of a proposal begins when it takes effect.
        zone: The IANA name of the zone in which instants are told.
    """
    if measure.once:
        return Bilingual("一次性措施，不持续", "once; it does not last")
    if state == "proposed" and measure.length is not None and not measure.until_fixed:
        return Bilingual(
            f"自复核同意之时起{duration(measure.length, 'zh')}",
            f"{duration(measure.length, 'en')} from when it is agreed to",
        )
    if end is None and not measure.until_fixed:
        if measure.permanent:
            return Bilingual("永久（无结束日期）", "permanent (there is no end date)")
        return Bilingual("无固定期限（直至撤销）", "indefinite (until it is reversed)")
    fixed = bool(measure.until_fixed)
    return Bilingual(
        until(end, fixed, measure.permanent, zone, "zh"),
        until(end, fixed, measure.permanent, zone, "en"),
    )


def appeal_until(record: Record, case: CaseState, procedure: ProcedureDef) -> int:
    """When the window for appeals against a case closes, in microseconds since 1970.

    It is counted from the notice: that of the decision, or the last one that a measure takes effect.
    """
    told = [case.fact.at]
    for one in case.measures:
        applied = record.measures[one].applied
        if applied is not None:
            told.append(applied.at)
    return max(told) + procedure.appeal
