"""Duties: what a platform owes over a period, by a figure of a table."""

from __future__ import annotations

from typing import Final, cast

from clausal.compiler import ir
from clausal.compiler.checking.amounts import Dimension, Measured, duration, number
from clausal.compiler.checking.entries import one
from clausal.compiler.checking.rules import PolicyChecker
from clausal.compiler.checking.texts import bilingual
from clausal.dsl import nodes
from clausal.dsl.source import Span

_BARE: Final = frozenset({Dimension.PLAIN, Dimension.NUMBER})
_SHARES: Final = frozenset({Dimension.PLAIN, Dimension.SHARE})


def declare_duties(policy: PolicyChecker) -> list[ir.DutyDef]:
    """The duties of a policy version that are sound, by name."""
    found = [_duty(policy, node) for node in policy.scope.document.of(nodes.Duty)]
    return sorted(filter(None, found), key=lambda duty: duty.name)


def _duty(policy: PolicyChecker, node: nodes.Duty) -> ir.DutyDef | None:
    report, name, entries = policy.report, node.name, node.entries
    title = one(report, entries, nodes.Title, "title")
    clauses = policy.clauses(node)
    figure = _figure(policy, one(report, entries, nodes.Figure, "measure", within=name))
    table = one(report, entries, nodes.InTable, "in", within=name)
    time = one(report, entries, nodes.TimeColumn, "time", within=name)
    bound = one(report, entries, nodes.Threshold, "at", within=name)
    threshold = _threshold(policy, bound, figure)
    over = one(report, entries, nodes.Over, "over")
    window = None if over is None else _window(policy, over)
    because = one(report, entries, nodes.Because, "because")
    titles = bilingual(report, title.texts, "title") if title else ir.Bilingual()
    reason = bilingual(report, because.texts, "reason") if because else ir.Bilingual()
    if (
        clauses is None
        or figure is None
        or table is None
        or time is None
        or bound is None
        or threshold is None
        or (over is not None and window is None)
    ):
        return None
    line, _ = report.source.position(node.span.start)
    return ir.DutyDef(
        name=name.text,
        version=policy.numbers.version,
        clauses=clauses,
        figure=figure,
        table=table.table.text,
        time=time.column.text,
        bound="most" if bound.kind == "most" else "least",
        threshold=threshold,
        per_period=bound.per_period,
        over=window,
        title=titles,
        because=reason,
        line=line,
    )


def _figure(policy: PolicyChecker, node: nodes.Figure | None) -> ir.FigureDef | None:
    if node is None:
        return None
    rank: float | None = None
    if node.rank is not None:
        measured = number(policy.report, node.rank)
        if measured is None:
            return None
        rank = measured.value
        if node.rank.suffix or not 0 < rank <= 100:
            policy.report.add(
                "E0419",
                f"there is no percentile {policy.report.text(node.rank.span)}",
                node.rank.span,
                "expected more than 0 and at most 100, such as `95`",
            )
            return None
    return ir.FigureDef(
        statistic=cast("ir.Statistic", node.statistic),
        columns=tuple(column.text for column in node.columns),
        unit=cast("ir.Unit", node.unit),
        rank=rank,
    )


def _window(policy: PolicyChecker, node: nodes.Over) -> int | None:
    length = duration(policy.report, node.window)
    if length is not None and length < ir.SHORTEST_WINDOW:
        policy.report.add(
            "E0412", "a duty is told over windows of an hour or more", node.window.span
        )
        return None
    return length


# ── Thresholds ───────────────────────────────────────────────────────────────────────────────────


def _threshold(
    policy: PolicyChecker, node: nodes.Threshold | None, figure: ir.FigureDef | None
) -> ir.Constant | ir.Param | None:
    """What the figure is held to; None after reporting, also when the figure is in error."""
    if node is None:
        return None
    value = node.value
    if isinstance(value, nodes.Name):
        found = policy.scope.find(nodes.Param, value)
        if found is None:
            return None
        info = policy.definitions.param_infos[id(found.node)]
        if info is None or figure is None:
            return None
        param = policy.definitions.params[info.index]
        values = [v for v in (param.value, param.low, param.high) if v is not None]
        fits = _fits(policy, value.span, figure, info.dimension, values)
        return ir.Param(info.index) if fits else None
    measured = _literal(policy, value)
    if measured is None or figure is None:
        return None
    if not _fits(policy, value.span, figure, measured.dimension, [measured.value]):
        return None
    if measured.dimension is Dimension.DURATION:
        return ir.Constant(measured.value / ir.UNITS[figure.unit])
    return ir.Constant(measured.value)


def _literal(policy: PolicyChecker, node: nodes.Number | nodes.Duration) -> Measured | None:
    if isinstance(node, nodes.Number):
        return number(policy.report, node)
    length = duration(policy.report, node)
    return None if length is None else Measured(float(length), Dimension.DURATION)


def _fits(
    policy: PolicyChecker,
    span: Span,
    figure: ir.FigureDef,
    dimension: Dimension,
    values: list[float],
) -> bool:
    """Whether a figure can be held to values of that dimension; reports that it cannot (E0419)."""
    shown = policy.report.text(span)
    if figure.unit:
        allowed, expected = _BARE | {Dimension.DURATION}, f"a number of {figure.unit} or a duration"
    elif figure.statistic == "share":
        allowed, expected = _SHARES, "a share, from 0% to 100%"
    elif figure.statistic == "count":
        allowed, expected = _BARE, "a number"
    else:
        allowed, expected = _BARE | _SHARES, "a number or a share"
    if dimension not in allowed:
        policy.report.add(
            "E0419",
            f"the figure cannot be held to `{shown}`, a {dimension}",
            span,
            f"expected {expected}",
        )
        return False
    if figure.statistic == "share" and not all(0 <= value <= 1 for value in values):
        policy.report.add("E0419", f"no share is ever `{shown}`", span, f"expected {expected}")
        return False
    return True
