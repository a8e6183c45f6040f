"""`clausal brake`: rules that fired too often, and letting them go on."""

from __future__ import annotations

import sys
from typing import Annotated, Final

import typer

from clausal.cli.ledgers import LedgerOption, opened
from clausal.cli.people import instant
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

HELP: Final = "Look at rules that fired too often, and let them go on."

RuleArgument = Annotated[
    str, typer.Argument(metavar="RULE", help="The rule, such as forum.order.flood.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print an array of JSON objects.")]


def list_braked(
    ledger: LedgerOption,
    as_json: JsonOption = False,
    _color: ColorOption = None,
    _debug: DebugOption = False,
) -> int:
    """Show the rules that are in shadow because they fired for more targets than their brakes allow."""
    from clausal.cli.summary import table
    from clausal.enforcement import brakes
    from clausal.engine.render import rfc3339

    with opened(ledger) as opening:
        found = brakes.braked(opening)
    if as_json:
        print_json(
            [
                {
                    "rule": one.rule,
                    "limit": one.limit,
                    "counted": one.counted,
                    "since": rfc3339(one.since, "UTC"),
                    "braked": rfc3339(one.at, "UTC"),
                }
                for one in found
            ]
        )
        return Exit.FINE
    if found:
        rows = table(
            ("Rule", "name"), ("in shadow since", "fixed"), ("for", "count"), ("limit", "text")
        )
        for one in found:
            rows.add_row(
                safe(one.rule), rfc3339(one.at, "UTC"), f"{one.counted:,}", safe(one.limit)
            )
        show(rows, "", stream=sys.stdout)
    print_text(f"{counted(len(found), 'rule')} braked")
    return Exit.FINE


def show_suspects(
    ledger: LedgerOption,
    rule: RuleArgument,
    as_json: JsonOption = False,
    _color: ColorOption = None,
    _debug: DebugOption = False,
) -> int:
    """Show the measures that a braked rule led to in the day before: people should look at them.

    They stay until people end them, by appeal or review.
    """
    from clausal.cli.summary import table
    from clausal.enforcement import brakes
    from clausal.engine.render import rfc3339

    with opened(ledger) as opening:
        try:
            found = brakes.suspects(opening, rule)
        except brakes.NotBrakedError as error:
            raise _not_braked(error) from error
    if as_json:
        print_json(
            [
                {
                    "measure": one.id,
                    "case": one.case,
                    "sanction": one.sanction,
                    "target": one.target,
                    "at": rfc3339(one.at, "UTC"),
                }
                for one in found
            ]
        )
        return Exit.FINE
    rows = table(("Measure", "name"), ("", "fixed"), ("on", "name"), ("at", "fixed"))
    for one in found:
        rows.add_row(safe(one.id), safe(one.sanction), safe(one.target), rfc3339(one.at, "UTC"))
    if found:
        show(rows, "", stream=sys.stdout)
    print_text(counted(len(found), "measure"))
    return Exit.FINE


def release(
    ledger: LedgerOption,
    rule: RuleArgument,
    by: Annotated[
        str, typer.Option("--by", metavar="NAME", help="Who lets it go on.", show_default=False)
    ],
    note: Annotated[str, typer.Option(metavar="TEXT", help="Why.", show_default=False)] = "",
    _color: ColorOption = None,
    _debug: DebugOption = False,
) -> int:
    """Let a braked rule go on, from the next event; its targets are counted from nothing."""
    from clausal.enforcement import brakes

    with opened(ledger) as opening:
        try:
            brakes.release(opening, rule, by, instant(None), note)
        except brakes.NotBrakedError as error:
            raise _not_braked(error) from error
    print_text(f"{rule} goes on")
    return Exit.FINE


def _not_braked(error: LookupError) -> CommandError:
    return CommandError(
        str(error), code=Exit.USAGE, hint="`clausal brake list` shows the rules that are braked"
    )


COMMANDS: Final = (
    ("list", list_braked, (("what was braked", "clausal brake list --ledger ledger.db"),)),
    (
        "show",
        show_suspects,
        (("what a rule did before", "clausal brake show forum.order.flood --ledger ledger.db"),),
    ),
    (
        "release",
        release,
        (
            (
                "the detector was mended",
                "clausal brake release forum.order.flood --by li --ledger ledger.db",
            ),
        ),
    ),
)
"""Name, function and examples of each command."""
