"""From a decision to facts: pure, and the same for the same records, decision and event."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from clausal.compiler.types import Scalar, Type
from clausal.enforcement import incidents, reading, strikes
from clausal.enforcement.brakes import Brakes
from clausal.enforcement.facts import (
    AnyFact,
    Case,
    Finding,
    Incident,
    Measure,
    Strike,
    name,
)
from clausal.enforcement.ledger import Message
from clausal.enforcement.messages import begin
from clausal.enforcement.plan import Plan
from clausal.enforcement.record import WAITING, Record
from clausal.engine.decide import Case as Decided
from clausal.engine.decision import Decision, Mode, Standing
from clausal.engine.decision import Measure as Deserved
from clausal.engine.history import Strikes
from clausal.engine.render import rfc3339
from clausal.engine.strikes import life_of
from clausal.engine.values import LAST_INSTANT, Missing, Value

FOUND_BY: Final = ("context", "detection_source")
"""Where an event says where the tip came from, if the libraries declare such a field."""

ABOUT: Final = (("content", "kind"), ("context", "platform_type"), ("context", "event_type"))
"""Further fields that statements may tell."""


@dataclass(slots=True)
class Act:
    """An event that something follows from, and what is known about it before it is decided.

    Attributes:
        number: Its place in the batch.
        event: As it came.
        fields: What it holds.
        name: The platform's name of it, or its digest.
        case: The name of its case.
        parties: Whom and what it is about.
        decision: As it was decided without the ledger.
    """

    number: int
    event: reading.Event
    fields: Mapping[object, object]
    name: str
    case: str
    parties: tuple[str, ...]
    decision: Decision


def decided(decision: Decision) -> Decided:
    """The parts of a decision that the engine made."""
    parts = decision.parts
    assert isinstance(parts, Decided)
    return parts


def parties_of(plan: Plan, decision: Decided) -> tuple[str, ...]:
    """Whom and what an event is about that some rule has a say in, sorted."""
    parties = [party_of(decision, kind) for kind, _ in plan.targets]
    return tuple(sorted(party for party in parties if party is not None))


def party_of(decision: Decided, kind: str) -> str | None:
    """The party that an event's target of a kind is; None if the event does not tell which one."""
    ref = decision.target(kind)
    return f"{kind}:{ref.id}" if reading.names_one(ref.id) else None


def concerned(plan: Plan, decision: Decided) -> set[str]:
    """The parties whose records have a say in what follows."""
    wanted = set()
    fired, undetermined = decision.act.fired, decision.act.undetermined
    readers = plan.readers.intersection((*fired, *undetermined))
    if readers or plan.struck.intersection(fired):
        wanted |= set(plan.of_kind)
    # A rule that reads strikes may fire once they are known.
    if plan.incident is not None and (readers or decision.fired):
        wanted.add(plan.incident.target)
    parties = [party_of(decision, kind) for kind in wanted]
    return {party for party in parties if party is not None}


# ── Incidents and history ────────────────────────────────────────────────────────────────────────


def keys(plan: Plan, act: Act, decision: Decided) -> Sequence[incidents.Key]:
    """What makes an event part of incidents: nothing, where no finding is enforced."""
    enforced = [rule for rule, mode in decision.fired if mode == "enforced"]
    if plan.incident is None or not enforced:
        return ()
    values = {}
    for same in plan.incident.same:
        if same.path is not None:
            told = reading.text(reading.value_at(act.fields, same.path))
            if told is not None:
                values[same.path] = told
    versions, rules = plan.corpus.versions, plan.corpus.rules
    policies = {versions[rules[rule].version].policy for rule in enforced}
    return incidents.keys(plan.incident, values, policies)


