"""What is one incident, and how people take part in decisions: what libraries say of both."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeVar

import msgspec

from clausal.compiler import ir, types
from clausal.compiler.checking.amounts import Dimension, dimension_of, duration, number
from clausal.compiler.checking.documents import Document, identifier
from clausal.compiler.checking.entries import one
from clausal.compiler.checking.report import Report
from clausal.compiler.checking.sanctions import whole_grade
from clausal.compiler.checking.schema import shown
from clausal.compiler.checking.scopes import Scope
from clausal.compiler.checking.severities import severity
from clausal.compiler.checking.texts import bilingual
from clausal.dsl import nodes
from clausal.dsl.diagnostics import Label

_T = TypeVar("_T", ir.IncidentDef, ir.ProcedureDef)

_DEFAULT: Final = ir.ProcedureDef()


@dataclass(frozen=True, slots=True)
class Said:
    """What one library version says, and where; a definition in error is None."""

    document: Document
    incident: ir.IncidentDef | None
    procedure: ir.ProcedureDef | None


def declare_procedure(scope: Scope) -> Said:
    """The incident and the procedure of a library."""
    document = scope.document
    incident = next(document.of(nodes.Incident), None)
    procedure = next(document.of(nodes.Procedure), None)
    return Said(
        document,
        None if incident is None else _incident(scope, incident),
        None if procedure is None else _procedure(scope, procedure),
    )


def join_procedures(said: Sequence[Said]) -> tuple[ir.IncidentDef | None, ir.ProcedureDef]:
    """What holds for the bundle, after reporting libraries that say different things."""
    incident = _joined(nodes.Incident, [(one.document, one.incident) for one in said])
    procedure = _joined(nodes.Procedure, [(one.document, one.procedure) for one in said])
    return incident, procedure or _DEFAULT


def _joined(
    kind: type[nodes.Incident | nodes.Procedure], said: Iterable[tuple[Document, _T | None]]
) -> _T | None:
    """The one definition; of several that say the same, the first library's newest."""
    held: tuple[Document, _T] | None = None
    for document, definition in said:
        if definition is None:
            continue
        if held is not None and _meaning(held[1]) != _meaning(definition):
            _report_rivals(kind, held[0], document)
            continue
        if held is None or held[0].name == document.name:
            held = document, definition
    return None if held is None else held[1]


def _meaning(definition: _T) -> _T:
    """The definition without what changes nothing: who says it, and what it is called."""
    bare = msgspec.structs.replace(definition, library="")
    if isinstance(bare, ir.ProcedureDef):
        bare = msgspec.structs.replace(bare, title=ir.Bilingual())
    return bare


def _report_rivals(
    kind: type[nodes.Incident | nodes.Procedure], older: Document, newer: Document
) -> None:
    word = kind.__name__.lower()
    first, second = next(older.of(kind)), next(newer.of(kind))
    versions = older.name == newer.name
    newer.report.add(
        "E0510" if versions else "E0215",
        f"versions of `{newer.name}` that are in use here declare the {word} differently"
        if versions
        else f"`{older.name}` and `{newer.name}` both declare the {word}, and differently",
        identifier(second).span,
        "",
        others=[Label(older.report.source, identifier(first).span, "declared here as well")],
        help=[
            "let every policy of the bundle `use` the same version"
            if versions
            else "use one of the two libraries"
        ],
        notes=["all that is compiled together has one record of each account"],
    )


# ── Incidents ────────────────────────────────────────────────────────────────────────────────────


def _incident(scope: Scope, node: nodes.Incident) -> ir.IncidentDef | None:
    report = scope.report
    sound = scope.find(nodes.Target, node.by) is not None
    if not node.same:
        report.add(
            "E0112",
            "nothing says which findings are one incident",
            identifier(node).span,
            "needs `same …`",
        )
        return None
    found: dict[tuple[str, ...] | None, nodes.Same] = {}
    same: list[ir.SameDef] = []
    for entry in node.same:
        path = None if entry.path is None else entry.path.parts
        first = found.setdefault(path, entry)
        if first is not entry:
            report.add(
                "E0111",
                f"`same {'policy' if path is None else shown(path)}` is given twice",
                entry.span,
                others=[report.label(first.span, "first given here")],
            )
            continue
        within = None if entry.within is None else _length(report, entry.within)
        if (entry.within is not None and within is None) or not _identifies(scope, entry.path):
            sound = False
            continue
        same.append(ir.SameDef(path, within))
    same.sort(key=lambda one: (one.path is None, one.path or ()))
    if not sound:
        return None
    return ir.IncidentDef(node.by.text, tuple(same), scope.document.name)


