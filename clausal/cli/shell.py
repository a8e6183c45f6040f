"""What the commands share: exit codes, failures, consoles, and how files are written.

Nothing here imports Rich, the compiler or the engine before it is needed, so that `--help` and
shell completion stay quick.
"""

from __future__ import annotations

import contextlib
import enum
import os
import stat
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO, Final, TextIO

import typer

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.text import Text

DEFAULT_WIDTH: Final = 100
"""Cells in a line when the output is no terminal and the environment does not say."""

STDIO: Final = "-"
"""Stands for standard input or standard output."""


class Exit(enum.IntEnum):
    """How a command ends."""

    FINE = 0
    FINDINGS = 1
    """Findings, failed tests or files to format, where the user asked to be told."""
    USAGE = 2
    POLICY = 3
    """The policies have errors."""
    INPUT = 4
    """Events, a bundle, a ledger or an output file cannot be read or written."""
    INTERNAL = 70
    """A fault of Clausal itself (EX_SOFTWARE of sysexits.h)."""
    STOPPED = 130
    """Ctrl-C, or whoever read the output went away."""


class CommandError(Exception):
    """A command that cannot go on, told in one line: lowercase, no final period.

    `hint` says what to do about it, if that is known.
    """

    def __init__(self, message: str, *, code: Exit, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.hint = hint


class Color(enum.StrEnum):
    """When to write in colour."""

    AUTO = "auto"
    ALWAYS = "always"
    NEVER = "never"


@dataclass(slots=True)
class Settings:
    """What the options that every command takes were set to, for one run."""

    color: Color = Color.AUTO
    debug: bool = False


_settings: ContextVar[Settings | None] = ContextVar("clausal_settings", default=None)


def settings() -> Settings:
    """The settings of the command that runs now."""
    found = _settings.get()
    if found is None:
        found = Settings()
        _settings.set(found)
    return found


def fresh_settings() -> None:
    """Forget what an earlier command in this process was told."""
    _settings.set(Settings())


# ── Options that every command takes ─────────────────────────────────────────────────────────────


def _set_color(value: Color | None) -> Color | None:
    if value is not None:
        settings().color = value
    return value


def _set_debug(value: bool) -> bool:
    if value:
        settings().debug = True
    return value


_COMMON_PANEL: Final = "Common options"

# Callbacks, so that a command need not pass them on; eager, so that `--help` obeys them.
ColorOption = Annotated[
    Color | None,
    typer.Option(
        "--color",
        help="Colour: auto (on a terminal, unless NO_COLOR is set), always or never.",
        callback=_set_color,
        is_eager=True,
        show_default=False,
        rich_help_panel=_COMMON_PANEL,
        metavar="WHEN",
    ),
]
DebugOption = Annotated[
    bool,
    typer.Option(
        "--debug",
        help="Show the Python traceback of a failure.",
        callback=_set_debug,
        is_eager=True,
        show_default=False,
        rich_help_panel=_COMMON_PANEL,
    ),
]


# ── Consoles ─────────────────────────────────────────────────────────────────────────────────────


def wants_color(stream: TextIO) -> bool:
    """Whether escape codes may be written to `stream` (https://no-color.org, force-color.org)."""
    chosen = settings().color
    if chosen is not Color.AUTO:
        return chosen is Color.ALWAYS
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def width_of(stream: TextIO) -> int:
    """The cells in a line of `stream`: what COLUMNS says, what the terminal says, or 100."""
    said = os.environ.get("COLUMNS", "")
    if said.isascii() and said.isdigit() and int(said) > 0:
        return int(said)
    try:
        columns = os.get_terminal_size(stream.fileno()).columns
    except (OSError, ValueError):  # not a terminal; a stream without a file
        columns = 0
    return columns or DEFAULT_WIDTH


def console_for(stream: TextIO) -> Console:
    """A console that treats text as text: no markup, no emoji names, no highlighting of its own."""
    from rich.console import Console

    color = wants_color(stream)
    return Console(
        file=stream,
        color_system="standard" if color else None,
        force_terminal=color,
        width=width_of(stream),
        markup=False,
        emoji=False,
        highlight=False,
        legacy_windows=False,
    )


def show(*parts: RenderableType, stream: TextIO | None = None) -> None:
    """Print renderables to standard output, or to `stream`, each on lines of its own.

    Rich fills the lines of tables and indented text with blanks; these are left away.
    """
    target = stream or sys.stdout
    console = console_for(target)
    for part in parts:
        with console.capture() as captured:
            console.print(part)
        lines = captured.get().split("\n")
        target.write("\n".join(line.rstrip(" ") for line in lines))


def safe(text: str, style: str = "") -> Text:
    """Text of a user, ready to print: on one line, without anything that a terminal obeys."""
    from rich.text import Text

    from clausal.dsl.render.visible import visible

    return Text(visible(text), style=style)


def inline(text: str) -> str:
    """Text of a user within a message: on one line, made safe, cut when it is very long."""
    from clausal.dsl.render.visible import visible

    return visible(text if len(text) <= 200 else text[:199] + "…")


def counted(number: int, noun: str, plural: str = "") -> str:
    """`1 error`, `2 errors`, `1,234 errors`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def print_text(text: str) -> None:
    """Write text that is safe as it is to standard output, with a line end."""
    sys.stdout.write(text + "\n")


def print_json(value: object) -> None:
    """Write a value as indented JSON that no terminal acts on to standard output."""
    import json

    from clausal.dsl.render.visible import escape_json

    print_text(escape_json(json.dumps(value, ensure_ascii=False, indent=2)))


def report(kind: str, message: str, hint: str = "", *, style: str = "bold red") -> None:
    """Write `kind: message` to standard error, and what can be done about it under it."""
    from rich.text import Text

    from clausal.dsl.render.visible import visible

    line = Text.assemble((f"{kind}: ", style), visible(message))
    console = console_for(sys.stderr)
    console.print(line, soft_wrap=True)
    if hint:
        console.print(Text.assemble(("help: ", "bold cyan"), visible(hint)), soft_wrap=True)


# ── Files ────────────────────────────────────────────────────────────────────────────────────────


def reason(error: OSError) -> str:
    """Why the system refused, in its words, as the second half of a message."""
    text = error.strerror or str(error) or type(error).__name__
    return text[:1].lower() + text[1:]


def write_file(path: Path, data: bytes) -> None:
    """Write a whole file at once: whoever looks sees the old content or the new, never a part.

    The mode of a file that was there is kept, and a link is followed.

    Raises:
        CommandError: when the file cannot be written.
    """
    target = path.resolve()
    try:
        if target.exists() and not target.is_file():
            # A device or a pipe takes the bytes as they come; a folder refuses here.
            target.write_bytes(data)
            return
        mode = stat.S_IMODE(target.stat().st_mode) if target.exists() else 0o666 & ~_umask()
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            Path(name).chmod(mode)
            Path(name).replace(target)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise CommandError(f"cannot write `{path}`: {reason(error)}", code=Exit.INPUT) from error


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


@contextlib.contextmanager
def open_output(name: str, *, append: bool = False) -> Iterator[BinaryIO]:
    """A binary file to write to as results come, behind what it holds if asked; `-` is standard output.

    Raises:
        CommandError: when the file cannot be opened.
    """
    if name == STDIO:
        sys.stdout.flush()
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    try:
        # Closed below, after an error of its own kind.
        file = Path(name).open("ab" if append else "wb")  # noqa: SIM115
    except OSError as error:
        raise CommandError(f"cannot write `{name}`: {reason(error)}", code=Exit.INPUT) from error
    with file:
        yield file


def write_output(name: str, data: bytes) -> None:
    """Write a whole file at once; `-` is standard output.

    Raises:
        CommandError: when the file cannot be written.
    """
    if name == STDIO:
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    else:
        write_file(Path(name), data)


@contextlib.contextmanager
def drawing() -> Iterator[None]:
    """Tell in one line that pages cannot be drawn, for want of what the extra `report` installs.

    Raises:
        CommandError: when that is so.
    """
    from clausal.pages.html import MissingExtraError

    try:
        yield
    except MissingExtraError as error:
        raise CommandError(
            str(error), code=Exit.USAGE, hint="install it: pip install 'clausal[report]'"
        ) from error


def same_file(left: str, right: str) -> bool:
    """Whether two names mean one file, which need not be there yet; devices and pipes are apart."""
    if STDIO in {left, right}:
        return left == right
    try:
        one, other = Path(left).resolve(), Path(right).resolve()
        if not one.exists():
            return one == other
        return one.is_file() and one.samefile(other)
    except (OSError, RuntimeError, ValueError):
        return False


def keep_apart(written: Sequence[str], read: Iterable[str] = ()) -> None:
    """Refuse to write over what is read, or two outputs into one file.

    Raises:
        CommandError: when that would happen.
    """
    for name in (name for name in written if name != STDIO):
        if any(same_file(name, other) for other in read if other != STDIO):
            raise CommandError(
                f"`{inline(name)}` would be written and read at once", code=Exit.USAGE
            )
    for at, name in enumerate(written):
        if any(same_file(name, other) for other in written[:at]):
            raise CommandError("two outputs would go to one file", code=Exit.USAGE)


def standard_input() -> BinaryIO:
    """The bytes of standard input.

    Raises:
        CommandError: when it was closed before the program began.
    """
    if sys.stdin is None:
        raise CommandError("standard input is closed", code=Exit.INPUT)
    return sys.stdin.buffer
