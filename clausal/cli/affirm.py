"""`clausal affirm`: say that rules still fit the clauses that they cite."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from clausal.cli.loading import PolicyPaths, sources_of
from clausal.cli.shell import (
    ColorOption,
    DebugOption,
    Exit,
    counted,
    safe,
    show,
    write_file,
)

if TYPE_CHECKING:
    from rich.text import Text

    from clausal.dsl.nodes import Citation, Clause, File
    from clausal.dsl.source import Source

EXAMPLES: Final = (
    ("pin every citation to the text of its clause", "clausal affirm policies"),
    ("only see which clauses changed; exit code 1 if any did", "clausal affirm policies --check"),
)


@dataclass(frozen=True, slots=True)
class _Edit:
    """A citation to be pinned: `old` is its pin, None where it has none."""

    rule: str
    citation: Citation
    clause: Clause
    old: str | None
    new: str


def command(
    paths: PolicyPaths = None,
    check: Annotated[
        bool,
        typer.Option("--check", help="Write nothing; exit code 1 if a citation is not affirmed."),
    ] = False,
    _color: ColorOption = None,
    _debug: DebugOption = False,
) -> int:
    """Pin citations to the text of their clauses, after showing which clauses changed.

    A citation such as 2.1@1a2b3c4d says under which text of clause 2.1 its rule (or duty) was written.
    When that text changes, it does not compile until somebody has read it again and affirmed it.
    """
    from clausal.dsl.diagnostics import PolicyError
    from clausal.dsl.parser import parse

    sources, diagnostics = sources_of(paths)
    found: list[tuple[Source, list[_Edit]]] = []
    for source in sources:
        file, problems = parse(source)
        diagnostics.extend(problems)
        found.append((source, list(_edits(file))))
    if diagnostics.has_errors:
        raise PolicyError(diagnostics)
    for source, edits in found:
        if edits:
            _show(source, edits)
            if not check:
                write_file(Path(source.name), _apply(source, edits).encode())
    edits = [edit for _, some in found for edit in some]
    show(_total(edits, check=check))
    return Exit.FINDINGS if check and edits else Exit.FINE


def _edits(file: File) -> Iterator[_Edit]:
    from clausal.compiler.checking.documents import fingerprint
    from clausal.dsl import nodes

    clauses = {d.id.text: d for d in file.declarations if isinstance(d, nodes.Clause)}
    for rule in file.declarations:
        if not isinstance(rule, nodes.Rule | nodes.Duty):
            continue
        for entry in rule.entries:
            if not isinstance(entry, nodes.Cites):
                continue
            for citation in entry.citations:
                clause = clauses.get(citation.clause.text)
                # A clause that does not exist is for `check` to complain about.
                if clause is None:
                    continue
                new = fingerprint(clause.quote.value)
                if citation.pin != new:
                    yield _Edit(rule.name.text, citation, clause, citation.pin, new)


def _apply(source: Source, edits: Sequence[_Edit]) -> str:
    text = source.text
    for edit in sorted(edits, key=lambda edit: edit.citation.span.start, reverse=True):
        span = edit.citation.span
        pinned = f"{edit.citation.clause.text}@{edit.new}"
        text = text[: span.start] + pinned + text[span.end :]
    return text


def _show(source: Source, edits: Sequence[_Edit]) -> None:
    """Print each clause with the rules that cite it: those whose text changed first."""
    from rich.text import Text

    show(safe(source.name, "bold"))
    for changed in (True, False):
        by_clause: dict[str, list[_Edit]] = {}
        for edit in edits:
            if (edit.old is not None) == changed:
                by_clause.setdefault(edit.clause.id.text, []).append(edit)
        for clause, some in by_clause.items():
            label = ("changed  ", "bold yellow") if changed else ("new      ", "green")
            pins = sorted({edit.old for edit in some if edit.old is not None})
            before = f"{', '.join(pins)} -> " if pins else ""
            show(Text.assemble("  ", label, safe(clause, "bold"), f"  {before}{some[0].new}"))
            show(Text.assemble("           ", safe(some[0].clause.quote.value)))
            rules = ", ".join(dict.fromkeys(edit.rule for edit in some))
            show(Text.assemble("           ", ("cited by ", "dim"), safe(rules)))
    show("")


def _total(edits: Sequence[_Edit], *, check: bool) -> Text:
    if not edits:
        return safe("every citation is affirmed", "bold green")
    changed = sum(edit.old is not None for edit in edits)
    parts = []
    if changed:
        parts.append(f"{counted(changed, 'citation')} of a clause whose text changed")
    if len(edits) > changed:
        parts.append(f"{counted(len(edits) - changed, 'citation')} without a pin")
    verb = "not affirmed" if check else "affirmed"
    return safe(f"{verb}: {', '.join(parts)}", "bold yellow" if check else "bold green")
