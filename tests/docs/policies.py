"""Policy fences: they parse, stand in the canonical format, and compile, or fail as they say."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Final

from clausal.compiler.pipeline import check_sources
from clausal.dsl.codes import Severity
from clausal.dsl.diagnostics import Diagnostics, PolicyError
from clausal.dsl.printer import format_source
from clausal.dsl.render import terminal
from clausal.dsl.source import Source
from tests.docs.fences import ROOT, Fence, fences

CONTEXT_PAGE: Final = ROOT / "docs" / "language" / "index.md"
"""The page with the declarations that every fragment is checked behind."""

_UNUSED: Final = frozenset({"W0902", "W0903"})
"""What a fragment may leave open: clauses and names that nothing in it uses."""


@cache
def context() -> str:
    """The declarations that stand before every fragment."""
    (found,) = (fence for fence in fences(CONTEXT_PAGE) if "context" in fence.attributes)
    return found.text


def problems(fence: Fence, folder: Path) -> list[str]:
    """What is wrong with a policy fence; `folder` holds the files that it may name."""
    text = fence.text
    name = fence.attributes.get("file") or fence.attributes.get("append") or "example.policy"
    if "append" in fence.attributes:
        text = (folder / name).read_text(encoding="utf-8")
    elif fence.language == "clausal-fragment":
        text = f"{context()}\n{text}"
    _, diagnostics = check_sources([Source(str(folder / name), text)])
    wanted = set(filter(None, fence.attributes.get("error", "").split(",")))
    allowed = set(filter(None, fence.attributes.get("warning", "").split(",")))
    errors = {d.code for d in diagnostics if d.severity is Severity.ERROR}
    warnings = {d.code for d in diagnostics if d.severity is Severity.WARNING}
    if "context" in fence.attributes or text.startswith(context()):
        warnings -= _UNUSED - allowed
    found = []
    if errors != wanted:
        found.append(f"errors {sorted(errors)} instead of {sorted(wanted)}\n{_shown(diagnostics)}")
    if warnings != allowed:
        found.append(
            f"warnings {sorted(warnings)} instead of {sorted(allowed)}\n{_shown(diagnostics)}"
        )
    return found


def formatted(fence: Fence) -> str | None:
    """The canonical form of a fence; None if its syntax has errors."""
    try:
        return format_source(Source(fence.place, fence.text))
    except PolicyError:
        return None


def _shown(diagnostics: Diagnostics) -> str:
    return terminal.render(diagnostics, color=False, width=100)
