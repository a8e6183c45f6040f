"""`clausal report`: what a campaign came to."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from clausal.cli.duties import source_of, table_files, told_of
from clausal.cli.ledgers import opened
from clausal.cli.loading import ParamOption, bundle_of, files_of, params_of, split_inputs
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
    from collections.abc import Sequence

    from clausal.campaign import Campaign
    from clausal.compiler.ir import Corpus
    from clausal.duties import Period, Told

EXAMPLES: Final = (
    (
        "a campaign, from what `run` decided",
        "clausal report decisions.ndjson --policy cn.rumours -o report.html",
    ),
    (
        "from a ledger, with reviews, appeals and duties",
        "clausal report --ledger ledger.db --policy cn.rumours --tables data -o report.html",
    ),
    ("for a program", "clausal report policies decisions.ndjson --json"),
)


def command(
    inputs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="INPUTS",
            help="First a bundle, or policy files and folders (else the policies that ship); then "
            "files of decisions, as `clausal run` writes them.",
            show_default=False,
        ),
    ] = None,
    policy: Annotated[
        str,
        typer.Option(
            "--policy",
            metavar="NAME",
            help="The policy to report on; needed where there are several.",
            show_default=False,
        ),
    ] = "",
    period: Annotated[
        str,
        typer.Option(
            "--period",
            metavar="PERIOD",
            help="As of `clausal duties`; else the days on which the policy is in force.",
            show_default=False,
        ),
    ] = "",
    ledger: Annotated[
        str | None,
        typer.Option(
            "--ledger",
            "-l",
            metavar="LEDGER",
            help="Take cases, measures, reviews and appeals from a ledger instead of decisions.",
            show_default=False,
        ),
    ] = None,
    table: Annotated[
        list[str] | None,
        typer.Option(
            "--table",
            metavar="NAME=FILE",
            help="A table that duties read; may be repeated.",
            show_default=False,
        ),
    ] = None,
    tables: Annotated[
        Path | None,
        typer.Option(
            "--tables",
            metavar="DIR",
            help="A folder with a file for each table of duties.",
            show_default=False,
        ),
    ] = None,
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Write the report as a page that stands alone.",
            show_default=False,
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON object.")] = False,
    param: ParamOption = None,
    _color: ColorOption = None,
    _debug: DebugOption = False,
) -> int:
    """Report on a campaign: what it asks, coverage, volumes, duties, typical cases.

    Volumes are told by day, rule and measure; from a ledger, also ladder steps, and reviews and
    appeals with the precision that they show. The page is one file, without scripts or network.
    Ids of cases are hashed with a salt that is thrown away, and what people wrote is left out.
    """
    from clausal.coverage import measure_coverage
    from clausal.pages.campaign import campaign_json, campaign_page
    from clausal.testing import run_tests

    policies, decisions = split_inputs(inputs or [])
    _check(decisions, ledger, output, as_json=as_json)
    keep_apart([output] if output else [], [*decisions, *(files_of(policies) if policies else [])])
    bundle = bundle_of(policies, params_of(param))
    corpus = bundle.artifact.corpus
    name = _policy(corpus, policy)
    asked = _period(corpus, name, period)
    found = _figures(corpus, name, asked, decisions, ledger)
    if not found.cases and found.bad and not found.events:
        raise CommandError("not one line is a decision", code=Exit.INPUT)
    told = _duties(found, table or [], tables, ledger)
    covered = measure_coverage(corpus, run_tests(bundle))
    clauses = [clause for clause in covered.clauses if clause.policy == name]
    if found.bad:
        report("note", f"{counted(found.bad, 'line')} are no decisions")
    if output is not None:
        with drawing():
            write_output(output, campaign_page(found, clauses, told))
    if as_json:
        print_json(campaign_json(found, clauses, told))
    elif output != STDIO:
        show(safe(f"wrote {output}: {counted(found.cases, 'case')} of {name}"))
    return Exit.FINE


def _check(
    decisions: Sequence[str], ledger: str | None, output: str | None, *, as_json: bool
) -> None:
    if bool(decisions) == (ledger is not None):
        raise CommandError(
            "no decisions are named" if ledger is None else "a ledger stands alone",
            code=Exit.USAGE,
            hint="name files of decisions, or a ledger with `--ledger`",
        )
    if output is None and not as_json:
        raise CommandError(
            "no output is named", code=Exit.USAGE, hint="say `-o report.html`, or `--json`"
        )
    if output == STDIO and as_json:
        raise CommandError("two outputs would go to one file", code=Exit.USAGE)


def _policy(corpus: Corpus, name: str) -> str:
    from clausal.dsl.suggest import nearest

    known = sorted({version.policy for version in corpus.versions})
    if not name and len(known) == 1:
        return known[0]
    if name in known:
        return name
    close = nearest(name, known) if name else None
    raise CommandError(
        f"there is no policy `{inline(name)}`" if name else "there are several policies",
        code=Exit.USAGE,
        hint=f"did you mean `{close}`?" if close else f"say `--policy {known[0]}`, or another",
    )


def _period(corpus: Corpus, name: str, text: str) -> Period | None:
    from clausal.campaign import campaign_period
    from clausal.cli.duties import period_named

    if text:
        return period_named(text)
    return campaign_period([one for one in corpus.versions if one.policy == name])


def _figures(
    corpus: Corpus, name: str, period: Period | None, decisions: Sequence[str], ledger: str | None
) -> Campaign:
    from clausal.campaign import of_decisions, of_ledger

    if ledger is None:
        return of_decisions(corpus, name, period, decisions)
    with opened(ledger) as found:
        return of_ledger(corpus, name, period, (entry.fact for entry in found.entries()))


def _duties(
    found: Campaign, given: Sequence[str], folder: Path | None, ledger: str | None
) -> list[Told]:
    from datetime import timedelta

    import msgspec

    from clausal.duties import Period, tables_of

    corpus = found.corpus
    duties = tuple(
        duty for duty in corpus.duties if corpus.versions[duty.version].policy == found.policy
    )
    files = table_files(tables_of(corpus.duties), given, folder)
    period = found.period
    if period is None and found.first is not None and found.last is not None:
        period = Period(found.first, found.last + timedelta(days=1))
    if period is None or not duties:
        return []
    with source_of(ledger) as source:
        return told_of(msgspec.structs.replace(corpus, duties=duties), period, files, source)
