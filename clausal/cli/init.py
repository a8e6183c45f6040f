"""`clausal init`: a project to begin with."""

from __future__ import annotations

from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated, Final

import typer

from clausal.cli.shell import (
    ColorOption,
    CommandError,
    DebugOption,
    Exit,
    inline,
    print_text,
    reason,
    show,
)

EXAMPLES: Final = (
    (
        "make a project, run its tests, decide its events",
        "clausal init forum && cd forum && clausal test && clausal run policies events.ndjson",
    ),
)

_TEMPLATE: Final = "starter"


def command(
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="DIR", help="Where to make it; the folder may exist.", show_default=False
        ),
    ],
    _color: ColorOption = None,
    _debug: DebugOption = False,
) -> int:
    """Make a project to begin with: a notice, a policy with its tests, and a few events.

    Nothing that exists is overwritten.
    """
    files = dict(_files(resources.files("clausal") / "templates" / _TEMPLATE, Path()))
    taken = [path for path in files if (folder / path).exists()]
    if taken:
        raise CommandError(
            f"`{inline(str(folder / taken[0]))}` exists already, and nothing is overwritten",
            code=Exit.USAGE,
            hint="choose another folder",
        )
    try:
        for path, content in files.items():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            # "x" refuses what came into being since it was looked for.
            with target.open("xb") as file:
                file.write(content)
    except OSError as error:
        raise CommandError(
            f"cannot make `{inline(str(folder))}`: {reason(error)}", code=Exit.INPUT
        ) from error
    _print_tree(folder, sorted(files))
    return Exit.FINE


def _files(folder: Traversable, path: Path) -> list[tuple[Path, bytes]]:
    found: list[tuple[Path, bytes]] = []
    for entry in folder.iterdir():
        if entry.is_dir():
            found += _files(entry, path / entry.name)
        else:
            found.append((path / entry.name, entry.read_bytes()))
    return found


def _print_tree(folder: Path, files: list[Path]) -> None:
    from rich.text import Text

    from clausal.cli.shell import safe

    show(safe(f"made {folder}", "bold green"))
    for path in files:
        show(safe(f"  {path}"))
    print_text("")
    show(
        Text.assemble("next  ", safe(f"clausal test {folder}", "bold")),
        Text.assemble(
            "      ", safe(f"clausal run {folder}/policies {folder}/events.ndjson", "bold")
        ),
    )
