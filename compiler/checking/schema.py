"""What an event holds: the fields that libraries declare, as one policy or library sees them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import assert_never

from clausal.compiler import types
from clausal.compiler.checking.documents import Document
from clausal.compiler.checking.report import Report, suggest
from clausal.compiler.checking.texts import bilingual
from clausal.compiler.ir import Bilingual, Slot
from clausal.dsl import nodes
from clausal.dsl.diagnostics import Label, nearest
from clausal.dsl.source import Span

Parts = tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class FieldDecl:
    """A field as its library declares it."""

    path: Parts
    type: types.Type
    required: bool
    label: Bilingual
    document: Document
    span: Span

    @property
    def place(self) -> Label:
        """Where it is declared."""
        return Label(self.document.report.source, self.span, "declared here")


@dataclass(frozen=True, slots=True)
class FieldUse:
    """A field that a path names: of a map it is the value under one key."""

    path: Parts
    type: types.Type
    decl: FieldDecl

    @property
    def in_map(self) -> bool:
        """Whether the path ends in a key of a map."""
        return self.path != self.decl.path


def shown(path: Parts) -> str:
    """A path as an author writes it."""
    return Slot(path, types.Scalar("bool")).name


class DocumentSchema:
    """The fields that one library declares."""

    def __init__(self, document: Document) -> None:
        self.fields: dict[Parts, FieldDecl] = {}
        self.groups: dict[Parts, Span] = {}
        self.broken: set[Parts] = set()
        self._document = document
        for schema in document.of(nodes.Schema):
            path = (schema.name.text,)
            self.groups[path] = schema.name.span
            bilingual(document.report, schema.labels)
            self._add(path, schema.fields)

    def _add(self, prefix: Parts, entries: tuple[nodes.Field | nodes.Group, ...]) -> None:
        # Groups are nested by the grammar, whose depth is not bounded: so this does not recurse.
        pending = [(prefix, entry) for entry in reversed(entries)]
        while pending:
            prefix, entry = pending.pop()
            path = (*prefix, entry.name.text)
            if not self._is_new(path, entry.name):
                continue
            label = bilingual(self._document.report, entry.labels)
            if isinstance(entry, nodes.Group):
                self.groups[path] = entry.name.span
                pending += [(path, inner) for inner in reversed(entry.fields)]
                continue
            built = build_type(self._document.report, entry.type)
            if built is None:
                self.broken.add(path)
                continue
            self.fields[path] = FieldDecl(
                path, built, entry.required, label, self._document, entry.name.span
            )

    def _is_new(self, path: Parts, name: nodes.Name) -> bool:
        first = self.groups.get(path)
        if path in self.fields:
            first = self.fields[path].span
        if first is None:
            return True
        report = self._document.report
        report.add(
            "E0202",
            f"`{shown(path)}` is declared twice",
            name.span,
            "declared again",
            others=[report.label(first, "first declared here")],
        )
        return False


class Schema:
    """The fields that a document can name: those of every library that it uses, and its own."""

    def __init__(self, parts: Iterable[DocumentSchema]) -> None:
        self.fields: dict[Parts, FieldDecl] = {}
        self.groups: set[Parts] = set()
        self.broken: set[Parts] = set()
        for part in parts:
            self.fields |= part.fields
            self.groups |= part.groups.keys()
            self.broken |= part.broken
        self._names: tuple[str, ...] | None = None
        self._suggestions: dict[str, tuple[str, ...]] = {}

    def find(self, path: Parts) -> FieldUse | None:
        """The field that ``path`` names, or None when it names none or a whole map."""
        decl = self.fields.get(path)
        if decl is not None:
            return None if isinstance(decl.type, types.MapOf) else FieldUse(path, decl.type, decl)
        decl = self.fields.get(path[:-1])
        if decl is not None and isinstance(decl.type, types.MapOf):
            return FieldUse(path, decl.type.item, decl)
        return None

    def is_broken(self, path: Parts) -> bool:
        """Whether the declaration of the field, or of a part of its path, is in error."""
        return any(path[:length] in self.broken for length in range(1, len(path) + 1))

    def complain(self, report: Report, path: Parts, span: Span) -> None:
        """Say why ``find`` found nothing."""
        name = shown(path)
        decl = self.fields.get(path)
        if decl is not None:
            report.add(
                "E0310",
                f"`{name}` is a map: one of its keys must be named",
                span,
                "",
                others=[decl.place],
                help=[f'write `{name}.KEY` or `{name}["KEY"]`'],
            )
            return
        if path in self.groups:
            inner = sorted(shown(f) for f in self.fields if f[: len(path)] == path)
            report.add(
                "E0310",
                f"`{name}` is a group of fields, not a field",
                span,
                "",
                help=[f"its fields are {', '.join(f'`{one}`' for one in inner[:12])}"]
                if inner
                else (),
            )
            return
        for length in range(len(path) - 1, 0, -1):
            decl = self.fields.get(path[:length])
            if decl is not None:
                report.add(
                    "E0204",
                    f"`{shown(path[:length])}` is a field and has no fields of its own",
                    span,
                    f"it is {_article(types.describe(decl.type))}",
                    others=[decl.place],
                )
                return
        report.add("E0204", f"there is no field `{name}`", span, "", help=self._suggest(path))

    def names(self) -> tuple[str, ...]:
        """Every field as an author writes it."""
        if self._names is None:
            self._names = tuple([shown(path) for path in self.fields])
        return self._names

    def _suggest(self, path: Parts) -> tuple[str, ...]:
        """The nearest field: first among those of the same group, by their own names."""
        name = shown(path)
        if name not in self._suggestions:
            group = path[:-1]
            beside = {p[-1]: shown(p) for p in self.fields if p[:-1] == group}
            near = nearest(path[-1], beside) if beside else None
            others = [shown(p) for p in self.fields if p[:-1] != group]
            self._suggestions[name] = (
                suggest(name, others) if near is None else (f"did you mean `{beside[near]}`?",)
            )
        return self._suggestions[name]


def _article(description: str) -> str:
    return f"an {description}" if description[0] in "aei" else f"a {description}"


# ── Types ────────────────────────────────────────────────────────────────────────────────────────


def build_type(report: Report, node: nodes.Type) -> types.Type | None:
    """The type that ``node`` writes; None after reporting that there is no such type."""
    match node:
        case nodes.SetType(item=item, span=span):
            inner = _item(report, item, span, "set", "an enum or `string`")
            if inner is None:
                return None
            if isinstance(inner, types.Scalar) and inner.name != "string":
                _refuse(report, span, "set", types.describe(inner), "an enum or `string`")
                return None
            return types.SetOf(inner)
        case nodes.MapType(item=item, span=span):
            inner = _item(report, item, span, "map", "a type without parts")
            return None if inner is None else types.MapOf(inner)
        case nodes.EnumType() | nodes.ScalarType():
            return _plain_type(report, node)
        case _:
            assert_never(node)


def _item(
    report: Report, node: nodes.Type, span: Span, kind: str, wanted: str
) -> types.Scalar | types.Enum | None:
    if isinstance(node, nodes.SetType | nodes.MapType):
        inner = "set" if isinstance(node, nodes.SetType) else "map"
        _refuse(report, span, kind, f"a {inner}", wanted)
        return None
    return _plain_type(report, node)


def _refuse(report: Report, span: Span, kind: str, found: str, wanted: str) -> None:
    report.add("E0316", f"a {kind} cannot hold {found}", span, f"expected {kind} of {wanted}")


def _plain_type(
    report: Report, node: nodes.EnumType | nodes.ScalarType
) -> types.Scalar | types.Enum:
    if isinstance(node, nodes.ScalarType):
        # The grammar admits the names of scalars only.
        return types.Scalar(node.name)  # type: ignore[arg-type]
    values: dict[str, types.EnumValue] = {}
    places: dict[str, Span] = {}
    for value in node.values:
        name = value.name.text
        if name in values:
            report.add(
                "E0202",
                f"the value `{name}` is declared twice",
                value.name.span,
                "declared again",
                others=[report.label(places[name], "first declared here")],
            )
            continue
        label = bilingual(report, value.labels)
        values[name] = types.EnumValue(name, label.zh, label.en)
        places[name] = value.name.span
    return types.Enum(tuple(values.values()))