def incident_of(
    plan: Plan, decision: Decided, shared: Sequence[incidents.Key], records: Mapping[str, Record]
) -> str | None:
    """The incident that an event belongs to; None if it would begin one, or is none."""
    if plan.incident is None or not shared:
        return None
    party = party_of(decision, plan.incident.target)
    record = None if party is None else records.get(party)
    return None if record is None else incidents.find(record, shared, decision.acted)


def history(
    plan: Plan, decision: Decided, incident: str | None, records: Mapping[str, Record]
) -> dict[str, Strikes]:
    """The strikes that count for an event, by the names under which they are counted.

    Ladders of targets that the event does not tell have none, and nothing is counted on them.
    """
    found = {}
    for kind, ladders in plan.of_kind.items():
        party = party_of(decision, kind)
        record = None if party is None else records.get(party)
        if record is not None:
            for counted, ladder in ladders:
                found[counted] = strikes.history(
                    record, counted, ladder, decision.acted, incident, plan.procedure
                )
    return found


def no_strikes(
    plan: Plan, act: Act, decision: Decided, incident: str | None, records: Mapping[str, Record]
) -> set[tuple[str, Mode]]:
    """The strikes of a decision that are none, by the ladder's own name and mode.

    Those on targets that are not told, those for items that are too old, those whose points are not
    known, and those of incidents that have one already of as many points. (The language gives
    suspicions none.)
    """
    spared: set[tuple[str, Mode]] = set()
    for strike, told in zip(decision.strikes, decision.ladders, strict=True):
        severity = max(plan.severity[rule] for rule in strike.rules)
        unknown = strike.points is None and plan.corpus.ladders[strike.ladder].points is not None
        if not reading.names_one(told.target.id) or unknown or _too_old(plan, act, severity):
            spared.add((told.ladder, strike.mode))
        elif strike.mode == "enforced":
            record = records[f"{told.target.kind}:{told.target.id}"]
            has = strikes.standing(record, plan.counts[strike.ladder], incident)
            if has is not None and points(told) <= has:
                spared.add((told.ladder, strike.mode))
    return spared


def points(told: Standing) -> float:
    """The points of a strike: 1 on a ladder that counts strikes."""
    return 1.0 if told.points is None else float(told.points)


def _too_old(plan: Plan, act: Act, severity: int) -> bool:
    old = plan.procedure.old
    if old is None:
        return False
    shape = plan.type_of(old.path) or Scalar("number")
    age = reading.typed_at(act.fields, old.path, shape)
    return isinstance(age, float) and age > old.limits[severity]


# ── Facts ────────────────────────────────────────────────────────────────────────────────────────


def facts(
    plan: Plan,
    act: Act,
    decision: Decided,
    shared: Sequence[incidents.Key],
    incident: str | None,
    everywhere: Record,
    records: Mapping[str, Record],
    brakes: Brakes,
) -> tuple[list[AnyFact], list[Message]]:
    """What follows from an event, in order, and what the platform is to be told.

    Args:
        plan: The bundle.
        act: The event.
        decision: Its decision, with all that the ledger has a say in.
        shared: What makes it part of incidents.
        incident: The incident that it belongs to, if that is there already.
        everywhere: What is known of the ledger as a whole: rules that were braked.
        records: Those of the parties that are `concerned`.
        brakes: Those of the bundle, which count findings by further parties of them.
    """
    writer = _Writer(plan, act, decision)
    made: list[AnyFact] = []
    told: list[Message] = []
    enforced = any(mode == "enforced" for _, mode in decision.fired)
    spent = _spent(plan, decision, incident, records)
    deserved = [
        (place, one)
        for place, one in enumerate(decision.measures)
        if one.mode == "enforced" and place not in spent
    ]
    if any(plan.review(one.head) or one.until_fixed or one.interim for _, one in deserved):
        writer.parties = tuple(sorted((*act.parties, WAITING)))
    if not enforced:
        incident = ""
    elif incident is None:
        opened = writer.incident()
        incident = opened.id
        made.append(opened)
    writer.incident_name = incident
    made.append(writer.case(tuple(key.name for key in shared)))
    findings = writer.findings(everywhere, brakes)
    made += findings
    struck = writer.strikes(findings, records)
    made += struck
    for place, one in deserved:
        measure = writer.measure(place, one, findings, struck, spent)
        made.append(measure)
        if measure.review == 0:
            told.append(begin(measure, act.name))
    return made, told


