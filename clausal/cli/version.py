"""`clausal version`: what is installed."""

from __future__ import annotations

import platform
from typing import Annotated, Final

import typer

from clausal.cli.shell import ColorOption, DebugOption, Exit, print_json, print_text
from clausal.dsl.version import __version__

EXAMPLES: Final = (
    ("the version and where it runs", "clausal version"),
    ("for a program", "clausal version --json"),
)


def print_version() -> None:
    """Print the version alone."""
    print_text(f"clausal {__version__}")


def command(
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON object.")] = False,
    _color: ColorOption = None,
    _debug: DebugOption = False,
) -> int:
    """Print the version of Clausal, of its bundle format and of Python."""
    from clausal.compiler.bundle import FORMAT

    facts = {
        "clausal": __version__,
        "bundle_format": FORMAT,
        "python": platform.python_version(),
        "platform": platform.platform(),
    }
    if as_json:
        print_json(facts)
        return Exit.FINE
    print_version()
    print_text(f"bundle format {facts['bundle_format']}")
    print_text(f"Python {facts['python']} on {facts['platform']}")
    return Exit.FINE
