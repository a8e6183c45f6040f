"""Sanctions and targets: what may be done, to what, and how measures of one kind join."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import msgspec

from clausal.compiler import ir, types
from clausal.compiler.checking.arguments import Argued, convert
from clausal.compiler.checking.definitions import Definitions
from clausal.compiler.checking.documents import Document
from clausal.compiler.checking.entries import one
from clausal.compiler.checking.report import Report, one_of, suggest
from clausal.compiler.checking.schema import FieldUse, build_type
from clausal.compiler.checking.scopes import Scope
from clausal.compiler.checking.texts import Gap, bilingual, template
from clausal.dsl import nodes
from clausal.dsl.diagnostics import Label
from clausal.dsl.source import Span

HEAVIEST: Final = 9
"""The highest grade."""

_PARAM_TYPES: Final = ("share", "number", "integer", "duration", "bool", "string")
_ORDERED: Final = ("share", "number", "integer", "duration")


@dataclass(frozen=True, slots=True)
class SanctionInfo:
    """A sanction of one library version. ``implies`` are names; the corpus has their numbers."""

    definition: ir.SanctionDef
    implies: tuple[nodes.Name, ...]
    document: Document
    node: nodes.Sanction

    @property
    def place(self) -> Label:
        """Where it is declared."""
        return Label(self.document.report.source, self.node.name.span, "declared here")


@dataclass(frozen=True, slots=True)
class TargetInfo:
    """A target of one library version and the field that identifies it."""

    name: str
    by: FieldUse
    label: ir.Bilingual
    document: Document
    span: Span


# ── Targets ──────────────────────────────────────────────────────────────────────────────────────


def declare_targets(scope: Scope) -> list[TargetInfo]:
    """The targets of a library, each identified by a string."""
    found = []
    for node in scope.document.of(nodes.Target):
        label = bilingual(scope.report, node.labels)
        use = scope.field(node.by.parts, node.by.span)
        if use is None:
            continue
        if use.type != types.Scalar("string"):
            scope.report.add(
                "E0410",
                f"the target `{node.name.text}` is identified by {types.describe(use.type)}",
                node.by.span,
                "expected a field of type `string`",
                others=[use.decl.place],
            )
            continue
        found.append(TargetInfo(node.name.text, use, label, scope.document, node.name.span))
    return found


# ── Sanctions ────────────────────────────────────────────────────────────────────────────────────


def declare_sanctions(scope: Scope, definitions: Definitions) -> Mapping[int, SanctionInfo | None]:
    """The sanctions of a library by node; None for one in error."""
    return {
        id(node): _sanction(scope, node, definitions) for node in scope.document.of(nodes.Sanction)
    }


def _sanction(scope: Scope, node: nodes.Sanction, definitions: Definitions) -> SanctionInfo | None:
    report, name = scope.report, node.name
    params = _params(scope, node, definitions)
    titles = one(report, node.entries, nodes.Title, "title")
    if titles is None:
        report.add(
            "W0901",
            f"the sanction `{name.text}` has no title",
            name.span,
            help=['write `title zh "…" en "…"`'],
            notes=["users read what is done by its title"],
        )
    title = bilingual(report, titles.texts, "title") if titles else ir.Bilingual()
    targets = _targets(scope, node)
    grade = _grade(report, node)
    joins = one(report, node.entries, nodes.Joins, "joins")
    law = ir.Law("latest") if joins is None else None
    if joins is not None and params is not None:
        law = _law(report, node, joins, params)
    needs_duration, review = _needs(report, node)
    permanence = one(report, node.entries, nodes.Permanence, "permanent")
    permanent = permanence is not None and permanence.kind == "permanent"
    once = permanence is not None and permanence.kind == "once"
    sound = True
    if permanence is not None and needs_duration is not None:
        sound = False
        report.add(
            "E0405",
            f"a sanction that is `{permanence.kind}` has no duration",
            needs_duration.span,
            "",
            others=[report.label(permanence.span, "this says that it has none")],
        )
    if permanent and not review:
        assert permanence is not None
        sound = False
        report.add(
            "E0405",
            f"`{name.text}` is permanent, and no person would decide on it",
            permanence.span,
            "",
            help=["add `needs review` or `needs review by two`"],
            notes=["what cannot be undone waits for a person"],
        )
    wording = _wording(report, node, params or ())
    implies = one(report, node.entries, nodes.Implies, "implies")
    dsa = one(report, node.entries, nodes.Dsa, "dsa")
    if not sound or params is None or targets is None or grade is None or law is None:
        return None
    definition = ir.SanctionDef(
        name=name.text,
        library=scope.document.name,
        params=params,
        targets=targets,
        grade=grade,
        law=law,
        needs_duration=needs_duration is not None,
        review=review,
        permanent=permanent,
        once=once,
        title=title,
        wording=wording,
        dsa=dsa.value.text if dsa else "",
    )
    return SanctionInfo(definition, implies.sanctions if implies else (), scope.document, node)


def _params(
    scope: Scope, node: nodes.Sanction, definitions: Definitions
) -> tuple[ir.SanctionParam, ...] | None:
    report = scope.report
    first: dict[str, nodes.Parameter] = {}
    params: list[ir.SanctionParam] = []
    for parameter in node.parameters:
        name = parameter.name
        other = first.setdefault(name.text, parameter)
        if other is not parameter:
            report.add(
                "E0202",
                f"`{name.text}` is declared twice",
                name.span,
                "declared again",
                others=[report.label(other.name.span, "first declared here")],
            )
            continue
        built = build_type(report, parameter.type)
        if built is None:
            continue
        if isinstance(built, types.MapOf) or (
            isinstance(built, types.Scalar) and built.name not in _PARAM_TYPES
        ):
            report.add(
                "E0316",
                f"a sanction has no parameter of type {types.describe(built)}",
                parameter.type.span,
                f"expected an enum, a set, or one of {one_of(_PARAM_TYPES)}",
            )
            continue
        default: ir.ArgumentValue | None = None
        if parameter.default is not None:
            argued = Argued(scope, definitions, name.text, node.name.text)
            default = convert(argued, built, parameter.default)
            if default is None:
                continue
        params.append(ir.SanctionParam(name.text, built, default))
    return tuple(params) if len(params) == len(node.parameters) else None


def _targets(scope: Scope, node: nodes.Sanction) -> tuple[str, ...] | None:
    """The targets, in the order written: a measure that names none takes the first."""
    report = scope.report
    entry = one(report, node.entries, nodes.On, "on", within=node.name)
    if entry is None:
        return None
    targets: dict[str, nodes.Name] = {}
    sound = True
    for name in entry.targets:
        first = targets.setdefault(name.text, name)
        if first is not name:
            report.add(
                "W0904",
                f"`{name.text}` stands here twice",
                name.span,
                others=[report.label(first.span, "first listed here")],
            )
        elif scope.find(nodes.Target, name) is None:
            sound = False
    return tuple(targets) if sound else None


def _grade(report: Report, node: nodes.Sanction) -> int | None:
    entry = one(report, node.entries, nodes.Grade, "grade", within=node.name)
    if entry is None:
        return None
    return whole_grade(report, entry.value, "E0405")


def whole_grade(report: Report, node: nodes.Number, code: str) -> int | None:
    """The grade that a number says; None after reporting, under ``code``, that it is none."""
    digits = node.digits
    if node.suffix or digits != digits.to_integral_value() or not 0 <= digits <= HEAVIEST:
        report.add(
            code,
            f"`{report.text(node.span)}` is not a grade",
            node.span,
            f"expected a whole number from 0 to {HEAVIEST}",
        )
        return None
    return int(digits)


def _needs(report: Report, node: nodes.Sanction) -> tuple[nodes.Needs | None, int]:
    """The entry that asks for a duration, and how many people must review."""
    found: dict[str, nodes.Needs] = {}
    for entry in node.entries:
        if isinstance(entry, nodes.Needs):
            what = entry.what.split()[0]
            first = found.setdefault(what, entry)
            if first is not entry:
                report.add(
                    "E0111",
                    f"`needs {what}` is given twice",
                    entry.span,
                    others=[report.label(first.span, "first given here")],
                )
    review = found.get("review")
    people = 0 if review is None else 2 if review.what.endswith("two") else 1
    return found.get("duration"), people


def _law(
    report: Report,
    node: nodes.Sanction,
    joins: nodes.Joins,
    params: Sequence[ir.SanctionParam],
) -> ir.Law | None:
    ordered = [index for index, param in enumerate(params) if _is_ordered(param.type)]
    if joins.law == "latest":
        return ir.Law("latest")
    if joins.law == "union":
        if any(isinstance(param.type, types.SetOf) for param in params):
            return ir.Law("union")
        report.add(
            "E0404",
            f"`{node.name.text}` has no set to take the union of",
            joins.span,
            "",
            help=["declare a parameter of type `set of …`, or join by another law"],
        )
        return None
    if joins.law == "strictest":
        if len(ordered) == 1:
            return ir.Law("strictest", ordered[0])
        names = one_of(params[index].name for index in ordered)
        report.add(
            "E0404",
            f"what is strictest of `{node.name.text}` is not clear",
            joins.span,
            f"of {names}, each has an order" if ordered else "no parameter has an order",
            help=["name the parameter: `joins highest NAME at each instant`, or `lowest`"]
            if ordered
            else ["join by `latest end`, or declare a parameter such as `cut share`"],
        )
        return None
    name = joins.parameter
    assert name is not None, "the grammar gives `highest` and `lowest` a parameter"
    index = next((i for i, param in enumerate(params) if param.name == name.text), None)
    if index is None or index not in ordered:
        what = "is no parameter" if index is None else "has no order"
        report.add(
            "E0404",
            f"`{name.text}` {what} of `{node.name.text}`"
            if index is None
            else f"the parameter `{name.text}` {what}",
            name.span,
            "expected a share, number, integer, duration or enum",
            help=suggest(name.text, [params[i].name for i in ordered]),
        )
        return None
    return ir.Law("strictest", index, joins.law == "lowest")


def _is_ordered(type: types.Type) -> bool:
    return isinstance(type, types.Enum) or (
        isinstance(type, types.Scalar) and type.name in _ORDERED
    )


def _wording(
    report: Report, node: nodes.Sanction, params: Sequence[ir.SanctionParam]
) -> ir.Bilingual:
    """The wording as written; its holes name parameters, or ``until``: when the measure ends."""
    entry = one(report, node.entries, nodes.Wording, "wording")
    if entry is None:
        return ir.Bilingual()
    known = ["until", *(parameter.name.text for parameter in node.parameters)]
    for text in entry.texts:
        for piece in template(report, text) or ():
            if isinstance(piece, Gap) and (len(piece.path) > 1 or piece.path[0] not in known):
                name = ".".join(piece.path)
                report.add(
                    "E0203",
                    f"`{node.name.text}` has no parameter `{name}`",
                    piece.span,
                    "",
                    help=suggest(name, known) or [f"known here: {one_of(sorted(known))}"],
                )
    return bilingual(report, entry.texts, "wording")


# ── Joining libraries ────────────────────────────────────────────────────────────────────────────


def comparable(definition: ir.SanctionDef) -> ir.SanctionDef:
    """The sanction without its texts, which versions of a library may word anew."""
    return msgspec.structs.replace(
        definition,
        title=ir.Bilingual(),
        wording=ir.Bilingual(),
        dsa="",
        params=tuple(
            [
                msgspec.structs.replace(param, type=_without_labels(param.type))
                for param in definition.params
            ]
        ),
    )


def _without_labels(type: types.Type) -> types.Type:
    match type:
        case types.Enum():
            return types.Enum(tuple([types.EnumValue(name) for name in type.names]))
        case types.SetOf(item=types.Enum() as item):
            return types.SetOf(types.Enum(tuple([types.EnumValue(n) for n in item.names])))
        case _:
            return type


def number_sanctions(infos: Iterable[SanctionInfo]) -> tuple[SanctionInfo, ...]:
    """The sanctions of the bundle, sorted by name, texts of the newest version of each library."""
    newest: dict[str, SanctionInfo] = {}
    for info in sorted(infos, key=lambda i: (i.definition.name, i.document.sort_key())):
        name = info.definition.name
        older = newest.get(name)
        if older is not None and older.document.name != info.document.name:
            continue  # reported by `report_shared_names`
        if older is not None and comparable(older.definition) != comparable(info.definition):
            info.document.report.add(
                "E0510",
                f"versions of `{info.document.name}` that are in use here declare `{name}` "
                "differently",
                info.node.name.span,
                f"version {info.document.header.version}",
                others=[replace(older.place, text=f"version {older.document.header.version}")],
                help=["let every policy of the bundle `use` the same version"],
            )
        newest[name] = info
    return tuple([newest[name] for name in sorted(newest)])


def resolve_implied(
    infos: Sequence[SanctionInfo], scopes: Mapping[int, Scope]
) -> tuple[ir.SanctionDef, ...]:
    """The sanctions with the numbers of those that they imply, after checking that these fit.

    An implied sanction is no heavier, has a target in common, and does not imply the first in turn.
    """
    numbers = {info.definition.name: index for index, info in enumerate(infos)}
    implied: list[tuple[int, ...]] = []
    for info in infos:
        report, scope = info.document.report, scopes[id(info.document)]
        found: set[int] = set()
        for name in info.implies:
            other = scope.find(nodes.Sanction, name)
            index = numbers.get(name.text)
            if other is None or index is None:
                continue
            lighter = infos[index].definition
            problem = ""
            if lighter.grade > info.definition.grade:
                problem = f"is heavier: grade {lighter.grade}, over {info.definition.grade}"
            elif not set(lighter.targets) & set(info.definition.targets):
                problem = f"applies to {one_of(lighter.targets)}, never to what this applies to"
            elif lighter.name == info.definition.name:
                problem = "is the sanction itself"
            if problem:
                report.add(
                    "E0406",
                    f"`{info.definition.name}` cannot imply `{name.text}`",
                    name.span,
                    f"`{name.text}` {problem}",
                    others=[infos[index].place],
                )
                continue
            found.add(index)
        implied.append(tuple(sorted(found)))
    _report_circles(infos, implied)
    return tuple(
        [
            msgspec.structs.replace(info.definition, implies=indices)
            for info, indices in zip(infos, implied, strict=True)
        ]
    )


def _report_circles(infos: Sequence[SanctionInfo], implied: Sequence[tuple[int, ...]]) -> None:
    """Sanctions that imply each other would each yield to the other."""
    for start, info in enumerate(infos):
        reached = _closure(implied, start)
        if start not in reached:
            continue
        members = [index for index in sorted(reached) if start in _closure(implied, index)]
        if members[0] == start:
            info.document.report.add(
                "E0406",
                f"{one_of(infos[index].definition.name for index in members)} imply each other",
                info.node.name.span,
                others=[infos[index].place for index in members[1:]],
            )


def _closure(implied: Sequence[tuple[int, ...]], start: int) -> set[int]:
    reached: set[int] = set()
    pending = list(implied[start])
    while pending:
        index = pending.pop()
        if index not in reached:
            reached.add(index)
            pending += implied[index]
    return reached
