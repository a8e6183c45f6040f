"""How `--help` looks: Typer's panels, then examples that can be copied as they stand."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from typing import Any

from typer.core import TyperCommand, TyperGroup

from clausal.cli.shell import Color, console_for, settings, wants_color

Examples = tuple[tuple[str, str], ...]
"""Pairs of what an example does and its command line."""


def epilog(examples: Examples) -> str:
    """Examples in the form that the classes below print; readable as it stands, too."""
    return "\n".join(f"# {what}\n{command}" for what, command in examples)


def described(function: Callable[..., object]) -> str:
    """The docstring of a command, one line for each paragraph, as its help."""
    text = inspect.cleandoc(function.__doc__ or "")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in text.split("\n\n"))


class Command(TyperCommand):
    """A command whose epilog holds examples."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Print the help."""
        _prepare(self, ctx)
        text, self.epilog = self.epilog, None
        try:
            super().format_help(ctx, formatter)
        finally:
            self.epilog = text
        _print_examples(text)


class Group(TyperGroup):
    """The root command; its epilog holds examples."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Print the help."""
        _prepare(self, ctx)
        text, self.epilog = self.epilog, None
        try:
            super().format_help(ctx, formatter)
        finally:
            self.epilog = text
        _print_examples(text)


def _prepare(command: TyperCommand | TyperGroup, ctx: Any) -> None:
    """Give Typer our answer on colour, and keep it from calling each flag a `<bool>`."""
    from typer import rich_utils

    color = wants_color(sys.stdout)
    rich_utils.COLOR_SYSTEM = "auto" if color else None
    rich_utils.FORCE_TERMINAL = True if settings().color is Color.ALWAYS else None
    for param in command.get_params(ctx):
        if getattr(param, "is_flag", False) and param.metavar is None:
            param.metavar = ""


def _print_examples(text: str | None) -> None:
    if not text:
        return
    from rich.text import Text

    console = console_for(sys.stdout)
    console.print(Text(" Examples", style="bold"))
    for line in text.splitlines():
        style = "dim" if line.startswith("#") else "green"
        # Wrapping would put a line end into a command that is meant to be copied.
        console.print(Text(f"   {line}", style=style), soft_wrap=True)
    console.print()
