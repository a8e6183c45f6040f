"""The summary of a run, as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TextIO

from clausal.cli.shell import console_for, counted, safe

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

    from clausal.compiler.ir import Bilingual, Corpus
    from clausal.summary import Summary

_MOST_FIELDS: Final = 10
_MOST_CAUSES: Final = 10


def print_summary(summary: Summary, corpus: Corpus, stream: TextIO, *, stopped: bool) -> None:
    """Print what a run came to: by rule, measure, ladder, lacking field and cause of bad events."""
    console = console_for(stream)
    parts = [
        _rules(summary),
        _measures(summary),
        _steps(summary),
        _lacks(summary),
        _causes(summary),
    ]
    for part in parts:
        if part is not None:
            console.print(part)
            console.print()
    silent = _silent(summary, corpus)
    if silent is not None:
        console.print(silent)
    console.print(_totals(summary, stopped=stopped))


def bilingual(texts: Bilingual, style: str = "") -> Text:
    """Both languages next to each other, safe to print."""
    from rich.text import Text

    zh, en = safe(texts.zh, style), safe(texts.en, style)
    return Text(" ").join(part for part in (zh, en) if part)


def table(*columns: tuple[str, str]) -> Table:
    """An open table: headed columns, `name` and justification of each, without a frame."""
    from rich import box
    from rich.table import Table

    made = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold", show_edge=False)
    for name, justify in columns:
        if justify == "right":
            made.add_column(name, justify="right", no_wrap=True)
        else:
            made.add_column(name, overflow="fold", no_wrap=justify == "fixed")
    return made


def number(value: int, style: str = "") -> Text:
    """A count; zero is left blank, so that the others stand out."""
    from rich.text import Text

    return Text(f"{value:,}" if value else "", style=style)


def _rules(summary: Summary) -> Table | None:
    fired = summary.fired_rules()
    if not fired:
        return None
    rows = table(
        ("Rule", "left"),
        ("", "left"),
        ("fired", "right"),
        ("shadow", "right"),
        ("unsettled", "right"),
    )
    before = None
    for count in fired:
        policy = count.policy, count.version
        if policy != before:
            before = policy
            rows.add_row(safe(f"{count.policy} {count.version}", "bold"))
        rows.add_row(
            safe(f"  {count.rule}"),
            bilingual(count.title, "dim"),
            number(count.fired),
            number(count.shadow, "dim"),
            number(count.undetermined, "dim"),
        )
    return rows


def _measures(summary: Summary) -> Table | None:
    counts = summary.by_grade()
    if not counts:
        return None
    rows = table(
        ("Measure", "left"),
        ("", "left"),
        ("grade", "right"),
        ("at once", "right"),
        ("after review", "right"),
        ("covered", "right"),
        ("shadow", "right"),
    )
    for count in counts:
        rows.add_row(
            safe(count.sanction),
            bilingual(count.title, "dim"),
            str(count.grade),
            number(count.effective),
            number(count.review, "yellow"),
            number(count.covered, "dim"),
            number(count.shadow, "dim"),
        )
    return rows


def _steps(summary: Summary) -> Table | None:
    if not summary.steps:
        return None
    rows = table(("Ladder", "left"), ("step", "right"), ("strikes", "right"))
    for (ladder, step), count in sorted(summary.steps.items()):
        rows.add_row(safe(ladder), str(step), number(count))
    return rows


def _lacks(summary: Summary) -> Table | None:
    counts = summary.by_lack()
    if not counts:
        return None
    rows = table(("Lacking field", "left"), ("absent", "right"), ("failed", "right"))
    for count in counts[:_MOST_FIELDS]:
        rows.add_row(safe(count.field), number(count.absent), number(count.failed, "yellow"))
    if len(counts) > _MOST_FIELDS:
        rows.add_row(safe(f"and {counted(len(counts) - _MOST_FIELDS, 'more field')}", "dim"))
    return rows


def _causes(summary: Summary) -> Table | None:
    counts = summary.by_cause()
    if not counts:
        return None
    rows = table(("Bad event", "left"), ("events", "right"), ("first at", "left"))
    for count in counts[:_MOST_CAUSES]:
        rows.add_row(safe(count.cause), number(count.count, "red"), safe(count.first))
    if len(counts) > _MOST_CAUSES:
        rows.add_row(safe(f"and {counted(len(counts) - _MOST_CAUSES, 'more cause')}", "dim"))
    return rows


def _silent(summary: Summary, corpus: Corpus) -> Text | None:
    """How many rules never fired: perhaps well, perhaps for want of a field."""
    fired = {(c.policy, c.version, c.rule) for c in summary.fired_rules()}
    rules = [
        (corpus.versions[r.version].policy, corpus.versions[r.version].version, r.name)
        for r in corpus.rules
    ]
    silent = sum(rule not in fired for rule in rules)
    if not summary.decided or not silent:
        return None
    return safe(f"{silent} of {counted(len(rules), 'rule')} never fired", "dim")


def _totals(summary: Summary, *, stopped: bool) -> Text:
    from rich.text import Text

    parts = [
        counted(summary.events, "event"),
        f"{summary.with_findings:,} with findings",
        f"{summary.with_measures:,} with measures",
        f"{summary.with_undetermined:,} with unsettled rules",
    ]
    line = Text("stopped after " if stopped else "", style="bold")
    line.append(", ".join(parts), style="bold")
    if summary.bad:
        line.append(f", {summary.bad:,} bad", style="bold red")
    line.append(f"  in {summary.seconds:.2f} s ({summary.rate:,.0f} events/s)", style="dim")
    return line
