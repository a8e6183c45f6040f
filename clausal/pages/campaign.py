"""The report of a campaign as a page, and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from clausal.campaign import Campaign, MeasureFigures, RuleFigures
from clausal.compiler.ir import Bilingual
from clausal.coverage import ClauseCoverage, percent_reached
from clausal.duties import State, Told
from clausal.pages import charts
from clausal.pages.html import STATUSES, drawn, page, span
from clausal.truth import Ratio

STATES: Final = {
    State.MET: Bilingual("已履行", "met"),
    State.BREACHED: Bilingual("未履行", "breached"),
    State.UNKNOWN: Bilingual("未知", "not known"),
}
OUTCOMES: Final = {
    "open": Bilingual("待决", "open"),
    "upheld": Bilingual("维持", "upheld"),
    "changed": Bilingual("变更", "changed"),
    "overturned": Bilingual("撤销", "overturned"),
    "out_of_time": Bilingual("逾期", "out of time"),
}
_MOST_BARS: Final = 25


@dataclass(frozen=True, slots=True)
class _RuleRow:
    name: str
    title: Bilingual
    clauses: tuple[str, ...]
    figures: RuleFigures


@dataclass(frozen=True, slots=True)
class _MeasureRow:
    name: str
    title: Bilingual
    grade: int
    figures: MeasureFigures


def campaign_page(
    found: Campaign, clauses: Sequence[ClauseCoverage], told: Sequence[Told]
) -> bytes:
    """The page.

    Args:
        found: The figures.
        clauses: What the policy asks, and what answers it.
        told: Its duties over the period.

    Raises:
        MissingExtraError: if what draws pages or charts is not installed.
    """
    rules = _rules(found)
    measures = _measures(found)
    shown: dict[str, str] = {}
    if days := found.every_day():
        places = [f"{day:%m-%d}" for day, _ in days]
        peak = max(days, key=lambda one: one[1].cases)
        alt = (
            f"Cases by day from {days[0][0]} to {days[-1][0]}: {found.cases:,} in all, at most "
            f"{peak[1].cases:,}, on {peak[0]}."
        )
        shown["days"] = charts.columns("days", alt, places, [("cases", [d.cases for _, d in days])])
    if fired := [row for row in rules if row.figures.fired + row.figures.shadow][:_MOST_BARS]:
        series = [
            ("enforced", [row.figures.fired for row in fired]),
            ("shadow", [row.figures.shadow for row in fired]),
        ]
        most = fired[0]
        alt = f"How often each rule fired; {most.name} most often, {most.figures.fired + most.figures.shadow:,} times."
        shown["rules"] = charts.bars("rules", alt, [row.name for row in fired], _present(series))
    if measures:
        series = [
            ("at once", [row.figures.now for row in measures]),
            ("for review", [row.figures.review for row in measures]),
            ("covered", [row.figures.covered for row in measures]),
            ("shadow", [row.figures.shadow for row in measures]),
        ]
        most_of = max(measures, key=lambda row: row.figures.total)
        alt = f"Measures by kind; {most_of.name} most often, {most_of.figures.total:,} times."
        names = [row.name for row in measures]
        shown["measures"] = charts.bars("measures", alt, names, _present(series))
    return page(
        "campaign.html",
        found=found,
        versions=[(version, span(version)) for version in found.versions],
        clauses=clauses,
        counts={
            status: sum(clause.status == status for clause in clauses)
            for status in STATUSES
            if any(clause.status == status for clause in clauses)
        },
        reached=percent_reached(clauses),
        rules=rules,
        silent=[row for row in rules if not row.figures.fired + row.figures.shadow],
        measures=measures,
        told=told,
        charts={name: drawn(chart) for name, chart in shown.items()},
        titles={rule.name: rule.title for rule in found.corpus.rules if _ours(found, rule.version)},
        states=STATES,
        outcomes=OUTCOMES,
        amount=amount,
        percent=percent,
    )


def campaign_json(
    found: Campaign, clauses: Sequence[ClauseCoverage], told: Sequence[Told]
) -> dict[str, object]:
    """The same as JSON-ready values."""
    period = found.period
    return {
        "policy": found.policy,
        "versions": [version.version for version in found.versions],
        "period": None
        if period is None
        else {"from": period.first.isoformat(), "until": period.last.isoformat()},
        "events": found.events,
        "cases": found.cases,
        "bad": found.bad,
        "clauses": [
            {
                "version": clause.version,
                "clause": clause.id,
                "quote": clause.quote,
                "status": clause.status,
                "reason": _texts(clause.reason),
                "rules": list(clause.rules),
                "duties": list(clause.duties),
                "tests": len(clause.tests),
            }
            for clause in clauses
        ],
        "days": [
            {"day": day.isoformat(), "events": None if found.events is None else one.events,
             "cases": one.cases, "measures": one.measures}
            for day, one in found.every_day()
        ],
        "rules": [
            {
                "rule": row.name,
                "title": _texts(row.title),
                "clauses": list(row.clauses),
                "fired": row.figures.fired,
                "shadow": row.figures.shadow,
                "undetermined": row.figures.undetermined,
                "appeals": None if found.appeals is None else row.figures.precision.to_dict(),
            }
            for row in _rules(found)
        ],
        "measures": [
            {
                "sanction": row.name,
                "title": _texts(row.title),
                "grade": row.grade,
                "now": row.figures.now,
                "review": row.figures.review,
                "covered": row.figures.covered,
                "shadow": row.figures.shadow,
                **(
                    {}
                    if found.appeals is None
                    else {
                        "approved": row.figures.approved,
                        "rejected": row.figures.rejected,
                        "applied": row.figures.applied,
                        "ended": dict(sorted(row.figures.ended.items())),
                    }
                ),
            }
            for row in _measures(found)
        ],
        "ladder_steps": [
            {"ladder": ladder, "step": step, "count": count}
            for (ladder, step), count in sorted(found.steps.items())
        ],
        "reviews": None if found.appeals is None else found.reviews.to_dict(),
        "appeals": None
        if found.appeals is None
        else {**{one: found.appeals[one] for one in OUTCOMES}, "stood": found.appeals_stood.to_dict()},
        "duties": [
            {
                "duty": one.duty.name,
                "state": str(one.state),
                "figure": one.whole.figure,
                "threshold": one.threshold,
                "bound": one.duty.bound,
                "rows": one.whole.rows,
            }
            for one in told
        ],
        "typical_cases": [
            {
                "id": kind.id,
                "day": kind.day.isoformat(),
                "count": kind.count,
                "rules": list(kind.rules),
                "measures": [_texts(one) for one in kind.measures],
            }
            for kind in found.kinds
        ],
    }  # fmt: skip


def _ours(found: Campaign, version: int) -> bool:
    return found.corpus.versions[version].policy == found.policy


def _rules(found: Campaign) -> list[_RuleRow]:
    """The rules of all versions, each name once, the most frequent first."""
    rows: dict[str, _RuleRow] = {}
    for rule in found.corpus.rules:
        if _ours(found, rule.version):
            ids = tuple(found.corpus.clauses[at].id for at in rule.clauses)
            figures = found.rules.get(rule.name, RuleFigures())
            rows[rule.name] = _RuleRow(rule.name, rule.title, ids, figures)
    for name, figures in found.rules.items():  # Of a version that the bundle no longer holds.
        rows.setdefault(name, _RuleRow(name, Bilingual(), (), figures))
    return sorted(rows.values(), key=lambda r: (-r.figures.fired - r.figures.shadow, r.name))


def _measures(found: Campaign) -> list[_MeasureRow]:
    known = {sanction.name: sanction for sanction in found.corpus.sanctions}
    rows = [
        _MeasureRow(
            name,
            known[name].title if name in known else Bilingual(),
            known[name].grade if name in known else 0,
            figures,
        )
        for name, figures in found.measures.items()
    ]
    return sorted(rows, key=lambda row: (-row.grade, row.name))


def _present(series: Sequence[charts.Series]) -> list[charts.Series]:
    """The parts of which there is something."""
    return [one for one in series if any(one[1])] or list(series[:1])


def _texts(texts: Bilingual) -> dict[str, str]:
    return {"zh": texts.zh, "en": texts.en}


def amount(told: Told, value: float | None) -> str:
    """A figure of a duty, or what it is held to, with its unit."""
    figure = told.duty.figure
    if value is None:
        return "–"
    if figure.statistic == "share":
        return f"{100 * value:.4g}%"
    return f"{value:,.4g} {figure.unit[0]}" if figure.unit else f"{value:,.6g}"


def percent(ratio: Ratio) -> str:
    """A share in percent, with the interval in which it lies, and of how many it is."""
    share, interval = ratio.share, ratio.interval
    if share is None or interval is None:
        return "–"
    low, high = interval
    return f"{100 * share:.0f}% ({100 * low:.0f}–{100 * high:.0f}) of {ratio.of:,}"
