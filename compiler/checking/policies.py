"""Policy versions: when each is in force, in which time zone, and the clauses of its notice."""

from __future__ import annotations

import zoneinfo
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Final

from clausal.compiler import ir
from clausal.compiler.checking.amounts import Calendar
from clausal.compiler.checking.documents import Document, fingerprint, version_key
from clausal.compiler.checking.entries import one
from clausal.compiler.checking.report import suggest
from clausal.compiler.checking.texts import bilingual
from clausal.dsl import nodes
from clausal.dsl.diagnostics import Label
from clausal.dsl.source import Span

_STRANGE_ZONES: Final = frozenset({"localtime", "Factory"})
"""Names in the zone database that mean something else on each machine, or nothing."""


@dataclass(frozen=True, slots=True)
class PolicyInfo:
    """One version of a policy; ``start`` is None when its header is in error."""

    document: Document
    definition: ir.VersionDef | None
    place: Label
    """Where it says when it is in force."""


# ── Time zones ───────────────────────────────────────────────────────────────────────────────────


@cache
def _zones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones()) - _STRANGE_ZONES


def calendar_of(document: Document) -> Calendar:
    """The calendar that a header sets, after reporting a zone that is lacking or unknown."""
    report, header = document.report, document.header
    within = header.name if document.is_policy else None
    entry = one(report, header.entries, nodes.TimeZone, "time zone", within=within)
    if entry is None:
        return Calendar(None, excused=document.is_policy)
    name = entry.name.value
    if name in _zones():
        return Calendar(zoneinfo.ZoneInfo(name))
    report.add(
        "E0501",
        f"there is no time zone `{name}`",
        entry.name.span,
        "",
        help=suggest(name, _zones()) or ['write a name such as `"Asia/Shanghai"` or `"UTC"`'],
    )
    return Calendar(None, excused=True)


# ── Versions ─────────────────────────────────────────────────────────────────────────────────────


def declare_policies(
    documents: Iterable[Document], calendars: dict[int, Calendar]
) -> list[PolicyInfo]:
    """Every policy version, sorted by policy and start.

    A version without an end holds until the next one starts. Versions of one policy that are in
    force at the same time are an error, and so is a version that never is.
    """
    infos = [_policy(document, calendars[id(document)]) for document in documents]
    policies: dict[str, list[PolicyInfo]] = {}
    for info in infos:
        policies.setdefault(info.document.name, []).append(info)
    ordered: list[PolicyInfo] = []
    for name in sorted(policies):
        versions = sorted(policies[name], key=_start)
        sound = [info for info in versions if info.definition is not None]
        ordered += [info for info in versions if info.definition is None]
        for index, info in enumerate(sound):
            following = sound[index + 1] if index + 1 < len(sound) else None
            ordered.append(_until(info, following))
        for earlier, later in pairwise(sound):
            _check_order(earlier, later)
    return ordered


def _start(info: PolicyInfo) -> tuple[object, ...]:
    start = info.definition.start if info.definition is not None else 0
    return start, version_key(info.document.header.version), info.document.report.source.name


def _policy(document: Document, calendar: Calendar) -> PolicyInfo:
    report, header = document.report, document.header
    title = one(report, header.entries, nodes.Title, "title")
    if title is None:
        report.add(
            "W0901",
            f"the policy `{document.name}` has no title",
            header.name.span,
            help=['write `title zh "…" en "…"`'],
        )
    titles = bilingual(report, title.texts, "title") if title else ir.Bilingual()
    notice = one(report, header.entries, nodes.Notice, "notice")
    entry = one(report, header.entries, nodes.InForce, "in force", within=header.name)
    if entry is None:
        return PolicyInfo(document, None, Label(report.source, header.name.span))
    place = Label(report.source, entry.span)
    start = ir.UNKNOWN if entry.start is None else calendar.instant(report, entry.start)
    end = None if entry.end is None else calendar.instant(report, entry.end)
    if start is None or (end is None and entry.end is not None) or calendar.zone is None:
        return PolicyInfo(document, None, place)
    if end is not None and end <= start:
        report.add(
            "E0502",
            f"version {header.version} of `{document.name}` is never in force",
            entry.span,
            "it ends before it starts" if end < start else "it ends when it starts",
            help=["the end is the first day on which it no longer holds"],
        )
        return PolicyInfo(document, None, place)
    definition = ir.VersionDef(
        policy=document.name,
        version=header.version,
        start=start,
        end=end,
        zone=calendar.zone.key,
        title=titles,
        notice=notice.file.value if notice else "",
        source=report.source.name,
    )
    return PolicyInfo(document, definition, place)


