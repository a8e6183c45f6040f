"""What all libraries of a bundle declare together: fields, targets, the time of the act."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from clausal.compiler import ir, types
from clausal.compiler.checking.documents import Document, Named, identifier
from clausal.compiler.checking.inputs import Inputs
from clausal.compiler.checking.report import Report
from clausal.compiler.checking.sanctions import TargetInfo
from clausal.compiler.checking.schema import DocumentSchema, FieldUse, Parts, shown
from clausal.compiler.checking.scopes import Scope
from clausal.dsl import nodes
from clausal.dsl.diagnostics import Label
from clausal.dsl.source import Span


def report_shared_names(
    libraries: Sequence[Document], schemas: Mapping[int, DocumentSchema]
) -> None:
    """Report fields, targets and sanctions that two libraries declare (E0215).

    Versions of one library may; what they must agree on is checked where they are joined.
    """
    first: dict[tuple[str, Parts], tuple[Document, Span]] = {}
    for library in libraries:
        for kind, path, span in _shared(library, schemas[id(library)]):
            other, place = first.setdefault((kind, path), (library, span))
            if other.name != library.name:
                library.report.add(
                    "E0215",
                    f"`{library.name}` and `{other.name}` both declare the {kind} `{shown(path)}`",
                    span,
                    "",
                    others=[Label(other.report.source, place, "declared here as well")],
                    help=["give one of them another name"],
                )
    # A group may be spread over libraries, so long as it is a group in each of them.
    for library in libraries:
        for path, span in sorted(schemas[id(library)].groups.items()):
            other, place = first.get(("field", path), (library, span))
            if other.name != library.name:
                library.report.add(
                    "E0215",
                    f"`{shown(path)}` is a group of `{library.name}` and a field of `{other.name}`",
                    span,
                    "",
                    others=[Label(other.report.source, place, "the field")],
                    help=["give one of them another name"],
                )


def _shared(library: Document, schema: DocumentSchema) -> Iterable[tuple[str, Parts, Span]]:
    named: tuple[type[Named], ...] = (nodes.Sanction, nodes.Target)
    for kind in named:
        for node in library.of(kind):
            name = identifier(node)
            yield kind.__name__.lower(), (name.text,), name.span
    for path, decl in sorted(schema.fields.items()):
        yield "field", path, decl.span


def join_targets(infos: Iterable[TargetInfo], inputs: Inputs) -> tuple[ir.TargetDef, ...]:
    """The targets of the bundle, sorted by name, labels of the newest version of their library."""
    newest: dict[str, TargetInfo] = {}
    for info in sorted(infos, key=lambda i: (i.name, i.document.sort_key())):
        older = newest.get(info.name)
        if older is not None and older.document.name != info.document.name:
            continue  # reported by `report_shared_names`
        if older is not None and older.by.path != info.by.path:
            info.document.report.add(
                "E0510",
                f"versions of `{info.document.name}` that are in use here identify "
                f"`{info.name}` by different fields",
                info.span,
                f"by `{shown(info.by.path)}`",
                others=[
                    Label(older.document.report.source, older.span, f"by `{shown(older.by.path)}`")
                ],
                help=["let every policy of the bundle `use` the same version"],
            )
        newest[info.name] = info
    return tuple(
        [
            ir.TargetDef(name, inputs.field(info.by, info.document.report, info.span), info.label)
            for name, info in sorted(newest.items())
        ]
    )


# ── The event ────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class EventInfo:
    """The fields that hold the time of the act and the id of the event, as a library says."""

    time: FieldUse | None
    id: FieldUse | None
    place: Label


def declare_event(scope: Scope) -> EventInfo | None:
    """The ``event`` of a library; None if it has none."""
    node = next(scope.document.of(nodes.Event), None)
    if node is None:
        return None
    report, place = scope.report, identifier(node).span
    entries: dict[str, nodes.EventEntry] = {}
    for entry in node.entries:
        first = entries.setdefault(entry.role, entry)
        if first is not entry:
            report.add(
                "E0111",
                f"`{entry.role}` is given twice",
                entry.span,
                others=[report.label(first.span, "first given here")],
            )
    if "time" not in entries:
        report.add(
            "E0216",
            "the event does not say when the act happened",
            place,
            "needs `time PATH`",
            notes=["the version of a policy that decides is the one in force at that time"],
        )
    found = {role: _role(scope, entry) for role, entry in entries.items()}
    return EventInfo(found.get("time"), found.get("id"), report.label(place, "declared here"))


def _role(scope: Scope, entry: nodes.EventEntry) -> FieldUse | None:
    use = scope.field(entry.path.parts, entry.path.span)
    wanted: types.ScalarName = "instant" if entry.role == "time" else "string"
    if use is None or use.type == types.Scalar(wanted):
        return use
    what = "the time of the act" if entry.role == "time" else "the id of the event"
    scope.report.add(
        "E0216",
        f"`{shown(use.path)}` cannot be {what}",
        entry.path.span,
        f"it is of type `{types.describe(use.type)}`, expected `{wanted}`",
        others=[use.decl.place],
    )
    return None


def join_events(
    policies: Iterable[Document], events: Mapping[int, EventInfo | None], anchor: Report
) -> EventInfo | None:
    """The one ``event`` of the bundle; None after reporting that there is none, or several."""
    found: list[EventInfo] = []
    for policy in policies:
        seen = [event for d in policy.closure() for event in [events.get(id(d))] if event]
        if not seen and not any(document.incomplete for document in policy.closure()):
            policy.report.add(
                "E0216",
                f"no library that `{policy.name}` uses says when an act happened",
                policy.header.name.span,
                "",
                help=["use a library that declares an `event`, such as `standard.platform 1`"],
            )
        found += seen
    first = next(iter(found), None)
    for other in found:
        assert first is not None
        for one, two in ((first.time, other.time), (first.id, other.id)):
            if one is not None and two is not None and one.path != two.path:
                Report(anchor.diagnostics, other.place.source).add(
                    "E0215",
                    "two libraries in use here declare different events",
                    other.place.span,
                    f"by `{shown(two.path)}`",
                    others=[replace(first.place, text=f"by `{shown(one.path)}`")],
                )
                return None
    # A version of a library may have said less than a later one.
    time = next((event.time for event in found if event.time is not None), None)
    id_field = next((event.id for event in found if event.id is not None), None)
    return None if first is None else replace(first, time=time, id=id_field)