def _identifies(scope: Scope, path: nodes.Path | None) -> bool:
    """Whether it is a field whose equal values mean the same thing: a string."""
    if path is None:
        return True
    use = scope.field(path.parts, path.span)
    if use is None:
        return False
    if use.type == types.Scalar("string"):
        return True
    scope.report.add(
        "E0420",
        f"`{shown(use.path)}` identifies nothing",
        path.span,
        f"it is of type `{types.describe(use.type)}`, expected `string`",
        others=[use.decl.place],
    )
    return False


# ── Procedure ────────────────────────────────────────────────────────────────────────────────────


def _procedure(scope: Scope, node: nodes.Procedure) -> ir.ProcedureDef | None:
    report, entries = scope.report, node.entries
    title = one(report, entries, nodes.Title, "title")
    reviews = one(report, entries, nodes.Reviews, "review")
    lapse = one(report, entries, nodes.Lapse, "lapse")
    appeals = one(report, entries, nodes.Appeals, "appeal")
    decisions = one(report, entries, nodes.Decisions, "decide appeals")
    late = one(report, entries, nodes.Late, "late decisions lift")
    delay = one(report, entries, nodes.Delay, "appeals delay")
    pause = one(report, entries, nodes.Pause, "appeals pause strikes")
    too_old = one(report, entries, nodes.TooOld, "no strike for")
    keep = one(report, entries, nodes.Keep, "keep data")
    _needs(report, lapse, reviews, "lapse", "review within …")
    _needs(report, late, decisions, "late decisions lift", "decide appeals within …")
    review = None if reviews is None else _deadlines(scope, reviews.deadlines)
    decide = None if decisions is None else _deadlines(scope, decisions.deadlines)
    window = _DEFAULT.appeal if appeals is None else _length(report, appeals.within)
    lifted = _sanctions(scope, () if late is None else late.sanctions)
    waiting = _sanctions(scope, () if delay is None else delay.sanctions)
    closures = _sanctions(scope, () if keep is None else keep.sanctions)
    pauses = _DEFAULT.pauses if pause is None else _pauses(report, pause)
    old = None if too_old is None else _too_old(scope, too_old)
    kept = None if keep is None else _length(report, keep.length)
    titles = bilingual(report, title.texts, "title") if title else ir.Bilingual()
    wanted = ((reviews, review), (decisions, decide), (too_old, old), (keep, kept))
    if (
        window is None
        or lifted is None
        or waiting is None
        or closures is None
        or pauses is None
        or any(entry is not None and value is None for entry, value in wanted)
    ):
        return None
    return ir.ProcedureDef(
        library=scope.document.name,
        review=review,
        lapse=() if lapse is None else _lapse(report, lapse),
        appeal=window,
        again=appeals is not None and appeals.again,
        decide=decide,
        lifted=lifted,
        waiting=waiting,
        pauses=pauses,
        old=old,
        keep=kept,
        closures=closures,
        title=titles,
    )


def _needs(
    report: Report,
    entry: nodes.Lapse | nodes.Late | None,
    other: nodes.Reviews | nodes.Decisions | None,
    word: str,
    wanted: str,
) -> None:
    """Report an entry about a deadline that there is none of."""
    if entry is not None and other is None:
        report.add(
            "E0112", f"`{word}` without a deadline says nothing", entry.span, f"needs `{wanted}`"
        )


def _length(report: Report, node: nodes.Duration) -> int | None:
    length = duration(report, node)
    if length is not None and length <= 0:
        report.add("E0412", "this time has no length", node.span)
        return None
    return length


def _deadlines(scope: Scope, node: nodes.Deadlines) -> ir.DeadlinesDef | None:
    """The times, after reporting one that never applies since a lighter case has as short a one."""
    report = scope.report
    within = _length(report, node.within)
    grades: dict[int, tuple[nodes.Deadline, int]] = {}
    interim: tuple[nodes.Deadline, int] | None = None
    sound = within is not None
    for entry in node.others:
        length = _length(report, entry.within)
        grade = None if entry.grade is None else whole_grade(report, entry.grade, "E0420")
        if length is None or (entry.grade is not None and grade is None):
            sound = False
            continue
        held = interim if grade is None else grades.get(grade)
        if held is not None:
            report.add(
                "E0111",
                "this deadline is given twice",
                entry.span,
                others=[report.label(held[0].span, "first given here")],
            )
        elif grade is None:
            interim = entry, length
        else:
            grades[grade] = entry, length
    if within is None:
        return None
    tiers = [(grade, *grades[grade]) for grade in sorted(grades)]
    shortest, place = within, node.within.span
    for _, entry, length in tiers:
        sound = _is_shorter(report, entry, length, shortest, report.label(place, "")) and sound
        shortest, place = min(shortest, length), entry.span
    if interim is not None:
        label = report.label(node.within.span, "")
        sound = _is_shorter(report, *interim, within, label) and sound
    if not sound:
        return None
    return ir.DeadlinesDef(
        within,
        tuple((grade, length) for grade, _, length in tiers),
        None if interim is None else interim[1],
    )


