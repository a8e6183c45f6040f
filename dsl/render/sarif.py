"""Diagnostics for code hosts: a SARIF 2.1.0 log (OASIS Standard, 27 March 2020).

Section numbers below are those of that standard.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import quote

from clausal.dsl.codes import CODES, Severity, page
from clausal.dsl.diagnostics import Diagnostic, Label
from clausal.dsl.render.json import page_url
from clausal.dsl.render.visible import escape_json, visible
from clausal.dsl.source import Source, Span
from clausal.dsl.version import __version__

_SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"

_LEVELS: Final = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "note"}
"""§3.27.10: the levels of SARIF."""


def render(diagnostics: Iterable[Diagnostic], *, base_url: str | None = None) -> str:
    """Show `diagnostics` as a SARIF document without a final line end.

    With `base_url`, where the pages of the codes are published, each rule has a `helpUri`.
    """
    return escape_json(
        json.dumps(log(diagnostics, base_url=base_url), ensure_ascii=False, indent=2)
    )


def log(diagnostics: Iterable[Diagnostic], *, base_url: str | None = None) -> dict[str, Any]:
    """The log: one run, the rules that its results name, the results in the order given."""
    found = tuple(diagnostics)
    codes = sorted({diagnostic.code for diagnostic in found})
    indices = {code: index for index, code in enumerate(codes)}
    driver = {
        "name": "clausal",
        "semanticVersion": __version__,
        "rules": [_rule(code, base_url) for code in codes],
    }
    run = {
        "tool": {"driver": driver},
        # §3.14.17: columns count code points, as everywhere here; the default is UTF-16 units.
        "columnKind": "unicodeCodePoints",
        "results": [_result(diagnostic, indices[diagnostic.code]) for diagnostic in found],
    }
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(code: str, base_url: str | None) -> dict[str, Any]:
    entry = CODES[code]
    text = page(code)
    rule: dict[str, Any] = {
        "id": entry.code,
        "shortDescription": {"text": entry.title},
        "help": {"text": text, "markdown": text},
        "defaultConfiguration": {"level": _LEVELS[entry.severity]},
    }
    url = page_url(code, base_url)
    if url is not None:
        rule["helpUri"] = url
    return rule


def _result(diagnostic: Diagnostic, rule_index: int) -> dict[str, Any]:
    # Code hosts show these texts to people, so they are made as safe as on a terminal.
    lines = [visible(diagnostic.message)]
    for kind, texts in (("help", diagnostic.help), ("note", diagnostic.notes)):
        lines += ["\n".join(map(visible, f"{kind}: {text}".split("\n"))) for text in texts]
    result: dict[str, Any] = {
        "ruleId": diagnostic.code,
        "ruleIndex": rule_index,
        "level": _LEVELS[diagnostic.severity],
        "message": {"text": "\n".join(lines)},
        "locations": [_location(diagnostic.primary)],
    }
    if diagnostic.secondary:
        result["relatedLocations"] = [
            {"id": number, **_location(label)} for number, label in enumerate(diagnostic.secondary)
        ]
    return result


def _location(label: Label) -> dict[str, Any]:
    location: dict[str, Any] = {
        "physicalLocation": {
            "artifactLocation": _artifact(label.source.name),
            "region": _region(label.source, label.span),
        }
    }
    if label.text:
        location["message"] = {"text": visible(label.text)}
    return location


def _artifact(name: str) -> dict[str, str]:
    """§3.4: a relative name is relative to the root of the sources, which the host knows."""
    # Bytes of a file name that are not UTF-8 were read as surrogates; they go back to bytes here.
    path = quote(name, safe="/", errors="surrogateescape")
    if name.startswith("/"):
        return {"uri": f"file://{path}"}
    return {"uri": path, "uriBaseId": "%SRCROOT%"}


def _region(source: Source, span: Span) -> dict[str, int]:
    """§3.30: lines and columns from 1, the end column after the last character, offsets from 0."""
    span = source.clamp(span)
    start_line, start_column = source.position(span.start)
    end_line, end_column = source.position(span.end)
    return {
        "startLine": start_line,
        "startColumn": start_column,
        "endLine": end_line,
        "endColumn": end_column,
        "charOffset": span.start,
        "charLength": span.end - span.start,
    }
