"""`clausal check`: find everything that is wrong with policies."""

from __future__ import annotations

import enum
import sys
from typing import Annotated, Final

import typer

from clausal.cli.loading import PolicyPaths, sources_of
from clausal.cli.shell import ColorOption, CommandError, DebugOption, Exit, counted, print_text

EXAMPLES: Final = (
    ("check every policy under a folder", "clausal check policies"),
    ("fail on warnings, too, as a gate does", "clausal check policies --deny warnings"),
    (
        "for a code host that shows findings in place",
        "clausal check policies --sarif > clausal.sarif",
    ),
)

_FORMS: Final = "Output"


class Denied(enum.StrEnum):
    """What counts as an error though it is none."""

    WARNINGS = "warnings"


def command(
    paths: PolicyPaths = None,
    deny: Annotated[
        Denied | None,
        typer.Option("--deny", help="Fail on these, too.", show_default=False),
    ] = None,
    as_json: Annotated[
        bool,
        typer.Option("--json", help="Print a JSON list of diagnostics.", rich_help_panel=_FORMS),
    ] = False,
    as_sarif: Annotated[
        bool,
        typer.Option("--sarif", help="Print a SARIF 2.1.0 log.", rich_help_panel=_FORMS),
    ] = False,
    _color: ColorOption = None,
    _debug: DebugOption = False,
) -> int:
    """Find errors and warnings in policies, all of them at once.

    Policies are checked together, with the libraries that they use. Each message shows the place,
    what was expected and the nearest name that exists; `clausal explain CODE` says more about it.
    Exit code 3 means that there are errors.
    """
    from clausal.cli.diagnostics import print_diagnostics
    from clausal.compiler.pipeline import check_sources
    from clausal.dsl.codes import Severity

    if as_json and as_sarif:
        raise CommandError("choose one of `--json` and `--sarif`", code=Exit.USAGE)
    sources, diagnostics = sources_of(paths)
    _, found = check_sources(sources)
    diagnostics.extend(found)
    every = tuple(diagnostics)
    if as_json:
        from clausal.dsl.render.json import render

        print_text(render(every))
    elif as_sarif:
        from clausal.dsl.render import sarif

        print_text(sarif.render(every))
    elif every:
        print_diagnostics(every, sys.stdout)
    else:
        print_text(f"{counted(len(sources), 'file')} checked, nothing to complain about")
    failed = diagnostics.has_errors or (
        deny is Denied.WARNINGS and any(one.severity is Severity.WARNING for one in every)
    )
    return Exit.POLICY if failed else Exit.FINE
