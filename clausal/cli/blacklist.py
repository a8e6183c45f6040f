"""`clausal blacklist`: who is on ours, lists for others, and lists of others."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Final

import typer

from clausal.cli.ledgers import LedgerOption, opened
from clausal.cli.loading import bundle_of
from clausal.cli.people import AtOption, JsonOption, instant
from clausal.cli.shell import (
    STDIO,
    ColorOption,
    CommandError,
    DebugOption,
    Exit,
    counted,
    inline,
    print_json,
    print_text,
    report,
    safe,
    show,
    standard_input,
    write_file,
)

HELP: Final = "Keep a list of subjects who are barred, give it to others, and take theirs in."

_DAY: Final = 24 * 3600 * 1_000_000

ByOption = Annotated[
    str, typer.Option("--by", metavar="NAME", help="Who looked at it.", show_default=False)
]
SubjectArgument = Annotated[str, typer.Argument(metavar="SUBJECT", help="The subject's id.")]


def list_entries(
    ledger: LedgerOption,
    at: AtOption = None,
    due: Annotated[
        bool, typer.Option("--due", help="Only entries that are to be looked at again.")
    ] = False,
    as_json: JsonOption = False,
    _color: ColorOption = None,
    _debug: DebugOption = False,
) -> int:
    """Show who is on the list, why and until when, and which entries are to be looked at again.

    Each is, every year: `clausal blacklist keep` or `lift` says what came of it.
    """
    from clausal.cli.summary import table
    from clausal.enforcement import blacklist
    from clausal.engine.render import rfc3339

    when = instant(at)
    with opened(ledger) as opening:
        found = [one for one in blacklist.entries(opening, when) if one.is_due(when) or not due]
    if as_json:
        print_json(
            [
                {
                    "subject": one.subject,
                    "measure": one.measure,
                    "since": rfc3339(one.since, "UTC"),
                    "until": None if one.until is None else rfc3339(one.until, "UTC"),
                    "due": rfc3339(one.due, "UTC"),
                    "is_due": one.is_due(when),
                    "reviewed_by": one.reviewed_by or None,
                    "policy": None if one.reason is None else one.reason.policy,
                    "clauses": [] if one.reason is None else list(one.reason.clauses),
                }
                for one in found
            ]
        )
        return Exit.FINE
    rows = table(
        ("Subject", "name"),
        ("since", "fixed"),
        ("until", "fixed"),
        ("look again", "fixed"),
        ("why", "text"),
    )
    for one in found:
        why = one.reason
        rows.add_row(
            safe(one.subject),
            _day(one.since),
            "–" if one.until is None else _day(one.until),
            safe(_day(one.due), "bold red" if one.is_due(when) else ""),
            safe("" if why is None else f"{why.policy} {', '.join(why.clauses)}"),
        )
    if found:
        show(rows, "", stream=sys.stdout)
    waiting = sum(one.is_due(when) for one in found)
    print_text(f"{counted(len(found), 'subject')}, {waiting:,} to be looked at again")
    return Exit.FINE


def check(
    ledger: LedgerOption,
    subject: SubjectArgument,
    at: AtOption = None,
    as_json: JsonOption = False,
    _color: ColorOption = None,
    _debug: DebugOption = False,
) -> int:
    """Tell whether a subject may register, and whether they are on the list.

    Exit code 1: they are banned from registering, or on the list.
    """
    from clausal.enforcement import blacklist
    from clausal.engine.render import rfc3339

    with opened(ledger) as opening:
        found = blacklist.check(opening, subject, instant(at))
    until = None if found.until is None else rfc3339(found.until, "UTC")
    if as_json:
        print_json(
            {
                "subject": subject,
                "banned": found.banned,
                "blacklisted": found.blacklisted,
                "until": until,
                "measures": list(found.measures),
            }
        )
    elif not found.measures:
        print_text("not on the list, and may register")
    else:
        what = ["on the list"] if found.blacklisted else []
        what += ["may not register"] if found.banned else []
        print_text(f"{' and '.join(what)} {f'until {until}' if until else 'without an end'}")
    return Exit.FINDINGS if found.measures else Exit.FINE


def keep(
    ledger: LedgerOption,
    subject: SubjectArgument,
    by: ByOption,
    note: Annotated[str, typer.Option(metavar="TEXT", help="Why.", show_default=False)] = "",
    _color: ColorOption = None,
    _debug: DebugOption = False,
) -> int:
    """Take down that an entry was looked at again and stays."""
    from clausal.enforcement import blacklist

    with opened(ledger) as opening, _refusals():
        blacklist.keep(opening, subject, by, instant(None), note)
    print_text(f"{inline(subject)} stays, and is looked at again in a year")
    return Exit.FINE


def lift(
    ledger: LedgerOption,
    subject: SubjectArgument,
    by: ByOption,
    _color: ColorOption = None,
    _debug: DebugOption = False,
) -> int:
    """Take a subject off the list; the platform is told."""
    from clausal.enforcement import blacklist

    with opened(ledger) as opening, _refusals():
        blacklist.lift(opening, subject, by, instant(None))
    print_text(f"{inline(subject)} is on the list no more")
    return Exit.FINE


def key(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file of the private key.")],
    public: Annotated[
        bool, typer.Option("--public", help="Make none; print the public key of this one.")
    ] = False,
    _color: ColorOption = None,
    _debug: DebugOption = False,
) -> int:
    """Make a key for signing lists, and print its public part, which others need.

    Give it to them by another way than the lists.
    """
    with _refusals():
        from clausal.enforcement.signed_list import make_key, public_key, read_key

        print_text(public_key(read_key(file)) if public else make_key(file))
    return Exit.FINE


def export(
    ledger: LedgerOption,
    issuer: Annotated[
        str, typer.Option(metavar="NAME", help="Our name, as others know it.", show_default=False)
    ],
    key_file: Annotated[
        Path,
        typer.Option(
            "--key", metavar="FILE", help="As `clausal blacklist key` made.", show_default=False
        ),
    ],
    output: Annotated[
        str, typer.Option("--output", "-o", metavar="FILE", help="Where the list goes.")
    ] = STDIO,
    at: AtOption = None,
    days: Annotated[
        int, typer.Option(min=1, max=366, metavar="DAYS", help="For how long it may be used.")
    ] = 30,
    _color: ColorOption = None,
    _debug: DebugOption = False,
) -> int:
    """Write our list for others, signed.

    Left out are entries against which somebody may still appeal, and those that came from others.
    """
    from clausal.enforcement import blacklist

    with _refusals():
        from clausal.enforcement.signed_list import read_key, sign

        with opened(ledger) as opening:
            made = blacklist.draw_up(opening, issuer, instant(at), days * _DAY)
        data = sign(made, read_key(key_file))
    if output == STDIO:
        sys.stdout.buffer.write(data)
    else:
        write_file(Path(output), data)
        print_text(f"{counted(len(made.entries), 'subject')} in {inline(output)}")
    return Exit.FINE


def import_list(
    ledger: LedgerOption,
    bundle: Annotated[
        str,
        typer.Option(
            "--bundle",
            "-b",
            metavar="BUNDLE",
            help="Says what being on the list means, and how long people have to look at an entry.",
            show_default=False,
        ),
    ],
    trust: Annotated[
        list[str],
        typer.Option(
            metavar="NAME=KEY",
            help="An issuer and its public key, `ed25519:…`; may be repeated.",
            show_default=False,
        ),
    ],
    file: Annotated[str, typer.Argument(metavar="FILE", help="The list, or -.")],
    at: AtOption = None,
    as_json: JsonOption = False,
    _color: ColorOption = None,
    _debug: DebugOption = False,
) -> int:
    """Take in the list of another platform, if it is genuine, new and not too old.

    Each entry becomes a proposal. Nothing follows before two people here agreed to it: `clausal review`.
    """
    from clausal.enforcement import blacklist

    when = instant(at)
    deciding = bundle_of([bundle])
    try:
        data = standard_input().read() if file == STDIO else Path(file).read_bytes()
    except OSError as error:
        why = error.strerror or "it cannot be read"
        raise CommandError(f"cannot read `{inline(file)}`: {why}", code=Exit.INPUT) from error
    with _refusals():
        from clausal.enforcement.signed_list import raw_key, verify

        trusted = {}
        for one in trust:
            name, _, public = one.partition("=")
            raw_key(public)
            trusted[name] = public
        signed = verify(data, trusted, when)
        with opened(ledger, create=None) as opening:
            taken = blacklist.take_in(opening, deciding, signed, when)
    if as_json:
        print_json(
            {
                "issuer": signed.issuer,
                "new": list(taken.new),
                "known": list(taken.known),
                "over": list(taken.over),
                "gone": list(taken.gone),
            }
        )
        return Exit.FINE
    print_text(
        f"{counted(len(taken.new), 'new entry', 'new entries')} to be reviewed, {len(taken.known):,} known "
        f"before, {len(taken.over):,} over"
    )
    if taken.gone:
        some = ", ".join(inline(one) for one in taken.gone[:5])
        report(
            "warning",
            f"{counted(len(taken.gone), 'subject')} of earlier lists are not on it any more: {some}",
            "look at what was decided about them",
            style="bold yellow",
        )
    return Exit.FINE


@contextlib.contextmanager
def _refusals() -> Iterator[None]:
    """Turn what cannot be into an error of the command."""
    from clausal.enforcement.signed_list import ListError

    try:
        yield
    except ListError as error:
        raise CommandError(str(error), code=Exit.INPUT, hint=error.hint) from error
    except ModuleNotFoundError as error:
        raise CommandError(
            f"the library `{error.name}` is not installed",
            code=Exit.INPUT,
            hint="pip install 'clausal[enforce]'",
        ) from error


def _day(instant: int) -> str:
    from clausal.engine.render import rfc3339

    return rfc3339(instant, "UTC")[:10]


COMMANDS: Final = (
    (
        "list",
        list_entries,
        (
            ("who is on it", "clausal blacklist list --ledger ledger.db"),
            ("what to look at again", "clausal blacklist list --due --ledger ledger.db"),
        ),
    ),
    (
        "check",
        check,
        (("may they register?", "clausal blacklist check s-17 --ledger ledger.db"),),
    ),
    (
        "keep",
        keep,
        (("a year later", "clausal blacklist keep s-17 --by li --ledger ledger.db"),),
    ),
    (
        "lift",
        lift,
        (("not any more", "clausal blacklist lift s-17 --by li --ledger ledger.db"),),
    ),
    (
        "key",
        key,
        (
            ("once", "clausal blacklist key blacklist.pem"),
            ("what others need", "clausal blacklist key blacklist.pem --public"),
        ),
    ),
    (
        "export",
        export,
        (
            (
                "for others",
                "clausal blacklist export --issuer ours.example --key blacklist.pem -l ledger.db",
            ),
        ),
    ),
    (
        "import",
        import_list,
        (
            (
                "of another platform",
                "clausal blacklist import list.json --trust theirs.example=ed25519:… -b b.clausal",
            ),
        ),
    ),
)
"""Name, function and examples of each command."""
