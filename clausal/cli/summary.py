"""The summary of a run, as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TextIO

from clausal.cli.shell import counted, safe, show

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.table import Table
    from rich.text import Text

    from clausal.compiler.ir import Bilingual, Corpus
    from clausal.summary import Summary
    from clausal.truth import Held, Hits, Ratio

_MOST_FIELDS: Final = 10
_MOST_CAUSES: Final = 10


def print_summary(
    summary: Summary, corpus: Corpus, stream: TextIO, *, stopped: bool = False, written: str = ""
) -> None:
    """Print what a run came to: by rule, measure, ladder, lacking field and cause of bad events.

    Where the truth is known, rules and measures are held against it. `written` says where the decisions went.
    """
    parts = [
        _rules(summary),
        _measures(summary),
        _steps(summary),
        _lacks(summary),
        _unknown(summary, corpus),
        _causes(summary),
        *_held(summary),
    ]
    for part in parts:
        if part is not None:
            show(part, "", stream=stream)
    silent = _silent(summary, corpus)
    if silent:
        show(safe(silent, "dim"), stream=stream)
    missed = "" if summary.held is None else _missed(summary.held)
    if missed:
        show(safe(missed, "yellow"), stream=stream)
    show(*_totals(summary, stopped=stopped, written=written), stream=stream)


def bilingual(texts: Bilingual, style: str = "") -> Text:
    """Both languages next to each other, safe to print."""
    from rich.text import Text

    zh, en = safe(texts.zh, style), safe(texts.en, style)
    return Text(" ").join(part for part in (zh, en) if part)


def title(texts: Bilingual) -> Text:
    """A title in a table: both languages, on one line, cut where the line is full."""
    text = bilingual(texts, "dim")
    text.no_wrap, text.overflow = True, "ellipsis"
    return text


def table(*columns: tuple[str, str]) -> Table:
    """An open table without a frame: the heading of each column, and what is in it.

    A "name" and a "fixed" text stay on one line; "text" is broken where the line is full; "count" is
    a number.
    """
    from rich import box
    from rich.table import Table

    made = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold", show_edge=False)
    for heading, kind in columns:
        match kind:
            case "count":
                made.add_column(heading, justify="right", no_wrap=True)
            case "text":
                made.add_column(heading, overflow="fold")
            case _:
                made.add_column(heading, no_wrap=True, overflow="ellipsis")
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
        ("Rule", "name"),
        ("", "text"),
        ("fired", "count"),
        ("shadow", "count"),
        ("undetermined", "count"),
    )
    before = None
    for count in fired:
        policy = count.policy, count.version
        if policy != before:
            before = policy
            rows.add_row(safe(f"{count.policy} {count.version}", "bold"))
        rows.add_row(
            safe(f"  {count.rule}"),
            title(count.title),
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
        ("Measure", "name"),
        ("", "text"),
        ("grade", "count"),
        ("now", "count"),
        ("review", "count"),
        ("covered", "count"),
        ("shadow", "count"),
    )
    for count in counts:
        rows.add_row(
            safe(count.sanction),
            title(count.title),
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
    rows = table(("Ladder", "name"), ("step", "count"), ("strikes", "count"))
    for (ladder, step), count in sorted(summary.steps.items()):
        rows.add_row(safe(ladder), str(step), number(count))
    return rows


def _lacks(summary: Summary) -> Table | None:
    counts = summary.by_lack()
    if not counts:
        return None
    rows = table(("Lacking field", "name"), ("absent", "count"), ("failed", "count"))
    for count in counts[:_MOST_FIELDS]:
        rows.add_row(safe(count.field), number(count.absent), number(count.failed, "yellow"))
    if len(counts) > _MOST_FIELDS:
        rows.add_row(safe(f"and {counted(len(counts) - _MOST_FIELDS, 'more field')}", "dim"))
    return rows


def known_keys(fields: Iterable[tuple[str, ...]]) -> list[str]:
    """The paths of fields and of their groups: a group that is misspelt is told as one key."""
    from clausal.engine.problem import place

    paths = {path[:end] for path in fields for end in range(1, len(path) + 1)}
    return [place(path) for path in sorted(paths)]


def _unknown(summary: Summary, corpus: Corpus) -> Table | None:
    from clausal.dsl.suggest import nearest

    found = summary.by_unknown()
    if not found:
        return None
    known = known_keys(field.path for field in corpus.fields)
    rows = table(("Unknown field", "name"), ("events", "count"), ("nearest known", "text"))
    for key, count in found[:_MOST_FIELDS]:
        rows.add_row(safe(key), number(count), safe(nearest(key, known) or ""))
    if len(found) > _MOST_FIELDS:
        rows.add_row(safe(f"and {counted(len(found) - _MOST_FIELDS, 'more field')}", "dim"))
    if summary.inspected < summary.events:
        rows.add_row(safe(f"in the first {counted(summary.inspected, 'event')}", "dim"))
    return rows


def _causes(summary: Summary) -> Table | None:
    counts = summary.by_cause()
    if not counts:
        return None
    rows = table(("Bad event", "text"), ("events", "count"), ("first at", "text"))
    for count in counts[:_MOST_CAUSES]:
        rows.add_row(safe(count.cause), number(count.count, "red"), safe(count.first))
    if len(counts) > _MOST_CAUSES:
        rows.add_row(safe(f"and {counted(len(counts) - _MOST_CAUSES, 'more cause')}", "dim"))
    return rows


def _held(summary: Summary) -> list[Table]:
    """Rules and measures held against the truth."""
    held = summary.held
    if held is None:
        return []
    rules = _held_table("Rule, held against the truth")
    before = None
    for (policy, version, rule), hits in sorted(held.rules.items()):
        if (policy, version) != before:
            before = policy, version
            rules.add_row(safe(f"{policy} {version}", "bold"))
        rules.add_row(safe(f"  {rule}"), *_held_cells(held, hits))
    measures = _held_table("Measure, held against the truth")
    for count in summary.by_grade():
        if count.sanction in held.measures:
            cells = _held_cells(held, held.measures[count.sanction])
            measures.add_row(safe(count.sanction), *cells)
    for name, hits in (("any finding", held.findings), ("any measure", held.measured)):
        cells = _held_cells(held, hits, everything=True)
        measures.add_row(safe(name, "bold"), *cells)
    return [rules, measures] if held.rules else [measures]


def _held_table(heading: str) -> Table:
    return table(
        (heading, "name"),
        ("precision %", "count"),
        ("innocents hit %", "count"),
        ("recall %", "text"),
    )


def _held_cells(held: Held, hits: Hits, *, everything: bool = False) -> list[Text]:
    name, recall = held.recall(hits)
    if everything:
        name, recall = "all breaches", held.recall_of_all(hits)
    cell = _ratio(recall)
    if name:
        cell.append(" of ", style="dim").append_text(safe(name))
    return [_ratio(held.precision(hits)), _ratio(held.innocents(hits), "red"), cell]


def _ratio(ratio: Ratio, style: str = "") -> Text:
    """A share in percent, with the interval in which it lies."""
    from rich.text import Text

    share, interval = ratio.share, ratio.interval
    if share is None or interval is None:
        return Text("")
    low, high = interval
    cell = Text(_percent(share), style=style if ratio.count else "dim")
    return cell.append(f" ({_percent(low)}–{_percent(high)})", style="dim")


def _percent(share: float) -> str:
    """In percent, to two digits; to three near 100, which is not 100."""
    percent = 100 * share
    if percent < 9.95:
        return f"{percent:.2g}"
    return f"{percent:.1f}" if 99 < percent < 100 else f"{percent:.0f}"


def _missed(held: Held) -> str:
    """What could not be held against the truth, or stood in it for nothing."""
    parts = []
    if held.without_truth:
        parts.append(f"of {counted(held.without_truth, 'event')} the truth is not known")
    if held.without_event:
        parts.append(f"{counted(held.without_event, 'truth')} of events that were not decided")
    return "; ".join(parts)


def _silent(summary: Summary, corpus: Corpus) -> str:
    """How many rules in force never fired: perhaps well, perhaps for want of a field."""
    fired = {(count.policy, count.version, count.rule) for count in summary.fired_rules()}
    versions = corpus.versions
    held = {at for at, version in enumerate(versions) if summary.in_force(version)}
    rules = [rule for rule in corpus.rules if rule.version in held]
    if corpus.rules and summary.decided and not rules:
        return "no rule was in force when these events happened"
    silent = sum(
        (versions[rule.version].policy, versions[rule.version].version, rule.name) not in fired
        for rule in rules
    )
    return f"{silent} of {counted(len(rules), 'rule')} in force never fired" if silent else ""


def _totals(summary: Summary, *, stopped: bool, written: str) -> list[Text]:
    from rich.text import Text

    line = Text("stopped after " if stopped else "", style="bold")
    line.append(f"{counted(summary.events, 'event')}: {summary.with_findings:,} with findings")
    line.append(f", {summary.with_measures:,} with measures")
    line.append(f", {summary.with_undetermined:,} with undetermined rules")
    if summary.bad:
        line.append(f", {summary.bad:,} bad", style="red")
    end = safe(written)
    end.append(f"{summary.seconds:.2f} s, {summary.rate:,.0f} events/s", style="dim")
    return [line, end]
