"""The root of the command line: which commands there are, and what becomes of failures.

Every way that a command can end passes through `Root.main`, so that no user ever meets a traceback
unless they asked for one with `--debug`.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any, Final, NoReturn, TextIO

import typer

from clausal.cli import (
    affirm,
    appeal,
    bench,
    blacklist,
    brake,
    check,
    coverage,
    docs,
    duties,
    enforce,
    explain,
    fmt,
    generate,
    init,
    inspect,
    ledger,
    outbox,
    profile,
    review,
    run,
    schema,
    test,
    version,
)
from clausal.cli import compile as compile_policies
from clausal.cli import report as report_campaign
from clausal.cli.help import Command, Examples, Group, described, epilog
from clausal.cli.shell import (
    ColorOption,
    CommandError,
    DebugOption,
    Exit,
    fresh_settings,
    report,
    settings,
)

_WRITING: Final = "Write policies"
_RUNNING: Final = "Run them"
_ENFORCING: Final = "Enforce them"
_LOOKING: Final = "Look things up"

COMMANDS: Final[tuple[tuple[str, str, ModuleType], ...]] = (
    ("init", _WRITING, init),
    ("check", _WRITING, check),
    ("fmt", _WRITING, fmt),
    ("test", _WRITING, test),
    ("coverage", _WRITING, coverage),
    ("affirm", _WRITING, affirm),
    ("docs", _WRITING, docs),
    ("compile", _RUNNING, compile_policies),
    ("run", _RUNNING, run),
    ("explain", _RUNNING, explain),
    ("duties", _RUNNING, duties),
    ("report", _RUNNING, report_campaign),
    ("generate", _RUNNING, generate),
    ("bench", _RUNNING, bench),
    ("profile", _RUNNING, profile),
    ("enforce", _ENFORCING, enforce),
    ("inspect", _LOOKING, inspect),
    ("schema", _LOOKING, schema),
    ("version", _LOOKING, version),
)
"""Name, group and module of each command; a module has `command` and `EXAMPLES`."""

GROUPS: Final[tuple[tuple[str, str, ModuleType], ...]] = (
    ("ledger", _ENFORCING, ledger),
    ("review", _ENFORCING, review),
    ("appeal", _ENFORCING, appeal),
    ("outbox", _ENFORCING, outbox),
    ("brake", _ENFORCING, brake),
    ("blacklist", _ENFORCING, blacklist),
)
"""Name, group and module of each command that has commands of its own, as `clausal ledger verify`.

A module has `COMMANDS`, with the name, function and examples of each, and `HELP`, a sentence.
"""

_HELP_OPTIONS: Final = {"help_option_names": ["-h", "--help"]}

_EXAMPLES: Final = (
    ("a project to begin with, and its tests", "clausal init demo && clausal test demo"),
    ("decide events with the policies that ship", "clausal run events.ndjson -o decisions.ndjson"),
    ("what an error code means", "clausal explain E0101"),
    ("completion of commands and options in this shell", "clausal --install-completion"),
)

_DESCRIPTION: Final = """Policy rules for content platforms: written clause by clause, compiled, decided with reasons.

Exit codes: 0 fine · 1 findings or failed tests, where asked · 2 usage · 3 bad policy · 4 bad input \
· 130 stopped."""


class _StoppedError(Exception):
    """Ctrl-C, or a closed pipe; kept from the library, which would choose other exit codes."""


class Root(Group):
    """The command `clausal`."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was named."""
        try:
            return super().invoke(ctx)
        except (KeyboardInterrupt, BrokenPipeError) as stopped:
            raise _StoppedError from stopped

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        """Run a command line and turn every failure into a message and an exit code.

        In standalone mode, the default, it leaves with SystemExit; else it returns the exit code.
        """
        fresh_settings()
        # A stream that was closed before the program began is None, where nobody reads.
        sys.stdout = _forgiving(sys.stdout)
        sys.stderr = _forgiving(sys.stderr)
        try:
            result = super().main(
                args, prog_name, complete_var, False, windows_expand_args, **extra
            )
            code = int(result) if isinstance(result, int) else Exit.FINE
            sys.stdout.flush()
        except (KeyboardInterrupt, BrokenPipeError, _StoppedError, typer.Abort):
            _close_quietly()
            code = Exit.STOPPED
        except Exception as error:  # the last resort is what this method is for
            code = _explain_failure(error)
            # What could not be written still waits in the stream, and would fail again at the end.
            _close_quietly()
        if standalone_mode:
            sys.exit(code)
        return code


def _explain_failure(error: Exception) -> int:
    """Tell the user about `error`, on standard error, and return the exit code."""
    try:
        code = _tell(error)
        if settings().debug:
            import traceback

            traceback.print_exception(error)
        sys.stderr.flush()
    except (BrokenPipeError, KeyboardInterrupt):
        _close_quietly()
        return Exit.STOPPED
    except OSError:
        # Standard error cannot be written, so there is nowhere to say why.
        _close_quietly()
        return Exit.INPUT
    return code


