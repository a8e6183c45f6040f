"""The events that `bench` and `profile` hold in memory, and the options that say which."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from clausal.cli.shell import STDIO, CommandError, Exit, counted
from clausal.reading import Format

if TYPE_CHECKING:
    from clausal.engine.evaluator import Bundle
    from clausal.sample import Sample

_PANEL = "Events"

InputsArgument = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="INPUTS",
        help="First a bundle, or policy files and folders (else the policies that ship); then "
        "event files, or - for standard input.",
        show_default=False,
    ),
]

FormatOption = Annotated[
    Format | None,
    typer.Option(
        "--format",
        "-f",
        help="How events are stored; else the ending of the name says it. Any may be gzipped.",
        show_default=False,
        rich_help_panel=_PANEL,
    ),
]

GenerateOption = Annotated[
    int | None,
    typer.Option(
        "--generate",
        metavar="N",
        min=1,
        max=1_000_000,
        help="Generate so many events instead of reading files.",
        show_default=False,
        rich_help_panel=_PANEL,
    ),
]

SeedOption = Annotated[
    int,
    typer.Option(
        min=0, max=2**32 - 1, help="What is generated depends on it alone.", rich_help_panel=_PANEL
    ),
]

EventsOption = Annotated[
    int,
    typer.Option(
        "--events",
        metavar="N",
        min=1,
        max=1_000_000,
        help="Read at most so many events of the files: they are held in memory.",
        rich_help_panel=_PANEL,
    ),
]


def sample_of(
    bundle: Bundle,
    names: Sequence[str],
    *,
    format: Format | None,
    generate: int | None,
    seed: int,
    most: int,
) -> Sample:
    """The events to hold in memory.

    Raises:
        CommandError: when there are none, too many ways to get some, or an extra is missing.
        InputError: when a file cannot be read.
    """
    from clausal.sample import sample_files, sample_generated

    if generate is None and not names:
        raise CommandError(
            "no events are named",
            code=Exit.USAGE,
            hint="name event files after the policies, `-` for standard input, or `--generate N`",
        )
    if generate is not None and names:
        raise CommandError(
            "events are either read or generated",
            code=Exit.USAGE,
            hint=f"leave out `--generate`, or `{names[0]}`",
        )
    if list(names).count(STDIO) > 1:
        raise CommandError("standard input can be read once", code=Exit.USAGE)
    if generate is None:
        sample = sample_files(bundle, names, format, most=most)
    else:
        try:
            sample = sample_generated(bundle, generate, seed)
        except ImportError as error:
            raise CommandError(
                "generating events needs NumPy and PyArrow",
                code=Exit.USAGE,
                hint="pip install 'clausal[generate]'",
            ) from error
    if not sample.events:
        bad = f"; {counted(sample.bad, 'bad event')}" if sample.bad else ""
        raise CommandError(f"not one event could be decided{bad}", code=Exit.INPUT)
    return sample
