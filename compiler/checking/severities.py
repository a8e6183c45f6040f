"""The words for how grave conduct is."""

from __future__ import annotations

from clausal.compiler import ir
from clausal.compiler.checking.report import Report, one_of, suggest
from clausal.dsl import nodes


def severity(report: Report, name: nodes.Name) -> ir.Severity | None:
    """The severity of that name; None after reporting that there is none (E0402)."""
    for known in ir.SEVERITIES:
        if known == name.text:
            return known
    report.add(
        "E0402",
        f"there is no severity `{name.text}`",
        name.span,
        "",
        help=suggest(name.text, ir.SEVERITIES) or [f"from the lightest: {one_of(ir.SEVERITIES)}"],
    )
    return None
