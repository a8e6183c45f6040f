"""`clausal explain`: what an error code means, or why an event was decided as it was."""

from __future__ import annotations

import re
import sys
from typing import Annotated, Final

import typer

from clausal.cli.shell import (
    ColorOption,
    CommandError,
    DebugOption,
    Exit,
    console_for,
    inline,
    print_json,
    wants_color,
)

EXAMPLES: Final = (
    ("what an error code means", "clausal explain E0101"),
    ("why an event was decided as it was", "clausal explain policies.clausal event.json"),
    (
        "the 17th line of a file, and one rule",
        "clausal explain policies events.ndjson --line 17 --rule staged",
    ),
)

_CODE: Final = re.compile(r"[EeWw]\d{4}")


def command(
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="INPUTS",
            help="An error code; or an event file, `-` for standard input, after a bundle or policy "
            "files and folders (else the policies that ship).",
            show_default=False,
        ),
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    _color: ColorOption = None,
    _debug: DebugOption = False,
) -> int:
    """Say what an error code means, or why an event was decided as it was."""
    if len(inputs) == 1 and _CODE.fullmatch(inputs[0]):
        print_page(inputs[0], as_json=as_json)
    return Exit.FINE


def print_page(code: str, *, as_json: bool) -> None:
    """Print the page of a diagnostic code, as it is written or, on a terminal, laid out.

    Raises:
        CommandError: when there is no such code.
    """
    from clausal.dsl.codes import CODES, page
    from clausal.dsl.suggest import nearest

    name = code.upper()
    if name not in CODES:
        likely = nearest(name, CODES)
        raise CommandError(
            f"there is no code `{inline(code)}`",
            code=Exit.USAGE,
            hint=f"did you mean `{likely}`?" if likely else "codes look like `E0101` or `W0901`",
        )
    entry, text = CODES[name], page(name)
    if as_json:
        print_json(
            {
                "code": entry.code,
                "title": entry.title,
                "severity": entry.severity.value,
                "page": text,
            }
        )
    elif sys.stdout.isatty() or wants_color(sys.stdout):
        from rich.markdown import Markdown

        console_for(sys.stdout).print(Markdown(text, code_theme="ansi_dark", hyperlinks=False))
    else:
        sys.stdout.write(text)
