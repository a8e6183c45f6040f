"""`clausal coverage`: what of the notices is encoded and tested."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from clausal.cli.loading import PolicyPaths, compiled, files_of
from clausal.cli.shell import (
    STDIO,
    ColorOption,
    CommandError,
    DebugOption,
    Exit,
    counted,
    drawing,
    inline,
    keep_apart,
    print_json,
    report,
    safe,
    show,
    write_output,
)

if TYPE_CHECKING:
    from rich.text import Text

    from clausal.compiler.ir import Corpus
    from clausal.coverage import ClauseCoverage, Coverage

EXAMPLES: Final = (
    ("every clause with its rules and tests", "clausal coverage policies"),
    ("as a gate", "clausal coverage policies --require-accounted --fail-under 90"),
    ("for a program", "clausal coverage policies --json"),
    (
        "a page: the notices, and the rules beside each clause",
        "clausal coverage policies --html coverage.html --notices notices",
    ),
)

_GATES: Final = "Gates (exit code 1)"
_PAGE: Final = "A page"
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
    html: Annotated[
        str | None,
        typer.Option(
            "--html",
            metavar="FILE",
            help="Write a page that stands alone: the text of the notices, and the rules beside each clause.",
            show_default=False,
            rich_help_panel=_PAGE,
        ),
    ] = None,
    notices: Annotated[
        Path | None,
        typer.Option(
            "--notices",
            metavar="FOLDER",
            help="The notices, by the names that policies give them: the page shows their full text.",
            show_default=False,
            rich_help_panel=_PAGE,
        ),
    ] = None,
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

    if notices is not None and html is None:
        raise CommandError(
            "`--notices` is for a page",
            code=Exit.USAGE,
            hint="name the page to write: `--html coverage.html`",
        )
    if html is not None:
        if as_json and html == STDIO:
            raise CommandError("two outputs would go to one file", code=Exit.USAGE)
        keep_apart([html], files_of(paths))
    bundle = Bundle(compiled(paths))
    corpus = bundle.artifact.corpus
    covered = measure_coverage(corpus, run_tests(bundle))
    if html is not None:
        _write_page(html, notices, corpus, covered)
    if as_json:
        print_json(_as_json(covered))
    elif html is not None:
        if html != STDIO:
            show(safe(f"wrote {html}"), _totals(covered))
    else:
        for (policy, version), clauses in groupby(
            covered.clauses, key=lambda clause: (clause.policy, clause.version)
        ):
            _print_version(f"{policy} {version}", list(clauses), verbose=verbose)
        print_unreached(covered)
        show(_totals(covered))
    too_low = fail_under is not None and covered.percent < fail_under
    return Exit.FINDINGS if too_low or (require_accounted and covered.unaccounted) else Exit.FINE


def _write_page(name: str, folder: Path | None, corpus: Corpus, covered: Coverage) -> None:
    """Write the page; say which notices are not in the folder.

    Raises:
        CommandError: when a notice cannot be read, or the page cannot be drawn or written.
    """
    from clausal.notices import Notice, NoticeError, read_notices
    from clausal.pages.coverage import coverage_page

    found: dict[str, Notice] = {}
    names = sorted({version.notice for version in corpus.versions if version.notice})
    if folder is not None:
        if not folder.is_dir():
            raise CommandError(f"there is no folder `{inline(str(folder))}`", code=Exit.INPUT)
        try:
            found = read_notices(folder, names)
        except NoticeError as error:
            raise CommandError(str(error), code=Exit.INPUT) from error
        keep_apart([name], [str(folder / one) for one in found])
        for absent in (one for one in names if one not in found):
            report("note", f"there is no notice `{inline(absent)}` in `{inline(str(folder))}`")
    with drawing():
        write_output(name, coverage_page(corpus, covered, found))


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