def _spent(
    plan: Plan, decision: Decided, incident: str | None, records: Mapping[str, Record]
) -> set[int]:
    """The interim measures that would go on for too long, by place: a suspicion ends in a verdict.

    They can be renewed until the first of their kind in the incident would have been over by itself,
    if nobody had ended it but by not looking.
    """
    if plan.incident is None or not incident:
        return set()
    ref = decision.target(plan.incident.target)
    record = records[f"{ref.kind}:{ref.id}"]
    spent = set()
    for place, one in enumerate(decision.measures):
        start, end = one.span
        if not one.interim or end is None:
            continue
        first = min(
            (
                other.fact.start
                for case in record.incidents[incident].cases
                for other in map(record.measures.__getitem__, record.cases[case].measures)
                if other.fact.interim
                and other.fact.sanction == one.sanction
                and other.fact.target == f"{one.target.kind}:{one.target.id}"
                and (other.ended is None or other.ended.why == "lapsed")
            ),
            default=start,
        )
        if start - first >= end - start:
            spent.add(place)
    return spent


class _Writer:
    """Writes the facts of one case."""

    def __init__(self, plan: Plan, act: Act, decision: Decided) -> None:
        self._plan = plan
        self._act = act
        self._decision = decision
        self._case = act.case
        self._at = decision.decided
        self.parties = act.parties
        self.incident_name = ""

    def incident(self) -> Incident:
        """The incident that begins with this case."""
        definition, by = self._plan.incident, ""
        if definition is not None:
            by = party_of(self._decision, definition.target) or ""
        return Incident(id=name("incident", self._case), at=self._at, parties=self.parties, by=by)

    def case(self, keys: tuple[str, ...]) -> Case:
        """The case itself."""
        fields = self._act.fields
        found_by = reading.value_at(fields, FOUND_BY)
        about = {
            ".".join(path): value
            for path in ABOUT
            if isinstance(value := reading.value_at(fields, path), str)
            and self._plan.type_of(path) is not None
        }
        known = self._plan.type_of(FOUND_BY) is not None
        return Case(
            id=self._case,
            at=self._at,
            parties=self.parties,
            event=self._act.name,
            incident=self.incident_name,
            acted_at=self._decision.acted,
            zone=self._decision.zone,
            bundle=self._decision.bundle,
            found_by=found_by if known and isinstance(found_by, str) else "",
            about=about,
            keys=keys,
        )

    def findings(self, everywhere: Record, brakes: Brakes) -> list[Finding]:
        """What was found."""
        return [
            Finding(
                id=name("finding", self._case, str(place)),
                at=self._at,
                parties=self._counted(rule, mode, everywhere, brakes),
                case=self._case,
                policy=one.policy,
                version=one.version,
                rule=one.rule,
                severity=one.severity,
                mode=one.mode,
                clauses=one.clauses,
                title=one.title,
                reason=one.reason,
                saw=self._saw(rule),
                braked=self._plan.rules[rule] in everywhere.braked,
            )
            for place, ((rule, mode), one) in enumerate(
                zip(self._decision.fired, self._decision.findings, strict=True)
            )
        ]

    def _counted(
        self, rule: int, mode: Mode, everywhere: Record, brakes: Brakes
    ) -> tuple[str, ...]:
        """The parties of a finding: with those by which a brake counts it, if it is enforced."""
        more = brakes.counts(rule, self._at, everywhere) if mode == "enforced" else ()
        return tuple(sorted((*self.parties, *more))) if more else self.parties

    def _saw(self, rule: int) -> dict[str, object]:
        found: dict[str, object] = {}
        for slot, told, shape in self._plan.seen_by(rule):
            value = self._decision.values(slot)
            if not isinstance(value, Missing):
                found[told] = _told(shape, value, self._decision.zone)
        return found

    def strikes(self, findings: Sequence[Finding], records: Mapping[str, Record]) -> list[Strike]:
        """The strikes."""
        made = []
        decision = self._decision
        for strike, told in zip(decision.strikes, decision.ladders, strict=True):
            ladder = self._plan.corpus.ladders[strike.ladder]
            counted = self._plan.counts[strike.ladder]
            on = f"{told.target.kind}:{told.target.id}"
            has = strikes.standing(records[on], counted, self.incident_name or None)
            severity = max(strike.rules, key=self._plan.severity.__getitem__)
            weight = points(told)
            life = life_of(ladder, strike.points)
            made.append(
                Strike(
                    id=name("strike", self._case, counted, strike.mode),
                    at=self._at,
                    parties=self.parties,
                    case=self._case,
                    incident=self.incident_name,
                    ladder=counted,
                    on=on,
                    mode=strike.mode,
                    family=told.family or "",
                    severity=self._plan.corpus.rules[severity].severity,
                    points=weight - (has or 0.0),
                    expires=LAST_INSTANT if life is None else self._at + life,
                    active=float(told.active or 0),
                    counts=float(told.active or 0) + weight
                    if told.counts is None
                    else float(told.counts),
                    step=told.step or 0,
                    next_at=told.next_step_at
                    if ladder.points is not None
                    else _next(told.step, len(ladder.steps)),
                    findings=tuple(findings[place].id for place in told.findings),
                )
            )
        return made

    def measure(
        self,
        place: int,
        deserved: Deserved,
        findings: Sequence[Finding],
        struck: Iterable[Strike],
        spent: Collection[int],
    ) -> Measure:
        """One measure; a target that is not told has no id."""
        head = deserved.head
        start, end = deserved.span
        ladders = {step.ladder for step in head.steps}
        deadline = None
        limits = self._plan.procedure.review
        review = self._plan.review(head)
        if limits is not None and (review or head.interim):
            deadline = self._at + limits.of(head.grade, interim=head.interim)
        return Measure(
            id=self._name(place),
            at=self._at,
            parties=self.parties,
            case=self._case,
            incident=self.incident_name,
            sanction=head.sanction,
            title=head.title,
            grade=head.grade,
            dsa=self._plan.dsa[head.sanction],
            target=party_of(self._decision, deserved.target.kind) or f"{deserved.target.kind}:",
            arguments=head.arguments,
            start=start,
            end=end,
            length=None if end is None else end - start,
            permanent=head.permanent,
            once=head.once,
            until_fixed=head.until_fixed,
            interim=head.interim,
            review=review,
            deadline=deadline,
            findings=tuple(findings[number].id for number in head.findings),
            strikes=tuple(
                one.id for one in struck if one.mode == head.mode and self._own(one) in ladders
            ),
            steps=head.steps,
            yields_to=None
            if head.yields_to is None or head.yields_to in spent
            else self._name(head.yields_to),
            notice=deserved.notice,
        )

    def _own(self, strike: Strike) -> str:
        """The ladder's own name, as steps have it."""
        return strike.ladder.partition("@")[0]

    def _name(self, place: int) -> str:
        return name("measure", self._case, str(place))


def _next(step: int | None, steps: int) -> float | None:
    """How many strikes lead to the step after one; None: there is none."""
    return None if step is None or step >= steps else float(step + 1)


def _told(type: Type, value: Value, zone: str) -> object:
    """A value of an event as JSON."""
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, float):
        if isinstance(type, Scalar) and type.name == "instant":
            return rfc3339(int(value), zone)
        return int(value) if value.is_integer() else value
    return value
