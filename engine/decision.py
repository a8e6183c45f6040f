"""What the engine says about one event: a decision, and all that explains it.

A decision is light: it holds what the rules said and what it needs of the event, and works out each
of its parts when it is first asked for. So do the findings and measures in it: texts are rendered
when somebody reads them. What is asked for, and in which order, changes nothing.

Everything here turns into JSON as it stands (``to_json``); instants are RFC 3339 texts in the time
zone of the policy that they come from. ``clausal.engine.models`` holds the same shapes as Pydantic
models and publishes their JSON Schema.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Final, Literal, Protocol, Self, TypeVar

import msgspec

from clausal.compiler.ir import Bilingual, Severity
from clausal.engine._core import Outcome
from clausal.engine.render import rfc3339

Mode = Literal["enforced", "shadow"]
"""Shadow findings and measures are reported and never carried out."""

_R = TypeVar("_R", bound="Record")


class Record:
    """Frozen data of which parts may be worked out when they are first asked for.

    Two are equal if all their fields are, however they came to be. Copies and pickles are made of
    the fields, and depend on nothing else.
    """

    __slots__ = ()

    FIELDS: ClassVar[tuple[str, ...]]
    """The names of the fields, in order; they are the keyword arguments of the constructor."""

    def replace(self, **changes: object) -> Self:
        """The same with other values of some fields."""
        return type(self)(**(_fields(self) | changes))

    def to_dict(self) -> dict[str, object]:
        """The fields as JSON-ready values."""
        value: dict[str, object] = msgspec.to_builtins(_fields(self), enc_hook=_fields)
        return value

    def to_json(self) -> bytes:
        """The fields as one line of JSON, in UTF-8."""
        return encode(self)

    @classmethod
    def from_dict(cls, value: object) -> Self:
        """What `to_dict` made this of. Keys that are no fields are ignored.

        Raises:
            msgspec.ValidationError: if the values are not those of such a record.
        """
        kind: type = cls
        shape = msgspec.convert(value, _shape(kind), dec_hook=_from_dict)
        return cls(**{name: getattr(shape, name) for name in cls.FIELDS})

    @classmethod
    def from_json(cls, data: bytes | str) -> Self:
        """What `to_json` made this of.

        Raises:
            msgspec.DecodeError: if it is not JSON.
            msgspec.ValidationError: if the values are not those of such a record.
        """
        return cls.from_dict(msgspec.json.decode(data))

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return NotImplemented
        return self is other or all(
            getattr(self, name) == getattr(other, name) for name in self.FIELDS
        )

    def __hash__(self) -> int:
        return hash((type(self), *_fields(self).values()))

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={value!r}" for name, value in _fields(self).items())
        return f"{type(self).__name__}({fields})"

    def __reduce__(self) -> tuple[object, ...]:
        return _restored, (type(self), _fields(self))


def _restored(kind: type[_R], fields: dict[str, object]) -> _R:
    return kind(**fields)


def _fields(record: object) -> dict[str, object]:
    """The fields of a record by name; also what msgspec calls for what it does not know."""
    if not isinstance(record, Record):
        raise NotImplementedError
    return {name: getattr(record, name) for name in record.FIELDS}


def _from_dict(kind: type, value: object) -> object:
    """What msgspec calls to convert to a type that it does not know."""
    if not issubclass(kind, Record):
        raise NotImplementedError
    return kind.from_dict(value)


encode: Final[Callable[[object], bytes]] = msgspec.json.Encoder(enc_hook=_fields).encode
"""A value as JSON: a record, or what msgspec knows."""


@functools.cache
def _shape(kind: type) -> type[msgspec.Struct]:
    """A struct with the fields of a record, which msgspec can check values against."""
    fields: list[tuple[str, Any, Any]] = [
        (name, one.annotation, msgspec.NODEFAULT if one.default is one.empty else one.default)
        for name, one in inspect.signature(kind, eval_str=True).parameters.items()
    ]
    return msgspec.defstruct(kind.__name__, fields, kw_only=True)


# ── Findings ─────────────────────────────────────────────────────────────────────────────────────


class ClauseRef(msgspec.Struct, frozen=True):
    """A clause of a notice, with the fingerprint of the text that the rule was compiled against."""

    notice: str
    id: str
    quote: str
    fingerprint: str


class ReasonText(Protocol):
    """What the reason of a rule is rendered from."""

    def fill(self, values: Any, /) -> Bilingual:
        """The reason with the values of an event."""


class FindingHead(msgspec.Struct, frozen=True, kw_only=True):
    """What a finding says whatever the event holds."""

    policy: str
    version: str
    rule: str
    severity: Severity
    mode: Mode
    clauses: tuple[ClauseRef, ...]
    title: Bilingual


class Finding(Record):
    """A rule that fired. ``reason`` is the policy's text with the event's values filled in.

    The reason is rendered when it is first asked for.
    """

    __slots__ = ("_head", "_reason", "_text", "_values")

    FIELDS: ClassVar[tuple[str, ...]] = (
        "policy",
        "version",
        "rule",
        "severity",
        "mode",
        "clauses",
        "title",
        "reason",
    )

    _head: FindingHead
    _reason: Bilingual | None
    _text: ReasonText
    _values: object

    def __init__(
        self,
        *,
        policy: str,
        version: str,
        rule: str,
        severity: Severity,
        mode: Mode,
        clauses: tuple[ClauseRef, ...],
        title: Bilingual,
        reason: Bilingual,
    ) -> None:
        self._head = FindingHead(
            policy=policy,
            version=version,
            rule=rule,
            severity=severity,
            mode=mode,
            clauses=clauses,
            title=title,
        )
        self._reason = reason

    @classmethod
    def light(cls, head: FindingHead, text: ReasonText, values: object) -> Finding:
        """A finding whose reason is rendered when it is asked for.

        Args:
            head: What does not depend on the event.
            text: Renders the reason.
            values: The values of the event.
        """
        made = cls.__new__(cls)
        made._head = head
        made._reason = None
        made._text = text
        made._values = values
        return made

    @property
    def head(self) -> FindingHead:
        """What does not depend on the event: for the engine."""
        return self._head

    @property
    def policy(self) -> str:
        """The policy of the rule."""
        return self._head.policy

    @property
    def version(self) -> str:
        """The version of the policy."""
        return self._head.version

    @property
    def rule(self) -> str:
        """The name of the rule in its policy."""
        return self._head.rule

    @property
    def severity(self) -> Severity:
        """How grave it is."""
        return self._head.severity

    @property
    def mode(self) -> Mode:
        """Whether the rule is enforced for this event."""
        return self._head.mode

    @property
    def clauses(self) -> tuple[ClauseRef, ...]:
        """The clauses that the rule cites."""
        return self._head.clauses

    @property
    def title(self) -> Bilingual:
        """The title of the rule."""
        return self._head.title

    @property
    def reason(self) -> Bilingual:
        """Why it fired, with the values of the event."""
        reason = self._reason
        if reason is None:
            reason = self._reason = self._text.fill(self._values)
        return reason


# ── Measures ─────────────────────────────────────────────────────────────────────────────────────


class TargetRef(msgspec.Struct, frozen=True):
    """What a measure applies to. ``id`` is None when the event did not say which one it is."""

    kind: str
    id: str | None


class Step(msgspec.Struct, frozen=True):
    """The step of a ladder that a measure comes from."""

    ladder: str
    step: int


Arguments = dict[str, float | bool | str | tuple[str, ...]]
"""The arguments of a measure by the names of the sanction's parameters."""