def _until(info: PolicyInfo, following: PolicyInfo | None) -> PolicyInfo:
    """The version with its end: its own, or where the next one starts."""
    definition = info.definition
    assert definition is not None
    if definition.end is not None or following is None or following.definition is None:
        return info
    start = following.definition.start
    if start == definition.start:
        return info  # reported by `_check_order`
    return PolicyInfo(
        info.document,
        ir.VersionDef(
            policy=definition.policy,
            version=definition.version,
            start=definition.start,
            end=start,
            zone=definition.zone,
            title=definition.title,
            notice=definition.notice,
            source=definition.source,
        ),
        info.place,
    )


def _check_order(earlier: PolicyInfo, later: PolicyInfo) -> None:
    one_def, two_def = earlier.definition, later.definition
    assert one_def is not None
    assert two_def is not None
    same = version_key(one_def.version) == version_key(two_def.version)
    if same:
        return  # reported as a version that is given twice
    overlap = one_def.end > two_def.start if one_def.end is not None else False
    if overlap or one_def.start == two_def.start:
        later.document.report.add(
            "E0503",
            f"versions {one_def.version} and {two_def.version} of `{one_def.policy}` are in force "
            "at the same time",
            later.place.span,
            f"version {two_def.version}",
            others=[Label(earlier.place.source, earlier.place.span, f"version {one_def.version}")],
            help=[f"end version {one_def.version} where version {two_def.version} starts"],
            notes=["at each instant one version of a policy decides"],
        )
    elif version_key(one_def.version) > version_key(two_def.version):
        later.document.report.add(
            "W0906",
            f"version {two_def.version} of `{one_def.policy}` follows version {one_def.version}",
            later.place.span,
            "",
            others=[Label(earlier.place.source, earlier.place.span, "in force before it")],
            help=["number versions in the order in which they come into force"],
        )


# ── Clauses ──────────────────────────────────────────────────────────────────────────────────────


def declare_clauses(document: Document, version: int) -> list[tuple[nodes.Clause, ir.ClauseDef]]:
    """The clauses of a policy version, in the natural order of their numbers: 2.9 before 2.10."""
    report = document.report
    found = []
    for node in document.of(nodes.Clause):
        if node.status and not any(text.value.strip() for text in node.reason):
            report.add(
                "E0509",
                f"clause {node.id.text} is `{node.status}`, and no reason is given",
                Span(node.id.span.start, node.quote.span.end),
                "",
                help=[f'write why: `{node.status} zh "…" en "…"`'],
            )
        found.append(
            (
                node,
                ir.ClauseDef(
                    id=node.id.text,
                    quote=node.quote.value,
                    version=version,
                    fingerprint=fingerprint(node.quote.value),
                    status=node.status,
                    reason=bilingual(report, node.reason),
                ),
            )
        )
    return sorted(found, key=lambda pair: clause_key(pair[1].id))


def clause_key(id: str) -> tuple[tuple[int, str], ...]:
    """Orders the numbers of clauses part by part, numbers before names."""
    key = []
    for part in id.split("."):
        rest = part.lstrip("0123456789")
        number = part[: len(part) - len(rest)].lstrip("0")
        key.append((len(number), f"{number}\0{rest}"))
    return tuple(key)
