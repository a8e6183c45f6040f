"""`clausal duties`: what the platform owed over a period, and whether it did."""

from __future__ import annotations

import contextlib
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from clausal.cli.ledgers import opened
from clausal.cli.loading import ParamOption, bundle_of, params_of
from clausal.cli.shell import (
    ColorOption,
    CommandError,
    DebugOption,
    Exit,
    counted,
    inline,
    print_json,
    safe,
    show,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.text import Text

    from clausal.compiler.ir import Corpus
    from clausal.duties import Fault, Period, Source, Told, Window

EXAMPLES: Final = (
    (
        "a month, by the tables in a folder",
        "clausal duties policies --period 2024-05 --tables data",
    ),
    (
        "one table, for a program",
        "clausal duties policies --period 2024-Q2 --table rumours=r.parquet --json",
    ),
    ("what a ledger knows, from there", "clausal duties policies --period 2024-05 -l ledger.db"),
    ("which tables and columns are read", "clausal duties policies --needs"),
)

_STYLES: Final = {"met": "green", "breached": "bold red", "not known": "yellow"}
_BARS: Final = "▁▂▃▄▅▆▇█"
_MOST_BARS: Final = 16
_ENDINGS: Final = (".csv", ".csv.gz", ".parquet", ".pq")


def command(
    policies: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="POLICIES",
            help="A bundle, or policy files and folders; else the policies that ship.",
            show_default=False,
        ),
    ] = None,
    period: Annotated[
        str,
        typer.Option(
            "--period",
            metavar="PERIOD",
            help="2024, 2024-Q2, 2024-05, or 2024-05-01..2024-05-15, whose last day is not part of it.",
            show_default=False,
        ),
    ] = "",
    table: Annotated[
        list[str] | None,
        typer.Option(
            "--table",
            metavar="NAME=FILE",
            help="The CSV or Parquet file of a table; may be repeated.",
            show_default=False,
        ),
    ] = None,
    tables: Annotated[
        Path | None,
        typer.Option(
            "--tables",
            metavar="DIR",
            help="A folder with a file for each table, such as rumours.csv.",
            show_default=False,
        ),
    ] = None,
    ledger: Annotated[
        str | None,
        typer.Option(
            "--ledger",
            "-l",
            metavar="LEDGER",
            help="Take cases, measures, reviews, appeals and strikes from a ledger, where no file is given.",
            show_default=False,
        ),
    ] = None,
    needs: Annotated[
        bool,
        typer.Option("--needs", help="Show the tables and columns that duties read, and stop."),
    ] = False,
    param: ParamOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON object.")] = False,
    _color: ColorOption = None,
    _debug: DebugOption = False,
) -> int:
    """Tell the duties of a platform over a period, from tables that it hands in and from a ledger.

    Each duty is met, breached or not known; the exit code is 1 if one is breached. Rows that lack
    a value are counted and left out: what is missing speaks neither for nor against.
    """
    from clausal.duties import tables_of

    asked = period_named(period) if period or not needs else None
    corpus = bundle_of(policies or [], params_of(param)).artifact.corpus
    if asked is None or needs:
        found = _needs(corpus, asked)
        print_json(found) if as_json else _print_needs(found)
        return Exit.FINE
    files = table_files(tables_of(corpus.duties), table or [], tables)
    with source_of(ledger) as source:
        told = told_of(corpus, asked, files, source)
        lacks = _lacks(source, told)
    faults = _faults(told)
    if as_json:
        print_json(_as_json(corpus, asked, told))
    else:
        _print(corpus, told)
        absent = sorted({one.duty.table for one in told if not one.table})
        if absent:
            show(safe(f"no table was given for {', '.join(absent)}", "yellow"))
        for line in lacks:
            show(safe(line, "yellow"))
        for fault in faults:
            show(safe(f"{fault.table}, row {fault.number}: {fault.detail}", "yellow"))
        show(*([""] if faults or absent else []), _totals(told))
    breached = any(one.state == "breached" for one in told)
    return Exit.FINDINGS if breached else Exit.FINE


def period_named(text: str) -> Period:
    """The period of `--period`.

    Raises:
        CommandError: if the text names none.
    """
    from clausal.duties import period_of

    if not text:
        raise CommandError(
            "no period is given", code=Exit.USAGE, hint="say which: `--period 2024-05`"
        )
    try:
        return period_of(text)
    except ValueError as error:
        raise CommandError(
            f"`{inline(text)}` is no period", code=Exit.USAGE, hint=str(error)
        ) from error


# ── A ledger ─────────────────────────────────────────────────────────────────────────────────────


