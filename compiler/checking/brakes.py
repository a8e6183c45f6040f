"""Brakes: after how many targets in a day a rule is taken out of force until a person releases it."""

from __future__ import annotations

from clausal.compiler import ir
from clausal.compiler.checking.amounts import Dimension, duration, number
from clausal.compiler.checking.scopes import Scope
from clausal.dsl import nodes


def declare_brakes(
    scope: Scope, node: nodes.Rule, mode: nodes.Mode | None
) -> tuple[ir.BrakeDef, ...] | None:
    """The brakes of a rule, in an order of their own; None after reporting what is wrong."""
    report = scope.report
    entries = [entry for entry in node.entries if isinstance(entry, nodes.Brake)]
    found: dict[ir.BrakeDef, nodes.Brake] = {}
    sound = True
    for entry in entries:
        brake = _brake(scope, entry)
        if brake is None:
            sound = False
            continue
        first = found.setdefault(brake, entry)
        if first is not entry:
            report.add(
                "W0904",
                "this brake stands here twice",
                entry.span,
                others=[report.label(first.span, "first given here")],
            )
    if entries and mode is not None and mode.mode == "shadow":
        report.add(
            "E0421",
            "a rule in shadow needs no brake",
            entries[0].span,
            "it would be taken out of force",
            others=[report.label(mode.span, "the rule is never enforced")],
        )
        return None
    return tuple(sorted(found, key=_order)) if sound else None


def _order(brake: ir.BrakeDef) -> tuple[object, ...]:
    after = -1 if brake.after_change is None else brake.after_change
    return brake.target, brake.share, brake.limit, after


def _brake(scope: Scope, node: nodes.Brake) -> ir.BrakeDef | None:
    report = scope.report
    target = scope.find(nodes.Target, node.by)
    most = number(report, node.most)
    after = None if node.after_change is None else duration(report, node.after_change)
    least = 0 if node.least is None else _whole(scope, node.least)
    if after is not None and after <= 0 and node.after_change is not None:
        report.add("E0412", "this time has no length", node.after_change.span)
        after = None
    if (
        target is None
        or most is None
        or least is None
        or (node.after_change is not None and after is None)
    ):
        return None
    if most.dimension is not Dimension.SHARE:
        if node.least is not None:
            report.add(
                "E0421",
                "this brake is a number of targets already",
                node.least.span,
                "expected after a share, such as `2%`",
            )
            return None
        limit = _whole(scope, node.most)
        return None if limit is None else ir.BrakeDef(node.by.text, limit, 0.0, after)
    if not 0 < most.value < 1:
        report.add(
            "E0421",
            f"a brake at {report.text(node.most.span)} "
            + ("holds the rule back always" if most.value <= 0 else "never holds"),
            node.most.span,
            "expected more than 0% and less than 100%",
        )
        return None
    return ir.BrakeDef(node.by.text, least, most.value, after)


def _whole(scope: Scope, node: nodes.Number) -> int | None:
    """A number of targets, of which there is one at least."""
    measured = number(scope.report, node)
    if measured is None:
        return None
    if measured.dimension is not Dimension.SHARE and measured.value >= 1:
        whole = int(measured.value)
        if whole == measured.value:
            return whole
    scope.report.add(
        "E0421",
        f"`{scope.report.text(node.span)}` is not a number of targets",
        node.span,
        "expected a whole number of 1 or more",
        help=["write a share with its sign: `2%`"]
        if measured.dimension is not Dimension.SHARE and 0 < measured.value < 1
        else [],
    )
    return None
