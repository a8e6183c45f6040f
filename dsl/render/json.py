"""Diagnostics for programs: a JSON list with one object for each, in the order given.

The shape is `DiagnosticObject`, and is stable: members are added, never renamed or removed. Lines
and columns count from 1 and offsets from 0; columns and offsets count characters (code points) of
the file after its byte order mark was dropped and its line ends were made line feeds. An `end` is the
place after the last character.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TypedDict

from clausal.dsl.diagnostics import Diagnostic, Label
from clausal.dsl.render.visible import escape_json
from clausal.dsl.source import Source


class PositionObject(TypedDict):
    """A place between two characters."""

    line: int
    column: int
    offset: int


class LabelObject(TypedDict):
    """A secondary place, which may be in another file; `text` may be empty."""

    file: str
    start: PositionObject
    end: PositionObject
    text: str


class DiagnosticObject(TypedDict):
    """One diagnostic; `file`, `start`, `end` and `label` are those of its primary place."""

    code: str
    severity: str
    title: str
    message: str
    file: str
    start: PositionObject
    end: PositionObject
    label: str
    labels: list[LabelObject]
    help: list[str]
    notes: list[str]
    url: str | None


def render(diagnostics: Iterable[Diagnostic], *, base_url: str | None = None) -> str:
    """Show `diagnostics` as a JSON document without a final line end.

    With `base_url`, where the pages of the codes are published, `url` is that of the page;
    without it, `url` is null.
    """
    objects = [describe(diagnostic, base_url=base_url) for diagnostic in diagnostics]
    return escape_json(json.dumps(objects, ensure_ascii=False, indent=2))


def describe(diagnostic: Diagnostic, *, base_url: str | None = None) -> DiagnosticObject:
    """The object for one diagnostic."""
    primary = diagnostic.primary
    start, end = _positions(primary)
    return {
        "code": diagnostic.code,
        "severity": diagnostic.severity.value,
        "title": diagnostic.title,
        "message": diagnostic.message,
        "file": primary.source.name,
        "start": start,
        "end": end,
        "label": primary.text,
        "labels": [_label(label) for label in diagnostic.secondary],
        "help": list(diagnostic.help),
        "notes": list(diagnostic.notes),
        "url": page_url(diagnostic.code, base_url),
    }


def page_url(code: str, base_url: str | None) -> str | None:
    """Where the page of `code` is published, if `base_url` says where pages are."""
    return None if base_url is None else f"{base_url.rstrip('/')}/{code}.html"


def _label(label: Label) -> LabelObject:
    start, end = _positions(label)
    return {"file": label.source.name, "start": start, "end": end, "text": label.text}


def _positions(label: Label) -> tuple[PositionObject, PositionObject]:
    span = label.source.clamp(label.span)
    return _position(label.source, span.start), _position(label.source, span.end)


def _position(source: Source, offset: int) -> PositionObject:
    line, column = source.position(offset)
    return {"line": line, "column": column, "offset": offset}