def _tell(error: Exception) -> int:
    if isinstance(error, CommandError):
        report("error", error.message, error.hint)
        return error.code
    # The exceptions of the parsing library are known by what they can do: versions of Typer differ
    # in where they define them.
    format_message = getattr(error, "format_message", None)
    if format_message is not None:
        context = getattr(error, "ctx", None)
        hint = f"{context.command_path} --help" if context is not None else ""
        text = _lowered(str(format_message()))
        report("error", text, f"`{hint}` says how it is used" if hint else "")
        return Exit.USAGE
    known = _known_failure(error)
    if known is not None:
        return known
    text = str(error).partition("\n")[0]
    report(
        "internal error",
        f"{type(error).__name__}: {text}" if text else type(error).__name__,
        "this is a fault of Clausal, not yours; please report it, with what `--debug` shows",
    )
    return Exit.INTERNAL


def _known_failure(error: Exception) -> int | None:
    """Failures of the rooms below, which are imported only once something failed."""
    from clausal.compiler.bundle import BundleError
    from clausal.dsl.diagnostics import PolicyError
    from clausal.enforcement.ledger import LedgerError
    from clausal.enforcement.people import RefusedError
    from clausal.reading import InputError

    if isinstance(error, PolicyError):
        from clausal.cli.diagnostics import print_diagnostics

        print_diagnostics(error.diagnostics, sys.stderr)
        return Exit.POLICY
    if isinstance(error, InputError):
        report("error", str(error), error.hint)
        return Exit.INPUT
    if isinstance(error, BundleError):
        report("error", str(error))
        return Exit.INPUT
    if isinstance(error, LedgerError):
        report("error", str(error), error.hint)
        return Exit.INPUT
    if isinstance(error, RefusedError):
        report("refused", str(error), error.hint)
        return Exit.INPUT
    if isinstance(error, OSError):
        name = f" `{error.filename}`" if error.filename else ""
        report("error", f"cannot read or write{name}: {error.strerror or error}")
        return Exit.INPUT
    return None


def _lowered(text: str) -> str:
    """A message of the parsing library in our style: lowercase, no final period."""
    text = text.replace("Value error, ", "")  # how the library names the class of the cause
    return (text[:1].lower() + text[1:]).removesuffix(".")


def _forgiving(stream: TextIO | None) -> TextIO:
    """The stream, on which characters that its encoding lacks are shown by number."""
    if stream is None:
        return Path(os.devnull).open("w", encoding="utf-8")
    if isinstance(stream, io.TextIOWrapper) and stream.errors == "strict":
        stream.reconfigure(errors="backslashreplace")
    return stream


def _close_quietly() -> None:
    """Keep the interpreter from complaining, as it ends, about output that nobody reads."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            with contextlib.suppress(OSError, ValueError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _print_version(asked: bool) -> None:
    if asked:
        version.print_version()
        raise typer.Exit


def _root(
    context: typer.Context,
    _version: Annotated[
        bool,
        typer.Option(
            "--version",
            help="Print the version and leave.",
            callback=_print_version,
            is_eager=True,
            show_default=False,
        ),
    ] = False,
    _color: ColorOption = None,
    _debug: DebugOption = False,
) -> None:
    if context.invoked_subcommand is None:
        context.get_help()
        raise typer.Exit(Exit.USAGE)


def _build() -> typer.Typer:
    root = typer.Typer(
        name="clausal",
        cls=Root,
        help=_DESCRIPTION,
        epilog=epilog(_EXAMPLES),
        rich_markup_mode="rich",
        pretty_exceptions_enable=False,
        context_settings=_HELP_OPTIONS,
        invoke_without_command=True,
    )
    root.callback()(_root)
    for name, panel, module in COMMANDS:
        _add(root, name, module.command, module.EXAMPLES, panel)
    for name, panel, module in GROUPS:
        group = typer.Typer(
            name=name,
            cls=Group,
            help=module.HELP,
            epilog=epilog(()),
            rich_markup_mode="rich",
            pretty_exceptions_enable=False,
            context_settings=_HELP_OPTIONS,
            no_args_is_help=True,
        )
        for inner, function, examples in module.COMMANDS:
            _add(group, inner, function, examples)
        root.add_typer(group, rich_help_panel=panel)
    return root


def _add(
    to: typer.Typer,
    name: str,
    function: Callable[..., int],
    examples: Examples,
    panel: str | None = None,
) -> None:
    to.command(
        name=name,
        cls=Command,
        help=described(function),
        epilog=epilog(examples),
        rich_help_panel=panel,
        context_settings=_HELP_OPTIONS,
    )(function)


app: Final = _build()


def main() -> NoReturn:
    """The entry point of the `clausal` executable; leaves with SystemExit."""
    typer.main.get_command(app).main(prog_name="clausal")
    raise AssertionError("standalone mode does not return")
