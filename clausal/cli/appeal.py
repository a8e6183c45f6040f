"""`clausal appeal`: take down appeals, and decide them."""

from __future__ import annotations

import sys
from typing import Annotated, Final, Literal

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
    DebugOption,
    Exit,
    counted,
    print_json,
    print_text,
    safe,
    show,
)

HELP: Final = "Take down appeals against decisions, and decide them."


def list_undecided(
    ledger: LedgerOption,
    at: AtOption = None,
    as_json: JsonOption = False,
    _color: ColorOption = None,
    _debug: DebugOption = False,
) -> int:
    """Show the appeals that wait, the most urgent first."""
    from clausal.cli.summary import table
    from clausal.enforcement.appeals import undecided
    from clausal.engine.render import rfc3339

    when = instant(at)
    with opened(ledger) as opening:
        found = undecided(opening, when)
    if as_json:
        print_json(
            [
                {
                    "appeal": one.fact.id,
                    "case": one.fact.case,
                    "event": case.event if case else "",
                    "by": one.fact.by,
                    "at": rfc3339(one.fact.at, "UTC"),
                    "due": None if one.fact.due is None else rfc3339(one.fact.due, "UTC"),
                    "new_evidence": one.fact.evidence,
                    "text": one.fact.text,
                }
                for one, case in found
            ]
        )
        return Exit.FINE
    if found:
        rows = table(
            ("Appeal", "name"), ("case", "name"), ("by", "name"), ("due", "fixed"), ("says", "text")
        )
        for one, _ in found:
            due = one.fact.due
            late = due is not None and due <= when
            rows.add_row(
                safe(one.fact.id),
                safe(one.fact.case),
                safe(one.fact.by),
                safe("–" if due is None else rfc3339(due, "UTC"), "bold red" if late else ""),
                safe(one.fact.text),
            )
        show(rows, "", stream=sys.stdout)
    print_text(counted(len(found), "appeal"))
    return Exit.FINE


def file_appeal(
    ledger: LedgerOption,
    case: Annotated[
        str,
        typer.Argument(
            metavar="CASE", help="The case, whose name stands on the statement of reasons."
        ),
    ],
    by: Annotated[
        str,
        typer.Option(
            "--by",
            metavar="WHO",
            help="One of those that the case is about: a-1, or account:a-1.",
            show_default=False,
        ),
    ],
    text: Annotated[str, typer.Option("--text", metavar="TEXT", help="Why.", show_default=False)],
    evidence: Annotated[bool, typer.Option("--evidence", help="It brings new evidence.")] = False,
    at: AtOption = None,
    as_json: JsonOption = False,
    _color: ColorOption = None,
    _debug: DebugOption = False,
) -> int:
    """Take down an appeal. One that comes too late is decided as that. Exit code 1: it came too late."""
    from clausal.enforcement.appeals import file
    from clausal.enforcement.facts import Judged

    when = instant(at)
    with opened(ledger) as opening:
        facts = file(opening, case, by, text, when, evidence=evidence)
    print_facts(facts, as_json=as_json)
    return Exit.FINDINGS if any(isinstance(one, Judged) for one in facts) else Exit.FINE


def decide_appeal(
    ledger: LedgerOption,
    appeal: Annotated[str, typer.Argument(metavar="APPEAL", help="The name of the appeal.")],
    reviewer: ReviewerOption,
    outcome: Annotated[
        Literal["upheld", "changed", "overturned"],
        typer.Option(
            "--outcome",
            help="upheld: the decision stands; changed: see --end and --no-strike; overturned: "
            "it never was.",
            show_default=False,
        ),
    ],
    end: Annotated[
        list[str] | None,
        typer.Option(
            "--end",
            metavar="MEASURE",
            help="With `changed`: a measure that ends; may be repeated.",
            show_default=False,
        ),
    ] = None,
    no_strike: Annotated[
        bool,
        typer.Option(
            "--no-strike",
            help="With `changed`: the case carries no strike, and what the strike led to ends.",
        ),
    ] = False,
    note: NoteOption = "",
    at: AtOption = None,
    as_json: JsonOption = False,
    _color: ColorOption = None,
    _debug: DebugOption = False,
) -> int:
    """Decide an appeal. Whoever took part in the decision cannot."""
    from clausal.enforcement.appeals import decide

    when = instant(at)
    with opened(ledger) as opening:
        facts = decide(
            opening,
            appeal,
            reviewer,
            outcome,
            when,
            note=note,
            end=end or (),
            no_strike=no_strike,
        )
    print_facts(facts, as_json=as_json)
    return Exit.FINE


COMMANDS: Final = (
    ("list", list_undecided, (("what waits", "clausal appeal list -l ledger.db"),)),
    (
        "file",
        file_appeal,
        (
            (
                "the account appeals",
                "clausal appeal file case-75ee14a8 --by a-1 --text 'it is labelled' -l ledger.db",
            ),
        ),
    ),
    (
        "decide",
        decide_appeal,
        (
            (
                "it was right to appeal",
                "clausal appeal decide appeal-0b1c -r wang --outcome overturned -l ledger.db",
            ),
            (
                "the strike goes, the label stays",
                "clausal appeal decide appeal-0b1c -r wang --outcome changed --no-strike -l ledger.db",
            ),
        ),
    ),
)
"""Name, function and examples of each command."""