def _is_shorter(
    report: Report, entry: nodes.Deadline, length: int, than: int, place: Label
) -> bool:
    if length < than:
        return True
    report.add(
        "E0420",
        "this deadline never applies",
        entry.within.span,
        "of several that apply the shortest holds",
        others=[Label(place.source, place.span, "this one is as short")],
    )
    return False


def _lapse(report: Report, node: nodes.Lapse) -> tuple[Literal["interim", "proposed"], ...]:
    written = _once(report, node.pending)
    words: tuple[Literal["interim", "proposed"], ...] = ("interim", "proposed")
    return tuple(word for word in words if word in written)


def _once(report: Report, names: Iterable[nodes.Name]) -> Mapping[str, nodes.Name]:
    """The names, after a warning of those that stand there twice."""
    found: dict[str, nodes.Name] = {}
    for name in names:
        first = found.setdefault(name.text, name)
        if first is not name:
            report.add(
                "W0904",
                f"`{name.text}` stands here twice",
                name.span,
                others=[report.label(first.span, "first listed here")],
            )
    return found


def _sanctions(scope: Scope, names: Iterable[nodes.Name]) -> tuple[str, ...] | None:
    """The names of sanctions, sorted."""
    written = _once(scope.report, names)
    found = [scope.find(nodes.Sanction, name) for name in written.values()]
    return None if None in found else tuple(sorted(written))


# ── Severities ───────────────────────────────────────────────────────────────────────────────────


def _pauses(report: Report, node: nodes.Pause) -> tuple[ir.Severity, ...] | None:
    if node.below is None:
        return ir.SEVERITIES
    level = severity(report, node.below)
    below = () if level is None else ir.SEVERITIES[: ir.SEVERITIES.index(level)]
    if level is not None and not below:
        report.add("E0420", "no severity is below this one", node.below.span)
    return below or None


def _too_old(scope: Scope, node: nodes.TooOld) -> ir.OldDef | None:
    report = scope.report
    use = scope.field(node.path.parts, node.path.span)
    dimension = None if use is None else dimension_of(use.type)
    if use is not None and dimension not in (Dimension.NUMBER, Dimension.DURATION):
        report.add(
            "E0420",
            f"`{shown(use.path)}` is no age",
            node.path.span,
            f"it is of type `{types.describe(use.type)}`, expected a number or a duration",
            others=[use.decl.place],
        )
        return None
    base = _age(report, node.over, dimension)
    tiers: dict[int, tuple[nodes.AgeFrom, float]] = {}
    sound = True
    for entry in node.others:
        level, age = severity(report, entry.severity), _age(report, entry.over, dimension)
        if level is None or age is None:
            sound = False
            continue
        first = tiers.setdefault(ir.SEVERITIES.index(level), (entry, age))
        if first[0] is not entry:
            report.add(
                "E0111",
                f"the age from `{entry.severity.text}` is given twice",
                entry.span,
                others=[report.label(first[0].span, "first given here")],
            )
    if base is None or use is None or not sound:
        return None
    limits = [base] * len(ir.SEVERITIES)
    place = node.over.span
    for index in sorted(tiers):
        entry, age = tiers[index]
        if age <= limits[index]:
            report.add(
                "E0420",
                "what is graver is not sooner too old",
                entry.over.span,
                "expected a longer time",
                others=[report.label(place, "than this one")],
            )
            return None
        limits[index:] = [age] * len(limits[index:])
        place = entry.over.span
    return ir.OldDef(use.path, tuple(limits))


def _age(
    report: Report, node: nodes.Number | nodes.Duration, dimension: Dimension | None
) -> float | None:
    """A limit of an age in the unit of its field."""
    if isinstance(node, nodes.Duration):
        length = _length(report, node)
        if length is not None and dimension is Dimension.NUMBER:
            report.add("E0301", "the age is a number", node.span, "expected a number, such as `90`")
            return None
        return None if length is None else float(length)
    measured = number(report, node)
    if measured is None:
        return None
    if measured.dimension is Dimension.SHARE or dimension is Dimension.DURATION:
        wanted = "a duration, such as `90d`" if dimension is Dimension.DURATION else "a number"
        report.add("E0301", "this is no age", node.span, f"expected {wanted}")
        return None
    if measured.value <= 0:
        report.add("E0420", "every item would be too old", node.span)
        return None
    return measured.value
