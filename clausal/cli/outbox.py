"""`clausal outbox`: what the platform was not told yet, and what was given up."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Final

import typer

from clausal.cli.ledgers import LedgerOption, opened
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
    from clausal.enforcement.ledger import Waiting

HELP: Final = "Look at messages to the platform that wait or were given up, and send them again."

_MOST: Final = 100
_EVER: Final = 2**62
"""Later than anything is due."""

JsonOption = Annotated[bool, typer.Option("--json", help="Print an array of JSON objects.")]


def list_waiting(
    ledger: LedgerOption,
    limit: Annotated[
        int, typer.Option(min=1, metavar="N", help="How many are shown at most.")
    ] = _MOST,
    as_json: JsonOption = False,
    _color: ColorOption = None,
    _debug: DebugOption = False,
) -> int:
    """Show the messages that wait: of each key the first, which holds up those behind it."""
    with opened(ledger) as opening:
        first = opening.outbox.due(_EVER, limit)
        count = opening.outbox.waiting()
    _print(first, as_json=as_json, due=True)
    if not as_json:
        print_text(f"{counted(count, 'message')} waiting")
    return Exit.FINE


def dead(
    ledger: LedgerOption,
    as_json: JsonOption = False,
    _color: ColorOption = None,
    _debug: DebugOption = False,
) -> int:
    """Show the messages that were given up: refused for good, or tried too often."""
    with opened(ledger) as opening:
        found = opening.outbox.dead()
    _print(found, as_json=as_json, due=False)
    if not as_json:
        print_text(f"{counted(len(found), 'message')} given up")
    return Exit.FINE


def resend(
    ledger: LedgerOption,
    numbers: Annotated[
        list[int] | None,
        typer.Argument(
            metavar="NUMBERS", help="Messages, as `clausal outbox dead` shows.", show_default=False
        ),
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="All that were given up.", show_default=False)
    ] = False,
    _color: ColorOption = None,
    _debug: DebugOption = False,
) -> int:
    """Let messages that were given up wait again; whoever delivers next takes them along.

    They keep their ids and numbers. Later messages of the same key may have arrived by now: a receiver
    that looks at the numbers sees that, and should leave undone what a later message has undone.
    """
    if bool(numbers) == everything:
        raise CommandError(
            "name messages, or --all" if not everything else "name messages or --all, not both",
            code=Exit.USAGE,
            hint="`clausal outbox dead` shows their numbers",
        )
    with opened(ledger) as opening:
        if numbers:
            there = {one.number for one in opening.outbox.dead()}
            missing = [str(one) for one in numbers if one not in there]
            if missing:
                raise CommandError(
                    f"message {', '.join(missing)} was not given up",
                    code=Exit.USAGE,
                    hint="`clausal outbox dead` shows those that were",
                )
        count = opening.outbox.revive(None if everything else numbers, 0)
    print_text(f"{counted(count, 'message')} will be sent again")
    return Exit.FINE


def _print(found: Sequence[Waiting], *, as_json: bool, due: bool) -> None:
    import msgspec

    from clausal.cli.summary import table
    from clausal.engine.render import rfc3339

    if as_json:
        print_json(
            [
                {
                    "number": one.number,
                    "id": one.message.id,
                    "key": one.message.key,
                    "action": one.message.action,
                    "attempts": one.attempts,
                    "due": rfc3339(one.due, "UTC") if due and one.due else None,
                    "error": one.error,
                    "body": msgspec.json.decode(one.message.body),
                }
                for one in found
            ]
        )
        return
    if not found:
        return
    times = (("due", "fixed"),) if due else ()
    rows = table(
        ("Message", "count"),
        ("", "fixed"),
        ("key", "name"),
        ("attempts", "count"),
        *times,
        ("error", "text"),
    )
    for one in found:
        when = (rfc3339(one.due, "UTC") if one.due else "now",) if due else ()
        rows.add_row(
            str(one.number),
            one.message.action,
            safe(one.message.key),
            str(one.attempts),
            *when,
            safe(one.error),
        )
    show(rows, "", stream=sys.stdout)


COMMANDS: Final = (
    (
        "list",
        list_waiting,
        (("what waits, and why", "clausal outbox list --ledger ledger.db"),),
    ),
    (
        "dead",
        dead,
        (("what was given up", "clausal outbox dead --ledger ledger.db"),),
    ),
    (
        "resend",
        resend,
        (
            ("two of them", "clausal outbox resend 17 23 --ledger ledger.db"),
            ("all of them", "clausal outbox resend --all --ledger ledger.db"),
        ),
    ),
)
"""Name, function and examples of each command."""