@contextlib.contextmanager
def source_of(ledger: str | None) -> Iterator[Source | None]:
    """The tables of a ledger, as it is now; none without an address.

    Raises:
        LedgerError: if it cannot be read.
    """
    if ledger is None:
        yield None
        return
    from clausal.enforcement.delivery.dispatcher import wall_clock
    from clausal.ledger_tables import LedgerTables

    with opened(ledger) as found:
        yield LedgerTables(found, wall_clock())


def told_of(
    corpus: Corpus, period: Period, files: dict[str, str], source: Source | None
) -> list[Told]:
    """What `clausal.duties.tell` tells.

    Raises:
        CommandError: if the period has too many windows.
        InputError: if a table cannot be read.
        LedgerError: if the ledger cannot be read.
    """
    from clausal.duties import tell

    try:
        return list(tell(corpus, period, files, source))
    except ValueError as error:
        raise CommandError(str(error), code=Exit.USAGE, hint="ask for a shorter period") from error


def _lacks(source: Source | None, told: Sequence[Told]) -> list[str]:
    """What tables of a ledger lack, of those that it has and no duty could be told from."""
    from clausal.duties import columns_lacking

    if source is None:
        return []
    return [
        f"the ledger has no such {'columns' if len(lacking) > 1 else 'column'} of "
        f"{one.duty.table}, which {one.duty.name} needs: {', '.join(lacking)}"
        for one in told
        if not one.table and source.columns(one.duty.table)
        if (lacking := columns_lacking(source, one.duty))
    ]


# ── Tables ───────────────────────────────────────────────────────────────────────────────────────


def table_files(known: Sequence[str], given: Sequence[str], folder: Path | None) -> dict[str, str]:
    """The file of each table: those in the folder, and those that are named.

    Raises:
        CommandError: for a table that no duty reads, and one that is there twice.
    """
    from clausal.dsl.suggest import nearest

    files: dict[str, str] = {}
    if folder is not None:
        if not folder.is_dir():
            raise CommandError(f"there is no folder `{inline(str(folder))}`", code=Exit.INPUT)
        for name in known:
            found = [
                folder / f"{name}{end}" for end in _ENDINGS if (folder / f"{name}{end}").is_file()
            ]
            if len(found) > 1:
                raise CommandError(
                    f"there are two tables `{name}`: `{found[0].name}` and `{found[1].name}`",
                    code=Exit.USAGE,
                    hint=f"choose one: `--table {name}=FILE`, without the folder",
                )
            if found:
                files[name] = str(found[0])
    named: dict[str, str] = {}
    for text in given:
        name, sign, file = (part.strip() for part in text.partition("="))
        if not (name and sign and file) or file == "-":
            raise CommandError(
                f"`{inline(text)}` names no table",
                code=Exit.USAGE,
                hint="write its name, `=` and a file: `--table rumours=rumours.csv`",
            )
        if name not in known:
            close = nearest(name, known)
            raise CommandError(
                f"no duty reads a table `{inline(name)}`",
                code=Exit.USAGE,
                hint=f"did you mean `{close}`?" if close else f"the tables are {', '.join(known)}",
            )
        if name in named:
            raise CommandError(f"the table `{name}` is given twice", code=Exit.USAGE)
        named[name] = file
    return files | named


def _needs(corpus: Corpus, period: Period | None) -> dict[str, dict[str, str]]:
    """The tables that duties read (those in force in the period, if there is one): columns, types."""
    from clausal.duties import columns_needed, in_force

    needs: dict[str, dict[str, str]] = {}
    for duty in corpus.duties:
        if period is None or in_force(corpus, duty, period) is not None:
            needs.setdefault(duty.table, {}).update(columns_needed(duty))
    return dict(sorted(needs.items()))


def _print_needs(needs: dict[str, dict[str, str]]) -> None:
    from clausal.cli.summary import table

    rows = table(("Table", "name"), ("column", "name"), ("type", "fixed"))
    for name, columns in needs.items():
        for index, (column, kind) in enumerate(columns.items()):
            rows.add_row(safe("" if index else name), safe(column), kind)
    show(rows)


# ── What is printed ──────────────────────────────────────────────────────────────────────────────


