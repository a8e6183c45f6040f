"""Lists of terms and samples, written in the policy or read from files beside it; and patterns."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import PurePath

from clausal.compiler.checking.definitions import Definitions, SamplesInfo, TermsInfo
from clausal.compiler.checking.report import Report
from clausal.compiler.checking.schema import shown
from clausal.compiler.checking.scopes import Scope
from clausal.compiler.library import beside
from clausal.compiler.text.patterns import pattern_problem
from clausal.compiler.text.terms import check_term
from clausal.compiler.types import Scalar
from clausal.dsl import nodes
from clausal.dsl.diagnostics import Label
from clausal.dsl.source import Source, SourceError, Span

# ── Terms ────────────────────────────────────────────────────────────────────────────────────────


def declare_terms(scope: Scope, node: nodes.Terms) -> TermsInfo | None:
    """The list that ``node`` declares; None after reporting what is wrong with it."""
    name = f"{scope.document.name}.{node.name.text}"
    if isinstance(node.source, nodes.FileOf):
        file = _read(scope.report, node.source.file)
        if file is None:
            return None
        entries = [(line, Label(file, span)) for line, span in _lines(file)]
        place = node.source.span
    else:
        entries = _written(scope.report, node.source)
        place = node.source.span
    terms = _checked(scope.report, entries, place)
    return None if terms is None else TermsInfo(name, terms)


def named_terms(scope: Scope, definitions: Definitions, name: nodes.Name) -> TermsInfo | None:
    """The list of terms that ``name`` names; None after reporting that there is none."""
    found = scope.find(nodes.Terms, name)
    return None if found is None else definitions.terms.get(id(found.node))


def terms_of(
    scope: Scope, definitions: Definitions, terms: nodes.ListOf | nodes.Name
) -> TermsInfo | None:
    """The terms to search for: of a named list, or as written in place, under their own text."""
    if isinstance(terms, nodes.Name):
        return named_terms(scope, definitions, terms)
    checked = _checked(scope.report, _written(scope.report, terms), terms.span)
    if checked is None:
        return None
    return TermsInfo("[" + ", ".join(f'"{term}"' for term in checked) + "]", checked)


def _written(report: Report, list_: nodes.ListOf) -> list[tuple[str, Label]]:
    return [
        (item.value, Label(report.source, item.span))
        for item in sifted(report, list_)
        if isinstance(item, nodes.String)
    ]


def _checked(
    report: Report, entries: list[tuple[str, Label]], place: Span
) -> tuple[str, ...] | None:
    """The terms, sorted, each once; None after reporting that one of them cannot be found."""
    if not entries:
        report.add("E0306", "the list has no terms", place, "expected at least one term")
        return None
    sound = True
    for term, label in entries:
        problem = check_term(term)
        if problem is not None:
            sound = False
            Report(report.diagnostics, label.source).add("E0218", problem, label.span)
    return tuple(sorted({term for term, _ in entries})) if sound else None


# ── Samples ──────────────────────────────────────────────────────────────────────────────────────


def declare_samples(
    scope: Scope, node: nodes.Samples
) -> tuple[SamplesInfo, tuple[str, ...]] | None:
    """The samples that ``node`` declares; None after reporting what is wrong with them."""
    use = scope.field(node.on.parts, node.on.span)
    if use is not None and use.type != Scalar("text"):
        scope.report.add(
            "E0606",
            f"samples are held against a text, and `{shown(use.path)}` is none",
            node.on.span,
            "expected a field of type `text`",
            others=[use.decl.place],
        )
        use = None
    items = _sample_items(scope.report, node.source)
    if use is None or items is None:
        return None
    info = SamplesInfo(f"{scope.document.name}.{node.name.text}", use.path)
    return info, tuple(sorted(set(items)))


def _sample_items(report: Report, source: nodes.ListOf | nodes.FileOf) -> list[str] | None:
    if isinstance(source, nodes.ListOf):
        items: list[str] | None = [text for text, _ in _written(report, source)]
    else:
        file = _read(report, source.file)
        if file is None:
            return None
        if PurePath(source.file.value).suffix == ".jsonl":
            items = _json_lines(report, file)
        else:
            items = [line for line, _ in _lines(file)]
    if items is not None and not any(item.strip() for item in items):
        report.add("E0306", "the list has no samples", source.span, "expected at least one text")
        return None
    return items


def _json_lines(report: Report, file: Source) -> list[str] | None:
    """One sample a line: a JSON string, or an object whose ``text`` is one."""
    items = []
    for number in range(1, file.line_count + 1):
        line = file.line(number)
        if not line.strip():
            continue
        text = _sample(line)
        if text is None:
            start = file.line_start(number)
            Report(report.diagnostics, file).add(
                "E0217",
                "this line is no sample",
                Span(start, start + len(line)),
                'expected a JSON string, or an object with a `"text"`',
            )
            return None
        items.append(text)
    return items


def _sample(line: str) -> str | None:
    """The text of a line of JSON; None if it has none that could be stored."""
    try:
        value = json.loads(line)
        text = value.get("text") if isinstance(value, dict) else value
        if not isinstance(text, str):
            return None
        text.encode()  # an escape may stand for half a character, which no file in UTF-8 can hold
    except (ValueError, RecursionError):
        return None
    return text


# ── Files ────────────────────────────────────────────────────────────────────────────────────────


def _read(report: Report, file: nodes.String) -> Source | None:
    """A file named in a policy, relative to the policy's own file; None after reporting (E0217)."""
    path = PurePath(file.value)
    if not file.value or path.is_absolute() or "\\" in file.value:
        report.add(
            "E0217",
            f"`{file.value}` is not a path relative to this file",
            file.span,
            "",
            help=["name a file beside the policy, with `/` between folders"],
        )
        return None
    name = str(PurePath(report.source.name).parent / path)
    try:
        return Source.read(beside(report.source, path), name)
    except SourceError as error:
        report.add(
            "E0217",
            f"`{file.value}` cannot be read: {error.detail}",
            file.span,
            f"looked for `{name}`",
            help=[error.hint] if error.hint else (),
        )
        return None


