"""`clausal coverage`: what of the notices is encoded and tested."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from itertools import groupby
from typing import TYPE_CHECKING, Annotated, Final

import typer

from clausal.cli.loading import PolicyPaths, compiled
from clausal.cli.shell import (
    ColorOption,
    DebugOption,
    Exit,
    counted,
    print_json,
    safe,
    show,
)

if TYPE_CHECKING:
    from rich.text import Text

    from clausal.coverage import ClauseCoverage, Coverage

EXAMPLES: Final = (
    ("every clause with its rules and tests", "clausal coverage policies"),
    ("as a gate", "clausal coverage policies --require-accounted --fail-under 90"),
    ("for a program", "clausal coverage policies --json"),
)

_GATES: Final = "Gates (exit code 1)"
_STYLES: Final = {
    "cited": "green",
    "duty": "cyan",
    "unaccounted": "bold red",
    "pending": "yellow",
    "not enforced": "magenta",
    "organisational": "dim",
}


def command(
    paths: PolicyPaths = None,
    fail_under: Annotated[
        float | None,
        typer.Option(
            "--fail-under",
            min=0,
            max=100,
            metavar="PERCENT",
            help="Fail if tests reach fewer of the clauses that are to be enforced.",
            rich_help_panel=_GATES,
        ),
    ] = None,
    require_accounted: Annotated[
        bool,
        typer.Option(
            "--require-accounted",
            help="Fail if a clause is neither cited nor recorded with a status.",
            rich_help_panel=_GATES,
        ),
    ] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Show quotes and reasons in full.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON object.")] = False,
    _color: ColorOption = None,
    _debug: DebugOption = False,
) -> int:
    """List the clauses of each notice, with their status, rules and tests.

    A clause is cited by rules or duties, or recorded as organisational, pending or not enforced, each with a
    reason; otherwise it is unaccounted for. The percentage is the share of the clauses to be
    enforced (cited or unaccounted) for which a test makes a citing rule fire.
    """
    from clausal.coverage import measure_coverage
    from clausal.engine.evaluator import Bundle
    from clausal.testing import run_tests

    bundle = Bundle(compiled(paths))
    corpus = bundle.artifact.corpus
    covered = measure_coverage(corpus, run_tests(bundle))
    if as_json:
        print_json(_as_json(covered))
    else:
        for (policy, version), clauses in groupby(
            covered.clauses, key=lambda clause: (clause.policy, clause.version)
        ):
            _print_version(f"{policy} {version}", list(clauses), verbose=verbose)
        print_unreached(covered)
        show(_totals(covered))
    too_low = fail_under is not None and covered.percent < fail_under
    return Exit.FINDINGS if too_low or (require_accounted and covered.unaccounted) else Exit.FINE


def _print_version(name: str, clauses: list[ClauseCoverage], *, verbose: bool) -> None:
    from rich.text import Text

    from clausal.cli.summary import bilingual, table

    rows = table(
        ("Clause", "fixed"),
        ("", "text"),
        ("status", "fixed"),
        ("rules", "text"),
        ("tests", "count"),
    )
    for clause in clauses:
        quote = safe(clause.quote)
        explained = safe(", ".join((*clause.rules, *clause.duties)))
        if not verbose:
            quote.no_wrap, quote.overflow = True, "ellipsis"
        elif not clause.rules and not clause.duties:
            explained = bilingual(clause.reason, "dim")
        tests = Text(str(len(clause.tests))) if clause.tests else Text()
        if clause.rules and not clause.tests:
            tests = Text("none", style="yellow")
        status = safe(clause.status, _STYLES.get(clause.status, ""))
        rows.add_row(safe(clause.id), quote, status, explained, tests)
    show(safe(name, "bold"), rows, "")


def print_unreached(covered: Coverage) -> None:
    """Name the rules, clauses and ladder steps that no test reaches."""
    steps = [f"{step[0].rpartition('.')[2]} {step[2]}" for step in covered.unreached_steps]
    parts = (
        ("rule", [rule for _, _, rule in covered.unreached_rules]),
        ("clause", [clause.id for clause in covered.unreached_clauses]),
        ("ladder step", steps),
    )
    for noun, names in parts:
        if names:
            show(safe(f"{counted(len(names), noun)} that no test reaches:", "yellow"))
            show(safe(f"  {', '.join(names)}"))
    if not any(names for _, names in parts):
        show(safe("tests reach every rule, cited clause and ladder step", "green"))
    show("")


def _totals(covered: Coverage) -> Text:
    from rich.text import Text

    statuses = Counter(clause.status for clause in covered.clauses)
    line = Text(counted(len(covered.clauses), "clause"), style="bold")
    for status, style in _STYLES.items():
        if statuses[status]:
            line.append(", ", style="bold").append(f"{statuses[status]} {status}", style=style)
    return line.append(
        f"; tests reach {covered.percent:.1f}% of those to be enforced", style="bold"
    )


def unreached_json(covered: Coverage) -> dict[str, object]:
    """What no test reaches, as JSON-ready values."""
    return {
        "rules": [
            {"policy": policy, "version": version, "rule": rule}
            for policy, version, rule in covered.unreached_rules
        ],
        "clauses": [
            {"policy": clause.policy, "version": clause.version, "clause": clause.id}
            for clause in covered.unreached_clauses
        ],
        "ladder_steps": [
            {"ladder": ladder, "version": version, "step": step}
            for ladder, version, step in covered.unreached_steps
        ],
    }


def _as_json(covered: Coverage) -> dict[str, object]:
    clauses: list[dict[str, object]] = []
    for clause in covered.clauses:
        value = asdict(clause)
        value["reason"] = {"zh": clause.reason.zh, "en": clause.reason.en}
        clauses.append(value)
    return {
        "percent": round(covered.percent, 2),
        "clauses": clauses,
        "unreached": unreached_json(covered),
    }
