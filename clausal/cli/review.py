"""`clausal review`: what waits for people, and what they say of it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Final

import typer

from clausal.cli.ledgers import LedgerOption, opened
from clausal.cli.people import (
    AtOption,
    JsonOption,
    NoteOption,
    ReviewerOption,
    instant,
    print_facts,
)
from clausal.cli.shell import (
    ColorOption,
    CommandError,
    DebugOption,
    Exit,
    counted,
    print_json,
    print_text,
    safe,
    show,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clausal.enforcement.facts import Reviewed
    from clausal.enforcement.record import Record
    from clausal.enforcement.review import History, Open

HELP: Final = "Review what was proposed, before it takes effect or soon after."

MeasureArgument = Annotated[
    str,
    typer.Argument(
        metavar="MEASURE", help="The name of the measure, as `clausal review list` has it."
    ),
]


def list_open(
    ledger: LedgerOption,
    at: AtOption = None,
    as_json: JsonOption = False,
    _color: ColorOption = None,
    _debug: DebugOption = False,
) -> int:
    """Show what waits for people: the most urgent first, of equal ones the gravest."""
    from clausal.cli.summary import table
    from clausal.enforcement.blacklist import entries
    from clausal.enforcement.review import queue
    from clausal.engine.render import rfc3339

    when = instant(at)
    with opened(ledger) as opening:
        found = queue(opening, when)
        barred = 0 if as_json else sum(one.is_due(when) for one in entries(opening, when))
    if as_json:
        print_json([_as_json(one) for one in found])
        return Exit.FINE
    if found:
        rows = table(
            ("Measure", "name"),
            ("", "fixed"),
            ("grade", "count"),
            ("on", "text"),
            ("due (UTC)", "fixed"),
            ("agreed", "fixed"),
            ("rule", "text"),
        )
        for one in found:
            deadline = one.measure.deadline
            told = "–" if deadline is None else rfc3339(deadline, "UTC")[:16].replace("T", " ")
            rows.add_row(
                safe(one.measure.id),
                safe(one.measure.sanction),
                str(one.measure.grade),
                safe(one.measure.target),
                safe(told, "bold red" if one.overdue else ""),
                f"{len(one.agreed)} of {one.needs}{', runs' if one.runs else ''}",
                safe(", ".join(finding.rule for finding in one.findings)),
            )
        show(rows, "", stream=sys.stdout)
    late = sum(one.overdue for one in found)
    print_text(f"{counted(len(found), 'measure')}{f', {late} overdue' if late else ''}")
    if barred:
        told = counted(barred, "entry of the blacklist is", "entries of the blacklist are")
        print_text(f"{told} to be looked at again: `clausal blacklist list --due`")
    return Exit.FINE


def show_one(
    ledger: LedgerOption,
    measure: MeasureArgument,
    at: AtOption = None,
    as_json: JsonOption = False,
    _color: ColorOption = None,
    _debug: DebugOption = False,
) -> int:
    """Show all that there is to decide a measure by: the evidence, what rules saw, the history."""
    from clausal.enforcement.facts import Measure
    from clausal.enforcement.record import EVERYWHERE, Record, is_target
    from clausal.enforcement.review import describe, history

    when = instant(at)
    with opened(ledger) as opening:
        fact = opening.facts([measure]).get(measure)
        if not isinstance(fact, Measure):
            raise CommandError(
                "there is no measure of that name",
                code=Exit.INPUT,
                hint="`clausal review list` shows those that wait",
            )
        party = next(filter(is_target, fact.parties), "")
        record = Record.of(party, (one for one in opening.about(party) if one.at <= when))
        if measure not in record.measures:
            raise CommandError("the measure was not there yet", code=Exit.INPUT)
        one = describe(record, record.measures[measure], when)
        told = history(opening, record.cases[fact.case], when)
        labels = _labels(opening.about(EVERYWHERE))
    reviews = list(record.measures[measure].reviews.values())
    if as_json:
        print_json(_as_json(one) | {"reviews": _reviews(reviews), "history": _history(told)})
    else:
        _print(one, record, reviews, told, labels)
    return Exit.FINE


def approve(
    ledger: LedgerOption,
    measure: MeasureArgument,
    reviewer: ReviewerOption,
    note: NoteOption = "",
    at: AtOption = None,
    as_json: JsonOption = False,
    _color: ColorOption = None,
    _debug: DebugOption = False,
) -> int:
    """Agree to a measure. With as many people as it needs it takes effect, and keeps its length."""
    from clausal.enforcement.review import review

    when = instant(at)
    with opened(ledger) as opening:
        facts = review(opening, measure, reviewer, "approve", when, note=note)
    print_facts(facts, as_json=as_json)
    return Exit.FINE


def reject(
    ledger: LedgerOption,
    measure: MeasureArgument,
    reviewer: ReviewerOption,
    note: NoteOption = "",
    void: Annotated[
        bool,
        typer.Option(
            "--void",
            help="What was found was wrong: the whole case ends, and its strikes never were.",
        ),
    ] = False,
    at: AtOption = None,
    as_json: JsonOption = False,
    _color: ColorOption = None,
    _debug: DebugOption = False,
) -> int:
    """Say no to a measure: it never takes effect, or ends now."""
    from clausal.enforcement.review import review

    when = instant(at)
    with opened(ledger) as opening:
        facts = review(opening, measure, reviewer, "reject", when, note=note, wrong=void)
    print_facts(facts, as_json=as_json)
    return Exit.FINE


def print_precision(
    ledger: LedgerOption,
    as_json: JsonOption = False,
    _color: ColorOption = None,
    _debug: DebugOption = False,
) -> int:
    """Show how often people found each rule right: of the cases that they decided, how many stood."""
    from clausal.cli.summary import table
    from clausal.enforcement.review import precision

    with opened(ledger) as opening:
        found = precision(opening)
    if as_json:
        print_json(
            [
                {"rule": one.rule, "decided": one.decided, "stood": one.stood, "share": one.share}
                for one in found
            ]
        )
        return Exit.FINE
    if found:
        rows = table(("Rule", "name"), ("decided", "count"), ("stood", "count"), ("%", "count"))
        for one in sorted(found, key=lambda one: (one.share, one.rule)):
            rows.add_row(
                safe(one.rule), f"{one.decided:,}", f"{one.stood:,}", f"{100 * one.share:.0f}"
            )
        show(rows, "", stream=sys.stdout)
    print_text(counted(len(found), "rule"))
    return Exit.FINE


# ── What is printed ──────────────────────────────────────────────────────────────────────────────


def _print(
    one: Open,
    record: Record,
    reviews: Sequence[Reviewed],
    told: Sequence[History],
    labels: dict[str, str],
) -> None:
    from rich.text import Text

    from clausal.cli.summary import bilingual, table
    from clausal.engine.render import rfc3339

    measure = one.measure
    zone = record.cases[measure.case].fact.zone
    state = record.measures[measure.id]
    head = safe(measure.id, "bold")
    head.append("  ").append_text(bilingual(measure.title))
    head.append(f"  grade {measure.grade}")
    lines = [
        head,
        safe(f"on {measure.target}; {measure.notice.en or measure.notice.zh}"),
        safe(f"event {one.event}, case {measure.case}"),
    ]
    if state.ended is not None:
        lines.append(safe(f"ended: {state.ended.why}", "dim"))
    elif state.applied is not None:
        lines.append(safe(f"in effect since {rfc3339(state.applied.start, zone)}"))
    elif measure.deadline is not None:
        when = f"{'was due' if one.overdue else 'due'} {rfc3339(measure.deadline, zone)}"
        lines.append(safe(when, "bold red" if one.overdue else ""))
    show(*lines, "")
    for finding in one.findings:
        line = safe(f"{finding.policy}.{finding.rule} {finding.version}", "bold")
        line.append("  ").append_text(bilingual(finding.title)).append(f"  {finding.severity}")
        parts = [line, bilingual(finding.reason)]
        parts += [safe(f"clause {one.id}: “{one.quote}”", "dim") for one in finding.clauses]
        rows = table(("Saw", "name"), ("", "text"), ("", "text"))
        for field, value in sorted(finding.saw.items()):
            rows.add_row(safe(field), safe(labels.get(field, ""), "dim"), safe(_value(value)))
        show(*parts, *([rows] if finding.saw else []), "")
    rows = table(
        ("History", "name"),
        ("other cases", "count"),
        ("active strikes", "count"),
        ("void", "count"),
        ("running", "count"),
        ("appeals", "count"),
    )
    for past in told:
        rows.add_row(
            safe(past.party),
            str(past.cases),
            str(past.strikes),
            str(past.void),
            str(len(past.measures)),
            str(past.appeals),
        )
    show(rows, "")
    for said in reviews:
        note = f": {said.note}" if said.note else ""
        show(safe(f"{rfc3339(said.at, zone)} {said.verdict} by {said.reviewer}{note}"))
    show(Text(f"{len(one.agreed)} of {one.needs} agree"))


def _value(value: object) -> str:
    import json

    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _labels(facts: Sequence[object]) -> dict[str, str]:
    """What fields are called, in both languages."""
    from clausal.enforcement.facts import Known

    return {
        ".".join(field.path): " ".join(filter(None, (field.label.zh, field.label.en)))
        for fact in facts
        if isinstance(fact, Known)
        for field in fact.fields
    }


def _as_json(one: Open) -> dict[str, object]:
    import msgspec

    from clausal.engine.render import rfc3339

    measure = one.measure
    return {
        "measure": measure.id,
        "case": measure.case,
        "event": one.event,
        "concerns": list(one.concerns),
        "sanction": measure.sanction,
        "title": msgspec.to_builtins(measure.title),
        "grade": measure.grade,
        "target": measure.target,
        "arguments": msgspec.to_builtins(measure.arguments),
        "deadline": None if measure.deadline is None else rfc3339(measure.deadline, "UTC"),
        "overdue": one.overdue,
        "in_effect": one.runs,
        "needs": one.needs,
        "agreed": list(one.agreed),
        "notice": msgspec.to_builtins(measure.notice),
        "findings": [
            {
                "policy": finding.policy,
                "version": finding.version,
                "rule": finding.rule,
                "severity": finding.severity,
                "title": msgspec.to_builtins(finding.title),
                "reason": msgspec.to_builtins(finding.reason),
                "clauses": msgspec.to_builtins(finding.clauses),
                "saw": finding.saw,
            }
            for finding in one.findings
        ],
    }


def _reviews(reviews: Sequence[Reviewed]) -> list[dict[str, object]]:
    from clausal.engine.render import rfc3339

    return [
        {
            "at": rfc3339(one.at, "UTC"),
            "reviewer": one.reviewer,
            "verdict": one.verdict,
            "note": one.note,
        }
        for one in reviews
    ]


def _history(told: Sequence[History]) -> object:
    import msgspec

    return msgspec.to_builtins(told)


COMMANDS: Final = (
    (
        "list",
        list_open,
        (("what waits, the most urgent first", "clausal review list -l ledger.db"),),
    ),
    (
        "show",
        show_one,
        (("all that there is to decide by", "clausal review show measure-75ee14a8 -l ledger.db"),),
    ),
    (
        "approve",
        approve,
        (("agree", "clausal review approve measure-75ee14a8 -r li -l ledger.db"),),
    ),
    (
        "reject",
        reject,
        (
            (
                "too hard",
                "clausal review reject measure-75ee14a8 -r li --note 'a first offence' -l ledger.db",
            ),
            (
                "what was found is wrong",
                "clausal review reject measure-75ee14a8 -r li --void -l ledger.db",
            ),
        ),
    ),
    (
        "precision",
        print_precision,
        (("which rules people find wrong", "clausal review precision -l ledger.db"),),
    ),
)
"""Name, function and examples of each command."""
