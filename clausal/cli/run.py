"""`clausal run`: decide events."""

from __future__ import annotations

import contextlib
import os
import stat
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from clausal.cli.loading import (
    ParamOption,
    bundle_of,
    files_of,
    instant_of,
    params_of,
    split_inputs,
)
from clausal.cli.shell import (
    STDIO,
    ColorOption,
    CommandError,
    DebugOption,
    Exit,
    counted,
    keep_apart,
    open_output,
    write_file,
)
from clausal.reading import Format

if TYPE_CHECKING:
    from clausal.engine.evaluator import Bundle
    from clausal.histories import Histories
    from clausal.summary import Summary

EXAMPLES: Final = (
    ("with the policies that ship", "clausal run events.ndjson -o decisions.ndjson"),
    ("with a bundle, from a pipe", "zcat events.ndjson.gz | clausal run policies.clausal -"),
    (
        "with policies compiled on the fly, only what was found",
        "clausal run policies events.csv --matched",
    ),
    (
        "keep what could not be read, and the figures",
        "clausal run events.ndjson -o d.ndjson --rejects bad.ndjson --summary-json s.json",
    ),
    (
        "how right the decisions are",
        "clausal run events.parquet -o decisions.ndjson --truth truth.parquet",
    ),
    (
        "as a gate: exit code 1 if anything was found",
        "clausal run policies.clausal event.json --quiet --fail-on-findings",
    ),
)

_INPUT: Final = "Input"
_OUTPUT: Final = "Output"
_DECISIONS: Final = "Decisions"


