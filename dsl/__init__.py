"""The policy language: text to syntax tree with spans, back to text, and diagnostics.

    from clausal.dsl import Source, parse, print_file

    source = Source("example.policy", "param cutoff = 85 ％")
    file, diagnostics = parse(source)
    text = print_file(file, source)

The nodes of the tree are in `clausal.dsl.nodes`, what diagnostics look like in `clausal.dsl.render`.
Names are imported when they are first used, so that a program that only wants a `Source` or a
`PolicyError` does not wait for the grammar.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from clausal.dsl.diagnostics import Diagnostic, Diagnostics, Label, PolicyError, Severity
    from clausal.dsl.parser import keywords, parse
    from clausal.dsl.printer import format_source, print_file
    from clausal.dsl.source import Source, SourceError, Span

__all__ = [
    "Diagnostic",
    "Diagnostics",
    "Label",
    "PolicyError",
    "Severity",
    "Source",
    "SourceError",
    "Span",
    "format_source",
    "keywords",
    "parse",
    "print_file",
]

_HOMES: Final = {
    "Diagnostic": "diagnostics",
    "Diagnostics": "diagnostics",
    "Label": "diagnostics",
    "PolicyError": "diagnostics",
    "Severity": "diagnostics",
    "Source": "source",
    "SourceError": "source",
    "Span": "source",
    "format_source": "printer",
    "keywords": "parser",
    "parse": "parser",
    "print_file": "printer",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module `{__name__}` has no attribute `{name}`")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
