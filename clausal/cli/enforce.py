"""`clausal enforce`: decide events, record what follows, and tell the platform."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from clausal.cli.ledgers import LedgerOption, opened
from clausal.cli.loading import ParamOption, bundle_of, files_of, instant_of, params_of
from clausal.cli.shell import (
    STDIO,
    ColorOption,
    CommandError,
    DebugOption,
    Exit,
    keep_apart,
    open_output,
    print_json,
    report,
    write_file,
)
from clausal.reading import Format

if TYPE_CHECKING:
    from collections.abc import Iterator

    from clausal.enforcement.delivery.dispatcher import Background
    from clausal.enforcement.ledger import Ledger

EXAMPLES: Final = (
    (
        "record what follows from events, and write measures to a file",
        "clausal enforce -b policies.clausal -l ledger.db -d measures.ndjson events.ndjson",
    ),
    (
        "a service: events from a pipe, measures to the platform",
        "tail -F events | clausal enforce -b policies.clausal -d https://platform.example/m -",
    ),
    (
        "deliver what waits, without events",
        "clausal enforce -b policies.clausal -l ledger.db -d measures.ndjson --drain 600",
    ),
)

_INPUT: Final = "Input"
_REMEMBERED: Final = "What rules remember"
_DELIVERY: Final = "Delivery"
_OUTPUT: Final = "Output"


def command(
    ledger: LedgerOption,
    bundle: Annotated[
        str,
        typer.Option(
            "--bundle",
            "-b",
            metavar="BUNDLE",
            help="A bundle, a policy file or a folder of them.",
            show_default=False,
        ),
    ],
    events: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="EVENTS", help="Event files, or - for standard input.", show_default=False
        ),
    ] = None,
    format: Annotated[
        Format | None,
        typer.Option(
            "--format",
            "-f",
            help="How events are stored; else the ending of the name says it. Any may be gzipped.",
            show_default=False,
            rich_help_panel=_INPUT,
        ),
    ] = None,
    at: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="When it is decided, such as 2024-05-01T12:00+08:00; else at the time of each act.",
            rich_help_panel=_INPUT,
        ),
    ] = None,
    batch: Annotated[
        int,
        typer.Option(
            min=1,
            max=100_000,
            metavar="N",
            help="Events in a transaction, at most; of a pipe, what has come.",
            rich_help_panel=_INPUT,
        ),
    ] = 1000,
    sweep: Annotated[
        bool,
        typer.Option(
            "--sweep",
            help="Do what time brings about, too: end what nobody looked at in time, apply what had to "
            "wait for appeals. For what runs all the time.",
            rich_help_panel=_INPUT,
        ),
    ] = False,
    rejects: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Write bad events here, behind those of earlier runs: line, cause and what was there.",
            rich_help_panel=_INPUT,
        ),
    ] = None,
    param: ParamOption = None,
    tallies: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="Where what rules count is kept: a file, or `redis://HOST/0` for several processes. "
            "Without it, it is gone with the process.",
            rich_help_panel=_REMEMBERED,
        ),
    ] = None,
    tally: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=CHOICE",
            help="For a tally whose definition changed: `keep` what was counted, or `reset` it.",
            show_default=False,
            rich_help_panel=_REMEMBERED,
        ),
    ] = None,
    samples: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Known items beside those that the policies list.",
            rich_help_panel=_REMEMBERED,
        ),
    ] = None,
    deliver: Annotated[
        str | None,
        typer.Option(
            "--deliver",
            "-d",
            metavar="URL",
            help="Where measures go: `https://…`, `redis://HOST/0?stream=NAME` or a file. Without it "
            "they wait in the outbox.",
            rich_help_panel=_DELIVERY,
        ),
    ] = None,
    drain: Annotated[
        float,
        typer.Option(
            min=0,
            metavar="SECONDS",
            help="How long to wait at the end for what is not delivered yet.",
            rich_help_panel=_DELIVERY,
        ),
    ] = 30.0,
    attempts: Annotated[
        int,
        typer.Option(
            min=1,
            metavar="N",
            help="After so many a message is given up; the wait between them doubles up to an hour.",
            rich_help_panel=_DELIVERY,
        ),
    ] = 30,
    metrics: Annotated[
        str | None,
        typer.Option(
            metavar="FILE", help="Write the figures as JSON, too.", rich_help_panel=_OUTPUT
        ),
    ] = None,
    quiet: Annotated[
        bool,
        typer.Option("--quiet", "-q", help="Print no figures.", rich_help_panel=_OUTPUT),
    ] = False,
    progress: Annotated[
        bool | None,
        typer.Option(
            "--progress/--no-progress",
            help="Show the progress; else only on a terminal.",
            show_default=False,
            rich_help_panel=_OUTPUT,
        ),
    ] = None,
    _color: ColorOption = None,
    _debug: DebugOption = False,
) -> int:
    """Decide events, record what follows in a ledger, and tell the platform of measures.

    Each batch of events is one transaction: facts, messages and the place in the file together. Whoever
    was stopped, killed or without power goes on where it was, and nothing happens twice. Messages leave
    beside that, in order for each target, and are tried again until they arrive.

    A bad event is told and counted, and stops nothing. SIGTERM and Ctrl-C end it after the batch that
    is being decided; what is not delivered by then waits in the ledger. Exit code 4 means that an input
    could not be read, or that every event was bad.
    """
    from clausal.cli.enforcing import Enforcing, Settings, print_figures
    from clausal.cli.remembered import Remembered, choices_of

    names = events or []
    if not names and deliver is None and not sweep:
        raise CommandError(
            "no events are named",
            code=Exit.USAGE,
            hint="name event files, `-` for standard input, --deliver to send what waits, or --sweep",
        )
    if names.count(STDIO) > 1:
        raise CommandError("standard input can be read once", code=Exit.USAGE)
    written = [name for name in (rejects, metrics) if name]
    if deliver is not None and "://" not in deliver:
        written.append(deliver)
    if tallies is not None and "://" not in tallies:
        written.append(tallies)
    keep_apart(written, [*names, *files_of([bundle])])
    deciding = bundle_of([bundle], params_of(param))
    settings = Settings(instant_of(at, "--at"), batch, format, sweep)
    with contextlib.ExitStack() as stack:
        opening = stack.enter_context(opened(ledger, create=None))
        aside = None if rejects is None else stack.enter_context(open_output(rejects, append=True))
        remembered = Remembered(deciding, tallies, choices_of(tally), samples)
        running = Enforcing(deciding, opening, settings, remembered, aside)
        shown = sys.stderr.isatty() if progress is None else progress
        with _delivering(opening, deliver, attempts) as background:
            running.background = background
            end = running.run(names, drain=drain, progress=shown)
        figures = running.figures()
    if metrics is not None:
        if metrics == STDIO:
            print_json(figures)
        else:
            import msgspec

            write_file(Path(metrics), msgspec.json.format(msgspec.json.encode(figures)) + b"\n")
    if not quiet:
        print_figures(figures, sys.stderr, stopped=end is not None)
    if end is not None:
        raise end
    if running.bad and not running.decided:
        raise CommandError("not one event could be decided", code=Exit.INPUT)
    return Exit.FINE


@contextlib.contextmanager
def _delivering(ledger: Ledger, url: str | None, attempts: int) -> Iterator[Background | None]:
    """What delivers, in a thread beside, while this lasts."""
    if url is None:
        yield None
        return
    from clausal.enforcement.delivery.adapter import AdapterError
    from clausal.enforcement.delivery.backoff import Backoff
    from clausal.enforcement.delivery.dispatcher import Background, Dispatcher
    from clausal.enforcement.delivery.opening import open_adapter

    try:
        adapter = open_adapter(url)
    except AdapterError as error:
        raise CommandError(str(error), code=Exit.INPUT, hint=error.hint) from error

    def trouble(error: Exception) -> None:
        report("warning", f"delivery waits for the ledger: {error}", style="bold yellow")

    background = Background(
        Dispatcher(ledger.outbox, adapter, Backoff(attempts=attempts)), trouble=trouble
    )
    try:
        yield background
    finally:
        # It was waited for where that was wanted: this is for ends that nobody planned.
        background.finish(0.0)
