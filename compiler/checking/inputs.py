"""The slots and term lists that conditions refer to, numbered as they are met.

Their final numbers depend on which of them are read at all, and are given when the corpus is put
together (``clausal.compiler.checking.numbering``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from clausal.compiler import types
from clausal.compiler.checking.report import Report
from clausal.compiler.checking.schema import FieldDecl, FieldUse, Parts, shown
from clausal.compiler.ir import Bilingual, SchemaField, Slot
from clausal.dsl.diagnostics import Label
from clausal.dsl.source import Span


@dataclass(slots=True)
class Merged:
    """One field of the bundle, from every library version in use that declares it.

    ``quarrel`` holds two declarations whose types cannot both hold.
    """

    type: types.Type
    newest: FieldDecl
    required: bool
    quarrel: tuple[FieldDecl, FieldDecl] | None = None
    reported: set[int] = field(default_factory=set)


def merge_fields(decls: Iterable[FieldDecl]) -> dict[Parts, Merged]:
    """The fields of a bundle.

    Versions of one library may declare a field alike, or the one with more values of an enum than
    the other. It is required if every one says so; texts are those of the newest version.
    """
    merged: dict[Parts, Merged] = {}
    for decl in sorted(decls, key=lambda d: (d.path, d.document.sort_key())):
        known = merged.get(decl.path)
        if known is None:
            merged[decl.path] = Merged(decl.type, decl, decl.required)
            continue
        joined = _join(known.type, decl.type)
        if joined is None:
            known.quarrel = known.quarrel or (known.newest, decl)
            joined = decl.type
        known.type, known.newest = joined, decl
        known.required = known.required and decl.required
    for path, inner in merged.items():
        for length in range(1, len(path)):
            outer = merged.get(path[:length])
            if outer is not None:
                # A field in one version, and a group of fields in another.
                quarrel = outer.newest, inner.newest
                outer.quarrel, inner.quarrel = outer.quarrel or quarrel, inner.quarrel or quarrel
    return merged


def _join(older: types.Type, newer: types.Type) -> types.Type | None:
    """The type that holds the values of both; None if there is none."""
    match older, newer:
        case types.Enum(), types.Enum():
            old, new = set(older.names), set(newer.names)
            return newer if old <= new else older if new < old else None
        case types.SetOf(item=old_item), types.SetOf(item=new_item):
            item = _join(old_item, new_item)
            return types.SetOf(item) if isinstance(item, types.Scalar | types.Enum) else None
        case types.MapOf(item=old_item), types.MapOf(item=new_item):
            item = _join(old_item, new_item)
            return types.MapOf(item) if isinstance(item, types.Scalar | types.Enum) else None
        case _:
            return newer if older == newer else None


_NO_LABEL: Final = Bilingual()
_HISTORY_TYPES: Final = {
    "tally": types.Scalar("number"),
    "similarity": types.Scalar("share"),
    "strikes": types.Scalar("integer"),
}


class Inputs:
    """Gives each slot and each list of terms a number, the same for each use of it."""

    def __init__(self, fields: Mapping[Parts, Merged]) -> None:
        self.fields = fields
        self.slots: list[Slot] = []
        self.terms: list[tuple[str, tuple[str, ...]]] = []
        self._slot_numbers: dict[tuple[str, Parts], int] = {}
        self._term_numbers: dict[tuple[str, tuple[str, ...]], int] = {}

    def field(self, use: FieldUse, report: Report, span: Span) -> int:
        """The slot of a field; ``span`` is where it is read, for the case that versions disagree."""
        merged = self.fields[use.decl.path]
        if merged.quarrel is not None and id(report) not in merged.reported:
            merged.reported.add(id(report))
            _report_quarrel(use, merged.quarrel, report, span)
        held = merged.type
        if use.in_map:
            assert isinstance(held, types.MapOf)
            held = held.item
        label = merged.newest.label if not use.in_map else Bilingual()
        required = merged.required and not use.in_map
        return self._number(Slot(use.path, held, "field", required, label))

    def history(
        self,
        source: Literal["tally", "similarity", "strikes"],
        name: str,
        label: Bilingual = _NO_LABEL,
        parts: Parts = (),
    ) -> int:
        """The slot of a tally, of the similarity to samples, or of the strikes of a ladder.

        `parts` tell what of a ladder of points it holds: see `Slot`.
        """
        return self._number(Slot((name, *parts), _HISTORY_TYPES[source], source, False, label))

    def required(self) -> list[int]:
        """The slots of the fields that every event must have."""
        return [
            self._number(Slot(path, merged.type, "field", True, merged.newest.label))
            for path, merged in self.fields.items()
            if merged.required and not isinstance(merged.type, types.MapOf)
        ]

    def known(self, source: str, path: Parts) -> int | None:
        """The number of a slot that something reads; None when nothing does."""
        return self._slot_numbers.get((source, path))

    def _number(self, slot: Slot) -> int:
        number = self._slot_numbers.setdefault((slot.source, slot.path), len(self.slots))
        if number == len(self.slots):
            self.slots.append(slot)
        return number

    def term_list(self, name: str, terms: Iterable[str]) -> int:
        """The list of terms of that name."""
        entry = name, tuple(terms)
        number = self._term_numbers.setdefault(entry, len(self.terms))
        if number == len(self.terms):
            self.terms.append(entry)
        return number


def _report_quarrel(
    use: FieldUse, quarrel: tuple[FieldDecl, FieldDecl], report: Report, span: Span
) -> None:
    older, newer = quarrel
    if older.document.name != newer.document.name:
        return  # reported as a field that two libraries declare
    report.add(
        "E0510",
        f"versions of `{older.document.name}` that are in use here give `{shown(use.decl.path)}` "
        "unlike types",
        span,
        "read here",
        others=[_declared(older), _declared(newer)],
        help=["let every policy of the bundle `use` the same version"],
        notes=["an event has one form, whichever version of a policy judges it"],
    )


def _declared(decl: FieldDecl) -> Label:
    version = decl.document.header.version
    return Label(
        decl.document.report.source, decl.span, f"{types.describe(decl.type)} in version {version}"
    )


def schema_fields(fields: Mapping[Parts, Merged]) -> tuple[SchemaField, ...]:
    """Every field of the bundle, sorted by path.

    Of a field that is a group in another library version, which no policy reads, the group's fields
    are left out: an event has one form.
    """
    return tuple(
        [
            SchemaField(path, fields[path].type, fields[path].required, fields[path].newest.label)
            for path in sorted(fields)
            if not any(path[:length] in fields for length in range(1, len(path)))
        ]
    )
