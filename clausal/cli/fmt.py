"""`clausal fmt`: rewrite policies in the canonical format."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from clausal.cli.loading import PolicyPaths
from clausal.cli.shell import (
    STDIO,
    ColorOption,
    CommandError,
    DebugOption,
    Exit,
    counted,
    inline,
    report,
    standard_input,
    wants_color,
    write_file,
)

if TYPE_CHECKING:
    from clausal.dsl.source import Source

EXAMPLES: Final = (
    ("rewrite every policy under a folder", "clausal fmt policies"),
    ("see what would change", "clausal fmt policies --diff"),
    ("as a gate: exit code 1 if a file is not in the format", "clausal fmt policies --check"),
    ("as a filter, from an editor", "clausal fmt - < draft.policy"),
)

_STDIN_NAME: Final = "<stdin>"


def command(
    paths: PolicyPaths = None,
    check: Annotated[
        bool,
        typer.Option("--check", help="Change nothing; exit code 1 if a file would change."),
    ] = False,
    diff: Annotated[
        bool, typer.Option("--diff", help="Change nothing; show what would change.")
    ] = False,
    _color: ColorOption = None,
    _debug: DebugOption = False,
) -> int:
    """Rewrite policies in the canonical format, comments kept.

    A path `-` formats standard input to standard output. A file with syntax errors is left alone
    and its errors are shown, with exit code 3; the others are formatted all the same.
    """
    from clausal.dsl.diagnostics import Diagnostics, PolicyError
    from clausal.dsl.printer import format_source

    if paths and Path(STDIO) in paths:
        if len(paths) > 1:
            raise CommandError("`-` stands alone: standard input has one text", code=Exit.USAGE)
        return _filter(check=check, diff=diff)
    diagnostics = Diagnostics()
    changed = total = 0
    for path, source in _files(paths, diagnostics):
        total += 1
        try:
            text = format_source(source)
        except PolicyError as error:
            diagnostics.extend(error.diagnostics)
            continue
        if text == _as_stored(path):
            continue
        changed += 1
        if diff:
            _print_diff(source.text, text, source.name)
        elif check:
            report("would reformat", source.name, style="bold")
        else:
            write_file(path, text.encode())
            report("reformatted", source.name, style="bold")
    if diagnostics.has_errors:
        raise PolicyError(diagnostics)
    _summary(changed, total - changed, dry=check or diff)
    return Exit.FINDINGS if check and changed else Exit.FINE


def _files(paths: list[Path] | None, diagnostics: object) -> Iterator[tuple[Path, Source]]:
    from clausal.dsl.diagnostics import Diagnostics, unreadable
    from clausal.dsl.source import Source, SourceError

    assert isinstance(diagnostics, Diagnostics)
    for path in _collect(paths or [Path()]):
        try:
            yield path, Source.read(path)
        except SourceError as error:
            diagnostics.add(unreadable(error))


def _collect(paths: list[Path]) -> list[Path]:
    """The policy files at `paths`: those named, and those in folders; each once, sorted."""
    from clausal.compiler.library import policy_files

    found: dict[Path, None] = {}
    for path in paths:
        inside = list(policy_files(path))
        if not inside:
            raise CommandError(
                f"there is no policy file in `{inline(str(path))}`",
                code=Exit.USAGE,
                hint="policy files end in .policy",
            )
        found.update(dict.fromkeys(inside))
    return sorted(found)


def _as_stored(path: Path) -> str | None:
    """The text with its line ends and byte order mark, both of which `Source` takes away."""
    with path.open(encoding="utf-8", newline="") as file:
        return file.read()


def _summary(changed: int, same: int, *, dry: bool) -> None:
    words = "would be reformatted" if dry else "reformatted"
    parts = [f"{counted(changed, 'file')} {words}"] if changed else []
    if same:
        parts.append(f"{counted(same, 'file')} already in the format")
    report("done", ", ".join(parts), style="bold green")


def _filter(*, check: bool, diff: bool) -> int:
    """Format standard input; errors go to standard error, and then nothing is written."""
    from clausal.dsl.diagnostics import PolicyError, unreadable
    from clausal.dsl.printer import format_source
    from clausal.dsl.source import Source, SourceError

    data = standard_input().read()
    try:
        source = Source.decode(data, _STDIN_NAME)
    except SourceError as error:
        raise PolicyError([unreadable(error)]) from error
    text = format_source(source)
    different = text.encode() != data
    if diff:
        _print_diff(source.text, text, _STDIN_NAME)
    elif not check:
        sys.stdout.flush()
        sys.stdout.buffer.write(text.encode())
    return Exit.FINDINGS if check and different else Exit.FINE


def _print_diff(old: str, new: str, name: str) -> None:
    from rich.text import Text

    from clausal.cli.shell import console_for
    from clausal.dsl.render.visible import visible

    styles = {"+": "green", "-": "red", "@": "cyan"}
    rows = difflib.unified_diff(
        old.splitlines(), new.splitlines(), visible(name), visible(name), lineterm="", n=2
    )
    console = console_for(sys.stdout)
    for number, row in enumerate(rows):
        if not (sys.stdout.isatty() or wants_color(sys.stdout)):
            # A patch for a program: nothing in it may be changed for the eye.
            sys.stdout.write(f"{row}\n")
        else:
            style = "bold" if number < 2 else styles.get(row[:1], "")
            console.print(Text(visible(row), style=style), soft_wrap=True)
