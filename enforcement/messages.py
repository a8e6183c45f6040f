"""What the platform is told: a measure begins, or ends before its time.

All measures that take effect are told, covered ones too: whoever carries out everything that runs
does the right thing, and goes on doing it when the heavier of two ends. A receiver that knows the
``id`` of a message has done what it says. Messages about one target have one ``key`` and arrive in
order. The body is an object:

* of both: ``id``, ``action``, ``measure``, ``sanction``, ``target`` (``kind``, ``id``), ``at``, and
  ``statement``, the name of the case whose statement of reasons says why;
* of "apply": ``event``, ``incident``, ``arguments`` as of a decision, ``start`` and ``end`` (null: it
  does not end by itself), ``until_fixed``, ``grade``, ``permanent``, ``once``, ``interim``,
  ``covered_by`` (the measure that covers it, or null) and ``notice`` with ``zh`` and ``en``;
* of "end": ``why``, as of `Ended`.

People are told of rules that fired too often by messages of the action "notice", whose ``key`` is the rule:
``id``, ``action``, ``about`` ("braked" or "released"), ``rule``, ``at``, and, of "braked", ``limit``, ``counted`` and
``since``; of "released", ``by``.

Instants are RFC 3339 texts in UTC.
"""

from __future__ import annotations

from typing import Final

import msgspec

from clausal.enforcement.facts import Applied, Braked, Ended, Measure, Released
from clausal.enforcement.ledger import Message
from clausal.engine.render import rfc3339

_encode: Final = msgspec.json.Encoder().encode


def begin(measure: Measure, event: str, applied: Applied | None = None) -> Message:
    """The message that a measure takes effect.

    Args:
        measure: The measure.
        event: The platform's name of the event.
        applied: How it takes effect, of a proposal that people agreed to.
    """
    told = measure if applied is None else applied
    return Message(
        told.id,
        key(measure),
        "apply",
        _encode(
            {
                **_common(measure, told.id, "apply", told.at),
                "event": event,
                "incident": measure.incident,
                "arguments": measure.arguments,
                "start": _told(told.start),
                "end": _told(told.end),
                "until_fixed": measure.until_fixed,
                "grade": measure.grade,
                "permanent": measure.permanent,
                "once": measure.once,
                "interim": measure.interim,
                "covered_by": measure.yields_to,
                "notice": measure.notice,
            }
        ),
    )


def end(measure: Measure, ended: Ended) -> Message:
    """The message that a measure which took effect ends early."""
    return Message(
        ended.id,
        key(measure),
        "end",
        _encode({**_common(measure, ended.id, "end", ended.at), "why": ended.why}),
    )


def braked(fact: Braked) -> Message:
    """The message that a rule is in shadow from now on."""
    return _notice(
        fact, "braked", {"limit": fact.limit, "counted": fact.counted, "since": _told(fact.since)}
    )


def released(fact: Released) -> Message:
    """The message that a person let a rule go on."""
    return _notice(fact, "released", {"by": fact.by})


def _notice(fact: Braked | Released, about: str, more: dict[str, object]) -> Message:
    body = {
        "id": fact.id,
        "action": "notice",
        "about": about,
        "rule": fact.rule,
        "at": _told(fact.at),
        **more,
    }
    return Message(fact.id, f"rule:{fact.rule}", "notice", _encode(body))


def key(measure: Measure) -> str:
    """What keeps the messages about a measure in order: its target, or its case if it has none."""
    return measure.target if measure.target.partition(":")[2] else measure.case


def _common(measure: Measure, name: str, action: str, at: int) -> dict[str, object]:
    kind, _, target = measure.target.partition(":")
    return {
        "id": name,
        "action": action,
        "measure": measure.id,
        "sanction": measure.sanction,
        "target": {"kind": kind, "id": target or None},
        "at": _told(at),
        "statement": measure.case,
    }


def _told(instant: int | None) -> str | None:
    return None if instant is None else rfc3339(instant, "UTC")