class MeasureHead(msgspec.Struct, frozen=True, kw_only=True):
    """What a measure says whatever the event holds and whenever it is decided."""

    sanction: str
    title: Bilingual
    grade: int
    mode: Mode
    arguments: Arguments
    permanent: bool = False
    once: bool = False
    until_fixed: tuple[str, ...] = ()
    interim: bool = False
    review: int = 0
    findings: tuple[int, ...] = ()
    steps: tuple[Step, ...] = ()
    yields_to: int | None = None


class NoticeText(Protocol):
    """What the notice of a measure is rendered from."""

    def fill(self, item: str | None, end: int | None, /) -> Bilingual:
        """The notice about a target, and an end in microseconds since 1970 if it has one."""


class Timeless(Protocol):
    """A measure without its event and its times."""

    @property
    def zone(self) -> str:
        """The IANA name of the zone in which its times are told."""

    @property
    def notice(self) -> NoticeText:
        """What the affected user is told."""

    def end(self, start: int, /) -> int | None:
        """When it ends by itself, if it begins then; in microseconds since 1970."""


class Measure(Record):
    """One consequence, after joining. Its times and its notice are rendered when asked for."""

    __slots__ = ("_arguments", "_began", "_head", "_notice", "_target", "_timeless", "_times")

    FIELDS: ClassVar[tuple[str, ...]] = (
        "sanction",
        "title",
        "grade",
        "target",
        "mode",
        "arguments",
        "start",
        "end",
        "permanent",
        "once",
        "until_fixed",
        "interim",
        "review",
        "findings",
        "steps",
        "yields_to",
        "notice",
    )

    _head: MeasureHead
    _target: TargetRef
    _arguments: Arguments | None
    _times: tuple[str, str | None] | None
    _notice: Bilingual | None
    _began: int
    _timeless: Timeless

    def __init__(
        self,
        *,
        sanction: str,
        title: Bilingual,
        grade: int,
        target: TargetRef,
        mode: Mode,
        arguments: dict[str, float | bool | str | tuple[str, ...]],
        start: str,
        end: str | None,
        permanent: bool = False,
        once: bool = False,
        until_fixed: tuple[str, ...] = (),
        interim: bool = False,
        review: int = 0,
        findings: tuple[int, ...] = (),
        steps: tuple[Step, ...] = (),
        yields_to: int | None = None,
        notice: Bilingual = Bilingual(),  # noqa: B008 - it is frozen
    ) -> None:
        self._head = MeasureHead(
            sanction=sanction,
            title=title,
            grade=grade,
            mode=mode,
            arguments=arguments,
            permanent=permanent,
            once=once,
            until_fixed=until_fixed,
            interim=interim,
            review=review,
            findings=findings,
            steps=steps,
            yields_to=yields_to,
        )
        self._target = target
        self._arguments = arguments
        self._times = (start, end)
        self._notice = notice

    @classmethod
    def light(cls, head: MeasureHead, target: TargetRef, start: int, timeless: Timeless) -> Measure:
        """A measure whose times and notice are rendered when they are asked for.

        Args:
            head: What does not depend on the event.
            target: What it applies to.
            start: When it begins, in microseconds since 1970.
            timeless: Renders the rest.
        """
        made = cls.__new__(cls)
        made._head = head
        made._target = target
        made._arguments = None
        made._times = None
        made._notice = None
        made._began = start
        made._timeless = timeless
        return made

    @property
    def head(self) -> MeasureHead:
        """What does not depend on the event: for the engine."""
        return self._head

    @property
    def span(self) -> tuple[int, int | None]:
        """When it begins and ends, in microseconds since 1970, if it is `light`: for the engine."""
        return self._began, self._timeless.end(self._began)

    @property
    def sanction(self) -> str:
        """Its name in the sanction library; ``grade`` and ``title`` come from there too."""
        return self._head.sanction

    @property
    def title(self) -> Bilingual:
        """The title of the sanction."""
        return self._head.title

    @property
    def grade(self) -> int:
        """How heavy the sanction is."""
        return self._head.grade

    @property
    def target(self) -> TargetRef:
        """What it applies to."""
        return self._target

    @property
    def mode(self) -> Mode:
        """Whether it is carried out."""
        return self._head.mode

    @property
    def arguments(self) -> Arguments:
        """The sanction's parameters by name. Shares are 0..1, durations seconds."""
        arguments = self._arguments
        if arguments is None:
            # A dictionary of its own: the head is shared with other decisions.
            arguments = self._arguments = dict(self._head.arguments)
        return arguments

    @property
    def start(self) -> str:
        """The instant of the decision."""
        return self._told()[0]

    @property
    def end(self) -> str | None:
        """When it ends by itself.

        None when it is permanent, happens once, lasts until it is reversed, or lasts until fixed
        without a limit.
        """
        return self._told()[1]

    def _told(self) -> tuple[str, str | None]:
        times = self._times
        if times is None:
            start, zone = self._began, self._timeless.zone
            end = self._timeless.end(start)
            times = self._times = (
                rfc3339(start, zone),
                None if end is None else rfc3339(end, zone),
            )
        return times

    @property
    def permanent(self) -> bool:
        """Whether it can never be undone."""
        return self._head.permanent

    @property
    def once(self) -> bool:
        """Whether it happens once, and does not last."""
        return self._head.once

    @property
    def until_fixed(self) -> tuple[str, ...]:
        """The rules ("policy.rule") whose silence ends the measure; empty otherwise."""
        return self._head.until_fixed

    @property
    def interim(self) -> bool:
        """Whether it rests on a suspicion."""
        return self._head.interim

    @property
    def review(self) -> int:
        """How many people must decide before it takes effect: 0, 1 or 2."""
        return self._head.review

    @property
    def findings(self) -> tuple[int, ...]:
        """Indices into ``Decision.findings`` of the findings that caused it."""
        return self._head.findings

    @property
    def steps(self) -> tuple[Step, ...]:
        """The ladder steps that it comes from."""
        return self._head.steps

    @property
    def yields_to(self) -> int | None:
        """Index into ``Decision.measures`` of a heavier measure that covers this one while it runs.

        This one stays in the record, and comes back if that one is reversed.
        """
        return self._head.yields_to

    @property
    def notice(self) -> Bilingual:
        """What the affected user is told."""
        notice = self._notice
        if notice is None:
            timeless = self._timeless
            end = timeless.end(self._began)
            notice = self._notice = timeless.notice.fill(self._target.id, end)
        return notice


