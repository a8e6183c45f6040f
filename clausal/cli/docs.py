"""`clausal docs`: the documentation of policies, as pages."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from clausal.cli.loading import bundle_of
from clausal.cli.shell import (
    ColorOption,
    CommandError,
    DebugOption,
    Exit,
    counted,
    drawing,
    inline,
    reason,
    safe,
    show,
)

EXAMPLES: Final = (
    ("of the policies that ship", "clausal docs -o pages"),
    ("of your own, for Sphinx with MyST", "clausal docs policies -o docs/policies --toctree"),
)


def command(
    policies: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="POLICIES",
            help="A bundle, or policy files and folders; else the policies that ship.",
            show_default=False,
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="DIR",
            help="A folder for the pages alone; pages made earlier are replaced.",
            show_default=False,
        ),
    ] = None,
    toctree: Annotated[
        bool,
        typer.Option("--toctree", help="Add the tables of contents that Sphinx needs."),
    ] = False,
    _color: ColorOption = None,
    _debug: DebugOption = False,
) -> int:
    """Write the documentation of policies: Markdown pages, linked with each other, in both languages.

    There is a page for each policy version (its clauses, rules with their tests, and what else it
    declares), each sanction, group of fields, ladder, duty and library, and an index.
    """
    from clausal.coverage import measure_coverage
    from clausal.pages.docs import Docs
    from clausal.testing import run_tests

    if output is None:
        raise CommandError(
            "no folder is named", code=Exit.USAGE, hint="say where the pages go: `-o pages`"
        )
    old = _made_earlier(output)
    bundle = bundle_of(policies or [])
    covered = measure_coverage(bundle.artifact.corpus, run_tests(bundle))
    with drawing():
        pages = Docs(bundle.artifact, covered, toctree=toctree).pages()
    try:
        for path in old:
            path.unlink()
        for name, text in pages.items():
            target = output / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise CommandError(
            f"cannot write to `{inline(str(output))}`: {reason(error)}", code=Exit.INPUT
        ) from error
    show(safe(f"{counted(len(pages), 'page')} in {output}, from {output / 'index.md'} on"))
    return Exit.FINE


def _made_earlier(folder: Path) -> list[Path]:
    """The pages that were made in a folder before.

    Raises:
        CommandError: if something else is there, which could be lost or be taken for a page.
    """
    from clausal.pages.docs import MADE

    try:
        found = [path for path in sorted(folder.rglob("*")) if not path.is_dir()]
        if folder.exists() and not folder.is_dir():
            found = [folder]
        for path in found:
            if path.suffix != ".md" or not path.read_bytes().startswith(MADE.encode()):
                raise CommandError(
                    f"`{inline(str(path))}` is no page made by `clausal docs`",
                    code=Exit.USAGE,
                    hint="name a folder for the pages alone, such as one that is not there yet",
                )
    except OSError as error:
        raise CommandError(
            f"cannot read `{inline(str(folder))}`: {reason(error)}", code=Exit.INPUT
        ) from error
    return found
