"""Diagnostics on a terminal, and the line that counts them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, TextIO

from clausal.cli.shell import counted, wants_color, width_of

if TYPE_CHECKING:
    from clausal.dsl.diagnostics import Diagnostic


def print_diagnostics(diagnostics: Sequence[Diagnostic], stream: TextIO) -> None:
    """Print diagnostics and a line that counts them; nothing when there are none."""
    from clausal.dsl.render.terminal import render

    if not diagnostics:
        return
    text = render(diagnostics, color=wants_color(stream), width=width_of(stream))
    stream.write(f"{text}\n\n{count(diagnostics)}\n")


def count(diagnostics: Sequence[Diagnostic]) -> str:
    """`3 errors, 1 warning in 2 files`, over the files that have any; a code says what is unclear."""
    severities = Counter(str(diagnostic.severity) for diagnostic in diagnostics)
    kinds = [
        counted(severities[kind], kind) for kind in ("error", "warning", "note") if severities[kind]
    ]
    files = len({diagnostic.primary.source.name for diagnostic in diagnostics})
    return f"{', '.join(kinds)} in {counted(files, 'file')}"
