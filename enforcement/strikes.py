"""Strikes: which of a record count, and which of a decision are any.

A strike counts while it lives (half-open, from its issue to its expiry; the engine looks at that, at
the instant of the act), unless it is void, or its case is under an appeal that was made in time and
it is not as grave as the procedure says. Those of the incident at hand do not count either: all
strikes of an incident are one, with the points of its gravest finding, so that a later finding adds
the difference to what stands already, or nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

from clausal.compiler.ir import LadderDef, ProcedureDef
from clausal.enforcement.facts import Known, Strike
from clausal.enforcement.record import Record, StrikeState
from clausal.engine.history import PastStrike, Served, Strikes


def counting(
    record: Record, ladder: str, since: int | None, incident: str | None, procedure: ProcedureDef
) -> Iterator[StrikeState]:
    """The strikes of a party on a ladder that may count, latest first.

    Args:
        record: That of the party.
        ladder: The name under which the strikes are counted.
        since: Strikes that have expired by then may be left out; None: none of them.
        incident: The incident whose strikes do not count.
        procedure: Says which strikes an appeal suspends.
    """
    for strike in reversed(record.struck.get(ladder, ())):
        if since is not None and strike.latest <= since:
            return
        fact = strike.fact
        if (
            fact.mode == "enforced"
            and not strike.void
            and fact.incident != incident
            and not _suspended(record, strike, procedure)
        ):
            yield strike


def _suspended(record: Record, strike: StrikeState, procedure: ProcedureDef) -> bool:
    """Whether an appeal keeps a strike from counting for now: one that came too late is decided."""
    case = record.cases.get(strike.fact.case)
    return case is not None and case.under_appeal and strike.fact.severity in procedure.pauses


def history(
    record: Record,
    counted: str,
    ladder: LadderDef,
    acted_at: int,
    incident: str | None,
    procedure: ProcedureDef,
) -> Strikes:
    """What the evaluator is told of the strikes of a party on a ladder.

    Args:
        record: That of the party.
        counted: The name under which strikes are counted.
        ladder: A ladder that counts them so.
        acted_at: As of `counting`, and so are the others.
        incident: See above.
        procedure: See above.
    """
    points = ladder.points
    # What was served long ago may be on probation after its strike has expired.
    since = acted_at if points is None or not points.probation else None
    found = counting(record, counted, since, incident, procedure)
    if points is None:
        return tuple(sorted(one.fact.at for one in found))
    return tuple(
        PastStrike(
            issued=one.fact.at,
            points=int(one.fact.points),
            family=one.fact.family,
            expires=one.fact.expires,
            served=served(record, one, points.after, acted_at) if points.probation else None,
        )
        for one in found
    )


def served(record: Record, strike: StrikeState, after: str, at: int) -> Served | None:
    """The step that a strike leads to, if a measure of it is over by an instant.

    What an appeal found wrong was not served, and neither was what came of a step that the strike no
    longer leads to.

    Args:
        record: That of the party that bears the strike.
        strike: The strike.
        after: The sanction of which the measure is.
        at: In microseconds since 1970.
    """
    case = record.cases.get(strike.fact.case)
    for name in () if case is None else case.measures:
        measure = record.measures[name]
        span = measure.span
        if (
            measure.fact.sanction == after
            and strike.fact.id in measure.fact.strikes
            and any(one.step == strike.step for one in measure.fact.steps)
            and not (measure.ended and measure.ended.why in {"overturned", "changed"})
            and span is not None
            and span[1] is not None
            and span[1] <= at
        ):
            return Served(step=strike.step, until=span[1])
    return None


def standing(record: Record, ladder: str, incident: str | None) -> float | None:
    """The points that an incident has on a ladder already; None: it has no strike there."""
    if incident is None:
        return None
    points = [
        one.fact.points
        for one in record.struck.get(ladder, ())
        if one.fact.incident == incident and one.fact.mode == "enforced" and not one.void
    ]
    return sum(points) if points else None


def ladder_of(known: Known, strike: Strike) -> LadderDef | None:
    """The ladder that a strike is on; of several versions the one that says so by its name."""
    own, _, version = strike.ladder.partition("@")
    found = [one for one in known.ladders if one.name == own]
    for one in found:
        if version and one.version is not None and known.versions[one.version].version == version:
            return one
    return found[-1] if found else None
