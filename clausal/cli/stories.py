"""`clausal ledger show` and `clausal ledger statement`: what a ledger tells of parties and cases."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal

import typer

from clausal.cli.ledgers import LedgerOption, opened
from clausal.cli.people import AtOption, instant
from clausal.cli.shell import (
    ColorOption,
    CommandError,
    DebugOption,
    Exit,
    counted,
    inline,
    print_json,
    print_text,
    reason,
    safe,
    show,
)

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text

    from clausal.enforcement.timeline import Moment, Story
    from clausal.enforcement.words import Words

_MARKS: Final = {
    "incident": ("◆", "bold"),
    "case": ("├", ""),
    "finding": ("│", "cyan"),
    "strike": ("×", "magenta"),
    "measure": ("■", "yellow"),
    "applied": ("▶", "yellow"),
    "ended": ("□", "green"),
    "voided": ("∅", "green"),
    "replayed": ("↓", "green"),
    "review": ("?", "blue"),
    "appeal": ("!", "blue"),
    "outcome": ("=", "blue"),
    "listed": ("·", "red"),
}


def show_story(
    ledger: LedgerOption,
    subject: Annotated[
        str,
        typer.Argument(
            metavar="SUBJECT", help="Whom or what: account:a-1, or a-1 where that says it."
        ),
    ],
    at: AtOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON object.")] = False,
    _color: ColorOption = None,
    _debug: DebugOption = False,
) -> int:
    """Tell the whole story of a subject: what was found, struck, done, reviewed, appealed against.

    With --at as it stood then: what came later is not told.
    """
    from clausal.enforcement.timeline import UnknownPartyError, party_of, story

    when = instant(at)
    with opened(ledger) as opening:
        try:
            told = story(opening, party_of(opening, subject), when)
        except UnknownPartyError as error:
            raise _unknown(error) from error
    if as_json:
        print_json(_as_json(told))
    else:
        show(*_story(told))
    return Exit.FINE


def _unknown(error: Exception) -> CommandError:
    others = getattr(error, "others", ())
    if others:
        return CommandError(
            f"`{inline(str(error))}` may be {', '.join(map(inline, others))}",
            code=Exit.USAGE,
            hint="name its kind, too",
        )
    return CommandError(f"the ledger knows nothing of `{inline(str(error))}`", code=Exit.INPUT)


def print_statement(
    ledger: LedgerOption,
    case: Annotated[str, typer.Argument(metavar="CASE", help="The name of the case.")],
    lang: Annotated[
        Literal["zh", "en"], typer.Option("--lang", help="The language of the letter.")
    ] = "zh",
    markdown: Annotated[bool, typer.Option("--markdown", help="Print Markdown.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON object.")] = False,
    dsa: Annotated[
        bool,
        typer.Option("--dsa", help="Print what the European transparency database takes (v2)."),
    ] = False,
    words: Annotated[
        Path | None,
        typer.Option(
            "--words",
            metavar="FILE",
            help="What the platform's own words mean, in TOML; else those of the shipped library.",
            show_default=False,
        ),
    ] = None,
    at: Annotated[
        str | None,
        typer.Option(
            "--at",
            metavar="TIME",
            help="The edition of that time; else the last.",
            show_default=False,
        ),
    ] = None,
    _color: ColorOption = None,
    _debug: DebugOption = False,
) -> int:
    """Print the statement of reasons of a case: what was found, why, until when, how to appeal."""
    from clausal.enforcement.letters import letter
    from clausal.enforcement.statements import UnknownCaseError, tell, to_builtins

    if markdown + as_json + dsa > 1:
        raise CommandError("choose one of --markdown, --json and --dsa", code=Exit.USAGE)
    known = None if words is None else _words(words)
    when = None if at is None else instant(at)
    with opened(ledger) as opening:
        try:
            told = tell(opening, case, when)
        except UnknownCaseError as error:
            raise CommandError(
                f"there is no case `{inline(case)}`" + (" at that time" if when else ""),
                code=Exit.INPUT,
                hint="`clausal ledger show SUBJECT` names the cases of a subject",
            ) from error
    if as_json:
        print_json(to_builtins(told))
    elif dsa:
        _print_dsa(told, known)
    else:
        print_text(letter(told, lang, "markdown" if markdown else "text", known).rstrip("\n"))
    return Exit.FINE


def _words(path: Path) -> Words:
    from clausal.enforcement.words import read

    try:
        return read(path)
    except OSError as error:
        raise CommandError(f"cannot read `{path}`: {reason(error)}", code=Exit.INPUT) from error
    except ValueError as error:
        raise CommandError(
            f"`{path}` is no table of words: {inline(str(error))}", code=Exit.INPUT
        ) from error


def _print_dsa(told: object, words: Words | None) -> None:
    import json

    from pydantic import ValidationError

    from clausal.enforcement.dsa import NothingToReportError, to_dsa
    from clausal.enforcement.statements import Statement

    assert isinstance(told, Statement)
    try:
        made = to_dsa(told, words)
    except NothingToReportError as error:
        raise CommandError(f"there is nothing to report: {error}", code=Exit.INPUT) from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "it"
        raise CommandError(
            f"the database would refuse it: {place}: {inline(first['msg'])}",
            code=Exit.INPUT,
            hint="its words come from the table that `--words` names",
        ) from error
    print_json(json.loads(made.to_json()))


# ── The story ────────────────────────────────────────────────────────────────────────────────────


def _story(told: Story) -> list[RenderableType]:
    from rich.table import Table

    from clausal.cli.summary import table

    parts: list[RenderableType] = [
        safe(told.party, "bold").append(f"  as of {_when(told.at, told.zone)}", style="dim"),
        "",
    ]
    line = Table.grid(padding=(0, 1), pad_edge=False)
    for wrap in (False, False, False, True):
        line.add_column(no_wrap=not wrap, overflow="fold")
    before = ""
    for one in told.moments:
        when = _when(one.at, told.zone)
        mark, style = _MARKS[one.what]
        if one.shadow or one.over:
            style = "dim"
        line.add_row(
            safe("" if when == before else when, "dim"),
            safe(mark, style),
            safe(one.what, style),
            _moment(one, told),
        )
        before = when
    parts += [line if told.moments else "nothing happened", ""]
    if told.held:
        rows = table(("In effect", "text"), ("grade", "count"), ("by", "text"))
        for held in told.held:
            rows.add_row(safe(held.said), str(held.grade), safe(", ".join(held.measures)))
        parts += [rows, ""]
    else:
        parts.append("nothing is in effect")
    for points in told.points:
        parts.append(
            safe(f"{points.ladder}: {points.points:g} from {counted(points.strikes, 'strike')}")
        )
    if told.until is not None:
        parts.append(safe(f"this changes by itself on {_when(told.until, told.zone)}", "dim"))
    if told.waits:
        parts.append(safe(f"{counted(len(told.waits), 'measure')} waiting for people", "yellow"))
    return parts


def _moment(one: Moment, told: Story) -> Text:
    from clausal.cli.summary import bilingual

    style = "dim" if one.shadow or one.over else ""
    text = bilingual(one.title, style)
    if text and one.said:
        text.append("  ")
    text.append_text(safe(one.said, style))
    if one.grade is not None and one.what == "measure":
        text.append(f", grade {one.grade}", style=style)
    if one.on and one.on != told.party:
        text.append_text(safe(f", on {one.on}", style))
    if one.what in {"measure", "applied"} and one.start is not None:
        end = "no end" if one.until is None else _when(one.until, told.zone)
        text.append_text(safe(f", {_when(one.start, told.zone)} → {end}", style))
    elif one.until is not None:
        word = {"strike": "until", "listed": "until"}.get(one.what, "due")
        text.append_text(safe(f", {word} {_when(one.until, told.zone)}", style))
    if one.shadow:
        text.append(", in shadow", style="dim")
    if one.what in {"case", "measure", "appeal"}:
        text.append_text(safe(f"  {one.id}", "dim"))
    return text


def _when(at: int, zone: str) -> str:
    """An instant without its offset, and without seconds that it does not have."""
    from clausal.engine.render import rfc3339

    text = rfc3339(at, zone)
    day, clock = text[:10], text[11:-6]
    return f"{day} {clock.removesuffix(':00') if clock.count(':') == 2 else clock}"


def _as_json(told: Story) -> dict[str, object]:
    import msgspec

    from clausal.engine.render import rfc3339

    def instants(value: dict[str, object], names: tuple[str, ...]) -> dict[str, object]:
        return value | {
            name: rfc3339(at, told.zone) for name in names if isinstance(at := value.get(name), int)
        }

    found: dict[str, object] = instants(msgspec.to_builtins(told), ("at", "until"))
    found["moments"] = [
        instants(msgspec.to_builtins(one), ("at", "start", "until")) for one in told.moments
    ]
    return found


COMMANDS: Final = (
    (
        "show",
        show_story,
        (
            ("the story of an account", "clausal ledger show account:a-1 -l ledger.db"),
            (
                "as it stood then",
                "clausal ledger show a-1 --at 2024-05-01T12:00:00+08:00 -l ledger.db",
            ),
        ),
    ),
    (
        "statement",
        print_statement,
        (
            (
                "a letter in English",
                "clausal ledger statement case-75ee14a8 --lang en -l ledger.db",
            ),
            (
                "for the European database",
                "clausal ledger statement case-75ee14a8 --dsa -l ledger.db",
            ),
        ),
    ),
)
"""Name, function and examples of each command."""
