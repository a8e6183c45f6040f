"""A syntax tree as text: a line for each node, its place in the source, and its fields below it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from decimal import Decimal

from clausal.dsl import nodes
from clausal.dsl.source import Source, Span

_ON_ONE_LINE = (
    nodes.Name
    | nodes.Path
    | nodes.Text
    | nodes.Number
    | nodes.Duration
    | nodes.Date
    | nodes.Instant
    | nodes.String
    | nodes.Boolean
    | nodes.ScalarType
    | nodes.Comment
)


def dump(file: nodes.File, source: Source) -> str:
    """The declarations of a file, then its comments."""
    lines = [line for node in file.declarations for line in _lines("", node, source)]
    lines += [line for comment in file.comments for line in _lines("", comment, source)]
    return "\n".join(lines)


def _lines(label: str, value: object, source: Source) -> Iterator[str]:
    if isinstance(value, tuple):
        if not value:
            return
        yield f"{label}:"
        for item in value:
            yield from (f"  {line}" for line in _lines("-", item, source))
    elif is_dataclass(value) and not isinstance(value, type):
        parts = [(f.name, getattr(value, f.name)) for f in fields(value) if f.name != "span"]
        place = _place(getattr(value, "span", nodes.NOWHERE), source)
        head = f"{label}{':' if label and label != '-' else ''} {type(value).__name__}".strip()
        if isinstance(value, _ON_ONE_LINE):
            yield f"{head} {' '.join(_plain(part) for _, part in parts)}  {place}"
            return
        yield f"{head}  {place}"
        for name, part in parts:
            yield from (f"  {line}" for line in _lines(name, part, source))
    elif label == "-":
        yield f"- {_plain(value)}"
    elif value is not None and value is not False and value != 0:
        yield f"{label}: {_plain(value)}"


def _plain(value: object) -> str:
    match value:
        case Decimal():
            return str(value)
        case tuple():
            return ".".join(map(str, value))
        case _:
            return repr(value)


def _place(span: Span, source: Source) -> str:
    start, end = source.position(span.start), source.position(span.end)
    last = f"{end[1]}" if end[0] == start[0] else f"{end[0]}:{end[1]}"
    return f"@ {start[0]}:{start[1]}-{last}"