def _print(corpus: Corpus, told: Sequence[Told]) -> None:
    from itertools import groupby

    from clausal.cli.summary import table, title

    for index, some in groupby(told, key=lambda one: one.duty.version):
        version = corpus.versions[index]
        rows = table(
            ("Duty", "name"),
            ("figure", "count"),
            ("held to", "fixed"),
            ("", "fixed"),
            ("trend", "fixed"),
            ("rows", "count"),
            ("lacking", "count"),
            ("clauses", "fixed"),
            ("", "text"),
        )
        for one in some:
            rows.add_row(
                safe(one.duty.name),
                _amount(one, one.whole.figure),
                _bound(one),
                _state(one),
                _trend(one),
                f"{one.whole.rows:,}" if one.table else "–",
                f"{one.whole.lacking + one.undated + one.unreadable:,}" if one.table else "",
                safe(", ".join(corpus.clauses[at].id for at in one.duty.clauses)),
                title(one.duty.title),
            )
        show(safe(f"{version.policy} {version.version}", "bold"), rows, "")


def _state(told: Told) -> Text:
    """Whether it is met, and of how many windows that is not known."""
    text = safe(str(told.state), _STYLES[told.state])
    unknown = sum(window.figure is None for window in told.windows)
    if not told.duty.per_period and 0 < unknown < len(told.windows):
        text.append(f" in {unknown} of {len(told.windows)}" if told.state == "not known" else "")
    return text


def _bound(told: Told) -> str:
    sign = "≤" if told.duty.bound == "most" else "≥"
    # Where the windows are only for the trend.
    over = " per period" if told.duty.per_period and told.duty.over is not None else ""
    return f"{sign} {_amount(told, told.threshold)}{over}"


def _amount(told: Told, value: float | None) -> str:
    """A figure, or what it is held to, with its unit."""
    figure = told.duty.figure
    if value is None:
        return "–"
    if figure.statistic == "share":
        return f"{100 * value:.4g}%"
    return f"{value:,.4g} {figure.unit[0]}" if figure.unit else f"{value:,.6g}"


def _trend(told: Told) -> Text:
    """A bar for each window, a dot where nothing is known, and the direction in a word."""
    from rich.text import Text

    shown = told.windows[-_MOST_BARS:]
    known = [window.figure for window in shown if window.figure is not None]
    text = Text("…" if len(shown) < len(told.windows) else "")
    if len(told.windows) == 1:
        return text
    for window in shown:
        if window.figure is None:
            text.append("·", style="dim")
            continue
        low, high = min(known), max(known)
        share = (window.figure - low) / (high - low) if high > low else 0.5
        text.append(_BARS[round(share * (len(_BARS) - 1))], style=_STYLES[window.state])
    return text.append(f" {told.trend}" if told.trend else "", style="dim")


def _faults(told: Sequence[Told]) -> list[Fault]:
    """Each row that could not be read, once, though several duties read it."""
    return list(dict.fromkeys(fault for one in told for fault in one.faults))


def _totals(told: Sequence[Told]) -> Text:
    from rich.text import Text

    states = Counter(str(one.state) for one in told)
    if not told:
        return Text("no duty is in force in this period", style="bold")
    line = Text(counted(len(told), "duty", "duties"), style="bold")
    for state, style in _STYLES.items():
        if states[state]:
            line.append(", ", style="bold").append(f"{states[state]} {state}", style=style)
    return line


# ── JSON ─────────────────────────────────────────────────────────────────────────────────────────


def _as_json(corpus: Corpus, period: Period, told: Sequence[Told]) -> dict[str, object]:
    return {
        "period": {"from": period.first.isoformat(), "until": period.last.isoformat()},
        "duties": [_duty_json(corpus, one) for one in told],
    }


def _duty_json(corpus: Corpus, told: Told) -> dict[str, object]:
    import msgspec

    duty = told.duty
    version = corpus.versions[duty.version]
    clauses = [corpus.clauses[at] for at in duty.clauses]
    return {
        "policy": version.policy,
        "version": version.version,
        "duty": duty.name,
        "title": msgspec.to_builtins(duty.title),
        "because": msgspec.to_builtins(duty.because),
        "clauses": [{"id": clause.id, "quote": clause.quote} for clause in clauses],
        "state": str(told.state),
        "trend": told.trend,
        "held_to": {"at": duty.bound, "value": told.threshold, "per_period": duty.per_period},
        "measure": msgspec.to_builtins(duty.figure),
        "table": told.table,
        "undated": told.undated,
        "unreadable": told.unreadable,
        "faults": [{"row": fault.number, "detail": fault.detail} for fault in told.faults],
        **_window_json(told.whole, version.zone),
        "windows": [
            {**_window_json(window, version.zone), "state": str(window.state)}
            for window in told.windows
        ],
    }


def _window_json(window: Window, zone: str) -> dict[str, object]:
    from clausal.engine.render import rfc3339

    return {
        "from": rfc3339(window.start, zone),
        "until": rfc3339(window.end, zone),
        "figure": window.figure,
        "rows": window.rows,
        "lacking": window.lacking,
    }