def _lines(file: Source) -> Iterator[tuple[str, Span]]:
    """The entries of a list, one a line; a line that begins with ``#`` is a comment.

    An entry that itself begins with ``#`` is written with a backslash before it.
    """
    for number in range(1, file.line_count + 1):
        line = file.line(number)
        entry = line.strip()
        if entry and not entry.startswith("#"):
            start = file.line_start(number) + line.index(entry)
            text = entry[1:] if entry.startswith("\\#") else entry
            yield text, Span(start, start + len(entry))


# ── Patterns ─────────────────────────────────────────────────────────────────────────────────────


def check_pattern(report: Report, node: nodes.Matches, *, folded: bool) -> bool:
    """Whether a pattern is a regular expression of linear cost; if not, report it (E0308)."""
    problem = pattern_problem(node.pattern, folded=folded)
    if problem is None:
        return True
    start = node.span.end - 1 - len(node.pattern)
    place = Span(start - 1, node.span.end)
    if problem.offset is not None:
        place = Span(start + problem.offset, start + problem.offset + 1)
    report.add(
        "E0308",
        f"the pattern cannot be used: {problem.reason}",
        place,
        "",
        notes=["patterns are those of RE2, which match in time linear in the text"],
    )
    return False


def sifted(report: Report | None, values: nodes.ListOf) -> list[nodes.Literal]:
    """The items of a list without repetitions, which are the warning W0904."""
    found: dict[nodes.Literal, nodes.Literal] = {}
    for item in values.items:
        first = found.setdefault(item, item)
        if first is not item and report is not None:
            report.add(
                "W0904",
                f"`{report.text(item.span)}` stands here twice",
                item.span,
                "",
                others=[report.label(first.span, "first listed here")],
            )
    return list(found)
