"""The command line, as tests use it: in this process, or in one of its own as a user does."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import termios
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from typer.testing import CliRunner

from clausal.cli.app import app

WIDTH = 100
"""Cells in a line of the output."""

_ENVIRONMENT = {"COLUMNS": str(WIDTH), "NO_COLOR": "", "FORCE_COLOR": "", "TERM": "xterm"}


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command wrote and how it ended."""

    code: int
    out: str
    err: str

    @property
    def both(self) -> str:
        """Exit code, standard output and standard error, for a golden."""
        return f"exit code {self.code}\n── output ──\n{self.out}── errors ──\n{self.err}"


def clausal(
    *arguments: str | Path, stdin: str | bytes = b"", env: Mapping[str, str] | None = None
) -> Ran:
    """Run a command line in this process."""
    result = CliRunner().invoke(
        app,
        [str(argument) for argument in arguments],
        input=stdin,
        env={**_ENVIRONMENT, **(env or {})},
        prog_name="clausal",
    )
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Ran(result.exit_code, result.stdout, result.stderr)


def clausal_process(
    *arguments: str | Path,
    stdin: bytes = b"",
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> Ran:
    """Run a command line in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-P", "-m", "clausal.cli", *map(str, arguments)],
        input=stdin,
        capture_output=True,
        env={**os.environ, **_ENVIRONMENT, **(env or {})},
        cwd=cwd,
        timeout=120,
        check=False,
    )
    return Ran(done.returncode, done.stdout.decode(), done.stderr.decode())


def clausal_terminal(
    *arguments: str | Path, env: Mapping[str, str] | None = None, cwd: Path | None = None
) -> tuple[int, str]:
    """Run a command line on a terminal of its own, and return its exit code and what it shows."""
    ours, theirs = pty.openpty()
    # As most terminals: 40 lines of WIDTH cells.
    termios.tcsetwinsize(theirs, (40, WIDTH))
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "clausal.cli", *map(str, arguments)],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, **_ENVIRONMENT, "COLUMNS": "", **(env or {})},
        cwd=cwd,
    )
    os.close(theirs)
    shown = b""
    while True:
        try:
            data = os.read(ours, 65536)
        except OSError:  # how Linux says that nobody holds the other end any more
            break
        if not data:
            break
        shown += data
    os.close(ours)
    return process.wait(timeout=120), shown.decode()
