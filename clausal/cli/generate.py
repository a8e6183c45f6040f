"""``clausal generate``: events of an invented platform, to try policies without real users."""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Mapping
from typing import Annotated, Final

import typer

from clausal.cli.shell import (
    STDIO,
    ColorOption,
    CommandError,
    DebugOption,
    Exit,
    counted,
    keep_apart,
    open_output,
)

EXAMPLES: Final = (
    ("ten thousand events, and what was truly going on", "clausal generate -o events.ndjson --truth truth.ndjson"),
    ("a million events of another world", "clausal generate --profile M --seed 2 -o events.ndjson"),
    ("ten times as many staged videos", "clausal generate --rate staged=900 -o events.ndjson"),
    (
        "accounts that were struck before",
        "clausal generate --ladder cn.self_media_traffic.fabrication -o events.ndjson",
    ),
)  # fmt: skip

_WORLD_PANEL: Final = "World"


def command(
    profile: Annotated[
        str,
        typer.Option(
            help="How large: S (10 thousand events), M (1 million), L (100 million).",
            rich_help_panel=_WORLD_PANEL,
        ),
    ] = "S",
    seed: Annotated[
        int,
        typer.Option(
            min=0,
            max=2**32 - 1,
            help="The same seed gives the same bytes.",
            rich_help_panel=_WORLD_PANEL,
        ),
    ] = 1,
    events: Annotated[
        int | None,
        typer.Option(
            min=1, help="How many events, instead of the profile's.", rich_help_panel=_WORLD_PANEL
        ),
    ] = None,
    start: Annotated[
        dt.datetime | None,
        typer.Option(
            formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S%z"],
            help="The first day (at +08:00 unless an offset is given); 2024-04-23 unless told.",
            show_default=False,
            rich_help_panel=_WORLD_PANEL,
        ),
    ] = None,
    days: Annotated[
        float, typer.Option(min=0.01, help="How long it lasts.", rich_help_panel=_WORLD_PANEL)
    ] = 61,
    rate: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CONDUCT=N",
            help="Events of a conduct per 100,000; may be repeated.",
            rich_help_panel=_WORLD_PANEL,
        ),
    ] = None,
    ladder: Annotated[
        str | None,
        typer.Option(
            help="Give every event the history of its account on this ladder.",
            rich_help_panel=_WORLD_PANEL,
        ),
    ] = None,
    output: Annotated[
        str, typer.Option("--output", "-o", help="Where events go; - is standard output.")
    ] = STDIO,
    truth: Annotated[
        str | None, typer.Option(help="Where the truth behind each event goes.")
    ] = None,
    color: ColorOption = None,
    debug: DebugOption = False,
) -> None:
    """Write events of an invented platform as lines of JSON, in order of time.

    Accounts, hot events, conduct, detectors that err and verdicts that come late are all drawn from
    the seed. What is truly going on behind each event is written apart, with --truth, so that
    decisions can be held against it.
    """
    try:
        from dataclasses import replace

        from clausal.generator import PROFILES, generate, write
    except ImportError as error:
        raise CommandError(
            "generating events needs NumPy", code=Exit.USAGE, hint="pip install 'clausal[generate]'"
        ) from error
    if profile not in PROFILES:
        raise CommandError(
            f"there is no profile `{profile}`",
            code=Exit.USAGE,
            hint=f"choose {', '.join(PROFILES)}",
        )
    keep_apart([output] if truth is None else [output, truth])
    chosen = PROFILES[profile]
    first = start or chosen.start
    try:
        world = replace(
            chosen,
            events=events or chosen.events,
            accounts=min(chosen.accounts, max(1, events or chosen.events)),
            start=first if first.tzinfo else first.replace(tzinfo=chosen.start.tzinfo),
            days=days,
            rates={**chosen.rates, **_rates(rate or [], chosen.rates)},
        )
        world.start + dt.timedelta(days=days)
    except OverflowError as error:
        raise CommandError("the world ends after the calendar does", code=Exit.USAGE) from error
    except ValueError as error:
        raise CommandError(str(error), code=Exit.USAGE) from error
    items = generate(world, seed, ladder=ladder)
    with open_output(output) as out:
        if truth is None:
            count = write(items, out)
        else:
            with open_output(truth) as aside:
                count = write(items, out, aside)
    sys.stderr.write(counted(count, "event") + "\n")


def _rates(given: list[str], known: Mapping[str, float]) -> dict[str, float]:
    from clausal.dsl.diagnostics import nearest

    names = list(known)
    rates: dict[str, float] = {}
    for text in given:
        name, _, number = text.partition("=")
        if name not in names:
            found = nearest(name, names)
            hint = f"did you mean `{found}`?" if found else f"there are {', '.join(names)}"
            raise CommandError(f"there is no conduct `{name}`", code=Exit.USAGE, hint=hint)
        try:
            rates[name] = float(number)
        except ValueError as error:
            raise CommandError(
                f"`{text}` is not CONDUCT=N, such as {name}=900", code=Exit.USAGE
            ) from error
    return rates