# ── Other parts ──────────────────────────────────────────────────────────────────────────────────


class Lack(msgspec.Struct, frozen=True):
    """A value that was not there: the field is absent, or its signal failed."""

    field: str
    cause: Literal["absent", "failed"]


class Undetermined(msgspec.Struct, frozen=True, kw_only=True):
    """A rule that could not be settled, with what it lacked (sorted by field)."""

    policy: str
    version: str
    rule: str
    mode: Mode
    lacks: tuple[Lack, ...]


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """Where a strike leaves its subject on a ladder.

    ``active`` is the number of active strikes before this event, or on a ladder of points that of
    active points of all families; ``step`` is the step that this strike leads to, 0 for none. Each
    is None when it is not known: without a history, or where the points of the strike are not known;
    nothing is then measured, and ``lacks`` says what is wanting. ``if_clean`` is the step that an
    empty history would give. ``expires`` is when the strike ends to be active (RFC 3339), counted
    from the decision; None: never, or not known.

    The others are of ladders of points, and None elsewhere: ``family`` and ``points`` of this strike,
    the points that count after it (``counts``), and ``next_step_at``, the points from which the step
    after that holds, None where there is none.
    """

    ladder: str
    target: TargetRef
    mode: Mode
    active: int | None
    step: int | None
    if_clean: int | None
    findings: tuple[int, ...]
    family: str | None = None
    points: int | None = None
    counts: int | None = None
    next_step_at: int | None = None
    expires: str | None = None
    lacks: tuple[Lack, ...] = ()


