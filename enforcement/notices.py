"""What the affected user is told of a measure whose times are not those of its decision.

The notice of a measure is written when it is decided. One that people agree to later, or that stands in
the place of a graver one, begins and ends at other times: then the wording of its sanction is filled
anew, from what the ledger knows of the bundle.
"""

from __future__ import annotations

from collections.abc import Iterable

from clausal.compiler.ir import Bilingual
from clausal.compiler.types import MICROSECONDS, Scalar, Type
from clausal.enforcement.facts import Finding, Known, Measure
from clausal.engine.render import (
    UNKNOWN,
    Language,
    clean,
    duration,
    listed,
    pick,
    pieces,
    until,
    value_text,
)
from clausal.engine.values import Value


def notice(
    known: Known, measure: Measure, end: int | None, findings: Iterable[Finding], zone: str
) -> Bilingual:
    """The notice of a measure, as `clausal.engine.wording` has it.

    Args:
        known: The bundle that decided it.
        measure: The measure.
        end: When it ends by itself, in microseconds since 1970; None: not at all.
        findings: What it follows from.
        zone: The IANA name of the zone in which instants are told.
    """
    sanction = next((one for one in known.sanctions if one.name == measure.sanction), None)
    if sanction is None:
        return measure.notice
    found = sorted(findings, key=lambda one: (one.policy, one.version, one.rule))
    titles = {(one.policy, one.version): one.title for one in known.versions}
    kind, _, item = measure.target.partition(":")

    def told(language: Language) -> str:
        slots = {
            "until": until(end, bool(measure.until_fixed), measure.permanent, zone, language),
            "duration": UNKNOWN[language]
            if measure.length is None
            else duration(measure.length, language),
            "item": clean(item) if item else UNKNOWN[language],
            "target": listed(
                (pick(one.label, language) for one in known.targets if one.name == kind), language
            )
            or kind,
            "policy": listed(
                (
                    pick(titles.get((one.policy, one.version), Bilingual()), language) or one.policy
                    for one in found
                ),
                language,
            ),
            "rule": listed((pick(one.title, language) or one.rule for one in found), language),
            "clause": listed((ref.id for one in found for ref in one.clauses), language),
        }
        for param in sanction.params:
            value = _held(measure.arguments.get(param.name), param.type)
            slots[param.name] = value_text(param.type, value, language, zone)
        return "".join(
            slots.get(piece, f"{{{piece}}}") if is_slot else piece
            for piece, is_slot in pieces(pick(sanction.wording, language))
        )

    return Bilingual(told("zh"), told("en"))


def _held(value: object, type: Type) -> Value | tuple[str, ...] | None:
    """An argument as the engine holds it: durations in microseconds."""
    if isinstance(value, list):
        return tuple(map(str, value))
    if isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if isinstance(value, float) and type == Scalar("duration"):
        return value * MICROSECONDS
    assert value is None or isinstance(value, float | bool | str | tuple)
    return value
