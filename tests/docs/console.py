"""Console fences: the commands in them are run by a shell, and what they print is compared.

A line that begins with ``$`` is a command, one that begins with ``>`` continues it; the lines up to
the next command are what it prints, on standard output and standard error together.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.docs.output import ELLIPSIS, matches

COLUMNS: Final = 90
"""The width of the terminal that the documentation shows."""

_SECONDS: Final = 120

_VARYING: Final = tuple(
    map(
        re.compile,
        (
            r"(?<=sha256:)[0-9a-f]{64}",
            r"[\d.]+(?= s\b)",
            r"[\d,]+(?= events/s)",
            r"[\d.]+(?= KiB)",
            r"(?<=clausal )\d+\.\d+\.\d+",
        ),
    )
)
"""What differs from one machine, run or version to the next."""


@dataclass(frozen=True, slots=True)
class Command:
    """A command line and what the documentation says that it prints."""

    line: str
    shown: str


def commands(text: str) -> list[Command]:
    """The commands of a fence.

    Raises:
        ValueError: if it does not begin with a command.
    """
    found: list[tuple[list[str], list[str]]] = []
    for line in text.splitlines():
        if line.startswith("$ "):
            found.append(([line[2:]], []))
        elif not found:
            raise ValueError(f"a console fence begins with `$ COMMAND`, not `{line}`")
        elif line.startswith("> ") and not found[-1][1]:
            found[-1][0].append(line[2:])
        else:
            found[-1][1].append(line)
    return [Command("\n".join(lines), "\n".join(shown)) for lines, shown in found]


def run(lines: Sequence[str], folder: Path) -> list[str]:
    """What each command prints, run one after the other by one shell in a folder.

    Raises:
        RuntimeError: if the shell ends before the last command.
    """
    mark = f"--- {os.urandom(8).hex()} ---"
    # The status of a command is put back, so that the next one may print it.
    after = f"__status=$?; printf '%s' '{mark}'; (exit $__status)\n"
    script = "".join(f"{line}\n{after}" for line in lines)
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-c", script],
        cwd=folder,
        env=_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=_SECONDS,
        check=False,
    )
    outputs = done.stdout.split(mark)
    if len(outputs) != len(lines) + 1 or outputs[-1]:
        raise RuntimeError(f"the shell ended early:\n{done.stdout}")
    return outputs[:-1]


def transcript(ran: Sequence[Command], outputs: Sequence[str]) -> str:
    """The text of a fence that shows these outputs; what was shown already and is true is kept."""
    rows: list[str] = []
    for command, output in zip(ran, outputs, strict=True):
        first, *rest = command.line.split("\n")
        rows += [f"$ {first}", *(f"> {line}" for line in rest)]
        shown = command.shown if matches(command.shown, output) else _without_varying(output)
        rows += [line.rstrip() for line in shown.rstrip().splitlines()]
    return "".join(f"{row}\n" for row in rows)


def _without_varying(output: str) -> str:
    for varying in _VARYING:
        output = varying.sub(ELLIPSIS, output)
    return output


def _environment() -> dict[str, str]:
    """A plain terminal in UTF-8 with the commands of this interpreter, and nothing of the user's."""
    kept = ("PYTHONPATH", "PYTHONSAFEPATH", "TMPDIR", "LD_PRELOAD", "ASAN_OPTIONS", "PYTHONMALLOC")
    return {name: os.environ[name] for name in kept if name in os.environ} | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "HOME": os.devnull,
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
        "COLUMNS": str(COLUMNS),
        "NO_COLOR": "1",
        "TERM": "dumb",
        "TZ": "UTC",
    }