class Bounds(msgspec.Struct, frozen=True, kw_only=True):
    """The lightest and the heaviest outcome that the missing values could lead to.

    ``fetch_next`` is the missing field whose value would settle the most: the gravest rules first,
    then the most rules, then by name; None when nothing is missing.
    """

    lightest: tuple[Measure, ...]
    heaviest: tuple[Measure, ...]
    fetch_next: str | None


# ── The decision ─────────────────────────────────────────────────────────────────────────────────


class Parts(Protocol):
    """The parts of a decision, each of which may be worked out when it is asked for."""

    @property
    def event_id(self) -> str | None: ...  # noqa: D102 - as of `Decision`
    @property
    def acted_at(self) -> str: ...  # noqa: D102
    @property
    def decided_at(self) -> str: ...  # noqa: D102
    @property
    def bundle(self) -> str: ...  # noqa: D102
    @property
    def findings(self) -> tuple[Finding, ...]: ...  # noqa: D102
    @property
    def measures(self) -> tuple[Measure, ...]: ...  # noqa: D102
    @property
    def undetermined(self) -> tuple[Undetermined, ...]: ...  # noqa: D102
    @property
    def ladders(self) -> tuple[Standing, ...]: ...  # noqa: D102
    @property
    def bounds(self) -> Bounds | None: ...  # noqa: D102

    def to_json(self) -> bytes:
        """All of them as one line of JSON."""


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """Parts that are there already."""

    event_id: str | None
    acted_at: str
    decided_at: str
    bundle: str
    findings: tuple[Finding, ...]
    measures: tuple[Measure, ...]
    undetermined: tuple[Undetermined, ...]
    ladders: tuple[Standing, ...]
    bounds: Bounds | None

    def to_json(self) -> bytes:
        """All of them as one line of JSON."""
        return encode(self)


Rules = Sequence[int]
"""Rules by number, ascending."""