def command(
    inputs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="INPUTS",
            help="First a bundle, or policy files and folders (else the policies that ship); then "
            "event files, or - for standard input.",
            show_default=False,
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
    history: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Strikes, tallies and similarities, by target or event: see the documentation.",
            rich_help_panel=_INPUT,
        ),
    ] = None,
    truth: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="What is truly behind each event, such as `generate --truth` writes: the summary says "
            "how right the decisions are.",
            rich_help_panel=_INPUT,
        ),
    ] = None,
    strict: Annotated[
        bool,
        typer.Option("--strict", help="Stop at the first bad event.", rich_help_panel=_INPUT),
    ] = False,
    rejects: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Write bad events here: line, cause and what was there.",
            rich_help_panel=_INPUT,
        ),
    ] = None,
    at: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="When it is decided, such as 2024-05-01T12:00+08:00; else at the time of each act.",
            rich_help_panel=_DECISIONS,
        ),
    ] = None,
    bounds: Annotated[
        bool,
        typer.Option(
            "--bounds",
            help="Add the lightest and the heaviest outcome that missing fields could lead to.",
            rich_help_panel=_DECISIONS,
        ),
    ] = False,
    param: ParamOption = None,
    output: Annotated[
        str,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Where decisions go, one JSON object a line; `-` is standard output.",
            rich_help_panel=_OUTPUT,
        ),
    ] = STDIO,
    matched: Annotated[
        bool,
        typer.Option(
            "--matched",
            help="Write only decisions with a finding.",
            rich_help_panel=_OUTPUT,
        ),
    ] = False,
    undetermined: Annotated[
        bool,
        typer.Option(
            "--undetermined",
            help="Write only decisions with a rule that could not be settled; with --matched, either.",
            rich_help_panel=_OUTPUT,
        ),
    ] = False,
    summary_json: Annotated[
        str | None,
        typer.Option(
            metavar="FILE", help="Write the summary as JSON, too.", rich_help_panel=_OUTPUT
        ),
    ] = None,
    quiet: Annotated[
        bool,
        typer.Option("--quiet", "-q", help="Print no summary.", rich_help_panel=_OUTPUT),
    ] = False,
    progress: Annotated[
        bool | None,
        typer.Option(
            "--progress/--no-progress",
            help="Show the progress; else only on a terminal, with decisions going to a file.",
            show_default=False,
            rich_help_panel=_OUTPUT,
        ),
    ] = None,
    fail_on_findings: Annotated[
        bool,
        typer.Option(
            "--fail-on-findings",
            help="Exit code 1 if there was a finding.",
            rich_help_panel=_OUTPUT,
        ),
    ] = False,
    _color: ColorOption = None,
    _debug: DebugOption = False,
) -> int:
    """Decide events: which rules fire, and what follows.

    Events come as NDJSON, JSON (one event, or an array), CSV (a column for each field, such as
    content.score.staged) or Parquet. A bad event is counted and told, and stops nothing unless
    --strict is given. Each decision names the bundle, the findings with their reasons, the measures,
    and the rules that could not be settled with what they lacked. A summary follows on standard
    error. Exit code 4 means that an input could not be read, or that every event was bad.
    """
    from clausal.cli.stream import Settings, Stream
    from clausal.cli.summary import print_summary
    from clausal.reading import open_events
    from clausal.truth import Held, TruthFile

    policies, events = split_inputs(inputs or [])
    if not events:
        raise CommandError(
            "no events are named",
            code=Exit.USAGE,
            hint="name event files after the policies, or `-` for standard input",
        )
    if [*events, truth].count(STDIO) > 1:
        raise CommandError("standard input can be read once", code=Exit.USAGE)
    read = [
        *events,
        *(files_of(policies) if policies else []),
        *(name for name in (history, truth) if name),
    ]
    keep_apart([name for name in (output, rejects, summary_json) if name], read)
    bundle = bundle_of(policies, params_of(param))
    settings = Settings(
        at=instant_of(at, "--at"),
        bounds=bounds,
        matched=matched,
        undetermined=undetermined,
        strict=strict,
        histories=_histories(history, bundle),
    )
    with contextlib.ExitStack() as stack:
        out = stack.enter_context(open_output(output))
        aside = None if rejects is None else stack.enter_context(open_output(rejects))
        to_terminal = output == STDIO and sys.stdout.isatty()
        wanted = _is_alone(output) if progress is None else progress
        stream = Stream(bundle, settings, out, aside, for_terminal=to_terminal)
        if truth is not None:
            stream.summary.held = Held(TruthFile(stack.enter_context(open_events(truth))))
        # Decisions and a progress bar on one terminal would be neither.
        end = stream.decide(events, format, progress=wanted and not to_terminal)
        if end is None and stream.summary.held is not None:
            stream.summary.held.finish()
    summary = stream.summary
    if summary_json is not None:
        _write_summary(summary_json, summary, bundle)
    # Of a run that ended before its first event there is nothing to sum up, only why it ended.
    if not quiet and (end is None or summary.events):
        print_summary(
            summary,
            bundle.artifact.corpus,
            sys.stderr,
            stopped=end is not None,
            written=""
            if output == STDIO
            else f"{counted(stream.written, 'decision')} in {output}  ",
        )
    if end is not None:
        raise end
    if summary.bad and not summary.decided:
        raise CommandError("not one event could be decided", code=Exit.INPUT)
    return Exit.FINDINGS if fail_on_findings and summary.with_findings else Exit.FINE


def _is_alone(output: str) -> bool:
    """Whether standard error is a terminal to which nobody else will write the decisions.

    What they are piped into often does (`| head`), so it is left alone unless they go to a file.
    """
    if not sys.stderr.isatty():
        return False
    if output != STDIO:
        return True
    try:
        return stat.S_ISREG(os.fstat(sys.stdout.fileno()).st_mode)
    except (OSError, ValueError):
        return False


def _histories(name: str | None, bundle: Bundle) -> Histories | None:
    if name is None:
        return None
    from clausal.histories import Histories

    return Histories(name, bundle.artifact.corpus)


def _write_summary(name: str, summary: Summary, bundle: Bundle) -> None:
    import msgspec

    data = msgspec.json.format(
        msgspec.json.encode({"bundle": bundle.digest, **summary.to_dict()}), indent=2
    )
    if name == STDIO:
        sys.stdout.buffer.write(data + b"\n")
    else:
        write_file(Path(name), data + b"\n")
