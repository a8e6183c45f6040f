"""Templates of decisions: all that follows from the rules that fired, whatever event they fired for.

A decision depends on its event by three things only: the ids of the targets, the instant at which it
is made, and the values that texts are filled in with. All else follows from the rules that fired,
their modes, and the steps of the ladders that they strike (see `clausal.engine.consequences`). It is
worked out once for each such set, and remembered:

    template = templates.of(fired, strikes)
    for measure in template.measures:
        measure.head            # what is the same for all events
        measure.kind            # the kind of its target; the id is the event's
        measure.length          # its end, counted from the instant of the decision
        measure.notice.fill(item, end)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from clausal.compiler.ir import Corpus
from clausal.compiler.types import MICROSECONDS, Scalar, Type
from clausal.engine.consequences import Consequences, Record
from clausal.engine.decision import (
    ClauseRef,
    Finding,
    FindingHead,
    Measure,
    MeasureHead,
    Mode,
    Step,
    TargetRef,
    encode,
)
from clausal.engine.segments import FOREVER, Group, order, regroup
from clausal.engine.strikes import Strike, Values
from clausal.engine.wording import Notice, Reason, Wording

_REMEMBERED: Final = 4096
"""As many templates are kept: the same rules tend to fire together."""


class FindingTemplate:
    """A finding without the values of the event.

    Attributes:
        head: What is the same for all events.
        reason: Why the rule fired.
    """

    __slots__ = ("_before", "_whole", "head", "reason")

    def __init__(self, head: FindingHead, reason: Reason) -> None:
        """Take its parts."""
        self.head: Final = head
        self.reason: Final = reason
        self._before: Final = encode(head)[:-1] + b',"reason":'
        self._whole: bytes | None = None
        if reason.fixed is not None:
            self._whole = self._before + encode(reason.fixed) + b"}"

    def finding(self, values: Values) -> Finding:
        """The finding for an event."""
        return Finding.light(self.head, self.reason, values)

    def to_json(self, values: Values) -> bytes:
        """The finding for an event, as JSON."""
        if self._whole is not None:
            return self._whole
        return self._before + encode(self.reason.fill(values)) + b"}"


class MeasureTemplate:
    """A measure without the event and the instant of its decision.

    Attributes:
        head: What is the same for all events.
        kind: The kind of its target.
        length: How long it lasts, in microseconds; None: it does not end by itself.
        zone: The IANA name of the zone in which its times are told.
    """

    __slots__ = ("_notice", "_pieces", "_prepare", "head", "kind", "length", "zone")

    def __init__(
        self,
        head: MeasureHead,
        kind: str,
        length: int | None,
        zone: str,
        prepare: Callable[[], Notice],
    ) -> None:
        """Take its parts; the notice is prepared when it is first wanted."""
        self.head: Final = head
        self.kind: Final = kind
        self.length: Final = length
        self.zone: Final = zone
        self._prepare = prepare
        self._notice: Notice | None = None
        self._pieces: tuple[bytes, bytes, bytes, bytes | None] | None = None

    @property
    def notice(self) -> Notice:
        """What the affected user is told."""
        notice = self._notice
        if notice is None:
            notice = self._notice = self._prepare()
        return notice

    def end(self, start: int) -> int | None:
        """When it ends by itself, if it begins then; in microseconds since 1970."""
        return None if self.length is None else start + self.length

    def measure(self, target: TargetRef, start: int) -> Measure:
        """The measure on a target, from an instant in microseconds since 1970."""
        return Measure.light(self.head, target, start, self)

    def to_json(self, item: bytes, target: TargetRef, start: int, times: Times) -> bytes:
        """The measure as JSON.

        Args:
            item: The id of the target as JSON.
            target: What it applies to.
            start: Microseconds since 1970.
            times: Tells instants.
        """
        pieces = self._pieces
        if pieces is None:
            pieces = self._pieces = self._prepared()
        before, arguments, after, notice = pieces
        begins = times(start, self.zone)
        end = self.end(start)
        ends = b'","end":null' if end is None else b'","end":"%b"' % times(end, self.zone)
        if notice is None:
            notice = encode(self.notice.fill(target.id, end)) + b"}"
        return b"".join((before, item, arguments, begins, ends, after, notice))

    def _prepared(self) -> tuple[bytes, bytes, bytes, bytes | None]:
        """The JSON before the id, before the times, after them, and the notice if it is fixed."""
        head = self.head
        before = b'{"sanction":%b,"title":%b,"grade":%d,"target":{"kind":%b,"id":' % (
            encode(head.sanction),
            encode(head.title),
            head.grade,
            encode(self.kind),
        )
        arguments = b'},"mode":%b,"arguments":%b,"start":"' % (
            encode(head.mode),
            encode(head.arguments),
        )
        # The last of that name, as an argument may be called so too.
        after = encode(head)
        after = after[after.rindex(b',"permanent":') : -1] + b',"notice":'
        fixed = self.notice.fixed
        return before, arguments, after, None if fixed is None else encode(fixed) + b"}"


Times = Callable[[int, str], bytes]
"""Tells an instant, in microseconds since 1970, in a zone, as RFC 3339 has it."""


class Template:
    """What follows from the rules that fired. The measures are sorted, and index the findings."""

    __slots__ = ("findings", "measures")

    def __init__(
        self,
        findings: tuple[FindingTemplate, ...],
        measures: tuple[MeasureTemplate, ...],
    ) -> None:
        """Take its parts."""
        self.findings: Final = findings
        self.measures: Final = measures


Fired = tuple[tuple[int, Mode], ...]
"""The rules that fired, sorted, each with its mode."""


class Templates:
    """The templates of one corpus. Safe to share between threads."""

    def __init__(self, corpus: Corpus, consequences: Consequences) -> None:
        """Prepare what all templates have in common."""
        self._corpus = corpus
        self._consequences = consequences
        self._wording = Wording(corpus)
        self._findings: dict[tuple[int, Mode], FindingTemplate] = {}
        self._known: dict[object, Template] = {}

    def of(self, fired: Fired, strikes: Sequence[Strike] = ()) -> Template:
        """What follows from some rules.

        Args:
            fired: The rules.
            strikes: What they do to ladders, as of `Consequences.strikes`.
        """
        key: object = fired
        if strikes:
            # Which rules strike a ladder follows from those that fired, but not which give points.
            key = (fired, *((one.ladder, one.mode, one.step, one.causes) for one in strikes))
        known = self._known.get(key)
        if known is None:
            places = {rule: place for place, (rule, _) in enumerate(fired)}
            record = self._consequences.record(fired, strikes)
            known = Template(
                tuple(self.finding(rule, mode) for rule, mode in fired),
                self.measures(record, places),
            )
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[key] = known
        return known

    # ── Findings ─────────────────────────────────────────────────────────────────────────────────

    def finding(self, rule: int, mode: Mode) -> FindingTemplate:
        """The finding of a rule."""
        known = self._findings.get((rule, mode))
        if known is None:
            definition = self._corpus.rules[rule]
            version = self._corpus.versions[definition.version]
            head = FindingHead(
                policy=version.policy,
                version=version.version,
                rule=definition.name,
                severity=definition.severity,
                mode=mode,
                clauses=self._clauses(definition.clauses),
                title=definition.title,
            )
            known = FindingTemplate(head, self._wording.reason(rule))
            self._findings[rule, mode] = known
        return known

    def _clauses(self, clauses: Iterable[int]) -> tuple[ClauseRef, ...]:
        found = []
        for index in clauses:
            clause = self._corpus.clauses[index]
            notice = self._corpus.versions[clause.version].notice
            found.append(ClauseRef(notice, clause.id, clause.quote, clause.fingerprint))
        return tuple(found)

    # ── Measures ─────────────────────────────────────────────────────────────────────────────────

    def measures(self, record: Record, places: Mapping[int, int]) -> tuple[MeasureTemplate, ...]:
        """All measures of a record, those that are covered too, sorted.

        Args:
            record: The segments with their causes.
            places: The number of each rule's finding.
        """
        if not record:
            return ()
        algebra = self._consequences.algebra
        covers = algebra.covers_of(record)
        maximal = regroup(
            algebra.shapes,
            [(segment, record[segment]) for segment, by in covers.items() if by is None],
        )
        group_of = {segment: group for group in maximal for segment in group.members}
        cover_of = {
            segment: group_of[by].segment for segment, by in covers.items() if by is not None
        }
        covered = regroup(
            algebra.shapes,
            [(segment, record[segment]) for segment in cover_of],
            apart=cover_of.__getitem__,
        )
        groups = sorted([*maximal, *covered], key=lambda group: order(group.segment))
        numbers = {group.segment: number for number, group in enumerate(groups)}
        return tuple(
            self._measure(
                group,
                places,
                None if (by := cover_of.get(group.segment)) is None else numbers[by],
            )
            for group in groups
        )

    def _measure(
        self, group: Group, places: Mapping[int, int], yields_to: int | None
    ) -> MeasureTemplate:
        segment = group.segment
        sanction = self._corpus.sanctions[segment.sanction]
        rules = sorted(group.cause.findings)
        length = None if segment.end >= FOREVER else segment.end
        head = MeasureHead(
            sanction=sanction.name,
            title=sanction.title,
            grade=sanction.grade,
            mode=segment.mode,
            arguments={
                param.name: _published(param.type, value)
                for param, value in zip(sanction.params, group.arguments, strict=True)
                if value is not None
            },
            permanent=sanction.permanent,
            once=sanction.once,
            until_fixed=group.until_fixed,
            interim=segment.interim,
            review=segment.review,
            findings=tuple(sorted(places[rule] for rule in rules if rule in places)),
            steps=tuple(Step(ladder, step) for ladder, step in sorted(group.cause.steps)),
            yields_to=yields_to,
        )
        return MeasureTemplate(
            head,
            segment.target.kind,
            length,
            self._wording.zone(rules[0]),
            lambda: self._wording.notice(group, length, rules),
        )


def _published(
    type: Type, value: float | bool | str | tuple[str, ...]
) -> float | bool | str | tuple[str, ...]:
    """An argument as decisions have it: durations in seconds."""
    if isinstance(type, Scalar) and type.name == "duration" and isinstance(value, float):
        return value / MICROSECONDS
    return value


NO_TEMPLATE: Final = Template((), ())
"""What follows from no rule."""
