"""`clausal ledger`: make a record of enforcement, look after it, and see that nobody changed it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Final

import typer

from clausal.cli import stories
from clausal.cli.ledgers import LedgerOption, opened
from clausal.cli.progress import Counter
from clausal.cli.shell import (
    ColorOption,
    CommandError,
    DebugOption,
    Exit,
    counted,
    inline,
    print_json,
    print_text,
    report,
)

if TYPE_CHECKING:
    from clausal.enforcement.chain import Head

HELP: Final = "Keep the record of enforcement, and see that nobody changed it."


def init(
    ledger: LedgerOption,
    _color: ColorOption = None,
    _debug: DebugOption = False,
) -> int:
    """Make a ledger, unless there is one already.

    Files are made when they are first written to, too; a database on a server is not.
    """
    from clausal.enforcement.opening import make_ledger

    made = make_ledger(ledger)
    print_text("made an empty ledger" if made else "there is a ledger already")
    return Exit.FINE


def upgrade(
    ledger: LedgerOption,
    _color: ColorOption = None,
    _debug: DebugOption = False,
) -> int:
    """Bring the tables of a ledger up to the version of this program.

    What was recorded stays as it is. Programs of the version before can use it no longer.
    """
    from clausal.enforcement.opening import upgrade_ledger

    before, version = upgrade_ledger(ledger)
    if before == version:
        print_text(f"the ledger is of version {version} already")
    else:
        print_text(f"brought the ledger from version {before} to {version}")
    return Exit.FINE


def head(
    ledger: LedgerOption,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON object.")] = False,
    _color: ColorOption = None,
    _debug: DebugOption = False,
) -> int:
    """Print the end of a ledger: how many entries it has, and the hash of the last.

    Kept somewhere else, where whoever writes to the database does not, it shows later whether
    anything before it was changed or taken away: `clausal ledger verify --head`.
    """
    with opened(ledger) as opening:
        end = opening.head
    if as_json:
        print_json({"entries": end.seq, "hash": end.hash.hex()})
    else:
        print_text(str(end))
    return Exit.FINE


def verify(
    ledger: LedgerOption,
    kept: Annotated[
        str | None,
        typer.Option(
            "--head",
            metavar="HEAD",
            help="An end that `clausal ledger head` printed before.",
            show_default=False,
        ),
    ] = None,
    progress: Annotated[
        bool | None,
        typer.Option(
            "--progress/--no-progress",
            help="Show the progress; else only on a terminal.",
            show_default=False,
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON object.")] = False,
    _color: ColorOption = None,
    _debug: DebugOption = False,
) -> int:
    """Look at each entry of a ledger: was it changed, moved or taken away since it was written?

    Without --head, it cannot show that entries are missing at the end. Exit code 1: the ledger is not
    what was written.
    """
    wanted = _head_of(kept) if kept is not None else None
    shown = sys.stderr.isatty() if progress is None else progress
    with opened(ledger) as opening:
        end = opening.head
        with Counter(sys.stderr, end.seq, "entries", shown=shown) as bar:
            broken = opening.verify(wanted, bar.update)
    if as_json:
        found = None if broken is None else {"entry": broken.seq, "what": broken.what}
        print_json({"entries": end.seq, "hash": end.hash.hex(), "broken": found})
    elif broken is None:
        print_text(f"{counted(end.seq, 'entry', 'entries')}, as they were written")
        print_text(str(end))
    else:
        report("broken", broken.what)
    return Exit.FINE if broken is None else Exit.FINDINGS


def _head_of(text: str) -> Head:
    from clausal.enforcement.chain import Head

    try:
        return Head.parse(text)
    except ValueError as error:
        raise CommandError(
            f"`{inline(text)}` is not the end of a ledger",
            code=Exit.USAGE,
            hint="it is what `clausal ledger head` prints: a number, a colon and a hash",
        ) from error


COMMANDS: Final = (
    *stories.COMMANDS,
    (
        "init",
        init,
        (
            ("in a file", "clausal ledger init --ledger ledger.db"),
            ("on a server", "clausal ledger init --ledger postgresql://clausal@db.example/clausal"),
        ),
    ),
    (
        "upgrade",
        upgrade,
        (("after a new version of Clausal", "clausal ledger upgrade --ledger ledger.db"),),
    ),
    (
        "verify",
        verify,
        (
            ("was anything changed?", "clausal ledger verify --ledger ledger.db"),
            (
                "or taken away from its end?",
                'clausal ledger verify --ledger ledger.db --head "$(cat kept)"',
            ),
        ),
    ),
    (
        "head",
        head,
        (("keep the end somewhere else", "clausal ledger head --ledger ledger.db > kept"),),
    ),
)
"""Name, function and examples of each command."""