class Context(Protocol):
    """What the decisions of a bundle share."""

    def parts(
        self,
        values: Any,
        acted_at: int,
        decided_at: int,
        fired: Rules,
        undetermined: Rules,
        later: tuple[Rules, Rules] | None,
        unsettled: tuple[Rules, Rules, tuple[Rules, Rules] | None] | None,
    ) -> Parts:
        """The parts of one decision.

        Args:
            values: The values of the event; its name alone, or None, where that is all to be told.
            acted_at: Microseconds since 1970.
            decided_at: Microseconds since 1970.
            fired: The rules in force at the act that fired.
            undetermined: Those that could not be settled.
            later: The same of the rules in force at the decision; None when they are the same ones.
            unsettled: All of it with each absent value taken for one that is unknown, where bounds
                are wanted.
        """


class Decision(Record, Outcome):
    """All findings and joined measures for one event.

    Findings are sorted by policy, version and rule; measures by target, sanction, mode, strength and
    end, so that no order of rules or files shows. ``bundle`` is the digest of the bundle.

    Its parts are worked out when they are first asked for, and then kept. Threads may share it.
    """

    __slots__ = ()

    FIELDS: ClassVar[tuple[str, ...]] = (
        "event_id",
        "acted_at",
        "decided_at",
        "bundle",
        "findings",
        "measures",
        "undetermined",
        "ladders",
        "bounds",
    )

    def __init__(
        self,
        *,
        event_id: str | None,
        acted_at: str,
        decided_at: str,
        bundle: str,
        findings: tuple[Finding, ...] = (),
        measures: tuple[Measure, ...] = (),
        undetermined: tuple[Undetermined, ...] = (),
        ladders: tuple[Standing, ...] = (),
        bounds: Bounds | None = None,
    ) -> None:
        self._parts = Given(
            event_id=event_id,
            acted_at=acted_at,
            decided_at=decided_at,
            bundle=bundle,
            findings=findings,
            measures=measures,
            undetermined=undetermined,
            ladders=ladders,
            bounds=bounds,
        )

    @classmethod
    def of(cls, parts: Parts) -> Decision:
        """The decision that has these parts."""
        made = cls.__new__(cls)
        made._parts = parts
        return made

    @property
    def parts(self) -> Parts:
        """What holds the parts, or works them out: for the engine."""
        parts = self._parts
        if parts is None:
            assert self._context is not None
            # Two threads may both come here; what they make is equal, and either will do.
            parts = self._parts = self._context.parts(
                self._values,
                self._acted_at,
                self._decided_at,
                self._fired,
                self._undetermined,
                self._later,
                self._unsettled,
            )
        return parts

    @property
    def instants(self) -> tuple[int, int]:
        """Those of the act and of the decision, in microseconds since 1970: for the engine."""
        return self._acted_at, self._decided_at

    @property
    def matched(self) -> tuple[Rules, Rules]:
        """The rules in force at the act that fired, and those undetermined: for the ledger.

        INVARIANT: the engine made the decision; of one that was read back, no rules are known.
        """
        return self._fired, self._undetermined

    @property
    def event_id(self) -> str | None:
        """What the event calls itself; None if it has no name."""
        return self.parts.event_id

    @property
    def acted_at(self) -> str:
        """The instant of the act."""
        return self.parts.acted_at

    @property
    def decided_at(self) -> str:
        """The instant of the decision."""
        return self.parts.decided_at

    @property
    def bundle(self) -> str:
        """The digest of the bundle that decided."""
        return self.parts.bundle

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The rules that fired."""
        return self.parts.findings

    @property
    def measures(self) -> tuple[Measure, ...]:
        """What follows from them, joined; those that yield to others too."""
        return self.parts.measures

    @property
    def undetermined(self) -> tuple[Undetermined, ...]:
        """The rules that could not be settled."""
        return self.parts.undetermined

    @property
    def ladders(self) -> tuple[Standing, ...]:
        """The strikes."""
        return self.parts.ladders

    @property
    def bounds(self) -> Bounds | None:
        """Between which outcomes the missing values leave it; None unless that was asked for."""
        return self.parts.bounds

    @property
    def effective(self) -> tuple[Measure, ...]:
        """The enforced measures that yield to no other."""
        return tuple(m for m in self.measures if m.mode == "enforced" and m.yields_to is None)

    def to_json(self) -> bytes:
        """The decision as one line of JSON, in UTF-8."""
        return self.parts.to_json()
