"""What the engine says about one event: a decision, and all that explains it.

Everything here is plain data that turns into JSON as it stands (``to_json``); instants are RFC 3339
texts in the time zone of the policy that they come from. ``clausal.engine.models`` holds the same
shapes as Pydantic models and publishes their JSON Schema.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from clausal.compiler.ir import Bilingual, Severity

Mode = Literal["enforced", "shadow"]
"""Shadow findings and measures are reported and never carried out."""


class ClauseRef(msgspec.Struct, frozen=True):
    """A clause of a notice, with the fingerprint of the text that the rule was compiled against."""

    notice: str
    id: str
    quote: str
    fingerprint: str


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """A rule that fired. ``reason`` is the policy's text with the event's values filled in."""

    policy: str
    version: str
    rule: str
    severity: Severity
    mode: Mode
    clauses: tuple[ClauseRef, ...]
    title: Bilingual
    reason: Bilingual


class TargetRef(msgspec.Struct, frozen=True):
    """What a measure applies to. ``id`` is None when the event did not say which one it is."""

    kind: str
    id: str | None


class Step(msgspec.Struct, frozen=True):
    """The step of a ladder that a measure comes from."""

    ladder: str
    step: int


class Measure(msgspec.Struct, frozen=True, kw_only=True):
    """One consequence, after joining.

    Attributes:
        sanction: Its name in the sanction library; ``grade`` and ``title`` come from there too.
        arguments: The sanction's parameters by name. Shares are 0..1, durations seconds.
        start: The instant of the decision.
        end: When it ends by itself; None when it is permanent, happens once, lasts until it is
            reversed, or lasts until fixed without a limit.
        until_fixed: The rules ("policy.rule") whose silence ends the measure; empty otherwise.
        review: How many people must decide before it takes effect: 0, 1 or 2.
        findings: Indices into ``Decision.findings`` of the findings that caused it.
        steps: The ladder steps that it comes from.
        yields_to: Index into ``Decision.measures`` of a heavier measure that covers this one while
            it runs; this one stays in the record, and comes back if that one is reversed.
        notice: What the affected user is told.
    """

    sanction: str
    title: Bilingual
    grade: int
    target: TargetRef
    mode: Mode
    arguments: dict[str, float | bool | str | tuple[str, ...]]
    start: str
    end: str | None
    permanent: bool = False
    once: bool = False
    until_fixed: tuple[str, ...] = ()
    interim: bool = False
    review: int = 0
    findings: tuple[int, ...] = ()
    steps: tuple[Step, ...] = ()
    yields_to: int | None = None
    notice: Bilingual = Bilingual()


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

    ``active`` is the number of active strikes before this event, ``step`` the step that this strike
    leads to; both are None when no history was given, and nothing is then measured. ``if_clean`` is
    the step that an empty history would give.
    """

    ladder: str
    target: TargetRef
    mode: Mode
    active: int | None
    step: int | None
    if_clean: int
    findings: tuple[int, ...]


class Bounds(msgspec.Struct, frozen=True, kw_only=True):
    """The lightest and the heaviest outcome that the missing values could lead to.

    ``fetch_next`` is the missing field whose value would settle the most: the gravest rules first,
    then the most rules, then by name; None when nothing is missing.
    """

    lightest: tuple[Measure, ...]
    heaviest: tuple[Measure, ...]
    fetch_next: str | None


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """All findings and joined measures for one event.

    Findings are sorted by policy, version and rule; measures by target, sanction, mode, strength and
    end, so that no order of rules or files shows. ``bundle`` is the digest of the bundle.
    """

    event_id: str | None
    acted_at: str
    decided_at: str
    bundle: str
    findings: tuple[Finding, ...] = ()
    measures: tuple[Measure, ...] = ()
    undetermined: tuple[Undetermined, ...] = ()
    ladders: tuple[Standing, ...] = ()
    bounds: Bounds | None = None

    @property
    def effective(self) -> tuple[Measure, ...]:
        """The enforced measures that yield to no other."""
        return tuple(m for m in self.measures if m.mode == "enforced" and m.yields_to is None)

    def to_dict(self) -> dict[str, object]:
        """The decision as JSON-ready values."""
        value: dict[str, object] = msgspec.to_builtins(self)
        return value

    def to_json(self) -> bytes:
        """The decision as one line of JSON, in UTF-8."""
        return msgspec.json.encode(self)
